"""What a backtest gave."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal
from html import escape
from pathlib import Path
from typing import Any, Literal, overload

import numpy as np
from attrs import asdict
from numpy.typing import NDArray

from nanobook_core.errors import ValidationError
from nanobook_core.portfolio.contribution import contributions
from nanobook_core.portfolio.drawdown import Drawdown, drawdowns
from nanobook_core.portfolio.metrics import Metrics, monthly_returns
from nanobook_core.portfolio.read_only import read_only
from nanobook_core.portfolio.result_file import load, save
from nanobook_core.portfolio.result_frame import frame
from nanobook_core.portfolio.result_rows import (
    Rows,
    StopRow,
    held_weights,
    labelled,
    rows,
    stop_rows,
    symbol_returns,
)
from nanobook_core.portfolio.rolling import Rolling, rolling
from nanobook_core.portfolio.simulation import CUT_REASONS, TRADE_REASONS, Simulation
from nanobook_core.portfolio.turnover import Turnover, turnover

_ONE = Decimal(1)


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
    NaN where the previous period has no price; a split is no return. `stop_events` a list of
    dicts, by period and then in order of `symbols`. Each is made when first asked for, and kept.

    Arrays are read-only; change a copy of one.
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
        self._periods_per_year, self._risk_free = float(periods_per_year), float(risk_free)
        self._price_unit, self._money_unit = price_unit, money_unit
        self._made: dict[str, Any] = {"metrics": metrics}

    @property
    def symbols(self) -> tuple[str, ...]:
        """All symbols in order of first appearance, in prices and then in weights."""
        return self._simulation.symbols

    @property
    def metrics(self) -> Metrics | None:
        """Those of `["metrics"]`: None without periods."""
        return self._metrics

    @property
    def dates(self) -> NDArray[np.datetime64] | None:
        """Those of the prices, one a period; None if they had none."""
        return None if self._dates is None else read_only(self._dates)

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
        return read_only(self._simulation.quantities)

    @property
    def weights(self) -> NDArray[np.float64]:
        """Value held over equity at the end of each period, same shape; NaN where equity is 0."""
        if "weights" not in self._made:
            self._made["weights"] = read_only(held_weights(self._simulation))
        weights: NDArray[np.float64] = self._made["weights"]
        return weights

    @property
    def trades(self) -> NDArray[Any]:
        """All fills, by period, as an array of `period, symbol, quantity, price, cost, reason`.

        The quantity is signed, in lots; the price in money units a lot, the cost in money units and
        at least 0; the reason is `rebalance`, `fixed`, `trailing`, `atr` or `delisted`. Made anew
        at each call: O(n_trades).
        """
        return read_only(labelled(self._simulation.trades, self.symbols, TRADE_REASONS))

    @property
    def skipped(self) -> NDArray[Any]:
        """What was not traded, by period, as an array of `period, symbol, quantity, reason`.

        The quantity is signed as it was wanted, in lots. What the weights asked for is what was
        traded for them and what is here, but for the rows with the reason `stop_unfilled`, of stops
        that could not be filled yet. Reasons are in docs/simulation.md. Made anew at each call.
        """
        return read_only(labelled(self._simulation.cuts, self.symbols, CUT_REASONS))

    @property
    def flows(self) -> dict[str, tuple[int, ...]]:
        """Money that moved without a trade, in money units, an amount a period, by kind.

        In the account's favour where positive. Kinds are `deposits`, `dividends`, `interest`,
        `borrow_fees` and `in_lieu` (of splits), those that the carry can have; without carry there
        are none.
        """
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
        """At the end of each period, in money units; negative where it is owed."""
        cash: list[int] = self._simulation.cash.tolist()
        return cash

    @property
    def turnover(self) -> Turnover:
        """Value bought and sold as a fraction of equity before, by period and a year."""
        return turnover(self._simulation, self._periods_per_year)

    @property
    def drawdowns(self) -> tuple[Drawdown, ...]:
        """All falls below a peak of compounded returns, the deepest first; dated if prices were."""
        return drawdowns(self._simulation.returns, self._dates)

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

        Shape `(n_periods, n_symbols)`; costs, dividends and borrow fees are in it. Their sum and
        interest on cash are the period's return; 0 where that equity is not positive.
        """
        return read_only(contributions(self._simulation))

    def rolling(self, window: int) -> Rolling:
        """Performance of the latest `window` periods at the end of each, NaN before.

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
            ValidationError: there is no such table, or a symbol of a wide table is named `date` or
                `period` as its index is.
            ImportError: pandas is not installed.

        """
        found = frame(self, table, "pandas")
        first = found.columns[0]
        return found.set_index(first) if first in ("date", "period", "month") else found

    def to_polars(self, table: str = "periods") -> Any:
        """Return a table as a polars frame; as `to_pandas`, with the date in a column.

        Raises:
            OverflowError: an amount has more than the 38 digits that polars takes.

        """
        return frame(self, table, "polars")

    def to_arrow(self, table: str = "periods") -> Any:
        """Return a table as a pyarrow table; as `to_pandas`, with the date in a column.

        Raises:
            OverflowError: an amount has more than the 76 digits that pyarrow takes.

        """
        return frame(self, table, "pyarrow")

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
        return cls(**load(Path(path)))

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
            return rows(run.symbols, self.weights, (run.quantities != 0) & ~np.isnan(self.weights))
        if key == "symbol_returns":
            return rows(run.symbols, symbol_returns(run), run.prices > 0)
        if key == "stop_events":
            return stop_rows(run)
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
                and self._terms() == other._terms()
                and _same_dates(self._dates, other._dates)
            )
        return super().__eq__(other)

    def _terms(self) -> tuple[Any, ...]:
        return (
            self._metrics,
            self._periods_per_year,
            self._risk_free,
            self._price_unit,
            self._money_unit,
        )

    __hash__ = None  # type: ignore[assignment]  # its lists can be changed

    def __repr__(self) -> str:
        run, metrics = self._simulation, self._metrics
        sharpe = "" if metrics is None else f", sharpe={metrics.sharpe:.2f}"
        dates = "" if self._dates is None or not len(self._dates) else f", {_span(self._dates)}"
        ruined = "" if run.ruined_at is None else f", ruined_at={run.ruined_at}"
        return (
            f"BacktestResult(periods={len(run.returns)}{dates}, symbols={len(run.symbols)}, "
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


def _same_dates(
    first: NDArray[np.datetime64] | None, second: NDArray[np.datetime64] | None
) -> bool:
    if first is None or second is None:
        return first is second
    return np.array_equal(first, second)


def _span(dates: NDArray[np.datetime64]) -> str:
    """Return the first and the last date, to the day where both are days."""
    ends = dates[[0, -1]]
    days = ends.astype("datetime64[D]")
    first, last = days if (days == ends).all() else ends.astype("datetime64[s]")
    return f"dates={first}..{last}"
