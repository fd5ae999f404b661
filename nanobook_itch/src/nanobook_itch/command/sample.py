"""`nanobook itch sample`: a day to try things on."""

from __future__ import annotations

import gzip
import sys
from contextlib import AbstractContextManager, nullcontext
from typing import BinaryIO

import click

from nanobook_core.cli.printing import printing
from nanobook_itch.command.ending import EXIT_REFUSED, STDIO, EndedError, in_one_line
from nanobook_itch.command.option import force_option
from nanobook_itch.command.write import replacing


@click.command()
@click.argument("file", metavar="FILE")
@click.option("--messages", type=click.IntRange(1), default=100_000, show_default=True)
@click.option("--symbols", type=click.IntRange(1, 65_535), default=20, show_default=True)
@click.option("--seed", type=int, default=0, show_default=True, help="The same gives the same.")
@force_option
def sample(file: str, *, messages: int, symbols: int, seed: int, force: bool) -> None:
    """Write a made-up trading day.

    It is valid to the last byte, with every type of message, auctions, a halt and hidden trades,
    and nothing else is real about it. FILE is packed if its name ends with .gz.

    \b
    Examples:
      nanobook itch sample day.itch
      nanobook itch sample day.itch.gz --messages 1000000 --symbols 500 --seed 7
      nanobook itch sample - | nanobook itch info -
    """
    from nanobook_itch.testing.day import TradingDay

    with in_one_line(file):
        try:
            day = TradingDay(messages=messages, symbols=symbols, seed=seed, end_mark=True)
        except ValueError as error:
            raise EndedError(str(error), EXIT_REFUSED) from error
        if file == STDIO:
            with printing(is_needed=True):
                sys.stdout.buffer.writelines(day.chunks())
            return
        with replacing(file, force=force) as part, _packed(part, file) as written:
            written.writelines(day.chunks())
    with printing():
        click.echo(f"{file}: {messages:,} messages of {symbols:,} symbols")


def _packed(part: BinaryIO, name: str) -> AbstractContextManager[BinaryIO | gzip.GzipFile]:
    """The file itself, or one that packs what is written to it; the same bytes each time."""
    if name.endswith(".gz"):
        return gzip.GzipFile("", "wb", compresslevel=6, fileobj=part, mtime=0)
    return nullcontext(part)
