"""The group of subcommands."""

from __future__ import annotations

import click

from nanobook_itch.command.sample import sample


@click.group(
    "itch",
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
)
def itch() -> None:
    """Read a feed of NASDAQ TotalView-ITCH 5.0: messages, books, trades.

    Exit codes: 0 done, 1 error, 2 refused, as a damaged file is, 130 interrupted.

    \b
    Examples:
      nanobook itch sample day.itch
    """


itch.add_command(sample)
