"""Fixed cases of what happens when an order meets one of its owner."""

import pytest

POLICIES = ("cancel_newest", "cancel_oldest", "cancel_both", "decrement_and_cancel")


def quantities(exchange, order_id):
    order = exchange.get_order(order_id)
    return (
        order.status,
        order.filled_quantity,
        order.remaining_quantity,
        order.cancelled_quantity,
    )


def others_before_and_behind(exchange, own=10):
    """At 100 sells of others, of owner 7, and of others again; at 101 of others."""
    exchange.submit_limit("sell", 100, 5)
    exchange.submit_limit("sell", 100, own, owner=7)
    exchange.submit_limit("sell", 100, 5, owner=8)
    exchange.submit_limit("sell", 101, 5)


@pytest.mark.parametrize(
    ("policy", "result", "incoming", "own", "makers"),
    [
        ("off", ("Filled", 18, 0, 0), ("filled", 18, 0, 0), ("filled", 10, 0, 0), [1, 2, 3]),
        (
            "cancel_newest",
            ("PartiallyFilled", 5, 0, 13),
            ("cancelled", 5, 0, 13),
            ("new", 0, 10, 0),
            [1],
        ),
        (
            "cancel_oldest",
            ("PartiallyFilled", 15, 3, 0),
            ("partiallyfilled", 15, 3, 0),
            ("cancelled", 0, 0, 10),
            [1, 3, 4],
        ),
        (
            "cancel_both",
            ("PartiallyFilled", 5, 0, 13),
            ("cancelled", 5, 0, 13),
            ("cancelled", 0, 0, 10),
            [1],
        ),
        (
            "decrement_and_cancel",
            ("PartiallyFilled", 8, 0, 10),
            ("cancelled", 8, 0, 10),
            ("cancelled", 0, 0, 10),
            [1, 3],
        ),
    ],
)
def test_the_policy_of_the_incoming_order_rules(exchange, policy, result, incoming, own, makers):  # noqa: PLR0917 - a row of the table
    others_before_and_behind(exchange)
    found = exchange.submit_limit("buy", 101, 18, owner=7, stp_policy=policy)
    assert (
        found.status,
        found.filled_quantity,
        found.resting_quantity,
        found.cancelled_quantity,
    ) == result
    assert [trade.passive_order_id for trade in found.trades] == makers
    assert quantities(exchange, 5) == incoming
    assert quantities(exchange, 2) == own


@pytest.mark.parametrize("policy", POLICIES)
def test_the_policy_of_the_resting_order_does_not_matter(exchange, policy):
    exchange.submit_limit("sell", 100, 5, owner=7, stp_policy=policy)
    assert exchange.submit_limit("buy", 100, 5, owner=7).is_fully_filled


@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize("resting_owner", [None, 0, 8])
def test_orders_of_others_and_of_nobody_trade(exchange, policy, resting_owner):
    exchange.submit_limit("sell", 100, 5, owner=resting_owner)
    assert exchange.submit_limit("buy", 100, 5, owner=7, stp_policy=policy).is_fully_filled


def test_owner_zero_is_an_owner(exchange):
    exchange.submit_limit("sell", 100, 5, owner=0)
    result = exchange.submit_market("buy", 5, owner=0, stp_policy="cancel_newest")
    assert (result.status, result.cancelled_quantity) == ("Cancelled", 5)
    assert quantities(exchange, 1) == ("new", 0, 5, 0)


@pytest.mark.parametrize(
    ("incoming", "resting", "result", "own"),
    [
        (4, 10, ("Cancelled", 0, 0, 4), ("new", 0, 6, 4)),
        (10, 10, ("Cancelled", 0, 0, 10), ("cancelled", 0, 0, 10)),
        (10, 4, ("New", 0, 6, 4), ("cancelled", 0, 0, 4)),
    ],
)
def test_of_two_that_are_decremented_the_smaller_expires(exchange, incoming, resting, result, own):
    exchange.submit_limit("sell", 100, resting, owner=7)
    exchange.submit_limit("sell", 100, 1)
    exchange.cancel(2)
    found = exchange.submit_limit("buy", 100, incoming, owner=7, stp_policy="decrement_and_cancel")
    assert found.trades == ()
    assert (
        found.status,
        found.filled_quantity,
        found.resting_quantity,
        found.cancelled_quantity,
    ) == result
    assert quantities(exchange, 1) == own
    assert exchange.last_trade_price() is None


def test_one_that_was_only_decremented_keeps_its_turn(exchange):
    exchange.submit_limit("sell", 100, 10, owner=7)
    exchange.submit_limit("sell", 100, 10)
    exchange.submit_limit("buy", 100, 4, owner=7, stp_policy="decrement_and_cancel")
    level = exchange.depth().asks[0]
    assert (level.quantity, level.order_count) == (16, 2)
    assert [trade.passive_order_id for trade in exchange.submit_market("buy", 7).trades] == [1, 2]
    assert quantities(exchange, 1) == ("filled", 6, 0, 4)


