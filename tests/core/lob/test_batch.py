"""Batches: how rows are made, which are refused, and that they do what single calls do."""

import os
import signal
import threading
from random import Random
from types import SimpleNamespace

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

import nanobook
from nanobook_core.contracts import Event, EventKind
from nanobook_core.errors import ValidationError
from nanobook_core.lob import Exchange
from nanobook_core.lob import ops as ops_module
from nanobook_core.lob.batch import run
from nanobook_core.lob.ops import coerced, make_ops, ops_dtype
from nanobook_core.lob.row import check_row, first_malformed, from_events, to_event
from nanobook_core.testing.request import Requests, some_features
from nanobook_core.types import Side, StpPolicy, TimeInForce, TrailMethod

MAX = 2**63 - 1
COLUMNS = ("status", "error", "order_id", "filled", "resting", "cancelled", "trade_offsets")


def columns(result):
    return {name: getattr(result, name).tolist() for name in (*COLUMNS, "trades")}


# What a row looks like


def test_a_row_has_64_bytes_laid_out_as_in_c():
    assert ops_dtype().itemsize == 64
    assert {name: (kind.str, at) for name, (kind, at) in ops_dtype().fields.items()} == {
        "op": ("|u1", 0),
        "side": ("|u1", 1),
        "tif": ("|u1", 2),
        "trail": ("|u1", 3),
        "stp": ("|u1", 4),
        "price": ("<i8", 8),
        "stop_price": ("<i8", 16),
        "quantity": ("<i8", 24),
        "order_id": ("<i8", 32),
        "owner": ("<i8", 40),
        "trail_value": ("<f8", 48),
        "atr_period": ("<u4", 56),
        "symbol": ("<u4", 60),
    }
    assert nanobook.OPS_DTYPE is ops_dtype()
    with pytest.raises(AttributeError, match="has no attribute 'ROW_DTYPE'"):
        _ = ops_module.ROW_DTYPE


def test_columns_and_single_values_become_rows():
    ops = make_ops(
        op=["submit_limit", EventKind.CANCEL, 9],
        side=[Side.SELL, "b", "Both"],
        tif=["post_only", "FOK", TimeInForce.IOC],
        stp=[StpPolicy.CANCEL_BOTH, "off", 1],
        price=np.array([100, 0, -5], np.int16),
        quantity=7,
        order_id=(0, np.int64(1), 2**63 - 1),
        owner=np.uint32(2**32 - 1),
        trail="pct",
        trail_value=[0.5, 2, 2**53],
    )
    assert ops.tolist() == [
        (0, 1, 3, 1, 3, 100, 0, 7, 0, 2**32 - 1, 0.5, 0, 0),
        (2, 0, 2, 1, 0, 0, 0, 7, 1, 2**32 - 1, 2.0, 0, 0),
        (9, 2, 1, 1, 1, -5, 0, 7, 2**63 - 1, 2**32 - 1, 2.0**53, 0, 0),
    ]


def test_words_and_codes_may_stand_in_one_column():
    assert make_ops(op="cancel_all", side=["buy", 1, "both"])["side"].tolist() == [0, 1, 2]


def test_single_values_alone_make_one_row_and_empty_columns_none():
    nothing = (0, 2, 0, 0, 0, 0, 0, 0, 0, -1, 0.0, 0, 0)
    assert make_ops(op="submit_limit").tolist() == [nothing]
    assert make_ops(op="submit_limit", price=[]).tolist() == []
    assert make_ops(op=[], price=3).dtype == ops_dtype()


def test_columns_of_a_table_will_do():
    frame = pl.DataFrame({"op": ["cancel", "reduce"], "order_id": [1, 2], "quantity": [0, 5]})
    ops = make_ops(**{name: frame[name] for name in frame.columns})
    assert ops[["op", "order_id", "quantity"]].tolist() == [(2, 1, 0), (8, 2, 5)]


