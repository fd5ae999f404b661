"""All books of a file at times, kept beside it, so that a later time is near."""

from __future__ import annotations

import io
import json
import os
import struct
import warnings
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from hashlib import blake2b
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from attrs import frozen

from nanobook_core.contracts.itch import ItchBooks, ItchMemory
from nanobook_core.contracts.itch_message import MESSAGES
from nanobook_core.contracts.itch_table import LIVE
from nanobook_core.errors import ItchWarning, ValidationError
from nanobook_itch.layout import table_dtype
from nanobook_itch.messages import decode_kernel, tells_end
from nanobook_itch.part_file import part_files
from nanobook_itch.time_of_day import END_OF_TIME

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from nanobook_itch.books import BookRequest
    from nanobook_itch.layout import Table
    from nanobook_itch.run import Runs

#: Of the form of the file.
VERSION = 1

_ABOUT = "about.json"
_INDEX = np.dtype([(name, "i8") for name in ("time", "sequence", "offset", "timestamp")])
_SYMBOL = np.dtype([("locate", "u2"), ("symbol", "S8")])
_ORDER = np.dtype(
    [("reference", "u8"), ("price", "u4"), ("shares", "u4"), ("locate", "u2"), ("side", "S1")]
)
_LIVE = table_dtype(LIVE)
_SAMPLE = 64 << 10
_NAMING = frozenset(
    kind
    for kind, message in MESSAGES.items()
    if any(field.name == "symbol" for field in message.fields)
)

#: What reading a damaged file raises.
_DAMAGE = (
    *(OSError, ValueError, LookupError, TypeError, EOFError, RuntimeError),
    *(zipfile.BadZipFile, zlib.error, struct.error),
)


