"""`nanobook itch books`: where each symbol stands."""

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
@out_options("Write every change of the best prices")
def books(source: Reading, *, top: int, as_json: bool, out: str | None, force: bool) -> None:
    """Show the best prices and what was traded, a line each symbol.

    Prices are those at the end of FILE, or just before --to; trades and changes of the best prices
    are counted from --from on. The busiest come first.

    \b
    Examples:
      nanobook itch books day.itch
      nanobook itch books day.itch --symbols AAPL,MSFT --from 09:30 --to 10:00
      nanobook itch books day.itch.gz --out bbo.parquet
      nanobook itch books day.itch --symbols AAPL --out - | head
    """
    if out is not None:
        write_table(source, "bbo", out, force=force, as_json=as_json)
        return
    found = tally(source, "bbo", "trades")
    end = {"complete": found.is_complete}
    with printing():
        if as_json:
            books = [_numbers(each) for each in found.sorted()]
            print_json({"books": books, "problems": dict(found.n_problems), **end})
        else:
            busiest = sorted(found.sorted(), key=lambda each: -each.changes)
            print_top(_COLUMNS, [_row(each) for each in busiest], top)
    warn(found.problems, found.n_problems)
    warn_incomplete(is_complete=found.is_complete)
    warn_missing(found.missing)


_COLUMNS = (
    *("symbol", "bid", "shares", "ask", "shares", "spread", "changes"),
    *("trades", "volume", "VWAP", "last"),
)


def _row(each: Standing) -> tuple[str, ...]:
    both = each.bid_shares and each.ask_shares
    vwap = average(each.value, each.volume)
    return (
        name_text(each.symbol),
        dollars(each.bid) if each.bid_shares else "-",
        f"{each.bid_shares:,}",
        dollars(each.ask) if each.ask_shares else "-",
        f"{each.ask_shares:,}",
        dollars(each.ask - each.bid) if both else "-",
        f"{each.changes:,}",
        f"{each.trades:,}",
        f"{each.volume:,}",
        "-" if vwap is None else dollars(vwap),
        dollars(each.last) if each.trades else "-",
    )


def _numbers(each: Standing) -> dict[str, Any]:
    return {
        "symbol": each.symbol,
        "bid": exact(each.bid if each.bid_shares else None),
        "bid_shares": each.bid_shares,
        "ask": exact(each.ask if each.ask_shares else None),
        "ask_shares": each.ask_shares,
        "changes": each.changes,
        "trades": each.trades,
        "volume": each.volume,
        "vwap": exact(average(each.value, each.volume)),
        "last": exact(each.last if each.trades else None),
    }
