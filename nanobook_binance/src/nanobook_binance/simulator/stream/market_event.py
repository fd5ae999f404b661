"""Events of the market streams, field for field as the venue sends them. Times are ms."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from decimal import Decimal
from typing import Any, TypeAlias

from nanobook_binance.simulator.server.answer_order import amount
from nanobook_binance.simulator.stream.depth_diff import DepthDiff, Step
from nanobook_binance.simulator.venue.depth import Top
from nanobook_binance.simulator.venue.money import ZERO
from nanobook_binance.simulator.venue.symbol_rules import SymbolRules
from nanobook_binance.simulator.venue.tape import Day, change
from nanobook_binance.simulator.venue.trade import Print
from nanobook_core.broker.exact import product

Level: TypeAlias = tuple[Decimal, Decimal]
"""Price and quantity."""
Event: TypeAlias = dict[str, Any]
Told: TypeAlias = Event | list[Event]
"""What a stream says at once."""


def trade(made: Print, now: int) -> Event:
    """A trade."""
    return {
        "e": "trade",
        "E": now,
        "s": made.symbol,
        "t": made.trade_id,
        "p": amount(made.price),
        "q": amount(made.quantity),
        "T": made.time,
        "m": made.buyer_is_maker,
        "M": True,
    }


def aggregate_trade(made: list[Print], now: int) -> Event:
    """Trades of one order at one price; their number is that of the first, as it is over REST."""
    first, last = made[0], made[-1]
    return {
        "e": "aggTrade",
        "E": now,
        "s": first.symbol,
        "a": first.trade_id,
        "p": amount(first.price),
        "q": amount(sum((each.quantity for each in made), ZERO)),
        "f": first.trade_id,
        "l": last.trade_id,
        "T": last.time,
        "m": first.buyer_is_maker,
        "M": True,
    }


def book_ticker(symbol: str, update_id: int, bid: Level, ask: Level) -> Event:
    """Best prices and their sizes; 0 where a side is empty."""
    return {
        "u": update_id,
        "s": symbol,
        "b": amount(bid[0]),
        "B": amount(bid[1]),
        "a": amount(ask[0]),
        "A": amount(ask[1]),
    }


def depth_update(rules: SymbolRules, diff: DepthDiff, now: int) -> Event:
    """Levels that have changed."""
    return {
        "e": "depthUpdate",
        "E": now,
        "s": rules.symbol,
        "U": diff.first_update_id,
        "u": diff.last_update_id,
        "b": levels(_amounts(rules, diff.bids)),
        "a": levels(_amounts(rules, diff.asks)),
    }


def _amounts(rules: SymbolRules, steps: Iterable[Step]) -> Iterator[Level]:
    for ticks, quantity in steps:
        yield product(rules.tick, Decimal(ticks)), product(rules.step, Decimal(quantity))


def depth_levels(update_id: int, bids: Iterable[Level], asks: Iterable[Level]) -> Event:
    """The best levels of each side."""
    return {"lastUpdateId": update_id, "bids": levels(bids), "asks": levels(asks)}


def levels(rows: Iterable[Level]) -> list[list[str]]:
    """Prices and quantities as the venue writes them."""
    return [[amount(price), amount(size)] for price, size in rows]


def mini_ticker(symbol: str, day: Day, now: int) -> Event:
    """The most important numbers of the last 24 hours."""
    return {
        "e": "24hrMiniTicker",
        "E": now,
        "s": symbol,
        "c": amount(day.last_price),
        "o": amount(day.open_price),
        "h": amount(day.high_price),
        "l": amount(day.low_price),
        "v": amount(day.volume),
        "q": amount(day.quote_volume),
    }


def day_ticker(symbol: str, day: Day, top: Top, now: int) -> Event:
    """The numbers of the last 24 hours."""
    moved, percent = change(day)
    return {
        "e": "24hrTicker",
        "E": now,
        "s": symbol,
        "p": amount(moved),
        "P": f"{percent:f}",
        "w": amount(day.weighted_average),
        "x": amount(day.previous_close),
        "c": amount(day.last_price),
        "Q": amount(day.last_quantity),
        "b": amount(top.bid or ZERO),
        "B": amount(top.bid_size),
        "a": amount(top.ask or ZERO),
        "A": amount(top.ask_size),
        "o": amount(day.open_price),
        "h": amount(day.high_price),
        "l": amount(day.low_price),
        "v": amount(day.volume),
        "q": amount(day.quote_volume),
        "O": day.open_time,
        "C": day.close_time,
        "F": day.first_id,
        "L": day.last_id,
        "n": day.count,
    }