REFUSED_COLUMNS = [
    ({}, TypeError, "ops need the column op"),
    ({"op": 0, "prise": 5}, TypeError, "ops have no column 'prise'; columns are op, side, tif"),
    ({"op": "submit"}, ValidationError, "Invalid op 'submit'. Use one of 'submit_limit', 'submit"),
    ({"op": 0, "side": "hold"}, ValidationError, "Use one of 'buy', 'sell', 'both'."),
    ({"op": 0, "side": [Side.BUY, "up"]}, ValidationError, "Invalid side 'up'"),
    ({"op": 0, "tif": "gtd"}, ValidationError, "Use one of 'gtc', 'ioc', 'fok', 'post_only'."),
    ({"op": 0, "trail": "far"}, ValidationError, "Use one of 'fixed', 'percentage', 'atr'."),
    ({"op": 0, "stp": "on"}, ValidationError, "Invalid stp 'on'. Use one of 'off', 'cancel_n"),
    ({"op": 0, "side": ["buy", "1"]}, ValidationError, "Invalid side '1'"),
    ({"op": 0, "side": None}, TypeError, "side is whole numbers, got None (NoneType)"),
    ({"op": 0, "side": b"buy"}, TypeError, "side is whole numbers, got b'buy' (bytes)"),
    ({"op": 256}, OverflowError, "op is from 0 to 255, got 256"),
    ({"op": -1}, OverflowError, "op is from 0 to 255, got -1"),
    ({"op": True}, TypeError, "op is whole numbers, got True (bool)"),
    ({"op": 0, "price": 5.0}, TypeError, "price is whole numbers, got 5.0 (float)"),
    ({"op": 0, "price": [5, 5.0]}, TypeError, "price is whole numbers, got 5.0 (float)"),
    ({"op": 0, "price": [5, True]}, TypeError, "price is whole numbers, got True (bool)"),
    ({"op": 0, "price": "5"}, TypeError, "price is whole numbers, got '5' (str)"),
    ({"op": 0, "price": np.array([5.0])}, TypeError, "got an array of float64"),
    ({"op": 0, "price": np.array([True])}, TypeError, "got an array of bool"),
    ({"op": 0, "price": np.array([5], "m8[s]")}, TypeError, "got an array of timedelta64[s]"),
    ({"op": 0, "price": {5}}, TypeError, "price is whole numbers, got {5} (set)"),
    ({"op": 0, "price": iter([5])}, TypeError, "price is whole numbers, got <list_iterator"),
    ({"op": 0, "price": 2**63}, OverflowError, "price is from -9223372036854775808 to 9223372036"),
    ({"op": 0, "price": [1, -(2**63) - 1]}, OverflowError, "got -9223372036854775809"),
    ({"op": 0, "price": np.array([2**63], np.uint64)}, OverflowError, "got 9223372036854775808"),
    ({"op": 0, "quantity": 10**400}, OverflowError, "quantity is from -9223372036854775808 to"),
    ({"op": 0, "atr_period": 2**32}, OverflowError, "atr_period is from 0 to 4294967295, got 42"),
    ({"op": 0, "symbol": -1}, OverflowError, "symbol is from 0 to 4294967295, got -1"),
    ({"op": 0, "trail_value": "2"}, TypeError, "trail_value is numbers, got '2' (str)"),
    ({"op": 0, "trail_value": [1, False]}, TypeError, "trail_value is numbers, got False (bool)"),
    ({"op": 0, "trail_value": 1j}, TypeError, "trail_value is numbers, got 1j (complex)"),
    ({"op": 0, "trail_value": 2**53 + 1}, OverflowError, "as a whole number is at most 2^53"),
    ({"op": 0, "price": [1, 2], "quantity": [1]}, ValidationError, "got price 2, quantity 1"),
    ({"op": [0, 0], "price": []}, ValidationError, "columns have one length, got op 2, price 0"),
    (
        {"op": 0, "price": [[1, 2]]},
        ValidationError,
        "one value or one column, got the shape (1, 2)",
    ),
    ({"op": 0, "price": [[1, 2], [3]]}, TypeError, "price is whole numbers, got [1, 2] (list)"),
]


