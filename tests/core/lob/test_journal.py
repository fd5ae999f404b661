"""The journal: what it writes, what it refuses, and what it does when the disk does not obey.

Write the golden file anew, for a new schema, with: python tests/core/lob/test_journal.py
"""

import doctest
import inspect
import json
import os
import runpy
import stat
import subprocess
import sys
import threading
import time
import warnings
from contextlib import suppress
from itertools import islice
from pathlib import Path

import pytest

from nanobook_core.contracts import Engine, Event, EventKind
from nanobook_core.errors import (
    ConcurrentUseError,
    JournalError,
    JournalWarning,
    LogTruncatedError,
    ValidationError,
)
from nanobook_core.lob import Exchange
from nanobook_core.lob.file_layer import FileLayer
from nanobook_core.lob.journal import Journal
from nanobook_core.lob.journal_line import framed
from nanobook_core.lob.ops import make_ops
from nanobook_core.plugin.registry import default_registry

DATA = Path(__file__).parents[2] / "data" / "lob"
ROWS = json.loads((DATA / "bad_files.json").read_text())
GOLDEN = DATA / "journal_v1.jsonl"
WRITER = runpy.run_path(str(Path(__file__).with_name("journal_writer.py")))

THREE = """\
1a4d8951 {"journal":1,"stop_trigger":"every"}
a0a930f3 [1,{"SubmitLimit":{"side":"Buy","price":10050,"quantity":100,"time_in_force":"GTC"}}]
15f3bf15 [2,{"SubmitMarket":{"side":"Sell","quantity":30}}]
73092e41 [3,{"Cancel":{"order_id":1}}]
"""


@pytest.fixture
def path(tmp_path):
    return tmp_path / "orders.journal"


@pytest.fixture
def journal(path, new_exchange):
    with Journal.open(path, engine=new_exchange) as journal:
        yield journal


def content(row):
    text = bytes.fromhex(row["hex"]) if "hex" in row else row["text"].encode()
    return text * row.get("times", 1)


def three_requests(journal):
    journal.submit_limit("buy", 10050, 100)
    journal.submit_market("sell", 30)
    journal.cancel(1)


# What it writes.


def test_every_request_is_a_line_with_checksum_and_number(journal, path):
    three_requests(journal)
    assert path.read_text() == THREE
    assert journal.sequence == 3
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_requests_answer_as_those_of_the_exchange(journal, new_exchange):
    exchange = new_exchange()
    for request in islice(WRITER["requests"](5), 300):
        try:
            expected = exchange.submit(request)
        except OverflowError:
            with pytest.raises(OverflowError):
                journal.submit(request)
        else:
            assert journal.submit(request) == expected
    assert journal.exchange.state_hash() == exchange.state_hash()


def test_every_request_of_an_exchange_is_there_by_its_name():
    for kind in EventKind:
        ours, theirs = getattr(Journal, kind), getattr(Engine, kind)
        assert inspect.signature(ours) == inspect.signature(theirs)
        assert ours.__doc__ == theirs.__doc__


def test_requests_take_their_arguments_as_the_exchange_does(journal, new_exchange):
    exchange = new_exchange()
    for each in (journal, exchange):
        each.submit_limit("BUY", 100, 5, "gtc", owner=1, stp_policy="cancel_both", post_only=True)
        each.submit_limit(side="s", price=101, quantity=5, tif="GTC")
        each.submit_market("sell", quantity=1, owner=1)
        each.submit_stop_market("sell", 99, 1, owner=1)
        each.submit_stop_limit("sell", 99, limit_price=98, quantity=1, tif="ioc")
        each.submit_trailing_stop_market("sell", 90, 1, "atr", 2.5, 14)
        each.submit_trailing_stop_market("sell", 90, 1, "pct", trail_value=0.05)
        each.submit_trailing_stop_limit("buy", 110, 111, 1, "fixed", 3, "fok", owner=2)
        each.modify(1, new_price=99, new_quantity=7)
        each.reduce(2, by=1)
        each.cancel(order_id=4)
        each.cancel_all(side="sell", owner=1)
        each.cancel_all()
    assert journal.exchange.state_hash() == exchange.state_hash()
    assert journal.sequence == len(exchange.events()) == 13
    assert Journal.read(journal.path).events() == exchange.events()


