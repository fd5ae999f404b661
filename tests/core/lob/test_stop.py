"""Fixed cases of stops: election, waves, trailing; by both rules of what elects."""

import pytest

from nanobook_core.errors import ValidationError
from nanobook_core.types import StopStatus, StpPolicy, TimeInForce, TrailMethod

MAX = 2**63 - 1


def print_at(exchange, *prices):
    """Let one lot trade at each price; nothing else may be on the way."""
    for price in prices:
        exchange.submit_limit("sell", price, 1)
        assert exchange.submit_limit("buy", price, 1, "ioc").is_fully_filled


def printed(exchange):
    return [trade.price for trade in exchange.trades()]


def stop_price(exchange, stop_id):
    return exchange.get_stop_order(stop_id).stop_price


def status(exchange, stop_id):
    return exchange.get_stop_order(stop_id).status


# Submission


def test_a_stop_waits_with_an_id_and_a_timestamp_of_the_orders(exchange):
    exchange.submit_limit("buy", 1, 1)
    result = exchange.submit_stop_limit(
        "sell", 95, 94, 10, "fok", owner=3, stp_policy="cancel_both"
    )
    assert (result.order_id, result.status) == (2, StopStatus.PENDING)
    assert dict(exchange.get_stop_order(2)) == {
        "id": 2,
        "side": "sell",
        "stop_price": 95,
        "limit_price": 94,
        "quantity": 10,
        "status": "pending",
        "timestamp": 2,
        "time_in_force": TimeInForce.FOK,
        "trail_method": None,
        "watermark": None,
        "child_order_id": None,
        "owner": 3,
        "stp_policy": StpPolicy.CANCEL_BOTH,
    }
    assert exchange.get_order(2) is None
    assert exchange.pending_stop_count() == 1
    assert exchange.submit_limit("buy", 1, 1).order_id == 3


def test_a_stop_market_becomes_an_ioc(exchange):
    exchange.submit_stop_market("buy", 105, 10)
    stop = exchange.get_stop_order(1)
    assert (stop.limit_price, stop.time_in_force) == (None, TimeInForce.IOC)


@pytest.mark.parametrize(
    ("arguments", "method"),
    [
        (("fixed", 300), TrailMethod("fixed", 300.0)),
        (("FIXED", 2.0, 14), TrailMethod("fixed", 2.0)),
        (("pct", 0.05), TrailMethod("percentage", 0.05)),
        (("percentage", 1.5), TrailMethod("percentage", 1.5)),
        (("atr", 2, 14), TrailMethod("atr", 2.0, 14)),
        ((TrailMethod.atr(2.5, 3),), TrailMethod("atr", 2.5, 3)),
    ],
)
def test_a_trailing_stop_reads_its_method(exchange, arguments, method):
    exchange.submit_trailing_stop_market("sell", 95, 10, *arguments)
    assert exchange.get_stop_order(1).trail_method == method
    assert exchange.get_stop_order(1).watermark is None


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        (("fixed", 2.9), ValidationError),
        (("fixed", 0), ValidationError),
        (("fixed", -1), ValidationError),
        (("fixed", 2**53 + 2), ValidationError),
        (("fixed",), TypeError),
        (("fixed", True), TypeError),
        (("percentage", float("nan")), ValidationError),
        (("percentage", float("inf")), ValidationError),
        (("percentage", -0.05), ValidationError),
        (("atr", 2.0), ValidationError),
        (("atr", 2.0, 0), ValidationError),
        (("atr", 2.0, -1), OverflowError),
        (("atr", 2.0, 2**32), OverflowError),
        (("atr", 2.0, 14.0), TypeError),
        (("peak", 1), ValidationError),
    ],
)
def test_a_trail_that_means_nothing_is_refused(exchange, arguments, error):
    """Defect 15.14."""
    before = exchange.state()
    with pytest.raises(error):
        exchange.submit_trailing_stop_market("sell", 95, 10, *arguments)
    trail = dict(zip(("trail_type", "trail_value", "atr_period"), arguments, strict=False))
    with pytest.raises(error):
        exchange.submit_trailing_stop_limit("sell", 95, 94, 10, **trail)
    assert exchange.state() == before
    assert exchange.events() == []


