"""What must not happen when venue, person and log do not agree."""

import os
import signal
from decimal import Decimal

import pytest
from attrs import evolve
from tests.rebalancer.run_world import FORCE, CrashError, FaultyBroker, Recorder, World

import nanobook
from nanobook_core.broker import PaperBroker
from nanobook_core.contracts import (
    InsufficientFundsError,
    NoQuoteError,
    OutcomeUnknownError,
)
from nanobook_core.lob.file_layer import FileLayer
from nanobook_rebalancer.errors import AuditWriteError
from nanobook_rebalancer.kill_switch import KillSwitch
from nanobook_rebalancer.options import Options

ONE = {"AAA": 0.5}
DEAR = (Decimal(140), Decimal(141))
CHEAP = (Decimal("99.95"), Decimal("100.05"))


@pytest.fixture
def world(tmp_path):
    return World(tmp_path)


class Lagging(FaultyBroker):
    """Shows positions as they were before the first order, until it is told otherwise."""

    lag = True

    def positions(self):
        return [] if self.lag else super().positions()


def test_positions_that_lag_are_not_planned_from(world):
    world.broker = world.new_broker(Lagging)
    assert world.run(ONE).status == "review"
    result = world.run(ONE)
    assert (result.status, result.exit_code) == ("review", 4)
    assert str(result) == (
        "Review: AAA: 0 held, 500 explained: look at the account; "
        "if these positions are right, run again with --accept-positions"
    )
    assert world.broker.count("submit_order") == 1
    world.broker.lag = False
    assert world.run(ONE).message == "No rebalancing needed."


def test_nor_by_a_run_for_another_window(world):
    world.broker = world.new_broker(Lagging)
    world.run(ONE)
    assert world.run(ONE, window="w2").status == "review"
    assert world.broker.count("submit_order") == 1


def test_a_lag_that_ends_in_time_is_waited_for(world):
    world.broker = world.new_broker(Lagging)
    world.clock.after(3, lambda: setattr(world.broker, "lag", False))
    assert world.run(ONE).status == "done"


def test_a_fill_that_comes_after_the_end_explains_what_is_held(world):
    world.execution["order_timeout_secs"] = 1
    world.broker = world.new_broker(Late)
    world.broker.faults["submit_order"].append(
        lambda: world.quotes.update(AAA={"bid": "99.95", "ask": "100.05", "ask_size": "200"})
    )
    world.broker.faults["order_status"].append(lambda: world.quotes.update(AAA=DEAR))
    result = world.run(ONE)
    assert (result.status, result.report.trades[0].filled) == ("incomplete", 200)
    assert world.data("order_filled")[0]["shares"] == "200"


class Late(FaultyBroker):
    """Tells of fills only once positions were asked for."""

    is_told = False

    def positions(self):
        if self.count("cancel_order"):
            self.is_told = True
        return super().positions()

    def order_status(self, order):
        return self._told(super().order_status(order))

    def find_order(self, client_order_id, symbol=None):
        return self._told(super().find_order(client_order_id, symbol))

    def _told(self, status):
        return status if self.is_told else evolve(status, filled_quantity=Decimal(0))


class Surprising(FaultyBroker):
    """What it has traded in AAA it shows only from some moment on, as if it filled then."""

    due = 0.0
    is_due_at_positions = False

    def positions(self):
        if self.is_due_at_positions:
            self.due = 0.0
        return [each for each in super().positions() if not self._is_hidden(each)]

    def fills(self, since=None, symbol=None):
        return [each for each in super().fills(since, symbol) if not self._is_hidden(each)]

    def order_status(self, order):
        return self._shown(super().order_status(order))

    def find_order(self, client_order_id, symbol=None):
        return self._shown(super().find_order(client_order_id, symbol))

    def _is_hidden(self, found):
        return found is not None and found.symbol == "AAA" and self._clock.monotonic() < self.due

    def _shown(self, status):
        return evolve(status, filled_quantity=Decimal(0)) if self._is_hidden(status) else status


