"""`nanobook itch checkpoint`: books at times, kept beside the feed."""

from __future__ import annotations

import click

from nanobook_core.cli.printing import printing
from nanobook_itch.command.ending import in_one_line
from nanobook_itch.command.option import DURATION, file_argument, force_option, lenient_option
from nanobook_itch.command.write import check_free


@click.command()
@file_argument
@click.option("--every", type=DURATION, default="00:05", show_default=True, help="How far apart.")
@lenient_option
@force_option
def checkpoint(file: str, *, every: str, lenient: bool, force: bool) -> None:
    """Keep the books at times of the day, so that others are found quickly.

    They are in FILE.books, where nanobook.ItchFeed looks for them when it is asked for the books at
    a time. Strict and lenient reading have each their own.

    \b
    Examples:
      nanobook itch checkpoint day.itch
      nanobook itch checkpoint day.itch.gz --every 15m --force
    """
    from nanobook_itch.feed import ItchFeed

    with in_one_line(file, lenient=lenient):
        check_free(f"{file}.books", force=force)
        path = ItchFeed(file, strict=not lenient).checkpoint(every)
        with printing():
            click.echo(f"{path}: {path.stat().st_size:,} bytes")
