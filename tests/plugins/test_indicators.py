"""Every indicator that is TA-Lib's: its laws, and TA-Lib's own values."""

import numpy as np
import pytest
import talib
from hypothesis import given
from hypothesis import strategies as st

import nanobook
from nanobook.demo import load_closes
from nanobook_core.plugin import default_registry
from nanobook_core.testing import IndicatorSuite, PluginSuite
from nanobook_core.testing.indicator import bars

BARS = ("high", "low", "close")
#: By name: inputs, outputs, options as they are given here and to TA-Lib, and warm-ups of both.
INDICATORS = {
    "sma": (("close",), [(30,), (1,)], [29, 0]),
    "ema": (("close",), [(30,), (1,)], [29, 0]),
    "bbands": (("close",), [(20, 2.0, 2.0), (2, 0.0, 1.5)], [19, 1]),
    "rsi": (("close",), [(14,), (2,)], [14, 2]),
    "macd": (("close",), [(12, 26, 9), (2, 3, 1)], [33, 2]),
    "cci": (BARS, [(14,), (2,)], [13, 1]),
    "mom": (("close",), [(10,), (1,)], [10, 1]),
    "roc": (("close",), [(10,), (1,)], [10, 1]),
    "rocp": (("close",), [(10,), (1,)], [10, 1]),
    "rocr": (("close",), [(10,), (1,)], [10, 1]),
    "ultosc": (BARS, [(7, 14, 28), (3, 1, 2)], [28, 3]),
    "willr": (BARS, [(14,), (2,)], [13, 1]),
    "plus_di": (BARS, [(14,), (1,)], [14, 1]),
    "minus_di": (BARS, [(14,), (1,)], [14, 1]),
    "dx": (BARS, [(14,), (2,)], [14, 2]),
    "adx": (BARS, [(14,), (2,)], [27, 3]),
    "stochf": (BARS, [(5, 3), (1, 1)], [6, 0]),
    "stoch": (BARS, [(5, 3, 3), (2, 1, 2)], [8, 2]),
    "stochrsi": (("close",), [(14, 5, 3), (2, 1, 1)], [20, 2]),
    "trange": (BARS, [()], [1]),
    "atr": (BARS, [(14,), (1,)], [14, 1]),
    "natr": (BARS, [(14,), (1,)], [14, 1]),
    "ad": ((*BARS, "volume"), [()], [0]),
    "adosc": ((*BARS, "volume"), [(3, 10), (5, 2)], [9, 4]),
    "obv": (("close", "volume"), [()], [0]),
}
ROWS = [
    (name, inputs, options, warm_up)
    for name, (inputs, settings, warm_ups) in INDICATORS.items()
    for options, warm_up in zip(settings, warm_ups, strict=True)
]
#: With the shortest periods, in which most happens.
SHORTEST = [(name, row[0], row[1][-1], row[2][-1]) for name, row in INDICATORS.items()]
#: Those whose answer is right again as soon as the value and the one before it are there.
BRIDGES = {"mom", "roc", "rocp", "rocr"}


def outputs(found):
    return found if isinstance(found, tuple) else (found,)


def of_talib(name, series, options):
    if name == "stoch":
        fast, slow, d = options
        options = (fast, slow, 0, d, 0)
    return outputs(getattr(talib, name.upper())(*series, *options))


class TestPlugin(PluginSuite):
    @pytest.fixture
    def distribution(self):
        return "nanobook-indicators"


@pytest.mark.parametrize(
    ("name", "inputs", "options", "warm_up"),
    SHORTEST,
    ids=[f"{name}{options}" for name, _, options, _ in SHORTEST],
    scope="class",
)
class TestIndicator(IndicatorSuite):
    @pytest.fixture(scope="class")
    @classmethod
    def indicator(cls, name, options):
        function = default_registry().load("feature", name)
        return lambda *series: function(*series, *options)

    @pytest.fixture(autouse=True, scope="class")
    @classmethod
    def _row(cls, inputs, warm_up):
        cls.inputs, cls.warm_up = inputs, warm_up


@pytest.mark.parametrize("row", ROWS, ids=[f"{row[0]}{row[2]}" for row in ROWS])
@given(
    n=st.integers(0, 90),
    seed=st.integers(0, 2**32 - 1),
    shape=st.sampled_from(["walk", "flat", "rising"]),
)
def test_values_and_warm_up_are_those_of_talib_to_the_bit(row, n, seed, shape):
    name, inputs, options, _ = row
    series = [bars(n, seed, shape)[part] for part in inputs]
    found = outputs(getattr(nanobook, name)(*series, *options))
    expected = of_talib(name, series, options)
    assert [values.tobytes() for values in found] == [values.tobytes() for values in expected]


