"""Prices: the touch, the day's numbers, and what filters compare prices with."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from decimal import Decimal
from typing import Any, NoReturn

from nanobook_binance.number import to_number
from nanobook_binance.rest import Rest
from nanobook_binance.symbol import TRADING, Listed
from nanobook_core.contracts.broker_error import (
    BrokerError,
    BrokerProtocolError,
    MarketClosedError,
    NoQuoteError,
    Outcome,
)
from nanobook_core.contracts.clock import Clock
from nanobook_core.contracts.holding import Quote

BOOK_TICKER = "/api/v3/ticker/bookTicker"
DAY_TICKER = "/api/v3/ticker/24hr"
LAST_PRICE = "/api/v3/ticker/price"
AVERAGE_PRICE = "/api/v3/avgPrice"
REFERENCE_PRICE = "/api/v3/referencePrice"
#: Seconds for which a reference price is good.
_FRESH = 1.0
#: Seconds until a pair that has no reference price of its own is asked for one again.
_NONE_LASTS = 3600.0


class Prices:
    """Questions for prices of a pair, from any thread."""

    def __init__(self, rest: Rest, clock: Clock) -> None:
        """Ask nothing yet."""
        self._rest = rest
        self._clock = clock
        self._references: dict[str, tuple[float, Decimal | None]] = {}
        self._without: dict[str, float] = {}
        """Pairs of which the venue has said that they have no reference price, and when."""

    def touch(self, listed: Listed) -> Quote:
        """Best bid and ask alone, at one question; a side that is empty is None.

        It is halted where the pair was when it was listed.

        Raises:
            NoQuoteError: both sides are empty.

        """
        asked = self._clock.monotonic()
        row = self._row(BOOK_TICKER, listed)
        bid, bid_size = _side(row, "bidPrice", "bidQty")
        ask, ask_size = _side(row, "askPrice", "askQty")
        if bid is None and ask is None:
            raise _no_price(listed)
        return self._quote(
            listed,
            asked,
            is_halted=listed.status != TRADING,
            bid=bid,
            ask=ask,
            bid_size=bid_size,
            ask_size=ask_size,
        )

    def quote(self, listed: Listed) -> Quote:
        """Best bid and ask, the last price, and the volume of 24 hours, in the base asset.

        Its age is counted from before it was asked for. Whether it is halted, the venue says now.

        Raises:
            NoQuoteError: there is neither a side nor a trade.

        """
        asked = self._clock.monotonic()
        try:
            row, is_halted = self._row(BOOK_TICKER, listed, symbolStatus=TRADING), False
        except MarketClosedError:
            row, is_halted = self._row(BOOK_TICKER, listed), True
        day = self._row(DAY_TICKER, listed)
        bid, bid_size = _side(row, "bidPrice", "bidQty")
        ask, ask_size = _side(row, "askPrice", "askQty")
        last = price(day, "lastPrice") or None
        if bid is None and ask is None and last is None:
            raise _no_price(listed)
        closed = day.get("closeTime")
        return self._quote(
            listed,
            asked,
            is_halted=is_halted,
            bid=bid,
            ask=ask,
            bid_size=bid_size,
            ask_size=ask_size,
            last=last,
            volume=price(day, "volume"),
            venue_time=_time(closed) if isinstance(closed, int) else None,
        )

    def reference(self, listed: Listed) -> Decimal | None:
        """What the percent and notional filters of the pair compare with; None where that is open.

        The venue's reference price where the pair has one; else the average of the last minutes,
        or the last price where the filter says 0 minutes. Told within the last second.
        """
        known = self._references.get(listed.pair)
        now = self._clock.monotonic()
        if known is not None and 0 <= now - known[0] < _FRESH:
            return known[1]
        found = self._reference_price(listed)
        if found is None:
            found = self._average(listed)
        self._references[listed.pair] = now, found
        return found

    def _reference_price(self, listed: Listed) -> Decimal | None:
        now = self._clock.monotonic()
        if now - self._without.get(listed.pair, now - _NONE_LASTS) < _NONE_LASTS:
            return None
        try:
            row = self._row(REFERENCE_PRICE, listed)
        except BrokerError as error:
            if error.outcome is not Outcome.REJECTED or error.retryable:
                raise
            row = {}
        if row.get("referencePrice") is None:
            self._without[listed.pair] = now
            return None
        return price(row, "referencePrice") or None

    def _average(self, listed: Listed) -> Decimal | None:
        minutes = {
            rule["avgPriceMins"] for rule in listed.filters.values() if "avgPriceMins" in rule
        }
        if minutes == {0}:
            return price(self._row(LAST_PRICE, listed), "price") or None
        row = self._row(AVERAGE_PRICE, listed)
        return (price(row, "price") or None) if minutes == {row.get("mins")} else None

    def _row(self, path: str, listed: Listed, **more: str) -> Mapping[str, Any]:
        row = self._rest.public("GET", path, symbol=listed.pair, **more)
        if not isinstance(row, dict):
            _not_told(path, row)
        return row

    @staticmethod
    def _quote(listed: Listed, asked: float, **told: Any) -> Quote:
        return Quote(symbol=listed.symbol, received=asked, **told)


def rows_of(told: object, what: str) -> list[Mapping[str, Any]]:
    """The rows of an answer.

    Raises:
        BrokerProtocolError: it has none, or what are no objects.

    """
    if not isinstance(told, list) or not all(isinstance(row, dict) for row in told):
        _not_told(what, told)
    return told


def word(row: Mapping[str, Any], name: str) -> str:
    """A name in an answer.

    Raises:
        BrokerProtocolError: there is none.

    """
    found = row.get(name)
    if not isinstance(found, str):
        _not_told(name, row)
    return found


def price(row: Mapping[str, Any], name: str) -> Decimal:
    """A number of an answer, from 0 on.

    Raises:
        BrokerProtocolError: there is none.

    """
    try:
        number = to_number(row.get(name))
    except ValueError:
        number = Decimal(-1)
    if number < 0:
        _not_told(name, row)
    return number


def _side(row: Mapping[str, Any], name: str, size: str) -> tuple[Decimal | None, Decimal | None]:
    found = price(row, name)
    return (found, price(row, size)) if found else (None, None)


def _time(milliseconds: int) -> dt.datetime:
    return dt.datetime.fromtimestamp(milliseconds / 1000, dt.UTC)


def _no_price(listed: Listed) -> NoQuoteError:
    return NoQuoteError(f"{listed.symbol}: the venue has no price now", broker="binance")


def _not_told(what: str, told: object) -> NoReturn:
    raise BrokerProtocolError(
        f"the venue tells no {what}: {told!r:.80}", broker="binance", outcome=Outcome.NOT_SENT
    )
