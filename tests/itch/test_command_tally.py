"""What happened to each symbol is the same as counted by hand, in however many runs."""

from fractions import Fraction

import numpy as np
import pytest
from attrs import asdict
from hypothesis import given
from hypothesis import strategies as st

from nanobook_core.contracts.itch_table import BBO, TRADES
from nanobook_itch.command.tally import Standing, Tally
from nanobook_itch.command.text import average, dollars, exact
from nanobook_itch.layout import table_dtype

LARGE = st.one_of(st.integers(0, 1000), st.integers(0, 2**32 - 1))
TRADE = st.fixed_dictionaries(
    {
        "locate": st.integers(0, 3),
        "price": LARGE,
        "shares": st.one_of(LARGE, st.integers(0, 2**63 - 1)),
        "type": st.sampled_from([b"E", b"C", b"P", b"Q", b"B"]),
        "side": st.sampled_from([b"B", b"S", b""]),
        "printable": st.sampled_from([b"Y", b"N", b""]),
    }
)
CHANGE = st.fixed_dictionaries(
    {
        "locate": st.integers(0, 3),
        "timestamp": st.integers(0, 9),
        **dict.fromkeys(("bid", "bid_shares", "ask", "ask_shares"), LARGE),
    }
)


def table(columns, rows):
    """A table with these rows; a locate's symbol is its number."""
    made = np.zeros(len(rows), table_dtype(columns))
    for place, row in enumerate(rows):
        for name, value in row.items():
            made[place][name] = value
        made[place]["symbol"] = str(row["locate"])
    return made


def runs(rows, cuts):
    """The rows in pieces, some of them empty."""
    ends = sorted(cut % (len(rows) + 1) for cut in cuts)
    return [rows[start:end] for start, end in zip([0, *ends], [*ends, len(rows)], strict=True)]


CUTS = st.lists(st.integers(0, 100), max_size=4)


@given(st.lists(TRADE, max_size=20), CUTS)
def test_trades_are_added_up_exactly(rows, cuts):
    tally, by_hand = Tally(), {}
    for run in runs(rows, cuts):
        tally.add_trades(table(TRADES, run))
    for row in rows:
        price, shares, kind = row["price"], row["shares"], row["type"]
        if kind == b"B":
            by_hand.setdefault(row["locate"], Standing(str(row["locate"]))).broken += 1
        elif row["printable"] != b"N" and shares:
            each = by_hand.setdefault(row["locate"], Standing(str(row["locate"])))
            if not each.trades:
                each.first, each.low = price, price
            each.trades += 1
            each.volume += shares
            each.value += price * shares
            each.bought += shares * (row["side"] == b"B")
            each.sold += shares * (row["side"] == b"S")
            each.hidden += shares * (kind == b"P")
            each.crossed += shares * (kind == b"Q")
            each.low, each.high, each.last = min(each.low, price), max(each.high, price), price
    assert {locate: asdict(each) for locate, each in tally.standings.items()} == {
        locate: asdict(each) for locate, each in by_hand.items()
    }


@given(st.lists(CHANGE, max_size=20), CUTS)
def test_of_the_best_prices_the_last_stand_and_changes_count_from_the_start(rows, cuts):
    tally, by_hand = Tally(), {}
    for run in runs(rows, cuts):
        tally.add_bbo(table(BBO, run), 5)
    for row in rows:
        each = by_hand.setdefault(row["locate"], Standing(str(row["locate"])))
        each.bid, each.bid_shares = row["bid"], row["bid_shares"]
        each.ask, each.ask_shares = row["ask"], row["ask_shares"]
        each.changes += row["timestamp"] >= 5
    assert tally.standings == by_hand


@given(st.integers(0, 2**80), st.integers(1, 2**40))
def test_an_average_is_rounded_half_to_even(value, shares):
    assert average(value, shares) == round(Fraction(value, shares))


def test_of_nothing_there_is_no_average():
    assert average(0, 0) is None


@pytest.mark.parametrize(
    ("price", "text"),
    [(0, "0.00"), (185_0000, "185.00"), (1_234_5600, "1,234.56"), (5, "0.0005"), (101, "0.0101")],
)
def test_prices_have_two_digits_or_all_four(price, text):
    assert dollars(price) == text


def test_prices_for_programs_are_exact():
    assert [exact(price) for price in (1, 185_0000, None)] == ["0.0001", "185.0000", None]
