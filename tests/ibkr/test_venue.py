"""What becomes of plain orders: their statuses, fills, money and holdings."""

from decimal import Decimal

import pytest
from tests.ibkr.venue_bench import Bench, buy, key, sell

from nanobook_core.errors import ValidationError
from nanobook_ibkr.simulator.commission import bps
from nanobook_ibkr.simulator.record import ContractDefinition, ContractKey, VenueRefusal
from nanobook_ibkr.simulator.venue import Venue


def test_limit_order_at_the_ask_fills_at_once():
    bench = Bench()
    order = bench.place(1, 1, buy(100, "185.00", order_ref="nb1-a"))
    assert bench.told() == [
        "1/1 PreSubmitted 0+100",
        "1/1 Submitted 0+100",
        "1/1 BUY 100 at 185.00",
        "1/1 Filled 100+0",
    ]
    assert (order.perm_id, order.avg_price) == (1853000001, Decimal("185.00"))
    (execution,) = bench.venue.executions
    assert execution.exec_id == "0000e0d5.00000001.01.01"
    assert execution.order_ref == "nb1-a"
    assert (execution.commission, execution.realized_pnl) == (Decimal(1), None)
    (position,) = bench.venue.positions("DU1234567")
    assert (position.quantity, position.avg_cost) == (100, Decimal("185.01"))
    assert bench.value("TotalCashValue") == "981499.00"
    assert bench.value("NetLiquidation") == "999999.00"


def test_limit_order_below_the_ask_rests_and_is_the_top():
    bench = Bench()
    bench.place(1, 1, buy(70, "184.99"))
    assert bench.told() == ["1/1 PreSubmitted 0+70", "1/1 Submitted 0+70"]
    top = bench.venue.top("AAPL")
    assert (top.bid, top.bid_size, top.ask, top.ask_size) == (
        Decimal("184.99"),
        70,
        Decimal("185.00"),
        1000,
    )


def test_clients_trade_with_each_other_inside_the_spread():
    bench = Bench(cash={"DU1": Decimal(100_000), "DU2": Decimal(100_000)})
    bench.place(1, 1, buy(70, "184.99", account="DU1"))
    bench.place(2, 1, sell(30, "184.99", account="DU2"))
    assert bench.state(1, 1) == "Submitted 30+40"
    assert bench.state(2, 1) == "Filled 30+0"
    maker, taker = bench.venue.executions
    assert (maker.is_maker, maker.account, taker.is_maker, taker.account) == (
        True,
        "DU1",
        False,
        "DU2",
    )
    assert bench.value("TotalCashValue", "DU1") == "94449.30"
    assert bench.value("TotalCashValue", "DU2") == "105548.70"
    assert [each.quantity for each in bench.venue.positions()] == [30, -30]


def test_market_order_takes_the_touch_and_then_what_is_behind():
    bench = Bench()
    bench.quote("99.99", "100.01", ask_size=60)
    bench.place(2, 1, sell(100, "100.05"))
    order = bench.place(1, 1, buy(100))
    assert (order.status, order.avg_price) == ("Filled", Decimal("100.026"))
    assert [each.price for each in bench.venue.executions if each.client_id == 1] == [
        Decimal("100.01"),
        Decimal("100.05"),
    ]


def test_market_order_that_finds_nobody_waits_for_the_next():
    bench = Bench()
    bench.venue.withdraw_quote("AAPL")
    bench.place(1, 1, buy(100))
    assert bench.state(1, 1) == "Submitted 0+100"
    bench.place(2, 1, sell(40, "185.20"))
    assert bench.state(1, 1) == "Submitted 40+60"
    bench.quote("185.00", "185.10", ask_size=500)
    assert bench.state(1, 1) == "Filled 100+0"
    assert [str(each.price) for each in bench.heard.executions] == ["185.20", "185.20", "185.10"]
    assert bench.venue.top("AAPL").ask_size == 440


def test_market_orders_that_wait_keep_their_turn():
    bench = Bench()
    bench.venue.withdraw_quote("AAPL")
    bench.place(1, 1, sell(1))
    bench.place(1, 2, sell(1))
    bench.place(1, 3, buy(1))
    bench.place(2, 1, buy(1, "99.90"))
    bench.quote("99.90", "99.91", bid_size=1, ask_size=1)
    assert [(each.client_id, each.order_id) for each in bench.heard.executions] == [
        (2, 1),
        (1, 1),
        (1, 2),
        (1, 3),
    ]


