"""What the venue says of orders, as it comes: kept, written down, and told to whoever waits."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable
from pathlib import Path

from nanobook_binance.journal import Journal
from nanobook_binance.journal_row import PairFill
from nanobook_binance.known_order import KnownOrder
from nanobook_binance.message import ToldOrder, ToldTrade
from nanobook_binance.orders import Orders
from nanobook_core.contracts import (
    BrokerError,
    BrokerEvent,
    BrokerOrderStatus,
    BrokerProtocolError,
    Fill,
    NotConnectedError,
    OrderNotFoundError,
    OrderReference,
    OrderState,
    Outcome,
)
from nanobook_core.contracts.clock import Clock

log = logging.getLogger("nanobook.broker")


class OrderDesk:
    """The orders of one broker; it is the listener of its orders.

    What is told comes on any thread: `changed` is held for it, and never while the disk or the
    venue is waited for.
    """

    def __init__(
        self,
        *,
        clock: Clock,
        publish: Callable[[BrokerEvent], None],
        wake: Callable[[], None],
        name_of: Callable[[str], str],
    ) -> None:
        """Begin without orders; `open` reads those of the journal.

        `wake` is called where something is to be written down soon of which there is no event.
        """
        self.changed = threading.RLock()
        """Held for a moment, and taken and given back in one step, which no interrupt divides."""
        self.session = 0
        """Number of the connection; nothing of an earlier one may be sent."""
        self._clock = clock
        self._publish = publish
        self._wake = wake
        self._name_of = name_of
        self._is_asking = False
        self._missed: list[Fill] = []
        self._journal: Journal | None = None
        self.is_durable = False
        self.orders = Orders(self, name_of)

    @property
    def journal(self) -> Journal:
        """The journal, while it is open.

        Raises:
            NotConnectedError: it is not.

        """
        journal = self._journal  # which another thread may be closing
        if journal is None:
            raise NotConnectedError(broker="binance")
        return journal

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
        except BaseException:
            journal.close()
            raise
        with self.changed:
            self.session += 1
            self._journal, self.is_durable = journal, path is not None
            told_before = self.orders.of_others()
            self.orders = Orders(self, self._name_of)
            for known in known_orders:
                known.record.lost()  # what was on its way
                self.orders.add(known)
            for one in (*fills, *told_before):
                self.orders.add_fill(one)

    def began(self, now_ms: int) -> None:
        """Hear the venue's time at a moment since when nobody else can send what is in doubt.

        It is written down: a later start need not wait again.
        """
        with self.changed:
            for known in self.orders:
                if known.is_in_doubt and known.until_ms is None:
                    known.until_ms = now_ms
                    self._note(known)
        self.flush()

    @property
    def is_open(self) -> bool:
        """Whether there is a journal to write to."""
        return self._journal is not None

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
        self.session += 1
        if self._journal is not None and self.is_durable:
            journal, self._journal = self._journal, None
            try:
                journal.close()
            except BrokerError:
                log.exception("what has happened is not in the journal")

    # What the venue tells.

    def told(self, told: ToldOrder) -> KnownOrder | None:
        """Take in how far an order is; None for one that cannot be shown here."""
        with self.changed:
            return self.orders.told(told)

    def told_trades(self, trades: Iterable[ToldTrade]) -> None:
        """Take in executions that were asked for, oldest first: those that are new were missed."""
        with self.changed:
            self._is_asking = True
            try:
                for trade in trades:
                    self.orders.told_trade(trade)
            finally:
                self._is_asking = False

    # What the orders tell.

    def order_told(self, known: KnownOrder, *, is_changed: bool) -> None:
        """See `OrdersListener`, here and below."""
        if self.orders.has(known):
            self._note(known)
            if is_changed:
                self._publish(BrokerEvent(order=known.status()))

    def executed(self, one: PairFill) -> None:
        """Take note of an execution; of others' orders none is kept."""
        known = self.orders.of(one)
        if known is not None and known.is_own:
            self._note(one)
        if self._is_asking:
            self._missed.append(one.fill)
        self._publish(BrokerEvent(fill=one.fill))

    def forget(self, known: KnownOrder) -> None:
        """Have it that an order was not sent after all."""
        with self.changed:
            known.is_sending = False
            if self.orders.has(known):  # else its name may be another's
                self.orders.withdraw(known)
                if self._journal is not None:
                    self._journal.forget(known)

    def _note(self, thing: KnownOrder | PairFill) -> None:
        """Remember it to be written; what comes after the end, the venue tells again."""
        if self._journal is not None:
            self._journal.note(thing)

    # What others ask, and say.

    def find(self, reference: OrderReference) -> KnownOrder:
        """Return an order by its number, or the latest of a client order id.

        Raises:
            OrderNotFoundError: there is none.

        """
        known = self.known(reference)
        if known is None:
            raise OrderNotFoundError(
                f"there is no order {reference!r:.60} here; find_order asks the venue for one by "
                "its client order id and its symbol",
                broker="binance",
            )
        return known

    def known(self, reference: OrderReference) -> KnownOrder | None:
        """Return an order, or None where there is none."""
        with self.changed:
            return self.orders.find(reference)

    def claim(self, known: KnownOrder) -> None:
        """Take for one's own what is asked for by its client order id."""
        with self.changed:
            if not known.is_own:
                known.record.is_own = True
                self._note(known)
                for one in self.orders.executions(known):
                    self._note(one)

    def working(self, scope: str = "own") -> list[KnownOrder]:
        """Orders that may still fill, those in doubt too, oldest first."""
        with self.changed:
            found = [
                known
                for known in self.orders
                if not known.is_done and (known.is_own or scope == "all")
            ]
            return sorted(found, key=lambda known: known.age)

    def in_doubt(self) -> list[KnownOrder]:
        """Orders of which nobody knows whether the venue has them."""
        return [known for known in self.working() if known.is_in_doubt]

    def lacking(self) -> list[KnownOrder]:
        """Orders of which more has filled than their executions say."""
        with self.changed:
            return [known for known in self.orders if known.venue_id and known.is_missing_fills]

    def open_orders(self, scope: str) -> list[BrokerOrderStatus]:
        """Where those stand that the venue has."""
        with self.changed:
            return [
                known.status()
                for known in self.working(scope)
                if known.venue_id and known.record.state is not OrderState.UNKNOWN
            ]

    def fills(self) -> list[Fill]:
        """Executions, oldest first."""
        with self.changed:
            return self.orders.fills()

    def status(self, known: KnownOrder) -> BrokerOrderStatus:
        """Where it stands."""
        with self.changed:
            return known.status()

    def missed_fills(self) -> tuple[Fill, ...]:
        """Executions that nobody was told of when they happened; each is returned once."""
        with self.changed:
            missed, self._missed = self._missed, []
            return tuple(missed)

    def told_absent(self, known: KnownOrder, reason: str = "it never reached the venue") -> None:
        """Take in the proof that the venue never took an order."""
        with self.changed:
            if known.is_in_doubt:
                known.proved_absent(reason)
                self.order_told(known, is_changed=True)

    def told_archived(self, known: KnownOrder, reason: str) -> None:
        """Take in that an order ended long ago without an execution."""
        with self.changed:
            known.told_archived(reason)
            self.order_told(known, is_changed=True)

    def check_session(self, known: KnownOrder) -> None:
        """Refuse to send what was written down in a connection that has ended.

        Raises:
            NotConnectedError: it was; nothing was sent.

        """
        if known.session != self.session:
            raise NotConnectedError(
                "not connected: the connection has ended before the order was sent",
                broker="binance",
                client_order_id=known.client_order_id,
            )

    def check_current(self, known: KnownOrder) -> None:
        """Refuse to go by a record in whose place the next connection has put another.

        Raises:
            NotConnectedError: it is one; what the venue tells of the order is not told to it.

        """
        if not self.orders.has(known):
            raise NotConnectedError(
                "not connected: the connection that the order was sent in has ended",
                broker="binance",
                outcome=Outcome.UNKNOWN,
                client_order_id=known.client_order_id,
            )

    def told_missing(self, known: KnownOrder) -> None:
        """Take in that the venue does not know an order any more."""
        with self.changed:
            if known.told_missing():
                self.order_told(known, is_changed=True)

    def check_consistent(self) -> None:
        """Refuse to go by what came from another venue.

        Raises:
            BrokerProtocolError: it did; nothing was sent.

        """
        if self.contradiction:
            raise BrokerProtocolError(
                self.contradiction, broker="binance", outcome=Outcome.NOT_SENT
            )

    @property
    def contradiction(self) -> str:
        """Why what is known cannot be of this venue, and what to do; empty if it can."""
        text = self.orders.contradiction
        if not text:
            return ""
        what = (
            f"take another state file than {self.journal.where}"
            if self.is_durable
            else ("make another broker")
        )
        return (
            f"{text}: that is another account, or the venue has begun anew, as the testnet does "
            f"each month; {what}"
        )
