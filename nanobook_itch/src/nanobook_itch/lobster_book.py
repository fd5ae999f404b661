"""The book that the rows of LOBSTER's files lead to."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from nanobook_core.contracts.itch_table import ORDERS
from nanobook_itch.ladder import Ladder
from nanobook_itch.layout import table_dtype
from nanobook_itch.lobster import DELETION, EXECUTION, PARTIAL_CANCEL, SUBMISSION, Message

if TYPE_CHECKING:
    from nanobook_itch.layout import Table

Levels = list[tuple[int, int]]

_KINDS = {PARTIAL_CANCEL: b"X", EXECUTION: b"E", DELETION: b"D"}

_FIRST_UNNAMED = 2**64 - 1


class _Order(NamedTuple):
    side: bytes
    price: int
    shares: int


class LobsterBook:
    """Orders and levels after each row; makes the rows of the table `orders`.

    The files begin within a day, and tell of the best levels only. So the orderbook file has shares
    of orders that no message names: they are one order a price here, whose reference counts down
    from 2^64-1.

    `problem` is called with a reason and a text, for what is wrong with a message; where it
    returns, the message is taken as far as it can be.
    """

    def __init__(self, problem: Callable[[str, str], None]) -> None:
        self._problem = problem
        self._orders: dict[int, _Order] = {}
        self._ladders = {b"B": Ladder(b"B"), b"S": Ladder(b"S")}
        #: References of orders that no message has named, by side and price.
        self._unnamed: dict[tuple[bytes, int], list[int]] = {}
        self._next_unnamed = _FIRST_UNNAMED
        #: Levels that were out of sight or not as messages say: their orders may be others.
        self._vague: set[tuple[bytes, int]] = set()
        #: Of each side, the worst price that the row before would have shown; None for any.
        self._sight: dict[bytes, int | None] = {}
        self._rows: list[tuple[Any, ...]] = []
        self._row, self._timestamp = 0, 0
        self.is_crossed = False
        """Whether the book has been locked or crossed."""

    def table(self) -> Table:
        """Return the table `orders`; its symbols and locates are empty."""
        return np.array(self._rows, table_dtype(ORDERS))

    def open(self, asks: Levels, bids: Levels, first: Message) -> None:
        """Enter what was in the book before the first message, from the row after it."""
        for side, levels in ((b"S", asks), (b"B", bids)):
            before = dict(levels)
            if (first.direction == 1) == (side == b"B"):
                sign = {SUBMISSION: -1, PARTIAL_CANCEL: 1, DELETION: 1, EXECUTION: 1}
                by = sign.get(first.type, 0) * first.size
                before[first.price] = before.get(first.price, 0) + by
            for price, shares in before.items():
                if shares > 0:
                    self._add_unnamed(side, price, shares)

    def apply(self, row: int, message: Message, *, may_be_unnamed: bool) -> bool:
        """Apply a message; False if it is of an order that may be another than messages say."""
        self._row, self._timestamp = row, message.timestamp
        kind, reference, size = message.type, message.order_id, message.size
        side = b"B" if message.direction == 1 else b"S"
        if kind not in (SUBMISSION, *_KINDS):
            return True
        if not (0 < size < 2**32 and message.price > 0 and 0 <= reference < 2**64):
            self._problem("no_shares", "an order has an id, a price and a size below 2^32")
            return True
        if kind == SUBMISSION:
            if reference in self._orders:
                self._problem("duplicate_reference", f"order {reference} is live")
                self._take(b"D", reference, self._orders[reference].shares)
            self._add(reference, side, message.price, size)
            return True
        order = self._orders.get(reference)
        if order is None:
            return self._apply_unnamed(side, message, may_be_unnamed=may_be_unnamed)
        if order.side != side:
            self._problem("bad_side", f"order {reference} is on the other side")
        is_vague = (order.side, order.price) in self._vague
        if size > order.shares or (kind == DELETION and size < order.shares):
            if not is_vague:
                text = f"{size} shares of order {reference}, which has {order.shares}"
                self._problem("excess", text)
            size = order.shares
        self._take(_KINDS[kind], reference, size)
        return not is_vague

    def match(self, asks: Levels, bids: Levels, levels: int, *, is_checked: bool) -> None:
        """Become what the orderbook file shows after the message.

        Where `is_checked`, what it showed before may have changed by the message only; what comes
        into sight may be anything.
        """
        changes = []
        for side, shown in ((b"S", asks), (b"B", bids)):
            ladder = self._ladders[side]
            last = shown[-1][0] if len(shown) == levels else None
            if ladder.best(levels) != shown:
                wanted = dict(shown)
                for price in sorted({*ladder.upto(last), *wanted}):
                    by = wanted.get(price, 0) - ladder.shares(price)
                    if by and is_checked and self._was_in_sight(side, price):
                        self._problem(
                            "other_book",
                            f"messages lead to {ladder.shares(price)} shares at {price}, the "
                            f"orderbook file has {wanted.get(price, 0)}",
                        )
                    if by:
                        changes.append((by, side, price))
            self._look(side, last)
        for by, side, price in sorted(changes):  # what goes, goes first: nothing need cross
            if by > 0:
                self._add_unnamed(side, price, by)
            else:
                self._take_any(side, price, -by)
            self._vague.add((side, price))

    def _look(self, side: bytes, last: int | None) -> None:
        """Note which levels go out of sight."""
        if (
            last != self._sight.get(side, last)
            and last is not None
            and self._was_in_sight(side, last)
        ):
            ladder = self._ladders[side]
            gone = ladder.upto(self._sight[side])[len(ladder.upto(last)) :]
            self._vague.update((side, price) for price in gone)
        self._sight[side] = last

    def _was_in_sight(self, side: bytes, price: int) -> bool:
        if side not in self._sight:
            return False
        last = self._sight[side]
        return last is None or (price <= last if side == b"S" else price >= last)

    def _apply_unnamed(self, side: bytes, message: Message, *, may_be_unnamed: bool) -> bool:
        """Apply a message of an order that was entered before the files begin, or out of sight."""
        if not may_be_unnamed:
            self._problem("unknown_reference", f"order {message.order_id} was not entered before")
        elif self._ladders[side].shares(message.price) >= message.size:
            self._take_any(side, message.price, message.size, named=False)
        return False

    def _take_any(self, side: bytes, price: int, shares: int, *, named: bool = True) -> None:
        """Take shares off a price: of orders without a name first, then of the newest."""
        there = list(self._unnamed.get((side, price), ()))
        if named:
            there += [
                reference
                for reference, order in reversed(self._orders.items())
                if order[:2] == (side, price) and reference not in there
            ]
        for reference in there:
            taken = min(shares, self._orders[reference].shares)
            if taken:
                self._take(b"X", reference, taken)
                shares -= taken

    def _add_unnamed(self, side: bytes, price: int, shares: int) -> None:
        reference, self._next_unnamed = self._next_unnamed, self._next_unnamed - 1
        self._unnamed.setdefault((side, price), []).append(reference)
        self._add(reference, side, price, shares)

    def _add(self, reference: int, side: bytes, price: int, shares: int) -> None:
        self._orders[reference] = _Order(side, price, shares)
        self._ladders[side].change(price, shares)
        self._note(b"A", reference, self._orders[reference], shares)
        bid, ask = (self._ladders[side].best(1) for side in (b"B", b"S"))
        if bid and ask and bid[0][0] >= ask[0][0]:
            self.is_crossed = True

    def _take(self, kind: bytes, reference: int, shares: int) -> None:
        side, price, before = self._orders[reference]
        order = _Order(side, price, before - shares)
        self._ladders[side].change(price, -shares)
        if not self._ladders[side].shares(price):
            self._vague.discard((side, price))
        if order.shares:
            self._orders[reference] = order
        else:
            del self._orders[reference]
            if reference in (there := self._unnamed.get((side, price), [])):
                there.remove(reference)
        self._note(kind, reference, order, shares)

    def _note(self, kind: bytes, reference: int, order: _Order, shares: int) -> None:
        side, price, remaining = order
        at_price = self._ladders[side].shares(price)
        head = (self._row, self._timestamp, reference, 0, price, shares, remaining, at_price)
        self._rows.append((*head, b"", 0, kind, side))
