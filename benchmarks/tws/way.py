"""What every way can do, and what is measured of it."""

from __future__ import annotations

import statistics
from collections.abc import Callable
from typing import Protocol

from attrs import frozen

RESTING, MARKETABLE = 150, 186
"""Limits in dollars, below and through the quote."""
END = {RESTING: "Submitted", MARKETABLE: "Filled"}
"""The venue's word that an order has come so far."""
MOST_OPEN = 100
"""Orders that rest at once; TWS takes 20 on a side of a contract."""


class Way(Protocol):
    """One client of a gateway."""

    name: str

    def burst(self, limit: int, n_orders: int) -> None:
        """Send orders as fast as the way allows, until all rest or have traded."""

    def acknowledge(self) -> None:
        """Send an order that rests and wait for the venue's word."""

    def fill(self) -> None:
        """Send an order that trades and wait until it has."""

    def clear(self) -> None:
        """Cancel what rests, and wait for it."""

    def close(self) -> None:
        """Leave."""


@frozen
class Latency:
    """Microseconds."""

    p50: float
    p90: float
    p99: float
    worst: float


def rate(way: Way, limit: int, n_orders: int, now: Callable[[], float]) -> float:
    """Orders a second in bursts of `MOST_OPEN`, after one to warm up; cancels are not timed."""
    taken = 0.0
    for number in range(1 + n_orders // MOST_OPEN):
        started = now()
        way.burst(limit, MOST_OPEN)
        taken += now() - started if number else 0
        way.clear()
    return n_orders / taken


def latency(way: Way, call: Callable[[], None], n_calls: int, now: Callable[[], float]) -> Latency:
    """Percentiles of a call's wall time, after `MOST_OPEN` to warm up; cancels are not timed."""
    taken = []
    for number in range(MOST_OPEN + n_calls):
        started = now()
        call()
        if number >= MOST_OPEN:
            taken.append((now() - started) * 1e6)
        if number % MOST_OPEN == 0:
            way.clear()
    cuts = statistics.quantiles(taken, n=100, method="inclusive")
    return Latency(cuts[49], cuts[89], cuts[98], max(taken))
