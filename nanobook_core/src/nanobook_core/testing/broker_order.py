"""Laws of an order's life: what fills it, what ends it, and what never changes again."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pytest

from nanobook_core.contracts import (
    Broker,
    BrokerOrderStatus,
    CancelRejectedError,
    OrderState,
)
from nanobook_core.testing.broker_bench import BrokerBench, Venue


class OrderLaws(BrokerBench):
    """An order only ever moves towards its end, and its numbers agree with each other."""

    def test_a_resting_order_is_open_and_unfilled(self, broker: Broker) -> None:
        """All of it may still fill, and it has no price yet."""
        order = self.rest(broker)
        assert order.state is OrderState.ACCEPTED
        assert order.filled_quantity == 0
        assert order.remaining_quantity == order.quantity == self.quantity
        assert order.avg_fill_price is None
        assert order.is_own
        assert [status.order_id for status in broker.open_orders()] == [order.order_id]

    def test_a_resting_order_waits_for_its_price(self, broker: Broker, venue: Venue) -> None:
        """A market that comes nearer and does not reach the limit fills nothing."""
        order = self.rest(broker)
        step = broker.instrument(self.symbol).tick_at(self.bid)
        assert order.limit_price is not None
        venue.set_quote(self.symbol, order.limit_price, order.limit_price + step)
        venue.advance(1)
        assert broker.order_status(order.order_id).state is OrderState.ACCEPTED
        assert broker.fills() == []
        assert broker.positions() == []

    @pytest.mark.parametrize("side", ["buy", "sell"])
    def test_an_order_through_the_market_fills(self, broker: Broker, side: str) -> None:
        """All of it, and nothing remains open."""
        if side == "sell":
            self.stock(broker)
        done = self.trade(broker, side)
        assert done.side == side
        assert done.filled_quantity == done.quantity == self.quantity
        assert done.remaining_quantity == 0
        assert broker.open_orders() == []

    @pytest.mark.parametrize("side", ["buy", "sell"])
    def test_a_market_order_fills(self, broker: Broker, side: str) -> None:
        """Whatever its side, where the venue takes such orders."""
        if "market" in broker.capabilities().order_types:
            if side == "sell":
                self.stock(broker)
            ack = broker.submit_order(self.symbol, side, self.quantity)
            assert self.filled(broker, ack).filled_quantity == self.quantity

    @pytest.mark.parametrize("side", ["buy", "sell"])
    def test_no_limit_is_ever_exceeded(self, broker: Broker, venue: Venue, side: str) -> None:
        """Neither by an order that takes nor by one that rests."""
        if side == "sell":
            self.stock(broker)
        taken = self.trade(broker, side)
        rested = self.rest(broker, side)
        venue.fill(rested, rested.quantity)
        self.filled(broker, rested.order_id)
        for order in (taken, rested):
            for fill in self.fills_of(broker, order.order_id):
                assert order.limit_price is not None
                better = order.limit_price - fill.price
                assert better >= 0 if side == "buy" else better <= 0

    @pytest.mark.parametrize("side", ["buy", "sell"])
    def test_a_resting_order_fills_when_others_trade_with_it(
        self, broker: Broker, venue: Venue, side: str
    ) -> None:
        """And is then done."""
        if side == "sell":
            self.stock(broker)
        order = self.rest(broker, side)
        venue.fill(order, order.quantity)
        done = self.filled(broker, order.order_id)
        assert done.remaining_quantity == 0
        assert broker.open_orders() == []

    def test_a_part_that_filled_is_told(self, broker: Broker, venue: Venue) -> None:
        """The rest of the order stays open."""
        if self.fills_partly:
            part = self.quantity / 4
            order = self.partly_filled(broker, venue, self.rest(broker), part)
            assert order.state is OrderState.PARTIALLY_FILLED
            assert order.filled_quantity == part
            assert order.remaining_quantity == self.quantity - part
            assert [status.order_id for status in broker.open_orders()] == [order.order_id]

    def test_what_is_filled_never_falls_and_never_exceeds_the_order(
        self, broker: Broker, venue: Venue
    ) -> None:
        """Part by part up to the whole, and not beyond it however much is traded."""
        if self.fills_partly:
            order = self.rest(broker)
            for quarter in range(1, 5):
                order = self.partly_filled(broker, venue, order, self.quantity / 4)
                assert order.filled_quantity == self.quantity * quarter / 4
                assert order.filled_quantity + order.remaining_quantity == self.quantity
            assert order.state is OrderState.FILLED
            venue.set_quote(self.symbol, *self._below(order))
            assert broker.order_status(order.order_id).filled_quantity == self.quantity
            assert self.holds(broker, self.symbol) > 0

    def test_the_average_price_is_that_of_the_fills(self, broker: Broker, venue: Venue) -> None:
        """Weighted by their quantities."""
        order = self.trade(broker)
        if self.fills_partly:
            rested = self.rest(broker)
            for part in (self.quantity / 4, self.quantity * 3 / 4):
                rested = self.partly_filled(broker, venue, rested, part)
            self._average_agrees(broker, self.filled(broker, rested.order_id))
        self._average_agrees(broker, order)

    def _average_agrees(self, broker: Broker, order: BrokerOrderStatus) -> None:
        fills = self.fills_of(broker, order.order_id)
        paid = sum((fill.price * fill.quantity for fill in fills), Decimal(0))
        assert order.avg_fill_price is not None
        assert abs(order.avg_fill_price * order.filled_quantity - paid) < paid / 10**9

    def test_a_filled_order_stays_as_it_is(self, broker: Broker, venue: Venue) -> None:
        """Neither a later market nor a cancel changes it."""
        done = self.trade(broker)
        venue.set_quote(self.symbol, *self._below(done))
        with pytest.raises(CancelRejectedError):
            broker.cancel_order(done.order_id)
        venue.advance(1)
        later = broker.order_status(done.order_id)
        assert (later.state, later.filled_quantity) == (OrderState.FILLED, done.quantity)
        assert later.avg_fill_price == done.avg_fill_price

    def test_a_cancelled_order_never_fills(self, broker: Broker, venue: Venue) -> None:
        """Not even when the market comes to where it was."""
        order = self.rest(broker)
        broker.cancel_order(order.order_id)
        assert broker.wait(order.order_id, self.patience).state is OrderState.CANCELLED
        venue.set_quote(self.symbol, *self._below(order))
        venue.advance(1)
        later = broker.order_status(order.order_id)
        assert (later.state, later.filled_quantity) == (OrderState.CANCELLED, Decimal(0))
        assert broker.fills() == []
        assert broker.positions() == []

    def test_a_status_is_of_its_moment(self, broker: Broker, venue: Venue) -> None:
        """What was told before does not change in the hands of whoever has it."""
        order = self.rest(broker)
        venue.fill(order, order.quantity)
        self.filled(broker, order.order_id)
        assert order.state is OrderState.ACCEPTED
        assert order.filled_quantity == 0

    def test_times_of_an_order_are_utc_and_rise(self, broker: Broker, venue: Venue) -> None:
        """Where the venue tells them."""
        order = self.rest(broker)
        venue.advance(2)
        venue.fill(order, order.quantity)
        done = self.filled(broker, order.order_id)
        for told in (order.updated_at, done.updated_at):
            assert told is None or told.utcoffset() == dt.timedelta(0)
        if order.updated_at is not None and done.updated_at is not None:
            assert done.updated_at >= order.updated_at

    def test_open_orders_are_told_oldest_first(self, broker: Broker) -> None:
        """Of both symbols, and without those that are done."""
        sent = [
            self.rest(broker, symbol=symbol).order_id
            for symbol in (self.symbol, self.other_symbol, self.symbol)
        ]
        self.trade(broker)
        assert [status.order_id for status in broker.open_orders()] == sent
        broker.cancel_order(sent[0])
        broker.wait(sent[0], self.patience)
        assert [status.order_id for status in broker.open_orders()] == sent[1:]

    def test_waiting_for_a_done_order_returns_it(self, broker: Broker) -> None:
        """By number or by client order id."""
        done = self.trade(broker)
        for reference in (done.order_id, done.client_order_id):
            assert broker.wait(reference, self.patience).state is OrderState.FILLED

    def test_waiting_ends_when_its_time_is_over(self, broker: Broker) -> None:
        """The order is then as open as before, and is not cancelled."""
        order = self.rest(broker)
        assert broker.wait(order.order_id, 0.05).state is OrderState.ACCEPTED
        assert broker.wait(order.order_id, 0).state is OrderState.ACCEPTED
        assert len(broker.open_orders()) == 1

    def _below(self, order: BrokerOrderStatus) -> tuple[Decimal, Decimal]:
        """Return a market that any buy order at that limit would trade in."""
        assert order.limit_price is not None
        tick = self.ask - self.bid
        return order.limit_price - 3 * tick, order.limit_price - 2 * tick
