"""Candlesticks of what a symbol has traded."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from decimal import Decimal
from itertools import islice
from typing import Any

from nanobook_binance.simulator.server.answer_order import amount
from nanobook_binance.simulator.venue import Print

_SECOND = 1000
_MINUTE, _HOUR, _DAY = 60 * _SECOND, 3600 * _SECOND, 86400 * _SECOND
#: Milliseconds of each; a month has its own length.
INTERVALS = {
    "1s": _SECOND,
    "1m": _MINUTE,
    "3m": 3 * _MINUTE,
    "5m": 5 * _MINUTE,
    "15m": 15 * _MINUTE,
    "30m": 30 * _MINUTE,
    "1h": _HOUR,
    "2h": 2 * _HOUR,
    "4h": 4 * _HOUR,
    "6h": 6 * _HOUR,
    "8h": 8 * _HOUR,
    "12h": 12 * _HOUR,
    "1d": _DAY,
    "3d": 3 * _DAY,
    "1w": 7 * _DAY,
    "1M": 0,
}
_FIRST_MONDAY = 4 * _DAY
"""Of 1970: weeks begin on Mondays."""


def _bounds(time: int, interval: str) -> tuple[int, int]:
    """First and last millisecond of the interval of that time."""
    if interval == "1M":
        month = dt.datetime.fromtimestamp(time / 1000, dt.UTC).replace(
            day=1, hour=0, minute=0, second=0, microsecond=0
        )
        later = (month + dt.timedelta(days=32)).replace(day=1)
        return int(month.timestamp()) * 1000, int(later.timestamp()) * 1000 - 1
    length = INTERVALS[interval]
    offset = _FIRST_MONDAY if interval == "1w" else 0
    start = (time - offset) // length * length + offset
    return start, start + length - 1


def candles(
    prints: list[Print], interval: str, span: tuple[int | None, int | None], now: int, limit: int
) -> list[list[Any]]:
    """Those that open in the span, oldest first: from its start the first, else the last of them.

    There is one for each interval since the first print, at the price before where nothing traded.
    """
    if not prints:
        return []
    first, (start, end) = prints[0].time, span
    last = now if end is None else min(now, end)
    if start is None:
        wanted = list(islice(_back(interval, first, last), limit))[::-1]
    else:
        wanted = list(islice(_on(interval, max(first, start), start, last), limit))
    if not wanted:
        return []
    groups: dict[tuple[int, int], list[Print]] = {bounds: [] for bounds in wanted}
    price = prints[0].price
    for trade in prints:
        if trade.time < wanted[0][0]:
            price = trade.price
        elif trade.time <= wanted[-1][1]:
            groups[_bounds(trade.time, interval)].append(trade)
    found = []
    for bounds, trades in groups.items():
        found.append(_candle(bounds, trades, price))
        price = trades[-1].price if trades else price
    return found


def _back(interval: str, first: int, last: int) -> Iterator[tuple[int, int]]:
    """Intervals that open at that time or before, the latest first."""
    bounds = _bounds(last, interval)
    while bounds[1] >= first:
        yield bounds
        bounds = _bounds(bounds[0] - 1, interval)


def _on(interval: str, first: int, start: int, last: int) -> Iterator[tuple[int, int]]:
    """Intervals from the one of the first print that open in the span, the earliest first."""
    if first > last:
        return
    bounds = _bounds(first, interval)
    while bounds[0] <= last:
        if bounds[0] >= start:
            yield bounds
        bounds = _bounds(bounds[1] + 1, interval)


def _candle(bounds: tuple[int, int], trades: list[Print], before: Decimal) -> list[Any]:
    prices = [trade.price for trade in trades] or [before]
    bought = [trade for trade in trades if not trade.buyer_is_maker]
    return [
        bounds[0],
        amount(prices[0]),
        amount(max(prices)),
        amount(min(prices)),
        amount(prices[-1]),
        amount(sum((trade.quantity for trade in trades), Decimal(0))),
        bounds[1],
        amount(sum((trade.quote_quantity for trade in trades), Decimal(0))),
        len(trades),
        amount(sum((trade.quantity for trade in bought), Decimal(0))),
        amount(sum((trade.quote_quantity for trade in bought), Decimal(0))),
        "0",
    ]
