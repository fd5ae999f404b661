"""What a section of the benchmark is told, and what it finds."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from statistics import median
from typing import Any

from attrs import field, frozen

from lob.engine import Engine

#: Unit of ratios to the original's wheels.
WHEEL = "times the faster wheel"


@frozen(kw_only=True)
class Sizes:
    """How much of everything; the defaults are those of the budgets."""

    rounds: int = 6
    """Even, for the sake of `in_turns`."""
    mixed: int = 200_000
    operations: int = 100_000
    latencies: int = 10_000_000
    wheel_latencies: int = 1_000_000
    batches: tuple[int, ...] = (200_000, 1_000_000, 5_000_000)
    batch: int = 1_000_000
    """The one that has a budget."""
    symbols: int = 2_000_000
    memory: int = 1_000_000
    starts: int = 11


QUICK = Sizes(
    rounds=1,
    mixed=10_000,
    operations=2_000,
    latencies=50_000,
    wheel_latencies=10_000,
    batches=(10_000, 20_000),
    batch=10_000,
    symbols=64_000,
    memory=50_000,
    starts=1,
)


@frozen
class Section:
    """A table, what there is to say about it, and the figures that have a budget."""

    title: str
    rows: Sequence[Mapping[str, Any]]
    note: str = ""
    figures: Mapping[str, float | None] = field(factory=dict)
    raw: Any = None
    """Every single measurement."""


#: A section is made from sizes and the wheels there are.
Measure = Callable[[Sizes, Sequence[Engine]], Section]

#: What the rounds of one task found; None where its time limit passed.
Rounds = Sequence[Any]


def column(rounds: Rounds, name: str) -> list[float | None]:
    """One number of each round."""
    return [found and found.get(name) for found in rounds]


def middle(values: Sequence[float | None]) -> float | None:
    """Median; None if a time limit passed."""
    found = [value for value in values if value is not None]
    return median(found) if found and len(found) == len(values) else None


def ratio(of: Sequence[float | None], to: Sequence[float | None]) -> float | None:
    """Median of the ratios of each round; None if a time limit passed."""
    return middle([a / b if a and b else None for a, b in zip(of, to, strict=False)])


def least(values: Iterable[float | None]) -> float | None:
    """Smallest of those that there are; None without any."""
    return min((value for value in values if value is not None), default=None)


def check_equal(what: str, tasks: Mapping[Any, Rounds]) -> None:
    """Ratios say something only where the same was done.

    Raises:
        RuntimeError: two tasks traded differently.

    """
    digests = {name: rounds[0]["digest"] for name, rounds in tasks.items() if rounds[0]}
    if len(set(digests.values())) > 1:
        raise RuntimeError(f"the trades of {what} differ: {digests}")
