"""Streams of requests: seeded, drawn against a live book, kept in a file.

No cancel or modify names an order at whose level something has traded since it came: such orders
the original no longer finds in its queue, takes off another one, and hangs at the next order that
crosses. A shorter stream is the beginning of a longer one.
"""

from __future__ import annotations

from collections.abc import Callable
from hashlib import blake2b
from importlib import import_module
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
from attrs import define
from numpy.typing import NDArray

CACHE = Path(__file__).parents[1] / ".cache"

#: Fields and codes as in `nanobook.OPS_DTYPE`, and only those that these streams need.
DTYPE = np.dtype(
    [
        ("op", "u1"),
        ("side", "u1"),
        ("tif", "u1"),
        ("price", "<i4"),
        ("quantity", "<i4"),
        ("order_id", "<i4"),
    ]
)
LIMIT, CANCEL, MODIFY = 0, 2, 3
BUY, SELL = 0, 1
GTC, IOC, FOK = 0, 1, 2
SIDES, TIFS = ("buy", "sell"), ("gtc", "ioc", "fok")

SEED = 7
START_PRICE = 100_000

Request = tuple[int, int, int, int, int, int]


@define
class Resting:
    """An order on the book."""

    side: int
    price: int
    left: int


class Market:
    """A live book, and an account of what rests on it."""

    def __init__(self) -> None:
        self.exchange: Any = import_module("nanobook").Exchange(log_events=False)
        self.bid, self.ask = START_PRICE - 1, START_PRICE + 1
        self.orders: dict[int, Resting] = {}
        # Ids of those at whose level nothing has traded since they came: in no order, so that one
        # can be drawn, and where each of them is; and by price.
        self.free: list[int] = []
        self._places: dict[int, int] = {}
        self._fresh: dict[int, dict[int, None]] = {}

    def drawn(self, draw: Random) -> int:
        """Id of an order that the original, too, can still find in its queue."""
        return self.free[int(draw.random() * len(self.free))]

    def run(self, request: Request) -> None:
        """Send it, and keep account of what becomes of it."""
        op, side, tif, price, quantity, order_id = request
        if op == LIMIT:
            result = self.exchange.submit_limit(SIDES[side], price, quantity, TIFS[tif])
            new_id = result.order_id
        else:
            self._leave(order_id)
        if op == MODIFY:
            result = self.exchange.modify(order_id, price, quantity)
            new_id = result.new_order_id
        if op == CANCEL:
            self.exchange.cancel(order_id)
        else:
            filled = sum(self._trade(trade) for trade in result.trades)
            if tif == GTC and filled < quantity:
                self._rest(new_id, Resting(side, price, quantity - filled))
        bid, ask = self.exchange.best_bid_ask()
        self.bid, self.ask = bid or self.ask - 2, ask or self.bid + 2

    def _rest(self, order_id: int, order: Resting) -> None:
        self.orders[order_id] = order
        self._places[order_id] = len(self.free)
        self.free.append(order_id)
        self._fresh.setdefault(order.price, {})[order_id] = None

    def _leave(self, order_id: int) -> None:
        order = self.orders.pop(order_id)
        if order_id in self._places:
            self._bind(order_id)
            del self._fresh[order.price][order_id]

    def _bind(self, order_id: int) -> None:
        place, last = self._places.pop(order_id), self.free.pop()
        if last != order_id:
            self.free[place], self._places[last] = last, place

    def _trade(self, trade: Any) -> int:
        quantity: int = trade.quantity
        for order_id in self._fresh.pop(trade.price, ()):
            self._bind(order_id)
        order = self.orders[trade.passive_order_id]
        order.left -= quantity
        if not order.left:
            self._leave(trade.passive_order_id)
        return quantity


def mixed(market: Market, draw: Random) -> Request:
    """60 % adds, denser near the touch, 25 % cancels, 10 % takers of all kinds, 5 % modifies.

    The takers pull the price back to where it began, and hold the book at about 5,000 orders.
    """
    kind = draw.random() if len(market.free) >= 200 else 0.0
    side = draw.getrandbits(1)
    if kind < 0.60:
        offset = 1 + int(50 * draw.random() * draw.random())
        price = market.ask - offset if side == BUY else market.bid + offset
        return LIMIT, side, GTC, price, draw.randint(1, 100), 0
    if kind < 0.85:
        return CANCEL, 0, 0, 0, 0, market.drawn(draw)
    if kind < 0.95:
        side = int(100 * draw.random() < 50 + market.bid - START_PRICE)
        beyond = int(4 * draw.random())
        price = market.ask + beyond if side == BUY else market.bid - beyond
        tif = draw.choices((GTC, IOC, FOK), (40, 40, 20))[0]
        largest = 400 if len(market.orders) < 5_000 else 1_200
        return LIMIT, side, tif, price, draw.randint(1, largest), 0
    order_id = market.drawn(draw)
    order = market.orders[order_id]
    price = order.price + draw.randint(-3, 3)
    return MODIFY, order.side, GTC, price, draw.randint(1, 100), order_id


def published(market: Market, draw: Random) -> Request:
    """9 % GTC, 3 % IOC, 6 % cancels, 82 % moves: what exchange-core publishes its figures for.

    As there, about 1,000 orders rest at 750 prices, the touch stays where it is, and 6 % of the
    requests trade.
    """
    n_open = len(market.orders)
    kind = draw.random() if n_open >= 900 else 0.0
    side = draw.getrandbits(1)
    if 0.09 <= kind < 0.12:
        # Large ones hold the number of orders down, small ones let it rise.
        price, quantity = (market.ask, market.bid)[side], draw.randint(1, 10)
        return LIMIT, side, IOC, price, quantity * (20 if n_open > 1000 else 1), 0
    if 0.12 <= kind < 0.18:
        return CANCEL, 0, 0, 0, 0, market.drawn(draw)
    op, order_id = LIMIT, 0
    if kind >= 0.18:
        op, order_id = MODIFY, market.drawn(draw)
        side = market.orders[order_id].side
    if draw.random() < 0.025:
        return op, side, GTC, (market.ask, market.bid)[side], draw.randint(1, 10), order_id
    offset = 1 + int(800 * draw.random())
    price = START_PRICE - offset if side == BUY else START_PRICE + offset
    return op, side, GTC, price, draw.randint(1, 100), order_id


MIXES: dict[str, Callable[[Market, Random], Request]] = {"mixed": mixed, "published": published}


def stream(name: str, n: int) -> Path:
    """File of a stream of at least so many requests, drawn if there is none yet."""
    version = blake2b(Path(__file__).read_bytes(), digest_size=4).hexdigest()
    path = CACHE / f"{name}-{version}.npy"
    if path.exists() and len(np.load(path, mmap_mode="r")) >= n:
        return path
    CACHE.mkdir(exist_ok=True)
    for old in CACHE.glob(f"{name}-*.npy"):
        old.unlink()
    market, draw, mix = Market(), Random(SEED), MIXES[name]  # noqa: S311 - must be reproducible
    requests: NDArray[np.void] = np.zeros(n, DTYPE)
    for index in range(n):
        request = mix(market, draw)
        market.run(request)
        requests[index] = request
    part = path.with_suffix(".part.npy")
    np.save(part, requests)
    part.rename(path)
    return path