@pytest.mark.parametrize(
    ("request_", "error"),
    [
        (lambda journal: journal.submit_limit("buy", 100, 0), ValidationError),
        (lambda journal: journal.submit_limit("buy", 100.0, 5), TypeError),
        (lambda journal: journal.submit_limit("buy", 2**63, 5), OverflowError),
        (lambda journal: journal.submit_limit("hold", 100, 5), ValidationError),
        (lambda journal: journal.submit_limit("buy", 100), TypeError),
        (lambda journal: journal.submit_limit("buy", 100, 5, colour="red"), TypeError),
        (
            lambda journal: journal.submit_limit("buy", 100, 5, "ioc", post_only=True),
            ValidationError,
        ),
        (
            lambda journal: journal.submit_trailing_stop_market("sell", 9, 1, "atr", 2),
            ValidationError,
        ),
        (lambda journal: journal.cancel("1"), TypeError),
        (lambda journal: journal.submit("cancel"), TypeError),
        (lambda journal: journal.apply([1]), TypeError),
        (lambda journal: journal.apply(make_ops(op=[2, 1], quantity=[0, 0])), ValidationError),
    ],
)
def test_what_is_malformed_raises_and_is_not_written(journal, path, request_, error):
    three_requests(journal)
    before = journal.exchange.state_hash()
    with pytest.raises(error):
        request_(journal)
    assert path.read_text() == THREE
    assert journal.exchange.state_hash() == before
    assert journal.cancel(1).error == "OrderNotActive"


def test_what_the_state_refuses_is_written_and_refused_again_when_it_is_opened(path, new_exchange):
    huge = 2**63 - 1
    with Journal.open(path, engine=new_exchange) as journal:
        journal.submit_limit("buy", 1, huge)
        with pytest.raises(OverflowError, match="the level at"):
            journal.submit_limit("buy", 1, 1)
        journal.submit_limit("buy", 2, huge)
        with pytest.raises(OverflowError, match="the level at"):
            journal.modify(1, 2, 5)
        assert journal.reduce(1, huge - 1).success
        assert journal.submit_limit("buy", 1, 7).order_id == 3
        state = journal.exchange.state_hash()
    assert len(path.read_text().splitlines()) == 1 + 6
    with Journal.open(path, engine=new_exchange) as journal:
        assert journal.exchange.state_hash() == state
        assert journal.sequence == 6
    assert Journal.read(path, engine=new_exchange).state_hash() == state


def test_a_batch_is_written_at_once_and_answers_as_the_exchange_does(path, new_exchange):
    ops = make_ops(
        op=["submit_limit", "submit_limit", "cancel", "submit_trailing_stop_market"],
        side=["buy", "sell", "both", "sell"],
        price=[100, 100, 0, 0],
        stop_price=90,
        quantity=[5, 2, 0, 1],
        order_id=[0, 0, 9, 0],
        trail="pct",
        trail_value=0.5,
    )
    files = Counting()
    exchange = new_exchange()
    with Journal.open(path, engine=new_exchange, files=files) as journal:
        files.fsyncs = 0
        answer, expected = journal.apply(ops), exchange.apply(ops)
        assert files.fsyncs == 1
        assert answer.status.tolist() == expected.status.tolist()
        assert answer.order_id.tolist() == expected.order_id.tolist()
        assert journal.sequence == 4
        assert not journal.apply(ops[:0]).status.size
    assert Journal.read(path, engine=new_exchange).events() == exchange.events()


class Counting(FileLayer):
    fsyncs = 0

    def fsync(self, descriptor):
        self.fsyncs += 1
        super().fsync(descriptor)


# What it finds again.


