"""The spot venue without a network: books, orders, balances, and the vendor's rules."""

from nanobook_binance.simulator.venue.account import Balance
from nanobook_binance.simulator.venue.depth import Depth, Top
from nanobook_binance.simulator.venue.listener import VenueListener
from nanobook_binance.simulator.venue.listing import default_symbols, spot_rules
from nanobook_binance.simulator.venue.order import Amendment, OrderRequest, Replacement, VenueOrder
from nanobook_binance.simulator.venue.refusal import Refusal
from nanobook_binance.simulator.venue.symbol_rules import SymbolRules
from nanobook_binance.simulator.venue.tape import Day, change
from nanobook_binance.simulator.venue.trade import PreventedMatch, Print, VenueTrade
from nanobook_binance.simulator.venue.venue import Venue
from nanobook_binance.simulator.venue.word import (
    ExecutionType,
    ExpiryReason,
    OrderStatus,
    OrderType,
    StpMode,
    SymbolStatus,
)

__all__ = [
    "Amendment",
    "Balance",
    "Day",
    "Depth",
    "ExecutionType",
    "ExpiryReason",
    "OrderRequest",
    "OrderStatus",
    "OrderType",
    "PreventedMatch",
    "Print",
    "Refusal",
    "Replacement",
    "StpMode",
    "SymbolRules",
    "SymbolStatus",
    "Top",
    "Venue",
    "VenueListener",
    "VenueOrder",
    "VenueTrade",
    "change",
    "default_symbols",
    "spot_rules",
]
