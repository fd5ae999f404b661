"""What the engines refuse: a typed error that says why, and nothing has happened.

The table has, for each row, the call, the class of its error, and a part of the message.
"""

import builtins
import json
from decimal import Decimal
from fractions import Fraction
from math import inf, nan
from pathlib import Path

import numpy as np
import pytest

from nanobook_core import errors
from nanobook_core.contracts import Event
from nanobook_core.lob.multi import MultiExchange
from nanobook_core.lob.ops import make_ops
from nanobook_core.types import Side, StpPolicy, Symbol, TimeInForce, TrailMethod

DATA = Path(__file__).parents[2] / "data" / "lob"
BAD_INPUT = json.loads((DATA / "bad_input.json").read_text(encoding="utf-8"))


class Unprintable:
    def __repr__(self):
        raise RuntimeError("not for you")


class NoIndex:
    def __index__(self):
        return "5"  # noqa: PLE0305 - that is what is odd about it


def row(**fields):
    """One request, sound unless the fields make it something else."""
    ops = make_ops(
        op=0, side=0, price=5, stop_price=5, quantity=1, order_id=1, trail_value=2, atr_period=3
    )
    for name, value in fields.items():
        ops[name] = value
    return ops


def after_a_sound_row(**fields):
    return np.concatenate([row(), row(**fields)])


NAMES = {
    "Decimal": Decimal,
    "Event": Event,
    "Fraction": Fraction,
    "NoIndex": NoIndex,
    "Side": Side,
    "StpPolicy": StpPolicy,
    "Symbol": Symbol,
    "TimeInForce": TimeInForce,
    "TrailMethod": TrailMethod,
    "Unprintable": Unprintable,
    "after_a_sound_row": after_a_sound_row,
    "inf": inf,
    "make_ops": make_ops,
    "nan": nan,
    "np": np,
    "row": row,
}


def busy(exchange):
    """Give an exchange something to lose."""
    exchange.submit_limit("buy", 90, 10, owner=1, stp_policy="cancel_oldest")
    exchange.submit_limit("buy", 95, 10)
    exchange.submit_limit("sell", 100, 10)
    exchange.submit_market("buy", 4)
    exchange.submit_stop_market("sell", 80, 5)
    exchange.submit_trailing_stop_limit("buy", 120, 121, 5, "atr", 2.5, atr_period=14)
    return exchange


@pytest.fixture
def places(new_exchange):
    """An exchange, and several of them, of one engine, and that engine."""
    multi = MultiExchange()
    multi._engine = new_exchange  # rather than the best one that is installed
    busy(multi.get_or_create("A"))
    return {"exchange": busy(new_exchange()), "multi": multi, "Exchange": new_exchange}


def everything(places):
    exchange, multi = places["exchange"], places["multi"]
    return [
        *(exchange.state(), exchange.state_hash(), exchange.events(), list(exchange.trades())),
        *(multi.state_hash(), multi.symbols(), multi["A"].events(), multi["A"].state()),
    ]


@pytest.mark.parametrize(("call", "error", "says"), BAD_INPUT)
def test_bad_input_raises_a_typed_error_and_changes_nothing(places, call, error, says):
    before = everything(places)
    kind = getattr(errors, error, None) or getattr(builtins, error)
    with pytest.raises(kind) as caught:
        eval(call, NAMES | places)  # noqa: S307 - our own table
    assert type(caught.value) is kind
    assert says in str(caught.value)
    assert len(str(caught.value)) < 500
    assert everything(places) == before


def test_the_table_is_long_enough():
    assert len(BAD_INPUT) >= 120
    assert len({call for call, _, _ in BAD_INPUT}) == len(BAD_INPUT)


# What is odd and yet allowed, or fails softly


@pytest.mark.parametrize("levels", [0, 1, 10**9, 2**63 - 1, np.int64(5)])
def test_any_number_of_levels_may_be_asked_for(places, levels):
    book = places["exchange"].depth(levels)
    assert len(book.bids) == min(2, levels)
    assert len(book.asks) == min(1, levels)


