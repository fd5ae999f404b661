"""Prices: one stream for each contract that was asked for, and snapshots where it is quiet."""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
from collections import OrderedDict
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from attrs import define, field

from nanobook_core.contracts.broker_error import NoQuoteError
from nanobook_core.contracts.clock import Clock
from nanobook_core.contracts.holding import Quote
from nanobook_ibkr.error_code import ends_request, error_of
from nanobook_ibkr.library import Library
from nanobook_ibkr.link import Link
from nanobook_ibkr.message import VenueContract
from nanobook_ibkr.request import RequestTimeoutError

#: What TWS allows everybody is 100.
STREAMS = 80
#: Seconds after which a price that did not change is confirmed by a snapshot.
FRESH = 1.0
#: Seconds that a new stream has to tell both sides before a snapshot is asked for.
SETTLE = 0.5
LIVE = 1
MARKET_DATA_TYPES = {"live": 1, "frozen": 2, "delayed": 3, "delayed_frozen": 4}

_BID, _ASK, _LAST, _VOLUME = "bid", "ask", "last", "volume"
_PRICES = {1: _BID, 2: _ASK, 4: _LAST, 66: _BID, 67: _ASK, 68: _LAST}
_SIZES = {0: "bid_size", 3: "ask_size", 69: "bid_size", 70: "ask_size", 8: _VOLUME, 74: _VOLUME}
_TIMES = (45, 88)
_HALTED = 49
_DELAYED = range(66, 77)


@define
class _Prices:
    """What ticks have told so far."""

    bid: Decimal | None = None
    ask: Decimal | None = None
    last: Decimal | None = None
    bid_size: Decimal | None = None
    ask_size: Decimal | None = None
    volume: Decimal | None = None
    venue_time: dt.datetime | None = None
    received: float | None = None
    is_delayed: bool = False
    is_halted: bool | None = None
    """None as long as the venue has not told."""
    told: set[str] = field(factory=set)
    """Sides of which the venue has said what they are, or that there is none."""

    @property
    def has_both_sides(self) -> bool:
        return self.told >= {_BID, _ASK}

    @property
    def is_complete(self) -> bool:
        return self.has_both_sides and self.is_halted is not None

    def tick(self, tick: int, value: Decimal | None, size: Decimal | None) -> None:
        if tick in _PRICES:
            side = _PRICES[tick]
            is_none = value is None or (value <= 0 and not size)
            setattr(self, side, None if is_none else value)
            if side != _LAST:
                setattr(self, f"{side}_size", None if is_none else size)
                self.told.add(side)
        elif tick in _SIZES:
            setattr(self, _SIZES[tick], value)
        elif tick in _TIMES and value:
            self.venue_time = dt.datetime.fromtimestamp(int(value), dt.UTC)
        elif tick == _HALTED:
            self.is_halted = value is not None and value > 0
        if tick in _DELAYED:
            self.is_delayed = True

    def quote(self, symbol: str) -> Quote:
        if self.bid is None and self.ask is None and self.last is None:
            raise NoQuoteError(f"{symbol}: the venue has no price now", broker="ibkr")
        return Quote(
            symbol=symbol,
            bid=self.bid,
            ask=self.ask,
            last=self.last,
            bid_size=None if self.bid is None else self.bid_size,
            ask_size=None if self.ask is None else self.ask_size,
            volume=self.volume,
            venue_time=self.venue_time,
            received=self.received,
            is_delayed=self.is_delayed,
            is_halted=bool(self.is_halted),
        )


@define(eq=False)
class _Stream:
    number: int
    contract: VenueContract
    prices: _Prices = field(factory=_Prices)
    has_come: asyncio.Event = field(factory=asyncio.Event)
    """Both sides have, and whether it trades; or an error."""
    error: tuple[int, str] | None = None
    confirming: asyncio.Lock = field(factory=asyncio.Lock)