@pytest.mark.parametrize(
    "row", [row for row in ROWS if row["format"] == "journal"], ids=lambda row: row["name"]
)
def test_a_journal_is_recovered_or_refused_with_line_and_offset(row, path, new_exchange):
    path.write_bytes(content(row))
    if "says" in row:
        for use in (Journal.open, Journal.read):
            with pytest.raises(JournalError) as caught:
                use(path, engine=new_exchange)
            assert str(caught.value).startswith(f"{path}: {row['says']}")
            assert len(str(caught.value)) < 500
            assert path.read_bytes() == content(row)
        assert sorted(path.parent.iterdir()) == [path, Path(f"{path}.lock")]
        return
    assert len(Journal.read(path, engine=new_exchange).events()) == row["loads"]
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        journal = Journal.open(path, engine=new_exchange)
    with journal:
        assert journal.sequence == row["loads"]
        assert journal.exchange.stop_trigger == row.get("stop_trigger", "every")
        assert [str(warning.message) for warning in caught] == list(journal.problems)
        problems = [row["problem"]] if "problem" in row else []
        assert len(problems) == len(journal.problems)
        for problem, told in zip(problems, journal.problems, strict=True):
            assert told.startswith(f"{path}: {problem}")
        journal.cancel(1)
    assert len(Journal.read(path, engine=new_exchange).events()) == row["loads"] + 1


def test_a_torn_record_is_moved_aside_and_the_journal_goes_on(path):
    path.write_text(THREE[:-4])
    with pytest.warns(
        JournalWarning, match=r"an incomplete record, moved to .*orders.journal.torn"
    ):
        journal = Journal.open(path)
    with journal:
        assert journal.sequence == 2
        assert journal.cancel(1).success
    assert path.read_text() == THREE
    torn = path.with_name("orders.journal.torn")
    assert torn.read_text() == THREE.splitlines()[3][:-3]
    assert stat.S_IMODE(torn.stat().st_mode) == 0o600
    with Journal.open(path) as journal:
        assert journal.problems == ()


def test_without_its_last_line_end_a_record_that_is_whole_is_kept(path):
    path.write_text(THREE[:-1])
    with pytest.warns(JournalWarning, match=r"line 4 at byte .*: the line end was missing"):
        journal = Journal.open(path)
    with journal:
        assert journal.sequence == 3
    assert path.read_text() == THREE


@pytest.mark.parametrize("name", ["exchange", "nanobook-core:exchange"])
def test_the_golden_journal_of_schema_1_can_be_opened_for_ever(name, path):
    engine = default_registry().load("engine", name)
    path.write_bytes(GOLDEN.read_bytes())
    for exchange in (Journal.read(GOLDEN, engine=engine), Journal.read(GOLDEN)):
        assert f"{exchange.state_hash():016x}" == "479a2f9839e77dba"
        assert len(exchange.events()) == 396
        assert {event.kind for event in exchange.events()} == set(EventKind)
    with Journal.open(path, engine=engine) as journal:
        assert f"{journal.exchange.state_hash():016x}" == "479a2f9839e77dba"
        assert journal.sequence == 400
        assert journal.exchange.stop_trigger == "last"


def test_it_is_opened_with_the_best_engine_and_its_rule(path):
    best = default_registry().load("engine", "exchange")
    with Journal.open(path, stop_trigger="last") as journal:
        assert type(journal.exchange) is best
        assert journal.exchange.stop_trigger == "last"
    with Journal.open(path) as journal:
        assert journal.exchange.stop_trigger == "last"
    with pytest.raises(JournalError, match="its stop_trigger is 'last', not 'every'"):
        Journal.open(path, stop_trigger="every")
    with pytest.raises(ValidationError, match="Invalid StopTrigger 'never'"):
        Journal.open(path, stop_trigger="never")


def test_its_exchange_keeps_no_log_but_reading_gives_one_that_does(journal, path):
    three_requests(journal)
    with pytest.raises(LogTruncatedError):
        journal.exchange.events()
    read = Journal.read(path)
    assert len(read.events()) == 3
    assert len(read.trades()) == 1


