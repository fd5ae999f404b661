"""What cannot be read of what the venue says of orders, and whether that leaves a doubt."""

import pytest
from tests.binance.hand_clock import HandClock
from tests.binance.market_server import MarketServer

from nanobook_binance.message import commission_rate, read_order, read_report
from nanobook_binance.order_desk import OrderDesk
from nanobook_binance.resolution import Resolution
from nanobook_core.contracts import BrokerProtocolError, Outcome

ODD = {"symbol": "BTCUSDT", "orderId": "many", "side": "BUY"}


@pytest.fixture
def resolution():
    clock = HandClock()
    desk = OrderDesk(clock=clock, publish=[].append, wake=lambda: None, name_of=lambda pair: pair)
    with MarketServer(openOrders=[ODD], allOrders=[ODD], myTrades=[ODD], order=ODD) as server:
        yield Resolution(desk, server.rest(clock), clock)


@pytest.mark.parametrize(
    "ask",
    [
        lambda resolution: resolution.open_orders(),
        lambda resolution: resolution.trades("BTCUSDT"),
        lambda resolution: resolution.find("BTCUSDT", "a"),
    ],
    ids=["open orders", "executions", "an order"],
)
def test_a_question_whose_answer_cannot_be_read_has_sent_nothing(resolution, ask):
    with pytest.raises(BrokerProtocolError, match="cannot be read") as caught:
        ask(resolution)
    assert caught.value.outcome is Outcome.NOT_SENT


@pytest.mark.parametrize("read", [read_report, lambda row: commission_rate(row, "maker")])
def test_nor_does_what_is_told_of_an_order_send_one(read):
    with pytest.raises(BrokerProtocolError, match="cannot be read") as caught:
        read({"standardCommissionForOrder": {}})
    assert caught.value.outcome is Outcome.NOT_SENT


def test_an_order_or_a_cancel_whose_answer_cannot_be_read_is_in_doubt():
    with pytest.raises(BrokerProtocolError, match="'many' is no whole number") as caught:
        read_order(ODD)
    assert caught.value.outcome is Outcome.UNKNOWN
