"""Sessions against simulated gateways, and what they heard."""

import asyncio
import threading
from contextlib import contextmanager

from nanobook_core.contracts.clock import SystemClock
from nanobook_ibkr.listener import SessionSettings
from nanobook_ibkr.loop_thread import LoopThread
from nanobook_ibkr.message import VenueContract
from nanobook_ibkr.session import Session

AAPL = VenueContract(symbol="AAPL", sec_type="STK", exchange="SMART", currency="USD")
#: Of whatever is waited for and does come.
PATIENCE = 20


class Heard:
    """A listener that keeps what it is told, and can wait for it."""

    def __init__(self):
        self.messages = []
        self.news = threading.Condition()
        self.session = None
        self.resyncs = 0
        self.fails_on = None

    def hear(self, kind, *said):
        with self.news:
            self.messages.append((kind, *said))
            self.news.notify_all()
        if kind == self.fails_on:
            self.fails_on = None
            raise ValueError("the disk is full")

    def open_order(self, order):
        self.hear("open_order", order)

    def order_status(self, status):
        self.hear("order_status", status)

    def completed_order(self, order):
        self.hear("completed_order", order)

    def execution(self, execution):
        self.hear("execution", execution)

    def commission(self, commission):
        self.hear("commission", commission)

    def order_error(self, order_id, code, text):
        self.hear("order_error", order_id, code, text)

    def connection_changed(self, info):
        self.hear("connection", info.state.value, info.detail)

    async def resync(self):
        self.resyncs += 1
        await self.session.open_orders()
        await self.session.completed_orders()
        await self.session.executions()

    def of(self, kind):
        return [said[0] for name, *said in tuple(self.messages) if name == kind]

    @property
    def states(self):
        return self.of("connection")

    def wait_for(self, is_there):
        with self.news:
            assert self.news.wait_for(lambda: is_there(self), PATIENCE), self.messages[-5:]

    def wait_for_state(self, *states):
        self.wait_for(lambda heard: tuple(heard.states[-len(states) :]) == states)


class Client:
    """A session on its thread; its coroutines are called as if they were functions."""

    def __init__(self, gateway, *, clock=None, **settings):
        self.heard = Heard()
        self.defects = []
        fast = {"backoff": (0.01, 0.05), "request_timeout": 5.0, "client_id": 1, **settings}
        self.session = Session(
            SessionSettings(host=gateway.host, port=gateway.port, **fast),
            listener=self.heard,
            clock=SystemClock() if clock is None else clock,
        )
        self.heard.session = self.session
        self.thread = LoopThread("nanobook-ibkr-test")

    def connect(self, timeout=PATIENCE):
        self.thread.start()
        self.call(self.note_defects)
        self.call(self.session.connect, timeout)
        return self

    async def note_defects(self):
        """Keep what asyncio would only log: what nobody awaited or caught."""
        asyncio.get_running_loop().set_exception_handler(
            lambda _, context: self.defects.append(context)
        )

    async def tasks(self):
        """How many tasks there are beside this one."""
        return len(asyncio.all_tasks()) - 1

    def call(self, function, *arguments):
        return self.thread.call(lambda: function(*arguments))

    def ask(self, name, *arguments):
        return self.call(getattr(self.session, name), *arguments)

    def order_id(self):
        async def number():
            return self.session.next_order_id()

        return self.call(number)

    def contract(self, symbol="AAPL"):
        (details,) = self.ask(
            "contract_details",
            VenueContract(symbol=symbol, sec_type="STK", exchange="SMART", currency="USD"),
        )
        return details.contract

    def patience(self, seconds):
        """Wait so long for answers from now on."""
        self.session._link.requests._timeout = seconds

    def close(self):
        try:
            if self.thread.is_running:
                self.call(self.session.close)
                assert self.call(self.tasks) == 0
        finally:
            self.thread.stop()
        assert self.defects == []


@contextmanager
def connected(gateway, **settings):
    client = Client(gateway, **settings)
    try:
        yield client.connect()
    finally:
        client.close()
