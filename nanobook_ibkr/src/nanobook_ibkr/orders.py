"""Every order and execution that is known, by all the numbers they go by."""

from __future__ import annotations

import datetime as dt
import logging
from collections import defaultdict
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Protocol

from attrs import evolve

from nanobook_core.broker import OrderRecord
from nanobook_core.contracts import BrokerOrder, BrokerProtocolError, Fill, OrderReference
from nanobook_core.errors import ValidationError
from nanobook_core.types import Side
from nanobook_ibkr.known_order import KnownOrder
from nanobook_ibkr.message import (
    Commission,
    CompletedOrder,
    Execution,
    OpenOrder,
    OrderStatus,
    VenueContract,
)
from nanobook_ibkr.order_form import ToldOrder, adopted_order, order_type_of

log = logging.getLogger("nanobook.broker")

#: What tells orders apart: `orderRef`, side, symbol.
_Marks = tuple[str, Side, str]

_LIQUIDITY = {1: "maker", 2: "taker"}


class OrdersListener(Protocol):
    """Who is told of what the messages came to."""

    def order_told(self, known: KnownOrder, *, is_changed: bool) -> None:
        """Take note that the venue spoke of an order, and whether that changed it."""
        ...

    def executed(self, fill: Fill) -> None:
        """Take note of an execution that is new."""
        ...

    def fee_told(self, fill: Fill) -> None:
        """Take note of an execution whose fee came later."""
        ...


