"""A symbol's trades of the last 24 hours."""

from __future__ import annotations

from collections import deque
from decimal import Decimal

from attrs import frozen

from nanobook_binance.simulator.venue.money import ZERO, floored
from nanobook_binance.simulator.venue.trade import Print
from nanobook_core.broker.exact import EXACT, QUOTIENT, product, total

DAY_MS = 86_400_000


@frozen(kw_only=True)
class Day:
    """The numbers of the last 24 hours; prices are the last one where nothing traded, 0 without."""

    open_price: Decimal
    high_price: Decimal
    low_price: Decimal
    last_price: Decimal
    last_quantity: Decimal
    previous_close: Decimal
    """The last price before these hours, else the first in them."""
    volume: Decimal
    quote_volume: Decimal
    weighted_average: Decimal
    """Quote volume by volume, to eight places, rounded down; 0 without trades."""
    open_time: int
    close_time: int
    first_id: int
    """-1 without trades."""
    last_id: int
    count: int


class Tape:
    """Prints, and the last price, which a source may also move without one."""

    def __init__(self) -> None:
        self.last: Decimal | None = None
        self._prints: deque[Print] = deque()
        self._close: Decimal | None = None

    def add(self, trade: Print) -> None:
        """Take a print."""
        self._forget(trade.time)
        self._prints.append(trade)
        self.last = trade.price

    def average(self, now_ms: int, minutes: int) -> Decimal | None:
        """Weighted mean price of so many minutes; the last price of 0 minutes or without trades.

        To eight places, rounded down; None before any price.
        """
        since = now_ms - minutes * 60_000
        quantities, quotes = [], []
        for trade in reversed(self._prints):
            if trade.time <= since:
                break
            quantities.append(trade.quantity)
            quotes.append(product(trade.price, trade.quantity))
        if not quantities:
            return self.last
        return floored(QUOTIENT.divide(total(*quotes), total(*quantities)))

    def day(self, now_ms: int) -> Day:
        """Return the numbers of the last 24 hours."""
        self._forget(now_ms)
        prints, last = self._prints, self.last or ZERO
        prices = [trade.price for trade in prints] or [last]
        volume = total(*(trade.quantity for trade in prints))
        quotes = total(*(trade.quote_quantity for trade in prints))
        return Day(
            open_price=prices[0],
            high_price=max(prices),
            low_price=min(prices),
            last_price=last,
            last_quantity=prints[-1].quantity if prints else ZERO,
            previous_close=self._close or prices[0],
            volume=volume,
            quote_volume=quotes,
            weighted_average=floored(QUOTIENT.divide(quotes, volume)) if volume else ZERO,
            open_time=now_ms - DAY_MS,
            close_time=now_ms,
            first_id=prints[0].trade_id if prints else -1,
            last_id=prints[-1].trade_id if prints else -1,
            count=len(prints),
        )

    def recent(self, limit: int) -> list[Print]:
        """Return the last prints of these hours, oldest first."""
        return list(self._prints)[-limit:]

    def _forget(self, now_ms: int) -> None:
        while self._prints and self._prints[0].time <= now_ms - DAY_MS:
            self._close = self._prints.popleft().price


def change(day: Day) -> tuple[Decimal, Decimal]:
    """Return by how much the price has moved in a day, and in percent to three places."""
    moved = EXACT.subtract(day.last_price, day.open_price)
    if not day.open_price:
        return moved, ZERO
    percent = QUOTIENT.divide(product(moved, Decimal(100)), day.open_price)
    return moved, percent.quantize(Decimal("0.001"))
