"""Margin, what-if, shorts, deposits and the lines of the account window."""

from decimal import Decimal

import pytest
from attrs import asdict
from tests.ibkr.venue_bench import Bench, buy, form, key, sell

from nanobook_core.errors import ValidationError
from nanobook_ibkr.simulator.record import ContractDefinition, VenueRefusal


def refusal(bench, number, form):
    with pytest.raises(VenueRefusal) as caught:
        bench.place(1, number, form)
    return caught.value


def test_account_may_hold_leverage_times_its_worth():
    bench = Bench(cash={"DU1": Decimal(10_000)}, commission=lambda _q, _n: Decimal(0))
    bench.quote("99.99", "100.00")
    assert refusal(bench, 1, buy(401, "100.00")).code == 201
    bench.place(1, 2, buy(400, "100.00"))
    assert bench.value("BuyingPower", "DU1") == "0.00"
    assert bench.value("InitMarginReq", "DU1") == "10000.00"
    assert refusal(bench, 3, buy(1, "100.00")).code == 201
    # What makes the position smaller needs nothing.
    bench.place(1, 4, sell(400, "99.99"))
    assert bench.venue.positions() == ()


@pytest.mark.parametrize("leverage", [4, 1])
def test_who_has_lost_too_much_may_still_sell_but_not_buy(leverage):
    bench = Bench(cash={"DU1": Decimal(10_000)}, leverage=Decimal(leverage))
    bench.quote("99.99", "100.00")
    bench.place(1, 1, buy(99 * leverage, "100.00"))
    bench.quote("79.99", "80.00")
    assert refusal(bench, 2, buy(30, "80.00")).code == 201
    bench.place(1, 3, sell(90, "79.99"))
    assert bench.state(1, 3) == "Filled 90+0"


def test_open_orders_use_buying_power_until_they_end():
    bench = Bench(cash={"DU1": Decimal(10_000)}, commission=lambda _q, _n: Decimal(0))
    bench.quote("99.99", "100.00")
    bench.place(1, 1, buy(300, "99.00"))
    assert bench.value("BuyingPower", "DU1") == "10300.00"
    assert refusal(bench, 2, buy(110, "99.00")).code == 201
    # The other side of the same contract is not as bad as this one.
    bench.place(1, 3, sell(300, "101.00"))
    bench.venue.cancel(1, 1)
    assert bench.value("BuyingPower", "DU1") == "9700.00"


def test_group_uses_what_its_largest_order_uses():
    bench = Bench(cash={"DU1": Decimal(10_000)}, commission=lambda _q, _n: Decimal(0))
    bench.place(1, 1, buy(200, "100.00", oca_group="x"))
    bench.place(1, 2, buy(300, "100.00", oca_group="x"))
    assert bench.value("BuyingPower", "DU1") == "10000.00"


def test_larger_modification_needs_margin_and_a_refused_one_changes_nothing():
    bench = Bench(cash={"DU1": Decimal(1000)})
    bench.place(1, 1, buy(20, "180.00"))
    assert refusal(bench, 1, buy(23, "180.00")).code == 201
    assert bench.state(1, 1) == "Submitted 0+20"
    bench.place(1, 1, buy(22, "180.00"))
    assert bench.state(1, 1) == "Submitted 0+22"


def test_commission_counts_against_a_cash_account():
    bench = Bench(cash={"DU1": Decimal("18500.00")}, leverage=Decimal(1))
    assert refusal(bench, 1, buy(100, "185.00")).text == (
        "Order rejected - reason:YOUR ORDER IS NOT ACCEPTED. IN ORDER TO OBTAIN THE DESIRED "
        "POSITION YOUR EQUITY WITH LOAN VALUE [18499.00 USD] MUST EXCEED THE INITIAL MARGIN "
        "[18500.00 USD]"
    )
    bench.place(1, 2, buy(99, "185.00"))
    assert bench.state(1, 2) == "Filled 99+0"


def test_cash_account_sells_what_it_holds_and_offers_it_once():
    bench = Bench(cash={"DU1": Decimal(10_000)}, leverage=Decimal(1))
    bench.venue.deposit("DU1", "AAPL", Decimal(10), Decimal("150.00"))
    bench.place(1, 1, sell(6, "190.00"))
    assert refusal(bench, 2, sell(5, "190.00")).text == (
        "Order rejected - reason:The account holds cash only; it cannot sell what it does not hold."
    )
    bench.place(1, 3, sell(4, "190.00"))


@pytest.mark.parametrize(
    ("kind", "before", "after"),
    [
        ("STP", {"aux_price": "200.00"}, {"aux_price": "2000000.00"}),
        (
            "STP LMT",
            {"aux_price": "200.00", "limit_price": "201.00"},
            {"aux_price": "200.00", "limit_price": "2000000.00"},
        ),
        ("TRAIL", {"aux_price": "1"}, {"aux_price": "1000000"}),
        ("TRAIL", {"aux_price": "1"}, {"aux_price": "1", "trail_stop_price": "2000000.00"}),
    ],
)
def test_stop_cannot_be_moved_where_the_account_cannot_pay_for_it(kind, before, after):
    bench = Bench()
    bench.place(1, 1, form(order_type=kind, **before))
    assert refusal(bench, 1, form(order_type=kind, **after)).code == 201
    assert Decimal(bench.value("AvailableFunds")) > 0


def test_cash_account_may_offer_more_of_what_it_holds():
    bench = Bench(cash={"DU1": Decimal(10_000)}, leverage=Decimal(1))
    bench.venue.deposit("DU1", "AAPL", Decimal(10), Decimal("150.00"))
    bench.place(1, 1, sell(6, "190.00"))
    bench.place(1, 1, sell(10, "190.00"))
    assert bench.state(1, 1) == "Submitted 0+10"
    assert refusal(bench, 1, sell(11, "190.00")).code == 201


