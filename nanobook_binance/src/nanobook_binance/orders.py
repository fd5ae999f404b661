"""Every order and execution that is known, by all the names they go by."""

from __future__ import annotations

import datetime as dt
import itertools
import logging
from collections import defaultdict
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Protocol

from nanobook_binance.journal_row import PairFill, exec_id
from nanobook_binance.known_order import KnownOrder, OrderKey
from nanobook_binance.message import ToldOrder, ToldTrade
from nanobook_binance.order_form import told_order
from nanobook_core.broker import OrderRecord
from nanobook_core.contracts import (
    BrokerProtocolError,
    Fill,
    OrderAck,
    OrderNotFoundError,
    OrderReference,
)
from nanobook_core.errors import ValidationError

log = logging.getLogger("nanobook.broker")


class OrdersListener(Protocol):
    """Hears what becomes of orders."""

    def order_told(self, known: KnownOrder, *, is_changed: bool) -> None:
        """Something was said of an order."""
        ...

    def executed(self, one: PairFill) -> None:
        """An execution was told for the first time."""
        ...


class Orders:
    """The venue's numbers, of orders as of executions, count by pair. It belongs to no thread."""

    def __init__(self, listener: OrdersListener, name_of: Callable[[str], str]) -> None:
        """Begin without any; `name_of` says by what symbol a pair goes here."""
        self.contradiction = ""
        """Why what is known cannot be of this venue; empty if it can."""
        self._listener = listener
        self._name_of = name_of
        self._numbers = itertools.count(1)
        self._all: dict[int, KnownOrder] = {}
        self._by_key: dict[OrderKey, KnownOrder] = {}
        self._pairs: dict[str, None] = {}
        """In the order in which they became known."""
        self._by_name: defaultdict[str, list[KnownOrder]] = defaultdict(list)
        self._fills: dict[str, PairFill] = {}

    def __iter__(self) -> Iterator[KnownOrder]:
        """All of them, in the order in which they became known."""
        return iter(list(self._all.values()))

    def add(self, known: KnownOrder) -> KnownOrder:
        """Take in an order."""
        known.number = next(self._numbers)
        if not known.venue_id:
            known.record.order_id = -known.number
        self._all[known.number] = known
        self._pairs[known.pair] = None
        self._by_name[known.client_order_id].append(known)
        if known.venue_id:
            self._by_key[known.key] = known
        return known

    def add_fill(self, one: PairFill) -> None:
        """Take in an execution that was told before."""
        self._fills[one.fill.exec_id] = one
        known = self._by_key.get((one.pair, one.fill.order_id))
        if known is not None:
            known.record.fill(one.fill)

    def has(self, known: KnownOrder) -> bool:
        """Whether it is one of these, and not of those of an earlier connection."""
        return self._all.get(known.number) is known

    def withdraw(self, known: KnownOrder) -> None:
        """Forget an order that was not sent after all."""
        if self.has(known):
            del self._all[known.number]
            self._by_name[known.client_order_id].remove(known)

    def named(self, client_order_id: str) -> KnownOrder | None:
        """Return the latest order of a client order id: one in doubt, one's own, or of others.

        One that the venue never took comes last.
        """
        return max(self._by_name.get(client_order_id, []), key=_rank, default=None)

    def find(self, reference: OrderReference) -> KnownOrder | None:
        """Return an order by its number, or the latest of a client order id.

        Raises:
            OrderNotFoundError: two pairs have an order of that number.

        """
        if isinstance(reference, str):
            return self.named(reference) if reference else None
        if isinstance(reference, OrderAck) and "symbol" in reference.venue_ids:
            return self._by_key.get((reference.venue_ids["symbol"], int(reference)))
        if reference < 0:
            return self._all.get(-reference)
        keys = [(pair, int(reference)) for pair in self._pairs]
        found = [self._by_key[key] for key in keys if key in self._by_key]
        if len(found) > 1:
            names = " and ".join(
                f"{known.client_order_id!r} of {known.record.order.symbol}" for known in found
            )
            raise OrderNotFoundError(
                f"{int(reference)} is the number of {names}, as the venue counts by symbol; "
                "say which by its client order id",
                broker="binance",
            )
        return found[0] if found else None

    def of_others(self) -> list[PairFill]:
        """Executions that are in no journal."""
        known = [(one, self.of(one)) for one in self._fills.values()]
        return [one for one, order in known if order is None or not order.is_own]

    def of(self, one: PairFill) -> KnownOrder | None:
        """Return the order of an execution, where it is known."""
        return self._by_key.get((one.pair, one.fill.order_id))

    def executions(self, known: KnownOrder) -> list[PairFill]:
        """Executions of an order."""
        return [self._fills[fill.exec_id] for fill in known.record.fills]

    def fills(self) -> list[Fill]:
        """Executions, oldest first; of one millisecond, in the order in which they were learnt of.

        Of one pair, that is the order in which they happened.
        """
        return [one.fill for one in sorted(self._fills.values(), key=_moment)]

    def told(self, told: ToldOrder) -> KnownOrder | None:
        """Hear how far an order is; one that was not known is that of others.

        None for one that cannot be shown here.
        """
        known = self._known(told)
        if known is None:
            return None
        known.identified(told.order_id)
        self._by_key[known.key] = known
        before = known.standing
        for trade in told.trades:
            self._take_in(trade, known)
        known.told(told)
        self._listener.order_told(known, is_changed=known.standing != before)
        return known

    def told_trade(self, told: ToldTrade) -> None:
        """Hear of an execution."""
        known = self._by_key.get((told.pair, told.order_id))
        if known is None:
            self._take_in(told, None)
            return
        before = known.standing
        self._take_in(told, known)
        self._listener.order_told(known, is_changed=known.standing != before)

    def _take_in(self, told: ToldTrade, known: KnownOrder | None) -> None:
        """Count an execution once."""
        name = exec_id(told.pair, told.order_id, told.trade_id)
        if name in self._fills:
            self._check_same(self._fills[name].fill, told)
            if known is not None:  # which may have been met after it
                known.record.fill(self._fills[name].fill)
            return
        fill = Fill(
            exec_id=name,
            order_id=told.order_id,
            client_order_id="" if known is None else known.client_order_id,
            symbol=self._name_of(told.pair) if known is None else known.record.order.symbol,
            side=told.side,
            quantity=told.quantity,
            price=told.price,
            fee=told.fee,
            fee_currency=told.fee_asset,
            liquidity="maker" if told.is_maker else "taker",
            time=told.at,
        )
        try:
            if known is not None:
                known.record.fill(fill)
        except BrokerProtocolError as error:
            self._contradict(str(error))
            return
        one = self._fills[name] = PairFill(told.pair, told.trade_id, fill)
        self._listener.executed(one)

    def _known(self, told: ToldOrder) -> KnownOrder | None:
        known = self._by_key.get((told.pair, told.order_id))
        if known is not None:
            if known.can_be(told):
                return known
            self._contradict(
                f"order {told.order_id} of {told.pair} is {known.side} {known.client_order_id!r} "
                f"here, and {told.side} {told.client_order_id!r} at the venue"
            )
            return None
        for known in self._by_name.get(told.client_order_id, []):
            if known.is_that(told):
                return known
        return self._met(told)

    def _met(self, told: ToldOrder) -> KnownOrder | None:
        try:
            order, order_type = told_order(told, self._name_of(told.pair))
        except (ValidationError, OverflowError) as error:
            log.warning("order %s of %s cannot be shown: %s", told.order_id, told.pair, error)
            return None
        return self.add(
            KnownOrder(
                record=OrderRecord(order_id=told.order_id, order=order, is_own=False),
                pair=told.pair,
                client_order_id=told.client_order_id,
                order_type=order_type,
                venue_id=told.order_id,
            )
        )

    def _check_same(self, fill: Fill, told: ToldTrade) -> None:
        mine = (fill.side, fill.quantity, fill.price)
        theirs = (told.side, told.quantity, told.price)
        if mine != theirs:
            self._contradict(
                f"execution {fill.exec_id} is {_shown(*mine)} here, and {_shown(*theirs)} at the "
                "venue"
            )

    def _contradict(self, text: str) -> None:
        if not self.contradiction:
            log.error("%s; it is not taken in", text)
            self.contradiction = text


def _shown(side: str, quantity: Decimal, price: Decimal) -> str:
    return f"{side} {quantity} at {price}"


def _moment(one: PairFill) -> dt.datetime:
    assert one.fill.time is not None  # noqa: S101 - the venue tells it of each
    return one.fill.time


def _rank(known: KnownOrder) -> tuple[bool, bool, bool, dt.datetime, int]:
    is_there = bool(known.venue_id)
    return (not (is_there or known.is_free), is_there, known.is_own, *known.age)
