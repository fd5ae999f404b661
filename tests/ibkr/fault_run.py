"""A session with the simulated gateway that is drawn from a seed, and its evidence."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Any, ClassVar, Self

from tests.fault.caller import HungError
from tests.fault.evidence import HANG, Violation
from tests.ibkr.evidence import Evidence, Truth
from tests.ibkr.program import CLIENT_ID, SYMBOLS, TICK, IbkrProgram, be_patient, make_broker

from nanobook_core.contracts import BrokerError, ConnectionState
from nanobook_ibkr.simulator import SimulatedGateway
from nanobook_ibkr.simulator.record import LoggedMessage, VenueOrder
from nanobook_ibkr.simulator.request import PlaceOrder, parse
from nanobook_ibkr.simulator.wire import WireError

#: Of a broker that has lost its connection, after the port is open again.
RECONNECT = 10.0


class FaultRun(IbkrProgram):
    """A program on a gateway of its own, on which others trade too."""

    weights: ClassVar[Mapping[str, float]] = {
        "submit": 10,
        "crowd": 1,
        "crowd_as_it_breaks": 0.5,
        "submit_again": 2,
        "cancel": 3,
        "cancel_all": 0.5,
        "halted": 0.3,
        "change": 3,
        "change_as_it_fills": 1,
        "look": 4,
        "resync": 1,
        "reconnect": 0.5,
        "restart": 0.5,
        "another_program": 0.5,
        "move": 3,
        "somebody_trades": 4,
        "foreign": 1,
        "manual": 1,
        "pause": 2,
    }

    def __init__(
        self,
        folder: Path,
        seed: str,
        make: Callable[[int, Path | None], Any] = make_broker,
    ) -> None:
        random = Random(seed)  # noqa: S311 - no secrets
        super().__init__(SimulatedGateway(), folder / "state", random, make)

    def __enter__(self) -> Self:
        self.gateway.start()
        for symbol in SYMBOLS:
            self.quote(symbol, Decimal(self.random.randint(100, 200)))
        self.start_broker()
        for _ in range(20):  # attempts, on a busy machine; no fault is there yet
            if self._is_ready():
                break
            self.connect()
        assert self._is_ready()
        return self

    def __exit__(self, *error: object) -> None:
        try:
            self.call("disconnect", self.broker.disconnect)
        except HungError:
            pass
        finally:
            self.gateway.stop()

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

    def foreign(self) -> None:
        """Another client sends an order."""
        self.gateway.submit_foreign(*self._passive())

    def manual(self) -> None:
        """Somebody types an order into TWS."""
        self.gateway.submit_manual(*self._passive())

    def crowd_as_it_breaks(self) -> None:
        """Submit several orders while the line breaks, or the link behind it, for a moment."""
        delay, is_link = self.random.uniform(0, 0.004), self.random.random() < 0.5

        def break_it() -> None:
            time.sleep(delay)
            (self.gateway.link_down if is_link else self.gateway.drop)()

        breaking = threading.Thread(target=break_it)
        breaking.start()
        self.crowd()
        breaking.join()
        self.gateway.link_up(data_lost=self.random.random() < 0.5)

    def pause(self) -> None:
        """Let a moment pass."""
        time.sleep(self.random.uniform(0.005, 0.05))

    def _passive(self) -> tuple[str, str, Decimal, Decimal]:
        symbol = self.random.choice(SYMBOLS)
        limit = self.quotes[symbol] - self.random.randint(1, 9) * TICK
        return symbol, "BUY", Decimal(self.random.randint(1, 9)), limit

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
        be_patient(self.broker)
        report = self.resync()
        if isinstance(report, BrokerError):
            self.violations.append(Violation(HANG, f"no resync though all is well: {report!r}"))
        else:
            self.report = report

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
        orders = self.gateway.orders()
        return Truth(
            client_id=CLIENT_ID,
            orders=orders,
            executions=self.gateway.executions(),
            positions={
                each.contract.symbol: each.quantity
                for each in self.gateway.positions()
                if each.quantity
            },
            cash=self._cash(),
            placed=self._placed(orders),
        )

    def _placed(self, orders: Sequence[VenueOrder]) -> frozenset[tuple[str, str]]:
        """What was sent, but for what the venue has refused because its number was used."""
        sent: dict[str, set[str]] = {}
        latest: dict[str, str] = {}
        for message in self.gateway.messages(client_id=CLIENT_ID):
            kind, fields = (message.incoming, message.fields[0]), message.fields
            if kind == (True, "3") and not _is_what_if(message):
                number, ref = fields[1], fields[26]
                sent.setdefault(number, set()).add(ref)
                latest[number] = ref
            elif kind == (False, "4") and fields[3] == "103" and fields[2] in latest:
                sent[fields[2]].discard(latest[fields[2]])
        for order in orders:
            if order.client_id == CLIENT_ID:
                sent.setdefault(str(order.order_id), set()).add(order.form.order_ref)
        return frozenset((ref, number) for number, refs in sent.items() for ref in refs)

    def _cash(self) -> Decimal:
        values = self.gateway.call(lambda venue: venue.account_values(venue.accounts[0]))
        return next(Decimal(each.value) for each in values if each.key == "TotalCashValue")


def _is_what_if(message: LoggedMessage) -> bool:
    """Whether it only asks about an order."""
    for version in (178, 176):  # of ib_async, of ib_insync: nothing may be left over
        with suppress(WireError):
            request = parse(list(message.fields), version)
            assert isinstance(request, PlaceOrder)
            return request.form.what_if
    raise ValueError(f"no order that anybody can read: {message}")
