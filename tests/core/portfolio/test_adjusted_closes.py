"""Real closes as they were traded, with their splits and dividends, against adjusted ones.

Of both, weights are rebalanced every day without costs, so that they own the same but for rounding.
How far apart they may be follows from it, period by period, and nothing else is allowed.

With weights `w`, equity `X` and total returns `r` from close to close (the split's new shares and
their dividends counted), a position after a rebalance is `w X + e`. Lots are cut towards zero, so
`|e| < lot * price`, and what is rounded to units of money (targets, dividends, cash in lieu) stays
below a cent. Equity then grows by `1 + R + (e . r + a cent) / X` where `R = w . r`, so that

    |ln(X'/X) - ln(1 + R)|  <=  1.01 * (sum((lot * price + 0.01) * |r|) + 0.01) / (X * (1 + R))

while the quotient is below a hundredth. An adjusted close is rounded to a unit `u` of its own,
which moves a return from close `a` to `a'` by up to `(1 + r) * (u / a + u / a')`.

Adjusted closes of the source are those of a dividend that is reinvested at the close of the
ex-date, as here: a return is `(C + D) / C_before`. Other sources multiply what is before the
ex-date by `1 - D / C_before`, which reinvests it at the close before, so that a return is
`C / (C_before - D)`. The two differ by `r * D / (C_before - D)`.
"""

import csv
import gzip
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from attrs import evolve, frozen

import nanobook
from nanobook import Carry, Constraints, CostModel
from nanobook_core.portfolio.carry import Schedule
from nanobook_core.portfolio.simulate import simulate_run

FILE = Path(__file__).parents[2] / "data" / "portfolio" / "us_closes_and_actions.csv.gz"
SYMBOLS = ("AAPL", "IBM", "MSFT")
CASH = 100_000_000
RAW_UNIT, ADJUSTED_UNIT = Decimal("0.0001"), Decimal("1e-9")
ADJUSTED_STEP = Decimal("0.1")
WEIGHTS = {"long": (0.3, 0.4, 0.3), "long and short": (0.7, -0.3, 0.4)}


@frozen(kw_only=True, eq=False)
class Market:
    """Tables of shape `(n_days, 3)`; an action is 0 where there is none."""

    dates: np.ndarray
    close: np.ndarray
    adjusted: np.ndarray
    split: np.ndarray
    dividend: np.ndarray

    def days(self, start, stop):
        """Return the same, of these days alone."""
        return Market(
            **{
                name: getattr(self, name)[max(start, 0) : stop]
                for name in ("dates", "close", "adjusted", "split", "dividend")
            }
        )

    def total_returns(self):
        """From the close before to each day's, the first day left out."""
        shares = np.where(self.split == 0, 1, self.split)[1:]
        return shares * (self.close + self.dividend)[1:] / self.close[:-1] - 1

    def actions(self):
        """Day, symbol and name of each split and dividend."""
        return [
            (int(day), int(column), name)
            for name in ("split", "dividend")
            for day, column in np.argwhere(getattr(self, name))
        ]


