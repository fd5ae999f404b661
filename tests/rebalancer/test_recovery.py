"""What is found after a crash, and what is done about it: every row of the recovery table."""

import datetime as dt
from decimal import Decimal

import pytest
from attrs import evolve
from tests.rebalancer.run_world import (
    FORCE,
    START,
    CrashError,
    CrashingFiles,
    FaultyBroker,
    Recorder,
    World,
)

from nanobook_core.contracts import BrokerOrder, OrderState
from nanobook_rebalancer.client_id import client_id
from nanobook_rebalancer.errors import AuditError
from nanobook_rebalancer.options import Options

WEIGHTS = {"AAA": 0.5, "BBB": 0.25}
DEAR = (Decimal(140), Decimal(141))
CHEAP = (Decimal("99.95"), Decimal("100.05"))


@pytest.fixture
def world(tmp_path):
    return World(tmp_path)


def crash_after(world, event, weights=WEIGHTS, *, number=1, **further):
    """Have the program die as soon as a record of that event is on disk."""
    seen = []

    class Watching(Recorder):
        def recorded(self, recorded, data):
            seen.append(recorded)
            if seen.count(event) == number and recorded == event:
                raise CrashError

    assert world.crash(weights, screen=Watching(), **further)
    assert world.events[-1] == event


def assert_traded_once(world):
    orders = world.orders()
    assert sorted((each.symbol, each.quantity, each.state) for each in orders) == [
        ("AAA", 500, OrderState.FILLED),
        ("BBB", 500, OrderState.FILLED),
    ]
    assert world.held() == {"AAA": 500, "BBB": 500}


# no plan -> a new one


@pytest.mark.parametrize("event", ["run_started", "positions_fetched"])
def test_without_a_plan_it_starts_again(world, event):
    crash_after(world, event)
    assert world.run(WEIGHTS).status == "done"
    assert "recovered" not in world.events
    assert_traded_once(world)


# plan, nothing sent -> that plan while it is young, else a new one


@pytest.mark.parametrize("event", ["diff_computed", "risk_check"])
def test_a_plan_of_which_nothing_was_sent_goes_on_and_is_not_made_again(world, event):
    crash_after(world, event)
    world.quotes["AAA"] = (Decimal("99.75"), Decimal("99.85"))
    assert world.run(WEIGHTS).status == "done"
    assert world.events.count("diff_computed") == 1
    assert world.data("recovered") == [{"legs": [1, 2], "run": "r1", "status": ""}]
    assert_traded_once(world)


def test_it_is_asked_for_again_unless_somebody_has_said_yes(world):
    crash_after(world, "risk_check")
    screen = Recorder()
    assert world.run(WEIGHTS, Options(), screen=screen).status == "done"
    assert screen.asked == 1


def test_a_yes_is_remembered(world):
    class Watching(Recorder):
        def recorded(self, event, data):
            if event == "user_confirmed":
                raise CrashError

    assert world.crash(WEIGHTS, options=Options(), screen=Watching())
    screen = Recorder()
    assert world.run(WEIGHTS, Options(), screen=screen).status == "done"
    assert screen.asked == 0


def test_a_plan_that_is_too_old_is_made_anew(world):
    crash_after(world, "risk_check")
    world.clock.elapsed += 901
    world.quotes["AAA"] = (Decimal("199.95"), Decimal("200.05"))
    assert world.run(WEIGHTS).status == "done"
    plans = [each["plan"]["legs"] for each in world.data("diff_computed")]
    assert [[leg["number"] for leg in legs] for legs in plans] == [[1, 2], [3, 4]]
    assert world.held() == {"AAA": 250, "BBB": 500}


# open intent -> the venue is asked


def test_an_intent_that_was_not_sent_is_sent_under_its_id(world):
    crash_after(world, "order_intent")
    assert world.run(WEIGHTS).status == "done"
    assert_traded_once(world)


def crash_at_submit(world, weights=WEIGHTS, kind=FaultyBroker):
    """Have the program die after the venue has taken the first order, and before it is known."""

    class Deadly(kind):
        def submit_order(self, *args, **kwargs):
            super().submit_order(*args, **kwargs)
            raise CrashError

    world.broker = world.new_broker(Deadly)
    assert world.crash(weights)
    assert world.events[-1] == "order_intent"


