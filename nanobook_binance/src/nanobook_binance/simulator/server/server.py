"""The simulated venue's server: what it knows, its turns and its port; all on one event loop."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

from aiohttp import web
from aiohttp.typedefs import Handler

from nanobook_binance.simulator.server.api_key import KeyRing
from nanobook_binance.simulator.server.attachment import Attachment
from nanobook_binance.simulator.server.deliver import cut
from nanobook_binance.simulator.server.endpoints import ENDPOINTS
from nanobook_binance.simulator.server.fault import Fault, ServerFaults
from nanobook_binance.simulator.server.limits import Limits
from nanobook_binance.simulator.server.order_count import OrderCount
from nanobook_binance.simulator.server.request_log import RequestLog
from nanobook_binance.simulator.server.rest import Rest
from nanobook_binance.simulator.venue import Venue
from nanobook_core.broker.venue_server import VenueServer

T = TypeVar("T")

WATCH_SECONDS = 0.2
_LONGEST_BODY = 1024 * 1024

#: Hears what aiohttp says of clients that speak no HTTP: to a server that is none of its business.
_unheard = logging.getLogger(f"{__name__}.http")
_unheard.setLevel(logging.CRITICAL + 1)


class Server(VenueServer):
    """Lets each request act in turn; what an act changes is told at its end."""

    def __init__(
        self,
        venue: Venue,
        *,
        weight_limit: int,
        raw_limit: int,
        order_limits: tuple[int, int],
        index_lag: float,
        log_file: Path | None,
        attachments: Sequence[Attachment],
    ) -> None:
        super().__init__()
        self.venue = venue
        self.keys = KeyRing()
        self.script = ServerFaults(frozenset(endpoint.name for endpoint in ENDPOINTS.values()))
        self.limits = Limits(
            venue.now_ms,
            venue.time_ms,
            weight_limit=weight_limit,
            raw_limit=raw_limit,
            order_limits=order_limits,
        )
        self.log = RequestLog()
        self.attachments = attachments
        self._index_lag = index_lag
        self._log_file = log_file
        self._order_count = OrderCount(self.limits)
        self._runner: web.AppRunner
        self._web: web.Server | None = None
        """Makes the protocol of each connection, and knows all that are open; None while closed."""
        self._holding = 0

    def bind(self, host: str, port: int) -> int:
        """Open the log and take the port, which is returned; it needs no loop.

        Raises:
            OSError: the port is taken, no such address is here, or the file cannot be opened.

        """
        if self._log_file is not None:
            self.log.open(self._log_file)
        try:
            return self._door.bind(host, port)
        except BaseException:
            self.log.close()
            raise

    async def open(self) -> None:
        """Accept clients on the running loop."""
        application = web.Application(client_max_size=_LONGEST_BODY, middlewares=[self._guard])
        self.venue.listeners.append(self._order_count)
        for attachment in self.attachments:
            attachment.attach(self, application)
        application.router.add_route("*", "/{path:.*}", Rest(self).handle)
        self._runner = web.AppRunner(
            application,
            access_log=None,
            logger=_unheard,
            handle_signals=False,
            shutdown_timeout=1,
        )
        await self._runner.setup()
        self._web = self._runner.server
        self._begin()
        self._watch()

    async def close(self) -> None:
        """End all connections, accept no more, and close the log."""
        await self._end()
        for attachment in self.attachments:
            await attachment.detach()
        await self._runner.cleanup()
        self._web = None
        self.script.clear()
        self.venue.listeners.remove(self._order_count)
        self.log.close()

    async def _serve(self, connection: socket.socket) -> None:
        if self._web is not None:
            with contextlib.suppress(OSError):  # it has gone again
                await asyncio.get_running_loop().connect_accepted_socket(self._web, connection)

    @web.middleware
    async def _guard(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Let a defect of ours cut the connection, and no other."""
        try:
            return await handler(request)
        except web.HTTPException:
            raise
        except ConnectionError:  # the client has gone without waiting for the answer
            return cut(request)
        except Exception as error:  # noqa: BLE001 - ours; nobody else's connection may suffer
            self.defects.append(error)
            return cut(request)

    def turn(self, act: Callable[[], T]) -> T:
        """Return what the act does, and tell the streams what it has changed."""
        try:
            return act()
        finally:
            self.end_turn()

    def end_turn(self) -> None:
        """Tell the streams what has changed, unless they are kept waiting."""
        if not self._holding:
            for attachment in self.attachments:
                attachment.end_turn()

    def hold(self) -> None:
        """Keep the streams waiting until as many `release`."""
        self._holding += 1

    def release(self) -> None:
        """Keep them waiting no more."""
        self._holding -= 1
        self.end_turn()

    async def settle(self) -> None:
        """Return when the streams have heard all that has changed."""
        for attachment in self.attachments:
            await attachment.settle()

    def _watch(self) -> None:
        """Let what is due happen, though nobody asks for anything."""
        self.later(WATCH_SECONDS, self._watch)  # first: a defect below must not be the last watch
        for attachment in self.attachments:
            attachment.watch()

    def index_lag_ms(self) -> int:
        """For how long questions show nothing of what has happened."""
        how = self.script.take(Fault.INDEX_LAG)
        return round(1000 * (self._index_lag if how is None else how.get("seconds", 1)))

    def time_ms(self) -> int:
        """What the server takes the time to be."""
        return self.venue.time_ms()

    def drop_streams(self) -> None:
        """Cut the connections of all streams."""
        for attachment in self.attachments:
            attachment.drop()

    def drop(self) -> None:
        """Cut the connections of all clients."""
        self.drop_streams()
        for connection in [] if self._web is None else list(self._web.connections):
            if connection.transport is not None:
                connection.transport.abort()
