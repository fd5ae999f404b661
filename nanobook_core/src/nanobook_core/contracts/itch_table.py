"""The tables that an ITCH feed becomes: their columns, as numpy spells them.

In memory each column is aligned (`numpy.dtype(..., align=True)`). Identifiers are unsigned as on
the wire; amounts are signed and of 64 bits, so that their differences are right. Text has lost the
spaces on its right. `sequence` counts all messages of the source from 0.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

Columns: TypeAlias = tuple[tuple[str, str], ...]

_HEAD: Columns = (("sequence", "i8"), ("timestamp", "i8"))
_TAIL: Columns = (("symbol", "S8"), ("locate", "u2"), ("tracking", "u2"), ("type", "S1"))

#: Of each family; what a type does not have is 0 or empty. `symbol` is that of the locate where the
#: message has none itself, and empty where it is not known.
FAMILIES: Mapping[str, Columns] = {
    "order": (
        *_HEAD,
        *(("reference", "u8"), ("new_reference", "u8"), ("match", "u8")),
        *(("price", "i8"), ("shares", "i8")),
        ("symbol", "S8"),
        ("mpid", "S4"),
        *(("locate", "u2"), ("tracking", "u2")),
        *(("type", "S1"), ("side", "S1"), ("printable", "S1")),
    ),
    "trade": (
        *_HEAD,
        *(("reference", "u8"), ("match", "u8"), ("price", "i8"), ("shares", "i8")),
        *_TAIL,
        *(("side", "S1"), ("cross", "S1")),
    ),
    "imbalance": (
        *_HEAD,
        *(("paired", "i8"), ("imbalance", "i8")),
        *(("far_price", "i8"), ("near_price", "i8"), ("reference_price", "i8")),
        *_TAIL,
        *(("direction", "S1"), ("cross", "S1"), ("variation", "S1")),
    ),
    "directory": (
        *_HEAD,
        *(("round_lot_size", "i8"), ("etp_leverage", "i8")),
        *_TAIL,
        *(("market_category", "S1"), ("financial_status", "S1"), ("round_lots_only", "S1")),
        *(("issue_classification", "S1"), ("issue_subtype", "S2"), ("authenticity", "S1")),
        *(("short_sale_threshold", "S1"), ("ipo_flag", "S1"), ("luld_tier", "S1")),
        *(("etp_flag", "S1"), ("inverse", "S1")),
    ),
    "status": (
        *_HEAD,
        *_TAIL,
        *(("state", "S1"), ("reserved", "S1"), ("market", "S1"), ("reason", "S4")),
    ),
    "participant": (
        *_HEAD,
        *_TAIL,
        *(("mpid", "S4"), ("primary", "S1"), ("mode", "S1"), ("state", "S1")),
    ),
    "breaker": (
        *_HEAD,
        *(("level_1", "i8"), ("level_2", "i8"), ("level_3", "i8")),
        *_TAIL,
        ("breached", "S1"),
    ),
    "ipo": (*_HEAD, ("release_time", "i8"), ("price", "i8"), *_TAIL, ("qualifier", "S1")),
    "collar": (
        *_HEAD,
        *(("reference_price", "i8"), ("upper_price", "i8"), ("lower_price", "i8")),
        ("extension", "i8"),
        *_TAIL,
    ),
    "retail": (*_HEAD, *_TAIL, ("interest", "S1")),
    "listing": (
        *_HEAD,
        *(("minimum_price", "i8"), ("maximum_price", "i8"), ("near_price", "i8")),
        *(("near_time", "i8"), ("lower_price", "i8"), ("upper_price", "i8")),
        *_TAIL,
        ("eligibility", "S1"),
    ),
    "system": (*_HEAD, *_TAIL, ("event", "S1")),
}

#: One row a decoded message, in the order of the source: `families[family]` has it at `row`, where
#: `family` counts the keys of `FAMILIES`.
INDEX: Columns = (("sequence", "i8"), ("row", "u4"), ("family", "u1"), ("type", "S1"))

_PLACE: Columns = (("symbol", "S8"), ("locate", "u2"))

#: One row whenever the best price, its shares or its number of orders have changed on a side.
#: A side without orders has price, shares and count 0.
BBO: Columns = (
    *_HEAD,
    *(("bid", "i8"), ("bid_shares", "i8"), ("ask", "i8"), ("ask_shares", "i8")),
    *(("bid_count", "i4"), ("ask_count", "i4")),
    *_PLACE,
)

#: One row an `E`, `C`, `P`, `Q` or `B`. An `E` is at the resting order's price. `side` is the
#: aggressor's, `B` or `S`, that is the other than the resting order's; empty where the feed does
#: not say it (`P`, `Q`, `B`). `printable` is `N` where the volume is told again, by a cross.
#: A `B` has nothing but the `match` of what it voids.
TRADES: Columns = (
    *_HEAD,
    *(("price", "i8"), ("shares", "i8"), ("reference", "u8"), ("match", "u8")),
    *_PLACE,
    *(("type", "S1"), ("side", "S1"), ("printable", "S1"), ("cross", "S1")),
)

#: One row an order message that was applied to a book (L3); an `E`, `C` or `X` of no shares has one
#: too, though nothing changed. `side` and `symbol` are the order's; `price`
#: is the order's too, of `C` as well, of `U` the new one. `shares` is what was added or taken off,
#: of `U` the new quantity; `remaining` what the order has after it, of `U` the new one; and
#: `level_shares` what all orders at `price` on that side have after it: of an `A`, less `shares`,
#: that is what stands before it in the queue.
ORDERS: Columns = (
    *_HEAD,
    *(("reference", "u8"), ("new_reference", "u8")),
    *(("price", "i8"), ("shares", "i8"), ("remaining", "i8"), ("level_shares", "i8")),
    *_PLACE,
    *(("type", "S1"), ("side", "S1")),
)

#: One price of a side, best first.
LEVEL: Columns = (("price", "i8"), ("shares", "i8"), ("count", "i8"))

#: One live order. Those of a book are in the order of `rank`, which counts arrivals; a replace
#: arrives anew. So, at one price, they are in the order of the queue.
LIVE: Columns = (
    *(("reference", "u8"), ("rank", "i8"), ("price", "i8"), ("shares", "i8")),
    *(("locate", "u2"), ("side", "S1")),
)


def depth_columns(levels: int) -> tuple[tuple[str, str, tuple[int, ...]], ...]:
    """Columns of the table `depth` with so many levels, best first; what is not there is 0.

    One row whenever one of those levels has changed, or one a time of a grid and symbol.
    """
    shape = (levels,)
    sides = [(f"{side}{what}", "i8") for side in ("bid", "ask") for what in ("", "_shares")]
    counts = [("bid_count", "i4"), ("ask_count", "i4")]
    return (
        *((name, kind, ()) for name, kind in _HEAD),
        *((name, kind, shape) for name, kind in sides),
        *((name, kind, shape) for name, kind in counts),
        *((name, kind, ()) for name, kind in _PLACE),
    )
