"""Laws of cancelling."""

from __future__ import annotations

import pytest

from nanobook_core.contracts import (
    Broker,
    CancelRejectedError,
    OrderState,
)
from nanobook_core.testing.broker_bench import BrokerBench, FaultyVenue, Venue
from nanobook_core.types import Side


class CancelLaws(BrokerBench):
    """An order that is not wanted any more ends, and what had filled of it stays."""

    def test_a_cancelled_order_ends(self, broker: Broker) -> None:
        """It is open no more, nothing of it remains, and nothing was traded."""
        order = self.rest(broker)
        broker.cancel_order(order.order_id)
        done = broker.wait(order.order_id, self.patience)
        assert done.state is OrderState.CANCELLED
        assert done.remaining_quantity == 0
        assert done.filled_quantity == 0
        assert broker.open_orders() == []

    def test_an_order_is_cancelled_by_client_order_id(self, broker: Broker) -> None:
        """That one and no other."""
        order, other = self.rest(broker), self.rest(broker)
        broker.cancel_order(order.client_order_id)
        assert broker.wait(order.client_order_id, self.patience).state is OrderState.CANCELLED
        assert [status.order_id for status in broker.open_orders()] == [other.order_id]

    def test_cancelling_keeps_what_was_filled(self, broker: Broker, venue: Venue) -> None:
        """The part that traded is owned."""
        if self.fills_partly:
            part = self.quantity / 4
            order = self.partly_filled(broker, venue, self.rest(broker), part)
            broker.cancel_order(order.order_id)
            done = broker.wait(order.order_id, self.patience)
            assert done.state is OrderState.CANCELLED
            assert done.filled_quantity == part
            assert done.remaining_quantity == 0
            assert self.holds(broker, self.symbol) > 0

    def test_a_filled_order_cannot_be_cancelled(self, broker: Broker) -> None:
        """The refusal carries what became of it, so that nobody takes it for cancelled."""
        done = self.trade(broker)
        with pytest.raises(CancelRejectedError) as caught:
            broker.cancel_order(done.order_id)
        assert caught.value.status is not None
        assert caught.value.status.state is OrderState.FILLED
        assert caught.value.status.filled_quantity == done.quantity

    def test_a_cancelled_order_cannot_be_cancelled_again(self, broker: Broker) -> None:
        """The refusal says that it is cancelled, which is what was wanted."""
        order = self.rest(broker)
        broker.cancel_order(order.order_id)
        broker.wait(order.order_id, self.patience)
        with pytest.raises(CancelRejectedError) as caught:
            broker.cancel_order(order.client_order_id)
        assert caught.value.status is not None
        assert caught.value.status.state is OrderState.CANCELLED

    def test_everything_is_cancelled_at_once(self, broker: Broker) -> None:
        """The report has each order, ended, and says that none remains."""
        sent = {
            self.rest(broker, symbol=symbol).order_id
            for symbol in (self.symbol, self.other_symbol, self.symbol)
        }
        report = broker.cancel_all()
        assert {status.order_id for status in report.cancelled} == sent
        assert {status.state for status in report.cancelled} == {OrderState.CANCELLED}
        assert report.remaining == ()
        assert broker.open_orders() == []

    def test_everything_of_one_symbol_is_cancelled_at_once(self, broker: Broker) -> None:
        """Orders of others stay open."""
        order = self.rest(broker)
        other = self.rest(broker, symbol=self.other_symbol)
        report = broker.cancel_all(self.symbol)
        assert [status.order_id for status in report.cancelled] == [order.order_id]
        assert report.remaining == ()
        assert [status.order_id for status in broker.open_orders()] == [other.order_id]

    def test_nothing_to_cancel_is_no_error(self, broker: Broker) -> None:
        """Done orders are none that could be cancelled."""
        self.trade(broker)
        report = broker.cancel_all()
        assert report.cancelled == ()
        assert report.remaining == ()

    def test_orders_of_others_are_cancelled_only_when_asked(
        self, broker: Broker, venue: FaultyVenue
    ) -> None:
        """Somebody else wants them."""
        if self.shows_foreign:
            own = self.rest(broker)
            venue.submit_foreign(self.symbol, Side.BUY, self.quantity, self.away(broker, "buy"))
            self.eventually(lambda: broker.open_orders("all"), lambda orders: len(orders) == 2)
            report = broker.cancel_all()
            assert [status.order_id for status in report.cancelled] == [own.order_id]
            assert report.remaining == ()
            assert len(broker.open_orders("all")) == 1
            assert len(broker.cancel_all(scope="all").cancelled) == 1
            assert broker.open_orders("all") == []
