"""Orders that had no price, or another one, when their margin was looked at."""

from decimal import Decimal

import pytest
from tests.ibkr.venue_bench import Bench, buy, form, sell

from nanobook_ibkr.simulator.record import ContractDefinition

ABC = ContractDefinition(con_id=1, symbol="ABC")  # has no close
REFUSED = "Order rejected - reason:YOUR ORDER IS NOT ACCEPTED."


@pytest.mark.parametrize("leverage", [1, 4])
@pytest.mark.parametrize(
    "asked",
    [
        buy(1_000_000),
        sell(1_000_000),
        form(order_type="TRAIL", quantity=1_000_000, aux_price="1"),
        form("SELL", order_type="TRAIL", quantity=1_000_000, trailing_percent="1"),
    ],
)
def test_order_without_a_price_is_looked_at_once_there_is_one(asked, leverage):
    bench = Bench(definitions=[ABC], leverage=Decimal(leverage))
    if leverage == 1:
        bench.venue.deposit("DU1234567", "ABC", Decimal(1_000_000), Decimal(1))
    bench.place(1, 1, asked, "ABC")
    bench.quote("184.98", "185.00", "ABC")
    if leverage == 1 and asked.action == "SELL":  # a cash account may sell what it holds
        assert bench.order(1, 1).status in ("Filled", "PreSubmitted")
        return
    assert bench.state(1, 1) == "Inactive 0+1000000"
    assert bench.order(1, 1).reason.startswith(REFUSED)
    assert Decimal(bench.value("TotalCashValue")) == 1_000_000


def test_order_without_a_price_that_can_be_paid_trades_and_counts_from_then_on():
    bench = Bench(definitions=[ABC])
    bench.place(1, 1, buy(100), "ABC")
    bench.place(1, 2, form(order_type="TRAIL", quantity=100, aux_price="5"), "ABC")
    assert bench.value("AvailableFunds") == "1000000.00"
    bench.quote("184.98", "185.00", "ABC")
    assert bench.state(1, 1) == "Filled 100+0"
    # 100 at 185.00 and 100 at 189.98, with a leverage of 4, and a commission.
    assert bench.value("AvailableFunds") == "990624.50"


@pytest.mark.parametrize("asked", [buy(5000), buy(5000, "185.00")])
def test_order_is_looked_at_again_after_a_halt(asked):
    bench = Bench(leverage=Decimal(1))
    bench.venue.halt("AAPL")
    bench.place(1, 1, asked)
    bench.place(1, 2, buy(100, "185.00"))
    bench.quote("18498.00", "18500.00")
    bench.venue.resume("AAPL")
    status = "Inactive" if asked.limit_price is None else "Submitted"
    assert bench.state(1, 1) == f"{status} 0+5000"
    assert bench.state(1, 2) == "Submitted 0+100"
    assert bench.value("TotalCashValue") == "1000000.00"


def test_stop_is_looked_at_again_when_it_goes_off():
    bench = Bench(leverage=Decimal(1))
    bench.place(1, 1, buy(5000, None, "STP", aux_price="190.00"))
    bench.quote("18498.00", "18500.00")
    assert bench.state(1, 1) == "Inactive 0+5000"
    assert bench.value("TotalCashValue") == "1000000.00"


def test_market_order_that_has_filled_in_part_is_cancelled_if_the_rest_is_too_dear():
    bench = Bench(leverage=Decimal(1))
    bench.quote("184.98", "185.00", ask_size=1000)
    bench.place(1, 1, buy(5000))
    assert bench.state(1, 1) == "Submitted 1000+4000"
    bench.told()
    bench.quote("18498.00", "18500.00")
    assert bench.state(1, 1) == "Cancelled 1000+4000"
    assert bench.told()[-1].startswith(f"1/1 201 {REFUSED}")


def test_who_has_lost_too_much_may_still_close_with_a_stop():
    bench = Bench(cash={"DU1": Decimal(10_000)})
    bench.quote("99.99", "100.00")
    bench.place(1, 1, buy(390, "100.00"))
    bench.place(1, 2, sell(390, None, "STP", aux_price="90.00"))
    bench.quote("79.99", "80.00")
    assert bench.state(1, 2) == "Filled 390+0"


def test_orders_that_rest_count_at_their_limits_and_those_of_a_group_once():
    bench = Bench(cash={"DU1": Decimal(1_000_000)})
    for number in range(1, 301):
        bench.place(1, number, buy(1, "100.00"))
    for number in range(301, 304):
        bench.place(1, number, buy(10, "90.00", oca_group="x"))
    for number in range(304, 306):
        bench.place(1, number, sell(100, "300.00"))
    assert bench.value("AvailableFunds", "DU1") == "985000.00"  # the sales, of 60,000, are more
    bench.venue.fill(1853000304, Decimal(40))
    bench.venue.cancel(1, 305)
    bench.place(1, 304, sell(100, "200.00"))
    assert bench.value("InitMarginReq", "DU1") == "3000.00"
    # 40 short at 300, and 60 more at 200.
    assert bench.value("AvailableFunds", "DU1") == "993999.00"