@pytest.mark.parametrize(("given_columns", "error", "says"), REFUSED_COLUMNS)
def test_columns_are_never_rounded_wrapped_or_guessed(given_columns, error, says):
    with pytest.raises(error) as caught:
        make_ops(**given_columns)
    assert says in str(caught.value)


def test_an_array_of_rows_is_taken_as_it_is():
    ops = make_ops(op="cancel", order_id=[1, 2, 3])
    assert coerced(ops) is ops
    ops.flags.writeable = False
    assert coerced(ops) is ops


LIMITS = make_ops(op=0, side=[0, 1, 0], price=[99, 101, 100], quantity=[1, 2, 3], owner=-1)
FIELDS = ("op", "side", "price", "quantity")


@pytest.mark.parametrize(
    "ops",
    [
        LIMITS[list(FIELDS)],
        np.array(LIMITS[list(FIELDS)].tolist(), [(name, "i2") for name in FIELDS]),
        np.array(LIMITS[list(FIELDS)].tolist(), [(name, ">i8") for name in FIELDS]),
        np.array(LIMITS[list(FIELDS)].tolist(), [(name, "u4") for name in reversed(FIELDS)][::-1]),
        LIMITS.astype([(name, kind) for name, (kind, _) in ops_dtype().fields.items()]),
        np.repeat(LIMITS, 2)[::2],
        LIMITS[::-1].copy()[::-1],
        LIMITS.view(np.recarray),
        np.frombuffer(b"?" + LIMITS.tobytes(), ops_dtype(), offset=1),
    ],
    ids=[
        "fewer fields",
        "narrow and packed",
        "big-endian",
        "unsigned",
        "packed",
        "every second row",
        "backwards",
        "records",
        "unaligned",
    ],
)
def test_other_layouts_are_copied_without_loss(ops):
    rows = coerced(ops)
    assert rows.dtype == ops_dtype()
    assert rows.flags.c_contiguous
    assert rows.flags.aligned
    assert rows.tolist() == LIMITS.tolist()


@pytest.mark.parametrize(
    ("ops", "error", "says"),
    [
        (None, TypeError, "nanobook.make_ops(op=..., side=...) makes one; got None (NoneType)"),
        ([("submit_limit", "buy")], TypeError, "ops is a structured array"),
        (np.zeros(3), TypeError, "ops is a structured array"),
        (LIMITS[0], TypeError, "ops is a structured array"),
        (LIMITS.reshape(1, 3), ValidationError, "ops has one dimension, got the shape (1, 3)"),
        (LIMITS[["side"]], ValidationError, "ops need the field op, got only side"),
        (
            np.zeros(1, [("op", "u1"), ("x", "u1")]),
            ValidationError,
            "ops have no field 'x'; fields",
        ),
        (np.zeros(1, [("op", "f8")]), TypeError, "op is whole numbers, got an array of float64"),
        (np.zeros(1, [("op", "?")]), TypeError, "op is whole numbers, got an array of bool"),
        (np.full(1, 256, [("op", "i2")]), OverflowError, "op is from 0 to 255, got 256"),
        (np.zeros(1, [("op", "u1", (2,))]), ValidationError, "got the shape (1, 2)"),
    ],
)
def test_what_is_no_array_of_rows_is_refused(ops, error, says):
    with pytest.raises(error) as caught:
        coerced(ops)
    assert says in str(caught.value)


# Which rows are malformed

SIDES = ["buy", "sell"]
TIFS = ["gtc", "ioc", "fok"]
TRAILS = ["fixed", "percentage", "atr"]
POLICIES = ["off", "cancel_newest", "cancel_oldest", "cancel_both", "decrement_and_cancel"]

EDGES = st.sampled_from([-(2**63), -MAX, -2, -1, 0, 1, 5, 2**32 - 1, 2**32, MAX])
ROWS = st.tuples(
    st.integers(0, 10) | st.just(255),
    *[st.integers(0, 5) | st.just(255)] * 4,
    *[EDGES] * 5,
    st.sampled_from([0.0, -0.0, -1.0, 0.5, 3.0, 2.0**53, 2.0**53 + 2, np.inf, -np.inf, np.nan]),
    st.sampled_from([0, 1, 14, 2**32 - 1]),
    st.just(0),
)


