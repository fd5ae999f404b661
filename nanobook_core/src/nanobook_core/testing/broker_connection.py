"""Laws of a broker's connection: what it needs one for, what outlives it, who may stop it."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from nanobook_core.contracts import (
    Broker,
    BrokerCapabilities,
    BrokerEvent,
    BrokerOrder,
    ConnectionInfo,
    ConnectionState,
    HaltedError,
    NotConnectedError,
    OrderState,
    Outcome,
    UnsupportedError,
)
from nanobook_core.testing.broker_bench import BrokerBench, FaultyVenue

#: Every method that asks or tells a venue something.
_ASKING = (
    "account",
    "cancel_all",
    "cancel_order",
    "fills",
    "find_order",
    "instrument",
    "normalize",
    "open_orders",
    "order_status",
    "positions",
    "preview",
    "quote",
    "replace_order",
    "resync",
    "server_time",
    "submit_order",
    "wait",
)


class ConnectionLaws(BrokerBench):
    """What holds before, during and after a connection."""

    def test_it_fulfils_the_contract(self, broker: Broker) -> None:
        """It has every method, and a name that reports can call it by."""
        assert isinstance(broker, Broker)
        assert isinstance(broker.name, str)
        assert broker.name

    def test_a_broker_that_is_connected_says_so(self, broker: Broker) -> None:
        """A caller decides by the state whether it may send."""
        told = broker.connection()
        assert isinstance(told, ConnectionInfo)
        assert told.state is ConnectionState.READY
        assert isinstance(told.is_live, bool)

    def test_a_broker_that_is_not_connected_says_so(self, broker: Broker) -> None:
        """The state is that of the connection, not of a wish."""
        broker.disconnect()
        assert broker.connection().state is ConnectionState.DISCONNECTED

    def test_account_and_connection_name_the_same_account(self, broker: Broker) -> None:
        """An order for one account that reaches another is the worst of mistakes."""
        assert broker.connection().account_id == broker.account().account_id

    def test_connecting_again_changes_nothing(self, broker: Broker) -> None:
        """Whoever is not sure may connect."""
        order = self.rest(broker)
        broker.connect()
        assert broker.connection().state is ConnectionState.READY
        assert [status.order_id for status in broker.open_orders()] == [order.order_id]

    def test_disconnecting_again_changes_nothing(self, broker: Broker) -> None:
        """Cleaning up twice is no error."""
        broker.disconnect()
        broker.disconnect()
        assert broker.connection().state is ConnectionState.DISCONNECTED

    @pytest.mark.parametrize("method", _ASKING)
    def test_nothing_is_asked_without_a_connection(self, broker: Broker, method: str) -> None:
        """Not even from memory: an old answer that looks like a new one is worse than an error."""
        order = BrokerOrder(self.symbol, "buy", self.quantity, "limit", self.bid)
        arguments: dict[str, tuple[Any, ...]] = {
            **dict.fromkeys(("submit_order", "normalize", "preview"), (order,)),
            **dict.fromkeys(("order_status", "cancel_order", "replace_order"), (1,)),
            **dict.fromkeys(("instrument", "quote"), (self.symbol,)),
            "find_order": (self.new_id(),),
            "wait": (1, 0),
        }
        broker.disconnect()
        with pytest.raises(NotConnectedError) as caught:
            getattr(broker, method)(*arguments.get(method, ()))
        assert caught.value.outcome is Outcome.NOT_SENT

    def test_what_needs_no_venue_needs_no_connection(self, broker: Broker) -> None:
        """A person can halt, and a program can subscribe, before there is a connection."""
        broker.disconnect()
        heard: list[BrokerEvent] = []
        end = broker.subscribe(heard.append)
        broker.halt("before the market opens")
        broker.resume()
        end()
        assert isinstance(broker.capabilities(), BrokerCapabilities)

    def test_with_connects_and_disconnects(self, broker: Broker) -> None:
        """The block has the broker itself, ready."""
        broker.disconnect()
        with broker as inside:
            assert inside is broker
            assert broker.connection().state is ConnectionState.READY
        assert broker.connection().state is ConnectionState.DISCONNECTED

    def test_an_error_leaves_the_block_and_ends_the_connection(self, broker: Broker) -> None:
        """It is not swallowed: the program must hear of it."""
        with pytest.raises(KeyError), broker:
            raise KeyError("the caller's own")
        assert broker.connection().state is ConnectionState.DISCONNECTED

    def test_disconnecting_cancels_nothing(self, broker: Broker) -> None:
        """Orders are the venue's; one that is still wanted must not depend on a process."""
        order = self.rest(broker)
        broker.disconnect()
        broker.connect()
        (still,) = broker.open_orders()
        assert still.client_order_id == order.client_order_id
        assert still.order_id == order.order_id
        assert not still.state.is_terminal

    def test_what_was_done_is_still_known_after_connecting_again(self, broker: Broker) -> None:
        """Executions and finished orders do not end with a connection, and none is told twice."""
        done = self.trade(broker)
        before = broker.fills()
        broker.disconnect()
        broker.connect()
        assert broker.order_status(done.client_order_id).state is OrderState.FILLED
        assert broker.order_status(done.order_id).filled_quantity == done.quantity
        assert [fill.exec_id for fill in broker.fills()] == [fill.exec_id for fill in before]

    def test_the_time_of_the_venue_is_utc(self, broker: Broker) -> None:
        """Clocks are compared, and an hour of some zone would pass for skew.

        Where the venue does not tell it, nor does the broker: ours agrees with ours, however wrong.
        """
        if self.tells_time:
            assert broker.server_time().utcoffset() == dt.timedelta(0)
        else:
            with pytest.raises(UnsupportedError):
                broker.server_time()

    def test_the_time_of_the_venue_is_not_ours(self, broker: Broker, venue: FaultyVenue) -> None:
        """It is the venue's also where the two differ: that is what it is asked for."""
        if self.tells_time and self.has_own_clock:
            before = broker.server_time()
            venue.set_clock_ahead(90)
            assert broker.server_time() - before >= dt.timedelta(seconds=90)

    def test_no_secret_is_shown(self, broker: Broker) -> None:
        """What is printed ends in logs, and logs are read by others."""
        shown = [repr(broker), str(broker), repr(broker.connection()), repr(broker.account())]
        broker.disconnect()
        try:
            broker.account()
        except NotConnectedError as error:
            shown += [repr(error), str(error), repr(vars(error))]
        for secret in self.secrets:
            assert not [text for text in shown if secret in text]