def test_reading_while_writing_sees_what_is_there_and_leaves_no_trace(journal, path):
    three_requests(journal)
    before = sorted(path.parent.iterdir())
    with path.open("ab") as other:
        other.write(b"01234567 [4,{")  # half of what a writer is about to write
    assert len(Journal.read(path).events()) == 3
    assert sorted(path.parent.iterdir()) == before
    assert path.read_bytes().endswith(b"[4,{")


def test_a_warning_that_is_made_an_error_leaves_a_sound_journal_that_nobody_holds(path):
    path.write_text(THREE[:-4])
    with pytest.raises(JournalWarning):
        Journal.open(path)
    with Journal.open(path) as journal:
        assert journal.sequence == 2


# Snapshots.


def test_a_snapshot_leads_to_the_same_state_and_spares_the_requests_before_it(path, new_exchange):
    requests = WRITER["requests"](11)
    with Journal.open(path, engine=new_exchange) as journal:
        for request in islice(requests, 200):
            WRITER["make"](journal, request)
        taken = journal.snapshot()
        assert taken == path.with_name("orders.journal.200.snapshot")
        assert stat.S_IMODE(taken.stat().st_mode) == 0o600
        for request in islice(requests, 20):
            WRITER["make"](journal, request)
        state = journal.exchange.state_hash()
        printed = len(journal.exchange.trades())
    with Journal.open(path, engine=new_exchange) as journal:
        assert journal.exchange.state_hash() == state
        assert journal.sequence == 220
        assert len(journal.exchange.trades()) < printed
    assert len(Journal.read(path, engine=new_exchange).trades()) == printed


def test_the_newest_two_snapshots_are_kept(journal, path):
    names = []
    for _ in range(12):
        journal.submit_market("buy", 1)
        names.append(journal.snapshot())
    assert sorted(path.parent.glob("*.snapshot")) == sorted(names[-2:])
    # By number, not by letters: 9 before 10.
    assert [name.name for name in names[8:10]] == [
        "orders.journal.9.snapshot",
        "orders.journal.10.snapshot",
    ]


def damaged(line):
    return line[:40] + bytes([line[40] ^ 1]) + line[41:]


@pytest.mark.parametrize(
    ("damage", "says"),
    [
        (damaged, "damaged: the checksum differs"),
        (lambda line: line[:-1], "damaged: the checksum differs"),
        (lambda line: line[:50], "damaged: the checksum differs"),
        (lambda _: b"", "damaged: the checksum differs"),
        (
            lambda line: reframed(line, '"snapshot":1', '"snapshot":2'),
            "schema 2; this version reads 1",
        ),
        (lambda line: reframed(line, '"snapshot":1,', ""), "'snapshot'"),
        (lambda line: reframed(line, '"next_order_id":4', '"next_order_id":0'), "next_order_id"),
        (lambda line: reframed(line, '"next_order_id":4,', ""), "next_order_id"),
        (lambda line: reframed(line, '"state_hash":', '"state_hash":1'), "has another hash"),
        (lambda line: reframed(line, '"sequence"', '"number"'), "number"),
    ],
)
def test_a_damaged_snapshot_is_reported_and_an_older_one_used(journal, path, damage, says):
    three_requests(journal)
    journal.snapshot()
    journal.submit_market("sell", 1)
    newest = journal.snapshot()
    state = journal.exchange.state_hash()
    journal.close()
    newest.write_bytes(damage(newest.read_bytes()))
    with pytest.warns(JournalWarning, match=r"4.snapshot: not used: ") as caught:
        again = Journal.open(path)
    with again:
        assert says in str(caught[0].message)
        assert len(again.problems) == 1
        assert again.exchange.state_hash() == state
        assert again.sequence == 4


def test_without_any_sound_snapshot_every_request_is_run(journal, path):
    three_requests(journal)
    for taken in (journal.snapshot(), path.with_name("orders.journal.2.snapshot")):
        taken.write_text("nonsense\n")
    state = journal.exchange.state_hash()
    journal.close()
    with pytest.warns(JournalWarning, match="not used"):
        again = Journal.open(path)
    with again:
        assert len(again.problems) == 2
        assert again.exchange.state_hash() == state
        assert len(again.exchange.trades()) == 1


