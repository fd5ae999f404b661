"""Books, prices and trades as the venue's JSON."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from nanobook_binance.simulator.server.answer_order import amount
from nanobook_binance.simulator.venue import Depth, Print, Venue, change


def depth(book: Depth) -> dict[str, Any]:
    """Both sides of a book, best first."""
    return {
        "lastUpdateId": book.last_update_id,
        "bids": [[amount(price), amount(quantity)] for price, quantity in book.bids],
        "asks": [[amount(price), amount(quantity)] for price, quantity in book.asks],
    }


def _touch(venue: Venue, symbol: str) -> dict[str, str]:
    found = venue.top(symbol)
    return {
        "bidPrice": amount(found.bid or Decimal(0)),
        "bidQty": amount(found.bid_size),
        "askPrice": amount(found.ask or Decimal(0)),
        "askQty": amount(found.ask_size),
    }


def top(venue: Venue, symbol: str) -> dict[str, Any]:
    """Best bid and ask; 0 where there is none."""
    return {"symbol": symbol, **_touch(venue, symbol)}


def price(venue: Venue, symbol: str) -> dict[str, Any]:
    """The last price; 0 where there is none."""
    return {"symbol": symbol, "price": amount(venue.last(symbol) or Decimal(0))}


def average(venue: Venue, symbol: str) -> dict[str, Any]:
    """The mean price of five minutes."""
    return {
        "mins": 5,
        "price": amount(venue.average(symbol) or Decimal(0)),
        "closeTime": venue.time_ms(),
    }


def window(venue: Venue, symbol: str) -> dict[str, Any]:
    """The numbers of 24 hours, without the book's."""
    found = venue.day(symbol)
    moved, percent = change(found)
    return {
        "symbol": symbol,
        "priceChange": amount(moved),
        "priceChangePercent": f"{percent or 0:.3f}",
        "weightedAvgPrice": amount(found.weighted_average),
        "openPrice": amount(found.open_price),
        "highPrice": amount(found.high_price),
        "lowPrice": amount(found.low_price),
        "lastPrice": amount(found.last_price),
        "volume": amount(found.volume),
        "quoteVolume": amount(found.quote_volume),
        "openTime": found.open_time,
        "closeTime": found.close_time,
        "firstId": found.first_id,
        "lastId": found.last_id,
        "count": found.count,
    }


def day(venue: Venue, symbol: str) -> dict[str, Any]:
    """All numbers of 24 hours."""
    found = venue.day(symbol)
    all_of_it = {
        **window(venue, symbol),
        "prevClosePrice": amount(found.previous_close),
        "lastQty": amount(found.last_quantity),
        **_touch(venue, symbol),
    }
    return {name: all_of_it[name] for name in _DAY}


_DAY = (
    "symbol",
    "priceChange",
    "priceChangePercent",
    "weightedAvgPrice",
    "prevClosePrice",
    "lastPrice",
    "lastQty",
    "bidPrice",
    "bidQty",
    "askPrice",
    "askQty",
    "openPrice",
    "highPrice",
    "lowPrice",
    "volume",
    "quoteVolume",
    "openTime",
    "closeTime",
    "firstId",
    "lastId",
    "count",
)


def mini_day(venue: Venue, symbol: str) -> dict[str, Any]:
    """The numbers of 24 hours that a mini ticker has."""
    left_out = ("priceChange", "priceChangePercent", "weightedAvgPrice")
    found = window(venue, symbol)
    return {name: value for name, value in found.items() if name not in left_out}


def public_trade(trade: Print) -> dict[str, Any]:
    """A trade as everybody sees it."""
    return {
        "id": trade.trade_id,
        "price": amount(trade.price),
        "qty": amount(trade.quantity),
        "quoteQty": amount(trade.quote_quantity),
        "time": trade.time,
        "isBuyerMaker": trade.buyer_is_maker,
        "isBestMatch": True,
    }


def aggregated_trade(trade: Print) -> dict[str, Any]:
    """A trade as an aggregate of one."""
    return {
        "a": trade.trade_id,
        "p": amount(trade.price),
        "q": amount(trade.quantity),
        "f": trade.trade_id,
        "l": trade.trade_id,
        "T": trade.time,
        "m": trade.buyer_is_maker,
        "M": True,
    }
