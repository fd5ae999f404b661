from decimal import Decimal

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from nanobook_core.errors import ValidationError
from nanobook_core.portfolio import LookaheadError, check_lookahead


def market():
    draw = np.random.default_rng(3)
    return 100.0 * np.exp(np.cumsum(draw.normal(0.0, 0.02, (120, 4)), axis=0))


def returns(prices):
    made = np.zeros(prices.shape)
    made[1:] = prices[1:] / prices[:-1] - 1.0
    return made


def tomorrows_momentum(prices):
    weights = np.zeros(prices.shape)
    weights[:-1] = returns(prices)[1:] > 0.0
    return weights / 4.0


def full_sample_score(prices):
    return (prices - prices.mean(axis=0)) / prices.std(axis=0) / 10.0


def centred_mean(prices):
    padded = np.vstack([prices[:1], prices, prices[-1:]])
    smooth = (padded[:-2] + padded[1:-1] + padded[2:]) / 3.0
    return (smooth > prices) / 4.0


def lagged_momentum(prices):
    weights = np.zeros(prices.shape)
    weights[21:] = prices[20:-1] > prices[:-21]
    return weights / 4.0


def expanding_score(prices):
    count = np.arange(1, len(prices) + 1)[:, None]
    mean = np.cumsum(prices, axis=0) / count
    return np.sign(prices - mean) / 4.0


def inverse_volatility(prices):
    weights = np.full(prices.shape, np.nan)
    made = returns(prices)
    for period in range(20, len(prices)):
        risk = 1.0 / made[period - 19 : period + 1].std(axis=0)
        weights[period] = risk / risk.sum()
    return weights


@pytest.mark.parametrize("strategy", [tomorrows_momentum, full_sample_score, centred_mean])
def test_a_planted_look_ahead_is_caught(strategy):
    report = check_lookahead(strategy, market())
    assert not report.is_clean
    leak = report.leaks[0]
    assert leak.period <= leak.cut
    assert f"in period {leak.period} depends on prices after period {leak.cut}" in str(report)
    with pytest.raises(LookaheadError, match="the weight of"):
        report.raise_if_leaking()


@pytest.mark.parametrize("strategy", [lagged_momentum, expanding_score, inverse_volatility])
def test_a_clean_strategy_passes(strategy):
    report = check_lookahead(strategy, market())
    assert report.is_clean
    assert str(report) == "no look-ahead found in 60 checks"
    report.raise_if_leaking()


def test_look_ahead_of_one_period_is_caught_at_every_cut():
    report = check_lookahead(tomorrows_momentum, market(), n_cuts=200)
    assert {leak.cut for leak in report.leaks} == set(range(119))
    assert all(leak.period == leak.cut for leak in report.leaks)


def pandas_frame():
    dates = pd.date_range("2024-01-01", periods=120)
    return pd.DataFrame(market(), index=dates, columns=list("ABCD"))


def test_frames_of_pandas_are_taken():
    frame = pandas_frame()
    report = check_lookahead(lambda prices: prices.pct_change().shift(-1).clip(0.0), frame)
    assert {leak.symbol for leak in report.leaks} <= set("ABCD")
    assert not report.is_clean
    assert check_lookahead(lambda prices: prices.pct_change(5).shift(1), frame).is_clean
    assert check_lookahead(lambda prices: prices.ffill().rolling(10).mean(), frame).is_clean


def test_frames_of_polars_and_pyarrow_are_taken():
    frame = pl.from_pandas(pandas_frame().reset_index(names="date"))
    columns = pl.col("A", "B", "C", "D")

    def leaking(prices):
        return prices.with_columns(columns / columns.mean())

    def clean(prices):
        return prices.with_columns(columns.pct_change().shift(1))

    assert not check_lookahead(leaking, frame).is_clean
    assert check_lookahead(clean, frame).is_clean
    arrow = frame.to_arrow()
    assert isinstance(arrow, pa.Table)
    assert not check_lookahead(lambda t: leaking(pl.from_arrow(t)).to_arrow(), arrow).is_clean
    assert check_lookahead(lambda t: clean(pl.from_arrow(t)).to_arrow(), arrow).is_clean


def test_whole_prices_stay_whole():
    seen = []

    def strategy(prices):
        seen.append(prices.dtype)
        assert (prices > 0).all()
        return np.ones(prices.shape) / 4

    assert check_lookahead(strategy, np.rint(market()).astype(np.int64)).is_clean
    assert set(seen) == {np.dtype(np.int64)}


