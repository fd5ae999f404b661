"""A recorded market as requests, for an exchange of our own."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator, Mapping
from decimal import ROUND_FLOOR, Context, Decimal
from os import PathLike
from pathlib import Path

from nanobook_binance.depth import changes
from nanobook_binance.depth_sync import Change, DepthSync
from nanobook_binance.recorded_feed import Level
from nanobook_core.contracts import Event, EventKind, Instrument
from nanobook_core.errors import ValidationError
from nanobook_core.types import Side, TimeInForce, check_symbol

#: The venue writes every price and quantity of its spot market with eight places.
_PLACES = Decimal("0.00000001")
#: Rounds down, so that what fits is never taken for what does not.
_WIDE = Context(prec=40, rounding=ROUND_FLOOR, traps=[])


class DepthEvents(list[tuple[str, Event]]):
    """Symbol and request, in order, with what an event itself does not say."""

    def __init__(self, price_unit: Decimal, quantity_unit: Decimal) -> None:
        super().__init__()
        self.price_unit = price_unit
        """What a price of 1 is, in the quote asset."""
        self.quantity_unit = quantity_unit
        """What a quantity of 1 is, in the base asset."""
        self.timestamps = array("q")
        """Of each event, when its message was received, in nanoseconds."""
        self.update_ids = array("q")
        """Of each event, the update after which the book is as the venue's once all are made."""
        self.n_gaps = 0
        """Of lenient reading, how often the book was lost."""


def parse_binance_depth(
    path: str | PathLike[str],
    *,
    price_unit: Decimal = _PLACES,
    quantity_unit: Decimal = _PLACES,
    names: Mapping[str, str] | None = None,
    strict: bool = True,
) -> DepthEvents:
    """Return the requests that make the books of a recorded market; see `read_binance_depth`.

    The requests of an update first take away and then add, so that none trades. What a level gains
    is a new order, behind those that are there; what it loses is taken from the newest first, as
    the feed does not say whose it was: an order of one's own among them is never nearer to its turn
    than it would have been.

    Prices and quantities are whole numbers of the units, by default of the eight places that the
    venue writes. A symbol's lot need not be fine enough: orders of before it was made coarser are
    still there. `names` says what a symbol shall be called: an exchange's name has at most 8
    characters.

    Raises:
        OSError: the file cannot be read.
        TypeError: a unit is no Decimal.
        ValidationError: as `read_binance_depth`; or a price or a quantity is not a whole number of
            units up to 2^63-1, or a symbol is too long.

    """
    instrument = Instrument(symbol="", tick=price_unit, lot=quantity_unit)
    events = DepthEvents(price_unit, quantity_unit)
    queues: dict[str, _Queues] = {}
    books: dict[str, DepthSync] = {}
    for change in changes(Path(path), books, strict=strict):
        queue = queues.get(change.symbol)
        if queue is None:
            name = check_symbol((names or {}).get(change.symbol, change.symbol))
            if any(other.name == name for other in queues.values()):
                raise ValidationError(f"names: two symbols are called {name!r}")
            queue = queues[change.symbol] = _Queues(name, instrument)
        for event in queue.requests(change):
            events.append((queue.name, event))
            events.timestamps.append(change.timestamp_ns)
            events.update_ids.append(change.update_id)
    events.n_gaps = sum(book.n_gaps for book in books.values())
    return events


class _Queues:
    """The orders that stand for a symbol's levels."""

    def __init__(self, name: str, instrument: Instrument) -> None:
        self.name = name
        self._instrument = instrument
        self._next_id = 1
        self._orders: dict[tuple[Side, int], list[tuple[int, int]]] = {}
        """Id and quantity of each order of a level, oldest first."""

    def requests(self, change: Change) -> Iterator[Event]:
        targets: dict[tuple[Side, int], int] = {}
        if change.is_whole:
            targets = dict.fromkeys(self._orders, 0)
        targets |= self._targets(Side.BUY, change.bids)
        targets |= self._targets(Side.SELL, change.asks)
        more = []
        for level, target in targets.items():
            excess = sum(quantity for _, quantity in self._orders.get(level, ())) - target
            if excess > 0:
                yield from self._take(level, excess)
            elif excess < 0:
                more.append((level, -excess))
        for (side, price), quantity in more:
            self._orders.setdefault((side, price), []).append((self._next_id, quantity))
            self._next_id += 1
            yield Event(
                EventKind.SUBMIT_LIMIT,
                side=side,
                price=price,
                quantity=quantity,
                time_in_force=TimeInForce.GTC,
                post_only=True,
            )

    def _take(self, level: tuple[Side, int], excess: int) -> Iterator[Event]:
        orders = self._orders[level]
        while excess:
            order_id, quantity = orders.pop()
            if quantity <= excess:
                yield Event(EventKind.CANCEL, order_id=order_id)
                excess -= quantity
            else:
                orders.append((order_id, quantity - excess))
                yield Event(EventKind.REDUCE, order_id=order_id, quantity=excess)
                excess = 0
        if not orders:
            del self._orders[level]

    def _targets(self, side: Side, levels: Iterable[Level]) -> dict[tuple[Side, int], int]:
        tick, lot = self._instrument.tick, self._instrument.lot
        try:
            return {
                (side, self._instrument.to_ticks(_fitting(price, tick))): (
                    self._instrument.to_lots(_fitting(size, lot))
                )
                for price, size in levels
            }
        except ValidationError as error:
            raise ValidationError(
                f"{self.name}{error}; give another price_unit or quantity_unit"
            ) from None


def _fitting(number: Decimal, unit: Decimal) -> Decimal:
    """Return a number of which as many units as there are fit into 64 bits."""
    if _WIDE.divide(number, unit) >= 2**63:
        raise ValidationError(f": at most 2^63-1 units fit, got {number} in units of {unit}")
    return number
