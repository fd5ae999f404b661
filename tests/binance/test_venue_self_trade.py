"""What happens where an order meets one of its own account, mode by mode."""

import pytest
from tests.binance.venue_bench import Bench, buy, sell, text

MODES = ("NONE", "EXPIRE_MAKER", "EXPIRE_TAKER", "EXPIRE_BOTH", "DECREMENT")


def book_of(*orders, mode="NONE", **settings):
    """A market without a source where account a has these offers to buy."""
    bench = Bench(**settings)
    bench.venue.withdraw_quote("BTCUSDT")
    for quantity, price in orders:
        bench.place("a", buy(quantity, price, self_trade_prevention_mode=mode))
    bench.told()
    return bench


def prevented(bench):
    """Numbers, price and quantities of what was prevented."""
    return [
        (
            each.match_id,
            each.taker_order_id,
            each.maker_order_id,
            each.mode,
            text(each.price),
            each.taker_quantity and text(each.taker_quantity),
            each.maker_quantity and text(each.maker_quantity),
        )
        for each in bench.venue.prevented_matches("a", "BTCUSDT")
    ]


def test_none_lets_an_account_trade_with_itself():
    bench = book_of(("1", "50000"))
    bench.place("a", sell("1", "50000", self_trade_prevention_mode="NONE"))
    assert bench.state("a", 1001) == "FILLED 1+0"
    assert bench.state("a", 1002) == "FILLED 1+0"
    assert prevented(bench) == []
    assert (bench.has("a", "BTC"), bench.has("a", "USDT")) == ("1.999+0", "99950+0")


def test_expire_maker_takes_the_resting_orders_and_the_new_one_rests():
    bench = book_of(("0.12", "51000"), ("0.13", "50001"), ("0.81", "50000"))
    bench.place("a", sell("0.3", "50000", self_trade_prevention_mode="EXPIRE_MAKER"))
    assert bench.told() == [
        "a/1004 NEW NEW 0",
        "a/1001 TRADE_PREVENTION EXPIRED_IN_MATCH 0 0",
        "a/1002 TRADE_PREVENTION EXPIRED_IN_MATCH 0 1",
        "a/1003 TRADE_PREVENTION EXPIRED_IN_MATCH 0 2",
        "a balances BTC USDT",
        "BTCUSDT depth",
        "BTCUSDT top",
    ]
    assert bench.state("a", 1004) == "NEW 0+0.3"
    assert bench.venue.order("a", "BTCUSDT", 1003).prevented_match_id == 2
    assert prevented(bench) == [
        (0, 1004, 1001, "EXPIRE_MAKER", "51000", None, "0.12"),
        (1, 1004, 1002, "EXPIRE_MAKER", "50001", None, "0.13"),
        (2, 1004, 1003, "EXPIRE_MAKER", "50000", None, "0.81"),
    ]
    assert (bench.has("a", "USDT"), bench.has("a", "BTC")) == ("100000+0", "1.7+0.3")


def test_expire_taker_ends_the_new_order_and_leaves_the_others():
    bench = book_of(("0.12", "51000"), ("0.13", "50001"))
    bench.place("a", sell("0.3", "50000", self_trade_prevention_mode="EXPIRE_TAKER"))
    assert bench.state("a", 1003) == "EXPIRED_IN_MATCH 0+0"
    assert bench.state("a", 1001) == "NEW 0+0.12"
    assert prevented(bench) == [(0, 1003, 1001, "EXPIRE_TAKER", "51000", "0.3", None)]
    assert bench.has("a", "BTC") == "2+0"


def test_taker_expires_before_the_first_of_its_own_at_a_price():
    bench = book_of(("0.1", "50000"), ("0.1", "50000"), ("0.1", "49000"))
    bench.place("a", sell("0.3", "50000", self_trade_prevention_mode="EXPIRE_TAKER"))
    assert [each[2] for each in prevented(bench)] == [1001]


def test_expire_both_ends_the_two_that_meet():
    bench = book_of(("0.1", "51000"), ("0.13", "50001"))
    bench.place("a", sell("0.3", "50000", self_trade_prevention_mode="EXPIRE_BOTH"))
    assert bench.state("a", 1003) == "EXPIRED_IN_MATCH 0+0"
    assert bench.state("a", 1001) == "EXPIRED_IN_MATCH 0+0"
    assert bench.state("a", 1002) == "NEW 0+0.13"
    assert prevented(bench) == [(0, 1003, 1001, "EXPIRE_BOTH", "51000", "0.3", "0.1")]


@pytest.mark.parametrize(
    ("resting", "coming", "states", "quantity"),
    [
        ("0.6", "0.2", ("NEW 0+0.4", "EXPIRED_IN_MATCH 0+0"), "0.2"),
        ("0.2", "0.6", ("EXPIRED_IN_MATCH 0+0", "NEW 0+0.4"), "0.2"),
        ("0.2", "0.2", ("EXPIRED_IN_MATCH 0+0", "EXPIRED_IN_MATCH 0+0"), "0.2"),
    ],
)
def test_decrement_takes_the_same_off_both(resting, coming, states, quantity):
    bench = book_of((resting, "50000"))
    bench.place("a", sell(coming, "50000", self_trade_prevention_mode="DECREMENT"))
    assert (bench.state("a", 1001), bench.state("a", 1002)) == states
    assert prevented(bench) == [(0, 1002, 1001, "DECREMENT", "50000", quantity, quantity)]
    left = [each.remaining for each in bench.venue.open_orders("a")]
    depth = bench.venue.depth("BTCUSDT")
    assert [quantity for _, quantity in depth.bids + depth.asks] == left


