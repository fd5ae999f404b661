"""A program that trades through an `IbkrBroker` on a simulated gateway."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextlib import suppress
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Any

from tests.fault.evidence import Replace
from tests.fault.program import Program

from nanobook_core.contracts import BrokerError, BrokerOrder
from nanobook_core.errors import ValidationError
from nanobook_ibkr.broker import IbkrBroker
from nanobook_ibkr.simulator import SimulatedGateway
from nanobook_ibkr.simulator.record import VenueOrder

CLIENT_ID = 1
SYMBOLS = ("AAPL", "MSFT", "IBM")
TICK = Decimal("0.01")
#: Seconds for an answer that does come, on a slow machine too.
PATIENCE = 30.0


def make_broker(port: int, state: Path | None, kind: type[IbkrBroker] = IbkrBroker) -> IbkrBroker:
    """Make a broker with short time-outs."""
    return kind(port=port, client_id=CLIENT_ID, state=state, timeout=1.0, ack_timeout=0.4)


def be_patient(broker: IbkrBroker) -> None:
    """Let a broker that is connected wait for whatever comes."""
    session = broker._line._session
    if session is not None and session._link is not None:
        session._link.requests._timeout = PATIENCE


class IbkrProgram(Program):
    """A program of a simulated gateway."""

    def __init__(
        self,
        gateway: SimulatedGateway,
        state: Path,
        random: Random,
        make: Callable[[int, Path | None], Any],
    ) -> None:
        super().__init__(random, SYMBOLS)
        self.gateway = gateway
        self.state = state
        self.make = make
        self.quotes: dict[str, Decimal] = {}
        """Bid by symbol; the ask is two ticks above."""

    def new_broker(self, *, remembers: bool = True) -> Any:
        """Make a broker with short time-outs."""
        return self.make(self.gateway.port, self.state if remembers else None)

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

    def unsent_order(self) -> BrokerOrder:
        """An order to ask about."""
        symbol = self.random.choice(SYMBOLS)
        return BrokerOrder(symbol, "buy", 1, "limit", self.quotes[symbol])

    def ask_quote(self) -> None:
        """Ask for a quote that is not streaming yet: of a broker that has just connected."""
        self.reconnect()
        self.call("quote", lambda: self.broker.quote(self.random.choice(SYMBOLS)))

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