def reframed(line, old, new):
    """The line with something else in it, and the checksum of that."""
    body = line[9:-1].decode()
    assert body.count(old) == 1
    return framed(body.replace(old, new))


def test_a_snapshot_of_more_than_is_there_means_that_requests_are_lost(journal, path):
    three_requests(journal)
    journal.snapshot()
    journal.close()
    cut = "".join(THREE.splitlines(keepends=True)[:3])
    path.write_text(cut)
    with pytest.raises(JournalError, match=r"line 3 at byte .*: the last record, yet there is a "):
        Journal.open(path)
    assert path.read_text() == cut
    assert len(Journal.read(path).events()) == 2


def test_a_snapshot_of_another_journal_is_not_taken_for_one_of_this(journal, path):
    three_requests(journal)
    journal.snapshot()
    journal.close()
    path.unlink()
    with pytest.raises(JournalError, match="is missing, yet there is its snapshot"):
        Journal.open(path)
    other = path.with_name("other.journal")
    with Journal.open(other) as second:
        for _ in range(3):
            second.submit_market("buy", 1)
    other.rename(path)
    with pytest.raises(JournalError, match=r"line 4 at byte .*: the snapshot of it is of another"):
        Journal.open(path)


# One writer.


def test_a_second_writer_is_refused_until_the_first_is_done(journal, path, new_exchange):
    three_requests(journal)
    with pytest.raises(JournalError, match=r"orders.journal.lock is held by another writer"):
        Journal.open(path)
    link = path.with_name("link")
    link.symlink_to(path)
    with pytest.raises(JournalError, match=r"orders.journal.lock is held by another writer"):
        Journal.open(link)
    assert path.read_text() == THREE
    journal.close()
    with Journal.open(link, engine=new_exchange) as again:
        assert again.sequence == 3


def test_a_failed_opening_holds_nothing(path):
    path.write_text("nonsense\n")
    for _ in range(2):
        with pytest.raises(JournalError, match="damaged"):
            Journal.open(path)
    path.write_text(THREE)
    Journal.open(path).close()


OPENERS = """
import sys, threading
from nanobook_core.errors import JournalError
from nanobook_core.lob import Exchange
from nanobook_core.lob.journal import Journal
from nanobook_core.lob.journal_line import framed

won = []
def attempt():
    start.wait()
    try:
        won.append(Journal.open(sys.argv[1], engine=Exchange))
    except JournalError as error:
        assert "held by another writer" in str(error)

start = threading.Event()
threads = [threading.Thread(target=attempt) for _ in range(10)]
for thread in threads:
    thread.start()
print("ready", flush=True)
sys.stdin.readline()
start.set()
for thread in threads:
    thread.join()
print(len(won), flush=True)
sys.stdin.readline()  # what was won is held until everybody has tried
"""


def test_of_50_simultaneous_openings_exactly_one_wins(path):
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", OPENERS, str(path)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(5)
    ]
    for process in processes:
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        process.stdin.write("go\n")
        process.stdin.flush()
    won = [int(process.stdout.readline()) for process in processes]
    for process in processes:
        process.communicate("\n", timeout=30)
        assert process.returncode == 0
    assert sorted(won) == [0, 0, 0, 0, 1]


def test_threads_that_meet_inside_are_told(path):
    files = Waiting()
    with Journal.open(path, files=files) as journal:
        files.wait = True
        first = threading.Thread(target=journal.submit_market, args=("buy", 1))
        first.start()
        assert files.arrived.wait(10)
        for use in (lambda: journal.cancel(1), journal.sync, journal.snapshot, journal.close):
            with pytest.raises(ConcurrentUseError, match="another thread is inside this journal"):
                use()
        files.go_on.set()
        first.join()
        files.wait = False
        journal.cancel(1)
        assert journal.sequence == 2


