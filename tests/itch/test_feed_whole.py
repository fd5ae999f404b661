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


def answers(source, path, *, end="24:00", **options):
    """Those that are of no list of symbols."""
    feed = nanobook.ItchFeed(source, **options)
    lobster = {"symbol": "NVDA", "date": "2026-03-02", "end": end, "force": True}
    return {
        "at": feed.at(end),
        "books": feed.books("system", end=end).books,
        "info": feed.info(),
        "lobster": nanobook.write_lobster(source, path / "lob", **lobster, **options),
    }


@pytest.mark.parametrize(("n_cut", "is_complete"), [(0, True), (2, True), (END, False)])
def test_every_result_says_whether_the_feed_is_whole(tmp_path, n_cut, is_complete):
    found = results(WHOLE[: len(WHOLE) - n_cut], tmp_path)
    assert {name: each.is_complete for name, each in found.items()} == dict.fromkeys(
        found, is_complete
    )
    assert {name: each.missing for name, each in found.items()} == dict.fromkeys(found, ())
    found = answers(WHOLE[: len(WHOLE) - n_cut], tmp_path)
    assert {name: each.is_complete for name, each in found.items()} == dict.fromkeys(
        found, is_complete
    )
    assert {each.is_clean for each in found.values()} == {True}


def test_every_result_says_what_was_wrong(tmp_path):
    cut = WHOLE[: len(WHOLE) - END - 5]
    found = answers(cut, tmp_path, strict=False)
    found["books in chunks"] = list(
        nanobook.ItchFeed(cut, strict=False).book_chunks("bbo", n_bytes=5000)
    )[-1].books
    for name, each in found.items():
        assert (dict(each.n_problems), each.is_clean) == ({"truncated": 1}, False), name
        assert each.is_complete is False, name
        if name != "info":
            assert [problem.reason for problem in each.problems] == ["truncated"], name


def test_a_strict_moment_after_the_end_of_what_is_there_is_told(tmp_path):
    cut = nanobook.ItchFeed(WHOLE).messages(end="12:20").index["sequence"][-1]
    place = 0
    for _ in range(int(cut) + 1):
        place += 2 + int.from_bytes(WHOLE[place : place + 2])
    found = answers(WHOLE[:place], tmp_path, end="16:00")
    assert {name: each.is_complete for name, each in found.items()} == dict.fromkeys(found, False)
    found = nanobook.ItchFeed(WHOLE[:place]).at("12:00")
    assert (found.is_complete, found.is_clean, found.problems) == (None, True, ())


def test_lifecycles_of_a_feed_that_is_not_whole_warn():
    cut = nanobook.ItchFeed(WHOLE[:-END])
    with pytest.warns(nanobook.ItchWarning, match="bytes: the end of the day is missing") as told:
        cut.lifecycles()
    assert told[0].filename == __file__
    cut.lifecycles(end="12:00")
    cut = nanobook.ItchFeed(WHOLE[: -END - 5], strict=False)
    with pytest.warns(nanobook.ItchWarning, match="1 truncated; the end of the day is missing"):
        cut.lifecycles()


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


def test_the_command_says_it_of_lobsters_files(tmp_path):
    path = tmp_path / "cut.itch"
    path.write_bytes(WHOLE[: -END - 5])
    words = ("export", path, "--format", "lobster", "--symbols", "NVDA", "--date", "2026-03-02")
    code, _, told = run_here(
        *words, "--out", tmp_path / "lob", "--to", "24:00", "--lenient", "--from", "09:30"
    )
    assert code == 0
    first, second, last = told.splitlines()
    assert first == "warning: 1 problem: truncated 1"
    assert second.startswith("warning: at byte ")
    assert last == "warning: the day is not complete: its end is missing"
