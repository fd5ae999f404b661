"""One socket to TWS or Gateway, from the handshake to its end; the next one is another link."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from decimal import Decimal
from typing import Any, Protocol

from nanobook_core.contracts.broker_error import (
    BrokerError,
    BrokerProtocolError,
    ConnectError,
    LinkDownError,
    NotConnectedError,
)
from nanobook_ibkr.library import Library, frame_is_absurd, is_too_old, log
from nanobook_ibkr.pacing import Pacer
from nanobook_ibkr.reader import OrderMessage, Reader, answered, is_of_order
from nanobook_ibkr.request import Key, Requests

_NOTHING_THERE = (
    "is TWS or Gateway started and logged in, is its API enabled (Configuration > API > Settings > "
    "Enable ActiveX and Socket Clients), and is this its port? TWS has 7496 (live) and 7497 "
    "(paper), Gateway 4001 (live) and 4002 (paper)"
)
_NOBODY = "its name was not found, or nobody answered (a firewall drops what is not allowed in),"
_SILENT = (
    "something listens there and does not answer as TWS does; is it another program, or does TWS "
    "wait for somebody to confirm the connection?"
)
_HUNG_UP = (
    "it closed the connection at once; is it TWS, and does it trust this address "
    "(Configuration > API > Settings > Trusted IPs)?"
)
#: The numbers of the wire end at 2**31 - 1, which means none; so many are left for this connection.
_LAST_NUMBER = 2**31 - 2**20
#: Seconds for what was written to leave before the socket is cut.
_FAREWELL = 1.0


class LinkOwner(Protocol):
    """Who is told of what is no answer to a request."""

    def order_message(self, message: OrderMessage) -> None:
        """Something about an order."""
        ...

    def tick(self, request_id: int, tick: int, value: Decimal | None, size: Decimal | None) -> None:
        """A price with its size, or a number alone."""
        ...

    def market_data_type(self, request_id: int, kind: int) -> None:
        """1 live, 2 frozen, 3 delayed, 4 delayed and frozen."""
        ...

    def venue_error(self, request_id: int, code: int, text: str) -> None:
        """An error, a warning or a notice; -1 is the number of what concerns no request."""
        ...

    def next_id(self, order_id: int) -> None:
        """The venue takes order numbers from there on."""
        ...

    def closed(self) -> None:
        """The connection is lost."""
        ...


class Link:
    """A connection and what waits for answers on it; everything on the loop's thread."""

    def __init__(
        self, library: Library, owner: LinkOwner, *, messages_per_second: int, timeout: float
    ) -> None:
        self.requests = Requests(timeout)
        self.pacer = Pacer(messages_per_second)
        self.unreadable = 0
        """How many messages that told orders or executions could not be read."""
        self.last_arrival = asyncio.get_running_loop().time()
        self._library = library
        self._owner = owner
        self._closed = asyncio.get_running_loop().create_future()
        self._why: BrokerError | None = None
        self._is_ready = False
        self._said = ""
        """By the library, of why it gave up."""
        self._client = library.client(Reader(self), self._unreadable)
        self._client.apiError.connect(self._note)

    @property
    def is_ready(self) -> bool:
        """Whether requests can be sent."""
        return self._is_ready and not self._closed.done()

    @property
    def why(self) -> str:
        """Why it ended."""
        if self._why is None:
            return "TWS closed the connection"
        return str(self._why).removeprefix(self._why.prefix)

    @property
    def accounts(self) -> tuple[str, ...]:
        """Accounts of the user who is logged in there."""
        return tuple(self._client.getAccounts())

    @property
    def order_id(self) -> int:
        """The next number that the venue takes for an order of this client."""
        return int(self._client._reqIdSeq)  # noqa: SLF001 - `getReqId` would use it up

    async def open(
        self,
        host: str,
        port: int,
        client_id: int,
        timeout: float,  # noqa: ASYNC109 - what it waited for is told apart
    ) -> None:
        """Connect and shake hands.

        Raises:
            ConnectError: it says what was found there, and what to look at.

        """
        shaking = asyncio.ensure_future(self._client.connectAsync(host, port, client_id, 0))
        try:
            await asyncio.wait(
                {shaking, self._closed}, timeout=timeout, return_when=asyncio.FIRST_COMPLETED
            )
            if self._why is not None:
                raise self._why
            if shaking.done():
                shaking.result()
                self._is_ready = self.order_id <= _LAST_NUMBER
                if self._is_ready:
                    return
                why = (
                    f"TWS gives client id {client_id} the order number {self.order_id}, and has "
                    f"none left; reset the API order ID sequence in its API settings, or take "
                    "another client_id"
                )
            elif self._client.conn.transport is None and not self._closed.done():
                why = f"failed to connect to {host}:{port}: {_NOBODY} within {timeout:g} s"
            elif not self._closed.done():
                why = f"no answer from {host}:{port} within {timeout:g} s; {_SILENT}"
            elif is_too_old(self._said):
                why = f"TWS or Gateway at {host}:{port} is too old: it must be 972 or newer"
            else:
                why = f"{host}:{port}: {_HUNG_UP}"
            raise ConnectError(why, broker="ibkr")
        except BrokerError:  # among which are errors of connections, that say enough
            raise
        except OSError as error:
            raise _refused(host, port, error) from error
        finally:
            if not self._is_ready:
                shaking.cancel()
                await asyncio.gather(shaking, return_exceptions=True)
                await self.close()

    async def send(self, write: Callable[[Any, Library], None], *, urgent: bool = False) -> None:
        """Write when it is its turn.

        Raises:
            NotConnectedError: the connection ended before; nothing was written.

        """
        await self.pacer.turn(urgent=urgent)
        if not self.is_ready:
            raise NotConnectedError(broker="ibkr")
        write(self._client, self._library)

    def send_later(self, write: Callable[[Any, Library], None]) -> None:
        """Stand in the queue to write; nothing happens if the connection ends before."""

        def turn_came(turn: asyncio.Future[None]) -> None:
            if turn.exception() is None and self.is_ready:
                write(self._client, self._library)

        self.pacer.turn(urgent=False).add_done_callback(turn_came)

    def fail(self, error: BrokerError) -> None:
        """Cut it; whoever waits is told why."""
        if self._why is None:
            self._why = error
        transport = self._client.conn.transport
        if transport is not None:
            transport.abort()
        self.closed()

    async def close(self) -> None:
        """End it, and return once the socket is closed."""
        transport = self._client.conn.transport
        self._client.disconnect()
        self.closed()
        if transport is None:
            return
        end = asyncio.get_running_loop().time() + _FAREWELL
        while self._client.conn.transport is not None:
            if asyncio.get_running_loop().time() > end:
                transport.abort()
            await asyncio.sleep(0.001)

    # What the reader brings.

    def item(self, key: Key, value: object) -> None:
        """See `Receiver`, here and below."""
        self.requests.item(key, value)

    def end(self, key: Key) -> None:
        """An answer is complete."""
        self.requests.end(key)

    def order_message(self, message: OrderMessage) -> None:
        """Something about an order."""
        self._owner.order_message(message)

    def tick(self, request_id: int, tick: int, value: Decimal | None, size: Decimal | None) -> None:
        """A price with its size, or a number alone."""
        self._owner.tick(request_id, tick, value, size)

    def market_data_type(self, request_id: int, kind: int) -> None:
        """Whether prices are live."""
        self._owner.market_data_type(request_id, kind)

    def venue_error(self, request_id: int, code: int, text: str) -> None:
        """An error, a warning or a notice."""
        self._owner.venue_error(request_id, code, text)

    def next_id(self, order_id: int) -> None:
        """The venue takes order numbers from there on."""
        self._owner.next_id(order_id)

    def arrived(self) -> None:
        """Take note that the other side lives."""
        self.last_arrival = asyncio.get_running_loop().time()

    def processed(self) -> None:
        """Cut it if what comes cannot be TWS's."""
        if frame_is_absurd(self._client):
            self.fail(_not_tws())

    def closed(self) -> None:
        """Take note that the socket is closed; whatever waits fails."""
        if self._closed.done():
            return
        self._closed.set_result(None)
        self.requests.fail_all(lambda: LinkDownError(self.why, broker="ibkr"))
        self.pacer.close(lambda: NotConnectedError(broker="ibkr"))
        self._owner.closed()

    def _note(self, said: str) -> None:
        self._said = said

    def _unreadable(self, fields: list[str], error: BaseException) -> None:
        if not fields or not self._client.isConnected():
            self.fail(_not_tws())
            return
        log.warning(
            "a message of TWS (number %.10s) could not be read: %s",
            fields[0],
            type(error).__name__,
        )
        self.unreadable += is_of_order(fields)
        key = answered(fields, self._client.serverVersion())
        if key is not None:
            text = f"an answer of TWS (number {fields[0]}) could not be read"
            self.requests.fail(key, BrokerProtocolError(text, broker="ibkr"))
        log.debug("the message that could not be read", exc_info=error)


def _not_tws() -> ConnectError:
    return ConnectError(f"what answers does not speak TWS's protocol; {_SILENT}", broker="ibkr")


def _refused(host: str, port: int, error: OSError) -> ConnectError:
    number = error.errno
    reason = f"{os.strerror(number)} (os error {number})" if number and number > 0 else str(error)
    return ConnectError(
        f"failed to connect to {host}:{port}: {reason}; {_NOTHING_THERE}", broker="ibkr"
    )