@pytest.mark.parametrize("row", SHORTEST, ids=INDICATORS)
def test_from_a_gap_on_there_is_no_number_unless_two_values_are_all_it_needs(row):
    name, inputs, options, _ = row
    series = [bars(60, 3)[part] for part in inputs]
    whole = outputs(getattr(nanobook, name)(*series, *options))
    for place in range(len(inputs)):
        gapped = [part.copy() for part in series]
        gapped[place][30] = np.nan
        for found, without in zip(
            outputs(getattr(nanobook, name)(*gapped, *options)), whole, strict=True
        ):
            expected = without.copy()
            if name in BRIDGES:
                expected[[30, 31]] = np.nan
            else:
                expected[30:] = np.nan
            np.testing.assert_array_equal(found, expected)


def test_talib_itself_gives_wrong_numbers_after_a_gap():
    # Why a gap ends a series here: this is what would be handed on.
    close = bars(60, 3)["close"]
    close[30] = np.nan
    assert np.isfinite(talib.RSI(close, 5)[30:]).all()


@pytest.mark.parametrize("row", SHORTEST, ids=INDICATORS)
def test_a_series_that_is_all_missing_gives_none(row):
    name, inputs, options, _ = row
    missing = np.full(10, np.nan)
    for found in outputs(getattr(nanobook, name)(*[missing] * len(inputs), *options)):
        assert np.isnan(found).all()


def test_names_of_a_panel_may_begin_and_end_at_their_own_times():
    close = np.stack([bars(60, seed)["close"] for seed in range(3)], axis=1)
    close[:20, 1] = np.nan
    close[50:, 2] = np.nan
    found = nanobook.rsi(close, 5)
    assert [int(np.isfinite(column).argmax()) for column in found.T] == [5, 25, 5]
    np.testing.assert_array_equal(found[20:, 1], talib.RSI(close[20:, 1].copy(), 5))
    np.testing.assert_array_equal(found[:50, 2], talib.RSI(close[:50, 2].copy(), 5))
    assert np.isnan(found[50:, 2]).all()


@pytest.mark.parametrize("n", [13, 14, 15])
def test_a_series_as_long_as_its_period_is_too_short_for_changes(n):
    # 14 changes need 15 values, and 14 values are enough for an average.
    close = bars(n, 1)["close"]
    assert int(np.isfinite(nanobook.rsi(close, 14)).sum()) == max(n - 14, 0)
    assert int(np.isfinite(nanobook.sma(close, 14)).sum()) == max(n - 13, 0)


@given(power=st.integers(-6, 20), seed=st.integers(0, 2**32 - 1))
def test_indices_do_not_depend_on_the_unit_and_averages_are_in_it(power, seed):
    # By powers of two, which round nothing.
    scale = 2.0**power
    series = bars(60, seed)
    close = series["close"]
    ranges = [series[part] for part in BARS]
    scaled = [part * scale for part in ranges]
    for index in (nanobook.rsi, nanobook.roc):
        np.testing.assert_array_equal(index(close * scale, 5), index(close, 5))
    for index in (nanobook.adx, nanobook.willr, nanobook.natr):
        np.testing.assert_array_equal(index(*scaled, 5), index(*ranges, 5))
    for average in (nanobook.sma, nanobook.ema, nanobook.mom):
        np.testing.assert_array_equal(average(close * scale, 5), average(close, 5) * scale)
    np.testing.assert_array_equal(nanobook.atr(*scaled, 5), nanobook.atr(*ranges, 5) * scale)
    for found, expected in zip(nanobook.macd(close * scale), nanobook.macd(close), strict=True):
        np.testing.assert_array_equal(found, expected * scale)
    for found, expected in zip(nanobook.bbands(close * scale), nanobook.bbands(close), strict=True):
        np.testing.assert_allclose(found, expected * scale, rtol=1e-12)


@given(shift=st.integers(-(10**6), 10**6), seed=st.integers(0, 2**32 - 1))
def test_bands_and_averages_move_with_the_values_and_momentum_does_not(shift, seed):
    close = np.round(bars(60, seed)["close"] * 100)
    for average in (nanobook.sma, nanobook.ema):
        np.testing.assert_allclose(
            average(close + shift, 5), average(close, 5) + shift, rtol=1e-11, atol=1e-6
        )
    np.testing.assert_array_equal(nanobook.mom(close + shift, 5), nanobook.mom(close, 5))
    moved, bands = nanobook.bbands(close + shift, 5), nanobook.bbands(close, 5)
    for found, expected in zip(moved, bands, strict=True):
        np.testing.assert_allclose(found, expected + shift, rtol=1e-11, atol=1e-6)


def test_bands_are_right_where_prices_are_large_and_moves_small():
    # The original's width at a price of 1e9 was 78.4.
    close = 1e9 + np.tile([0.0, 0.01, 0.02, 0.01], 20)
    upper, _, lower = nanobook.bbands(close, 20)
    width = 4 * np.std(close[:20])
    np.testing.assert_allclose((upper - lower)[19:], width, atol=1e-6)


