"""A whole run: what it does, what it refuses, and what it writes down."""

from decimal import Decimal

import pytest
from attrs import evolve
from tests.rebalancer.run_world import FORCE, FaultyBroker, Recorder, World

import nanobook
from nanobook_core.broker import PaperBroker
from nanobook_core.contracts import BrokerPosition, ConnectError, ConnectionInfo, Instrument
from nanobook_core.plugin import Capability, default_registry
from nanobook_rebalancer.errors import InputError, LockedError, PlanError
from nanobook_rebalancer.lock import RunLock
from nanobook_rebalancer.options import Options
from nanobook_rebalancer.plan import Plan
from nanobook_rebalancer.stop import StopFlag
from nanobook_rebalancer.used_plugin import used_plugins

WEIGHTS = {"AAA": 0.5, "BBB": 0.25}


@pytest.fixture
def world(tmp_path):
    return World(tmp_path)


def test_targets_become_positions(world):
    result = world.run(WEIGHTS)
    assert (result.status, result.exit_code) == ("done", 0)
    assert world.held() == {"AAA": 500, "BBB": 500}
    assert result.report.fees.money == 0
    assert [trade.price for trade in result.report.trades] == [Decimal("100.05"), Decimal("50.05")]


def test_what_a_plan_may_hold_is_sent_though_fills_cost_and_prices_move_meanwhile(world):
    world.risk |= {"max_position_pct": 0.5, "max_leverage": 1.0}
    assert world.run({"AAA": 0.5, "BBB": 0.5}).status == "done"
    assert world.held() == {"AAA": 500, "BBB": 1000}


def test_what_has_moved_further_than_that_is_refused(world):
    world.risk |= {"max_position_pct": 0.5}
    world.execution |= {"drift_pct": 0}
    result = world.run({"AAA": 0.5, "BBB": 0.5})
    assert (result.status, result.exit_code) == ("incomplete", 3)
    assert world.held() == {"AAA": 500}
    (reason,) = [trade.reason for trade in result.report.trades if trade.reason]
    assert "Max position: 50.0% (BBB) > 50.0% limit" in reason


def test_every_step_is_written_in_order(world):
    world.run({"AAA": 0.5})
    assert world.events == [
        "run_started",
        "positions_fetched",
        "diff_computed",
        "risk_check",
        "order_intent",
        "order_submitted",
        "order_filled",
        "order_done",
        "run_completed",
    ]
    (completed,) = world.data("run_completed")
    assert completed == {
        "failed": 0,
        "filled": 1,
        "positions": [{"qty": "500", "symbol": "AAA"}],
        "review": [],
        "status": "done",
        "submitted": 1,
    }


def test_what_is_done_is_not_done_again_and_nothing_is_connected(world):
    world.run(WEIGHTS)
    before = world.audit
    world.broker.disconnect()
    world.broker = world.new_broker()
    result = world.run(WEIGHTS)
    assert (result.status, result.exit_code) == ("done", 0)
    assert result.message == "w1 is already complete"
    assert world.broker.calls == []
    assert world.audit == before


def test_another_window_finds_nothing_to_do(world):
    world.run(WEIGHTS)
    result = world.run(WEIGHTS, window="w2")
    assert (result.status, result.message) == ("done", "No rebalancing needed.")
    assert world.events[-2:] == ["no_rebalance_needed", "run_completed"]


def small_orders(tmp_path):
    return World(tmp_path, instruments=[Instrument(symbol="AAA", max_quantity=Decimal(100))])


def test_what_the_venue_does_not_take_leaves_a_run_incomplete(tmp_path):
    world = small_orders(tmp_path)
    result = world.run(WEIGHTS)
    assert (result.status, result.exit_code) == ("incomplete", 3)
    assert result.message == "1 of 1 trades filled; not traded: AAA: an order is of at most 100"
    assert world.held() == {"BBB": 500}
    assert world.data("run_completed")[-1]["status"] == "incomplete"
    assert world.run(WEIGHTS).exit_code == 3
    assert world.held() == {"BBB": 500}


