"""A simulated Binance for each test that asks for one.

In `conftest.py`: `pytest_plugins = ["nanobook_binance.simulator.fixture"]`.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from nanobook_binance.simulator.server.handle import SimulatedBinance


@pytest.fixture
def simulated_binance() -> Iterator[SimulatedBinance]:
    """A venue that runs on a free port of 127.0.0.1 (its `url`) as long as the test does.

    It lists well-known pairs, each with a market, and one account with 100,000 USDT, 1 BTC and some
    ETH and BNB, whose key is its `api_key` and `secret_key`.
    """
    with SimulatedBinance() as binance:
        yield binance