@pytest.mark.parametrize(
    ("side", "stop", "expected"),
    [
        ("buy", 100, "Triggered"),
        ("buy", 99, "Triggered"),
        ("buy", 101, "Pending"),
        ("sell", 100, "Triggered"),
        ("sell", 101, "Triggered"),
        ("sell", 99, "Pending"),
    ],
)
def test_a_stop_that_the_last_price_satisfies_runs_at_once(exchange, side, stop, expected):
    print_at(exchange, 100)
    exchange.submit_limit("sell", 120, 1)
    exchange.submit_limit("buy", 80, 1)
    result = exchange.submit_stop_market(side, stop, 1)
    assert (result.order_id, result.status) == (5, expected)
    assert status(exchange, 5) == expected.lower()
    child = exchange.get_stop_order(5).child_order_id
    if expected == "Triggered":
        assert child == 6
        assert exchange.get_order(6).status == "filled"
        assert exchange.get_order(6).timestamp == 7
        assert printed(exchange) == [100, 120 if side == "buy" else 80]
    else:
        assert child is None
        assert printed(exchange) == [100]


def test_a_stop_that_runs_at_once_is_no_print(new_exchange):
    """By the rule of the last print it is one, and trailing stops look at it."""
    found = {}
    for rule in ("every", "last"):
        exchange = new_exchange(stop_trigger=rule)
        print_at(exchange, 100)
        exchange.submit_trailing_stop_market("sell", 10, 1, "fixed", 5)
        exchange.submit_stop_market("buy", 99, 1)
        found[rule] = (exchange.state().atr_samples, stop_price(exchange, 3))
    assert found == {"every": ((), 10), "last": ((0,), 95)}


def test_a_trailing_stop_never_runs_at_once(exchange):
    print_at(exchange, 100)
    result = exchange.submit_trailing_stop_market("sell", 110, 1, "fixed", 5)
    assert result.status is StopStatus.PENDING
    print_at(exchange, 100)
    assert status(exchange, 3) == "triggered"


# Election


@pytest.mark.parametrize(
    ("stop", "price", "expected"),
    [
        (("buy", 105), 105, "triggered"),
        (("buy", 105), 106, "triggered"),
        (("buy", 105), 104, "pending"),
        (("sell", 95), 95, "triggered"),
        (("sell", 95), 94, "triggered"),
        (("sell", 95), 96, "pending"),
        (("sell", -95), -95, "triggered"),
        (("buy", 0), -1, "pending"),
    ],
)
@pytest.mark.parametrize("stop_trigger", ["every", "last"])
def test_a_print_at_the_stop_price_or_beyond_elects(
    new_exchange, stop_trigger, stop, price, expected
):
    exchange = new_exchange(stop_trigger=stop_trigger)
    exchange.submit_stop_market(*stop, 1)
    print_at(exchange, price)
    assert status(exchange, 1) == expected
    assert exchange.pending_stop_count() == (expected == "pending")


def test_a_stop_that_finds_no_liquidity_is_triggered_and_its_order_cancelled(exchange):
    exchange.submit_stop_market("sell", 100, 5)
    print_at(exchange, 100)
    stop = exchange.get_stop_order(1)
    assert (stop.status, stop.child_order_id) == ("triggered", 4)
    child = exchange.get_order(4)
    assert (child.status, child.cancelled_quantity) == ("cancelled", 5)
    assert child.price == -(2**63)


@pytest.mark.parametrize(
    ("tif", "status_of_child", "bids"),
    [("gtc", "partiallyfilled", [102]), ("ioc", "cancelled", []), ("fok", "cancelled", [])],
)
def test_a_stop_limit_becomes_a_limit_order(exchange, tif, status_of_child, bids):
    exchange.submit_limit("sell", 101, 2)
    exchange.submit_limit("sell", 103, 2)
    exchange.submit_stop_limit("buy", 100, 102, 5, tif, owner=1, stp_policy="cancel_oldest")
    print_at(exchange, 100)
    child = exchange.get_order(exchange.get_stop_order(3).child_order_id)
    assert (child.status, child.price, child.original_quantity) == (status_of_child, 102, 5)
    assert (child.owner, child.stp_policy) == (1, StpPolicy.CANCEL_OLDEST)
    assert [level.price for level in exchange.depth().bids] == bids


