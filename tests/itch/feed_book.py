"""The book of each stock after each order message of a feed, from the naive model."""

from tests.itch import model


class Book:
    """Live orders of a stock."""

    def __init__(self, orders):
        #: By side and price, the shares of each order in the order of the queue.
        self.queues = {}
        for row in orders:
            key = (row["side"].decode(), int(row["price"]))
            self.queues.setdefault(key, []).append(int(row["shares"]))

    @property
    def is_crossed(self):
        """Or locked."""
        bids = [price for side, price in self.queues if side == "B"]
        asks = [price for side, price in self.queues if side == "S"]
        return bool(bids and asks and max(bids) >= min(asks))


class FeedBook:
    """Yields the row of `orders` and the `Book` after each message that changed an order."""

    def __init__(self, data, *, strict=True):
        self.data = data
        self.strict = strict

    def __iter__(self):
        books = model.Books(
            symbols=None, strict=self.strict, tables=frozenset({"orders"}), depth=1, grid=None,
            start=0, end=2**63 - 1,
        )  # fmt: skip
        place = 0
        while place + 2 <= len(self.data):
            size = 2 + int.from_bytes(self.data[place : place + 2])
            # A length of 0 alone would be the end of the feed.
            books.feed(self.data[place : place + max(size, 3)])
            place += size
            for row in books.take()["orders"]:
                book = Book(books.orders(int(row["locate"])))
                yield row, book


def book_of(exchange):
    """The book of an exchange in the form of `Book.queues`."""
    snapshot = exchange.full_book()
    sides = (("B", snapshot.bids), ("S", snapshot.asks))
    return {
        (side, level.price): [order.remaining_quantity for order in level.orders]
        for side, levels in sides
        for level in levels
    }
