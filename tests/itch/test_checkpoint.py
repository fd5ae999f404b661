"""Books at a time are the same with a checkpoint and without, whatever is in its file."""

import gzip
import json
import os
import signal
import threading
import warnings
import zipfile
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.itch.feeds import day, plain, put_together
from tests.itch.itch_command import run_here

import nanobook
from nanobook_core.testing.law import law
from nanobook_itch.books import BookRequest
from nanobook_itch.checkpoint import Checkpoint
from nanobook_itch.run import reading
from nanobook_itch.source import Source
from nanobook_itch.testing.packing import message
from nanobook_itch.testing.planted import planted, rough
from nanobook_itch.testing.strategies import SYMBOLS, days

SECOND = 10**9
HOUR = 3600 * SECOND
TIMES = [0, 4 * HOUR, 34_200 * SECOND, 36_123_456_789_012, 12 * HOUR, 12 * HOUR - 1, 20 * HOUR]

feeds = st.one_of(days(), rough(), planted().map(lambda planted: planted.messages)).map(b"".join)


def state(view):
    """All that can be seen of books at a time."""
    return (
        view.time,
        view.n_orders,
        view.bbo().tolist(),
        {symbol: (view[symbol], view.orders(symbol)) for symbol in view},
        (view.problems, view.n_problems, view.is_clean, view.is_complete),
    )


def outcome(call):
    """What comes back, or what was raised."""
    try:
        return call()
    except nanobook.ItchError as error:
        return str(error), error.offset, error.type


def at_each(feed, times=TIMES):
    return [outcome(lambda time=time: state(feed.at(time))) for time in times]


def damaged(data):
    """A day with messages left out, of unknown orders, back in time and cut at its end."""
    place = len(data) // 3
    odd = message("D", 1, 5 * HOUR, 2**40) + b"\x00\x01z" + message("D", 2, HOUR, 2**41)
    size = 0
    while size < place:
        size += 2 + int.from_bytes(data[size : size + 2])
    return data[:size] + odd + data[size:-20]


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "day.itch"
    path.write_bytes(day())
    return path


SOME = ["AAPL", "NVDA"]


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize(("symbols", "made_of"), [(None, None), (SOME, None), (SOME, SOME)])
@pytest.mark.parametrize("every", ["00:20", "03:00"])
def test_books_are_the_same_with_it(file, packed, symbols, made_of, every):
    if packed:
        file.write_bytes(gzip.compress(day()))
    feed = nanobook.ItchFeed(file, symbols=symbols)
    expected = at_each(nanobook.ItchFeed(day(), symbols=symbols))
    kept = nanobook.ItchFeed(file, symbols=made_of).checkpoint(every)
    assert kept == file.with_name("day.itch.books")
    assert at_each(feed) == expected


def test_one_of_some_symbols_serves_no_others(file):
    nanobook.ItchFeed(file, symbols=SOME).checkpoint("01:00")
    set_aside(nanobook.ItchFeed(file), "it is of the symbols AAPL, NVDA alone")
    set_aside(nanobook.ItchFeed(file, symbols="AAPL"), "it is of the symbols AAPL, NVDA alone")


