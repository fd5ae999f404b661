"""An account of coins: fractions, another currency than dollars, nothing lent, nothing short."""

from decimal import Decimal

import pytest
from attrs import evolve
from tests.rebalancer.rebalancer_process import Folder
from tests.rebalancer.run_world import FaultyBroker, World

from nanobook_core.contracts import Instrument
from nanobook_rebalancer.options import Options
from nanobook_rebalancer.plan import Plan

QUOTES = {
    "BTC": (Decimal("59999.99"), Decimal("60000.01")),
    "ETH": (Decimal("2499.90"), Decimal("2500.10")),
    "PEPE": (Decimal("0.00000001"), Decimal("0.00000002")),
    "OLD": (Decimal("0.00001233"), Decimal("0.00001235")),
}


def rules(symbol, tick, lot):
    return Instrument(
        symbol=symbol,
        currency="USDT",
        tick=Decimal(tick),
        lot=Decimal(lot),
        min_quantity=Decimal(lot),
        min_notional=Decimal(5),
    )


INSTRUMENTS = [
    rules("BTC", "0.01", "0.00001"),
    rules("ETH", "0.01", "0.0001"),
    rules("PEPE", "0.00000001", "1"),
    rules("OLD", "0.00000001", "1"),
]


@pytest.fixture
def world(tmp_path):
    world = World(
        tmp_path,
        currency="USDT",
        margin=False,
        instruments=INSTRUMENTS,
        costs=10,
        quotes=dict(QUOTES),
    )
    world.execution |= {"collar_pct": 1.0}
    return world


def test_fractions_are_traded_and_a_second_time_there_is_nothing_to_do(world):
    result = world.run({"BTC": 0.5, "ETH": 0.25})
    assert (result.status, result.message) == ("done", "2 of 2 trades filled.")
    assert world.held() == {"BTC": Decimal("0.83333"), "ETH": 10}
    assert world.run({"BTC": 0.5, "ETH": 0.25}).message == "w1 is already complete"
    again = world.run({"BTC": 0.5, "ETH": 0.25}, window="w2")
    assert (again.status, again.report) == ("done", None)


def test_texts_are_in_the_accounts_currency(world):
    result = world.run({"BTC": 0.5})
    assert "$" not in str(result.plan) + str(result.report) + str(result.risk)
    assert str(result.plan).splitlines()[0] == (
        "Plan of w1 for account PAPER, equity 100,000.00 USDT"
    )
    assert str(result.plan.cost) == (
        "49.9998 USDT commission + 24.9999 USDT slippage = 74.9997 USDT"
    )
    assert "none above 1000000.00 USDT max_trade_usd" in str(result.risk)
    assert result.report.summary == (
        "1 of 1 filled; 49.99980833 USDT fees + 0.0083333 USDT slippage = 50.00814163 USDT, "
        "estimated 74.9997 USDT"
    )


def test_a_price_of_one_hundred_millionth_is_shown_as_it_is(world):
    result = world.run({"PEPE": 0.01})
    assert world.held() == {"PEPE": 66_666_666_666}
    (row,) = str(result.plan).splitlines()[2:3]
    assert row.split()[3:8] == ["66666666666", "0.00000003", "0.000000015", "999.99999999", "USDT"]
    (row,) = str(result.report).splitlines()[1:2]
    assert row.split()[3:5] == ["0.000000015", "0.00000002"]
    (filled,) = world.data("order_filled")
    assert (filled["price"], filled["shares"]) == ("0.00000002", "66666666666")


def test_weights_that_sum_to_one_are_cut_to_what_cash_pays_for(world):
    result = world.run({"BTC": 0.5, "ETH": 0.5})
    assert result.status == "done"
    assert [str(each.reason) for each in result.plan.skipped] == [
        "cash pays for 0.83206 of 0.83333 at 60030.02",
        "cash pays for 19.9696 of 20 at 2501.36",
    ]
    assert world.broker.account().cash >= 0
    assert world.run({"BTC": 0.5, "ETH": 0.5}, window="w2").report is None


def test_a_negative_target_is_refused_before_anything_is_sent(world):
    result = world.run({"BTC": 0.5, "ETH": -0.00000001})
    assert (result.status, result.exit_code) == ("refused", 2)
    assert result.message == "ETH: the target is short, and it cannot be sold short here"
    assert world.broker.count("submit_order") == 0


def test_dust_is_named_and_left_and_never_an_order(world):
    with world.broker as broker:
        broker.submit_order("OLD", "buy", 500_000)
        broker.submit_order("ETH", "buy", Decimal("0.0025"))
    world.settings["quotes"]["OLD"] = (Decimal("0.00000998"), Decimal("0.00000999"))
    world.settings["quotes"]["ETH"] = (Decimal(1999), Decimal(2000))
    result = world.run({"BTC": 0.1})
    assert (result.status, result.exit_code) == ("done", 0)
    assert world.held() == {"BTC": Decimal("0.16666"), "ETH": Decimal("0.0025"), "OLD": 500_000}
    assert "not traded: OLD: 500000 stays, as an order is worth at least 5.00 USDT" in str(
        result.plan
    )
    dry = world.run({"BTC": 0.1}, Options(dry_run=True), window="w2")
    assert [each.symbol for each in dry.plan.skipped] == ["BTC", "ETH", "OLD"]


class TillCancelled(FaultyBroker):
    """A venue whose orders know no day."""

    def capabilities(self):
        return evolve(super().capabilities(), tifs={"gtc", "ioc"})


def test_orders_work_as_long_as_is_usual_at_the_venue(world):
    world.broker = world.new_broker(TillCancelled)
    orders = []
    world.broker.faults["submit_order"].append(lambda: orders.extend(world.broker.open_orders()))
    result = world.run({"BTC": 0.5})
    assert result.status == "done"
    assert {order.tif for order in result.plan.orders} == {"gtc"}
    data = result.plan.to_data()
    assert data["tif"] == "gtc"
    assert Plan.from_data(data, account_id="PAPER") == result.plan


def test_positions_and_status_tell_coins_exactly(tmp_path):
    folder = Folder(tmp_path)
    folder.environment["COLUMNS"] = "140"
    (tmp_path / "quotes.csv").write_text(
        "symbol,bid,ask\nPEPE,0.00000001,0.00000001\nBTC,0.00001233,0.00001235\n"
    )
    folder.config(
        """
[broker]
name = "paper"
quotes = "quotes.csv"
currency = "USDT"
margin = false
cash = 10
instruments.PEPE = {tick = "0.00000001", lot = "1"}
instruments.BTC = {tick = "0.00000001", lot = "0.00001"}
[risk]
min_trade_usd = 0
max_position_pct = 1.0
"""
    )
    folder.target({"PEPE": 0.1, "BTC": 0.2})
    code, output, errors = folder.run("run", "target.json", "--force")
    assert code == 0, output + errors
    _, output, _ = folder.run("positions")
    assert [line.split() for line in output.splitlines()[1:]] == [
        ["BTC", "162074.55429", "0.00001235", "2.00", "USDT", "20.00%", "-0.00162075", "USDT"],
        ["PEPE", "100000000", "0.00000001", "1.00", "USDT", "10.00%", "0.00", "USDT"],
    ]
    _, output, _ = folder.run("status")
    assert output.splitlines()[:3] == [
        "Account PAPER",
        "  Equity: 9.99837925 USDT",
        "  Cash: 6.99837925 USDT",
    ]