def test_where_nothing_can_be_sent_that_is_not_called_done(tmp_path):
    world = small_orders(tmp_path)
    result = world.run({"AAA": 0.5})
    assert (result.status, result.exit_code) == ("incomplete", 3)
    assert result.message == "nothing can be sent; not traded: AAA: an order is of at most 100"
    assert "no_rebalance_needed" not in world.events
    assert world.data("diff_computed")[-1]["plan"]["skipped"] == [
        {"symbol": "AAA", "reason": "an order is of at most 100", "is_hindered": True}
    ]


def test_what_is_too_small_to_trade_is_no_reason_to_run_again(world):
    world.risk |= {"min_trade_usd": 1000}
    assert world.run({"AAA": 0.5, "BBB": 0.009}).status == "done"


def test_reducing_orders_have_ended_before_one_that_increases_is_sent(world):
    world.run({"AAA": 0.9})
    world.run({"AAA": 0.2, "BBB": 0.7}, window="w2")
    trades = [
        (record["event"], record["data"]["leg"])
        for record in world.audit
        if record["run"] == "r2" and record["event"] in ("order_intent", "order_filled")
    ]
    assert trades == [
        ("order_intent", 1),
        ("order_filled", 1),
        ("order_intent", 2),
        ("order_filled", 2),
    ]


def test_the_open_half_of_a_split_flip_waits_for_the_close(tmp_path):
    world = World(tmp_path, splits_flips=True)
    world.run({"AAA": 0.3})
    assert world.run({"AAA": -0.3}, window="w2").status == "done"
    assert world.held() == {"AAA": -299}


def test_a_dry_run_sends_nothing_and_leaves_no_plan(world):
    result = world.run(WEIGHTS, Options(dry_run=True))
    assert (result.status, result.exit_code) == ("dry_run", 0)
    assert [str(leg) for leg in result.plan.legs] == [
        "BUY 500 AAA at 100.11 (open)",
        "BUY 500 BBB at 50.08 (open)",
    ]
    assert world.broker.count("submit_order") == 0
    world.quotes["AAA"] = (Decimal("199.95"), Decimal("200.05"))
    assert world.run(WEIGHTS).status == "done"
    assert world.held() == {"AAA": 250, "BBB": 500}


def test_without_force_a_person_is_asked(world):
    screen = Recorder(answer=True)
    assert world.run(WEIGHTS, Options(), screen=screen).status == "done"
    assert screen.asked == 1
    assert world.data("user_confirmed") == [{"approved": True}]


def test_a_no_sends_nothing_and_the_next_run_plans_anew(world):
    result = world.run(WEIGHTS, Options(), screen=Recorder(answer=False))
    assert (result.status, result.exit_code) == ("declined", 3)
    assert world.broker.count("submit_order") == 0
    assert world.run(WEIGHTS).status == "done"
    assert len(world.data("diff_computed")) == 2


def test_an_interrupt_while_connecting_leaves_everything_as_it_is(world):
    world.broker.faults["connect"].append(KeyboardInterrupt())
    result = world.run(WEIGHTS)
    assert (result.status, result.exit_code) == ("interrupted", 130)
    assert world.data("run_completed")[0]["status"] == "error"
    assert world.run(WEIGHTS).status == "done"


def test_an_interrupt_at_the_question_is_written_down(world):
    screen = Recorder(answer=KeyboardInterrupt())
    result = world.run(WEIGHTS, Options(), screen=screen)
    assert (result.status, result.exit_code) == ("interrupted", 130)
    assert world.events[-2:] == ["shutdown", "run_completed"]


def test_a_failing_risk_check_refuses_even_with_force(world):
    result = world.run({"AAA": 1.0, "BBB": -1.0, "CCC": -0.5})
    assert (result.status, result.exit_code) == ("refused", 2)
    assert "Leverage" in result.message
    assert world.broker.count("submit_order") == 0


