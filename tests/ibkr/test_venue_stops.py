"""Stops, trailing stops, brackets and one-cancels-all groups."""

from decimal import Decimal

import pytest
from tests.ibkr.venue_bench import Bench, buy, key, sell

from nanobook_ibkr.simulator.record import VenueRefusal


def bench_at(bid, ask, **settings):
    bench = Bench(**settings)
    bench.quote(bid, ask)
    return bench


def bracket(bench, quantity=10, entry="185.00", target="190.00", stop="180.00"):
    bench.place(1, 1, buy(quantity, entry, transmit=False))
    bench.place(1, 2, sell(quantity, target, parent_id=1, transmit=False))
    bench.place(1, 3, sell(quantity, order_type="STP", aux_price=stop, parent_id=1))


@pytest.mark.parametrize(
    ("order", "quiet", "touching", "state"),
    [
        (
            buy(10, order_type="STP", aux_price="101.00"),
            ("100.98", "101.50"),
            ("101.00", "101.02"),
            "Filled 10+0 at 101.02",
        ),
        (
            sell(10, order_type="STP", aux_price="99.00"),
            ("98.50", "99.01"),
            ("98.98", "99.00"),
            "Filled 10+0 at 98.98",
        ),
        (
            buy(10, "101.01", "STP LMT", aux_price="101.00"),
            ("100.98", "101.50"),
            ("101.00", "101.02"),
            "Submitted 0+10 at 0",
        ),
        (
            sell(10, "98.98", "STP LMT", aux_price="99.00"),
            ("98.50", "99.01"),
            ("98.98", "99.00"),
            "Filled 10+0 at 98.98",
        ),
    ],
)
def test_stop_goes_off_where_the_last_price_touches_it(order, quiet, touching, state):
    bench = bench_at("99.99", "100.01")
    bench.place(1, 1, order)
    assert bench.order(1, 1).why_held == "trigger"
    bench.quote(*quiet)
    assert bench.state(1, 1) == "PreSubmitted 0+10"
    bench.quote(*touching)
    found = bench.order(1, 1)
    assert f"{bench.state(1, 1)} at {found.avg_price}" == state
    assert found.why_held == ""


def test_stop_beyond_the_market_goes_off_at_once():
    bench = bench_at("99.99", "100.01")
    assert bench.place(1, 1, sell(10, order_type="STP", aux_price="100.50")).status == "Filled"


def test_trades_of_others_set_stops_off_which_set_off_others():
    bench = bench_at("99.00", "101.00")
    bench.quote("99.00", "101.00", bid_size=100, ask_size=100, last="100.00")
    bench.place(1, 1, sell(30, order_type="STP", aux_price="99.50"))
    bench.place(1, 2, sell(30, order_type="STP", aux_price="98.50"))
    bench.place(3, 1, buy(200, "98.00"))
    bench.told()
    bench.place(2, 1, sell(80))
    assert [line for line in bench.told() if " at " in line] == [
        "2/1 SELL 80 at 99.00",
        "1/1 SELL 20 at 99.00",
        "3/1 BUY 10 at 98.00",
        "1/1 SELL 10 at 98.00",
        "3/1 BUY 30 at 98.00",
        "1/2 SELL 30 at 98.00",
    ]


def test_every_print_of_a_sweep_sets_stops_off():
    bench = bench_at("90.00", "95.00")
    bench.quote("90.00", "95.00", ask_size=10, last="110.00")
    bench.place(1, 1, sell(5, order_type="STP", aux_price="96.00"))
    bench.place(3, 1, sell(10, "105.00"))
    bench.place(2, 1, buy(20))
    assert bench.venue.top("AAPL").last == Decimal("90.00")
    assert bench.state(1, 1) == "Filled 5+0"


@pytest.mark.parametrize(
    ("order", "steps"),
    [
        (
            sell(10, order_type="TRAIL", aux_price="1.00"),
            [("100.00", "99.00"), ("101.00", "100.00"), ("100.50", "100.00"), ("100.01", "100.00")],
        ),
        (
            buy(10, order_type="TRAIL", aux_price="1.00"),
            [("100.00", "101.00"), ("99.00", "100.00"), ("99.50", "100.00"), ("99.99", "100.00")],
        ),
        (
            sell(10, order_type="TRAIL", trailing_percent="1.5"),
            [("100.00", "98.50"), ("101.11", "99.59"), ("100.00", "99.59")],
        ),
        (
            buy(10, order_type="TRAIL", trailing_percent="1.5"),
            [("100.00", "101.50"), ("99.11", "100.60"), ("100.00", "100.60")],
        ),
        (
            sell(10, order_type="TRAIL", aux_price="5", trail_stop_price="98.00"),
            [("100.00", "98.00"), ("102.00", "98.00"), ("104.00", "99.00")],
        ),
    ],
)
def test_trailing_stop_follows_and_only_tightens(order, steps):
    bench = Bench()
    bench.quote("90.00", "110.00", last=steps[0][0])
    bench.place(1, 1, order)
    seen = []
    for last, _ in steps:
        bench.quote("90.00", "110.00", last=last)
        seen.append((last, str(bench.order(1, 1).form.trail_stop_price)))
    assert seen == steps
    bench.quote("90.00", "110.00", last=steps[-1][1])
    assert bench.state(1, 1) == "Filled 10+0"


