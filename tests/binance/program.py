"""A program that trades through a `BinanceBroker` on a simulated venue."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Any

from attrs import frozen
from tests.fault.program import Act, Program

from nanobook_binance.broker import BinanceBroker
from nanobook_binance.simulator import SimulatedBinance
from nanobook_binance.simulator.venue import VenueOrder
from nanobook_core.contracts import BrokerOrder, OrderNotFoundError

#: The account whose key the program has, and somebody else's.
ACCOUNT, OTHER = "default", "other"


@frozen(kw_only=True)
class Pair:
    """How a symbol is traded in a session."""

    venue_symbol: str
    tick: Decimal
    bid: Decimal
    """Where it starts; the ask is two ticks above."""
    lot: Decimal
    lots: tuple[int, int]
    """Fewest and most that are ordered."""


PAIRS = {
    "BTC": Pair(
        venue_symbol="BTCUSDT",
        tick=Decimal("0.01"),
        bid=Decimal("60000.00"),
        lot=Decimal("0.00001"),
        lots=(20, 900),
    ),
    "PEPE": Pair(
        venue_symbol="PEPEUSDT",
        tick=Decimal("0.00000001"),
        bid=Decimal("0.00001234"),
        lot=Decimal(1),
        lots=(200_000, 3_000_000),
    ),
    "ETHBTC": Pair(
        venue_symbol="ETHBTC",
        tick=Decimal("0.00001"),
        bid=Decimal("0.04166"),
        lot=Decimal("0.0001"),
        lots=(100, 900),
    ),
}
SYMBOLS = tuple(PAIRS)
NAMES = {pair.venue_symbol: symbol for symbol, pair in PAIRS.items()}
"""What brokers call a symbol, by the venue's name."""

#: Seconds, of whatever does come.
PATIENCE = 15.0

Make = Callable[..., Any]
"""As `make_broker`, but for its `kind`."""


def make_broker(
    venue: SimulatedBinance,
    state: Path | None,
    *,
    stream: bool = True,
    kind: type[BinanceBroker] = BinanceBroker,
) -> BinanceBroker:
    """Make a broker with short time-outs."""
    return kind(
        venue.api_key,
        venue.secret_key,
        base_url=venue.url,
        ws_url=venue.ws_api_url,
        state=state,
        stream=stream,
        timeout=1.0,
    )


def be_patient(broker: BinanceBroker) -> None:
    """Let a broker wait for whatever comes, on a slow machine too."""
    for part in (broker._rest, broker._rest._exchange, broker._line):
        part._timeout = PATIENCE


class BinanceProgram(Program):
    """A program of a simulated venue."""

    def __init__(self, venue: SimulatedBinance, folder: Path, random: Random, make: Make) -> None:
        super().__init__(random, SYMBOLS)
        self.venue = venue
        self.folder = folder
        self.make = make
        self.streams = random.random() < 0.7
        """Whether the broker hears what happens by itself."""
        self.memories = 1
        self.remembered: set[str] = set()
        """Client order ids of which the broker has records of its own, or may have."""
        self.renamed: set[str] = set()
        """Client order ids that orders have lost, as somebody has amended these."""
        self.bids = {symbol: pair.bid for symbol, pair in PAIRS.items()}

    def new_broker(self, *, remembers: bool = True) -> Any:
        """Make a broker with short time-outs."""
        state = self.folder / f"{self.memories}" if remembers else None
        return self.make(self.venue, state, stream=self.streams)

    def forget(self) -> None:
        """End the program, lose its records, and start it again: it may be told anything anew.

        Not where orders go by other names by now: nobody could know them again.
        """
        if self.renamed:
            return
        self.memories += 1
        self.remembered.clear()
        self.call("disconnect", self.broker.disconnect)
        self.events.clear()
        self.missed.clear()
        self.restart()

    def another_program(self) -> None:
        """Another program with the same key, which knows nothing of this one's orders."""
        known = set(self.remembered)
        super().another_program()
        self.remembered = known

    def new_order(self, *, is_marketable: bool | None = None) -> BrokerOrder:
        """Any order, that nobody has submitted yet."""
        draw = self.random
        if is_marketable is None:
            is_marketable = draw.random() < 0.4
        symbol, side = draw.choice(SYMBOLS), draw.choice(["buy", "sell"])
        pair, bid = PAIRS[symbol], self.bids[symbol]
        ask, away = bid + 2 * pair.tick, draw.randint(1, 9) * pair.tick
        touch, passive, stop = (
            (ask, bid - away, ask + away) if side == "buy" else (bid, ask + away, bid - away)
        )
        terms: dict[str, Any] = {"order_type": "limit", "limit_price": passive, "tif": "gtc"}
        kind = draw.random()
        if is_marketable and kind < 0.3:
            terms = {"order_type": "market", "tif": "gtc"}
        elif is_marketable:
            terms |= {"limit_price": touch, "tif": draw.choice(["gtc", "ioc", "fok"])}
        elif kind < 0.15:
            terms = {"order_type": "stop", "stop_price": stop, "tif": "gtc"}
        elif kind < 0.3:
            terms |= {"order_type": "stop_limit", "stop_price": stop, "limit_price": stop}
        elif kind < 0.45:
            terms |= {"post_only": True}
        ref = f"nb1-{len(self.orders) + 1}"
        quantity = draw.randint(*pair.lots) * pair.lot
        order = BrokerOrder(symbol, side, quantity, client_order_id=ref, **terms)
        self.orders[ref] = order
        return order

    def unsent_order(self) -> BrokerOrder:
        """An order to ask about."""
        symbol = self.random.choice(SYMBOLS)
        pair = PAIRS[symbol]
        quantity = pair.lots[0] * pair.lot
        return BrokerOrder(symbol, "buy", quantity, "limit", self.bids[symbol], tif="gtc")

    def submission(self, order: BrokerOrder) -> Act:
        """Submit an order; a new one is in the broker's records from then on, or may be."""
        if all(each.client_order_id != order.client_order_id for each in self.asked):
            self.remembered.add(order.client_order_id or "")
        return super().submission(order)

    def submit_again(self) -> None:
        """Submit an order of any program again, as one does that has lost its memory."""
        if self.orders:
            self.submit(self.random.choice(list(self.orders.values())))

    def resting(self) -> list[VenueOrder]:
        """Orders of this account in the book, whoever has sent them."""
        orders = self.venue.orders(ACCOUNT)
        return [each for each in orders if each.is_open and each.is_working]

    def living(self) -> list[str]:
        """Client order ids of programs' orders that live at the venue."""
        living = [each.client_order_id for each in self.venue.orders(ACCOUNT) if each.is_open]
        return [ref for ref in living if ref in self.orders]

    def status(self, ref: str) -> Any:
        """What the broker says of an order; of one that it has no records of, where told where."""
        if ref in self.remembered:
            return super().status(ref)
        symbol = self.orders[ref].symbol
        status = self.call("find_order", lambda: self.broker.find_order(ref, symbol=symbol))
        return OrderNotFoundError(ref) if status is None else status
