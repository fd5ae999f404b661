"""What the risk gate has to be told, because only the plan and the audit log know it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection
from decimal import Decimal

from attrs import evolve, frozen

from nanobook_core.contracts import (
    HaltedError,
    RiskOrder,
    RiskRequest,
    SentOrder,
    StaleQuoteError,
)
from nanobook_rebalancer.execution import quote_problem
from nanobook_rebalancer.history import Attempt
from nanobook_rebalancer.leg_state import LegState
from nanobook_rebalancer.orders import Orders
from nanobook_rebalancer.plan import Plan
from nanobook_rebalancer.snapshot import judged_positions
from nanobook_rebalancer.stop import StoppedError

#: How long orders are remembered for throttles.
_REMEMBERED = dt.timedelta(days=1)


@frozen(kw_only=True)
class Knowledge:
    """Of one plan, and of the window that it is executed for."""

    plan: Plan
    orders: Orders
    max_age: float
    """Seconds after which a quote is of no use."""
    is_flatten: bool = False
    """Whether a person has asked to close positions although trading is stopped."""
    leave: Collection[str] = ()
    """Symbols that are left as they are."""
    peak_since: dt.date | None = None
    """Equity before that day is no measure of a fall."""

    def complete(self, request: RiskRequest) -> RiskRequest:
        """Add the plan, what was sent of it, highest equity, that of today, and the kill flag."""
        history = self.orders.venue.journal.history
        equities = history.equity.get(self.orders.window.account, [])
        today = request.now.date().isoformat()
        since = "" if self.peak_since is None else self.peak_since.isoformat()
        of_today = [equity for when, equity in equities if when.startswith(today)]
        return evolve(
            request,
            positions=judged_positions(request.positions, request.marks, self.leave),
            planned=self.plan.changes,
            sent=self._sent({order.client_order_id for order in request.orders}, request.now),
            killed=self.orders.kill.reason(),
            flatten=self.is_flatten,
            peak_equity=max((equity for when, equity in equities if when >= since), default=None),
            day_start_equity=of_today[0] if of_today else None,
        )

    def before_sending(self, request: RiskRequest) -> RiskRequest:
        """The same, as the last thing before an order is judged and sent.

        Raises:
            StaleQuoteError: its price is of no use or too old; the order may be tried again.
            HaltedError: a stop was asked for, perhaps while the gate asked its questions.

        """
        for order in request.orders:
            quote = request.quotes[order.symbol]
            if problem := quote_problem(quote, self.orders.clock, self.max_age):
                raise StaleQuoteError(problem, retryable=True)
        known = self.complete(request)
        try:
            self.orders.check_stop()
        except StoppedError as stop:
            raise HaltedError(stop.reason) from stop
        return known

    def _sent(self, ids: set[str], now: dt.datetime) -> tuple[SentOrder, ...]:
        """Orders of the account in the last day, in all windows.

        Without those that are being judged, as they may be sent again.
        """
        history = self.orders.venue.journal.history
        since = (now - _REMEMBERED).isoformat()
        numbers = {leg.number for leg in self.plan.legs}
        return tuple(
            _sent_order(each, is_of_plan=window is self.orders.window and each.leg in numbers)
            for window in history.windows.values()
            if window.account == self.orders.window.account
            for each in window.attempts
            if each.client_order_id not in ids
            and each.state is not LegState.NOT_SENT
            and (each.sent_at >= since or not each.state.is_terminal)
        )


def _sent_order(attempt: Attempt, *, is_of_plan: bool) -> SentOrder:
    of_plan = attempt.filled if attempt.state.is_terminal else attempt.shares
    return SentOrder(
        order=RiskOrder(
            symbol=attempt.symbol,
            side=attempt.side,
            quantity=attempt.shares,
            limit_price=attempt.limit,
            client_order_id=attempt.client_order_id,
        ),
        sent_at=dt.datetime.fromisoformat(attempt.sent_at),
        of_plan=of_plan if is_of_plan else Decimal(0),
    )
