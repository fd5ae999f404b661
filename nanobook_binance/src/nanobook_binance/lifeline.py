"""A broker's connection, and what lives as long as it: journal, stream, thread of events."""

from __future__ import annotations

import contextlib
import os
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from attrs import evolve

from nanobook_binance.environment import Environment
from nanobook_binance.message import read_report
from nanobook_binance.order_desk import OrderDesk
from nanobook_binance.resolution import Resolution
from nanobook_binance.rest import Rest
from nanobook_binance.resync import compare
from nanobook_binance.signature import Keys
from nanobook_binance.symbol import Symbols
from nanobook_binance.user_stream import StreamEndedError, UserStream
from nanobook_binance.valuation import ACCOUNT
from nanobook_core.broker.event_thread import EventThread
from nanobook_core.broker.uninterrupted import uninterrupted
from nanobook_core.contracts import (
    AuthenticationError,
    BrokerEvent,
    BrokerProtocolError,
    ConnectError,
    ConnectionInfo,
    ConnectionState,
    NotConnectedError,
    Outcome,
    PermissionDeniedError,
)
from nanobook_core.errors import ValidationError

#: Seconds between two looks at the state that is waited for.
_GLANCE = 0.002
#: Seconds that the end of a connection waits for callbacks, and for the stream.
_PATIENCE = 5.0
_S = ConnectionState
_SETTLED = (_S.READY, _S.READ_ONLY, _S.DISCONNECTED)