class HaltLaws(BrokerBench):
    """A person can stop a broker from sending, and not from ending what was sent."""

    def test_a_halted_broker_sends_nothing(self, broker: Broker) -> None:
        """The refusal says why, and that the venue has nothing of it."""
        broker.halt("fat finger")
        with pytest.raises(HaltedError, match="fat finger") as caught:
            broker.submit_order(self.resting(broker))
        assert caught.value.outcome is Outcome.NOT_SENT
        self.nothing_happened(broker)

    def test_a_halted_broker_says_so(self, broker: Broker) -> None:
        """The state is one that a status page shows."""
        broker.halt("fat finger")
        assert broker.connection().state is ConnectionState.HALTED

    def test_a_halted_broker_cancels_and_answers(self, broker: Broker) -> None:
        """A halt must never be what keeps an order alive."""
        one, other = self.rest(broker), self.rest(broker)
        broker.halt("fat finger")
        broker.cancel_order(one.order_id)
        broker.cancel_all()
        self.eventually(broker.open_orders, lambda orders: not orders)
        assert broker.order_status(other.order_id).state is OrderState.CANCELLED
        assert broker.positions() == []
        assert broker.account().cash > 0

    def test_an_order_refused_by_a_halt_can_be_sent_after_it(self, broker: Broker) -> None:
        """Resuming allows submits, and the client order id was not used up."""
        order = self.resting(broker)
        broker.halt("fat finger")
        with pytest.raises(HaltedError):
            broker.submit_order(order)
        broker.resume()
        broker.submit_order(order)
        assert broker.connection().state is ConnectionState.READY
        assert [status.client_order_id for status in broker.open_orders()] == [
            order.client_order_id
        ]

    def test_a_halt_outlives_the_connection(self, broker: Broker) -> None:
        """Only a person ends it, and a program that connects again is none."""
        broker.halt("fat finger")
        order = self.resting(broker)
        broker.disconnect()
        broker.connect()
        with pytest.raises(HaltedError):
            broker.submit_order(order)
