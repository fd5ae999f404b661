"""What decides the future: its bytes, its hash, what it may not be, and going on from it."""

import pickle

import pytest
from attrs import evolve

from nanobook_core.contracts import EngineState, Order, StopOrder
from nanobook_core.errors import ValidationError
from nanobook_core.lob.state import check_state, encode, state_hash
from nanobook_core.types import Side, StopTrigger, StpPolicy, TimeInForce, TrailMethod

MAX = 2**63 - 1

BID = Order(
    id=5,
    side=Side.BUY,
    price=-5,
    original_quantity=9,
    remaining_quantity=7,
    filled_quantity=0,
    cancelled_quantity=2,
    status="new",
    time_in_force=TimeInForce.GTC,
    timestamp=8,
    owner=2**32 - 1,
    stp_policy=StpPolicy.DECREMENT_AND_CANCEL,
)
ASK = Order(
    id=1,
    side=Side.SELL,
    price=104,
    original_quantity=10,
    remaining_quantity=3,
    filled_quantity=7,
    cancelled_quantity=0,
    status="partiallyfilled",
    time_in_force=TimeInForce.GTC,
    timestamp=1,
)
STOP_LIMIT = StopOrder(
    id=6,
    side=Side.BUY,
    stop_price=110,
    limit_price=111,
    quantity=3,
    status="pending",
    timestamp=9,
    time_in_force=TimeInForce.FOK,
)
TRAILING = StopOrder(
    id=7,
    side=Side.SELL,
    stop_price=98,
    limit_price=None,
    quantity=2,
    status="pending",
    timestamp=10,
    time_in_force=TimeInForce.IOC,
    trail_method=TrailMethod("percentage", 0.5),
    watermark=103,
    owner=0,
    stp_policy=StpPolicy.CANCEL_NEWEST,
)
ELECTED = StopOrder(
    id=8,
    side=Side.SELL,
    stop_price=200,
    limit_price=0,
    quantity=1,
    status="triggered",
    timestamp=11,
    time_in_force=TimeInForce.GTC,
    trail_method=TrailMethod("atr", 2.5, 14),
    watermark=-103,
)
UNSEEN = StopOrder(
    id=9,
    side=Side.BUY,
    stop_price=90,
    limit_price=None,
    quantity=4,
    status="pending",
    timestamp=12,
    time_in_force=TimeInForce.IOC,
    trail_method=TrailMethod("fixed", 2),
)
STATE = EngineState(
    stop_trigger=StopTrigger.EVERY,
    next_order_id=10,
    next_trade_id=4,
    timestamp=12,
    last_trade_price=103,
    orders=(BID, ASK),
    stops=(STOP_LIMIT, TRAILING, ELECTED, UNSEEN),
    elected=(8,),
    atr_price=103,
    atr_samples=(3, 2**64 - 3),
)
#: Row by row as in docs/order_book.md.
BYTES = bytes.fromhex(
    """
    00 0a00000000000000 0400000000000000 0c00000000000000
       01 6700000000000000 01 6700000000000000
    0200000000000000
    0500000000000000 00 fbffffffffffffff 0900000000000000 0700000000000000 0000000000000000
       00 0800000000000000 ffffffff00000000 04
    0100000000000000 01 6800000000000000 0a00000000000000 0300000000000000 0700000000000000
       00 0100000000000000 ffffffffffffffff 00
    0400000000000000
    0600000000000000 00 6e00000000000000 01 6f00000000000000 0300000000000000
       02 0900000000000000 ffffffffffffffff 00
       00 0000000000000000 00000000 00 0000000000000000 00
    0700000000000000 01 6200000000000000 00 0000000000000000 0200000000000000
       01 0a00000000000000 0000000000000000 01
       02 000000000000e03f 00000000 01 6700000000000000 00
    0800000000000000 01 c800000000000000 01 0000000000000000 0100000000000000
       00 0b00000000000000 ffffffffffffffff 00
       03 0000000000000440 0e000000 01 99ffffffffffffff 01
    0900000000000000 00 5a00000000000000 00 0000000000000000 0400000000000000
       01 0c00000000000000 ffffffffffffffff 00
       01 0000000000000040 00000000 00 0000000000000000 00
    0100000000000000 0800000000000000
    0200000000000000 0300000000000000 fdffffffffffffff
    """
)