def end_before_a_late_fill(world, weights, filled):
    """500 AAA are ordered and cancelled; it fills all the same, a minute after the run's start."""
    world.execution["order_timeout_secs"] = 1
    world.broker = world.new_broker(Surprising)
    world.broker.due = world.clock.monotonic() + 60
    part = {"bid": "99.95", "ask": "100.05", "ask_size": filled}
    world.broker.faults["submit_order"].append(lambda: world.quotes.update(AAA=part))
    world.broker.faults["order_status"].append(lambda: world.quotes.update(AAA=DEAR))
    result = world.run(weights)
    assert (result.status, result.report.trades[0].filled) == ("incomplete", 0)
    world.quotes["AAA"] = CHEAP


@pytest.mark.parametrize("window", ["w1", "w2"])
def test_a_late_fill_of_an_earlier_run_is_written_before_anything_is_planned(world, window):
    end_before_a_late_fill(world, ONE, "499")
    world.clock.sleep(60)
    assert world.run(ONE, window=window).message == "No rebalancing needed."
    assert [fill["shares"] for fill in world.data("order_filled")] == ["499"]
    assert world.events.index("order_filled") < world.events.index("no_rebalance_needed")


@pytest.mark.parametrize("window", ["w1", "w2"])
def test_so_is_one_that_comes_right_before_positions(world, window):
    end_before_a_late_fill(world, ONE, "499")
    world.broker.is_due_at_positions = True
    assert world.run(ONE, window=window).message == "No rebalancing needed."
    assert [fill["shares"] for fill in world.data("order_filled")] == ["499"]


@pytest.mark.parametrize("window", ["w1", "w2"])
def test_a_late_fill_that_spoils_a_later_plan_is_written_and_leaves_it_incomplete(world, window):
    end_before_a_late_fill(world, ONE, "200")
    world.broker.faults["submit_order"].append(lambda: world.clock.sleep(60))
    result = world.run({"BBB": 0.2}, window=window)
    assert (result.status, result.exit_code) == ("incomplete", 3)
    assert result.message == "AAA: 200 held, 0 planned, run again"
    assert [fill["shares"] for fill in world.data("order_filled")] == ["399", "200"]
    assert world.run({"BBB": 0.2}, window=window).status == "done"
    assert world.held() == {"BBB": 399}


def trade_by_hand(world, side, quantity):
    world.broker.disconnect()
    with world.new_broker(PaperBroker) as broker:
        broker.submit_order("AAA", side, quantity)


def test_what_a_person_traded_after_that_has_to_be_accepted(world):
    world.broker = world.new_broker(Lagging)
    world.run(ONE)
    trade_by_hand(world, "sell", 100)
    world.broker = world.new_broker()
    assert world.run(ONE).status == "review"
    accepting = Options(force=True, accept_positions=True)
    assert world.run(ONE, accepting).status == "done"
    assert world.held()["AAA"] == 499


def crash_after(world, event, weights=ONE, options=FORCE):
    class Watching(Recorder):
        def recorded(self, recorded, data):
            if recorded == event:
                raise CrashError

    assert world.crash(weights, options=options, screen=Watching())


def test_a_plan_that_was_not_begun_is_refused_once_positions_have_changed(world):
    crash_after(world, "diff_computed")
    trade_by_hand(world, "buy", 300)
    result = world.run(ONE)
    assert (result.status, result.exit_code) == ("refused", 2)
    assert "positions have changed" in result.message
    assert world.run(ONE).status == "done"
    assert world.held() == {"AAA": 499}


def test_so_is_one_that_was_approved_after_they_changed(world):
    class Slow(Recorder):
        def confirm(self):
            FaultyBroker.__mro__[1].submit_order(world.broker, "AAA", "buy", 300)
            return True

    result = world.run(ONE, Options(), screen=Slow())
    assert (result.status, result.exit_code) == ("refused", 2)
    assert world.held() == {"AAA": 300}


