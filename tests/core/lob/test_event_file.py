"""Saving as JSON lines, and what loading makes of good, odd and bad files."""

import json
import runpy
import stat
from itertools import islice
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nanobook_core.errors import JournalError, LogTruncatedError, ValidationError
from nanobook_core.lob import Exchange
from nanobook_core.lob.event_file import load, save
from nanobook_core.lob.file_layer import FileLayer

ROWS = json.loads((Path(__file__).parents[2] / "data" / "lob" / "bad_files.json").read_text())

WRITER = runpy.run_path(str(Path(__file__).with_name("journal_writer.py")))

SAVED = """\
{"SubmitLimit":{"side":"Buy","price":10050,"quantity":100,"time_in_force":"GTC"}}
{"SubmitStopMarket":{"side":"Sell","stop_price":9900,"quantity":10}}
{"SubmitMarket":{"side":"Sell","quantity":30}}
{"Cancel":{"order_id":99}}
"""


def content(row):
    text = bytes.fromhex(row["hex"]) if "hex" in row else row["text"].encode()
    return text * row.get("times", 1)


@pytest.fixture
def exchange(new_exchange):
    exchange = new_exchange()
    exchange.submit_limit("buy", 10050, 100)
    exchange.submit_stop_market("sell", 9900, 10)
    exchange.submit_market("sell", 30)
    exchange.cancel(99)
    return exchange


@pytest.mark.parametrize(
    "row", [row for row in ROWS if row["format"] == "events"], ids=lambda row: row["name"]
)
def test_a_file_is_loaded_or_refused_with_line_and_reason(row, new_exchange, tmp_path):
    path = tmp_path / "orders.jsonl"
    path.write_bytes(content(row))
    if "says" in row:
        with pytest.raises(JournalError) as caught:
            new_exchange.load(path)
        assert str(caught.value).startswith(f"{path}: {row['says']}")
        assert len(str(caught.value)) < 500
    else:
        exchange = new_exchange.load(path)
        assert len(exchange.events()) == row["loads"]
        assert exchange.stop_trigger == row.get("stop_trigger", "every")
    assert path.read_bytes() == content(row)


def test_it_is_saved_as_the_original_spells_it(exchange, tmp_path):
    path = tmp_path / "orders.jsonl"
    exchange.save(path)
    assert path.read_text() == SAVED
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("kind", [str, Path])
def test_a_path_may_be_a_string(exchange, tmp_path, kind):
    path = kind(tmp_path / "orders.jsonl")
    exchange.save(path)
    assert Exchange.load(path).state_hash() == exchange.state_hash()


@pytest.mark.parametrize("path", [7, None, b"orders.jsonl", object()])
def test_what_is_no_path_is_a_type_error(exchange, path):
    with pytest.raises(TypeError):
        exchange.save(path)
    with pytest.raises(TypeError):
        Exchange.load(path)


def test_the_original_rule_for_stops_is_saved_ahead_and_loaded(new_exchange, tmp_path):
    path = tmp_path / "orders.jsonl"
    exchange = new_exchange(stop_trigger="last")
    exchange.submit_market("buy", 1)
    exchange.save(path)
    assert path.read_text() == (
        '{"Settings":{"stop_trigger":"last"}}\n{"SubmitMarket":{"side":"Buy","quantity":1}}\n'
    )
    assert Exchange.load(path).stop_trigger == "last"
    assert Exchange.load(path).state_hash() == exchange.state_hash()


def test_the_rule_of_a_file_that_does_not_say_it_can_be_given(tmp_path):
    path = tmp_path / "orders.jsonl"
    path.write_text(SAVED)
    assert Exchange.load(path, stop_trigger="last").stop_trigger == "last"
    path.write_text("")
    assert Exchange.load(path, stop_trigger="last").stop_trigger == "last"
    with pytest.raises(ValidationError, match="Invalid StopTrigger 'never'"):
        Exchange.load(path, stop_trigger="never")


def test_a_truncated_log_is_not_saved_and_what_was_there_stays(exchange, tmp_path):
    path = tmp_path / "orders.jsonl"
    exchange.save(path)
    exchange.clear_events()
    with pytest.raises(LogTruncatedError):
        exchange.save(path)
    assert path.read_text() == SAVED


def test_saving_to_a_link_replaces_the_file_behind_it(exchange, tmp_path):
    path, link = tmp_path / "orders.jsonl", tmp_path / "link"
    path.write_text("old")
    link.symlink_to(path)
    exchange.save(link)
    assert link.is_symlink()
    assert path.read_text() == SAVED


def test_what_is_no_file_is_neither_replaced_nor_loaded(exchange, tmp_path):
    with pytest.raises(FileExistsError, match="Not a regular file"):
        exchange.save(tmp_path)
    with pytest.raises(FileExistsError, match="Not a regular file"):
        exchange.save("/dev/null")
    with pytest.raises(IsADirectoryError):
        Exchange.load(tmp_path)
    with pytest.raises(FileNotFoundError):
        Exchange.load(tmp_path / "missing.jsonl")
    with pytest.raises(FileNotFoundError):
        exchange.save(tmp_path / "missing" / "orders.jsonl")


class FullDisk(FileLayer):
    """Takes so many bytes, some at a time."""

    def __init__(self, room):
        self.room = room

    def write(self, descriptor, data):
        if not self.room:
            raise OSError(28, "No space left on device")
        written = super().write(descriptor, data[: min(self.room, 100)])
        self.room -= written
        return written


def test_a_full_disk_leaves_the_old_file_and_nothing_else(exchange, tmp_path):
    path = tmp_path / "orders.jsonl"
    path.write_text("old")
    with pytest.raises(OSError, match="No space left"):
        save(exchange, path, files=FullDisk(len(SAVED) - 1))
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]
    save(exchange, path, files=FullDisk(len(SAVED)))
    assert path.read_text() == SAVED


class NoSync(FileLayer):
    """Quick: what becomes of the files after a loss of power is not asked."""

    def fsync(self, descriptor):
        pass

    def fsync_directory(self, directory):
        pass


@given(st.integers(0, 2**32), st.integers(0, 120), st.sampled_from(["every", "last"]))
def test_what_is_loaded_goes_on_exactly_as_what_was_saved(tmp_path_factory, seed, count, rule):
    path = tmp_path_factory.getbasetemp() / "goes-on.jsonl"
    exchange = Exchange(stop_trigger=rule)
    requests = WRITER["requests"](seed)
    for request in islice(requests, count):
        WRITER["make"](exchange, request)
    save(exchange, path, files=NoSync())
    loaded = load(Exchange, path)
    assert loaded.state_hash() == exchange.state_hash()
    assert loaded.trades() == exchange.trades()
    assert loaded.events() == exchange.events()
    for request in islice(requests, 50):
        WRITER["make"](exchange, request)
        WRITER["make"](loaded, request)
    assert loaded.state_hash() == exchange.state_hash()
    assert loaded.trades() == exchange.trades()
