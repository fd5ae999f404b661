"""A session with the simulated gateway that is drawn from a seed, and its evidence."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Any, Self, TypeVar

from tests.ibkr.judge import HANG, OUTCOME, Evidence, Replace, Submit, Told, Truth, Violation

from nanobook_core.contracts import (
    BrokerError,
    BrokerEvent,
    BrokerOrder,
    ConnectionState,
    Fill,
    OrderNotFoundError,
    SyncReport,
)
from nanobook_core.errors import ValidationError
from nanobook_ibkr.broker import IbkrBroker
from nanobook_ibkr.simulator import SimulatedGateway
from nanobook_ibkr.simulator.record import LoggedMessage, VenueOrder
from nanobook_ibkr.simulator.request import PlaceOrder, parse
from nanobook_ibkr.simulator.wire import WireError

T = TypeVar("T")
CLIENT_ID = 1
SYMBOLS = ("AAPL", "MSFT", "IBM")
TICK = Decimal("0.01")
#: No call takes so many seconds: every time-out of the broker is a small part of it.
TOO_LONG = 20.0
#: Of a broker that has lost its connection, after the port is open again.
RECONNECT = 10.0


class HungError(Exception):
    """A call did not return; nothing more can be asked of that broker."""


def make_broker(port: int, state: Path, kind: type[IbkrBroker] = IbkrBroker) -> IbkrBroker:
    """Make a broker with short time-outs."""
    return kind(port=port, client_id=CLIENT_ID, state=state, timeout=1.0, ack_timeout=0.4)


def _is_what_if(message: LoggedMessage) -> bool:
    """Whether it only asks about an order."""
    for version in (178, 176):  # of ib_async, of ib_insync: nothing may be left over
        with suppress(WireError):
            request = parse(list(message.fields), version)
            assert isinstance(request, PlaceOrder)
            return request.form.what_if
    raise ValueError(f"no order that anybody can read: {message}")


class FaultRun:
    """A gateway, a broker on it, and what was asked of it."""

    def __init__(
        self,
        folder: Path,
        seed: str,
        make: Callable[[int, Path], Any] = make_broker,
    ) -> None:
        self.random = Random(seed)  # noqa: S311 - no secrets
        self.make = make
        self.state = folder / "state"
        self.gateway = SimulatedGateway()
        self.asked: list[Submit | Replace] = []
        self.orders: dict[str, BrokerOrder] = {}
        """By client order id, as they were asked for first."""
        self.events: list[BrokerEvent] = []
        self.missed: list[Fill] = []
        self.violations: list[Violation] = []
        self.quotes: dict[str, Decimal] = {}
        """Bid by symbol; the ask is two ticks above."""
        self.is_whole = True
        self.broker: Any = None

    def __enter__(self) -> Self:
        self.gateway.start()
        for symbol in SYMBOLS:
            self.quote(symbol, Decimal(self.random.randint(100, 200)))
        self.start_broker()
        assert self._is_ready()
        return self

    def __exit__(self, *error: object) -> None:
        try:
            self.call("disconnect", self.broker.disconnect)
        except HungError:
            pass
        finally:
            self.gateway.stop()

    # What a program does with its broker.

    def start_broker(self) -> None:
        """Make a broker on the state of the one before, and connect it."""
        self.broker = self.make(self.gateway.port, self.state)
        self.broker.subscribe(self.events.append)
        self.connect()

    def connect(self) -> None:
        """Connect: the first time in a process that takes as long as to import the library."""
        self.call("connect", lambda: self.broker.connect(10.0))

    def call(self, name: str, function: Callable[[], T]) -> T | BrokerError:
        """Return what a call returns or raises; one that never ends is a violation, and the end.

        Raises:
            HungError: it did not return.

        """
        return self.calls(name, [function])[0]

    def calls(self, name: str, functions: Sequence[Callable[[], T]]) -> list[T | BrokerError]:
        """Call several at once, each in a thread of its own; see `call`."""
        answers: dict[int, T | BaseException] = {}

        def run(number: int) -> None:
            try:
                answers[number] = functions[number]()
            except BaseException as error:  # noqa: BLE001 - told to whoever waits
                answers[number] = error

        threads = [
            threading.Thread(target=run, args=(number,), daemon=True)
            for number in range(len(functions))
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(TOO_LONG)
        if len(answers) < len(functions):
            self.violations.append(Violation(HANG, f"{name} did not return in {TOO_LONG} s"))
            raise HungError(name)
        return [self._typed(name, answers[number]) for number in range(len(functions))]

    def _typed(self, name: str, answer: T | BaseException) -> T | BrokerError:
        if isinstance(answer, BaseException) and not isinstance(answer, BrokerError):
            self.violations.append(Violation(OUTCOME, f"{name} raised {answer!r:.200}"))
            return BrokerError(str(answer), outcome="unknown")
        return answer

    def submit(self, *orders: BrokerOrder) -> None:
        """Submit orders at once, by default a new one of any kind."""
        orders = orders or (self.new_order(),)
        answers = self.calls(
            "submit_order",
            [lambda order=order: self.broker.submit_order(order) for order in orders],  # type: ignore[misc]
        )
        for order, answer in zip(orders, answers, strict=True):
            self.asked.append(
                Submit(
                    order=order,
                    outcome=answer.outcome if isinstance(answer, BrokerError) else None,
                    error=repr(answer) if isinstance(answer, BrokerError) else "",
                )
            )

    def crowd(self) -> None:
        """Submit several orders at once, from as many threads."""
        self.submit(*[self.new_order() for _ in range(self.random.randint(2, 4))])

    def new_order(self, *, is_marketable: bool | None = None) -> BrokerOrder:
        """Any order, that nobody has submitted yet."""
        draw = self.random
        if is_marketable is None:
            is_marketable = draw.random() < 0.4
        symbol, side = draw.choice(SYMBOLS), draw.choice(["buy", "sell"])
        bid, ask = self.quotes[symbol], self.quotes[symbol] + 2 * TICK
        away = draw.randint(1, 9) * TICK
        touch, passive, stop = (
            (ask, bid - away, ask + away) if side == "buy" else (bid, ask + away, bid - away)
        )
        terms: dict[str, Any] = {"order_type": "limit", "limit_price": passive}
        kind = draw.random()
        if is_marketable:
            terms = {"order_type": "market"} if kind < 0.3 else terms | {"limit_price": touch}
        elif kind < 0.15:
            terms = {"order_type": "stop", "stop_price": stop}
        elif kind < 0.3:
            terms = {"order_type": "stop_limit", "stop_price": stop, "limit_price": stop}
        if terms["order_type"] == "limit":
            terms["tif"] = draw.choice(["day", "day", "gtc", "ioc", "fok"])
        ref = f"nb1-{len(self.orders) + 1}"
        order = BrokerOrder(symbol, side, draw.randint(1, 9), client_order_id=ref, **terms)
        self.orders[ref] = order
        return order

    def submit_again(self) -> None:
        """Submit an order that was submitted before, as a program does that lost its memory."""
        if self.orders:
            self.submit(self.random.choice(list(self.orders.values())))

    def cancel(self) -> None:
        """Cancel an order, which may be done."""
        if refs := self.living() or list(self.orders):
            ref = self.random.choice(refs)
            self.call("cancel_order", lambda: self.broker.cancel_order(ref))

    def change(self) -> None:
        """Change the quantity, or the limit, of a living order."""
        refs = [ref for ref in self.living() if self.orders[ref].limit_price is not None]
        if not refs:
            return
        ref = self.random.choice(refs)
        order = self.orders[ref]
        assert order.limit_price is not None
        if self.random.random() < 0.5:
            self.replace(ref, quantity=order.quantity + self.random.randint(1, 5))
        else:
            ticks = self.random.choice([-3, -2, -1, 1, 2, 3])
            self.replace(ref, limit_price=order.limit_price + ticks * TICK)

    def replace(
        self, ref: str, *, quantity: Decimal | None = None, limit_price: Decimal | None = None
    ) -> None:
        """Change an order."""
        answer = self.call(
            "replace_order",
            lambda: self.broker.replace_order(ref, quantity=quantity, limit_price=limit_price),
        )
        self.asked.append(
            Replace(
                client_order_id=ref,
                quantity=quantity,
                limit_price=limit_price,
                outcome=answer.outcome if isinstance(answer, BrokerError) else None,
            )
        )

    def cancel_all(self) -> None:
        """Cancel every order, of one symbol or of all, of others too or not."""
        symbol = self.random.choice([None, *SYMBOLS])
        scope = self.random.choice(["own", "own", "all"])
        self.call("cancel_all", lambda: self.broker.cancel_all(symbol, scope))

    def halted(self) -> None:
        """Submit an order while trading is halted here."""
        self.call("halt", lambda: self.broker.halt("a test"))
        self.submit()
        self.call("resume", self.broker.resume)

    def unsent_order(self) -> BrokerOrder:
        """An order to ask about."""
        symbol = self.random.choice(SYMBOLS)
        return BrokerOrder(symbol, "buy", 1, "limit", self.quotes[symbol])

    def look(self) -> None:
        """Ask for something."""
        refs = list(self.orders)
        name, *arguments = self.random.choice(
            [
                ("account",),
                ("positions",),
                ("open_orders", "all"),
                ("fills",),
                ("connection",),
                ("quote", self.random.choice(SYMBOLS)),
                ("server_time",),
                ("preview", self.unsent_order()),
                *[(name, ref) for name in ("order_status", "find_order") for ref in refs[-2:]],
            ]
        )
        self.call(name, lambda: getattr(self.broker, name)(*arguments))

    def ask(self, name: str) -> None:
        """Ask a question."""
        self.call(name, getattr(self.broker, name))

    def ask_quote(self) -> None:
        """Ask for a quote that is not streaming yet: of a broker that has just connected."""
        self.reconnect()
        self.call("quote", lambda: self.broker.quote(self.random.choice(SYMBOLS)))

    def resync(self) -> SyncReport | BrokerError:
        """Compare with the venue."""
        report = self.call("resync", self.broker.resync)
        if isinstance(report, SyncReport):
            self.missed += report.missed_fills
        return report

    def reconnect(self) -> None:
        """Disconnect and connect."""
        self.call("disconnect", self.broker.disconnect)
        self.connect()

    def restart(self) -> None:
        """End the program, and start it again."""
        self.is_whole = False
        self.call("disconnect", self.broker.disconnect)
        self.start_broker()

    # What the others do.

    def quote(self, symbol: str, bid: Decimal) -> None:
        """Move the market."""
        self.quotes[symbol] = bid
        bid_size, ask_size = (self.random.choice([2, None, None]) for _ in range(2))
        self.gateway.set_quote(symbol, bid, bid + 2 * TICK, bid_size=bid_size, ask_size=ask_size)

    def move(self) -> None:
        """Move the market of a symbol by some ticks, through the limits of some orders."""
        symbol = self.random.choice(SYMBOLS)
        self.quote(symbol, self.quotes[symbol] + self.random.randint(-6, 6) * TICK)

    def somebody_trades(self) -> None:
        """Fill a part of a resting order, or all of it."""
        if resting := self.resting():
            order = self.random.choice(resting)
            self.trade_with(order, self.random.randint(1, int(order.remaining)))

    def trade_with(self, order: VenueOrder, quantity: int) -> None:
        """Let somebody trade with a resting order, if its trading is not halted."""
        with suppress(ValidationError):
            self.gateway.fill(order.perm_id, quantity)

    def foreign(self) -> None:
        """Another client sends an order."""
        self.gateway.submit_foreign(*self._passive())

    def manual(self) -> None:
        """Somebody types an order into TWS."""
        self.gateway.submit_manual(*self._passive())

    def pause(self) -> None:
        """Let a moment pass."""
        time.sleep(self.random.uniform(0.005, 0.05))

    def _passive(self) -> tuple[str, str, Decimal, Decimal]:
        symbol = self.random.choice(SYMBOLS)
        limit = self.quotes[symbol] - self.random.randint(1, 9) * TICK
        return symbol, "BUY", Decimal(self.random.randint(1, 9)), limit

    def resting(self) -> list[VenueOrder]:
        """Orders of anybody that somebody may trade with."""
        return [
            each
            for each in self.gateway.orders()
            if not each.is_done and each.form.limit_price is not None and each.remaining >= 1
        ]

    def living(self) -> list[str]:
        """Client order ids of the broker's orders that live at the venue."""
        return [
            each.form.order_ref
            for each in self.gateway.orders()
            if each.client_id == CLIENT_ID and not each.is_done
        ]

    # All of it.

    def steps(self, count: int) -> None:
        """Do so many things by chance."""
        for _ in range(count):
            step = self.random.choices(
                (
                    self.submit,
                    self.crowd,
                    self.submit_again,
                    self.cancel,
                    self.cancel_all,
                    self.halted,
                    self.change,
                    self.look,
                    self.move,
                    self.somebody_trades,
                    self.foreign,
                    self.manual,
                    self.pause,
                    self.resync,
                    self.reconnect,
                    self.restart,
                ),
                (10, 1, 2, 3, 0.5, 0.3, 3, 4, 3, 4, 1, 1, 2, 1, 0.5, 0.5),
            )[0]
            step()

    def settle(self) -> None:
        """Mend everything, wait for the connection, and compare for the last time."""
        self.gateway.clear_faults()
        self.gateway.link_up()
        for symbol, bid in self.quotes.items():
            self.gateway.resume(symbol)
            self.gateway.set_quote(symbol, bid, bid + 2 * TICK)
        if self._state() is ConnectionState.READ_ONLY:  # until it is made again
            self.reconnect()
        elif self.random.random() < 0.7:
            self.connect()  # which hurries, where it would be tried again later
        end = time.monotonic() + RECONNECT
        while not self._is_ready() and time.monotonic() < end:
            if self._state() is ConnectionState.DISCONNECTED:  # the port was closed, or is
                self.connect()
            time.sleep(0.01)
        report = self.resync()
        if isinstance(report, BrokerError):
            self.violations.append(Violation(HANG, f"no resync though all is well: {report!r}"))

    def _state(self) -> ConnectionState:
        state: ConnectionState = self.broker.connection().state
        return state

    def _is_ready(self) -> bool:
        return self._state() is ConnectionState.READY

    def evidence(self, *, fees_known: bool) -> Evidence:
        """All that there is to judge."""
        return Evidence(
            asked=tuple(self.asked),
            truth=self.truth(),
            told=self.told(),
            fees_known=fees_known,
            violations=tuple(self.violations),
        )

    def truth(self) -> Truth:
        """What the venue knows."""
        messages = self.gateway.messages(3, incoming=True, client_id=CLIENT_ID)
        errors = self.gateway.messages(4, incoming=False, client_id=CLIENT_ID)
        orders = self.gateway.orders()
        taken = {str(each.order_id) for each in orders if each.client_id == CLIENT_ID}
        used_up = {each.fields[2] for each in errors if each.fields[3] == "103"} - taken
        return Truth(
            client_id=CLIENT_ID,
            orders=orders,
            executions=self.gateway.executions(),
            positions={
                each.contract.symbol: each.quantity
                for each in self.gateway.positions()
                if each.quantity
            },
            placed=frozenset(
                (each.fields[26], each.fields[1])
                for each in messages
                if each.fields[1] not in used_up and not _is_what_if(each)
            ),
        )

    def told(self) -> Told:
        """What the broker says, after which it has delivered its events."""
        statuses = {}
        for ref in self.orders:
            status = self.call("order_status", lambda ref=ref: self.broker.order_status(ref))
            if isinstance(status, BrokerError) and not isinstance(status, OrderNotFoundError):
                self.violations.append(Violation(OUTCOME, f"order_status({ref!r}): {status!r}"))
            statuses[ref] = None if isinstance(status, BrokerError) else status
        open_orders = self._answer("open_orders", "all")
        fills, positions = self._answer("fills"), self._answer("positions")
        self.call("disconnect", self.broker.disconnect)  # which ends the delivery of events
        return Told(
            statuses=statuses,
            open_orders=tuple(open_orders),
            fills=tuple(fills),
            positions={each.symbol: each.quantity for each in positions},
            events=tuple(self.events),
            missed=tuple(self.missed),
            is_whole=self.is_whole,
        )

    def _answer(self, name: str, *of: str) -> list[Any]:
        answer = self.call(name, lambda: getattr(self.broker, name)(*of))
        if isinstance(answer, BrokerError):
            self.violations.append(
                Violation(OUTCOME, f"{name}() without an answer, though all is well: {answer!r}")
            )
            return []
        return list(answer)
