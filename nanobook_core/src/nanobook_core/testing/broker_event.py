"""Laws of a broker's events: whoever subscribes hears what happens, and can break nothing by it."""

from __future__ import annotations

from decimal import Decimal

from nanobook_core.contracts import Broker, BrokerEvent, ConnectionState, OrderState
from nanobook_core.testing.broker_bench import BrokerBench


class EventLaws(BrokerBench):
    """Whoever subscribes hears what happens, and can break nothing by it."""

    def test_orders_and_fills_are_events(self, broker: Broker) -> None:
        """Every execution is one event, and the end of the order is one."""
        heard: list[BrokerEvent] = []
        broker.subscribe(heard.append)
        done = self.trade(broker)
        self.eventually(lambda: self._ended(broker, heard, done.client_order_id))
        known = {fill.exec_id: fill.quantity for fill in self.fills_of(broker, done.order_id)}
        told = self.eventually(
            lambda: [event.fill for event in heard if event.fill is not None],
            lambda fills: len(fills) >= len(known),
        )
        assert len(told) == len(known)
        assert {fill.exec_id: fill.quantity for fill in told} == known

    def test_a_cancel_is_an_event(self, broker: Broker) -> None:
        """Whoever waits for the end of an order need not ask for it."""
        heard: list[BrokerEvent] = []
        order = self.rest(broker)
        broker.subscribe(heard.append)
        broker.cancel_order(order.order_id)
        self.eventually(lambda: self._ended(broker, heard, order.client_order_id))
        (last,) = [event.order for event in heard if event.order is not None][-1:]
        assert last.state is OrderState.CANCELLED

    def test_the_end_of_a_connection_is_an_event(self, broker: Broker) -> None:
        """Silence and no connection must not look alike."""
        heard: list[BrokerEvent] = []
        broker.subscribe(heard.append)
        broker.disconnect()
        self.eventually(lambda: [event for event in heard if event.connection is not None])
        told = [event.connection for event in heard if event.connection is not None]
        assert told[-1].state is ConnectionState.DISCONNECTED

    def test_an_event_is_about_one_thing(self, broker: Broker) -> None:
        """An order, a fill or the connection."""
        heard: list[BrokerEvent] = []
        broker.subscribe(heard.append)
        done = self.trade(broker)
        self.eventually(lambda: self._ended(broker, heard, done.client_order_id))
        for event in heard:
            parts = (event.order, event.fill, event.connection)
            assert sum(part is not None for part in parts) == 1

    def test_a_callback_that_raises_harms_nobody(self, broker: Broker) -> None:
        """The order goes on, and the others hear of it."""

        def broken(event: BrokerEvent) -> None:
            raise ZeroDivisionError(event)

        heard: list[BrokerEvent] = []
        broker.subscribe(broken)
        broker.subscribe(heard.append)
        done = self.trade(broker)
        self.eventually(lambda: self._ended(broker, heard, done.client_order_id))
        assert broker.order_status(done.order_id).state is OrderState.FILLED

    def test_a_callback_may_ask_the_broker(self, broker: Broker) -> None:
        """It runs beside the thread that talks to the venue, so that nothing waits for itself."""
        answers: list[Decimal] = []
        broker.subscribe(lambda _: answers.append(broker.account().cash))
        self.rest(broker)
        self.eventually(lambda: (broker.open_orders(), answers)[1])

    def test_nothing_is_heard_after_the_end(self, broker: Broker) -> None:
        """Ended twice it is ended, and the others go on hearing."""
        gone: list[BrokerEvent] = []
        heard: list[BrokerEvent] = []
        end = broker.subscribe(gone.append)
        broker.subscribe(heard.append)
        end()
        end()
        done = self.trade(broker)
        self.eventually(lambda: self._ended(broker, heard, done.client_order_id))
        assert gone == []

    def test_each_subscriber_hears_everything(self, broker: Broker) -> None:
        """Two of them do not share the events."""
        one: list[BrokerEvent] = []
        other: list[BrokerEvent] = []
        broker.subscribe(one.append)
        broker.subscribe(other.append)
        done = self.trade(broker)
        self.eventually(lambda: self._ended(broker, one, done.client_order_id))
        self.eventually(lambda: len(one) == len(other))
        assert one == other

    def _ended(self, broker: Broker, heard: list[BrokerEvent], client_order_id: str) -> bool:
        broker.open_orders()  # events may come only while the broker is asked
        return any(
            event.order is not None
            and event.order.client_order_id == client_order_id
            and event.order.state.is_terminal
            for event in heard
        )
