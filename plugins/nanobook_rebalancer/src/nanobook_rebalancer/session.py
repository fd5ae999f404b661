"""The steps of one run for one window."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from contextlib import suppress
from decimal import Decimal
from typing import Any

from attrs import define, evolve, field

from nanobook_core.contracts import (
    Broker,
    Clock,
    ConnectionState,
)
from nanobook_core.errors import ValidationError
from nanobook_core.plugin.discovery import described
from nanobook_core.risk import GatedBroker, RiskEngine, RiskReport
from nanobook_core.types import Side
from nanobook_rebalancer.account import account_of, check_account
from nanobook_rebalancer.config import Config
from nanobook_rebalancer.decimal_text import decimal_text
from nanobook_rebalancer.errors import AuditWriteError, PlanError
from nanobook_rebalancer.execution import Execution
from nanobook_rebalancer.final_position import LOOK_SECONDS, LOOKS, final_positions
from nanobook_rebalancer.history import Window, digest
from nanobook_rebalancer.holdings import Holdings
from nanobook_rebalancer.journal import Journal
from nanobook_rebalancer.kill_switch import KillSwitch
from nanobook_rebalancer.knowledge import Knowledge
from nanobook_rebalancer.leg import Phase, Skipped
from nanobook_rebalancer.naming import by_symbol, leaving
from nanobook_rebalancer.options import Options
from nanobook_rebalancer.orders import Orders
from nanobook_rebalancer.plan import Plan
from nanobook_rebalancer.planner import check_count, make_plan, risk_request
from nanobook_rebalancer.reconcile import Reconciliation, reconcile
from nanobook_rebalancer.recovery import (
    abandon_all,
    adopt_surfaced,
    counted,
    end_others,
    left_open,
    open_orders,
    orphans,
    record_late_fills,
    write_recovered,
)
from nanobook_rebalancer.report import ExecutionReport
from nanobook_rebalancer.result import Result
from nanobook_rebalancer.screen import Screen
from nanobook_rebalancer.snapshot import Snapshot, take_snapshot
from nanobook_rebalancer.stop import StopFlag, StoppedError
from nanobook_rebalancer.target import Target
from nanobook_rebalancer.venue import Venue

#: How long after it was sent an order may have fills that nobody has seen.
_LATE = dt.timedelta(days=7)
_ZERO = Decimal(0)
_ACCEPT = "look at the account; if these positions are right, run again with --accept-positions"
_UNFINISHED = "{} was begun and has not ended; run that again, or end it with `rebalancer recover`"
_OVERTAKEN = "positions have changed since the plan was made, so nothing was sent; run again"


@define(kw_only=True)
class Session:
    """Locked, with the audit log open; every step is written down before the next."""

    target: Target
    options: Options
    config: Config
    broker: Broker
    engine: RiskEngine
    """Judges a plan as a whole."""
    gate: RiskEngine
    """Judges its orders, one by one as they are sent."""
    journal: Journal
    clock: Clock
    stop: StopFlag
    kill: KillSwitch
    screen: Screen
    target_file: str = ""
    plugins: list[dict[str, str]] = field(factory=list)
    plan: Plan | None = None
    """Given where it was made before; else it is read from the log, or made."""
    account_id: str = field(init=False)
    window: Window = field(init=False)
    orders: Orders = field(init=False)
    execution: Execution | None = None
    _run_before: str = field(init=False)
    risk: RiskReport | None = None
    notes: list[str] = field(factory=list)
    """What was said beside the result."""
    is_cut: bool = False
    """Whether `--flatten` has left legs of the plan out."""

    def __attrs_post_init__(self) -> None:
        self.account_id = account_of(self.broker, self.config)
        self.window = self.journal.history.window(self.account_id, self.target.window)
        self._run_before = self.window.run
        self.orders = self._orders_of(self.window)

    def run(self) -> Result:
        """Do what is left to do; see `Rebalancer.run`."""
        if problem := self._conflict():
            self.journal.write("target_rejected", error=problem)
            return self._result("refused", problem)
        if self.window.status == "done":
            return self._result("done", f"{self.target.window} is already complete")
        if (reason := self.kill.reason()) and not self.options.flatten:
            self.journal.write("halted", reason=reason)
            return self._result("halted", reason)
        try:
            self._start()
            return self._run()
        except AuditWriteError:
            abandon_all(self.journal.history, self.window.account, self._orders_of)
            raise

    def _run(self) -> Result:
        try:
            problem = self._connect()
        except StoppedError as stop:
            # Not an end, here and below: what an earlier run has begun stays as it is.
            self._complete("error", [stop.reason])
            return self._result(stop.status, stop.reason)
        except Exception as error:
            self._complete("error", [described(error)])
            raise
        if problem:
            self._complete("error", [problem])
            return self._result("review" if self.window.unresolved else "refused", problem)
        try:
            status, message = self._trade()
        except StoppedError as stop:
            status, message = stop.status, stop.reason
        except (PlanError, ValidationError) as error:
            status, message = "refused", str(error)
        except AuditWriteError:
            raise
        except Exception as error:  # orders are ended before a fault is told
            if self.execution is None:
                self._complete("error", [described(error)])
                raise
            status, message = "review", described(error)
        return self._end_whatever_comes(status, message)

    def _conflict(self) -> str:
        """Why these weights are not those of the window, or blank."""
        window, name = self.window, self.target.window
        if not (window.status == "done" or window.is_left_open):
            return ""
        if self.plan is not None and window.is_left_open:
            return f"an earlier plan of {name} is open; `rebalancer recover` ends it"
        if sorted(map(str, window.targets or [])) != sorted(map(str, self._weights())):
            how = "done" if window.status else "begun"
            end = "" if window.status else ", or end it with `rebalancer recover`"
            return f"{name} was {how} with other weights; give these an id of their own{end}"
        return ""

    def _weights(self) -> list[dict[str, str]]:
        return [
            {"symbol": symbol, "weight": decimal_text(weight)}
            for symbol, weight in self.target.weights.items()
        ]

    # Steps ----------------------------------------------------------------------------------------

    def _start(self) -> None:
        self.journal.write(
            "run_started",
            account=self.account_id,
            account_digest=digest(self.account_id),
            broker=self.broker.name,
            dry_run=self.options.dry_run,
            flatten=self.options.flatten,
            live=self.options.live,
            plugins=self.plugins,
            target=self._weights(),
            target_file=self.target_file,
            window=self.target.window,
            window_digest=digest(self.account_id, self.target.window),
        )

    def _connect(self) -> str:
        """Connect; why nothing may be done with what is connected, or blank."""
        try:
            with self.stop.interruptible():
                self.broker.connect(self.config.timeout)
        except KeyboardInterrupt:
            raise StoppedError("interrupted", "interrupted while connecting") from None
        info = self.broker.connection()
        if info.is_live and not self.options.live:
            return f"{self.broker.name} is live: real money moves only with --live"
        if info.state is ConnectionState.READ_ONLY and not self.options.dry_run:
            return f"{self.broker.name} takes no orders: {info.detail or 'it is read-only'}"
        try:
            check_account(self.broker, self.account_id)
        except PlanError as error:
            return str(error)
        return ""

    def _trade(self) -> tuple[str, str]:
        """Go through all steps; how the run ends early and why, or blanks where it was executed."""
        self.config = leaving(self.broker, self.config)
        if self.options.dry_run:
            self._tell_of_open_orders()
        plan = None if self.options.dry_run else self._recover()
        if plan is not None:
            plan = self._only_closes(plan)
        self.orders.check_stop()
        if plan is None or not self._has_begun(plan):
            self._name()
            snapshot = self._snapshot()
            if plan is None:
                plan = self._new_plan(snapshot)
            elif snapshot.positions != dict(plan.positions):
                raise PlanError(_OVERTAKEN)
            if early := self._approve(plan, snapshot):
                return early
        self.plan = plan
        gate = GatedBroker(
            self.broker, self.gate, clock=self.clock, request=self._knowledge(plan).before_sending
        )
        self.execution = Execution(
            plan=plan, orders=self.orders, gate=gate, settings=self.config.execution
        )
        self.execution.run()
        return "", ""

    def _name(self) -> None:
        """Go by symbols from here on, whatever the target calls things."""
        told = self.target.warnings
        self.target = by_symbol(self.broker, self.target, self.config.account.leave)
        for warning in self.target.warnings[len(told) :]:
            self._note(warning)

    def _tell_of_open_orders(self) -> None:
        if count := len(open_orders(self.broker)):
            verb = "is" if count == 1 else "are"
            self._note(f"{counted(count, 'order')} of ours {verb} open; a run ends what it finds")

    def _recover(self) -> Plan | None:
        """End what other runs left open; return the plan that this one goes on with, if any.

        Raises:
            StoppedError: there are orders that nobody can explain.

        """
        history = self.journal.history
        stuck = adopt_surfaced(self.broker, history, self.window.account, self._orders_of)
        stuck += self._record_late_fills()
        stuck += end_others(
            self.journal, self.window.account, self._orders_of, self._note, self.window
        )
        for status in orphans(self.broker, history):
            line = f"{status.client_order_id}: {status.side} {status.quantity} {status.symbol}"
            if not self.options.cancel_orphans:
                stuck.append(f"{line} is open, and no record explains it (--cancel-orphans)")
            elif problem := self.orders.venue.cancel_orphan(status, self.clock):
                stuck.append(f"{line}: {problem}")
        if stuck:
            raise StoppedError("review", "; ".join(stuck))
        if not self.window.is_left_open:
            return None
        plan = Plan.from_data(self.window.plan, account_id=self.account_id)
        if not self._has_begun(plan) and self.clock.now() > plan.expires_at:
            return None
        write_recovered(self.journal, self._run_before, self.window, status="")
        return plan

    def _has_begun(self, plan: Plan) -> bool:
        """Whether an order of it may have been sent."""
        return any(self.window.attempts_of(leg.number) for leg in plan.legs)

    @property
    def _holdings(self) -> Holdings:
        return self.journal.history.holdings_of(self.window.account)

    def _explained_snapshot(self) -> Snapshot:
        """Ask what is held until it shows what is known to have been traded.

        Raises:
            StoppedError: it does not, and no person has accepted that.

        """
        problems: list[str] = []
        for look in range(LOOKS):
            if look:
                self.clock.sleep(LOOK_SECONDS)
                self.orders.check_stop()
            snapshot = take_snapshot(
                self.broker,
                self.target.weights,
                clock=self.clock,
                max_age=float(self.config.execution.quote_max_age_secs),
                account_id=self.account_id,
                leave=self.config.account.leave,
            )
            # After positions: a fill that they do not show yet makes them be asked for again.
            stuck = [] if self.options.dry_run else self._record_late_fills()
            problems = [*stuck, *self._holdings.unexplained(snapshot.positions)]
            if not problems or self.options.accept_positions:
                return snapshot
        windows = left_open(self.journal.history, self.window.account)
        begun = ", ".join(window.name for window in windows)
        way_out = _UNFINISHED.format(begun) if begun else _ACCEPT
        raise StoppedError("review", f"{'; '.join(problems)}: {way_out}")

    def _record_late_fills(self) -> list[str]:
        """Ask for fills of orders that have ended; returns what cannot be explained."""
        return record_late_fills(
            self.journal.history,
            self.window.account,
            self._orders_of,
            self.clock.now() - _LATE,
        )

    def _snapshot(self) -> Snapshot:
        snapshot = self._explained_snapshot()
        account, marks = snapshot.account, snapshot.marks
        self.journal.write(
            "positions_fetched",
            accepted=self.options.accept_positions,
            account=self.account_id,
            buying_power=decimal_text(account.buying_power),
            cash=decimal_text(account.cash),
            equity=decimal_text(account.equity),
            positions=[
                {
                    "avg_cost": None if held.avg_cost is None else decimal_text(held.avg_cost),
                    "price": decimal_text(marks[held.symbol]) if held.symbol in marks else None,
                    "qty": decimal_text(held.quantity),
                    "symbol": held.symbol,
                }
                for held in snapshot.holdings
            ],
        )
        self.orders.check_stop()
        return snapshot

    def _new_plan(self, snapshot: Snapshot) -> Plan:
        """Make the plan, or take the one that was given, and write it down."""
        first = self.window.last_leg + 1
        if self.plan is None:
            plan = make_plan(self.target, snapshot, self.config, first=first)
        elif self.clock.now() > self.plan.expires_at:
            raise PlanError(f"the plan is older than {self.plan.ttl} s; make a new one")
        elif snapshot.positions != dict(self.plan.positions):
            raise PlanError(_OVERTAKEN)
        else:
            plan = _renumbered(self.plan, first)
        plan = self._only_closes(plan)
        check_count(plan, self.config)
        if plan.legs or plan.skipped:
            self.journal.write("diff_computed", plan=plan.to_data())
        return plan

    def _only_closes(self, plan: Plan) -> Plan:
        """The plan, or with `--flatten` what of it reduces positions."""
        if not self.options.flatten:
            return plan
        closes = plan.phase(Phase.REDUCE)
        self.is_cut = len(closes) < len(plan.legs)
        return evolve(plan, legs=closes)

    def _without_trades(self, plan: Plan) -> tuple[str, str]:
        """How a run ends that has nothing to send."""
        if plan.hindered:
            return "incomplete", f"nothing can be sent; {_not_traded(plan.hindered)}"
        if self.is_cut:
            target = self.target_file or self.target.window
            return "incomplete", (
                f"under {target} nothing is to be closed, and --flatten opens nothing; "
                "a target without symbols and with allow_flatten closes everything"
            )
        self.journal.write("no_rebalance_needed")
        if plan.skipped:
            return "done", f"No rebalancing needed; {_not_traded(plan.skipped)}"
        return "done", "No rebalancing needed."

    def _approve(self, plan: Plan, snapshot: Snapshot) -> tuple[str, str] | None:
        """Check a plan and ask; how the run ends where it is not to be executed."""
        self.plan = plan
        if not plan.legs:
            return self._without_trades(plan)
        risk = self.risk = self.engine.evaluate(
            self._knowledge(plan).complete(
                # Prices of now: the plan may be one that an earlier run has made.
                evolve(risk_request(plan, snapshot, self.clock), quotes=snapshot.quotes)
            )
        )
        checks = [
            {"detail": found.detail, "name": found.name, "status": found.status.value}
            for found in risk.results
        ]
        self.journal.write("risk_check", checks=checks, passed=risk.ok)
        self.screen.plan(plan, risk)
        if not risk.ok:
            return "refused", "risk check failed: " + _listed(risk.failures)
        if self.options.dry_run:
            return "dry_run", "[DRY RUN] No orders submitted."
        return None if self.options.force or self.window.approved else self._ask()

    def _ask(self) -> tuple[str, str] | None:
        approved = self._is_confirmed()
        self.journal.write("user_confirmed", approved=approved)
        if not approved:
            return "declined", "Not confirmed. No orders submitted."
        held = {each.symbol: each.quantity for each in self.broker.positions()}
        if self.plan is not None and held != dict(self.plan.positions):
            raise PlanError(_OVERTAKEN)
        return None

    def _is_confirmed(self) -> bool:
        try:
            with self.stop.interruptible():
                approved = self.screen.confirm()
        except KeyboardInterrupt:
            raise StoppedError("interrupted", "interrupted while asking") from None
        self.stop.check()
        return approved

    # Ends -----------------------------------------------------------------------------------------

    def _end_whatever_comes(self, status: str, message: str) -> Result:
        try:
            return self._end(status, message)
        except AuditWriteError:
            raise
        except Exception as error:  # noqa: BLE001 - a fault, which must not leave orders open
            self.orders.abandon()
            review = [line for line in (message, described(error)) if line]
            self._complete("review", review)
            return self._result("review", "; ".join(review), review=tuple(review))

    def _end(self, status: str, message: str) -> Result:
        """End every order, look at what is held now, and write down how the run ended."""
        plan = self.plan
        is_executed = plan is not None and (self.execution is not None or self._has_begun(plan))
        review = [message] if status == "review" else []
        report: ExecutionReport | None = None
        positions: dict[str, Decimal] | None = None
        if not self.options.dry_run and (is_executed or self.window.unresolved):
            review += self.orders.wind_down(message)
            review += self.orders.settle()
        if plan is not None and is_executed and not self.options.dry_run:
            positions, problems = final_positions(
                self.broker, self.clock, self._holdings, self._record_late_fills
            )
            review += problems + self._beyond(plan)
            failed = {} if self.execution is None else self.execution.failed
            report = ExecutionReport.of(plan.legs, self.window, plan.currency, failed)
        review = list(dict.fromkeys(review))
        if not status:
            status = "incomplete" if report is None or report.missing else "done"
            if self.is_cut or (self.plan is not None and self.plan.hindered):
                status = "incomplete"
        if status == "done" and not review and plan is not None and positions is not None:
            missed = self._missed(plan, positions)
            status, message = ("incomplete", "; ".join(missed)) if missed else (status, message)
        if review and status in ("done", "incomplete"):
            status = "review"
        self._record_end(status, message, review)
        self._complete(status, review, report, positions)
        return self._result(
            status,
            message or "; ".join(review) or _summary(report, self.plan),
            report=report,
            reconciliation=self._reconciliation(positions),
            review=tuple(review),
        )

    def _beyond(self, plan: Plan) -> list[str]:
        """Legs of which more was traded than planned, one line each."""
        return [
            f"leg {leg.number}: {decimal_text(filled)} {leg.symbol} traded, "
            f"{decimal_text(leg.quantity)} planned"
            for leg in plan.legs
            if (filled := self.window.filled(leg.number)) > leg.quantity
        ]

    def _missed(self, plan: Plan, held: Mapping[str, Decimal]) -> list[str]:
        """Symbols that a fill of an earlier plan's order has moved meanwhile, one line each."""
        planned = dict(plan.positions)
        for leg in plan.legs:
            change = leg.quantity if leg.side is Side.BUY else -leg.quantity
            planned[leg.symbol] = planned.get(leg.symbol, _ZERO) + change
        return [
            f"{symbol}: {decimal_text(is_held)} held, {decimal_text(is_planned)} planned, run again"
            for symbol in sorted({*planned, *held})
            if abs(
                (is_held := held.get(symbol, _ZERO)) - (is_planned := planned.get(symbol, _ZERO))
            )
            > self._holdings.slack.get(symbol, _ZERO)
        ]

    def _record_end(self, status: str, message: str, review: list[str]) -> None:
        if status == "interrupted":
            self.journal.write("shutdown", signal=self.stop.signal or message)
        elif status == "halted":
            self.journal.write("halted", reason=message)
        if review:
            self.journal.write("review", reasons=review)

    def _complete(
        self,
        status: str,
        review: list[str],
        report: ExecutionReport | None = None,
        positions: dict[str, Decimal] | None = None,
    ) -> None:
        missing = 0 if report is None else len(report.missing)
        self.journal.write(
            "run_completed",
            failed=missing,
            filled=0 if report is None else len(report.trades) - missing,
            positions=None
            if positions is None
            else [
                {"qty": decimal_text(quantity), "symbol": symbol}
                for symbol, quantity in positions.items()
            ],
            review=review,
            status=status,
            submitted=sum(
                each.order_id is not None and each.client_order_id in self.orders.sent_at
                for each in self.window.attempts
            ),
        )

    def _reconciliation(self, positions: dict[str, Decimal] | None) -> Reconciliation | None:
        if positions is None or self.plan is None:
            return None
        try:
            leave = self.config.account.leave
            held = {symbol: each for symbol, each in positions.items() if symbol not in leave}
            return reconcile(self.broker, held, self.plan.targets)
        except Exception as error:  # noqa: BLE001 - all is done and written; this is only shown
            with suppress(OSError):
                self._note(f"what is held cannot be compared with the target: {described(error)}")
            return None

    def _note(self, text: str) -> None:
        self.notes.append(text)
        self.screen.note(text)

    def _result(self, status: str, message: str, **shown: Any) -> Result:
        return Result(
            status=status,
            message=message,
            window=self.target.window,
            plan=self.plan,
            risk=self.risk,
            notes=tuple(self.notes),
            **shown,
        )

    def _knowledge(self, plan: Plan) -> Knowledge:
        return Knowledge(
            plan=plan,
            orders=self.orders,
            max_age=float(self.config.execution.quote_max_age_secs),
            leave=self.config.account.leave,
            peak_since=self.config.risk.peak_since,
            is_flatten=self.options.flatten,
        )

    def _orders_of(self, window: Window) -> Orders:
        return Orders(
            window=window,
            venue=Venue(broker=self.broker, journal=self.journal, timeout=self.config.timeout),
            clock=self.clock,
            stop=self.stop,
            kill=self.kill,
            is_flatten=self.options.flatten,
        )


def _summary(report: ExecutionReport | None, plan: Plan | None) -> str:
    legs = () if report is None else report.trades
    missing = () if report is None else report.missing
    filled = f"{len(legs) - len(missing)} of {len(legs)} trades filled"
    return (
        f"{filled}; {_not_traded(plan.hindered)}"
        if plan is not None and plan.hindered
        else f"{filled}."
    )


def _not_traded(trades: Iterable[Skipped]) -> str:
    listed = "; ".join(f"{trade.symbol}: {trade.reason}" for trade in trades)
    return f"not traded: {listed}"


def _listed(found: Any) -> str:
    return "; ".join(f"{each.name}: {each.detail}" for each in found)


def _renumbered(plan: Plan, first: int) -> Plan:
    """The plan with legs from a number on: no number is used twice in a window."""
    shift = first - min((leg.number for leg in plan.legs), default=first)
    legs = tuple(
        evolve(
            leg,
            number=leg.number + shift,
            after=None if leg.after is None else leg.after + shift,
        )
        for leg in plan.legs
    )
    return evolve(plan, legs=legs)
