"""A program that trades through a broker; what it does is drawn by chance, and remembered."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from random import Random
from typing import Any, ClassVar

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


@frozen
class Act:
    """Something to ask of a broker, and what to do with its answer or its error."""

    name: str
    call: Callable[[], Any]
    note: Callable[[object], None]


class Program(Caller, ABC):
    """A program, its broker, and what it asked of it."""

    weights: ClassVar[Mapping[str, float]]
    """What a session does, and how often of one another."""

    def __init__(self, random: Random, symbols: Sequence[str]) -> None:
        super().__init__()
        self.random = random
        self.symbols = symbols
        self.asked: list[Submit | Replace | Cancel] = []
        self.orders: dict[str, BrokerOrder] = {}
        """By client order id, as they were asked for first."""
        self.others: set[str] = set()
        """Those of another program."""
        self.events: list[BrokerEvent] = []
        self.missed: list[Fill] = []
        self.report = SyncReport()
        """Of the last resync."""
        self.is_whole = True
        self.broker: Any = None

    @abstractmethod
    def new_broker(self, *, remembers: bool = True) -> Any:
        """Make a broker on the state of the one before, or on none."""

    @abstractmethod
    def new_order(self, *, is_marketable: bool | None = None) -> BrokerOrder:
        """Any order, that nobody has submitted yet."""

    @abstractmethod
    def unsent_order(self) -> BrokerOrder:
        """An order to ask about."""

    @abstractmethod
    def living(self) -> list[str]:
        """Client order ids of the broker's orders that live at the venue."""

    def start_broker(self) -> None:
        """Make a broker on the state of the one before, and connect it."""
        self.broker = self.new_broker()
        self.broker.subscribe(self.events.append)
        self.connect()

    def connect(self) -> BrokerError | None:
        """Connect: the first time in a process that takes as long as to import the library.

        Return why there is no connection, if there is none.
        """
        answer = self.call("connect", lambda: self.broker.connect(10.0))
        return answer if isinstance(answer, BrokerError) else None

    def steps(self, count: int) -> None:
        """Do so many things by chance."""
        for _ in range(count):
            (step,) = self.random.choices(list(self.weights), list(self.weights.values()))
            getattr(self, step)()

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
                ("quote", self.random.choice(self.symbols)),
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

    def another_program(self) -> None:
        """Another program takes the broker's place, and knows nothing of this one's orders."""
        self.is_whole = False
        self.call("disconnect", self.broker.disconnect)
        ours, self.broker = self.broker, self.new_broker(remembers=False)
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

    def cancel_all(self) -> None:
        """Cancel every order, of one symbol or of all, of others too or not."""
        symbol = self.random.choice([None, *self.symbols])
        scope = self.random.choice(["own", "own", "all"])
        self.call("cancel_all", lambda: self.broker.cancel_all(symbol, scope))

    def halted(self) -> None:
        """Submit an order while trading is halted here."""
        self.call("halt", lambda: self.broker.halt("a test"))
        self.submit()
        self.call("resume", self.broker.resume)

    def look(self) -> None:
        """Ask for something."""
        self.do(self.question())

    def ask(self, name: str) -> None:
        """Ask a question."""
        self.call(name, getattr(self.broker, name))

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

    def status(self, ref: str) -> Any:
        """What the broker says of an order, or the error with which it does not."""
        return self.call("order_status", lambda: self.broker.order_status(ref))

    def told(self) -> Told:
        """What the broker says, after which it has delivered its events."""
        statuses = {}
        for ref in self.orders:
            status = self.status(ref)
            if isinstance(status, BrokerError) and not isinstance(status, OrderNotFoundError):
                self.violations.append(Violation(OUTCOME, f"status of {ref!r}: {status!r}"))
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
            balances={}
            if isinstance(account, BrokerError)
            else {each.currency: (each.free, each.locked) for each in account.balances},
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
