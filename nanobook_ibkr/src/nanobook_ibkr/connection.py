"""The connection of a session: made, watched, and made again when it is lost."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import random
from abc import abstractmethod
from collections.abc import Callable
from decimal import Decimal

from nanobook_core.contracts.broker import ConnectionInfo, ConnectionState
from nanobook_core.contracts.broker_error import (
    BrokerError,
    ConnectError,
    NotConnectedError,
    PermissionDeniedError,
)
from nanobook_core.contracts.clock import Clock
from nanobook_ibkr.account import choose_account, is_paper
from nanobook_ibkr.error_code import BROKEN_AT_START, READ_ONLY_HINT, TOO_FAST, Meaning, error_of
from nanobook_ibkr.library import Library, log
from nanobook_ibkr.link import Link
from nanobook_ibkr.listener import SessionListener, SessionSettings
from nanobook_ibkr.question import Questions
from nanobook_ibkr.quote import LIVE, MARKET_DATA_TYPES, Quotes
from nanobook_ibkr.reader import OrderMessage
from nanobook_ibkr.request import RequestTimeoutError, Untagged

#: Seconds to be silent after TWS said that too much was sent.
_PENALTY = 1.0


class Connection(Questions):
    """One link after another; what they bring is for a subclass."""

    def __init__(
        self,
        settings: SessionSettings,
        *,
        listener: SessionListener,
        clock: Clock,
        first_order_id: int = 1,
    ) -> None:
        self._settings = settings
        self._listener = listener
        self._clock = clock
        self._id = self._first_id = first_order_id
        self._state = ConnectionState.DISCONNECTED
        self._detail = ""
        self._account = ""
        self._connections = 0
        self._next_valid_id = 0
        self._library: Library | None = None
        self._link: Link | None = None
        self._quotes: Quotes | None = None
        self._keeper: asyncio.Task[None] | None = None
        self._is_read_only = False
        self._venue_is_gone: tuple[int, str] | None = None
        """Code and text of the message that said so."""
        self._resync_is_due = False
        self._news = asyncio.Event()
        self._hurry = asyncio.Event()
        self._settled = asyncio.Event()

    @abstractmethod
    def order_message(self, message: OrderMessage) -> None:
        """Something about an order."""

    @abstractmethod
    def tick(self, request_id: int, tick: int, value: Decimal | None, size: Decimal | None) -> None:
        """A price with its size, or a number alone."""

    @abstractmethod
    def market_data_type(self, request_id: int, kind: int) -> None:
        """Whether prices are live."""

    @abstractmethod
    def venue_error(self, request_id: int, code: int, text: str) -> None:
        """An error, a warning or a notice."""

    def next_id(self, order_id: int) -> None:
        """The venue takes order numbers from there on."""
        self._id = max(self._id, order_id)

    def closed(self) -> None:
        """The connection is lost."""
        self._news.set()

    @property
    def info(self) -> ConnectionInfo:
        """State, account, whether it is live, and one line for people; from any thread."""
        return ConnectionInfo(
            state=self._state,
            account_id=self._account,
            is_live=not is_paper(self._account),
            detail=self._detail,
        )

    @property
    def state(self) -> ConnectionState:
        """State of the connection; from any thread."""
        return self._state

    @property
    def account(self) -> str:
        """The account that is used; empty before the first connection. From any thread."""
        return self._account

    @property
    def is_linked(self) -> bool:
        """Whether TWS can be asked, though it may have lost the venue; from any thread."""
        link = self._link
        return link is not None and link.is_ready

    @property
    def unreadable(self) -> int:
        """How many messages of this connection that told orders could not be read."""
        return 0 if self._link is None else self._link.unreadable

    @property
    def connections(self) -> int:
        """How many connections there have been, this one counted; from any thread."""
        return self._connections

    @property
    def next_valid_id(self) -> int:
        """The number for the next order that the venue told when this connection began."""
        return self._next_valid_id

    async def connect(self, timeout: float) -> None:  # noqa: ASYNC109 - of the contract
        """Connect, resync, and from then on reconnect alone until `close`.

        Again, it does nothing; while the connection is lost, it waits for the next one, which is
        tried at once.

        Raises:
            ConnectError: nothing is there, or not TWS, or the account does not fit; nothing is
                connected then. Of a connection that was lost: there is no other one yet.
            SessionConflictError: another client has this client id.
            BackendMissingError: neither library is installed.

        """
        if self._keeper is not None:
            await self._hurried(timeout)
            return
        self._account = ""
        self._set(ConnectionState.CONNECTING)
        if self._library is None:  # which takes a moment that is not the venue's
            self._library = Library(self._settings.backend)
        end = asyncio.get_running_loop().time() + timeout
        try:
            await self._open(timeout)
            async with asyncio.timeout_at(end):
                await self._sync()
        except BaseException as error:
            await self._leave()
            self._set(ConnectionState.DISCONNECTED, str(error))
            if isinstance(error, TimeoutError):
                raise ConnectError(
                    f"connected to {self.where}, and what orders there are could not be learned "
                    f"within {timeout:g} s" + (f": {error}" if str(error) else ""),
                    broker="ibkr",
                ) from error
            raise
        self._keeper = asyncio.create_task(self._keep())

    async def _hurried(self, timeout: float) -> None:  # noqa: ASYNC109 - handed on
        self._hurry.set()
        try:
            async with asyncio.timeout(timeout):
                await self._settled.wait()
        except TimeoutError:
            raise ConnectError(
                f"no connection to {self.where} within {timeout:g} s: {self._detail}",
                broker="ibkr",
            ) from None
        finally:
            self._hurry.clear()

    async def close(self) -> None:
        """End the connection and every request that waits; done again, it does nothing."""
        keeper, self._keeper = self._keeper, None
        if keeper is not None:
            keeper.cancel()
            await asyncio.gather(keeper, return_exceptions=True)
        if self._link is not None:
            self._link.requests.fail_all(
                lambda: NotConnectedError("disconnected meanwhile", broker="ibkr")
            )
        await self._leave()
        self._set(ConnectionState.DISCONNECTED)

    async def _open(self, timeout: float) -> None:  # noqa: ASYNC109 - handed on
        settings = self._settings
        self._is_read_only, self._venue_is_gone = False, None
        assert self._library is not None  # noqa: S101 - `connect` has loaded it
        link = Link(
            self._library,
            self,
            messages_per_second=settings.messages_per_second,
            timeout=settings.request_timeout,
        )
        self._link = link
        self._quotes = Quotes(link, self._next_id, self._clock)
        await link.open(settings.host, settings.port, settings.client_id, timeout)
        if not self._connections:
            self._first_id = max(self._first_id, link.order_id)
        self.next_id(link.order_id)
        self._connections += 1
        self._next_valid_id = link.order_id
        # After a reconnection it must be the same, whoever has logged in there meanwhile.
        wanted = settings.account or self._account or None
        self._account = choose_account(link.accounts, wanted, settings.port)
        kind = MARKET_DATA_TYPES[settings.market_data]
        if kind != LIVE:
            await link.send(lambda client, _: client.reqMarketDataType(kind))

    async def _leave(self) -> None:
        link, self._link = self._link, None
        if link is not None:
            await link.close()

    async def _sync(self) -> None:
        self._resync_is_due = False
        self._set(ConnectionState.SYNCING)
        try:
            await self._listener.resync()
        except PermissionDeniedError:
            if not self._is_read_only:
                raise
        if self._link is None or not self._link.is_ready:
            raise ConnectError(self._why_lost(), broker="ibkr")
        self._settle()

    def _settle(self) -> None:
        if self._venue_is_gone is not None:
            self._set(ConnectionState.LINK_DOWN, self._venue_is_gone[1])
        elif self._resync_is_due:
            self._set(ConnectionState.SYNCING)
        elif self._is_read_only:
            detail = f"the API of TWS or Gateway is read-only; {READ_ONLY_HINT}"
            self._set(ConnectionState.READ_ONLY, detail)
        else:
            self._set(ConnectionState.READY)

    async def _keep(self) -> None:
        """Watch the connection, and make another when it is lost."""
        loop, attempts = asyncio.get_running_loop(), 0
        while True:
            begun = loop.time()
            await self._watch()
            if loop.time() - begun > self._settings.backoff[1]:
                attempts = 0  # of one that is cut as soon as it is made, they are counted on
            why = self._why_lost()
            await self._leave()
            attempts = await self._reconnect(why, attempts)

    async def _watch(self) -> None:
        """Return when the connection is lost."""
        link = self._link
        failures = 0
        while link is not None and link.is_ready:
            self._news.clear()
            if self._resync_is_due and self._venue_is_gone is None:
                try:
                    await self._sync()
                    failures = 0
                except Exception as error:  # noqa: BLE001 - reported, and tried again
                    delay = self._delay(failures)
                    failures += 1
                    self._report(error, f"trying again in {delay:.0f} s")
                    self._resync_is_due = True
                    await self._sleep(delay)
                continue
            if not await self._sleep(self._settings.heartbeat):
                await self._check_alive(link)

    async def _check_alive(self, link: Link) -> None:
        if asyncio.get_running_loop().time() - link.last_arrival < self._settings.heartbeat:
            return
        asked = link.last_arrival
        try:
            await self.current_time()
        except RequestTimeoutError as error:
            if link.last_arrival == asked:
                link.fail(ConnectError(f"TWS is silent: {error}", broker="ibkr"))
        except BrokerError:  # the connection is lost, which ends the watch
            return

    async def _reconnect(self, why: str, attempts: int) -> int:
        """Connect, and say how many attempts there have been with those before."""
        for attempt in itertools.count(attempts + 1):
            delay = self._delay(attempt - 1)
            self._set(
                ConnectionState.LINK_DOWN, f"{why}; attempt {attempt} to connect in {delay:.0f} s"
            )
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(delay):
                    await self._hurry.wait()
            self._hurry.clear()
            try:
                self._set(ConnectionState.CONNECTING, f"attempt {attempt}")
                await self._open(self._settings.request_timeout)
                await self._sync()
            except Exception as error:  # noqa: BLE001 - reported, and tried again
                self._report(error, f"attempt {attempt}")
                why = str(error)
                await self._leave()
            else:
                break
        return attempt

    def _delay(self, failures: int) -> float:
        first, longest = self._settings.backoff
        # Doubled no further than it can matter; spread, so that programs do not come all at once.
        delay: float = min(first * 2 ** min(failures, 16), longest)
        return delay * random.uniform(0.75, 1.0)  # noqa: S311 - no secret

    async def _sleep(self, seconds: float) -> bool:
        """Return after so long, or at once with True when there is news."""
        try:
            async with asyncio.timeout(seconds):
                await self._news.wait()
        except TimeoutError:
            return False
        return True

    def _report(self, error: Exception, then: str) -> None:
        if isinstance(error, BrokerError):
            log.warning("%s: %s; %s", self.where, error, then)
        else:
            log.error("%s: resync failed; %s", self.where, then, exc_info=error)
        self._set(self._state, f"{error}; {then}")

    @property
    def where(self) -> str:
        """Host and port."""
        return f"{self._settings.host}:{self._settings.port}"

    def _why_lost(self) -> str:
        return self._link.why if self._link is not None else ""

    def _set(self, state: ConnectionState, detail: str = "") -> None:
        if (state, detail) == (self._state, self._detail):
            return
        self._state, self._detail = state, detail
        if state in (ConnectionState.READY, ConnectionState.READ_ONLY):
            self._settled.set()
        else:
            self._settled.clear()
        self._tell(self._listener.connection_changed, self.info)

    def _tell(self, method: Callable[..., None], *message: object) -> None:
        try:
            method(*message)
        except Exception:  # noqa: BLE001 - the listener's own, which must not end the loop
            log.exception("what the venue told could not be taken in; it will be asked for again")
            if self._link is not None:
                self._link.fail(
                    ConnectError("what the venue told could not be taken in", broker="ibkr")
                )

    def _check_ready(self) -> None:
        if self._state is ConnectionState.READ_ONLY:
            raise PermissionDeniedError(self._detail, broker="ibkr")
        if self._state is not ConnectionState.READY:
            raise NotConnectedError(
                f"not connected ({self._state.value}): {self._detail}", broker="ibkr"
            )

    def _connected(self) -> Link:
        if self._link is None or not self._link.is_ready:
            raise NotConnectedError(broker="ibkr")
        return self._link

    def _next_id(self) -> int:
        self._id += 1
        return self._id - 1

    def _heed(self, link: Link, said: Meaning, code: int, text: str) -> None:
        """Do what a code demands of the whole session."""
        match said:
            case Meaning.LINK_DOWN:
                self._venue_is_gone = code, text
                self._set(ConnectionState.LINK_DOWN, text)
            case Meaning.LINK_UP | Meaning.LINK_UP_DATA_LOST:
                self._venue_is_back(is_data_lost=said is Meaning.LINK_UP_DATA_LOST)
            # After this one nothing else may say that the venue is back.
            case Meaning.INFO if self._venue_is_gone and self._venue_is_gone[0] == BROKEN_AT_START:
                self._venue_is_back(is_data_lost=True)
            case Meaning.RATE if code == TOO_FAST:
                link.pacer.pause(_PENALTY)
            case Meaning.READ_ONLY:
                self._is_read_only = True
                for refused in (Untagged.OPEN_ORDERS, Untagged.COMPLETED_ORDERS):
                    link.requests.fail(refused, error_of(code, text))
                if self._state is ConnectionState.READY:
                    self._settle()
            case Meaning.SESSION | Meaning.PORT_CHANGED:
                who = f"client id {self._settings.client_id} at {self.where}"
                link.fail(error_of(code, f"{who}: {text}"))
            case Meaning.CONNECTION if not link.is_ready:
                link.fail(error_of(code, text))

    def _venue_is_back(self, *, is_data_lost: bool) -> None:
        self._venue_is_gone = None
        if is_data_lost and self._quotes is not None:
            self._quotes.clear()
        self._resync_is_due = True
        if self._state is ConnectionState.LINK_DOWN:
            self._set(ConnectionState.SYNCING)
        self._news.set()
