"""Who listens to which market streams, and when what is told on them."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable

from attrs import define, field

from nanobook_binance.simulator.stream import market_event
from nanobook_binance.simulator.stream.connection import Connection
from nanobook_binance.simulator.stream.market_channel import MarketChannel, open_channel
from nanobook_binance.simulator.stream.market_control import MarketControl
from nanobook_binance.simulator.stream.market_event import Told
from nanobook_binance.simulator.stream.stream_name import (
    SECOND_MS,
    TICKERS,
    StreamKind,
    StreamName,
    is_unmodelled,
    parse_stream_name,
)
from nanobook_binance.simulator.venue import Refusal, Venue, VenueListener
from nanobook_binance.simulator.venue.trade import Print

_logger = logging.getLogger(__name__)

#: Streams that say how things are, to whoever comes and in a quiet market too.
_TELL_ALL = (StreamKind.DEPTH_LEVELS, *TICKERS)


@define(eq=False)
class MarketClient:
    """A connection and what it listens to."""

    connection: Connection
    control: MarketControl

    def tell(self, name: str, told: Told) -> None:
        """Send what a stream says."""
        if self.control.is_combined:
            told = {"stream": name, "data": told}
        self.connection.tell(told)


@define(eq=False)
class _Stream:
    name: StreamName
    channel: MarketChannel | None
    told_ms: int
    clients: dict[MarketClient, None] = field(factory=dict)
    timer: asyncio.TimerHandle | None = None

    def tell(self, told: Told) -> None:
        for client in self.clients:
            client.tell(self.name.text, told)


class MarketHub(VenueListener):
    """Tells clients what happens in the market, on the streams that each listens to.

    Streams with a speed are told so long after the first change, or, where the venue's clock moves
    by leaps, when it has moved so far.
    """

    def __init__(self, venue: Venue, now_ms: Callable[[], int]) -> None:
        self._venue = venue
        self._now_ms = now_ms
        self._streams: dict[str, _Stream] = {}
        self._unmodelled: set[str] = set()
        """Names that were complained of."""
        self._together: dict[str, list[Print]] = {}
        """Prints of this turn by symbol, as long as they are of one order at one price."""

    def update(self, client: MarketClient) -> None:
        """Let it listen to what it asks for now."""
        wanted = client.control.names
        for text, stream in list(self._streams.items()):
            if text not in wanted and client in stream.clients:
                self._leave(stream, client)
        for text in wanted:
            self._join(text, client)

    def forget(self, client: MarketClient) -> None:
        """It listens no more."""
        for stream in list(self._streams.values()):
            if client in stream.clients:
                self._leave(stream, client)

    def _join(self, text: str, client: MarketClient) -> None:
        stream = self._streams.get(text)
        if stream is None:
            name = parse_stream_name(text)
            if name is None:
                self._complain(text)
                return
            try:
                stream = _Stream(name, open_channel(self._venue, name), self._now_ms())
            except Refusal:  # no such symbol: nothing ever comes
                return
            self._streams[text] = stream
        if client not in stream.clients:
            stream.clients[client] = None
            if stream.name.kind in _TELL_ALL:
                stream.channel = open_channel(self._venue, stream.name)
                self._plan(stream)

    def _complain(self, text: str) -> None:
        """Say once that nothing comes where something would at the vendor's."""
        if is_unmodelled(text) and text not in self._unmodelled:
            self._unmodelled.add(text)
            _logger.warning(
                "nothing comes on the stream %s: this simulator does not model it", text
            )

    def _leave(self, stream: _Stream, client: MarketClient) -> None:
        del stream.clients[client]
        if not stream.clients:
            del self._streams[stream.name.text]
            if stream.timer is not None:
                stream.timer.cancel()

    def catch_up(self, symbol: str | None) -> None:
        """Tell now what is due by the venue's clock, and every change of the fast streams.

        That is of one symbol, or of all.
        """
        now = self._now_ms()
        for stream in self._of(symbol) if symbol else list(self._streams.values()):
            if stream.name.speed_ms < SECOND_MS or now - stream.told_ms >= stream.name.speed_ms:
                self._tell(stream)

    def depth_changed(self, symbol: str) -> None:
        """Tell it when the streams' time comes."""
        for stream in self._of(symbol, StreamKind.DEPTH_DIFF, StreamKind.DEPTH_LEVELS):
            self._plan(stream)

    def top_changed(self, symbol: str) -> None:
        """Tell it at once."""
        for stream in self._of(symbol, StreamKind.BOOK_TICKER):
            self._tell(stream)
        for stream in self._of(symbol, *TICKERS):
            self._plan(stream)

    def traded(self, trade: Print) -> None:
        """Tell it at once; with those of the same order where that is asked for."""
        now = self._now_ms()
        for stream in self._of(trade.symbol, StreamKind.TRADE):
            stream.tell(market_event.trade(trade, now))
        for stream in self._of(trade.symbol, *TICKERS):
            self._plan(stream)
        together = self._together.setdefault(trade.symbol, [])
        if together and not _is_of_one_order(together[-1], trade):
            self._aggregate(trade.symbol)
        together.append(trade)

    def end_turn(self) -> None:
        """Tell what the turn's orders have traded in all."""
        for symbol in self._together:
            self._aggregate(symbol)

    def _aggregate(self, symbol: str) -> None:
        made = self._together[symbol]
        if not made:
            return
        event = market_event.aggregate_trade(made, self._now_ms())
        for stream in self._of(symbol, StreamKind.AGGREGATE_TRADE):
            stream.tell(event)
        made.clear()

    def _of(self, symbol: str, *kinds: StreamKind) -> Iterable[_Stream]:
        return [
            stream
            for stream in self._streams.values()
            if stream.name.symbol in (symbol, None) and (not kinds or stream.name.kind in kinds)
        ]

    def _plan(self, stream: _Stream) -> None:
        if stream.timer is None:
            loop = asyncio.get_running_loop()
            stream.timer = loop.call_later(stream.name.speed_ms / 1000, self._tell, stream)

    def _tell(self, stream: _Stream) -> None:
        if stream.timer is not None:
            stream.timer.cancel()
            stream.timer = None
        stream.told_ms = self._now_ms()
        event = None if stream.channel is None else stream.channel.update(stream.told_ms)
        if event is not None:
            stream.tell(event)


def _is_of_one_order(before: Print, after: Print) -> bool:
    return (before.taker_order_id, before.price) == (after.taker_order_id, after.price)
