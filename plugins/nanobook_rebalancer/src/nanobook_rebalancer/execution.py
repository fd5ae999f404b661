"""Sends the legs of a plan."""

from __future__ import annotations

from decimal import Decimal

from attrs import define, field

from nanobook_core.contracts import (
    Broker,
    BrokerError,
    BrokerOrder,
    Clock,
    DuplicateOrderError,
    HaltedError,
    Outcome,
    Quote,
    RiskVetoError,
)
from nanobook_core.errors import ValidationError, shown
from nanobook_core.plugin.discovery import described
from nanobook_core.types import Side
from nanobook_rebalancer.config import ExecutionSettings
from nanobook_rebalancer.decimal_text import decimal_text
from nanobook_rebalancer.history import Attempt
from nanobook_rebalancer.leg import Leg, Phase
from nanobook_rebalancer.leg_state import LegState
from nanobook_rebalancer.orders import Orders
from nanobook_rebalancer.plan import Plan
from nanobook_rebalancer.stop import StoppedError
from nanobook_rebalancer.venue import Answer, is_order_id

#: How often an order may be sent under its one id.
_SENDS = 3
_BACK_OFF_SECONDS = 1.0
_QUOTES, _QUOTE_SECONDS = 3, 1.0
#: Longest time for which a signal goes unnoticed.
_NAP_SECONDS = 0.5


