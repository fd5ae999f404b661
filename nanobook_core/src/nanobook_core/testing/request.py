"""Requests to an exchange, drawn so that they meet.

With prices and ids from wide ranges, orders hardly ever stand at one level, and what goes wrong
behind a fill is never seen. So: few prices, few sizes, a book of some 5 to 30 orders, and ids that
are alive most of the time.
"""

from __future__ import annotations

from bisect import bisect
from collections.abc import Iterable, Sequence
from decimal import Decimal
from itertools import accumulate
from math import nan
from random import Random
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from nanobook_core.contracts import (
    CancelAllResult,
    CancelResult,
    Engine,
    EngineState,
    ModifyResult,
    StopSubmitResult,
    SubmitResult,
)
from nanobook_core.lob.ops import make_ops, ops_dtype
from nanobook_core.types import INT64_MAX, StopStatus

#: What a run may have beside limit and market orders and cancels, and how often it has.
FEATURES = {
    "modify": 0.8,
    "stops": 0.65,
    "trailing": 0.65,
    "self_trade": 0.25,
    "post_only": 0.4,
    "housekeeping": 0.25,
    "negative": 0.2,
    "extreme_prices": 0.1,
    "extreme_sizes": 0.2,
    "last": 0.25,
    "ladder": 0.06,
    "odd": 0.1,
}

_WEIGHTS = {
    "": {"submit_limit": 42.0, "submit_market": 6.0, "cancel": 13.0, "cancel_all": 4.0},
    "modify": {"modify": 8.0, "reduce": 6.0},
    "stops": {"submit_stop_market": 7.0, "submit_stop_limit": 7.0},
    "trailing": {"submit_trailing_stop_market": 7.0, "submit_trailing_stop_limit": 7.0},
    "housekeeping": {"clear_trades": 1.0, "clear_order_history": 1.0, "compact": 1.0},
}

SIZES = (1, 5, 10)
EXTREME_SIZES = (1, 2**31, 2**53, 2**62, 2**63 - 1)
#: Prices whose changes add up to more than 64 bits, and more than a float has places.
FAR_APART = (1 - 2**63, -(2**62) - 7, -(10**17) - 1, 2**53 + 1, 2**62 + 3, 2**63 - 1)
POLICIES = ("cancel_newest", "cancel_oldest", "cancel_both", "decrement_and_cancel", "off")

#: In the place of any argument; what some of them mean depends on the place.
ODD = (
    *(True, False, None, 5.0, nan, "5", "", "hold", b"buy", Decimal(5), 1j, [1], (), object),
    *(0, -1, 2**63 - 1, 2**63, -(2**63) + 1, -(2**63), 2**64, 10**400, 2**32),
    *(np.True_, np.float64(5), np.int64(5), np.uint64(2**64 - 1), np.array(5), np.str_("buy")),
    *("BUY", "s", "Fok", "off", "CANCEL_BOTH", "pct"),
)

#: What an exchange may raise at a request, and nothing else.
Refusal = (TypeError, OverflowError, ValueError)


class Request(NamedTuple):
    """One call, as data."""

    method: str
    arguments: tuple[Any, ...] = ()
    options: dict[str, Any] = {}  # noqa: RUF012 - a field's default; nobody writes into it

    def on(self, exchange: Engine) -> Any:
        """Make the call; what it raises is an answer too, told by its class."""
        try:
            return getattr(exchange, self.method)(*self.arguments, **self.options)
        except Refusal as error:
            return type(error)

    def __str__(self) -> str:
        given = [repr(argument) for argument in self.arguments]
        given += [f"{name}={value!r}" for name, value in self.options.items()]
        return f"exchange.{self.method}({', '.join(given)})"


#: Columns of a batch that hold what is said at a place among the arguments.
_COLUMNS = {
    "submit_limit": ("side", "price", "quantity", "tif"),
    "submit_market": ("side", "quantity"),
    "cancel": ("order_id",),
    "modify": ("order_id", "price", "quantity"),
    "submit_stop_market": ("side", "stop_price", "quantity"),
    "submit_stop_limit": ("side", "stop_price", "price", "quantity", "tif"),
    "submit_trailing_stop_market": (
        *("side", "stop_price", "quantity"),
        *("trail", "trail_value", "atr_period"),
    ),
    "submit_trailing_stop_limit": (
        *("side", "stop_price", "price", "quantity"),
        *("trail", "trail_value", "tif", "atr_period"),
    ),
    "reduce": ("order_id", "quantity"),
    "cancel_all": ("owner", "side"),
}


