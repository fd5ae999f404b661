"""Market streams that are told from time to time: what each said last, and what it says now."""

from __future__ import annotations

from decimal import Decimal
from typing import Protocol

from nanobook_binance.simulator.stream import market_event
from nanobook_binance.simulator.stream.depth_diff import DepthRecorder, Level
from nanobook_binance.simulator.stream.market_event import Event
from nanobook_binance.simulator.stream.stream_name import StreamKind, StreamName
from nanobook_binance.simulator.venue import Venue

_NOTHING = (Decimal(0), Decimal(0))


class MarketChannel(Protocol):
    """A stream of one name, whoever listens to it."""

    def update(self, now: int) -> Event | None:
        """Return what there is to say since it was last asked; None if nothing."""
        ...


def open_channel(venue: Venue, name: StreamName) -> MarketChannel | None:
    """Return a channel that says what changes from now on; None for trades, which need none.

    Raises:
        Refusal: the venue has no such symbol.

    """
    if name.kind is StreamKind.DEPTH_DIFF:
        return _DepthDiffs(venue, name)
    if name.kind is StreamKind.DEPTH_LEVELS:
        return _DepthLevels(venue, name)
    if name.kind is StreamKind.BOOK_TICKER:
        return _BookTicker(venue, name)
    if name.kind is StreamKind.DAY_TICKER:
        return _DayTicker(venue, name)
    return None


class _DepthDiffs:
    def __init__(self, venue: Venue, name: StreamName) -> None:
        self._venue = venue
        self._symbol = name.symbol
        depth = venue.depth(name.symbol, None)
        self._recorder = DepthRecorder(depth.last_update_id, depth.bids, depth.asks)

    def update(self, now: int) -> Event | None:
        depth = self._venue.depth(self._symbol, None)
        diff = self._recorder.diff(depth.last_update_id, depth.bids, depth.asks)
        return None if diff is None else market_event.depth_update(self._symbol, diff, now)


class _DepthLevels:
    def __init__(self, venue: Venue, name: StreamName) -> None:
        self._venue = venue
        self._name = name
        self._told = -1

    def update(self, now: int) -> Event | None:
        del now
        depth = self._venue.depth(self._name.symbol, self._name.levels)
        if depth.last_update_id == self._told:
            return None
        self._told = depth.last_update_id
        return market_event.depth_levels(depth.last_update_id, depth.bids, depth.asks)


class _BookTicker:
    def __init__(self, venue: Venue, name: StreamName) -> None:
        self._venue = venue
        self._symbol = name.symbol
        _, *self._told = self._best()

    def update(self, now: int) -> Event | None:
        del now
        update_id, bid, ask = self._best()
        if [bid, ask] == self._told:
            return None
        self._told = [bid, ask]
        return market_event.book_ticker(self._symbol, update_id, bid, ask)

    def _best(self) -> tuple[int, Level, Level]:
        depth = self._venue.depth(self._symbol, 1)
        bid = depth.bids[0] if depth.bids else _NOTHING
        ask = depth.asks[0] if depth.asks else _NOTHING
        return depth.last_update_id, bid, ask


class _DayTicker:
    def __init__(self, venue: Venue, name: StreamName) -> None:
        self._venue = venue
        self._symbol = name.symbol
        self._told: Event | None = None

    def update(self, now: int) -> Event | None:
        numbers = market_event.day_ticker(
            self._symbol, self._venue.day(self._symbol), self._venue.top(self._symbol)
        )
        lasting = {field: value for field, value in numbers.items() if field not in "OC"}
        if lasting == self._told:
            return None
        self._told = lasting
        return {"e": "24hrTicker", "E": now, **numbers}
