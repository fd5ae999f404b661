"""What the venue says of orders, as it comes: kept, written down, and told to whoever waits."""

from __future__ import annotations

import asyncio
import datetime as dt
import logging
import threading
from collections.abc import Callable, Coroutine, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

from nanobook_core.contracts import (
    BrokerError,
    BrokerEvent,
    BrokerOrderStatus,
    BrokerProtocolError,
    ConnectionInfo,
    ConnectionState,
    Fill,
    OrderNotFoundError,
    OrderReference,
    OrderState,
    Outcome,
)
from nanobook_core.contracts.cents import WIDE
from nanobook_core.contracts.clock import Clock
from nanobook_core.errors import ValidationError
from nanobook_ibkr.counter import Counter
from nanobook_ibkr.journal import Journal
from nanobook_ibkr.known_order import KnownOrder
from nanobook_ibkr.message import (
    Commission,
    CompletedOrder,
    Execution,
    OpenOrder,
    OrderStatus,
    VenueContract,
)
from nanobook_ibkr.orders import Orders
from nanobook_ibkr.resync import compare
from nanobook_ibkr.session import Session

log = logging.getLogger("nanobook.broker")


class OrderDesk:
    """The orders of one broker; it is the listener of its session and of its orders.

    Messages come on the loop's thread, questions from any: `changed` is held for either, and never
    while the disk or the venue is waited for.
    """

    def __init__(
        self,
        client_id: int,
        *,
        clock: Clock,
        publish: Callable[[BrokerEvent], None],
        wake: Callable[[], None],
        symbol_of: Callable[[VenueContract], str],
    ) -> None:
        """Begin without orders; `open` reads those of the journal.

        `wake` is called where something is to be written down soon of which there is no event.
        """
        self.client_id = client_id
        self.changed = threading.Condition()
        self.session: Session | None = None
        self.session_number = 0
        """Of all connections that the journal has seen: this one."""
        self.next_valid_id = 0
        """Number that the venue gave out for the next order when this connection began."""
        self._counts_since = 1
        self.compared = 0
        """Number of the last connection in which everything was compared with the venue."""
        self.is_durable = False
        self._clock = clock
        self._publish = publish
        self._wake = wake
        self._symbol_of = symbol_of
        self._sockets = 0
        self._missed: list[Fill] = []
        self._unexplained: dict[str, Decimal] = {}
        self.reconcile: Callable[[Session], Coroutine[Any, Any, None]] | None = None
        """Called after each comparison that follows a connection."""
        self._asking: asyncio.Task[None] | None = None
        self._journal: Journal | None = None
        self.orders = Orders(client_id, self, symbol_of)

    @property
    def journal(self) -> Journal:
        """The journal, while it is open."""
        assert self._journal is not None  # noqa: S101 - asked between `open` and `close` only
        return self._journal

    def open(self, path: Path | None) -> None:
        """Open the journal and take in what it has; one in memory is there for as long as this is.

        Raises:
            ConnectError, SessionConflictError: it cannot be used.

        """
        if self._journal is not None:
            return
        journal = Journal(path, self._clock.now())
        try:
            known_orders, fills = journal.orders(), journal.fills()
            number = int(journal.entry("sessions") or 0)
        except BaseException:
            journal.close()
            raise
        with self.changed:
            self._journal, self.is_durable = journal, path is not None
            self.session_number, self._sockets, self.compared = number, 0, 0
            self.orders = Orders(self.client_id, self, self._symbol_of)
            for known in known_orders:
                known.record.lost()  # what was on its way
                self.orders.add(known)
            for fill in fills:
                self.orders.add_fill(fill)

    @property
    def is_open(self) -> bool:
        """Whether there is a journal to write to."""
        return self._journal is not None

    @property
    def records_since(self) -> dt.datetime | None:
        """Since when every order is in a file before it is sent; None if there is no file."""
        journal = self._journal  # which another thread may be closing
        return journal.created if journal is not None and self.is_durable else None

    def flush(self) -> None:
        """Write down what has happened; the venue tells again what could not be written."""
        journal = self._journal
        if journal is not None:
            try:
                journal.flush()
            except BrokerError:
                log.exception("what has happened is not in the journal yet")

    def close(self) -> None:
        """Write what is to be written, and let the file go, also if it cannot be written to."""
        if self._journal is not None and self.is_durable:
            journal, self._journal = self._journal, None
            try:
                journal.close()
            except BrokerError:
                log.exception("what has happened is not in the journal")
        self._sockets = 0

    # What the session tells.

    def open_order(self, order: OpenOrder) -> None:
        """See `SessionListener`, here and below."""
        with self.changed:
            self.orders.told_open(order, self._clock.now())

    def order_status(self, status: OrderStatus) -> None:
        """Take in how far an order has come."""
        with self.changed:
            self.orders.told_status(status, self._clock.now())

    def completed_order(self, order: CompletedOrder) -> None:
        """Take in an order that is done."""
        with self.changed:
            self.orders.told_completed(order, self._clock.now())

    def execution(self, execution: Execution) -> None:
        """Take in an execution; what a question brought to light was missed."""
        with self.changed:
            is_new = self.orders.told_execution(execution, self._clock.now())
            if is_new and execution.request_id >= 0:
                self._missed.append(self.orders.fill(execution.exec_id))

    def commission(self, commission: Commission) -> None:
        """Take in the cost of an execution."""
        with self.changed:
            self.orders.told_commission(commission)

    def order_error(self, order_id: int, code: int, text: str) -> None:
        """Take in what the venue says of an order of this client."""
        with self.changed:
            known = self.orders.told_error(order_id, code, text, self._clock.now())
            self.changed.notify_all()
        if known is not None and known.is_doubtful and self._asking is None:
            self._asking = asyncio.get_running_loop().create_task(self._ask())

    def connection_changed(self, info: ConnectionInfo) -> None:
        """Tell everybody."""
        self._publish(BrokerEvent(connection=info))
        with self.changed:
            self.changed.notify_all()

    async def _ask(self) -> None:
        try:
            if self.session is not None:
                await compare(self, self.session)
        except BrokerError as error:  # the next resync asks again
            log.warning("what became of a refused order could not be asked: %s", error)
        finally:
            self._asking = None

    async def resync(self) -> None:
        """Compare everything with the venue."""
        session = self.session
        assert session is not None  # noqa: S101 - it calls this
        if session.connections != self._sockets:
            self._begin(session)
        await compare(self, session)
        if self.reconcile is not None:
            await self.reconcile(session)

    # What the orders tell.

    def order_told(self, known: KnownOrder, *, is_changed: bool) -> None:
        """See `OrdersListener`, here and below."""
        self.journal.note(known)
        if is_changed:
            self._publish(BrokerEvent(order=known.status()))
        self.changed.notify_all()

    def executed(self, fill: Fill) -> None:
        """Take note of an execution."""
        self.journal.note(fill)
        self._publish(BrokerEvent(fill=fill))

    def fee_told(self, fill: Fill) -> None:
        """Take note of a fee that came later; its execution was an event already."""
        self.journal.note(fill)
        self._wake()
        self.changed.notify_all()

    # What others ask.

    def find(self, reference: OrderReference) -> KnownOrder:
        """Return an order by its number, or the latest of a client order id.

        Raises:
            OrderNotFoundError: there is none.

        """
        known = self.known(reference)
        if known is None:
            raise OrderNotFoundError(f"there is no order {reference!r:.60}", broker="ibkr")
        return known

    def known(self, reference: OrderReference) -> KnownOrder | None:
        """Return an order, or None where there is none."""
        with self.changed:
            return self.orders.find(reference)

    def working(self, scope: str) -> list[KnownOrder]:
        """Orders that may still fill, those in doubt too, oldest first."""
        with self.changed:
            found = [
                known
                for known in self.orders
                if not known.is_done and (known.is_own or scope == "all")
            ]
            return sorted(found, key=lambda known: (not known.perm_id, abs(known.record.order_id)))

    def open_orders(self, scope: str) -> list[BrokerOrderStatus]:
        """Where those stand that the venue has."""
        with self.changed:
            return [
                known.status()
                for known in self.working(scope)
                if known.perm_id and known.record.state is not OrderState.UNKNOWN
            ]

    def fills(self) -> list[Fill]:
        """Executions, oldest first."""
        with self.changed:
            return self.orders.fills()

    def lacks_executions(self) -> bool:
        """Whether more has filled of an order of one's own than its executions say."""
        with self.changed:
            return any(known.is_own and known.is_missing_fills for known in self.orders)

    @property
    def is_syncing(self) -> bool:
        """Whether the venue is being asked what there is."""
        return self.session is not None and self.session.state is ConnectionState.SYNCING

    def wait_synced(self, timeout: float) -> None:
        """Return once a comparison that follows a connection is done, or takes too long."""
        if self.is_syncing:
            with self.changed:
                self.changed.wait_for(lambda: not self.is_syncing, timeout)

    def is_executed(self, client_order_id: str) -> bool:
        """Whether there is an execution of that client order id."""
        return any(fill.client_order_id == client_order_id for fill in self.fills())

    def status(self, known: KnownOrder) -> BrokerOrderStatus:
        """Where it stands."""
        with self.changed:
            return known.status()

    def missed_fills(self) -> tuple[Fill, ...]:
        """Executions that nobody was told of when they happened; each is returned once."""
        with self.changed:
            missed, self._missed = self._missed, []
            standing = {fill.exec_id: fill for fill in self.orders.fills()}
            return tuple(standing[fill.exec_id] for fill in missed if fill.exec_id in standing)

    def note_unexplained(self, change: Mapping[str, Decimal]) -> None:
        """Take in what has come to positions without an execution."""
        with self.changed:
            for symbol, quantity in change.items():
                known = self._unexplained.get(symbol, Decimal(0))
                self._unexplained[symbol] = WIDE.add(known, quantity)

    def unexplained(self) -> dict[str, Decimal]:
        """Return that; each change is returned once."""
        with self.changed:
            changes, self._unexplained = self._unexplained, {}
            return {symbol: quantity for symbol, quantity in changes.items() if quantity}

    @property
    def contradiction(self) -> str:
        """Why what is known cannot be of this venue, and what to do; empty if it can."""
        text = self.orders.contradiction
        if not text:
            return ""
        if self.is_durable:
            return (
                f"{text}: the state file {self.journal.where} is of another gateway, or the "
                "records there were reset; use another state file"
            )
        return f"{text}: this is another gateway, or its records were reset; make another broker"

    def check_consistent(self) -> None:
        """Refuse to go by what came from another venue.

        Raises:
            BrokerProtocolError: it did; nothing was sent.

        """
        if self.contradiction:
            raise BrokerProtocolError(self.contradiction, broker="ibkr", outcome=Outcome.NOT_SENT)

    def prove_absent(self, known: KnownOrder) -> bool:
        """Whether it is proved that the venue never had an order of one's own.

        It has no word of the venue; the connection that it was sent in has ended, as another one
        has this client id; in this one everything was compared, and nothing goes by its client
        order id; and the venue, which began this connection with a number not above the order's,
        gives out numbers above all that it ever took: so it has not taken this one. That the venue
        has begun to count anew shows by the numbers that it gave out before, and by the orders that
        it took. Only a journal in a file knows those, and the connection. Or the venue has another
        order of that number.

        What was proved in an earlier connection stays so, as long as nothing is told of it in this
        one.
        """
        with self.changed:
            if self._can_prove(known):
                is_news = known.record.state is not OrderState.NOT_ACCEPTED
                is_free = self.orders.has_number(known)
                known.proved_absent(
                    self.session_number if is_free else 0, "it never reached the venue"
                )
                if is_news:
                    self.order_told(known, is_changed=True)
                return True
            is_compared = self.compared == self.session_number
            return is_compared and known.record.state is OrderState.NOT_ACCEPTED

    def may_send_again(self, known: KnownOrder) -> bool:
        """Whether it is proved absent, and its number has been nobody's since.

        Of one that was proved absent in an earlier connection the number may be that of another
        program's order by now, which would be changed into this one.
        """
        with self.changed:
            return self.prove_absent(known) and known.absent_in == self.session_number

    def _can_prove(self, known: KnownOrder) -> bool:
        if not self.is_durable or self.orders.contradiction or self.compared != self.session_number:
            return False
        if not known.is_own or known.client_id != self.client_id or known.heard or known.perm_id:
            return False
        taken = max(
            (
                other.ib_order_id
                for other in self.orders
                if other.client_id == self.client_id
                and other.heard
                and 0 < other.session < self.session_number
            ),
            default=0,
        )
        if not self._counts_since <= known.session < self.session_number:
            return False
        if not self.orders.has_number(known):  # another order has it: this one never will
            return True
        return taken < self.next_valid_id <= known.ib_order_id

    def _begin(self, session: Session) -> None:
        """Count a new connection.

        Raises:
            ValidationError: the journal is that of another account.

        """
        there = self.journal.entry("account")
        if there and there != session.account:
            raise ValidationError(
                f"{self.journal.where} is the journal of account {there!r:.40}, and this is "
                f"{session.account!r:.40}: give another `state`, or that account"
            )
        if not there:
            self.journal.write_entry("account", session.account)
        number, next_valid_id = self.session_number + 1, session.next_valid_id
        self.journal.write_entry("sessions", str(number))
        counter = Counter.read(self.journal.entry(f"counter {self.client_id}"))
        last = self.journal.last_order_id(self.client_id)
        if next_valid_id > max(last + 1, counter.largest):
            # Somebody has used numbers that are not in this file: with a later copy of it, perhaps.
            self.journal.begin_anew(self._clock.now())
        counter = counter.after(session.where, next_valid_id, number)
        self.journal.write_entry(f"counter {self.client_id}", counter.written())
        with self.changed:
            self._sockets = session.connections
            self.session_number = self.orders.session = number
            self.orders.contradiction = ""
            others = sorted(
                {
                    known.client_id
                    for known in self.working("own")
                    if known.client_id not in {None, self.client_id}
                }
            )
        if others:
            log.warning(
                "%s has open orders of client_id %s, which client_id %d can neither change nor "
                "cancel one by one",
                self.journal.where,
                ", ".join(map(str, others)),
                self.client_id,
            )
        with self.changed:
            self.next_valid_id, self._counts_since = next_valid_id, counter.since
