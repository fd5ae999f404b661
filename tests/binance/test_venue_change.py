"""Orders that are cancelled, replaced and amended, and what their client ids mean."""

from decimal import Decimal

import pytest
from attrs import evolve
from tests.binance.venue_bench import START_MS, Bench, buy, sell, text

from nanobook_binance.simulator.venue import Refusal, default_symbols


def refused(act, *more, **named):
    """Code and words of what is refused."""
    with pytest.raises(Refusal) as caught:
        act(*more, **named)
    return caught.value.code, caught.value.message


UNKNOWN = (-2011, "Unknown order sent.")


def test_cancelled_order_gives_back_what_it_locked():
    bench = Bench()
    bench.place("a", buy("1", "50000", client_order_id="mine"))
    bench.venue.fill("a", 1001, Decimal("0.4"), symbol="BTCUSDT")
    order = bench.venue.cancel("a", "BTCUSDT", 1001, new_client_order_id="undo")
    assert (order.status, order.client_order_id) == ("CANCELED", "mine")
    assert order.cancel_client_order_id == "undo"
    assert bench.state("a", 1001) == "CANCELED 0.4+0.6"
    assert bench.has("a", "USDT") == "80000+0"
    assert bench.venue.open_orders("a") == []


def test_cancel_finds_the_open_order_by_either_name():
    bench = Bench()
    bench.place("a", buy("0.1", "50000", client_order_id="mine"))
    assert bench.venue.cancel("a", "BTCUSDT", None, "mine").order_id == 1001
    bench.place("a", buy("0.1", "50000", client_order_id="mine"))
    assert bench.venue.cancel("a", "BTCUSDT", 1002, "mine").order_id == 1002


def test_cancel_of_what_is_not_open_is_refused():
    bench = Bench()
    bench.place("a", buy("0.1", "60000.01", client_order_id="mine"))
    bench.place("b", buy("0.1", "50000", client_order_id="yours"))
    cancel = bench.venue.cancel
    assert refused(cancel, "a", "BTCUSDT", 1001) == UNKNOWN
    assert refused(cancel, "a", "BTCUSDT", None, "mine") == UNKNOWN
    assert refused(cancel, "a", "BTCUSDT", 1002) == UNKNOWN
    assert refused(cancel, "a", "BTCUSDT", None, "yours") == UNKNOWN
    assert refused(cancel, "a", "BTCUSDT", 7) == UNKNOWN
    assert refused(cancel, "b", "ETHUSDT", 1002) == UNKNOWN
    assert refused(cancel, "b", "BTCUSD", 1002) == (-1121, "Invalid symbol.")
    assert refused(cancel, "b", "BTCUSDT") == (
        -1102,
        "Param 'origClientOrderId' or 'orderId' must be sent, but both were empty/null!",
    )
    assert refused(cancel, "b", "BTCUSDT", 1002, "mine") == (
        -2039,
        "The client order ID is not correct for this order ID.",
    )
    assert bench.state("b", 1002) == "NEW 0+0.1"


def test_cancel_keeps_to_its_restriction():
    bench = Bench()
    bench.place("a", buy("1", "50000"))
    cancel, no = bench.venue.cancel, "Order was not canceled due to cancel restrictions."
    assert refused(cancel, "a", "BTCUSDT", 1001, restriction="ONLY_PARTIALLY_FILLED") == (-2011, no)
    bench.venue.fill("a", 1001, Decimal("0.4"), symbol="BTCUSDT")
    assert refused(cancel, "a", "BTCUSDT", 1001, restriction="ONLY_NEW") == (-2011, no)
    assert refused(cancel, "a", "BTCUSDT", 1001, restriction="ONLY_OLD") == (
        -1145,
        "`cancelRestrictions` has to be either `ONLY_NEW` or `ONLY_PARTIALLY_FILLED`.",
    )
    cancel("a", "BTCUSDT", 1001, restriction="ONLY_PARTIALLY_FILLED")
    assert bench.state("a", 1001) == "CANCELED 0.4+0.6"


