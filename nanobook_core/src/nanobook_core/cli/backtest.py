"""`nanobook backtest`: the whole job from files."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from attrs import asdict
from rich.console import Console

from nanobook_core.cli.document import print_json
from nanobook_core.cli.table import print_table

if TYPE_CHECKING:
    from nanobook_core.portfolio import BacktestResult, Metrics

EXIT_REFUSED = 2

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


class _RefusedError(click.ClickException):
    """Input that makes no sense."""

    exit_code = EXIT_REFUSED


class _Money(click.ParamType[Any]):
    """A decimal number, exact."""

    name = "decimal"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        try:
            number = Decimal(value)
        except InvalidOperation:
            self.fail(f"{value!r} is not a decimal number", param, ctx)
        if not number.is_finite():
            self.fail(f"{value!r} is not finite", param, ctx)
        if number <= 0:
            self.fail(f"must be above 0, got {value}", param, ctx)
        return number


class _PriceUnit(_Money):
    name = "unit"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        return value if value in ("auto", "exact") else super().convert(value, param, ctx)


class _BasisPoints(click.IntRange):
    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        if "." in str(value):
            self.fail(
                f"{value!r} is not a whole number of basis points; nanobook.simulate in Python has "
                "cost models for parts of one, like maker_taker",
                param,
                ctx,
            )
        return super().convert(value, param, ctx)


_STOP = click.FloatRange(0.0, 1.0, max_open=True)


@click.command("backtest")
@click.option("--weights", required=True, type=_FILE, help="Target weights: CSV, Parquet or Arrow.")
@click.option("--prices", required=True, type=_FILE, help="Prices, which set the periods.")
@click.option("--cost-bps", required=True, type=_BasisPoints(0, 10_000), help="Of each trade.")
@click.option("--cash", type=_Money(), default="1000000", show_default=True, help="To start with.")
@click.option(
    "--price-unit",
    type=_PriceUnit(),
    default="auto",
    show_default=True,
    help="What prices are rounded to: 0.01, exact (no rounding), or auto (within a basis point).",
)
@click.option(
    "--quantity-step",
    type=_Money(),
    default="1",
    show_default=True,
    help="Smallest part of a share that is traded, at most 1.",
)
@click.option(
    "--fixed-stop", type=_STOP, default=0.0, help="Fraction lost since entry; 0.1 is 10 %."
)
@click.option("--trailing-stop", type=_STOP, default=0.0, help="Fraction lost since the best.")
@click.option(
    "--fills",
    type=click.Choice(["same-bar", "next-bar", "next-open"]),
    help="Trade at the price that decides, at the next one, or at the next of --opens, which is "
    "the default with them.",
)
@click.option("--opens", type=_FILE, help="Opening prices.")
@click.option("--highs", type=_FILE, help="With --opens and --lows: test stops within bars.")
@click.option("--lows", type=_FILE, help="See --highs.")
@click.option("--max-leverage", type=float, help="Highest sum of the weights' magnitudes.")
@click.option("--overdraw", is_flag=True, help="Buy even what cash does not pay for.")
@click.option("--periods-per-year", type=float, default=252.0, show_default=True)
@click.option("--risk-free", type=float, default=0.0, show_default=True, help="A period.")
@click.option(
    "--json",
    "as_json",
    is_flag=True,
    help="The numbers as JSON; infinite ones are null.",
)
@click.option(
    "--out",
    type=click.Path(dir_okay=False, writable=True, path_type=Path),
    help="Save the whole result, .arrow or .json; a file of that name is replaced.",
)
def backtest(  # noqa: PLR0917 - one for each option
    weights: Path,
    prices: Path,
    cost_bps: int,
    cash: Decimal,
    price_unit: Any,
    quantity_step: Decimal,
    fixed_stop: float,
    trailing_stop: float,
    fills: str | None,
    opens: Path | None,
    highs: Path | None,
    lows: Path | None,
    max_leverage: float | None,
    *,
    overdraw: bool,
    periods_per_year: float,
    risk_free: float,
    as_json: bool,
    out: Path | None,
) -> None:
    """Hold the target weights of one file on the prices of another.

    A file is wide (a date column, then one column a symbol) or long (columns date, symbol and the
    value). Dates of prices are the periods; weights on some of them are a rebalance calendar, and
    an empty row trades nothing. Input that makes no sense is refused with exit code 2, and nothing
    is written.

    \b
    Examples:
      nanobook backtest --weights w.csv --prices p.parquet --cost-bps 15
      nanobook backtest --weights w.csv --prices close.csv --opens open.csv --cost-bps 15 --json
      nanobook backtest --weights w.csv --prices p.csv --cost-bps 5 --trailing-stop 0.1 --out r.json
      nanobook backtest --weights w.csv --prices close.csv --opens open.csv --highs high.csv \\
        --lows low.csv --fills same-bar --trailing-stop 0.1 --cost-bps 5
    """
    from nanobook_core import portfolio as p
    from nanobook_core.portfolio.file_table import read_file
    from nanobook_core.portfolio.result_file import is_arrow

    way = fills or ("same-bar" if opens is None else "next-open")
    _check_bars(way, opens, highs, lows)
    try:
        if out is not None:
            is_arrow(out)  # refuses another suffix before the work
        # Over before the simulation, which draws its own progress.
        with Console(stderr=True).status("reading"):
            targets, closes = read_file(weights), read_file(prices)
            tables = [None if path is None else read_file(path) for path in (opens, highs, lows)]
        bars = p.Bars(*tables) if highs else None
        how: dict[str, Any] = {
            "same-bar": p.SameBar(),
            "next-bar": p.NextBar(),
            "next-open": p.NextOpen(None if bars else tables[0]),
        }
        result = p.simulate(
            targets,
            closes,
            cash=cash,
            costs=p.CostModel(cost_bps),
            stops=p.Stops(fixed=fixed_stop, trailing=trailing_stop),
            fills=how[way],
            bars=bars,
            constraints=p.Constraints(max_leverage=max_leverage, scale_to_cash=not overdraw),
            price_unit=price_unit,
            quantity_step=quantity_step,
            periods_per_year=periods_per_year,
            risk_free=risk_free,
        )
    except (ValueError, TypeError, OverflowError) as error:
        raise _RefusedError(str(error)) from error
    except ImportError as error:
        raise click.ClickException(str(error)) from error
    if out is not None:
        _save(result, out)
    if as_json:
        print_json(_numbers(result, out))
    else:
        _print(result, out)


def _check_bars(fills: str, opens: Path | None, highs: Path | None, lows: Path | None) -> None:
    is_bar = [path is not None for path in (opens, highs, lows)]
    if any(is_bar[1:]) and not all(is_bar):
        raise click.UsageError("--opens, --highs and --lows make bars together.")
    if opens is None and fills == "next-open":
        raise click.UsageError("--fills next-open needs --opens.")
    if opens is not None and highs is None and fills != "next-open":
        raise click.UsageError(f"--fills {fills} has no use of --opens without --highs and --lows.")


def _save(result: BacktestResult, out: Path) -> None:
    try:
        result.save(out)
    except (OSError, ValueError, ImportError) as error:
        raise click.ClickException(f"{out} cannot be written: {error}") from error


def _numbers(result: BacktestResult, out: Path | None) -> dict[str, Any]:
    turnover = result.turnover
    metrics = result["metrics"]
    return {
        "from": None if result.dates is None else str(result.dates[0]),
        "to": None if result.dates is None else str(result.dates[-1]),
        "periods": len(result["returns"]),
        "symbols": len(result.symbols),
        "price_unit": None if result.price_unit is None else str(result.price_unit),
        "final_equity": _currency(result, result["equity_curve"][-1]),
        "final_cash": _currency(result, result["final_cash"]),
        "turnover_a_year": turnover.gross_annual,
        "stops_fired": len(result["stop_events"]),
        "trades": len(result.trades),
        "skipped": _skipped(result),
        "ruined_at": result.ruined_at,
        "metrics": None if metrics is None else asdict(metrics),
        "out": None if out is None else str(out),
    }


def _currency(result: BacktestResult, amount: int) -> str:
    """Return an amount in the money of the files, exact."""
    from nanobook_core.portfolio.money import product

    return str(product(amount, result.money_unit))


def _skipped(result: BacktestResult) -> dict[str, int]:
    reasons = result.skipped["reason"].tolist()
    return {reason: reasons.count(reason) for reason in sorted(set(reasons))}


def _print(result: BacktestResult, out: Path | None) -> None:
    numbers = _numbers(result, out)
    if numbers["from"] is not None:
        click.echo(f"{numbers['from']} to {numbers['to']}, ", nl=False)
    click.echo(
        f"{numbers['periods']} periods, {numbers['symbols']} symbols, "
        f"prices in units of {numbers['price_unit']}"
    )
    rows = [] if result["metrics"] is None else _metrics_rows(result["metrics"])
    rows += [
        ("turnover a year", f"{numbers['turnover_a_year']:.2f}"),
        ("trades", f"{numbers['trades']:,}"),
        ("stops fired", f"{numbers['stops_fired']:,}"),
        ("final equity", f"{Decimal(numbers['final_equity']):,.2f}"),
        ("final cash", f"{Decimal(numbers['final_cash']):,.2f}"),
    ]
    rows += [(f"cut: {reason}", f"{count:,}") for reason, count in numbers["skipped"].items()]
    print_table(("", ""), rows)
    if result.ruined_at is not None:
        click.echo(f"\nRuined: equity was gone in period {result.ruined_at}.")
    if out is not None:
        click.echo(f"\nSaved: {out}")


def _metrics_rows(metrics: Metrics) -> list[tuple[str, str]]:
    return [
        (label, form.format(getattr(metrics, name)))
        for label, name, form in (
            ("total return", "total_return", "{:.2%}"),
            ("CAGR", "cagr", "{:.2%}"),
            ("volatility", "volatility", "{:.2%}"),
            ("Sharpe", "sharpe", "{:.2f}"),
            ("Sortino", "sortino", "{:.2f}"),
            ("max drawdown", "max_drawdown", "{:.1%}"),
            ("Calmar", "calmar", "{:.2f}"),
            ("CVaR 95 %", "cvar_95", "{:.2%}"),
            ("winning periods", "win_rate", "{:.1%}"),
        )
    ]
