"""Whether the paper venue takes an order."""

from __future__ import annotations

from decimal import Decimal

from nanobook_core.broker.exact import EXACT, product, total
from nanobook_core.broker.paper_account import buying_power
from nanobook_core.broker.paper_fill import crosses
from nanobook_core.broker.paper_quotes import SourceQuote, touch
from nanobook_core.broker.paper_settings import PaperRules
from nanobook_core.broker.paper_state import PaperState
from nanobook_core.broker.paper_value import PaperValue
from nanobook_core.contracts.broker_error import (
    InsufficientFundsError,
    MarketClosedError,
    NoQuoteError,
    OrderRejectedError,
    PostOnlyRejectedError,
)
from nanobook_core.contracts.broker_order import BrokerOrder, OrderType
from nanobook_core.types import Side

_ZERO = Decimal(0)


class PaperCheck:
    """Looks at the position, the price and the money that an order needs."""

    def __init__(self, state: PaperState, rules: PaperRules, value: PaperValue) -> None:
        self._state = state
        self._rules = rules
        self._value = value

    def check(self, order: BrokerOrder, source: SourceQuote | None) -> None:
        """Refuse an order that the account may not send; nothing has changed.

        Raises:
            OrderRejectedError, NoQuoteError: why not.

        """
        self._check_position(order)
        price = None if source is None else touch(source.quote, order.side)
        if order.order_type is OrderType.MARKET and price is None:
            if source is not None and source.quote.is_halted:
                raise MarketClosedError(f"{order.symbol} is halted")
            raise NoQuoteError(f"{order.symbol} has no quote to {order.side.value} at")
        if order.post_only and (order.limit_price is None or crosses(order, price)):
            raise PostOnlyRejectedError(f"{order.symbol}: it would trade at once")
        self._check_funds(order)

    def closable(self, order: BrokerOrder) -> Decimal:
        """How much of the position an order of that side can close."""
        held = self._state.holding(order.symbol).quantity
        return max(held if order.side is Side.SELL else held.copy_negate(), _ZERO)

    def check_fill(  # noqa: PLR0917 - what an execution is
        self,
        order: BrokerOrder,
        quantity: Decimal,
        price: Decimal,
        market: Decimal,
        fee: Decimal,
        cash_change: Decimal,
    ) -> None:
        """Refuse an execution for which the money is not there, whatever the order was taken for.

        Raises:
            InsufficientFundsError: a cash account would owe money, or a margin account would open
                more than its leverage lets it hold.

        """
        before = self._state.cash
        if not self._rules.is_margin:
            cash = total(before, cash_change)
            if cash < 0:
                raise InsufficientFundsError(
                    f"{order.symbol}: {quantity} at {price} with a fee of {fee} would leave {cash} "
                    f"{self._rules.currency}",
                    required=cash_change.copy_negate(),
                    available=before,
                )
            return
        closing = self.closable(order)
        opening = EXACT.subtract(quantity, closing)
        if opening <= 0:  # an exit is never held up
            return
        held = self._value.held()
        equity = total(before, *held.values())
        ours = held.pop(order.symbol, _ZERO).copy_abs()
        rules = self._value.instrument(order.symbol)
        worth = price if order.side is Side.BUY else max(price, market)
        required = total(
            _ZERO if closing else ours,
            self._value.in_base(rules, opening, worth),
            product(fee, self._value.rate(rules.currency)),
        )
        others = total(*(value.copy_abs() for value in held.values()))
        available = EXACT.subtract(product(equity, self._rules.leverage), others)
        if required > available:
            raise InsufficientFundsError(
                f"{order.symbol}: {required} {self._rules.currency} needed to hold what {quantity} "
                f"at {price} makes of it, {available} can be used",
                required=required,
                available=available,
            )

    def _check_position(self, order: BrokerOrder) -> None:
        symbol, held = order.symbol, self._state.holding(order.symbol).quantity
        after = total(held, order.signed_quantity)
        goes_through = held != 0 and after != 0 and (held > 0) != (after > 0)
        if order.reduce_only and (goes_through or after.copy_abs() >= held.copy_abs()):
            raise OrderRejectedError(
                f"{symbol}: reduce_only, and {held} is held", code="REDUCE_ONLY"
            )
        if goes_through and self._rules.splits_flips:
            raise OrderRejectedError(
                f"{symbol}: {held} is held; close it first, then open the other side", code="FLIP"
            )
        if order.side is Side.SELL:
            open_sells = total(
                *(
                    paper.left
                    for paper in self._state.open_orders()
                    if paper.record.order.symbol == symbol and paper.record.order.side is Side.SELL
                )
            )
            free = max(EXACT.subtract(held, open_sells), _ZERO)
            why = (
                "a cash account sells no shares short; margin=2 does"
                if not self._rules.is_margin
                else "allow_short is off"
                if not self._rules.allow_short
                else ""
                if self._value.instrument(symbol).shortable
                else "it cannot be sold short"
            )
            if why and order.quantity > free:
                raise OrderRejectedError(
                    f"{symbol}: {free} can be sold, got {order.quantity}: {why}", code="SHORT"
                )

    def _check_funds(self, order: BrokerOrder) -> None:
        holding = self._state.holding(order.symbol)
        ours = [(paper.record.order, paper.left) for paper in self._state.open_orders(order.symbol)]
        before, _ = self._value.exposure(holding, ours)
        after, _ = self._value.exposure(holding, [*ours, (order, order.quantity)])
        more = EXACT.subtract(after.worst, before.worst)
        if more <= 0:  # a close needs no money, and is never refused for want of it
            return
        exposures, _ = self._value.exposures()
        equity = total(self._state.cash, *(one.held for one in exposures.values()))
        power = buying_power(equity, self._rules.leverage, list(exposures.values()))
        if more > power:
            raise InsufficientFundsError(
                f"{order.symbol}: {more} {self._rules.currency} needed, {power} can be used",
                required=more,
                available=power,
            )
