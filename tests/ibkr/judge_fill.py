"""What must hold of executions, of events, and of what is held."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping

from tests.fault.evidence import DOUBLED, EVENT, LOST, POSITION, Violation
from tests.fault.judge_event import judge_order_events
from tests.ibkr.evidence import Evidence, Truth

from nanobook_core.contracts import Fill
from nanobook_ibkr.simulator.record import VenueExecution


def _facts(execution: VenueExecution) -> tuple[object, ...]:
    return (
        execution.perm_id,
        execution.contract.symbol,
        execution.action.lower(),
        execution.quantity,
        execution.price,
    )


def _said(fill: Fill) -> tuple[object, ...]:
    return fill.order_id, fill.symbol, fill.side.value, fill.quantity, fill.price


def judge_fills(evidence: Evidence) -> Iterator[Violation]:
    """Each execution of ours counts once, with what it cost, as it was last corrected."""
    truth, told = evidence.truth, evidence.told
    for exec_id, count in Counter(each.exec_id for each in told.fills).items():
        if count > 1:
            yield Violation(DOUBLED, f"execution {exec_id} is in fills() {count} times")
    corrected = {each.corrects for each in told.fills}
    counted = {each.exec_id: each for each in told.fills if each.exec_id not in corrected}
    for execution in truth.own_executions:
        exec_id = execution.exec_id
        fill = counted.get(exec_id)
        if fill is None:
            yield Violation(LOST, f"execution {exec_id} of {execution.order_ref} is not in fills()")
        elif evidence.fees_known and (fill.is_fee_known, fill.fee) != (True, execution.commission):
            yield Violation(
                LOST, f"execution {exec_id} cost {execution.commission}, not {fill.fee}"
            )
    yield from _false(counted, truth)


def _false(counted: Mapping[str, Fill], truth: Truth) -> Iterator[Violation]:
    for exec_id, fill in counted.items():
        if truth.is_superseded(exec_id):
            yield Violation(DOUBLED, f"execution {exec_id} counts, though it was corrected")
        elif exec_id not in truth.standing:
            yield Violation(DOUBLED, f"execution {exec_id} never was")
        elif _said(fill) != _facts(truth.standing[exec_id]):
            yield Violation(DOUBLED, f"execution {exec_id} is {_said(fill)}")


def judge_events(evidence: Evidence) -> Iterator[Violation]:
    """No fill is told twice, but for its fee; no order comes back; and no fill is kept back."""
    truth, told = evidence.truth, evidence.told
    seen: dict[str, Fill] = {}
    for fill in (each.fill for each in told.events if each.fill is not None):
        before, execution = seen.get(fill.exec_id), truth.standing.get(fill.exec_id)
        if execution is None:
            is_true = truth.is_superseded(fill.exec_id)
        else:
            is_true = _said(fill) == _facts(execution)
        if not is_true:
            yield Violation(EVENT, f"a fill was told that never was: {fill}")
        if before is not None and (before.is_fee_known or not fill.is_fee_known):
            yield Violation(EVENT, f"execution {fill.exec_id} was told twice")
        seen[fill.exec_id] = fill
    yield from judge_order_events(each.order for each in told.events if each.order is not None)
    if told.is_whole:
        shown = seen.keys() | {each.exec_id for each in told.missed}
        for execution in truth.own_executions:
            if execution.exec_id not in shown:
                yield Violation(EVENT, f"nobody was told of execution {execution.exec_id}")


def judge_holdings(evidence: Evidence) -> Iterator[Violation]:
    """What is held, and the money."""
    ours, theirs = evidence.told.positions, evidence.truth.positions
    for symbol in sorted(ours.keys() | theirs.keys()):
        if ours.get(symbol, 0) != theirs.get(symbol, 0):
            yield Violation(
                POSITION,
                f"{ours.get(symbol, 0)} {symbol} held, {theirs.get(symbol, 0)} at the venue",
            )
    if evidence.told.cash != evidence.truth.cash:
        text = f"cash is {evidence.told.cash}, {evidence.truth.cash} at the venue"
        yield Violation(POSITION, text)
