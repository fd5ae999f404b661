"""Halts, corrections, good-till-dates, the end of a day, and the order in which things are told."""

from decimal import Decimal

import pytest
from tests.ibkr.venue_bench import Bench, buy, sell
from tests.standing_clock import START

from nanobook_core.errors import ValidationError
from nanobook_ibkr.simulator.listener import VenueListener
from nanobook_ibkr.simulator.record import VenueRefusal


def test_halt_holds_orders_back_in_their_turn():
    bench = Bench()
    bench.place(9, 1, buy(5, "184.98"))
    bench.venue.halt("AAPL", 2)
    assert bench.venue.top("AAPL").halted == 2
    bench.place(1, 1, buy(10, "185.10"))
    bench.place(1, 2, buy(10))
    bench.place(1, 3, sell(10, "185.02"))
    bench.place(1, 4, buy(10, "185.10", tif="IOC"))
    assert [(each.status, each.why_held) for each in bench.venue.orders] == [
        ("Submitted", ""),
        ("PreSubmitted", "halted"),
        ("PreSubmitted", "halted"),
        ("PreSubmitted", "halted"),
        ("Cancelled", ""),
    ]
    with pytest.raises(ValidationError, match="trading is halted"):
        bench.venue.fill(1853000001, Decimal(5))
    bench.quote("185.00", "185.05", ask_size=15)
    assert bench.heard.executions == []
    bench.told()
    bench.venue.resume("AAPL")
    assert bench.venue.top("AAPL").halted == 0
    assert [line for line in bench.told() if " at " in line] == [
        "1/1 BUY 10 at 185.05",
        "1/2 BUY 5 at 185.05",
        "1/3 SELL 5 at 185.02",
        "1/2 BUY 5 at 185.02",
    ]


def test_market_order_from_before_a_halt_goes_before_those_that_came_in_it():
    bench = Bench()
    bench.venue.withdraw_quote("AAPL")
    bench.place(1, 1, buy(10))
    bench.venue.halt("AAPL")
    bench.place(1, 2, buy(10, "186.00"))
    bench.quote("184.00", "185.00", ask_size=15)
    bench.venue.resume("AAPL")
    assert [bench.state(1, 1), bench.state(1, 2)] == ["Filled 10+0", "Submitted 5+5"]


def test_orders_can_be_cancelled_and_modified_in_a_halt():
    bench = Bench()
    bench.place(1, 1, buy(10, "184.00"))
    bench.venue.halt("AAPL")
    bench.place(1, 2, buy(10, "184.00"))
    bench.place(1, 1, buy(10, "185.00"))
    assert bench.order(1, 1).why_held == "halted"
    bench.venue.cancel(1, 2)
    bench.venue.resume("AAPL")
    assert [bench.state(1, 1), bench.state(1, 2)] == ["Filled 10+0", "Cancelled 0+10"]


def test_halt_of_one_contract_leaves_the_others():
    bench = Bench()
    bench.venue.halt("AAPL")
    assert bench.place(1, 1, buy(1), "MSFT").status == "Filled"


def test_correction_of_a_price_moves_money_cost_and_average():
    bench = Bench()
    bench.place(1, 1, buy(100, "185.00"))
    bench.place(1, 2, sell(40, "184.98"))
    assert bench.venue.executions[1].realized_pnl == Decimal("-2.2")
    corrected = bench.venue.correct("0000e0d5.00000001.01.01", price=Decimal("184.00"))
    assert corrected.exec_id == "0000e0d5.00000001.01.02"
    assert [each.exec_id for each in bench.venue.executions] == [
        "0000e0d5.00000001.01.02",
        "0000e0d5.00000002.01.01",
    ]
    assert bench.order(1, 1).avg_price == 184
    (position,) = bench.venue.positions()
    assert (position.quantity, position.avg_cost) == (60, Decimal("184.01"))
    assert position.realized_pnl == Decimal("37.8")
    assert bench.value("TotalCashValue") == "988997.20"
    again = bench.venue.correct(corrected.exec_id, price=Decimal("185.00"))
    assert again.exec_id == "0000e0d5.00000001.01.03"
    assert bench.value("TotalCashValue") == "988897.20"


