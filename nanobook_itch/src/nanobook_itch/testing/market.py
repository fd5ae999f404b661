"""The venue of a generated day: its books, its numbers, and ordinary trading."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import accumulate
from random import Random
from typing import Any

from nanobook_itch.testing.packing import PACK
from nanobook_itch.testing.stock import Stock

_SIZES = (
    *(100,) * 72,
    *(200,) * 16,
    *(300, 400, 500, 500, 1000, 1000, 2500, 10_000),
    *range(1, 28),
    *(50, 50, 75, 99, 150),
)
_MPIDS = (b"GSCO", b"MSCO", b"UBSS", b"NITE", b"CDRG")
_CHUNK = 8192

# Shares of each type, added up: the rest are hidden trades.
_ADD = 0.42
_ATTRIBUTED = _ADD + 0.02
_DELETE = _ATTRIBUTED + 0.36
_REPLACE = _DELETE + 0.09
_EXECUTE = _REPLACE + 0.06
_EXECUTE_AWAY = _EXECUTE + 0.01
_REDUCE = _EXECUTE_AWAY + 0.02


class Market:
    """All books, and the messages that have not been handed out yet."""

    def __init__(self, stocks: Sequence[Stock], weights: Sequence[float], seed: int) -> None:
        self.random = Random(seed)  # noqa: S311 - market data, not secrets
        self.stocks = stocks
        self.orders: dict[int, list[Any]] = {}
        """Live orders by reference and arrival: stock, side, price, shares, place in `live`."""
        self.live: list[int] = []
        """Their references, roughly by arrival."""
        self.reference = 0
        self.match = 0
        self.now = 0
        self.n_messages = 0
        """That have been handed out."""
        self.n_bytes = 0
        self.counts: Counter[str] = Counter()
        self._out: list[bytes] = []
        self._picks = self._pick(list(accumulate(weights)))

    def _pick(self, weights: list[float]) -> Iterator[Stock]:
        while True:
            yield from self.random.choices(self.stocks, cum_weights=weights, k=1024)

    @property
    def n_told(self) -> int:
        """Messages so far."""
        return self.n_messages + len(self._out)

    def tell(self, kind: str, stock: Stock | None, *body: Any) -> None:
        """Write a message of a stock, or of none, at this time."""
        now = self.now
        locate = stock.locate if stock else 0
        self._out.append(PACK[kind](locate, 0, now >> 32, now & 0xFFFFFFFF, *body))

    def take(self) -> bytes:
        """Hand out what has been written."""
        out = self._out
        self.n_messages += len(out)
        self.counts.update(chr(message[2]) for message in out)
        data = b"".join(out)
        self.n_bytes += len(data)
        out.clear()
        return data

    def next_reference(self) -> int:
        """Return a reference for another order: larger than all before, some are left out."""
        self.reference += 1 + int(self.random.random() * 7)
        return self.reference

    def next_match(self) -> int:
        """Return a number for another execution."""
        self.match += 1 + int(self.random.random() * 3)
        return self.match

    def execute(self, reference: int, shares: int, price: int) -> None:
        """Tell an execution by a cross, whose volume is told again."""
        order = self.orders[reference]
        stock = order[0]
        self.tell("C", stock, reference, shares, self.match, b"N", price)
        order[3] -= shares
        if not order[3]:
            self._remove(reference)

    def _remove(self, reference: int) -> None:
        stock, side, price, _, place = self.orders.pop(reference)
        stock.leave(reference, side, price)
        last = self.live.pop()
        if last != reference:
            self.live[place] = last
            self.orders[last][4] = place

    # One message a turn and all types in one loop: a call for each would cost a third of the speed.
    def trade(self, n: int, start: int, end: int) -> Iterator[bytes]:  # noqa: C901, PLR0912, PLR0915
        """Write `n` messages of ordinary trading between two times, and hand out all but the last.

        Stocks that are halted have no executions.
        """
        rand, picks, orders, live = self.random.random, self._picks, self.orders, self.live
        out, remove = self._out, self._remove
        pack_a, pack_f, pack_d, pack_u = PACK["A"], PACK["F"], PACK["D"], PACK["U"]
        pack_e, pack_c, pack_x, pack_p = PACK["E"], PACK["C"], PACK["X"], PACK["P"]
        n_sizes, n_mpids = len(_SIZES), len(_MPIDS)
        now, high, low = self.now, self.now >> 32, self.now & 0xFFFFFFFF
        for turn in range(n):
            if len(out) >= _CHUNK:
                yield self.take()
            if rand() < 0.6:
                now = max(now, start + int((end - start) * ((turn + rand()) / n)))
                high, low = now >> 32, now & 0xFFFFFFFF
            tracking = 2 * (turn & 3)
            draw = rand()
            if draw < _ATTRIBUTED or not live:
                stock = next(picks)
                side = b"B" if rand() < 0.5 else b"S"
                price = stock.draw_price(side, rand)
                shares = _SIZES[int(rand() * n_sizes)]
                self.reference = reference = self.reference + 1 + int(rand() * 7)
                stock.enter(reference, side, price)
                orders[reference] = [stock, side, price, shares, len(live)]
                live.append(reference)
                head = (stock.locate, tracking, high, low, reference, side, shares)
                if draw < _ADD:
                    out.append(pack_a(*head, stock.code, price))
                else:
                    mpid = _MPIDS[int(rand() * n_mpids)]
                    out.append(pack_f(*head, stock.code, price, mpid))
                continue
            if draw >= _REDUCE:
                stock = next(picks)
                price = stock.bid + int(rand() * max(stock.ask - stock.bid, 1))
                shares = _SIZES[int(rand() * n_sizes)]
                match = self.next_match()
                head = (stock.locate, tracking, high, low, 0, b"B", shares)
                out.append(pack_p(*head, stock.code, price, match))
                continue
            # Most orders that something happens to are young.
            n_live = len(live)
            reach = n_live if rand() < 0.3 else min(n_live, 400)
            reference = live[n_live - 1 - int(rand() * reach)]
            order = orders[reference]
            if draw >= _REPLACE or draw < _DELETE:
                stock = order[0]
                stale = not stock.is_halted and stock.stale()
                if stale:
                    reference, order = stale, orders[stale]
            stock, side, price, shares, place = order
            locate = stock.locate
            if draw < _DELETE or (stock.is_halted and draw >= _REPLACE):
                remove(reference)
                out.append(pack_d(locate, tracking, high, low, reference))
            elif draw < _REPLACE:
                stock.leave(reference, side, price)
                del orders[reference]
                price = stock.draw_price(side, rand)
                shares = _SIZES[int(rand() * n_sizes)]
                old = reference
                self.reference = reference = self.reference + 1 + int(rand() * 7)
                stock.enter(reference, side, price)
                orders[reference] = [stock, side, price, shares, place]
                live[place] = reference
                out.append(pack_u(locate, tracking, high, low, old, reference, shares, price))
            elif draw < _EXECUTE_AWAY:
                # Whoever trades goes the way of the trend, mostly.
                if not stale and rand() < 0.5:
                    side = b"S" if stock.trend > 0 and stock.asks else side
                    side = b"B" if stock.trend < 0 and stock.bids else side
                reference = stock.first(side)
                order = orders[reference]
                price, shares = order[2], order[3]
                if rand() < 0.4:
                    shares = 1 + int(rand() * shares)
                match = self.next_match()
                if draw < _EXECUTE:
                    out.append(pack_e(locate, tracking, high, low, reference, shares, match))
                else:
                    # A cent better for whoever took it: that is why it is told apart.
                    away = max(1, price - stock.tick) if side == b"B" else price + stock.tick
                    head = (locate, tracking, high, low, reference, shares, match)
                    out.append(pack_c(*head, b"Y", away))
                if shares == order[3]:
                    remove(reference)
                else:
                    order[3] -= shares
            elif shares > 1:
                shares = 1 + int(rand() * (shares - 1))
                order[3] -= shares
                out.append(pack_x(locate, tracking, high, low, reference, shares))
            else:
                remove(reference)
                out.append(pack_d(locate, tracking, high, low, reference))
        self.now = max(now, end)
