"""A state of an exchange as bytes and as a hash, and whether an exchange can be in it."""

from __future__ import annotations

from enum import StrEnum
from hashlib import blake2b
from itertools import groupby, pairwise
from math import inf
from struct import Struct

from nanobook_core.contracts import EngineState, Order, StopOrder
from nanobook_core.errors import ValidationError, shown
from nanobook_core.lob.stop import ATR_SAMPLES_MAX, BY_ENTRY, Stop
from nanobook_core.types import (
    INT64_MAX,
    OWNER_MAX,
    Side,
    StopStatus,
    StopTrigger,
    StpPolicy,
    TimeInForce,
    TrailMethod,
)

#: Where a counter may stand: far beyond what any exchange counts to, and far from where it wraps.
COUNT_MAX = 2**62

# The tables of docs/order_book.md, row by row.
_COUNTERS = Struct("<B qqq Bq Bq")
_COUNT = Struct("<Q")
_ORDER = Struct("<qBqqqqBqqB")
_STOP = Struct("<qBqBqqBqqBBdIBqB")
_TRAILS = (None, "fixed", "percentage", "atr")
_CODES: dict[StrEnum, int] = {
    member: code
    for words in (StopTrigger, Side, TimeInForce, StpPolicy)
    for code, member in enumerate(words)
}


def state_hash(state: EngineState) -> int:
    """Return 64 bits of the state; docs/order_book.md has the layout."""
    return int.from_bytes(blake2b(encode(state), digest_size=8).digest(), "little")


def encode(state: EngineState) -> bytes:
    """Return the bytes of which `state_hash` is the hash."""
    return b"".join(
        (
            _COUNTERS.pack(
                _CODES[state.stop_trigger],
                state.next_order_id,
                state.next_trade_id,
                state.timestamp,
                *_optional(state.last_trade_price),
                *_optional(state.atr_price),
            ),
            _COUNT.pack(len(state.orders)),
            *map(_order_bytes, state.orders),
            _COUNT.pack(len(state.stops)),
            *map(_stop_bytes, state.stops),
            _numbers(state.elected),
            _numbers(state.atr_samples),
        )
    )


def _optional(number: int | None) -> tuple[bool, int]:
    return (False, 0) if number is None else (True, number)


def _numbers(numbers: tuple[int, ...]) -> bytes:
    return Struct(f"<Q{len(numbers)}Q").pack(len(numbers), *numbers)


def _order_bytes(order: Order) -> bytes:
    return _ORDER.pack(
        order.id,
        _CODES[order.side],
        order.price,
        order.original_quantity,
        order.remaining_quantity,
        order.filled_quantity,
        _CODES[order.time_in_force],
        order.timestamp,
        -1 if order.owner is None else order.owner,
        _CODES[order.stp_policy],
    )


def _stop_bytes(stop: StopOrder) -> bytes:
    method = stop.trail_method
    return _STOP.pack(
        stop.id,
        _CODES[stop.side],
        stop.stop_price,
        *_optional(stop.limit_price),
        stop.quantity,
        _CODES[stop.time_in_force],
        stop.timestamp,
        -1 if stop.owner is None else stop.owner,
        _CODES[stop.stp_policy],
        _TRAILS.index(method and method.kind),
        method.value if method else 0.0,
        (method and method.period) or 0,
        *_optional(stop.watermark),
        StopStatus(stop.status) is StopStatus.TRIGGERED,
    )


def check_state(state: EngineState) -> None:
    """Refuse a state that no exchange can be in, as one read from a file may be.

    Raises:
        ValidationError: it says what is wrong.

    """
    _check_counters(state)
    for order in state.orders:
        _check_order(order)
    _check_book(state.orders)
    for stop in state.stops:
        _check_stop(stop, state)
    _check_ids(state)
    _check_elected(state)
    _require(len(state.atr_samples) <= ATR_SAMPLES_MAX, "there are too many ATR samples")
    _require(
        state.atr_price is not None or not state.atr_samples, "there are ATR samples without price"
    )
    for sample in state.atr_samples:
        _check_number(sample, "an ATR sample", 0, 2 * INT64_MAX)


def _require(claim: object, otherwise: str) -> None:
    if not claim:
        raise ValidationError(f"no exchange can be in that state: {otherwise}")


def _check_number(number: object, name: str, low: int, high: int = INT64_MAX) -> None:
    # A plain int: others may wrap, or compare in their own way.
    _require(
        type(number) is int and low <= number <= high,
        f"{name} is a whole number from {low} to {high}, got {shown(number)}",
    )


def _check_price(price: object, name: str) -> None:
    _check_number(price, name, -INT64_MAX)


def _check_counters(state: EngineState) -> None:
    _require(isinstance(state.stop_trigger, StopTrigger), "stop_trigger is no StopTrigger")
    _check_number(state.next_order_id, "next_order_id", 1, COUNT_MAX)
    _check_number(state.next_trade_id, "next_trade_id", 1, COUNT_MAX)
    _check_number(state.timestamp, "timestamp", 0)
    _require(
        state.timestamp == state.next_order_id + state.next_trade_id - 2,
        "the timestamp counts orders, stops and trades",
    )
    for name in ("last_trade_price", "atr_price"):
        price = getattr(state, name)
        if state.next_trade_id == 1:
            _require(price is None, f"{name} is {price} before the first trade")
        else:
            _check_price(price, name)
    _require(
        state.stop_trigger is StopTrigger.LAST or state.atr_price == state.last_trade_price,
        "the last trade has left no ATR sample",
    )


