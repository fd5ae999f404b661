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
from tests.rebalancer.sim_venue import SILENCE, SimVenue
from tests.rebalancer.virtual_clock import VirtualClock

from nanobook_core.contracts.broker import ConnectionInfo, ConnectionState
from nanobook_core.contracts.broker_error import LinkDownError, NotConnectedError
from nanobook_core.contracts.broker_order import OrderAck

PRICES = {"AAA": Decimal(50), "BBB": Decimal(20), "CCC": Decimal(125), "DDD": Decimal("80.5")}
START = {"AAA": Decimal(1600), "BBB": Decimal(2500), "CCC": Decimal(-240)}
WEIGHTS = {"AAA": 0.03, "CCC": 0.02, "DDD": -0.04}
ORDERS = 4
#: Fills come within a fifth of a second.
PACE = 0.05

FORWARDED = (
    "capabilities",
    "server_time",
    "account",
    "positions",
    "instrument",
    "normalize",
    "preview",
    "order_status",
    "open_orders",
    "find_order",
    "fills",
    "cancel_order",
    "cancel_all",
    "replace_order",
    "resync",
    "halt",
    "resume",
)


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


class SocketBroker:
    """A Broker whose venue is in another process."""

    name = "socket"

    def __init__(self, *, address: str) -> None:
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

    def __enter__(self):
        self.connect()
        return self

    def __exit__(self, *_):
        self.disconnect()

    def connection(self):
        state = ConnectionState.DISCONNECTED if self.link is None else ConnectionState.READY
        return ConnectionInfo(state=state, account_id="SIM-1")

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

    def submit_order(self, order, *arguments, **keywords):
        number, client_order_id, state = self.ask("submit_order", order, *arguments, **keywords)
        return OrderAck(number, client_order_id, state)

    def quote(self, symbol):
        asked = time.monotonic()
        return evolve(self.ask("quote", symbol), received=asked)

    def wait(self, order, timeout):
        until = time.monotonic() + timeout
        while True:
            status = self.ask("order_status", order)
            if status.state.is_terminal or time.monotonic() >= until:
                return status
            time.sleep(0.02)

    def subscribe(self, callback):
        return lambda: None


def _forward(name: str) -> Callable[..., Any]:
    def method(self: SocketBroker, *arguments: Any, **keywords: Any) -> Any:
        return self.ask(name, *arguments, **keywords)

    return method


for _name in FORWARDED:
    setattr(SocketBroker, _name, _forward(_name))


if __name__ == "__main__":
    VenueServer(sys.argv[1], sys.argv[2]).serve()
