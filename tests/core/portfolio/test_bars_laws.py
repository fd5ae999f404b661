"""Simulations with bars against a naive one, and what holds for all of them."""

from collections import Counter

import numpy as np
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from tests.core.portfolio.naive_bars import NaiveBars

from nanobook_core.portfolio import CostModel, Stops
from nanobook_core.portfolio.bar import BarTable
from nanobook_core.portfolio.loop import simulate_tables
from nanobook_core.portfolio.simulation import TRADE_REASONS

WAYS = ("same", "next", "open")
LEVELS = {
    "fixed": st.sampled_from([0.02, 0.05, 0.1]),
    "trailing": st.sampled_from([0.02, 0.05, 0.1]),
    "atr_multiple": st.sampled_from([0.5, 1.0, 2.0]),
}


@st.composite
def bars_of_a_period(draw, middle):
    opened, close = (middle + draw(st.integers(-6, 6)) for _ in range(2))
    above, below = draw(st.integers(0, 6)), draw(st.integers(0, 6))
    return opened, max(opened, close) + above, min(opened, close) - below, close


@st.composite
def markets(draw, *, is_flat=False):
    """Weights (None holds) and bars (None is absent), of one or two symbols."""
    n_symbols, n_periods = draw(st.integers(1, 2)), draw(st.integers(2, 8))
    middle = draw(st.sampled_from([20, 100]))
    bars = [
        [
            draw(bars_of_a_period(middle))
            if not period or draw(st.sampled_from([True] * 7 + [False]))
            else None
            for _ in range(n_symbols)
        ]
        for period in range(n_periods)
    ]
    if is_flat:
        bars = [[bar and (bar[3],) * 4 for bar in row] for row in bars]
    weight = st.sampled_from([0.0, 0.5, 0.5, 1.0, -0.5, -1.0])
    row = st.lists(weight, min_size=n_symbols, max_size=n_symbols)
    weights = [
        draw(row) if not period or draw(st.sampled_from([False, False, True])) else None
        for period in range(n_periods)
    ]
    return weights, bars


@st.composite
def stops(draw, kinds=("fixed", "trailing", "atr_multiple")):
    used = draw(st.sets(st.sampled_from(kinds), min_size=1))
    return Stops(
        **{kind: draw(LEVELS[kind]) for kind in kinds if kind in used},
        atr_period=draw(st.sampled_from([1, 2, 14])),
    )


def tables(weights, bars):
    shape = len(bars), len(bars[0])
    cells = np.array([[bar or (0, 0, 0, 0) for bar in row] for row in bars]).reshape(*shape, 4)
    opens, highs, lows, closes = (np.ascontiguousarray(cells[:, :, place]) for place in range(4))
    rows = [[np.nan] * shape[1] if row is None else row for row in weights]
    return np.array(rows), closes, BarTable(open=opens, high=highs, low=lows)


def simulated(market, rules, *, way="same", bps=0, has_bars=True):
    weights, closes, table = tables(*market)
    return simulate_tables(
        weights,
        closes,
        symbols=tuple("AB"[: closes.shape[1]]),
        initial_cash=10_000,
        cost_model=CostModel(bps),
        stops=rules,
        fill_at=way,
        fill_prices=table.open if way == "open" else None,
        bars=table if has_bars else None,
    )


def trades(run):
    return [(*row[:-1], TRADE_REASONS[row[-1]]) for row in run.trades.tolist()]


def stopped(run):
    return [(*row[:4], TRADE_REASONS[row[4]], row[5]) for row in run.stops.tolist()]


def within(run):
    """Periods and columns of stops that were not filled at the period's close."""
    return [
        (period, column)
        for period, column, _, price, *_ in stopped(run)
        if price != run.prices[period, column]
    ]


def test_simulations_are_those_of_a_naive_one():
    seen = Counter()

    @settings(max_examples=1000)
    @given(markets(), stops(), st.sampled_from(WAYS), st.sampled_from([0, 0, 35]))
    def check(market, rules, way, bps):
        run = simulated(market, rules, way=way, bps=bps)
        naive = NaiveBars(*market, cash=10_000, bps=bps, stops=rules, fill_at=way).run()
        assert trades(run) == naive.trades
        assert stopped(run) == naive.stops
        assert run.quantities.tolist() == naive.quantities
        assert run.cash.tolist() == naive.cash
        assert run.equity.tolist() == naive.equity
        assert run.ruined_at == naive.ruined_at
        for period, column, level, price, reason, lots in stopped(run):
            kind = "at the close"
            if (period, column) in within(run):
                kind = "at the level" if price == level else "at the open"
            seen.update([(way, kind), (way, "long" if lots < 0 else "short"), reason])

    check()
    kinds = ("at the level", "at the open", "at the close", "long", "short")
    expected = [*((way, kind) for way in WAYS for kind in kinds), "fixed", "trailing", "atr"]
    assert min(seen[what] for what in expected) > 3


@settings(max_examples=200)
@given(markets(), stops(), st.sampled_from(WAYS))
def test_truncating_the_future_never_changes_the_past(market, rules, way):
    weights, bars = market
    run = simulated(market, rules, way=way)
    for n_periods in range(1, len(bars)):
        part = simulated((weights[:n_periods], bars[:n_periods]), rules, way=way)
        assert part.equity.tolist() == run.equity[: n_periods + 1].tolist()
        assert trades(part) == [row for row in trades(run) if row[0] < n_periods]
        assert stopped(part) == [row for row in stopped(run) if row[0] < n_periods]


@settings(max_examples=200)
@given(markets(), st.sampled_from(WAYS))
def test_without_stops_bars_change_nothing(market, way):
    run = simulated(market, None, way=way)
    plain = simulated(market, None, way=way, has_bars=False)
    assert run == plain
    assert trades(run) == trades(plain)


def test_bars_of_one_price_change_nothing_but_the_order_of_a_stop_and_the_weights():
    """Those of an ATR stop change more: a level does not know the range of its own bar.

    So do orders that wait, which a stop within the bar overtakes, and ruin at the close, before
    which it closes what is ruined.
    """
    n_stopped = 0

    @settings(max_examples=600)
    @given(markets(is_flat=True), stops(("fixed", "trailing")), st.sampled_from([0, 35]))
    def check(market, rules, bps):
        nonlocal n_stopped
        weights, _ = market
        run = simulated(market, rules, bps=bps)
        plain = simulated(market, rules, bps=bps, has_bars=False)
        assume(plain.ruined_at is None)
        assume(
            all(weights[period] is None for period, *_ in stopped(run) + stopped(plain) if period)
        )
        assert run == plain
        assert trades(run) == trades(plain)
        n_stopped += bool(stopped(run))

    check()
    assert n_stopped > 50


@settings(max_examples=400)
@given(markets(), stops(), st.sampled_from(WAYS))
def test_no_stop_is_filled_better_than_its_level_and_the_open(market, rules, way):
    _, bars = market
    run = simulated(market, rules, way=way)
    for period, column, level, price, _, lots in stopped(run):
        opened, high, low, close = bars[period][column]
        assert low <= price <= high
        if way == "same" and price != close:
            assert price == (min(opened, level) if lots < 0 else max(opened, level))
        if way == "same":
            assert price <= level if lots < 0 else price >= level
