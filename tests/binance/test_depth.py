"""Books rebuilt from a recorded market: those of the venue at every update, or none."""

import gzip
import json
import subprocess
import sys
import warnings
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.binance.recorded_market import PATH, needs_recorded_market

import nanobook
from nanobook_binance.depth import RecordingWarning
from nanobook_binance.recorded_feed import Touch, read_feed
from nanobook_core.errors import ValidationError
from nanobook_core.testing import ParserSuite

D = Decimal


class Recording:
    """Lines of a recording, a millisecond apart."""

    def __init__(self):
        self.lines = []

    def diff(self, first, last, bids=(), asks=(), symbol="ETHUSDT"):
        data = {"e": "depthUpdate", "E": 1, "s": symbol, "U": first, "u": last}
        data |= {"b": [level.split() for level in bids], "a": [level.split() for level in asks]}
        return self._line({"stream": f"{symbol.lower()}@depth@100ms", "data": data})

    def snapshot(self, last, bids=(), asks=()):
        levels = {"bids": [b.split() for b in bids], "asks": [a.split() for a in asks]}
        return self._line({"lastUpdateId": last, **levels})

    def _line(self, message):
        self.lines.append(f"{1_700_000_000_000_000_000 + len(self.lines)} {json.dumps(message)}\n")
        return self

    def write(self, folder, name="market.jsonl"):
        path = folder / name
        content = "".join(self.lines).encode()
        path.write_bytes(gzip.compress(content) if name.endswith(".gz") else content)
        return path


def market():
    """Diffs before the snapshot, one of which goes on after it; all that may happen to a level."""
    return (
        Recording()
        .diff(1, 4, ["9.98 7"], ["10.02 1"])
        .diff(5, 8, ["9.99 2"], ["10.01 3"])
        .snapshot(6, ["9.99 1", "9.98 5"], ["10.02 4", "10.03 0.5"])
        .diff(9, 9, ["9.99 0"], ["10.02 0", "10.01 1.5"])
        .diff(10, 15, ["10.00 4", "9.98 2.25"], ["10.01 0", "10.02 1", "10.03 0.75"])
    )


def seen(path, **options):
    return [
        (book.update_id, [*map(show, book.bids)], [*map(show, book.asks)])
        for book in nanobook.read_binance_depth(path, **options)
    ]


def leniently(path, told):
    with pytest.warns(RecordingWarning, match=told) as caught:
        books = seen(path, strict=False)
    (warning,) = caught
    assert warning.filename == __file__
    return books


def show(level):
    price, size = level
    return f"{price} {size}"


def visible(book, events):
    bids, asks = (
        [(each.price * events.price_unit, each.quantity * events.quantity_unit) for each in side]
        for side in (book.bids, book.asks)
    )
    return bids, asks


def test_the_book_is_that_of_the_snapshot_and_all_that_came_after_it(tmp_path):
    books = list(nanobook.read_binance_depth(market().write(tmp_path)))

    assert [(b.update_id, b.timestamp_ns % 10**9, b.symbol) for b in books] == [
        (6, 2, "ETHUSDT"),
        (8, 2, "ETHUSDT"),
        (9, 3, "ETHUSDT"),
        (15, 4, "ETHUSDT"),
    ]
    assert [(b.bids, b.asks) for b in books] == [
        (
            ((D("9.99"), D(1)), (D("9.98"), D(5))),
            ((D("10.02"), D(4)), (D("10.03"), D("0.5"))),
        ),
        (
            ((D("9.99"), D(2)), (D("9.98"), D(5))),
            ((D("10.01"), D(3)), (D("10.02"), D(4)), (D("10.03"), D("0.5"))),
        ),
        (
            ((D("9.98"), D(5)),),
            ((D("10.01"), D("1.5")), (D("10.03"), D("0.5"))),
        ),
        (
            ((D(10), D(4)), (D("9.98"), D("2.25"))),
            ((D("10.02"), D(1)), (D("10.03"), D("0.75"))),
        ),
    ]


@pytest.mark.parametrize(
    ("levels", "bids", "asks"),
    [
        (1, ["10 4"], ["10.02 1"]),
        (2, ["10 4", "9.98 2.25"], ["10.02 1", "10.03 0.75"]),
        (None, ["10 4", "9.98 2.25"], ["10.02 1", "10.03 0.75"]),
    ],
)
def test_so_many_levels_are_shown_as_are_asked_for(tmp_path, levels, bids, asks):
    path = market().write(tmp_path, "market.jsonl.gz")
    assert seen(path, levels=levels)[-1] == (15, bids, asks)


