"""Frames of the TWS socket protocol: text fields that end in NUL behind a length of four bytes."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterable
from decimal import Decimal
from typing import TypeAlias

MIN_VERSION = 157
"""The lowest version of the protocol that is spoken."""
MAX_VERSION = 178
"""The highest one; from 201 on the protocol is another."""
MAX_FRAME = 65_536
"""Longest payload that is read, in bytes; orders of the most fields have some 2,000."""
GREETING = b"API\0"
"""What a client sends before its first frame."""
UNSET_DOUBLE = "1.7976931348623157E308"
"""How TWS writes a number that is not there where an empty field will not do."""

Field: TypeAlias = str | int | Decimal | None
"""What a message is written of; a bool is an int and becomes 1 or 0."""

_LENGTH = 4
_VERSIONS = re.compile(r"v([0-9]{1,6})(?:\.\.([0-9]{1,6}))?(?: .*)?", re.DOTALL)


class WireError(ValueError):
    """What was read makes no sense; the messages behind it can still be read."""

    request_id: int = -1
    """Number of the request or order of which the message was, where that much was readable."""


class StreamEndedError(WireError):
    """Nothing more can be read: the peer has gone, or has lost the frames' rhythm."""


def encode(fields: Iterable[Field]) -> bytes:
    """One frame of the fields, its length in front.

    None is an empty field, a bool 1 or 0, a Decimal all its digits without an exponent and
    without zeros at its end. Text is UTF-8; what is no character stays visible as \\udcNN.

    Raises:
        WireError: a text with a NUL inside, a number that is not finite, anything of another type.

    """
    payload = "".join(f"{_text(field)}\0" for field in fields).encode(errors="backslashreplace")
    return len(payload).to_bytes(_LENGTH, "big") + payload


def _text(field: Field) -> str:
    match field:
        case None:
            return ""
        case bool():
            return "1" if field else "0"
        case Decimal() if field.is_finite():
            plain = f"{field:f}"
            return (plain.rstrip("0").rstrip(".") if "." in plain else plain) if field else "0"
        case str() if "\0" not in field:
            return str(field)
        case int():
            return str(field)
    raise WireError(f"{field!r} cannot be a field: fields are text without NUL, int or Decimal")


def decode(payload: bytes) -> list[str]:
    """The fields of one frame's payload; bytes that are no UTF-8 stay visible as \\xNN.

    Raises:
        WireError: the last field does not end in NUL.

    """
    fields = payload.decode(errors="backslashreplace").split("\0")
    if fields.pop():
        raise WireError("the message's last field does not end in NUL")
    return fields


async def read_frame(reader: asyncio.StreamReader) -> list[str]:
    """The fields of the next frame.

    Raises:
        StreamEndedError: the peer has closed, or announces more than `MAX_FRAME` bytes.
        WireError: the payload does not end in NUL; the next frame can be read.

    """
    return decode(await _read_payload(reader))


async def read_handshake(reader: asyncio.StreamReader) -> tuple[int, int]:
    """Lowest and highest version a client that has just connected can speak.

    Raises:
        StreamEndedError: it has gone, or is no client of TWS.
        WireError: its versions cannot be read.

    """
    greeting = await _read(reader, len(GREETING))
    if greeting != GREETING:
        raise StreamEndedError(f"a client of TWS begins with {GREETING!r}, not with {greeting!r}")
    return parse_handshake(await _read_payload(reader))


def parse_handshake(payload: bytes) -> tuple[int, int]:
    """Lowest and highest version of a first frame's `v157..178`; options behind it are ignored.

    Raises:
        WireError: it is no such frame, or its lowest version is above its highest.

    """
    found = _VERSIONS.fullmatch(payload.decode(errors="backslashreplace"))
    if found is None:
        raise WireError(
            f"a first frame is like v{MIN_VERSION}..{MAX_VERSION}, not {payload[:80]!r}"
        )
    lowest, highest = int(found[1]), int(found[2] or found[1])
    if lowest > highest:
        raise WireError(f"version {lowest} is given as the lowest and {highest} as the highest")
    return lowest, highest


async def _read_payload(reader: asyncio.StreamReader) -> bytes:
    length = int.from_bytes(await _read(reader, _LENGTH), "big")
    if length > MAX_FRAME:
        raise StreamEndedError(
            f"a frame of {length} bytes is announced; at most {MAX_FRAME} are read"
        )
    return await _read(reader, length)


async def _read(reader: asyncio.StreamReader, length: int) -> bytes:
    try:
        return await reader.readexactly(length)
    except asyncio.IncompleteReadError as error:
        raise StreamEndedError(
            f"the peer closed with {len(error.partial)} of {length} bytes sent"
        ) from None
    except OSError as error:
        raise StreamEndedError(f"the peer has gone: {error}") from error
