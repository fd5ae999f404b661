"""Results in files, JSON or Arrow: all that was found, exact."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nanobook_core.errors import ValidationError, shown
from nanobook_core.portfolio.result_document import TABLES, arguments, document
from nanobook_core.portfolio.whole_file import write_whole

if TYPE_CHECKING:
    from nanobook_core.portfolio.result import BacktestResult

_ARROW = (".arrow", ".feather")
_METADATA = b"nanobook"
#: Columns of amounts, as text in Arrow: they may be beyond 64 bits.
_TEXT = ("equity", "cash")
_WHOLE = re.compile(r"-?\d+", re.ASCII)


def save(result: BacktestResult, path: Path) -> None:
    """Write a result; the suffix says how, `.json`, `.arrow` or `.feather`.

    Raises:
        ValidationError: another suffix.
        ImportError: an Arrow file, and pyarrow is not installed.
        OSError: it cannot be written.

    """
    content = (_to_arrow if is_arrow(path) else _to_json)(document(result))
    write_whole(path, content)


def load(path: Path) -> dict[str, Any]:
    """Arguments of the result in a file.

    Raises:
        FileNotFoundError: there is no such file.
        ValidationError: it is not what `save` writes, or another suffix.
        ImportError: an Arrow file, and pyarrow is not installed.

    """
    read = _from_arrow if is_arrow(path) else _from_json
    content = path.read_bytes()
    try:
        return arguments(read(content))
    except (ValueError, TypeError, OverflowError, RecursionError) as error:
        raise ValidationError(f"{path} is not a saved result: {error}") from error


def is_arrow(path: Path) -> bool:
    """Whether the suffix says Arrow, not JSON.

    Raises:
        ValidationError: another suffix.

    """
    suffix = path.suffix.lower()
    if suffix not in (".json", *_ARROW):
        raise ValidationError(f"{path}: a result is saved as .json, .arrow or .feather")
    return suffix in _ARROW


def _to_json(content: dict[str, Any]) -> bytes:
    return json.dumps(content, allow_nan=False).encode()


def _from_json(content: bytes) -> dict[str, Any]:
    found = json.loads(content, object_pairs_hook=_once)
    if not isinstance(found, dict):
        raise ValidationError("it is not a JSON object")
    return found


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValidationError("a key is there twice")
    return found


def _arrow() -> Any:
    try:
        import pyarrow as pa
    except ImportError as error:
        raise ImportError(
            "Arrow files need pyarrow: python3 -m pip install pyarrow, or save as .json"
        ) from error
    return pa


def _to_arrow(content: dict[str, Any]) -> bytes:
    """One row a period, and in the schema's metadata the rest as JSON."""
    pa = _arrow()
    columns = {name: content.pop(name) for name in TABLES}
    for name in _TEXT:
        columns[name] = [str(amount) for amount in columns[name]]
    kinds = {
        **dict.fromkeys(_TEXT, pa.string()),
        "returns": pa.float64(),
        **dict.fromkeys(("quantities", "prices", "marks"), pa.list_(pa.int64())),
    }
    arrays = [pa.array(columns[name], kinds[name]) for name in TABLES]
    table = pa.table(arrays, names=list(TABLES), metadata={_METADATA: _to_json(content)})
    sink = pa.BufferOutputStream()
    with pa.ipc.new_file(sink, table.schema) as writer:
        writer.write_table(table)
    written: bytes = sink.getvalue().to_pybytes()
    return written


def _from_arrow(content: bytes) -> dict[str, Any]:
    pa = _arrow()
    try:
        table = pa.ipc.open_file(pa.BufferReader(content)).read_all()
        table.validate(full=True)
    except (pa.ArrowException, OSError) as error:
        raise ValidationError(str(error)) from error
    metadata = table.schema.metadata or {}
    if _METADATA not in metadata:
        raise ValidationError("it is an Arrow file of something else")
    if table.column_names != list(TABLES):
        raise ValidationError(f"its columns are {table.column_names}, not {list(TABLES)}")
    columns = {name: table.column(name).to_pylist() for name in TABLES}
    for name in _TEXT:
        columns[name] = [_amount(text, name) for text in columns[name]]
    return _from_json(metadata[_METADATA]) | columns


def _amount(text: object, name: str) -> int:
    if not isinstance(text, str) or _WHOLE.fullmatch(text) is None:
        raise ValidationError(f"{name} has a value that is no whole number: {shown(text)}")
    return int(text)
