"""What TWS refuses at the door: codes and texts in a table."""

import json
from decimal import Decimal
from pathlib import Path

import pytest
from attrs import evolve
from tests.ibkr.venue_bench import Bench, buy, form, key, sell

from nanobook_ibkr.simulator.record import ContractDefinition, VenueRefusal

ROWS = json.loads(Path(__file__).with_name("venue_refusals.json").read_text())


def snapshot(venue):
    return (
        venue.orders,
        venue.executions,
        venue.positions(),
        [venue.account_values(account) for account in venue.accounts],
        venue.top("AAPL"),
    )


def refused(call, *arguments):
    with pytest.raises(VenueRefusal) as caught:
        call(*arguments)
    return caught.value.code, caught.value.text


@pytest.mark.parametrize("row", ROWS, ids=[row["name"] for row in ROWS])
def test_refused_order_changes_nothing(row):
    bench = Bench()
    before = snapshot(bench.venue)
    asked = form(**{"limit_price": "185.00"} | row["form"])
    assert refused(bench.venue.place, 1, 1, key(**row["key"]), asked) == (row["code"], row["text"])
    assert snapshot(bench.venue) == before
    assert bench.told() == []
    # Only what the venue itself rejects uses the number up.
    assert bench.venue.next_order_id(1) == (2 if row["code"] == 201 else 1)


@pytest.mark.parametrize("row", ROWS, ids=[row["name"] for row in ROWS])
def test_refused_amendment_changes_nothing(row):
    bench = Bench()
    bench.place(1, 1, buy(100, "184.00"))
    bench.told()
    before = snapshot(bench.venue)
    asked = form(**{"limit_price": "184.00"} | row["form"])
    with pytest.raises(VenueRefusal):
        bench.venue.place(1, 1, key(**row["key"]), asked)
    assert snapshot(bench.venue) == before
    assert bench.told() == []


def test_number_that_was_used_is_a_duplicate():
    bench = Bench()
    bench.place(1, 5, buy(1, "184.00"))
    assert refused(bench.place, 1, 4, buy(1, "184.00")) == (103, "Duplicate order id")
    assert bench.place(2, 4, buy(1, "184.00")).order_id == 4


def test_order_that_is_over_cannot_be_modified():
    bench = Bench()
    bench.place(1, 1, buy(1, "185.00"))
    bench.place(1, 2, buy(1, "184.00"))
    bench.venue.cancel(1, 2)
    assert refused(bench.place, 1, 1, buy(2, "185.00")) == (104, "Cannot modify a filled order.")
    assert refused(bench.place, 1, 2, buy(2, "185.00")) == (
        104,
        "Cannot modify an order that is Cancelled.",
    )


@pytest.mark.parametrize(
    "asked",
    [
        sell(100, "184.00"),
        buy(100),
        buy(100, "184.00", tif="IOC"),
        buy(100, "184.00", oca_group="x"),
        buy(100, "184.00", account="DU2"),
    ],
)
def test_modified_order_must_be_the_same_order(asked):
    bench = Bench(cash={"DU1": Decimal(100_000), "DU2": Decimal(100_000)})
    bench.place(1, 1, buy(100, "184.00", account="DU1"))
    asked = asked if asked.account else evolve(asked, account="DU1")
    assert refused(bench.place, 1, 1, asked) == (
        105,
        "Order being modified does not match original order.",
    )
    assert bench.state(1, 1) == "Submitted 0+100"


def test_other_contract_is_not_the_same_order():
    bench = Bench()
    bench.place(1, 1, buy(1, "184.00"))
    assert refused(bench.place, 1, 1, buy(1, "184.00"), "MSFT")[0] == 105


def test_modified_order_must_be_larger_than_what_has_filled():
    bench = Bench()
    bench.place(1, 1, buy(100, "184.00"))
    bench.venue.fill(1853000001, Decimal(40))
    assert refused(bench.place, 1, 1, buy(40, "184.00")) == (
        105,
        "Order being modified does not match original order. 40 has filled; the size is above.",
    )
    assert bench.state(1, 1) == "Submitted 40+60"


def test_modification_cannot_be_held_back():
    bench = Bench()
    bench.place(1, 1, buy(100, "184.00"))
    assert refused(bench.place, 1, 1, buy(90, "184.00", transmit=False))[0] == 321


def test_cancel_of_what_is_unknown_or_somebody_elses():
    bench = Bench()
    bench.place(2, 7, buy(1, "184.00"))
    for cancel, arguments, number in (
        (bench.venue.cancel, (1, 7), 7),
        (bench.venue.cancel, (2, 8), 8),
        (bench.venue.cancel_perm, (12,), 12),
    ):
        assert refused(cancel, *arguments) == (
            10147,
            f"OrderId {number} that needs to be cancelled is not found.",
        )
    assert bench.state(2, 7) == "Submitted 0+1"