@pytest.mark.parametrize(
    ("levels", "error"), [(0, ValidationError), (-1, OverflowError), (1.0, TypeError)]
)
def test_another_number_of_levels_is_refused_at_once(tmp_path, levels, error):
    with pytest.raises(error, match="levels"):
        nanobook.read_binance_depth(tmp_path / "none", levels=levels)


def test_events_first_take_away_and_then_add(tmp_path):
    events = nanobook.parse_binance_depth(
        market().write(tmp_path), price_unit=D("0.01"), quantity_unit=D("0.25")
    )

    assert [
        (update, event.kind, event.side, event.price, event.quantity, event.order_id)
        for (_, event), update in zip(events, events.update_ids, strict=True)
    ] == [
        (6, "submit_limit", "buy", 999, 4, None),  # 1
        (6, "submit_limit", "buy", 998, 20, None),  # 2
        (6, "submit_limit", "sell", 1002, 16, None),  # 3
        (6, "submit_limit", "sell", 1003, 2, None),  # 4
        (8, "submit_limit", "buy", 999, 4, None),  # 5, behind 1
        (8, "submit_limit", "sell", 1001, 12, None),  # 6
        (9, "cancel", None, None, None, 5),
        (9, "cancel", None, None, None, 1),
        (9, "cancel", None, None, None, 3),
        (9, "reduce", None, None, 6, 6),
        (15, "reduce", None, None, 11, 2),
        (15, "cancel", None, None, None, 6),
        (15, "submit_limit", "buy", 1000, 16, None),
        (15, "submit_limit", "sell", 1002, 4, None),
        (15, "submit_limit", "sell", 1003, 1, None),
    ]
    assert {symbol for symbol, _ in events} == {"ETHUSDT"}
    assert events.timestamps.tolist() == [
        1_700_000_000_000_000_000 + at for at in [2] * 6 + [3] * 4 + [4] * 5
    ]
    assert (events.price_unit, events.quantity_unit, events.n_gaps) == (D("0.01"), D("0.25"), 0)


def test_numbers_are_whole_in_eight_places_unless_told_otherwise(tmp_path):
    path = Recording().diff(1, 1).snapshot(1, ["0.00000001 92233720368.54775807"]).write(tmp_path)

    ((_, event),) = nanobook.parse_binance_depth(path)

    assert (event.price, event.quantity) == (1, 2**63 - 1)


@pytest.mark.parametrize(
    ("level", "options", "complaint"),
    [
        ("1 92233720368.54775808", {}, "at most 2\\^63-1 units fit, got 92233720368.54775808"),
        ("1 1e99", {}, "at most 2\\^63-1 units fit"),
        ("1e98 1", {}, "at most 2\\^63-1 units fit"),
        ("0.000000001 1", {}, "steps of 1E-8, got 1E-9"),
        ("1.005 1", {"price_unit": D("0.01")}, "steps of 0.01, got 1.005"),
        ("1 1.5", {"quantity_unit": D(1)}, "steps of 1, got 1.5"),
        ("1 1", {"price_unit": D("1E-999999")}, "at most 2\\^63-1 units fit"),
        ("1 1", {"price_unit": D("1E+999999")}, "steps of 1E\\+999999, got 1"),
    ],
)
def test_what_is_not_whole_units_is_refused(tmp_path, level, options, complaint):
    path = Recording().diff(1, 1).snapshot(1, [level]).write(tmp_path)
    with pytest.raises(ValidationError, match=f"ETHUSDT: .*{complaint}.*give another"):
        nanobook.parse_binance_depth(path, **options)


@pytest.mark.parametrize("unit", ["price_unit", "quantity_unit"])
@pytest.mark.parametrize(
    ("value", "error"), [(0.01, TypeError), (D(0), ValidationError), (D("NaN"), ValidationError)]
)
def test_a_unit_is_a_decimal_above_0(tmp_path, unit, value, error):
    path = market().write(tmp_path)
    with pytest.raises(error):
        nanobook.parse_binance_depth(path, **{unit: value})