class Quotes:
    """The streams of one connection; those used least recently end when there are too many."""

    def __init__(self, link: Link, next_id: Callable[[], int], clock: Clock) -> None:
        self._link = link
        self._next_id = next_id
        self._clock = clock
        self._streams: OrderedDict[int, _Stream] = OrderedDict()
        self._by_number: dict[int, _Stream] = {}

    async def quote(self, symbol: str, contract: VenueContract) -> Quote:
        """Prices now: told within the last second, or confirmed just now.

        Raises:
            NoQuoteError: there is none, or the account may not see it.

        """
        stream = self._streams.get(contract.con_id)
        if stream is None:
            stream = await self._start(contract)
        self._streams.move_to_end(contract.con_id)
        if not stream.prices.is_complete:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(SETTLE):
                    await stream.has_come.wait()
            if stream.prices.is_halted is None:  # not every venue tells
                stream.prices.is_halted = False
        async with stream.confirming:
            if stream.error is None and not self._is_fresh(stream.prices):
                await self._confirm(symbol, stream)
        if stream.error is not None:
            raise error_of(*stream.error)
        return stream.prices.quote(symbol)

    def tick(self, number: int, tick: int, value: Decimal | None, size: Decimal | None) -> None:
        """Take in a tick; of a stream that has ended, nothing."""
        stream = self._by_number.get(number)
        if stream is None:
            return
        stream.prices.tick(tick, value, size)
        stream.prices.received = self._clock.monotonic()
        if stream.prices.is_complete:
            stream.has_come.set()

    def market_data_type(self, number: int, kind: int) -> None:
        """Take in whether what comes is live."""
        stream = self._by_number.get(number)
        if stream is not None:
            stream.prices.is_delayed = kind != LIVE

    def error(self, number: int, code: int, text: str) -> bool:
        """Take in an error of a stream; False where it is no stream's."""
        stream = self._by_number.get(number)
        if stream is None:
            return False
        if ends_request(code, text):
            stream.error = (code, text)
            stream.has_come.set()
            self._forget(stream)
        return True

    def clear(self) -> None:
        """Forget all streams: the venue has. The next question opens a new one."""
        self._streams.clear()
        self._by_number.clear()

    async def _start(self, contract: VenueContract) -> _Stream:
        stream = _Stream(self._next_id(), contract)
        self._streams[contract.con_id] = self._by_number[stream.number] = stream
        while len(self._streams) > STREAMS:
            oldest = next(iter(self._streams.values()))
            self._forget(oldest)
            self._link.send_later(_cancel(oldest.number))
        try:
            await self._link.send(_ask_for(stream.number, contract, snapshot=False))
        except BaseException:
            self._forget(stream)
            raise
        return stream

    async def _confirm(self, symbol: str, stream: _Stream) -> None:
        number, link = self._next_id(), self._link
        # The ticks of both go where they come from into the same prices, in the order in which
        # they come; so the newest stays, whichever told it.
        self._by_number[number] = stream
        stream.prices.told.clear()
        stream.has_come.clear()
        asking = asyncio.ensure_future(
            link.requests.ask(
                number,
                f"a snapshot of {symbol}",
                lambda: link.send(_ask_for(number, stream.contract, snapshot=True)),
            )
        )
        coming = asyncio.ensure_future(stream.has_come.wait())
        try:
            # Where a side is missing the end may take longer than anybody waits.
            await asyncio.wait({asking, coming}, return_when=asyncio.FIRST_COMPLETED)
            if asking.done():
                await asking
        except RequestTimeoutError:
            link.send_later(_cancel(number))
            if not stream.prices.told:
                raise
        except asyncio.CancelledError:
            link.send_later(_cancel(number))
            raise
        finally:
            asking.cancel()
            coming.cancel()
            await asyncio.gather(asking, coming, return_exceptions=True)
            self._by_number.pop(number, None)
        for side in {_BID, _ASK} - stream.prices.told:
            setattr(stream.prices, side, None)
        stream.prices.told.update({_BID, _ASK})
        stream.prices.received = self._clock.monotonic()

    def _is_fresh(self, prices: _Prices) -> bool:
        received = prices.received
        return (
            prices.has_both_sides
            and received is not None
            and 0 <= self._clock.monotonic() - received <= FRESH
        )

    def _forget(self, stream: _Stream) -> None:
        self._by_number.pop(stream.number, None)
        if self._streams.get(stream.contract.con_id) is stream:
            del self._streams[stream.contract.con_id]


def _ask_for(
    number: int, contract: VenueContract, *, snapshot: bool
) -> Callable[[Any, Library], None]:
    def write(client: Any, library: Library) -> None:
        client.reqMktData(number, library.contract(contract), "", snapshot, False, [])  # noqa: FBT003

    return write


def _cancel(number: int) -> Callable[[Any, Library], None]:
    return lambda client, _: client.cancelMktData(number)
