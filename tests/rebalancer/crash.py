"""The death of a run: a tape of everything it does to the world, which ends at a chosen step.

Nothing in the run knows of it. Files, broker, clock and lock are what it was given, and each of
their effects is a step on the tape. A run without a crash is recorded first; a crash point is then
a place on that tape, and the same run again dies there.
"""

from __future__ import annotations

import os
import re
from contextlib import suppress
from pathlib import Path
from random import Random

from attrs import define, field, frozen
from tests.rebalancer.virtual_clock import VirtualClock

from nanobook_core.lob.file_layer import FileLayer

#: Number of the step to die after, for a process that dies before its first.
BEFORE = -1
EVENT = re.compile(rb'"event":"(\w+)"')


class Crash(BaseException):
    """The process is gone: nothing in it can answer that."""


@define
class Tape:
    """Steps of one process, and where it dies."""

    dies_after: int | None = None
    """Number of the step; None where it lives."""
    torn: float | None = None
    """Share of the bytes of that step, a write, that are still written."""
    steps: list[str] = field(factory=list)
    is_dead: bool = False

    def check(self) -> None:
        """Let nothing more happen after death, whatever the run's clean-up tries."""
        if self.is_dead or self.dies_after == BEFORE:
            raise Crash

    def step(self, label: str) -> None:
        """Note an effect that was made; the process may die of it."""
        self.check()
        self.steps.append(label)
        if len(self.steps) - 1 == self.dies_after:
            self.is_dead = True
            raise Crash(label)

    @property
    def is_last(self) -> bool:
        """Whether the next step is the one to die of."""
        return len(self.steps) == self.dies_after


@frozen
class RunClock:
    """A run's clock: the world's, until the run is dead."""

    clock: VirtualClock
    tape: Tape

    def now(self):
        return self.clock.now()

    def monotonic(self):
        return self.clock.monotonic()

    def sleep(self, seconds):
        self.tape.check()
        self.clock.sleep(seconds)


@define
class Disk:
    """What of a folder would survive a loss of power: bytes by a sync of the file, names of it."""

    synced: dict[int, int] = field(factory=dict)
    """Bytes of a file, by inode, that are safe."""
    cut: dict[int, bytes] = field(factory=dict)
    """What a cut, not synced yet, took away from the safe bytes."""
    new_names: set[Path] = field(factory=set)

    def lose_power(self, random: Random, folder: Path) -> None:
        """Let all, a part or nothing of what was not synced come to the disk."""
        share = random.choice([0.0, 0.0, random.random(), 1.0])
        for path in sorted(folder.iterdir()):
            inode, size = path.stat().st_ino, path.stat().st_size
            if path in self.new_names and share < 0.5:
                path.unlink()
                continue
            safe = self.synced.get(inode, 0)
            cut = self.cut.get(inode, b"")
            with path.open("r+b") as file:
                if cut and share < 0.5:
                    file.truncate(safe - len(cut))
                    file.seek(0, os.SEEK_END)
                    file.write(cut)
                elif size > safe:
                    file.truncate(safe + int((size - safe) * share))
        self.settle(folder)

    def settle(self, folder: Path) -> None:
        """Have everything that is there be safe."""
        self.new_names.clear()
        self.cut.clear()
        self.synced = {path.stat().st_ino: path.stat().st_size for path in folder.iterdir()}


