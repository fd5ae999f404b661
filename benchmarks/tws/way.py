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


class Way(Protocol):
    """One client of a gateway."""

    name: str

    def burst(self, limit: int, n_orders: int) -> None:
        """Send orders as fast as the way allows, until all rest or have traded."""

    def acknowledge(self) -> None:
        """Send an order that rests and wait for the venue's word."""

    def fill(self) -> None:
        """Send an order that trades and wait until it has."""

    def close(self) -> None:
        """Leave."""


@frozen
class Latency:
    """Microseconds."""

    p50: float
    p90: float
    p99: float
    worst: float


def latency(call: Callable[[], None], n_calls: int, now: Callable[[], float]) -> Latency:
    """Percentiles of a call's wall time, after a tenth as many to warm up."""
    for _ in range(n_calls // 10):
        call()
    taken = []
    for _ in range(n_calls):
        started = now()
        call()
        taken.append((now() - started) * 1e6)
    cuts = statistics.quantiles(taken, n=100, method="inclusive")
    return Latency(cuts[49], cuts[89], cuts[98], max(taken))
