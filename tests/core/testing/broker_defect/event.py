"""Brokers whose subscribers hear something else."""

from attrs import evolve
from tests.core.testing.broker_defect.sound import Sound, breaks

from nanobook_core.contracts import BrokerEvent, OrderState


class Heard(Sound):
    """Calls back in other ways."""

    def heard(self, callback, event):
        callback(event)

    def subscribe(self, callback):
        return super().subscribe(lambda event: self.heard(callback, event))


@breaks("orders_and_fills_are_events")
class FillsAreNoEvents(Heard):
    def heard(self, callback, event):
        if event.fill is None:
            callback(event)


@breaks("orders_and_fills_are_events")
class EveryEventTwice(Heard):
    def heard(self, callback, event):
        callback(event)
        callback(event)


@breaks("a_cancel_is_an_event")
class CancelsAreNoEvents(Heard):
    def heard(self, callback, event):
        if event.order is None or event.order.state is not OrderState.CANCELLED:
            callback(event)


@breaks("the_end_of_a_connection_is_an_event")
class ConnectionsAreNoEvents(Heard):
    def heard(self, callback, event):
        if event.connection is None:
            callback(event)


@breaks("an_event_is_about_one_thing")
class EventsOfEverything(Heard):
    def heard(self, callback, event):
        callback(evolve(event, connection=self.connection()))


@breaks("a_callback_that_raises_harms_nobody")
class LetsCallbacksRaise(Sound):
    def __init__(self, *args, **options):
        super().__init__(*args, **options)
        self.callbacks = []

    def subscribe(self, callback):
        self.callbacks.append(callback)
        return super().subscribe(callback)

    def submit_order(self, *args, **options):
        ack = super().submit_order(*args, **options)
        for callback in self.callbacks:
            callback(BrokerEvent(connection=self.connection()))
        return ack


@breaks("a_callback_may_ask_the_broker")
class RefusesCallbacks(Heard):
    inside = False

    def heard(self, callback, event):
        self.inside = True
        try:
            callback(event)
        finally:
            self.inside = False

    def account(self):
        if self.inside:
            raise RuntimeError("this thread talks to the venue")
        return super().account()


@breaks("nothing_is_heard_after_the_end")
class NeverEnds(Sound):
    def subscribe(self, callback):
        super().subscribe(callback)
        return list


@breaks("each_subscriber_hears_everything")
class OneSubscriber(Sound):
    def subscribe(self, callback):
        self._callbacks.clear()
        return super().subscribe(callback)
