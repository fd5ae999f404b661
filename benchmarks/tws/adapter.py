"""nanobook's broker."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from pathlib import Path

from nanobook_core.contracts import BrokerOrder
from nanobook_ibkr.broker import IbkrBroker
from tws.way import MARKETABLE, RESTING

THREADS = 8
PATIENCE = 30.0
"""Seconds."""


class Adapter:
    """One `IbkrBroker`."""

    def __init__(self, port: int, state: Path | None) -> None:
        self.name = f"IbkrBroker, journal {'in memory' if state is None else 'on disk'}"
        self._broker = IbkrBroker(
            "127.0.0.1", port, client_id=1, state=state, messages_per_second=10_000
        )
        self._broker.connect()

    def burst(self, limit: int, n_orders: int) -> None:
        """Submit from `THREADS` threads; each waits for its order before it sends the next."""
        call = self.acknowledge if limit == RESTING else self.fill
        with ThreadPoolExecutor(THREADS) as pool:
            for sent in [pool.submit(call) for _ in range(n_orders)]:
                sent.result()

    def acknowledge(self) -> None:
        """Submit one."""
        self._submit(RESTING)

    def fill(self) -> None:
        """Submit one and wait for its end."""
        self._broker.wait(self._submit(MARKETABLE), timeout=PATIENCE)

    def clear(self) -> None:
        """Cancel everything."""
        self._broker.cancel_all()

    def close(self) -> None:
        """Disconnect."""
        self._broker.disconnect()

    def _submit(self, limit: int) -> int:
        order = BrokerOrder("AAPL", "buy", 1, "limit", Decimal(limit), tif="gtc")
        return self._broker.submit_order(order)