def is_refused(ops, i):
    try:
        check_row(ops, i)
    except (OverflowError, ValidationError) as error:
        return str(error).startswith(f"row {i}: ")
    return False


NUMBERS = [-(2**63), -MAX, -2, -1, 0, 1, 2**32 - 1, 2**32, MAX]
VALUES = {
    **dict.fromkeys(["op", "side", "tif", "trail", "stp"], (*range(12), 255)),
    **dict.fromkeys(["price", "stop_price", "quantity", "order_id", "owner"], NUMBERS),
    "trail_value": [
        -np.inf,
        -1.0,
        -0.0,
        0.0,
        5e-324,
        0.5,
        1.0,
        2.0**53,
        2.0**53 + 2,
        np.inf,
        np.nan,
    ],
    "atr_period": [0, 1, 2**32 - 1],
    "symbol": [0, 2**32 - 1],
}


@pytest.mark.parametrize("trail", TRAILS)
@pytest.mark.parametrize("op", EventKind)
@pytest.mark.parametrize("column", VALUES)
def test_both_checks_agree_on_each_value_of_each_field(op, column, trail):
    sound = make_ops(
        op=op, side=0, trail=trail, price=5, stop_price=5, quantity=5, trail_value=5, atr_period=5
    )
    assert first_malformed(sound) is None
    assert not is_refused(sound, 0)
    ops = np.repeat(sound, len(VALUES[column]))
    ops[column] = VALUES[column]
    refused = [is_refused(ops, i) for i in range(len(ops))]
    assert [first_malformed(ops[i : i + 1]) == 0 for i in range(len(ops))] == refused
    assert any(refused) == is_checked(op, column, trail)


def is_checked(op, column, trail):
    """Whether a value of that field can make such a row malformed."""
    if column == "op":
        return True
    if column in {"trail_value", "trail"}:
        return "trailing" in op
    if column == "atr_period":
        return "trailing" in op and trail == "atr"
    return (
        column
        in {
            "submit_limit": ["side", "tif", "stp", "price", "quantity", "owner"],
            "submit_market": ["side", "stp", "quantity", "owner"],
            "cancel": ["order_id"],
            "modify": ["order_id", "price", "quantity"],
            "submit_stop_market": ["side", "stp", "stop_price", "quantity", "owner"],
            "submit_stop_limit": ["side", "tif", "stp", "price", "stop_price", "quantity", "owner"],
            "submit_trailing_stop_market": ["side", "stp", "stop_price", "quantity", "owner"],
            "submit_trailing_stop_limit": [
                *("side", "tif", "stp", "price", "stop_price", "quantity", "owner")
            ],
            "reduce": ["order_id", "quantity"],
            "cancel_all": ["side", "owner"],
        }[op]
    )


@given(st.lists(ROWS, max_size=5))
def test_the_check_of_columns_finds_the_row_that_the_check_of_rows_refuses(rows):
    ops = np.array(rows, ops_dtype())
    refused = [i for i in range(len(ops)) if is_refused(ops, i)]
    assert first_malformed(ops) == (refused[0] if refused else None)


@given(ROWS)
def test_a_row_is_refused_exactly_where_a_single_call_is(row):
    ops = np.array([row], ops_dtype())
    exchange = Exchange()
    refused = is_refused(ops, 0)
    if refused:
        assert not can_be_called(exchange, row)
        with pytest.raises((OverflowError, ValidationError), match="row 0: "):
            exchange.apply(ops)
        assert exchange.events() == []
    else:
        assert can_be_called(Exchange(), row)
        assert len(exchange.apply(ops).status) == 1
        assert exchange.events() == [to_event(ops[0])]


def owned(row):
    return {"owner": None if row.owner == -1 else row.owner, "stp_policy": POLICIES[row.stp]}


