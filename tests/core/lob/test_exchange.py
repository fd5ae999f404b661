"""Fixed cases of what requests do, from the original's behaviour and its defects."""

import copy
import pickle

import pytest

from nanobook_core.contracts import Engine, Event, EventKind
from nanobook_core.errors import LogTruncatedError, ValidationError
from nanobook_core.lob import ExchangeBase
from nanobook_core.types import OrderStatus, Price, Side, StopTrigger, StpPolicy, TimeInForce

MAX = 2**63 - 1


def rows(trades):
    """Of each trade its id, price, quantity, aggressor, passive and timestamp."""
    return [
        (
            trade.trade_id,
            trade.price,
            trade.quantity,
            trade.aggressor_order_id,
            trade.passive_order_id,
            trade.timestamp,
        )
        for trade in trades
    ]


def levels(exchange):
    """Price, quantity and number of orders of each level, bids then asks."""
    book = exchange.depth(100)
    return [
        [(level.price, level.quantity, level.order_count) for level in side]
        for side in (book.bids, book.asks)
    ]


def quantities(result):
    return (
        str(result.status),
        result.filled_quantity,
        result.resting_quantity,
        result.cancelled_quantity,
    )


def order_quantities(exchange, order_id):
    order = exchange.get_order(order_id)
    return (
        order.status,
        order.filled_quantity,
        order.remaining_quantity,
        order.cancelled_quantity,
    )


def everything(exchange):
    """All that a request may change; the log apart."""
    return (
        exchange.state(),
        exchange.state_hash(),
        list(exchange.trades()),
        [exchange.get_order(number) for number in range(20)],
        [exchange.get_stop_order(number) for number in range(20)],
    )


# Matching


def test_a_sweep_trades_at_each_resting_price_and_counts_ids_and_timestamps(exchange):
    assert exchange.submit_limit("sell", 100, 10).order_id == 1
    assert exchange.submit_limit("sell", 101, 10).order_id == 2
    result = exchange.submit_limit("buy", 101, 15)
    assert result.order_id == 3
    assert rows(result.trades) == [(1, 100, 10, 3, 1, 4), (2, 101, 5, 3, 2, 5)]
    assert result.trades[0].aggressor_side is Side.BUY
    assert [exchange.get_order(number).timestamp for number in (1, 2, 3)] == [1, 2, 3]
    assert levels(exchange) == [[], [(101, 5, 1)]]
    assert exchange.last_trade_price() == 101


def test_the_oldest_at_a_price_trades_first_and_a_part_of_it_stays_in_front(exchange):
    for quantity in (5, 6, 7):
        exchange.submit_limit("buy", 100, quantity)
    exchange.submit_limit("sell", 100, 3)
    result = exchange.submit_limit("sell", 100, 10)
    assert rows(result.trades) == [(2, 100, 2, 5, 1, 7), (3, 100, 6, 5, 2, 8), (4, 100, 2, 5, 3, 9)]


def test_the_best_price_trades_first_whatever_came_first(exchange):
    for price in (99, 101, 100):
        exchange.submit_limit("buy", price, 1)
    result = exchange.submit_limit("sell", 99, 3)
    assert [trade.price for trade in result.trades] == [101, 100, 99]


@pytest.mark.parametrize(
    ("side", "limit", "trades"),
    [("buy", 99, False), ("buy", 100, True), ("sell", 81, False), ("sell", 80, True)],
)
def test_an_order_trades_up_to_its_limit_and_no_further(exchange, side, limit, trades):
    exchange.submit_limit("buy", 80, 1)
    exchange.submit_limit("sell", 100, 1)
    assert exchange.submit_limit(side, limit, 1).has_trades is trades


@pytest.mark.parametrize(
    ("tif", "quantity", "expected", "status"),
    [
        ("gtc", 10, ("Filled", 10, 0, 0), "filled"),
        ("ioc", 10, ("Filled", 10, 0, 0), "filled"),
        ("fok", 10, ("Filled", 10, 0, 0), "filled"),
        ("gtc", 15, ("PartiallyFilled", 10, 5, 0), "partiallyfilled"),
        ("ioc", 15, ("PartiallyFilled", 10, 0, 5), "cancelled"),
        ("fok", 15, ("Cancelled", 0, 0, 15), "cancelled"),
    ],
)
def test_what_is_left_goes_as_the_time_in_force_says(exchange, tif, quantity, expected, status):
    exchange.submit_limit("sell", 100, 10)
    result = exchange.submit_limit("buy", 100, quantity, tif)
    assert quantities(result) == expected
    _, filled, resting, cancelled = expected
    assert order_quantities(exchange, 2) == (status, filled, resting, cancelled)
    assert exchange.get_order(2).time_in_force is TimeInForce(tif)


@pytest.mark.parametrize(
    ("tif", "expected", "status"),
    [
        ("gtc", ("New", 0, 5, 0), "new"),
        ("ioc", ("Cancelled", 0, 0, 5), "cancelled"),
        ("fok", ("Cancelled", 0, 0, 5), "cancelled"),
    ],
)
def test_without_liquidity_an_order_rests_or_is_cancelled(exchange, tif, expected, status):
    result = exchange.submit_limit("buy", 100, 5, tif)
    assert quantities(result) == expected
    assert order_quantities(exchange, 1) == (status, *expected[1:])
    assert exchange.best_bid() == (100 if tif == "gtc" else None)


