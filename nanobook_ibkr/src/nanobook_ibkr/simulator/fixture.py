"""A simulated gateway for each test that asks for one.

In `conftest.py`: `pytest_plugins = ["nanobook_ibkr.simulator.fixture"]`.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from nanobook_ibkr.simulator.gateway import SimulatedGateway


@pytest.fixture
def simulated_gateway() -> Iterator[SimulatedGateway]:
    """A gateway that runs on a free port of 127.0.0.1 (its `port`) as long as the test does.

    It lists well-known US stocks, each with a market, and one account with 1,000,000 USD.
    """
    with SimulatedGateway() as gateway:
        yield gateway
