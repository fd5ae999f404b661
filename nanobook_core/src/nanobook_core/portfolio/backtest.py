"""The seed's backtest: schedules of weights and prices in, returns and holdings out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nanobook_core.errors import ValidationError
from nanobook_core.plugin.registry import default_registry
from nanobook_core.portfolio.cost import BPS, CostModel
from nanobook_core.portfolio.metrics import compute_metrics
from nanobook_core.portfolio.money import whole
from nanobook_core.portfolio.result import BacktestResult
from nanobook_core.portfolio.simulate import simulate_run
from nanobook_core.portfolio.stop import Stops


def backtest_weights(  # noqa: PLR0917 - the seed's signature
    weight_schedule: Sequence[Any],
    price_schedule: Sequence[Any],
    initial_cash: int,
    cost_bps: int,
    periods_per_year: float = 252.0,
    risk_free: float = 0.0,
    stop_cfg: Mapping[str, Any] | None = None,
) -> BacktestResult:
    """Hold scheduled target weights on scheduled prices and say what came of it.

    Each schedule is a list with one row a period; a row is a list of `(symbol, value)` pairs or a
    mapping. Weights are fractions of equity, negative when short; a symbol that is absent from a
    row is sold, an empty row sells everything, and a row `None` trades nothing. Prices are positive
    ints in money units; a held symbol without one is valued at its last and not traded. Everything
    trades at the period's own price, in whole lots, and `cost_bps` basis points of the notional are
    charged in full on every fill, rounded down: a purchase and its sale cost twice the rate. Which
    keys `stop_cfg` may have, and how stops work, is said in `stop.Stops`. Without periods
    the result has no returns and no metrics.

    Equity of 0 or less ends trading, and the result says so in `ruined_at`; no list is shorter for
    it, and returns are 0.0 from there on.

    Raises, before anything is simulated and naming period, symbol and value where there are any:
        TypeError: an argument, row, pair, symbol or value of the wrong type; floats and bools are
            no ints.
        ValidationError: schedules of different lengths, cash below 1, costs above 10 000, a weight
            or option that is not finite, a price below 1, a symbol twice in a row or longer than 8
            ASCII bytes, a weight other than 0 for a symbol that has had no price yet, or a wrong
            `stop_cfg`.
        OverflowError: negative costs, or cash or a price beyond 2^63-1; while simulating, a
            quantity beyond that.
    """
    cash, model = _cash(initial_cash), _cost_model(cost_bps)
    stops = None if stop_cfg is None else Stops.from_config(stop_cfg)
    compute_metrics((), periods_per_year, risk_free)  # refuses wrong options before the work
    symbols, weights, prices = _tables(weight_schedule, price_schedule)
    run = simulate_run(
        weights, prices, symbols, cash=cash, costs=model, stops=stops, scale_to_cash=False
    )
    return BacktestResult(
        run,
        metrics=compute_metrics(run.returns, periods_per_year, risk_free),
        periods_per_year=periods_per_year,
        risk_free=risk_free,
    )


def _cash(initial_cash: object) -> int:
    cash = whole(initial_cash, "initial_cash")
    if cash < 1:
        raise ValidationError(f"initial_cash must be at least 1, got {cash}")
    return cash


def _cost_model(cost_bps: object) -> CostModel:
    bps = whole(cost_bps, "cost_bps")
    if bps < 0:
        raise OverflowError(f"cost_bps must be from 0 to {BPS}, got {bps}")
    if bps > BPS:
        raise ValidationError(f"cost_bps must be from 0 to {BPS}, which is all of it; got {bps}")
    return CostModel(commission_bps=bps)


def _tables(
    weight_schedule: Sequence[Any], price_schedule: Sequence[Any]
) -> tuple[tuple[str, ...], NDArray[np.float64], NDArray[np.int64]]:
    """All symbols, those of the prices first, and both tables with a column for each."""
    to_dense = default_registry().load("kernel", "schedule_to_dense")
    priced, prices = to_dense(price_schedule, "price")
    weighted, weights = to_dense(weight_schedule, "weight")
    if len(weights) != len(prices):
        raise ValidationError(
            "weight_schedule and price_schedule have one row a period each; "
            f"got {len(weights)} and {len(prices)} rows"
        )
    if weighted == priced:
        return priced, weights, prices
    columns = {symbol: column for column, symbol in enumerate(dict.fromkeys(priced + weighted))}
    all_weights = np.zeros((len(weights), len(columns)))
    all_weights[:, [columns[symbol] for symbol in weighted]] = weights
    all_weights[np.isnan(weights).all(axis=1)] = np.nan
    all_prices = np.zeros(all_weights.shape, np.int64)
    all_prices[:, : len(priced)] = prices
    return tuple(columns), all_weights, all_prices