@frozen
class Checkpoint:
    """A file of snapshots of all books of another file."""

    path: Path
    source: Path

    @classmethod
    def of(cls, source: Path, path: str | os.PathLike[str] | None = None) -> Checkpoint:
        """Where it is looked for: there, or beside, `day.itch.books` of `day.itch`."""
        return cls(source.with_name(f"{source.name}.books") if path is None else Path(path), source)

    def write(self, request: BookRequest, runs: Runs, times: Iterable[int]) -> None:
        """Read all runs, and keep the books as they are at these times, ascending.

        Raises:
            ItchError: strict, and something is wrong; nothing is written.
            ValidationError: the source has changed meanwhile, or has the name of what is written.

        """
        if self.path.exists() and self.path.samefile(self.source):
            raise ValidationError(f"{self.path} is the feed itself; a checkpoint is another file")
        was = _identity(self.source)
        books = request.new_books()
        names = _Names(is_needed=request.symbols is None)
        with part_files([self.path]) as (part,):
            with zipfile.ZipFile(part, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
                index: list[tuple[int, int, int, int]] = []
                for time in _moments(books, runs, times, names, is_strict=request.strict):
                    memory = books.memory
                    if index and index[-1][1] == memory.sequence:
                        continue
                    _put(archive, f"orders_{len(index)}", _packed(books.orders()))
                    locates = np.flatnonzero(memory.symbols != b"")
                    named = np.zeros(len(locates), _SYMBOL)
                    named["locate"], named["symbol"] = locates, memory.symbols[locates]
                    _put(archive, f"symbols_{len(index)}", named)
                    index.append((time, memory.sequence, memory.offset, memory.timestamp))
                _put(archive, "index", np.array(index, _INDEX))
                about = _about(request, was)
                about["serves_parts"] = names.are_fixed and not books.n_problems
                archive.writestr(_ABOUT, json.dumps(about))
            if _identity(self.source) != was:
                raise ValidationError(f"{self.source} has changed while it was read")

    def restored(
        self, request: BookRequest, time: int, *, is_of_same: bool = False
    ) -> ItchBooks | None:
        """Return books as they were at the last of its times up to and at this one.

        None where there is no file or no such time, or it is of all symbols, not of the same, and
        `is_of_same`; and, with a warning, where it cannot be relied on.
        """
        if not self.path.exists():
            return None
        try:
            with zipfile.ZipFile(self.path) as archive:
                found = json.loads(_bytes(archive, _ABOUT))
                if why := self._unfit(found, request):
                    self._warn(why)
                    return None
                if is_of_same and found["symbols"] is None and request.symbols is not None:
                    return None
                index = _get(archive, "index")
                place = int(np.count_nonzero(index["time"] <= time)) - 1
                if place < 0:
                    return None
                memory = ItchMemory()
                named = _get(archive, f"symbols_{place}")
                memory.symbols[named["locate"]] = named["symbol"]
                for name in ("sequence", "offset", "timestamp"):
                    setattr(memory, name, int(index[place][name]))
                books = request.new_books()
                books.restore(_unpacked(_get(archive, f"orders_{place}")), memory)
                return books
        except _DAMAGE as error:
            self._warn(f"it cannot be read: {error}")
            return None

    def _unfit(self, found: dict[str, Any], request: BookRequest) -> str:
        wanted = _about(request, _identity(self.source))
        of, why = found["symbols"], ""
        if found["version"] != VERSION:
            why = f"it is of version {found['version']}, this is {VERSION}"
        elif found["source"] != wanted["source"]:
            why = "it is of another file, or this one has changed"
        elif found["strict"] != wanted["strict"]:
            why = f"it was made with strict={found['strict']}"
        elif of is not None and of != wanted["symbols"]:
            why = f"it is of the symbols {', '.join(of)} alone"
        elif of != wanted["symbols"] and found["serves_parts"] is not True:
            why = "it is of all symbols, and of this feed the books of some alone may differ"
        return why

    def _warn(self, why: str) -> None:
        warnings.warn(
            f"{self.path} is set aside, and {self.source} read from its beginning: {why}; "
            "checkpoint() makes it anew",
            ItchWarning,
            stacklevel=4,
        )


class _Names:
    """Whether each locate has one symbol all day, so that books of some are those of all."""

    def __init__(self, *, is_needed: bool) -> None:
        self.are_fixed = True
        self._is_needed = is_needed
        self._seen = np.zeros(65536, "S8")

    def read(self, data: memoryview) -> None:
        if not (self._is_needed and self.are_fixed):
            return
        found = decode_kernel()(
            data, ItchMemory(), symbols=None, types=_NAMING, start=0, end=END_OF_TIME, strict=False
        )
        for table in found.families.values():
            locates, symbols = table["locate"], table["symbol"]
            is_new = self._seen[locates] == b""
            self._seen[locates[is_new]] = symbols[is_new]
            self.are_fixed &= bool((self._seen[locates] == symbols).all())


def _moments(
    books: ItchBooks, runs: Runs, times: Iterable[int], names: _Names, *, is_strict: bool
) -> Iterator[int]:
    """Read all; yield each time when the books are as they are at it.

    There is none after a problem, or after the feed has told its end: who begins before them is
    told of them.
    """
    coming = iter(times)
    until = next(coming, None)
    n_system = 0
    for run in runs:
        runs.use(books.feed(runs.rest, until))
        while until is not None and runs.is_stopped:
            if _is_told(books, n_system, run[: len(run) - len(runs.rest)]):
                until = None
            else:
                yield until
                until = next(coming, None)
            runs.use(books.feed(runs.rest, until))
        read = run[: len(run) - len(runs.rest)]
        names.read(read)
        if until is not None and _is_told(books, n_system, read):
            until = None
        n_system = int(books.counts[ord("S")])
    memory = books.memory
    problem = runs.ending(memory.offset, memory.sequence)
    if problem is not None and is_strict:
        raise problem.error()


def _is_told(books: ItchBooks, n_system: int, read: memoryview) -> bool:
    """Return whether there was a problem, or the end is told in what was read since `n_system`."""
    return bool(books.n_problems) or (books.counts[ord("S")] > n_system and tells_end(read))


def _about(request: BookRequest, source: tuple[int, int, str]) -> dict[str, Any]:
    symbols = request.symbols
    return {
        "version": VERSION,
        "source": list(source),
        "strict": request.strict,
        "symbols": None if symbols is None else sorted(symbol.decode() for symbol in symbols),
    }


def _identity(path: Path) -> tuple[int, int, str]:
    """Size, time of the last change, and a digest of the beginning and the end."""
    with path.open("rb") as file:
        status = os.fstat(file.fileno())
        digest = blake2b(file.read(_SAMPLE))
        file.seek(max(0, status.st_size - _SAMPLE))
        digest.update(file.read(_SAMPLE))
    return status.st_size, status.st_mtime_ns, digest.hexdigest()


def _packed(orders: Table) -> NDArray[np.uint8]:
    """Steps from one reference to the next, and byte beside like byte: a quarter of the size."""
    rows = np.zeros(len(orders), _ORDER)
    for name in _ORDER.fields or ():
        rows[name] = orders[name]
    rows["reference"] = np.diff(rows["reference"], prepend=np.uint64(0))
    return np.ascontiguousarray(rows.view(np.uint8).reshape(len(rows), _ORDER.itemsize).T)


def _unpacked(planes: NDArray[np.uint8]) -> Table:
    rows = np.ascontiguousarray(planes.T).view(_ORDER).ravel()
    orders = np.zeros(len(rows), _LIVE)
    for name in _ORDER.fields or ():
        orders[name] = rows[name]
    orders["reference"] = np.cumsum(rows["reference"], dtype=np.uint64)
    # They are by rank; the numbers themselves are seen nowhere.
    orders["rank"] = np.arange(len(rows))
    return orders


def _put(archive: zipfile.ZipFile, name: str, rows: NDArray[Any]) -> None:
    with archive.open(f"{name}.npy", "w", force_zip64=True) as member:
        np.lib.format.write_array(member, rows, allow_pickle=False)


def _get(archive: zipfile.ZipFile, name: str) -> NDArray[Any]:
    data = io.BytesIO(_bytes(archive, f"{name}.npy"))
    rows: NDArray[Any] = np.lib.format.read_array(data, allow_pickle=False)
    return rows


def _bytes(archive: zipfile.ZipFile, name: str) -> bytes:
    """All of a member: so its sum is checked."""
    member = archive.getinfo(name)
    if member.compress_type != zipfile.ZIP_DEFLATED or member.flag_bits & 1:
        raise zipfile.BadZipFile(f"{name} is packed otherwise")
    return archive.read(member)