def test_a_symbol_too_long_for_an_exchange_is_refused_or_called_otherwise(tmp_path):
    path = (
        Recording().diff(1, 1, symbol="1000SATSUSDT").snapshot(1, ["1 2"], ["2 1"]).write(tmp_path)
    )

    with pytest.raises(ValidationError, match="1000SATSUSDT"):
        nanobook.parse_binance_depth(path)

    events = nanobook.parse_binance_depth(path, names={"1000SATSUSDT": "SATS"})
    assert {symbol for symbol, _ in events} == {"SATS"}


# ------------------------------------------------------------------ what may be missing


def gap():
    """Updates 10 to 11 are missing; a later snapshot makes up for them."""
    return (
        Recording()
        .diff(1, 4)
        .snapshot(4, ["9 1"], ["11 1"])
        .diff(5, 9, ["9.5 1"])
        .diff(12, 13, ["9.6 1"])
        .diff(14, 14, [], ["11 2"])
        .snapshot(13, ["9.6 1"], ["11 1", "12 5"])
        .diff(15, 15, ["9.7 1"])
    )


def test_where_diffs_are_missing_strict_reading_names_both_updates(tmp_path):
    path = gap().write(tmp_path)
    told = "ETHUSDT: after update 9 comes a diff that begins with 12"

    books = nanobook.read_binance_depth(path)
    assert [next(books).update_id for _ in range(2)] == [4, 9]
    with pytest.raises(ValidationError, match=told):
        next(books)
    with pytest.raises(ValidationError, match=told):
        nanobook.parse_binance_depth(path)


def test_lenient_reading_has_no_book_there_and_begins_anew(tmp_path):
    path = gap().write(tmp_path)

    assert leniently(path, "ETHUSDT has 1 gaps and 2 diffs without a book") == [
        (4, ["9 1"], ["11 1"]),
        (9, ["9.5 1", "9 1"], ["11 1"]),
        (13, [], []),
        (13, ["9.6 1"], ["11 1", "12 5"]),
        (14, ["9.6 1"], ["11 2", "12 5"]),
        (15, ["9.7 1", "9.6 1"], ["11 2", "12 5"]),
    ]
    with pytest.warns(RecordingWarning, match="1 gaps and 2 diffs"):
        assert nanobook.parse_binance_depth(path, strict=False).n_gaps == 1


def test_gaps_that_no_book_follows_are_counted(tmp_path):
    path = (
        Recording()
        .diff(1, 4)
        .snapshot(4, ["9 1"], ["11 1"])
        .diff(5, 5, ["12 1"])
        .diff(8, 9)
        .snapshot(6, ["9 1"], ["11 1"])
        .write(tmp_path)
    )
    with pytest.warns(RecordingWarning, match="2 gaps"):
        assert nanobook.parse_binance_depth(path, strict=False).n_gaps == 2


def test_a_book_that_no_snapshot_begins_anew_is_told_with_all_that_came_after(tmp_path):
    recording = gap()
    del recording.lines[5]
    path = recording.write(tmp_path)
    books = leniently(path, r"market\.jsonl: ETHUSDT has 1 gaps and 3 diffs without a book")
    assert [update for update, *_ in books] == [4, 9, 13]


def test_a_snapshot_that_came_before_the_gap_and_is_newer_makes_up_for_it(tmp_path):
    path = (
        Recording()
        .diff(1, 4)
        .snapshot(4, ["9 1", "8 1"], ["11 1"])
        .snapshot(11, ["9.5 1"], ["11 1"])
        .diff(5, 7, ["9.4 1"])
        .diff(10, 13, ["9.6 1"])
        .write(tmp_path)
    )
    assert seen(path) == [
        (4, ["9 1", "8 1"], ["11 1"]),
        (7, ["9.4 1", "9 1", "8 1"], ["11 1"]),
        (11, ["9.5 1"], ["11 1"]),
        (13, ["9.6 1", "9.5 1"], ["11 1"]),
    ]
    assert nanobook.parse_binance_depth(path).n_gaps == 0


