"""Bytes of ITCH 5.0 to tables; the kernel `itch_decode` without a compiler.

Python walks from length to length; all else is done for many messages of a type at once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.lib.stride_tricks import as_strided

from nanobook_core.contracts.itch import ItchDecoded, ItchMemory, ItchProblem
from nanobook_core.contracts.itch_message import MESSAGES
from nanobook_core.contracts.itch_table import FAMILIES
from nanobook_core.errors import ConcurrentUseError
from nanobook_core.interrupt import interrupts_held
from nanobook_itch.fallback.live import check_memory
from nanobook_itch.fallback.problem import Problems, first_problem
from nanobook_itch.fallback.walk import blocks, ends
from nanobook_itch.layout import (
    AMOUNTS,
    INDEX_TABLE,
    LARGEST,
    SIDED,
    SIDES,
    TABLES,
    WIRE,
    bytes_of,
    trimmed,
    wanted_symbols,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from nanobook_itch.layout import Table

_FAMILY = np.zeros(256, np.uint8)
for _kind, _message in MESSAGES.items():
    _FAMILY[ord(_kind)] = list(FAMILIES).index(_message.family)

#: Types that are wanted whatever the symbols.
_FOR_ALL = [ord(kind) for kind in "SVW"]


def itch_decode(
    data: Any,
    memory: ItchMemory,
    /,
    *,
    symbols: frozenset[bytes] | None,
    types: frozenset[str] | None,
    start: int,
    end: int,
    strict: bool,
) -> ItchDecoded:
    """Decode whole messages, about two million a second; see `contracts.ItchDecode`."""
    view = bytes_of(data)
    check_memory(memory)
    before = memory.sequence, memory.offset
    decoder = _Decoder(memory, strict=strict)
    wanted_types = np.zeros(256, bool)
    wanted_types[[ord(kind) for kind in (MESSAGES if types is None else types)]] = True
    names = None
    if symbols is not None:
        names = np.array([b"", *wanted_symbols(symbols)], "S8")
    tables: dict[str, list[Table]] = {name: [np.zeros(0, TABLES[name])] for name in FAMILIES}
    index = [np.zeros(0, INDEX_TABLE)]
    rows = dict.fromkeys(FAMILIES, 0)
    n_bytes = n_messages = 0
    for at, block, offsets in blocks(view):
        messages = decoder.decode(at, block, np.array(offsets))
        wanted = wanted_types[messages.kinds]
        wanted &= (start <= messages.times) & (messages.times < end)
        if names is not None:
            wanted &= np.isin(messages.kinds, _FOR_ALL) | np.isin(
                messages.symbols.view(np.uint64), names.view(np.uint64)
            )
        chosen = messages.index(wanted)
        for number, name in enumerate(FAMILIES):
            here = chosen["family"] == number
            if here.any():
                table = messages.table(name, wanted)
                chosen["row"][here] = np.arange(rows[name], rows[name] + len(table))
                rows[name] += len(table)
                tables[name].append(table)
        index.append(chosen)
        n_messages += len(offsets)
        last = offsets[-1]
        n_bytes = at + last + 2 + int.from_bytes(block[last : last + 2])
    families = {name: _joined(parts) for name, parts in tables.items()}
    decoded = ItchDecoded(
        families=families,
        index=_joined(index),
        n_bytes=n_bytes,
        n_messages=n_messages,
        counts=decoder.counts,
        problems=decoder.problems.kept,
        n_problems=decoder.problems.counts,
        ended=ends(view, n_bytes),
    )
    with interrupts_held():
        if (memory.sequence, memory.offset) != before:
            raise ConcurrentUseError("another thread decodes with this memory; give each its own")
        decoder.remember(memory, n_bytes)
    return decoded


class _Messages:
    """Some messages without a problem that leaves them out; all columns have one length."""

    def __init__(self, sequence: NDArray[np.int64], kinds: NDArray[np.uint8]) -> None:
        self.sequence = sequence
        self.kinds = kinds
        self.times = np.zeros(len(kinds), np.int64)
        self.locates = np.zeros(len(kinds), np.uint16)
        self.symbols = np.zeros(len(kinds), "S8")
        self.wire: dict[str, tuple[NDArray[np.intp], Table]] = {}
        """Of each type that occurs, where its messages are, and what they are on the wire."""

    def index(self, wanted: NDArray[np.bool_]) -> Table:
        """Return the index of those that are wanted, without the rows."""
        index = np.zeros(np.count_nonzero(wanted), INDEX_TABLE)
        index["sequence"] = self.sequence[wanted]
        index["family"] = _FAMILY[self.kinds[wanted]]
        index["type"] = self.kinds[wanted].view("S1")
        return index

    def table(self, family: str, wanted: NDArray[np.bool_]) -> Table:
        """Return the table of a family with those that are wanted."""
        kinds = [kind for kind in self.wire if MESSAGES[kind].family == family]
        here = np.zeros(len(self.kinds), bool)
        for kind in kinds:
            here[self.wire[kind][0]] = True
        here &= wanted
        rows = np.cumsum(here) - 1
        table = np.zeros(np.count_nonzero(here), TABLES[family])
        table["sequence"] = self.sequence[here]
        table["timestamp"] = self.times[here]
        table["symbol"] = self.symbols[here]
        table["locate"] = self.locates[here]
        table["type"] = self.kinds[here].view("S1")
        for kind in kinds:
            where, wire = self.wire[kind]
            chosen = wanted[where]
            at = rows[where[chosen]]
            wire = wire[chosen]
            for field in MESSAGES[kind].fields:
                if field.name not in {"timestamp", "locate", "symbol"}:
                    column = wire[field.name]
                    table[field.name][at] = trimmed(column) if field.is_text else column
        return table


class _Decoder:
    """What is known from block to block."""

    def __init__(self, memory: ItchMemory, *, strict: bool) -> None:
        self.symbols = memory.symbols.copy()
        self.sequence, self.timestamp = memory.sequence, memory.timestamp
        self.offset = memory.offset
        self.counts = np.zeros(256, np.int64)
        self.problems = Problems(strict=strict)

    def remember(self, memory: ItchMemory, n_bytes: int) -> None:
        """Change the memory to what is known after so many bytes."""
        memory.symbols = self.symbols
        memory.sequence, memory.timestamp = self.sequence, self.timestamp
        memory.offset += n_bytes

    def decode(self, at: int, block: bytes, offsets: NDArray[np.int64]) -> _Messages:
        """Return the messages of a block that are not left out."""
        letters = np.frombuffer(block + b"\0", np.uint8)
        lengths = letters[offsets].astype(np.int64) << 8 | letters[offsets + 1]
        kinds = letters[np.where(lengths > 0, offsets + 2, len(block))]
        wire, sound = {}, np.zeros(len(offsets), bool)
        for kind, message in MESSAGES.items():
            where = np.flatnonzero((kinds == ord(kind)) & (lengths == message.length))
            if len(where):
                parts = _gather(letters, offsets[where], WIRE[kind])
                good = _is_sound(kind, parts)
                wire[kind] = (where, parts) if good.all() else (where[good], parts[good])
                sound[wire[kind][0]] = True
        place = np.cumsum(sound) - 1
        messages = _Messages(self.sequence + np.flatnonzero(sound), kinds[sound])
        given = np.zeros(len(messages.kinds), bool)
        for kind, (where, parts) in wire.items():
            rows = place[where]
            messages.wire[kind] = rows, parts
            messages.locates[rows] = parts["locate"]
            high = parts["timestamp_high"].astype(np.int64) << 32
            messages.times[rows] = high | parts["timestamp_low"]
            if "symbol" in (parts.dtype.names or ()):
                messages.symbols[rows] = trimmed(parts["symbol"])
                given[rows] = True
        self._check(at, block, offsets, sound, messages.times)
        self._name(messages, given)
        self.counts += np.bincount(messages.kinds, minlength=256)
        self.sequence += len(offsets)
        return messages

    def _check(
        self,
        at: int,
        block: bytes,
        offsets: NDArray[np.int64],
        sound: NDArray[np.bool_],
        times: NDArray[np.int64],
    ) -> None:
        """Raise or note what is wrong with the messages of a block, in their order."""
        before = np.concatenate([[self.timestamp], times])
        suspect = ~sound
        suspect[np.flatnonzero(sound)[times < before[:-1]]] = True
        row = np.cumsum(sound) - 1
        for number in np.flatnonzero(suspect):
            begin = int(offsets[number])
            stop = begin + 2 + int.from_bytes(block[begin : begin + 2])
            offset = self.offset + at + begin
            found = first_problem(offset, block[begin:stop]) or ItchProblem.of(
                offset,
                chr(block[begin + 2]),
                "time_back",
                timestamp=int(times[row[number]]),
                before=int(before[row[number]]),
            )
            self.problems.note(found)
        self.timestamp = int(before[-1])

    def _name(self, messages: _Messages, given: NDArray[np.bool_]) -> None:
        """Give a message without a symbol the last one of its locate."""
        order = np.argsort(messages.locates, kind="stable")
        locates, names = messages.locates[order], messages.symbols[order]
        place = np.arange(len(order))
        last = np.maximum.accumulate(np.where(given[order], place, -1))
        first = np.searchsorted(locates, locates)
        messages.symbols[order] = np.where(last >= first, names[last], self.symbols[locates])
        self.symbols[messages.locates[given]] = messages.symbols[given]


def _joined(parts: list[Table]) -> Table:
    """Join tables with what is between their columns, which numpy would not copy."""
    letters = np.concatenate([part.view(np.uint8) for part in parts])
    return letters.view(parts[0].dtype)


def _gather(letters: NDArray[np.uint8], begin: NDArray[np.int64], wire: np.dtype[np.void]) -> Table:
    """Return the messages of a type that begin there; all are whole."""
    shape = (len(letters) - wire.itemsize + 1, wire.itemsize)
    windows = as_strided(letters, shape, (1, 1), writeable=False)
    return windows[begin].view(wire)[:, 0]


def _is_sound(kind: str, wire: Table) -> NDArray[np.bool_]:
    """Which messages of a type have a side that there is, and no amount that is too large."""
    sound = np.isin(wire["side"], SIDES) if kind in SIDED else np.ones(len(wire), bool)
    for name in AMOUNTS[kind]:
        sound &= wire[name] <= LARGEST
    return sound