def test_only_what_follows_is_read(file):
    """The middle of the source is overwritten, and its identity kept."""
    feed = nanobook.ItchFeed(file)
    file.write_bytes(day(messages=30_000))
    expected = state(nanobook.ItchFeed(file).at("15:00"))
    nanobook.ItchFeed(file).checkpoint()
    status = file.stat()
    with file.open("r+b") as opened:
        opened.seek(100_000)
        opened.write(bytes(1000))
    os.utime(file, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert state(feed.at("15:00")) == expected
    file.with_name("day.itch.books").unlink()
    with pytest.raises(nanobook.ItchError):
        feed.at("15:00")


moments = st.sampled_from([0, 1, 2, 3, 5, 8, 30, SECOND + 7, 10**12, 2 * 10**12])


@law
@given(data=st.data(), strict=st.booleans(), some=st.booleans())
def test_no_books_depend_on_it(tmp_path_factory, data, strict, some):
    kept, time = data.draw(st.sets(moments)), data.draw(moments)
    cut, data = data.draw(st.integers(0, 30)), data.draw(feeds)
    path = tmp_path_factory.mktemp("feed") / "day.itch"
    data = data[: len(data) - cut]
    path.write_bytes(data)
    names = SYMBOLS[0].decode().strip() if some else None
    expected = at_each(nanobook.ItchFeed(data, symbols=names, strict=strict), [time])
    request = BookRequest(symbols=None, strict=strict)
    with suppress(nanobook.ItchError), reading(Source(path), 200) as runs:
        Checkpoint.of(path).write(request, runs, sorted(kept))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", nanobook.ItchWarning)
        found = at_each(nanobook.ItchFeed(path, symbols=names, strict=strict), [time])
    assert found == expected


def test_lenient_books_are_the_same_where_there_are_problems(tmp_path):
    data = damaged(day())
    path = tmp_path / "day.itch"
    path.write_bytes(data)
    feed = nanobook.ItchFeed(path, strict=False)
    assert feed.books().n_problems.keys() >= {"unknown_reference", "unknown_type", "time_back"}
    expected = at_each(nanobook.ItchFeed(data, strict=False))
    feed.checkpoint()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert at_each(feed) == expected
    some = nanobook.ItchFeed(path, symbols="AAPL", strict=False)
    with pytest.warns(nanobook.ItchWarning, match="it is of all symbols, and"):
        found = at_each(some)
    assert found == at_each(nanobook.ItchFeed(data, symbols="AAPL", strict=False))
    # Problems from the beginning are told, so it is read from there.
    assert plain(feed.books(start="12:00")) == plain(
        nanobook.ItchFeed(data, strict=False).books(start="12:00")
    )


@pytest.mark.parametrize("n_bytes", [200, 1 << 20])
def test_the_end_that_was_told_before_the_time_is_known(tmp_path, n_bytes):
    path = tmp_path / "day.itch"
    later = [message("N", 1, hour * HOUR, b"AAPL    ", b"N") for hour in [21] * 20 + [22]]
    path.write_bytes(day()[:-2] + b"".join(later))
    assert (19 * HOUR, "C") < nanobook.ItchFeed(path).info().events[-1] < (21 * HOUR, "C")

    def told():
        feed = nanobook.ItchFeed(path)
        *_, last = feed.book_chunks(start="21:30", n_bytes=n_bytes)
        found = feed.at("21:30"), feed.books(start="21:30"), last
        return [each.is_complete for each in found]

    assert told() == [True, True, True]
    with reading(Source(path), n_bytes) as runs:
        times = [19 * HOUR, 21 * HOUR]
        Checkpoint.of(path).write(BookRequest(symbols=None, strict=True), runs, times)
    assert told() == [True, True, True]


def test_a_locate_of_two_symbols_is_not_served_by_all(tmp_path):
    path = tmp_path / "day.itch"
    adds = [
        message("A", 1, hour * HOUR, hour, b"B", 100, symbol, 10_000)
        for hour, symbol in ((1, b"AAPL    "), (2, b"MSFT    "), (3, b"AAPL    "))
    ]
    path.write_bytes(b"".join(adds))
    feed = nanobook.ItchFeed(path, symbols="AAPL")
    expected = at_each(feed)
    nanobook.ItchFeed(path).checkpoint("01:00")
    with pytest.warns(nanobook.ItchWarning, match="some alone may differ"):
        assert at_each(feed) == expected
    file = nanobook.ItchFeed(path.read_bytes(), symbols="AAPL")
    assert len(file.at("04:00").orders("AAPL")) == 2


@pytest.mark.parametrize("options", [{}, {"end": "13:00"}, {"start": "00:00"}])
@pytest.mark.parametrize("n_bytes", [None, 5000])
@pytest.mark.parametrize("symbols", [None, "AAPL"])
def test_tables_from_a_time_on_are_the_same(file, options, n_bytes, symbols):
    tables = ("bbo", "trades", "orders", "depth", "status", "imbalance", "system")
    options = {"tables": tables, "depth": 3, "start": "11:59:59.999999999", **options}

    def read(source):
        feed = nanobook.ItchFeed(source, symbols=symbols)
        if n_bytes is None:
            found = feed.books(**options)
            return plain(found), found.opening.tolist(), state(found.books)
        parts = list(feed.book_chunks(**options, n_bytes=n_bytes))
        return put_together(parts), state(parts[-1].books)

    expected = read(day())
    nanobook.ItchFeed(file).checkpoint("01:00")
    assert read(file) == expected
    nanobook.ItchFeed(file, symbols=symbols).checkpoint("00:15")
    assert read(file) == expected


def test_a_grid_from_a_time_on_has_the_same_rows(file):
    options = {"depth": 1, "every": "00:30", "start": "12:00"}
    expected = plain(nanobook.ItchFeed(day()).books("depth", **options))
    nanobook.ItchFeed(file).checkpoint()
    assert plain(nanobook.ItchFeed(file).books("depth", **options)) == expected


def test_whatever_is_damaged_in_it_the_books_are_the_same(tmp_path):
    path = tmp_path / "day.itch"
    path.write_bytes(day(messages=400, symbols=3))
    feed = nanobook.ItchFeed(path)
    expected = at_each(feed, TIMES[2:5])
    kept = feed.checkpoint("02:00")
    whole = kept.read_bytes()
    n_told = 0
    for place in range(0, len(whole), 97):
        for data in (
            whole[:place],
            whole[:place] + bytes([whole[place] ^ 0xFF]) + whole[place + 1 :],
            whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :],
        ):
            kept.write_bytes(data)
            with warnings.catch_warnings(record=True) as told:
                warnings.simplefilter("always")
                assert at_each(feed, TIMES[2:5]) == expected
            assert {each.category for each in told} <= {nanobook.ItchWarning}
            n_told += bool(told)
    assert n_told > len(whole) // 97


