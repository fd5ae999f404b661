import copy

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nanobook_core.errors import ValidationError
from nanobook_core.portfolio import Position


def position_after(*fills):
    position = Position("A")
    for quantity, price in fills:
        position.apply_fill(quantity, price)
    return position


def state(position):
    return (
        position.quantity,
        position.avg_entry_price,
        position.realized_pnl,
        position.total_cost,
    )


@pytest.mark.parametrize(
    ("fills", "expected"),
    [
        ([], (0, 0, 0, 0)),
        ([(3, 100), (4, 101)], (7, 100, 0, 704)),
        ([(3, 100), (4, 101), (-3, 110)], (4, 101, 30, 404)),
        ([(100, 15000), (-50, 16000)], (50, 15000, 50000, 750000)),
        ([(10, 100), (-10, 120)], (0, 0, 200, 0)),
        ([(10, 100), (-15, 120)], (-5, 120, 200, -600)),
        ([(-10, 100), (15, 90)], (5, 90, 100, 450)),
        ([(-3, 100), (-4, 101)], (-7, 100, 0, -704)),
        # What the original gets wrong: a short position covered in parts.
        ([(-10, 100), (4, 100)], (-6, 100, 0, -600)),
        ([(-10, 100), (4, 100), (6, 90)], (0, 0, 60, 0)),
        ([(5, 100), (0, 7)], (5, 100, 0, 500)),
    ],
)
def test_fills_change_quantity_average_profit_and_cost(fills, expected):
    assert state(position_after(*fills)) == expected


fills = st.lists(
    st.tuples(st.integers(-9, 9) | st.integers(-(2**63) + 1, 2**63 - 1), st.integers(1, 50)),
    max_size=12,
)


@given(fills)
def test_profit_and_cost_account_for_all_money_but_what_averages_truncate(fills):
    position = position_after(*fills)
    paid = sum(quantity * price for quantity, price in fills)
    lots = sum(abs(quantity) for quantity, _ in fills)
    assert position.quantity == sum(quantity for quantity, _ in fills)
    assert abs(position.total_cost - position.realized_pnl - paid) <= lots
    assert position.market_value(7) == position.quantity * 7


@given(st.lists(st.integers(-(2**40), 2**40), max_size=8), st.integers(1, 10**6))
def test_trading_at_one_price_earns_nothing(quantities, price):
    position = position_after(*((quantity, price) for quantity in quantities))
    assert state(position) == (
        sum(quantities),
        price if sum(quantities) else 0,
        0,
        sum(quantities) * price,
    )


@given(fills)
def test_a_short_position_is_the_mirror_of_a_long_one(fills):
    mirrored = position_after(*((-quantity, price) for quantity, price in fills))
    quantity, average, realized, cost = state(position_after(*fills))
    assert state(mirrored) == (-quantity, average, -realized, -cost)


@given(fills)
def test_the_average_is_the_truncated_cost_of_a_lot(fills):
    position = position_after(*fills)
    if position.quantity:
        lots, cost = abs(position.quantity), abs(position.total_cost)
        assert position.avg_entry_price * lots <= cost < (position.avg_entry_price + 1) * lots
        assert (position.total_cost > 0) == (position.quantity > 0)
    else:
        assert (position.avg_entry_price, position.total_cost) == (0, 0)


def test_unrealized_profit_is_against_the_truncated_average():
    assert position_after((3, 100), (4, 101)).unrealized_pnl(110) == 70
    assert position_after((-10, 100)).unrealized_pnl(90) == 100
    assert Position("A").unrealized_pnl(90) == 0


def test_it_shows_as_in_the_original_and_compares_by_value():
    position = position_after((150, 333))
    assert repr(position) == "Position(symbol=A, qty=150, avg_price=333, realized_pnl=0)"
    assert position == position_after((100, 333), (50, 333))
    assert position != position_after((150, 334))
    assert Position("A") != Position("B")
    assert copy.copy(position) == position


@pytest.mark.parametrize(
    ("fill", "error", "message"),
    [
        ((1.0, 100), TypeError, "quantity is an int"),
        ((1, 100.0), TypeError, "price is an int"),
        ((True, 100), TypeError, "quantity is an int"),
        ((1, 0), ValidationError, "symbol 'A': a fill needs a price of at least 1, got 0"),
        ((1, -5), ValidationError, "got -5"),
        ((2**63, 100), OverflowError, "quantity must fit"),
    ],
)
def test_a_wrong_fill_is_refused_and_changes_nothing(fill, error, message):
    position = position_after((10, 100))
    with pytest.raises(error, match=message):
        position.apply_fill(*fill)
    assert state(position) == (10, 100, 0, 1000)


def test_its_symbol_is_checked():
    with pytest.raises(TypeError, match="a symbol is a string"):
        Position(5)
    with pytest.raises(ValidationError, match="exceeds 8 bytes"):
        Position("ABCDEFGHI")
