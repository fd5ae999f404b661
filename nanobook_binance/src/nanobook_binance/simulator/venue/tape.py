"""A symbol's trades of the last 24 hours."""

from __future__ import annotations

from bisect import bisect_right
from collections import deque
from decimal import Decimal

from attrs import frozen

from nanobook_binance.simulator.venue.money import ZERO, floored
from nanobook_binance.simulator.venue.trade import Print
from nanobook_core.broker.exact import EXACT, QUOTIENT, product

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


@frozen
class _Sums:
    """Of all prints up to one."""

    volume: Decimal = ZERO
    quote_volume: Decimal = ZERO
    product: Decimal = ZERO
    """Of prices and quantities, exact."""

    def add(self, trade: Print) -> _Sums:
        """These with another print."""
        return _Sums(
            EXACT.add(self.volume, trade.quantity),
            EXACT.add(self.quote_volume, trade.quote_quantity),
            EXACT.fma(trade.price, trade.quantity, self.product),
        )

    def less(self, earlier: _Sums) -> _Sums:
        """Those of what came between."""
        return _Sums(
            EXACT.subtract(self.volume, earlier.volume),
            EXACT.subtract(self.quote_volume, earlier.quote_volume),
            EXACT.subtract(self.product, earlier.product),
        )


@frozen
class _Extreme:
    time: int
    price: Decimal


class Tape:
    """Prints, and the last price, which a source may also move without one."""

    def __init__(self) -> None:
        self.last: Decimal | None = None
        self._prints: list[Print] = []
        self._times: list[int] = []
        """Of each print, or of one before it that was later: the clock may have been set back."""
        self._sums: list[_Sums] = [_Sums()]
        """Before each of the prints, and after the last."""
        self._first = 0
        """Place of the first print of these hours."""
        self._highs: deque[_Extreme] = deque()
        """The highest of these hours, then the highest after it, and so on."""
        self._lows: deque[_Extreme] = deque()
        self._close: Decimal | None = None

    def add(self, trade: Print) -> None:
        """Take a print. O(1), amortized."""
        self._forget(trade.time)
        time = max(trade.time, self._times[-1]) if self._times else trade.time
        self._prints.append(trade)
        self._times.append(time)
        self._sums.append(self._sums[-1].add(trade))
        while self._highs and self._highs[-1].price <= trade.price:
            self._highs.pop()
        while self._lows and self._lows[-1].price >= trade.price:
            self._lows.pop()
        self._highs.append(_Extreme(time, trade.price))
        self._lows.append(_Extreme(time, trade.price))
        self.last = trade.price

    def average(self, now_ms: int, minutes: int) -> Decimal | None:
        """Weighted mean price of so many minutes; the last price of 0 minutes or without trades.

        To eight places, rounded down; None before any price. O(log n).
        """
        since = now_ms - minutes * 60_000
        place = bisect_right(self._times, since, lo=self._first)
        sums = self._sums[-1].less(self._sums[place])
        if not sums.volume:
            return self.last
        return floored(QUOTIENT.divide(sums.product, sums.volume))

    def day(self, now_ms: int) -> Day:
        """Return the numbers of the last 24 hours. O(1), amortized."""
        self._forget(now_ms)
        last, number = self.last or ZERO, len(self._prints) - self._first
        sums = self._sums[-1].less(self._sums[self._first])
        first = self._prints[self._first] if number else None
        open_price = last if first is None else first.price
        quotient = QUOTIENT.divide(sums.quote_volume, sums.volume) if number else ZERO
        return Day(
            open_price=open_price,
            high_price=self._highs[0].price if number else last,
            low_price=self._lows[0].price if number else last,
            last_price=last,
            last_quantity=self._prints[-1].quantity if number else ZERO,
            previous_close=self._close or open_price,
            volume=sums.volume,
            quote_volume=sums.quote_volume,
            weighted_average=floored(quotient),
            open_time=now_ms - DAY_MS,
            close_time=now_ms,
            first_id=-1 if first is None else first.trade_id,
            last_id=self._prints[-1].trade_id if number else -1,
            count=number,
        )

    def recent(self, limit: int) -> list[Print]:
        """Return the last prints of these hours, oldest first."""
        return self._prints[self._first :][-limit:]

    def _forget(self, now_ms: int) -> None:
        since = now_ms - DAY_MS
        while self._first < len(self._times) and self._times[self._first] <= since:
            self._close = self._prints[self._first].price
            self._first += 1
        for extremes in (self._highs, self._lows):
            while extremes and extremes[0].time <= since:
                extremes.popleft()
        if self._first > len(self._prints) // 2:
            for each in (self._prints, self._times, self._sums):
                del each[: self._first]
            self._first = 0


def change(day: Day) -> tuple[Decimal, Decimal]:
    """Return by how much the price has moved in a day, and in percent to three places."""
    moved = EXACT.subtract(day.last_price, day.open_price)
    if not day.open_price:
        return moved, ZERO
    percent = QUOTIENT.divide(product(moved, Decimal(100)), day.open_price)
    return moved, percent.quantize(Decimal("0.001"))
