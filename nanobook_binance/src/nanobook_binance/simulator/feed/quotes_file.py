"""A file of quotes, as the paper broker reads it: people change it, and the market follows."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

from attrs import frozen

from nanobook_binance.simulator.feed.whole import whole_steps
from nanobook_binance.simulator.venue import SymbolRules, Venue
from nanobook_core.broker.paper_quotes import SourceQuote, quote_rows
from nanobook_core.errors import ValidationError


@frozen
class _Quote:
    symbol: str
    bid: Decimal | None
    ask: Decimal | None
    bid_size: Decimal | None
    ask_size: Decimal | None
    last: Decimal | None


class QuotesFile:
    """Lines of `symbol,bid,ask[,last,bid_size,ask_size]` under such a header; pairs as `BTCUSDT`.

    Without a size the source has what one order may be of at most. Bids and last prices off the
    tick are moved down, asks up, sizes down to whole steps.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._text: bytes | None = None
        self._quoted: dict[str, None] = {}

    def poll(self, venue: Venue) -> bool:
        """Quote what the file says, if it has changed; whether it had.

        What is no longer in it is withdrawn.

        Raises:
            OSError: it cannot be read.
            ValidationError: it is no such file, or has a symbol that is not listed; it is not
                looked at again until it changes, and the quotes are as before.

        """
        if self._path.is_fifo():  # nobody would be served while it has nothing to say
            raise ValidationError(f"{self._path} is a pipe; give a file, which is read again")
        text = self._path.read_bytes()
        if text == self._text:
            return False
        self._text = text
        written = list(quote_rows(self._path, text))
        try:
            rows = [_quote(_rules(venue, symbol), row) for symbol, row in written]
        except ValidationError as error:
            raise ValidationError(f"{self._path}: {error}") from None
        for quote in rows:
            venue.set_quote(
                quote.symbol,
                quote.bid,
                quote.ask,
                bid_size=quote.bid_size,
                ask_size=quote.ask_size,
                last=quote.last,
            )
        quoted = dict.fromkeys(quote.symbol for quote in rows)
        for symbol in self._quoted:
            if symbol not in quoted:
                venue.withdraw_quote(symbol)
        self._quoted = quoted
        return True


def _rules(venue: Venue, symbol: str) -> SymbolRules:
    listed = {rules.symbol: rules for rules in venue.symbols}
    if symbol not in listed:
        raise ValidationError(f"{symbol!r:.40} is not listed here; there are {', '.join(listed)}")
    return listed[symbol]


def _quote(rules: SymbolRules, row: SourceQuote) -> _Quote:
    quote = row.quote
    if row.currency not in (None, rules.quote_asset):
        raise ValidationError(
            f"{rules.symbol} is in {rules.quote_asset}, got the currency {row.currency!r:.20}"
        )
    bid = _rounded(quote.bid, rules.tick)
    ask = _rounded(quote.ask, rules.tick, up=True)
    bid_size = _rounded(quote.bid_size, rules.step)
    ask_size = _rounded(quote.ask_size, rules.step)
    bid = None if bid_size == 0 else bid or None
    ask = None if ask_size == 0 else ask
    if bid is not None and ask is not None and bid >= ask:
        raise ValidationError(
            f"{rules.symbol}: the bid must be below the ask, got {quote.bid} and {quote.ask}"
        )
    last = _rounded(quote.last, rules.tick)
    most = rules.limits["PRICE_FILTER"]["maxPrice"]
    for price in (bid, ask, last):
        if price is not None and most and price > most:
            raise ValidationError(f"{rules.symbol}: a price is at most {most:f}, got {price:f}")
    return _Quote(rules.symbol, bid, ask, bid_size or None, ask_size or None, last or None)


def _rounded(number: Decimal | None, step: Decimal, *, up: bool = False) -> Decimal | None:
    return None if number is None else whole_steps(number, step, up=up)