@define(kw_only=True)
class Execution:
    """One run over one plan; what is in its window's history is not done again.

    It makes no difference whether an order was sent by this run or by one that died: both are in
    the history, and both are asked for.
    """

    plan: Plan
    orders: Orders
    gate: Broker
    """Refuses what risk does not allow; orders go through it and nothing else does."""
    settings: ExecutionSettings
    failed: dict[int, str] = field(factory=dict)
    """Legs that are not tried again in this run, and why."""
    _next_send: float = float("-inf")

    def run(self) -> None:
        """Trade everything that is left of the plan.

        Raises:
            StoppedError: it is to end before that; `orders.wind_down` comes next.
            AuditWriteError: nothing can be recorded; `orders.abandon` comes next.

        """
        for phase in Phase:
            legs = self.plan.phase(phase)
            while True:
                worked = [self._work(leg) for leg in legs]
                if not any(worked):
                    break
                # An order whose fate is unknown is asked for when its own leg's turn has come.
                known = [
                    each for each in self.orders.window.unresolved if not each.state.is_fate_unknown
                ]
                stuck = self.orders.wait(known, self.settings.order_timeout_secs, "timeout")
                if stuck:
                    raise StoppedError("review", "; ".join(stuck))

    # What a leg needs -----------------------------------------------------------------------------

    def _work(self, leg: Leg) -> bool:
        """Bring a leg one order further; False where there is nothing to send or to wait for."""
        attempts = self.orders.window.attempts_of(leg.number)
        last = attempts[-1] if attempts else None
        if last is not None and last.state.is_fate_unknown:
            if self.orders.resolve(last) is Answer.ABSENT:
                self._send(leg, last.number, last.shares)
            return True
        if last is not None and not last.state.is_terminal:
            return True
        number, shares = self._needed(leg, last)
        if shares <= 0:
            return False
        self._send(leg, number, shares)
        return True

    def _needed(self, leg: Leg, last: Attempt | None) -> tuple[int, Decimal]:
        """Number and shares of the order that a leg needs next; 0 shares where it needs none."""
        if leg.number in self.failed or not self._may_start(leg):
            return 0, Decimal(0)
        if last is None:
            return 1, leg.quantity
        if last.state is LegState.NOT_SENT and not last.is_done:
            return last.number, last.shares
        if (
            last.state in (LegState.CANCELLED, LegState.EXPIRED)
            and last.number < self.settings.max_attempts
        ):
            # A late fill makes the remainder smaller.
            if self.orders.venue.find(last) is not Answer.FOUND:
                silence = self.orders.venue.silence.get(last.client_order_id)
                silence = silence or "the venue does not know it any more"
                raise StoppedError("review", f"{last.client_order_id}: {silence}")
            return last.number + 1, leg.quantity - self.orders.window.filled(leg.number)
        return 0, Decimal(0)

    def _may_start(self, leg: Leg) -> bool:
        if leg.after is None:
            return True
        before = next(each for each in self.plan.legs if each.number == leg.after)
        return self.orders.window.filled(before.number) == before.quantity

    # One order ------------------------------------------------------------------------------------

    def _send(self, leg: Leg, number: int, shares: Decimal) -> None:
        """Send an order, at most a few times, always under the same id."""
        orders, order = self.orders, self.plan.order(leg, number, shares)
        client_order_id = str(order.client_order_id)
        for _ in range(_SENDS):
            self._pace()
            if problem := self._price_problem(leg) or self._money_problem(leg, shares):
                self._note("order_not_sent", client_order_id, problem)
                self.failed[leg.number] = problem
                return
            orders.check_stop()
            orders.venue.journal.write(
                "order_intent",
                action=leg.action.value,
                attempt=number,
                client_order_id=client_order_id,
                leg=leg.number,
                limit=decimal_text(leg.limit),
                shares=decimal_text(shares),
                side=leg.side.value,
                symbol=leg.symbol,
            )
            attempt = orders.venue.journal.history.attempts[client_order_id]
            if self._is_sent(order, attempt):
                orders.sent_at[client_order_id] = orders.clock.monotonic()
                return
        if attempt.state is not LegState.NOT_SENT:
            raise StoppedError("review", f"{client_order_id}: {attempt.reason}")
        orders.done(attempt, LegState.NOT_SENT, attempt.reason)

    def _is_sent(self, order: BrokerOrder, attempt: Attempt) -> bool:
        """Send it once; False where it is certain that it may be sent again under the same id."""
        try:
            ack = self.gate.submit_order(order)
        except BrokerError as error:
            if error.outcome is Outcome.NOT_SENT:
                return self._is_given_up(attempt, error)
            if error.outcome is Outcome.REJECTED and not isinstance(error, DuplicateOrderError):
                self.orders.done(attempt, LegState.REJECTED, str(error))
                return True
            self._note("order_unknown", attempt.client_order_id, described(error))
        except ValidationError as error:  # an argument; brokers look before they send
            self._note("order_not_sent", attempt.client_order_id, str(error))
            self.orders.done(attempt, LegState.NOT_SENT, str(error))
            return True
        except Exception as error:  # noqa: BLE001 - a fault of the adapter: the order may be out
            self._note("order_unknown", attempt.client_order_id, described(error))
        else:
            if is_order_id(ack):
                self.orders.venue.acknowledge(attempt, ack)
                return True
            self._note("order_unknown", attempt.client_order_id, f"odd answer {shown(ack)}")
        return self.orders.resolve(attempt) is Answer.FOUND

    def _is_given_up(self, attempt: Attempt, error: BrokerError) -> bool:
        """Record that an order was not sent; False after a pause where it may be sent again."""
        self._note("order_not_sent", attempt.client_order_id, str(error))
        wait = _BACK_OFF_SECONDS if error.retry_after is None else error.retry_after
        if error.retryable and wait <= self.settings.order_timeout_secs:
            self._pause(wait)
            return False
        self.orders.done(attempt, LegState.NOT_SENT, str(error))
        if isinstance(error, RiskVetoError) and error.report is not None and error.report.halts:
            self.orders.kill.set(str(error))
        self.orders.check_stop()
        if isinstance(error, HaltedError):
            raise StoppedError("halted", str(error))
        return True

    def _pace(self) -> None:
        """Wait until the next order may be sent."""
        clock = self.orders.clock
        per_second = self.orders.venue.broker.capabilities().max_orders_per_second
        self._pause(self._next_send - clock.monotonic())
        interval = self.settings.order_interval_ms / 1000
        self._next_send = clock.monotonic() + max(interval, 1 / per_second if per_second else 0)

    def _pause(self, seconds: float) -> None:
        """Let time pass, unless the run is to stop."""
        clock = self.orders.clock
        end = clock.monotonic() + seconds
        while (left := end - clock.monotonic()) > 0:
            self.orders.check_stop()
            clock.sleep(min(left, _NAP_SECONDS))

    def _note(self, event: str, client_order_id: str, error: str) -> None:
        self.orders.venue.journal.write(event, client_order_id=client_order_id, error=error)

    # Prices ---------------------------------------------------------------------------------------

    def _price_problem(self, leg: Leg) -> str:
        """Why a leg must not be sent now; empty where nothing speaks against it."""
        problem = ""
        for ask in range(_QUOTES):
            if ask:
                self._pause(_QUOTE_SECONDS)
            if self.orders.clock.now() > self.plan.expires_at:
                return f"the plan is older than {self.plan.ttl:g} seconds"
            if not (problem := self._quote_problem(leg.symbol)):
                return ""
        return problem

    def _money_problem(self, leg: Leg, shares: Decimal) -> str:
        """Why a purchase has to wait for a reduction that did not fill, or blank.

        The plan counts on what that would have brought; without it only cash is spent.
        """
        window = self.orders.window
        is_short_of = any(
            window.filled(each.number) < each.quantity for each in self.plan.phase(Phase.REDUCE)
        )
        if leg.phase is Phase.REDUCE or leg.side is Side.SELL or not is_short_of:
            return ""
        try:
            cash = self.orders.venue.broker.account().cash
        except Exception as error:  # noqa: BLE001 - whatever an adapter raises, there is no money
            return described(error)
        units = {each.number: each.multiplier for each in self.plan.legs}
        committed = sum(
            (each.shares - each.filled) * each.limit * units.get(each.leg, Decimal(1))
            for each in window.unresolved
            if each.side is Side.BUY
        )
        if shares * leg.limit * leg.multiplier <= cash - committed:
            return ""
        return f"{leg.symbol}: a reduction did not fill, and {cash - committed} is all the cash"

    def _quote_problem(self, symbol: str) -> str:
        try:
            quote = self.orders.venue.broker.quote(symbol)
        except Exception as error:  # noqa: BLE001 - whatever an adapter raises, there is no price
            return described(error)
        return quote_problem(quote, self.orders.clock, float(self.settings.quote_max_age_secs))


def quote_problem(quote: Quote, clock: Clock, max_age: float) -> str:
    """Why no order may be sent at a quote; empty where nothing speaks against it."""
    if quote.is_halted:
        return f"{quote.symbol}: its trading is halted"
    if not quote.is_usable:
        return f"{quote.symbol}: no usable quote, bid {quote.bid}, ask {quote.ask}"
    if quote.is_delayed:
        return f"{quote.symbol}: its quote is delayed"
    if quote.is_stale(clock.monotonic(), max_age):
        return f"{quote.symbol}: the quote is older than {max_age:g} seconds, or of unknown age"
    return ""
