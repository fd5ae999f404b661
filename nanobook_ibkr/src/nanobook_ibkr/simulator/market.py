"""One contract's book, which clients and the liquidity source share, and its tape."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from attrs import evolve, frozen

from nanobook_core.broker.exact import total
from nanobook_core.contracts.engine import Engine
from nanobook_core.contracts.instrument import Instrument
from nanobook_core.plugin.registry import default_registry
from nanobook_core.types import Side
from nanobook_ibkr.simulator.instruments import check_definition
from nanobook_ibkr.simulator.record import ContractDefinition, Top
from nanobook_ibkr.simulator.source_quote import SourceQuote

#: Lots of a quote without a size: no order is as large, and thousands of them fit into a level.
BOTTOMLESS = 2**44
#: Lots that such a quote shows.
_SHOWN = 1000
#: Requests after which a book forgets what is over.
_FORGET_AFTER = 4096


@frozen
class Match:
    """One trade with a resting order, at that one's price."""

    price: Decimal
    quantity: Decimal
    passive: int | None
    """Perm id of the resting order; None is the source's."""


def rules_of(definition: ContractDefinition) -> Instrument:
    """Steps of a contract's prices and sizes."""
    check_definition(definition)
    steps = definition.price_steps
    return Instrument(
        symbol=definition.symbol,
        currency=definition.currency,
        tick=steps[0][1],
        tick_bands=steps[1:],
        lot=definition.size_increment,
        min_quantity=definition.min_size,
        multiplier=Decimal(definition.multiplier or 1),
        shortable=definition.shortable,
    )


