"""What a crash leaves of a journal: every byte of its end, a lost disk cache, and real kills.

The states with which recovered ones are compared come from the requests alone, without a journal.
"""

import os
import runpy
import signal
import subprocess
import sys
import time
import warnings
from contextlib import suppress
from itertools import islice
from pathlib import Path
from random import Random

import pytest
from tests.power_loss import (
    REMAINS,
    Disk,
    NoSync,
    PowerLostError,
    WithoutFsync,
    WithoutFsyncOfTheDirectory,
)

from nanobook_core.errors import JournalError, JournalWarning
from nanobook_core.lob import Exchange, event_file, snapshot
from nanobook_core.lob.batch import from_events
from nanobook_core.lob.journal import Journal
from nanobook_core.lob.recovery import recover
from nanobook_core.lob.snapshot import Snapshot

SCRIPT = Path(__file__).with_name("journal_writer.py")
WRITER = runpy.run_path(str(SCRIPT))


def opened(path, files=None, fsync="always"):
    """Open a journal that may have to be mended."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", JournalWarning)
        return Journal.open(path, engine=Exchange, files=files or NoSync(), fsync=fsync)


def put(path, content):
    """Make a file anew: a file system that is careful would sync one that is truncated."""
    path.unlink(missing_ok=True)
    path.write_bytes(content)


# Every byte of the end.


SEED, LENGTH = 23, 7
STATES = WRITER["states"](SEED, LENGTH + 1)


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """The bytes of a journal of seven requests."""
    path = tmp_path_factory.mktemp("whole") / "orders.journal"
    with opened(path) as journal:
        for request in islice(WRITER["requests"](SEED), LENGTH):
            WRITER["make"](journal, request)
    return path.read_bytes()


def test_cut_at_any_byte_it_is_the_prefix_that_was_whole_or_refused(whole, tmp_path):
    path = tmp_path / "orders.journal"
    ends = [at + 1 for at, byte in enumerate(whole) if byte == ord("\n")]
    for size in range(len(whole)):
        put(path, whole[:size])
        if size < ends[0] - 1:  # not even the header
            with pytest.raises(JournalError, match="line 1 at byte 0"):
                opened(path)
            assert path.read_bytes() == whole[:size]
            continue
        with opened(path) as journal:
            # A record that lacks its line end only is whole.
            expected = sum(end - 1 <= size for end in ends) - 1
            assert journal.sequence == expected
            assert journal.exchange.state_hash() == STATES[expected]
            is_clean = size in ends
            assert len(journal.problems) == (0 if is_clean else 1)
            for request in islice(WRITER["requests"](SEED), expected, expected + 1):
                WRITER["make"](journal, request)
            assert journal.exchange.state_hash() == STATES[expected + 1]
        with opened(path) as journal:
            assert journal.problems == ()
            assert journal.exchange.state_hash() == STATES[expected + 1]


def test_any_bit_of_the_last_three_records_that_is_flipped_is_found_with_its_position(
    whole, tmp_path
):
    path = tmp_path / "orders.journal"
    starts = [0] + [at + 1 for at, byte in enumerate(whole) if byte == ord("\n")]
    for at in range(starts[-4], len(whole)):
        line = sum(start <= at for start in starts)
        for bit in range(8):
            flipped = bytearray(whole)
            flipped[at] ^= 1 << bit
            put(path, flipped)
            with pytest.raises(JournalError, match=f"line {line} at byte {starts[line - 1]}: "):
                opened(path)
            assert path.read_bytes() == flipped


def test_any_byte_that_is_replaced_is_found_with_its_position(whole, tmp_path):
    path = tmp_path / "orders.journal"
    starts = [0] + [at + 1 for at, byte in enumerate(whole) if byte == ord("\n")]
    for at, byte in enumerate(whole):
        line = sum(start <= at for start in starts)
        for other in {0, ord("\n"), byte ^ 0x20} - {byte}:
            put(path, whole[:at] + bytes([other]) + whole[at + 1 :])
            with pytest.raises(JournalError, match=f"line {line} at byte {starts[line - 1]}: "):
                Journal.read(path, engine=Exchange)


# A disk that loses what was not synced.


POWER_SEED = 31
POWER_STATES = WRITER["states"](POWER_SEED, 40)


def work(path, files, acknowledged):
    """Use a journal in every way, and note what it has said to be there."""
    requests = WRITER["requests"](POWER_SEED)

    def run(journal, number):
        for request in islice(requests, number):
            WRITER["make"](journal, request)
            acknowledged.append(journal.sequence)

    with Journal.open(path, engine=Exchange, files=files) as journal:
        run(journal, 3)
        journal.snapshot()
        run(journal, 2)
        journal.apply(from_events(islice(requests, 5)))
        acknowledged.append(journal.sequence)
        journal.snapshot()
        run(journal, 1)
        journal.snapshot()
    for torn in (b"", b"0123 [15"):
        journal = opened(path, files, fsync="off")
        for request in islice(requests, 2):
            WRITER["make"](journal, request)
        killed(journal)
        with path.open("ab") as file:
            file.write(torn)
        with opened(path, files) as journal:
            acknowledged.append(journal.sequence)  # what was found is there, whoever wrote it
            run(journal, 1)
    with Journal.open(path, engine=Exchange, files=files, fsync="off") as journal:
        for request in islice(requests, 3):
            WRITER["make"](journal, request)
        journal.sync()
        acknowledged.append(journal.sequence)
        for request in islice(requests, 3):
            WRITER["make"](journal, request)
        journal.snapshot()
        acknowledged.append(journal.sequence)
        for request in islice(requests, 3):
            WRITER["make"](journal, request)
    acknowledged.append(journal.sequence)


def killed(journal):
    """Leave everything as the end of its process does."""
    os.close(journal._file._descriptor)
    os.close(journal._held)


def losses(disk, tmp_path):
    """What was wrong after power was lost before each step in turn; and the number of steps."""
    wrong, steps = [], 0
    while True:
        folder = tmp_path / f"disk-{steps}"
        folder.mkdir()
        files = disk(folder, steps)
        acknowledged = [0]
        with suppress(PowerLostError):
            work(folder / "orders.journal", files, acknowledged)
        for remains in REMAINS:
            wrong += after(files, tmp_path / "after", remains, acknowledged[-1], steps)
        if not files.is_off:
            return wrong, steps
        steps += 1


def after(files, folder, remains, acknowledged, steps):
    files.remains(folder, **remains)
    try:
        with opened(folder / "orders.journal") as journal:
            if journal.sequence < acknowledged:
                return [f"step {steps}: {journal.sequence} of {acknowledged} are there"]
            assert journal.exchange.state_hash() == POWER_STATES[journal.sequence]
            return []
    except JournalError as error:
        return [f"step {steps}: {error}"]


def test_a_loss_of_power_at_any_step_loses_nothing_that_was_acknowledged(tmp_path):
    wrong, steps = losses(Disk, tmp_path)
    assert wrong == []
    assert steps > 50


@pytest.mark.parametrize("disk", [WithoutFsync, WithoutFsyncOfTheDirectory])
def test_without_a_sync_the_same_test_finds_what_is_lost(disk, tmp_path):
    wrong, _ = losses(disk, tmp_path)
    assert any("are there" in each for each in wrong)


def test_a_loss_of_power_while_saving_leaves_the_old_file_or_the_new(tmp_path):
    old, new = Exchange(), Exchange()
    for request in islice(WRITER["requests"](7), 3000):
        WRITER["make"](new, request)
    assert found_after_saving(Disk, old, new, tmp_path) == {old.state_hash(), new.state_hash()}
    with pytest.raises(JournalError):  # half of it
        found_after_saving(WithoutFsync, old, new, tmp_path)


def found_after_saving(disk, old, new, tmp_path):
    """The states that are there after power was lost before any step of saving anew."""
    found, steps = set(), 0
    while True:
        folder = tmp_path / f"{disk.__name__}-{steps}"
        folder.mkdir()
        path = folder / "orders.jsonl"
        files = disk(folder, 10**9)
        event_file.save(old, path, files=files)
        files.left = steps
        try:
            event_file.save(new, path, files=files)
        except PowerLostError:
            is_saved = False
        else:
            is_saved = True
        for remains in REMAINS:
            files.remains(tmp_path / "after", **remains)
            state = Exchange.load(tmp_path / "after" / "orders.jsonl").state_hash()
            assert not is_saved or state == new.state_hash()
            found.add(state)
        if is_saved:
            return found
        steps += 1


# Real kills.


class Writers:
    """The script, which forks a writer whenever it is told to."""

    def __enter__(self):
        self.script = subprocess.Popen(
            [sys.executable, str(SCRIPT)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        return self

    def __exit__(self, *_):
        self.script.communicate(timeout=30)

    def killed_after(self, seconds, path, seed):
        """What a writer has acknowledged until it was killed; 0 if nothing."""
        self.script.stdin.write(f"{path} {seed}\n")
        self.script.stdin.flush()
        acknowledged = 0
        for what, *number in map(str.split, iter(self.script.stdout.readline, "ended\n")):
            if what == "acknowledged":
                acknowledged = int(*number)
            else:
                time.sleep(seconds)
                os.kill(int(*number), signal.SIGKILL)
        return acknowledged


def check_kills(folder, runs):
    """Kill writers, several of the same journal one after the other; how much was acknowledged."""
    random = Random(runs)  # noqa: S311 - no secrets
    total, known = 0, 0
    with Writers() as writers:
        for run in range(runs):
            seed = run // 5
            if run % 5 == 0:
                known = 0
            path = folder / f"{seed}.journal"
            acknowledged = writers.killed_after(random.uniform(0, 0.12), path, seed)
            total += max(0, acknowledged - known)
            with opened(path) as journal:
                assert journal.sequence >= max(known, acknowledged)
                known = journal.sequence
                assert journal.exchange.state_hash() == WRITER["states"](seed, known)[-1]
            assert Journal.read(path, engine=Exchange).state_hash() == journal.exchange.state_hash()
    return total


def test_a_killed_writer_loses_nothing_that_it_acknowledged(tmp_path):
    assert check_kills(tmp_path, runs=10) > 5


@pytest.mark.slow
def test_200_killed_writers_lose_nothing_that_they_acknowledged(tmp_path):
    assert check_kills(tmp_path, runs=200) > 100


# Snapshots at any point.


def check_snapshots(path, length, cuts):
    """Open a journal from a snapshot at each of so many records; the state is always the same."""
    requests, states = WRITER["requests"](17), WRITER["states"](17, length)
    taken = []
    with opened(path) as journal:
        for request in islice(requests, length):
            WRITER["make"](journal, request)
            exchange = journal.exchange
            taken.append(
                Snapshot(
                    journal.sequence, journal._checksum, exchange.state(), exchange.state_hash()
                )
            )
    random = Random(cuts)  # noqa: S311 - no secrets
    for cut in random.sample(taken, cuts):
        written = snapshot.write(NoSync(), path, cut)
        found = recover(path, Exchange, use_snapshots=True)
        written.unlink()
        assert found.problems == ()
        assert found.exchange.state_hash() == states[-1]
        for request in islice(WRITER["requests"](cut.sequence), 5):
            WRITER["make"](found.exchange, request)
    assert recover(path, Exchange, use_snapshots=False).exchange.state_hash() == states[-1]


def test_from_a_snapshot_at_any_record_it_is_the_state_of_the_whole(tmp_path):
    check_snapshots(tmp_path / "orders.journal", length=150, cuts=25)


@pytest.mark.slow
def test_from_snapshots_at_1000_records_it_is_the_state_of_the_whole(tmp_path):
    check_snapshots(tmp_path / "orders.journal", length=1200, cuts=1000)