@pytest.mark.parametrize(
    ("quantity", "state", "resting"),
    [
        (20, "Submitted 20+80", 80),
        (40, "Submitted 40+60", 60),
        (30, "Submitted 30+70", 70),
        (100, "Filled 100+0", 1000),
    ],
)
def test_correction_of_a_quantity_changes_what_is_open(quantity, state, resting):
    bench = Bench()
    bench.place(1, 1, buy(100, "184.99"))
    bench.venue.fill(1853000001, Decimal(30))
    bench.venue.correct("0000e0d5.00000001.01.01", quantity=Decimal(quantity))
    assert bench.state(1, 1) == state
    assert bench.venue.top("AAPL").bid_size == resting
    assert bench.venue.positions()[0].quantity == quantity


def test_correction_that_cannot_be_changes_nothing():
    bench = Bench()
    bench.place(1, 1, buy(100, "184.99"))
    bench.venue.fill(1853000001, Decimal(30))
    before = (bench.venue.orders, bench.venue.executions, bench.venue.positions())
    for wrong in (
        {"quantity": Decimal(0)},
        {"quantity": Decimal(101)},
        {"quantity": Decimal("0.5")},
        {"price": Decimal(0)},
        {"price": Decimal("1.001")},
    ):
        with pytest.raises(ValidationError):
            bench.venue.correct("0000e0d5.00000001.01.01", **wrong)
    with pytest.raises(ValidationError, match="there is no execution"):
        bench.venue.correct("0000e0d5.00000001.01.02", price=Decimal(1))
    assert (bench.venue.orders, bench.venue.executions, bench.venue.positions()) == before


@pytest.mark.parametrize(
    ("date", "seconds"),
    [
        ("20261123 15:00:10 UTC", 10),
        ("20261123-15:00:10", 10),
        ("20261123 15:00:10", 10),
        ("20261123 10:00:10 US/Eastern", 10),
        ("20261123", 32399),
    ],
)
def test_order_is_good_till_its_date(date, seconds):
    bench = Bench()
    bench.place(1, 1, buy(10, "184.00", tif="GTD", good_till_date=date))
    bench.clock.passed = seconds - 1
    bench.venue.expire()
    assert bench.state(1, 1) == "Submitted 0+10"
    bench.clock.passed = seconds
    bench.venue.expire()
    assert bench.state(1, 1) == "Cancelled 0+10"


def test_modified_order_is_good_till_its_new_date():
    bench = Bench()
    bench.place(1, 1, buy(10, "184.00", tif="GTD", good_till_date="20261123 15:00:10"))
    bench.place(1, 1, buy(10, "184.00", tif="GTD", good_till_date="20261123 15:00:20"))
    bench.clock.passed = 19
    bench.venue.expire()
    assert bench.state(1, 1) == "Submitted 0+10"
    bench.place(1, 1, buy(10, "184.00", tif="GTC"))
    bench.clock.passed = 30
    bench.venue.expire()
    assert bench.state(1, 1) == "Submitted 0+10"


def test_order_that_is_over_does_not_trade_with_the_next_request():
    bench = Bench()
    bench.place(1, 1, buy(10, "184.00", tif="GTD", good_till_date="20261123 15:00:10"))
    bench.clock.passed = 11
    bench.quote("183.00", "183.50")
    assert bench.state(1, 1) == "Cancelled 0+10"


def test_end_of_day_ends_day_orders_and_forgets_what_is_over():
    bench = Bench()
    bench.place(1, 1, buy(10, "184.00"))
    bench.place(1, 2, buy(10, "184.00", tif="GTC"))
    bench.place(1, 3, buy(10, "185.00"))
    bench.place(1, 4, sell(5, "184.98"))
    bench.told()
    bench.venue.end_of_day()
    assert bench.told() == ["1/1 Cancelled 0+10", "1/1 202 Order Canceled - reason:"]
    assert [each.order_id for each in bench.venue.orders] == [2]
    assert bench.venue.executions == ()
    (position,) = bench.venue.positions()
    assert (position.quantity, position.avg_cost, position.realized_pnl) == (
        5,
        Decimal("185.1"),
        0,
    )
    top = bench.venue.top("AAPL")
    assert (top.close, top.volume, top.high) == (Decimal("184.98"), 0, None)
    with pytest.raises(VenueRefusal) as caught:
        bench.place(1, 3, buy(10, "185.00"))
    assert caught.value.code == 103
    with pytest.raises(VenueRefusal) as caught:
        bench.venue.cancel(1, 1)
    assert caught.value.code == 10147
    bench.venue.fill(1853000002, Decimal(10))
    assert bench.state(1, 2) == "Filled 10+0"
    assert bench.venue.executions[0].exec_id == "0000e0d5.00000003.01.01"