def test_other_weights_under_the_id_of_a_plan_that_is_open_are_refused(world):
    crash_after(world, "order_intent")
    result = world.run({"AAA": 0.1})
    assert (result.status, result.exit_code) == ("refused", 2)
    assert result.message.startswith("w1 was begun with other weights")
    assert world.events[-1] == "target_rejected"
    assert world.rebalancer().recover().status == "done"
    assert world.run({"AAA": 0.1}).status == "done"


def test_other_weights_under_the_id_of_what_is_done_are_refused(world):
    world.run(ONE)
    result = world.run({"AAA": 0.1})
    assert (result.status, result.exit_code) == ("refused", 2)
    assert result.message.startswith("w1 was done with other weights")


def test_a_further_attempt_waits_for_an_answer_about_the_one_before(world):
    world.execution |= {"max_attempts": 2, "order_timeout_secs": 1}
    world.broker.faults["submit_order"].append(lambda: world.quotes.update(AAA=DEAR))
    world.broker.faults["find_order"].append(OutcomeUnknownError("no answer"))
    result = world.run(ONE)
    assert (result.status, result.exit_code) == ("review", 4)
    assert world.broker.count("submit_order") == 1


class Surfacing(FaultyBroker):
    """An order that nobody can find at first, and that is there all the same."""

    hidden = False

    def find_order(self, client_order_id, symbol=None):
        found = super().find_order(client_order_id, symbol)
        return None if self.hidden else found


def test_an_order_that_surfaces_after_it_was_given_up_is_ended(world):
    world.broker = world.new_broker(Surfacing)
    world.broker.faults["submit_order"].append(lambda: world.quotes.update(AAA=DEAR))
    world.broker.hidden = True

    def lose(*args, **kwargs):
        FaultyBroker.submit_order(world.broker, *args, **kwargs)
        world.rebalancer().config.audit_path.with_name("audit.jsonl.kill").write_text("x\n")
        raise OutcomeUnknownError("no answer")

    world.broker.submit_order = lose
    assert world.run(ONE).status == "halted"
    assert world.data("order_done")[-1]["state"] == "not_sent"
    world.rebalancer().config.audit_path.with_name("audit.jsonl.kill").unlink()
    world.broker.disconnect()
    world.broker = world.new_broker()
    assert world.run({"BBB": 0.1}, window="w2").status == "done"
    assert world.orders()[0].state == "cancelled"


def test_where_a_reduction_failed_nothing_is_bought_for_money_that_is_not_there(tmp_path):
    world = World(tmp_path, margin=False)
    world.account = {"id": "PAPER", "type": "cash"}
    world.run({"AAA": 0.9})
    world.broker.faults["submit_order"].append(InsufficientFundsError("not today"))
    result = world.run({"BBB": 0.9}, window="w2")
    assert result.status == "incomplete"
    assert world.broker.count("submit_order") == 2
    assert "a reduction did not fill" in world.data("order_not_sent")[0]["error"]
    assert world.held() == {"AAA": 900}


def test_nor_with_margin_which_the_plan_did_not_count_on(world):
    world.run({"AAA": 0.9})
    world.broker.faults["submit_order"].append(InsufficientFundsError("not today"))
    result = world.run({"BBB": 0.9}, window="w2")
    assert (result.status, result.exit_code) == ("incomplete", 3)
    assert "a reduction did not fill" in result.report.trades[1].reason
    assert world.held() == {"AAA": 900}


def test_what_cash_pays_for_is_bought_all_the_same(world):
    world.run({"AAA": 0.5})
    world.broker.faults["submit_order"].append(InsufficientFundsError("not today"))
    world.run({"BBB": 0.3}, window="w2")
    assert world.held() == {"AAA": 500, "BBB": 599}


class Odd(FaultyBroker):
    def submit_order(self, *args, **kwargs):
        super().submit_order(*args, **kwargs)
        return "abc"