HASH = 10804349731706613775
HASH_OF_NEW = 16486537899979457963


def test_the_bytes_of_a_state_are_those_of_the_documentation():
    assert encode(STATE) == BYTES


def test_the_bytes_of_a_new_exchange_say_which_prints_elect(new_exchange):
    assert encode(new_exchange().state()).hex() == (
        "00 0100000000000000 0100000000000000 0000000000000000"
        "00 0000000000000000 00 0000000000000000"
        "0000000000000000 0000000000000000 0000000000000000 0000000000000000"
    ).replace(" ", "")
    assert encode(new_exchange(stop_trigger="last").state())[0] == 1


def test_the_hash_of_a_state_is_the_same_everywhere(new_exchange):
    assert state_hash(STATE) == HASH
    assert new_exchange.from_state(STATE).state_hash() == HASH
    assert new_exchange().state_hash() == HASH_OF_NEW


def test_an_exchange_that_goes_on_from_a_state_is_in_that_state(new_exchange):
    exchange = new_exchange.from_state(STATE)
    assert exchange.state() == STATE
    assert exchange.log_events is True
    assert exchange.get_order(5) == BID
    assert exchange.get_stop_order(8) == ELECTED
    assert exchange.get_order(2) is None
    assert exchange.cancel_all(owner=0).order_ids == (7,)
    # Before that the elected stop has run; its order rests.
    assert exchange.get_stop_order(8).child_order_id == 10
    assert exchange.get_order(10).price == 0
    assert (exchange.best_bid_ask(), exchange.trade_count()) == ((-5, 0), 0)


@pytest.mark.parametrize("log_events", [True, False])
def test_an_exchange_made_of_a_state_keeps_what_it_is_told(new_exchange, log_events):
    state = new_exchange(stop_trigger="last").state()
    exchange = new_exchange.from_state(state, log_events=log_events)
    assert (exchange.stop_trigger, exchange.log_events) == (StopTrigger.LAST, log_events)


def test_a_state_survives_pickling(exchange):
    exchange.submit_limit("buy", 100, 5, owner=1, stp_policy="cancel_both")
    exchange.submit_trailing_stop_market("sell", 90, 5, "atr", 2.0, 3)
    state = exchange.state()
    assert pickle.loads(pickle.dumps(state)) == state  # noqa: S301 - our own bytes


def test_a_state_shows_the_book_from_the_best_price_in_the_order_of_the_queue(exchange):
    for side, price in (("sell", 110), ("buy", 99), ("buy", 100), ("sell", 109), ("buy", 99)):
        exchange.submit_limit(side, price, 1)
    assert [order.id for order in exchange.state().orders] == [3, 2, 5, 4, 1]


def test_a_state_has_stops_by_id_and_not_those_that_are_over(exchange):
    exchange.submit_trailing_stop_market("sell", 90, 1, "fixed", 5)
    exchange.submit_stop_market("buy", 110, 1)
    exchange.submit_stop_market("sell", 95, 1)
    exchange.submit_stop_market("buy", 105, 1)
    exchange.cancel(2)
    exchange.submit_limit("sell", 105, 1)
    exchange.submit_market("buy", 1)
    assert [stop.id for stop in exchange.state().stops] == [1, 3]


def order(**changes):
    return {"orders": (evolve(BID, **changes), ASK)}


def ask(**changes):
    return {"orders": (BID, evolve(ASK, **changes))}


def stop(**changes):
    return {"stops": (evolve(STOP_LIMIT, **changes), TRAILING, ELECTED, UNSEEN)}


def trailing(**changes):
    return {"stops": (STOP_LIMIT, evolve(TRAILING, **changes), ELECTED, UNSEEN)}