def test_a_market_order_takes_any_price_and_never_rests(exchange):
    exchange.submit_limit("sell", MAX, 1)
    exchange.submit_limit("buy", -MAX, 1)
    assert quantities(exchange.submit_market("buy", 3)) == ("PartiallyFilled", 1, 0, 2)
    assert quantities(exchange.submit_market("sell", 1)) == ("Filled", 1, 0, 0)
    assert [trade.price for trade in exchange.trades()] == [MAX, -MAX]
    order = exchange.get_order(3)
    assert (order.price, order.time_in_force) == (2**63 - 1, TimeInForce.IOC)
    assert exchange.get_order(4).price == -(2**63)


def test_a_market_order_on_an_empty_book_is_cancelled(exchange):
    result = exchange.submit_market("sell", 7)
    assert quantities(result) == ("Cancelled", 0, 0, 7)
    assert order_quantities(exchange, 1) == ("cancelled", 0, 0, 7)
    assert exchange.last_trade_price() is None


def test_a_fill_or_kill_that_is_killed_uses_an_id_and_changes_nothing_else(exchange):
    exchange.submit_limit("sell", 100, 10)
    exchange.submit_limit("sell", 102, 10)
    before = levels(exchange)
    exchange.submit_limit("buy", 101, 11, "fok")
    assert levels(exchange) == before
    assert list(exchange.trades()) == []
    assert exchange.submit_limit("buy", 1, 1).order_id == 4
    assert exchange.get_order(4).timestamp == 4


def test_a_fill_or_kill_counts_several_levels(exchange):
    exchange.submit_limit("sell", 100, 10)
    exchange.submit_limit("sell", 101, 10)
    assert exchange.submit_limit("buy", 101, 20, "fok").is_fully_filled


@pytest.mark.parametrize("limit", [100, 101])
def test_a_post_only_order_that_would_trade_is_cancelled_whole(exchange, limit):
    exchange.submit_limit("sell", 100, 10)
    result = exchange.submit_limit("buy", limit, 15, post_only=True)
    assert quantities(result) == ("Cancelled", 0, 0, 15)
    assert order_quantities(exchange, 2) == ("cancelled", 0, 0, 15)
    assert levels(exchange) == [[], [(100, 10, 1)]]
    assert exchange.submit_limit("buy", 1, 1).order_id == 3


def test_a_post_only_order_that_would_not_trade_rests(exchange):
    exchange.submit_limit("sell", 100, 10)
    assert quantities(exchange.submit_limit("buy", 99, 5, post_only=True)) == ("New", 0, 5, 0)


def test_prices_may_be_zero_or_negative(exchange):
    exchange.submit_limit("sell", 0, 5)
    exchange.submit_limit("buy", -3, 5)
    assert exchange.best_bid_ask() == (-3, 0)
    assert exchange.spread() == 3
    assert exchange.submit_market("buy", 1).trades[0].price == 0


def test_words_are_read_in_any_case_and_as_members(exchange):
    assert exchange.submit_limit("S", 100, 1).order_id == 1
    assert exchange.submit_limit(Side.BUY, 100, 1, TimeInForce.IOC).is_fully_filled
    exchange.submit_limit("BUY", 100, 1, "GtC", owner=1, stp_policy="CANCEL_newest")
    order = exchange.get_order(3)
    assert order.side is Side.BUY
    assert order.time_in_force is TimeInForce.GTC
    assert order.stp_policy is StpPolicy.CANCEL_NEWEST


# Bad input: defect 15.14