@pytest.mark.parametrize(
    ("status", "ends"),
    [("HALT", False), ("BREAK", False), ("END_OF_DAY", False), ("CANCEL_ONLY", True)],
)
def test_cancel_is_possible_only_while_the_book_moves(status, ends):
    bench = Bench()
    bench.place("a", buy("1", "50000"))
    bench.venue.set_status("BTCUSDT", status)
    if ends:
        bench.venue.cancel("a", "BTCUSDT", 1001)
        assert bench.state("a", 1001) == "CANCELED 0+1"
    else:
        closed = (-2011, "Market is closed.")
        assert refused(bench.venue.cancel, "a", "BTCUSDT", 1001) == closed
        assert refused(bench.venue.cancel_all, "a", "BTCUSDT") == closed
        assert bench.state("a", 1001) == "NEW 0+1"


def test_cancel_all_takes_one_symbol_and_one_account():
    bench = Bench()
    bench.place("a", buy("0.1", "50000"))
    bench.place("a", sell("0.1", None, "STOP_LOSS", stop_price="50000"))
    bench.place("a", buy("0.1", "2000", symbol="ETHUSDT"))
    bench.place("b", buy("0.1", "50000"))
    found = bench.venue.cancel_all("a", "BTCUSDT")
    assert [(each.order_id, each.status) for each in found] == [
        (1001, "CANCELED"),
        (1002, "CANCELED"),
    ]
    assert [each.symbol for each in bench.venue.open_orders("a")] == ["ETHUSDT"]
    assert refused(bench.venue.cancel_all, "a", "BTCUSDT") == UNKNOWN
    assert bench.state("b", 1003) == "NEW 0+0.1"


def test_order_numbers_count_per_symbol_and_meet():
    bench = Bench()
    first = bench.place("a", buy("0.1", "2000", symbol="ETHUSDT"))
    numbers = [bench.place("a", buy("0.001", "50000")).order_id for _ in range(10)]
    assert first.order_id == 1008
    assert numbers == list(range(1001, 1011))
    assert bench.venue.order("a", "BTCUSDT", 1008).symbol == "BTCUSDT"
    assert bench.venue.order("a", "ETHUSDT", 1008).symbol == "ETHUSDT"
    trades = [
        bench.place("a", buy("0.01", symbol=symbol)) and bench.venue.trades("a", symbol)[0].trade_id
        for symbol in ("BTCUSDT", "ETHUSDT")
    ]
    assert trades == [5001, 5015]


# The rule of duplicates: only an open order keeps its client id from being used again.


def test_client_id_is_taken_again_once_the_order_is_filled():
    bench = Bench()
    first = bench.place("a", buy("0.1", "60000.01", client_order_id="x"))
    second = bench.place("a", buy("0.1", "60000.01", client_order_id="x"))
    assert (first.status, second.status) == ("FILLED", "FILLED")
    assert bench.has("a", "BTC") == "2.1998+0"
    assert bench.venue.order("a", "BTCUSDT", None, "x").order_id == 1002
    assert bench.venue.order("a", "BTCUSDT", 1001).client_order_id == "x"


@pytest.mark.parametrize("end", ["cancel", "fill", "server_cancel", "expire"])
def test_client_id_is_free_after_any_end(end):
    bench = Bench()
    bench.place("a", buy("0.1", "50000", client_order_id="x"))
    assert refused(bench.place, "a", buy("0.2", "51000", client_order_id="x")) == (
        -2010,
        "Duplicate order sent.",
    )
    match end:
        case "cancel":
            bench.venue.cancel("a", "BTCUSDT", 1001)
        case "fill":
            bench.venue.fill("a", 1001, Decimal("0.1"), symbol="BTCUSDT")
        case "server_cancel":
            bench.venue.server_cancel("BTCUSDT", 1001)
        case "expire":
            bench.place("a", sell("0.1", "50000"))
            bench.venue.cancel("a", "BTCUSDT", 1001)
    bench.place("a", buy("0.2", "51000", client_order_id="x"))
    assert bench.venue.order("a", "BTCUSDT", None, "x").price == 51000


