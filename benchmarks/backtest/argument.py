"""Arguments of `backtest_weights` that are valid for both, as a hypothesis strategy.

Valid: whatever is held has a price, prices are above 0, no symbol stands twice in a row, no ATR
stops. Equity above 0 throughout is seen in the answer only: `is_solvent`.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Any

from hypothesis import strategies as st

Row = list[tuple[str, Any]]

NAMES = ("B", "A", "nvda", "ABCDEFGH")
#: Beyond it the original's money may not fit its type.
MOST_EQUITY = 10**15


@st.composite
def valid_arguments(draw: st.DrawFn) -> list[Any]:
    """All seven, in their order: few symbols, few periods, prices near 1 and large, any weights."""
    names = draw(st.permutations(NAMES))[: draw(st.integers(1, 4))]
    listed = {name: draw(st.sampled_from([0, 0, 0, 1, 3])) for name in names}
    price, weight = draw(_prices()), draw(_weights())
    weights: list[Row] = []
    prices: list[Row] = []
    for period in range(draw(st.integers(1, 12))):
        there = [name for name in draw(st.permutations(names)) if listed[name] <= period]
        row = [(name, draw(weight)) for name in there[draw(st.integers(0, len(there))) :]]
        held = {name for name, value in [*row, *(weights[-1] if weights else [])] if value}
        gaps = draw(st.booleans())
        weights.append(row)
        prices.append([(name, draw(price)) for name in there if name in held or not gaps])
    return [
        weights,
        prices,
        draw(st.sampled_from([1000, 100_000, 10**8 + 7, 10**12])),
        draw(st.sampled_from([0, 1, 15, 15, 1000, 10_000])),
        draw(st.sampled_from([252.0, 12.0, 365.25])),
        draw(st.sampled_from([0.0, 1e-4])),
        draw(_stops()),
    ]


@st.composite
def _prices(draw: st.DrawFn) -> st.SearchStrategy[int]:
    middle = draw(st.sampled_from([2, 20, 100, 10_000, 1_000_000]))
    if draw(st.booleans()):
        return st.integers(max(middle // 2, 1), middle * 2)
    return st.sampled_from(
        [max(middle * part // 20, 1) for part in (10, 16, 18, 19, 20, 21, 22, 30)]
    )


@st.composite
def _weights(draw: st.DrawFn) -> st.SearchStrategy[float]:
    values = draw(
        st.sampled_from(
            [
                [0.0, 0.25, 0.5, 1.0, 1e-9],
                [0.0, 0.25, -0.25, -0.5, 0.1, -1e-9],
                [0.5, 1.3, -0.5, 2.0, 0.0],
            ]
        )
    )
    return st.sampled_from(values) | st.floats(min(values), max(values))


@st.composite
def _stops(draw: st.DrawFn) -> dict[str, float] | None:
    kinds = draw(st.sampled_from([["fixed"], ["trailing"], ["fixed", "trailing"], None]))
    size = st.sampled_from([0.0, 0.05, 0.1, 0.2]) | st.floats(0.001, 0.9)
    return {f"{kind}_stop_pct": draw(size) for kind in kinds} if kinds else None


def is_solvent(answer: dict[str, Any]) -> bool:
    """Whether equity, costs paid, was above 0 throughout, and nowhere near what money can be."""
    curve = answer["equity_curve"]
    return bool(min(curve) > 0 and max(curve) < MOST_EQUITY)


def features(arguments: list[Any], answer: dict[str, Any]) -> dict[str, bool]:
    """What a schedule has, by the original's answer."""
    weights, prices, _, bps, *_, stop_cfg = arguments
    events, held = answer["stop_events"], [dict(row) for row in answer["holdings"]]
    stops = [(event["period_index"], event["symbol"]) for event in events]
    sums = [sum(value for _, value in row) for row in weights]
    gross = [sum(abs(value) for _, value in row) for row in weights]
    asked = [value for row in weights for _, value in row]
    quoted = [value for row in prices for _, value in row]
    moves = [
        (value, after.get(name, 0.0))
        for before, after in pairwise(held)
        for name, value in before.items()
    ]
    gaps = [dict(before).keys() - dict(after) for before, after in pairwise(prices)]
    return {
        "one period": len(weights) == 1,
        "fixed stop fired": any(event["reason"] == "fixed" for event in events),
        "trailing stop fired": any(event["reason"] == "trailing" for event in events),
        "both kinds of stop": len(stop_cfg or ()) == 2,
        "stops, none fired": bool(stop_cfg) and not events,
        "several stops in one period": len({period for period, _ in stops}) < len(stops),
        "bought again after a stop": any(
            name in row for period, name in stops for row in held[period + 1 :]
        ),
        "short": any(value < 0 for row in held for value in row.values()),
        "short covered in part": any(before < after < 0 for before, after in moves),
        "short covered": any(before < 0 <= after for before, after in moves),
        "gross weight above 1": max(gross) > 1,
        "cash overdrawn": any(sum(row.values()) > 1 for row in held),
        "empty row": any(not row for row in weights),
        "weights that do not sum to 1": any(value not in {0, 1} for value in sums),
        "tiny weight": any(0 < abs(value) < 1e-6 for value in asked),
        "no costs": bps == 0,
        "all of it as costs": bps == 10_000,
        "price of 1": 1 in quoted,
        "price of 1,000,000 and more": max(quoted, default=0) >= 1_000_000,
        "symbol without a price": any(gaps),
    }
