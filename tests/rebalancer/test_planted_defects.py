"""Five defects planted in the real code: the matrix finds each, and says with which seed."""

import pytest
from tests.rebalancer.matrix import matrix, stratified
from tests.rebalancer.planted import Patch, planted

from nanobook_rebalancer import audit
from nanobook_rebalancer.audit import AuditLog
from nanobook_rebalancer.execution import Execution
from nanobook_rebalancer.lock import RunLock
from nanobook_rebalancer.plan import Plan
from nanobook_rebalancer.venue import Venue

#: Patches, the laws of which one has to be broken, and faults where others need not be tried.
DEFECTS = {
    "fsync removed": (
        [Patch(AuditLog, "append", "self._files.fsync(descriptor)", "pass")],
        {"J1", "J2"},
        (),
    ),
    "quantity put back into the id": (
        [Patch(Plan, "order", "leg.symbol, leg.number", "f'{leg.symbol}{quantity}', leg.number")],
        {"J1"},
        (),
    ),
    "retry with a new id": (
        [
            Patch(
                Execution,
                "_send",
                "for _ in range(_SENDS):\n",
                "for number in range(number, number + _SENDS):\n"
                "        order = self.plan.order(leg, number, shares)\n"
                "        client_order_id = str(order.client_order_id)\n",
            ),
            Patch(
                Execution,
                "_is_sent",
                "return self.orders.resolve(attempt) is Answer.FOUND",
                "return False",
            ),
        ],
        {"J1"},
        (),
    ),
    "exec-id dedupe dropped": (
        [Patch(Venue, "_take", "fill.exec_id in attempt.fills or ", "")],
        {"J2"},
        (),
    ),
    "lock skipped": (
        [
            Patch(RunLock, "__enter__", "lock(self.path)", "os.open(self.path, os.O_RDWR)"),
            Patch(audit, "hold", "fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)", "pass"),
        ],
        {"J1", "J4", "J6"},
        ("F32",),
    ),
}


@pytest.mark.parametrize("name", DEFECTS)
def test_the_matrix_finds_it(name, found):
    patches, laws, faults = DEFECTS[name]
    with planted(*patches), matrix() as runs:
        cases = [case for case in stratified(832) if not faults or case.faults[0] in faults]
        for count, case in enumerate(cases, 1):
            broken = {each.rule for each in runs.run(case).violations}
            if broken & laws:
                found.append(f"{name}: caught by run {count}, {case}: {', '.join(sorted(broken))}")
                return
    pytest.fail(f"{name} was not found in {len(cases)} runs")


def test_a_patch_that_no_longer_fits_is_an_error():
    with pytest.raises(AssertionError, match="0 times"), planted(Patch(Plan, "order", "xyz", "")):
        pass
