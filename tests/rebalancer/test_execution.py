"""Orders and what can become of them: nothing is sent twice, nothing is lost."""

from decimal import Decimal

import pytest
from attrs import evolve
from tests.rebalancer.run_world import CrashingFiles, FaultyBroker, World

from nanobook_core.contracts import (
    BrokerProtocolError,
    InsufficientFundsError,
    LinkDownError,
    NotConnectedError,
    OrderState,
    OutcomeUnknownError,
    RateLimitedError,
)
from nanobook_rebalancer.errors import AuditWriteError
from nanobook_rebalancer.kill_switch import KillSwitch
from nanobook_rebalancer.stop import StopFlag

ONE = {"AAA": 0.5}
DEAR = (Decimal(140), Decimal(141))
CHEAP = (Decimal("99.95"), Decimal("100.05"))


@pytest.fixture
def world(tmp_path):
    return World(tmp_path)


def rest(world):
    """Let the next order rest at the venue: the market moves away before it arrives."""
    world.broker.faults["submit_order"].append(lambda: world.quotes.update(AAA=DEAR))


def assert_sent_once(world):
    (order,) = world.orders()
    assert (order.symbol, order.quantity, order.state) == ("AAA", 500, OrderState.FILLED)
    assert world.held() == {"AAA": 500}


def test_an_order_that_was_lost_on_the_way_is_sent_again_under_its_id(world):
    world.broker.faults["submit_order"].append(OutcomeUnknownError("timeout"))
    assert world.run(ONE).status == "done"
    assert world.events.count("order_intent") == 2
    assert len({each["client_order_id"] for each in world.data("order_intent")}) == 1
    assert_sent_once(world)


def test_an_order_whose_ack_was_lost_is_found_and_not_sent_again(world):
    world.broker.faults["submit_order"].append("answerless")
    assert world.run(ONE).status == "done"
    assert world.broker.count("submit_order") == 1
    assert_sent_once(world)


@pytest.mark.parametrize("error", [LinkDownError("gone"), BrokerProtocolError("<html>")])
def test_whatever_leaves_the_outcome_open_is_asked_for(world, error):
    world.broker.faults["submit_order"].append(error)
    assert world.run(ONE).status == "done"
    assert world.events.count("order_unknown") == 1
    assert_sent_once(world)


def test_a_fault_of_the_adapter_counts_as_unknown(world):
    world.broker.faults["submit_order"].append(KeyError("orderId"))
    assert world.run(ONE).status == "done"
    assert world.data("order_unknown")[0]["error"] == "KeyError: 'orderId'"
    assert_sent_once(world)


@pytest.mark.parametrize("scope", ["never", "while_open"])
def test_where_the_venue_takes_an_id_twice_a_person_has_to_look(tmp_path, scope):
    world = World(tmp_path, client_id_scope=scope)
    world.broker.faults["submit_order"].append(OutcomeUnknownError("timeout"))
    result = world.run(ONE)
    assert (result.status, result.exit_code) == ("review", 4)
    assert world.broker.count("submit_order") == 1
    assert world.data("order_intent")[0]["client_order_id"] in result.review[0]
    # The next one does not trade either, as long as nobody has looked.
    assert world.run(ONE, window="w2").status == "review"
    assert world.held() == {}


def test_an_unknown_order_of_which_the_venue_does_not_tell_is_left_to_a_person(world):
    world.broker.faults["submit_order"].append("answerless")
    world.broker.faults["find_order"].extend([OutcomeUnknownError("no answer")] * 20)
    result = world.run(ONE)
    assert (result.status, result.exit_code) == ("review", 4)
    assert world.broker.count("submit_order") == 1


def test_one_that_a_person_has_looked_for_does_not_stop_the_next_run(tmp_path):
    world = World(tmp_path, client_id_scope="never")
    world.broker.faults["submit_order"].append(OutcomeUnknownError("timeout"))
    world.run(ONE)
    key = world.data("order_intent")[0]["client_order_id"]
    assert world.rebalancer().recover(not_sent=[key]).status == "done"
    assert world.run(ONE).status == "done"
    assert world.held() == {"AAA": 500}


