"""The group of subcommands."""

from __future__ import annotations

import click

from nanobook_itch.command.books import books
from nanobook_itch.command.checkpoint import checkpoint
from nanobook_itch.command.depth import depth
from nanobook_itch.command.export import export
from nanobook_itch.command.info import info
from nanobook_itch.command.sample import sample
from nanobook_itch.command.trades import trades


@click.group(
    "itch",
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
)
def itch() -> None:
    """Read a feed of NASDAQ TotalView-ITCH 5.0: messages, books, trades.

    FILE is as the exchange sends it, packed with gzip or not; `-` is standard input. Exit codes: 0
    done, 1 error, 2 refused, as a damaged file is, 130 interrupted.

    \b
    Examples:
      nanobook itch sample day.itch
      nanobook itch info day.itch
      nanobook itch books day.itch --symbols AAPL,MSFT --to 10:00
      nanobook itch trades day.itch.gz --out trades.parquet
      nanobook itch depth day.itch --symbols AAPL --levels 5
      nanobook itch export day.itch --out day
    """


for _command in (info, books, trades, depth, export, checkpoint, sample):
    itch.add_command(_command)