def test_the_result_of_an_order_is_its_own_and_not_of_the_stops_that_it_sets_off(exchange):
    exchange.submit_stop_market("sell", 100, 3)
    exchange.submit_limit("sell", 100, 2)
    result = exchange.submit_limit("buy", 100, 10)
    assert (result.status, result.filled_quantity) == ("PartiallyFilled", 2)
    assert (result.resting_quantity, result.cancelled_quantity) == (8, 0)
    assert [trade.trade_id for trade in result.trades] == [1]
    # The stop's order has since taken some of what rested.
    assert [trade.aggressor_order_id for trade in exchange.trades()] == [3, 4]
    assert exchange.get_order(3).remaining_quantity == 5


def test_of_a_sweep_every_print_elects(exchange):
    exchange.submit_stop_limit("sell", 100, 100, 1)
    exchange.submit_stop_limit("buy", 105, 100, 1)
    exchange.submit_stop_limit("buy", 103, 100, 1)
    exchange.submit_stop_limit("sell", 99, 99, 1)
    for price in (100, 103, 106):
        exchange.submit_limit("sell", price, 1)
    exchange.submit_market("buy", 3)
    # The first print elects 1, the last one 2 and 3, in the order of entry.
    assert [exchange.get_stop_order(number).child_order_id for number in (1, 2, 3)] == [9, 10, 11]
    assert status(exchange, 4) == "pending"


def test_by_the_rule_of_the_last_print_the_first_of_a_sweep_elects_nothing(new_exchange):
    exchange = new_exchange(stop_trigger="last")
    exchange.submit_stop_market("sell", 100, 1)
    exchange.submit_limit("sell", 100, 1)
    exchange.submit_limit("sell", 105, 1)
    exchange.submit_market("buy", 2)
    assert status(exchange, 1) == "pending"


@pytest.mark.parametrize("stop_trigger", ["every", "last"])
def test_elected_by_one_print_they_run_in_the_order_of_entry(new_exchange, stop_trigger):
    """Two opposite stops at 100, which fill at 70 and at 130."""
    exchange = new_exchange(stop_trigger=stop_trigger)
    exchange.submit_limit("buy", 70, 10)
    exchange.submit_limit("sell", 130, 10)
    exchange.submit_stop_market("sell", 100, 1)
    exchange.submit_stop_market("buy", 100, 1)
    print_at(exchange, 100)
    assert printed(exchange) == [100, 70, 130]


def test_by_the_rule_of_the_last_print_a_wave_shows_its_last_price_only(new_exchange):
    """The original's: a stop that only an intermediate price of the wave satisfies waits."""
    found = {}
    for rule in ("every", "last"):
        exchange = new_exchange(stop_trigger=rule)
        exchange.submit_limit("buy", 70, 10)
        exchange.submit_limit("sell", 130, 10)
        exchange.submit_stop_market("sell", 80, 1)
        exchange.submit_stop_market("sell", 100, 1)
        exchange.submit_stop_market("buy", 100, 1)
        print_at(exchange, 100)
        found[rule] = (status(exchange, 3), printed(exchange))
    assert found == {
        "every": ("triggered", [100, 70, 130, 70]),
        "last": ("pending", [100, 70, 130]),
    }


def test_elected_stops_join_the_queue_behind_those_of_the_wave(exchange):
    exchange.submit_limit("buy", 90, 1)
    exchange.submit_limit("buy", 80, 1)
    exchange.submit_limit("buy", 70, 9)
    exchange.submit_stop_market("sell", 90, 1)  # 4: elected by the order of 5
    exchange.submit_stop_market("sell", 100, 1)  # 5
    exchange.submit_stop_market("sell", 100, 1)  # 6
    print_at(exchange, 100)
    children = [exchange.get_stop_order(number).child_order_id for number in (4, 5, 6)]
    assert children == [11, 9, 10]
    assert printed(exchange) == [100, 90, 80, 70]