def test_trailing_stop_that_is_made_smaller_stays_where_it_is():
    bench = Bench()
    bench.quote("90.00", "110.00", last="100.00")
    bench.place(1, 1, sell(10, order_type="TRAIL", aux_price="1.00"))
    bench.quote("90.00", "110.00", last="99.50")
    bench.place(1, 1, sell(5, order_type="TRAIL", aux_price="1.00"))
    assert bench.order(1, 1).form.trail_stop_price == Decimal("99.00")
    bench.place(1, 1, sell(5, order_type="TRAIL", aux_price="1.00", trail_stop_price="98.80"))
    assert bench.order(1, 1).form.trail_stop_price == Decimal("98.80")
    bench.place(1, 1, sell(5, order_type="TRAIL", aux_price="2.00"))
    assert bench.order(1, 1).form.trail_stop_price == Decimal("97.50")


def test_modified_stop_waits_at_its_new_price():
    bench = bench_at("99.99", "100.01")
    bench.place(1, 1, sell(10, order_type="STP", aux_price="99.00"))
    bench.place(1, 1, sell(10, order_type="STP", aux_price="98.00"))
    bench.quote("98.98", "99.00")
    assert bench.state(1, 1) == "PreSubmitted 0+10"
    bench.quote("97.98", "98.00")
    assert bench.state(1, 1) == "Filled 10+0"


def test_order_that_is_held_back_goes_with_transmit():
    bench = Bench()
    bench.place(1, 1, buy(10, "185.00", transmit=False))
    assert bench.state(1, 1) == "ApiPending 0+10"
    bench.place(1, 1, buy(20, "185.00"))
    assert bench.state(1, 1) == "Filled 20+0"


def test_order_that_was_never_sent_is_api_cancelled():
    bench = Bench()
    bench.place(1, 1, buy(10, "185.00", transmit=False))
    bench.venue.cancel(1, 1)
    assert bench.told() == [
        "1/1 ApiPending 0+10",
        "1/1 ApiCancelled 0+10",
        "1/1 202 Order Canceled - reason:",
    ]


def test_bracket_waits_for_its_last_order_and_then_for_its_parent():
    bench = Bench()
    bracket(bench, entry="184.00")
    assert [(each.status, each.why_held) for each in bench.venue.orders] == [
        ("Submitted", ""),
        ("PreSubmitted", "child"),
        ("PreSubmitted", "child"),
    ]
    bench.venue.fill(1853000001, Decimal(4))
    assert bench.order(1, 2).why_held == "child"
    bench.venue.fill(1853000001, Decimal(6))
    assert [(each.status, each.why_held) for each in bench.venue.orders] == [
        ("Filled", ""),
        ("Submitted", ""),
        ("PreSubmitted", "trigger"),
    ]


@pytest.mark.parametrize(
    ("quote", "states"),
    [
        (("190.00", "190.02"), ["Filled 10+0", "Filled 10+0", "Cancelled 0+10"]),
        (("179.98", "180.00"), ["Filled 10+0", "Cancelled 0+10", "Filled 10+0"]),
    ],
)
def test_one_end_of_a_bracket_cancels_the_other(quote, states):
    bench = Bench()
    bracket(bench)
    bench.quote(*quote)
    assert [bench.state(1, number) for number in (1, 2, 3)] == states
    assert bench.venue.positions() == ()


def test_part_of_a_target_reduces_the_stop():
    bench = Bench()
    bracket(bench)
    assert bench.order(1, 3).form.oca_group == "1853000001"
    bench.venue.fill(1853000002, Decimal(4))
    assert (bench.state(1, 2), bench.state(1, 3)) == ("Submitted 4+6", "PreSubmitted 0+6")
    bench.quote("179.98", "180.00")
    assert (bench.state(1, 2), bench.state(1, 3)) == ("Cancelled 4+6", "Filled 6+0")


def test_both_ends_of_a_bracket_sell_the_same_shares():
    bench = Bench()
    bench.venue.set_shortable("AAPL", is_shortable=False)
    bracket(bench)
    assert [each.why_held for each in bench.venue.orders] == ["", "", "trigger"]


def test_parent_that_is_cancelled_takes_its_children_along():
    bench = Bench()
    bracket(bench, entry="184.00")
    bench.venue.cancel(1, 1)
    assert {each.status for each in bench.venue.orders} == {"Cancelled"}


def test_child_that_is_cancelled_leaves_the_others():
    bench = Bench()
    bracket(bench, entry="184.00")
    bench.venue.cancel(1, 2)
    assert [each.status for each in bench.venue.orders] == [
        "Submitted",
        "Cancelled",
        "PreSubmitted",
    ]


