"""One rebalancer at a time, whatever becomes of it; and the kill switch."""

import os
import signal
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

import pytest
from tests.power_loss import Disk, NoSync, PowerLostError
from tests.rebalancer.audit_file import TickingClock

from nanobook_core.errors import NanobookError
from nanobook_core.lob.file_layer import FileLayer
from nanobook_rebalancer.errors import LockedError
from nanobook_rebalancer.kill_switch import KillSwitch
from nanobook_rebalancer.lock import RunLock

HOLDER = Path(__file__).with_name("lock_holder.py")


@pytest.fixture
def audit(tmp_path):
    return tmp_path / "audit.jsonl"


def locked(audit):
    return RunLock(audit, TickingClock())


class Holders:
    """Processes that try for one lock at the same moment."""

    def __init__(self, audit, number, *how):
        self.start, self.end = os.pipe(), os.pipe()
        self.processes = [
            subprocess.Popen(
                [
                    sys.executable,
                    str(HOLDER),
                    str(audit),
                    str(self.start[0]),
                    str(self.end[0]),
                    *how,
                ],
                pass_fds=(self.start[0], self.end[0]),
                stdout=subprocess.PIPE,
                text=True,
            )
            for _ in range(number)
        ]
        for process in self.processes:
            assert process.stdout.readline() == "ready\n"

    def go(self):
        os.close(self.start[1])

    def let_go(self):
        os.close(self.end[1])
        for process in self.processes:
            process.wait(30)
            process.stdout.close()
        os.close(self.start[0])
        os.close(self.end[0])


@contextmanager
def holding(audit, *how):
    """One process that holds the lock, and what it has said."""
    holders = Holders(audit, 1, *how)
    holders.go()
    [process] = holders.processes
    said = process.stdout.readline()
    while "held" not in said:
        said += process.stdout.readline()
    try:
        yield process, said
    finally:
        holders.let_go()


def check_simultaneous_starts(audit, number):
    holders = Holders(audit, number)
    holders.go()
    said = {process.pid: process.stdout.readline() for process in holders.processes}
    [winner] = [pid for pid, text in said.items() if text == "held\n"]
    assert {text for pid, text in said.items() if pid != winner} <= {
        f"{locked_owner(winner, audit)}\n",
        "a process that has not said which\n",
    }
    holders.let_go()
    codes = sorted(process.returncode for process in holders.processes)
    assert codes == [0] + [6] * (number - 1)
    with locked(audit):
        pass


def locked_owner(pid, audit):
    text = audit.with_name("audit.jsonl.lock").read_text().strip()
    assert text.startswith(f"process {pid} on ")
    return text


def test_of_20_simultaneous_starts_exactly_one_runs(audit):
    check_simultaneous_starts(audit, 20)


@pytest.mark.slow
def test_of_200_simultaneous_starts_exactly_one_runs(audit):
    check_simultaneous_starts(audit, 200)


def test_the_second_one_is_told_who_is_first(audit):
    with locked(audit) as lock:
        text = lock.path.read_text()
        assert text.startswith(f"process {os.getpid()} on ")
        assert text.endswith(", since 2026-01-31T09:30:00+00:00\n")
        with pytest.raises(LockedError) as caught, locked(audit):
            pass
        assert caught.value.owner == text.strip()
        assert str(caught.value) == f"{lock.path} is held by {text.strip()}; wait for it, or end it"
        assert isinstance(caught.value, NanobookError)
        assert isinstance(caught.value, RuntimeError)
    with locked(audit):
        pass
    assert lock.path.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("text", [b"", b"\xff\xfe\n\x1b[31m", b"x" * 5000])
def test_an_owner_that_cannot_be_read_is_no_harm(audit, text):
    with locked(audit) as lock:
        lock.path.write_bytes(text)
        with pytest.raises(LockedError) as caught, locked(audit):
            pass
    assert caught.value.owner.isprintable()
    assert 0 < len(caught.value.owner) <= 1000


def test_an_error_inside_lets_go(audit):
    with pytest.raises(ZeroDivisionError), locked(audit):
        raise ZeroDivisionError
    with locked(audit):
        pass


def test_what_an_older_owner_left_does_not_matter(audit):
    audit.with_name("audit.jsonl.lock").write_text("process 1 on elsewhere, since 1970\n" * 9)
    with locked(audit) as lock:
        assert lock.path.read_text().count("\n") == 1


def test_it_ends_with_a_process_that_is_killed(audit):
    with holding(audit) as (process, _):
        with pytest.raises(LockedError, match=f"process {process.pid} on"), locked(audit):
            pass
        process.kill()
        process.wait(30)
        with locked(audit):
            pass


def test_a_process_that_is_stopped_still_has_it(audit):
    with holding(audit) as (process, _):
        os.kill(process.pid, signal.SIGSTOP)
        try:
            with pytest.raises(LockedError), locked(audit):
                pass
        finally:
            os.kill(process.pid, signal.SIGCONT)