def test_cancel_of_what_is_over_says_its_state():
    bench = Bench()
    bench.place(1, 1, buy(1, "185.00"))
    assert refused(bench.venue.cancel, 1, 1) == (
        10148,
        "OrderId 1 that needs to be cancelled cannot be cancelled, state: Filled.",
    )


def test_account_must_be_named_where_there_are_several():
    bench = Bench(cash={"DU1": Decimal(1000), "DU2": Decimal(1000)})
    assert refused(bench.place, 1, 1, buy(1, "184.00")) == (435, "You must specify an account.")


def test_active_orders_of_a_side_are_limited_if_asked():
    bench = Bench(max_active_orders=2)
    bench.place(1, 1, buy(1, "184.00"))
    bench.place(2, 1, buy(1, "184.00"))
    bench.place(1, 2, sell(1, "186.00"))
    code, text = refused(bench.place, 1, 3, buy(1, "184.00"))
    assert code == 201
    assert text == (
        "Order rejected - reason:The account has 2 active orders on this side of the contract, "
        "which is as many as are allowed."
    )
    assert bench.place(1, 4, buy(1, "369.00"), "MSFT").status == "Submitted"


def test_size_below_the_least_is_refused():
    definition = ContractDefinition(
        con_id=9, symbol="BIG", min_size=Decimal(100), size_increment=Decimal(10)
    )
    bench = Bench(definitions=[definition])
    for quantity in (90, 105):
        code, text = refused(bench.place, 1, 1, buy(quantity, "1.00"), "BIG")
        assert code == 321
        assert text.endswith(f"The order size moves in steps of 10 from 100, got {quantity}")
    assert bench.place(1, 1, buy(110, "1.00"), "BIG").status == "Submitted"


def test_market_order_outside_hours_is_warned_of_and_goes_on():
    bench = Bench()
    bench.place(1, 1, buy(1, outside_hours=True))
    assert bench.told()[1].startswith("1/1 2109 Order Event Warning:Attribute 'Outside Regular")
    assert bench.state(1, 1) == "Filled 1+0"


def test_contract_id_and_symbol_of_two_contracts_conflict():
    bench = Bench()
    asked = key("MSFT", con_id=265598)
    code, text = refused(bench.venue.place, 1, 1, asked, buy(1, "1.00"))
    assert code == 478
    assert text.endswith("by contract id: requested symbol MSFT, in contract AAPL")
    bench.venue.place(1, 1, key("aapl", con_id=265598), buy(1, "1.00"))
    bench.venue.place(1, 2, key("", con_id=265598), buy(1, "1.00"))


@pytest.mark.parametrize("number", [0, -1])
def test_client_cannot_use_a_number_of_orders_that_are_typed_in(number):
    bench = Bench()
    assert refused(bench.place, 0, number, buy(1, "1.00")) == (103, "Duplicate order id")
    typed = bench.venue.place_manual(key(), buy(200, "101.00"))
    assert (typed.order_id, typed.form.quantity) == (-1, 200)
    bench.place(0, -1, buy(100, "101.00"))
    assert bench.state(0, -1) == "Submitted 0+100"
    assert len(bench.venue.orders) == 1


def test_manual_order_that_is_refused_uses_no_number_up():
    bench = Bench()
    assert refused(bench.venue.place_manual, key(), buy(10**7, "185.00"))[0] == 201
    assert bench.venue.place_manual(key(), buy(1, "1.00")).order_id == -1


def test_last_number_of_32_bits_cannot_be_used_for_want_of_a_next_one():
    bench = Bench()
    assert refused(bench.place, 1, 2**31 - 1, buy(1, "1.00"))[0] == 321
    bench.place(1, 2**31 - 2, buy(1, "1.00"))
    assert bench.venue.next_order_id(1) == 2**31 - 1


def test_attached_order_cannot_have_others_attached():
    bench = Bench()
    bench.place(1, 1, buy(1, "1.00", transmit=False))
    bench.place(1, 2, sell(1, "300.00", parent_id=1, transmit=False))
    assert refused(bench.place, 1, 3, sell(1, "301.00", parent_id=2)) == (
        201,
        "Order rejected - reason:An order that has a parent cannot be the parent of others.",
    )


def test_group_that_has_filled_takes_no_more_orders_today():
    bench = Bench()
    bench.place(1, 1, buy(100, oca_group="x"))
    assert refused(bench.place, 1, 2, buy(100, "180.00", oca_group="x")) == (
        201,
        "Order rejected - reason:OCA group is already filled: x",
    )
    bench.place(1, 3, buy(100, "180.00", oca_group="y"))
    bench.venue.end_of_day()
    bench.place(1, 4, buy(100, "180.00", oca_group="x"))


def test_what_if_of_an_attached_order_is_answered():
    bench = Bench()
    bench.place(1, 1, buy(100, "180.00", transmit=False))
    asked = sell(100, "300.00", parent_id=1)
    assert bench.venue.what_if(key(), asked, client_id=1).warning == ""
    assert refused(bench.venue.what_if, key(), asked)[0] == 135