def test_a_snapshot_that_is_newer_but_before_the_gap_ends_does_not_make_up_for_it(tmp_path):
    path = (
        Recording()
        .diff(1, 4)
        .snapshot(4, ["9 1"])
        .snapshot(7, ["9.5 1"])
        .diff(9, 9, ["9.6 1"])
        .write(tmp_path)
    )
    with pytest.raises(ValidationError, match="after update 4 comes a diff that begins with 9"):
        seen(path)
    assert leniently(path, "1 gaps and 1 diffs") == [(4, ["9 1"], []), (9, [], [])]
    with pytest.warns(RecordingWarning):
        assert nanobook.parse_binance_depth(path, strict=False).n_gaps == 1


def test_a_snapshot_while_nothing_is_missing_takes_no_level_away(tmp_path):
    path = (
        Recording()
        .diff(1, 4)
        .snapshot(4, ["9 1", "8 1"], ["11 1"])
        .snapshot(5, ["9 1"], ["11 1"])
        .diff(5, 6, ["9 2"])
        .write(tmp_path)
    )
    assert seen(path)[-1] == (6, ["9 2", "8 1"], ["11 1"])


def test_a_snapshot_older_than_the_first_diff_is_of_no_use(tmp_path):
    recording = Recording().diff(7, 8).snapshot(5, ["9 1"])
    path = recording.write(tmp_path)
    with pytest.raises(ValidationError, match=r"after update 5 .* with 7: the snapshot is too old"):
        seen(path)

    path = recording.snapshot(6, ["9.1 1"]).write(tmp_path)
    assert leniently(path, "1 gaps and 1 diffs") == [(6, ["9.1 1"], []), (8, ["9.1 1"], [])]


def test_updates_that_the_book_has_had_are_dropped_and_overlapping_ones_applied(tmp_path):
    path = (
        Recording()
        .diff(1, 4)
        .snapshot(4, ["9 1"])
        .diff(3, 4, ["9 7"])
        .diff(4, 6, ["9 2"])
        .diff(5, 6, ["9 8"])
        .write(tmp_path)
    )
    assert seen(path) == [(4, ["9 1"], []), (6, ["9 2"], [])]


def test_sides_that_meet_are_no_book(tmp_path):
    path = (
        Recording()
        .diff(1, 4)
        .snapshot(4, ["9 1"], ["11 1"])
        .diff(5, 6, ["11 2"])
        .snapshot(7, ["10 1"], ["11 2"])
        .write(tmp_path)
    )
    with pytest.raises(ValidationError, match="the bid 11 meets the ask 11 after update 6"):
        seen(path)
    assert leniently(path, "1 gaps and 1 diffs") == [
        (4, ["9 1"], ["11 1"]),
        (6, [], []),
        (7, ["10 1"], ["11 2"]),
    ]
    with pytest.warns(RecordingWarning):
        events = nanobook.parse_binance_depth(path, strict=False)
    assert [(event.kind, event.order_id) for _, event in events][2:4] == [
        ("cancel", 1),
        ("cancel", 2),
    ]
    assert events.n_gaps == 1


def test_of_several_symbols_each_has_a_book(tmp_path):
    path = (
        Recording()
        .diff(1, 4)
        .snapshot(4, ["9 1"])
        .diff(70, 71, ["5 5"], symbol="BTCUSDT")
        .diff(5, 5, ["9 2"])
        .write(tmp_path)
    )
    with pytest.raises(ValidationError, match="no snapshot that the diffs of BTCUSDT follow"):
        nanobook.parse_binance_depth(path)
    with pytest.warns(RecordingWarning, match="BTCUSDT has 0 gaps and 1 diffs without a book"):
        events = nanobook.parse_binance_depth(path, strict=False, quantity_unit=D(1))
    assert [(symbol, event.quantity) for symbol, event in events] == [("ETHUSDT", 1)] * 2


def test_a_snapshot_after_two_symbols_is_nobodys(tmp_path):
    path = Recording().diff(1, 4).diff(1, 4, symbol="BTCUSDT").snapshot(4).write(tmp_path)
    with pytest.raises(ValidationError, match=r"line 3.*ETHUSDT, BTCUSDT"):
        seen(path)


# ------------------------------------------------------------------ what may be damaged

