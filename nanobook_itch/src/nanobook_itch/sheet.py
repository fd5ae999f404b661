"""Tables on disk as Arrow and Parquet have them, written run by run."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from nanobook_itch.table import PRICES

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from nanobook_itch.layout import Table

#: Rows that are kept until there are enough to write: those of a row group or record batch.
_GROUP = 1 << 17


class Words:
    """The words of a column of text and their codes, in the order in which they occur."""

    def __init__(self) -> None:
        self._codes: dict[bytes, int] = {}

    def codes(self, column: NDArray[np.bytes_]) -> NDArray[np.int32]:
        """Return the code of each; new words get new ones."""
        # As numbers: those of up to eight bytes are sorted many times quicker than text.
        width = column.dtype.itemsize
        plain = np.zeros((len(column), 8), "u1")
        plain[:, :width] = np.ascontiguousarray(column).view("u1").reshape(-1, width)
        different, places = np.unique(plain.view("u8").ravel(), return_inverse=True)
        codes = [
            self._codes.setdefault(word, len(self._codes)) for word in different.view("S8").tolist()
        ]
        return np.array(codes, np.int32)[places.ravel()]

    @property
    def words(self) -> list[str]:
        """Each byte a character of Latin-1."""
        return [word.decode("latin-1") for word in self._codes]


class _Columns:
    """Turns rows of a table into columns of Arrow."""

    def __init__(self, dtype: np.dtype[np.void]) -> None:
        self.words = {name: Words() for name in dtype.names or () if dtype[name].kind == "S"}
        self._waiting: list[Table] = []
        self._dtype = dtype
        self.n_rows = 0

    def add(self, table: Table) -> Iterator[Table]:
        """Keep rows; yield them once there are enough."""
        self.n_rows += len(table)
        if len(table):
            self._waiting.append(table)
        if sum(map(len, self._waiting)) >= _GROUP:
            yield self.rest()

    def rest(self) -> Table:
        """Return what is kept."""
        rows = np.concatenate([np.empty(0, self._dtype), *self._waiting])
        self._waiting = []
        return rows

    def of(self, table: Table) -> dict[str, Any]:
        """Return arrays of Arrow by name; text as codes. Prices of 0 are null: there is none."""
        import pyarrow as pa

        columns: dict[str, Any] = {}
        for name in self._dtype.names or ():
            column = np.ascontiguousarray(table[name])
            if name in self.words:
                columns[name] = pa.array(self.words[name].codes(column))
            elif column.ndim > 1:
                for level in range(column.shape[1]):
                    columns[f"{name}_{level + 1}"] = _numbers(name, column[:, level])
            else:
                columns[name] = _numbers(name, column)
        return columns

    def worded(self, columns: Mapping[str, Any]) -> dict[str, Any]:
        """Return the same with words for codes, of a dictionary that has all so far."""
        import pyarrow as pa

        return {
            name: pa.DictionaryArray.from_arrays(
                column, pa.array(self.words[name].words, pa.string())
            )
            if name in self.words
            else column
            for name, column in columns.items()
        }


def _numbers(name: str, column: NDArray[Any]) -> Any:
    import pyarrow as pa

    column = np.ascontiguousarray(column)
    return pa.array(column, mask=column == 0 if name in PRICES else None)


class _Sheet(ABC):
    """A file of a table, written rows by rows."""

    _columns: _Columns

    @property
    def n_rows(self) -> int:
        """Of the table so far."""
        return self._columns.n_rows

    def write(self, table: Table) -> None:
        """Write the next rows of the table."""
        for rows in self._columns.add(table):
            self._write(rows)

    @abstractmethod
    def _write(self, rows: Table) -> None:
        """Write so many rows at once."""


class ParquetSheet(_Sheet):
    """A Parquet file."""

    def __init__(self, path: Path, dtype: np.dtype[np.void], metadata: Mapping[str, str]) -> None:
        import pyarrow as pa
        from pyarrow import parquet

        self._columns = _Columns(dtype)
        empty = self._columns.worded(self._columns.of(np.empty(0, dtype)))
        self._schema = pa.table(empty).schema.with_metadata(dict(metadata))
        self._writer = parquet.ParquetWriter(path, self._schema, compression="zstd")

    def close(self, metadata: Mapping[str, str]) -> None:
        """Write the rest, and what else is said of the whole."""
        if len(rows := self._columns.rest()):
            self._write(rows)
        self._writer.add_key_value_metadata(dict(metadata))
        self._writer.close()

    def abandon(self) -> None:
        """Let the file go, unfinished."""
        self._writer.close()

    def _write(self, rows: Table) -> None:
        import pyarrow as pa

        columns = self._columns.worded(self._columns.of(rows))
        self._writer.write_table(pa.table(columns, schema=self._schema), row_group_size=len(rows))


class ArrowSheet(_Sheet):
    """An Arrow IPC file.

    Its dictionaries and metadata stand before the rows, but are known after them. So the rows are
    first written to a file beside it.
    """

    def __init__(self, path: Path, dtype: np.dtype[np.void], metadata: Mapping[str, str]) -> None:
        import pyarrow as pa
        from pyarrow import ipc

        self._path = path
        self._metadata = dict(metadata)
        self._beside = path.with_name(f"{path.name}.rows")
        self._columns = _Columns(dtype)
        self._schema = pa.table(self._columns.of(np.empty(0, dtype))).schema
        self._sink = self._beside.open("wb")
        self._writer = ipc.new_stream(self._sink, self._schema)

    def close(self, metadata: Mapping[str, str]) -> None:
        """Write the rest, and what else is said of the whole."""
        import pyarrow as pa
        from pyarrow import ipc

        if len(rows := self._columns.rest()):
            self._write(rows)
        self._writer.close()
        self._sink.close()
        empty = {field.name: pa.array([], field.type) for field in self._schema}
        schema = pa.table(self._columns.worded(empty)).schema
        schema = schema.with_metadata({**self._metadata, **metadata})
        with self._beside.open("rb") as source, ipc.new_file(self._path, schema) as writer:
            for batch in ipc.open_stream(source):
                codes = dict(zip(batch.schema.names, batch.columns, strict=True))
                writer.write_batch(pa.record_batch(self._columns.worded(codes), schema=schema))
        self._beside.unlink()

    def abandon(self) -> None:
        """Let the file go, unfinished."""
        self._sink.close()
        self._beside.unlink(missing_ok=True)

    def _write(self, rows: Table) -> None:
        import pyarrow as pa

        self._writer.write_batch(pa.record_batch(self._columns.of(rows), schema=self._schema))


#: By the ending of a file's name.
SHEETS: Mapping[str, type[ParquetSheet | ArrowSheet]] = {
    ".parquet": ParquetSheet,
    ".arrow": ArrowSheet,
}
