"""A risk request from what a broker answers."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Context, Decimal
from typing import TypeVar

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
)
from nanobook_core.plugin.discovery import described

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


def risk_order(order: BrokerOrder) -> RiskOrder:
    """An order as the checks see it; a stop is valued at its stop price."""
    price = order.stop_price if order.limit_price is None else order.limit_price
    return RiskOrder(
        symbol=order.symbol,
        side=order.side,
        quantity=order.quantity,
        limit_price=price,
        client_order_id=order.client_order_id or "",
    )


def open_part(status: BrokerOrderStatus) -> RiskOrder:
    """What may still fill of an order."""
    return RiskOrder(
        symbol=status.symbol,
        side=status.side,
        quantity=status.remaining_quantity,
        limit_price=status.limit_price,
        client_order_id=status.client_order_id,
    )


class BrokerQuestions:
    """Asks a broker for everything that a check may look at; rules of symbols only once."""

    def __init__(self, broker: Broker, clock: Clock) -> None:
        self._broker = broker
        self._clock = clock
        self._instruments: dict[str, Instrument] = {}

    def request(self, order: RiskOrder, replaces: int | None = None) -> RiskRequest:
        """The request for one order, which may take the place of an open one.

        Raises:
            BrokerError: a question was not answered; nothing is known, and nothing was sent.

        """
        broker = self._broker
        account, held, orders = self._holdings()
        open_orders = [
            status for status in orders if status.remaining_quantity and status.order_id != replaces
        ]
        quote = ask(f"quote({order.symbol!r})", lambda: broker.quote(order.symbol))
        broker_time = ask("server_time()", broker.server_time)
        symbols = {order.symbol, *(position.symbol for position in held)}
        symbols |= {status.symbol for status in open_orders}
        instruments = {symbol: self._instrument(symbol) for symbol in sorted(symbols)}
        marks = {
            position.symbol: mark
            for position in held
            if (mark := _mark(position, instruments[position.symbol])) is not None
        }
        quotes = {order.symbol: quote}
        for symbol in sorted(symbols - marks.keys() - {order.symbol}):
            if (found := self._quote(symbol)) is not None:
                quotes[symbol] = found
        marks |= {symbol: mark for symbol, found in quotes.items() if (mark := found.mark)}
        return RiskRequest(
            orders=(order,),
            account=account,
            now=self._clock.now(),
            monotonic=self._clock.monotonic(),
            positions={position.symbol: position.quantity for position in held},
            marks=marks,
            open_orders=tuple(map(open_part, open_orders)),
            quotes=quotes,
            broker_time=broker_time,
            instruments=instruments,
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
            if _quantities(after) == _quantities(before):
                return account, held, after
            before = after
        raise RiskVetoError(
            f"open orders change while they are asked for, {_TRIES} times, so nothing was sent",
            retryable=True,
        )

    def _instrument(self, symbol: str) -> Instrument:
        if symbol not in self._instruments:
            self._instruments[symbol] = ask(
                f"instrument({symbol!r})", lambda: self._broker.instrument(symbol)
            )
        return self._instruments[symbol]

    def _quote(self, symbol: str) -> Quote | None:
        """None where the venue has no price: the checks that need one then fail."""
        try:
            return ask(f"quote({symbol!r})", lambda: self._broker.quote(symbol))
        except NoQuoteError:
            return None


def _quantities(orders: list[BrokerOrderStatus]) -> dict[int, tuple[Decimal, Decimal]]:
    return {
        status.order_id: (status.filled_quantity, status.remaining_quantity) for status in orders
    }


def _mark(position: BrokerPosition, instrument: Instrument) -> Decimal | None:
    """Price that the venue values a holding at; None where its value does not tell."""
    if position.currency != instrument.currency:
        return None
    units = _SHOWN.multiply(position.quantity, instrument.multiplier)
    price = _SHOWN.divide(position.market_value, units)
    return price if price.is_finite() and price > 0 else None
