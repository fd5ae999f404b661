"""What goes to another process, and what says that it cannot."""

import pickle
from pathlib import Path

import pytest
from tests.itch.feeds import day, plain

import nanobook


def again(what):
    return pickle.loads(pickle.dumps(what))  # noqa: S301 - our own


def test_tables_of_books_go_without_the_books():
    tables = nanobook.ItchFeed(day()[:-3], strict=False).books()
    there = again(tables)
    assert plain(there) == plain(tables)
    assert there.opening.tolist() == tables.opening.tolist()
    assert (there.problems, there.n_problems) == (tables.problems, {"truncated": 1})
    assert repr(there) == repr(tables)
    assert not hasattr(there, "books")
    with pytest.raises(AttributeError, match=r"books are not pickled.*at\(\)"):
        _ = there.books
    with pytest.raises(AttributeError, match="its tables are bbo, trades"):
        _ = there.depth
    assert len(tables.books) > 0


def test_books_say_that_they_cannot():
    books = nanobook.ItchFeed(day()).at("10:00")
    with pytest.raises(TypeError, match=r"books are not pickled.*depth\(\)"):
        pickle.dumps(books)
    assert again(books.depth(next(iter(books)))) == books.depth(next(iter(books)))


def test_a_feed_of_a_file_goes_with_all_that_was_asked_for(tmp_path):
    path = tmp_path / "day.itch"
    path.write_bytes(day())
    symbol = next(iter(nanobook.ItchFeed(path).at("10:00")))
    feed = nanobook.ItchFeed(path, symbols=symbol, strict=False, progress=False)
    there = again(feed)
    assert repr(there) == repr(feed)
    assert plain(there.books()) == plain(feed.books())
    assert plain(again(nanobook.ItchFeed(str(path))).messages()) == plain(
        nanobook.ItchFeed(path).messages()
    )


def test_a_file_that_is_called_as_standard_input_is_still_that_file(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("-").write_bytes(day())
    feed = nanobook.ItchFeed(Path("-"))
    assert plain(again(feed).messages()) == plain(feed.messages())


@pytest.mark.parametrize("how", ["bytes", "file"])
def test_a_feed_of_something_else_says_that_it_cannot(tmp_path, how):
    (tmp_path / "day.itch").write_bytes(day())
    with (tmp_path / "day.itch").open("rb") as file:
        feed = nanobook.ItchFeed(day() if how == "bytes" else file)
        with pytest.raises(TypeError, match="only a feed of a file's path can be pickled, not one"):
            pickle.dumps(feed)
