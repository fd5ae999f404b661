"""What order messages ask of exchanges, so that those have the books of the feed."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from nanobook_core.contracts import Event, EventKind
from nanobook_core.errors import ItchError, ValidationError, shown
from nanobook_core.types import Side, TimeInForce, check_symbol
from nanobook_itch.layout import table_dtype

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from nanobook_itch.layout import Table

#: One row a request, in the order of the feed. `op` is a position in `OPS`; `reference` is the
#: feed's and `order_id` the exchange's name of the order that is made, taken off or reduced.
REQUEST = table_dtype(
    (
        *(("sequence", "i8"), ("timestamp", "i8"), ("reference", "u8"), ("order_id", "i8")),
        *(("price", "i8"), ("shares", "i8"), ("locate", "u2"), ("op", "u1"), ("side", "S1")),
    )
)

OPS = (EventKind.SUBMIT_LIMIT, EventKind.CANCEL, EventKind.REDUCE)
SUBMIT, CANCEL, REDUCE = range(3)

#: The unit of prices in the feed, in dollars.
PRICE_UNIT = Decimal("0.0001")


def requests_of(orders: Table) -> Table:
    """Turn a whole table `orders` into requests to exchanges that start with nothing.

    Only for books that never cross: exchanges would trade there. O(n log n).
    """
    if not (is_change := (orders["shares"] > 0) | (orders["type"] == b"D")).all():
        orders = orders[is_change]
    is_replace = orders["type"] == b"U"
    row = np.repeat(np.arange(len(orders)), 1 + is_replace)
    op = np.full(len(row), REDUCE, "u1")
    kind = orders["type"][row]
    op[(kind == b"A") | (kind == b"F")] = SUBMIT
    op[(kind == b"D") | (kind == b"U")] = CANCEL
    reference = orders["reference"][row]
    made = np.flatnonzero(is_replace) + np.arange(1, 1 + np.count_nonzero(is_replace))
    op[made] = SUBMIT
    reference[made] = orders["new_reference"][row[made]]
    return _identified(orders, row, op, reference)


def _identified(
    orders: Table, row: NDArray[np.intp], op: NDArray[np.uint8], reference: NDArray[np.uint64]
) -> Table:
    """Give requests the ids that exchanges will; the three columns have one entry a request."""
    is_submit = op == SUBMIT
    # All that is asked of one reference, in the order of time.
    by = np.argsort(reference, kind="stable")
    is_live = is_submit | ((op == REDUCE) & (orders["remaining"][row] > 0))
    again = reference[by[1:]] == reference[by[:-1]]
    if (twice := np.flatnonzero(again & is_submit[by[1:]] & is_live[by[:-1]])).size:
        # Of lenient reading: the older order goes first.
        place = np.sort(by[1:][twice])
        return _identified(
            orders,
            np.insert(row, place, row[place]),
            np.insert(op, place, np.uint8(CANCEL)),
            np.insert(reference, place, reference[place]),
        )
    requests = np.zeros(len(row), REQUEST)
    for name in ("sequence", "timestamp", "price", "shares", "side", "locate"):
        requests[name] = orders[name][row]
    requests["op"], requests["reference"] = op, reference
    submits = np.flatnonzero(is_submit)
    order_id = np.zeros(len(row), "i8")
    order_id[submits] = _counted(requests["locate"][submits])
    # Each request is of the order that its reference has named last.
    last = by[np.maximum.accumulate(np.where(is_submit[by], np.arange(len(by)), 0))]
    requests["order_id"][by] = order_id[last]
    requests["locate"][by] = requests["locate"][last]
    return requests


def _counted(groups: NDArray[Any]) -> NDArray[np.int64]:
    """Count the members of each group from 1, in their order."""
    by = np.argsort(groups, kind="stable")
    place = np.arange(len(by))
    is_first = np.r_[True, groups[by[1:]] != groups[by[:-1]]][: len(by)]
    counted = np.empty(len(by), "i8")
    counted[by] = 1 + place - np.maximum.accumulate(np.where(is_first, place, 0))
    return counted


def symbols_of(orders: Table, known: dict[int, str]) -> dict[int, str]:
    """Add the symbols of each locate in the table `orders` to those that are known.

    Raises:
        ItchError: a symbol is not ASCII, a locate has two of them, or a symbol two locates: then
            there is no telling which exchange has its book.

    """
    locates, first = np.unique(orders["locate"], return_index=True)
    names = np.zeros(65536, "S8")
    names[locates] = orders["symbol"][first]
    if (odd := np.flatnonzero(names[orders["locate"]] != orders["symbol"])).size:
        row = orders[odd[0]]
        raise ItchError(
            f"message {row['sequence']}: locate {row['locate']} has the symbols "
            f"{names[row['locate']].decode('latin-1')!r} and {row['symbol'].decode('latin-1')!r}",
            type=row["type"].decode(),
        )
    for locate in locates.tolist():
        try:
            symbol = check_symbol(names[locate].decode("ascii"))
        except UnicodeDecodeError:
            raise ItchError(
                f"the symbol of locate {locate} is not ASCII: {names[locate]!r}"
            ) from None
        if known.setdefault(locate, symbol) != symbol:
            raise ItchError(f"locate {locate} has the symbols {known[locate]!r} and {symbol!r}")
    if len(set(known.values())) < len(known):
        listed = sorted(known.values())
        twice = next(one for one, other in pairwise(listed) if one == other)
        raise ItchError(f"symbol {twice!r} has two locates")
    return known


def crossed_locates(bbo: Table) -> NDArray[np.uint16]:
    """Return the locates whose book is locked or crossed somewhere in the table `bbo`."""
    is_crossed = (bbo["bid"] >= bbo["ask"]) & (bbo["bid_shares"] > 0) & (bbo["ask_shares"] > 0)
    return np.unique(bbo["locate"][is_crossed])


def in_units(prices: NDArray[np.int64], price_unit: Decimal) -> NDArray[np.int64]:
    """Return prices of the feed in another unit, of so many dollars.

    Raises:
        TypeError: the unit is no Decimal.
        ValidationError: it is not above 0, or does not hold a price exactly.
        OverflowError: a price is 2^63 units or more.

    """
    if not isinstance(price_unit, Decimal):
        raise TypeError(f"price_unit is a Decimal, got {shown(price_unit)}")
    if not (price_unit.is_finite() and price_unit > 0):
        raise ValidationError(f"price_unit is above 0, got {price_unit}")
    ratio = Fraction(PRICE_UNIT) / Fraction(price_unit)
    if ratio == 1 or not prices.size:
        return prices
    if int(prices.max()) * ratio.numerator >= 2**63:
        raise OverflowError(
            f"a price of {prices.max()}/10000 has no place in units of {price_unit}"
        )
    above = prices * ratio.numerator
    # One that is beyond all prices, and perhaps 64 bits, is a part of none.
    part = min(ratio.denominator, int(above.max()) + 1)
    if (rest := np.flatnonzero(above % part)).size:
        raise ValidationError(
            f"a price of {int(prices[rest[0]])}/10000 is no whole number of units of {price_unit}; "
            f"units of {PRICE_UNIT} hold every price"
        )
    return above // part


def events_of(requests: Table) -> list[Event]:
    """Return each request as an event."""
    op = requests["op"]
    is_submit = op == SUBMIT
    side = np.where(is_submit, 1 + (requests["side"] == b"B"), 0)
    return Event.trusted_list(
        words(*OPS)[op].tolist(),
        side=words(None, Side.SELL, Side.BUY)[side].tolist(),
        price=_where(is_submit, requests["price"]),
        quantity=_where(op != CANCEL, requests["shares"]),
        time_in_force=words(None, TimeInForce.GTC)[is_submit.astype(int)].tolist(),
        order_id=_where(~is_submit, requests["order_id"]),
    )


def words(*words: object) -> NDArray[np.object_]:
    """Return the words themselves in an array; numpy would make plain strings of them."""
    array = np.empty(len(words), object)
    array[:] = words
    return array


def _where(means: NDArray[np.bool_], values: NDArray[np.int64]) -> list[int | None]:
    found = values.astype(object)
    found[~means] = None
    return cast("list[int | None]", found.tolist())


@contextmanager
def no_collection() -> Iterator[None]:
    """Look for no garbage meanwhile: among millions of new objects there is none to be found."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()