#: The single call that a row stands for, by op; a code without a meaning is an IndexError.
CALLS = [
    lambda exchange, row: exchange.submit_limit(
        *(SIDES[row.side], row.price, row.quantity, [*TIFS, "gtc"][row.tif]),
        post_only=row.tif == 3,
        **owned(row),
    ),
    lambda exchange, row: exchange.submit_market(SIDES[row.side], row.quantity, **owned(row)),
    lambda exchange, row: exchange.cancel(row.order_id),
    lambda exchange, row: exchange.modify(row.order_id, row.price, row.quantity),
    lambda exchange, row: exchange.submit_stop_market(
        SIDES[row.side], row.stop_price, row.quantity, **owned(row)
    ),
    lambda exchange, row: exchange.submit_stop_limit(
        *(SIDES[row.side], row.stop_price, row.price, row.quantity, TIFS[row.tif]), **owned(row)
    ),
    lambda exchange, row: exchange.submit_trailing_stop_market(
        *(SIDES[row.side], row.stop_price, row.quantity),
        *(TRAILS[row.trail], row.trail_value, row.atr_period),
        **owned(row),
    ),
    lambda exchange, row: exchange.submit_trailing_stop_limit(
        *(SIDES[row.side], row.stop_price, row.price, row.quantity),
        *(TRAILS[row.trail], row.trail_value, TIFS[row.tif], row.atr_period),
        **owned(row),
    ),
    lambda exchange, row: exchange.reduce(row.order_id, row.quantity),
    lambda exchange, row: exchange.cancel_all(
        None if row.owner == -1 else row.owner, [*SIDES, None][row.side]
    ),
]


def can_be_called(exchange, row):
    try:
        CALLS[row[0]](exchange, SimpleNamespace(**dict(zip(ops_dtype().names, row, strict=True))))
    except (IndexError, OverflowError, ValidationError):
        return False
    return True


@pytest.mark.parametrize(
    ("column", "value", "says"),
    [
        ("op", 10, "row 1: op is one of 0 (submit_limit), 1 (submit_market), 2 (cancel)"),
        ("side", 2, "row 1: side is one of 0 (buy), 1 (sell); got 2"),
        ("tif", 4, "row 1: tif is one of 0 (gtc), 1 (ioc), 2 (fok), 3 (post_only); got 4"),
        ("stp", 5, "row 1: stp is one of 0 (off), 1 (cancel_newest), 2 (cancel_oldest), 3 (cance"),
        ("stp", 1, "row 1: stp_policy 'cancel_newest' needs an owner, got owner=None"),
        ("quantity", 0, "row 1: quantity must be greater than zero, got 0"),
        ("quantity", -1, "row 1: quantity is from 0 to 9223372036854775807, got -1 (int)"),
        ("price", -(2**63), "row 1: price is from -9223372036854775807 to 9223372036854775807"),
        ("owner", -2, "row 1: owner is from 0 to 4294967295, got -2 (int)"),
    ],
)
def test_a_malformed_row_says_where_and_why_before_anything_runs(exchange, column, value, says):
    exchange.submit_limit("sell", 100, 1)
    before = exchange.state_hash(), exchange.events()
    ops = make_ops(op="submit_limit", side="buy", price=100, quantity=[1, 1, 1])
    ops[column][1] = value
    with pytest.raises((OverflowError, ValidationError)) as caught:
        exchange.apply(ops)
    assert says in str(caught.value)
    assert (exchange.state_hash(), exchange.events()) == before


# What rows do

