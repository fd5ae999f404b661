"""ib_insync as its users write it, its throttle off."""

from __future__ import annotations

import asyncio

from ib_insync import IB, LimitOrder, Stock, Trade, util

from tws.way import MARKETABLE, RESTING


class Plain:
    """One `IB`."""

    name = "plain ib_insync"

    def __init__(self, port: int) -> None:
        self._ib = IB()
        self._ib.client.MaxRequests = 0
        self._ib.connect("127.0.0.1", port, clientId=1)
        self._contract = Stock("AAPL", "SMART", "USD")
        self._ib.qualifyContracts(self._contract)
        self._awaited, self._count = "", 0
        self._reached: asyncio.Future[None] | None = None
        self._ib.orderStatusEvent += self._on_status

    def burst(self, n_orders: int) -> None:
        """Place all of them, then let the loop run until the last is acknowledged."""
        self._expect("Submitted", n_orders)
        for _ in range(n_orders):
            self._place(RESTING)
        self._wait()

    def acknowledge(self) -> None:
        """Wait for the event of its status."""
        self._expect("Submitted", 1)
        self._place(RESTING)
        self._wait()

    def fill(self) -> None:
        """Wait for the event of its status."""
        self._expect("Filled", 1)
        self._place(MARKETABLE)
        self._wait()

    def close(self) -> None:
        """Disconnect."""
        self._ib.disconnect()

    def _place(self, limit: int) -> None:
        self._ib.placeOrder(self._contract, LimitOrder("BUY", 1, limit, tif="GTC"))

    def _expect(self, status: str, count: int) -> None:
        self._awaited, self._count = status, count
        self._reached = util.getLoop().create_future()

    def _wait(self) -> None:
        util.run(self._reached)

    def _on_status(self, trade: Trade) -> None:
        if self._reached and trade.orderStatus.status == self._awaited:
            self._count -= 1
            if self._count == 0:
                self._reached.set_result(None)
