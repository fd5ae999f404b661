"""The table of `state_hash()` in docs/order_book.md, row by row."""

from __future__ import annotations

import struct
from hashlib import blake2b

SIDES = ("buy", "sell")
TIFS = ("gtc", "ioc", "fok")
POLICIES = ("off", "cancel_newest", "cancel_oldest", "cancel_both", "decrement_and_cancel")
TRAILS = (None, "fixed", "percentage", "atr")
TRIGGERS = ("every", "last")


def state_hash(state):
    parts = [
        struct.pack("<B", TRIGGERS.index(state.stop_trigger)),
        struct.pack("<qqq", state.next_order_id, state.next_trade_id, state.timestamp),
        optional(state.last_trade_price),
        optional(state.atr_price),
        struct.pack("<Q", len(state.orders)),
        *map(order_bytes, state.orders),
        struct.pack("<Q", len(state.stops)),
        *map(stop_bytes, state.stops),
        struct.pack(f"<Q{len(state.elected)}q", len(state.elected), *state.elected),
        struct.pack(f"<Q{len(state.atr_samples)}Q", len(state.atr_samples), *state.atr_samples),
    ]
    return int.from_bytes(blake2b(b"".join(parts), digest_size=8).digest(), "little")


def optional(number):
    return struct.pack("<Bq", number is not None, number or 0)


def order_bytes(order):
    return struct.pack(
        "<qBqqqqBqqB",
        order.id,
        SIDES.index(order.side),
        order.price,
        order.original_quantity,
        order.remaining_quantity,
        order.filled_quantity,
        TIFS.index(order.time_in_force),
        order.timestamp,
        -1 if order.owner is None else order.owner,
        POLICIES.index(order.stp_policy),
    )


def stop_bytes(stop):
    trail = stop.trail_method
    kind, value, period = (trail.kind, trail.value, trail.period) if trail else (None, 0.0, None)
    return b"".join(
        (
            struct.pack("<qBq", stop.id, SIDES.index(stop.side), stop.stop_price),
            optional(stop.limit_price),
            struct.pack("<qBq", stop.quantity, TIFS.index(stop.time_in_force), stop.timestamp),
            struct.pack("<q", -1 if stop.owner is None else stop.owner),
            struct.pack("<B", POLICIES.index(stop.stp_policy)),
            struct.pack("<BdI", TRAILS.index(kind), value, period or 0),
            optional(stop.watermark),
            struct.pack("<B", stop.status == "triggered"),
        )
    )
