"""What is held and left as it is."""

import json
from decimal import Decimal

import pytest
from attrs import evolve
from tests.rebalancer.rebalancer_process import PAPER, Folder
from tests.rebalancer.run_world import FaultyBroker, World

import nanobook
from nanobook_core.broker import PaperBroker
from nanobook_core.contracts import Instrument, NoQuoteError, Quote, UnknownSymbolError
from nanobook_rebalancer.errors import PlanError

OLD = (Decimal("9.95"), Decimal("10.05"))


class Delisted(FaultyBroker):
    """Knows nothing of OLD any more but that it is held, and what it is worth."""

    value = Decimal(10_000)

    def quote(self, symbol):
        if symbol == "OLD":
            raise NoQuoteError("OLD has no quote")
        return super().quote(symbol)

    def instrument(self, symbol):
        if symbol == "OLD":
            raise UnknownSymbolError("OLD is not known")
        return super().instrument(symbol)

    def positions(self):
        held = super().positions()
        return [
            evolve(each, market_value=self.value) if each.symbol == "OLD" else each for each in held
        ]


@pytest.fixture
def world(tmp_path):
    world = World(tmp_path)
    world.quotes["OLD"] = OLD
    with world.new_broker(PaperBroker) as broker:
        broker.submit_order("OLD", "buy", 1000)
        broker.submit_order("AAA", "buy", 300)
    world.broker = world.new_broker(Delisted)
    world.account = {"id": "PAPER", "leave": ["OLD"]}
    return world


def test_what_cannot_be_priced_stops_a_plan_unless_it_is_left(world):
    world.account = {"id": "PAPER"}
    result = world.run({"BBB": 0.1})
    assert (result.status, result.exit_code) == ("refused", 2)
    assert result.message == (
        "OLD is not known; it is held, and [account] leave can leave it as it is"
    )
    world.account["leave"] = ["OLD"]
    result = world.run({"BBB": 0.1})
    assert result.status == "done"
    assert [each.symbol for each in result.reconciliation.holdings] == ["BBB"]
    assert world.held() == {"OLD": 1000, "BBB": 199}


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("'OLD'", "OLD: it is not known here"),
        ("OLD is gone", "OLD is gone"),
        ("no such thing", "OLD: no such thing"),
    ],
)
def test_the_symbol_is_named_whatever_the_broker_says(world, text, told):
    def refuse():
        raise UnknownSymbolError(text)

    world.account = {"id": "PAPER"}
    world.broker.instrument = lambda symbol: (
        refuse() if symbol == "OLD" else Instrument(symbol=symbol)
    )
    assert world.run({"BBB": 0.1}).message == (
        f"{told}; it is held, and [account] leave can leave it as it is"
    )


def test_what_has_no_two_sides_is_told_so_with_the_way_out(world):
    world.account = {"id": "PAPER"}
    world.broker.quote = lambda symbol: Quote(symbol=symbol, last=Decimal(10), received=1000.0)
    world.broker.instrument = lambda symbol: Instrument(symbol=symbol)
    leave = "it is held, and [account] leave can leave it as it is"
    assert world.run({"BBB": 0.1}).message == (
        f"AAA: no usable quote, bid None and ask None; {leave}; "
        "BBB: no usable quote, bid None and ask None; "
        f"OLD: no usable quote, bid None and ask None; {leave}"
    )


def test_it_is_told_and_written_down(world):
    result = world.run({"AAA": 0.3})
    assert result.plan.skipped[0].symbol == "OLD"
    assert "not traded: OLD: left as it is" in str(result.plan)
    held = world.data("positions_fetched")[0]["positions"]
    assert {each["symbol"]: each["price"] for each in held} == {"AAA": "100", "OLD": "10"}
    assert "order_intent" not in world.events


@pytest.mark.parametrize("value", [Decimal(0), Decimal("NaN")])
def test_without_any_worth_it_counts_for_nothing(world, value):
    world.broker.value = value
    assert world.run({"BBB": 0.1}).status == "done"
    held = world.data("positions_fetched")[0]["positions"]
    assert {each["symbol"]: each["price"] for each in held} == {"AAA": "100", "OLD": None}


def test_names_of_what_is_left_are_the_venues_however_long(world):
    world.quotes["1MBABYDOGE"] = OLD
    with world.new_broker(PaperBroker) as broker:
        broker.submit_order("1MBABYDOGE", "buy", 10)
    world.account["leave"].append("1MBABYDOGE")
    assert world.run({"BBB": 0.1}).status == "done"
    assert world.held() == {"1MBABYDOGE": 10, "OLD": 1000, "BBB": 199}


def test_its_worth_counts_against_limits_of_exposure(world):
    world.risk |= {"max_leverage": 1.0}
    result = world.run({"BBB": 0.95})
    assert (result.status, result.exit_code) == ("refused", 2)
    assert "Leverage: 1.05x > 1.00x limit" in result.message
    assert world.run({"BBB": 0.85}).status == "done"


def test_a_target_of_it_is_refused(world):
    result = world.run({"OLD": 0.1})
    assert (result.status, result.exit_code) == ("refused", 2)
    assert result.message == "OLD: in the targets, and to be left as it is by [account] leave"


def test_a_plan_from_python_leaves_it_too(world):
    config = {"account": world.account, "logging": {"dir": str(world.folder)}}
    broker = Delisted(state=world.folder / "paper.sqlite", quotes=world.quotes)
    plan = nanobook.plan({"BBB": 0.1}, broker=broker, config=config)
    assert [leg.symbol for leg in plan.legs] == ["AAA", "BBB"]
    assert plan.risk.ok
    with pytest.raises(PlanError, match="OLD: in the targets"):
        nanobook.plan({"OLD": 0.1}, broker=broker, config=config)


@pytest.mark.usefixtures("world")
def test_comparing_with_the_targets_it_is_left_out(tmp_path):
    folder = Folder(tmp_path)
    folder.target({"AAA": 0.3})
    (tmp_path / "quotes.csv").write_text("symbol,bid,ask\nAAA,99.95,100.05\n")
    folder.config('[account]\nid = "PAPER"\nleave = ["OLD"]\n[broker]\nname = "paper"\n')
    code, output, _ = folder.run("reconcile", "target.json", *PAPER, "--json")
    assert code == 0
    assert [each["symbol"] for each in json.loads(output)["holdings"]] == ["AAA"]