def test_a_cancelled_stop_is_never_elected(exchange):
    exchange.submit_stop_market("sell", 100, 7)
    exchange.submit_trailing_stop_market("sell", 100, 8, "fixed", 5)
    assert exchange.cancel(1).cancelled_quantity == 7
    assert exchange.cancel(2).cancelled_quantity == 8
    assert exchange.cancel(1).error == "OrderNotFound"
    print_at(exchange, 100)
    assert [status(exchange, number) for number in (1, 2)] == ["cancelled", "cancelled"]
    assert exchange.submit_limit("buy", 1, 1).order_id == 5


def test_a_triggered_stop_cannot_be_cancelled(exchange):
    exchange.submit_stop_market("sell", 100, 7)
    print_at(exchange, 100)
    assert exchange.cancel(1).error == "OrderNotFound"
    assert status(exchange, 1) == "triggered"


# Cascades


def ladder(exchange, length):
    """Stops of which each sets off the next: at 1, 2, 3, ... one lot is sold and one stop waits."""
    for price in range(1, length + 2):
        exchange.submit_limit("sell", price, 1)
    for price in range(1, length + 1):
        exchange.submit_stop_market("buy", price, 1)


def test_a_request_runs_a_hundred_waves_and_the_next_one_the_rest(exchange):
    ladder(exchange, 150)
    exchange.submit_market("buy", 1)
    assert exchange.trade_count() == 101
    # Of the fifty that are left, the last print has elected one.
    assert exchange.pending_stop_count() == 49
    left = exchange.state()
    assert left.elected == (252,)
    assert status(exchange, 252) == "triggered"
    assert exchange.get_stop_order(252).child_order_id is None
    assert exchange.cancel(252).error == "OrderNotFound"
    assert exchange.trade_count() == 151
    assert exchange.pending_stop_count() == 0
    # Before it 301 orders and stops, the market order, and 150 orders of stops.
    assert exchange.submit_limit("buy", 1, 1).order_id == 453


@pytest.mark.parametrize(
    "request_it",
    [
        lambda exchange: exchange.cancel(1),
        lambda exchange: exchange.modify(10**6, 1, 1),
        lambda exchange: exchange.modify(1, 1, 0),
        lambda exchange: exchange.reduce(10**6, 1),
        lambda exchange: exchange.cancel_all(owner=7),
        lambda exchange: exchange.submit_limit("sell", 900, 1),
        lambda exchange: exchange.submit_stop_market("buy", 900, 1),
        lambda exchange: exchange.submit_trailing_stop_market("buy", 900, 1, "fixed", 1),
    ],
)
def test_what_is_elected_and_left_runs_first_at_any_request(new_exchange, request_it):
    exchange = new_exchange()
    ladder(exchange, 120)
    exchange.submit_market("buy", 1)
    assert exchange.trade_count() == 101
    continued = new_exchange.from_state(exchange.state())
    for party in (exchange, continued):
        request_it(party)
        assert party.last_trade_price() == 121
    assert continued.state() == exchange.state()
    assert exchange.trade_count() == 121


def test_queries_run_no_stops(exchange):
    ladder(exchange, 120)
    exchange.submit_market("buy", 1)
    for query in (exchange.depth, exchange.full_book, exchange.state, exchange.trades):
        query()
    exchange.clear_trades()
    exchange.clear_order_history()
    exchange.compact()
    assert exchange.last_trade_price() == 101
    # Elected and not yet run: its history is not over.
    assert status(exchange, 222) == "triggered"
    exchange.cancel(0)
    assert exchange.get_stop_order(222).child_order_id is not None


def test_waves_before_the_request_itself_count(exchange):
    ladder(exchange, 250)
    exchange.submit_market("buy", 1)
    assert exchange.trade_count() == 101
    # A hundred waves run first, so the order that trades now sets off what the next request runs.
    result = exchange.submit_limit("buy", 202, 1)
    assert [trade.price for trade in result.trades] == [202]
    assert exchange.trade_count() == 202
    assert len(exchange.state().elected) == 2
    exchange.cancel(0)
    assert exchange.trade_count() == 251


def test_a_request_that_runs_what_is_left_has_the_other_waves_for_itself(exchange):
    ladder(exchange, 101)
    exchange.submit_limit("sell", 200, 1)
    exchange.submit_stop_market("buy", 200, 1)
    exchange.submit_market("buy", 1)
    assert len(exchange.state().elected) == 1
    result = exchange.submit_market("buy", 1)
    assert [trade.price for trade in result.trades] == [200]
    assert exchange.get_stop_order(205).child_order_id == result.order_id + 1
    assert exchange.state().elected == ()


