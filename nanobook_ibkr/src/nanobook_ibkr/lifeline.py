"""A broker's connection, and what lives as long as it: threads, session, contracts, journal."""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any, TypeVar

from attrs import evolve

from nanobook_core.broker.event_thread import EventThread
from nanobook_core.broker.uninterrupted import uninterrupted
from nanobook_core.contracts import (
    BrokerError,
    ConnectionInfo,
    ConnectionState,
    NotConnectedError,
)
from nanobook_core.contracts.clock import Clock
from nanobook_ibkr.contract import Contracts, Listed
from nanobook_ibkr.listener import SessionSettings
from nanobook_ibkr.loop_thread import LoopThread
from nanobook_ibkr.order_desk import OrderDesk
from nanobook_ibkr.reconciliation import reconcile
from nanobook_ibkr.resync import Comparison, compare, look
from nanobook_ibkr.session import Session

T = TypeVar("T")

#: Seconds that the end of a connection waits for callbacks.
_PATIENCE = 5.0


class Lifeline:
    """What a broker asks its session through, from any thread but the session's own."""

    def __init__(
        self,
        settings: SessionSettings,
        desk: OrderDesk,
        *,
        clock: Clock,
        journal: Path | None,
        deliver: Callable[[], None],
    ) -> None:
        """`deliver` is called on a thread of its own whenever something was published."""
        self.loop = LoopThread("nanobook-ibkr")
        self._pid = os.getpid()
        self._settings = settings
        self._desk = desk
        self._clock = clock
        self._journal = journal
        self._deliver = deliver
        self._connecting = threading.RLock()
        self._session: Session | None = None
        self._contracts: Contracts | None = None
        self._events: EventThread | None = None
        self._dismissed: EventThread | None = None
        """The last one that was ended by others than its own callbacks."""

    @property
    def info(self) -> ConnectionInfo:
        """State of the connection."""
        session = self._session
        if session is None or not self.loop.is_running:
            return ConnectionInfo(state=ConnectionState.DISCONNECTED)
        return evolve(session.info, records_since=self._desk.records_since)

    @property
    def is_linked(self) -> bool:
        """Whether TWS can be asked, though it may have lost the venue."""
        session = self._session
        return session is not None and self.loop.is_running and session.is_linked

    @property
    def _is_inherited(self) -> bool:
        return os.getpid() != self._pid

    @property
    def has_events(self) -> bool:
        """Whether there is a thread that delivers events."""
        return self._events is not None

    def connect(self, timeout: float, began: Callable[[], None]) -> None:
        """Connect, or wait for a lost connection to be made again.

        `began` is called once there is a journal, and before there is a connection.
        """
        if self._is_inherited:
            raise NotConnectedError(
                "not connected: this broker is that of the process that this one was forked from; "
                "make another one here",
                broker="ibkr",
            )
        with self._connecting:
            if self._dismissed is not None and self._dismissed.is_current:
                raise NotConnectedError(
                    "a callback of a connection that others have ended makes no new one",
                    broker="ibkr",
                )
            if self._session is None:
                self._start(timeout, began)
            else:
                self.ask(lambda session: session.connect(timeout))

    def disconnect(self) -> None:
        """End the connection, whatever interrupts that; again, or in a fork, it does nothing."""
        if self._is_inherited:
            return  # what others held when it was forked is held for ever
        with self._connecting:
            session, events = self._session, self._events
        if session is None or events is None:
            return
        if not events.is_current:
            self._dismissed = events
        uninterrupted(lambda: self._finish(session))
        events.join(_PATIENCE)

    def _finish(self, session: Session) -> None:
        with self._connecting:
            if self._session is session:
                self._session = None
                self._end(session)

    def _start(self, timeout: float, began: Callable[[], None]) -> None:
        session = None
        try:
            uninterrupted(self._prepare)
            began()
            session = Session(
                self._settings,
                listener=self._desk,
                clock=self._clock,
                first_order_id=self._desk.journal.last_order_id(self._settings.client_id) + 1,
            )
            contracts = self._contracts = Contracts(session)
            self._desk.session = session
            self._desk.reconcile = lambda session: reconcile(self._desk, session, contracts)
            self.loop.call(lambda: session.connect(timeout))
            self._session = session
        except BaseException:
            events = self._events
            uninterrupted(lambda: self._end(session))
            if events is not None:
                events.join(_PATIENCE)
            raise

    def _prepare(self) -> None:
        self._desk.open(self._journal)
        self._events = EventThread(self._deliver)
        self.loop.start()

    def _end(self, session: Session | None) -> None:
        if session is not None:
            with contextlib.suppress(BrokerError):  # it was lost, or is that of another process
                self.loop.call(session.close)
        self.loop.stop()
        events, self._events = self._events, None
        if events is not None:
            events.stop()
        self._desk.close()

    def wake(self) -> None:
        """Have what was published delivered soon."""
        thread = self._events
        if thread is not None:
            thread.wake()

    def ask(self, question: Callable[[Session], Coroutine[Any, Any, T]]) -> T:
        """Return the session's answer.

        Raises:
            NotConnectedError: there is none.

        """
        session = self._session
        if session is None:
            raise NotConnectedError(broker="ibkr")
        return self.loop.call(lambda: question(session))

    def listed(self, symbol: str) -> Listed:
        """Return the contract of that name; see `Contracts.find`."""
        contracts = self.contracts
        return self.ask(lambda _: contracts.find(symbol))

    @property
    def contracts(self) -> Contracts:
        """What the venue said of contracts.

        Raises:
            NotConnectedError: nothing was asked yet.

        """
        if self._contracts is None:
            raise NotConnectedError(broker="ibkr")
        return self._contracts

    def compare(self) -> Comparison:
        """Compare everything with the venue."""
        return self.ask(lambda session: compare(self._desk, session))

    def reconcile(self) -> None:
        """Compare positions with executions."""
        contracts = self.contracts
        self.ask(lambda session: reconcile(self._desk, session, contracts))

    def look(self) -> None:
        """Ask for open orders, and what became of those that are none any more."""
        self.ask(lambda session: look(self._desk, session))
