"""The books of a feed in exchanges of our own, one order message after another."""

from __future__ import annotations

from collections.abc import Iterator
from heapq import heappop, heappush
from typing import TYPE_CHECKING, Any, NamedTuple

from nanobook_core.errors import ItchError, ValidationError, shown
from nanobook_core.types import Side
from nanobook_itch.request import CANCEL, REDUCE, SUBMIT
from nanobook_itch.time_of_day import clock

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from nanobook_core.lob.multi import MultiExchange
    from nanobook_itch.layout import Table


class OrderMessage(NamedTuple):
    """A row of the table `orders`."""

    sequence: int
    timestamp: int
    kind: bytes
    locate: int
    symbol: str
    side: Side
    reference: int
    new_reference: int
    price: int
    """In the unit of the exchanges."""
    shares: int
    remaining: int


class Request(NamedTuple):
    """What an exchange was asked, and did."""

    op: int
    locate: int
    reference: int
    order_id: int
    side: Side
    price: int
    shares: int


class Placed(NamedTuple):
    """An order of the feed that an exchange has."""

    exchange: Any
    order_id: int
    locate: int
    symbol: str


class Held(NamedTuple):
    """An order of the feed that is held back, as it would trade."""

    message: OrderMessage
    """That it came with."""
    reference: int
    arrival: int
    """Counts those that were held back."""
    shares: int
    """What remains of it."""


def order_messages(
    orders: Table, symbols: dict[int, str], prices: NDArray[Any]
) -> Iterator[OrderMessage]:
    """Yield the rows of the table `orders`, with symbols by locate and prices in another unit."""
    locates = orders["locate"].tolist()
    columns = (
        orders["sequence"].tolist(),
        orders["timestamp"].tolist(),
        orders["type"].tolist(),
        locates,
        map(symbols.__getitem__, locates),
        (Side.BUY if side == b"B" else Side.SELL for side in orders["side"].tolist()),
        orders["reference"].tolist(),
        orders["new_reference"].tolist(),
        prices.tolist(),
        orders["shares"].tolist(),
        orders["remaining"].tolist(),
    )
    return map(OrderMessage._make, zip(*columns, strict=True))


def check_crossed(crossed: object) -> bool:
    """Return whether orders that would trade are held back.

    Raises:
        ValidationError: the word is neither `hold` nor `raise`.

    """
    if crossed not in ("hold", "raise"):
        raise ValidationError(f'crossed is "hold" or "raise", got {shown(crossed)}')
    return crossed == "hold"


