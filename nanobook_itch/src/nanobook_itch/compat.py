"""The requests of a feed as the original nanobook has them, which rebuild no book."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from nanobook_core.contracts import Event, EventKind
from nanobook_core.errors import ItchError, shown
from nanobook_core.types import Side, TimeInForce
from nanobook_itch.request import no_collection, words

if TYPE_CHECKING:
    from numpy.typing import NDArray

#: Bytes after the type that the original asks for, by type; it looks into no other message.
_NEEDED = [0] * 256
for _kind, _least in zip(b"AFECXDUPR", (35, 35, 30, 35, 22, 18, 34, 43, 10), strict=True):
    _NEEDED[_kind] = _least

#: What Rust takes for white space, which is less than Python does.
_SPACES = (
    "\t\n\v\f\r \x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a"
    "\u2028\u2029\u202f\u205f\u3000"
)


def original_events(path: str) -> list[tuple[str, Event]]:
    """Return what the original makes of a file, and raise what it raises.

    Prices are cents, rounded down; ids are the feed's references. An add is a `submit_limit`, a
    delete a `cancel`; a partial cancel is a `cancel` too, and a replace a `modify` that forgets the
    new reference; these three have the symbol `""`. Executions are dropped, as all other messages
    are. Quantities may be 0, which no exchange accepts. One difference: of a directory the original
    returns nothing.

    Raises:
        TypeError: the path is no string.
        OSError: the file cannot be read.
        ItchError: a message of length 0, one that is too short for its type, or the file ends
            within one.

    """
    if not isinstance(path, str):
        raise TypeError(f"argument 'path': a str, got {shown(path)}")
    with open(path, "rb") as file:  # noqa: PTH123 - the path is a string, as in the original
        data = file.read()
    octets = np.frombuffer(data, "u1")
    starts = np.array(_starts(data), np.int64)
    kinds = octets[starts]
    is_used = np.isin(kinds, list(b"AFXDU"))
    starts, kinds = starts[is_used], kinds[is_used]
    is_add, is_replace = np.isin(kinds, list(b"AF")), kinds == ord("U")
    adds, replaces = starts[is_add], starts[is_replace]

    def column(*parts: tuple[NDArray[np.bool_], Any]) -> list[Any]:
        values = np.full(len(starts), None, object)
        for place, part in parts:
            values[place] = part
        return values.tolist()

    with no_collection():
        sides = words(Side.SELL, Side.BUY)[(octets[adds + 19] == ord("B")).astype(int)]
        events = Event.trusted_list(
            words(EventKind.CANCEL, EventKind.SUBMIT_LIMIT, EventKind.MODIFY)[
                is_add + 2 * is_replace
            ].tolist(),
            side=column((is_add, sides)),
            price=column(
                (is_add, _numbers(octets, adds + 32, 4) // 100),
                (is_replace, _numbers(octets, replaces + 31, 4) // 100),
            ),
            quantity=column(
                (is_add, _numbers(octets, adds + 20, 4)),
                (is_replace, _numbers(octets, replaces + 27, 4)),
            ),
            time_in_force=column((is_add, TimeInForce.GTC)),
            order_id=column((~is_add, _numbers(octets, starts[~is_add] + 11, 8))),
        )
        padded = _numbers(octets, adds + 24, 8)
        different, places = np.unique(padded, return_inverse=True)
        symbols = words("", *map(_symbol, different.tolist()))
        code = np.zeros(len(starts), np.int64)
        code[is_add] = places + 1
        return list(zip(symbols[code].tolist(), events, strict=True))


def _starts(data: bytes) -> list[int]:
    """Return where the type of each message is."""
    starts = []
    end, place = len(data), 0
    while place + 2 <= end:
        length = data[place] << 8 | data[place + 1]
        start, place = place + 2, place + 2 + length
        if not length or place > end or length <= _NEEDED[data[start]]:
            raise _error(data, start, length)
        starts.append(start)
    return starts


def _error(data: bytes, start: int, length: int) -> ItchError:
    kind = data[start : start + bool(length)].decode("latin-1")
    if not length:
        text = "ITCH message length is 0"
    elif start + length > len(data):
        text = "failed to fill whole buffer"
    else:
        needed = _NEEDED[data[start]]
        text = f"ITCH '{kind}' message too short: {length - 1} bytes, need {needed}"
    return ItchError(text, offset=start - 2, type=kind)


def _numbers(octets: NDArray[np.uint8], starts: NDArray[np.int64], width: int) -> NDArray[Any]:
    """Return big-endian numbers at these places."""
    wire: NDArray[Any] = octets[starts[:, None] + np.arange(width)].view(f">u{width}")
    return wire.ravel().astype(f"u{width}")


def _symbol(padded: int) -> str:
    return padded.to_bytes(8).decode(errors="replace").strip(_SPACES)