def test_correction_on_another_day_starts_from_what_was_held_then():
    bench = Bench()
    bench.place(1, 1, buy(10, "185.00"))
    bench.venue.end_of_day()
    bench.place(1, 2, buy(10, "185.00"))
    bench.venue.correct("0000e0d5.00000002.01.01", price=Decimal("184.00"))
    (position,) = bench.venue.positions()
    assert (position.quantity, position.avg_cost) == (20, Decimal("184.6"))


def test_price_that_was_only_quoted_goes_with_the_quote_and_a_print_stays():
    bench = Bench()
    bench.venue.withdraw_quote("AAPL")
    assert bench.venue.top("AAPL").last is None
    bench.place(1, 1, buy(10), "MSFT")
    bench.venue.withdraw_quote("MSFT")
    assert bench.venue.top("MSFT").last == Decimal("370.02")


def test_holding_without_a_quote_is_worth_the_close():
    bench = Bench()
    bench.place(1, 1, buy(10, "185.00"))
    bench.venue.end_of_day()
    bench.venue.withdraw_quote("AAPL")
    assert bench.venue.top("AAPL").last is None
    assert bench.value("GrossPositionValue") == "1850.00"


def test_tape_has_the_days_prints():
    bench = Bench()
    for number, order in enumerate((buy(10), sell(20), buy(30)), start=1):
        bench.place(1, number, order)
    top = bench.venue.top("AAPL")
    assert (top.last, top.last_size, top.volume) == (Decimal("185.00"), 30, 60)
    assert (top.open, top.high, top.low) == (
        Decimal("185.00"),
        Decimal("185.00"),
        Decimal("184.98"),
    )
    assert top.time == START


class Everything(VenueListener):
    def __init__(self, venue):
        self.venue = venue
        self.names = []

    def order_changed(self, order):
        self.names.append(f"order {order.status}")

    def executed(self, execution):
        self.names.append(f"executed {execution.quantity}")

    def commission_known(self, execution):
        self.names.append(f"commission {execution.commission}")

    def position_changed(self, position):
        self.names.append(f"position {position.quantity}")

    def account_changed(self, account):
        self.names.append(f"account {account}")

    def top_changed(self, contract):
        self.names.append(f"top {contract.symbol}")


def test_fill_is_told_in_the_order_in_which_tws_tells_it():
    bench = Bench()
    everything = Everything(bench.venue)
    bench.venue.listeners.append(everything)
    bench.place(1, 1, buy(10))
    assert everything.names == [
        "order PreSubmitted",
        "order Submitted",
        "executed 10",
        "order Filled",
        "commission 1",
        "position 10",
        "account DU1234567",
        "top AAPL",
    ]


def test_listener_may_order_too_and_is_told_in_turn():
    bench = Bench()

    class Chaser(VenueListener):
        def executed(self, execution):
            if execution.order_id == 1:
                bench.place(1, 2, sell(10))

    bench.venue.listeners.insert(0, Chaser())
    bench.place(1, 1, buy(10))
    assert bench.told() == [
        "1/1 PreSubmitted 0+10",
        "1/1 Submitted 0+10",
        "1/1 BUY 10 at 185.00",
        "1/1 Filled 10+0",
        "1/2 PreSubmitted 0+10",
        "1/2 Submitted 0+10",
        "1/2 SELL 10 at 184.98",
        "1/2 Filled 10+0",
    ]


def test_venue_whose_listener_fails_has_done_what_it_was_asked():
    bench = Bench()

    class Broken(VenueListener):
        def executed(self, execution):
            raise OSError("socket is gone")

    bench.venue.listeners.append(Broken())
    with pytest.raises(OSError, match="socket is gone"):
        bench.place(1, 1, buy(10))
    bench.venue.listeners.pop()
    bench.venue.expire()
    assert bench.state(1, 1) == "Filled 10+0"
    assert bench.told()[-1] == "1/1 Filled 10+0"