def test_one_that_was_filled_in_part_and_then_decremented_away_is_cancelled(exchange):
    exchange.submit_limit("sell", 100, 10, owner=7)
    exchange.submit_market("buy", 4)
    exchange.submit_market("buy", 6, owner=7, stp_policy="decrement_and_cancel")
    assert quantities(exchange, 1) == ("cancelled", 4, 0, 6)


def test_a_decremented_order_rests_with_what_is_left(exchange):
    exchange.submit_limit("sell", 100, 4, owner=7)
    exchange.submit_limit("buy", 100, 10, owner=7, stp_policy="decrement_and_cancel")
    assert quantities(exchange, 2) == ("new", 0, 6, 4)
    exchange.submit_limit("sell", 100, 6)
    assert quantities(exchange, 2) == ("filled", 6, 0, 4)


@pytest.mark.parametrize("policy", ["cancel_oldest", "cancel_both", "decrement_and_cancel"])
def test_a_level_of_own_orders_only_is_taken_off_without_a_print(exchange, policy):
    exchange.submit_limit("sell", 100, 5, owner=7)
    exchange.submit_market("buy", 5, owner=7, stp_policy=policy)
    assert exchange.best_ask() is None
    assert exchange.trade_count() == 0


@pytest.mark.parametrize(
    ("policy", "quantity", "fills"),
    [
        ("off", 25, True),
        ("off", 26, False),
        ("cancel_oldest", 15, True),
        ("cancel_oldest", 16, False),
        ("cancel_newest", 5, True),
        ("cancel_newest", 6, False),
        ("cancel_both", 5, True),
        ("cancel_both", 6, False),
        ("decrement_and_cancel", 5, True),
        ("decrement_and_cancel", 6, False),
    ],
)
def test_a_fill_or_kill_fills_from_orders_of_others(exchange, policy, quantity, fills):
    others_before_and_behind(exchange)
    book = exchange.full_book()
    result = exchange.submit_limit("buy", 101, quantity, "fok", owner=7, stp_policy=policy)
    if fills:
        assert result.is_fully_filled
        assert result.filled_quantity == quantity
    else:
        assert (result.status, result.cancelled_quantity) == ("Cancelled", quantity)
        assert (exchange.full_book().bids, exchange.full_book().asks) == (book.bids, book.asks)


def test_a_fill_or_kill_counts_up_to_its_limit_only(exchange):
    others_before_and_behind(exchange)
    policy = {"owner": 7, "stp_policy": "cancel_oldest"}
    assert exchange.submit_limit("buy", 100, 11, "fok", **policy).cancelled_quantity == 11
    assert exchange.submit_limit("buy", 100, 10, "fok", **policy).is_fully_filled
    # On its way it met its own order.
    assert quantities(exchange, 2) == ("cancelled", 0, 0, 10)


def test_a_fill_or_kill_that_is_full_before_its_own_orders_leaves_them(exchange):
    others_before_and_behind(exchange)
    exchange.submit_limit("buy", 100, 5, "fok", owner=7, stp_policy="cancel_oldest")
    assert quantities(exchange, 2) == ("new", 0, 10, 0)


@pytest.mark.parametrize("policy", POLICIES)
def test_whether_a_post_only_order_would_trade_does_not_depend_on_owners(exchange, policy):
    exchange.submit_limit("sell", 100, 5, owner=7)
    result = exchange.submit_limit("buy", 100, 5, owner=7, stp_policy=policy, post_only=True)
    assert (result.status, result.cancelled_quantity) == ("Cancelled", 5)
    assert quantities(exchange, 1) == ("new", 0, 5, 0)


def test_a_replacement_inherits_owner_and_policy(exchange):
    exchange.submit_limit("sell", 100, 5, owner=7)
    exchange.submit_limit("buy", 90, 5, owner=7, stp_policy="cancel_newest")
    result = exchange.modify(2, 100, 8)
    assert result.trades == ()
    assert quantities(exchange, 3) == ("cancelled", 0, 0, 8)
    assert quantities(exchange, 1) == ("new", 0, 5, 0)


def test_the_order_of_a_stop_inherits_owner_and_policy(exchange):
    exchange.submit_limit("buy", 99, 5, owner=7)
    exchange.submit_stop_market("sell", 100, 3, owner=7, stp_policy="cancel_both")
    exchange.submit_limit("sell", 100, 1)
    exchange.submit_market("buy", 1)
    assert quantities(exchange, 1) == ("cancelled", 0, 0, 5)
    assert quantities(exchange, 5) == ("cancelled", 0, 0, 3)


def test_what_is_prevented_elects_no_stops(exchange):
    exchange.submit_stop_market("buy", 100, 1)
    exchange.submit_limit("sell", 100, 5, owner=7)
    exchange.submit_market("buy", 5, owner=7, stp_policy="decrement_and_cancel")
    assert exchange.pending_stop_count() == 1