@pytest.mark.parametrize(
    ("request_it", "error"),
    [
        (lambda exchange: exchange.submit_limit("buy", 100, 0), ValidationError),
        (lambda exchange: exchange.submit_limit("buy", 100, -1), OverflowError),
        (lambda exchange: exchange.submit_limit("buy", 2**63, 1), OverflowError),
        (lambda exchange: exchange.submit_limit("buy", -(2**63), 1), OverflowError),
        (lambda exchange: exchange.submit_limit("buy", 100, 2**63), OverflowError),
        (lambda exchange: exchange.submit_limit("buy", 100.0, 1), TypeError),
        (lambda exchange: exchange.submit_limit("buy", price=True, quantity=1), TypeError),
        (lambda exchange: exchange.submit_limit("b uy", 100, 1), ValidationError),
        (lambda exchange: exchange.submit_limit("buy", 100, 1, "day"), ValidationError),
        (lambda exchange: exchange.submit_limit("buy", 100, 1, "ioc", post_only=True), ValueError),
        (lambda exchange: exchange.submit_limit("buy", 100, 1, post_only=1), TypeError),
        (lambda exchange: exchange.submit_limit("buy", 1, 1, owner=2**32), OverflowError),
        (lambda exchange: exchange.submit_limit("buy", 1, 1, stp_policy="off "), ValidationError),
        (lambda exchange: exchange.submit_market("buy", 1, stp_policy="cancel_both"), ValueError),
        (lambda exchange: exchange.submit_market("buy", 0), ValidationError),
        (lambda exchange: exchange.submit_market("buy", 1, owner=-1), OverflowError),
        (lambda exchange: exchange.submit_stop_market("buy", 1, 1, owner=-1), OverflowError),
        (lambda exchange: exchange.submit_market(1, 1), TypeError),
        (lambda exchange: exchange.submit_stop_market("sell", 90, 0), ValidationError),
        (lambda exchange: exchange.submit_stop_market("sell", 2**63, 1), OverflowError),
        (lambda exchange: exchange.submit_stop_limit("sell", 90, 2**63, 1), OverflowError),
        (lambda exchange: exchange.submit_stop_limit("sell", 90, 9, 1, "gtd"), ValidationError),
        (lambda exchange: exchange.modify(1, 2**63, 1), OverflowError),
        (lambda exchange: exchange.modify(1, 100, -1), OverflowError),
        (lambda exchange: exchange.modify(-1, 100, 1), OverflowError),
        (lambda exchange: exchange.reduce(-1, 1), OverflowError),
        (lambda exchange: exchange.cancel(-1), OverflowError),
        (lambda exchange: exchange.cancel("1"), TypeError),
        (lambda exchange: exchange.reduce(1, 0), ValidationError),
        (lambda exchange: exchange.reduce(1, -1), OverflowError),
        (lambda exchange: exchange.cancel_all(owner=-1), OverflowError),
        (lambda exchange: exchange.cancel_all(side="all"), ValidationError),
        (lambda exchange: exchange.depth(-1), OverflowError),
        (lambda exchange: exchange.depth(1.0), TypeError),
        (lambda exchange: exchange.get_order(order_id=True), TypeError),
    ],
)
def test_a_wrong_argument_raises_before_anything_changes(exchange, request_it, error):
    exchange.submit_limit("buy", 100, 5)
    before, events = everything(exchange), exchange.events()
    with pytest.raises(error):
        request_it(exchange)
    assert everything(exchange) == before
    assert exchange.events() == events
    assert exchange.submit_limit("buy", 100, 5).order_id == 2


@pytest.mark.parametrize(
    ("price", "quantity", "error", "message"),
    [
        (0, 0, ValidationError, "quantity must be greater than zero"),
        (0, 1, ValidationError, "price must be greater than zero"),
        (-1, 1, ValidationError, "price must be greater than zero"),
        (1.5, 1, TypeError, "price is a whole number"),
        (2**63, 1, OverflowError, "price is from"),
    ],
)
def test_try_submit_limit_looks_at_the_quantity_and_then_at_the_price(
    exchange, price, quantity, error, message
):
    with pytest.raises(error, match=message):
        exchange.try_submit_limit("buy", price, quantity)
    assert exchange.events() == []
    assert exchange.submit_limit("buy", 1, 1).order_id == 1


def test_try_submit_does_what_submit_does(exchange):
    result = exchange.try_submit_limit("sell", 1, 5, "gtc", owner=7, post_only=True)
    assert quantities(result) == ("New", 0, 5, 0)
    assert exchange.get_order(1).owner == 7
    result = exchange.try_submit_market("buy", 5, owner=7, stp_policy="cancel_newest")
    assert quantities(result) == ("Cancelled", 0, 0, 5)
    with pytest.raises(ValidationError, match="quantity must be greater than zero"):
        exchange.try_submit_market("buy", 0)


@pytest.mark.parametrize("arguments", [{"stop_trigger": "first"}, {"stop_trigger": "EVERY "}])
def test_an_exchange_of_an_unknown_trigger_is_refused(new_exchange, arguments):
    with pytest.raises(ValidationError):
        new_exchange(**arguments)


@pytest.mark.parametrize("arguments", [{"stop_trigger": 1}, {"log_events": 1}])
def test_an_exchange_of_a_wrong_type_is_refused(new_exchange, arguments):
    with pytest.raises(TypeError):
        new_exchange(**arguments)


def test_an_exchange_tells_how_it_was_made(new_exchange):
    exchange = new_exchange()
    assert exchange.stop_trigger is StopTrigger.EVERY
    assert exchange.log_events is True
    exchange = new_exchange(stop_trigger="LAST", log_events=False)
    assert exchange.stop_trigger is StopTrigger.LAST
    assert exchange.log_events is False
    assert isinstance(exchange, Engine)
    assert isinstance(exchange, ExchangeBase)


# The largest quantities: defect 15.13


def test_a_fill_or_kill_counts_beyond_64_bits(exchange):
    exchange.submit_limit("sell", 100, MAX)
    exchange.submit_limit("sell", 101, MAX)
    exchange.submit_limit("sell", 102, 5)
    assert quantities(exchange.submit_limit("buy", 102, MAX, "fok")) == ("Filled", MAX, 0, 0)
    assert levels(exchange) == [[], [(101, MAX, 1), (102, 5, 1)]]


