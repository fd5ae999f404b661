"""Five estimators of volatility: by hand, by laws, and on prices whose volatility is known."""

import json
import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

import nanobook

ROWS = Path(__file__).parents[1] / "data" / "volatility" / "bad_prices.json"
METHODS = ("close_to_close", "parkinson", "garman_klass", "rogers_satchell", "yang_zhang")
OPEN, HIGH = [100.0, 101.0, 103.0, 102.0], [102.0, 104.0, 104.0, 103.0]
LOW, CLOSE = [99.0, 100.0, 101.0, 100.0], [101.0, 103.0, 102.0, 101.0]
FOUR = (OPEN, HIGH, LOW, CLOSE)

_log_steps = st.floats(-0.1, 0.1)
_bars = st.lists(
    st.tuples(_log_steps, _log_steps, st.floats(0, 0.1), st.floats(0, 0.1)), min_size=3
)


def prices_of(bars):
    """Open, high, low and close of steps overnight and by day, and of what lies beyond them."""
    columns, close = [], 0.0
    for night, day, above, below in bars:
        opened = close + night
        close = opened + day
        columns.append((opened, max(opened, close) + above, min(opened, close) - below, close))
    return tuple(np.exp(np.array(columns).T))


def walked(n_days, steps, drift=0.0, gap=0.0, seed=0):
    """Days of a random walk of volatility 0.02 in so many steps each, after a night of `gap`."""
    rng = np.random.default_rng(seed)
    # The extremes of so many looks lie a little inside those of the walk between them.
    moves = drift / steps + rng.standard_normal((n_days, steps)) * (0.02 / math.sqrt(steps))
    nights = rng.standard_normal(n_days) * gap
    before = np.concatenate(([0.0], np.cumsum(nights[1:] + moves.sum(axis=1)[:-1])))
    paths = np.column_stack((np.zeros(n_days), np.cumsum(moves, axis=1))) + before[:, None]
    return np.exp(np.array([paths[:, 0], paths.max(axis=1), paths.min(axis=1), paths[:, -1]]))


@pytest.mark.parametrize(
    ("method", "expected"),
    [
        # The first three and the last are also what nanobook 0.19.2 gives.
        ("close_to_close", 0.016981502362192723),
        ("parkinson", 0.01936738145807833),
        ("garman_klass", 0.021324468046144258),
        ("rogers_satchell", 0.020869793478894495),
        ("yang_zhang", 0.020793572179311638),
    ],
)
def test_four_days_are_what_one_computes_by_hand(method, expected):
    found = nanobook.realized_vol(*FOUR, method)
    assert type(found) is float
    assert found == pytest.approx(expected, rel=1e-13)
    annual = nanobook.realized_vol(*FOUR, method, periods_per_year=252)
    assert annual == pytest.approx(expected * 15.874507866387544, rel=1e-13)


def test_close_to_close_is_the_default():
    assert nanobook.realized_vol(*FOUR) == nanobook.realized_vol(*FOUR, "close_to_close")


def test_one_day_of_a_known_range_is_the_formula():
    # A range of e: its square is 1, and neither open nor close is at an end of it.
    one = ([1.0], [math.exp(0.5)], [math.exp(-0.5)], [1.0])
    assert nanobook.realized_vol(*one, "parkinson") == pytest.approx(0.6005612043932249)
    assert nanobook.realized_vol(*one, "garman_klass") == pytest.approx(0.7071067811865476)
    assert nanobook.realized_vol(*one, "rogers_satchell") == pytest.approx(0.7071067811865476)


def test_yang_zhang_weighs_the_close_with_the_papers_k():
    # Each day opens at 1 and goes straight to its close, so Rogers and Satchell see nothing. Three
    # days have n = 3 and k = 0.34 / (1.34 + 4 / 2); by day they return 1 %, 0 and -1 %, of variance
    # 1e-4, and by night 0, -1 % and 0, of variance 1e-4 / 3.
    opened, closed = np.ones(4), np.exp([0.0, 0.01, 0.0, -0.01])
    high, low = np.maximum(opened, closed), np.minimum(opened, closed)
    found = nanobook.realized_vol(opened, high, low, closed, "yang_zhang")
    assert found**2 == pytest.approx(1e-4 / 3 + 0.10179640718562874 * 1e-4, rel=1e-9)


