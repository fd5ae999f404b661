"""Weights and prices in, a backtest out: `simulate`, for the inputs that people have."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from fractions import Fraction
from typing import Any, Literal, TypeAlias, overload

import numpy as np
from numpy.typing import NDArray

from nanobook_core import contracts
from nanobook_core.errors import ValidationError, shown
from nanobook_core.plugin.registry import default_registry
from nanobook_core.portfolio.bar import BarTable, check_bars
from nanobook_core.portfolio.calendar import align, on_calendar
from nanobook_core.portfolio.carry import Carry, Schedule
from nanobook_core.portfolio.carry_table import Axes, scheduled
from nanobook_core.portfolio.cost import CostModel
from nanobook_core.portfolio.date_column import dated
from nanobook_core.portfolio.dense import simulation
from nanobook_core.portfolio.limit import Limits
from nanobook_core.portfolio.loop import simulate_tables
from nanobook_core.portfolio.metrics import compute_metrics
from nanobook_core.portfolio.money import product
from nanobook_core.portfolio.policy import Bars, Constraints, NextBar, NextOpen, SameBar
from nanobook_core.portfolio.rebalancing import Rebalancing, rebalancing
from nanobook_core.portfolio.result import BacktestResult
from nanobook_core.portfolio.simulation import Simulation
from nanobook_core.portfolio.stop import Stops
from nanobook_core.portfolio.table import read_table
from nanobook_core.portfolio.target import check_targets
from nanobook_core.portfolio.unit import money, to_units, unit_of

Fills: TypeAlias = SameBar | NextBar | NextOpen
PriceUnit: TypeAlias = Any
_NO_STOPS = Stops()


@overload
def simulate(
    weights: NDArray[Any],
    prices: NDArray[Any],
    *,
    symbols: Sequence[str],
    cash: Any,
    costs: contracts.CostModel,
    stops: Stops | None = None,
    fills: Fills = ...,
    carry: Carry | None = None,
    bars: Bars | None = None,
    constraints: Constraints = ...,
    price_unit: PriceUnit = None,
    quantity_step: Any = 1,
    missing_price: Literal["carry", "raise"] = "carry",
    execution: Literal["direct", "rebalancer"] = "direct",
    rebalancer_config: Any = None,
    periods_per_year: float = 252.0,
    risk_free: float = 0.0,
    progress: bool = True,
) -> BacktestResult: ...
@overload
def simulate(
    weights: Any,
    prices: Any,
    *,
    symbols: Sequence[str] | None = None,
    cash: Any,
    costs: contracts.CostModel,
    stops: Stops | None = None,
    fills: Fills = ...,
    carry: Carry | None = None,
    bars: Bars | None = None,
    constraints: Constraints = ...,
    price_unit: PriceUnit = None,
    quantity_step: Any = 1,
    missing_price: Literal["carry", "raise"] = "carry",
    execution: Literal["direct", "rebalancer"] = "direct",
    rebalancer_config: Any = None,
    periods_per_year: float = 252.0,
    risk_free: float = 0.0,
    progress: bool = True,
) -> BacktestResult: ...
def simulate(
    weights: Any,
    prices: Any,
    *,
    symbols: Sequence[str] | None = None,
    cash: Any,
    costs: contracts.CostModel,
    stops: Stops | None = None,
    fills: Fills = SameBar(),  # noqa: B008 - frozen
    carry: Carry | None = None,
    bars: Bars | None = None,
    constraints: Constraints = Constraints(),  # noqa: B008 - frozen
    price_unit: PriceUnit = None,
    quantity_step: Any = 1,
    missing_price: Literal["carry", "raise"] = "carry",
    execution: Literal["direct", "rebalancer"] = "direct",
    rebalancer_config: Any = None,
    periods_per_year: float = 252.0,
    risk_free: float = 0.0,
    progress: bool = True,
) -> BacktestResult:
    """Hold target weights on prices, with costs, and say what came of it.

    Weights and prices are each a frame of pandas, polars or pyarrow, wide (a column a symbol, dates
    in the index or in a column) or long (columns `symbol`, a date and the value); a mapping of
    columns; an array of shape `(n_periods, n_symbols)` with `symbols`; or the seed's lists. The
    prices' dates are the periods; weights on some of them make a rebalance calendar. A row of
    weights that is absent, `None` or all NaN trades nothing, one of zeros, or an empty list, sells
    everything. Weights are fractions of equity, negative when short; a row whose magnitudes sum to
    more than 20 is refused as one of percentages, unless `constraints` has a `max_leverage`.

    Prices are ints in money units, and `cash` is an int in the same; or, with `price_unit`, both
    are in a currency, as floats, Decimals or ints: a Decimal rounds each price to that unit and
    refuses one that this moves by more than a basis point, "exact" takes the coarsest of 0.01,
    0.001 and so on in which all prices are whole, "auto" the coarsest that keeps them within a
    basis point, opens, highs and lows included. A price that is absent (NaN, null; 0 in an array of
    ints) is the last one: the symbol is valued at it and not traded, or, with
    `missing_price="raise"`, refused where it is held into that period and not delisted in it, which
    is found after the run. With `execution="rebalancer"` each row of weights is planned and judged
    as `nanobook.plan` would on these prices, with the limits of `rebalancer_config`: a path of a
    `config.toml`, what it says as a dict, or None for the defaults.

    Quantities are whole lots of `quantity_step` shares, at most 1; money is then counted in
    `price_unit * quantity_step` (`result.money_unit`), which is also the unit of cost models'
    amounts.

    How a period is computed is said in docs/simulation.md, and each option in the class of its
    name. The tables are not copied; do not change them while the result is in use. A run of more
    than a second draws its progress on a terminal's stderr, unless `progress` is False; one that
    the compiled kernel does (costs in basis points, the same bar, no carry and no constraint but
    cash) is over before.

    Without periods the result has no returns, and None as metrics. O(n_periods * n_symbols).

    Raises, before anything is simulated and naming period, date, symbol and value where there are
    any:
        TypeError: an argument or a value of the wrong type; floats as prices without `price_unit`.
        ValidationError: tables that do not fit together, dates that do not rise or are not those of
            prices, a weight that is not finite or partly missing, a price below 1, a weight other
            than 0 for a symbol that has had no price yet, weights in percent, a bar that cannot be,
            opens given twice or not at all, an option out of range, or a price that is carried over
            a split and that rounding to its unit moves by more than a basis point; while
            simulating, costs or fills of a model that break its contract; after that, a missing
            price.
        OverflowError: a number beyond 64 bits; while simulating, a quantity, or a price after a
            split, beyond that.
    """
    compute_metrics((), periods_per_year, risk_free)  # refuses wrong options before the work
    if not isinstance(costs, contracts.CostModel) or isinstance(costs, type):
        raise TypeError(f"costs is a cost model, like Bps(15); got {shown(costs)}")
    if not isinstance(progress, bool):
        raise TypeError(f"progress is True or False, got {shown(progress)}")
    _check_policies(stops=stops, fills=fills, carry=carry, bars=bars, constraints=constraints)
    tables = _other_prices(fills, bars)
    if not isinstance(missing_price, str) or missing_price not in {"carry", "raise"}:
        raise ValidationError(f"missing_price is 'carry' or 'raise', got {shown(missing_price)}")
    weight_table = read_table(weights, "weights", symbols=symbols)
    is_whole = price_unit is None
    price_table = read_table(prices, "prices", symbols=symbols, is_whole=is_whole)
    run = align(weight_table, price_table)
    given = [weights, prices, *tables.values()]
    given += [] if carry is None else [carry.dividends, carry.splits]
    if symbols is not None and not any(isinstance(table, np.ndarray) for table in given):
        _check_symbols(symbols, run.symbols)
    check_targets(run, len(price_table.symbols), constraints)
    others = {
        noun: on_calendar(
            read_table(table, noun, symbols=symbols, is_whole=is_whole),
            run.symbols,
            run.dates,
            len(run.prices),
            noun,
        )
        for noun, table in tables.items()
    }
    units, unit = to_units(run.prices, price_unit, run.symbols, run.dates, beside=others)
    other_units = {
        noun: to_units(table, unit, run.symbols, run.dates, noun)[0]
        for noun, table in others.items()
    }
    step = _step(quantity_step)
    money_unit = (Fraction(1) if unit is None else Fraction(unit)) * step

    def amount(value: Any, name: str) -> int:
        return money(value, money_unit, name)

    start = amount(cash, "cash")
    if start < 1:
        raise ValidationError(f"cash must be above 0, got {shown(cash)}")
    axes = Axes(symbols=run.symbols, dates=run.dates, n_periods=len(units), symbols_given=symbols)
    schedule = None
    if carry is not None:
        schedule = scheduled(
            carry,
            axes,
            unit=Fraction(1) if unit is None else Fraction(unit),
            amount=amount,
            periods_per_year=periods_per_year,
        )
    table = None
    if bars is not None:
        table = BarTable(
            open=other_units["opens"], high=other_units["highs"], low=other_units["lows"]
        )
        check_bars(table, units, run, unit)
    limits = Limits(
        constraints,
        min_order_value=_optional(constraints.min_order_value, "min_order_value", amount),
        max_order_value=_optional(constraints.max_order_value, "max_order_value", amount),
        dates=run.dates,
        n_periods=len(units),
    )
    planned = rebalancing(
        execution,
        rebalancer_config,
        symbols=run.symbols,
        dates=run.dates,
        unit=Decimal(1) if unit is None else unit,
        step=unit_of(quantity_step),
        is_limited=limits.is_active,
    )
    with dated(run.dates):
        ledger = simulate_run(
            run.weights,
            units,
            run.symbols,
            cash=start,
            costs=costs,
            stops=stops,
            fills=fills,
            open_prices=other_units.get("opens") if isinstance(fills, NextOpen) else None,
            carry=schedule,
            bars=table,
            limits=limits,
            planned=planned,
            scale_to_cash=constraints.scale_to_cash,
            progress=progress,
        )
        if missing_price == "raise":
            _refuse_gaps(ledger, {} if schedule is None else schedule.delistings)
    return BacktestResult(
        ledger,
        metrics=compute_metrics(ledger.returns, periods_per_year, risk_free),
        dates=run.dates,
        periods_per_year=periods_per_year,
        risk_free=risk_free,
        price_unit=unit,
        money_unit=product(1 if unit is None else unit, unit_of(quantity_step)),
    )


def simulate_run(
    weights: NDArray[np.float64],
    prices: NDArray[np.int64],
    symbols: tuple[str, ...],
    *,
    cash: int,
    costs: contracts.CostModel,
    stops: Stops | None,
    fills: Fills = SameBar(),  # noqa: B008 - frozen
    open_prices: NDArray[np.int64] | None = None,
    carry: Schedule | None = None,
    bars: BarTable | None = None,
    limits: Limits | None = None,
    planned: Rebalancing | None = None,
    scale_to_cash: bool,
    progress: bool = False,
) -> Simulation:
    """Simulate by the fastest way that can do what is asked for; all give the same."""
    is_simple = (
        type(costs) is CostModel
        and isinstance(fills, SameBar)
        and fills.model is None
        and carry is None
        and bars is None
        and planned is None
        and (limits is None or not limits.is_active)
    )
    if is_simple and isinstance(costs, CostModel):
        levels = stops or _NO_STOPS
        run = default_registry().load("kernel", "simulate")(
            weights,
            prices,
            symbols,
            initial_cash=cash,
            cost_bps=costs.commission_bps + costs.slippage_bps,
            minimum_fee=costs.min_trade_fee,
            fixed=levels.fixed,
            trailing=levels.trailing,
            atr_multiple=levels.atr_multiple,
            atr_period=levels.atr_period,
            scale_to_cash=scale_to_cash,
        )
        return simulation(run, weights, prices, symbols, costs)
    return simulate_tables(
        weights,
        prices,
        symbols=symbols,
        initial_cash=cash,
        cost_model=costs,
        stops=stops,
        scale_to_cash=scale_to_cash,
        limits=limits,
        fill_model=fills.model,
        fill_prices=open_prices,
        fill_at=_FILL_AT[type(fills)],
        carry=carry,
        bars=bars,
        rebalancing=planned,
        progress=progress,
    )


_FILL_AT: dict[type[Fills], Literal["same", "next", "open"]] = {
    SameBar: "same",
    NextBar: "next",
    NextOpen: "open",
}


_POLICIES: dict[str, tuple[type[Any], ...]] = {
    "stops": (Stops, type(None)),
    "fills": (SameBar, NextBar, NextOpen),
    "carry": (Carry, type(None)),
    "bars": (Bars, type(None)),
    "constraints": (Constraints,),
}


def _check_policies(**policies: object) -> None:
    for name, policy in policies.items():
        kinds = _POLICIES[name]
        if not isinstance(policy, kinds):
            allowed = ("None" if kind is type(None) else f"{kind.__name__}()" for kind in kinds)
            raise TypeError(f"{name} is {' or '.join(allowed)}, got {shown(policy)}")


def _check_symbols(given: Sequence[str], own: tuple[str, ...]) -> None:
    """Refuse symbols that are not those of tables which have their own."""
    if list(given) != list(own):
        raise ValidationError(
            f"symbols names the columns of arrays, and these tables have their own: {shown(own)}; "
            f"got {shown(given)}. Leave it out"
        )


def _other_prices(fills: Fills, bars: Bars | None) -> dict[str, Any]:
    """All tables of prices but the closes, by what they are called."""
    if isinstance(fills, NextOpen):
        if fills.open_prices is None and bars is None:
            raise ValidationError(
                "fills=NextOpen() fills at opens: give them, as NextOpen(opens) or in bars=Bars()"
            )
        if fills.open_prices is not None and bars is not None:
            raise ValidationError(
                "opens are given twice, in fills=NextOpen() and in bars=Bars(): give them once, "
                "and leave NextOpen() empty"
            )
    if bars is not None:
        return {"opens": bars.open, "highs": bars.high, "lows": bars.low}
    return {"opens": fills.open_prices} if isinstance(fills, NextOpen) else {}


def _step(quantity_step: Any) -> Fraction:
    step = Fraction(unit_of(quantity_step, "quantity_step"))
    if step > 1:
        raise ValidationError(
            f"quantity_step is a part of a share, above 0 and at most 1; got {shown(quantity_step)}"
        )
    return step


def _optional(value: Any, name: str, amount: Callable[[Any, str], int]) -> int | None:
    return None if value is None else amount(value, name)


def _refuse_gaps(run: Simulation, delistings: Mapping[int, Mapping[int, int]]) -> None:
    """Refuse a symbol that was held into a period without a price of it, unless it ended there."""
    held = np.zeros_like(run.quantities)
    held[1:] = run.quantities[:-1]
    is_missing = (held != 0) & (run.prices == 0)
    for period, row in delistings.items():
        is_missing[period, list(row)] = False
    if is_missing.any():
        period, column = np.argwhere(is_missing)[0].tolist()
        raise ValidationError(
            f"period {period}, symbol {run.symbols[column]!r}: held, and without a price. "
            'Give one, or missing_price="carry"'
        )
