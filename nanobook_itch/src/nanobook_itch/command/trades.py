"""`nanobook itch trades`: what was traded."""

from __future__ import annotations

from typing import Any

import click

from nanobook_core.cli.document import print_json
from nanobook_core.cli.printing import printing
from nanobook_itch.command.option import Reading, json_option, out_options, reading, top_option
from nanobook_itch.command.problem import warn, warn_incomplete, warn_missing
from nanobook_itch.command.table_file import write_table
from nanobook_itch.command.tally import Standing, tally
from nanobook_itch.command.text import average, dollars, exact, name_text, print_top


@click.command()
@reading
@top_option
@json_option
@out_options("Write every trade")
def trades(source: Reading, *, top: int, as_json: bool, out: str | None, force: bool) -> None:
    """Show what was traded, a line each symbol.

    Bought and sold are shares of trades in which the aggressor did so; hidden those with an order
    that no book showed, crosses those of auctions, of both of which the feed says no side. Volume
    is their sum. The most traded come first. Trades that were broken afterwards are counted.

    \b
    Examples:
      nanobook itch trades day.itch
      nanobook itch trades day.itch --symbols AAPL --from 15:59 --json
      nanobook itch trades day.itch.gz --out trades.parquet
      zcat day.itch.gz | nanobook itch trades - --out - | head
    """
    if out is not None:
        write_table(source, "trades", out, force=force, as_json=as_json)
        return
    found = tally(source, "trades")
    traded = [each for each in found.sorted() if each.trades or each.broken]
    end = {"complete": found.is_complete}
    with printing():
        if as_json:
            numbers = [_numbers(each) for each in traded]
            print_json({"trades": numbers, "problems": dict(found.n_problems), **end})
        else:
            most = sorted(traded, key=lambda each: -each.volume)
            print_top(_COLUMNS, [_row(each) for each in most], top)
    warn(found.problems, found.n_problems)
    warn_incomplete(is_complete=found.is_complete)
    warn_missing(found.missing)


_COLUMNS = (
    *("symbol", "trades", "volume", "bought", "sold", "hidden", "crosses"),
    *("VWAP", "first", "low", "high", "last", "broken"),
)
_SHARES = ("volume", "bought", "sold", "hidden", "crossed")
_PRICES = ("first", "low", "high", "last")


def _row(each: Standing) -> tuple[str, ...]:
    vwap = average(each.value, each.volume)
    return (
        name_text(each.symbol),
        f"{each.trades:,}",
        *(f"{getattr(each, name):,}" for name in _SHARES),
        "-" if vwap is None else dollars(vwap),
        *(dollars(getattr(each, name)) if each.trades else "-" for name in _PRICES),
        f"{each.broken:,}",
    )


def _numbers(each: Standing) -> dict[str, Any]:
    return {
        "symbol": each.symbol,
        "trades": each.trades,
        **{name: getattr(each, name) for name in _SHARES},
        "vwap": exact(average(each.value, each.volume)),
        **{name: exact(getattr(each, name) if each.trades else None) for name in _PRICES},
        "broken": each.broken,
    }
