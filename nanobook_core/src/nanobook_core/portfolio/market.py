"""Order books that a portfolio trades in."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Protocol, runtime_checkable

from nanobook_core import contracts
from nanobook_core.errors import ValidationError, shown


@runtime_checkable
class Market(Protocol):
    """Order books by symbol: a `MultiExchange`, or a mapping from symbol to `Exchange`."""

    def __contains__(self, symbol: object, /) -> bool:
        """Whether the symbol has a book, which may be empty."""
        ...

    def __getitem__(self, symbol: str, /) -> contracts.Engine:
        """Return the symbol's book itself: what is sent to it changes it."""
        ...


def market(value: object, name: str) -> Market:
    """Return the value, if it has books by symbol.

    Raises:
        TypeError: it has none.

    """
    # Sequences have the same methods, by position.
    if isinstance(value, Sequence) or not isinstance(value, Market):
        raise TypeError(
            f"{name} is a MultiExchange, or a mapping from symbol to Exchange, got {shown(value)}"
        )
    return value


def middles(exchanges: Market, symbols: Iterable[str]) -> dict[str, int]:
    """Price of each symbol, in that order; a symbol whose book is empty or absent is left out.

    It is the middle of best bid and ask, rounded towards the bid, or the one of them that there is.

    Raises:
        ValidationError: a price is below 1.

    """
    prices = {}
    for symbol in symbols:
        if symbol in exchanges:
            bid, ask = exchanges[symbol].best_bid_ask()
            price = bid if ask is None else ask if bid is None else bid + (ask - bid) // 2
            if price is not None:
                prices[symbol] = _positive(symbol, price)
    return prices


def check_reach(exchanges: Market, symbol: str, lots: int) -> None:
    """Refuse a market order, signed, that would be filled at a price below 1.

    O(1) for a purchase, which takes the lowest price first; O(orders in the book) for a sale.

    Raises:
        ValidationError: it would.

    """
    book = exchanges[symbol]
    ask = book.best_bid_ask()[1]
    if lots > 0 and ask is not None:
        _positive(symbol, ask)
    if lots < 0:
        for level in book.full_book().bids:
            _positive(symbol, level.price)
            lots += level.quantity
            if lots >= 0:
                break


def send(exchanges: Market, symbol: str, lots: int) -> list[tuple[int, int]]:
    """Lots, signed, and price of each print of a market order; what the book lacks is dropped."""
    side, sign = ("buy", 1) if lots > 0 else ("sell", -1)
    result = exchanges[symbol].submit_market(side, abs(lots))
    return [(sign * trade.quantity, trade.price) for trade in result.trades]


def _positive(symbol: str, price: int) -> int:
    if price < 1:
        raise ValidationError(
            f"symbol {symbol!r}: its book would trade at {price}; a portfolio trades at prices of "
            "at least 1. Leave the symbol's book out."
        )
    return price