OPS = {
    "op": [
        *("submit_limit", "submit_limit", "submit_market", "cancel", "cancel", "reduce"),
        *("modify", "modify", "submit_stop_market", "submit_limit", "reduce", "cancel"),
        *("modify", "submit_limit", "submit_limit", "cancel_all"),
    ],
    "side": [
        *("sell", "sell", "buy", "buy", "buy", "buy"),
        *("buy", "buy", "buy", "buy", "buy", "buy"),
        *("buy", "buy", "sell", "both"),
    ],
    "tif": ["gtc"] * 9 + ["ioc"] + ["gtc"] * 3 + ["fok", "gtc", "gtc"],
    "price": [100, 101, 0, 0, 0, 0, 102, 99, 0, 101, 0, 0, 103, 200, MAX, 0],
    "stop_price": 101,
    "quantity": [10, 5, 4, 0, 0, 2, 7, 0, 9, 8, 99, 0, 3, 100, MAX, 0],
    "order_id": [0, 0, 0, 99, 3, 1, 1, 4, 0, 0, 4, 5, 4, 0, 0, 0],
}
#: Status, error, order id, filled, resting, cancelled, prints.
WHAT_BECAME = [
    ("New", None, 1, 0, 10, 0, 0),
    ("New", None, 2, 0, 5, 0, 0),
    ("Filled", None, 3, 4, 0, 0, 1),
    ("Rejected", "OrderNotFound", 99, 0, 0, 0, 0),
    ("Rejected", "OrderNotActive", 3, 0, 0, 0, 0),
    ("PartiallyFilled", None, 1, 0, 4, 2, 0),
    ("New", None, 4, 0, 7, 4, 0),
    ("Rejected", "InvalidQuantity", 4, 0, 7, 0, 0),
    ("Pending", None, 5, 0, 0, 0, 0),
    # It prints at 101 and so sets off stop 5, which buys 7 at 102.
    ("PartiallyFilled", None, 6, 5, 0, 3, 2),
    ("Rejected", "OrderNotActive", 4, 0, 0, 0, 0),
    ("Rejected", "OrderNotFound", 5, 0, 0, 0, 0),
    ("Rejected", "OrderNotActive", 4, 0, 0, 0, 0),
    ("Cancelled", None, 8, 0, 0, 100, 0),
    ("New", None, 9, 0, MAX, 0, 0),
    ("Cancelled", None, 0, 0, 0, MAX, 0),
]


def test_what_becomes_of_each_row(exchange):
    result = exchange.apply(make_ops(**OPS))
    assert result.to_frame("polars").rows() == WHAT_BECAME
    assert result.trades.tolist() == exchange.trades_array().tolist()
    assert [(*trade,)[:3] for trade in result.trades.tolist()] == [
        (1, 100, 4),
        (2, 101, 5),
        (3, 102, 7),
    ]
    assert result.trade_offsets.tolist() == [0, 0, 0, *[1] * 7, *[3] * 7]
    assert {getattr(result, name).dtype.str for name in COLUMNS} == {"|u1", "<i8"}


def test_a_row_that_would_make_a_level_too_full_is_rejected_and_the_rest_runs(exchange):
    result = exchange.apply(
        make_ops(
            op=["submit_limit", "submit_limit", "submit_limit", "modify", "submit_limit"],
            side="buy",
            price=[5, 5, 6, 5, 7],
            quantity=[MAX, 1, 2, 3, 4],
            order_id=[0, 0, 0, 2, 0],
        )
    )
    assert result.to_frame("polars").rows() == [
        ("New", None, 1, 0, MAX, 0, 0),
        ("Rejected", "LevelOverflow", 0, 0, 0, 0, 0),
        ("New", None, 2, 0, 2, 0, 0),
        ("Rejected", "LevelOverflow", 2, 0, 2, 0, 0),
        ("New", None, 3, 0, 4, 0, 0),
    ]
    assert len(exchange.events()) == 3


def test_what_is_open_is_told_after_all_that_the_row_set_off(exchange):
    result = exchange.apply(
        make_ops(
            op=["submit_limit", "submit_stop_market", "submit_limit"],
            side=["sell", "sell", "buy"],
            price=[100, 0, 100],
            stop_price=100,
            quantity=[3, 2, 10],
        )
    )
    # The third rests 7 at first; then the stop that its print elected sells 2 to it.
    assert result.to_frame("polars").rows() == [
        ("New", None, 1, 0, 3, 0, 0),
        ("Pending", None, 2, 0, 0, 0, 0),
        ("PartiallyFilled", None, 3, 3, 5, 0, 2),
    ]


def test_an_empty_batch_does_nothing(exchange):
    before = exchange.state_hash()
    result = exchange.apply(make_ops(op=[]))
    assert columns(result) == {name: [] for name in (*COLUMNS, "trades")} | {"trade_offsets": [0]}
    assert exchange.state_hash() == before