def test_an_order_that_its_level_has_no_room_for_is_refused(exchange):
    exchange.submit_limit("sell", 100, MAX - 5)
    before, events = everything(exchange), exchange.events()
    with pytest.raises(OverflowError, match="the level at 100 holds"):
        exchange.submit_limit("sell", 100, 6)
    assert everything(exchange) == before
    assert exchange.events() == events
    assert exchange.submit_limit("sell", 100, 5).order_id == 2
    assert levels(exchange) == [[], [(100, MAX, 2)]]
    # What does not rest needs no room.
    assert quantities(exchange.submit_limit("sell", 100, 6, "ioc")) == ("Cancelled", 0, 0, 6)
    assert quantities(exchange.submit_limit("sell", 100, 6, "fok")) == ("Cancelled", 0, 0, 6)


def test_every_order_of_a_full_level_trades(exchange):
    exchange.submit_limit("sell", 100, MAX - 5)
    exchange.submit_limit("sell", 100, 5)
    exchange.submit_limit("buy", 100, MAX - 5)
    assert exchange.submit_limit("buy", 100, 5).is_fully_filled
    assert exchange.get_order(2).status == "filled"


def test_a_modify_within_a_level_counts_only_what_it_adds(exchange):
    exchange.submit_limit("sell", 100, MAX - 5)
    exchange.submit_limit("sell", 100, 5)
    exchange.submit_limit("sell", 101, 5)
    before, events = everything(exchange), exchange.events()
    with pytest.raises(OverflowError):
        exchange.modify(2, 100, 6)
    with pytest.raises(OverflowError):
        exchange.modify(3, 100, 1)
    assert everything(exchange) == before
    assert exchange.events() == events
    assert exchange.modify(1, 100, MAX - 5).new_order_id == 4
    assert exchange.modify(4, 100, 0).error == "InvalidQuantity"


def test_the_spread_of_extreme_prices_is_exact(exchange):
    exchange.submit_limit("buy", -MAX, 1)
    exchange.submit_limit("sell", MAX, 1)
    assert exchange.spread() == 2**64 - 2
    assert exchange.depth().mid_price() == 0.0


# Cancels, modifies, reduces


def test_a_cancel_behind_a_fill_takes_its_own_order(exchange):
    """Defect 15.1."""
    for quantity in (10, 20, 30):
        exchange.submit_limit("sell", 100, quantity)
    exchange.submit_limit("buy", 100, 10)
    assert exchange.cancel(2).cancelled_quantity == 20
    assert levels(exchange) == [[], [(100, 30, 1)]]
    result = exchange.submit_limit("buy", 100, 50)
    assert quantities(result) == ("PartiallyFilled", 30, 20, 0)
    assert rows(result.trades) == [(2, 100, 30, 5, 3, 7)]


def test_a_level_whose_orders_are_all_cancelled_is_gone(exchange):
    """Defect 15.1: phantom depth."""
    for quantity in (10, 20, 30):
        exchange.submit_limit("sell", 100, quantity)
    exchange.submit_limit("buy", 100, 10)
    exchange.compact()
    exchange.cancel(2)
    exchange.cancel(3)
    assert levels(exchange) == [[], []]
    assert exchange.best_ask() is None


@pytest.mark.parametrize(("gone", "left"), [(1, [2, 3, 4]), (2, [1, 3, 4]), (3, [1, 2, 4])])
def test_an_order_leaves_its_queue_from_any_place(exchange, gone, left):
    for quantity in (1, 2, 3):
        exchange.submit_limit("buy", 100, quantity)
    exchange.cancel(gone)
    exchange.submit_limit("buy", 100, 4)
    (level,) = exchange.full_book().bids
    assert [order.id for order in level.orders] == left
    assert (level.quantity, level.order_count) == (10 - gone, 3)
    assert [t.passive_order_id for t in exchange.submit_market("sell", 10).trades] == left


def test_a_partly_filled_ioc_is_finished(exchange):
    """Defect 15.2."""
    exchange.submit_limit("sell", 100, 5)
    exchange.submit_limit("buy", 100, 100, "ioc")
    exchange.submit_limit("buy", 100, 7)
    assert exchange.cancel(2).error == "OrderNotActive"
    assert exchange.modify(2, 100, 1).error == "OrderNotActive"
    assert order_quantities(exchange, 2) == ("cancelled", 5, 0, 95)
    assert levels(exchange) == [[(100, 7, 1)], []]
    assert exchange.clear_order_history() == 2
    assert exchange.get_order(2) is None


def test_a_cancel_answers_with_what_was_open(exchange):
    exchange.submit_limit("buy", 100, 10)
    exchange.submit_limit("sell", 100, 4)
    result = exchange.cancel(1)
    assert (result.success, result.cancelled_quantity, result.error) == (True, 6, None)
    assert order_quantities(exchange, 1) == ("cancelled", 4, 0, 6)
    assert exchange.get_order(1).is_active is False