def test_the_venue_is_asked_three_times_two_seconds_apart(world):
    world.broker.faults["submit_order"].append(OutcomeUnknownError("timeout"))
    world.run(ONE)
    first, second = (each for each in world.audit if each["event"] == "order_intent")
    assert second["ts_mono"] - first["ts_mono"] == 4


def test_a_venue_that_says_when_it_will_know_is_given_that_time(world):
    world.broker.faults["submit_order"].append(OutcomeUnknownError("timeout"))
    not_yet = OutcomeUnknownError("it may still arrive", retry_after=12)
    world.broker.faults["find_order"].extend([not_yet, not_yet])
    assert world.run(ONE).status == "done"
    first, second = (each for each in world.audit if each["event"] == "order_intent")
    assert second["ts_mono"] - first["ts_mono"] == 12 + 12 + 4
    assert_sent_once(world)


def test_a_venue_may_need_a_minute_for_the_window_of_a_request_and_more_for_its_engine(world):
    world.broker.faults["submit_order"].append(OutcomeUnknownError("timeout"))
    not_yet = OutcomeUnknownError("it may still arrive", retry_after=62.001)
    world.broker.faults["find_order"].append(not_yet)
    assert world.run(ONE).status == "done"
    assert_sent_once(world)


def test_and_not_for_ever(world):
    world.broker.faults["submit_order"].append("answerless")
    not_yet = OutcomeUnknownError("it may still arrive", retry_after=12)
    world.broker.faults["find_order"].extend([not_yet] * 100)
    result = world.run(ONE)
    assert (result.status, result.exit_code) == ("review", 4)
    assert world.broker.count("submit_order") == 1


def test_an_order_that_was_not_sent_is_sent_again_after_the_time_that_was_asked_for(world):
    world.broker.faults["submit_order"].append(RateLimitedError(retry_after=7))
    assert world.run(ONE).status == "done"
    first, second = (each for each in world.audit if each["event"] == "order_intent")
    assert second["ts_mono"] - first["ts_mono"] == 7
    assert_sent_once(world)


def test_it_is_given_up_after_three_times(world):
    world.broker.faults["submit_order"].extend([RateLimitedError()] * 5)
    result = world.run(ONE)
    assert (result.status, result.exit_code) == ("incomplete", 3)
    assert world.broker.count("submit_order") == 3
    assert world.data("order_done")[0]["state"] == "not_sent"


def test_an_order_that_cannot_be_sent_later_either_is_given_up_at_once(world):
    world.broker.faults["submit_order"].append(NotConnectedError())
    assert world.run(ONE).status == "incomplete"
    assert world.broker.count("submit_order") == 1


def test_a_rejected_order_is_not_sent_again(world):
    world.broker.faults["submit_order"].append(InsufficientFundsError("no money"))
    result = world.run({"AAA": 0.5, "BBB": 0.25})
    assert (result.status, result.exit_code) == ("incomplete", 3)
    assert world.data("run_completed")[0]["failed"] == 1
    assert world.data("order_done")[0] == {
        "client_order_id": world.data("order_intent")[0]["client_order_id"],
        "filled": "0",
        "reason": "order error: no money",
        "state": "rejected",
    }
    assert world.held() == {"BBB": 500}


def test_an_id_that_only_the_venue_remembers_is_not_sent_again(world):
    world.run(ONE)
    for path in (world.folder / "logs").iterdir():  # the log is lost
        path.unlink()
    world.broker.disconnect()
    with world.new_broker() as broker:
        broker.submit_order("AAA", "sell", 500)
    result = world.run(ONE)
    assert (result.status, result.exit_code) == ("review", 4)
    assert "DuplicateOrderError" in world.data("order_unknown")[0]["error"]
    assert world.held() == {}


def test_a_timeout_cancels_and_what_filled_stays(world):
    rest(world)
    result = world.run(ONE)
    assert (result.status, result.exit_code) == ("incomplete", 3)
    assert world.data("cancel_intent")[0]["reason"] == "timeout"
    assert world.data("order_done")[0]["state"] == "cancelled"
    sent, cancelled = (
        next(each["ts_mono"] for each in world.audit if each["event"] == event)
        for event in ("order_submitted", "cancel_intent")
    )
    assert cancelled - sent == 30
    assert world.held() == {}


