"""ib_insync as its users write it, its throttle off."""

from __future__ import annotations

import asyncio
from typing import Any

import ib_insync

from tws.way import END, MARKETABLE, RESTING

LIBRARY: Any = ib_insync  # half of it has types


class Plain:
    """One `IB`."""

    name = "plain ib_insync"

    def __init__(self, port: int) -> None:
        self._ib = LIBRARY.IB()
        self._ib.client.MaxRequests = 0
        self._ib.connect("127.0.0.1", port, clientId=1)
        self._contract = LIBRARY.Stock("AAPL", "SMART", "USD")
        self._ib.qualifyContracts(self._contract)
        self._awaited, self._pending = "", 0
        self._reached: asyncio.Future[None] = LIBRARY.util.getLoop().create_future()
        self._ib.orderStatusEvent += self._on_status

    def burst(self, limit: int, n_orders: int) -> None:
        """Place all of them, then let the loop run until the last has come so far."""
        self._awaited, self._pending = END[limit], n_orders
        self._reached = LIBRARY.util.getLoop().create_future()
        for _ in range(n_orders):
            self._ib.placeOrder(self._contract, LIBRARY.LimitOrder("BUY", 1, limit, tif="GTC"))
        LIBRARY.util.run(self._reached)

    def acknowledge(self) -> None:
        """Wait for the event of its status."""
        self.burst(RESTING, 1)

    def fill(self) -> None:
        """Wait for the event of its status."""
        self.burst(MARKETABLE, 1)

    def clear(self) -> None:
        """Cancel everything; what is open is told after that."""
        self._ib.reqGlobalCancel()
        self._ib.reqOpenOrders()

    def close(self) -> None:
        """Disconnect."""
        self._ib.disconnect()

    def _on_status(self, trade: Any) -> None:
        if trade.orderStatus.status == self._awaited:
            self._pending -= 1
            if self._pending == 0:
                self._reached.set_result(None)