class Waiting(FileLayer):
    """Keeps whoever syncs until it is told to go on."""

    wait = False

    def __init__(self):
        self.arrived, self.go_on = threading.Event(), threading.Event()

    def fsync(self, descriptor):
        if self.wait:
            self.arrived.set()
            assert self.go_on.wait(10)
        super().fsync(descriptor)


def test_a_fork_of_the_writer_cannot_write(journal, path):
    three_requests(journal)
    child = os.fork()
    if child == 0:
        try:
            journal.cancel(1)
        except JournalError as error:
            journal.close()
            os._exit("was opened before a fork" not in str(error))
        os._exit(2)
    assert os.waitpid(child, 0)[1] == 0
    assert path.read_text() == THREE
    with pytest.raises(JournalError, match="held by another writer"):
        Journal.open(path)
    journal.cancel(2)
    assert Journal.read(path).events()[3] == Event(EventKind.CANCEL, order_id=2)


# When the disk does not obey.


class Failing(FileLayer):
    """Fails from when it is told to."""

    error = None
    room = 0

    def write(self, descriptor, data):
        if self.error == "write":
            if self.room:
                written = super().write(descriptor, data[: self.room])
                self.room = 0
                return written
            raise OSError(28, "No space left on device")
        return super().write(descriptor, data)

    def fsync(self, descriptor):
        if self.error == "fsync":
            raise OSError(5, "Input/output error")
        super().fsync(descriptor)


@pytest.mark.parametrize(
    ("error", "says"),
    [("write", "No space left on device"), ("fsync", "Input/output error")],
)
@pytest.mark.parametrize("room", [0, 20])
def test_what_cannot_be_written_is_not_run_and_nothing_is_taken_after_it(
    path, new_exchange, error, says, room
):
    files = Failing()
    with Journal.open(path, files=files, engine=new_exchange) as journal:
        three_requests(journal)
        before = journal.exchange.state_hash()
        files.error, files.room = error, room
        with pytest.raises(JournalError, match=f"could not write: .*{says}; it takes no more"):
            journal.submit_limit("buy", 1, 1)
        assert journal.exchange.state_hash() == before
        files.error = None
        for use in (lambda: journal.cancel(1), journal.sync, journal.snapshot):
            with pytest.raises(JournalError, match=f"could not write: .*{says}; it takes no more"):
                use()
    problems = room and error == "write"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore" if problems else "error", JournalWarning)
        again = Journal.open(path, engine=new_exchange)
    with again:
        # Written and not synced, it may be there: nobody was told that it was, or that it was not.
        assert again.sequence == (4 if error == "fsync" else 3)
        assert again.exchange.get_order(1).status == "cancelled"


def test_a_failed_snapshot_leaves_a_journal_that_goes_on(path):
    files = Failing()
    with Journal.open(path, files=files) as journal:
        three_requests(journal)
        files.error = "write"
        with pytest.raises(OSError, match="No space left"):
            journal.snapshot()
        files.error = None
        journal.cancel(1)
        assert journal.sequence == 4
    assert list(path.parent.glob("*.snapshot")) == []
    assert list(path.parent.glob(".nanobook*")) == []


def test_closing_says_when_what_was_not_synced_may_be_lost(path):
    files = Failing()
    journal = Journal.open(path, files=files, fsync="off")
    journal.cancel(1)
    files.error = "fsync"
    with pytest.raises(JournalError, match="Input/output error"):
        journal.close()
    journal.close()
    with Journal.open(path) as again:  # nobody holds it any more
        assert again.sequence == 1


def test_an_interrupted_request_leaves_a_journal_to_be_opened_anew(path, new_exchange):
    class Interrupting(FileLayer):
        now = False

        def fsync(self, descriptor):
            super().fsync(descriptor)
            if self.now:
                raise KeyboardInterrupt

    files = Interrupting()
    with Journal.open(path, files=files, engine=new_exchange) as journal:
        three_requests(journal)
        files.now = True
        with pytest.raises(KeyboardInterrupt):
            journal.cancel(2)
        files.now = False
        with pytest.raises(JournalError, match="a request was interrupted; it takes no more"):
            journal.cancel(2)
    with Journal.open(path, engine=new_exchange) as journal:
        assert journal.sequence == 4


