"""One way of simulating, timed in a process of its own: `python child.py NAME JSON_OPTIONS`.

Runs in the environment of whoever is measured, so it imports that one alone. Prints JSON: the CPU
time of each run after a first that is not counted, their median, and the final equity.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from statistics import median
from time import process_time_ns
from typing import Any, NamedTuple

import numpy as np

CASH = 10**10
BPS = 15
TRAIL = 0.05
MONTH = 21
DAYS = 2520
#: No further run is begun after so much CPU time.
ENOUGH_NS = 10 * 10**9


class Case(NamedTuple):
    """What is simulated."""

    weights: Any
    prices: Any
    names: list[str]
    stops: bool


def market(n_periods: int, n_symbols: int) -> tuple[Any, Any, list[str]]:
    """Random long-only weights that sum to 1, and prices, from a fixed seed.

    More periods than days of ten years are shorter ones: prices and weights move less in each, so
    that costs do not eat all that there is and every period has something to trade.
    """
    draw = np.random.default_rng(0)
    pace = min(1.0, DAYS / n_periods)
    weights = draw.random((n_periods, n_symbols))
    weights = (1 - pace) * weights[0] + pace * weights
    weights /= weights.sum(axis=1, keepdims=True)
    steps = draw.normal(0.0003 * pace, 0.01 * pace**0.5, (n_periods, n_symbols))
    prices = np.rint(10_000 * np.exp(np.cumsum(steps, axis=0))).astype(np.int64).clip(1)
    return weights, prices, [f"S{column:04d}" for column in range(n_symbols)]


def monthly(weights: Any) -> Any:
    """The same weights on the first of every 21 periods; the others hold."""
    held = np.full_like(weights, np.nan)
    held[::MONTH] = weights[::MONTH]
    return held


def lists(case: Case) -> Callable[[], float]:
    """The seed's call, with lists of tuples."""
    import nanobook

    rows = pairs(case.names, case.weights), pairs(case.names, case.prices)
    return lambda: nanobook.backtest_weights(*rows, CASH, BPS, stop_cfg=stop_cfg(case))[
        "equity_curve"
    ][-1]


def arrays(case: Case) -> Callable[[], float]:
    """`nanobook.simulate` with arrays, cash not limited, as the original."""
    return simulated(case, symbols=case.names)


def arrays_scaled(case: Case) -> Callable[[], float]:
    """The same as it is by default: cash is not overdrawn."""
    return simulated(case, symbols=case.names, scale_to_cash=True)


def frames(case: Case) -> Callable[[], float]:
    """The same with pandas frames of floats in a currency."""
    import pandas as pd

    dates = pd.date_range("2000-01-01", periods=len(case.prices), freq="min")
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


def uncompiled_lists(case: Case) -> Callable[[], float]:
    """The same calls where nothing is compiled."""
    block_compiled()
    return lists(case)


def uncompiled_arrays(case: Case) -> Callable[[], float]:
    """The same calls where nothing is compiled."""
    block_compiled()
    return arrays(case)


def block_compiled() -> None:
    """Leave the kernels to the core."""
    os.environ["NANOBOOK_BLOCK"] = "nanobook-native"
    from nanobook_core.plugin.registry import default_registry

    for kernel in ("schedule_to_dense", "simulate"):
        if not default_registry().load("kernel", kernel).__module__.startswith("nanobook_core."):
            raise RuntimeError(f"{kernel} is compiled")


def wheel(case: Case) -> Callable[[], float]:
    """The original's call. It cannot hold: between months it is given the same weights again."""
    import nanobook

    rows = pairs(case.names, repeated(case.weights)), pairs(case.names, case.prices)
    simulate: Any = nanobook.py_backtest_weights
    return lambda: simulate(*rows, CASH, BPS, stop_cfg=stop_cfg(case))["equity_curve"][-1]


def newest_wheel(case: Case) -> Callable[[], float]:
    """The call of its newest version, filled at the close of the bar that decides."""
    import nanobook

    module: Any = nanobook
    bars = [
        [(name, module.BarPrices(price, price, price, price)) for name, price in row]
        for row in pairs(case.names, case.prices)
    ]
    weights = pairs(case.names, repeated(case.weights))
    costs, fills = module.CostModel(commission_bps=float(BPS)), module.FillPolicy.SignalBarClose
    return lambda: module.py_backtest_weights(
        weights, bars, CASH, costs, fills, stop_cfg=stop_cfg(case)
    )["equity_curve"][-1]


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
    """Its `WeighTarget` on the days that have weights, fractional.

    In a currency: with ten thousand million units of cash it does not find the last digits of a
    quantity, and gives up.
    """
    import bt as library
    import pandas as pd

    dates = pd.date_range("2000-01-01", periods=len(case.prices))
    closes = pd.DataFrame(case.prices / 100, dates, case.names)
    targets = pd.DataFrame(case.weights, dates, case.names).dropna()

    def run() -> float:
        strategy = library.Strategy(
            "weights", [library.algos.WeighTarget(targets), library.algos.Rebalance()]
        )
        test = library.Backtest(
            strategy,
            closes,
            initial_capital=CASH / 100,
            commissions=lambda quantity, price: abs(quantity) * price * BPS / 10_000,
            integer_positions=False,
            progress_bar=False,
        )
        test.run()
        return 100 * float(test.strategy.values.iloc[-1])  # noqa: PD011 - of bt, not of pandas

    return run


def pairs(names: list[str], table: Any) -> list[Any]:
    """Rows of (symbol, value); None where a row holds."""
    return [
        None if row[0] != row[0] else list(zip(names, row, strict=True)) for row in table.tolist()
    ]


def repeated(weights: Any) -> Any:
    """The last row that there was in the place of each that holds."""
    periods = np.where(np.isnan(weights[:, 0]), 0, np.arange(len(weights)))
    return weights[np.maximum.accumulate(periods)]


def stop_cfg(case: Case) -> dict[str, float] | None:
    """Stops in the seed's spelling."""
    return {"trailing_stop_pct": TRAIL} if case.stops else None


def main(name: str, *, shape: list[int], stops: bool, is_monthly: bool, rounds: int) -> None:
    """Print what was measured."""
    weights, prices, names = market(*shape)
    case = Case(monthly(weights) if is_monthly else weights, prices, names, stops)
    run = globals()[name](case)
    final, taken = timed(run)[0], list[int]()
    while len(taken) < rounds and sum(taken) < ENOUGH_NS:
        taken.append(timed(run)[1])
    print(json.dumps({"ms": median(taken) / 1e6, "ns": taken, "digest": final}))


def timed(run: Callable[[], float]) -> tuple[float, int]:
    """What it returns, and the CPU time in nanoseconds."""
    started = process_time_ns()
    final = float(run())
    return final, process_time_ns() - started


if __name__ == "__main__":
    main(sys.argv[1], **json.loads(sys.argv[2]))
