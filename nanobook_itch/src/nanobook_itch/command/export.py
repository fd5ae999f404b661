"""`nanobook itch export`: the tables of a feed as files, or LOBSTER's."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import click

from nanobook_core.cli.printing import printing
from nanobook_itch.command.option import DURATION, Names, Reading, force_option, reading
from nanobook_itch.command.problem import warn, warn_incomplete, warn_missing
from nanobook_itch.command.write import check_folder

_LOBSTER = "lobster"
_FORMS = ("parquet", "arrow", _LOBSTER)


@click.command()
@reading
@click.option("--out", "folder", required=True, metavar="FOLDER", help="Made if it is not there.")
@click.option("--format", "form", type=click.Choice(_FORMS), default="parquet", show_default=True)
@click.option("--tables", type=Names("tables"), metavar="A,B,…", help="By default all.")
@click.option("--levels", type=click.IntRange(1, 1000), default=10, show_default=True)
@click.option(
    "--every", type=DURATION, help="Depth once each 1m or 00:01, say, not at each change."
)
@click.option(
    "--date",
    type=click.DateTime(["%Y-%m-%d"]),
    metavar="DATE",
    help="As 2026-03-02; LOBSTER needs it.",
)
@force_option
def export(
    source: Reading,
    *,
    folder: str,
    form: str,
    tables: tuple[str, ...] | None,
    levels: int,
    every: str | None,
    date: dt.datetime | None,
    force: bool,
) -> None:
    """Write tables to Parquet or Arrow, or a book as LOBSTER's files.

    Tables are those of messages (order, trade, imbalance, directory, status, participant, breaker,
    ipo, collar, retail, listing, system) and of books (bbo, trades, orders, depth), each in a file
    of its own. LOBSTER's files are of one symbol, from 09:30 to 16:00 unless --from and --to say
    other times. Either all files are there at the end or none.

    \b
    Examples:
      nanobook itch export day.itch --out day
      nanobook itch export day.itch.gz --out day --tables bbo,trades --format arrow
      nanobook itch export day.itch --out lob --format lobster --symbols AAPL --date 2026-03-02
    """
    from nanobook_itch.export import EXPORTED, export_itch
    from nanobook_itch.sheet import SHEETS

    if form == _LOBSTER and (tables or every is not None):
        raise click.UsageError("--tables and --every are not for --format lobster.")
    if every is not None and tables is not None and "depth" not in tables:
        raise click.UsageError("--every is for the table depth, which is not among --tables.")
    if Path(folder).suffix in SHEETS:
        raise click.UsageError(f"--out is a folder, and {folder} has the name of a file.")
    check_folder(folder, force=force)
    if form == _LOBSTER:
        _export_lobster(source, folder, levels, date)
        return
    if date is not None:
        raise click.UsageError("--date is for --format lobster.")
    done = export_itch(
        source.file,
        folder,
        EXPORTED if tables is None else tables,
        symbols=source.symbols,
        strict=not source.lenient,
        depth=levels,
        every=every,
        start=source.start,
        end=source.end,
        suffix=f".{form}",
        force=True,
    )
    with printing():
        for name, path in done.paths.items():
            click.echo(f"{path}: {done.n_rows[name]:,} rows")
    warn((), done.n_problems)
    warn_incomplete(is_complete=done.is_complete)
    warn_missing(done.missing)


def _export_lobster(source: Reading, folder: str, levels: int, date: dt.datetime | None) -> None:
    from nanobook_itch.lobster_write import write_lobster

    if source.symbols is None or len(source.symbols) != 1:
        raise click.UsageError("LOBSTER's files are of one symbol: --symbols says which.")
    if date is None:
        raise click.UsageError("LOBSTER's files have the day in their names: --date says which.")
    written = write_lobster(
        source.file,
        folder,
        symbol=source.symbols[0],
        date=date.date(),
        levels=levels,
        start="09:30" if source.start is None else source.start,
        end="16:00" if source.end is None else source.end,
        strict=not source.lenient,
        force=True,
    )
    with printing():
        for path in (written.message, written.orderbook):
            click.echo(f"{path}: {written.n_rows:,} rows")
    warn(written.problems, written.n_problems)
    warn_incomplete(is_complete=written.is_complete)