def test_a_mass_cancel_leaves_what_was_elected(exchange):
    ladder(exchange, 250)
    exchange.submit_market("buy", 1)
    result = exchange.cancel_all(side="buy")
    # A hundred ran first; one is elected again, and out of reach.
    assert len(result.order_ids) == 49
    assert len(exchange.state().elected) == 1
    exchange.cancel(0)
    assert exchange.trade_count() == 202


def test_by_the_rule_of_the_last_print_the_rest_waits_for_the_next_trade(new_exchange):
    """The original's: 101 trades, 50 pending; nothing but a trade resumes it."""
    exchange = new_exchange(stop_trigger="last")
    ladder(exchange, 150)
    exchange.submit_market("buy", 1)
    assert (exchange.trade_count(), exchange.pending_stop_count()) == (101, 50)
    assert exchange.state().elected == ()
    exchange.cancel(0)
    exchange.submit_limit("buy", -5, 1)
    assert (exchange.trade_count(), exchange.pending_stop_count()) == (101, 50)
    assert exchange.cancel(301).cancelled_quantity == 1
    exchange.submit_market("buy", 1)
    assert (exchange.trade_count(), exchange.pending_stop_count()) == (151, 0)


def test_by_the_rule_of_the_last_print_a_stop_that_runs_at_once_resumes_the_rest(new_exchange):
    exchange = new_exchange(stop_trigger="last")
    ladder(exchange, 110)
    exchange.submit_market("buy", 1)
    assert exchange.pending_stop_count() == 10
    assert exchange.submit_stop_market("buy", 1, 1).status is StopStatus.TRIGGERED
    assert exchange.pending_stop_count() == 0
    assert printed(exchange)[-1] == 111


# The level that is full


def test_a_stops_order_for_which_its_level_has_no_room_is_cancelled(exchange):
    exchange.submit_limit("sell", 105, MAX - 2)
    exchange.submit_stop_limit("sell", 100, 105, 3)
    exchange.submit_stop_limit("sell", 100, 105, 2)
    print_at(exchange, 100)
    first = exchange.get_order(exchange.get_stop_order(2).child_order_id)
    assert (first.status, first.cancelled_quantity, first.remaining_quantity) == ("cancelled", 3, 0)
    second = exchange.get_order(exchange.get_stop_order(3).child_order_id)
    assert (second.status, second.remaining_quantity) == ("new", 2)
    assert exchange.depth().asks[0].quantity == MAX


def full_by_what_is_left(exchange):
    """A level at -2 that is full once the stop that is elected has run; and an order at -1."""
    ladder(exchange, 101)
    exchange.cancel(203)
    exchange.submit_stop_limit("buy", 101, -2, MAX - 2)
    exchange.submit_limit("buy", -1, 1)
    exchange.submit_market("buy", 1)
    assert exchange.state().elected == (204,)


def test_an_order_for_which_stops_have_left_no_room_is_cancelled_after_all(exchange):
    full_by_what_is_left(exchange)
    result = exchange.submit_limit("buy", -2, 3)
    assert (result.status, result.cancelled_quantity) == ("Cancelled", 3)
    assert exchange.get_order(result.order_id).status == "cancelled"
    assert exchange.depth().bids[1].quantity == MAX - 2
    with pytest.raises(OverflowError):
        exchange.submit_limit("buy", -2, 3)


def test_a_replacement_for_which_stops_have_left_no_room_is_cancelled_after_all(exchange):
    full_by_what_is_left(exchange)
    result = exchange.modify(205, -2, 3)
    assert (result.success, result.cancelled_quantity, result.trades) == (True, 1, ())
    assert exchange.get_order(result.new_order_id).status == "cancelled"
    assert exchange.get_order(205).status == "cancelled"


def test_a_modify_fails_where_a_stop_has_just_filled_the_order(exchange):
    ladder(exchange, 100)
    exchange.submit_limit("sell", 102, 1)
    exchange.submit_stop_market("buy", 101, 1)
    exchange.submit_market("buy", 1)
    assert exchange.state().elected == (203,)
    assert exchange.modify(202, 500, 1).error == "OrderNotActive"
    assert exchange.get_order(202).status == "filled"