def as_ops(requests: Iterable[Request]) -> NDArray[np.void]:
    """Return the requests as a batch; each has all its arguments, and none of them is odd."""
    rows = [_row(request) for request in requests]
    names = ops_dtype().names or ()
    return make_ops(**{name: [row.get(name, 0) for row in rows] for name in names})


def _row(request: Request) -> dict[str, Any]:
    options = dict(request.options)
    row = dict(zip(_COLUMNS[request.method], request.arguments, strict=False))
    row |= {"op": request.method, "stp": options.pop("stp_policy", "off")}
    if options.pop("post_only", False):
        row["tif"] = "post_only"
    row |= options
    row = {name: value for name, value in row.items() if value is not None}
    return {"side": "both", "tif": "gtc", "trail": "fixed", "owner": -1} | row


def some_features(random: Random) -> frozenset[str]:
    """Draw what a run has."""
    return frozenset(name for name, share in FEATURES.items() if random.random() < share)


def _in_range(price: int) -> int:
    return max(-INT64_MAX, min(price, INT64_MAX))


class _Resting(NamedTuple):
    side: str
    price: int
    remaining: int


class Requests:
    """An endless stream of them for one exchange.

    It learns from answers (`note`), and from time to time from the state (`refresh`), what rests.
    The random numbers may be those of hypothesis, which then shrinks what fails.
    """

    def __init__(self, random: Random, features: frozenset[str]) -> None:
        self._random = random
        self._features = features
        self.stop_trigger = "last" if "last" in features else "every"
        weights = {
            kind: weight
            for feature, kinds in _WEIGHTS.items()
            if not feature or feature in features
            for kind, weight in kinds.items()
        }
        self._kinds = list(weights)
        self._shares = [total / sum(weights.values()) for total in accumulate(weights.values())]
        self._prices = self._draw_prices()
        self._first = self._ladder() if "ladder" in features else []
        self._live: dict[int, _Resting] = {}
        self._stops: set[int] = set()
        self._last_id = 0
        self._burst: tuple[str, int] | None = None

    def _draw_prices(self) -> Sequence[int]:
        centre = self._pick((100, 10_000))
        if "negative" in self._features:
            centre = self._pick((0, -3, -100))
        if "extreme_prices" in self._features:
            if self._chance(0.5):
                return FAR_APART
            centre = self._pick((2**63 - 6, -(2**63) + 7, 2**62, -(2**53)))
        count = self._pick((3, 4, 5, 6))
        return range(centre - count // 2, centre - count // 2 + count)

    def _ladder(self) -> list[Request]:
        """Bids one below the other, and stops of which each sets off the next: beyond 100 waves."""
        abreast, requests = self._pick((1, 1, 2)), []
        for price in range(self._prices[0], self._prices[0] - self._pick((105, 120, 210)), -1):
            requests.append(Request("submit_limit", ("buy", price, abreast)))
            for _ in range(abreast):
                owner = {"owner": self._pick((None, 1))}
                requests.append(Request("submit_stop_market", ("sell", price, 1), owner))
        return [Request("submit_market", ("sell", abreast)), *reversed(requests)]

    def _luck(self) -> float:
        """From 0 up to 1, evenly: of wider ranges hypothesis prefers small numbers and odd ones."""
        return self._random.getrandbits(7) / 2**7

    def _pick(self, among: Any) -> Any:
        return among[int(self._luck() * len(among))]

    def _chance(self, share: float) -> bool:
        return self._luck() < share

    def next(self) -> Request:
        """Draw one."""
        if self._first:
            return self._first.pop()
        kind = self._kinds[bisect(self._shares, self._luck())]
        if len(self._live) < 9 and self._chance(0.6):
            kind = "submit_limit"
        elif len(self._live) > 25 and self._chance(0.3):
            kind = self._pick(("cancel", "submit_market"))
        request = self.make(kind)
        if "odd" in self._features and self._chance(0.05):
            return self._odd(request)
        return request

    def make(self, kind: str) -> Request:
        """Draw one of that kind."""
        request: Request = getattr(self, f"_{kind}")()
        return request

    def _submit_limit(self) -> Request:
        if self._burst is None and self._chance(0.02):
            self._burst = (self._side(), self._pick(self._prices))
        elif self._burst is not None and self._chance(0.2):
            self._burst = None
        side, price = self._burst or self._passive()
        options = self._owner()
        if "post_only" in self._features and self._chance(0.15):
            options["post_only"] = True
            return Request("submit_limit", (side, price, self._size(), "gtc"), options)
        return Request("submit_limit", (side, price, self._size(), self._tif()), options)

    def _passive(self) -> tuple[str, int]:
        """Anywhere; but while the book is thin, rather where the order will rest."""
        side, price = self._side(), self._pick(self._prices)
        if len(self._live) < 15 and self._chance(0.7):
            other = self._pick(self._prices)
            price = min(price, other) if side == "buy" else max(price, other)
        return side, price

    def _submit_market(self) -> Request:
        return Request("submit_market", (self._side(), self._size()), self._owner())

    def _cancel(self) -> Request:
        return Request("cancel", (self._target([*self._live, *self._stops]),))

    def _modify(self) -> Request:
        size = 0 if self._chance(0.03) else self._size()
        return Request("modify", (self._target(list(self._live)), self._pick(self._prices), size))

    def _reduce(self) -> Request:
        order_id = self._target(list(self._live))
        known = self._live.get(order_id)
        if known is not None and self._chance(0.3):
            return Request("reduce", (order_id, known.remaining))
        return Request("reduce", (order_id, self._pick((1, 1, 2, 3, 5, 10))))

    def _cancel_all(self) -> Request:
        owner = self._pick((None, 1, 2, 3)) if self._chance(0.8) else None
        return Request("cancel_all", (owner, self._side() if self._chance(0.7) else None))

    def _submit_stop_market(self) -> Request:
        arguments = (self._side(), self._stop_price(), self._size())
        return Request("submit_stop_market", arguments, self._owner())

    def _submit_stop_limit(self) -> Request:
        arguments = (
            *(self._side(), self._stop_price(), self._pick(self._prices)),
            *(self._size(), self._tif()),
        )
        return Request("submit_stop_limit", arguments, self._owner())

    def _submit_trailing_stop_market(self) -> Request:
        side = self._side()
        arguments = (side, self._far_price(side), self._size(), *self._trail())
        return Request("submit_trailing_stop_market", arguments, self._owner())

    def _submit_trailing_stop_limit(self) -> Request:
        side = self._side()
        kind, value, period = self._trail()
        arguments = (
            *(side, self._far_price(side), self._pick(self._prices), self._size()),
            *(kind, value, self._tif(), period),
        )
        return Request("submit_trailing_stop_limit", arguments, self._owner())

    def _clear_trades(self) -> Request:
        return Request("clear_trades")

    def _clear_order_history(self) -> Request:
        return Request("clear_order_history")

    def _compact(self) -> Request:
        return Request("compact")

    def _odd(self, request: Request) -> Request:
        """Put something odd in the place of one argument."""
        method, arguments, options = request
        if options and self._chance(0.4):
            return Request(method, arguments, {**options, self._pick([*options]): self._pick(ODD)})
        if not arguments:
            return request
        place = int(self._luck() * len(arguments))
        odd = (*arguments[:place], self._pick(ODD), *arguments[place + 1 :])
        return Request(method, odd, options)

    def _side(self) -> str:
        return "buy" if self._chance(0.5) else "sell"

    def _size(self) -> int:
        sizes: tuple[int, ...] = SIZES
        if "extreme_sizes" in self._features and self._chance(0.1):
            sizes = EXTREME_SIZES
        size: int = self._pick(sizes)
        return size

    def _tif(self) -> str:
        tif: str = self._pick(("gtc", "gtc", "gtc", "gtc", "gtc", "gtc", "ioc", "fok"))
        return tif

    def _owner(self) -> dict[str, Any]:
        options: dict[str, Any] = {}
        if "self_trade" in self._features:
            if self._chance(0.85):
                options = {"owner": self._pick((1, 1, 2, 3)), "stp_policy": self._pick(POLICIES)}
        elif self._chance(0.3):
            options = {"owner": self._pick((1, 2, 3, 0, 2**32 - 1))}
        return options

    def _stop_price(self) -> int:
        return _in_range(self._pick(self._prices) + self._pick((-1, 0, 0, 1)))

    def _far_price(self, side: str) -> int:
        """Where a trailing stop has room to follow."""
        away: int = self._pick((0, 1, 3, 5))
        return _in_range(self._prices[-1] + away if side == "buy" else self._prices[0] - away)

    def _trail(self) -> tuple[str, float, int | None]:
        kind = self._pick(("fixed", "percentage", "atr"))
        if kind == "fixed":
            return kind, self._pick((1, 1, 2, 2, 3, 2**53)), None
        if kind == "percentage":
            return kind, self._pick((0.0001, 0.0003, 0.01, 0.02, 1.5)), None
        return kind, self._pick((0.5, 1, 2, 3.7)), self._pick((1, 2, 3, 14))

    def _target(self, live: list[int]) -> int:
        """An id: of what is alive, of what was, or of nothing."""
        luck = self._luck()
        order_id: int
        if luck < 0.7 and live:
            order_id = self._pick(live)
            return order_id
        if luck < 0.9 and self._last_id:
            for _ in range(5):
                order_id = max(1, self._last_id - int(self._luck() * 60))
                if order_id not in self._live and order_id not in self._stops:
                    return order_id
        order_id = self._pick((0, self._last_id + 3, 2**63 - 1))
        return order_id

    def note(self, request: Request, answer: Any) -> None:
        """Learn from an answer what rests; fills of stops' orders are learnt by `refresh`."""
        if isinstance(answer, SubmitResult):
            self._note_submit(request, answer)
        elif isinstance(answer, StopSubmitResult):
            self._last_id = answer.order_id
            if answer.status == StopStatus.PENDING:
                self._stops.add(answer.order_id)
        elif isinstance(answer, ModifyResult):
            self._note_modify(request, answer)
        elif isinstance(answer, CancelResult):
            order_id = int(request.arguments[0])
            self._take_off(order_id, answer.cancelled_quantity)
            self._stops.discard(order_id)
        elif isinstance(answer, CancelAllResult):
            for order_id in answer.order_ids:
                self._live.pop(order_id, None)
                self._stops.discard(order_id)

    def _note_submit(self, request: Request, answer: SubmitResult) -> None:
        self._last_id = answer.order_id
        self._fill(answer.trades)
        if answer.resting_quantity:
            side, price = request.arguments[:2]
            self._live[answer.order_id] = _Resting(side, price, answer.resting_quantity)

    def _note_modify(self, request: Request, answer: ModifyResult) -> None:
        old = self._live.pop(answer.old_order_id, None) if answer.success else None
        if old is not None and answer.new_order_id is not None:
            self._last_id = answer.new_order_id
            self._fill(answer.trades)
            _, price, quantity = request.arguments
            quantity -= sum(trade.quantity for trade in answer.trades)
            if quantity:
                self._live[answer.new_order_id] = _Resting(old.side, price, quantity)

    def _fill(self, trades: Any) -> None:
        for trade in trades:
            self._take_off(trade.passive_order_id, trade.quantity)

    def _take_off(self, order_id: int, quantity: int) -> None:
        order = self._live.get(order_id)
        if order is not None:
            if order.remaining <= quantity:
                del self._live[order_id]
            else:
                self._live[order_id] = order._replace(remaining=order.remaining - quantity)

    def refresh(self, state: EngineState) -> None:
        """Learn from the state what rests and waits."""
        self._last_id = state.next_order_id - 1
        self._live = {
            order.id: _Resting(order.side, order.price, order.remaining_quantity)
            for order in state.orders
        }
        self._stops = {stop.id for stop in state.stops} - set(state.elected)
