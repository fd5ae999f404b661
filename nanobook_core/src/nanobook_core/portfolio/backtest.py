"""The seed's backtest: schedules of weights and prices in, returns and holdings out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal, TypeAlias, TypedDict, overload

import numpy as np
from attrs import asdict
from numpy.typing import NDArray

from nanobook_core.errors import ValidationError
from nanobook_core.plugin.registry import default_registry
from nanobook_core.portfolio.cost import BPS, CostModel
from nanobook_core.portfolio.metrics import Metrics, compute_metrics
from nanobook_core.portfolio.money import whole
from nanobook_core.portfolio.simulate import Simulation, simulate
from nanobook_core.portfolio.stop import Reason, Stops

Rows: TypeAlias = list[list[tuple[str, float]]]


class StopRow(TypedDict):
    """One entry of `stop_events`."""

    period_index: int
    symbol: str
    trigger_price: int
    exit_price: int
    reason: Reason


#: The order of the original's dict.
_KEYS = (
    "returns",
    "equity_curve",
    "final_cash",
    "metrics",
    "holdings",
    "symbol_returns",
    "stop_events",
)


class BacktestResult(Mapping[str, Any]):
    """What a backtest gave: a mapping of the seed's seven keys, and attributes for the rest.

    `returns` floats, one a period. `equity_curve` ints in money units, the initial cash first.
    `final_cash` an int. `metrics` a `Metrics`, or None without periods. `holdings` for each period
    a list of `(symbol, weight)` of what is held at its end, sorted by symbol, [] where equity is 0.
    `symbol_returns` for each period a list of `(symbol, return since the previous period)`, sorted,
    NaN where the previous period has no price. `stop_events` a list of dicts, by period and then
    in order of `symbols`. `holdings` and `symbol_returns` are made when first asked for, and kept.
    """

    def __init__(
        self, simulation: Simulation, is_priced: NDArray[np.bool_], metrics: Metrics | None
    ) -> None:
        self._simulation = simulation
        self._is_priced = is_priced
        self._metrics = metrics
        self._made: dict[str, Any] = {
            "returns": list(simulation.returns),
            "equity_curve": list(simulation.equity),
            "final_cash": simulation.final_cash,
            "metrics": metrics,
            "stop_events": [asdict(event) for event in simulation.stop_events],
        }

    @property
    def symbols(self) -> tuple[str, ...]:
        """All symbols in order of first appearance, in prices and then in weights."""
        return self._simulation.symbols

    @property
    def ruined_at(self) -> int | None:
        """First period in which equity was 0 or less, after which nothing was traded; or None."""
        return self._simulation.ruined_at

    @overload
    def __getitem__(self, key: Literal["returns"]) -> list[float]: ...
    @overload
    def __getitem__(self, key: Literal["equity_curve"]) -> list[int]: ...
    @overload
    def __getitem__(self, key: Literal["final_cash"]) -> int: ...
    @overload
    def __getitem__(self, key: Literal["metrics"]) -> Metrics | None: ...
    @overload
    def __getitem__(self, key: Literal["holdings", "symbol_returns"]) -> Rows: ...
    @overload
    def __getitem__(self, key: Literal["stop_events"]) -> list[StopRow]: ...
    @overload
    def __getitem__(self, key: str) -> Any: ...
    def __getitem__(self, key: str) -> Any:
        if key not in self._made:
            self._made[key] = self._table(key)
        return self._made[key]

    def _table(self, key: str) -> Rows:
        run = self._simulation
        if key == "holdings":
            is_open = (run.quantities != 0) & ~np.isnan(run.weights)
            return _rows(run.symbols, run.weights, is_open)
        if key == "symbol_returns":
            return _rows(run.symbols, run.symbol_returns, self._is_priced)
        raise KeyError(key)

    def __iter__(self) -> Iterator[str]:
        return iter(_KEYS)

    def __len__(self) -> int:
        return len(_KEYS)

    def __eq__(self, other: object) -> bool:
        # As arrays, in which NaN equals NaN, and without making lists.
        if isinstance(other, BacktestResult):
            return (
                self._simulation == other._simulation
                and np.array_equal(self._is_priced, other._is_priced)
                and self._metrics == other._metrics
            )
        return super().__eq__(other)

    __hash__ = None  # type: ignore[assignment]  # its lists can be changed

    def __repr__(self) -> str:
        run, metrics = self._simulation, self._metrics
        sharpe = "" if metrics is None else f", sharpe={metrics.sharpe:.2f}"
        ruined = "" if run.ruined_at is None else f", ruined_at={run.ruined_at}"
        return (
            f"BacktestResult(periods={len(run.returns)}, symbols={len(run.symbols)}, "
            f"final_equity={run.equity[-1]}{sharpe}, stop_events={len(run.stop_events)}{ruined})"
        )


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
    run = simulate(
        weights, prices, symbols=symbols, initial_cash=cash, cost_model=model, stops=stops
    )
    metrics = compute_metrics(run.returns, periods_per_year, risk_free)
    return BacktestResult(run, prices > 0, metrics)


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


def _rows(
    symbols: tuple[str, ...], table: NDArray[np.float64], is_listed: NDArray[np.bool_]
) -> Rows:
    """Rows of `(symbol, value)` pairs, sorted by symbol, of the cells to list."""
    order = sorted(range(len(symbols)), key=symbols.__getitem__)
    names = [symbols[column] for column in order]
    return [
        [(name, value) for name, value, listed in zip(names, *lists, strict=True) if listed]
        for lists in zip(table[:, order].tolist(), is_listed[:, order].tolist(), strict=True)
    ]
