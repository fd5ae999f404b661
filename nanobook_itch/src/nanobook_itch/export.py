"""The tables of a feed as files."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from importlib.util import find_spec
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

from attrs import frozen

from nanobook_core.contracts.itch_message import MESSAGES
from nanobook_core.contracts.itch_table import BBO, FAMILIES, ORDERS, TRADES, depth_columns
from nanobook_core.errors import ValidationError, shown
from nanobook_itch.argument import level_count
from nanobook_itch.books import BOOK_TABLES
from nanobook_itch.feed import ItchFeed
from nanobook_itch.layout import TABLES, table_dtype
from nanobook_itch.part_file import check_new, part_files
from nanobook_itch.sheet import SHEETS, ArrowSheet, ParquetSheet
from nanobook_itch.table import PRICE_SCALE, Tables
from nanobook_itch.time_of_day import TimeOfDay

if TYPE_CHECKING:
    import numpy as np

#: Every table of a feed: its messages by family, then what its books write.
EXPORTED = (*FAMILIES, *BOOK_TABLES)

#: Of the layout of the files; a change that readers notice gives another.
_SCHEMA = "1"

_COLUMNS = {"bbo": BBO, "trades": TRADES, "orders": ORDERS}


@frozen(kw_only=True)
class ItchExport:
    """What was written."""

    paths: Mapping[str, Path]
    """Of the file of each table."""
    n_rows: Mapping[str, int]
    """Of each table."""
    n_problems: Mapping[str, int]
    """What was wrong with the feed, by reason; empty where nothing was."""
    is_complete: bool | None
    """Whether the feed has told its end, or its source ended without; None where `end` came
    first."""
    missing: tuple[str, ...]
    """Symbols that were asked for and that the feed has not named so far."""


def export_itch(
    source: Any,
    path: str | PathLike[str],
    tables: str | Iterable[str] = EXPORTED,
    *,
    symbols: str | Iterable[str] | None = None,
    strict: bool = True,
    depth: int = 10,
    every: TimeOfDay | None = None,
    start: TimeOfDay | None = None,
    end: TimeOfDay | None = None,
    suffix: str = ".parquet",
    progress: bool = True,
    force: bool = False,
) -> ItchExport:
    """Write tables of an ITCH feed to Parquet or Arrow files, in bounded memory.

    Columns, units and order of rows are those of `ItchFeed`: of messages by family (`order`,
    `trade`, `status` and others), and of books (`bbo`, `trades`, `orders`, `depth`). Text is
    dictionary-encoded, symbols included; prices are whole numbers of 1/10000 of a dollar (of
    `breaker` of 1/100000000), null where there is none; levels are columns, `bid_1` the best. The
    metadata of each file have `nanobook_itch` (the version of this layout), `table`, `source`,
    `price_scale` (units in a dollar), `strict`, and `problems` (JSON: how many of each reason;
    Parquet has it with the file, not with the schema of Arrow).

    All files are there at the end or none. They are written beside these names with `.part` after
    them; Arrow needs as much again for a while.

    Args:
        source: of the feed, as of `ItchFeed`.
        path: a folder, made if it is not there, which gets a file called after each table; or,
            ending in `.parquet` or `.arrow`, the file of the only table.
        tables: names of tables, or of one; by default all.
        symbols: as of `ItchFeed`.
        strict: as of `ItchFeed`.
        depth: levels of the table `depth`, as of `ItchFeed.books`.
        every: as of `ItchFeed.books`.
        start: as of `ItchFeed.books`.
        end: as of `ItchFeed.books`.
        suffix: of the files in a folder, `.parquet` or `.arrow`.
        progress: as of `ItchFeed`.
        force: replace files of the same names.

    Raises:
        FileExistsError: one of the files is there, and `force` is not given.
        ImportError: pyarrow is not installed.
        TypeError, ValidationError: an argument is of a wrong type or not allowed; nothing has been
            read.
        ItchError, OSError: as of `ItchFeed`; or a file cannot be written.

    """
    if find_spec("pyarrow") is None:
        raise ImportError("Parquet and Arrow files need pyarrow: python3 -m pip install pyarrow")
    names = _names(tables)
    suffix, paths = _paths(Path(path), names, suffix)
    if every is not None and "depth" not in names:
        raise ValidationError('every is of the table "depth", which is not asked for')
    _check_apart(source, paths)
    check_new(paths.values(), force=force)
    feed = ItchFeed(source, symbols=symbols, strict=strict, progress=progress)
    window = {"start": start, "end": end}
    runs = _runs(feed, names, {"depth": depth, "every": every, **window}, window)
    dtypes = _dtypes(level_count(depth))
    with part_files(paths.values()) as parts:
        files = {name: (part, dtypes[name]) for name, part in zip(names, parts, strict=True)}
        n_rows, n_problems, last = _write(runs, files, suffix, feed)
    return ItchExport(
        paths=paths,
        n_rows=n_rows,
        n_problems=n_problems,
        is_complete=last.is_complete,
        missing=last.missing,
    )


def _write(
    runs: Iterator[tuple[Tables, Mapping[str, int]]],
    files: Mapping[str, tuple[Path, np.dtype[np.void]]],
    suffix: str,
    feed: ItchFeed,
) -> tuple[dict[str, int], Mapping[str, int], Tables]:
    """Write all rows; return how many of each table there were, what was wrong, the last ones."""
    sheets: dict[str, ParquetSheet | ArrowSheet] = {}
    try:
        for name, (part, dtype) in files.items():
            sheets[name] = SHEETS[suffix](part, dtype, _metadata(name, feed))
        for tables, n_problems in runs:  # noqa: B007 - of the last; there is one or more
            for name, sheet in sheets.items():
                sheet.write(tables[name])
        for sheet in sheets.values():
            sheet.close({"problems": json.dumps(dict(n_problems))})
    except BaseException:
        for sheet in sheets.values():
            sheet.abandon()
        raise
    return {name: sheet.n_rows for name, sheet in sheets.items()}, n_problems, tables


def _check_apart(source: Any, paths: Mapping[str, Path]) -> None:
    if not isinstance(source, str | PathLike) or source == "-":
        return
    for name, path in paths.items():
        if path.exists() and path.samefile(source):
            raise ValidationError(f"{path} is the feed itself; {name} needs another name")


def _names(tables: str | Iterable[str]) -> list[str]:
    names = [tables] if isinstance(tables, str) else list(tables)
    for name in names:
        if not isinstance(name, str):
            raise TypeError(f"tables are str, got {shown(name)}")
        if name not in EXPORTED:
            raise ValidationError(f"tables are of {', '.join(EXPORTED)}; got {shown(name)}")
    if not names:
        raise ValidationError("no tables are given")
    return list(dict.fromkeys(names))


def _paths(path: Path, names: list[str], suffix: str) -> tuple[str, dict[str, Path]]:
    if path.suffix in SHEETS:
        if len(names) != 1:
            raise ValidationError(
                f"{path} holds one table, got {', '.join(names)}: give a folder for several"
            )
        return path.suffix, {names[0]: path}
    if suffix not in SHEETS:
        raise ValidationError(f"suffix is one of {', '.join(SHEETS)}; got {shown(suffix)}")
    return suffix, {name: path / f"{name}{suffix}" for name in names}


def _dtypes(depth: int) -> dict[str, np.dtype[np.void]]:
    books = {name: table_dtype(columns) for name, columns in _COLUMNS.items()}
    return {**TABLES, **books, "depth": table_dtype(depth_columns(depth))}


def _runs(
    feed: ItchFeed, names: list[str], of_books: dict[str, Any], of_messages: dict[str, Any]
) -> Iterator[tuple[Tables, Mapping[str, int]]]:
    """Yield tables, and what was wrong up to there; books are kept only where they are needed."""
    if any(name in BOOK_TABLES for name in names):
        for run in feed.book_chunks(names, **of_books):
            yield run, run.n_problems
        return
    counts: Counter[str] = Counter()
    for messages in feed.chunks(_types(names), **of_messages):
        counts.update(messages.n_problems)
        yield messages, dict(counts)


def _types(families: list[str]) -> list[str]:
    return [kind for kind, message in MESSAGES.items() if message.family in families]


def _metadata(name: str, feed: ItchFeed) -> dict[str, str]:
    return {
        "nanobook_itch": _SCHEMA,
        "table": name,
        "source": feed.name,
        "price_scale": str(100_000_000 if name == "breaker" else PRICE_SCALE),
        "strict": json.dumps(feed.strict),
    }
