"""Brokers that lose, keep or hide what they must not while they connect or halt."""

import datetime as dt

from attrs import evolve
from tests.core.testing.broker_defect.sound import Sound, breaks

from nanobook_core.contracts import (
    ConnectionState,
    HaltedError,
    NotConnectedError,
    UnsupportedError,
)


@breaks("it_fulfils_the_contract")
class Nameless(Sound):
    name = ""


@breaks("a_broker_that_is_connected_says_so")
class ForEverConnecting(Sound):
    def connection(self):
        told = super().connection()
        ready = told.state is ConnectionState.READY
        return evolve(told, state="connecting") if ready else told


@breaks("a_broker_that_is_not_connected_says_so", "disconnecting_again_changes_nothing")
class AlwaysReady(Sound):
    def connection(self):
        return evolve(super().connection(), state="ready")


@breaks("account_and_connection_name_the_same_account")
class TwoAccounts(Sound):
    def account(self):
        return evolve(super().account(), account_id="U7654321")


@breaks("connecting_again_changes_nothing")
class StartsAfresh(Sound):
    def connect(self, timeout=None):
        super().connect(timeout)
        self.cancel_all()


@breaks("nothing_is_asked_without_a_connection")
class AnswersFromMemory(Sound):
    def positions(self):
        try:
            return super().positions()
        except NotConnectedError:
            return []


@breaks("nothing_is_asked_without_a_connection")
class GuessesAboutNotSent(Sound):
    def quote(self, symbol):
        try:
            return super().quote(symbol)
        except NotConnectedError as error:
            raise NotConnectedError(outcome="unknown") from error


@breaks("what_needs_no_venue_needs_no_connection")
class HaltsAtTheVenue(Sound):
    def halt(self, reason):
        self.server_time()
        super().halt(reason)


@breaks("with_connects_and_disconnects", "an_error_leaves_the_block_and_ends_the_connection")
class StaysConnected(Sound):
    def __exit__(self, *error):
        return None


@breaks("an_error_leaves_the_block_and_ends_the_connection")
class SwallowsErrors(Sound):
    def __exit__(self, *error):
        super().__exit__(*error)
        return True


@breaks("disconnecting_cancels_nothing")
class CancelsOnDisconnect(Sound):
    def disconnect(self):
        if self.connection().state is not ConnectionState.DISCONNECTED:
            self.cancel_all()
        super().disconnect()


@breaks("what_was_done_is_still_known_after_connecting_again")
class ForgetsFills(Sound):
    start = 0

    def disconnect(self):
        self.start = 1
        super().disconnect()

    def fills(self, since=None, symbol=None):
        return super().fills(since, symbol)[self.start :]


@breaks("the_time_of_the_venue_is_utc")
class LocalTime(Sound):
    def server_time(self):
        return super().server_time().astimezone(dt.timezone(dt.timedelta(hours=1)))


@breaks("the_time_of_the_venue_is_not_ours")
class OurTime(Sound):
    def server_time(self):
        return super().server_time() - self.ahead


class Timeless(Sound):
    def server_time(self):
        super().server_time()
        raise UnsupportedError("it does not tell its time")


@breaks("the_time_of_the_venue_is_utc", switches={"tells_time": False})
class MakesUpATime(Sound):
    sound = Timeless


@breaks("no_secret_is_shown")
class ShowsItsKey(Sound):
    def __repr__(self):
        return "ShowsItsKey(key='hunter2')"


@breaks("a_halted_broker_sends_nothing", "a_halt_outlives_the_connection")
class SendsWhileHalted(Sound):
    def halt(self, reason):
        pass


@breaks("a_halted_broker_sends_nothing")
class DoesNotSayWhyItHalted(Sound):
    def halt(self, reason):
        super().halt("halted")


@breaks("a_halted_broker_says_so")
class HidesItsHalt(Sound):
    def connection(self):
        told = super().connection()
        halted = told.state is ConnectionState.HALTED
        return evolve(told, state="ready") if halted else told


@breaks("a_halted_broker_cancels_and_answers")
class HaltStopsCancels(Sound):
    def cancel_order(self, order):
        if self.connection().state is ConnectionState.HALTED:
            raise HaltedError("not now")
        super().cancel_order(order)


@breaks("an_order_refused_by_a_halt_can_be_sent_after_it")
class NeverResumes(Sound):
    def resume(self):
        pass


@breaks("a_halt_outlives_the_connection")
class ConnectingResumes(Sound):
    def connect(self, timeout=None):
        super().connect(timeout)
        self.resume()
