"""Laws of client order ids: each names one order, whoever asks and whenever."""

from __future__ import annotations

import pytest

from nanobook_core.contracts import (
    Broker,
    ClientIdScope,
    DuplicateOrderError,
    OrderInvalidError,
    OrderNotFoundError,
    OrderState,
)
from nanobook_core.testing.broker_bench import BrokerBench


class ClientIdLaws(BrokerBench):
    """The id is how an order is found whose number got lost."""

    def test_a_client_order_id_stays_with_its_order(self, broker: Broker) -> None:
        """In the acknowledgement, the status, the open orders and the executions."""
        open_ = self.rest(broker)
        (listed,) = broker.open_orders()
        assert listed.client_order_id == open_.client_order_id
        done = self.trade(broker)
        assert {fill.client_order_id for fill in broker.fills()} == {done.client_order_id}

    def test_number_and_client_order_id_lead_to_the_same_order(self, broker: Broker) -> None:
        """Both are references."""
        one, other = self.rest(broker), self.rest(broker)
        for order in (one, other):
            assert broker.order_status(order.client_order_id).order_id == order.order_id
            assert broker.order_status(order.order_id).client_order_id == order.client_order_id

    def test_every_character_that_is_allowed_is_taken(self, broker: Broker) -> None:
        """Nothing is lost on the way to the venue, and capital letters are not small ones."""
        for name in ("aZ_09.-", "Az_09.-"):
            assert self.rest(broker, client_order_id=name).client_order_id == name
        assert broker.find_order("aZ_09.-") != broker.find_order("Az_09.-")

    def test_a_client_order_id_may_be_as_long_as_is_claimed(self, broker: Broker) -> None:
        """And not a character longer."""
        length = broker.capabilities().client_id_length
        name = self.new_id().ljust(length, "x")
        assert len(name) == length
        self.rest(broker, client_order_id=name)
        found = broker.find_order(name)
        assert found is not None
        assert found.client_order_id == name
        with pytest.raises(ValueError, match=r"client_order_id|order id"):
            self.send_named(broker, name + "y")
        assert len(broker.open_orders("all")) == 1

    def send_named(self, broker: Broker, name: str) -> None:
        """Send a resting order under that client order id."""
        broker.submit_order(self.resting(broker, client_order_id=name))

    def test_an_order_never_sent_is_not_found(self, broker: Broker) -> None:
        """Even while others are open whose ids begin alike."""
        name = self.new_id()
        self.rest(broker, client_order_id=f"{name}-a")
        self.is_absent(broker, name)
        self.is_absent(broker, f"{name}-a-b")

    def test_an_open_order_is_found(self, broker: Broker) -> None:
        """As `order_status` tells it."""
        order = self.rest(broker)
        found = broker.find_order(order.client_order_id)
        assert found is not None
        assert (found.order_id, found.state) == (order.order_id, order.state)

    def test_a_done_order_is_found(self, broker: Broker) -> None:
        """Filled or cancelled: the question after a crash is about orders that may be either."""
        done = self.trade(broker)
        found = broker.find_order(done.client_order_id)
        assert found is not None
        assert (found.order_id, found.filled_quantity) == (done.order_id, done.quantity)
        order = self.rest(broker)
        broker.cancel_order(order.order_id)
        broker.wait(order.order_id, self.patience)
        ended = broker.find_order(order.client_order_id)
        assert ended is not None
        assert ended.state is OrderState.CANCELLED

    def test_an_order_is_found_by_a_new_connection(self, broker: Broker) -> None:
        """Nothing about it went with the old one."""
        order, absent = self.rest(broker), self.new_id()
        broker.disconnect()
        broker.connect()
        found = broker.find_order(order.client_order_id)
        assert found is not None
        assert found.quantity == order.quantity
        self.is_absent(broker, absent)

    def test_a_refused_order_does_not_use_up_its_client_order_id(self, broker: Broker) -> None:
        """What was not sent can be put right and sent."""
        limit = self.away(broker, "buy")
        off = limit + broker.instrument(self.symbol).tick_at(limit) / 2
        name = self.new_id()
        with pytest.raises(OrderInvalidError):
            broker.submit_order(self.resting(broker, client_order_id=name, limit_price=off))
        self.is_absent(broker, name)
        assert self.rest(broker, client_order_id=name).limit_price == limit

    def test_a_client_order_id_in_use_is_taken_as_is_claimed(self, broker: Broker) -> None:
        """Where it is claimed to be refused while its order is open, there is one order of it."""
        order = self.rest(broker)
        error = self.refusal(broker, self.resting(broker, client_order_id=order.client_order_id))
        if broker.capabilities().client_id_scope is not ClientIdScope.NEVER:
            assert isinstance(error, DuplicateOrderError)
            assert [status.order_id for status in broker.open_orders("all")] == [order.order_id]
        self._latest_is_found(broker, order.client_order_id, error)

    def test_a_client_order_id_of_a_done_order_is_taken_as_is_claimed(self, broker: Broker) -> None:
        """For ever means for ever; while open means that it is free afterwards."""
        done = self.trade(broker)
        error = self.refusal(broker, self.resting(broker, client_order_id=done.client_order_id))
        scope = broker.capabilities().client_id_scope
        if scope is ClientIdScope.FOR_EVER:
            assert isinstance(error, DuplicateOrderError)
            assert broker.open_orders("all") == []
        elif scope is ClientIdScope.WHILE_OPEN:
            assert error is None
        self._latest_is_found(broker, done.client_order_id, error)

    def test_a_client_order_id_is_refused_by_a_new_connection_too(self, broker: Broker) -> None:
        """As by the one before."""
        if broker.capabilities().client_id_scope is not ClientIdScope.NEVER:
            order = self.rest(broker)
            broker.disconnect()
            broker.connect()
            again = self.resting(broker, client_order_id=order.client_order_id)
            assert isinstance(self.refusal(broker, again), DuplicateOrderError)
            assert len(broker.open_orders("all")) == 1

    def _latest_is_found(self, broker: Broker, name: str, error: Exception | None) -> None:
        assert error is None or isinstance(error, DuplicateOrderError)
        found = broker.find_order(name)
        assert found is not None
        numbers = {status.order_id for status in broker.open_orders("all")}
        numbers |= {fill.order_id for fill in broker.fills()}
        assert found.order_id == max(numbers)

    @pytest.mark.parametrize("reference", [2**40, "nobody-sent-this"])
    def test_an_order_that_does_not_exist_is_not_found(
        self, broker: Broker, reference: int | str
    ) -> None:
        """For its status, its end and its cancel alike; only `find_order` answers None."""
        self.rest(broker)
        with pytest.raises(OrderNotFoundError):
            broker.order_status(reference)
        with pytest.raises(OrderNotFoundError):
            broker.cancel_order(reference)
        with pytest.raises(OrderNotFoundError):
            broker.wait(reference, 0)
        assert len(broker.open_orders()) == 1
