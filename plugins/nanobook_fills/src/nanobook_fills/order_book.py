"""Orders are matched in order books."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from attrs import define, field

from nanobook_core.contracts import FillRequest, Fills
from nanobook_core.portfolio.market import Market, check_reach, market, send


def _books(value: Market | Callable[[int], Market]) -> Market | Callable[[int], Market]:
    return value if callable(value) else market(value, "books is a function of the period, or it")


@define
class OrderBook:
    """Sends each order as a market order to its symbol's book; every print is a fill.

    Assumes that the books show what could be traded at that moment; that our orders arrive in
    column order, one after another, and nobody reacts to them; that what they take is gone for
    those that follow; and that what a book cannot fill is dropped. The price that a simulation
    values holdings at is not that of the book, and the difference is paid for in the fill.

    `books` is a function from the number of a period to a mapping from symbol to `Exchange`, or
    one mapping or `MultiExchange` for the whole run, which the orders change for good: a second
    run needs new ones. The function is called once for a period; later orders of it, of stops, are
    sent to what the first have left of its books, so that runs at the same time need a model each.
    A symbol without a book fills nothing.

    Raises:
        TypeError: what is given is neither.

    """

    books: Market | Callable[[int], Market] = field(converter=_books)
    _latest: Market | None = field(default=None, init=False, eq=False, repr=False)

    def fill(self, request: FillRequest) -> Fills:
        """All prints of the orders, in the order in which they are made.

        Raises:
            TypeError: the function gave no books by symbol.
            ValidationError: an order would be filled at a price below 1; it is not sent.

        """
        books = self._now(request)
        rows: list[tuple[int, int, int]] = []
        for order, (column, lots) in enumerate(
            zip(request.column.tolist(), request.quantity.tolist(), strict=True)
        ):
            symbol = request.symbols[column]
            if symbol in books:
                check_reach(books, symbol, lots)
                rows += [(order, lot, price) for lot, price in send(books, symbol, lots)]
        filled = np.array(rows, np.int64).reshape(-1, 3)
        return Fills(order=filled[:, 0], quantity=filled[:, 1], price=filled[:, 2])

    def _now(self, request: FillRequest) -> Market:
        if not callable(self.books):
            return self.books
        if self._latest is None or request.is_first:
            period = request.period
            self._latest = market(self.books(period), f"books of period {period}")
        return self._latest