def test_an_intent_that_was_sent_is_found_and_not_sent_again(world):
    crash_at_submit(world)
    assert world.run(WEIGHTS).status == "done"
    assert world.broker.count("submit_order") == 1
    assert_traded_once(world)


@pytest.mark.parametrize("scope", ["never", "while_open"])
def test_an_intent_that_the_venue_does_not_know_needs_a_person_where_ids_are_taken_twice(
    tmp_path, scope
):
    world = World(tmp_path, client_id_scope=scope)
    crash_after(world, "order_intent")
    assert world.run(WEIGHTS).status == "review"
    assert world.held() == {}


@pytest.mark.parametrize(("begun", "status"), [(-1, "done"), (1, "review")])
def test_a_journal_of_the_brokers_own_proves_nothing_of_what_was_before_it(world, begun, status):
    since = START + dt.timedelta(seconds=begun)

    class Journalled(FaultyBroker):
        def _connection(self):
            return evolve(super()._connection(), records_since=since)

    crash_after(world, "order_intent")
    world.broker = world.new_broker(Journalled)
    result = world.run(WEIGHTS)
    assert result.status == status
    if status == "review":
        assert result.review[0].endswith(
            ": the venue does not know it, and paper's record of what was sent begins at "
            "2026-03-02T15:00:01+00:00, after it"
        )
        assert world.held() == {}


def test_one_that_the_venue_knows_needs_nobody_even_there(tmp_path):
    world = World(tmp_path, client_id_scope="never")
    crash_at_submit(world)
    assert world.run(WEIGHTS).status == "done"
    assert_traded_once(world)


def test_an_intent_of_a_plan_that_is_too_old_is_asked_for_and_nothing_more_is_sent(world):
    crash_at_submit(world)
    world.clock.elapsed += 901
    result = world.run(WEIGHTS)
    assert (result.status, result.exit_code) == ("incomplete", 3)
    assert world.broker.count("submit_order") == 0
    assert world.held() == {"AAA": 500}
    assert world.run(WEIGHTS).status == "done"
    assert world.held() == {"AAA": 500, "BBB": 499}


def test_an_order_that_is_open_goes_on_and_is_not_sent_again(world):
    world.broker.faults["submit_order"].append(lambda: world.quotes.update(AAA=DEAR))
    crash_after(world, "order_submitted")
    world.clock.after(3, lambda: world.quotes.update(AAA=CHEAP))
    assert world.run(WEIGHTS).status == "done"
    assert_traded_once(world)


def test_what_filled_while_nobody_was_there_is_recorded(world):
    world.broker.faults["submit_order"].append(lambda: world.quotes.update(AAA=DEAR))
    crash_after(world, "order_submitted")
    world.quotes["AAA"] = CHEAP
    with world.new_broker() as broker:
        broker.positions()
    assert world.run(WEIGHTS).status == "done"
    assert world.events.count("order_filled") == 2
    assert_traded_once(world)


# open intent to cancel -> asked for, and cancelled once more


@pytest.mark.parametrize("event", ["cancel_intent", "cancel_result"])
def test_a_cancel_is_sent_again(world, event):
    world.execution["order_timeout_secs"] = 1
    world.broker.faults["submit_order"].append(lambda: world.quotes.update(AAA=DEAR))
    crash_after(world, event)
    result = world.run(WEIGHTS)
    assert (result.status, result.exit_code) == ("incomplete", 3)
    assert {each.symbol: each.state for each in world.orders()} == {
        "AAA": OrderState.CANCELLED,
        "BBB": OrderState.FILLED,
    }


def test_one_that_filled_instead_is_not_sent_again(world):
    world.execution["order_timeout_secs"] = 1
    world.broker.faults["submit_order"].append(lambda: world.quotes.update(AAA=DEAR))
    crash_after(world, "cancel_intent")
    world.quotes["AAA"] = CHEAP
    assert world.run(WEIGHTS).status == "done"
    assert_traded_once(world)


# everything ended, no end -> positions are looked at and the end is written