@pytest.mark.parametrize("request_name", ["cancel", "modify", "reduce"])
def test_what_cannot_be_changed_says_why(exchange, request_name):
    def error_of(order_id):
        arguments = {"cancel": (), "modify": (100, 1), "reduce": (1,)}[request_name]
        before = exchange.state()
        result = getattr(exchange, request_name)(order_id, *arguments)
        assert result.success is False
        assert result.cancelled_quantity == 0
        assert exchange.state() == before
        return result.error

    exchange.submit_limit("sell", 100, 10)
    exchange.submit_limit("buy", 100, 10)
    exchange.submit_limit("buy", 50, 10)
    exchange.cancel(3)
    exchange.submit_limit("buy", 50, 10, "fok")
    exchange.submit_stop_market("sell", 1, 1)
    exchange.cancel(5)
    assert [error_of(order_id) for order_id in range(7)] == [
        "OrderNotFound",
        "OrderNotActive",
        "OrderNotActive",
        "OrderNotActive",
        "OrderNotActive",
        "OrderNotFound",
        "OrderNotFound",
    ]
    assert len(exchange.events()) == 14
    exchange.clear_order_history()
    assert error_of(1) == "OrderNotFound"
    assert error_of(2**63 - 1) == "OrderNotFound"


def test_a_modify_is_a_cancel_and_a_new_order_at_the_end_of_the_queue(exchange):
    exchange.submit_limit("buy", 100, 10, owner=3, stp_policy="cancel_newest")
    exchange.submit_limit("buy", 100, 5)
    exchange.submit_limit("sell", 100, 4)
    result = exchange.modify(1, 100, 10)
    assert (result.success, result.old_order_id, result.new_order_id) == (True, 1, 4)
    assert (result.cancelled_quantity, result.trades, result.error) == (6, (), None)
    assert order_quantities(exchange, 1) == ("cancelled", 4, 0, 6)
    replacement = exchange.get_order(4)
    assert (replacement.side, replacement.price, replacement.timestamp) == (Side.BUY, 100, 5)
    assert (replacement.owner, replacement.stp_policy) == (3, StpPolicy.CANCEL_NEWEST)
    assert order_quantities(exchange, 4) == ("new", 0, 10, 0)
    (level,) = exchange.full_book().bids
    assert [order.id for order in level.orders] == [2, 4]


def test_a_modify_of_no_quantity_fails_first_and_leaves_the_order(exchange):
    exchange.submit_limit("buy", 100, 10)
    for order_id in (1, 2):
        result = exchange.modify(order_id, 100, 0)
        assert (result.success, result.new_order_id) == (False, None)
        assert result.error == "InvalidQuantity"
    assert levels(exchange) == [[(100, 10, 1)], []]
    assert len(exchange.events()) == 3


def test_a_trade_of_a_modify_is_a_trade_like_any_other(exchange):
    """Defect 15.3: the original neither sets the last price nor triggers, except in replay."""
    exchange.submit_limit("sell", 100, 5)
    exchange.submit_limit("buy", 90, 5)
    exchange.submit_stop_market("buy", 100, 1)
    result = exchange.modify(2, 100, 5)
    assert rows(result.trades) == [(1, 100, 5, 4, 1, 5)]
    assert exchange.last_trade_price() == 100
    assert exchange.get_stop_order(3).child_order_id == 5
    again = type(exchange).replay(exchange.events())
    assert everything(again) == everything(exchange)


def test_a_modify_of_a_post_only_order_may_trade(exchange):
    exchange.submit_limit("sell", 100, 5)
    exchange.submit_limit("buy", 90, 5, post_only=True)
    assert len(exchange.modify(2, 100, 5).trades) == 1


def test_a_reduce_keeps_the_turn(exchange):
    exchange.submit_limit("buy", 100, 10)
    exchange.submit_limit("buy", 100, 10)
    exchange.submit_limit("sell", 100, 2)
    result = exchange.reduce(1, 3)
    assert (result.success, result.cancelled_quantity) == (True, 3)
    assert order_quantities(exchange, 1) == ("partiallyfilled", 2, 5, 3)
    assert levels(exchange) == [[(100, 15, 2)], []]
    assert [t.passive_order_id for t in exchange.submit_market("sell", 6).trades] == [1, 2]
    # Nothing was left open in the end, and the last of it traded.
    assert order_quantities(exchange, 1) == ("filled", 7, 0, 3)


def test_a_reduce_of_an_untouched_order_leaves_it_new(exchange):
    exchange.submit_limit("buy", 100, 10)
    exchange.reduce(1, 3)
    assert order_quantities(exchange, 1) == ("new", 0, 7, 3)


def test_a_reduce_by_all_that_is_open_cancels(exchange):
    exchange.submit_limit("buy", 100, 10)
    assert exchange.reduce(1, 10).cancelled_quantity == 10
    assert order_quantities(exchange, 1) == ("cancelled", 0, 0, 10)
    assert levels(exchange) == [[], []]


def test_a_reduce_by_more_than_is_open_fails(exchange):
    exchange.submit_limit("buy", 100, 10)
    exchange.submit_limit("sell", 100, 4)
    result = exchange.reduce(1, 7)
    assert (result.success, result.cancelled_quantity) == (False, 0)
    assert result.error == "InvalidQuantity"
    assert order_quantities(exchange, 1) == ("partiallyfilled", 4, 6, 0)


def many_orders(exchange):
    exchange.submit_limit("buy", 100, 1, owner=1)
    exchange.submit_limit("buy", 101, 2)
    exchange.submit_limit("sell", 110, 4, owner=1)
    exchange.submit_limit("sell", 110, 8, owner=2)
    exchange.submit_stop_market("buy", 120, 16, owner=1)
    exchange.submit_stop_limit("sell", 90, 89, 32, owner=2)
    exchange.submit_trailing_stop_market("sell", 90, 64, "fixed", 5, owner=1)
    exchange.submit_limit("buy", 1, 128)
    exchange.cancel(8)


