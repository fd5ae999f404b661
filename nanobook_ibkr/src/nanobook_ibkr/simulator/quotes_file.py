"""A file of quotes, as the paper broker reads it: people change it, and the market follows."""

from __future__ import annotations

import zlib
from pathlib import Path

from nanobook_core.broker.paper_quotes import SourceQuote as FileQuote
from nanobook_core.broker.paper_quotes import quote_rows
from nanobook_core.contracts.instrument import Instrument
from nanobook_core.errors import ValidationError
from nanobook_ibkr.simulator.instruments import default_listings
from nanobook_ibkr.simulator.market import rules_of
from nanobook_ibkr.simulator.record import ContractDefinition, ContractKey
from nanobook_ibkr.simulator.source_quote import SourceQuote
from nanobook_ibkr.simulator.venue import Venue


class QuotesFile:
    """Lines of `symbol,bid,ask[,last,bid_size,ask_size,volume,currency]` under such a header.

    Without a size any quantity is offered. A bid off the tick is moved down, an ask up, a size down
    to whole lots. Symbols that the venue does not list are added to it: well-known ones as
    themselves, others as US stocks, in that currency.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._text: bytes | None = None
        self._quoted: dict[int, None] = {}

    def poll(self, venue: Venue) -> bool:
        """Quote what the file says, if it has changed; whether it had.

        What is no longer in it is withdrawn.

        Raises:
            OSError: it cannot be read.
            ValidationError: it is no such file, and is not looked at again until it changes; the
                quotes are as before.

        """
        if self._path.is_fifo():  # nobody would be served while it has nothing to say
            raise ValidationError(f"{self._path} is a pipe; give a file, which is read again")
        text = self._path.read_bytes()
        if text == self._text:
            return False
        self._text = text
        rows = []
        for symbol, row in quote_rows(self._path, text):
            definition = _listed(venue, symbol, row.currency)
            try:
                venue.check_currency(definition)
                rows.append((definition, _quote(rules_of(definition), row)))
            except ValidationError as error:
                raise ValidationError(f"{self._path}: {error}") from None
        for definition, quote in rows:
            if not venue.find(ContractKey(con_id=definition.con_id)):
                venue.add_contract(definition)
            venue.set_quote(
                definition,
                quote.bid,
                quote.ask,
                bid_size=quote.bid_size,
                ask_size=quote.ask_size,
                last=quote.last,
                volume=quote.volume,
            )
        quoted = dict.fromkeys(definition.con_id for definition, _ in rows)
        for con_id in self._quoted:
            if con_id not in quoted:
                venue.withdraw_quote(con_id)
        self._quoted = quoted
        return True


def _listed(venue: Venue, symbol: str, currency: str | None) -> ContractDefinition:
    found = venue.find(ContractKey(symbol=symbol, currency=currency or ""))
    if found:
        return found[0]
    for listing in default_listings():
        known = listing.definition
        if known.symbol == symbol and currency in (None, known.currency):
            return known
    currency = currency or "USD"
    return ContractDefinition(
        # The same in every run, above those of the real venue, and within 32 bits.
        con_id=1_000_000_000 + zlib.crc32(f"{symbol}.{currency}".encode()) % 1_000_000_000,
        symbol=symbol,
        currency=currency,
        local_symbol=symbol,
        trading_class=symbol,
        long_name=symbol,
    )


def _quote(rules: Instrument, row: FileQuote) -> SourceQuote:
    bid, ask, bid_size, ask_size = (
        row.quote.bid,
        row.quote.ask,
        row.quote.bid_size,
        row.quote.ask_size,
    )
    if bid is not None:
        bid = rules.round_price(bid, up=False) or None
    if ask is not None:
        ask = rules.round_price(ask, up=True)
    if bid_size is not None:
        bid_size = rules.round_quantity(bid_size)
    if ask_size is not None:
        ask_size = rules.round_quantity(ask_size)
    quote = SourceQuote(
        bid=None if bid_size == 0 else bid,
        ask=None if ask_size == 0 else ask,
        bid_size=bid_size or None,
        ask_size=ask_size or None,
        last=row.quote.last,
        volume=row.quote.volume,
    )
    quote.check(rules)
    return quote
