"""`nanobook itch info`: what a feed has."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from nanobook_core.cli.document import print_json
from nanobook_core.cli.printing import printing
from nanobook_core.cli.table import print_table
from nanobook_core.contracts.itch_message import MESSAGES
from nanobook_itch.command.ending import in_one_line
from nanobook_itch.command.option import (
    Reading,
    file_argument,
    json_option,
    lenient_option,
    top_option,
)
from nanobook_itch.command.problem import warn
from nanobook_itch.command.text import name_text, print_top
from nanobook_itch.time_of_day import clock

if TYPE_CHECKING:
    from nanobook_itch.info import ItchInfo


@click.command()
@file_argument
@lenient_option
@top_option
@json_option
def info(file: str, *, lenient: bool, top: int, as_json: bool) -> None:
    """Count messages by type and symbol.

    The day is complete where the exchange has said that no more messages come.

    \b
    Examples:
      nanobook itch info day.itch
      nanobook itch info day.itch.gz --json
      nanobook itch info damaged.itch --lenient
    """
    with in_one_line(file, lenient=lenient):
        found = Reading(file, None, None, None, lenient).feed().info()
        with printing():
            if as_json:
                print_json(_document(found))
            else:
                _print(found, top)
        warn(found.problems, found.n_problems)


def _print(found: ItchInfo, top: int) -> None:
    opened, closed = map(_clock, found.market_hours)
    click.echo(
        f"{found.name}: {found.n_messages:,} messages, {found.n_bytes:,} bytes, "
        f"{len(found.symbols):,} symbols"
    )
    click.echo(f"from {_clock(found.first_time)} to {_clock(found.last_time)}")
    click.echo(f"market open from {opened} to {closed}")
    click.echo("complete" if found.is_complete else "not complete: its end is missing")
    click.echo()
    print_table(
        ("", "type", "messages"),
        [
            (kind, message.name, f"{found.counts[kind]:,}")
            for kind, message in MESSAGES.items()
            if kind in found.counts
        ],
        numbers=(2,),
    )
    click.echo()
    busiest = sorted(found.symbols.items(), key=lambda item: (-item[1], item[0]))
    print_top(
        ("symbol", "messages", "share"),
        [(name_text(name), f"{n:,}", f"{n / found.n_messages:.1%}") for name, n in busiest],
        top,
    )


def _document(found: ItchInfo) -> dict[str, Any]:
    opened, closed = found.market_hours
    return {
        "name": found.name,
        "bytes": found.n_bytes,
        "messages": found.n_messages,
        "first_time": found.first_time,
        "last_time": found.last_time,
        "market_open": opened,
        "market_close": closed,
        "complete": found.is_complete,
        "types": dict(found.counts),
        "symbols": dict(found.symbols),
        "problems": dict(found.n_problems),
    }


def _clock(time: int | None) -> str:
    return "-" if time is None else clock(time)