def test_only_the_end_is_missing(world):
    crash_after(world, "order_done", number=2)
    assert world.run(WEIGHTS).status == "done"
    assert world.broker.count("submit_order") == 0
    assert world.events[-2:] == ["recovered", "run_completed"]
    assert_traded_once(world)


# done -> already complete


def test_after_the_end_there_is_nothing_to_do(world):
    crash_after(world, "run_completed")
    world.broker.calls.clear()
    assert world.run(WEIGHTS).message == "w1 is already complete"
    assert world.broker.calls == []


# damage before the last record -> a person has to look


def test_a_damaged_log_stops_everything(world):
    crash_after(world, "order_intent")
    path = world.folder / "logs" / "audit.jsonl"
    path.write_text(path.read_text().replace('"AAA"', '"AAB"', 1))
    world.broker.calls.clear()
    with pytest.raises(AuditError, match="line"):
        world.run(WEIGHTS)
    assert world.broker.calls == []


def test_half_a_record_at_the_end_is_set_aside(world):
    crash_after(world, "order_intent")
    path = world.folder / "logs" / "audit.jsonl"
    whole = path.read_bytes()
    path.write_bytes(whole[:-20])
    screen = Recorder()
    assert world.run(WEIGHTS, screen=screen).status == "done"
    assert screen.notes == ["a crash left half a record in the audit log; it is in .torn"]
    assert_traded_once(world)


# an order of ours without a record -> a person has to look


@pytest.fixture
def orphan(world):
    order = BrokerOrder(
        "AAA", "buy", 7, "limit", Decimal(1), client_order_id=client_id("PAPER", "x", "AAA", 1, 1)
    )
    with world.new_broker() as broker:
        broker.submit_order(order)
    return order.client_order_id


def test_an_order_of_ours_without_a_record_stops_everything(world, orphan):
    result = world.run(WEIGHTS)
    assert (result.status, result.exit_code) == ("review", 4)
    assert orphan in result.review[0]
    assert world.events[-2:] == ["review", "run_completed"]
    assert world.held() == {}
    with world.new_broker() as broker:
        assert [each.client_order_id for each in broker.open_orders()] == [orphan]


def test_it_is_cancelled_only_where_that_was_asked_for(world, orphan):
    assert world.run(WEIGHTS, Options(force=True, cancel_orphans=True)).status == "done"
    assert world.data("cancel_intent") == [{"client_order_id": orphan, "reason": "orphan"}]
    assert_traded_once(world)
    with world.new_broker() as broker:
        assert broker.open_orders() == []


def test_orders_of_others_are_left_alone(world):
    with world.new_broker() as broker:
        broker.submit_order(
            BrokerOrder("CCC", "buy", 7, "limit", Decimal(1), client_order_id="by-hand")
        )
    assert world.run(WEIGHTS).status == "done"
    world.broker.disconnect()
    with world.new_broker() as broker:
        assert [each.client_order_id for each in broker.open_orders()] == ["by-hand"]


# other windows


def test_a_dry_run_names_the_run_that_was_begun_and_explains_what_is_held(world):
    crash_at_submit(world)
    result = world.run({"CCC": 0.1}, Options(dry_run=True), window="w2")
    assert result.status == "review"
    assert result.message == (
        "AAA: 500 held, 0 explained: w1 was begun and has not ended; run that again, or end it "
        "with `rebalancer recover`"
    )


def test_a_run_for_another_window_ends_first_what_was_left_open(world):
    world.broker.faults["submit_order"].append(lambda: world.quotes.update(AAA=DEAR))
    crash_after(world, "order_submitted")
    screen = Recorder()
    result = world.run({"BBB": 0.25}, window="w2", screen=screen)
    assert result.status == "done"
    note = (
        "window w1 of 2026-03-02T15:00:00.000000Z was left open: "
        "1 order cancelled, 2 trades unfinished"
    )
    assert (screen.notes, result.notes, result.to_dict()["notes"]) == ([note], (note,), [note])
    assert world.data("recovered") == [{"legs": [1, 2], "run": "r1", "status": "incomplete"}]
    assert world.held() == {"BBB": 500}