def stream(seed, length):
    """Requests one by one: the exchange after them, and each one's answer and number of prints."""
    random = Random(seed)  # noqa: S311 - draws requests, keeps no secrets
    requests = Requests(random, some_features(random) - {"odd", "housekeeping"})
    exchange = Exchange(stop_trigger=requests.stop_trigger)
    answers = []
    while len(answers) < length:
        request = requests.next()
        before = exchange.trade_count()
        answer = request.on(exchange)
        requests.note(request, answer)
        if isinstance(answer, type):  # a level would have been too full
            continue
        answers.append((answer, exchange.trade_count() - before))
    return exchange, answers


@pytest.mark.parametrize("seed", range(12))
def test_a_batch_does_what_single_calls_do(new_exchange, seed):
    single, answers = stream(seed, 400)
    ops = from_events(single.events())
    exchange = new_exchange(stop_trigger=single.stop_trigger)
    result = exchange.apply(ops)
    assert exchange.state() == single.state()
    assert exchange.state_hash() == single.state_hash()
    assert exchange.events() == single.events()
    assert list(exchange.trades()) == list(single.trades())
    assert result.trades.tolist() == single.trades_array().tolist()
    assert result.trade_offsets[0] == 0
    rows = result.to_frame("polars").rows()
    for (answer, prints), row, event in zip(answers, rows, single.events(), strict=True):
        compare(answer, prints, row, event)
    by_hand = run(Exchange(stop_trigger=single.stop_trigger), ops)
    assert columns(by_hand) == columns(result)


def compare(answer, prints, row, event):
    """A single call's answer says what its row does."""
    status, error, order_id, filled, _, cancelled, printed = row
    assert printed == prints
    assert error == getattr(answer, "error", None)
    assert (status == "Rejected") == (error is not None)
    assert cancelled == min(getattr(answer, "cancelled_quantity", 0), MAX)
    assert filled == sum(trade.quantity for trade in getattr(answer, "trades", ()))
    if hasattr(answer, "status"):
        assert (status, order_id) == (answer.status, answer.order_id)
    else:
        named = getattr(answer, "new_order_id", None)
        assert order_id == (event.order_id or 0 if named is None else named)


@pytest.mark.parametrize("seed", range(4))
def test_replay_takes_a_batch_as_well(new_exchange, seed):
    single, _ = stream(seed, 200)
    ops = from_events(single.events())
    replayed = new_exchange.replay(ops, stop_trigger=single.stop_trigger)
    assert replayed.state_hash() == single.state_hash()
    assert replayed.events() == single.events()


@pytest.mark.parametrize("seed", range(4))
def test_a_batch_may_be_cut_anywhere(new_exchange, seed):
    single, _ = stream(seed, 300)
    ops = from_events(single.events())
    whole, parts = (new_exchange(stop_trigger=single.stop_trigger) for _ in range(2))
    expected = whole.apply(ops)
    found = [parts.apply(part) for part in np.split(ops, [1, 7, 7, 150])]
    assert parts.state_hash() == whole.state_hash()
    for name in COLUMNS[:-1]:
        joined = np.concatenate([getattr(result, name) for result in found])
        assert joined.tolist() == getattr(expected, name).tolist()
    trades = np.concatenate([result.trades for result in found])
    assert trades.tolist() == expected.trades.tolist()


@pytest.mark.parametrize("seed", range(4))
def test_an_event_becomes_a_row_and_the_row_that_event(seed):
    events = stream(seed, 300)[0].events()
    assert [to_event(row) for row in from_events(events)] == events
    assert from_events([]).dtype == ops_dtype()