@pytest.mark.parametrize(
    ("tif", "quantity", "end"),
    [
        ("IOC", 100, "Cancelled 60+40"),
        ("FOK", 100, "Cancelled 0+100"),
        ("IOC", 60, "Filled 60+0"),
        ("FOK", 60, "Filled 60+0"),
        ("DAY", 100, "Submitted 60+40"),
        ("GTC", 100, "Submitted 60+40"),
    ],
)
@pytest.mark.parametrize("limit", ["100.01", None])
def test_what_is_left_goes_as_the_time_in_force_says(tif, quantity, end, limit):
    bench = Bench()
    bench.quote("99.99", "100.01", ask_size=60)
    bench.place(1, 1, buy(quantity, limit, tif=tif))
    assert bench.state(1, 1) == end
    is_cancelled = end.startswith("Cancelled")
    assert ("1/1 202 Order Canceled - reason:" in bench.told()) is is_cancelled


def test_quote_that_crosses_a_resting_order_trades_at_its_limit():
    bench = Bench()
    bench.place(1, 1, buy(100, "184.00"))
    bench.told()
    bench.quote("183.00", "183.50", ask_size=150)
    assert bench.told() == ["1/1 BUY 100 at 184.00", "1/1 Filled 100+0"]
    assert bench.venue.top("AAPL").ask_size == 50


def test_quote_offers_once_what_it_offers():
    bench = Bench()
    for number in range(1, 7):
        bench.place(1, number, buy(10, "184.00"))
    bench.quote("183.00", "183.50", ask_size=75)
    assert {each.status for each in bench.venue.orders} == {"Filled"}
    assert bench.venue.top("AAPL").ask_size == 15


def test_modified_order_keeps_its_place_only_if_it_shrinks():
    bench = Bench()
    bench.place(1, 1, buy(50, "184.99"))
    bench.place(2, 1, buy(50, "184.99"))
    bench.place(1, 1, buy(40, "184.99"))
    bench.place(3, 1, sell(40, "184.99"))
    assert (bench.state(1, 1), bench.state(2, 1)) == ("Filled 40+0", "Submitted 0+50")
    bench.place(1, 2, buy(10, "184.99"))
    bench.place(2, 1, buy(60, "184.99"))
    bench.place(3, 2, sell(10, "184.99"))
    assert (bench.state(1, 2), bench.state(2, 1)) == ("Filled 10+0", "Submitted 0+60")


def test_modified_order_keeps_number_perm_id_and_fills():
    bench = Bench()
    bench.place(1, 1, buy(100, "184.99"))
    bench.venue.fill(1853000001, Decimal(30))
    order = bench.place(1, 1, buy(120, "185.00"))
    assert (order.perm_id, order.status, order.filled) == (1853000001, "Filled", 120)
    assert order.avg_price == Decimal("184.9975")


def test_somebody_else_trades_with_a_resting_order_and_the_top_stays():
    bench = Bench()
    bench.place(1, 1, buy(100, "180.00"))
    before = bench.venue.top("AAPL")
    bench.venue.fill(1853000001, Decimal(30))
    after = bench.venue.top("AAPL")
    assert bench.state(1, 1) == "Submitted 30+70"
    assert (after.bid, after.ask, after.last) == (before.bid, before.ask, Decimal("180.00"))
    bench.venue.fill(1853000001, Decimal(70))
    assert bench.state(1, 1) == "Filled 100+0"
    with pytest.raises(ValidationError, match="does not rest"):
        bench.venue.fill(1853000001, Decimal(1))


@pytest.mark.parametrize("quantity", ["0", "-1", "101", "0.5"])
def test_nobody_trades_what_an_order_has_not(quantity):
    bench = Bench()
    bench.place(1, 1, buy(100, "180.00"))
    with pytest.raises(ValidationError):
        bench.venue.fill(1853000001, Decimal(quantity))
    assert bench.state(1, 1) == "Submitted 0+100"