def test_child_may_be_modified_in_its_bracket():
    bench = Bench()
    bracket(bench)
    bench.place(1, 2, sell(10, "188.00", parent_id=1))
    bench.quote("188.00", "188.02")
    assert [bench.state(1, number) for number in (2, 3)] == ["Filled 10+0", "Cancelled 0+10"]


def test_child_of_an_order_that_is_over_is_refused():
    bench = Bench()
    bench.place(1, 1, buy(10, "185.00"))
    with pytest.raises(VenueRefusal) as caught:
        bench.place(1, 2, sell(10, "190.00", parent_id=1))
    assert caught.value.code == 135


def test_children_need_no_margin_until_their_parent_has_filled():
    bench = Bench(cash={"DU1": Decimal(1000)}, leverage=Decimal(1))
    bench.place(1, 1, buy(5, "180.00", transmit=False))
    bench.place(1, 2, sell(5, "190.00", parent_id=1, transmit=False))
    bench.place(1, 3, buy(50, "170.00", parent_id=1))
    bench.venue.fill(1853000001, Decimal(5))
    assert bench.state(1, 2) == "Submitted 0+5"
    assert bench.state(1, 3) == "Inactive 0+50"
    assert bench.told()[-1].startswith("1/3 201 Order rejected - reason:YOUR ORDER IS NOT ACCEPTED")


@pytest.mark.parametrize(
    ("oca_type", "after_part", "after_all"),
    [
        (0, ["Submitted 40+60", "Cancelled 0+50"], ["Filled 100+0", "Cancelled 0+50"]),
        (1, ["Submitted 40+60", "Cancelled 0+50"], ["Filled 100+0", "Cancelled 0+50"]),
        (2, ["Submitted 40+60", "Submitted 0+30"], ["Filled 100+0", "Cancelled 0+30"]),
        (3, ["Submitted 40+60", "Submitted 0+30"], ["Filled 100+0", "Cancelled 0+30"]),
    ],
)
def test_group_goes_as_its_type_says(oca_type, after_part, after_all):
    bench = Bench()
    bench.place(1, 1, buy(100, "184.00", oca_group="x", oca_type=oca_type))
    bench.venue.place(1, 2, key("MSFT"), buy(50, "369.00", oca_group="x", oca_type=oca_type))
    bench.venue.fill(1853000001, Decimal(40))
    assert [bench.state(1, 1), bench.state(1, 2)] == after_part
    bench.venue.fill(1853000001, Decimal(60))
    assert [bench.state(1, 1), bench.state(1, 2)] == after_all


def test_one_sweep_cannot_fill_two_of_a_group():
    bench = bench_at("90.00", "110.00")
    bench.place(1, 1, buy(10, "100.00", oca_group="x"))
    bench.place(1, 2, buy(10, "100.00", oca_group="x"))
    bench.place(1, 3, buy(10, "99.00"))
    bench.place(2, 1, sell(15, "95.00"))
    assert [bench.state(1, number) for number in (1, 2, 3)] == [
        "Filled 10+0",
        "Cancelled 0+10",
        "Submitted 5+5",
    ]


def test_one_quote_cannot_fill_two_of_a_group():
    bench = bench_at("90.00", "110.00")
    bench.place(1, 1, buy(10, "100.00", oca_group="x"))
    bench.place(1, 2, buy(10, "100.00", oca_group="x"))
    bench.place(1, 3, buy(10, "99.00"))
    bench.quote("90.00", "95.00", ask_size=15)
    assert [bench.state(1, number) for number in (1, 2, 3)] == [
        "Filled 10+0",
        "Cancelled 0+10",
        "Submitted 5+5",
    ]


def test_fill_or_kill_counts_a_group_once():
    bench = bench_at("90.00", "110.00")
    bench.place(1, 1, buy(10, "100.00", oca_group="x"))
    bench.place(1, 2, buy(10, "100.00", oca_group="x"))
    assert bench.place(2, 1, sell(15, "95.00", tif="FOK")).status == "Cancelled"
    assert bench.place(2, 2, sell(10, "95.00", tif="FOK")).status == "Filled"


def test_groups_of_two_accounts_have_nothing_to_do_with_each_other():
    bench = Bench(cash={"DU1": Decimal(100_000), "DU2": Decimal(100_000)})
    bench.place(1, 1, buy(10, "184.00", oca_group="x", account="DU1"))
    bench.place(1, 2, buy(10, "184.00", oca_group="x", account="DU2"))
    bench.venue.fill(1853000001, Decimal(10))
    assert bench.state(1, 2) == "Submitted 0+10"


def test_order_that_meets_its_own_group_ends_it():
    bench = bench_at("90.00", "110.00")
    bench.place(1, 1, buy(10, "100.00", oca_group="x"))
    bench.place(1, 2, sell(15, "95.00", oca_group="x"))
    assert [bench.state(1, 1), bench.state(1, 2)] == ["Filled 10+0", "Cancelled 10+5"]