class Lifeline:
    """What a broker is connected by. It is the listener of its stream."""

    def __init__(
        self,
        desk: OrderDesk,
        resolution: Resolution,
        *,
        environment: Environment,
        keys: Keys,
        rest: Rest,
        symbols: Symbols,
        journal: Path | None,
        streams: bool,
        timeout: float,
        publish: Callable[[BrokerEvent], None],
        deliver: Callable[[], None],
    ) -> None:
        """`deliver` is called on a thread of its own whenever something was published."""
        self._pid = os.getpid()
        self._environment = environment
        self._keys = keys
        self._rest = rest
        self._symbols = symbols
        self._desk = desk
        self._resolution = resolution
        self._journal = journal
        self._streams = streams
        self._timeout = timeout
        self._publish = publish
        self._deliver = deliver
        self._connecting = threading.RLock()
        # Not a condition: an interrupt in one can leave its lock held for ever.
        self._changed = threading.RLock()
        self._info = ConnectionInfo(state=_S.DISCONNECTED, is_live=environment.is_live)
        self._failure: Exception | None = None
        """Why the stream was down last."""
        self._may_trade = True
        self.began_ms = 0
        """Venue's time when this was connected first."""
        self._stream: UserStream | None = None
        self._events: EventThread | None = None
        self._dismissed: EventThread | None = None
        """The last one that was ended by others than its own callbacks."""

    @property
    def info(self) -> ConnectionInfo:
        """State of the connection."""
        if self._is_inherited:
            return ConnectionInfo(state=_S.DISCONNECTED, is_live=self._environment.is_live)
        return self._info

    @property
    def is_linked(self) -> bool:
        """Whether the venue can be asked, though its stream may be down."""
        return not self._is_inherited and self._info.state not in (_S.DISCONNECTED, _S.CONNECTING)

    @property
    def is_streaming(self) -> bool:
        """Whether all that happens is told by itself."""
        return self._streams and self._info.state in (_S.READY, _S.READ_ONLY)

    @property
    def has_events(self) -> bool:
        """Whether there is a thread that delivers events."""
        return self._events is not None

    @property
    def _is_inherited(self) -> bool:
        return os.getpid() != self._pid

    def connect(self, timeout: float, began: Callable[[], None]) -> None:
        """Connect, or wait for a stream that was lost to be there again.

        `began` is called once there is a journal that is this account's, and before there is a
        connection.
        """
        if self._is_inherited:
            raise NotConnectedError(
                "not connected: this broker is that of the process that this one was forked from; "
                "make another one here",
                broker="binance",
            )
        with self._connecting:
            if self._dismissed is not None and self._dismissed.is_current:
                raise NotConnectedError(
                    "a callback of a connection that others have ended makes no new one",
                    broker="binance",
                )
            if self._info.state is _S.DISCONNECTED:
                self._start(timeout, began)
            elif self._stream is not None:
                self._stream.hurry()
                self._wait_ready(timeout)

    def disconnect(self) -> None:
        """End the connection, whatever interrupts that; again, or in a fork, it does nothing."""
        if self._is_inherited:
            return  # what others held when it was forked is held for ever
        with self._connecting:
            events = self._events
        if events is None:
            return
        if not events.is_current:
            self._dismissed = events
        uninterrupted(self._finish)
        events.join(_PATIENCE)

    def _finish(self) -> None:
        with self._connecting:
            self._end()

    def wake(self) -> None:
        """Have what was published delivered soon."""
        thread = self._events
        if thread is not None:
            thread.wake()

    def wait_synced(self, timeout: float) -> None:
        """Return once a comparison that follows a lost stream is done, or takes too long."""
        if not self._is_inherited and self._info.state is _S.SYNCING:
            _wait(lambda: self._info.state is not _S.SYNCING, timeout)

    # What a stream tells, on its thread, which may outlive its connection.

    def stream_up(self, stream: UserStream) -> None:
        """See `StreamListener`, here and below."""
        with self._told_by(stream):
            self._tell(_S.SYNCING)
        compare(self._desk, self._resolution)
        with self._told_by(stream):
            self._tell_ready()

    def stream_down(self, stream: UserStream, error: Exception) -> None:
        """Have nothing sent while nobody would hear of it."""
        reason = str(error) or type(error).__name__
        with self._told_by(stream):
            self._failure = error
            self._tell(_S.LINK_DOWN, f"{self._environment.name}: {reason}")

    def report(self, stream: UserStream, event: Mapping[str, Any]) -> None:
        """Take in how far an order is."""
        told = read_report(event)
        with self._told_by(stream):
            self._desk.told(told)

    @contextlib.contextmanager
    def _told_by(self, stream: UserStream) -> Iterator[None]:
        """Take in what a stream tells, while it is that of the connection there is."""
        with self._changed:
            if self._stream is not stream:
                raise StreamEndedError
            yield

    def _start(self, timeout: float, began: Callable[[], None]) -> None:
        end = time.monotonic() + timeout
        try:
            uninterrupted(self._prepare)
            self._tell(_S.CONNECTING)
            self._rest.measure_time()
            self.began_ms = self.began_ms or self._rest.time.milliseconds()
            self._desk.began(self._rest.time.milliseconds())
            self._symbols.refresh()
            self._symbols.check_quote_asset()
            self._recognise()
            began()
            if self._streams:
                uninterrupted(self._open_stream)
                self._wait_ready(max(end - time.monotonic(), 0.0))
            else:
                self._tell(_S.SYNCING)
                compare(self._desk, self._resolution)
                self._tell_ready()
        except BaseException:
            events = self._events
            uninterrupted(self._end)
            if events is not None:
                events.join(_PATIENCE)
            raise

    def _prepare(self) -> None:
        self._desk.open(self._journal)
        self._events = EventThread(self._deliver)

    def _open_stream(self) -> None:
        self._stream = UserStream(
            self._environment.ws_api, self._keys, self._rest, self, self._timeout
        )
        self._stream.start()

    def _recognise(self) -> None:
        """Learn whose account it is, and whether it may trade.

        Raises:
            ValidationError: the journal is that of another account, or of one that is counted in
                another asset, where the same symbol is another pair.

        """
        told = self._rest.signed("GET", ACCOUNT, omitZeroBalances=True)
        if not isinstance(told, dict):
            raise BrokerProtocolError(
                f"the venue tells no account: {told!r:.80}",
                broker="binance",
                outcome=Outcome.NOT_SENT,
            )
        account_id = str(told.get("uid", ""))
        journal = self._desk.journal
        name = f"{self._environment.name} {account_id} in {self._symbols.quote_asset}"
        there = journal.entry("account")
        if there and there != name:
            raise ValidationError(
                f"{journal.where} is the journal of account {there!r:.60}, and this is "
                f"{name!r:.60}: give another `state`, or that account's keys and `quote_asset`"
            )
        if not there:
            journal.write_entry("account", name)
        self._info = evolve(
            self._info,
            account_id=account_id,
            records_since=journal.created if self._desk.is_durable else None,
        )
        self._may_trade = told.get("canTrade") is not False

    def _wait_ready(self, timeout: float) -> None:
        is_ready = _wait(lambda: self._info.state in _SETTLED or self._is_hopeless, timeout)
        if self._is_hopeless and self._failure is not None:
            raise self._failure.with_traceback(None)  # whose frames have what was sent
        if not is_ready or self._info.state is _S.DISCONNECTED:
            detail = self._info.detail or "there is no user data stream"
            raise ConnectError(
                f"{detail}; {self._environment.ws_api} did not get ready within {timeout:.1f} s "
                "(stream=False goes without it)",
                broker="binance",
            )

    @property
    def _is_hopeless(self) -> bool:
        """Whether the stream is down for what no further attempt can change."""
        is_down = self._info.state is _S.LINK_DOWN
        is_refused = isinstance(self._failure, AuthenticationError | PermissionDeniedError)
        return is_down and (is_refused or bool(self._desk.contradiction))

    def _tell_ready(self) -> None:
        if self._may_trade:
            self._tell(_S.READY, self._environment.name)
        else:
            self._tell(_S.READ_ONLY, f"{self._environment.name}: the account may not trade")

    def _tell(self, state: ConnectionState, detail: str = "") -> None:
        with self._changed:
            if self._events is None and state is not _S.DISCONNECTED:
                return  # the end came first
            self._info = evolve(self._info, state=state, detail=detail)
            self._publish(BrokerEvent(connection=self._info))

    def _end(self) -> None:
        with self._changed:
            stream, self._stream = self._stream, None
        events, self._events = self._events, None
        if stream is not None:
            stream.stop()
            stream.join(_PATIENCE)
        if self._info.state is not _S.DISCONNECTED:
            self._tell(_S.DISCONNECTED)
        if events is not None:
            events.stop()
        self._desk.close()
        self._rest.close()


def _wait(accept: Callable[[], bool], timeout: float) -> bool:
    """Return once it is so, or after so many seconds; say whether it is."""
    end = time.monotonic() + timeout
    while not accept():
        if time.monotonic() >= end:
            return False
        time.sleep(_GLANCE)
    return True