def test_cancel_says_202_and_takes_the_order_out_of_the_book():
    bench = Bench()
    bench.place(1, 1, buy(100, "184.99"))
    bench.told()
    bench.venue.cancel(1, 1)
    assert bench.told() == ["1/1 Cancelled 0+100", "1/1 202 Order Canceled - reason:"]
    assert bench.venue.top("AAPL").bid == Decimal("184.98")


def test_cancel_all_cancels_what_every_client_has():
    bench = Bench()
    bench.place(1, 1, buy(100, "184.99"))
    bench.place(7, 1, sell(100, "600.06"), "NVDA")
    bench.venue.cancel_all()
    assert {each.status for each in bench.venue.orders} == {"Cancelled"}


def test_numbers_are_each_clients_own_and_perm_ids_everybodys():
    bench = Bench()
    bench.place(1, 5, buy(1, "184.99"))
    bench.place(2, 5, buy(1, "184.99"))
    manual = bench.venue.place_manual(key(), buy(1, "184.99"))
    another = bench.venue.place_manual(key(), buy(1, "184.99"))
    assert [each.perm_id - 1853000000 for each in bench.venue.orders] == [1, 2, 3, 4]
    assert (manual.client_id, manual.order_id, another.order_id) == (0, -1, -2)
    assert [bench.venue.next_order_id(client) for client in (0, 1, 2, 3)] == [1, 6, 6, 1]
    bench.venue.cancel_perm(manual.perm_id)
    bench.venue.cancel(0, -2)
    assert [each.status for each in bench.venue.orders[2:]] == ["Cancelled", "Cancelled"]


def test_commission_is_a_dollar_at_least_half_a_cent_a_share_and_one_percent_at_most():
    bench = Bench()
    bench.quote("0.98", "1.00")
    for number, quantity in enumerate((100, 1000, 50, 100_000), start=1):
        bench.place(1, number, buy(quantity))
    assert [str(each.commission) for each in bench.venue.executions] == [
        "1",
        "5.000",
        "0.5000",
        "500.000",
    ]


def test_commission_of_an_order_in_parts_is_that_of_the_whole():
    bench = Bench()
    bench.place(1, 1, buy(1000, "184.99"))
    for quantity in (100, 200, 300, 400):
        bench.venue.fill(1853000001, Decimal(quantity))
    assert [each.commission for each in bench.venue.executions] == [
        1,
        Decimal("0.5"),
        Decimal("1.5"),
        2,
    ]


def test_commission_may_be_in_bps():
    bench = Bench(commission=bps(Decimal(2)))
    bench.place(1, 1, buy(100))
    assert bench.venue.executions[0].commission == Decimal("3.7")


def test_positions_average_close_and_turn():
    bench = Bench(commission=lambda _quantity, _notional: Decimal(0))
    seen = []
    for number, (form, price) in enumerate(
        [
            (buy(100), "100.00"),
            (buy(100), "101.00"),
            (sell(50), "102.00"),
            (sell(250), "99.00"),
            (buy(100), "98.00"),
        ],
        start=1,
    ):
        touch = Decimal(price)
        is_buy = form.action == "BUY"
        tick = Decimal("0.01")
        bench.quote(touch - tick if is_buy else touch, touch if is_buy else touch + tick)
        bench.place(1, number, form)
        held = bench.venue.positions()
        seen.append(
            (
                [(str(each.quantity), str(each.avg_cost)) for each in held],
                str(bench.venue.executions[-1].realized_pnl),
            )
        )
    assert seen == [
        ([("100", "100.00")], "None"),
        ([("200", "100.50")], "None"),
        ([("150", "100.50")], "75.00"),
        ([("-100", "99.00")], "-225.00"),
        ([], "100.00"),
    ]
    assert bench.value("TotalCashValue") == "999950.00"
    assert bench.value("RealizedPnL") == "-50.00"


def test_trade_through_zero_shares_its_commission():
    bench = Bench(commission=bps(Decimal(100)))
    bench.quote("99.99", "100.00")
    bench.place(1, 1, buy(100))
    bench.quote("100.00", "100.01")
    bench.place(1, 2, sell(400))
    (position,) = bench.venue.positions()
    # 100 to buy; of the 400 to sell a quarter closes and three quarters open.
    assert bench.venue.executions[1].realized_pnl == -200
    assert (position.quantity, position.avg_cost) == (-300, 99)


