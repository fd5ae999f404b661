"""Where the messages of a run of bytes begin, and what is wrong with one on its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nanobook_core.contracts.itch import ItchProblem
from nanobook_core.contracts.itch_message import MESSAGES
from nanobook_itch.layout import AMOUNTS, LARGEST, SIDED, SIDES

if TYPE_CHECKING:
    from collections.abc import Iterator

_LENGTH = 2
"""Bytes before each message, which say its length."""

BLOCK = 1 << 21
"""Bytes that are decoded at once: more than any message has, and few enough to hear Ctrl-C."""

#: Problems that a kernel keeps; it counts the others.
KEPT = 1000


def blocks(data: memoryview) -> Iterator[tuple[int, bytes, list[int]]]:
    """Yield where a block begins, its bytes, and where in it each whole message begins.

    A message begins with its length. The mark of a file's end is left, as what is not whole.
    """
    start = 0
    while True:
        block = bytes(data[start : start + BLOCK])
        offsets, at, last = [], 0, len(block) - 1
        while at < last:
            offsets.append(at)
            at += (block[at] << 8 | block[at + 1]) + 2
        if at > len(block) or (offsets and ends(data, start + offsets[-1])):
            at = offsets.pop()
        if not offsets:
            return
        yield start, block, offsets
        start += at


def ends(data: memoryview, at: int) -> bool:
    """Whether the mark of a file's end is there: a length of 0 as the last of the bytes."""
    return bytes(data[at : at + 3]) == b"\0\0"


def problem(offset: int, message: bytes) -> ItchProblem | None:
    """Return what decoding leaves a message out for, or None; its length stands before it."""
    if len(message) == _LENGTH:
        return ItchProblem.of(offset, "", "length_zero")
    kind, length = chr(message[_LENGTH]), len(message) - _LENGTH
    known = MESSAGES.get(kind)
    if known is None:
        return ItchProblem.of(offset, kind, "unknown_type", type=kind, length=length)
    if length != known.length:
        return ItchProblem.of(
            offset, kind, "wrong_length", length=length, type=kind, allowed=known.length
        )
    fields = {
        each.name: message[_LENGTH + each.offset : _LENGTH + each.offset + each.length]
        for each in known.fields
    }
    if kind in SIDED and fields["side"] not in SIDES:
        return ItchProblem.of(offset, kind, "bad_side", side=fields["side"].decode("latin-1"))
    for name in AMOUNTS[kind]:
        if (value := int.from_bytes(fields[name])) > LARGEST:
            return ItchProblem.of(offset, kind, "too_large", field=name, value=value)
    return None