def change(kept, **about):
    """Write its description otherwise, with sums that fit."""
    with zipfile.ZipFile(kept) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    members["about.json"] = json.dumps(json.loads(members["about.json"]) | about).encode()
    with zipfile.ZipFile(kept, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name, data)


def set_aside(feed, words):
    expected = at_each(feed_of(feed), TIMES[3:4])
    with pytest.warns(nanobook.ItchWarning, match=words) as told:
        assert at_each(feed, TIMES[3:4]) == expected
    assert "read from its beginning" in str(told[0].message)
    assert told[0].filename == __file__


def feed_of(feed):
    """The same feed in memory, which has no checkpoint."""
    data = Path(feed.name).read_bytes()
    return nanobook.ItchFeed(data, symbols=feed.symbols, strict=feed.strict)


def test_one_of_another_version_is_set_aside(file):
    change(nanobook.ItchFeed(file).checkpoint(), version=2)
    set_aside(nanobook.ItchFeed(file), "it is of version 2, this is 1")


def test_one_of_another_strictness_is_set_aside(file):
    nanobook.ItchFeed(file, strict=False).checkpoint()
    set_aside(nanobook.ItchFeed(file), "it was made with strict=False")


def test_one_of_another_feed_is_set_aside(tmp_path, file):
    other = tmp_path / "other.itch"
    other.write_bytes(day(seed=6))
    nanobook.ItchFeed(other).checkpoint(path=tmp_path / "day.itch.books")
    set_aside(nanobook.ItchFeed(file), "it is of another file, or this one has changed")


def test_one_of_a_feed_that_has_grown_is_set_aside(file):
    nanobook.ItchFeed(file).checkpoint()
    with file.open("ab") as opened:
        opened.write(message("S", 0, 23 * HOUR, b"C"))
    set_aside(nanobook.ItchFeed(file), "this one has changed")


@pytest.mark.parametrize("place", [500, -500])
def test_one_of_a_feed_of_the_same_size_and_time_is_set_aside(file, place):
    nanobook.ItchFeed(file, strict=False).checkpoint()
    status, data = file.stat(), bytearray(file.read_bytes())
    data[place] ^= 1
    file.write_bytes(data)
    os.utime(file, ns=(status.st_atime_ns, status.st_mtime_ns))
    set_aside(nanobook.ItchFeed(file, strict=False), "this one has changed")


def test_what_is_no_checkpoint_is_set_aside(file):
    kept = file.with_name("day.itch.books")
    for data in (b"", b"no archive", day()):
        kept.write_bytes(data)
        set_aside(nanobook.ItchFeed(file), "it cannot be read")
    with kept.open("wb") as opened:
        np.savez(opened, orders=np.zeros(3))
    set_aside(nanobook.ItchFeed(file), "it cannot be read")


