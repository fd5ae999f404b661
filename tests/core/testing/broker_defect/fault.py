"""Brokers that take a fault for what it is not."""

from attrs import evolve
from tests.core.testing.broker_defect.fill import Retold
from tests.core.testing.broker_defect.sound import Sound, breaks

from nanobook_core.contracts import (
    ConnectionState,
    NotConnectedError,
    OrderRejectedError,
    Outcome,
    OutcomeUnknownError,
)


@breaks("nothing_differs_when_nothing_happened")
class LosesWhatIsThere(Sound):
    def resync(self):
        report = super().resync()
        return evolve(report, lost=report.matched)


@breaks("comparing_changes_nothing_at_the_venue")
class CancelsWhatItCompares(Sound):
    def resync(self):
        report = super().resync()
        self.cancel_all()
        return report


@breaks("orders_of_others_are_told_apart")
class TakesForeignForOwn(Sound):
    def marked(self, status):
        return status


@breaks("fills_while_away_are_found", "fills_behind_a_broken_link_are_found")
class MissesFills(Sound):
    heard = None

    def disconnect(self):
        if self.connection().state is not ConnectionState.DISCONNECTED:
            self.heard = len(super().fills())
        super().disconnect()

    def fills(self, since=None, symbol=None):
        return super().fills(since, symbol)[: self.heard]


class Doubted(Sound):
    """Fails in other ways."""

    def doubted(self, error, order):
        raise error

    def submit_order(self, order, *args, **options):
        try:
            return super().submit_order(order, *args, **options)
        except OutcomeUnknownError as error:
            return self.doubted(error, order)


@breaks("an_order_whose_answer_was_lost_is_found")
class SaysNotSent(Doubted):
    def doubted(self, error, order):
        raise OrderRejectedError("no answer", outcome=Outcome.NOT_SENT)


@breaks("an_order_that_never_arrived_is_proved_absent")
class SendsAgain(Doubted):
    def doubted(self, error, order):
        if self.find_order(order.client_order_id) is None:
            return super().submit_order(order)
        raise error


@breaks("an_order_proved_absent_can_be_sent_again")
class UsesUpTheId(Doubted):
    unlucky = ""

    def doubted(self, error, order):
        self.unlucky = order.client_order_id
        raise error

    def submit_order(self, order, *args, **options):
        if order.client_order_id == self.unlucky:
            raise OrderRejectedError("once is enough")
        return super().submit_order(order, *args, **options)


@breaks("an_order_in_doubt_that_traded_is_found_with_its_fills")
class ForgetsDoubtfulFills(Doubted):
    doubt = False

    def doubted(self, error, order):
        self.doubt = True
        raise error

    def fills(self, since=None, symbol=None):
        return [] if self.doubt else super().fills(since, symbol)


@breaks("an_order_in_doubt_can_be_cancelled")
class CannotCancelDoubtful(Doubted):
    def doubted(self, error, order):
        self.cancel_order = lambda _: None
        raise error


@breaks("a_broken_link_is_no_refusal")
class BrokenLinksReject(Sound):
    def submit_order(self, order, *args, **options):
        try:
            return super().submit_order(order, *args, **options)
        except NotConnectedError as error:
            raise OrderRejectedError("no") from error


@breaks("connecting_mends_a_broken_link")
class ConnectsOnce(Sound):
    connected = False

    def connect(self, timeout=None):
        if not self.connected:
            super().connect(timeout)
        self.connected = True


@breaks("an_execution_told_twice_counts_once")
class CountsTwice(Retold):
    def retold(self, fills):
        return [*fills, *(fill for fill in fills if fill.exec_id in self.repeated)]