DIFF = Recording().diff(5, 6, ["9 1"], ["11 1"]).lines[0]


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        ("garbage\n", "line 3"),
        ("\n", "line 3"),
        (DIFF.replace("1700000000000000000", "-1"), "-1 is no whole number"),
        (DIFF.replace("1700000000000000000", str(2**63)), "no whole number"),
        (DIFF.replace('["9", "1"]', '["NaN", "1"]'), "'NaN' is no number"),
        (DIFF.replace('["9", "1"]', '["9", "NaN"]'), "'NaN' is no number"),
        (DIFF.replace('["9", "1"]', '["9", "Infinity"]'), "'Infinity' is no number"),
        (DIFF.replace('["9", "1"]', "[NaN, 1]"), "nan is no number"),
        (DIFF.replace('["9", "1"]', "[9.1, 1]"), "9.1 is no number"),
        (DIFF.replace('["9", "1"]', '["9", true]'), "True is no number"),
        (DIFF.replace('["9", "1"]', '["9", "-1"]'), "'-1' is no quantity"),
        (DIFF.replace('["9", "1"]', '["-9", "1"]'), "'-9' is no price"),
        (DIFF.replace('["9", "1"]', '["0", "1"]'), "'0' is no price"),
        (DIFF.replace('["9", "1"]', '["9", "1E999999999"]'), "is no number"),
        (DIFF.replace('["9", "1"]', f'["9", "{"9" * 99}"]'), "is no number"),
        (DIFF.replace('["9", "1"]', '["9"]'), "not enough values"),
        (DIFF.replace('["9", "1"]', '["9", "1", "2"]'), "too many values"),
        (DIFF.replace('[["9", "1"]]', "null"), "not iterable"),
        (DIFF.replace('"ETHUSDT"', "7"), "7 is no symbol"),
        (DIFF.replace('"ETHUSDT"', '""'), "is no symbol"),
        (DIFF.replace('"U": 5', '"U": 7'), "the first update, 7, is after the last, 6"),
        (DIFF.replace('"u": 6', f'"u": {2**63}'), "no whole number"),
        (DIFF.replace('"u": 6', f'"u": {"9" * 5000}'), "line 3"),
        (DIFF.replace('"u": 6', '"u": 6.0'), "6.0 is no whole number"),
        (DIFF.replace('"u": 6', '"u": "6"'), "'6' is no whole number"),
        ("1 " + "[" * 200_000 + "\n", "RecursionError"),
    ],
    ids=range(26),
)
def test_a_damaged_line_is_named_and_nothing_is_handed_out(tmp_path, line, complaint):
    path = Recording().diff(1, 4).snapshot(4, ["9 1"], ["11 1"]).write(tmp_path)
    with path.open("a") as file:
        file.write(line)

    for options in ({}, {"strict": False}):
        with pytest.raises(ValidationError, match=r"line 3: no message") as caught:
            nanobook.parse_binance_depth(path, **options)
        assert complaint in str(caught.value)


@pytest.mark.parametrize("n_bytes", [1, 19, 40, len(DIFF) - 2])
def test_a_recording_that_was_stopped_within_a_line(tmp_path, n_bytes):
    path = Recording().diff(1, 4).snapshot(4, ["9 1"], ["11 1"]).write(tmp_path)
    with path.open("a") as file:
        file.write(DIFF[:n_bytes])

    with pytest.raises(ValidationError, match=r"line 3: no message.*; the file ends within it"):
        seen(path)
    told = r"market\.jsonl: the file ends within line 3, which is left out"
    assert leniently(path, told) == [(4, ["9 1"], ["11 1"])]
    with pytest.warns(RecordingWarning, match=told):
        assert len(nanobook.parse_binance_depth(path, strict=False)) == 2


def test_a_last_line_that_only_wants_its_end_is_whole(tmp_path):
    path = Recording().diff(1, 4).snapshot(4, ["9 1"], ["11 1"]).write(tmp_path)
    with path.open("a") as file:
        file.write(DIFF[:-1])
    for strict in (True, False):
        assert [update for update, *_ in seen(path, strict=strict)] == [4, 6]


@pytest.mark.parametrize("part", [0.1, 0.5, 0.9, 0.999])
def test_a_packed_file_that_was_cut_is_refused(tmp_path, part):
    path = market().write(tmp_path, "market.jsonl.gz")
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * part)])

    with pytest.raises(ValidationError, match=r"market\.jsonl\.gz: the packed file was cut"):
        nanobook.parse_binance_depth(path)


