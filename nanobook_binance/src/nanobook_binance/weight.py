"""How much may be asked of the venue in a minute, and what is kept for cancels."""

from __future__ import annotations

import enum
import threading
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from nanobook_core.contracts.broker_error import Outcome, RateLimitedError
from nanobook_core.contracts.clock import Clock

#: Until the venue tells.
LIMIT = 6000
_MINUTE_MS = 60_000
#: Seconds between two looks of whoever waits.
_LOOK = 0.25

_ORDER = "/api/v3/order"
_OPEN_ORDERS = "/api/v3/openOrders"
_WEIGHTS: dict[tuple[str, str], int] = {
    ("GET", "/api/v3/account"): 20,
    ("GET", "/api/v3/allOrders"): 20,
    ("GET", "/api/v3/avgPrice"): 2,
    ("GET", "/api/v3/depth"): 5,
    ("GET", "/api/v3/exchangeInfo"): 20,
    ("GET", "/api/v3/myTrades"): 20,
    ("GET", _OPEN_ORDERS): 6,
    ("GET", _ORDER): 4,
    ("GET", "/api/v3/rateLimit/order"): 40,
    ("GET", "/api/v3/referencePrice"): 2,
    ("GET", "/api/v3/ticker/24hr"): 2,
    ("GET", "/api/v3/ticker/bookTicker"): 2,
    ("GET", "/api/v3/ticker/price"): 2,
}
#: Where all symbols are asked for at once.
_ALL_WEIGHTS: dict[str, int] = {
    _OPEN_ORDERS: 80,
    "/api/v3/ticker/24hr": 80,
    "/api/v3/ticker/bookTicker": 4,
    "/api/v3/ticker/price": 4,
}


class Urgency(enum.Enum):
    """Per cent of the limit that are kept from a request, for what is more urgent."""

    USUAL = 20
    QUESTION = 2
    """All that it takes to connect, and to find out what became of orders."""
    CANCEL = 0
    """Cancels, one order, and the time that they are signed with: a few each."""


_URGENCIES = {
    _ORDER: Urgency.CANCEL,
    "/api/v3/time": Urgency.CANCEL,
    "/api/v3/account": Urgency.QUESTION,
    "/api/v3/allOrders": Urgency.QUESTION,
    "/api/v3/exchangeInfo": Urgency.QUESTION,
    "/api/v3/myTrades": Urgency.QUESTION,
    _OPEN_ORDERS: Urgency.QUESTION,
}


def weight_of(method: str, path: str, parameters: Mapping[str, Any]) -> int:
    """What a request costs at most; what is not in the table costs 1."""
    if method == "GET" and path in _ALL_WEIGHTS and parameters.get("symbol") is None:
        return _ALL_WEIGHTS[path]
    if path == "/api/v3/myTrades" and parameters.get("orderId") is not None:
        return 5
    return _WEIGHTS.get((method, path), 1)


def urgency_of(method: str, path: str) -> Urgency:
    """How much of the limit a request may use."""
    if method == "DELETE":
        return Urgency.CANCEL
    return _URGENCIES.get(path, Urgency.USUAL) if method == "GET" else Urgency.USUAL


class WeightBudget:
    """Weight used in the venue's minute, by all who share the address, as far as it is told."""

    def __init__(self, clock: Clock, milliseconds: Callable[[], int]) -> None:
        """Count from 0; `milliseconds` is the venue's time."""
        self._clock = clock
        self._milliseconds = milliseconds
        self._lock = threading.Lock()
        self._minute = 0
        self._used = 0
        """As told, or more: with what has been asked since and was not answered yet."""
        self._closed_until = -1.0
        """Of the monotonic clock: no request before."""
        self._orders_closed_until = -1.0
        self.limit = LIMIT

    def turn(self, weight: int, *, urgency: Urgency, is_order: bool, seconds: float) -> int:
        """Wait until so much may be asked; return the minute that it counts in.

        Raises:
            RateLimitedError: not within so many seconds; nothing was sent, and `retry_after` says
                when it may be.

        """
        end = self._clock.monotonic() + seconds
        while True:
            with self._lock:
                now = self._clock.monotonic()
                wait, why = self._wait(weight, now, urgency=urgency, is_order=is_order)
                if wait <= 0:
                    self._used += weight
                    return self._minute
            if now + wait > end:
                raise RateLimitedError(
                    f"{why}; nothing was sent, wait {wait:.0f} s",
                    broker="binance",
                    outcome=Outcome.NOT_SENT,
                    retry_after=wait,
                )
            self._clock.sleep(min(wait, _LOOK))

    def told(self, minute: int, used: str | None) -> None:
        """Take in what an answer says was used; of a request of an earlier minute, nothing."""
        if used is None or not (used.isascii() and used.isdigit()):
            return
        with self._lock:
            self._turn_minute()
            if minute == self._minute:
                self._used = max(self._used, int(used))

    def close(self, seconds: float, *, orders_only: bool) -> None:
        """Let nothing through for so long, or no new orders only."""
        with self._lock:
            until = self._clock.monotonic() + seconds
            if orders_only:
                self._orders_closed_until = max(self._orders_closed_until, until)
            else:
                self._closed_until = max(self._closed_until, until)

    def limits(self, rows: Iterable[Mapping[str, Any]]) -> None:
        """Take in `rateLimits`; what is not about weight for a minute says nothing here."""
        for row in rows:
            if (row.get("rateLimitType"), row.get("interval")) == ("REQUEST_WEIGHT", "MINUTE"):
                limit = int(row["limit"]) // int(row.get("intervalNum", 1))
                if limit > 0:
                    self.limit = limit

    @property
    def until_next_minute(self) -> float:
        """Seconds until the venue's next minute, from which it counts anew."""
        return (_MINUTE_MS - self._milliseconds() % _MINUTE_MS) / 1000

    def _turn_minute(self) -> None:
        minute = self._milliseconds() // _MINUTE_MS
        if minute != self._minute:
            self._minute, self._used = minute, 0

    def _wait(
        self, weight: int, now: float, *, urgency: Urgency, is_order: bool
    ) -> tuple[float, str]:
        self._turn_minute()
        if now < self._closed_until:
            return self._closed_until - now, "the venue has asked for no requests"
        if is_order and now < self._orders_closed_until:
            return self._orders_closed_until - now, "the venue has asked for no new orders"
        limit = self.limit * (100 - urgency.value) // 100
        if self._used + weight > limit and self._used:
            return (
                self.until_next_minute,
                f"{self._used} of the {limit} that may be used in a minute are",
            )
        return 0.0, ""
