"""What the server says about quotes."""

from __future__ import annotations

from decimal import Decimal
from enum import IntEnum

from nanobook_ibkr.simulator.record import ZERO
from nanobook_ibkr.simulator.wire import Field

_FRACTIONAL_SIZE = 163


class TickType(IntEnum):
    """What a tick is of; clients know no others of those that are sent."""

    BID_SIZE = 0
    BID = 1
    ASK = 2
    ASK_SIZE = 3
    LAST = 4
    LAST_SIZE = 5
    HIGH = 6
    LOW = 7
    VOLUME = 8
    CLOSE = 9
    OPEN = 14
    LAST_TIMESTAMP = 45
    HALTED = 49
    DELAYED_BID = 66
    DELAYED_ASK = 67
    DELAYED_LAST = 68
    DELAYED_BID_SIZE = 69
    DELAYED_ASK_SIZE = 70
    DELAYED_LAST_SIZE = 71
    DELAYED_HIGH = 72
    DELAYED_LOW = 73
    DELAYED_VOLUME = 74
    DELAYED_CLOSE = 75
    DELAYED_OPEN = 76


def tick_price(
    version: int, request_id: int, tick_type: int, price: Decimal | None, size: Decimal = ZERO
) -> list[Field]:
    """A price and its size, as `tick_size` tells it; no price is -1: nobody bids."""
    told = -1 if price is None else price
    return [1, 6, request_id, int(tick_type), told, _size(version, size), 0]


def tick_size(version: int, request_id: int, tick_type: int, size: Decimal) -> list[Field]:
    """A size; before version 163 whole, rounded toward 0."""
    return [2, 6, request_id, int(tick_type), _size(version, size)]


def _size(version: int, size: Decimal) -> Field:
    return size if version >= _FRACTIONAL_SIZE else int(size)


def tick_generic(
    _version: int, request_id: int, tick_type: int, value: Decimal | int
) -> list[Field]:
    """Another number, as whether trading is halted."""
    return [45, 6, request_id, int(tick_type), value]


def tick_string(_version: int, request_id: int, tick_type: int, value: str) -> list[Field]:
    """A text, as the time of the last trade in seconds since 1970."""
    return [46, 6, request_id, int(tick_type), value]


def tick_req_params(
    _version: int,
    request_id: int,
    min_tick: Decimal,
    bbo_exchange: str = "9c0001",
    snapshot_permissions: int = 3,
) -> list[Field]:
    """The first answer to who asks for quotes."""
    return [81, request_id, min_tick, bbo_exchange, snapshot_permissions]


def tick_snapshot_end(_version: int, request_id: int) -> list[Field]:
    """The snapshot is complete."""
    return [57, 1, request_id]


def market_data_type(_version: int, request_id: int, data_type: int) -> list[Field]:
    """Of which type the ticks from here on are: 1 live, 2 frozen, 3 delayed, 4 delayed, frozen."""
    return [58, 1, request_id, data_type]
