"""Where the messages of a run of bytes begin."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_LENGTH = 2
"""Bytes before each message, which say its length."""

BLOCK = 1 << 21
"""Bytes that are decoded at once: more than any message has, and few enough to hear Ctrl-C."""


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


def messages(data: memoryview) -> Iterator[bytes]:
    """Yield each whole message, its length before it."""
    for _, block, offsets in blocks(data):
        for at in offsets:
            yield block[at : at + _LENGTH + int.from_bytes(block[at : at + _LENGTH])]


def ends(data: memoryview, at: int) -> bool:
    """Whether the mark of a file's end is there: a length of 0 as the last of the bytes."""
    return bytes(data[at : at + 3]) == b"\0\0"
