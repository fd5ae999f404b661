"""A simulated Binance: real clients trade on its spot venue, over HTTP and WebSocket."""

from nanobook_binance.simulator.server.fault import Fault
from nanobook_binance.simulator.server.handle import SimulatedBinance
from nanobook_binance.simulator.venue import SymbolRules, Venue

__all__ = ["Fault", "SimulatedBinance", "SymbolRules", "Venue"]
