"""Stops that wait for the market, and the range of the market that some of them follow."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from itertools import islice, takewhile
from operator import attrgetter
from typing import Self

from attrs import define
from sortedcontainers import SortedDict  # type: ignore[import-untyped]  # comes without types

from nanobook_core.contracts import StopOrder
from nanobook_core.types import Side, StopStatus, StpPolicy, TimeInForce, TrailMethod

ATR_SAMPLES_MAX = 10_000

#: Sorts stops by when they were entered.
BY_ENTRY = attrgetter("id")


@define(eq=False)
class Stop:
    """A stop as the engine keeps it: waiting, elected, or finished."""

    id: int
    side: Side
    stop_price: int
    limit_price: int | None
    quantity: int
    tif: TimeInForce
    timestamp: int
    trail: TrailMethod | None
    owner: int | None
    policy: StpPolicy
    status: StopStatus = StopStatus.PENDING
    watermark: int | None = None
    child_id: int | None = None

    @classmethod
    def from_record(cls, record: StopOrder) -> Self:
        """Make it anew from a copy that a user kept."""
        return cls(
            id=record.id,
            side=record.side,
            stop_price=record.stop_price,
            limit_price=record.limit_price,
            quantity=record.quantity,
            tif=record.time_in_force,
            timestamp=record.timestamp,
            trail=record.trail_method,
            owner=record.owner,
            policy=record.stp_policy,
            status=StopStatus(record.status),
            watermark=record.watermark,
        )

    def is_satisfied(self, price: int) -> bool:
        """Whether a print at that price elects it."""
        return price >= self.stop_price if self.side is Side.BUY else price <= self.stop_price

    def tighten(self, watermark: int, offset: int) -> None:
        """Move the stop price to that far from the watermark, if that is nearer than it was.

        A nearer price lies between the old one and the watermark, so it is never out of range.
        """
        if self.side is Side.BUY:
            self.stop_price = min(self.stop_price, watermark + offset)
        else:
            self.stop_price = max(self.stop_price, watermark - offset)

    def record(self) -> StopOrder:
        """Return a copy for the user."""
        return StopOrder(
            id=self.id,
            side=self.side,
            stop_price=self.stop_price,
            limit_price=self.limit_price,
            quantity=self.quantity,
            status=self.status.lower(),
            timestamp=self.timestamp,
            time_in_force=self.tif,
            trail_method=self.trail,
            watermark=self.watermark,
            child_order_id=self.child_id,
            owner=self.owner,
            stp_policy=self.policy,
        )


class StopBook:
    """The stops that wait, and the samples of the average true range (ATR)."""

    __slots__ = ("_plain", "_trailing", "atr_price", "atr_samples")

    def __init__(self) -> None:
        # By price and id, what is elected next first: a print takes a prefix of each.
        self._plain: dict[Side, SortedDict[tuple[int, int], Stop]] = {
            side: SortedDict() for side in Side
        }
        # In the order of entry; every print looks at all of them.
        self._trailing: dict[int, tuple[Stop, TrailMethod]] = {}
        self.atr_price: int | None = None
        self.atr_samples: deque[int] = deque(maxlen=ATR_SAMPLES_MAX)

    def __len__(self) -> int:
        return sum(map(len, self._plain.values())) + len(self._trailing)

    def __iter__(self) -> Iterator[Stop]:
        for waiting in self._plain.values():
            yield from waiting.values()
        for stop, _ in self._trailing.values():
            yield stop

    def add(self, stop: Stop) -> None:
        """Let a stop wait. O(log S) for a plain one, O(1) for a trailing one."""
        if stop.trail is None:
            self._plain[stop.side][self._key(stop)] = stop
        else:
            self._trailing[stop.id] = (stop, stop.trail)

    def discard(self, stop: Stop) -> None:
        """Let a stop wait no longer. O(log S) for a plain one, O(1) for a trailing one."""
        if stop.trail is None:
            del self._plain[stop.side][self._key(stop)]
        else:
            del self._trailing[stop.id]

    @staticmethod
    def _key(stop: Stop) -> tuple[int, int]:
        return (stop.stop_price if stop.side is Side.BUY else -stop.stop_price, stop.id)

    def sample(self, price: int) -> None:
        """Note how far the market has come since the last sample."""
        if self.atr_price is not None:
            self.atr_samples.append(abs(price - self.atr_price))
        self.atr_price = price

    def elect(self, price: int) -> list[Stop]:
        """Move the trailing stops with a print, then take out what it satisfies, by entry.

        O(trailing + elected · log S).
        """
        self._follow(price)
        found = [stop for stop, _ in self._trailing.values() if stop.is_satisfied(price)]
        for waiting in self._plain.values():
            if waiting:
                found += takewhile(lambda stop: stop.is_satisfied(price), waiting.values())
        for stop in found:
            self.discard(stop)
            stop.status = StopStatus.TRIGGERED
        found.sort(key=BY_ENTRY)
        return found

    def _follow(self, price: int) -> None:
        means: dict[int, float] = {}
        for stop, method in self._trailing.values():
            best = max if stop.side is Side.SELL else min
            watermark = price if stop.watermark is None else best(stop.watermark, price)
            stop.watermark = watermark
            offset = self._offset(method, watermark, means)
            if offset:
                stop.tighten(watermark, offset)

    def _offset(self, method: TrailMethod, watermark: int, means: dict[int, float]) -> int:
        """How far a stop keeps from its watermark, rounded down; 0 if it does not move.

        Every engine must do the same operations on floats in the same order.
        """
        if method.kind == "fixed":
            offset = method.value
        elif method.kind == "percentage":
            offset = abs(watermark) * method.value
        else:
            period = method.period or 0
            if period not in means:
                means[period] = self._mean_range(period)
            offset = method.value * means[period]
        return int(offset) if offset < 2.0**63 else 0

    def _mean_range(self, period: int) -> float:
        count = min(period, len(self.atr_samples))
        if count == 0:
            return 0.0
        return float(sum(islice(reversed(self.atr_samples), count))) / count
