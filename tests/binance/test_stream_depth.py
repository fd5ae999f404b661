"""Differences of a book: whoever applies them has the book, and no update id is left out."""

from hypothesis import given
from hypothesis import strategies as st

from nanobook_binance.simulator.stream.depth_diff import DepthDiff, DepthRecorder


def test_a_diff_has_the_levels_that_are_others_with_their_quantity_now():
    recorder = DepthRecorder(157, bids={24: 10, 23: 5, 22: 7}, asks={26: 100})

    found = recorder.diff(160, bids={25: 1, 24: 4, 22: 7}, asks={27: 3, 28: 9})

    assert found == DepthDiff(
        158,
        160,
        bids=((25, 1), (24, 4), (23, 0)),
        asks=((26, 0), (27, 3), (28, 9)),
    )


def test_updates_that_cancel_out_are_covered_by_the_next_diff():
    bids, asks = {1: 2}, {3: 4}
    recorder = DepthRecorder(10, bids, asks)

    assert recorder.diff(14, bids, asks) is None
    assert recorder.diff(15, {}, asks) == DepthDiff(11, 15, bids=((1, 0),), asks=())
    assert recorder.diff(15, {}, asks) is None


sides = st.dictionaries(st.integers(1, 8), st.integers(1, 5), max_size=6)
books = st.lists(st.tuples(sides, sides), min_size=2, max_size=8)


@given(books, st.lists(st.integers(0, 4), min_size=8, max_size=8))
def test_applied_one_after_the_other_they_make_the_book(states, steps):
    (bids, asks), *rest = states
    update_id = expected_first = 100
    recorder = DepthRecorder(update_id, bids, asks)
    mine = [dict(bids), dict(asks)]

    for (bids, asks), step in zip(rest, steps, strict=False):
        update_id += 1 + step
        found = recorder.diff(update_id, bids, asks)
        if found is not None:
            assert (found.first_update_id, found.last_update_id) == (expected_first + 1, update_id)
            expected_first = update_id
            for side, changes in zip(mine, (found.bids, found.asks), strict=True):
                for price, size in changes:
                    if size:
                        side[price] = size
                    else:
                        del side[price]
        assert mine == [bids, asks]
