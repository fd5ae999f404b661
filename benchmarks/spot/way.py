"""What every way can do, and what is measured of it. Needs nothing that a peer may not have."""

from __future__ import annotations

import statistics
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from time import perf_counter
from typing import NamedTuple, Protocol

QUANTITY = "0.00100"
"""Of bitcoin."""
PRICES = {"rests": "59000.00", "trades": "60000.01"}
"""Limits to buy at, below and at the quote."""
BATCH = 50
"""Orders that rest at once; a symbol takes 200."""


class Venue(NamedTuple):
    """Where the simulator is, and what opens its account."""

    url: str
    ws_url: str
    api_key: str
    secret_key: str


class Way(Protocol):
    """One client of the venue."""

    threads: int

    def submit(self, price: str) -> None:
        """Send an order and return once the venue has acknowledged it."""

    def clear(self) -> None:
        """Cancel what rests."""

    def close(self) -> None:
        """Leave."""


def measure(way: Way, price: str, n_orders: int) -> dict[str, float]:
    """Orders a second and percentiles of submit to acknowledgement, in microseconds.

    After a batch to warm up; cancels are not timed.
    """
    taken: list[float] = []
    seconds = 0.0
    for number in range(1 + n_orders // BATCH):
        started = perf_counter()
        with ThreadPoolExecutor(way.threads) as pool:
            one = _timed(way, price)
            if way.threads == 1:
                times = [one() for _ in range(BATCH)]
            else:
                times = [each.result() for each in [pool.submit(one) for _ in range(BATCH)]]
        if number:
            seconds += perf_counter() - started
            taken += times
        way.clear()
    cuts = statistics.quantiles(taken, n=100, method="inclusive")
    return {"a second": len(taken) / seconds, "p50 us": cuts[49], "p99 us": cuts[98]}


def _timed(way: Way, price: str) -> Callable[[], float]:
    def one() -> float:
        started = perf_counter()
        way.submit(price)
        return (perf_counter() - started) * 1e6

    return one
