"""Names of market streams, such as `btcusdt@depth@100ms`."""

from __future__ import annotations

import re
from enum import StrEnum

from attrs import frozen

#: How often depth is told where the name does not say, and how often the day's numbers are.
SECOND_MS = 1000
FAST_MS = 100

_NAME = re.compile(
    r"(?P<symbol>[a-z0-9]{1,20})@"
    r"(?:(?P<plain>trade|aggTrade|bookTicker|ticker|miniTicker)"
    r"|depth(?P<levels>5|10|20)?(?P<speed>@100ms|@1000ms)?)"
)

#: Names that mean something at the vendor's.
_UNMODELLED = re.compile(
    r"[a-z0-9]{1,20}@(?:kline_\w+(?:@\+08:00)?|ticker_\w+|avgPrice|referencePrice|blockTrade)"
    r"|!(?:bookTicker|ticker_\w+@arr)"
)


class StreamKind(StrEnum):
    """What comes on a stream."""

    TRADE = "trade"
    AGGREGATE_TRADE = "aggTrade"
    BOOK_TICKER = "bookTicker"
    DAY_TICKER = "ticker"
    MINI_TICKER = "miniTicker"
    DEPTH_DIFF = "depth"
    DEPTH_LEVELS = "levels"


#: Those with the numbers of the last 24 hours.
TICKERS = (StreamKind.DAY_TICKER, StreamKind.MINI_TICKER)

_OF_ALL = {"!ticker@arr": StreamKind.DAY_TICKER, "!miniTicker@arr": StreamKind.MINI_TICKER}


@frozen
class StreamName:
    """What a name says."""

    text: str
    symbol: str | None
    """None for all."""
    kind: StreamKind
    speed_ms: int = 0
    """0 as it happens."""
    levels: int = 0
    """How many of each side; 0 where the stream is not of that kind."""


def is_unmodelled(text: str) -> bool:
    """Whether something comes on a stream of that name at the vendor's, and nothing does here."""
    return _UNMODELLED.fullmatch(text) is not None


def parse_stream_name(text: str) -> StreamName | None:
    """Return what a name says; None for one that means nothing here.

    The venue takes any name, and nothing ever comes on one that it does not know.
    """
    if text in _OF_ALL:
        return StreamName(text, None, _OF_ALL[text], speed_ms=SECOND_MS)
    match = _NAME.fullmatch(text)
    if match is None:
        return None
    symbol = match["symbol"].upper()
    if match["plain"] is not None:
        kind = StreamKind(match["plain"])
        return StreamName(text, symbol, kind, speed_ms=SECOND_MS if kind in TICKERS else 0)
    speed_ms = FAST_MS if match["speed"] == "@100ms" else SECOND_MS
    if match["levels"] is None:
        return StreamName(text, symbol, StreamKind.DEPTH_DIFF, speed_ms=speed_ms)
    levels = int(match["levels"])
    return StreamName(text, symbol, StreamKind.DEPTH_LEVELS, speed_ms=speed_ms, levels=levels)