def test_a_child_that_outlives_its_process_does_not_have_it(audit):
    with holding(audit, "fork") as (process, said):
        child = int(said.split("child ")[1].split("\n")[0]) if "child" in said else None
        child = child or int(process.stdout.readline().split()[1])
        process.kill()
        process.wait(30)
        os.kill(child, 0)  # is still there
        with locked(audit):
            pass


def test_a_child_lets_its_parent_keep_it(audit):
    with locked(audit):
        if (child := os.fork()) == 0:
            os._exit(0)
        os.waitpid(child, 0)
        with pytest.raises(LockedError), locked(audit):
            pass


def test_directories_are_made_for_the_owner_alone(tmp_path):
    with locked(tmp_path / "logs" / "audit.jsonl") as lock:
        assert lock.path.parent.stat().st_mode & 0o777 == 0o700


def test_a_symbolic_link_is_refused(audit, tmp_path):
    victim = tmp_path / "victim"
    victim.write_text("precious")
    audit.with_name("audit.jsonl.lock").symlink_to(victim)
    audit.with_name("audit.jsonl.kill").symlink_to(victim)
    with pytest.raises(OSError, match="a symbolic link"), locked(audit):
        pass
    with pytest.raises(OSError, match="a symbolic link"):
        KillSwitch(audit).set("x")
    assert victim.read_text() == "precious"


# The kill switch.


def test_it_is_set_until_it_is_cleared(audit):
    switch = KillSwitch(audit)
    assert switch.reason() == ""
    switch.clear()
    switch.set("a fat finger")
    assert KillSwitch(audit).reason() == "a fat finger"
    assert audit.with_name("audit.jsonl.kill").read_bytes() == b"a fat finger\n"
    assert audit.with_name("audit.jsonl.kill").stat().st_mode & 0o777 == 0o600
    switch.set("again")
    assert switch.reason() == "again"
    switch.clear()
    assert KillSwitch(audit).reason() == ""


@pytest.mark.parametrize(
    ("reason", "read"),
    [
        ("", "no reason was given"),
        (" \n\t", "no reason was given"),
        ("two\nlines\x1b[31m", "two lines [31m"),
        ("ü" * 900, "ü" * 500),
        ("half \ud800", "half"),
    ],
)
def test_any_reason_stops(audit, reason, read):
    KillSwitch(audit).set(reason)
    assert KillSwitch(audit).reason() == read


def make_empty(path):
    path.touch()


def make_binary(path):
    path.write_bytes(b"\xff\x00")


def make_directory(path):
    path.mkdir()


def make_pipe(path):
    os.mkfifo(path)


def make_link_to_nowhere(path):
    path.symlink_to("nowhere")


def make_link_to_itself(path):
    path.symlink_to(path)


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (make_empty, "no reason was given"),
        (make_binary, "\N{REPLACEMENT CHARACTER}"),
        (make_directory, "the kill switch cannot be read: "),
        (make_pipe, "the kill switch cannot be read: "),
        (make_link_to_nowhere, "the kill switch cannot be read: "),
        (make_link_to_itself, "the kill switch cannot be read: "),
    ],
)
def test_whatever_is_there_stops(audit, make, reason):
    make(audit.with_name("audit.jsonl.kill"))
    assert KillSwitch(audit).reason().startswith(reason)


def test_a_file_that_may_not_be_read_stops(audit):
    class Denied(FileLayer):
        def open(self, path, flags):
            raise PermissionError(13, "Permission denied", str(path))

    KillSwitch(audit).set("x")
    assert (
        KillSwitch(audit, Denied())
        .reason()
        .endswith(f"Permission denied: '{audit.with_name('audit.jsonl.kill')}'")
    )


def test_a_folder_that_is_a_file_stops(audit):
    audit.write_text("x")
    assert "Not a directory" in KillSwitch(audit / "audit.jsonl").reason()


def test_it_is_set_on_a_full_disk(audit):
    class Full(NoSync):
        def write(self, descriptor, data):
            raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space left"):
        KillSwitch(audit, Full()).set("x")
    assert KillSwitch(audit).reason() == "no reason was given"


@pytest.mark.parametrize("cached_names", [False, True])
@pytest.mark.parametrize("cached_bytes", [0, 0.5, 1])
def test_after_a_loss_of_power_it_is_set_once_that_was_said(tmp_path, cached_names, cached_bytes):
    for steps in range(20):
        folder = tmp_path / str(steps)
        folder.mkdir()
        disk = Disk(folder, steps)
        is_set = is_clear = False
        try:
            switch = KillSwitch(folder / "audit.jsonl", disk)
            switch.set("a reason")
            is_set = True
            switch.clear()
            is_clear = True
        except PowerLostError:
            pass
        disk.remains(tmp_path / "after", cached_names=cached_names, cached_bytes=cached_bytes)
        reason = KillSwitch(tmp_path / "after" / "audit.jsonl").reason()
        if is_clear:
            assert reason == ""
            break
        if is_set and not (disk.left == 0 and cached_names):  # else it may be clear already
            assert reason == "a reason"
    assert steps > 3
