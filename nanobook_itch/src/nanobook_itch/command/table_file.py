"""What `--out` writes: a table of books, to a file of each kind or to standard output."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from nanobook_core.cli.printing import printing
from nanobook_core.errors import ValidationError
from nanobook_itch.command.csv_text import csv_text
from nanobook_itch.command.ending import STDIO
from nanobook_itch.command.problem import warn, warn_incomplete, warn_missing
from nanobook_itch.command.write import check_free, replacing

if TYPE_CHECKING:
    from nanobook_itch.books import ItchTables
    from nanobook_itch.command.option import Reading
    from nanobook_itch.layout import Table

CSV = ".csv"
ARROW = (".parquet", ".arrow")


def write_table(
    source: Reading,
    name: str,
    out: str,
    *,
    force: bool,
    as_json: bool,
    depth: int = 10,
    every: str | None = None,
) -> None:
    """Write a table of books in bounded memory, and say how many rows it has.

    Raises:
        UsageError: JSON is asked for too, which is of the numbers that are shown.
        ValidationError: another suffix; nothing has been read.
        FileExistsError, FileNotFoundError: as `check_free` does.

    """
    if as_json:
        raise click.UsageError("--json shows numbers and --out writes a table: give one of them.")
    suffix = Path(out).suffix
    if STDIO not in {out, source.file} and Path(out).exists() and Path(out).samefile(source.file):
        raise ValidationError(f"{out} is the feed itself, and is not replaced by its own table")
    if suffix in ARROW:
        _write_arrow(source, name, out, force=force, depth=depth, every=every)
        return
    if out != STDIO and suffix != CSV:
        raise ValidationError(f"{out} must end with one of {', '.join((CSV, *ARROW))}")
    rows = _Rows(source, name, depth, every)
    if out == STDIO:
        with printing(is_needed=True):
            for text in rows.csv():
                sys.stdout.buffer.write(text.encode())
    else:
        with replacing(out, force=force) as file:
            file.writelines(text.encode() for text in rows.csv())
        with printing():
            click.echo(f"{out}: {rows.count:,} rows of {name}")
    rows.warn()


class _Rows:
    """Rows of a table in runs, counted."""

    def __init__(self, source: Reading, name: str, depth: int, every: str | None) -> None:
        self.count = 0
        self._name = name
        self._runs = source.feed().book_chunks(
            name, depth=depth, every=every, start=source.start, end=source.end
        )
        self._last: ItchTables | None = None

    def __iter__(self) -> Iterator[Table]:
        for run in self._runs:
            self._last = run
            self.count += len(run[self._name])
            yield run[self._name]

    def csv(self) -> Iterator[str]:
        """The same as text, below the names of the columns."""
        for number, table in enumerate(self):
            yield csv_text(table, heading=number == 0)

    def warn(self) -> None:
        """Say what was wrong with the source so far."""
        if self._last is not None:
            warn(self._last.problems, self._last.n_problems)
            warn_incomplete(is_complete=self._last.is_complete)
            warn_missing(self._last.missing)


def _write_arrow(
    source: Reading, name: str, out: str, *, force: bool, depth: int, every: str | None
) -> None:
    from nanobook_itch.export import export_itch

    check_free(out, force=force)
    done = export_itch(
        source.file,
        out,
        name,
        symbols=source.symbols,
        strict=not source.lenient,
        depth=depth,
        every=every,
        start=source.start,
        end=source.end,
        force=force,
    )
    with printing():
        click.echo(f"{out}: {done.n_rows[name]:,} rows of {name}")
    warn((), done.n_problems)
    warn_incomplete(is_complete=done.is_complete)
    warn_missing(done.missing)
