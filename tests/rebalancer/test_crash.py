"""A process that dies, and what a loss of power leaves of its files."""

import os
from random import Random

import pytest
from tests.rebalancer.crash import (
    CRASH_POINTS,
    Crash,
    CrashPoint,
    Disk,
    RunClock,
    RunFiles,
    Tape,
)
from tests.rebalancer.virtual_clock import VirtualClock

APPEND = os.O_WRONLY | os.O_CREAT | os.O_APPEND
RECORD = b'{"event":"order_intent"}\n'


class Luck(Random):
    """What becomes of bytes that were not synced: a share that is given."""

    def __init__(self, share):
        super().__init__(0)
        self.share = share

    def choice(self, _):
        return self.share


def test_there_are_26_points_of_which_five_are_half_written_lines():
    assert len({point.name for point in CRASH_POINTS}) == 26
    assert sum(point.torn for point in CRASH_POINTS) == 5


def test_a_process_dies_after_its_step_and_does_nothing_more():
    clock = VirtualClock()
    tape = Tape(dies_after=1)
    tape.step("first")
    with pytest.raises(Crash):
        tape.step("second")
    with pytest.raises(Crash):
        tape.step("third")
    with pytest.raises(Crash):
        RunClock(clock, tape).sleep(1)
    assert tape.steps == ["first", "second"]
    assert clock.elapsed == 0


def test_points_are_places_on_a_recorded_tape():
    steps = ["lock", "connect:", "ack:a", "ack:b", "positions:", "ack:c", "positions:"]
    ack = CrashPoint(name="ack", label="ack:", per_order=True)
    assert [ack.place(steps, which) for which in ("first", "middle", "last")] == [2, 3, 5]
    assert CrashPoint(name="x", label="connect", before=True).place(steps, "first") == 0
    assert CrashPoint(name="x", label="positions", latest=True).place(steps, "first") == 6
    assert CrashPoint(name="x", label="cancel").place(steps, "first") is None


@pytest.fixture
def path(tmp_path):
    """A file with ten bytes of which six are synced, its name too."""
    return tmp_path / "audit.jsonl"


def written(path, dies_after=None, torn=None, fail=lambda _what, _event: None):
    disk = Disk()
    files = RunFiles(disk, Tape(dies_after=dies_after, torn=torn), fail)
    descriptor = files.open(path, APPEND)
    files.fsync_directory(path.parent)
    files.write(descriptor, b"synced")
    files.fsync(descriptor)
    return disk, files, descriptor


@pytest.mark.parametrize(
    ("share", "left"), [(0.0, b"synced"), (0.5, b"syncedmo"), (1.0, b"syncedmore")]
)
def test_of_what_was_not_synced_any_part_survives(path, share, left):
    disk, files, descriptor = written(path)
    files.write(descriptor, b"more")
    files.end()
    disk.lose_power(Luck(share), path.parent)
    assert path.read_bytes() == left


@pytest.mark.parametrize(("share", "names"), [(0.0, []), (1.0, ["audit.jsonl"])])
def test_a_name_whose_directory_was_not_synced_may_be_gone(path, share, names):
    disk = Disk()
    files = RunFiles(disk, Tape())
    descriptor = files.open(path, APPEND)
    files.write(descriptor, b"synced")
    files.fsync(descriptor)
    files.end()
    disk.lose_power(Luck(share), path.parent)
    assert [each.name for each in path.parent.iterdir()] == names


@pytest.mark.parametrize(("share", "left"), [(0.0, b"synced"), (1.0, b"sy")])
def test_a_cut_that_was_not_synced_may_not_have_been_made(path, share, left):
    disk, files, descriptor = written(path)
    files.truncate(descriptor, 2)
    files.end()
    disk.lose_power(Luck(share), path.parent)
    assert path.read_bytes() == left


def test_the_last_write_of_a_process_may_be_torn(path):
    with pytest.raises(Crash):
        written(path, dies_after=2, torn=0.5)
    assert path.read_bytes() == b"syn"


def test_a_full_disk_takes_half_of_what_is_written(path):
    _, files, descriptor = written(path)
    files.fail = lambda _what, event: OSError(28, "full") if event == "order_intent" else None
    with pytest.raises(OSError, match="full"):
        files.write(descriptor, RECORD)
    assert path.read_bytes() == b"synced" + RECORD[: len(RECORD) // 2]
    assert files.tape.steps[-1] == "fsync:"


def test_records_are_told_apart_by_their_event(path):
    _, files, descriptor = written(path)
    files.write(descriptor, RECORD)
    files.fsync(descriptor)
    assert files.tape.steps[-2:] == ["write:order_intent", "fsync:order_intent"]
