"""A risk request from what a broker answers."""

from __future__ import annotations

import datetime as dt
import math
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from decimal import Context, Decimal
from typing import TypeVar

from attrs import evolve

from nanobook_core.contracts import (
    Account,
    Broker,
    BrokerError,
    BrokerOrder,
    BrokerOrderStatus,
    BrokerPosition,
    Clock,
    Instrument,
    NoQuoteError,
    Outcome,
    Quote,
    RiskOrder,
    RiskRequest,
    RiskVetoError,
    UnknownSymbolError,
    UnsupportedError,
)
from nanobook_core.errors import ValidationError, shown
from nanobook_core.plugin.discovery import described
from nanobook_core.risk.line import is_price

Answer = TypeVar("Answer")
_SHOWN = Context(prec=28, traps=[])
#: How often open orders may change while the holdings are asked for.
_TRIES = 3


def ask(what: str, question: Callable[[], Answer]) -> Answer:
    """Return a broker's answer.

    Raises:
        BrokerError: there is none; `outcome` is `NOT_SENT`, as an order was not sent on it.

    """
    try:
        return question()
    except BrokerError as error:
        if error.outcome is Outcome.NOT_SENT:
            raise
        raise RiskVetoError(
            f"no answer to {what}, so nothing was sent: {described(error)}",
            retryable=error.retryable,
            retry_after=error.retry_after,
        ) from error
    except Exception as error:
        raise RiskVetoError(
            f"no answer to {what}, so nothing was sent: {described(error)}"
        ) from error


def price_of(order: BrokerOrder | BrokerOrderStatus) -> Decimal | None:
    """Price that the checks take for an order's limit: of a stop its stop price."""
    return order.stop_price if order.limit_price is None else order.limit_price


def risk_order(order: BrokerOrder) -> RiskOrder:
    """An order as the checks see it."""
    return RiskOrder(
        symbol=order.symbol,
        side=order.side,
        quantity=order.quantity,
        limit_price=price_of(order),
        client_order_id=order.client_order_id or "",
    )