@given(bars=_bars, unit=st.sampled_from([0.01, 3.0, 1e6]), method=st.sampled_from(METHODS))
def test_the_unit_of_the_prices_does_not_matter(bars, unit, method):
    prices = prices_of(bars)
    found = nanobook.realized_vol(*prices, method)
    scaled = nanobook.realized_vol(*(series * unit for series in prices), method)
    assert scaled == pytest.approx(found, rel=1e-6, abs=1e-9)
    assert found >= 0.0


@given(bars=_bars, method=st.sampled_from(METHODS), data=st.data())
def test_a_window_gives_what_its_rows_alone_give(bars, method, data):
    prices = prices_of(bars)
    size = data.draw(st.integers(3, len(bars)))
    rolled = nanobook.realized_vol(*prices, method, window=size, periods_per_year=252)
    assert rolled.shape == (len(bars),)
    assert np.isnan(rolled[: size - 1]).all()
    for stop in range(size, len(bars) + 1):
        rows = (series[stop - size : stop] for series in prices)
        alone = nanobook.realized_vol(*rows, method, periods_per_year=252)
        assert rolled[stop - 1] == pytest.approx(alone, rel=1e-9, abs=1e-12)


def test_long_series_are_rolled_in_blocks(monkeypatch):
    prices = walked(300, 20)
    whole = nanobook.realized_vol(*prices, "yang_zhang", window=20)
    monkeypatch.setattr("nanobook_optimizers.realised_volatility._CELLS", 500)
    assert nanobook.realized_vol(*prices, "yang_zhang", window=20)[19:].tolist() == (
        whole[19:].tolist()
    )


def test_a_window_longer_than_the_series_is_all_warm_up():
    assert np.isnan(nanobook.realized_vol(*FOUR, window=5)).tolist() == [True] * 4


@pytest.mark.parametrize("method", METHODS)
def test_a_price_that_never_moves_has_no_volatility(method):
    still = ([100] * 5,) * 4
    assert nanobook.realized_vol(*still, method) == 0.0
    assert nanobook.realized_vol(*still, method, window=3)[2:].tolist() == [0.0] * 3


@pytest.mark.parametrize("method", METHODS)
def test_a_walk_without_drift_or_gap_has_its_volatility(method):
    assert nanobook.realized_vol(*walked(4000, 500), method) == pytest.approx(0.02, rel=0.05)


def test_drift_raises_the_estimators_that_assume_none():
    prices = walked(3000, 1000, drift=0.04)
    for method in ("rogers_satchell", "yang_zhang", "close_to_close"):
        assert nanobook.realized_vol(*prices, method) == pytest.approx(0.02, rel=0.07)
    for method in ("parkinson", "garman_klass"):
        assert nanobook.realized_vol(*prices, method) > 0.023


def test_only_two_of_them_see_what_happens_overnight():
    prices = walked(4000, 500, gap=0.015)
    for method in ("close_to_close", "yang_zhang"):
        assert nanobook.realized_vol(*prices, method) == pytest.approx(0.025, rel=0.05)
    for method in ("parkinson", "garman_klass", "rogers_satchell"):
        assert nanobook.realized_vol(*prices, method) == pytest.approx(0.02, rel=0.05)


@pytest.mark.parametrize("row", json.loads(ROWS.read_text()), ids=str)
def test_bad_prices_are_refused_in_words(row):
    prices = dict(zip(("open", "high", "low", "close"), FOUR, strict=True)) | row["prices"]
    for name, series in prices.items():
        if isinstance(series, list):  # JSON has neither
            prices[name] = [float(v) if v in ("nan", "inf") else v for v in series]
    with pytest.raises((TypeError, ValueError)) as caught:
        nanobook.realized_vol(**prices, **row.get("options", {}))
    assert type(caught.value).__name__ == row["error"]
    assert str(caught.value) == row["says"]


def test_series_of_other_periods_are_refused():
    days = ["Mon", "Tue", "Wed", "Thu", "Fri"]
    first, second = (pd.Series(CLOSE, days[start : start + 4]) for start in (0, 1))
    with pytest.raises(nanobook.ValidationError) as caught:
        nanobook.realized_vol(OPEN, pd.Series(HIGH, days[:4]), LOW, second)
    assert str(caught.value) == (
        "high and close must have the same index; in row 0 high has Mon, close Tue"
    )
    assert nanobook.realized_vol(OPEN, HIGH, LOW, first) == nanobook.realized_vol(*FOUR)
