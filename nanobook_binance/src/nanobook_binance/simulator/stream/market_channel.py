"""Market streams that are told from time to time: what each said last, and what it says now."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, Protocol

from nanobook_binance.simulator.stream import market_event
from nanobook_binance.simulator.stream.depth_diff import DepthRecorder
from nanobook_binance.simulator.stream.market_event import Level, Told
from nanobook_binance.simulator.stream.stream_name import TICKERS, StreamKind, StreamName
from nanobook_binance.simulator.venue import Venue

_NOTHING = (Decimal(0), Decimal(0))


class MarketChannel(Protocol):
    """A stream of one name, whoever listens to it."""

    def update(self, now: int) -> Told | None:
        """Return what there is to say since it was last asked; None if nothing."""
        ...


def open_channel(venue: Venue, name: StreamName) -> MarketChannel | None:
    """Return a channel that says what changes from now on; None for trades, which need none.

    Raises:
        Refusal: the venue has no such symbol.

    """
    if name.kind in TICKERS:
        is_mini = name.kind is StreamKind.MINI_TICKER
        return (
            _AllTickers(venue, is_mini=is_mini)
            if name.symbol is None
            else _Ticker(venue, name.symbol, is_mini=is_mini)
        )
    if name.symbol is None:
        return None
    if name.kind is StreamKind.DEPTH_DIFF:
        return _DepthDiffs(venue, name.symbol)
    if name.kind is StreamKind.DEPTH_LEVELS:
        return _DepthLevels(venue, name.symbol, name.levels)
    if name.kind is StreamKind.BOOK_TICKER:
        return _BookTicker(venue, name.symbol)
    return None


class _DepthDiffs:
    def __init__(self, venue: Venue, symbol: str) -> None:
        self._venue = venue
        self._symbol = symbol
        self._rules = venue.rules(symbol)
        depth = venue.steps(symbol)
        self._recorder = DepthRecorder(depth.last_update_id, depth.bids, depth.asks)

    def update(self, now: int) -> Told | None:
        depth = self._venue.steps(self._symbol)
        diff = self._recorder.diff(depth.last_update_id, depth.bids, depth.asks)
        return None if diff is None else market_event.depth_update(self._rules, diff, now)


class _DepthLevels:
    def __init__(self, venue: Venue, symbol: str, levels: int) -> None:
        self._venue = venue
        self._symbol = symbol
        self._levels = levels
        self._told = -1

    def update(self, now: int) -> Told | None:
        del now
        depth = self._venue.depth(self._symbol, self._levels)
        if depth.last_update_id == self._told:
            return None
        self._told = depth.last_update_id
        return market_event.depth_levels(depth.last_update_id, depth.bids, depth.asks)


class _BookTicker:
    def __init__(self, venue: Venue, symbol: str) -> None:
        self._venue = venue
        self._symbol = symbol
        _, *self._told = self._best()

    def update(self, now: int) -> Told | None:
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


class _Ticker:
    def __init__(self, venue: Venue, symbol: str, *, is_mini: bool) -> None:
        self._venue = venue
        self._symbol = symbol
        self._is_mini = is_mini
        self._told: dict[str, Any] | None = None
        venue.rules(symbol)

    def update(self, now: int) -> dict[str, Any] | None:
        day = self._venue.day(self._symbol)
        if self._is_mini:
            event = market_event.mini_ticker(self._symbol, day, now)
        else:
            event = market_event.day_ticker(self._symbol, day, self._venue.top(self._symbol), now)
        lasting = {field: value for field, value in event.items() if field not in "EOC"}
        if lasting == self._told:
            return None
        self._told = lasting
        return event


class _AllTickers:
    def __init__(self, venue: Venue, *, is_mini: bool) -> None:
        self._tickers = [_Ticker(venue, rules.symbol, is_mini=is_mini) for rules in venue.symbols]

    def update(self, now: int) -> Told | None:
        told = [event for ticker in self._tickers if (event := ticker.update(now)) is not None]
        return told or None