def test_a_closed_journal_takes_nothing_but_its_exchange_still_answers(path):
    journal = Journal.open(path)
    three_requests(journal)
    journal.close()
    journal.close()
    for use in (lambda: journal.cancel(1), journal.sync, journal.snapshot):
        with pytest.raises(JournalError, match="is closed"):
            use()
    assert journal.exchange.get_order(1).filled_quantity == 30
    assert repr(journal) == f"Journal({str(path)!r}, records=3)"


def test_a_folder_that_is_missing_is_an_error_of_the_operating_system(tmp_path):
    with pytest.raises(FileNotFoundError):
        Journal.open(tmp_path / "missing" / "orders.journal")
    with pytest.raises(FileNotFoundError):
        Journal.read(tmp_path / "orders.journal")
    with pytest.raises(IsADirectoryError):
        Journal.open(tmp_path)


def test_the_documentation_shows_what_happens(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    page = Path(__file__).parents[3] / "docs" / "journal.md"
    with warnings.catch_warnings():  # the page sets a filter
        result = doctest.testfile(str(page), module_relative=False, optionflags=doctest.ELLIPSIS)
    assert result.attempted == 10
    assert result.failed == 0


# When it syncs.


@pytest.mark.parametrize(
    ("fsync", "error"),
    [
        ("sometimes", ValidationError),
        ("", ValidationError),
        (0, ValidationError),
        (0.5, ValidationError),
        (-1, ValidationError),
        (float("nan"), ValidationError),
        (float("inf"), ValidationError),
        (3_600_001, ValidationError),
        (True, TypeError),
        (None, TypeError),
        (b"off", TypeError),
    ],
)
def test_a_policy_that_does_not_exist_is_refused_before_anything_happens(path, fsync, error):
    with pytest.raises(error, match="fsync is"):
        Journal.open(path, fsync=fsync)
    assert list(path.parent.iterdir()) == []


def test_it_syncs_after_each_request_or_only_when_told(path):
    for fsync, after_requests, after_sync in (("always", 3, 3), ("off", 0, 1)):
        files = Counting()
        with Journal.open(path, fsync=fsync, files=files) as journal:
            files.fsyncs = 0
            three_requests(journal)
            assert files.fsyncs == after_requests
            journal.sync()
            journal.sync()
            assert files.fsyncs == after_sync
            journal.cancel(1)
        assert files.fsyncs == after_sync + 1  # closing syncs


def test_it_syncs_in_time_although_no_request_follows(path):
    files = Counting()
    with Journal.open(path, fsync=20, files=files) as journal:
        files.fsyncs = 0
        journal.cancel(1)
        end = time.monotonic() + 10
        while not files.fsyncs:
            assert time.monotonic() < end
            time.sleep(0.005)
        time.sleep(0.1)
        assert files.fsyncs == 1  # without anything new there is nothing to sync


def test_a_failure_between_requests_is_told_at_the_next_one(path):
    files = Failing()
    with Journal.open(path, fsync=5, files=files) as journal:
        three_requests(journal)
        files.error = "fsync"
        with suppress(JournalError):
            for before in range(journal.sequence, 1000):  # noqa: B007 - used below
                journal.cancel(1)
                time.sleep(0.005)
        with pytest.raises(JournalError, match="Input/output error; it takes no more"):
            journal.cancel(1)
        assert journal.sequence == before


if __name__ == "__main__":
    GOLDEN.unlink(missing_ok=True)
    with Journal.open(GOLDEN, stop_trigger="last", engine=Exchange) as golden:
        for each in islice(WRITER["requests"](1), 400):
            WRITER["make"](golden, each)
    GOLDEN.with_name(f"{GOLDEN.name}.lock").unlink()