class BrokerQuestions:
    """Asks a broker for everything that a check may look at.

    Of what is not ordered, rules are asked for only once, and a quote only if the last one was
    asked for `mark_age` seconds ago or earlier: else n open orders ask for n * n quotes.
    """

    def __init__(self, broker: Broker, clock: Clock, mark_age: float) -> None:
        self._broker = broker
        self._clock = clock
        self._mark_age = _seconds(mark_age)
        self._instruments: dict[str, Instrument] = {}
        # When it was asked for, and what came: None is no price.
        self._quotes: dict[str, tuple[float, Quote | None]] = {}

    def request(self, order: RiskOrder, replaces: int | None = None) -> RiskRequest:
        """The request for one order, which may take the place of an open one.

        What is ordered by what the venue calls it goes by its symbol, as positions do.
        What the venue cannot describe or has no price of is without a mark, if it is not what is
        ordered: that fails what adds to a position, and traps no exit.

        Raises:
            BrokerError: a question was not answered; nothing is known, and nothing was sent.

        """
        ordered = self._instrument(order.symbol)
        if ordered.venue_symbol == order.symbol:
            order = evolve(order, symbol=ordered.symbol)
        account, held, orders = self._holdings()
        open_orders = [
            status for status in orders if status.remaining_quantity and status.order_id != replaces
        ]
        quotes = {order.symbol: self._quote(order.symbol)}
        broker_time = self._broker_time()
        instruments = {order.symbol: ordered}
        others = {position.symbol for position in held} | {each.symbol for each in open_orders}
        for symbol in sorted(others - {order.symbol}):
            with suppress(UnknownSymbolError):
                instruments[symbol] = self._instruments.get(symbol) or self._instrument(symbol)
        marks = {
            position.symbol: mark
            for position in held
            if (instrument := instruments.get(position.symbol)) is not None
            and (mark := _mark(position, instrument)) is not None
        }
        for symbol in sorted(instruments.keys() - marks.keys() - {order.symbol}):
            if (quote := self._recent_quote(symbol)) is not None:
                quotes[symbol] = quote
        for symbol, quote in quotes.items():
            if (price := _price(quote, marks.get(symbol))) is not None:
                marks[symbol] = price
        return RiskRequest(
            orders=(order,),
            account=account,
            now=self._clock.now(),
            monotonic=self._clock.monotonic(),
            positions={position.symbol: position.quantity for position in held},
            marks=marks,
            open_orders=tuple(
                _open_part(status, is_known=status.symbol in instruments) for status in open_orders
            ),
            quotes=quotes,
            broker_time=broker_time,
            instruments=instruments,
            rates=account.rates,
        )

    def _holdings(self) -> tuple[Account, list[BrokerPosition], list[BrokerOrderStatus]]:
        """Account, positions and open orders of one moment.

        What fills between two questions would be in neither answer, so the orders are asked for
        before and after the holdings, until they agree.
        """
        broker = self._broker

        def open_orders() -> list[BrokerOrderStatus]:
            return ask("open_orders()", lambda: broker.open_orders("all"))

        before = open_orders()
        for _ in range(_TRIES):
            account = ask("account()", broker.account)
            held = [each for each in ask("positions()", broker.positions) if each.quantity]
            after = open_orders()
            if _filled(after) == _filled(before):
                _refuse_twice(held)
                return account, held, after
            before = after
        raise RiskVetoError(
            f"open orders change while they are asked for, {_TRIES} times, so nothing was sent",
            retryable=True,
        )

    def _instrument(self, symbol: str) -> Instrument:
        found = ask(f"instrument({symbol!r})", lambda: self._broker.instrument(symbol))
        self._instruments[symbol] = found
        return found

    def _quote(self, symbol: str) -> Quote:
        asked_at = self._clock.monotonic()
        self._quotes.pop(symbol, None)  # it is not known any longer, should this fail
        quote = ask(f"quote({symbol!r})", lambda: self._broker.quote(symbol))
        self._quotes[symbol] = (asked_at, quote)
        return quote

    def _recent_quote(self, symbol: str) -> Quote | None:
        """Quote of what is not ordered; None where the venue has no price of it."""
        now = self._clock.monotonic()
        asked_at, quote = self._quotes.get(symbol, (math.inf, None))
        if 0 <= now - asked_at < self._mark_age:
            return quote
        try:
            return self._quote(symbol)
        except (NoQuoteError, UnknownSymbolError):
            self._quotes[symbol] = (now, None)
            return None

    def _broker_time(self) -> dt.datetime | None:
        """None where the venue does not tell the time."""
        try:
            return ask("server_time()", self._broker.server_time)
        except UnsupportedError:
            return None


def _seconds(mark_age: object) -> float:
    if isinstance(mark_age, bool) or not isinstance(mark_age, int | float):
        raise TypeError(f"mark_age is a number of seconds, got {shown(mark_age)}")
    if not 0 <= mark_age < math.inf:
        raise ValidationError(f"mark_age is a number of seconds from 0 on, got {mark_age}")
    return float(mark_age)


def _filled(orders: list[BrokerOrderStatus]) -> dict[int, Decimal]:
    return {status.order_id: status.filled_quantity for status in orders}


def _mark(position: BrokerPosition, instrument: Instrument) -> Decimal | None:
    """Price that the venue values a holding at; None where its value does not tell."""
    if position.currency != instrument.currency:
        return None
    units = _SHOWN.multiply(position.quantity, instrument.multiplier)
    price = _SHOWN.divide(position.market_value, units)
    return price if price.is_finite() and price > 0 else None


def _price(quote: Quote, value: Decimal | None) -> Decimal | None:
    """Price that a quote gives what is held or ordered.

    Where it has no two usable sides it is no market but a guess, and the highest guess counts,
    that of the venue's own value of the holding too.
    """
    if quote.is_usable:
        return quote.mark
    guesses = (quote.bid, quote.ask, quote.last, value)
    return max((guess for guess in guesses if is_price(guess)), default=None)


def _open_part(status: BrokerOrderStatus, *, is_known: bool) -> RiskOrder:
    """What may still fill of an order; without a price where nobody knows what a unit of it is."""
    return RiskOrder(
        symbol=status.symbol,
        side=status.side,
        quantity=status.remaining_quantity,
        limit_price=price_of(status) if is_known else None,
        client_order_id=status.client_order_id,
    )


def _refuse_twice(held: list[BrokerPosition]) -> None:
    for symbol, count in Counter(position.symbol for position in held).items():
        if count > 1:
            raise RiskVetoError(
                f"the broker lists {symbol} twice in positions(), so nothing was sent"
            )