def test_an_odd_acknowledgement_is_none(world):
    world.broker = world.new_broker(Odd)
    assert world.run(ONE).status == "done"
    assert "odd answer 'abc'" in world.data("order_unknown")[0]["error"]


def test_a_fault_of_our_own_at_the_end_is_told_and_leaves_no_order_open(world, monkeypatch):
    def fail(*_):
        raise ZeroDivisionError("of our own")

    monkeypatch.setattr("nanobook_rebalancer.session.final_positions", fail)
    world.broker.faults["submit_order"].append(lambda: world.quotes.update(AAA=DEAR))
    result = world.run(ONE)
    assert (result.status, result.review) == ("review", ("ZeroDivisionError: of our own",))
    assert world.orders()[0].state == "cancelled"
    assert world.events[-1] == "run_completed"


def test_the_kill_switch_is_told_from_a_signal(world):
    rebalancer = world.rebalancer()

    def kill():
        rebalancer.config.audit_path.with_name("audit.jsonl.kill").write_text("enough\n")
        rebalancer.stop.signal = "SIGTERM"

    world.broker.faults["submit_order"].append(kill)
    result = rebalancer.run_file(world.target({"AAA": 0.5, "BBB": 0.1}), FORCE)
    assert (result.status, result.exit_code, result.message) == ("halted", 5, "enough")


def test_a_no_shows_nothing_of_what_was_tried_before(world):
    world.execution["order_timeout_secs"] = 1
    world.broker.faults["submit_order"].append(lambda: world.quotes.update(AAA=DEAR))
    world.run(ONE)
    world.quotes["AAA"] = CHEAP
    result = world.run(ONE, Options(), screen=Recorder(answer=False))
    assert str(result) == "Declined: Not confirmed. No orders submitted."


def test_numbers_of_a_plan_that_was_not_executed_are_free_again(world):
    world.run(ONE, Options(dry_run=True))
    world.run(ONE, Options(), screen=Recorder(answer=False))
    world.run(ONE)
    numbers = [each["plan"]["legs"][0]["number"] for each in world.data("diff_computed")]
    assert numbers == [1, 1, 1]


def test_where_no_leg_can_be_sent_the_report_says_why(world):
    original, asked = world.broker.quote, []

    def delayed(symbol):
        asked.append(symbol)
        found = original(symbol)
        return found if len(asked) <= 1 else evolve(found, is_delayed=True)

    world.broker.quote = delayed
    result = world.run(ONE)
    assert (result.status, result.message) == ("incomplete", "0 of 1 trades filled.")
    assert result.report.trades[0].reason == "AAA: its quote is delayed"
    assert world.data("run_completed")[0]["failed"] == 1


def test_equity_from_before_money_was_taken_out_is_no_peak(world):
    world.run({"AAA": 0.9})
    world.quotes["AAA"] = (Decimal("69.95"), Decimal("70.05"))
    assert world.run({"AAA": 0.9, "BBB": 0.1}, window="w2").status == "refused"
    world.clock.elapsed += 86_400
    world.risk["peak_since"] = world.clock.now().date()
    assert world.run({"AAA": 0.9, "BBB": 0.1}, window="w3").status == "done"


def test_an_interrupt_of_execute_cancels_and_is_raised_again(tmp_path):
    quotes = {"AAA": CHEAP}

    class Venue(PaperBroker):
        def submit_order(self, *args, **kwargs):
            quotes["AAA"] = DEAR
            ack = super().submit_order(*args, **kwargs)
            os.kill(os.getpid(), signal.SIGINT)
            return ack

    broker = Venue(100_000, quotes=quotes)
    config = {"logging": {"dir": str(tmp_path)}}
    plan = nanobook.plan({"AAA": 0.2}, broker=broker, config=config, id="one")
    with pytest.raises(KeyboardInterrupt):
        plan.execute()
    with broker:
        assert broker.open_orders() == []
    assert '"status":"interrupted"' in (tmp_path / "audit.jsonl").read_text()


