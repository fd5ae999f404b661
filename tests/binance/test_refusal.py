"""What a filter allows, told once the venue has refused an order by it."""

from decimal import Decimal

import pytest
from attrs import evolve

import nanobook
from nanobook_binance.simulator import SimulatedBinance
from nanobook_binance.simulator.venue import Venue
from nanobook_binance.simulator.venue.listing import default_symbols
from nanobook_core.contracts import (
    BrokerOrder,
    InsufficientFundsError,
    OrderInvalidError,
    Outcome,
)

#: Filters that a pair has besides, or in the place of, its usual ones.
RULES = {
    "MAX_NUM_ORDERS": {"maxNumOrders": 3},
    "MAX_NUM_ALGO_ORDERS": {"maxNumAlgoOrders": 1},
    "MAX_POSITION": {"maxPosition": "2.50000000"},
}


@pytest.fixture
def binance():
    def strict(rules):
        kept = tuple(one for one in rules.filters if one["filterType"] not in RULES)
        own = tuple({"filterType": kind, **limits} for kind, limits in RULES.items())
        return evolve(rules, filters=kept + own)

    venue = Venue([strict(rules) for rules in default_symbols()])
    with SimulatedBinance(venue, balances={"USDT": 1_000_000, "BTC": 1}) as binance:
        binance.set_quote("BTCUSDT", "60000.00", "60000.01")
        yield binance


@pytest.fixture
def broker(binance):
    keys = (binance.api_key, binance.secret_key)
    with nanobook.BinanceBroker(*keys, base_url=binance.url, stream=False) as broker:
        yield broker


def order(side="buy", quantity="0.1", limit="50000", **more):
    kind = "limit" if "stop_price" not in more else "stop_limit"
    return BrokerOrder("BTC", side, Decimal(quantity), kind, Decimal(limit), tif="gtc", **more)


def refusal(broker, record):
    with pytest.raises(OrderInvalidError) as caught:
        broker.submit_order(record)
    error = caught.value
    assert (error.outcome, error.code) == (Outcome.REJECTED, "-1013")
    return error.filter, error.limit, error.nearest, str(error)


def test_a_price_too_far_away_is_told_with_the_nearest_one(broker):
    record = evolve(order(limit="1000"), client_order_id="far-1")
    kind, limit, nearest, text = refusal(broker, record)
    assert (kind, limit, nearest) == ("PERCENT_PRICE_BY_SIDE", 12000, 12000)
    assert text == (
        "order error: BTC: PERCENT_PRICE_BY_SIDE: limit_price is at least 12000, 0.2 of the "
        "reference price 60000, got 1000; the nearest is 12000 (code -1013)"
    )
    broker.submit_order(order(limit="12000"))
    with pytest.raises(OrderInvalidError) as caught:
        broker.normalize(record)
    assert (caught.value.outcome, caught.value.nearest) == (Outcome.NOT_SENT, 12000)


def test_too_many_orders_are_told_with_how_many_there_are(broker):
    for _ in range(3):
        broker.submit_order(order())
    kind, limit, nearest, text = refusal(broker, order())
    assert (kind, limit, nearest) == ("MAX_NUM_ORDERS", 3, None)
    assert text == (
        "order error: BTC: MAX_NUM_ORDERS: at most 3 open orders, and there are 3; cancel one "
        "(code -1013)"
    )


def test_too_many_stops_are_told_with_how_many_there_are(broker):
    stop = order("sell", limit="49000", stop_price=Decimal(50000))
    broker.submit_order(stop)
    kind, limit, nearest, text = refusal(broker, stop)
    assert (kind, limit, nearest) == ("MAX_NUM_ALGO_ORDERS", 1, None)
    assert "at most 1 open stops, and there are 1; cancel one" in text


def test_too_large_a_position_is_told_with_what_is_left(broker):
    broker.submit_order(order(quantity="0.4"))
    kind, limit, nearest, text = refusal(broker, order(quantity="1.10001"))
    assert (kind, limit, nearest) == ("MAX_POSITION", Decimal("2.5"), Decimal("1.1"))
    assert (
        "1.4 are or are on order, and 1.10001 more are wanted; the largest quantity is 1.1" in text
    )
    broker.submit_order(order(quantity="1.1"))


def test_a_refusal_stays_as_it_is_where_the_reason_is_not_told(binance, broker):
    binance.inject("http_5xx", endpoint="GET /api/v3/avgPrice", times=10)
    with pytest.raises(OrderInvalidError) as caught:
        broker.submit_order(order(limit="1000"))
    error = caught.value
    assert str(error) == "order error: Filter failure: PERCENT_PRICE_BY_SIDE (code -1013)"
    assert (error.filter, error.outcome) == ("PERCENT_PRICE_BY_SIDE", Outcome.REJECTED)


def test_a_refusal_that_is_no_filters_stays_as_it_is(broker):
    with pytest.raises(InsufficientFundsError, match=r"insufficient balance .* \(code -2010\)"):
        broker.submit_order(order("sell", quantity="1.5", limit="70000"))