def test_a_leak_is_said_in_words():
    prices = np.array([[100.0, 50.0], [110.0, 50.0], [120.0, 50.0]])
    report = check_lookahead(lambda p: p / p[-1] * [0.5, 0.0], prices, n_cuts=1)
    assert repr(report.leaks[0]) == (
        "the weight of column 0 in period 0 depends on prices after period 1: "
        "0.416667 became 0.138889 when they were tripled"
    )
    assert repr(report) == f"{report.leaks[0]!r}\nand 3 more, in .leaks, of 5 checks"
    first = report.leaks[0]
    assert (first.cut, first.period, first.symbol, first.how) == (1, 0, "column 0", "tripled")


def test_days_that_depend_on_which_days_follow_are_reported():
    dates = pd.date_range("2024-01-01", periods=60, freq="B")
    prices = pd.DataFrame({"A": np.arange(60) + 100.0}, dates)

    def at_month_ends(prices):
        ends = prices.groupby(prices.index.to_period("M")).tail(1).index
        return pd.DataFrame({"A": 0.5}, ends).reindex(prices.index)

    def at_month_ends_of_the_calendar(prices):
        ends = pd.date_range("2024-01-01", "2024-12-31", freq="BME")
        return pd.DataFrame({"A": 0.5}, ends).reindex(prices.index)

    assert {leak.how for leak in check_lookahead(at_month_ends, prices).leaks} == {"left out"}
    assert check_lookahead(at_month_ends_of_the_calendar, prices).is_clean


def test_what_is_filled_from_behind_is_caught_at_the_start_and_in_gaps():
    frame = pandas_frame()
    at_the_start = check_lookahead(lambda prices: prices.pct_change().bfill(), frame)
    assert {(leak.cut, leak.period) for leak in at_the_start.leaks} == {(0, 0)}
    frame.iloc[50:53, 1] = np.nan
    in_the_gap = check_lookahead(lambda prices: prices.bfill() / 1000.0, frame)
    assert {(leak.cut, leak.period, leak.symbol) for leak in in_the_gap.leaks} == {(52, 50, "B")}
    assert check_lookahead(lambda prices: prices.ffill() / 1000.0, frame).is_clean


def test_a_dependence_on_the_number_of_periods_is_caught():
    def share_of_the_run(prices):
        return np.arange(len(prices))[:, None] / len(prices) * np.ones(prices.shape)

    leaks = check_lookahead(share_of_the_run, market()).leaks
    assert {leak.how for leak in leaks} == {"left out"}


def test_missing_prices_stay_missing_and_the_past_stays_as_it_is():
    given = market()
    given[30, 0] = given[119, 1] = np.nan
    given[60:, 2] = 0.0
    kept, cuts = given.copy(), []

    def strategy(prices):
        assert (np.isnan(prices) == np.isnan(given[: len(prices)])).all()
        assert ((prices == 0.0) == (given[: len(prices)] == 0.0)).all()
        is_same = np.isclose(prices, given[: len(prices)], rtol=0.0, atol=0.0, equal_nan=True)
        cuts.append(int(is_same.all(axis=1).argmin()))
        prices[:] = 1.0  # its own copy
        return prices

    assert check_lookahead(strategy, given, n_cuts=2).is_clean
    assert np.array_equal(given, kept, equal_nan=True)
    # Twice as they are, then after period 0 in four ways and cut short, then after the gap.
    assert cuts[:8] == [0, 0, 1, 1, 1, 1, 0, 31]


def test_types_and_nulls_stay():
    whole = [[100, 50], [0, 51], [120, 52], [127, 53]]
    small = np.array(whole, np.int8)
    nulls = {"A": [1.5, None, 2.5, 3.5], "B": [None, 7, 8, 9]}
    schema = {"A": pl.Float32, "B": pl.Int16}
    decimals = {"A": [Decimal("1.50"), None, Decimal("9.99"), Decimal("0.01")]}
    index = pd.date_range("2024-01-01", periods=4, tz="Europe/Berlin")
    for given in (
        small,
        small.astype(np.uint16),
        small.astype(np.float32),
        pl.DataFrame(nulls, schema=schema),
        pl.DataFrame(nulls, schema=schema).to_arrow(),
        pl.DataFrame(decimals, schema={"A": pl.Decimal(3, 2)}),
        pa.table(decimals),
        pd.DataFrame(decimals, index=index),
        pd.DataFrame({"A": pd.array(nulls["B"], "Int32"), "B": [1, 2, 3, 4]}, index=index),
    ):
        types, seen = kinds(given), []

        def strategy(prices, types=types, seen=seen, given=given):
            assert kinds(prices) == types
            cells, before = cells_of(prices), cells_of(given)
            for row, own in zip(cells, before[: len(cells)], strict=True):
                assert [is_missing(cell) for cell in row] == [is_missing(cell) for cell in own]
                assert all(is_missing(cell) or cell > 0 for cell in row)
            seen.append(cells[2:] != before[2 : len(cells)])
            return np.ones((len(prices), 1))

        assert check_lookahead(strategy, given).is_clean
        assert sum(seen) >= 4