def test_client_id_is_of_one_account_and_symbol():
    bench = Bench()
    for account, symbol, price in (
        ("a", "BTCUSDT", "50000"),
        ("b", "BTCUSDT", "50000"),
        ("a", "ETHUSDT", "2000"),
    ):
        bench.place(account, buy("0.1", price, symbol=symbol, client_order_id="x"))
    assert bench.venue.order("b", "BTCUSDT", None, "x").order_id == 1002
    assert refused(bench.venue.order, "b", "ETHUSDT", None, "x") == (
        -2013,
        "Order does not exist.",
    )


def test_venue_makes_up_ids_that_differ():
    bench = Bench()
    names = {bench.place("a", buy("0.1", "50000")).client_order_id for _ in range(3)}
    assert len(names) == 3


def test_server_cancel_ends_an_order_with_the_venues_reason():
    bench = Bench()
    bench.place("a", buy("0.1", "50000"))
    bench.told()
    bench.venue.server_cancel("BTCUSDT", 1001)
    assert bench.told()[0] == "a/1001 EXPIRED EXPIRED 0 EXCHANGE_CANCELED"
    assert bench.has("a", "USDT") == "100000+0"


# Cancel and replace


def test_replace_cancels_and_places_and_loses_the_place():
    bench = Bench()
    bench.venue.withdraw_quote("BTCUSDT")
    bench.place("a", buy("1", "50000", client_order_id="x"))
    bench.place("b", buy("1", "50000"))
    done = bench.venue.replace(
        "a", buy("1.5", "50000", client_order_id="x"), 1001, cancel_client_order_id="undo"
    )
    assert (done.cancelled.status, done.cancelled.cancel_client_order_id) == ("CANCELED", "undo")
    assert (done.placed.order_id, done.placed.status) == (1003, "NEW")
    bench.place("a", sell("1", "50000", self_trade_prevention_mode="NONE"))
    assert bench.state("b", 1002) == "FILLED 1+0"


def test_replace_frees_the_money_before_it_needs_it():
    bench = Bench()
    bench.place("a", buy("2", "50000"))
    done = bench.venue.replace("a", buy("1.9", "50100"), 1001)
    assert done.placed.status == "NEW"
    assert bench.has("a", "USDT") == "4810+95190"


def test_replace_that_cannot_cancel_stops_or_goes_on():
    bench = Bench()
    done = bench.venue.replace("a", buy("1", "50000"), 1001)
    assert ((done.cancelled.code, done.cancelled.message), done.placed) == (UNKNOWN, None)
    done = bench.venue.replace("a", buy("1", "50000"), 1001, stop_on_failure=False)
    assert done.cancelled.code == -2011
    assert done.placed.order_id == 1001


def test_replace_whose_order_is_refused_has_cancelled_all_the_same():
    bench = Bench()
    bench.place("a", buy("1", "50000"))
    done = bench.venue.replace("a", buy("2.1", "50000"), 1001)
    assert done.cancelled.status == "CANCELED"
    assert (done.placed.code, done.placed.message) == (
        -2010,
        "Account has insufficient balance for requested action.",
    )
    assert bench.has("a", "USDT") == "100000+0"


def test_replace_with_an_order_that_is_none_changes_nothing():
    bench = Bench()
    bench.place("a", buy("1", "50000"))
    bench.told()
    replace = bench.venue.replace
    assert refused(replace, "a", buy("1", "50000.001"), 1001) == (
        -1013,
        "Filter failure: PRICE_FILTER",
    )
    assert refused(replace, "a", buy("1", "50000", client_order_id=" "), 1001)[0] == -1100
    assert refused(replace, "a", buy("1", "50000"))[0] == -1102
    assert refused(replace, "a", buy("1", "50000"), 1001, restriction="X")[0] == -1145
    assert bench.told() == []


# Amendments


