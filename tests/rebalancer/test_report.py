"""What trades were expected to cost, and what they did."""

from decimal import Decimal

from tests.rebalancer.run_world import World

from nanobook_rebalancer.fee import Fees
from nanobook_rebalancer.history import Attempt, Execution, Window
from nanobook_rebalancer.holdings import Holdings
from nanobook_rebalancer.leg import Leg
from nanobook_rebalancer.report import ExecutionReport


def leg(number, action, *, multiplier="1", expected_cost=None):
    return Leg(
        number=number,
        symbol="AAA",
        action=action,
        description="open",
        phase="increase",
        quantity=Decimal(100),
        limit=Decimal(50),
        mark=Decimal(50),
        multiplier=Decimal(multiplier),
        expected_cost=None if expected_cost is None else Decimal(expected_cost),
    )


def window(number, *fills, reason=""):
    """Fills are shares, price, fee and its currency, USD where it is left out."""
    attempt = Attempt(
        client_order_id=f"nb1-{number}",
        leg=number,
        holdings=Holdings(),
        currency="USD",
        number=1,
        symbol="AAA",
        action="BUY",
        side="buy",
        shares=Decimal(100),
        limit=Decimal(50),
        sent_at="",
        reason=reason,
    )
    for at, (shares, price, fee, *currency) in enumerate(fills):
        attempt.fills[f"e{at}"] = Execution(
            shares=Decimal(shares),
            price=Decimal(price),
            fee=Decimal(fee),
            fee_currency="".join(currency) or "USD",
        )
    return Window(account="", attempts=[attempt])


def test_price_is_the_average_and_slippage_is_what_it_cost_more():
    done = window(1, ("60", "50.10", "1"), ("40", "50.20", "0.5"))
    (trade,) = ExecutionReport.of([leg(1, "BUY")], done, "USD", {}).trades
    assert trade.price == Decimal("50.14")
    assert trade.slippage == Decimal("14.00")
    assert trade.slippage_bps == 28
    assert trade.fees == Fees(money=Decimal("1.5"))
    assert trade.reason == ""


def test_selling_for_less_costs_and_for_more_earns():
    less = ExecutionReport.of([leg(1, "SELL")], window(1, ("100", "49.90", "0")), "USD", {})
    more = ExecutionReport.of([leg(1, "SELL SHORT")], window(1, ("100", "50.30", "0")), "USD", {})
    assert (less.slippage, more.slippage) == (10, -30)


def test_a_contract_counts_with_its_multiplier():
    report = ExecutionReport.of(
        [leg(1, "BUY", multiplier="100")], window(1, ("100", "50.01", "0")), "USD", {}
    )
    assert report.slippage == 100
    assert report.trades[0].price == Decimal("50.01")


def test_what_is_missing_says_why():
    legs = [leg(1, "BUY"), leg(2, "BUY"), leg(3, "BUY")]
    report = ExecutionReport.of(
        legs, window(1, ("60", "50", "0"), reason="timeout"), "USD", {2: "stale"}
    )
    assert [trade.leg.number for trade in report.missing] == [1, 2, 3]
    assert [trade.reason for trade in report.trades] == ["timeout", "stale", "not sent"]
    assert report.trades[1].price is None
    assert str(report) == (
        "Symbol  Action  Filled  Expected  Realised   bps  Slippage   Fees  Estimate  Why\n"
        "AAA     BUY     60/100        50        50  +0.0     $0.00  $0.00         -  timeout\n"
        "AAA     BUY      0/100        50         -     -     $0.00  $0.00         -  stale\n"
        "AAA     BUY      0/100        50         -     -     $0.00  $0.00         -  not sent\n"
        "\n"
        "0 of 3 filled; $0.00 fees + $0.00 slippage = $0.00"
    )


def test_it_adds_up_to_what_the_account_has_paid(tmp_path):
    world = World(tmp_path, costs=10)
    before = Decimal(100_000)
    report = world.run({"AAA": 0.5, "BBB": 0.25}).report
    lost = before - world.broker.account().equity
    assert report.fees.money == Decimal("75.05")
    assert report.fees.money + report.slippage == lost


def test_each_name_is_set_against_what_it_was_expected_to_cost(tmp_path):
    result = World(tmp_path, costs=10).run({"AAA": 0.5, "BBB": 0.25})
    # 500 x $0.0035 and 5 bps of $50,000; 500 x $0.0035 and 5 bps of $25,000
    estimates = [trade.leg.expected_cost for trade in result.report.trades]
    assert estimates == [Decimal("26.75"), Decimal("14.25")]
    assert result.report.expected_cost == result.plan.cost.total == 41
    assert result.report.summary == (
        "2 of 2 filled; $75.05 fees + $50.00 slippage = $125.05, estimated $41.00"
    )
    assert "$50.02    $26.75" in str(result.report)


def test_without_the_estimate_of_one_leg_there_is_none_of_all():
    legs = [leg(1, "BUY", expected_cost="2"), leg(2, "BUY")]
    assert ExecutionReport.of(legs, window(1), "USD", {}).expected_cost is None


def test_numbers_are_exact_strings():
    report = ExecutionReport.of(
        [leg(1, "BUY", expected_cost="2.50")], window(1, ("100", "50.1", "1")), "USD", {}
    )
    assert report.to_dict() == {
        "fees": "1",
        "other_fees": {},
        "unknown_fees": 0,
        "slippage": "10",
        "expected_cost": "2.5",
        "trades": [
            {
                "leg": 1,
                "symbol": "AAA",
                "action": "BUY",
                "planned": "100",
                "filled": "100",
                "expected_price": "50",
                "price": "50.1",
                "slippage": "10",
                "expected_cost": "2.5",
                "fees": "1",
                "other_fees": {},
                "unknown_fees": 0,
                "reason": "",
            }
        ],
    }


def test_fees_of_other_currencies_and_those_that_are_no_number_are_not_money():
    fills = [("30", "50", "1"), ("30", "50", "0.5", "BTC"), ("40", "50", "NaN")]
    report = ExecutionReport.of([leg(1, "BUY")], window(1, *fills), "USD", {})
    assert report.fees == Fees(money=Decimal(1), others={"BTC": Decimal("0.5")}, unknown=1)
    assert str(report).splitlines()[1].endswith("$0.00  $1.00, 0.5 BTC, 1 unknown         -")
    assert report.summary == (
        "1 of 1 filled; $1.00 fees + $0.00 slippage = $1.00; further fees: 0.5 BTC, 1 unknown"
    )
    found = report.to_dict()
    assert (found["fees"], found["other_fees"], found["unknown_fees"]) == ("1", {"BTC": "0.5"}, 1)


def test_no_fee_in_money_is_not_told_beside_one_in_a_coin():
    assert str(Fees(currency="USDT", others={"BTC": Decimal("0.001")})) == "0.001 BTC"
    assert str(Fees(currency="USDT")) == "0.00 USDT"
    assert str(Fees(currency="USDT", unknown=1)) == "0.00 USDT, 1 unknown"
