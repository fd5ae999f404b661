"""What became of every order, from the rows of the table `orders`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from nanobook_itch.layout import table_dtype

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from nanobook_itch.layout import Table

#: One row an order, by entry. `shares` is what was entered; `executed + cancelled + remaining` is
#: `shares`. `ahead` is what stood before it at its price when it was entered. `ended` is when it
#: left the book and `outcome` how: `executed`, `deleted` (by a delete, or a cancel of all that was
#: left), `replaced` (by `replaced_by`), `duplicate` (another with its reference took its place;
#: lenient reading only), or `live`, and then `ended` is 0. `root` is the first of the orders that
#: replaced one another up to this one; of a chain that began before the table, the first known.
#: `mpid` is the first order's, empty if that is not known.
LIFECYCLES = (
    ("sequence", "i8"),
    *(("entered", "i8"), ("ended", "i8")),
    *(("reference", "u8"), ("replaced_by", "u8"), ("root", "u8")),
    *(("price", "i8"), ("shares", "i8"), ("ahead", "i8")),
    *(("executed", "i8"), ("cancelled", "i8"), ("remaining", "i8")),
    *(("symbol", "S8"), ("mpid", "S4"), ("locate", "u2"), ("side", "S1"), ("outcome", "S9")),
)

_LIFECYCLES = table_dtype(LIFECYCLES)


def lifecycles_of(orders: Table, attributed: Table) -> Table:
    """Return what became of the orders that a table `orders` enters.

    `attributed` has the messages `F`, for their `mpid`. Rows of orders that were entered before the
    table begins are left out.
    """
    kind = orders["type"]
    is_replace = kind == b"U"
    entries = np.flatnonzero((kind == b"A") | (kind == b"F") | is_replace)
    later = np.flatnonzero((kind != b"A") & (kind != b"F"))
    life = np.zeros(len(entries), _LIFECYCLES)
    if not len(entries):
        return life
    renamed = is_replace[entries]
    for name in ("sequence", "price", "symbol", "locate", "side"):
        life[name] = orders[name][entries]
    life["entered"] = orders["timestamp"][entries]
    named = orders["reference"][entries]
    life["reference"] = np.where(renamed, orders["new_reference"][entries], named)
    life["shares"] = life["remaining"] = orders["remaining"][entries]
    life["ahead"] = orders["level_shares"][entries] - life["shares"]
    life["outcome"] = b"live"
    _attribute(life, attributed)
    of, heirs = _orders_of(life["reference"], entries, orders["reference"][later], later)
    known = of >= 0
    later, of = later[known], of[known]
    _reduce(life, orders, later, of)
    # A replace ends the old order and, in one message, enters the new.
    replaced = is_replace[later]
    parent = np.arange(len(life))
    parent[np.searchsorted(entries, later[replaced])] = of[replaced]
    while not np.array_equal(further := parent[parent], parent):
        parent = further
    # The first known of a chain may itself replace an order of before.
    first = np.where(renamed, named, life["reference"])
    life["root"] = first[parent]
    life["mpid"] = life["mpid"][parent]
    _displace(life, heirs)
    life["cancelled"] = life["shares"] - life["executed"] - life["remaining"]
    return life


def _attribute(life: Table, attributed: Table) -> None:
    place = np.searchsorted(attributed["sequence"], life["sequence"])
    place[place == len(attributed)] = 0
    if len(attributed):
        found = attributed["sequence"][place] == life["sequence"]
        life["mpid"][found] = attributed["mpid"][place[found]]


def _orders_of(
    references: NDArray[np.uint64],
    entries: NDArray[np.intp],
    named: NDArray[np.uint64],
    later: NDArray[np.intp],
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return which order each later row is of, and which one takes an order's reference; or -1.

    An order is a place in `entries`, its row one in `entries`; `later` are rows as well.
    """
    names = np.concatenate([references, named])
    # A replace leaves the old order before it enters the new one, of the same name maybe.
    ordered = np.lexsort((np.concatenate([2 * entries + 1, 2 * later]), names))
    is_entry = ordered < len(entries)
    last = np.maximum.accumulate(np.where(is_entry, np.arange(len(ordered)), 0))
    owner = ordered[last]
    owner[~is_entry[last] | (names[owner] != names[ordered])] = -1
    of = np.full(len(later), -1)
    of[ordered[~is_entry] - len(entries)] = owner[~is_entry]
    heirs = np.full(len(entries), -1)
    entered = ordered[is_entry]
    same = names[entered[1:]] == names[entered[:-1]]
    heirs[entered[:-1][same]] = entered[1:][same]
    return of, heirs


def _reduce(life: Table, orders: Table, later: NDArray[np.intp], of: NDArray[np.intp]) -> None:
    kind = orders["type"][later]
    is_executed = (kind == b"E") | (kind == b"C")
    np.add.at(life["executed"], of[is_executed], orders["shares"][later[is_executed]])
    # Of a replace the row says what the new order has.
    remaining = np.where(kind == b"U", 0, orders["remaining"][later])
    life["remaining"][of] = remaining
    ends = remaining == 0
    life["ended"][of[ends]] = orders["timestamp"][later[ends]]
    for outcome, chosen in (
        (b"executed", is_executed),
        (b"deleted", (kind == b"X") | (kind == b"D")),
        (b"replaced", kind == b"U"),
    ):
        life["outcome"][of[ends & chosen]] = outcome
    life["replaced_by"][of[kind == b"U"]] = orders["new_reference"][later[kind == b"U"]]


def _displace(life: Table, heirs: NDArray[np.intp]) -> None:
    displaced = np.flatnonzero((life["outcome"] == b"live") & (heirs >= 0))
    life["outcome"][displaced] = b"duplicate"
    life["ended"][displaced] = life["entered"][heirs[displaced]]
    life["remaining"][displaced] = 0