class Orders:
    """Orders and executions of an account, fed by messages in whatever order they come.

    They are told by one thread at a time; the listener is called within. Of what has happened
    nothing is lost or counted twice: executions go by their ids, orders by the venue's number
    (perm id), and until that is known by their client's.
    """

    def __init__(
        self, client_id: int, listener: OrdersListener, symbol_of: Callable[[VenueContract], str]
    ) -> None:
        """Start with none; orders of `client_id` are our own, `symbol_of` names contracts."""
        self.session = 0
        """Number of the running connection."""
        self.contradiction = ""
        """What of this connection shows that what is known came from another venue."""
        self._client_id = client_id
        self._listener = listener
        self._symbol_of = symbol_of
        self._orders: list[KnownOrder] = []
        self._by_perm_id: dict[int, KnownOrder] = {}
        self._by_number: dict[tuple[int, int], KnownOrder] = {}
        self._by_ref: defaultdict[str, list[KnownOrder]] = defaultdict(list)
        self._fills: dict[str, Fill] = {}
        self._exec_ids: defaultdict[int, set[str]] = defaultdict(set)
        """Those of an order, by its perm id; also of executions that no longer stand."""
        #: What stands of an execution and its corrections, by what their ids share.
        self._standing: dict[str, str] = {}
        self._fees: dict[str, Commission] = {}
        #: What was said of orders whose terms are not known yet.
        self._early: defaultdict[int, dict[OrderStatus, None]] = defaultdict(dict)

    def __iter__(self) -> Iterator[KnownOrder]:
        return iter(tuple(self._orders))

    def fills(self) -> list[Fill]:
        """Executions as they stand, oldest first; what was taken back is none."""
        standing = (fill for fill in self._fills.values() if fill.quantity)
        return sorted(standing, key=lambda fill: (fill.time or _NEVER, fill.exec_id))

    def fill(self, exec_id: str) -> Fill:
        """Return an execution that stands."""
        return self._fills[exec_id]

    def has_fill(self, exec_id: str) -> bool:
        """Whether that execution is known, or a correction of it."""
        standing = self._standing.get(_stem(exec_id))
        return standing is not None and _revision(standing) >= _revision(exec_id)

    def find(self, reference: OrderReference) -> KnownOrder | None:
        """Find by number, or the latest of a client order id: one's own before those of others."""
        if isinstance(reference, str):
            found = self._by_ref.get(reference, [])
            return max(found, key=lambda known: known.is_own, default=None)
        if reference > 0:
            return self._by_perm_id.get(reference)
        return self._by_number.get((self._client_id, -reference))

    def has_number(self, known: KnownOrder) -> bool:
        """Whether the venue would take its client's number for it, and for no other order."""
        if known.client_id is None or known.ib_order_id <= 0:
            return False
        return self._by_number.get((known.client_id, known.ib_order_id)) is known

    def sent(
        self, order: BrokerOrder, ib_order_id: int, limit: Decimal | None, session: int
    ) -> KnownOrder:
        """Take in an order that is about to be sent."""
        record = OrderRecord(order_id=-ib_order_id, order=order)
        record.submitted()
        known = KnownOrder(
            record=record,
            client_id=self._client_id,
            ib_order_id=ib_order_id,
            order_ref=order.client_order_id or "",
            order_type=order.order_type,
            limit=limit,
            session=session,
        )
        self.add(known)
        return known

    def withdraw(self, known: KnownOrder) -> None:
        """Forget an order that was not sent after all."""
        self._orders.remove(known)
        self._by_ref[known.order_ref].remove(known)
        del self._by_number[self._client_id, known.ib_order_id]

    def add(self, known: KnownOrder) -> None:
        """Take in an order."""
        self._orders.append(known)
        if known.order_ref:
            self._by_ref[known.order_ref].insert(0, known)
        self._know_number(known)
        if known.perm_id:
            self._know_perm_id(known, known.perm_id)

    def add_fill(self, fill: Fill) -> None:
        """Take in an execution that was told before."""
        self._keep(fill)
        known = self._by_perm_id.get(fill.order_id)
        if known is not None:
            known.record.fill(fill)

    def told_open(self, message: OpenOrder, at: dt.datetime) -> KnownOrder | None:
        """Hear of an order that is or was open; None where too little is said of it."""
        if self._is_contradicted(message):
            return None
        known = self._named(message)
        if known is None:
            is_own = message.client_id == self._client_id and message.order_id > 0
            known = self._adopted(message, is_own=is_own)
            if known is None:
                return None
            known.is_untold = True  # its status comes next, and says how much has filled
        self._know_client(known, message)
        self._know_perm_id(known, message.perm_id)
        is_changed = known.told_open(message, at) and not known.is_untold
        self._listener.order_told(known, is_changed=is_changed)
        self._hear_early(known, at)
        return known

    def told_completed(self, message: CompletedOrder, at: dt.datetime) -> KnownOrder | None:
        """Hear of an order that is done; None where too little is said of it."""
        if self._is_contradicted(message):
            return None
        known = self._by_perm_id.get(message.perm_id)
        if known is None and message.order_ref:  # one that was in doubt until now
            named = self._by_ref.get(message.order_ref, [])
            known = next((known for known in named if not known.perm_id), None)
        # Nothing says whose it is; a guess, until an execution does.
        known = known or self._adopted(message, is_own=bool(message.order_ref))
        if known is None:
            return None
        self._know_perm_id(known, message.perm_id)
        self._listener.order_told(known, is_changed=known.told_completed(message, at))
        return known

    def told_status(self, message: OrderStatus, at: dt.datetime) -> KnownOrder | None:
        """Hear how far an order is; None while its terms are not known."""
        known = self._of(message.perm_id, message.client_id, message.order_id)
        if known is not None and _is_of_another(known, message):
            return None
        if known is not None and self._may_be_anothers(known):
            known = None
        if known is None:
            if message.perm_id:
                self._early[message.perm_id][message] = None  # repeated ones once
            return None
        self._know_perm_id(known, message.perm_id)
        self._tell(known, is_changed=known.told_status(message, at))
        return known

    def told_error(
        self, ib_order_id: int, code: int, text: str, at: dt.datetime
    ) -> KnownOrder | None:
        """Hear what the venue says of an order of this client; None if there is no such order."""
        known = self._by_number.get((self._client_id, ib_order_id))
        if known is None or (self._may_be_anothers(known) and not known.is_cancelling):
            return None
        self._listener.order_told(known, is_changed=known.told_error(code, text, at))
        return known

    def told_execution(self, message: Execution, at: dt.datetime) -> bool:
        """Hear of an execution; say whether it is new. A correction takes the place of another."""
        if self._is_contradicted(message):
            return False
        if self.has_fill(message.exec_id):
            return False
        if not message.quantity and _stem(message.exec_id) not in self._standing:
            self._standing[_stem(message.exec_id)] = message.exec_id
            return False  # taken back before it was heard of
        known = self._named(message)
        if known is not None:
            self._know_client(known, message)
            self._know_perm_id(known, message.perm_id)
        fill = self._fill(message, known)
        changed = False
        try:
            changed = known is not None and known.told_fill(fill, message, at)
        except BrokerProtocolError as error:  # of the account it is all the same
            log.error("%s", error)  # noqa: TRY400 - it says everything
            known = None
        self._keep(fill)
        self._listener.executed(fill)
        if known is not None:
            self._tell(known, is_changed=changed)
        return True

    def told_commission(self, message: Commission) -> None:
        """Hear what an execution cost; it may come before that."""
        self._fees[message.exec_id] = message
        fill = self._fills.get(message.exec_id)
        if fill is None or fill.is_fee_known:
            return
        fill = self._with_fee(fill)
        self._fills[fill.exec_id] = fill
        known = self._by_perm_id.get(fill.order_id)
        if known is not None:
            known.record.fill(fill)
        self._listener.fee_told(fill)

    def _fill(self, message: Execution, known: KnownOrder | None) -> Fill:
        return self._with_fee(
            Fill(
                exec_id=message.exec_id,
                order_id=message.perm_id,
                client_order_id=message.order_ref,
                symbol=(
                    self._symbol_of(message.contract)
                    if known is None
                    else known.record.order.symbol
                ),
                side=message.side,
                quantity=message.quantity,
                price=message.price,
                is_fee_known=False,
                liquidity=_LIQUIDITY.get(message.liquidity, ""),
                time=message.time,
                corrects=self._standing.get(_stem(message.exec_id)) or _before(message.exec_id),
            )
        )

    def _with_fee(self, fill: Fill) -> Fill:
        told = self._fees.get(fill.exec_id)
        if told is None:
            return fill
        return evolve(fill, fee=told.commission, fee_currency=told.currency, is_fee_known=True)

    def _keep(self, fill: Fill) -> None:
        stem = _stem(fill.exec_id)
        self._fills.pop(self._standing.get(stem, ""), None)
        self._standing[stem] = fill.exec_id
        self._fills[fill.exec_id] = fill
        self._exec_ids[fill.order_id].add(fill.exec_id)

    def _is_contradicted(self, message: ToldOrder | Execution) -> bool:
        """Whether what is known of that number, or execution, cannot be what is told.

        Such numbers are nobody else's for ever: what is known came from another venue.
        """
        told = (message.order_ref, message.side, self._symbol_of(message.contract))
        known = self._by_perm_id.get(message.perm_id)
        if known is not None:
            order = known.record.order
            mine = (known.order_ref, order.side, order.symbol)
            if _differ(mine, told):
                self._contradict(f"order {message.perm_id}", mine, told)
                return True
        if isinstance(message, Execution):
            fill = self._fills.get(self._standing.get(_stem(message.exec_id), ""))
            if fill is not None:
                mine = (fill.client_order_id, fill.side, fill.symbol)
                if _differ(mine, told):
                    self._contradict(f"execution {message.exec_id}", mine, told)
                    return True
        return False

    def _contradict(self, what: str, mine: _Marks, told: _Marks) -> None:
        ours, theirs = (f"{ref!r}, {side} {symbol}" for ref, side, symbol in (mine, told))
        text = f"{what} is {ours} here, and {theirs} at the venue"
        log.error("%s; it is not taken in", text)
        self.contradiction = self.contradiction or text

    def _named(self, message: OpenOrder | Execution) -> KnownOrder | None:
        known = self._of(message.perm_id, message.client_id, message.order_id)
        if known is not None and not known.perm_id and known.order_ref != message.order_ref:
            return None  # another order has its number
        return known

    def _of(self, perm_id: int, client_id: int, ib_order_id: int) -> KnownOrder | None:
        known = self._by_perm_id.get(perm_id)
        if known is None and ib_order_id > 0:
            known = self._by_number.get((client_id, ib_order_id))
            if known is not None and known.perm_id and perm_id:
                return None  # the venue has begun to count anew
        return known

    def _may_be_anothers(self, known: KnownOrder) -> bool:
        """Whether what goes by its number alone may be said of another order that has that too."""
        return not known.perm_id and known.session != self.session

    def _adopted(self, message: ToldOrder, *, is_own: bool) -> KnownOrder | None:
        try:
            order = adopted_order(message, self._symbol_of(message.contract))
        except (ValidationError, OverflowError) as error:
            log.warning("order %s cannot be shown: %s", message.perm_id, error)
            return None
        known = KnownOrder(
            record=OrderRecord(order_id=message.perm_id, order=order, is_own=is_own),
            client_id=message.client_id if isinstance(message, OpenOrder) else None,
            ib_order_id=message.order_id if isinstance(message, OpenOrder) else 0,
            perm_id=message.perm_id,
            order_ref=message.order_ref,
            order_type=order_type_of(message),
        )
        self.add(known)
        return known

    def _tell(self, known: KnownOrder, *, is_changed: bool) -> None:
        is_changed, known.is_untold = is_changed or known.is_untold, False
        self._listener.order_told(known, is_changed=is_changed)

    def _know_client(self, known: KnownOrder, message: OpenOrder | Execution) -> None:
        """Learn whose it is, of one that was met as a completed order."""
        if known.client_id is None:
            known.client_id, known.ib_order_id = message.client_id, message.order_id
            known.record.is_own = message.client_id == self._client_id and message.order_id > 0
            self._know_number(known)

    def _know_number(self, known: KnownOrder) -> None:
        if known.client_id is None or known.ib_order_id <= 0:
            return
        number = (known.client_id, known.ib_order_id)
        before = self._by_number.get(number)
        if before is None or not known.perm_id or not self._is_on_its_way(before):
            self._by_number[number] = known

    def _is_on_its_way(self, known: KnownOrder) -> bool:
        return not known.perm_id and known.session == self.session

    def _know_perm_id(self, known: KnownOrder, perm_id: int) -> None:
        known.identified(perm_id)
        if not perm_id or perm_id in self._by_perm_id:
            return
        self._by_perm_id[perm_id] = known
        for exec_id in sorted(self._exec_ids.get(perm_id, set()) & self._fills.keys()):
            known.record.fill(self._fills[exec_id])

    def _hear_early(self, known: KnownOrder, at: dt.datetime) -> None:
        for message in self._early.pop(known.perm_id, ()):
            self._tell(known, is_changed=known.told_status(message, at))


_NEVER = dt.datetime.min.replace(tzinfo=dt.UTC)


def _differ(mine: _Marks, told: _Marks) -> bool:
    """Whether these are two orders; of one that has no `orderRef`, side and symbol must do."""
    if mine[0] and told[0]:
        return mine[0] != told[0]
    return mine[1:] != told[1:]


def _is_of_another(known: KnownOrder, message: OrderStatus) -> bool:
    """Whether it has the venue's number of one order, and its client's number of another."""
    if known.client_id is None or known.ib_order_id <= 0 or message.order_id <= 0:
        return False
    return (known.client_id, known.ib_order_id) != (message.client_id, message.order_id)


def _stem(exec_id: str) -> str:
    """Return what an execution and its corrections share."""
    return exec_id.rpartition(".")[0] or exec_id


def _before(exec_id: str) -> str:
    """Return what a correction corrects that was never told here; empty for what is none."""
    stem, _, last = exec_id.rpartition(".")
    before = _revision(exec_id) - 1
    return f"{stem}.{before:0{len(last)}}" if before > 0 else ""


def _revision(exec_id: str) -> int:
    last = exec_id.rpartition(".")[2]
    return int(last) if last.isdecimal() else 0
