"""Measures of the tables of books: order flow, imbalance, spread, mid, traded volume.

Prices are whole numbers of 1/10000 of a dollar, and so are measures of them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from nanobook_core.errors import ValidationError, shown
from nanobook_itch.argument import whole
from nanobook_itch.layout import table_dtype
from nanobook_itch.time_of_day import TimeOfDay, duration, nanoseconds

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from nanobook_itch.layout import Table

_LARGEST = 2**63 - 1

_PLACE = (("symbol", "S8"), ("locate", "u2"))

#: Columns of what `order_flow` returns: `timestamp` is the interval's begin.
FLOW = (("timestamp", "i8"), ("imbalance", "i8"), *_PLACE)

#: Columns of what `time_weighted_mean` returns: `duration` is the time, in ns, that had a value.
MEAN = (("duration", "i8"), ("mean", "f8"), *_PLACE)

#: Columns of what `trade_volumes` returns: shares by the aggressor's side, those of hidden orders,
#: of which the feed does not tell it, and those of crosses; `notional` in 1/10000 of a dollar.
VOLUMES = (
    *(("bought", "i8"), ("sold", "i8"), ("hidden", "i8"), ("crossed", "i8")),
    *(("notional", "i8"), ("count", "i8")),
    *_PLACE,
)


def order_flow_imbalance(bbo: Table, opening: Table | None = None) -> NDArray[np.int64]:
    """Return what each row of a table `bbo` adds to the order flow imbalance, in shares, exact.

    More to buy is positive: bids that come or asks that go. The sum over an interval is the
    imbalance of the interval. A side without orders has no shares, at a price that any other
    improves.

    The first row of each symbol is compared with its row in `opening`, which is that of the same
    `ItchTables`, or with an empty book if it has none there: so what is added up over chunks, or
    over windows one after the other, is that of the whole. Without `opening` it adds 0.

    Cont, Kukanov and Stoikov, "The Price Impact of Order Book Events", Journal of Financial
    Econometrics 12(1), 2014: e_n.

    Raises:
        TypeError: it is no table `bbo`.

    """
    _check(bbo, "bid", "ask")
    if opening is not None:
        _check(opening, "bid", "ask")
        blank = np.zeros(len(unknown := np.setdiff1d(bbo["locate"], opening["locate"])), bbo.dtype)
        blank["locate"] = unknown
        before = np.concatenate([opening, blank])
        return order_flow_imbalance(np.concatenate([before, bbo]))[len(before) :]
    before = _before(bbo)
    flow = np.zeros(len(bbo), np.int64)
    rows = np.flatnonzero(before >= 0)
    now, then = bbo[rows], bbo[before[rows]]
    for side, sign in (("bid", 1), ("ask", -1)):
        # Of an ask the better price is the lower one; none is the worst of all.
        price, earlier = (
            table[side] if sign > 0 else -np.where(table[side] == 0, _LARGEST, table[side])
            for table in (now, then)
        )
        shares = f"{side}_shares"
        flow[rows] += sign * np.where(price >= earlier, now[shares], 0)
        flow[rows] -= sign * np.where(price <= earlier, then[shares], 0)
    return flow


def order_flow(bbo: Table, every: TimeOfDay, opening: Table | None = None) -> Table:
    """Return the order flow imbalance of each symbol over each interval that has a row.

    Intervals begin at multiples of `every`, `"00:05"` or `"5m"` (a whole number is nanoseconds);
    what happens at such a time is of the one that begins. Columns are `timestamp`, of the begin, in
    nanoseconds since midnight, `imbalance` in shares, `symbol` and `locate`. Sign and `opening` are
    as of `order_flow_imbalance`.

    Raises:
        TypeError, ValidationError: `every` is no length of time, or a number below 1 ms; it is no
            table `bbo`.

    """
    _check(bbo, "bid", "ask")
    step = duration(every, "every")
    begin = bbo["timestamp"] // step * step
    order = np.lexsort((begin, bbo["locate"]))
    begin, locate = begin[order], bbo["locate"][order]
    first = _first(locate, begin)
    table = np.zeros(len(first), table_dtype(FLOW))
    if len(first):
        table["timestamp"] = begin[first]
        table["imbalance"] = np.add.reduceat(order_flow_imbalance(bbo, opening)[order], first)
        _name(table, bbo[order[first]])
    return table


def book_imbalance(table: Table, levels: int | None = None) -> NDArray[np.float64]:
    """Return (bid - ask) / (bid + ask) of the shares of each row of a table `bbo` or `depth`.

    1 is all bids, -1 all asks, NaN where there are none. Of `depth` the best so many `levels` of
    both sides are added up; all, by default.

    Raises:
        TypeError: `levels` is no whole number, or it is no such table.
        ValidationError: there are not so many levels.

    """
    _check(table, "bid_shares", "ask_shares")
    bid, ask = table["bid_shares"], table["ask_shares"]
    if bid.ndim == 1:
        bid, ask = bid[:, None], ask[:, None]
    n = bid.shape[1] if levels is None else whole(levels, "levels")
    if not 1 <= n <= bid.shape[1]:
        raise ValidationError(f"levels are 1 to {bid.shape[1]} here, got {shown(levels)}")
    bids, asks = bid[:, :n].sum(axis=1), ask[:, :n].sum(axis=1)
    return _ratio(bids - asks, bids + asks)


def quoted_spread(table: Table) -> NDArray[np.float64]:
    """Return best ask less best bid of each row, in 1/10000 of a dollar.

    It is NaN where a side is empty, negative if the book is crossed.
    """
    bid, ask, is_whole = _touch(table)
    return np.where(is_whole, ask - bid, np.nan)


def mid_price(table: Table) -> NDArray[np.float64]:
    """Return the mean of best bid and best ask of each row, in 1/10000 of a dollar.

    It is NaN where a side is empty.
    """
    bid, ask, is_whole = _touch(table)
    return np.where(is_whole, (bid + ask) / 2, np.nan)


def weighted_mid(table: Table) -> NDArray[np.float64]:
    """Return the mid of each row, each price weighted with the other side's shares.

    It is in 1/10000 of a dollar, and leans towards the side with less, as
    `BookSnapshot.weighted_mid`; NaN where a side is empty.
    """
    bid, ask, _ = _touch(table)
    bids, asks = (_best(table, name) for name in ("bid_shares", "ask_shares"))
    both = (bid != 0) & (ask != 0)
    # As floats, as the products of large prices and shares leave 64 bits.
    weighted = asks.astype(float) * bid + bids.astype(float) * ask
    return np.where(both, _ratio(weighted, bids + asks), np.nan)


def time_weighted_mean(table: Table, values: ArrayLike, *, end: TimeOfDay | None = None) -> Table:
    """Return the mean of each symbol's values, one a row, over the time that they last.

    A value lasts until the symbol's next row, not at all where that is earlier (in a feed with
    problems); the last one until `end`, by default the last time of the table. While it is NaN time
    does not count, nor before the symbol's first row: of tables from a `start` on, measure
    `np.concatenate([tables.opening, tables.bbo])`. Columns are `duration`, the nanoseconds that
    count, `mean`, which is NaN where none do, `symbol` and `locate`.

    Raises:
        TypeError, ValidationError: `end` is no time of day, or before a row; there are not as many
            values as rows.

    """
    _check(table, "timestamp", "locate")
    column = np.asarray(values, float)
    if column.shape != (len(table),):
        raise ValidationError(f"{len(table)} rows have one value each, got {column.shape} values")
    last = int(table["timestamp"].max()) if len(table) else 0
    until = last if end is None else nanoseconds(end, "end")
    if until < last:
        raise ValidationError(f"end {shown(end)} is before the last row, at {last} ns")
    order = np.argsort(table["locate"], kind="stable")
    times, locate, column = table["timestamp"][order], table["locate"][order], column[order]
    first = _first(locate)
    found = np.zeros(len(first), table_dtype(MEAN))
    if not len(first):
        return found
    following = np.append(times[1:], until)
    following[first[1:] - 1] = until
    lasts = np.where(np.isnan(column), 0, np.maximum(following - times, 0))
    found["duration"] = np.add.reduceat(lasts, first)
    total = np.add.reduceat(np.where(lasts == 0, 0, column) * lasts, first)
    found["mean"] = _ratio(total, found["duration"])
    _name(found, table[order[first]])
    return found


def trade_volumes(trades: Table) -> Table:
    """Return what each symbol traded, by locate.

    Columns are `bought` and `sold` by the aggressor, `hidden` (of which the feed does not tell it)
    and `crossed`, in shares; `notional` in 1/10000 of a dollar; `count` of trades; `symbol` and
    `locate`.

    Executions that are not printable are left out, as a cross tells them again, and so are trades
    that a later row breaks.

    Raises:
        OverflowError: the notional of all of them is 2^63 or more.

    """
    _check(trades, "match", "printable")
    broken = trades["match"][trades["type"] == b"B"]
    is_kept = (trades["type"] != b"B") & (trades["printable"] != b"N")
    kept = trades[is_kept & ~np.isin(trades["match"], broken)]
    kept = kept[np.argsort(kept["locate"], kind="stable")]
    first = _first(kept["locate"])
    table = np.zeros(len(first), table_dtype(VOLUMES))
    if not len(first):
        return table
    chosen = {
        "bought": kept["side"] == b"B",
        "sold": kept["side"] == b"S",
        "hidden": kept["type"] == b"P",
        "crossed": kept["type"] == b"Q",
    }
    for name, here in chosen.items():
        table[name] = np.add.reduceat(np.where(here, kept["shares"], 0), first)
    if (kept["price"].astype(float) * kept["shares"]).sum() >= float(_LARGEST):
        raise OverflowError("the notional of these trades is 2^63 or more: ask for a shorter time")
    table["notional"] = np.add.reduceat(kept["price"] * kept["shares"], first)
    table["count"] = np.diff(np.append(first, len(kept)))
    _name(table, kept[first])
    return table


def _check(table: object, *columns: str) -> None:
    """Refuse what is no table with these columns.

    Raises:
        TypeError: it is none.

    """
    if not isinstance(table, np.ndarray):
        raise TypeError(
            'this measures a table, an array such as ItchFeed.books("bbo").bbo, not a frame or '
            f"several tables; got {type(table).__name__}"
        )
    if missing := [name for name in columns if name not in (table.dtype.names or ())]:
        raise TypeError(f"the table has no column {missing[0]}: it is not one that this measures")


def _before(table: Table) -> NDArray[np.intp]:
    """Return the row before each of the same symbol, -1 for the first."""
    order = np.argsort(table["locate"], kind="stable")
    same = table["locate"][order[1:]] == table["locate"][order[:-1]]
    before = np.full(len(table), -1)
    before[order[1:][same]] = order[:-1][same]
    return before


def _first(*keys: NDArray[np.generic]) -> NDArray[np.intp]:
    """Return where each run of equal keys begins."""
    changes = [np.ones(min(1, len(keys[0])), bool)]
    changes.append(np.any([key[1:] != key[:-1] for key in keys], axis=0))
    return np.flatnonzero(np.concatenate(changes))


def _name(table: Table, rows: Table) -> None:
    for name, _ in _PLACE:
        table[name] = rows[name]


def _best(table: Table, name: str) -> NDArray[np.int64]:
    column: NDArray[np.int64] = table[name]
    return column if column.ndim == 1 else column[:, 0]


def _touch(table: Table) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.bool_]]:
    _check(table, "bid", "ask")
    bid, ask = _best(table, "bid"), _best(table, "ask")
    return bid, ask, (bid != 0) & (ask != 0)


def _ratio(above: NDArray[np.generic], below: NDArray[np.int64]) -> NDArray[np.float64]:
    """Divide; NaN where there is nothing to divide by."""
    quotient = np.full(len(below), np.nan)
    np.divide(above, below, out=quotient, where=below != 0)
    return quotient