# Trailing


def test_a_fixed_trail_follows_the_best_price_and_never_loosens(exchange):
    exchange.submit_trailing_stop_market("sell", 9500, 1, "fixed", 300)
    found = []
    for price in (10000, 9800, 10100):
        print_at(exchange, price)
        found.append(stop_price(exchange, 1))
    assert found == [9700, 9700, 9800]
    assert exchange.get_stop_order(1).watermark == 10100
    print_at(exchange, 9800)
    assert status(exchange, 1) == "triggered"
    assert stop_price(exchange, 1) == 9800


def test_a_percentage_trail_to_buy_follows_the_lowest_price(exchange):
    exchange.submit_trailing_stop_market("buy", 11000, 1, "percentage", 0.05)
    found = []
    for price in (10000, 9999, 9001):
        print_at(exchange, price)
        found.append(stop_price(exchange, 1))
    assert found == [10500, 10498, 9451]
    print_at(exchange, 9451)
    assert status(exchange, 1) == "triggered"


@pytest.mark.parametrize("stop_trigger", ["every", "last"])
def test_an_atr_trail_follows_the_mean_change_of_as_many_samples_as_there_are(
    new_exchange, stop_trigger
):
    exchange = new_exchange(stop_trigger=stop_trigger)
    exchange.submit_trailing_stop_market("sell", 9000, 1, "atr", 2.0, 3)
    found = []
    for price in (10000, 10200, 9900, 10100, 10100):
        print_at(exchange, price)
        found.append(stop_price(exchange, 1))
    assert found == [9000, 9800, 9800, 9800, 9867]
    assert exchange.state().atr_samples == (200, 300, 200, 0)
    assert exchange.state().atr_price == 10100


def test_the_initial_stop_price_is_never_loosened(exchange):
    exchange.submit_trailing_stop_market("sell", 9900, 1, "fixed", 300)
    print_at(exchange, 10000)
    assert stop_price(exchange, 1) == 9900


def test_a_percentage_of_a_negative_price_is_of_its_size(exchange):
    exchange.submit_trailing_stop_market("sell", -1000, 1, "percentage", 0.1)
    exchange.submit_trailing_stop_market("buy", 1000, 1, "percentage", 0.1)
    print_at(exchange, -105)
    assert [stop_price(exchange, number) for number in (1, 2)] == [-115, -95]


def test_an_offset_of_nothing_moves_nothing_but_the_watermark(exchange):
    exchange.submit_trailing_stop_market("sell", 50, 1, "percentage", 0.001)
    exchange.submit_trailing_stop_market("sell", 50, 1, "atr", 2.0, 3)
    print_at(exchange, 999)
    assert [stop_price(exchange, number) for number in (1, 2)] == [50, 50]
    assert exchange.get_stop_order(1).watermark == 999
    print_at(exchange, 1000)
    assert [stop_price(exchange, number) for number in (1, 2)] == [999, 998]


@pytest.mark.parametrize("fraction", [1.0, 2.0, 1e300])
def test_a_price_or_an_offset_that_leaves_the_range_is_not_adopted(exchange, fraction):
    exchange.submit_trailing_stop_market("sell", -MAX, 1, "percentage", fraction)
    exchange.submit_trailing_stop_market("buy", MAX, 1, "percentage", fraction)
    # As a float, the largest price is 2^63.
    print_at(exchange, MAX)
    assert stop_price(exchange, 1) == -MAX
    assert exchange.get_stop_order(1).watermark == MAX
    assert status(exchange, 2) == "triggered"
    print_at(exchange, -MAX)
    assert status(exchange, 1) == "triggered"


def test_trailing_stops_move_at_the_first_print_of_a_sweep_and_at_the_last(exchange):
    exchange.submit_trailing_stop_market("sell", 1, 1, "fixed", 10)
    for price in (100, 95, 91, 90, 50):
        exchange.submit_limit("buy", price, 1)
    exchange.submit_limit("sell", 90, 4)
    # The first print lifts the stop to 90, the last one elects it.
    assert status(exchange, 1) == "triggered"
    assert stop_price(exchange, 1) == 90
    assert printed(exchange) == [100, 95, 91, 90, 50]