def test_a_post_only_order_and_a_cancel_of_both_sides_keep_their_meaning():
    events = [
        Event(
            EventKind.SUBMIT_LIMIT,
            side=Side.BUY,
            price=-3,
            quantity=5,
            time_in_force=TimeInForce.GTC,
            post_only=True,
            owner=0,
            stp_policy=StpPolicy.CANCEL_OLDEST,
        ),
        Event(EventKind.CANCEL_ALL),
        Event(EventKind.CANCEL_ALL, side=Side.SELL, owner=2**32 - 1),
        Event(
            EventKind.SUBMIT_TRAILING_STOP_MARKET,
            side=Side.SELL,
            stop_price=90,
            quantity=5,
            trail_method=TrailMethod.atr(2.5, 14),
        ),
    ]
    ops = from_events(events)
    assert ops.tolist() == [
        (0, 0, 3, 0, 2, -3, 0, 5, 0, 0, 0.0, 0, 0),
        (9, 2, 0, 0, 0, 0, 0, 0, 0, -1, 0.0, 0, 0),
        (9, 1, 0, 0, 0, 0, 0, 0, 0, 2**32 - 1, 0.0, 0, 0),
        (6, 1, 0, 2, 0, 0, 90, 5, 0, -1, 2.5, 14, 0),
    ]
    assert [to_event(row) for row in ops] == events


def test_fields_that_an_op_ignores_may_be_anything(exchange):
    exchange.submit_limit("buy", 100, 5)
    ops = make_ops(op=["cancel", "cancel_all", "submit_market"], order_id=1, quantity=3, owner=-1)
    ops["price"] = ops["stop_price"] = -(2**63)
    ops["trail"] = ops["tif"] = 255
    ops["trail_value"] = np.nan
    ops["side"] = [255, 2, 0]
    ops["quantity"] = [-1, -1, 3]
    ops["stp"] = [255, 255, 0]
    ops["owner"] = [-7, -1, -1]
    ops["order_id"] = [1, -1, -1]
    assert exchange.apply(ops).error.tolist() == [0, 0, 0]


# Ctrl-C


@pytest.fixture
def interruptible():
    """Ctrl-C raises, whatever started the tests."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


class Interrupted(Exchange):
    """An exchange that is interrupted in the middle of its fourth request."""

    __slots__ = ("asked",)

    def submit(self, event):
        self.asked = getattr(self, "asked", 0) + 1
        if self.asked == 4:
            os.kill(os.getpid(), signal.SIGINT)
        return super().submit(event)


@pytest.mark.usefixtures("interruptible")
def test_an_interrupt_waits_for_the_row_that_runs():
    ops = make_ops(op="submit_limit", side="buy", price=range_of(1, 9), quantity=5)
    exchange = Interrupted()
    with pytest.raises(KeyboardInterrupt):
        exchange.apply(ops)
    assert exchange.state_hash() == Exchange.replay(ops[:4]).state_hash()
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


@pytest.mark.usefixtures("interruptible")
def test_a_handler_that_does_not_raise_lets_the_batch_go_on():
    seen = []
    signal.signal(signal.SIGINT, lambda *signal_: seen.append(signal_))
    ops = make_ops(op="submit_limit", side="buy", price=range_of(1, 9), quantity=5)
    exchange = Interrupted()
    exchange.apply(ops)
    assert len(seen) == 1
    assert exchange.state_hash() == Exchange.replay(ops).state_hash()


@pytest.mark.parametrize("handler", [signal.SIG_IGN, signal.SIG_DFL])
@pytest.mark.usefixtures("interruptible")
def test_where_no_interrupt_reaches_python_none_is_held(handler):
    signal.signal(signal.SIGINT, handler)
    Exchange().apply(make_ops(op="cancel", order_id=[1, 2]))
    assert signal.getsignal(signal.SIGINT) == handler


def test_a_batch_runs_in_any_thread(exchange):
    ops = make_ops(op="submit_limit", side="buy", price=range_of(1, 9), quantity=5)
    thread = threading.Thread(target=exchange.apply, args=(ops,))
    thread.start()
    thread.join()
    assert exchange.state_hash() == Exchange.replay(ops).state_hash()


def range_of(first, stop):
    return np.arange(first, stop)


def test_a_table_is_of_the_library_that_is_asked_for(exchange):
    result = exchange.apply(make_ops(op="cancel", order_id=1))
    assert type(result.to_frame("pyarrow")).__module__.startswith("pyarrow")
    assert result.to_frame("polars").columns == [
        *("status", "error", "order_id", "filled", "resting", "cancelled", "trades")
    ]
