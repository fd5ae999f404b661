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
    assert str(report) == "no look-ahead found in 48 checks"
    report.raise_if_leaking()


def test_look_ahead_of_one_period_is_caught_at_every_cut():
    cuts = {leak.cut for leak in check_lookahead(centred_mean, market(), n_cuts=200).leaks}
    assert len(cuts) > 110


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


def test_what_cannot_be_checked_is_refused():
    draw = np.random.default_rng(0)
    for strategy, prices, error, message in (
        (lambda p: draw.random(p.shape), market(), ValidationError, "make it deterministic"),
        (lambda p: p[1:], market(), ValidationError, "each of 120 periods; got 119"),
        (lambda p: p, market()[:2], ValidationError, "at least 3 periods"),
        ("f", market(), TypeError, "weight_fn is a function"),
        (lambda p: p, [[("A", 1)]], TypeError, "an array or a wide frame"),
    ):
        with pytest.raises(error, match=message):
            check_lookahead(strategy, prices)
    with pytest.raises(ValidationError, match="n_cuts is at least 1"):
        check_lookahead(lagged_momentum, market(), n_cuts=0)
