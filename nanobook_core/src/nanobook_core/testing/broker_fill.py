"""Laws of executions."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pytest

from nanobook_core.contracts import Broker
from nanobook_core.testing.broker_bench import BrokerBench, Venue


class FillLaws(BrokerBench):
    """Every execution is told once, in full and for ever."""

    def test_a_fill_belongs_to_its_order(self, broker: Broker) -> None:
        """Number, client order id, symbol and side are the order's."""
        done = self.trade(broker)
        for fill in broker.fills():
            assert fill.order_id == done.order_id
            assert fill.client_order_id == done.client_order_id
            assert (fill.symbol, fill.side) == (done.symbol, done.side)

    def test_a_fill_is_of_exact_numbers(self, broker: Broker) -> None:
        """Decimal, with quantity and price above 0; a fee says what it is paid in."""
        self.trade(broker)
        for fill in broker.fills():
            for number in (fill.quantity, fill.price, fill.fee):
                assert isinstance(number, Decimal)
                assert number.is_finite()
            assert fill.quantity > 0
            assert fill.price > 0
            assert fill.fee == 0 or fill.fee_currency

    def test_fills_sum_to_what_the_order_tells(self, broker: Broker, venue: Venue) -> None:
        """Of every order, done or not."""
        half = self.quantity / 2
        orders = [self.trade(broker), self.trade(broker, "sell", quantity=half)]
        if self.fills_partly:
            rested = self.rest(broker)
            for _ in range(2):
                rested = self.partly_filled(broker, venue, rested, self.quantity / 4)
            orders.append(rested)
        for order in orders:
            told = self.fills_of(broker, order.order_id)
            assert self.executed(told) == broker.order_status(order.order_id).filled_quantity

    def test_each_execution_has_an_id_of_its_own(self, broker: Broker, venue: Venue) -> None:
        """Equal executions are two all the same."""
        if self.fills_partly:
            order = self.rest(broker)
            for _ in range(4):
                order = self.partly_filled(broker, venue, order, self.quantity / 4)
            self.filled(broker, order.order_id)
        self.trade(broker)
        self.trade(broker)
        ids = [fill.exec_id for fill in broker.fills()]
        assert all(ids)
        assert len(ids) == len(set(ids)) >= 2

    def test_asking_for_fills_uses_up_none(self, broker: Broker) -> None:
        """They are told again as often as they are asked for."""
        self.trade(broker)
        assert broker.fills() == broker.fills() != []

    def test_fills_are_told_oldest_first(self, broker: Broker, venue: Venue) -> None:
        """Each with its time, in UTC."""
        sent = []
        for symbol in (self.symbol, self.other_symbol, self.symbol):
            sent.append(self.trade(broker, symbol=symbol).order_id)
            venue.advance(2)
        fills = broker.fills()
        assert list(dict.fromkeys(fill.order_id for fill in fills)) == sent
        times = [fill.time for fill in fills if fill.time is not None]
        assert len(times) == len(fills)
        assert all(time.utcoffset() == dt.timedelta(0) for time in times)
        assert times == sorted(times)

    def test_fills_can_be_asked_for_from_a_time_on(self, broker: Broker, venue: Venue) -> None:
        """That time included: a question that begins where the last one ended loses nothing."""
        first = self.trade(broker)
        venue.advance(2)
        second = self.trade(broker)
        (since,) = {fill.time for fill in self.fills_of(broker, second.order_id)}
        assert since is not None
        assert {fill.order_id for fill in broker.fills(since)} == {second.order_id}
        earlier = since - dt.timedelta(days=1)
        assert {fill.order_id for fill in broker.fills(earlier)} == {
            first.order_id,
            second.order_id,
        }
        assert broker.fills(since + dt.timedelta(seconds=1)) == []

    def test_a_time_without_a_zone_is_refused(self, broker: Broker) -> None:
        """Taken for some zone or other, it would miss hours of executions."""
        self.trade(broker)
        naive = dt.datetime(2020, 1, 1)  # noqa: DTZ001 - the point of it
        with pytest.raises((TypeError, ValueError)):
            broker.fills(naive)

    def test_fills_can_be_asked_for_by_symbol(self, broker: Broker) -> None:
        """Those of others are left out."""
        self.trade(broker)
        other = self.trade(broker, symbol=self.other_symbol)
        told = broker.fills(symbol=self.other_symbol)
        assert {fill.order_id for fill in told} == {other.order_id}
