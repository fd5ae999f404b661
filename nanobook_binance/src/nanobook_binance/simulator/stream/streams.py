"""Everything that the simulated venue serves over websockets."""

from __future__ import annotations

import asyncio
from collections import deque
from contextlib import suppress
from typing import TYPE_CHECKING

from aiohttp import web

from nanobook_binance.simulator.server.call import refused
from nanobook_binance.simulator.stream import user_event
from nanobook_binance.simulator.stream.api_client import ApiClient
from nanobook_binance.simulator.stream.api_session import ApiSession
from nanobook_binance.simulator.stream.connection import PING_SECONDS, PONG_SECONDS, Connection
from nanobook_binance.simulator.stream.market_control import MarketControl
from nanobook_binance.simulator.stream.market_hub import MarketClient, MarketHub
from nanobook_binance.simulator.stream.user_hub import UserHub
from nanobook_binance.simulator.venue import Refusal

if TYPE_CHECKING:
    from nanobook_binance.simulator.server.server import Server

_LONGEST_LIFE_MS = 24 * 3600 * 1000
_CONNECTIONS_MS = 5 * 60 * 1000
_CONNECT_WEIGHT = 2
_MARKET_MESSAGES_PER_SECOND = 5
_SETTLE_SECONDS = 1


class Streams:
    """The WebSocket API with its user data streams, and the market streams.

    An address may connect `connection_limit` times in five minutes of the venue's clock; None is as
    often as it likes. A connection lives for 24 hours of that clock. Pings come every
    `ping_seconds`, and who has not answered for `pong_seconds` is cut off.
    """

    def __init__(
        self,
        *,
        connection_limit: int | None = 300,
        ping_seconds: float = PING_SECONDS,
        pong_seconds: float = PONG_SECONDS,
    ) -> None:
        self._connection_limit = connection_limit
        self._ping_seconds = ping_seconds
        self._pong_seconds = pong_seconds
        self._is_open = False
        self._server: Server
        self._markets: MarketHub
        self._users: UserHub
        self._clients: dict[Connection, MarketClient | ApiSession] = {}
        self._connected: dict[Connection, int] = {}
        """When, by the venue's clock."""
        self._attempts: dict[str, deque[int]] = {}

    def attach(self, server: Server, application: web.Application) -> None:
        """Serve on the application's websocket paths, and hear what happens at the venue."""
        self._server = server
        venue = server.venue
        self._markets = MarketHub(venue, server.time_ms)
        self._users = UserHub(venue, server.time_ms, server.script, self.shut_down)
        venue.listeners += [self._users, self._markets]
        self._is_open = True
        application.router.add_get("/ws-api/v3", self._serve_api)
        for path in ("/ws", "/ws/{names:.*}", "/stream", "/stream/"):
            application.router.add_get(path, self._serve_market)

    async def detach(self) -> None:
        """End all connections, and hear no more."""
        self._is_open = False
        self.drop()
        self._server.venue.listeners.remove(self._users)
        self._server.venue.listeners.remove(self._markets)

    def watch(self) -> None:
        """Close the connections whose time is over."""
        now = self._server.venue.now_ms()
        for connection, since in self._connected.items():
            if now - since >= _LONGEST_LIFE_MS:
                connection.close()

    def end_turn(self) -> None:
        """Send what has been heard in this turn."""
        if self._is_open:
            self._users.end_turn()
            self._markets.end_turn()

    async def settle(self) -> None:
        """Return when what was to be sent has been written; who does not read is not waited for."""
        with suppress(TimeoutError):
            async with asyncio.timeout(_SETTLE_SECONDS):
                await asyncio.gather(*(connection.written() for connection in self._connected))

    def drop(self) -> None:
        """Cut all connections."""
        for connection in list(self._connected):
            connection.abort()

    def shut_down(self) -> None:
        """Say on all connections that the server shuts down, and cut them."""
        event = user_event.server_shutdown(self._server.time_ms())
        for connection, client in list(self._clients.items()):
            if isinstance(client, MarketClient):
                client.tell("!serverShutdown", event)
            else:
                connection.tell({"event": event})
            connection.cut()

    def catch_up(self, symbol: str | None = None) -> None:
        """Let the market streams of a symbol, or of all, tell now what they would in a moment."""
        if self._is_open:
            self._markets.catch_up(symbol)

    async def _serve_market(self, request: web.Request) -> web.StreamResponse:
        is_combined = request.path.startswith("/stream")
        listed = request.query.get("streams") if is_combined else request.match_info.get("names")
        names = [name for name in (listed or "").split("/") if name]
        try:
            connection = self._admit(request, _MARKET_MESSAGES_PER_SECOND, weight=0)
            control = MarketControl(names, is_combined=is_combined)
        except Refusal as refusal:
            return _handshake_refused(refusal)
        client = MarketClient(connection, control)

        async def hear(text: str | bytes) -> None:
            answer = control.answer(text)
            self._markets.update(client)
            connection.tell(answer)

        self._clients[connection] = client
        self._markets.update(client)
        try:
            return await connection.run(hear)
        finally:
            self._markets.forget(client)
            self._forget(connection)

    async def _serve_api(self, request: web.Request) -> web.StreamResponse:
        try:
            connection = self._admit(request, None, weight=_CONNECT_WEIGHT)
        except Refusal as refusal:
            return _handshake_refused(refusal)
        returns_limits = request.query.get("returnRateLimits") != "false"
        session = ApiSession(self._server, self._users, connection, returns_limits=returns_limits)
        self._clients[connection] = session
        client = ApiClient(self._server, session, connection)
        try:
            return await connection.run(client.hear)
        finally:
            session.end()
            self._forget(connection)

    def _admit(
        self, request: web.Request, messages_per_second: int | None, *, weight: int
    ) -> Connection:
        unit = request.query.get("timeUnit", "MILLISECOND").upper()
        if unit == "MICROSECOND":
            raise Refusal(-1020, "timeUnit=MICROSECOND is not modelled by this simulator.")
        if unit != "MILLISECOND":
            raise Refusal(
                -1194,
                "Invalid value for time unit; expected either MICROSECOND or MILLISECOND.",
            )
        connection = Connection(
            request,
            messages_per_second=messages_per_second,
            ping_seconds=self._ping_seconds,
            pong_seconds=self._pong_seconds,
        )
        now = self._server.venue.now_ms()
        attempts = self._attempts.setdefault(connection.address, deque())
        while attempts and attempts[0] <= now - _CONNECTIONS_MS:
            attempts.popleft()
        if self._connection_limit is not None and len(attempts) >= self._connection_limit:
            left = attempts[0] + _CONNECTIONS_MS - now
            raise Refusal(
                -1003,
                f"Too many connections; current limit is {self._connection_limit} connections per "
                "5 MINUTE.",
                429,
                retry_after=-(-left // 1000),
            )
        if weight:
            self._server.limits.charge(connection.address, weight)
        attempts.append(now)
        self._connected[connection] = now
        return connection

    def _forget(self, connection: Connection) -> None:
        del self._connected[connection], self._clients[connection]


def _handshake_refused(refusal: Refusal) -> web.Response:
    answer = refused(refusal)
    return web.Response(
        status=answer.status, body=answer.body, headers=dict(answer.headers), charset=None
    )
