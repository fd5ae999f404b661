"""A simulated TWS and IB Gateway: real clients trade on it, over a real socket."""

from nanobook_ibkr.simulator.fault import Fault
from nanobook_ibkr.simulator.gateway import SimulatedGateway
from nanobook_ibkr.simulator.record import ContractDefinition, ContractKey
from nanobook_ibkr.simulator.venue import Venue

__all__ = ["ContractDefinition", "ContractKey", "Fault", "SimulatedGateway", "Venue"]
