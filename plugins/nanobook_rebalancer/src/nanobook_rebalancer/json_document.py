"""JSON from outside, within limits: size, depth, length of numbers, each key once, no NaN."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

from attrs import frozen

from nanobook_rebalancer.errors import InputError

MAX_DEPTH = 64
MAX_NUMBER_CHARACTERS = 32

_BOM = b"\xef\xbb\xbf"
_OPEN = b"[{"
#: A string, also one that does not end, or a bracket.
_NESTING = re.compile(rb'"(?:[^"\\]|\\.)*+"?|[\[\]{}]', re.DOTALL)
#: Half of a character beyond the first 65,536 may be written so, and cannot be encoded.
_HALF_CHARACTER = re.compile(r"\\u[dD][89a-fA-F]")


def read_json(path: Path, *, limit: int, what: str, real: Callable[[str], Any] = float) -> object:
    """Return the document in a file; of one that is too long no more than `limit` is read.

    Raises:
        InputError: as `parse_json`.
        OSError: it cannot be read.

    """
    with path.open("rb") as file:
        return parse_json(file.read(limit + 1), limit=limit, what=what, real=real)


def parse_json(data: bytes, *, limit: int, what: str, real: Callable[[str], Any] = float) -> object:
    """Return a document of dict, list, str, int, bool, None and whatever `real` makes of `0.1`.

    `limit` is in bytes; `what` the document is called in messages. `real` gets numbers with a point
    or an exponent as they are written, if they are within a float's range.

    Raises:
        InputError: it is not JSON in UTF-8 without a BOM (with line and column); it is longer,
            deeper than 64, has a number of more than 32 characters, one beyond a float's range,
            NaN, Infinity, a key twice, or half a character (with the path of the value).

    """
    if len(data) > limit:
        raise InputError(what, f"at most {limit:,} bytes, and this is longer")
    if data.startswith(_BOM):
        raise InputError(what, "starts with a byte order mark (BOM); save it as UTF-8 without")
    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise InputError(f"{what}: line {line}", f"not UTF-8 at byte {error.start}") from None
    _check_depth(data, what)
    reader = _Reader(real)
    try:
        document: object = reader.decode(text)
    except json.JSONDecodeError as error:
        where = f"{what}: line {error.lineno} column {error.colno}"
        raise InputError(where, f"not JSON: {error.msg}") from None
    if reader.is_suspicious or _HALF_CHARACTER.search(text):
        for path, message in _problems(document, ""):
            raise InputError(f"{what}: {path}" if path else what, message)
    return document


def _check_depth(data: bytes, what: str) -> None:
    if sum(map(data.count, (b"[", b"{"))) <= MAX_DEPTH:
        return
    depth = 0
    for found in _NESTING.finditer(data):
        token = found[0]
        if token in (b"]", b"}"):
            depth -= 1
        elif token[0] in _OPEN:
            depth += 1
            if depth > MAX_DEPTH:
                line = data.count(b"\n", 0, found.start()) + 1
                raise InputError(f"{what}: line {line}", f"nested deeper than {MAX_DEPTH}")


@frozen
class _Refused:
    """Stands in the document for what may not be there, until its path is known."""

    message: str


class _Reader:
    """Python's reader with our limits."""

    def __init__(self, real: Callable[[str], Any]) -> None:
        self.is_suspicious = False
        self.decode = json.JSONDecoder(
            object_pairs_hook=self._object,
            parse_int=partial(self._number, int),
            parse_float=partial(self._number, real),
            parse_constant=lambda text: self._refused(f"{text} is not a number of JSON"),
        ).decode

    def _refused(self, message: str) -> _Refused:
        self.is_suspicious = True
        return _Refused(message)

    def _object(self, pairs: list[tuple[str, Any]]) -> Any:
        found: dict[str, Any] = {}
        for key, value in pairs:
            if key in found:
                return self._refused(f"the key {key!a:.80} is there twice")
            found[key] = value
        return found

    def _number(self, kind: Callable[[str], Any], text: str) -> Any:
        if len(text) > MAX_NUMBER_CHARACTERS:
            return self._refused(
                f"a number of at most {MAX_NUMBER_CHARACTERS} characters, got {text[:16]}..."
            )
        if not math.isfinite(float(text)):
            return self._refused(f"{text} is beyond the range of numbers")
        return kind(text)


def _problems(value: object, path: str) -> Iterator[tuple[str, str]]:
    """Path and description of each thing that may not be there."""
    match value:
        case _Refused(message):
            yield path, message
        case dict():
            for key, item in value.items():
                if not _is_whole(key):
                    yield path, f"a key has half a character: {key!a:.80}"
                name = key[:80] if key.isprintable() else f"{key!a:.80}"
                yield from _problems(item, f"{path}.{name}" if path else name)
        case list():
            for index, item in enumerate(value):
                yield from _problems(item, f"{path}[{index}]")
        case str() if not _is_whole(value):
            yield path, f"half a character: {value!a:.80}"


def _is_whole(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
