"""Orders are matched in order books."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from attrs import define, field

from nanobook_core.contracts import FillRequest, Fills
from nanobook_core.errors import shown

Books = Callable[[int], Mapping[str, Any]]


def _books(value: object) -> Any:
    if callable(value) or hasattr(value, "__getitem__"):
        return value
    raise TypeError(
        "books is a function from the period's number to books by symbol, or a mapping or "
        f"MultiExchange that is kept throughout; got {shown(value)}"
    )


@define
class OrderBook:
    """Sends each order as a market order to its symbol's book; every print is a fill.

    Assumes that the books show what could be traded at that moment; that our orders arrive in
    column order, one after another, and nobody reacts to them; that what they take is gone for
    those that follow; and that what a book cannot fill is dropped. The price that a simulation
    values holdings at is not that of the book, and the difference is paid for in the fill.

    `books` is a function from the number of a period to a mapping from symbol to `Exchange`, or
    one mapping or `MultiExchange` for the whole run, which the orders change for good. A symbol
    without a book fills nothing.

    Raises:
        TypeError: what is given is neither.

    """

    books: Any = field(converter=_books)

    def fill(self, request: FillRequest) -> Fills:
        """All prints of the orders, in the order in which they are made."""
        books = self.books(request.period) if callable(self.books) else self.books
        rows: list[tuple[int, int, int]] = []
        for order, (column, quantity) in enumerate(
            zip(request.column.tolist(), request.quantity.tolist(), strict=True)
        ):
            symbol = request.symbols[column]
            if symbol not in books:
                continue
            side, sign = ("buy", 1) if quantity > 0 else ("sell", -1)
            result = books[symbol].submit_market(side, abs(quantity))
            rows += [(order, sign * trade.quantity, int(trade.price)) for trade in result.trades]
        filled = np.array(rows, np.int64).reshape(-1, 3)
        return Fills(order=filled[:, 0], quantity=filled[:, 1], price=filled[:, 2])
