"""The simulated gateway's server: clients, their turns, the link; all on one event loop."""

from __future__ import annotations

import asyncio
import datetime as dt
import logging
import socket
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from nanobook_core.broker.venue_server import VenueServer
from nanobook_core.contracts.clock import Clock
from nanobook_core.errors import ValidationError
from nanobook_ibkr.simulator.broadcaster import Broadcaster
from nanobook_ibkr.simulator.client import Client
from nanobook_ibkr.simulator.fault import GatewayFaults
from nanobook_ibkr.simulator.message_log import MessageLog
from nanobook_ibkr.simulator.quotes_file import QuotesFile
from nanobook_ibkr.simulator.uplink import Uplink
from nanobook_ibkr.simulator.venue import Venue

T = TypeVar("T")
_logger = logging.getLogger(__name__)

MOST_CONNECTIONS = 32
WATCH_SECONDS = 0.2


class Server(VenueServer):
    """Accepts clients and lets each act in turn; what an act changes is told at its end."""

    def __init__(
        self,
        venue: Venue,
        *,
        clock: Clock,
        max_version: int,
        messages_per_second: int | None,
        read_only: bool,
        delayed: bool,
        quotes: QuotesFile | None,
        client_log: Path | None,
    ) -> None:
        super().__init__()
        self.venue = venue
        self.max_version = max_version
        self.messages_per_second = messages_per_second
        self.read_only = read_only
        self.delayed = delayed
        self.log = MessageLog()
        self.script = GatewayFaults()
        self.clients: dict[int, Client] = {}
        """Those that have started, by client id."""
        self.uplink = Uplink(self.clients)
        self._clock = clock
        self._quotes = quotes
        self._client_log = client_log
        self._complaint = ""
        """What was wrong with the quotes the last time."""
        self._connections: dict[Client, None] = {}
        self._mail: dict[Client, None] = {}
        self._broadcaster = Broadcaster(self)

    def now(self) -> dt.datetime:
        """Time of day in UTC."""
        return self._clock.now()

    def monotonic(self) -> float:
        """Seconds since some moment, by which messages are logged."""
        return self._clock.monotonic()

    def bind(self, host: str, port: int) -> int:
        """Open the log, look at the quotes and take the port, which is returned; it needs no loop.

        Raises:
            OSError: the port is taken, no such address is here, or a file cannot be opened.
            ValidationError: the quotes are none.

        """
        if self._client_log is not None:
            self.log.open(self._client_log)
        try:
            if self._quotes is not None:
                self._quotes.poll(self.venue)
            return self._door.bind(host, port)
        except BaseException:
            self.log.close()
            raise

    async def open(self) -> None:
        """Accept clients on the running loop."""
        self.venue.listeners.append(self._broadcaster)
        self._begin()
        self._watch()

    async def close(self) -> None:
        """End all connections, and accept no more."""
        await self._end()
        self.uplink.forget()
        self.script.clear()
        self.venue.listeners.remove(self._broadcaster)
        self.log.close()

    def _admit(self, connection: socket.socket) -> None:
        if len(self._tasks) < MOST_CONNECTIONS:
            super()._admit(connection)
        else:
            connection.close()

    async def _serve(self, connection: socket.socket) -> None:
        client = Client(self, *await asyncio.open_connection(sock=connection))
        self._connections[client] = None
        if not self._door.is_open:
            client.abort()
        try:
            await client.run()
        except Exception as error:  # noqa: BLE001 - ours; nobody else's connection may suffer
            self.defects.append(error)
        finally:
            del self._connections[client]

    def turn(self, act: Callable[[], T]) -> T:
        """Return what the act does, and tell the clients what it has changed."""
        try:
            return act()
        finally:
            self._broadcaster.end_turn()
            mail, self._mail = self._mail, {}
            for client in mail:
                try:
                    client.flush()
                except Exception as error:  # noqa: BLE001 - ours; the others are told all the same
                    self.defects.append(error)
                    client.abort()

    def has_mail(self, client: Client) -> None:
        """Flush it at the end of the turn."""
        self._mail[client] = None

    def _watch(self) -> None:
        """Let orders expire and the market follow its file, though nobody asks for anything."""
        self.later(WATCH_SECONDS, self._watch)  # first: a defect below must not be the last watch
        self.venue.expire()
        if self._quotes is not None:
            complaint = ""
            try:
                self._quotes.poll(self.venue)
            except (OSError, ValidationError) as error:
                complaint = str(error)
            if complaint and complaint != self._complaint:
                _logger.warning("the quotes stay as they are: %s", complaint)
            self._complaint = complaint

    def start_api(self, client: Client, client_id: int) -> bool:
        """Let the client be known by that id; False if another one is."""
        if client_id in self.clients:
            return False
        client.client_id = client_id
        self.clients[client_id] = client
        return True

    def forget(self, client: Client) -> None:
        """It has gone; its orders stay."""
        if client.client_id is not None:
            del self.clients[client.client_id]

    def drop(self, client_id: int | None = None) -> None:
        """Cut the connection of one client, or all of them."""
        for client in list(self._connections):
            if client_id is None or client.client_id == client_id:
                client.abort()
