"""The kill command: it works whether the runner is well, hung, stopped or dead."""

from __future__ import annotations

import os
import re
import signal
import socket
from collections.abc import Callable
from contextlib import ExitStack, suppress
from pathlib import Path

from attrs import define, field

from nanobook_core.contracts import Broker, BrokerOrderStatus, CancelRejectedError, Clock
from nanobook_core.errors import NanobookError
from nanobook_core.plugin.discovery import described
from nanobook_rebalancer.account import check_account
from nanobook_rebalancer.audit import AuditLog
from nanobook_rebalancer.client_id import PREFIX
from nanobook_rebalancer.errors import LockedError
from nanobook_rebalancer.kill_switch import KillSwitch
from nanobook_rebalancer.lock import RunLock
from nanobook_rebalancer.redaction import Redactor
from nanobook_rebalancer.venue import cancel_ours

#: How long a runner may take to end after it was asked to, before it is made to.
_GRACE_SECONDS = 2.0
#: How long the venue may take to end all orders.
_CANCEL_SECONDS = 10.0
_POLL_SECONDS = 0.1
_OWNER = re.compile(r"process (\d+) on (.+), since .*")


@define
class KillReport:
    """What a kill came to. It is done only where nothing remains and nothing went wrong."""

    cancelled: list[str] = field(factory=list)
    """Client order ids that were open and are not any more."""
    remaining: list[str] = field(factory=list)
    """Those that may still fill."""
    problems: list[str] = field(factory=list)
    """What keeps it from being certain that nothing is open."""
    notes: list[str] = field(factory=list)

    @property
    def is_done(self) -> bool:
        """Whether it is certain that no order of ours is open."""
        return not (self.remaining or self.problems)


def kill(
    audit: Path,
    broker: Broker,
    *,
    clock: Clock,
    reason: str,
    account_id: str = "",
    timeout: float | None = None,
    redactor: Redactor | None = None,
) -> KillReport:
    """Stop the runner, cancel every order of ours over a connection of its own, and look twice.

    The kill flag comes first: whatever else fails, nothing new is sent. Then the runner is asked to
    end, and cancels too; one that does not end is ended, so that it cannot wake up and send. With
    `account_id` nothing is cancelled in another account; `timeout` is that of connecting.
    """
    report = KillReport()

    def connect() -> Broker:
        broker.connect(timeout)
        if account_id:
            check_account(broker, account_id)
        return broker

    unset = ""
    try:
        KillSwitch(audit).set(reason)
    except OSError as error:  # it may still be in effect, and the orders matter more
        unset = f"the kill switch cannot be set: {error}"
    with ExitStack() as stack:
        owner = _take_lock(stack, audit, clock)
        if owner:
            _signal(owner, signal.SIGTERM, report)
            _sweep(connect, clock, report, _GRACE_SECONDS)
            if owner := _is_held(stack, audit, clock):
                _signal(owner, getattr(signal, "SIGKILL", signal.SIGTERM), report)
                owner = _is_held(stack, audit, clock)
        _sweep(connect, clock, report, _CANCEL_SECONDS)
        if unset:
            report.problems.append(unset)
        if owner:
            report.problems.append(f"a runner is still alive: {owner}")
        else:
            _record(audit, clock, reason, report, redactor or Redactor())
    return report


def _take_lock(stack: ExitStack, audit: Path, clock: Clock) -> str:
    """Keep others from starting; returns who runs where somebody does."""
    try:
        stack.enter_context(RunLock(audit, clock))
    except LockedError as error:
        return error.owner
    except OSError:  # no runner can take it either
        return ""
    return ""


def _is_held(stack: ExitStack, audit: Path, clock: Clock) -> str:
    """Wait for the runner to end; returns who it is if it does not."""
    end = clock.monotonic() + _GRACE_SECONDS
    while (owner := _take_lock(stack, audit, clock)) and clock.monotonic() < end:
        clock.sleep(_POLL_SECONDS)
    return owner


def _signal(owner: str, number: signal.Signals, report: KillReport) -> None:
    found = _OWNER.fullmatch(owner)
    if found is None or found[2] != socket.gethostname():
        report.notes.append(f"cannot signal {owner}")
        return
    with suppress(ProcessLookupError):  # it has just ended
        try:
            os.kill(int(found[1]), number)
        except PermissionError as error:
            report.notes.append(f"cannot signal {owner}: {error}")


def _sweep(connect: Callable[[], Broker], clock: Clock, report: KillReport, seconds: float) -> None:
    """Cancel what is open until nothing is, as long as there is time."""
    end = clock.monotonic() + seconds
    seen: set[str] = {*report.cancelled, *report.remaining}
    while True:
        report.problems = []
        try:
            broker = connect()
            open_orders = _ours(broker)
        except Exception as error:  # noqa: BLE001 - whatever an adapter raises, it is tried again
            report.problems = [described(error)]
        else:
            names = [status.client_order_id for status in open_orders]
            seen.update(names)
            report.remaining = names
            report.cancelled = sorted(seen.difference(names))
            if not names:
                return
            report.problems = _cancel(broker, open_orders)
        if clock.monotonic() >= end:
            return
        clock.sleep(_POLL_SECONDS)


def _ours(broker: Broker) -> list[BrokerOrderStatus]:
    return [
        status for status in broker.open_orders("all") if status.client_order_id.startswith(PREFIX)
    ]


def _cancel(broker: Broker, orders: list[BrokerOrderStatus]) -> list[str]:
    problems = []
    for status in orders:
        try:
            cancel_ours(broker, status.client_order_id, status.symbol)
        except CancelRejectedError:  # it has ended; the next look tells
            pass
        except Exception as error:  # noqa: BLE001 - the others are cancelled all the same
            problems.append(f"{status.client_order_id}: {described(error)}")
    return problems


def _record(audit: Path, clock: Clock, reason: str, report: KillReport, redactor: Redactor) -> None:
    """Write it down where that can be done; a damaged log is no reason not to kill."""
    try:
        with AuditLog.open(audit, clock=clock, redactor=redactor) as log:
            log.append(
                "kill",
                "killed",
                {"cancelled": report.cancelled, "reason": reason, "remaining": report.remaining},
            )
    except (NanobookError, OSError) as error:
        report.notes.append(f"not in the audit log: {error}")
