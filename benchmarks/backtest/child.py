"""One way of simulating, timed in a process of its own: `python child.py NAME JSON_OPTIONS`.

Runs in the environment of whoever is measured, so it imports that one alone. Prints JSON: the CPU
seconds of each run after a first that is not counted, and the final equity in units of cash.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from time import process_time
from typing import Any, NamedTuple

import numpy as np

CASH = 10**10
BPS = 15
TRAIL = 0.05
MONTH = 21


class Case(NamedTuple):
    """What is simulated."""

    weights: Any
    prices: Any
    names: list[str]
    stops: bool


def market(n_periods: int, n_symbols: int) -> tuple[Any, Any, list[str]]:
    """Random long-only weights that sum to 1, and prices of 2 % volatility, from a fixed seed."""
    draw = np.random.default_rng(0)
    weights = draw.random((n_periods, n_symbols))
    weights /= weights.sum(axis=1, keepdims=True)
    steps = draw.normal(0.0003, 0.01, (n_periods, n_symbols))
    prices = np.rint(10_000 * np.exp(np.cumsum(steps, axis=0))).astype(np.int64).clip(1)
    return weights, prices, [f"S{column:04d}" for column in range(n_symbols)]


def monthly(weights: Any) -> Any:
    """The same weights on the first of every 21 periods; the others hold."""
    held = np.full_like(weights, np.nan)
    held[::MONTH] = weights[::MONTH]
    return held


def ours_lists(case: Case) -> Callable[[], float]:
    """The seed's call, with lists of tuples."""
    import nanobook

    rows = pairs(case.names, case.weights), pairs(case.names, case.prices)
    stop_cfg = {"trailing_stop_pct": TRAIL} if case.stops else None
    return lambda: nanobook.backtest_weights(*rows, CASH, BPS, stop_cfg=stop_cfg)["equity_curve"][
        -1
    ]


def ours_arrays(case: Case) -> Callable[[], float]:
    """`nanobook.simulate` with arrays, cash not limited, as the original."""
    return simulated(case, symbols=case.names)


def ours_scaled(case: Case) -> Callable[[], float]:
    """The same as it is by default: cash is not overdrawn."""
    return simulated(case, symbols=case.names, scale_to_cash=True)


def ours_frames(case: Case) -> Callable[[], float]:
    """The same with pandas frames of floats in a currency."""
    import pandas as pd

    dates = pd.date_range("2000-01-01", periods=len(case.prices))
    weights, prices = (
        pd.DataFrame(table, dates, case.names) for table in (case.weights, case.prices / 100)
    )
    framed = case._replace(weights=weights, prices=prices)
    return simulated(framed, price_unit="0.01", cash=CASH // 100)


def simulated(
    case: Case, *, cash: int = CASH, scale_to_cash: bool = False, **options: Any
) -> Callable[[], float]:
    """A call of `nanobook.simulate`."""
    import nanobook

    options |= {
        "costs": nanobook.Bps(BPS),
        "stops": nanobook.Stops(trailing=TRAIL) if case.stops else None,
        "constraints": nanobook.Constraints(scale_to_cash=scale_to_cash),
    }
    simulate: Any = nanobook.simulate
    return lambda: simulate(case.weights, case.prices, cash=cash, **options)["equity_curve"][-1]


def core_arrays(case: Case) -> Callable[[], float]:
    """What runs where nothing is compiled."""
    from nanobook_core.portfolio import dense

    return lambda: float(
        dense.simulate(
            case.weights,
            case.prices,
            case.names,
            initial_cash=CASH,
            cost_bps=BPS,
            minimum_fee=0,
            fixed=0.0,
            trailing=TRAIL if case.stops else 0.0,
            atr_multiple=0.0,
            atr_period=14,
            scale_to_cash=False,
        ).equity[-1]
    )


def wheel_lists(case: Case) -> Callable[[], float]:
    """The original, which cannot hold: it trades every period."""
    import nanobook

    rows = pairs(case.names, case.weights), pairs(case.names, case.prices)
    stop_cfg = {"trailing_stop_pct": TRAIL} if case.stops else None
    simulate: Any = nanobook.py_backtest_weights
    return lambda: simulate(*rows, CASH, BPS, stop_cfg=stop_cfg)["equity_curve"][-1]


def ten_lines_of_numpy(case: Case) -> Callable[[], float]:
    """Fractional shares, costs paid, no stops."""
    weights, prices = case.weights, case.prices

    def run() -> Any:
        cash, held = float(CASH), np.zeros(prices.shape[1])
        floats, is_held = prices.astype(np.float64), np.isnan(weights[:, 0])
        curve, shares = [], np.empty(prices.shape)
        for period, price in enumerate(floats):
            equity = cash + held @ price
            if not is_held[period]:
                traded = equity * weights[period] / price - held
                cash -= traded @ price + np.abs(traded) @ price * (BPS / 10_000)
                held = held + traded
            curve.append(cash + held @ price)
            shares[period] = held * price / curve[-1]
        return curve[-1]

    return run


def vectorbt(case: Case, engine: str) -> Callable[[], float]:
    """`Portfolio.from_orders` with target percents, one group that shares cash."""
    import vectorbt as vbt

    def run() -> float:
        portfolio = vbt.Portfolio.from_orders(
            case.prices.astype(np.float64),
            size=case.weights,
            size_type="targetpercent",
            group_by=True,
            cash_sharing=True,
            call_seq="auto",
            fees=BPS / 10_000,
            init_cash=float(CASH),
            freq="1D",
            engine=engine,
        )
        return float(portfolio.value().iloc[-1])

    return run


def vectorbt_numba(case: Case) -> Callable[[], float]:
    """Its numba engine; the first run, which compiles, is not counted."""
    return vectorbt(case, "numba")


def vectorbt_rust(case: Case) -> Callable[[], float]:
    """Its Rust engine."""
    return vectorbt(case, "rust")


def bt(case: Case) -> Callable[[], float]:
    """Its `WeighTarget` on the days that have weights, fractional."""
    import bt as library
    import pandas as pd

    dates = pd.date_range("2000-01-01", periods=len(case.prices))
    closes = pd.DataFrame(case.prices.astype(float), dates, case.names)
    targets = pd.DataFrame(case.weights, dates, case.names).dropna()

    def run() -> float:
        strategy = library.Strategy(
            "weights", [library.algos.WeighTarget(targets), library.algos.Rebalance()]
        )
        test = library.Backtest(
            strategy,
            closes,
            initial_capital=float(CASH),
            commissions=lambda quantity, price: abs(quantity) * price * BPS / 10_000,
            integer_positions=False,
            progress_bar=False,
        )
        test.run()
        return float(test.strategy.values.iloc[-1])  # noqa: PD011 - of bt, not of pandas

    return run


def pairs(names: list[str], table: Any) -> list[Any]:
    """Rows of (symbol, value); None where a row holds."""
    return [
        None if row[0] != row[0] else list(zip(names, row, strict=True)) for row in table.tolist()
    ]


def main(name: str, *, shape: list[int], stops: bool, is_monthly: bool, rounds: int) -> None:
    """Print what was measured."""
    weights, prices, names = market(*shape)
    case = Case(monthly(weights) if is_monthly else weights, prices, names, stops)
    run = globals()[name](case)
    seconds = []
    for _ in range(rounds + 1):
        started = process_time()
        final = run()
        seconds.append(process_time() - started)
    print(json.dumps({"seconds": seconds[1:] or seconds, "final": float(final)}))


if __name__ == "__main__":
    main(sys.argv[1], **json.loads(sys.argv[2]))