def test_what_if_tells_margins_and_changes_nothing():
    bench = Bench(cash={"DU1": Decimal(10_000)})
    answer = bench.venue.what_if(key(), buy(100, "185.00"))
    assert {name: str(value) for name, value in asdict(answer).items()} == {
        "init_margin_before": "0",
        "maint_margin_before": "0",
        "equity_before": "10000",
        "init_margin_change": "4625.00",
        "maint_margin_change": "4625.00",
        "equity_change": "-1",
        "init_margin_after": "4625.00",
        "maint_margin_after": "4625.00",
        "equity_after": "9999",
        "commission": "1",
        "warning": "",
    }
    warned = bench.venue.what_if(key(), buy(1000, "185.00"))
    assert warned.init_margin_after == 46250
    assert warned.warning.startswith("YOUR ORDER IS NOT ACCEPTED")
    with pytest.raises(VenueRefusal) as caught:
        bench.venue.what_if(key(), buy(100, "185.001"))
    assert caught.value.code == 110
    assert (bench.venue.orders, bench.told(), bench.venue.next_order_id(1)) == ((), [], 1)
    assert bench.place(1, 1, buy(1)).perm_id == 1853000001


def test_what_if_of_an_order_that_closes_needs_nothing():
    bench = Bench(cash={"DU1": Decimal(10_000)}, commission=lambda _q, _n: Decimal(0))
    bench.place(1, 1, buy(100, "185.00"))
    answer = bench.venue.what_if(key(), sell(60, "184.98"), "DU1")
    assert (answer.init_margin_before, answer.init_margin_change) == (4625, 0)


def test_short_that_cannot_be_borrowed_is_held_until_it_can():
    bench = Bench()
    bench.venue.set_shortable("AAPL", is_shortable=False)
    bench.place(1, 1, sell(10))
    assert bench.told() == [
        "1/1 PreSubmitted 0+10",
        "1/1 PreSubmitted (locate) 0+10",
        "1/1 404 Order held while securities are located.",
    ]
    bench.venue.set_shortable("AAPL", is_shortable=True)
    assert bench.state(1, 1) == "Filled 10+0"


def test_sale_of_what_is_held_needs_no_locating():
    bench = Bench()
    bench.venue.set_shortable("AAPL", is_shortable=False)
    bench.place(1, 1, buy(10))
    bench.place(1, 2, sell(6))
    bench.place(1, 3, sell(6))
    assert [bench.state(1, number) for number in (2, 3)] == ["Filled 6+0", "PreSubmitted 0+6"]
    bench.place(1, 4, buy(2))
    assert bench.state(1, 3) == "Filled 6+0"


def test_contract_says_itself_that_it_cannot_be_shorted():
    definition = ContractDefinition(con_id=9, symbol="HTB", shortable=False)
    bench = Bench(definitions=[definition])
    bench.quote("9.99", "10.00", "HTB")
    assert bench.place(1, 1, sell(1), "HTB").why_held == "locate"


def test_deposit_brings_a_position_and_no_money():
    bench = Bench()
    bench.venue.deposit("DU1234567", "MSFT", Decimal(50), Decimal("350.25"))
    (position,) = bench.venue.positions("DU1234567")
    assert (position.quantity, position.avg_cost, position.market_price) == (
        50,
        Decimal("350.25"),
        Decimal("369.98"),
    )
    assert bench.value("TotalCashValue") == "1000000.00"
    assert bench.value("UnrealizedPnL") == "986.50"
    with pytest.raises(ValidationError, match="there is no account 'DU9'"):
        bench.venue.deposit("DU9", "MSFT", Decimal(50), Decimal("350.25"))


def test_account_window():
    bench = Bench(cash={"DU1": Decimal("10000.005")})
    bench.place(1, 1, buy(10, "185.00"))
    lines = [
        f"{each.key} {each.value} {each.currency}".rstrip()
        for each in bench.venue.account_values("DU1")
    ]
    assert lines == [
        "AccountCode DU1",
        "AccountReady true",
        "AccountType INDIVIDUAL",
        "Leverage-S 0.19",
        "NetLiquidation 9999.00 USD",
        "EquityWithLoanValue 9999.00 USD",
        "TotalCashValue 8149.00 USD",
        "SettledCash 8149.00 USD",
        "GrossPositionValue 1850.00 USD",
        "InitMarginReq 462.50 USD",
        "MaintMarginReq 462.50 USD",
        "FullInitMarginReq 462.50 USD",
        "FullMaintMarginReq 462.50 USD",
        "AvailableFunds 9536.50 USD",
        "FullAvailableFunds 9536.50 USD",
        "ExcessLiquidity 9536.50 USD",
        "BuyingPower 38146.02 USD",
        "CashBalance 8149.00 USD",
        "TotalCashBalance 8149.00 USD",
        "StockMarketValue 1850.00 USD",
        "NetLiquidationByCurrency 9999.00 USD",
        "RealizedPnL 0.00 USD",
        "UnrealizedPnL -1.00 USD",
        "ExchangeRate 1 USD",
        "CashBalance 8149.00 BASE",
        "TotalCashBalance 8149.00 BASE",
        "StockMarketValue 1850.00 BASE",
        "NetLiquidationByCurrency 9999.00 BASE",
        "RealizedPnL 0.00 BASE",
        "UnrealizedPnL -1.00 BASE",
        "ExchangeRate 1.00 BASE",
    ]


def test_unknown_account_is_an_error():
    bench = Bench()
    with pytest.raises(ValidationError, match="there is no account"):
        bench.venue.account_values("DU9")
    with pytest.raises(ValidationError, match="there is no account"):
        bench.venue.positions("DU9")