def test_by_the_rule_of_the_last_print_the_first_of_a_sweep_moves_nothing(new_exchange):
    exchange = new_exchange(stop_trigger="last")
    exchange.submit_trailing_stop_market("sell", 1, 1, "fixed", 10)
    for price in (100, 95, 91, 90):
        exchange.submit_limit("buy", price, 1)
    exchange.submit_limit("sell", 90, 4)
    assert (status(exchange, 1), stop_price(exchange, 1)) == ("pending", 80)


def test_an_order_takes_one_atr_sample_at_its_last_print(exchange):
    print_at(exchange, 100)
    assert exchange.state().atr_samples == ()
    for price in (104, 110, 117):
        exchange.submit_limit("sell", price, 1)
    exchange.submit_market("buy", 3)
    assert exchange.state().atr_samples == (17,)
    exchange.submit_limit("sell", 117, 1)
    exchange.submit_market("buy", 5)
    assert exchange.state().atr_samples == (17, 0)


def test_the_first_print_of_a_sweep_moves_an_atr_trail_by_the_samples_before(exchange):
    print_at(exchange, 100, 102)
    exchange.submit_trailing_stop_market("sell", 1, 1, "atr", 1.0, 5)
    for price in (110, 106, 105):
        exchange.submit_limit("buy", price, 1)
    # With the sample of 3 at the last print the mean is 2.5, so 108 from the first print stands.
    exchange.submit_limit("sell", 105, 3)
    assert exchange.state().atr_samples == (2, 3)
    assert (status(exchange, 5), stop_price(exchange, 5)) == ("triggered", 108)


def test_by_the_rule_of_the_last_print_each_wave_takes_a_sample(new_exchange):
    exchange = new_exchange(stop_trigger="last")
    print_at(exchange, 100)
    exchange.submit_stop_market("sell", 100, 1)
    assert exchange.state().atr_samples == (0,)
    exchange.submit_limit("buy", 90, 1)
    exchange.submit_stop_market("sell", 95, 1)
    assert exchange.state().atr_samples == (0,)
    exchange.submit_limit("buy", 97, 1)
    # Its order trades at 97 and 90, which elects the other one, whose order finds nothing.
    exchange.submit_stop_market("sell", 101, 2)
    assert exchange.state().atr_samples == (0, 0, 10)


def test_the_newest_ten_thousand_samples_are_kept(exchange):
    print_at(exchange, *[price % 7 for price in range(10_003)])
    samples = exchange.state().atr_samples
    assert len(samples) == 10_000
    assert samples[:8] == (1, 1, 1, 1, 6, 1, 1, 1)
    exchange.submit_trailing_stop_market("sell", -100, 1, "atr", 7.0, 2**32 - 1)
    print_at(exchange, 10)
    assert stop_price(exchange, exchange.state().stops[0].id) == 10 - 12


def test_an_atr_sample_may_be_as_large_as_the_range_of_prices(exchange):
    exchange.submit_trailing_stop_market("buy", MAX, 1, "atr", 0.25, 2)
    print_at(exchange, MAX - 1)
    print_at(exchange, -MAX)
    assert exchange.state().atr_samples == (2**64 - 3,)
    # As floats: a quarter of 2^64.
    assert stop_price(exchange, 1) == -MAX + 2**62


def test_the_examples_of_stops_run(exchange):
    exchange.submit_stop_market("sell", 95_00, 100)
    exchange.submit_stop_limit("sell", 95_00, 94_50, 100, "gtc")
    exchange.submit_stop_limit("buy", 10500, 10600, 100, "gtc")
    exchange.submit_trailing_stop_market("sell", 98_00, 100, TrailMethod.fixed(200))
    exchange.submit_trailing_stop_market("sell", 95_00, 100, "percentage", 0.05)
    exchange.submit_trailing_stop_market("sell", 95_00, 100, "atr", 2.0, atr_period=14)
    exchange.submit_trailing_stop_limit("sell", 95_00, 94_00, 100, "fixed", 200, "ioc")
    assert exchange.pending_stop_count() == 7
    assert exchange.cancel(1).success
    assert exchange.pending_stop_count() == 6