def test_amended_order_is_smaller_keeps_its_place_and_has_another_id():
    bench = Bench()
    bench.venue.withdraw_quote("BTCUSDT")
    bench.place("a", buy("1", "50000", client_order_id="x"))
    bench.place("b", buy("1", "50000"))
    bench.clock.passed += 1
    bench.told()
    order, amendment = bench.venue.amend(
        "a", "BTCUSDT", 1001, quantity=Decimal("0.4"), new_client_order_id="y"
    )
    assert bench.told() == [
        "a/1001 REPLACED NEW 0",
        "a balances USDT",
        "BTCUSDT depth",
        "BTCUSDT top",
    ]
    assert (order.order_id, order.client_order_id, order.amended_from) == (1001, "y", "x")
    assert (amendment.former_client_order_id, amendment.client_order_id) == ("x", "y")
    assert (text(amendment.former_quantity), text(amendment.quantity)) == ("1", "0.4")
    assert amendment.time == START_MS + 1000
    assert amendment.execution_id == order.execution_id
    assert bench.venue.amendments("a", "BTCUSDT", 1001) == [amendment]
    assert bench.has("a", "USDT") == "80000+20000"
    bench.venue.place("b", sell("0.5", "50000", self_trade_prevention_mode="NONE"))
    assert bench.state("a", 1001) == "FILLED 0.4+0"
    assert bench.state("b", 1002) == "PARTIALLY_FILLED 0.1+0.9"


def test_amended_order_is_found_by_its_new_id_only():
    bench = Bench()
    bench.place("a", buy("1", "50000", client_order_id="x"))
    bench.venue.amend("a", "BTCUSDT", None, "x", quantity=Decimal("0.4"), new_client_order_id="y")
    assert bench.venue.order("a", "BTCUSDT", None, "y").order_id == 1001
    assert refused(bench.venue.order, "a", "BTCUSDT", None, "x")[0] == -2013
    bench.place("a", buy("0.1", "50000", client_order_id="x"))
    assert refused(bench.place, "a", buy("0.1", "50000", client_order_id="y"))[0] == -2010


def test_the_id_that_an_order_has_no_more_finds_what_had_it_before():
    bench = Bench()
    for _ in range(2):
        bench.place("a", buy("0.1", "60000.01", client_order_id="x"))
    bench.place("a", buy("1", "50000", client_order_id="x"))
    bench.venue.amend("a", "BTCUSDT", None, "x", quantity=Decimal("0.4"), new_client_order_id="y")
    assert bench.venue.order("a", "BTCUSDT", None, "x").order_id == 1002
    bench.venue.amend("a", "BTCUSDT", None, "y", quantity=Decimal("0.3"), new_client_order_id="x")
    assert bench.venue.order("a", "BTCUSDT", None, "x").order_id == 1003
    assert refused(bench.venue.order, "a", "BTCUSDT", None, "y")[0] == -2013


def test_amendment_may_keep_the_id_or_let_the_venue_make_one_up():
    bench = Bench()
    bench.place("a", buy("1", "50000", client_order_id="x"))
    amend = bench.venue.amend
    kept, _ = amend("a", "BTCUSDT", 1001, quantity=Decimal("0.9"), new_client_order_id="x")
    assert kept.client_order_id == "x"
    other, _ = amend("a", "BTCUSDT", 1001, quantity=Decimal("0.8"))
    assert other.client_order_id != "x"


def test_waiting_stop_is_amended_too():
    bench = Bench()
    bench.place("a", sell("1", None, "STOP_LOSS", stop_price="50000"))
    bench.venue.amend("a", "BTCUSDT", 1001, quantity=Decimal("0.4"))
    assert bench.has("a", "BTC") == "1.6+0.4"
    bench.quote("49999", "50000")
    assert bench.state("a", 1001) == "FILLED 0.4+0"


@pytest.mark.parametrize(
    ("quantity", "code", "message"),
    [
        ("1.1", -2038, "Order amend (quantity increase) is not supported."),
        ("1", -2038, "The requested action would change no state; rejecting."),
        ("0.3", -2038, "The requested action would change no state; rejecting."),
        ("0.500001", -1013, "Filter failure: LOT_SIZE"),
        ("0.5000000001", -1111, "Parameter 'quantity' has too much precision."),
        ("0", -1013, "Invalid quantity."),
        ("NaN", -1013, "Invalid quantity."),
    ],
)
def test_amendment_that_cannot_be_changes_nothing(quantity, code, message):
    bench = Bench()
    bench.place("a", buy("1", "50000", client_order_id="x"))
    bench.venue.fill("a", 1001, Decimal("0.3"), symbol="BTCUSDT")
    bench.told()
    assert refused(bench.venue.amend, "a", "BTCUSDT", 1001, quantity=Decimal(quantity)) == (
        code,
        message,
    )
    assert bench.told() == []
    assert bench.state("a", 1001) == "PARTIALLY_FILLED 0.3+0.7"