def test_a_warning_is_asked_about_and_force_passes_it(world):
    world.risk["max_trade_usd"] = 10_000
    screen = Recorder(answer=False)
    result = world.run(WEIGHTS, Options(), screen=screen)
    assert (result.status, screen.asked) == ("declined", 1)
    assert world.run(WEIGHTS, FORCE).status == "done"


def test_a_plan_up_to_the_limit_is_not_refused_half_way(world):
    world.risk["max_position_pct"] = 0.5
    assert world.run({"AAA": 0.5, "BBB": 0.5}).status == "done"


def test_after_a_fall_from_the_highest_equity_orders_may_only_reduce(world):
    world.run({"AAA": 0.9})
    world.quotes["AAA"] = (Decimal("69.95"), Decimal("70.05"))
    assert "Max drawdown" in world.run({"AAA": 0.9, "BBB": 0.1}, window="w2").message
    assert world.run({"AAA": 0.1}, window="w3").status == "done"
    world.risk["max_drawdown_pct"] = 0.5
    assert world.run({"AAA": 0.1, "BBB": 0.1}, window="w4").status == "done"


def test_too_many_orders_are_refused(world):
    world.execution["max_orders_per_run"] = 1
    result = world.run(WEIGHTS)
    assert (result.status, result.message) == (
        "refused",
        "2 orders generated, but max_orders_per_run is 1",
    )


@pytest.mark.parametrize(
    "quote",
    [
        (Decimal("100.05"), Decimal("99.95")),
        (Decimal(0), Decimal("100.05")),
        (None, Decimal("100.05")),
    ],
)
def test_nothing_is_planned_on_a_quote_that_cannot_be_used(world, quote):
    world.quotes["BBB"] = dict(zip(("bid", "ask"), quote, strict=True))
    result = world.run(WEIGHTS)
    assert (result.status, result.exit_code) == ("refused", 2)
    assert "BBB" in result.message
    assert world.broker.count("submit_order") == 0


def test_a_target_that_is_not_in_order_is_refused_before_a_connection(world):
    with pytest.raises(InputError, match=r"targets\[0\].weight"):
        world.run({"AAA": 2})
    assert world.events == ["target_rejected"]
    assert world.broker.calls == []


def test_a_live_venue_needs_to_be_asked_for(world):
    world.broker._connection = lambda: ConnectionInfo(
        state="ready", account_id="PAPER", is_live=True
    )
    result = world.run(WEIGHTS)
    assert (result.status, result.exit_code) == ("refused", 2)
    assert "--live" in result.message
    assert world.run(WEIGHTS, Options(force=True, live=True)).status == "done"


def test_a_venue_that_takes_no_orders_is_looked_at_and_not_traded_at(world):
    world.broker._connection = lambda: ConnectionInfo(
        state="read_only", account_id="PAPER", detail="API of TWS is set to read-only"
    )
    result = world.run(WEIGHTS)
    assert (result.status, result.exit_code) == ("refused", 2)
    assert result.message == "paper takes no orders: API of TWS is set to read-only"
    assert "order_intent" not in world.events
    assert world.run(WEIGHTS, Options(dry_run=True)).status == "dry_run"


def test_a_venue_that_cannot_be_reached_is_an_error_and_the_next_run_starts_again(world):
    world.broker.faults["connect"].append(ConnectError("refused"))
    with pytest.raises(ConnectError):
        world.run(WEIGHTS)
    assert world.data("run_completed")[0]["status"] == "error"
    assert world.run(WEIGHTS).status == "done"


def test_a_second_one_does_not_run(world):
    rebalancer = world.rebalancer()
    with RunLock(rebalancer.config.audit_path, world.clock), pytest.raises(LockedError):
        rebalancer.run_file(world.target(WEIGHTS), FORCE)


