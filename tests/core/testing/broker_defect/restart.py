"""Brokers that keep in memory what a program that starts again needs."""

import itertools

from attrs import evolve
from tests.core.testing.broker_defect.sound import Sound, breaks

from nanobook_core.contracts import BrokerOrder, ClientIdScope, DuplicateOrderError, OrderAck


class Remembers(Sound):
    """Keeps the client order ids that this object has sent."""

    def __init__(self, *args, **options):
        super().__init__(*args, **options)
        self.sent = []

    def submit_order(self, order, *args, **options):
        self.sent.append(order.client_order_id)
        return super().submit_order(order, *args, **options)


@breaks("orders_are_found_after_a_restart", "an_order_in_doubt_is_settled_after_a_restart")
class FindsWhatItSent(Remembers):
    def find_order(self, client_order_id, symbol=None):
        return super().find_order(client_order_id) if client_order_id in self.sent else None


@breaks("orders_are_found_after_a_restart")
class KnowsNumbersOfWhatItSent(Remembers):
    def order_status(self, order):
        status = super().order_status(order)
        return status if status.client_order_id in self.sent else super().order_status("lost")


@breaks("orders_are_found_after_a_restart", "open_orders_are_worked_on_after_a_restart")
class OwnsWhatItSent(Remembers):
    def marked(self, status):
        return evolve(status, is_own=status.client_order_id in self.sent)


@breaks("an_order_never_sent_is_not_found_after_a_restart")
class TakesTheLatestForIt(Remembers):
    def find_order(self, client_order_id, symbol=None):
        return super().find_order(client_order_id) or (
            None if self.sent else self.open_orders()[-1]
        )


@breaks("executions_are_known_after_a_restart", "executions_between_two_runs_are_found")
class TellsFillsOfWhatItSent(Remembers):
    def fills(self, since=None, symbol=None):
        return [fill for fill in super().fills(since, symbol) if fill.client_order_id in self.sent]


@breaks("executions_are_known_after_a_restart")
class NamesExecutionsAnew(Sound):
    def fills(self, since=None, symbol=None):
        return [
            evolve(fill, exec_id=f"{id(self)}-{fill.exec_id}")
            for fill in super().fills(since, symbol)
        ]


class Counts(Sound):
    """Counts its orders in memory."""

    def __init__(self, *args, **options):
        super().__init__(*args, **options)
        self.numbers = itertools.count(1)


@breaks("numbers_rise_over_a_restart")
class CountsFromOne(Counts):
    def submit_order(self, *args, **options):
        ack = super().submit_order(*args, **options)
        return OrderAck(next(self.numbers), ack.client_order_id, ack.state)


@breaks("names_are_not_given_twice_over_a_restart")
class NamesFromOne(Counts):
    def submit_order(self, order, *args, **options):
        if isinstance(order, BrokerOrder) and order.client_order_id is None:
            order = evolve(order, client_order_id=f"mine-{next(self.numbers)}")
        return super().submit_order(order, *args, **options)


@breaks("a_client_order_id_in_use_is_refused_after_a_restart", client_id_scope="never")
class RefusesWhatItSent(Remembers):
    def capabilities(self):
        return evolve(super().capabilities(), client_id_scope=ClientIdScope.FOR_EVER)

    def submit_order(self, order, *args, **options):
        if order.client_order_id in self.sent:
            raise DuplicateOrderError("it has been sent")
        return super().submit_order(order, *args, **options)
