"""Tables in files: CSV, Parquet, Arrow."""

from __future__ import annotations

import csv
import gzip
import zlib
from collections.abc import Callable, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nanobook_core.errors import ValidationError
from nanobook_core.portfolio.date_column import NAMES, time_of

_ABSENT = frozenset({"", "na", "nan", "null", "none"})
_TEXT = frozenset({"symbol", "ticker"})


def read_file(path: Path) -> Any:
    """Columns of a `.csv` or `.csv.gz`, or the frame in a `.parquet`, `.arrow` or `.feather` file.

    A CSV file has names in its first line; empty lines are none. A column is of floats, NaN where a
    cell is empty, or `NA`, `NaN`, `null`, `None`; but one called `symbol` or `ticker` is of text,
    and so is one of ISO dates, which comes first or is called `date`, `time`, `timestamp` or
    `datetime`.

    Raises:
        FileNotFoundError: there is no such file.
        ValidationError: another kind of file, or one that cannot be read as what its name says;
            names line, column and cell.
        ImportError: nothing is installed that reads such a file.

    """
    name = path.name.lower()
    if name.endswith((".csv", ".csv.gz")):
        return _read_csv(path)
    if name.endswith(".parquet"):
        return _read_frame(path, _parquet)
    if name.endswith((".arrow", ".feather")):
        return _read_frame(path, _arrow)
    raise ValidationError(f"{path}: a .csv, .csv.gz, .parquet, .arrow or .feather file")


def _read_frame(path: Path, read: Callable[[Path], Any]) -> Any:
    if not path.is_file():
        raise FileNotFoundError(f"{path}: there is no such file")
    try:
        return read(path)
    except ImportError:
        raise
    except Exception as error:  # each library has its own for a file that is something else
        raise ValidationError(f"{path} cannot be read as {path.suffix[1:]}: {error}") from error


def _parquet(path: Path) -> Any:
    import narwhals as nw

    for backend in ("polars", "pyarrow"):
        if find_spec(backend) is not None:
            return nw.read_parquet(path, backend=backend).to_native()
    raise ImportError(f"{path}: Parquet needs polars or pyarrow: python3 -m pip install pyarrow")


def _arrow(path: Path) -> Any:
    try:
        from pyarrow import feather
    except ImportError as error:
        raise ImportError(f"{path}: Arrow needs pyarrow: python3 -m pip install pyarrow") from error
    return feather.read_table(path)


def _read_csv(path: Path) -> dict[str, NDArray[Any]]:
    opened: Any = gzip.open if path.suffix == ".gz" else open
    try:
        with opened(path, "rt", encoding="utf-8-sig", newline="") as lines:
            return _columns(path, csv.reader(lines, strict=True))
    except (csv.Error, UnicodeDecodeError, EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise ValidationError(f"{path} cannot be read as CSV: {error}") from error


def _columns(path: Path, rows: Any) -> dict[str, NDArray[Any]]:
    """Columns of what a CSV reader gives."""
    names = [name.strip() for name in next(rows, [])]
    if not names:
        raise ValidationError(f"{path} is empty; its first line names the columns")
    if len(set(names)) != len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise ValidationError(f"{path}: column {twice!r} is there twice")
    lines: list[int] = []
    cells: list[list[str]] = []
    for row in rows:
        # An empty line is a cell without a value where there is one column.
        texts = row or ([""] if len(names) == 1 else [])
        if not texts:
            continue
        if len(texts) != len(names):
            raise ValidationError(
                f"{path}, line {rows.line_num}: {len(names)} cells, as in the first line; "
                f"got {len(texts)}"
            )
        lines.append(rows.line_num)
        cells.append(texts)
    if not cells:
        raise ValidationError(f"{path} has names of columns and no rows")
    found = {
        name: _column(path, name, lines, [row[place].strip() for row in cells], is_first=place == 0)
        for place, name in enumerate(names)
    }
    if "" in found and found[""].dtype.kind == "f":
        raise ValidationError(
            f"{path}: column {names.index('') + 1} has no name and is of numbers, like the index "
            "that pandas writes: leave it out, with to_csv(…, index=False), or name it"
        )
    return found


def _column(
    path: Path, name: str, lines: Sequence[int], texts: list[str], *, is_first: bool
) -> NDArray[Any]:
    """Numbers, or text that is of symbols or of dates."""
    if name.lower() in _TEXT:
        return np.array(texts, object)
    numbers = []
    for line, text in zip(lines, texts, strict=True):
        try:
            numbers.append(_number(text))
        except ValueError:
            may_be_dates = is_first or name.lower() in NAMES
            if may_be_dates and np.isnan(numbers).all():
                return _dates(path, name, lines, texts)
            raise ValidationError(
                f"{path}, line {line}, column {name!r}: {text!r} is no number"
            ) from None
    return np.array(numbers, np.float64)


def _dates(path: Path, name: str, lines: Sequence[int], texts: list[str]) -> NDArray[Any]:
    seen = set()
    for line, text in zip(lines, texts, strict=True):
        if text not in seen:
            try:
                is_date = not np.isnat(time_of(text)[0])
            except ValueError:
                is_date = False
            if not is_date:
                raise ValidationError(
                    f"{path}, line {line}, column {name!r}: {text!r} is no ISO date, "
                    "like 2024-01-31"
                )
            seen.add(text)
    return np.array(texts, object)


def _number(text: str) -> float:
    if text.lower() in _ABSENT:
        return np.nan
    if "_" in text:  # which Python takes for a mark between digits
        raise ValueError(text)
    return float(text)