NO_TRADES = {"next_trade_id": 1, "timestamp": 0, "next_order_id": 1, "orders": (), "stops": ()}


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"stop_trigger": "every"}, "stop_trigger is no StopTrigger"),
        ({"next_order_id": 0}, "next_order_id is a whole number from 1"),
        ({"next_order_id": 2**63}, "next_order_id is a whole number from 1"),
        ({"next_order_id": 10.0}, "next_order_id is a whole number from 1"),
        ({"next_order_id": True}, "next_order_id is a whole number from 1"),
        ({"next_trade_id": 0}, "next_trade_id is a whole number from 1"),
        ({"timestamp": -1}, "timestamp is a whole number from 0"),
        ({"timestamp": 13}, "timestamp counts"),
        ({"next_order_id": 11}, "timestamp counts"),
        ({"last_trade_price": None}, "last_trade_price is a whole number"),
        ({"last_trade_price": -(2**63)}, "last_trade_price is a whole number"),
        ({"atr_price": None}, "atr_price is a whole number"),
        ({"atr_price": 102}, "has left no ATR sample"),
        (NO_TRADES | {"atr_price": None}, "last_trade_price is 103 before the first trade"),
        (NO_TRADES | {"last_trade_price": None}, "atr_price is 103 before the first trade"),
        (NO_TRADES | {"last_trade_price": None, "atr_price": None, "elected": ()}, "ATR samples"),
        ({"atr_samples": (-1,)}, "an ATR sample is a whole number"),
        ({"atr_samples": (2**64 - 1,)}, "an ATR sample is a whole number"),
        ({"atr_samples": (0,) * 10_001}, "too many ATR samples"),
        (order(id=0), "the id of order 0 is a whole number from 1"),
        (order(timestamp=0), "the timestamp of order 5 is"),
        (order(side="buy"), "order 5 has no side"),
        (order(price=-(2**63)), "the price of order 5 is"),
        (order(price=104), "bids and asks cross"),
        (
            {"orders": (evolve(BID, price=104), evolve(BID, id=4, timestamp=7), ASK)},
            "bids and asks cross",
        ),
        (
            {"orders": (BID, evolve(ASK, id=4, timestamp=7, price=-5), ASK)},
            "bids and asks cross",
        ),
        (order(time_in_force=TimeInForce.IOC), "order 5 rests but is not gtc"),
        (order(time_in_force="gtc"), "order 5 has no time in force"),
        (order(owner=2**32), "the owner of order 5 is"),
        (order(owner=None), "order 5 has a policy without an owner"),
        (order(stp_policy="off"), "order 5 has no policy"),
        (order(original_quantity=8), "the quantities of order 5 do not add up"),
        (order(original_quantity=0), "the original quantity of order 5 is"),
        (order(remaining_quantity=0, cancelled_quantity=9), "the remaining quantity of order 5"),
        (order(filled_quantity=-1, cancelled_quantity=3), "the filled quantity of order 5 is"),
        (order(cancelled_quantity=-1, original_quantity=6), "the cancelled quantity of order 5"),
        (order(status="partiallyfilled"), "order 5 is new, not"),
        (ask(status="new"), "order 1 is partiallyfilled, not"),
        ({"orders": (ASK, BID)}, "not in the order of the book"),
        ({"orders": (BID, evolve(BID, id=4, timestamp=7))}, "not in the order of the book"),
        ({"orders": (BID, evolve(BID, id=2, price=0, timestamp=5))}, "not in the order of the bo"),
        ({"orders": (BID, BID)}, "not in the order of the book"),
        (
            {
                "orders": (
                    evolve(ASK, remaining_quantity=MAX - 9, original_quantity=MAX - 2),
                    evolve(ASK, id=5, timestamp=8, remaining_quantity=10, original_quantity=17),
                )
            },
            "the level at 104 holds more than",
        ),
        (stop(id=5, timestamp=8), "ids are used twice"),
        (order(id=10, timestamp=13), "not below next_order_id"),
        (order(timestamp=9), "timestamps do not go with ids and trades"),
        (ask(timestamp=2, id=3), "timestamps do not go with ids and trades"),
        (ask(timestamp=7), "timestamps do not go with ids and trades"),
        (
            {"stops": (STOP_LIMIT, TRAILING, ELECTED, evolve(UNSEEN, timestamp=13))},
            "timestamps do not go with ids and trades",
        ),
        ({"stops": (TRAILING, STOP_LIMIT, ELECTED, UNSEEN)}, "stops are not by id"),
        (stop(side=None), "stop 6 has no side"),
        (stop(stop_price=2**63), "the stop price of stop 6 is"),
        (stop(limit_price=2**63), "the limit price of stop 6 is"),
        (stop(limit_price=None), "stop 6 becomes a market order: ioc"),
        (stop(quantity=0), "the quantity of stop 6 is"),
        (stop(child_order_id=9), "stop 6 has run"),
        (stop(trail_method="fixed"), "the trail of stop 6 is no TrailMethod"),
        (stop(watermark=100), "stop 6 has a watermark, but does not trail"),
        (stop(status="cancelled"), "stop 6 is 'cancelled'"),
        (stop(status="Pending"), "stop 6 is 'Pending'"),
        (stop(stop_price=103), "stop 6 is pending, but the last trade elected it"),
        (trailing(stop_price=103), "stop 7 is pending, but the last trade elected it"),
        (
            {
                "next_trade_id": 1,
                "timestamp": 9,
                "last_trade_price": None,
                "atr_price": None,
                "orders": (),
                "stops": (evolve(TRAILING, timestamp=7),),
            },
            "stop 7 has a watermark before any trade",
        ),
        (trailing(watermark=2**63), "the watermark of stop 7 is"),
        ({"elected": ()}, "elected are not the triggered stops"),
        ({"elected": (8, 8)}, "elected are not the triggered stops"),
        ({"elected": (8, 6)}, "elected are not the triggered stops"),
        ({"elected": (1,)}, "elected are not the triggered stops"),
        (stop(status="triggered"), "elected are not the triggered stops"),
        ({"stop_trigger": StopTrigger.LAST}, "by the rule of the last print no elected stop waits"),
    ],
)
def test_a_state_that_no_exchange_can_be_in_is_refused(new_exchange, changes, problem):
    with pytest.raises(ValidationError, match=f"no exchange can be in that state: .*{problem}"):
        new_exchange.from_state(evolve(STATE, **changes))


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"atr_samples": ()},
        {"atr_samples": (0,)},
        ask(remaining_quantity=MAX - 7, original_quantity=MAX),
        {
            "orders": (
                evolve(ASK, remaining_quantity=MAX - 10, original_quantity=MAX - 3),
                evolve(ASK, id=5, timestamp=8, remaining_quantity=10, original_quantity=17),
            )
        },
        {"atr_samples": (2**64 - 2,) * 10_000},
        {"orders": ()},
        {"orders": (), "stops": (), "elected": ()},
        stop(id=5, timestamp=7) | {"orders": (ASK,)},
        # What only the rule of the last print allows: what a hundred waves have left.
        {
            "stop_trigger": StopTrigger.LAST,
            "atr_price": 5,
            "elected": (),
            "stops": (evolve(STOP_LIMIT, stop_price=103), evolve(ELECTED, status="pending")),
        },
    ],
)
def test_a_state_that_an_exchange_can_be_in_is_accepted(new_exchange, changes):
    state = evolve(STATE, **changes)
    check_state(state)
    assert new_exchange.from_state(state).state() == state


def test_a_state_whose_counters_are_about_to_wrap_is_refused(new_exchange):
    exchange = new_exchange()
    far = evolve(exchange.state(), next_order_id=2**63 - 1, timestamp=2**63 - 2)
    with pytest.raises(ValidationError, match="next_order_id is a whole number from 1 to"):
        type(exchange).from_state(far)
