"""A feed that is cut, and symbols that it does not have, are told by every result."""

import pytest
from tests.itch.feeds import day
from tests.itch.itch_command import run_here

import nanobook

WHOLE = day()
#: Of the last message, the exchange's `C`, with its length, and of the mark of the end.
END = 2 + 12 + 2


def results(source, path, **options):
    """Every way to read a feed to its end."""
    feed = nanobook.ItchFeed(source, **options)
    multi = nanobook.MultiExchange()
    path.joinpath("day.itch").write_bytes(source)
    return {
        "messages": feed.messages("A"),
        "chunks": list(feed.chunks("A", n_bytes=5000))[-1],
        "books": feed.books("trades"),
        "book_chunks": list(feed.book_chunks("trades", n_bytes=5000))[-1],
        "parse": nanobook.parse_itch(path / "day.itch", **options),
        "replay": nanobook.replay_into(multi, source, **options),
        "export": nanobook.export_itch(source, path / "out", ["bbo", "order"], **options),
        "messages exported": nanobook.export_itch(source, path / "more", "order", **options),
    }


@pytest.mark.parametrize(("n_cut", "is_complete"), [(0, True), (2, True), (END, False)])
def test_every_result_says_whether_the_feed_is_whole(tmp_path, n_cut, is_complete):
    found = results(WHOLE[: len(WHOLE) - n_cut], tmp_path)
    assert {name: each.is_complete for name, each in found.items()} == dict.fromkeys(
        found, is_complete
    )
    assert {name: each.missing for name, each in found.items()} == dict.fromkeys(found, ())


def test_every_result_says_which_symbols_the_feed_does_not_have(tmp_path):
    found = results(WHOLE, tmp_path, symbols=["ZZZ", "AAPL", "APPL"])
    assert {name: each.missing for name, each in found.items()} == dict.fromkeys(
        found, ("APPL", "ZZZ")
    )
    assert {name: each.is_complete for name, each in found.items()} == dict.fromkeys(found, True)


def test_what_is_not_read_is_not_judged():
    feed = nanobook.ItchFeed(WHOLE)
    assert feed.books(end="10:00").is_complete is None
    assert feed.messages(end="10:00").is_complete is None
    assert feed.books(end="24:00").is_complete
    assert next(feed.book_chunks(n_bytes=5000)).is_complete is None
    assert next(feed.chunks(n_bytes=5000)).is_complete is None
    cut = nanobook.ItchFeed(WHOLE[:-END])
    assert cut.books(end="10:00").is_complete is None
    assert cut.books(end="24:00").is_complete is False
    until = nanobook.replay_into(nanobook.MultiExchange(), WHOLE, until="10:00")
    assert until.is_complete is None


@pytest.mark.parametrize("out", ["bbo.csv", "bbo.parquet", None])
def test_the_command_says_it_whatever_it_writes(tmp_path, out):
    path = tmp_path / "cut.itch"
    path.write_bytes(WHOLE[:-END])
    options = [] if out is None else ["--out", str(tmp_path / out)]
    code, _, told = run_here("books", path, "--symbols", "AAPL,APPL", *options)
    assert code == 0
    assert told.splitlines() == [
        "warning: the day is not complete: its end is missing",
        "warning: nothing is said of APPL",
    ]
    folder = str(tmp_path / "day")
    words = ("export", path, "--symbols", "AAPL,APPL", "--tables", "bbo", "--out", folder)
    assert run_here(*words)[::2] == (0, told)
