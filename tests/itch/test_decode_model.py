"""Every decoder there is gives what the model gives, to the last row and the last word."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.itch.compare import END, decoded, kernels

from nanobook_core.testing.law import law
from nanobook_itch.testing.day import day_bytes
from nanobook_itch.testing.planted import planted, rough
from nanobook_itch.testing.strategies import days

KERNELS = kernels("itch_decode")

anything = st.one_of(days(), rough(), planted().map(lambda planted: planted.messages)).map(b"".join)
"""Whole messages, valid and other ones."""

cuts = st.lists(st.integers(0, 60) | st.just(400), min_size=1, max_size=12)

some_symbols = st.none() | st.frozensets(
    st.sampled_from(
        [b"A", b"AAPL", b"ABCDEFGH", b"", b"Z", b"A\0", b"AAPL  ", b"A\0 B", b"ABCDEFGHI"]
    )
)
some_types = st.none() | st.frozensets(st.sampled_from("SRHAFECXDUPQBIV"))
times = st.sampled_from([0, 1, 5, 8, 30, 10**9 + 7, 10**12, 2 * 10**12, END])


def same(*arguments, **options):
    outcomes = {name: decoded(kernel, *arguments, **options) for name, kernel in KERNELS.items()}
    for name, outcome in outcomes.items():
        assert outcome == outcomes["model"], name


def test_there_is_something_to_compare_with():
    assert len(KERNELS) >= 2


@settings(law, max_examples=25)
@given(data=anything, tail=st.binary(max_size=4), strict=st.booleans())
def test_whole(data, tail, strict):
    same(data + tail, strict=strict)


@settings(law, max_examples=25)
@given(data=anything, sizes=cuts, strict=st.booleans())
def test_in_pieces_of_any_size(data, sizes, strict):
    same(data, sizes, strict=strict)


@settings(law, max_examples=25)
@given(data=anything, symbols=some_symbols, types=some_types, start=times, end=times)
def test_filtered(data, symbols, types, start, end):
    same(data, symbols=symbols, types=types, start=start, end=end)


@settings(law, max_examples=25)
@given(data=st.binary(max_size=200), strict=st.booleans())
def test_bytes_of_any_kind(data, strict):
    same(data, strict=strict)


@pytest.mark.parametrize("seed", range(3))
def test_a_generated_day(seed):
    data = day_bytes(messages=1500, symbols=1 + 5 * seed, seed=seed, end_mark=seed % 2 == 1)
    same(data, (5000,) * 4 if seed else (), strict=True)


def test_pieces_give_the_same_rows_as_the_whole():
    """Said of the model, and so of all."""
    data = day_bytes(messages=400, symbols=3, seed=1)
    (whole, _) = decoded(KERNELS["model"], data)
    pieces = decoded(KERNELS["model"], data, (700, 1, 64))[:-1]
    for family in ("order", "trade", "directory", "imbalance"):
        for column, cells in whole[family][1].items():
            assert [cell for piece in pieces for cell in piece[family][1][column]] == cells
