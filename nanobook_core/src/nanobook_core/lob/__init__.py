"""The order book: the reference engine, and what is the same for every engine."""

from nanobook_core.lob.exchange import ExchangeBase
from nanobook_core.lob.reference import Exchange
from nanobook_core.lob.trades import Trades

__all__ = [
    "Exchange",
    "ExchangeBase",
    "Trades",
]