@given(seed=st.integers(0, 2**32 - 1))
def test_bands_enclose_their_middle_and_indices_stay_in_their_range(seed):
    series = bars(80, seed)
    upper, middle, lower = nanobook.bbands(series["close"], 5)
    assert (upper[4:] >= middle[4:]).all()
    assert (middle[4:] >= lower[4:]).all()
    ranges = [series[part] for part in BARS]
    slack = 1e-9
    for found in (
        nanobook.rsi(series["close"], 5),
        nanobook.adx(*ranges, 5),
        *nanobook.stoch(*ranges),
        *nanobook.stochrsi(series["close"]),
        -nanobook.willr(*ranges, 5),
        nanobook.ultosc(*ranges),
    ):
        known = found[np.isfinite(found)]
        assert ((known >= -slack) & (known <= 100 + slack)).all()


def test_the_newer_names_are_the_same_functions():
    assert nanobook.bollinger is nanobook.bbands
    assert nanobook.wilder_atr is nanobook.atr
    assert nanobook.py_rsi is nanobook.rsi


def test_every_supported_indicator_is_there_and_named_as_talibs():
    listed = nanobook.list_supported_indicators()
    assert [row["name"] for row in listed] == [
        *("sma", "ema", "rsi", "macd", "bbands", "atr", "stoch", "stochf", "stochrsi", "adx"),
        *("plus_di", "minus_di", "dx", "cci", "willr", "ultosc", "mom", "roc", "rocp", "rocr"),
        *("obv", "ad", "adosc", "natr", "trange"),
    ]
    assert {row["name"] for row in listed} == set(INDICATORS)
    series = {
        "close": ("close",),
        "close_volume": ("close", "volume"),
        "ohlc": BARS,
        "ohlcv": (*BARS, "volume"),
    }
    for row in listed:
        assert series[row["input_type"]] == INDICATORS[row["name"]][0]
        assert callable(getattr(talib, row["talib"]))
        assert row["has_parity"] is True
        assert row["name"] in nanobook.capabilities("feature")
    listed[0]["name"] = "changed"
    assert nanobook.py_list_supported_indicators()[0] == {
        "name": "sma",
        "category": "overlap",
        "input_type": "close",
        "talib": "SMA",
        "has_parity": True,
    }


def test_a_panel_of_real_closes_has_talibs_values_in_every_column():
    _, symbols, closes = load_closes()
    found = nanobook.rsi(closes)
    bands = nanobook.bbands(closes)
    assert found.shape == (5785, len(symbols)) == (5785, 20)
    for place in range(20):
        close = closes[:, place].copy()
        np.testing.assert_array_equal(found[:, place], talib.RSI(close, 14))
        known = talib.BBANDS(close, 20)
        np.testing.assert_array_equal([band[:, place] for band in bands], known)


@pytest.mark.parametrize(
    ("name", "series", "options", "expected"),
    [
        ("rsi", [[5.0, 5, 5, 5]], (2,), [0.0, 0.0]),
        ("roc", [[0.0, 5, 0]], (1,), [0.0, -100.0]),
        ("rocp", [[0.0, 5, 0]], (1,), [0.0, -1.0]),
        ("rocr", [[0.0, 5, 0]], (1,), [0.0, 0.0]),
        ("willr", [[5.0] * 3] * 3, (2,), [0.0, 0.0]),
        ("cci", [[5.0] * 3] * 3, (2,), [0.0, 0.0]),
        ("natr", [[2.0] * 4, [1.0] * 4, [1.0, 1, 0, 2]], (2,), [0.0, 75.0]),
        ("plus_di", [[5.0] * 4] * 3, (2,), [0.0, 0.0]),
        ("dx", [[5.0] * 4] * 3, (2,), [0.0, 0.0]),
        ("ad", [[5.0] * 2] * 3 + [[7.0] * 2], (), [0.0, 0.0]),
        ("obv", [[5.0] * 2, [7.0] * 2], (), [7.0, 7.0]),
    ],
)
def test_where_a_ratio_would_be_one_of_nothing_it_is_what_the_docstring_says(
    name, series, options, expected
):
    found = getattr(nanobook, name)(*series, *options)
    assert [value for value in found if value == value] == expected  # noqa: PLR0124 - not NaN


def test_a_stochastic_without_a_range_is_zero():
    assert nanobook.stochf([5.0] * 2, [5.0] * 2, [5.0] * 2, 1, 1) == ([0.0, 0.0], [0.0, 0.0])


def test_a_movement_index_without_movement_keeps_the_value_before():
    # A rise, and then, once Wilder's sums have no digits left of it, nothing.
    high = [1.0, 2.0, *[2.0] * 4]
    low = [0.0, 1.0, *[1.0] * 4]
    assert nanobook.dx(high, low, high, 2)[2:] == [100.0] * 4


def test_a_period_of_one_is_no_percentage_in_some_of_talibs():
    high, low, close = [1.0, 3, 4], [0.0, 1, 3], [0.5, 2, 3.5]
    assert nanobook.plus_di(high, low, close, 1)[1:] == [0.8, 0.5]
    assert nanobook.minus_di(high, low, close, 1)[1:] == [0.0, 0.0]
    assert nanobook.natr(high, low, close, 1)[1:] == [2.5, 2.0]