@pytest.mark.parametrize(
    ("arguments", "order_ids", "quantity"),
    [
        ({}, (1, 2, 3, 4, 5, 6, 7), 127),
        ({"owner": 1}, (1, 3, 5, 7), 85),
        ({"side": "buy"}, (1, 2, 5), 19),
        ({"side": "s", "owner": 2}, (4, 6), 40),
        ({"owner": 3}, (), 0),
        ({"owner": 0}, (), 0),
    ],
)
def test_a_mass_cancel_takes_what_it_means(exchange, arguments, order_ids, quantity):
    many_orders(exchange)
    result = exchange.cancel_all(**arguments)
    assert (result.order_ids, result.cancelled_quantity) == (order_ids, quantity)
    gone = [
        number
        for number in range(1, 8)
        if (exchange.get_order(number) or exchange.get_stop_order(number)).status == "cancelled"
    ]
    assert tuple(gone) == order_ids
    assert len(exchange.state().orders) + len(exchange.state().stops) == 7 - len(order_ids)
    assert len(exchange.events()) == 10


def test_a_mass_cancel_counts_what_is_open(exchange):
    exchange.submit_limit("buy", 100, 10)
    exchange.submit_limit("sell", 100, 4)
    exchange.reduce(1, 1)
    assert exchange.cancel_all().cancelled_quantity == 5
    assert order_quantities(exchange, 1) == ("cancelled", 4, 0, 6)


def test_a_mass_cancel_counts_beyond_64_bits(exchange):
    exchange.submit_limit("buy", 100, MAX)
    exchange.submit_limit("buy", 99, MAX)
    assert exchange.cancel_all().cancelled_quantity == 2**64 - 2


# Queries and housekeeping


def test_snapshots_show_levels_from_the_best_on_and_never_change(exchange):
    exchange.submit_limit("buy", 100, 300)
    exchange.submit_limit("buy", 99, 60)
    exchange.submit_limit("buy", 99, 40)
    exchange.submit_limit("sell", 103, 100)
    top = exchange.depth(1)
    assert (top.best_bid(), top.best_ask(), top.spread(), top.mid_price()) == (100, 103, 3, 101.5)
    assert (top.imbalance(), top.weighted_mid()) == (0.5, 102.25)
    book = exchange.depth()
    assert book.imbalance() == 0.6
    assert [(b.price, b.quantity, b.order_count, b.orders) for b in book.bids] == [
        (100, 300, 1, ()),
        (99, 100, 2, ()),
    ]
    assert book.timestamp == 4
    full = exchange.full_book()
    assert [order.id for level in full.bids for order in level.orders] == [1, 2, 3]
    order = exchange.get_order(1)
    assert full.bids[0].orders == (order,)
    exchange.submit_market("sell", 350)
    assert (order.status, order.remaining_quantity) == ("new", 300)
    assert full.bids[0].quantity == 300
    assert exchange.depth(0).bids == ()
    assert exchange.depth(2**63 - 1).best_bid() == 99


def test_an_empty_exchange_answers_none(exchange):
    assert exchange.best_bid() is None
    assert exchange.best_ask() is None
    assert exchange.best_bid_ask() == (None, None)
    assert exchange.spread() is None
    assert exchange.last_trade_price() is None
    assert exchange.depth().imbalance() is None
    assert exchange.depth().weighted_mid() is None
    assert list(exchange.trades()) == []
    assert exchange.pending_stop_count() == 0
    assert (exchange.get_order(1), exchange.get_stop_order(1)) == (None, None)


def test_a_snapshot_shows_ten_levels_unless_told_otherwise(exchange):
    for price in range(12):
        exchange.submit_limit("buy", price, 1)
    assert [level.price for level in exchange.depth().bids] == [11, 10, 9, 8, 7, 6, 5, 4, 3, 2]
    assert len(exchange.depth(11).bids) == 11
    assert len(exchange.full_book().bids) == 12


def test_the_spread_needs_both_sides(exchange):
    exchange.submit_limit("buy", 0, 1)
    assert (exchange.spread(), exchange.best_bid_ask()) == (None, (0, None))


def test_clearing_trades_keeps_ids_and_the_last_price(exchange):
    exchange.submit_limit("sell", 100, 2)
    exchange.submit_market("buy", 1)
    exchange.clear_trades()
    assert (len(exchange.trades()), exchange.trade_count()) == (0, 0)
    assert exchange.last_trade_price() == 100
    exchange.submit_market("buy", 1)
    assert rows(exchange.trades()) == [(2, 100, 1, 3, 1, 5)]
    assert exchange.trade_count() == 1