class Market:
    """Matches at price and time priority on nanobook's own engine."""

    def __init__(self, definition: ContractDefinition) -> None:
        self.definition = definition
        self.rules = rules_of(definition)
        self.is_shortable = definition.shortable
        self.halted = 0
        self.quote = SourceQuote()
        """What the source offers, or will once trading resumes."""
        self.tape = Top()
        """Last, volume, high, low, open and close; the prices and sizes are in the book."""
        self.is_told = True
        """Whether the listeners know its top."""
        self._engine: Engine = default_registry().create("engine", "exchange", log_events=False)
        self._perm_ids: dict[int, int] = {}
        self._posted: dict[Side, int] = {}
        self._requests = 0

    @property
    def mark(self) -> Decimal | None:
        """What a holding is worth: the last price, else a touch or the close; None without any."""
        if self.tape.last is not None:
            return self.tape.last
        return self.best(Side.BUY) or self.best(Side.SELL) or self.tape.close

    def best(self, side: Side) -> Decimal | None:
        """Best price that rests on that side."""
        ticks = self._engine.best_bid() if side is Side.BUY else self._engine.best_ask()
        return None if ticks is None else self.rules.from_ticks(ticks)

    def match(self, side: Side, quantity: Decimal, limit: Decimal | None) -> list[Match]:
        """Trade up to the limit with all that it meets."""
        lots = self.rules.to_lots(quantity)
        self._touched()
        if limit is None:
            result = self._engine.submit_market(side, lots)
        else:
            result = self._engine.submit_limit(side, self.rules.to_ticks(limit), lots, "ioc")
        return [
            Match(
                self.rules.from_ticks(trade.price),
                self.rules.from_lots(trade.quantity),
                self._perm_ids.get(trade.passive_order_id),
            )
            for trade in result.trades
        ]

    def rest(self, side: Side, quantity: Decimal, limit: Decimal, perm_id: int) -> int:
        """Put what has met nobody into the book; its number there."""
        self._touched()
        ticks, lots = self.rules.to_ticks(limit), self.rules.to_lots(quantity)
        book_id = self._engine.submit_limit(side, ticks, lots).order_id
        self._perm_ids[book_id] = perm_id
        return book_id

    def remove(self, book_id: int) -> None:
        """Take an order out of the book."""
        self._touched()
        self._engine.cancel(book_id)
        self._perm_ids.pop(book_id, None)

    def reduce(self, book_id: int, by: Decimal) -> None:
        """Take quantity off an order that keeps its place."""
        self._touched()
        self._engine.reduce(book_id, self.rules.to_lots(by))

    def offered(self, side: Side, limit: Decimal | None) -> Iterator[tuple[int | None, Decimal]]:
        """Perm id and quantity of those that an order of that side would meet, in their turn."""
        for perm_id, ticks, lots in self._resting(side.opposite):
            price = self.rules.from_ticks(ticks)
            if limit is not None and (price > limit if side is Side.BUY else price < limit):
                return
            yield perm_id, self.rules.from_lots(lots)

    def post(self, side: Side, price: Decimal, quantity: Decimal) -> None:
        """Put the source's quote into the book."""
        self._touched()
        lots = self.rules.to_lots(quantity)
        self._posted[side] = self._engine.submit_limit(
            side, self.rules.to_ticks(price), lots
        ).order_id

    def withdraw(self) -> None:
        """Take the source's quotes out of the book."""
        self._touched()
        for book_id in self._posted.values():
            self._engine.cancel(book_id)
        self._posted.clear()

    def top(self) -> Top:
        """Best prices with the sizes there, and the tape."""
        book = self._engine.depth(1)
        found: dict[str, Any] = {}
        for side, name, levels in ((Side.BUY, "bid", book.bids), (Side.SELL, "ask", book.asks)):
            if levels:
                lots = levels[0].quantity - self._hidden(side, levels[0].price)
                found[name] = self.rules.from_ticks(levels[0].price)
                found[f"{name}_size"] = self.rules.from_lots(lots)
        return evolve(self.tape, **found, halted=self.halted)

    def printed(self, price: Decimal, quantity: Decimal, at: dt.datetime) -> None:
        """Put a trade on the tape."""
        tape = self.tape
        self.tape = evolve(
            tape,
            last=price,
            last_size=quantity,
            volume=total(tape.volume, quantity),
            high=price if tape.high is None else max(tape.high, price),
            low=price if tape.low is None else min(tape.low, price),
            open=price if tape.open is None else tape.open,
            time=at,
        )

    def quoted(self, at: dt.datetime) -> None:
        """Put the quote's last price on the tape; without one, the last is moved to the touch.

        So the last price follows a market that moves without trades; it starts at the bid, and goes
        with the quote where nothing has traded. Where there is a high and a low they go with it.
        """
        bid, ask, last, volume = self.quote.bid, self.quote.ask, self.quote.last, self.quote.volume
        self.quote = evolve(self.quote, last=None, volume=None)  # said once
        if last is None and (bid is not None or ask is not None or self.tape.last_size):
            last = self.tape.last
            if bid is not None:
                last = bid if last is None else max(last, bid)
            if ask is not None:
                last = ask if last is None else min(last, ask)
        tape = self.tape
        self.tape = evolve(
            tape,
            last=last,
            time=tape.time if last == tape.last else at,
            volume=tape.volume if volume is None else volume,
            high=tape.high if tape.high is None or last is None else max(tape.high, last),
            low=tape.low if tape.low is None or last is None else min(tape.low, last),
        )

    def close_at(self, price: Decimal) -> None:
        """Say what the price was when the day before ended."""
        self.tape = evolve(self.tape, close=price)

    def end_day(self) -> None:
        """The last price becomes the close; nothing has traded on the next day."""
        self._touched()
        self.tape = Top(last=self.tape.last, close=self.tape.last, time=self.tape.time)

    def _resting(self, side: Side) -> Iterator[tuple[int | None, int, int]]:
        book = self._engine.full_book()
        for level in book.bids if side is Side.BUY else book.asks:
            for order in level.orders:
                yield self._perm_ids.get(order.id), order.price, order.remaining_quantity

    def _touched(self) -> None:
        self.is_told = False
        self._requests += 1
        if self._requests % _FORGET_AFTER == 0:
            self._engine.clear_trades()
            self._engine.clear_order_history()

    def _hidden(self, side: Side, ticks: int) -> int:
        if side not in self._posted or self.quote.side(side)[1] is not None:
            return 0
        posted = self._engine.get_order(self._posted[side])
        if posted is None or posted.price != ticks:
            return 0
        return posted.remaining_quantity - _SHOWN