def test_prices_and_sizes_move_in_the_contracts_own_steps():
    definition = ContractDefinition(
        con_id=9,
        symbol="PENNY",
        price_steps=((Decimal(0), Decimal("0.0001")), (Decimal(1), Decimal("0.01"))),
        min_size=Decimal("0.001"),
        size_increment=Decimal("0.001"),
    )
    bench = Bench(definitions=[definition])
    bench.quote("0.9998", "1.01", "PENNY")
    bench.place(1, 1, buy("0.125", "0.9999"), "PENNY")
    bench.place(2, 1, sell("0.1", "0.9999"), "PENNY")
    assert bench.state(1, 1) == "Submitted 0.100+0.025"
    with pytest.raises(VenueRefusal) as caught:
        bench.place(1, 2, buy("0.125", "1.0001"), "PENNY")
    assert caught.value.code == 110


def test_find_matches_what_is_given():
    venue = Venue()
    assert [each.con_id for each in venue.find(ContractKey(symbol="AAPL"))] == [265598]
    assert [each.symbol for each in venue.find(ContractKey(con_id=272093))] == ["MSFT"]
    assert venue.find(ContractKey(symbol="AAPL", exchange="NYSE")) == []
    assert [each.symbol for each in venue.find(ContractKey(symbol="AAPL", exchange="ISLAND"))] == [
        "AAPL"
    ]
    assert venue.find(ContractKey(symbol="AAPL", currency="EUR")) == []
    assert venue.find(ContractKey(symbol="NOPE")) == []
    assert venue.find(ContractKey()) == []
    assert [each.symbol for each in venue.matching("micro")] == ["MSFT", "AMD"]
    assert [each.symbol for each in venue.matching("GO")] == ["GOOGL"]
    assert venue.matching(" ") == []


def test_symbol_of_several_contracts_is_ambiguous_until_one_is_named():
    listed = [
        ContractDefinition(con_id=1, symbol="SAP", primary_exchange="NYSE"),
        ContractDefinition(con_id=2, symbol="SAP", primary_exchange="IBIS", currency="EUR"),
    ]
    bench = Bench(definitions=listed, rates={"EUR": Decimal("1.10")})
    with pytest.raises(VenueRefusal, match="ambiguous") as caught:
        bench.venue.place(1, 1, ContractKey(symbol="SAP", exchange="SMART"), buy(1, "10.00"))
    assert caught.value.code == 200
    with pytest.raises(ValidationError, match="give one of the ids 1, 2"):
        bench.venue.set_quote("SAP", None, Decimal(10))
    bench.venue.set_quote(2, None, Decimal(10))
    bench.venue.place(1, 1, key("SAP", currency="EUR"), buy(10))
    assert bench.value("CashBalance", currency="EUR") == "-101.00"
    assert bench.value("CashBalance", currency="BASE") == "999888.90"
    assert bench.value("ExchangeRate", currency="EUR") == "1.10"


def test_venue_that_cannot_be_is_refused():
    with pytest.raises(ValidationError, match="give its rate"):
        Venue([ContractDefinition(con_id=1, symbol="X", currency="EUR")])
    with pytest.raises(ValidationError, match="listed twice"):
        Venue([ContractDefinition(con_id=1, symbol="X"), ContractDefinition(con_id=1, symbol="Y")])
    with pytest.raises(ValidationError, match="at least one account"):
        Venue(cash={})


@pytest.mark.parametrize(
    ("bid", "ask", "sizes", "message"),
    [
        ("10.00", "10.00", {}, "bid must be below the ask"),
        ("10.01", "10.00", {}, "bid must be below the ask"),
        ("10.001", "10.02", {}, "steps of 0.01"),
        ("0", "10.02", {}, "above 0"),
        ("10.00", "10.02", {"bid_size": 0}, "above 0"),
        ("10.00", "10.02", {"ask_size": "0.5"}, "steps of 1"),
    ],
)
def test_quote_that_cannot_be_changes_nothing(bid, ask, sizes, message):
    bench = Bench()
    before = bench.venue.top("AAPL")
    with pytest.raises(ValidationError, match=message):
        bench.quote(bid, ask, **sizes)
    assert bench.venue.top("AAPL") == before