def test_the_kill_switch_stops_before_a_connection(world):
    world.run({"AAA": 0.1}, window="w0")
    (world.folder / "logs" / "audit.jsonl.kill").write_text("fat finger\n")
    world.broker.calls.clear()
    result = world.run(WEIGHTS)
    assert (result.status, result.exit_code, result.message) == ("halted", 5, "fat finger")
    assert world.broker.calls == []


def test_a_signal_before_the_orders_stops_the_run(world):
    result = world.run(WEIGHTS, stop=StopFlag(signal="SIGTERM"))
    assert (result.status, result.exit_code) == ("interrupted", 130)
    assert world.data("shutdown") == [{"signal": "SIGTERM"}]
    assert world.broker.count("submit_order") == 0


def test_what_runs_is_written_down(world):
    world.run(WEIGHTS)
    (started,) = world.data("run_started")
    assert [each["provider"] for each in started["plugins"]] == [
        "nanobook-core",
        "nanobook-rebalancer",
        "nanobook-risk",
    ]
    assert all(len(each["hash"]) == 64 and each["version"] for each in started["plugins"])
    assert started["target"] == [
        {"symbol": "AAA", "weight": "0.5"},
        {"symbol": "BBB", "weight": "0.25"},
    ]


def test_a_package_without_init_has_a_hash_too(tmp_path, monkeypatch):
    (tmp_path / "bare").mkdir()
    (tmp_path / "bare" / "broker.py").write_text("NAME = 1\n")
    monkeypatch.syspath_prepend(tmp_path)
    offer = Capability(kind="broker", name="bare", target="bare.broker:Bare", summary="x")
    found = used_plugins(default_registry(), [evolve(offer, provider="bare-broker")])
    assert [each["hash"] for each in found if each["provider"] == "bare-broker"] == [
        "0bdd422f4ab5e31ee357f52dc18e51c0bffe536b08fc8b86afe82573bf890f5d"
    ]


class TestFromPython:
    """`nanobook.plan(...).execute()` is the same run."""

    @pytest.fixture
    def planned(self, world):
        broker = PaperBroker(100_000, quotes=world.quotes)
        config = {"logging": {"dir": str(world.folder / "logs")}}
        return lambda weights, name: nanobook.plan(weights, broker=broker, config=config, id=name)

    def test_it_trades_and_is_written_down(self, world, planned):
        result = planned({"AAA": 0.2}, "one").execute()
        assert (result.status, str(result).splitlines()[-1]) == ("done", "1 of 1 trades filled.")
        assert world.events[-1] == "run_completed"
        assert planned({"AAA": 0.2}, "two").execute().message == "No rebalancing needed."

    def test_a_plan_is_executed_once(self, planned):
        plan = planned({"AAA": 0.2}, "one")
        plan.execute()
        assert plan.execute().message == "one is already complete"

    def test_a_plan_that_positions_have_overtaken_is_refused(self, planned):
        late = planned({"AAA": 0.2}, "late")
        planned({"AAA": 0.1}, "early").execute()
        result = late.execute()
        assert (result.status, result.exit_code) == ("refused", 2)
        assert "positions have changed" in result.message

    def test_a_plan_from_a_file_has_no_broker(self, planned):
        plan = planned({"AAA": 0.2}, "one")
        with pytest.raises(PlanError, match="no broker"):
            Plan.from_data(plan.to_data(), account_id="PAPER").execute()


def venue_of(world, **changes):
    """A venue whose answers are others than those of the paper account."""

    class Venue(FaultyBroker):
        pass

    def asked(name, change):
        return lambda self, *args: change(getattr(FaultyBroker, name)(self, *args))

    for name, change in changes.items():
        setattr(Venue, name, asked(name, change))
    world.broker = world.new_broker(Venue)
    return world


