"""`nanobook demo`: the example strategy, its numbers and its picture."""

from __future__ import annotations

import sys
from pathlib import Path
from shutil import get_terminal_size
from typing import TYPE_CHECKING, Any

import click
from attrs import asdict
from rich.console import Console
from rich.table import Table

import nanobook
from nanobook_core.cli.document import print_json
from nanobook_core.cli.table import print_table

if TYPE_CHECKING:
    from collections.abc import Mapping

    from nanobook_core.portfolio import BacktestResult, Metrics

_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")

#: Wide enough for the months in tenths of a percent, so that rich never leaves digits out.
_WIDTH = 100


@click.command("demo")
@click.option(
    "--png",
    type=click.Path(dir_okay=False, writable=True, path_type=Path),
    default="nanobook-demo.png",
    show_default=True,
    help="Where the picture goes; a file of that name is replaced.",
)
@click.option("--json", "as_json", is_flag=True, help="The numbers as JSON.")
def demo(png: Path, *, as_json: bool) -> None:
    """Momentum on 20 US large caps against equal weight, 2001 to 2022.

    Buys the five names that rose most over the year before the last month, on the first day of
    each month, at 15 bps, with a trailing stop of 25 %. The code is examples/momentum.py, the
    prices are real. The 20 companies were chosen after the fact, so both lines look better than
    anyone's returns were: this shows the tool, not a strategy to trade.

    \b
    Examples:
      nanobook demo
      nanobook demo --png /tmp/momentum.png
      nanobook demo --json
    """
    with Console(stderr=True).status("simulating 22 years of daily closes"):
        from nanobook.demo import momentum

        results: dict[str, BacktestResult] = momentum.results
        dates = momentum.dates[momentum.YEAR :]
        picture, failure = _picture(results, momentum.dates[momentum.YEAR - 1 :], png)
    if as_json:
        print_json(_numbers(results, dates, picture))
    else:
        _print_report(results, dates)
        if picture:
            click.echo(f"Picture: {picture}")
        elif not failure:
            click.echo(f"No picture: {_why_no_picture()}")
    if failure:  # last: the numbers do not depend on the picture
        raise click.ClickException(f"the picture cannot be written: {failure}") from failure


def _print_report(results: Mapping[str, BacktestResult], dates: Any) -> None:
    click.echo(f"20 US large caps, {dates[0]} to {dates[-1]}, 1,000,000 dollars, 15 bps a trade\n")
    print_table(("", *results), _metrics_rows(results))
    click.echo()
    _print_months("momentum", nanobook.monthly_returns(results["momentum"]["equity_curve"], dates))
    click.echo()
    click.echo(
        "These companies were chosen after the fact: survivors are over-represented, and both\n"
        "columns look better than anyone's returns were."
    )


def _picture(
    results: Mapping[str, BacktestResult], dates: Any, path: Path
) -> tuple[Path | None, Exception | None]:
    """Path of the picture, or why it cannot be written; neither without the part that draws."""
    if not hasattr(nanobook, "plot_equity"):
        return None, None
    curves = {name: result["equity_curve"] for name, result in results.items()}
    try:
        title = "Momentum against equal weight"
        return nanobook.plot_equity(curves, dates, path, title=title), None
    except (OSError, nanobook.ValidationError) as error:
        return None, error


def _why_no_picture() -> str:
    try:
        _ = nanobook.plot_equity
    except AttributeError as error:
        return str(error)
    raise AssertionError("plot_equity is there")


def _numbers(results: Mapping[str, BacktestResult], dates: Any, picture: Path | None) -> Any:
    return {
        "from": str(dates[0]),
        "to": str(dates[-1]),
        "png": None if picture is None else str(picture),
        "results": {
            name: {
                "metrics": asdict(_metrics(result)),
                "final_equity_dollars": _dollars(result),
                "stops_fired": len(result["stop_events"]),
                "monthly_returns": nanobook.monthly_returns(result["equity_curve"], dates),
            }
            for name, result in results.items()
        },
    }


def _metrics(result: BacktestResult) -> Metrics:
    metrics = result["metrics"]
    assert metrics is not None  # noqa: S101 - there are 22 years of returns
    return metrics


def _dollars(result: BacktestResult) -> float:
    from nanobook.demo.momentum import PRICE_UNIT

    return float(round(result["equity_curve"][-1] * PRICE_UNIT, 2))


def _metrics_rows(results: Mapping[str, BacktestResult]) -> list[tuple[str, ...]]:
    metrics = [_metrics(result) for result in results.values()]
    rows = [
        (label, *(form.format(getattr(m, field)) for m in metrics))
        for label, field, form in (
            ("total return", "total_return", "{:.0%}"),
            ("CAGR", "cagr", "{:.2%}"),
            ("volatility", "volatility", "{:.2%}"),
            ("Sharpe", "sharpe", "{:.2f}"),
            ("Sortino", "sortino", "{:.2f}"),
            ("max drawdown", "max_drawdown", "{:.1%}"),
            ("Calmar", "calmar", "{:.2f}"),
            ("CVaR 95 % (day)", "cvar_95", "{:.2%}"),
            ("winning days", "win_rate", "{:.1%}"),
        )
    ]
    stops = tuple(str(len(result["stop_events"])) for result in results.values())
    final = tuple(f"{_dollars(result):,.0f}" for result in results.values())
    return [*rows, ("stops fired", *stops), ("final equity ($)", *final)]


def _print_months(name: str, returns: Mapping[str, float]) -> None:
    """Print a year a row; in whole percents where a terminal is too narrow for more."""
    console = Console(width=_WIDTH, highlight=False)
    table = _months(name, returns, "z.1f")
    if sys.stdout.isatty() and get_terminal_size().columns < console.measure(table).maximum:
        table = _months(name, returns, "z.0f")
    console.print(table)


def _months(name: str, returns: Mapping[str, float], form: str) -> Table:
    """A year a row, in percent; months that the backtest does not reach stay empty."""
    table = Table(box=None, pad_edge=False, header_style="bold", title=None)
    table.add_column(f"{name} %")
    for month in (*_MONTHS, "year"):
        table.add_column(month, justify="right")
    for year in sorted({key[:4] for key in returns}):
        months = [returns.get(f"{year}-{month:02}") for month in range(1, 13)]
        whole = 1.0
        for value in months:
            whole *= 1.0 + (value or 0.0)
        cells = ("" if value is None else f"{100 * value:{form}}" for value in (*months, whole - 1))
        table.add_row(year, *cells)
    return table