def kinds(table):
    if isinstance(table, np.ndarray):
        return table.dtype
    if isinstance(table, pd.DataFrame):
        return (*table.dtypes, table.index.dtype, table.index[0])
    return table.schema


def cells_of(table):
    if isinstance(table, np.ndarray):
        return table.tolist()
    if isinstance(table, pd.DataFrame):
        return table.astype(object).to_numpy().tolist()
    return pl.from_arrow(table).rows() if isinstance(table, pa.Table) else table.rows()


def is_missing(cell):
    return cell is None or cell is pd.NA or cell == 0 or cell != cell  # noqa: PLR0124 - NaN


def test_lists_of_rows_are_taken_and_symbols_may_come_late():
    days = [
        {"A": 100 + day % 7} | ({"NEW": 50 + day % 5} if day >= 10 else {}) for day in range(20)
    ]

    def equal(rows):
        return [[(symbol, 1.0 / len(row)) for symbol in row] for row in rows]

    def best_of_all(rows):
        top = max(max(row.values()) for row in rows)
        return [{symbol: price / top for symbol, price in row.items()} for row in rows]

    assert check_lookahead(equal, days).is_clean
    report = check_lookahead(best_of_all, days)
    assert {leak.symbol for leak in report.leaks} == {"A"}
    pairs = [tuple(day.items()) for day in days]
    assert check_lookahead(
        lambda rows: [[(s, 0.1) for s, _ in row] for row in rows], pairs
    ).is_clean
    ahead = check_lookahead(lambda rows: [[("A", rows[-1][0][1] / 1e4)] for _ in rows], pairs)
    assert ahead.leaks[0].symbol == "A"


def test_columns_are_compared_by_name():
    def turning(prices):
        weights = prices / 1000.0
        return weights[sorted(weights, reverse=len(weights) % 2 == 0)]

    assert check_lookahead(turning, pandas_frame()).is_clean


def test_what_the_function_raises_comes_with_what_it_was_given():
    def hungry(prices):
        if len(prices) < 120:
            raise KeyError("too few")
        return prices

    with pytest.raises(KeyError, match="too few") as caught:
        check_lookahead(hungry, market())
    assert caught.value.__notes__ == [
        "in check_lookahead, when prices after period 0 were left out"
    ]


def test_a_seed_gives_the_same_report_every_time():
    first, second, other = (
        repr(check_lookahead(full_sample_score, market(), seed=seed).leaks) for seed in (5, 5, 6)
    )
    assert first == second != other


def test_what_cannot_be_checked_is_refused():
    draw = np.random.default_rng(0)
    for strategy, prices, error, message in (
        (lambda p: draw.random(p.shape), market(), ValidationError, "make it deterministic"),
        (
            lambda p: p[1:],
            market(),
            ValidationError,
            "each of 120 periods; got 119. Of a rebalance calendar",
        ),
        (lambda p: p, market()[:1], ValidationError, "at least 2 periods"),
        ("f", market(), TypeError, "weight_fn is a function"),
        (lambda p: p, 5, TypeError, "a frame of pandas, polars or pyarrow"),
        (lambda p: p, {"A": [1.0, 2.0]}, ValidationError, "a frame, an array or a list of rows"),
        (len, market(), TypeError, "weights: a frame"),
        (lambda p: p[:, 0], market(), ValidationError, "one column a symbol"),
    ):
        with pytest.raises(error, match=message):
            check_lookahead(strategy, prices)
    long = pd.DataFrame({"date": pd.date_range("2024", periods=3), "symbol": "A", "price": 1.0})
    with pytest.raises(ValidationError, match="a wide frame here"):
        check_lookahead(lagged_momentum, long)
    for options in ({"n_cuts": 0}, {"rtol": 1.0}, {"rtol": float("nan")}, {"seed": -1}):
        with pytest.raises(ValidationError, match="n_cuts is at least 1, rtol in"):
            check_lookahead(lagged_momentum, market(), **options)