def test_clearing_the_history_forgets_what_is_finished(exchange):
    exchange.submit_limit("sell", 100, 2)
    exchange.submit_market("buy", 1)
    exchange.submit_stop_market("sell", 50, 1)
    exchange.submit_stop_market("sell", 51, 1)
    exchange.cancel(3)
    exchange.submit_limit("buy", 1, 1, "fok")
    hash_before = exchange.state_hash()
    assert exchange.clear_order_history() == 2
    assert exchange.get_order(1).filled_quantity == 1
    assert exchange.get_stop_order(4).status == "pending"
    assert [exchange.get_order(number) for number in (2, 5)] == [None, None]
    assert exchange.get_stop_order(3) is None
    assert exchange.clear_order_history() == 0
    exchange.compact()
    assert exchange.state_hash() == hash_before
    assert exchange.submit_limit("buy", 1, 1).order_id == 6


def test_reprs_are_the_original_ones(exchange):
    shown = [
        repr(exchange),
        repr(exchange.submit_limit("buy", 100, 1)),
        repr(exchange),
        repr(exchange.get_order(1)),
        repr(exchange.depth()),
        repr(exchange.depth().bids[0]),
        repr(exchange.modify(1, 101, 5)),
        repr(exchange.modify(1, 101, 5)),
        repr(exchange.submit_market("s", 2).trades[0]),
        repr(exchange.cancel(2)),
        repr(exchange.cancel(9)),
        repr(exchange.submit_stop_market("buy", 102, 1)),
        repr(exchange.submit_stop_market("buy", 101, 1)),
    ]
    exchange.submit_limit("buy", -5, 1)
    assert [*shown, repr(exchange)] == [
        "Exchange(bid=None, ask=None, trades=0)",
        "SubmitResult(order_id=1, status='New', filled=0, resting=1, cancelled=0, trades=0)",
        "Exchange(bid=$1.00, ask=None, trades=0)",
        "Order(id=1, side=buy, price=100, qty=0/1, status=new)",
        "BookSnapshot(bids=1, asks=0)",
        "Level(price=$1.00, qty=1, orders=1)",
        "ModifyResult(success=True, old=1, new=Some(2), trades=0)",
        "ModifyResult(success=False, error='OrderNotActive')",
        "Trade(id=1, price=$1.01, qty=2, side='sell')",
        "CancelResult(success=True, cancelled_quantity=3)",
        "CancelResult(success=False, error='OrderNotFound')",
        "StopSubmitResult(order_id=4, status='Pending')",
        "StopSubmitResult(order_id=5, status='Triggered')",
        "Exchange(bid=$-0.05, ask=None, trades=1)",
    ]


# Events, replay, copies


def one_of_each(exchange):
    exchange.submit_limit("buy", 100, 5)
    exchange.submit_limit("sell", 105, 5, "fok", owner=4, stp_policy="cancel_both")
    exchange.submit_limit("sell", 105, 5, post_only=True)
    exchange.submit_market("sell", 1)
    exchange.cancel(99)
    exchange.modify(1, 2, 3)
    exchange.submit_stop_market("sell", 90, 4)
    exchange.submit_stop_limit("buy", 110, 111, 4, "ioc", owner=1)
    exchange.submit_trailing_stop_market("sell", 90, 4, "fixed", 2)
    exchange.submit_trailing_stop_limit("sell", 90, 89, 4, "pct", 0.05)
    exchange.submit_trailing_stop_market("buy", 120, 4, "atr", 2.5, 14)
    exchange.reduce(5, 2)
    exchange.cancel_all(owner=1, side="buy")


JSON_OF_EACH = [
    '{"SubmitLimit":{"side":"Buy","price":100,"quantity":5,"time_in_force":"GTC"}}',
    (
        '{"SubmitLimit":{"side":"Sell","price":105,"quantity":5,"time_in_force":"FOK",'
        '"owner":4,"stp_policy":"cancel_both"}}'
    ),
    (
        '{"SubmitLimit":{"side":"Sell","price":105,"quantity":5,"time_in_force":"GTC",'
        '"post_only":true}}'
    ),
    '{"SubmitMarket":{"side":"Sell","quantity":1}}',
    '{"Cancel":{"order_id":99}}',
    '{"Modify":{"order_id":1,"new_price":2,"new_quantity":3}}',
    '{"SubmitStopMarket":{"side":"Sell","stop_price":90,"quantity":4}}',
    (
        '{"SubmitStopLimit":{"side":"Buy","stop_price":110,"limit_price":111,"quantity":4,'
        '"time_in_force":"IOC","owner":1}}'
    ),
    (
        '{"SubmitTrailingStopMarket":{"side":"Sell","stop_price":90,"quantity":4,'
        '"trail_method":{"Fixed":2}}}'
    ),
    (
        '{"SubmitTrailingStopLimit":{"side":"Sell","stop_price":90,"limit_price":89,"quantity":4,'
        '"time_in_force":"GTC","trail_method":{"Percentage":0.05}}}'
    ),
    (
        '{"SubmitTrailingStopMarket":{"side":"Buy","stop_price":120,"quantity":4,'
        '"trail_method":{"Atr":{"multiplier":2.5,"period":14}}}}'
    ),
    '{"Reduce":{"order_id":5,"quantity":2}}',
    '{"CancelAll":{"owner":1,"side":"Buy"}}',
]


def test_every_request_is_one_event(exchange):
    one_of_each(exchange)
    assert [event.to_json() for event in exchange.events()] == JSON_OF_EACH