def test_a_position_of_nothing_needs_no_price(world):
    nothing = BrokerPosition(
        symbol="GONE",
        quantity=Decimal(0),
        avg_cost=Decimal(0),
        market_value=Decimal(0),
        unrealized_pnl=Decimal(0),
    )
    result = venue_of(world, positions=lambda held: [*held, nothing]).run({"AAA": 0.5})
    assert result.status == "done"
    assert [each.symbol for each in result.reconciliation.holdings] == ["AAA"]


@pytest.mark.parametrize("name", ["", None])
def test_a_venue_that_does_not_name_its_account_is_traded(world, name):
    venue_of(
        world,
        connection=lambda info: evolve(info, account_id=name),
        account=lambda account: evolve(account, account_id=name),
    )
    assert world.run({"AAA": 0.5}).status == "done"


@pytest.mark.parametrize(("quantity", "price"), [("400", "90"), ("300", "100.05")])
def test_an_execution_that_is_corrected_later_counts_as_corrected(world, quantity, price):
    asked = []

    def corrected(fills):
        asked.append(fills)
        if len(asked) == 1:  # when the order ended
            return fills
        further = {"quantity": Decimal(quantity), "price": Decimal(price)}
        return [
            *fills,
            *(evolve(each, exec_id="x", corrects=each.exec_id, **further) for each in fills),
        ]

    def found(order):
        return evolve(order, filled_quantity=Decimal(quantity)) if order else order

    result = venue_of(world, fills=corrected, find_order=found).run({"AAA": 0.4})
    assert [
        (each["shares"], each["price"], each["filled"]) for each in world.data("order_filled")
    ] == [("400", "100.05", "400"), (quantity, price, quantity)]
    (trade,) = result.report.trades
    assert (trade.filled, trade.price) == (Decimal(quantity), Decimal(price))
    assert result.report.slippage == (trade.price - 100) * trade.filled


def test_fees_of_another_currency_are_not_counted_as_money(world):
    def with_fees(fills):
        return [evolve(each, fee=Decimal("0.5"), fee_currency="BTC") for each in fills]

    fees = venue_of(world, fills=with_fees).run({"AAA": 0.4}).report.fees
    assert (fees.money, fees.others) == (0, {"BTC": Decimal("0.5")})


@pytest.mark.parametrize(
    "fee", [{"fee": Decimal("NaN"), "fee_currency": "BTC"}, {"is_fee_known": False}]
)
def test_a_fee_that_is_not_told_or_no_number_is_unknown(world, fee):
    def with_fees(fills):
        return [evolve(each, **fee) for each in fills]

    result = venue_of(world, fills=with_fees).run({"AAA": 0.4})
    assert (result.report.fees.money, result.report.fees.unknown) == (0, 1)
    assert "further fees: 1 unknown" in str(result)


def test_what_is_too_small_is_told_and_written_down(world):
    world.risk |= {"min_trade_usd": 1000}
    result = world.run({"AAA": 0.009})
    text = "AAA: $900.00 is below the least of $1,000.00"
    assert (result.status, result.message) == (
        "done",
        f"No rebalancing needed; not traded: {text}",
    )
    skipped = {"symbol": "AAA", "reason": text.removeprefix("AAA: "), "is_hindered": False}
    assert world.data("diff_computed")[-1]["plan"]["skipped"] == [skipped]
    assert world.events[-2:] == ["no_rebalance_needed", "run_completed"]


def test_an_open_order_of_somebody_else_in_what_is_traded_is_told(world):
    with world.new_broker(PaperBroker) as broker:
        for symbol, quantity in (("AAA", 400), ("CCC", 1)):
            broker.submit_order(symbol, "buy", quantity, order_type="limit", limit_price=Decimal(9))
    result = world.run({"AAA": 0.4})
    assert result.plan.warnings == (
        "AAA: an open order of somebody else buys 400, and this plan does not count it",
    )
    assert result.plan.warnings[0] in str(result.plan)


def test_a_result_shows_itself_as_it_prints(world):
    result = world.run({"AAA": 0.4})
    assert repr(result) == str(result)
    assert result._repr_html_().startswith("<pre>Symbol  Action   Filled")
