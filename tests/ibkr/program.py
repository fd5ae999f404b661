"""A program that trades through a broker; what it does is drawn by chance, and remembered."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextlib import suppress
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Any

from attrs import frozen
from tests.fault.caller import Caller
from tests.fault.evidence import OUTCOME, Cancel, Replace, Submit, Told, Violation

from nanobook_core.contracts import (
    BrokerError,
    BrokerEvent,
    BrokerOrder,
    CancelRejectedError,
    Fill,
    OrderNotFoundError,
    SyncReport,
)
from nanobook_core.errors import ValidationError
from nanobook_ibkr.broker import IbkrBroker
from nanobook_ibkr.simulator import SimulatedGateway
from nanobook_ibkr.simulator.record import VenueOrder

CLIENT_ID = 1
SYMBOLS = ("AAPL", "MSFT", "IBM")
TICK = Decimal("0.01")


def make_broker(port: int, state: Path | None, kind: type[IbkrBroker] = IbkrBroker) -> IbkrBroker:
    """Make a broker with short time-outs."""
    return kind(port=port, client_id=CLIENT_ID, state=state, timeout=1.0, ack_timeout=0.4)


@frozen
class Act:
    """Something to ask of a broker, and what to do with its answer or its error."""

    name: str
    call: Callable[[], Any]
    note: Callable[[object], None]


class Program(Caller):
    """A program, its broker, and what it asked of it."""

    def __init__(
        self,
        gateway: SimulatedGateway,
        state: Path,
        random: Random,
        make: Callable[[int, Path | None], Any],
    ) -> None:
        super().__init__()
        self.gateway = gateway
        self.state = state
        self.random = random
        self.make = make
        self.asked: list[Submit | Replace | Cancel] = []
        self.orders: dict[str, BrokerOrder] = {}
        """By client order id, as they were asked for first."""
        self.others: set[str] = set()
        """Those of another program."""
        self.events: list[BrokerEvent] = []
        self.missed: list[Fill] = []
        self.report = SyncReport()
        """Of the last resync."""
        self.quotes: dict[str, Decimal] = {}
        """Bid by symbol; the ask is two ticks above."""
        self.is_whole = True
        self.broker: Any = None

    def start_broker(self) -> None:
        """Make a broker on the state of the one before, and connect it."""
        self.broker = self.make(self.gateway.port, self.state)
        self.broker.subscribe(self.events.append)
        self.connect()

    def connect(self) -> None:
        """Connect: the first time in a process that takes as long as to import the library."""
        self.call("connect", lambda: self.broker.connect(10.0))

    def do(self, *acts: Act) -> None:
        """Do several things at once, each in a thread of its own, and note how they ended."""
        names = ", ".join(act.name for act in acts)
        for act, answer in zip(acts, self.calls(names, [act.call for act in acts]), strict=True):
            act.note(answer)

    def submission(self, order: BrokerOrder) -> Act:
        """Submit an order."""

        def note(answer: object) -> None:
            error = answer if isinstance(answer, BrokerError) else None
            outcome = None if error is None else error.outcome
            self.asked.append(Submit(order=order, outcome=outcome, error=repr(error)))

        return Act("submit_order", lambda: self.broker.submit_order(order), note)

    def cancellation(self, ref: str) -> Act:
        """Cancel an order."""

        def note(answer: object) -> None:
            status = answer.status if isinstance(answer, CancelRejectedError) else None
            told = None if status is None else status.state
            self.asked.append(Cancel(client_order_id=ref, told=told))

        return Act("cancel_order", lambda: self.broker.cancel_order(ref), note)

    def question(self) -> Act:
        """Ask for anything."""
        name, *arguments = self.random.choice(
            [
                ("account",),
                ("positions",),
                ("open_orders", "all"),
                ("fills",),
                ("connection",),
                ("server_time",),
                ("quote", self.random.choice(SYMBOLS)),
                ("preview", self.unsent_order()),
                *[(name, ref) for name in ("order_status", "find_order") for ref in self.latest()],
            ]
        )
        return Act(name, lambda: getattr(self.broker, name)(*arguments), lambda _: None)

    def latest(self) -> list[str]:
        """Client order ids of the last two orders."""
        return list(self.orders)[-2:]

    def submit(self, *orders: BrokerOrder) -> None:
        """Submit orders at once, by default a new one of any kind."""
        self.do(*[self.submission(order) for order in orders or (self.new_order(),)])

    def crowd(self) -> None:
        """Submit several orders at once, while others are cancelled and questions asked."""
        acts = [self.submission(self.new_order()) for _ in range(self.random.randint(2, 3))]
        living = self.living()
        for _ in range(self.random.randint(0, 2)):
            if living and self.random.random() < 0.5:
                acts.append(self.cancellation(self.random.choice(living)))
            else:
                acts.append(self.question())
        self.do(*acts)

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

    def another_program(self) -> None:
        """Another program takes the same client id, and knows nothing of this one's orders."""
        self.is_whole = False
        self.call("disconnect", self.broker.disconnect)
        ours, self.broker = self.broker, self.make(self.gateway.port, None)
        self.connect()
        order = self.new_order()
        self.submit(order)
        self.call("disconnect", self.broker.disconnect)
        self.broker = ours
        self.others.add(order.client_order_id or "")
        self.connect()

    def submit_again(self) -> None:
        """Submit an order that was submitted before, as a program does that lost its memory."""
        if own := [order for ref, order in self.orders.items() if ref not in self.others]:
            self.submit(self.random.choice(own))

    def cancel(self) -> None:
        """Cancel an order, which may be done."""
        if refs := self.living() or list(self.orders):
            self.cancel_order(self.random.choice(refs))

    def cancel_order(self, ref: str) -> None:
        """Cancel an order."""
        self.do(self.cancellation(ref))

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

    def change_as_it_fills(self) -> None:
        """Raise the quantity of a living order while somebody trades with it."""
        resting = [each for each in self.resting() if each.form.order_ref in self.orders]
        if not resting:
            return
        order = self.random.choice(resting)
        quantity = self.random.randint(1, int(order.remaining))
        delay = self.random.uniform(0, 0.004)

        def trade() -> None:
            time.sleep(delay)
            self.trade_with(order, quantity)

        trading = threading.Thread(target=trade)
        trading.start()
        self.replace(order.form.order_ref, quantity=order.form.quantity + 5)
        trading.join()

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
        self.do(self.question())

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

    def resting(self) -> list[VenueOrder]:
        """Orders of anybody that somebody may trade with."""
        return [
            each
            for each in self.gateway.orders()
            if not each.is_done and each.form.limit_price is not None and each.remaining >= 1
        ]

    def trade_with(self, order: VenueOrder, quantity: int) -> None:
        """Let somebody trade with a resting order, if its trading is not halted."""
        with suppress(ValidationError):
            self.gateway.fill(order.perm_id, quantity)

    def living(self) -> list[str]:
        """Client order ids of the broker's orders that live at the venue."""
        return [
            each.form.order_ref
            for each in self.gateway.orders()
            if each.client_id == CLIENT_ID and not each.is_done
        ]

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
        account = self.call("account", self.broker.account)
        self.call("disconnect", self.broker.disconnect)  # which ends the delivery of events
        return Told(
            statuses=statuses,
            open_orders=tuple(open_orders),
            fills=tuple(fills),
            positions={each.symbol: each.quantity for each in positions},
            cash=Decimal("NaN") if isinstance(account, BrokerError) else account.cash,
            report=self.report,
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
