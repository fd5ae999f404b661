"""A simulated Binance: real clients trade on its spot venue, over HTTP and WebSocket."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from nanobook_binance.simulator.server.fault import Fault
    from nanobook_binance.simulator.server.handle import SimulatedBinance
    from nanobook_binance.simulator.venue import SymbolRules, Venue

__all__ = ["Fault", "SimulatedBinance", "SymbolRules", "Venue"]

#: Where they are, imported when asked for: the command starts before the server's libraries do.
_MODULES = {
    "Fault": "nanobook_binance.simulator.server.fault",
    "SimulatedBinance": "nanobook_binance.simulator.server.handle",
    "SymbolRules": "nanobook_binance.simulator.venue",
    "Venue": "nanobook_binance.simulator.venue",
}


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_MODULES[name]), name)