def test_a_fill_while_waiting_is_recorded_as_it_comes(world):
    rest(world)
    world.clock.after(3, lambda: world.quotes.update(AAA=CHEAP))
    assert world.run(ONE).status == "done"
    assert_sent_once(world)


def test_a_silent_venue_does_not_stop_the_timeout(world):
    rest(world)
    world.broker.faults["order_status"].extend([OutcomeUnknownError("silence")] * 60)
    result = world.run(ONE)
    assert result.status == "incomplete"
    assert world.data("order_done")[0]["state"] == "cancelled"


def test_a_venue_that_never_answers_again_is_left_to_a_person_in_bounded_time(world):
    rest(world)
    world.broker.faults["order_status"].extend([OutcomeUnknownError("silence")] * 10_000)
    world.broker.faults["find_order"].extend([OutcomeUnknownError("silence")] * 10_000)
    world.broker.faults["cancel_order"].extend([OutcomeUnknownError("silence")] * 10_000)
    result = world.run(ONE)
    assert (result.status, result.exit_code) == ("review", 4)
    assert world.clock.elapsed < 120
    assert "does not end" in result.review[0]


def test_a_cancel_that_is_lost_is_sent_again(world):
    rest(world)
    world.broker.faults["cancel_order"].append(OutcomeUnknownError("timeout"))
    assert world.run(ONE).status == "incomplete"
    assert world.events.count("cancel_intent") == 2
    assert world.data("order_done")[0]["state"] == "cancelled"


def test_a_fill_wins_over_a_cancel(world):
    rest(world)
    world.broker.faults["cancel_order"].append(lambda: world.quotes.update(AAA=CHEAP))
    assert world.run(ONE).status == "done"
    assert world.data("cancel_result")[0]["outcome"].startswith("CancelRejectedError")
    assert_sent_once(world)


def test_fills_that_come_late_are_waited_for_and_counted(world):
    world.broker.faults["fills"].extend([OutcomeUnknownError("later")] * 3)
    assert world.run(ONE).status == "done"
    assert_sent_once(world)


class Forgetful(FaultyBroker):
    """Says that orders are filled, and does not list their executions."""

    def fills(self, since=None, symbol=None):
        super().fills(since, symbol)
        return []


def test_an_order_whose_fills_never_add_up_is_left_to_a_person(world):
    world.broker = world.new_broker(Forgetful)
    result = world.run(ONE)
    assert (result.status, result.exit_code) == ("review", 4)
    assert "fills do not add up" in result.review[0]


def test_a_later_attempt_is_for_the_remainder_and_has_an_id_of_its_own(world):
    world.execution["max_attempts"] = 2
    world.broker.faults["submit_order"].append(
        lambda: world.quotes.update(AAA={"bid": "99.95", "ask": "100.05", "ask_size": "200"})
    )
    world.broker.faults["order_status"].append(lambda: world.quotes.update(AAA=DEAR))
    world.clock.after(35, lambda: world.quotes.update(AAA=CHEAP))
    assert world.run(ONE).status == "done"
    first, second = world.orders()
    assert (first.filled_quantity, first.state) == (200, OrderState.CANCELLED)
    assert (second.quantity, second.state) == (300, OrderState.FILLED)
    assert first.client_order_id != second.client_order_id
    assert world.held() == {"AAA": 500}


class Substitute(FaultyBroker):
    """Gives another order where it is asked for ours."""

    def order_status(self, order):
        return evolve(super().order_status(order), quantity=Decimal(7))


def test_another_order_under_our_id_is_left_to_a_person(world):
    world.broker = world.new_broker(Substitute)
    result = world.run(ONE)
    assert (result.status, result.exit_code) == ("review", 4)
    assert "the venue has buy 7 AAA under it" in result.review[0]


@pytest.mark.parametrize("quote", [DEAR[::-1], (Decimal("NaN"), Decimal(1))])
def test_nothing_is_sent_at_a_quote_that_is_of_no_use(world, quote):
    original = world.broker.quote
    asked = []

    def turned(symbol):
        asked.append(symbol)
        found = original(symbol)
        return found if len(asked) <= 1 else evolve(found, bid=quote[0], ask=quote[1])

    world.broker.quote = turned
    result = world.run(ONE)
    assert (result.status, result.exit_code) == ("incomplete", 3)
    assert world.broker.count("submit_order") == 0
    assert "order_intent" not in world.events
    assert "no usable quote" in world.data("order_not_sent")[0]["error"]