def test_amendment_is_refused_for_the_order_that_it_is():
    bench = Bench()
    bench.place("a", buy("0.001", "50000", client_order_id="x"))
    bench.place("a", buy("0.001", "50000", client_order_id="y"))
    amend = bench.venue.amend
    tenth = {"quantity": Decimal("0.0001")}
    assert refused(amend, "a", "BTCUSDT", 1009, **tenth) == UNKNOWN
    assert refused(amend, "a", "BTCUSDT", 1001, **tenth, new_client_order_id="y") == (
        -2010,
        "Duplicate order sent.",
    )
    small = {"quantity": Decimal("0.00009")}
    assert refused(amend, "a", "BTCUSDT", 1001, **small) == (-1013, "Filter failure: NOTIONAL")
    bench.venue.set_status("BTCUSDT", "CANCEL_ONLY")
    assert refused(amend, "a", "BTCUSDT", 1001, **tenth) == (-1013, "Market is closed.")


def test_order_is_amended_ten_times_and_no_more():
    bench = Bench()
    bench.place("a", buy("0.1", "50000"))
    for tenths in range(99, 89, -1):
        bench.venue.amend("a", "BTCUSDT", 1001, quantity=Decimal(tenths) / 1000)
    assert refused(bench.venue.amend, "a", "BTCUSDT", 1001, quantity=Decimal("0.05")) == (
        -2038,
        "Filter failure: MAX_NUM_ORDER_AMENDS",
    )
    assert len(bench.venue.amendments("a", "BTCUSDT", 1001)) == 10


def test_symbol_may_allow_neither_replacing_nor_amending():
    bitcoin, *_ = default_symbols()
    bench = Bench([evolve(bitcoin, cancel_replace_allowed=False, amend_allowed=False)])
    bench.place("a", buy("1", "50000"))
    assert refused(bench.venue.replace, "a", buy("2", "50000"), 1001) == (
        -1013,
        "Order cancel-replace is not supported for this symbol.",
    )
    assert refused(bench.venue.amend, "a", "BTCUSDT", 1001, quantity=Decimal("0.5")) == (
        -1013,
        "Order amend is not supported for this symbol.",
    )
    assert bench.state("a", 1001) == "NEW 0+1"


@pytest.mark.parametrize(
    "ask",
    [
        lambda venue: venue.open_orders("a", "X"),
        lambda venue: venue.all_orders("a", "X"),
        lambda venue: venue.trades("a", "X"),
        lambda venue: venue.order("a", "X", 1),
        lambda venue: venue.prevented_matches("a", "X"),
        lambda venue: venue.top("X"),
        lambda venue: venue.depth("X"),
        lambda venue: venue.last("X"),
        lambda venue: venue.average("X"),
        lambda venue: venue.day("X"),
        lambda venue: venue.recent_trades("X"),
        lambda venue: venue.rules("X"),
    ],
)
def test_question_about_an_unknown_symbol_is_refused(ask):
    assert refused(ask, Bench().venue) == (-1121, "Invalid symbol.")


def test_orders_are_asked_for_by_symbol_and_by_account():
    bench = Bench()
    bench.place("a", buy("0.1", "50000"))
    bench.place("a", buy("0.1", "2000", symbol="ETHUSDT"))
    venue = bench.venue
    assert [each.symbol for each in venue.open_orders("a", "ETHUSDT")] == ["ETHUSDT"]
    assert venue.open_orders("b") == []
    assert venue.all_orders("b", "BTCUSDT") == []
    assert venue.trades("b", "BTCUSDT", 1001) == []
    assert refused(venue.order, "b", "BTCUSDT", 1001) == (-2013, "Order does not exist.")
    assert refused(venue.amendments, "b", "BTCUSDT", 1001) == (-2013, "Order does not exist.")