def test_throttles_count_the_orders_of_all_runs(world):
    world.risk["checks"] = {"repeat_throttle": {"max_orders": 1, "seconds": 3600}}
    assert world.run({"AAA": 0.1}).status == "done"
    result = world.run({"AAA": 0.2, "BBB": 0.1}, window="w2")
    assert "Repeat throttle" in result.message
    world.clock.elapsed += 3601
    assert world.run({"AAA": 0.2, "BBB": 0.1}, window="w3").status == "done"


def test_the_cap_of_a_plan_counts_only_its_own_orders(world):
    world.risk["checks"] = {"parent_cap": {}, "duplicate_order": {"seconds": 3600}}
    assert world.run({"AAA": 0.1}).status == "done"
    assert world.run({"AAA": 0.15}, window="w2").status == "done"


def test_an_order_that_was_cancelled_does_not_fail_the_next_attempt(world):
    world.risk["checks"] = {"parent_cap": {}}
    world.execution |= {"max_attempts": 2, "order_timeout_secs": 1}
    world.broker.faults["submit_order"].append(lambda: world.quotes.update(AAA=DEAR))
    world.broker.faults["find_order"].append(lambda: world.quotes.update(AAA=CHEAP))
    assert world.run(ONE).status == "done"


def kill_switch(world):
    return KillSwitch(world.rebalancer().config.audit_path)


def test_flatten_closes_while_the_kill_switch_is_set_and_opens_nothing(world):
    world.run({"AAA": 0.4, "BBB": 0.2})
    kill_switch(world).set("out")
    result = world.run({"CCC": 0.3}, Options(force=True, flatten=True), window="w2")
    assert (result.status, result.exit_code) == ("incomplete", 3)
    assert world.data("run_started")[-1]["flatten"] is True
    assert world.held() == {}
    world.broker.disconnect()
    assert world.run({"CCC": 0.3}, window="w2").status == "halted"


def test_where_what_is_held_cannot_be_compared_with_the_target_that_is_said(world):
    class Mute(FaultyBroker):
        has_prices = True

        def account(self):
            if not self.has_prices:
                raise NoQuoteError("no price of AAA")
            return super().account()

    class Watching(Recorder):
        def recorded(self, event, data):
            world.broker.has_prices = event != "run_completed"

    world.broker = world.new_broker(Mute)

    screen = Watching()
    result = world.run(ONE, screen=screen)
    assert (result.status, result.reconciliation) == ("done", None)
    assert result.notes == (
        "what is held cannot be compared with the target: NoQuoteError: no price of AAA",
    )
    assert tuple(screen.notes) == result.notes


def test_where_there_is_nothing_to_close_flatten_says_so(world):
    kill_switch(world).set("out")
    result = world.run(ONE, Options(force=True, flatten=True))
    assert (result.status, result.exit_code) == ("incomplete", 3)
    assert result.ending == (
        "Incomplete: under target.json nothing is to be closed, and --flatten opens nothing; "
        "a target without symbols and with allow_flatten closes everything"
    )


def test_a_full_disk_while_recovering_cancels_what_is_open(world):
    world.broker.faults["submit_order"].append(lambda: world.quotes.update(AAA=DEAR))
    crash_after(world, "order_submitted")
    with pytest.raises(AuditWriteError):
        world.rebalancer(files=FullDisk()).recover()
    assert world.orders()[0].state == "cancelled"


class FullDisk(FileLayer):
    def write(self, descriptor, data):
        if bytes(data).startswith(b'{"data"'):
            raise OSError(28, "No space left on device")
        return super().write(descriptor, data)


def test_only_orders_of_the_run_are_counted_as_submitted(world):
    world.execution["order_timeout_secs"] = 1
    world.broker.faults["submit_order"].append(lambda: world.quotes.update(AAA=DEAR))
    world.run(ONE)
    world.quotes["AAA"] = CHEAP
    world.run(ONE)
    assert [each["submitted"] for each in world.data("run_completed")] == [1, 1]