def test_orders_that_no_feed_leads_to_are_refused(file):
    kept = nanobook.ItchFeed(file).checkpoint("09:30")
    with zipfile.ZipFile(kept) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    name = max(name for name in members if name.startswith("orders"))
    # The steps between references are 0, so all have the same.
    head, rows = members[name][:128], np.frombuffer(members[name][128:], np.uint8).copy()
    rows.reshape(19, -1)[:8] = 0
    members[name] = head + rows.tobytes()
    with zipfile.ZipFile(kept, "w", zipfile.ZIP_DEFLATED) as archive:
        for each, data in members.items():
            archive.writestr(each, data)
    feed = nanobook.ItchFeed(file)
    expected = at_each(nanobook.ItchFeed(day()), [23 * HOUR])
    with pytest.warns(nanobook.ItchWarning, match="two live orders have the reference 0"):
        assert at_each(feed, [23 * HOUR]) == expected


def test_nothing_in_it_is_a_pickle(file):
    kept = nanobook.ItchFeed(file).checkpoint("02:00")
    with np.load(kept, allow_pickle=False) as arrays:
        names = [name for name in arrays.files if name != "about.json"]
        assert len(names) > 10
        for name in names:
            assert not arrays[name].dtype.hasobject
    # One that is, is not opened.
    with (
        zipfile.ZipFile(kept, "a", zipfile.ZIP_DEFLATED) as archive,
        pytest.warns(UserWarning, match="Duplicate name"),
        archive.open("index.npy", "w") as member,
    ):
        np.lib.format.write_array(member, np.array([print], object), allow_pickle=True)
    set_aside(nanobook.ItchFeed(file), "it cannot be read: Object arrays cannot be loaded")


@pytest.mark.parametrize("was", [None, b"as it was"])
def test_ctrl_c_while_it_is_written_leaves_nothing(tmp_path, was):
    file = tmp_path / "day.itch"
    file.write_bytes(day(messages=60_000))
    kept = tmp_path / "day.itch.books"
    if was is not None:
        kept.write_bytes(was)
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    is_over = threading.Event()

    def press():
        while not is_over.wait(0.001):
            if list(tmp_path.glob("*.part")):
                os.kill(os.getpid(), signal.SIGINT)
                return

    presser = threading.Thread(target=press)
    presser.start()
    try:
        with pytest.raises(KeyboardInterrupt):
            nanobook.ItchFeed(file).checkpoint("00:01")
    finally:
        is_over.set()
        presser.join()
        signal.signal(signal.SIGINT, before)
    assert {path.name for path in tmp_path.iterdir()} == {"day.itch"} | (
        set() if was is None else {"day.itch.books"}
    )
    assert was is None or kept.read_bytes() == was


def test_a_damaged_feed_has_none(file):
    file.write_bytes(day()[:-20])
    with pytest.raises(nanobook.ItchError, match="within a message"):
        nanobook.ItchFeed(file).checkpoint()
    assert [path.name for path in file.parent.iterdir()] == ["day.itch"]


def test_what_has_none_says_so(file):
    with pytest.raises(nanobook.ValidationError, match="bytes is none"):
        nanobook.ItchFeed(day()).checkpoint()
    with pytest.raises(nanobook.ValidationError, match="is the feed itself"):
        nanobook.ItchFeed(file).checkpoint(path=file)
    with pytest.raises(nanobook.ValidationError, match="every is a length of time above 0"):
        nanobook.ItchFeed(file).checkpoint(0)
    assert file.read_bytes() == day()


def test_it_may_be_elsewhere(tmp_path, file):
    elsewhere = tmp_path / "new" / "kept.books"
    assert nanobook.ItchFeed(file).checkpoint("01:00", elsewhere) == elsewhere
    feed = nanobook.ItchFeed(file, checkpoint=elsewhere)
    assert at_each(feed) == at_each(nanobook.ItchFeed(day()))
    change(elsewhere, version=2)
    set_aside(feed, "version 2")
    assert feed.checkpoint() == elsewhere
    assert sorted(path.name for path in tmp_path.iterdir()) == ["day.itch", "new"]


def test_the_command_writes_it(file):
    expected = at_each(nanobook.ItchFeed(day()))
    code, output, errors = run_here("checkpoint", file, "--every", "01:00")
    kept = file.with_name("day.itch.books")
    assert (code, errors) == (0, "")
    assert output == f"{kept}: {kept.stat().st_size:,} bytes\n"
    assert at_each(nanobook.ItchFeed(file)) == expected
    code, _, errors = run_here("checkpoint", file)
    assert (code, errors.count("is there; --force replaces it")) == (2, 1)
    assert run_here("checkpoint", file, "--force")[0] == 0
    assert run_here("checkpoint", file.with_name("none.itch"))[0] == 2