def test_nothing_is_sent_at_a_quote_that_is_too_old(world):
    original = world.broker.quote
    asked = []

    def old(symbol):
        asked.append(symbol)
        found = original(symbol)
        return found if len(asked) <= 1 else evolve(found, received=found.received - 6)

    world.broker.quote = old
    assert world.run(ONE).status == "incomplete"
    assert world.broker.count("submit_order") == 0


def test_nothing_is_sent_at_a_quote_that_got_old_while_risk_was_judged(world):
    quote = world.broker.quote
    asked = []

    def late(symbol):
        asked.append(symbol)
        found = quote(symbol)
        return found if len(asked) <= 2 else evolve(found, received=None)

    world.broker.quote = late
    assert world.run(ONE).status == "incomplete"
    assert world.broker.count("submit_order") == 0


def test_a_signal_cancels_what_is_open(world):
    rest(world)
    stop = StopFlag()
    world.clock.after(5, lambda: setattr(stop, "signal", "SIGTERM"))
    result = world.run({"AAA": 0.5, "BBB": 0.1}, stop=stop)
    assert (result.status, result.exit_code) == ("interrupted", 130)
    assert [each.state for each in world.orders()] == [OrderState.CANCELLED, OrderState.FILLED]
    assert world.events[-2:] == ["shutdown", "run_completed"]


def test_the_kill_switch_is_looked_at_before_each_order(world):
    switch = KillSwitch(world.rebalancer().config.audit_path)
    world.broker.faults["submit_order"].append(lambda: switch.set("enough"))
    result = world.run({"AAA": 0.5, "BBB": 0.1})
    assert (result.status, result.exit_code, result.message) == ("halted", 5, "enough")
    assert world.broker.count("submit_order") == 1
    assert [each["symbol"] for each in world.data("order_intent")] == ["AAA"]


class FullDisk(CrashingFiles):
    def write(self, descriptor, data):
        if self.at is not None and b'"order_submitted"' in bytes(data):
            self.at = None
            raise OSError(28, "No space left on device")
        return super().write(descriptor, data)


def test_where_the_audit_cannot_be_written_nothing_is_sent_and_what_is_open_is_cancelled(world):
    rest(world)
    with pytest.raises(AuditWriteError):
        world.run({"AAA": 0.5, "BBB": 0.1}, files=FullDisk(at=0))
    assert world.broker.count("submit_order") == 1
    assert [each.state for each in world.orders()] == [OrderState.CANCELLED]
    world.broker = world.new_broker()
    assert world.run({"AAA": 0.5, "BBB": 0.1}).status == "incomplete"


def test_a_fill_of_more_than_was_ordered_is_left_to_a_person(world):
    world.broker = world.new_broker(Doubling)
    result = world.run(ONE)
    assert (result.status, result.exit_code) == ("review", 4)
    assert "were ordered" in result.review[0]


class Doubling(FaultyBroker):
    """Lists every execution twice, as two."""

    def fills(self, since=None, symbol=None):
        fills = super().fills(since, symbol)
        return fills + [evolve(fill, exec_id=f"{fill.exec_id}-again") for fill in fills]


class Repeating(FaultyBroker):
    """Lists every execution twice, as one."""

    def fills(self, since=None, symbol=None):
        return super().fills(since, symbol) * 2


def test_an_execution_that_is_told_twice_counts_once(world):
    world.broker = world.new_broker(Repeating)
    assert world.run(ONE).status == "done"
    assert world.events.count("order_filled") == 1


def test_positions_that_the_fills_do_not_explain_are_left_to_a_person(world):
    def trade_by_hand():
        FaultyBroker.__mro__[1].submit_order(world.broker, "AAA", "sell", 100)

    world.broker.faults["fills"].append(trade_by_hand)
    result = world.run(ONE)
    assert (result.status, result.exit_code) == ("review", 4)
    assert result.review == ("AAA: 400 held, 500 explained",)