def test_decremented_order_that_then_fills_is_filled():
    bench = book_of(("0.6", "50000"))
    bench.place("a", sell("0.2", "50000", self_trade_prevention_mode="DECREMENT"))
    bench.place("b", sell("0.4", "50000"))
    assert bench.state("a", 1001) == "FILLED 0.4+0"


def test_mode_of_the_order_that_comes_in_rules():
    bench = book_of(("1", "50000"), mode="EXPIRE_MAKER")
    bench.place("a", sell("1", "50000", self_trade_prevention_mode="EXPIRE_TAKER"))
    assert bench.state("a", 1001) == "NEW 0+1"
    assert bench.state("a", 1002) == "EXPIRED_IN_MATCH 0+0"


def test_without_a_mode_the_symbols_own_rules():
    bench = book_of(("1", "50000"))
    order = bench.place("a", sell("1", "50000"))
    assert order.self_trade_prevention_mode == "EXPIRE_MAKER"
    assert bench.state("a", 1001) == "EXPIRED_IN_MATCH 0+0"


def test_market_order_that_expires_the_only_maker_finds_nobody():
    bench = book_of(("1", "50000"))
    order = bench.place("a", sell("1", self_trade_prevention_mode="EXPIRE_MAKER"))
    assert (order.status, order.expiry_reason) == ("EXPIRED", "INSUFFICIENT_LIQUIDITY")
    assert bench.state("a", 1001) == "EXPIRED_IN_MATCH 0+0"


@pytest.mark.parametrize("mode", MODES)
def test_order_trades_with_others_that_come_before_its_own(mode):
    bench = book_of()
    bench.place("b", buy("0.1", "51000"))
    bench.place("a", buy("0.2", "50500", self_trade_prevention_mode="NONE"))
    bench.place("b", buy("0.3", "50000"))
    bench.place("a", sell("0.5", "50000", self_trade_prevention_mode=mode))
    assert {
        number: bench.state("b" if number in {1001, 1003} else "a", number)
        for number in (1001, 1002, 1003, 1004)
    } == {
        "NONE": {
            1001: "FILLED 0.1+0",
            1002: "FILLED 0.2+0",
            1003: "PARTIALLY_FILLED 0.2+0.1",
            1004: "FILLED 0.5+0",
        },
        "EXPIRE_MAKER": {
            1001: "FILLED 0.1+0",
            1002: "EXPIRED_IN_MATCH 0+0",
            1003: "FILLED 0.3+0",
            1004: "PARTIALLY_FILLED 0.4+0.1",
        },
        "EXPIRE_TAKER": {
            1001: "FILLED 0.1+0",
            1002: "NEW 0+0.2",
            1003: "NEW 0+0.3",
            1004: "EXPIRED_IN_MATCH 0.1+0",
        },
        "EXPIRE_BOTH": {
            1001: "FILLED 0.1+0",
            1002: "EXPIRED_IN_MATCH 0+0",
            1003: "NEW 0+0.3",
            1004: "EXPIRED_IN_MATCH 0.1+0",
        },
        "DECREMENT": {
            1001: "FILLED 0.1+0",
            1002: "EXPIRED_IN_MATCH 0+0",
            1003: "PARTIALLY_FILLED 0.2+0.1",
            1004: "FILLED 0.3+0",
        },
    }[mode]


def test_what_was_prevented_is_told_between_the_trades_as_the_queue_is():
    bench = book_of()
    bench.place("b", buy("0.1", "50000"))
    bench.place("a", buy("0.2", "50000"))
    bench.place("b", buy("0.3", "50000"))
    bench.told()
    bench.place("a", sell("0.3", "50000", self_trade_prevention_mode="DECREMENT"))
    assert [line for line in bench.told() if "/" in line] == [
        "a/1004 NEW NEW 0",
        "a/1004 TRADE PARTIALLY_FILLED 0.1 0.1 at 50000",
        "b/1001 TRADE FILLED 0.1 0.1 at 50000",
        "a/1004 TRADE_PREVENTION EXPIRED_IN_MATCH 0.1 0",
        "a/1002 TRADE_PREVENTION EXPIRED_IN_MATCH 0 0",
    ]


@pytest.mark.parametrize("mode", MODES[1:])
def test_order_that_must_fill_whole_does_not_count_its_own(mode):
    bench = book_of(("0.2", "50500"))
    bench.place("b", buy("0.3", "50000"))
    order = bench.place(
        "a", sell("0.4", "50000", time_in_force="FOK", self_trade_prevention_mode=mode)
    )
    assert (order.status, order.expiry_reason) == ("EXPIRED", "UNFILLED_FOK_ORDER_EXPIRED")
    assert bench.state("a", 1001) == "NEW 0+0.2"
    assert bench.state("b", 1002) == "NEW 0+0.3"
    assert prevented(bench) == []


def test_accounts_are_not_one_another():
    bench = book_of(("1", "50000"))
    bench.place("b", sell("1", "50000", self_trade_prevention_mode="EXPIRE_TAKER"))
    assert bench.state("a", 1001) == "FILLED 1+0"


def test_market_order_in_quote_does_not_count_its_own():
    bench = book_of()
    bench.place("a", sell("0.1", "50000"))
    bench.place("b", sell("0.4", "50010"))
    order = bench.place("a", buy(None, quote_order_quantity="10000"))
    assert (order.status, text(order.quantity)) == ("FILLED", "0.19996")
    assert bench.state("a", 1001) == "EXPIRED_IN_MATCH 0+0"
