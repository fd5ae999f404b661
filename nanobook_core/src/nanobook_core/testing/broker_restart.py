"""Laws of what a program that starts again learns from the venue."""

from __future__ import annotations

import pytest

from nanobook_core.contracts import (
    Broker,
    ClientIdScope,
    DuplicateOrderError,
    OrderState,
    Outcome,
)
from nanobook_core.testing.broker_bench import BrokerBench, FaultyVenue, Venue


class RestartLaws(BrokerBench):
    """A process may die at any moment; what it sent, another one must find, and never send twice.

    `another_broker` knows nothing but what it was made with, so whatever an adapter keeps in
    memory, or in a connection, is not there.
    """

    def restarted(self, broker: Broker, another: Broker) -> Broker:
        """End the one and connect the other."""
        broker.disconnect()
        another.connect()
        return another

    def test_orders_are_found_after_a_restart(
        self, broker: Broker, another_broker: Broker | None
    ) -> None:
        """Open, filled or cancelled, by client order id and by number, as they stand."""
        if another_broker is not None:
            open_, cancelled = self.rest(broker), self.rest(broker)
            filled = self.trade(broker)
            broker.cancel_order(cancelled.order_id)
            cancelled = broker.wait(cancelled.order_id, self.patience)
            later = self.restarted(broker, another_broker)
            for order in (open_, filled, cancelled):
                found = later.find_order(order.client_order_id)
                assert found is not None
                by_number = later.order_status(order.order_id)
                by_name = later.order_status(order.client_order_id)
                for told in (found, by_number, by_name):
                    for name in (
                        "order_id",
                        "client_order_id",
                        "symbol",
                        "side",
                        "quantity",
                        "limit_price",
                        "state",
                        "filled_quantity",
                        "is_own",
                    ):
                        assert getattr(told, name) == getattr(order, name), name

    def test_an_order_never_sent_is_not_found_after_a_restart(
        self, broker: Broker, another_broker: Broker | None
    ) -> None:
        """Other orders are no reason to guess."""
        if another_broker is not None:
            self.rest(broker)
            self.trade(broker)
            self.is_absent(self.restarted(broker, another_broker), self.new_id())

    def test_open_orders_are_worked_on_after_a_restart(
        self, broker: Broker, another_broker: Broker | None
    ) -> None:
        """They are one's own as before, and are cancelled by either reference."""
        if another_broker is not None:
            one, other = self.rest(broker), self.rest(broker, symbol=self.other_symbol)
            later = self.restarted(broker, another_broker)
            told = later.open_orders()
            assert [status.order_id for status in told] == [one.order_id, other.order_id]
            assert all(status.is_own for status in told)
            later.cancel_order(one.order_id)
            later.cancel_order(other.client_order_id)
            for order in (one, other):
                done = later.wait(order.order_id, self.patience)
                assert done.state is OrderState.CANCELLED
            assert later.open_orders("all") == []

    def test_executions_are_known_after_a_restart(
        self, broker: Broker, venue: Venue, another_broker: Broker | None
    ) -> None:
        """The same ones, under the same ids, of the same orders, and what they left is held."""
        if another_broker is not None:
            self.trade(broker)
            venue.advance(1)
            self.trade(broker, "sell", quantity=self.quantity / 2)
            venue.advance(1)
            rested = self.rest(broker, symbol=self.other_symbol)
            venue.fill(rested, rested.quantity)
            self.filled(broker, rested.order_id)
            before, cash = broker.fills(), broker.account().cash
            held = {row.symbol: row.quantity for row in broker.positions()}
            later = self.restarted(broker, another_broker)
            told = self.eventually(later.fills, lambda fills: len(fills) >= len(before))
            assert told == before
            assert {row.symbol: row.quantity for row in later.positions()} == held
            self.near(later.account().cash, cash)
            later.resync()
            assert later.fills() == before

    def test_executions_between_two_runs_are_found(
        self, broker: Broker, venue: Venue, another_broker: Broker | None
    ) -> None:
        """Nobody was told of them, and the order, its executions and the position agree."""
        if another_broker is not None and self.fills_while_away:
            order = self.rest(broker)
            broker.disconnect()
            venue.fill(order, order.quantity)
            later = self.restarted(broker, another_broker)
            done = self.filled(later, order.order_id)
            assert done.client_order_id == order.client_order_id
            assert {fill.client_order_id for fill in later.fills()} == {order.client_order_id}
            self.holds(later, self.symbol)

    def test_numbers_rise_over_a_restart(
        self, broker: Broker, another_broker: Broker | None
    ) -> None:
        """What was noted before must not name another order later."""
        if another_broker is not None:
            before = [broker.submit_order(self.resting(broker)) for _ in range(2)]
            later = self.restarted(broker, another_broker)
            assert later.submit_order(self.resting(later)) > before[-1] > before[0]

    def test_names_are_not_given_twice_over_a_restart(
        self, broker: Broker, venue: Venue, another_broker: Broker | None
    ) -> None:
        """Orders without a client order id are four orders of four names, if they have any."""
        if another_broker is not None:
            sent = [broker.submit_order(self.nameless(broker)) for _ in range(2)]
            venue.advance(1)  # as no program starts within a microsecond
            later = self.restarted(broker, another_broker)
            sent += [later.submit_order(self.nameless(later)) for _ in range(2)]
            names = [ack.client_order_id for ack in sent if ack.client_order_id]
            assert len(names) == len(set(names))
            assert [status.order_id for status in later.open_orders()] == sent

    def test_a_client_order_id_in_use_is_refused_after_a_restart(
        self, broker: Broker, another_broker: Broker | None
    ) -> None:
        """Where that is claimed: a claim that holds in one process protects nobody who crashes."""
        scope = broker.capabilities().client_id_scope
        if another_broker is not None and scope is not ClientIdScope.NEVER:
            open_, done = self.rest(broker), self.trade(broker)
            later = self.restarted(broker, another_broker)
            for order in (open_, done):
                again = self.resting(later, client_order_id=order.client_order_id)
                error = self.refusal(later, again)
                if order is open_ or scope is ClientIdScope.FOR_EVER:
                    assert isinstance(error, DuplicateOrderError)
                else:
                    assert error is None

    @pytest.mark.parametrize("received", [True, False])
    def test_an_order_in_doubt_is_settled_after_a_restart(
        self,
        broker: Broker,
        venue: FaultyVenue,
        another_broker: Broker | None,
        received: bool,  # noqa: FBT001 - a case
    ) -> None:
        """The moment for which all the rest is there: it was sent, and the program died."""
        if another_broker is not None and self.loses_answers:
            order = self.crossing(broker)
            venue.lose_answer(received=received)
            error = self.refusal(broker, order)
            assert error is None or error.outcome is not Outcome.REJECTED
            later = self.restarted(broker, another_broker)
            if received:
                found = self.eventually(lambda: self.asked(later, order))
                assert found is not None
                assert self.filled(later, found.order_id).filled_quantity == order.quantity
                self.holds(later, self.symbol)
            else:
                self.is_absent(later, self.named(order))
                assert later.open_orders("all") == []
                assert later.positions() == []
