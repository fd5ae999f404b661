"""The paper broker fills at the touch, keeps an account, and forgets nothing."""

from decimal import Decimal

import pytest

import nanobook
from nanobook_core.contracts import Broker

from .market import Clock

D = Decimal


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def quotes():
    return {"AAPL": ("184.99", "185.01"), "MSFT": ("400", "401")}


@pytest.fixture
def broker(quotes, clock):
    with nanobook.PaperBroker(10_000_000, quotes=quotes, clock=clock) as broker:
        yield broker


def test_the_seeds_example_runs_as_it_is_written(broker):
    oid = broker.submit_order("AAPL", "buy", 100, order_type="limit", limit_price_cents=186_00)
    assert oid == 1
    assert dict(broker.order_status(oid)) == {
        "id": 1,
        "status": "Filled",
        "filled_quantity": 100,
        "remaining_quantity": 0,
        "avg_fill_price_cents": 185_01,
    }
    positions = broker.positions()
    assert [dict(position) for position in positions] == [
        {
            "symbol": "AAPL",
            "quantity": 100,
            "avg_cost_cents": 185_01,
            "market_value_cents": 18_500_00,
            "unrealized_pnl_cents": -1_00,
        }
    ]
    assert dict(broker.quote("AAPL")) == {
        "symbol": "AAPL",
        "bid_cents": 184_99,
        "ask_cents": 185_01,
        "last_cents": 0,
        "volume": 0,
    }
    assert dict(broker.account()) == {
        "equity_cents": 9_999_999_00,
        "buying_power_cents": 19_981_498_00,
        "cash_cents": 9_981_499_00,
        "gross_position_value_cents": 18_500_00,
    }


def test_it_is_a_broker_that_the_registry_offers():
    made = nanobook.registry().create("broker", "paper", cash=5)
    assert isinstance(made, Broker)
    assert isinstance(made, nanobook.PaperBroker)
    assert made.name == "paper"
