"""What sessions with faults have found, each as short as it can be told."""

import datetime as dt
from decimal import Decimal

from tests.binance.program import ACCOUNT, make_broker

from nanobook_binance.simulator import SimulatedBinance, Venue
from nanobook_core.contracts import BrokerOrder


class TickingClock:
    """A millisecond passes with each look at it."""

    def __init__(self):
        self.time = dt.datetime.now(dt.UTC)

    def now(self):
        self.time += dt.timedelta(milliseconds=1)
        return self.time


def test_an_order_that_somebody_amends_is_the_same_though_its_answer_was_a_moment_younger(tmp_path):
    venue = SimulatedBinance(Venue(clock=TickingClock()))
    with venue, make_broker(venue, tmp_path / "state") as broker:
        half = Decimal("0.005")
        order = broker.submit_order(
            BrokerOrder("BTC", "buy", 2 * half, "limit", Decimal(59000), tif="gtc")
        )
        (told,) = venue.orders()
        assert venue.log[-1].answer["transactTime"] > told.time
        venue.call(lambda market: market.amend(ACCOUNT, "BTCUSDT", int(order), quantity=half))
        broker.disconnect()
        broker.connect()
        (status,) = broker.open_orders()
        assert (status.client_order_id, status.quantity) == (order.client_order_id, half)