def _check_terms(item: Order | StopOrder, name: str) -> None:
    _check_number(item.id, f"the id of {name}", 1)
    _check_number(item.timestamp, f"the timestamp of {name}", 1)
    _require(isinstance(item.side, Side), f"{name} has no side")
    _require(isinstance(item.time_in_force, TimeInForce), f"{name} has no time in force")
    if item.owner is not None:
        _check_number(item.owner, f"the owner of {name}", 0, OWNER_MAX)
    _require(isinstance(item.stp_policy, StpPolicy), f"{name} has no policy")
    _require(
        item.owner is not None or item.stp_policy is StpPolicy.OFF,
        f"{name} has a policy without an owner",
    )


def _check_order(order: Order) -> None:
    name = f"order {order.id}"
    _check_terms(order, name)
    _check_price(order.price, f"the price of {name}")
    _require(order.time_in_force is TimeInForce.GTC, f"{name} rests but is not gtc")
    _check_number(order.original_quantity, f"the original quantity of {name}", 1)
    _check_number(order.remaining_quantity, f"the remaining quantity of {name}", 1)
    _check_number(order.filled_quantity, f"the filled quantity of {name}", 0)
    _check_number(order.cancelled_quantity, f"the cancelled quantity of {name}", 0)
    _require(
        order.original_quantity
        == order.remaining_quantity + order.filled_quantity + order.cancelled_quantity,
        f"the quantities of {name} do not add up",
    )
    status = "partiallyfilled" if order.filled_quantity else "new"
    _require(order.status == status, f"{name} is {status}, not {shown(order.status)}")


def _check_book(orders: tuple[Order, ...]) -> None:
    """Bids before asks, each from the best price, each level by id; not crossed, not too full."""
    _require(
        all(_turn(one) < _turn(other) for one, other in pairwise(orders)),
        "orders are not in the order of the book",
    )
    bids = [order.price for order in orders if order.side is Side.BUY]
    asks = [order.price for order in orders if order.side is Side.SELL]
    _require(max(bids, default=-inf) < min(asks, default=inf), "bids and asks cross")
    for (_, price), level in groupby(orders, lambda order: (order.side, order.price)):
        total = sum(order.remaining_quantity for order in level)
        _require(total <= INT64_MAX, f"the level at {price} holds more than {INT64_MAX}")


def _turn(order: Order) -> tuple[bool, int, int]:
    is_ask = order.side is Side.SELL
    return is_ask, order.price if is_ask else -order.price, order.id


def _check_stop(stop: StopOrder, state: EngineState) -> None:
    name = f"stop {stop.id}"
    _check_terms(stop, name)
    _check_price(stop.stop_price, f"the stop price of {name}")
    if stop.limit_price is not None:
        _check_price(stop.limit_price, f"the limit price of {name}")
    else:
        _require(stop.time_in_force is TimeInForce.IOC, f"{name} becomes a market order: ioc")
    _check_number(stop.quantity, f"the quantity of {name}", 1)
    _require(stop.child_order_id is None, f"{name} has run")
    _require(
        stop.trail_method is None or isinstance(stop.trail_method, TrailMethod),
        f"the trail of {name} is no TrailMethod",
    )
    if stop.watermark is not None:
        _check_price(stop.watermark, f"the watermark of {name}")
        _require(stop.trail_method, f"{name} has a watermark, but does not trail")
        _require(state.last_trade_price is not None, f"{name} has a watermark before any trade")
    _require(stop.status in ("pending", "triggered"), f"{name} is {shown(stop.status)}")
    if (
        state.stop_trigger is StopTrigger.EVERY
        and state.last_trade_price is not None
        and stop.status == "pending"
        and (stop.trail_method is None or stop.watermark is not None)
    ):
        _require(
            not Stop.from_record(stop).is_satisfied(state.last_trade_price),
            f"{name} is pending, but the last trade elected it",
        )


def _check_ids(state: EngineState) -> None:
    """Each id used once, and below the next; timestamps that count the trades in between."""
    _require(all(one.id < other.id for one, other in pairwise(state.stops)), "stops are not by id")
    items: list[Order | StopOrder] = [*state.orders, *state.stops]
    items.sort(key=BY_ENTRY)
    ids = [item.id for item in items]
    _require(
        all(one < other for one, other in pairwise([*ids, state.next_order_id])),
        "ids are used twice, or not below next_order_id",
    )
    trades = [item.timestamp - item.id for item in items]
    _require(
        all(one <= other for one, other in pairwise([0, *trades, state.next_trade_id - 1])),
        "timestamps do not go with ids and trades",
    )


def _check_elected(state: EngineState) -> None:
    triggered = [stop.id for stop in state.stops if stop.status == "triggered"]
    _require(sorted(state.elected) == triggered, "elected are not the triggered stops")
    _require(
        state.stop_trigger is StopTrigger.EVERY or not triggered,
        "by the rule of the last print no elected stop waits",
    )