def test_the_orders_of_stops_are_no_events(exchange):
    exchange.submit_limit("buy", 100, 5)
    exchange.submit_stop_market("sell", 100, 1)
    exchange.submit_market("sell", 1)
    assert len(exchange.trades()) == 2
    assert len(exchange.events()) == 3


@pytest.mark.parametrize("stop_trigger", ["every", "last"])
def test_a_replay_is_equal_in_all_that_there_is_and_goes_on_the_same(new_exchange, stop_trigger):
    exchange = new_exchange(stop_trigger=stop_trigger)
    one_of_each(exchange)
    again = new_exchange.replay(iter(exchange.events()), stop_trigger=stop_trigger)
    assert again.events() == exchange.events()
    for _ in range(2):
        assert everything(again) == everything(exchange)
        for party in (exchange, again):
            party.submit_limit("buy", 120, 9)
            party.submit_market("sell", 50)


def test_an_event_does_what_its_request_does(exchange):
    result = exchange.submit(Event(EventKind.SUBMIT_LIMIT, "buy", 100, 5, "gtc"))
    assert quantities(result) == ("New", 0, 5, 0)
    assert exchange.submit(Event(EventKind.REDUCE, quantity=2, order_id=1)).cancelled_quantity == 2
    result = exchange.submit(Event(EventKind.SUBMIT_MARKET, "sell", quantity=1))
    assert result.status is OrderStatus.FILLED
    assert len(exchange.events()) == 3


def test_the_log_is_whole_or_refused(new_exchange):
    def refused(exchange):
        exchange.submit_limit("buy", 100, 5)
        with pytest.raises(LogTruncatedError):
            exchange.events()
        return True

    assert refused(new_exchange(log_events=False))
    cleared = new_exchange()
    cleared.clear_events()
    assert refused(cleared)
    assert refused(new_exchange.from_state(new_exchange().state()))
    with pytest.raises(LogTruncatedError):
        new_exchange(log_events=False).events()


def pickled(exchange):
    return pickle.loads(pickle.dumps(exchange))  # noqa: S301 - our own bytes


@pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy, pickled])
def test_a_copy_is_an_exchange_of_its_own(exchange, copied):
    one_of_each(exchange)
    other = copied(exchange)
    assert type(other) is type(exchange)
    assert everything(other) == everything(exchange)
    assert other.events() == exchange.events()
    before = exchange.state()
    other.cancel_all()
    assert exchange.state() == before


def test_a_copy_has_what_was_cleared_again(exchange):
    exchange.submit_limit("sell", 100, 2)
    exchange.submit_market("buy", 2)
    exchange.clear_trades()
    exchange.clear_order_history()
    other = copy.copy(exchange)
    assert (other.trade_count(), other.get_order(1).status) == (1, "filled")
    assert other.state() == exchange.state()


def test_a_copy_of_an_exchange_without_its_log_goes_on_from_its_state(new_exchange):
    exchange = new_exchange(stop_trigger="last", log_events=False)
    one_of_each(exchange)
    other = copy.deepcopy(exchange)
    assert other.state() == exchange.state()
    assert (other.stop_trigger, other.log_events) == (StopTrigger.LAST, False)
    assert (other.trade_count(), exchange.trade_count()) == (0, 1)
    assert rows(other.submit_limit("buy", 105, 1).trades) == rows(
        exchange.submit_limit("buy", 105, 1).trades
    )


# The original's examples


def test_the_first_example_trades_at_the_resting_price(exchange):
    exchange.submit_limit("sell", 50_00, 100, "gtc")
    result = exchange.submit_limit("buy", 50_00, 100, "gtc")
    assert len(result.trades) == 1
    assert result.trades[0].price == 50_00


def test_the_example_of_an_exchange_runs(exchange):
    result = exchange.submit_limit("buy", 10050, 100, "gtc")
    assert exchange.submit_market("sell", 50).filled_quantity == 50
    assert exchange.cancel(result.order_id).cancelled_quantity == 50
    assert exchange.best_bid_ask() == (None, None)
    assert exchange.depth(10).bids == ()


def test_the_example_of_a_replay_gives_the_same_book(exchange):
    exchange.submit_limit("buy", 100_00, 100)
    exchange.submit_limit("sell", 101_00, 50)
    replayed = type(exchange).replay(exchange.events())
    assert replayed.best_bid_ask() == exchange.best_bid_ask() == (100_00, 101_00)


def test_of_two_bad_arguments_the_first_one_is_named(exchange):
    with pytest.raises(TypeError, match="side"):
        exchange.submit_stop_limit(None, -(2**63), 1.5, 0)
    with pytest.raises(OverflowError, match="initial_stop_price"):
        exchange.submit_trailing_stop_limit("buy", -(2**63), 1.5, 0, "pct", 0)
    with pytest.raises(TypeError, match="limit_price"):
        exchange.submit_trailing_stop_limit("buy", 1, 1.5, 0, "pct", 0)
    with pytest.raises(ValueError, match="quantity"):
        exchange.submit_trailing_stop_limit("buy", 1, 1, 0, "pct", 0, "day")


@pytest.mark.parametrize("units", [1.5, "100", True, None])
def test_a_price_is_a_whole_number(units):
    with pytest.raises(TypeError, match="price is a whole number"):
        Price(units)