class Replay:
    """Makes the requests of order messages at exchanges.

    An order that would trade, as its price is at or through the best one of the other side, is
    held back where `hold` says so. As soon as it would not, it is entered, in the order of arrival:
    so it stands in the queue as it does in the feed.
    """

    def __init__(self, exchanges: MultiExchange, *, hold: bool) -> None:
        self._exchanges = exchanges
        self._found: dict[str, Any] = {}
        self._hold = hold
        self.placed: dict[int, Placed] = {}
        """Orders that are live and not held back, by the feed's reference."""
        self.held: dict[int, Held] = {}
        """By reference, in the order of arrival."""
        #: Of a symbol and side: price, those first that are the first to be entered, arrival and
        #: reference. They stay here when they are gone, until they come first.
        self._queues: dict[tuple[str, Side], list[tuple[int, int, int]]] = {}
        self.n_held = 0
        """Orders that were ever held back."""
        self.requests: list[Request] | None = None
        """What was asked of exchanges, if it is to be kept."""

    def apply(self, message: OrderMessage) -> None:
        """Make the requests of a message.

        Raises:
            ItchError: an order would trade and may not be held back; nothing has been done. Or an
                exchange does not have an order as the feed has it: others have changed it.

        """
        kind, reference = message.kind, message.reference
        changed = {message.symbol: None}
        if kind in b"EXC":
            if message.shares:
                self._reduce(message)
        elif kind == b"D":
            self._cancel(message, reference)
        else:
            is_crossing = self._crosses(message)
            if is_crossing and not self._hold:
                raise self._refusal(message)
            if kind == b"U":
                self._cancel(message, reference)
                reference = message.new_reference
            # Of lenient reading: the older order goes first.
            if reference in self.placed or reference in self.held:
                if reference in self.placed:
                    changed[self.placed[reference].symbol] = None
                self._cancel(message, reference)
            if is_crossing:
                self._keep(message, reference)
            else:
                self._submit(message, message.shares, reference)
        for symbol in changed if self.held else ():
            self._release(symbol)

    def _exchange(self, symbol: str) -> Any:
        exchange = self._found.get(symbol)
        if exchange is None:
            exchange = self._found[symbol] = self._exchanges.get_or_create(symbol)
        return exchange

    def _crosses(self, message: OrderMessage) -> bool:
        exchange = self._exchange(message.symbol)
        if message.side is Side.BUY:
            best = exchange.best_ask()
            return best is not None and message.price >= best
        best = exchange.best_bid()
        return best is not None and message.price <= best

    def _submit(self, message: OrderMessage, shares: int, reference: int) -> None:
        exchange = self._exchange(message.symbol)
        side, price = message.side, message.price
        result = exchange.submit_limit(side, price, shares)  # which cannot trade
        self.placed[reference] = Placed(exchange, result.order_id, message.locate, message.symbol)
        self._note(SUBMIT, message.locate, reference, result.order_id, side, price, shares)

    def _cancel(self, message: OrderMessage, reference: int) -> None:
        order = self.placed.pop(reference, None)
        if order is None:
            del self.held[reference]
            return
        result = order.exchange.cancel(order.order_id)
        _check(message, reference, order, result)
        self._note(CANCEL, order.locate, reference, order.order_id)

    def _reduce(self, message: OrderMessage) -> None:
        reference, by = message.reference, message.shares
        order = self.placed.get(reference)
        if order is None:
            self.held[reference] = self.held[reference]._replace(shares=message.remaining)
            if not message.remaining:
                del self.held[reference]
            return
        if not message.remaining:
            del self.placed[reference]
        result = order.exchange.reduce(order.order_id, by)
        _check(message, reference, order, result)
        self._note(REDUCE, order.locate, reference, order.order_id, shares=by)

    def _keep(self, message: OrderMessage, reference: int) -> None:
        self.n_held += 1
        self.held[reference] = Held(message, reference, self.n_held, message.shares)
        # A bid is entered once the best ask is above it: the lowest first.
        key = message.price if message.side is Side.BUY else -message.price
        queue = self._queues.setdefault((message.symbol, message.side), [])
        heappush(queue, (key, self.n_held, reference))

    def _release(self, symbol: str) -> None:
        for side in Side:
            ready = []
            queue = self._queues.get((symbol, side), [])
            while queue:
                _, arrival, reference = queue[0]
                order = self.held.get(reference)
                if order is not None and order.arrival == arrival:
                    if self._crosses(order.message):
                        break
                    ready.append(order)
                heappop(queue)
            for message, reference, _, shares in sorted(ready, key=lambda order: order.arrival):
                del self.held[reference]
                self._submit(message, shares, reference)

    def _note(  # noqa: PLR0917 - the fields of a request
        self,
        op: int,
        locate: int,
        reference: int,
        order_id: int,
        side: Side = Side.BUY,
        price: int = 0,
        shares: int = 0,
    ) -> None:
        if self.requests is not None:
            self.requests.append(Request(op, locate, reference, order_id, side, price, shares))

    def _refusal(self, message: OrderMessage) -> ItchError:
        bid, ask = self._exchange(message.symbol).best_bid_ask()
        return _error(
            message,
            f"an order to {message.side} at {message.price} would trade, where the best bid is "
            f"{bid} and the best ask {ask}: the feed's book is locked or crossed; "
            'crossed="hold" enters it when it no longer would',
        )


def _check(message: OrderMessage, reference: int, order: Placed, result: Any) -> None:
    if not result.success:
        raise _error(
            message,
            f"order {reference} is number {order.order_id} of its exchange, which does not have "
            f"it as the feed does ({result.error}): others have changed it",
        )


def _error(message: OrderMessage, reason: str) -> ItchError:
    return ItchError(
        f"{message.symbol} at {clock(message.timestamp)}, message {message.sequence}: {reason}",
        type=message.kind.decode(),
    )
