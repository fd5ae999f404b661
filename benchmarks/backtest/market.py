"""Sections of the benchmark: periods, symbols, and what is done with them in which ways."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from attrs import frozen
from lob.engine import in_turns
from lob.section import Rounds, check_equal, column, middle, ratio

from backtest.child import CASH
from backtest.way import (
    BT,
    NUMPY,
    OURS,
    SCALED,
    UNCOMPILED,
    VECTORBT,
    WHEELS,
    WHEELS_WITHOUT_HOLD,
    Way,
)

#: What each way found in each turn.
Found = Mapping[str, Rounds]


@frozen(kw_only=True)
class Market:
    """One table."""

    title: str
    ways: tuple[Way, ...]
    shape: tuple[int, int] = (2520, 500)
    stops: bool = False
    is_monthly: bool = False
    note: str = ""

    def measure(self, rounds: int, shrunk: int = 1) -> Found:
        """All ways in turns, there and back; None where the time limit passed.

        Raises:
            RuntimeError: one failed, or two exact ones did not end with the same equity.

        """
        n_periods, n_symbols = self.shape
        options = {
            "shape": (n_periods // shrunk, n_symbols),
            "stops": self.stops,
            "is_monthly": self.is_monthly,
            "rounds": rounds,
        }
        found = in_turns({way.name: partial(way.measure, options) for way in self.ways}, 2)
        check_equal(self.title, {way.name: found[way.name] for way in self.ways if way.is_exact})
        return found

    def rows(self, found: Found) -> list[dict[str, Any]]:
        """CPU time, how often our arrays go into it, and what has become of the cash."""
        return [
            {
                "way": way.name,
                "ms": middle(column(found[way.name], "ms")),
                "times arrays": goes_into(found, "arrays", way.name),
                "final equity / cash": grown(found[way.name]),
                "note": way.note,
            }
            for way in self.ways
        ]


def goes_into(found: Found, ours: str, theirs: str) -> float | None:
    """How often our time goes into theirs, turn by turn; None if a time limit passed."""
    return ratio(column(found[theirs], "ms"), column(found[ours], "ms"))


def grown(turns: Rounds) -> str:
    """Final equity in parts of the cash."""
    return f"{turns[0]['digest'] / CASH:.6f}" if turns[0] else "took too long"


MARKETS = {
    "daily_stops": Market(
        title="2520 x 500, weights every period, trailing stops of 5 %",
        ways=(*OURS, SCALED, *UNCOMPILED, *WHEELS),
        stops=True,
    ),
    "daily": Market(
        title="2520 x 500, weights every period",
        ways=(*OURS, SCALED, *UNCOMPILED, *WHEELS, NUMPY, *VECTORBT),
        note="bt is left out: it takes minutes.",
    ),
    "monthly_stops": Market(
        title="2520 x 500, weights every 21 periods, trailing stops of 5 %",
        ways=(*OURS, SCALED, *UNCOMPILED, *WHEELS_WITHOUT_HOLD),
        stops=True,
        is_monthly=True,
    ),
    "monthly": Market(
        title="2520 x 500, weights every 21 periods",
        ways=(*OURS, SCALED, *UNCOMPILED, *WHEELS_WITHOUT_HOLD, NUMPY, *VECTORBT, BT),
        is_monthly=True,
    ),
    "long": Market(
        title="1,000,000 x 8, weights every period",
        shape=(1_000_000, 8),
        ways=(*OURS, SCALED, UNCOMPILED[1], *WHEELS, NUMPY, *VECTORBT),
    ),
}
