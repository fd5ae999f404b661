"""`nanobook itch depth`: the levels of books."""

from __future__ import annotations

from itertools import zip_longest
from typing import TYPE_CHECKING, Any

import click

from nanobook_core.cli.document import print_json
from nanobook_core.cli.printing import printing
from nanobook_core.cli.table import print_table
from nanobook_itch.command.option import DURATION, Reading, json_option, out_options, reading
from nanobook_itch.command.problem import warn, warn_incomplete, warn_missing
from nanobook_itch.command.table_file import write_table
from nanobook_itch.command.text import dollars, exact
from nanobook_itch.time_of_day import clock

if TYPE_CHECKING:
    from nanobook_core.contracts import BookSnapshot, LevelSnapshot


@click.command()
@reading
@click.option("--levels", type=click.IntRange(1, 1000), default=10, show_default=True)
@click.option("--every", type=DURATION, help="With --out: a row each 1m or 00:01, not each change.")
@json_option
@out_options("Write the levels whenever one has changed")
def depth(
    source: Reading, *, levels: int, every: str | None, as_json: bool, out: str | None, force: bool
) -> None:
    """Show the levels of books.

    The best come first; books are as at the end of FILE, or just before --to.

    \b
    Examples:
      nanobook itch depth day.itch --symbols AAPL --levels 5 --to 10:30
      nanobook itch depth day.itch --symbols AAPL,MSFT --json
      nanobook itch depth day.itch --symbols AAPL --out depth.parquet
      nanobook itch depth day.itch.gz --levels 5 --every 00:01 --from 09:30 --out minutes.parquet
    """
    if out is not None:
        write_table(source, "depth", out, force=force, as_json=as_json, depth=levels, every=every)
        return
    if every is not None:
        raise click.UsageError("--every is for --out.")
    if source.symbols is None:
        raise click.UsageError("Say which books with --symbols, or write all with --out.")
    found = source.feed().books("system", end=source.end)
    books = {
        symbol: found.books.depth(symbol, levels)
        for symbol in dict.fromkeys(source.symbols)
        if symbol in found.books
    }
    with printing():
        if as_json:
            print_json(
                {
                    "books": [{"symbol": name, **_levels(book)} for name, book in books.items()],
                    "problems": dict(found.n_problems),
                    "complete": found.is_complete,
                }
            )
        else:
            _print(books)
    warn(found.problems, found.n_problems)
    warn_incomplete(is_complete=found.is_complete)
    warn_missing(found.missing)


def _levels(book: BookSnapshot) -> dict[str, Any]:
    return {
        side: [
            {"price": exact(each.price), "shares": each.quantity, "orders": each.order_count}
            for each in levels
        ]
        for side, levels in (("bids", book.bids), ("asks", book.asks))
    }


def _print(books: dict[str, BookSnapshot]) -> None:
    for number, (symbol, book) in enumerate(books.items()):
        if number:
            click.echo()
        click.echo(f"{symbol} at {clock(book.timestamp)}")
        print_table(
            ("orders", "shares", "bid", "ask", "shares", "orders"),
            [
                (*reversed(_cells(bid)), *_cells(ask))
                for bid, ask in zip_longest(book.bids, book.asks)
            ],
            numbers=range(3),
        )


def _cells(level: LevelSnapshot | None) -> tuple[str, str, str]:
    if level is None:
        return "", "", ""
    return dollars(level.price), f"{level.quantity:,}", f"{level.order_count:,}"