class RunFiles(FileLayer):
    """A run's files: each change a step on its tape, and a disk that remembers what is safe.

    `fail` is asked before every write and sync of a record: an error that it returns is raised.
    """

    def __init__(self, disk, tape, fail=lambda _what, _event: None):
        self.disk, self.tape, self.fail = disk, tape, fail
        self.paths: dict[int, Path] = {}
        self.events: dict[int, str] = {}
        """Of the record last written to a file that is open."""

    def create_temporary(self, directory):
        self.tape.check()
        descriptor, path = super().create_temporary(directory)
        self.paths[descriptor] = path
        self.disk.new_names.add(path)
        self.tape.step("create")
        return descriptor, path

    def open(self, path, flags):
        self.tape.check()
        is_new = not path.exists()
        descriptor = super().open(path, flags)
        self.paths[descriptor] = path
        if is_new:
            self.disk.new_names.add(path)
        self.tape.step(f"open:{path.suffix}")
        return descriptor

    def write(self, descriptor, data):
        self.tape.check()
        found = EVENT.search(bytes(data))
        event = found[1].decode() if found else ""
        self.events[descriptor] = event
        error = self.fail("write", event)
        if error is not None:
            super().write(descriptor, data[: len(data) // 2])
            raise error
        if self.tape.is_last and self.tape.torn is not None:
            data = data[: int(len(data) * self.tape.torn)]
        written = super().write(descriptor, data)
        self.tape.step(f"write:{event}")
        return written

    def truncate(self, descriptor, size):
        self.tape.check()
        inode = os.fstat(descriptor).st_ino
        safe = self.disk.synced.get(inode, 0)
        if size < safe:
            self.disk.cut[inode] = self.paths[descriptor].read_bytes()[size:safe]
        super().truncate(descriptor, size)
        self.tape.step("truncate")

    def fsync(self, descriptor):
        self.tape.check()
        event = self.events.get(descriptor, "")
        error = self.fail("fsync", event)
        if error is not None:
            raise error
        state = os.fstat(descriptor)
        self.disk.synced[state.st_ino] = state.st_size
        self.disk.cut.pop(state.st_ino, None)
        self.tape.step(f"fsync:{event}")

    def fsync_directory(self, directory):
        self.tape.check()
        self.disk.new_names = {path for path in self.disk.new_names if path.parent != directory}
        self.tape.step("fsync_directory")

    def close(self, descriptor):
        # Also after death: the operating system does that.
        super().close(descriptor)
        self.paths.pop(descriptor, None)
        self.events.pop(descriptor, None)

    def replace(self, source, target):
        self.tape.check()
        super().replace(source, target)
        self.disk.new_names.discard(source)
        self.disk.new_names.add(target)
        self.tape.step(f"replace:{target.suffix}")

    def unlink(self, path):
        self.tape.check()
        super().unlink(path)
        self.tape.step(f"unlink:{path.suffix}")

    def end(self):
        """Close what the process had open, as its end does."""
        for descriptor in list(self.paths):
            with suppress(OSError):
                os.close(descriptor)
        self.paths.clear()


ORDERS = ("first", "middle", "last")


@frozen(kw_only=True)
class CrashPoint:
    """A step of a run after which it dies."""

    name: str
    label: str
    """Start of the label of its step."""
    per_order: bool = False
    """Whether there is one for each order, of which the first, middle or last is taken."""
    before: bool = False
    """Whether it is right before that step."""
    torn: bool = False
    """Whether only a part of the record is written."""
    latest: bool = False
    """Whether it is the last such step of the tape."""

    def place(self, steps: list[str], which: str) -> int | None:
        """Number of the step in a recorded run to die after; None where it never came there."""
        found = [number for number, label in enumerate(steps) if label.startswith(self.label)]
        if not found:
            return None
        if self.per_order:
            place = found[{"first": 0, "middle": len(found) // 2, "last": -1}[which]]
        else:
            place = found[-1 if self.latest else 0]
        return place - 1 if self.before else place


#: reliability 3.3: 21 steps, and five lines half written.
CRASH_POINTS = (
    CrashPoint(name="lock", label="open:.jsonl", before=True),
    CrashPoint(name="recover-read", label="connect", before=True),
    CrashPoint(name="account", label="account"),
    CrashPoint(name="positions", label="positions"),
    CrashPoint(name="quotes", label="quote:", per_order=True),
    CrashPoint(name="plan write", label="write:diff_computed"),
    CrashPoint(name="plan fsync", label="fsync:diff_computed"),
    CrashPoint(name="risk", label="fsync:risk_check"),
    CrashPoint(name="confirm", label="fsync:user_confirmed"),
    CrashPoint(name="intent write", label="write:order_intent", per_order=True),
    CrashPoint(name="intent fsync", label="fsync:order_intent", per_order=True),
    CrashPoint(name="send", label="send:", per_order=True),
    CrashPoint(name="ack receive", label="ack:", per_order=True),
    CrashPoint(name="ack write", label="write:order_submitted", per_order=True),
    CrashPoint(name="fill write", label="write:order_filled", per_order=True),
    CrashPoint(name="cancel intent", label="fsync:cancel_intent", per_order=True),
    CrashPoint(name="cancel send", label="cancel_send:", per_order=True),
    CrashPoint(name="cancel result", label="write:cancel_result", per_order=True),
    CrashPoint(name="settle", label="positions", before=True, latest=True),
    CrashPoint(name="final positions", label="positions", latest=True),
    CrashPoint(name="DONE write", label="write:run_completed", latest=True),
    CrashPoint(name="half a plan", label="write:diff_computed", torn=True),
    CrashPoint(name="half an intent", label="write:order_intent", per_order=True, torn=True),
    CrashPoint(name="half an ack", label="write:order_submitted", per_order=True, torn=True),
    CrashPoint(name="half a fill", label="write:order_filled", per_order=True, torn=True),
    CrashPoint(name="half a DONE", label="write:run_completed", torn=True, latest=True),
)
#: Those that only a run comes to that has to cancel.
CANCEL_POINTS = ("cancel intent", "cancel send", "cancel result")
