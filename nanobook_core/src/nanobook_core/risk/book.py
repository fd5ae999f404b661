"""What the orders of a request make of the positions."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from decimal import Decimal, localcontext
from functools import cached_property

from attrs import frozen

from nanobook_core.contracts import RiskOrder, RiskRequest
from nanobook_core.risk.exact import EXACT, CannotJudgeError
from nanobook_core.risk.line import Line, checked, checked_quantity, is_price
from nanobook_core.types import Side

_ZERO = Decimal(0)


@frozen
class Exposure:
    """Sums over all symbols in the account's currency once the orders have filled.

    Of the open orders those fill that make each larger.
    """

    gross: Decimal
    short: Decimal
    """Positive."""
    net: Decimal
    """Positive: of long less short, whichever way it is further from 0."""
    worst: Decimal
    """Gross if of the orders too only those fill that make each position larger."""


class Book:
    """The symbols of a request, held or ordered, and what they are worth."""

    def __init__(self, request: RiskRequest) -> None:
        self.request = request
        with localcontext(EXACT):
            self.lines = lines = {
                symbol: Line(symbol, held) for symbol, held in request.positions.items()
            }
            for orders, is_open in ((request.open_orders, True), (request.orders, False)):
                for order in orders:
                    line = lines.get(order.symbol)
                    if line is None:
                        line = lines[order.symbol] = Line(order.symbol)
                    line.add(order, is_open=is_open)

    def reduces(self, order: RiskOrder) -> bool:
        """Whether an order of the request only makes its position smaller, whatever else fills.

        All orders of its symbol and side count, the open ones too: together they must not turn the
        position round.
        """
        return self.lines[order.symbol].reduces(order.side)

    @cached_property
    def increases(self) -> list[RiskOrder]:
        """Orders that do not only reduce a position."""
        with localcontext(EXACT):
            return [order for order in self.request.orders if not self.reduces(order)]

    @property
    def only_reduces(self) -> bool:
        """Whether there are orders, and each of them is an exit that must not be trapped."""
        return bool(self.request.orders) and not self.increases

    @cached_property
    def _limits(self) -> dict[str, Decimal]:
        """Highest limit of the orders and open orders, by symbol."""
        limits: dict[str, Decimal] = {}
        for order in (*self.request.orders, *self.request.open_orders):
            if (limit := order.limit_price) is not None:
                limits[order.symbol] = max(limits.get(order.symbol, limit), checked(order, limit))
        return limits

    def unit_value(self, symbol: str, limit: Decimal | None) -> Decimal:
        """What one unit is worth in the account's currency: the higher of limit and mark.

        Raises:
            CannotJudgeError: there is neither, or one is not finite and above 0.

        """
        request = self.request
        price = request.marks.get(symbol)
        if price is None:
            if limit is None:
                raise CannotJudgeError(f"no price of {symbol}")
            price = limit
        elif not is_price(price):
            raise CannotJudgeError(f"price of {symbol} must be finite and above 0, got {price}")
        elif limit is not None and limit > price:
            price = limit
        return self._converted(symbol, price)

    def _converted(self, symbol: str, price: Decimal) -> Decimal:
        request = self.request
        instrument = request.instruments.get(symbol)
        if instrument is None:
            return price
        if instrument.currency != request.account.currency:
            rate = request.rates.get(instrument.currency)
            if rate is None or not (rate.is_finite() and rate > 0):
                raise CannotJudgeError(
                    f"no rate of {instrument.currency}, in which {symbol} trades, "
                    f"in {request.account.currency}"
                )
            price *= rate
        return price * instrument.multiplier

    def price_of(self, line: Line) -> Decimal:
        """What one unit of a symbol is worth: at its mark, and without one at the highest limit.

        Not at a limit above the mark: that is the worst price to pay, not what a holding is worth,
        and a target at the very limit of positions could never be ordered.
        """
        symbol, limits = line.symbol, self._limits
        return self.unit_value(symbol, None if symbol in self.request.marks else limits.get(symbol))

    def order_value(self, order: RiskOrder) -> Decimal:
        """What an order is worth in the account's currency, at the higher of its limit and mark.

        A purchase at the ask if that is higher, where there is a quote: a stop or market order pays
        it.

        Raises:
            CannotJudgeError: its quantity or price is missing, or not finite and above 0; or it is
                a market order to buy, and its quote has no ask.

        """
        quantity, price = checked_quantity(order), order.limit_price
        if price is not None:
            checked(order, price)
        quote = self.request.quotes.get(order.symbol) if order.side is Side.BUY else None
        if quote is not None:
            if is_price(quote.ask):
                price = quote.ask if price is None else max(price, quote.ask)
            elif price is None:
                raise CannotJudgeError(f"no ask of {order.symbol}, which a market order would pay")
        return quantity * self.unit_value(order.symbol, price)

    def freed_value(self, order: RiskOrder) -> Decimal:
        """What an order that only reduces frees at least: its value at the lower of limit and mark.

        Raises:
            CannotJudgeError: its quantity or price is missing, or not finite and above 0.

        """
        quantity, symbol, limit = checked_quantity(order), order.symbol, order.limit_price
        price = self.request.marks.get(symbol, limit)
        if price is None or limit is None:
            return quantity * self.unit_value(symbol, limit)
        return quantity * self._converted(symbol, min(checked(order, limit), price))

    @cached_property
    def exposure(self) -> Exposure:
        """Exposure once the orders have filled, and of the open ones whichever make it larger.

        Raises:
            ArithmeticError: a quantity or price of what is held or ordered is missing or unusable.

        """
        gross = short = worst = high = low = _ZERO
        with localcontext(EXACT):
            for line in self.lines.values():
                if line.fault:
                    raise CannotJudgeError(line.fault)
                if line.is_empty:
                    continue
                highest, lowest = line.highest, line.lowest
                value = self.price_of(line)
                high += highest * value
                low += lowest * value
                gross += max(abs(highest), abs(lowest)) * value
                worst += max(abs(line.if_bought), abs(line.if_sold)) * value
                if lowest < 0:
                    short -= lowest * value
            return Exposure(gross, short, max(abs(high), abs(low)), worst)

    @cached_property
    def equity(self) -> Decimal:
        """The account's equity; 0 where it is not a finite number above 0."""
        equity = self.request.account.equity
        return equity if equity.is_finite() and equity > 0 else _ZERO


_shared: ContextVar[Book | None] = ContextVar("book", default=None)


def book_of(request: RiskRequest) -> Book:
    """The request's book; the same for all checks of one evaluation."""
    shared = _shared.get()
    return shared if shared is not None and shared.request is request else Book(request)


@contextmanager
def shared_book(request: RiskRequest) -> Iterator[None]:
    """Let all checks that run inside have one book of the request."""
    try:
        book = Book(request)
    except Exception:  # noqa: BLE001 - of odd types; each check that needs a book fails by itself
        book = None
    token = _shared.set(book)
    try:
        yield
    finally:
        _shared.reset(token)
