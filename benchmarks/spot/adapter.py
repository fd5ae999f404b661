"""nanobook's broker, alone and behind the risk gate."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

from nanobook_binance.broker import BinanceBroker
from nanobook_core.contracts import BrokerOrder
from nanobook_core.risk.engine import RiskEngine
from nanobook_core.risk.gated_broker import GatedBroker
from spot.way import QUANTITY, Venue


class Adapter:
    """One `BinanceBroker`."""

    def __init__(
        self, venue: Venue, state: Path | None, *, threads: int = 1, gated: bool = False
    ) -> None:
        self.threads = threads
        broker: Any = BinanceBroker(
            venue.api_key,
            venue.secret_key,
            base_url=venue.url,
            ws_url=venue.ws_url,
            state=state,
        )
        self._broker = GatedBroker(broker, RiskEngine()) if gated else broker
        self._broker.connect()

    def submit(self, price: str) -> None:
        """Submit an order to buy at a limit."""
        order = BrokerOrder("BTC", "buy", Decimal(QUANTITY), "limit", Decimal(price), tif="gtc")
        self._broker.submit_order(order)

    def clear(self) -> None:
        """Cancel everything."""
        self._broker.cancel_all()

    def close(self) -> None:
        """Disconnect."""
        self._broker.disconnect()