def load():
    lines = gzip.decompress(FILE.read_bytes()).decode().splitlines()
    rows = list(csv.DictReader(line for line in lines if not line.startswith("#")))
    assert [row["symbol"] for row in rows] == list(SYMBOLS) * (len(rows) // 3)

    def column(name):
        return np.array([float(row[name] or 0) for row in rows]).reshape(-1, 3)

    return Market(
        dates=np.array([row["date"] for row in rows[::3]], "datetime64[D]"),
        close=column("close"),
        adjusted=column("adjusted"),
        split=column("split"),
        dividend=column("dividend"),
    )


MARKET = load()


def growth(market, prices, weights, *, price_unit, quantity_step, carry=None):
    """Logarithm of equity over cash, at each day's close."""
    result = nanobook.simulate(
        np.tile(weights, (len(prices), 1)),
        prices,
        symbols=SYMBOLS,
        cash=CASH,
        costs=CostModel.zero(),
        carry=carry,
        constraints=Constraints(scale_to_cash=False),
        price_unit=price_unit,
        quantity_step=quantity_step,
    )
    assert len(result["returns"]) == len(market.dates)
    return np.log(np.array(result["equity_curve"][1:], float) / result["equity_curve"][0])


def of_raw(market, weights, lot):
    return growth(
        market,
        market.close,
        weights,
        price_unit=RAW_UNIT,
        quantity_step=lot,
        carry=Carry(splits=market.split, dividends=market.dividend),
    )


def of_adjusted(market, adjusted, weights):
    return growth(market, adjusted, weights, price_unit=ADJUSTED_UNIT, quantity_step=ADJUSTED_STEP)


def lots_may_move(market, prices, weights, lot, log_growth):
    """How far rounding may have moved the logarithm of equity by each day."""
    returns = market.total_returns()
    equity = CASH * np.exp(log_growth[:-1])
    off = ((lot * np.abs(prices[:-1]) + 0.01) * np.abs(returns)).sum(axis=1) + 0.01
    by_day = off / (equity * (1 + returns @ weights))
    assert by_day.max() < 0.01
    return np.concatenate([[0.0], 1.01 * np.add.accumulate(by_day)])


def units_may_move(market, adjusted, weights):
    """The same of the rounding of adjusted closes."""
    returns = market.total_returns()
    moved = float(ADJUSTED_UNIT) * (1 / adjusted[:-1] + 1 / adjusted[1:]) * (1 + returns)
    by_day = moved @ np.abs(weights) / (1 + returns @ weights)
    return np.concatenate([[0.0], 1.01 * np.add.accumulate(by_day)])


def bound(market, weights, lot, raw, adjusted):
    return (
        lots_may_move(market, market.close, weights, float(lot), raw)
        + lots_may_move(market, market.adjusted, weights, float(ADJUSTED_STEP), adjusted)
        + units_may_move(market, market.adjusted, weights)
    )


@pytest.fixture(params=WEIGHTS)
def weights(request):
    return np.array(WEIGHTS[request.param])


def test_the_file_is_what_it_says():
    head = gzip.decompress(FILE.read_bytes()).decode().splitlines()[:3]
    assert all(line.startswith("#") for line in head)
    assert "public domain" in head[1]
    assert MARKET.close.shape == (1763, 3)
    assert (MARKET.dates[0], MARKET.dates[-1]) == (
        np.datetime64("2003-01-02"),
        np.datetime64("2009-12-31"),
    )
    splits = [(str(MARKET.dates[day]), column) for day, column, _ in MARKET.actions()[:2]]
    assert splits == [("2003-02-18", 2), ("2005-02-28", 0)]
    assert MARKET.split.max() == 2.0
    assert len(MARKET.actions()) == 54
    assert MARKET.dividend.sum(axis=0).tolist() == pytest.approx([0.0, 8.76, 5.48])
    # What the adjusted closes say of each day is what the closes and the actions say.
    moved = MARKET.adjusted[1:] / MARKET.adjusted[:-1] - 1
    assert moved == pytest.approx(MARKET.total_returns(), rel=0, abs=1e-10)


@pytest.mark.parametrize("lot", ["1", "0.001"])
def test_closes_with_splits_and_dividends_are_worth_what_adjusted_closes_are(weights, lot):
    raw = of_raw(MARKET, weights, lot)
    adjusted = of_adjusted(MARKET, MARKET.adjusted, weights)
    allowed = bound(MARKET, weights, lot, raw, adjusted)
    assert (np.abs(raw - adjusted) <= allowed).all()
    assert allowed[-1] < {"1": 3e-4, "0.001": 1e-5}[lot]
    assert abs(raw[-1]) > 0.3  # there was something to be wrong about


def test_dividends_reinvested_a_close_earlier_differ_by_yield_times_return(weights):
    market, before = MARKET, MARKET.close[:-1]
    shares = np.where(market.split == 0, 1, market.split)[1:]
    paid = shares * market.dividend[1:]
    factors = (1 - paid / before) / shares
    later = np.multiply.accumulate(factors[::-1], axis=0)[::-1]
    adjusted = market.close * np.concatenate([later, np.ones((1, 3))])

    returns = market.total_returns()
    timing = np.abs(weights * returns * paid / (before - paid)).sum(axis=1)
    by_day = 1.01 * timing / (1 + returns @ weights)
    raw = of_raw(market, weights, "1")
    found = of_adjusted(market, adjusted, weights)
    rounding = bound(evolve(market, adjusted=adjusted), weights, "1", raw, found)
    allowed = rounding + np.concatenate([[0.0], np.add.accumulate(by_day)])
    assert (np.abs(raw - found) <= allowed).all()
    assert allowed[-1] < 2e-3


def is_within(market, weights, raw):
    adjusted = of_adjusted(market, market.adjusted, weights)
    return bool((np.abs(raw - adjusted) <= bound(market, weights, "1", raw, adjusted)).all())


def around(action):
    """The month that ends the day after an action, and the action in it."""
    day, column, name = action
    start = max(day - 20, 0)
    return MARKET.days(start, day + 2), day - start, column, name


@pytest.mark.parametrize("action", MARKET.actions(), ids=lambda action: "-".join(map(str, action)))
def test_each_split_and_dividend_left_out_would_be_seen(weights, action):
    market, day, column, name = around(action)
    table = getattr(market, name).copy()
    table[day, column] = 0
    assert is_within(market, weights, of_raw(market, weights, "1"))
    left_out = of_raw(evolve(market, **{name: table}), weights, "1")
    assert not is_within(market, weights, left_out)


@pytest.mark.parametrize("action", MARKET.actions()[:2], ids=["MSFT", "AAPL"])
def test_a_split_the_wrong_way_round_would_be_seen(weights, action):
    market, day, column, _ = around(action)
    split = market.split.copy()
    split[day, column] = 0.5
    assert not is_within(market, weights, of_raw(evolve(market, split=split), weights, "1"))


@pytest.mark.parametrize("sign", [1, -1])
def test_a_dividend_of_the_wrong_sign_would_be_seen(weights, sign):
    """Tables refuse one, so the schedule that a table becomes is made by hand."""
    for action in MARKET.actions()[2:]:
        market, day, column, _ = around(action)
        actions = {"splits": {}, "dividends": {}}
        for at, of, name in market.actions():
            value = getattr(market, name)[at, of]
            exact = Fraction(str(value)) / (1 if name == "split" else Fraction(RAW_UNIT))
            actions[f"{name}s"].setdefault(at, {})[of] = exact
        actions["dividends"][day][column] *= sign
        run = simulate_run(
            np.tile(weights, (len(market.close), 1)),
            np.rint(market.close / float(RAW_UNIT)).astype(np.int64),
            SYMBOLS,
            cash=CASH * 10_000,
            costs=CostModel.zero(),
            stops=None,
            carry=Schedule(**actions),
            scale_to_cash=False,
        )
        raw = np.log(run.equity[1:] / run.equity[0])
        assert is_within(market, weights, raw) == (sign == 1)
