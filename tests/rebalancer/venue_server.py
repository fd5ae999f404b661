"""A simulated venue in a process of its own, in real time, and a broker that talks to it.

    python tests/rebalancer/venue_server.py SOCKET SEED

The venue and its truth outlive whoever trades there.
"""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from decimal import Decimal
from multiprocessing.connection import Client, Connection, Listener
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from attrs import evolve
from tests.rebalancer.crash import Tape
from tests.rebalancer.sim_broker import SimBroker
from tests.rebalancer.sim_venue import ACCOUNT, SILENCE, SimVenue
from tests.rebalancer.virtual_clock import VirtualClock

from nanobook_core.broker.base import BrokerBase
from nanobook_core.contracts.broker import (
    BrokerCapabilities,
    ConnectionInfo,
    ConnectionState,
)
from nanobook_core.contracts.broker_error import LinkDownError, NotConnectedError
from nanobook_core.contracts.broker_order import OrderAck

PRICES = {"AAA": Decimal(50), "BBB": Decimal(20), "CCC": Decimal(125), "DDD": Decimal("80.5")}
START = {"AAA": Decimal(1600), "BBB": Decimal(2500), "CCC": Decimal(-240)}
WEIGHTS = {"AAA": 0.03, "CCC": 0.02, "DDD": -0.04}
ORDERS = 4
#: Fills come within a fifth of a second.
PACE = 0.05


class VenueServer:
    """Serves sessions, one thread each, one request at a time."""

    def __init__(self, address: str, seed: str) -> None:
        self.clock = VirtualClock()
        self.venue = SimVenue(self.clock, seed, PRICES, START, pace=PACE)
        if int(seed) % 4 == 0:  # something to cancel
            self.venue.plans[int(seed) // 4 % ORDERS] = SILENCE
        self.listener = Listener(address, "AF_UNIX", backlog=256)
        self.turn = threading.Lock()
        self.started = time.monotonic()
        self.sessions = 0

    def serve(self) -> None:
        """Take connections until the process ends."""
        while True:
            connection = self.listener.accept()
            self.sessions += 1
            threading.Thread(
                target=self.session, args=(connection, self.sessions), daemon=True
            ).start()

    def session(self, connection: Connection, number: int) -> None:
        """Answer one client until it is gone."""
        broker = SimBroker(self.venue, self.clock, Tape(), session=number)
        broker.connect()
        with suppress(EOFError, OSError), connection:
            while True:
                name, arguments, keywords = connection.recv()
                with self.turn:
                    behind = time.monotonic() - self.started - self.clock.elapsed
                    self.clock.sleep(max(0, behind))
                    answer = self.answer(broker, name, arguments, keywords)
                connection.send(answer)

    def answer(self, broker: SimBroker, name: str, arguments: Any, keywords: Any) -> Any:
        """What a method returns, or the error that it raises."""
        if name == "truth":
            return True, self.venue.truth()
        try:
            result = getattr(broker, name)(*arguments, **keywords)
        except Exception as error:  # noqa: BLE001 - it is raised on the other side
            return False, (type(error), error.args, error.__dict__)
        if isinstance(result, OrderAck):
            return True, (int(result), result.client_order_id, result.state)
        return True, result


def _forwarded(name: str) -> Callable[..., Any]:
    def method(self: SocketBroker, *arguments: Any, **keywords: Any) -> Any:
        return self.ask(name, *arguments, **keywords)

    return method


class SocketBroker(BrokerBase):
    """A Broker whose venue is in another process."""

    name = "socket"

    def __init__(self, *, address: str) -> None:
        super().__init__()
        self.address = address
        self.link: Connection | None = None

    def connect(self, timeout=None):
        if self.link is None:
            try:
                self.link = Client(self.address, "AF_UNIX")
            except OSError as error:
                raise NotConnectedError(str(error)) from error

    def disconnect(self):
        if self.link is not None:
            self.link.close()
            self.link = None

    def _connection(self):
        state = ConnectionState.DISCONNECTED if self.link is None else ConnectionState.READY
        return ConnectionInfo(state=state, account_id=ACCOUNT)

    def capabilities(self):
        return BrokerCapabilities(short=True, margin=True, client_id_scope="for_ever")

    def ask(self, method: str, *arguments: Any, **keywords: Any) -> Any:
        """Send a request and wait for what comes back."""
        if self.link is None:
            raise NotConnectedError
        try:
            self.link.send((method, arguments, keywords))
            is_answer, result = self.link.recv()
        except (EOFError, OSError) as error:
            self.disconnect()
            raise LinkDownError(str(error)) from error
        if is_answer:
            return result
        kind, args, state = result
        error = kind.__new__(kind, *args)
        error.__dict__.update(state)
        raise error

    def _send(self, order):
        return OrderAck(*self.ask("submit_order", order))

    def quote(self, symbol):
        asked = time.monotonic()
        return evolve(self.ask("quote", symbol), received=asked)

    server_time = _forwarded("server_time")
    account = _forwarded("account")
    positions = _forwarded("positions")
    instrument = _forwarded("instrument")
    order_status = _forwarded("order_status")
    open_orders = _forwarded("open_orders")
    find_order = _forwarded("find_order")
    fills = _forwarded("fills")
    cancel_order = _forwarded("cancel_order")


if __name__ == "__main__":
    VenueServer(sys.argv[1], sys.argv[2]).serve()
