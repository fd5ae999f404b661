"""A feed replayed into exchanges of our own."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import numpy as np
from attrs import frozen

from nanobook_core.errors import shown
from nanobook_core.lob.multi import MultiExchange
from nanobook_itch.feed import ItchFeed
from nanobook_itch.order_replay import Replay, check_crossed, order_messages
from nanobook_itch.request import PRICE_UNIT, in_units, symbols_of
from nanobook_itch.time_of_day import END_OF_TIME, TimeOfDay, nanoseconds

if TYPE_CHECKING:
    from nanobook_core.lob.exchange import ExchangeBase

    #: Called after each message that changed an order, with its time (nanoseconds since midnight),
    #: symbol and exchange.
    OnStep = Callable[[int, str, ExchangeBase], None]


@frozen(kw_only=True, repr=False)
class ReplayResult:
    """What became of a replay."""

    n_messages: int
    """Of those that change orders."""
    references: Mapping[int, tuple[str, int]]
    """Symbol and id at its exchange of each order that the feed still has, by its reference."""
    held: Mapping[str, tuple[int, ...]]
    """References of orders that are held back at the end, as they would trade, by symbol."""
    n_held: int
    """Orders that were held back at some time."""
    n_problems: Mapping[str, int]
    """What was wrong with the feed, by reason; empty where nothing was."""
    is_complete: bool | None
    """Whether the feed has told its end, or its source ended without; None where `until` came
    first."""
    missing: tuple[str, ...]
    """Symbols that were asked for and that the feed has not named so far."""

    def __repr__(self) -> str:
        counts = {
            "n_messages": self.n_messages,
            "references": len(self.references),
            "held": sum(map(len, self.held.values())),
            "n_held": self.n_held,
            "n_problems": sum(self.n_problems.values()),
        }
        return f"ReplayResult({', '.join(f'{name}: {n:,}' for name, n in counts.items())})"


def replay_into(
    multi: MultiExchange,
    source: Any,
    *,
    symbols: Iterable[str] | None = None,
    strict: bool = True,
    until: TimeOfDay | None = None,
    on_step: OnStep | None = None,
    crossed: str = "hold",
    price_unit: Decimal = PRICE_UNIT,
    progress: bool = True,
) -> ReplayResult:
    """Enter the orders of a NASDAQ ITCH 5.0 feed into exchanges, one for each symbol.

    The requests are those of `parse_itch`: an order is entered where it does not trade; executions
    and partial cancels reduce it, deletes cancel it, replaces cancel it and enter another. So
    nothing trades, and after each message an exchange's book is the feed's, queues included, if it
    was empty before. Who enters orders of his own meanwhile, as in `on_step`, has them beside the
    feed's; if one of the feed's trades, the replay ends with an error as soon as the feed changes
    it by more than is left.

    Where the feed's book is locked or crossed, as in a halt, an exchange would trade: with
    `crossed="hold"` the order that would trade is entered as soon as it would not, in the order of
    arrival, and until then the books differ by it; `"raise"` ends the replay there.

    Args:
        multi: exchanges of symbols that it lacks are made.
        source: of the feed, as of `ItchFeed`.
        symbols: those that are wanted; None means all.
        strict: as of `ItchFeed`.
        until: messages of later times are left out.
        on_step: called after each message that changes orders, with its time in nanoseconds since
            midnight, symbol and exchange.
        crossed: see above.
        price_unit: of the exchanges' prices, in dollars. An exchange itself shows prices as if its
            unit were a cent: by default its repr has a hundred times the dollars, and with
            `Decimal("0.01")` the dollars, if the feed has no prices between cents.
        progress: as of `ItchFeed`.

    Raises:
        TypeError, ValidationError: an argument is of a wrong type or not allowed.
        ValidationError, OverflowError: `price_unit` does not hold a price exactly, or at all; what
            came before is replayed.
        OSError: the source cannot be read.
        ItchError: the feed is not what its specification says, its book is crossed and may not be,
            or an exchange does not have an order as the feed does. What came before is replayed,
            of a feed that is wrong maybe not to the last message.

    """
    if not isinstance(multi, MultiExchange):
        raise TypeError(f"multi is a MultiExchange, got {shown(multi)}")
    if not (on_step is None or callable(on_step)):
        raise TypeError(f"on_step is called with time, symbol and exchange, got {shown(on_step)}")
    in_units(np.zeros(0, np.int64), price_unit)
    replay = Replay(multi, hold=check_crossed(crossed))
    end = END_OF_TIME if until is None else nanoseconds(until, "until") + 1
    feed = ItchFeed(source, symbols=symbols, strict=strict, progress=progress)
    names: dict[int, str] = {}
    n_messages = 0
    for run in feed.book_chunks(tables=("orders",), end=end):
        orders = run["orders"]
        symbols_of(orders, names)
        prices = in_units(orders["price"], price_unit)
        for message in order_messages(orders, names, prices):
            replay.apply(message)
            if on_step is not None:
                on_step(message.timestamp, message.symbol, multi.get_or_create(message.symbol))
        n_messages += len(orders)
    held: dict[str, list[int]] = {}
    for reference, order in replay.held.items():
        held.setdefault(order.message.symbol, []).append(reference)
    return ReplayResult(
        n_messages=n_messages,
        references={
            reference: (names[placed.locate], placed.order_id)
            for reference, placed in replay.placed.items()
        },
        held={symbol: tuple(references) for symbol, references in held.items()},
        n_held=replay.n_held,
        n_problems=run.n_problems,
        is_complete=run.is_complete,
        missing=run.missing,
    )