def test_of_a_packed_file_that_was_cut_lenient_reading_has_all_that_is_there(tmp_path):
    recording = market()
    for update in range(16, 400):
        recording.diff(update, update, [f"9.{update} {update}"])
    whole = seen(recording.write(tmp_path))
    path = recording.write(tmp_path, "market.jsonl.gz")
    content = path.read_bytes()

    told = "the packed file was cut: its end is missing"
    path.write_bytes(content[:-4])
    assert leniently(path, told) == whole
    path.write_bytes(content[: len(content) // 2])
    books = leniently(path, told)
    assert 50 < len(books) < len(whole)
    assert books == whole[: len(books)]
    path.write_bytes(content[:60])
    with pytest.raises(ValidationError, match=f"no snapshot.*; {told}"):
        seen(path, strict=False)


@pytest.mark.parametrize("place", range(12, 60, 4))
def test_a_packed_file_with_a_damaged_byte_is_refused(tmp_path, place):
    path = market().write(tmp_path, "market.jsonl.gz")
    content = bytearray(path.read_bytes())
    content[place] ^= 0xFF
    path.write_bytes(content)

    with pytest.raises(ValidationError):
        nanobook.parse_binance_depth(path)


@pytest.mark.parametrize(
    "recording",
    [Recording(), Recording().diff(1, 2, ["9 1"]), Recording()._line({"stream": "x", "data": {}})],
    ids=["nothing", "diffs alone", "other messages alone"],
)
@pytest.mark.parametrize("strict", [True, False])
def test_a_file_without_a_snapshot_is_refused(tmp_path, recording, strict):
    with pytest.raises(ValidationError, match="has no snapshot"):
        seen(recording.write(tmp_path), strict=strict)


def test_diffs_in_another_order_are_taken_for_missing_ones(tmp_path):
    recording = market()
    recording.lines[3:] = recording.lines[:2:-1]
    with pytest.raises(ValidationError, match="after update 8 comes a diff that begins with 10"):
        seen(recording.write(tmp_path))


# ------------------------------------------------------------------ the law, and the real market

PRICES = st.integers(1, 12)
SIZES = st.integers(0, 5)


@given(data=st.data())
def test_an_exchange_that_makes_the_requests_has_the_same_book_and_never_trades(
    data, tmp_path_factory
):
    """Levels are drawn on each side of a price that moves, so that they often would have met."""
    recording = Recording().diff(1, 1).snapshot(1, ["6 1"], ["7 1"])
    sides = {"b": {6: 1}, "a": {7: 1}}
    for update in range(2, data.draw(st.integers(3, 12))):
        middle = data.draw(PRICES)
        diff = {"b": {}, "a": {}}
        for side, sizes in sides.items():
            for price in sizes:
                if price > middle if side == "b" else price <= middle:
                    diff[side][price] = 0
            for price, size in data.draw(st.dictionaries(PRICES, SIZES, max_size=4)).items():
                if (side == "b") == (price <= middle):
                    diff[side][price] = size
            sizes.update(diff[side])
            for price in [price for price, size in sizes.items() if not size]:
                del sizes[price]
        bids, asks = ([f"{p} {s}" for p, s in diff[side].items()] for side in "ba")
        recording.diff(update, update, bids, asks)
    path = recording.write(tmp_path_factory.mktemp("market"))

    events = nanobook.parse_binance_depth(path, price_unit=D(1), quantity_unit=D(1))
    books = {book.update_id: book for book in nanobook.read_binance_depth(path, levels=None)}
    exchange = nanobook.Exchange()
    for (_, event), update, following in zip(
        events, events.update_ids, [*events.update_ids[1:], 0], strict=True
    ):
        exchange.submit(event)
        if following != update:
            assert visible(exchange.full_book(), events) == (
                list(books[update].bids),
                list(books[update].asks),
            )
    assert exchange.trade_count() == 0
    assert (dict(books[update].bids), dict(books[update].asks)) == (sides["b"], sides["a"])


@given(data=st.data())
def test_a_book_is_the_venues_or_none_whatever_is_missing_late_or_twice(data, tmp_path_factory):
    """Diffs are lost or told again, and snapshots come early, late, or not at all."""
    truth, told = {1: ({6: 1}, {7: 1})}, []
    for update in range(2, 12):
        bids, asks = (dict(side) for side in truth[update - 1])
        price, size = data.draw(st.integers(1, 6)), data.draw(SIZES)
        ((bids, 0), (asks, 6))[update % 2][0][price + 6 * (update % 2)] = size
        truth[update] = tuple(
            {price: size for price, size in side.items() if size} for side in (bids, asks)
        )
        level = [f"{price + 6 * (update % 2)} {size}"]
        told.append(("diff", update, update, *((), level)[:: 1 if update % 2 else -1]))
    lines = [("diff", 1, 1)]
    for diff in told:
        lines += [diff] * data.draw(st.sampled_from([0, 1, 1, 1, 1, 2]))
        if data.draw(st.booleans()):
            known = data.draw(st.sampled_from(sorted(truth)))
            levels = ([f"{p} {s}" for p, s in side.items()] for side in truth[known])
            lines.append(("snapshot", known, *levels))
    recording = Recording()
    for kind, *arguments in lines:
        getattr(recording, kind)(*arguments)
    path = recording.write(tmp_path_factory.mktemp("market"))

    with warnings.catch_warnings(record=True, action="always") as caught:
        try:
            books = list(nanobook.read_binance_depth(path, levels=None, strict=False))
        except ValidationError as error:
            assert "has no snapshot" in str(error)  # noqa: PT017 - one may never have come in time
            books = []
    if not caught:
        assert all(book.bids or book.asks or not any(truth[book.update_id]) for book in books)
    for book in books:
        if book.bids or book.asks:
            assert (dict(book.bids), dict(book.asks)) == truth[book.update_id]
    try:
        strict = list(nanobook.read_binance_depth(path, levels=None))
    except ValidationError:
        return
    assert (strict, caught) == (books, [])


@needs_recorded_market
def test_the_rebuilt_book_is_that_of_the_other_feed_wherever_they_can_be_compared():
    books = {book.update_id: book for book in nanobook.read_binance_depth(PATH, levels=1)}
    assert len(books) == 3433

    touches = [
        record
        for record in read_feed(PATH)
        if isinstance(record, Touch) and record.update_id in books
    ]
    assert len(touches) == 577
    for touch in touches:
        book = books[touch.update_id]
        assert book.bids == ((touch.bid, touch.bid_size),)
        assert book.asks == ((touch.ask, touch.ask_size),)


@needs_recorded_market
def test_a_lot_of_today_need_not_hold_what_was_ordered_before_it_was_so_coarse():
    with pytest.raises(ValidationError, match=r"steps of 0\.0001, got 2292\.22972"):
        nanobook.parse_binance_depth(PATH, quantity_unit=D("0.0001"))


@needs_recorded_market
def test_the_exchange_that_replays_it_has_that_book_too():
    touches = {record.update_id: record for record in read_feed(PATH) if isinstance(record, Touch)}
    events = nanobook.parse_binance_depth(PATH)
    assert len(events) == 114_420
    exchange = nanobook.MultiExchange().get_or_create("ETHUSDT")
    compared = 0
    for (symbol, event), update, following in zip(
        events, events.update_ids, [*events.update_ids[1:], 0], strict=True
    ):
        assert symbol == "ETHUSDT"
        exchange.submit(event)
        if following != update and update in touches:
            touch, best = touches[update], exchange.depth(1)
            assert visible(best, events) == (
                [(touch.bid, touch.bid_size)],
                [(touch.ask, touch.ask_size)],
            )
            compared += 1
    assert compared == 577
    assert exchange.trade_count() == 0
    *_, last = nanobook.read_binance_depth(PATH, levels=None)
    assert visible(exchange.full_book(), events) == (list(last.bids), list(last.asks))


class TestParser(ParserSuite):
    @pytest.fixture(scope="class")
    @classmethod
    def parser(cls):
        return nanobook.registry().load("parser", "binance_depth")

    @pytest.fixture(scope="class")
    @classmethod
    def source(cls, tmp_path_factory):
        return market().write(tmp_path_factory.mktemp("source"))


class TestParserOfPackedFiles(TestParser):
    @pytest.fixture(scope="class")
    @classmethod
    def source(cls, tmp_path_factory):
        return market().write(tmp_path_factory.mktemp("source"), "market.jsonl.gz")


def test_reading_a_recording_needs_neither_a_server_nor_a_client():
    script = (
        "import sys, nanobook_binance.depth_event as _;"
        "print({'aiohttp', 'requests', 'websocket', 'numpy'} & set(sys.modules))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert done.stdout == "set()\n"