@pytest.mark.parametrize("symbol", ["", "A B", "12345678", "\0", "a/b\n"])
def test_any_8_bytes_of_ascii_are_a_symbol(places, symbol):
    places["multi"].submit_limit(symbol, "buy", 1, 1)
    assert places["multi"].symbols() == ["A", symbol]


@pytest.mark.parametrize(
    ("method", "arguments", "error"),
    [
        ("cancel", (0,), "OrderNotFound"),
        ("cancel", (99,), "OrderNotFound"),
        ("cancel", (2**63 - 1,), "OrderNotFound"),
        ("cancel", (4,), "OrderNotActive"),
        ("modify", (99, 100, 5), "OrderNotFound"),
        ("modify", (99, 100, 0), "InvalidQuantity"),
        ("modify", (5, 100, 5), "OrderNotFound"),
        ("modify", (4, 100, 5), "OrderNotActive"),
        ("reduce", (99, 5), "OrderNotFound"),
        ("reduce", (1, 11), "InvalidQuantity"),
        ("reduce", (4, 1), "OrderNotActive"),
        ("reduce", (5, 1), "OrderNotFound"),
    ],
)
def test_what_is_not_there_fails_softly_and_is_recorded(places, method, arguments, error):
    exchange = places["exchange"]
    before, events = exchange.state(), exchange.events()
    result = getattr(exchange, method)(*arguments)
    assert not result.success
    assert result.error == error
    assert exchange.state() == before
    assert len(exchange.events()) == len(events) + 1
    assert exchange.events()[:-1] == events


@pytest.mark.parametrize("order_id", [0, 99, 2**63 - 1])
def test_what_is_not_there_is_none(places, order_id):
    assert places["exchange"].get_order(order_id) is None
    assert places["exchange"].get_stop_order(order_id) is None


class Lying(int):
    """A number that says it is another."""

    def __index__(self):
        return 99

    def __int__(self):
        return 98

    def __eq__(self, other):
        return True

    __hash__ = int.__hash__


def test_a_number_counts_as_what_it_is_and_not_as_what_it_says(places):
    result = places["exchange"].submit_limit("buy", Lying(50), Lying(7), owner=Lying(3))
    order = places["exchange"].get_order(result.order_id)
    assert [type(value) for value in (order.price, order.original_quantity, order.owner)] == [
        int
    ] * 3
    assert (order.price, order.original_quantity, order.owner) == (50, 7, 3)


class Meddler:
    """A number that places an order while it is asked for its value."""

    def __init__(self, exchange):
        self.exchange = exchange

    def __index__(self):
        self.exchange.submit_limit("buy", 60, 3)
        return 61


def test_a_number_that_meddles_has_done_so_before_the_request(places):
    exchange = places["exchange"]
    result = exchange.submit_limit("buy", Meddler(exchange), 4)
    assert result.order_id == 8
    assert [order.id for order in exchange.state().orders if order.price in (60, 61)] == [8, 7]
    replayed = type(exchange).replay(exchange.events())
    assert replayed.state_hash() == exchange.state_hash()


class Raising:
    """A number that fails when it is asked for its value."""

    def __index__(self):
        raise ZeroDivisionError("no value today")

    __float__ = __index__


@pytest.mark.parametrize(
    ("method", "arguments"),
    [
        ("submit_limit", ("buy", Raising(), 5)),
        ("submit_limit", ("buy", 5, Raising())),
        ("submit_market", ("buy", Raising())),
        ("submit_trailing_stop_market", ("buy", 100, 5, "percentage", Raising())),
        ("submit_trailing_stop_market", ("buy", 100, 5, "atr", 2, Raising())),
        ("cancel", (Raising(),)),
        ("modify", (1, Raising(), 5)),
        ("reduce", (1, Raising())),
        ("cancel_all", (Raising(),)),
        ("depth", (Raising(),)),
    ],
)
def test_what_a_value_raises_is_passed_on_and_changes_nothing(places, method, arguments):
    before = everything(places)
    with pytest.raises(ZeroDivisionError, match="no value today"):
        getattr(places["exchange"], method)(*arguments)
    assert everything(places) == before
