"""The simulated gateway's server: clients, their turns, the link; all on one event loop."""

from __future__ import annotations

import asyncio
import datetime as dt
import logging
import os
import socket
from collections.abc import Callable
from decimal import Decimal
from typing import Any, TypeVar

from nanobook_core.contracts.clock import Clock
from nanobook_core.errors import ValidationError
from nanobook_ibkr.simulator.broadcaster import Broadcaster
from nanobook_ibkr.simulator.client import Client
from nanobook_ibkr.simulator.fault import FaultScript
from nanobook_ibkr.simulator.message_log import MessageLog
from nanobook_ibkr.simulator.quotes_file import QuotesFile
from nanobook_ibkr.simulator.record import ContractKey, OrderForm, VenueRefusal
from nanobook_ibkr.simulator.venue import Venue

T = TypeVar("T")
_logger = logging.getLogger(__name__)

MOST_CONNECTIONS = 32
WATCH_SECONDS = 0.2
_LINK_DOWN = "Connectivity between IB and Trader Workstation has been lost."
_LINK_UP = "Connectivity between IB and Trader Workstation has been restored - "
_KEPT = "data maintained. All data farms are connected: usfarm; ushmds; secdefil."
_LOST = "data lost. Please resubmit all market data requests."


class Server:
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
    ) -> None:
        self.venue = venue
        self.max_version = max_version
        self.messages_per_second = messages_per_second
        self.read_only = read_only
        self.delayed = delayed
        self.log = MessageLog()
        self.script = FaultScript()
        self.clients: dict[int, Client] = {}
        """Those that have started, by client id."""
        self.is_linked = True
        """Whether TWS reaches the venue."""
        self.defects: list[Exception] = []
        """Errors of ours: each has ended the connection on which it happened."""
        self._clock = clock
        self._quotes = quotes
        self._complaint = ""
        """What was wrong with the quotes the last time."""
        self._connections: dict[Client, None] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        """One for each of them, and for those that are being made."""
        self._mail: dict[Client, None] = {}
        self._held: list[Callable[[], object]] = []
        """Requests that wait for the link."""
        self._timers: set[asyncio.TimerHandle] = set()
        self._socket: socket.socket
        """Bound to the port; it does not listen while connections are refused."""
        self._is_listening = False
        self._broadcaster = Broadcaster(self)

    def now(self) -> dt.datetime:
        """Time of day in UTC."""
        return self._clock.now()

    def monotonic(self) -> float:
        """Seconds since some moment, by which messages are logged and paced."""
        return self._clock.monotonic()

    def listen(self, host: str, port: int) -> int:
        """Accept clients from now on; the port on which it does.

        Raises:
            OSError: the port is taken, no such address is here, or the quotes cannot be read.
            ValidationError: the quotes are none.

        """
        if self._quotes is not None:
            self._quotes.poll(self.venue)
        self._listen_at(_bound(host, port))
        asyncio.get_running_loop().set_exception_handler(self._note)
        self.venue.listeners.append(self._broadcaster)
        self._watch()
        return int(self._socket.getsockname()[1])

    def _listen_at(self, bound: socket.socket) -> None:
        self._socket, self._is_listening = bound, True
        bound.listen()
        asyncio.get_running_loop().add_reader(bound, self._accept)

    def _stop_listening(self) -> None:
        if self._is_listening:
            asyncio.get_running_loop().remove_reader(self._socket)
            self._is_listening = False
        self._socket.close()

    async def close(self) -> None:
        """End all connections, and accept no more."""
        for timer in self._timers:
            timer.cancel()
        self._timers.clear()
        self._stop_listening()
        self.drop()
        if self._tasks:
            await asyncio.wait(self._tasks)
        self._held.clear()
        self.venue.listeners.remove(self._broadcaster)

    def _accept(self) -> None:
        """Take one connection in; not by asyncio's server, which loses some when it is closed."""
        try:
            connection, _ = self._socket.accept()
        except (BlockingIOError, ConnectionAbortedError):
            return
        if len(self._tasks) >= MOST_CONNECTIONS:
            connection.close()
            return
        connection.settimeout(0)
        task = asyncio.get_running_loop().create_task(self._serve(connection))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _serve(self, connection: socket.socket) -> None:
        client = Client(self, *await asyncio.open_connection(sock=connection))
        self._connections[client] = None
        if not self._is_listening:
            client.abort()
        try:
            await client.run()
        except Exception as error:  # noqa: BLE001 - ours; nobody else's connection may suffer
            self.defects.append(error)
        finally:
            del self._connections[client]

    def _note(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        del loop
        self.defects.append(context.get("exception") or RuntimeError(context["message"]))

    def turn(self, act: Callable[[], T]) -> T:
        """Return what the act does, and tell the clients what it has changed."""
        try:
            return act()
        finally:
            self._broadcaster.end_turn()
            mail, self._mail = self._mail, {}
            for client in mail:
                client.flush()

    def has_mail(self, client: Client) -> None:
        """Flush it at the end of the turn."""
        self._mail[client] = None

    def later(self, seconds: float, act: Callable[[], object]) -> None:
        """Let something happen after so many seconds, as a turn of its own."""

        def run() -> None:
            self._timers.discard(timer)
            self.turn(act)

        timer = asyncio.get_running_loop().call_later(seconds, run)
        self._timers.add(timer)

    def _watch(self) -> None:
        """Let orders expire and the market follow its file, though nobody asks for anything."""
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
        self.later(WATCH_SECONDS, self._watch)

    def start_api(self, client: Client, client_id: int) -> bool:
        """Let the client be known by that id; False if another one is."""
        if client_id in self.clients:
            return False
        client.client_id = client_id
        self.clients[client_id] = client
        return True

    def forget(self, client: Client) -> None:
        """It has gone; its orders stay."""
        if client.client_id is not None and self.clients.get(client.client_id) is client:
            del self.clients[client.client_id]

    def drop(self, client_id: int | None = None) -> None:
        """Cut the connection of one client, or all of them."""
        for client in list(self._connections):
            if client_id is None or client.client_id == client_id:
                client.abort()

    def broadcast(self, code: int, text: str) -> None:
        """Tell all clients something that is about no request."""
        for client in self.clients.values():
            client.error(-1, code, text)

    def when_linked(self, act: Callable[[], object]) -> None:
        """Do it now, or as soon as there is a link to the venue."""
        if self.is_linked:
            act()
        else:
            self._held.append(act)

    def tell_link(self, client: Client) -> None:
        """Tell a client that there is no link, if so."""
        if not self.is_linked:
            client.error(-1, 1100, _LINK_DOWN)

    def link_down(self) -> None:
        """Lose the link: clients stay connected, their orders wait, nothing is told."""
        if self.is_linked:
            self.is_linked = False
            self.broadcast(1100, _LINK_DOWN)

    def link_up(self, *, data_lost: bool) -> None:
        """Have it again: what waited is done, what happened is told unless data are lost."""
        if self.is_linked:
            return
        self.is_linked = True
        if data_lost:
            for client in self.clients.values():
                client.streams.quotes.clear()
        self.broadcast(1101 if data_lost else 1102, _LINK_UP + (_LOST if data_lost else _KEPT))
        self._broadcaster.link_restored(data_lost=data_lost)
        held, self._held = self._held, []
        for act in held:
            act()

    def submit_other(
        self,
        client_id: int,
        key: ContractKey,
        side: str,
        quantity: Decimal,
        limit: Decimal | None,
    ) -> int:
        """Perm id of an order of somebody else; client 0 types it into TWS.

        Raises:
            ValidationError: the venue refuses it.

        """
        form = OrderForm(
            action=side,
            quantity=quantity,
            order_type="MKT" if limit is None else "LMT",
            limit_price=limit,
            account=self.venue.accounts[0],
        )
        try:
            if client_id == 0:
                return self.venue.place_manual(key, form).perm_id
            number = self.venue.next_order_id(client_id)
            return self.venue.place(client_id, number, key, form).perm_id
        except VenueRefusal as refusal:
            raise ValidationError(f"the venue refuses it: {refusal}") from None

    def fill(self, name: int | str, quantity: Decimal | None) -> None:
        """Let somebody else trade with the order of that perm id or reference; None: all of it.

        Raises:
            ValidationError: no such order rests, or not so much of it.

        """
        found = [
            order
            for order in self.venue.orders
            if not order.is_done and name in (order.perm_id, order.form.order_ref)
        ]
        if len(found) != 1:
            raise ValidationError(f"{len(found)} live orders have the id or reference {name!r:.60}")
        order = found[0]
        self.venue.fill(order.perm_id, order.remaining if quantity is None else quantity)

    def refuse(self, seconds: float) -> None:
        """Cut all connections and refuse new ones for so many seconds."""
        if not self._is_listening:
            return
        host, port = self._socket.getsockname()[:2]
        self._stop_listening()
        self.drop()
        self._socket = _bound(host, port)  # nobody else can have it meanwhile
        self.later(seconds, lambda: self._listen_at(self._socket))


def _bound(host: str, port: int) -> socket.socket:
    """A socket that has the port, and refuses connections until it listens."""
    made = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    try:
        if os.name == "posix":
            made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        made.settimeout(0)
        made.bind((host, port))
    except BaseException:
        made.close()
        raise
    return made
