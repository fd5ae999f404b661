"""What a backtest gave."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal
from html import escape
from pathlib import Path
from typing import Any, Literal, TypeAlias, TypedDict, overload

import numpy as np
from attrs import asdict
from numpy.typing import NDArray

from nanobook_core.contracts.frame import to_frame
from nanobook_core.errors import ValidationError
from nanobook_core.portfolio.contribution import contributions
from nanobook_core.portfolio.drawdown import Drawdown, drawdowns
from nanobook_core.portfolio.metrics import Metrics, compute_metrics, monthly_returns
from nanobook_core.portfolio.result_file import load, save
from nanobook_core.portfolio.result_frame import columns
from nanobook_core.portfolio.rolling import Rolling, rolling
from nanobook_core.portfolio.simulation import CUT_REASONS, TRADE_REASONS, Simulation
from nanobook_core.portfolio.stop import Reason
from nanobook_core.portfolio.turnover import Turnover, turnover

Rows: TypeAlias = list[list[tuple[str, float]]]

_SAFE = 2.0**61
_ONE = Decimal(1)


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
        self,
        simulation: Simulation,
        *,
        metrics: Metrics | None,
        dates: NDArray[np.datetime64] | None = None,
        periods_per_year: float = 252.0,
        risk_free: float = 0.0,
        price_unit: Decimal | None = None,
        money_unit: Decimal = _ONE,
    ) -> None:
        self._simulation = simulation
        self._metrics = metrics
        self._dates = dates
        self._periods_per_year, self._risk_free = periods_per_year, risk_free
        self._price_unit, self._money_unit = price_unit, money_unit
        self._made: dict[str, Any] = {"metrics": metrics}

    @property
    def symbols(self) -> tuple[str, ...]:
        """All symbols in order of first appearance, in prices and then in weights."""
        return self._simulation.symbols

    @property
    def dates(self) -> NDArray[np.datetime64] | None:
        """Those of the prices, one a period; None if they had none."""
        return self._dates

    @property
    def price_unit(self) -> Decimal | None:
        """What prices were rounded to; None where they were given in whole units."""
        return self._price_unit

    @property
    def money_unit(self) -> Decimal:
        """What equity, cash and costs are counted in: `price_unit * quantity_step`."""
        return self._money_unit

    @property
    def quantities(self) -> NDArray[np.int64]:
        """Held at the end of each period, signed, in lots; shape `(n_periods, n_symbols)`."""
        return self._simulation.quantities

    @property
    def weights(self) -> NDArray[np.float64]:
        """Value held over equity at the end of each period, same shape; NaN where equity is 0."""
        if "weights" not in self._made:
            self._made["weights"] = _held(self._simulation)
        weights: NDArray[np.float64] = self._made["weights"]
        return weights

    @property
    def trades(self) -> NDArray[Any]:
        """All fills, by period: `period, symbol, quantity, price, cost, reason`."""
        return _labelled(self._simulation.trades, self.symbols, TRADE_REASONS)

    @property
    def skipped(self) -> NDArray[Any]:
        """What the weights asked for and was not traded: `period, symbol, quantity, reason`."""
        return _labelled(self._simulation.cuts, self.symbols, CUT_REASONS)

    @property
    def flows(self) -> dict[str, tuple[int, ...]]:
        """Money that moved without a trade, an amount a period, by kind."""
        return dict(self._simulation.flows)

    @property
    def periods_per_year(self) -> float:
        """What measures were annualised with."""
        return self._periods_per_year

    @property
    def risk_free(self) -> float:
        """Return of a period without risk."""
        return self._risk_free

    @property
    def cash(self) -> list[int]:
        """At the end of each period, in money units."""
        cash: list[int] = self._simulation.cash.tolist()
        return cash

    @property
    def turnover(self) -> Turnover:
        """Value traded as a fraction of equity, by period and a year."""
        return turnover(self._simulation, self._periods_per_year)

    @property
    def drawdowns(self) -> tuple[Drawdown, ...]:
        """All falls below a peak of compounded returns, the deepest first."""
        return drawdowns(self._simulation.returns)

    @property
    def monthly_returns(self) -> dict[str, float]:
        """Compounded return of each calendar month that has a period, by `"YYYY-MM"`, in order.

        Raises:
            ValidationError: the prices had no dates.

        """
        if self._dates is None:
            raise ValidationError(
                "months need dates, and the prices had none; give a table with dates, or "
                "nanobook.monthly_returns(equity_curve, dates)"
            )
        growth = np.multiply.accumulate(1.0 + self._simulation.returns)
        return monthly_returns(np.concatenate([[1.0], growth]), self._dates)

    @property
    def contributions(self) -> NDArray[np.float64]:
        """Profit of each symbol in each period over the equity that the period began with.

        Shape `(n_periods, n_symbols)`; their sum and interest on cash are the period's return.
        """
        return contributions(self._simulation)

    def rolling(self, window: int) -> Rolling:
        """Performance of the latest `window` periods at the end of each period.

        Raises:
            TypeError: the window is not an int.
            ValidationError: it is below 2.

        """
        return rolling(self._simulation.returns, window, self._periods_per_year, self._risk_free)

    def to_pandas(self, table: str = "periods") -> Any:
        """Return a table as a pandas frame, whose index is the date or the period.

        Tables are `periods`, `trades`, `skipped`, `stop_events`, `holdings`, `contributions`,
        `drawdowns` and `monthly_returns`.

        Raises:
            ValidationError: there is no such table.
            ImportError: pandas is not installed.

        """
        found = columns(self, table)
        frame = to_frame(found, "pandas")
        first = next(iter(found))
        return frame.set_index(first) if first in ("date", "period", "month") else frame

    def to_polars(self, table: str = "periods") -> Any:
        """Return a table as a polars frame; as `to_pandas`, with the date in a column."""
        return to_frame(columns(self, table), "polars")

    def to_arrow(self, table: str = "periods") -> Any:
        """Return a table as a pyarrow table; as `to_pandas`, with the date in a column."""
        return to_frame(columns(self, table), "pyarrow")

    def save(self, path: str | Path) -> None:
        """Write all of it to a `.json`, `.arrow` or `.feather` file, in place of what is there.

        Raises:
            ValidationError: another suffix.
            ImportError: an Arrow file, and pyarrow is not installed.
            OSError: it cannot be written.

        """
        save(self, Path(path))

    @classmethod
    def load(cls, path: str | Path) -> BacktestResult:
        """Read a result that `save` wrote; it is equal to what was saved.

        Raises:
            FileNotFoundError: there is no such file.
            ValidationError: it is not what `save` writes; says what is wrong.
            ImportError: an Arrow file, and pyarrow is not installed.

        """
        found = load(Path(path))
        metrics = compute_metrics(
            found["simulation"].returns, found["periods_per_year"], found["risk_free"]
        )
        return cls(metrics=metrics, **found)

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

    def _table(self, key: str) -> Any:
        run = self._simulation
        if key == "returns":
            return run.returns.tolist()
        if key == "equity_curve":
            return run.equity.tolist()
        if key == "final_cash":
            return int(run.cash[-1] if len(run.cash) else run.equity[0])
        if key == "holdings":
            return _rows(run.symbols, self.weights, (run.quantities != 0) & ~np.isnan(self.weights))
        if key == "symbol_returns":
            return _rows(run.symbols, _symbol_returns(run.prices), run.prices > 0)
        if key == "stop_events":
            return _stop_rows(run)
        raise KeyError(key)

    def __iter__(self) -> Iterator[str]:
        return iter(_KEYS)

    def __len__(self) -> int:
        return len(_KEYS)

    def __eq__(self, other: object) -> bool:
        # As arrays, in which NaN equals NaN, and without making lists.
        if isinstance(other, BacktestResult):
            return self._simulation == other._simulation and self._metrics == other._metrics
        return super().__eq__(other)

    __hash__ = None  # type: ignore[assignment]  # its lists can be changed

    def __repr__(self) -> str:
        run, metrics = self._simulation, self._metrics
        sharpe = "" if metrics is None else f", sharpe={metrics.sharpe:.2f}"
        ruined = "" if run.ruined_at is None else f", ruined_at={run.ruined_at}"
        return (
            f"BacktestResult(periods={len(run.returns)}, symbols={len(run.symbols)}, "
            f"final_equity={run.equity[-1]}{sharpe}, stop_events={len(run.stops)}{ruined})"
        )

    def _repr_html_(self) -> str:
        rows = [("", repr(self))]
        if self._metrics is not None:
            rows += [
                (name.replace("_", " "), f"{value:.4g}")
                for name, value in asdict(self._metrics).items()
            ]
        cells = "".join(f"<tr><th>{escape(a)}</th><td>{escape(b)}</td></tr>" for a, b in rows)
        return f"<table>{cells}</table>"


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


def _held(run: Simulation) -> NDArray[np.float64]:
    equity = run.equity[1:].astype(np.float64)[:, None]
    size = np.abs(run.quantities.astype(np.float64)) * run.marks
    values: NDArray[Any] = run.quantities * run.marks
    if size.max(initial=0.0) >= _SAFE:
        values = (run.quantities.astype(object) * run.marks.astype(object)).astype(np.float64)
    weights = np.full(size.shape, np.nan)
    np.divide(values, equity, out=weights, where=equity != 0.0)
    return weights


def _symbol_returns(prices: NDArray[np.int64]) -> NDArray[np.float64]:
    returns = np.full(prices.shape, np.nan)
    before, now = prices[:-1], prices[1:]
    np.divide(now - before, before, out=returns[1:], where=(before > 0) & (now > 0))
    return returns


def _stop_rows(run: Simulation) -> list[dict[str, Any]]:
    return [
        {
            "period_index": period,
            "symbol": run.symbols[column],
            "trigger_price": level,
            "exit_price": exit_price,
            "reason": TRADE_REASONS[reason],
        }
        for period, column, level, exit_price, reason, _ in run.stops.tolist()
    ]


def _labelled(
    table: NDArray[Any], symbols: tuple[str, ...], reasons: tuple[str, ...]
) -> NDArray[Any]:
    """The table with names for columns and reasons."""
    fields = {
        name: table[name] for name in table.dtype.names or () if name not in ("column", "reason")
    }
    fields["symbol"] = np.array(symbols or ("",))[table["column"]]
    fields["reason"] = np.array(reasons)[table["reason"]]
    order = [n for n in ("period", "symbol", "quantity", "price", "cost", "reason") if n in fields]
    labelled = np.empty(len(table), [(name, fields[name].dtype) for name in order])
    for name in order:
        labelled[name] = fields[name]
    return labelled
