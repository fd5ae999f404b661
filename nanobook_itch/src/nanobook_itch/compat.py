"""The requests of a feed as the original nanobook has them, which rebuild no book."""

from __future__ import annotations

from functools import lru_cache
from struct import Struct

from nanobook_core.contracts import Event, EventKind
from nanobook_core.errors import ItchError, shown
from nanobook_core.types import Side, TimeInForce

#: Bytes after the type that the original asks for; it looks into no other message.
_NEEDED = {"A": 35, "F": 35, "E": 30, "C": 35, "X": 22, "D": 18, "U": 34, "P": 43, "R": 10}

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
    rows: list[tuple[object, ...]] = []
    end, place = len(data), 0
    while place + 2 <= end:
        length = int.from_bytes(data[place : place + 2])
        start, place = place + 2, place + 2 + length
        kind = data[start : start + 1].decode("latin-1")
        if length == 0:
            raise ItchError("ITCH message length is 0", offset=start - 2)
        if place > end:
            raise ItchError("failed to fill whole buffer", offset=start - 2, type=kind)
        needed = _NEEDED.get(kind, 0)
        if length - 1 < needed:
            raise ItchError(
                f"ITCH '{kind}' message too short: {length - 1} bytes, need {needed}",
                offset=start - 2,
                type=kind,
            )
        if (row := _ROWS.get(kind)) is not None:
            rows.append(row(data, start))
    if not rows:
        return []
    symbols, kinds, sides, prices, quantities, times_in_force, order_ids = zip(*rows, strict=True)
    events = Event.trusted_list(
        kinds,
        side=sides,
        price=prices,
        quantity=quantities,
        time_in_force=times_in_force,
        order_id=order_ids,
    )
    return list(zip(symbols, events, strict=True))


def _add(data: bytes, start: int) -> tuple[object, ...]:
    side, shares, symbol, price = _ADD.unpack_from(data, start)
    side = Side.BUY if side == b"B" else Side.SELL
    limit = EventKind.SUBMIT_LIMIT
    return _symbol(symbol), limit, side, price // 100, shares, TimeInForce.GTC, None


def _cancel(data: bytes, start: int) -> tuple[object, ...]:
    (reference,) = _REFERENCE.unpack_from(data, start)
    return "", EventKind.CANCEL, None, None, None, None, reference


def _replace(data: bytes, start: int) -> tuple[object, ...]:
    reference, shares, price = _REPLACE.unpack_from(data, start)
    return "", EventKind.MODIFY, None, price // 100, shares, None, reference


@lru_cache(maxsize=65536)
def _symbol(padded: bytes) -> str:
    return padded.decode(errors="replace").strip(_SPACES)


_ADD, _REFERENCE, _REPLACE = Struct(">19x c I 8s I"), Struct(">11x Q"), Struct(">11x Q 8x I I")

_ROWS = {"A": _add, "F": _add, "X": _cancel, "D": _cancel, "U": _replace}