def test_a_dry_run_tells_of_open_orders_and_leaves_them(world):
    world.broker.faults["submit_order"].append(lambda: world.quotes.update(AAA=DEAR))
    crash_after(world, "order_submitted")
    result = world.run({"BBB": 0.25}, Options(dry_run=True), window="w2")
    assert result.notes == ("1 order of ours is open; a run ends what it finds",)
    assert len(world.broker.open_orders("all")) == 1


def test_after_that_its_window_gets_a_new_plan_with_numbers_going_on(world):
    world.broker.faults["submit_order"].append(lambda: world.quotes.update(AAA=DEAR))
    crash_after(world, "order_submitted")
    world.run({"BBB": 0.25}, window="w2")
    world.quotes["AAA"] = CHEAP
    assert world.run(WEIGHTS).status == "done"
    assert [leg["number"] for leg in world.data("diff_computed")[-1]["plan"]["legs"]] == [3]
    assert world.held() == {"AAA": 499, "BBB": 500}


def test_recover_ends_what_is_open_and_sends_nothing(world):
    world.broker.faults["submit_order"].append(lambda: world.quotes.update(AAA=DEAR))
    crash_after(world, "order_submitted")
    result = world.rebalancer().recover()
    assert (result.status, result.message) == ("done", "Recovered: incomplete.")
    assert world.broker.count("submit_order") == 0
    assert [each.state for each in world.orders()] == [OrderState.CANCELLED]


def test_recover_without_anything_open_does_not_connect(world):
    world.run(WEIGHTS)
    world.broker.calls.clear()
    assert world.rebalancer().recover().message == "Nothing to recover."
    assert world.broker.calls == []


def test_an_incomplete_window_gets_a_new_plan_from_what_is_held(world):
    world.execution["order_timeout_secs"] = 1
    world.broker.faults["submit_order"].append(lambda: world.quotes.update(AAA=DEAR))
    assert world.run(WEIGHTS).status == "incomplete"
    world.quotes["AAA"] = CHEAP
    assert world.run(WEIGHTS).status == "done"
    assert [leg["number"] for leg in world.data("diff_computed")[-1]["plan"]["legs"]] == [3]
    assert world.held() == {"AAA": 499, "BBB": 500}


# every point


@pytest.mark.parametrize("at", range(1, 20))
def test_a_crash_at_any_write_to_disk_neither_loses_nor_doubles_a_trade(world, at):
    world.crash(WEIGHTS, files=CrashingFiles(at))
    assert world.run(WEIGHTS, FORCE).status == "done"
    assert_traded_once(world)
    assert [record["seq"] for record in world.audit] == list(range(1, len(world.audit) + 1))


def test_orders_of_another_account_are_not_asked_for(world):
    crash_after(world, "order_intent")
    world.account = {"id": "OTHER", "type": "margin"}
    world.broker = world.new_broker(Nameless)
    result = world.run(WEIGHTS)
    assert (result.status, result.exit_code) == ("refused", 2)
    assert result.message == "the broker has account PAPER, and this run is for OTHER"
    assert world.broker.count("find_order") == 0


class Nameless(FaultyBroker):
    """Does not say whose account it has before it is connected."""

    def _connection(self):
        found = super()._connection()
        return found if found.state == "ready" else evolve(found, account_id="")


class Live(FaultyBroker):
    def _connection(self):
        return evolve(super()._connection(), is_live=True)


def test_without_live_an_order_of_a_live_run_stays_as_it_is(world):
    world.broker = world.new_broker(Live)
    world.broker.faults["submit_order"].append(lambda: world.quotes.update(AAA=DEAR))
    crash_after(world, "order_submitted", options=Options(force=True, live=True))
    world.broker = world.new_broker(Live)
    assert world.run(WEIGHTS).status == "review"
    assert world.broker.count("cancel_order") == 0
    world.quotes["AAA"] = CHEAP
    assert world.run(WEIGHTS, Options(force=True, live=True)).status == "done"
    assert_traded_once(world)


def test_an_account_that_is_not_known_before_is_asked_for(world):
    world.broker = world.new_broker(Nameless)
    assert world.run(WEIGHTS).status == "done"
    assert world.run(WEIGHTS).message == "w1 is already complete"
