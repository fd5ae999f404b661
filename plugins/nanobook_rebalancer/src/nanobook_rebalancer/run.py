"""From targets to fills: locks, reads the audit log, and runs the steps of `session`."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from attrs import define, evolve, field

from nanobook_core.contracts import Broker, Clock, SystemClock
from nanobook_core.lob.file_layer import FileLayer
from nanobook_core.plugin import Kind, Registry, default_registry
from nanobook_rebalancer.account import account_of, check_account
from nanobook_rebalancer.anchor import anchor_key
from nanobook_rebalancer.audit import AuditLog
from nanobook_rebalancer.config import Config, RiskSettings
from nanobook_rebalancer.errors import AuditWriteError, InputError
from nanobook_rebalancer.history import History, Window, digest
from nanobook_rebalancer.journal import Journal
from nanobook_rebalancer.kill_switch import KillSwitch
from nanobook_rebalancer.leg_state import LegState
from nanobook_rebalancer.lock import RunLock
from nanobook_rebalancer.options import Options
from nanobook_rebalancer.orders import Orders
from nanobook_rebalancer.plan import Plan
from nanobook_rebalancer.planner import drifted, limits_of, risk_engine
from nanobook_rebalancer.recovery import abandon_all, adopt_surfaced, end_others, left_open
from nanobook_rebalancer.redaction import Redactor
from nanobook_rebalancer.result import Result
from nanobook_rebalancer.screen import Screen
from nanobook_rebalancer.session import Session
from nanobook_rebalancer.stop import StopFlag
from nanobook_rebalancer.target import Target, read_target
from nanobook_rebalancer.used_plugin import used_plugins
from nanobook_rebalancer.venue import Venue

_MONEY = "buying_power"


@define(kw_only=True)
class Rebalancer:
    """Runs targets on a broker, one at a time, and remembers in the audit log what was done."""

    config: Config
    broker: Broker
    registry: Registry = field(factory=default_registry)
    clock: Clock = field(factory=SystemClock)
    files: FileLayer = field(factory=FileLayer)
    redactor: Redactor = field(factory=Redactor)
    stop: StopFlag = field(factory=StopFlag)
    screen: Screen = field(factory=Screen)

    def run_file(self, path: Path, options: Options) -> Result:
        """Read targets and run them.

        Raises:
            InputError: the file is not as it must be; the audit log says so, nothing was connected.
            LockedError, AuditError, AuditWriteError, BrokerError: see `run`.

        """
        with self._journal() as journal:
            max_age = self.config.execution.target_max_age_secs
            try:
                target = read_target(path, now=self.clock.now(), max_age=max_age)
            except InputError as error:
                journal.write("target_rejected", error=str(error))
                raise
            for warning in target.warnings:
                self.screen.note(warning)
            return self._run(journal, target, options, target_file=path.name)

    def run(self, target: Target, options: Options, plan: Plan | None = None) -> Result:
        """Go from targets to fills, or with `plan`, which was made of them, from that.

        What an earlier run left open is ended first. Targets that are done are not done again, and
        a plan that was begun goes on instead of a new one.

        Raises:
            LockedError: another one is running.
            AuditError: the audit log is damaged.
            AuditWriteError: the audit log cannot be written; what was open was cancelled.
            BrokerError: the broker does not answer; what was begun is taken up by the next run.

        """
        with self._journal() as journal:
            return self._run(journal, target, options, plan)

    def recover(self, *, not_sent: Collection[str] = ()) -> Result:
        """End what earlier runs left open; nothing is sent.

        `not_sent` are client order ids of which a person has made sure that the venue never had
        them, where the venue itself cannot tell.

        Raises:
            LockedError, AuditError, AuditWriteError, BrokerError: as `run`.
            PlanError: the broker has another account.
            InputError: an id of `not_sent` is not that of an order whose fate is unknown.

        """
        with self._journal() as journal:
            account_id = account_of(self.broker, self.config)
            orders_of = partial(self._orders_of, journal)
            try:
                return self._recover(journal, account_id, orders_of, not_sent)
            except AuditWriteError:
                abandon_all(journal.history, digest(account_id), orders_of)
                raise

    def _recover(
        self,
        journal: Journal,
        account_id: str,
        orders_of: Callable[[Window], Orders],
        not_sent: Collection[str],
    ) -> Result:
        account = digest(account_id)
        windows = left_open(journal.history, account)
        for client_order_id in not_sent:
            _declare_not_sent(windows, orders_of, client_order_id)
        if not left_open(journal.history, account):
            return Result(status="done", message="Nothing to recover.")
        self.broker.connect(self.config.timeout)
        check_account(self.broker, account_id)
        stuck = adopt_surfaced(self.broker, journal.history, account, orders_of)
        stuck += end_others(journal, account, orders_of, self.screen.note)
        if stuck:
            journal.write("review", reasons=stuck)
            return Result(status="review", message="; ".join(stuck), review=tuple(stuck))
        ended = ", ".join(window.status or "incomplete" for window in windows)
        return Result(status="done", message=f"Recovered: {ended}.")

    def _orders_of(self, journal: Journal, window: Window) -> Orders:
        return Orders(
            window=window,
            venue=Venue(broker=self.broker, journal=journal, timeout=self.config.timeout),
            clock=self.clock,
            stop=self.stop,
            kill=KillSwitch(self.config.audit_path, self.files),
        )

    def _run(
        self,
        journal: Journal,
        target: Target,
        options: Options,
        plan: Plan | None = None,
        target_file: str = "",
    ) -> Result:
        limits = limits_of(self.config, target)
        session = Session(
            target=target,
            options=options,
            config=evolve(self.config, risk=limits),
            broker=self.broker,
            engine=risk_engine(limits, self.clock, self.registry, self.config.source),
            gate=risk_engine(
                self._limits_of_orders(limits), self.clock, self.registry, self.config.source
            ),
            journal=journal,
            clock=self.clock,
            stop=self.stop,
            kill=KillSwitch(self.config.audit_path, self.files),
            screen=self.screen,
            target_file=target_file,
            plugins=self._used(),
            plan=plan,
        )
        return session.run()

    def _limits_of_orders(self, limits: RiskSettings) -> RiskSettings:
        """Limits for single orders: with room for prices to move, and never beyond the money."""
        wide = drifted(limits, self.config.execution.drift_pct)
        if any(name.rpartition(":")[2] == _MONEY for name in wide.checks):
            return wide
        is_margin = self.config.account.type == "margin" and self.broker.capabilities().margin
        return evolve(wide, checks={**wide.checks, _MONEY: {"margin": is_margin}})

    def _used(self) -> list[dict[str, str]]:
        checks = (self.registry.get(Kind.RISK_CHECK, name) for name in self.config.risk.checks)
        brokers = (
            offer
            for offer in self.registry.capabilities
            if offer.kind is Kind.BROKER and offer.name == self.broker.name
        )
        return used_plugins(self.registry, [*checks, *brokers])

    @contextmanager
    def _journal(self) -> Iterator[Journal]:
        """Alone, and with everything that was written before."""
        path = self.config.audit_path
        with (
            RunLock(path, self.clock),
            AuditLog.open(
                path,
                clock=self.clock,
                files=self.files,
                redactor=self.redactor,
                key=anchor_key(),
            ) as audit,
        ):
            if audit.torn is not None:
                self.screen.note("a crash left half a record in the audit log; it is in .torn")
            history = History.fold(audit.records)
            name = f"r{len(history.names) + 1}"
            yield Journal(audit=audit, run=name, history=history, watch=self.screen.recorded)
            if (key := anchor_key()) is not None:
                audit.write_anchor(key)


def _declare_not_sent(
    windows: list[Window], orders_of: Callable[[Window], Orders], client_order_id: str
) -> None:
    for window in windows:
        for attempt in window.unresolved:
            if attempt.client_order_id == client_order_id and attempt.state.is_fate_unknown:
                reason = "a person has made sure that the venue never had it"
                orders_of(window).done(attempt, LegState.NOT_SENT, reason)
                return
    raise InputError("--not-sent", f"no order whose fate is unknown is {client_order_id!r:.80}")
