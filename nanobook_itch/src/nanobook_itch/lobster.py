"""The form of LOBSTER's files (lobsterdata.com, "Output", seen in 2024).

A message file and an orderbook file, CSV without names, with as many rows. A row of the one is
`time,type,order id,size,price,direction`: seconds since midnight with up to nine decimals, 1/10000
of a dollar, 1 for an order to buy and -1 for one to sell. The row of the other is the book after
that message: `ask price,ask size,bid price,bid size` of each level, best first.
"""

from __future__ import annotations

import re
from datetime import date
from typing import NamedTuple

from nanobook_core.errors import ItchError

SUBMISSION, PARTIAL_CANCEL, DELETION, EXECUTION, HIDDEN, CROSS, HALT = range(1, 8)

#: Prices of levels that are not there; their size is 0.
NO_ASK, NO_BID = 9_999_999_999, -9_999_999_999

#: The price in a `HALT`, by what the status of trading has become: halted or paused, quoted only,
#: traded again.
HALT_PRICE = {b"H": -1, b"P": -1, b"Q": 0, b"T": 1}

#: The id in a `CROSS`, by the feed's kind of it: at the opening, the close, after a halt.
CROSS_IDS = {b"O": -1, b"C": -2, b"H": -3}
OTHER_CROSS = -4

_NAME = re.compile(
    r"(?P<symbol>.+)_\d{4}-\d\d-\d\d_\d+_\d+_(?P<what>message|orderbook)_\d+\.csv", re.ASCII
)

_MESSAGE = re.compile(
    rb"(\d{1,5})(?:\.(\d{1,9})\d*)?,([1-7]),(-?\d{1,20}),(\d{1,19}),(-?\d{1,10}),(-?1)\r?\n?"
)

_LEVELS = re.compile(rb"-?\d{1,18}(?:,-?\d{1,18})*\r?\n")

_NS = 1_000_000_000


class Message(NamedTuple):
    """A row of a message file."""

    timestamp: int
    """Nanoseconds since midnight."""
    type: int
    order_id: int
    size: int
    price: int
    direction: int


def file_name(symbol: str, day: date, hours: tuple[int, int], what: str, levels: int) -> str:
    """Return the name of a `message` or `orderbook` file; `hours` are nanoseconds."""
    start, end = (time // 1_000_000 for time in hours)
    return f"{symbol}_{day.isoformat()}_{start}_{end}_{what}_{levels}.csv"


def symbol_in(name: str) -> str | None:
    """Return the symbol in the name of a file, None if it is not one of LOBSTER's."""
    match = _NAME.fullmatch(name)
    return match["symbol"] if match else None


def orderbook_beside(name: str) -> str | None:
    """Return the name of the orderbook file that belongs to a message file."""
    match = _NAME.fullmatch(name)
    if match is None or match["what"] != "message":
        return None
    return "_orderbook_".join(name.rsplit("_message_", 1))


def to_line(message: Message) -> bytes:
    """Return a row of the message file."""
    seconds, nanoseconds = divmod(message.timestamp, _NS)
    return b"%d.%09d,%d,%d,%d,%d,%d\n" % (seconds, nanoseconds, *message[1:])


def from_line(line: bytes, offset: int) -> Message:
    """Read a row of a message file; decimals beyond nanoseconds are cut off.

    Raises:
        ItchError: it is none; with where it begins in the file.

    """
    match = _MESSAGE.fullmatch(line)
    if match is None:
        raise ItchError(
            f"at byte {offset}: a row is time,type,order id,size,price,direction, "
            f"got {line[:80].decode(errors='replace')!r}",
            offset=offset,
        )
    seconds, decimals, *numbers = match.groups()
    nanoseconds = int((decimals or b"0").ljust(9, b"0"))
    return Message(int(seconds) * _NS + nanoseconds, *map(int, numbers))


def levels_to_line(asks: list[tuple[int, int]], bids: list[tuple[int, int]], levels: int) -> bytes:
    """Return a row of the orderbook file."""
    cells: list[int] = []
    for level in range(levels):
        cells += asks[level] if level < len(asks) else (NO_ASK, 0)
        cells += bids[level] if level < len(bids) else (NO_BID, 0)
    return ",".join(map(str, cells)).encode() + b"\n"


def levels_from_line(
    line: bytes, offset: int
) -> tuple[list[tuple[int, int]], list[tuple[int, int]], int]:
    """Read a row of an orderbook file: asks, bids, and how many levels it has room for.

    Raises:
        ItchError: it is none, or its levels do not go from better to worse.

    """
    cells = list(map(int, line.split(b","))) if _LEVELS.fullmatch(line) else []
    asks = [level for level in zip(cells[0::4], cells[1::4], strict=False) if level[1]]
    bids = [level for level in zip(cells[2::4], cells[3::4], strict=False) if level[1]]
    prices, negated = [price for price, _ in asks], [-price for price, _ in bids]
    if (
        not cells
        or len(cells) % 4
        or min(cells[1::2]) < 0
        or sorted(set(prices)) != prices
        or sorted(set(negated)) != negated
    ):
        raise ItchError(
            f"at byte {offset}: a row of the book is ask price,ask size,bid price,bid size of each "
            f"level, best first, got {line[:80].decode(errors='replace')!r}",
            offset=offset,
        )
    return asks, bids, len(cells) // 4
