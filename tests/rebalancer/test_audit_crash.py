"""What a crash leaves of an audit log: every byte of its end, a lost disk cache, and real kills."""

import os
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from tests.power_loss import (
    REMAINS,
    Disk,
    NoSync,
    PowerLostError,
    WithoutFsync,
    WithoutFsyncOfTheDirectory,
)
from tests.rebalancer.audit_file import opened, put

from nanobook_rebalancer.audit import verify_audit
from nanobook_rebalancer.errors import AuditError, AuditWriteError

WRITER = Path(__file__).with_name("audit_writer.py")

# Every byte of the end.


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """The bytes of an audit log of seven records, the last of which are those around an order."""
    path = tmp_path_factory.mktemp("whole") / "audit.jsonl"
    with opened(path, files=NoSync()) as log:
        log.append("w1", "run_started", {"account": "***567"})
        log.append("w1", "positions_fetched", {"positions": []})
        log.append("w1", "diff_computed", {"plan": {"legs": [{"number": 1, "symbol": "A*J"}]}})
        log.append("w1", "risk_check", {"passed": True})
        log.append("w1", "order_intent", {"leg": 1, "symbol": "A*J", "shares": "10"})
        log.append("w1", "order_submitted", {"leg": 1, "order_id": "7", "text": 'é"\\'})
        log.append("w1", "order_filled", {"leg": 1, "shares": "10", "price": "9.99"})
    return path.read_bytes()


def starts_of(content):
    return [0] + [at + 1 for at, byte in enumerate(content) if byte == ord("\n")]


def test_cut_at_any_byte_it_is_the_records_that_were_whole(whole, tmp_path):
    path, aside = tmp_path / "audit.jsonl", tmp_path / "audit.jsonl.torn"
    ends = starts_of(whole)[1:]
    for size in range(len(whole)):
        put(path, whole[:size])
        aside.unlink(missing_ok=True)
        # A record that lacks its line end only is whole.
        expected = sum(end - 1 <= size for end in ends)
        torn = b"" if size in (0, ends[expected - 1] - 1) else whole[([0, *ends])[expected] : size]
        verdict = verify_audit(path)
        assert (verdict.records, verdict.torn) == (expected, torn != b"")
        with opened(path, files=NoSync()) as log:
            assert len(log.records) == expected
            assert (log.torn or b"") == torn
            log.append("w2", "recovered", {})
        assert (aside.read_bytes() if torn else b"\n") == torn + b"\n"
        assert verify_audit(path).records == expected + 1


def test_any_bit_of_the_last_three_records_that_is_flipped_is_found_with_its_place(whole, tmp_path):
    path = tmp_path / "audit.jsonl"
    starts = starts_of(whole)
    for at in range(starts[-4], len(whole)):
        line = sum(start <= at for start in starts)
        for bit in range(8):
            flipped = bytearray(whole)
            flipped[at] ^= 1 << bit
            put(path, flipped)
            with pytest.raises(AuditError) as caught:
                opened(path, files=NoSync())
            assert (caught.value.line, caught.value.offset) == (line, starts[line - 1])
            assert path.read_bytes() == flipped
    assert [each.name for each in tmp_path.iterdir()] == ["audit.jsonl"]


def test_any_byte_that_is_replaced_or_gone_or_added_is_found_with_its_place(whole, tmp_path):
    path = tmp_path / "audit.jsonl"
    starts = starts_of(whole)
    for at, byte in enumerate(whole):
        line = sum(start <= at for start in starts)
        changed = [whole[:at] + bytes([new]) + whole[at + 1 :] for new in {0, 10, 32} - {byte}]
        changed.append(whole[:at] + b" " + whole[at:])
        if at < len(whole) - 1:  # the last line end may be gone
            changed.append(whole[:at] + whole[at + 1 :])
        for content in changed:
            put(path, content)
            with pytest.raises(AuditError) as caught:
                verify_audit(path)
            assert (caught.value.line, caught.value.offset) == (line, starts[line - 1])


# A disk that loses what was not synced.


def data_of(number):
    return {"number": number, "text": "x" * 40 * number}


class Acknowledged:
    """What the log has said to be on disk."""

    def __init__(self):
        self.records = 0
        self.aside = b""

    def open(self, path, files):
        log = opened(path, files=files)
        self.records = len(log.records)  # what was found is there, whoever wrote it
        self.aside += b"" if log.torn is None else log.torn + b"\n"
        return log

    def append(self, log, times=1):
        for _ in range(times):
            log.append("w1", "order_intent", data_of(len(log.records) + 1))
            self.records += 1


def work(path, files, acknowledged):
    """Use an audit log in every way, and note what it has said to be there."""
    with acknowledged.open(path, files) as log:
        acknowledged.append(log, 3)
        log.write_anchor()
        acknowledged.append(log, 2)
    for torn in (b"", b'{"data":{', b'{"data":{"number":'):
        with path.open("ab") as file:
            file.write(torn)
        with acknowledged.open(path, files) as log:
            acknowledged.append(log, 2)
            log.write_anchor()
    for cut in (0, 1):  # a process that was killed before its record was synced, or had a line end
        whole = path.read_bytes()
        with opened(path, files=NoSync()) as log:
            log.append("w1", "order_intent", data_of(len(log.records) + 1))
        more = path.read_bytes()[len(whole) :]
        os.truncate(path, len(whole) + len(more) - cut)
        with acknowledged.open(path, files) as log:
            acknowledged.append(log)


def losses(disk, tmp_path):
    """What was wrong after power was lost before each step in turn; and the number of steps."""
    wrong, steps = [], 0
    while True:
        folder = tmp_path / f"disk-{steps}"
        folder.mkdir()
        files = disk(folder, steps)
        acknowledged = Acknowledged()
        with suppress(PowerLostError):
            work(folder / "audit.jsonl", files, acknowledged)
        for remains in REMAINS:
            files.remains(tmp_path / "after", **remains)
            wrong += after(tmp_path / "after" / "audit.jsonl", acknowledged, steps)
        if not files.is_off:
            return wrong, steps
        steps += 1


def after(path, acknowledged, steps):
    aside = path.with_name("audit.jsonl.torn")
    found = aside.read_bytes() if aside.exists() else b""
    if not found.startswith(acknowledged.aside):
        return [f"step {steps}: of {acknowledged.aside} {found} are there"]
    try:
        with opened(path, files=NoSync()) as log:
            records = [record.data for record in log.records]
            assert records == [data_of(number) for number in range(1, len(records) + 1)]
            if len(records) < acknowledged.records:
                return [f"step {steps}: {len(records)} of {acknowledged.records} are there"]
            return []
    except AuditError as error:
        return [f"step {steps}: {error}"]


def test_a_loss_of_power_at_any_step_loses_nothing_that_was_acknowledged(tmp_path):
    wrong, steps = losses(Disk, tmp_path)
    assert wrong == []
    assert steps > 50


@pytest.mark.parametrize("disk", [WithoutFsync, WithoutFsyncOfTheDirectory])
def test_without_a_sync_the_same_test_finds_what_is_lost(disk, tmp_path):
    wrong, _ = losses(disk, tmp_path)
    assert any("are there" in each for each in wrong)


def test_directories_that_it_makes_survive_a_loss_of_power(tmp_path):
    synced = []

    class Noting(NoSync):
        def fsync_directory(self, directory):
            synced.append(directory)

    opened(tmp_path / "a" / "b" / "audit.jsonl", files=Noting()).close()
    assert synced == [tmp_path, tmp_path / "a", tmp_path / "a" / "b"]


# Any order of appending, crashing, tearing, damaging.


class CrashError(BaseException):
    """The process is gone."""


class Crashing(NoSync):
    """Dies or fails after a share of the bytes, once it is told to."""

    def __init__(self):
        self.error = None
        self.share = 0.0
        self.written = self.missing = 0

    def write(self, descriptor, data):
        if self.error is None:
            return super().write(descriptor, data)
        self.written = super().write(descriptor, data[: int(self.share * len(data))])
        self.missing = len(data) - self.written
        error, self.error = self.error, None
        raise error


class AuditMachine(RuleBasedStateMachine):
    """The model is the list of what is there: what was acknowledged, or was whole at a crash."""

    def __init__(self):
        super().__init__()
        self.folder = TemporaryDirectory()
        self.path = Path(self.folder.name) / "audit.jsonl"
        self.files = Crashing()
        self.log = opened(self.path, files=self.files)
        self.model = []
        self.anchored = 0

    def reopen(self, *, torn):
        self.log.close()
        self.log = opened(self.path, files=self.files)
        assert (self.log.torn is not None) == torn

    @rule(data=st.dictionaries(st.text(max_size=5), st.text(max_size=20), max_size=3))
    def append(self, data):
        self.log.append("w1", "order_filled", {"data": data})
        self.model.append(self.log.records[-1].data)

    @rule()
    def open_anew(self):
        self.reopen(torn=False)

    @rule()
    def anchor(self):
        self.log.write_anchor()
        self.anchored = len(self.model)

    @rule(share=st.floats(0, 1), error=st.sampled_from([CrashError(), OSError(28, "disk full")]))
    def crash_amid_an_append(self, share, error):
        self.files.share, self.files.error = share, error
        with pytest.raises((CrashError, AuditWriteError)):
            self.log.append("w1", "order_filled", {"lost": 1})
        with pytest.raises(AuditWriteError):
            self.log.append("w1", "order_filled", {})
        is_whole = self.files.missing <= 1  # but for the line end
        self.reopen(torn=self.files.written > 0 and not is_whole)
        if is_whole:
            self.model.append({"lost": 1})

    @precondition(lambda self: self.model)
    @rule(where=st.floats(0, 1, exclude_max=True), bit=st.integers(0, 7))
    def damage(self, where, bit):
        content = self.path.read_bytes()
        at = int(where * len(content))
        flipped = bytearray(content)
        flipped[at] ^= 1 << bit
        self.path.write_bytes(flipped)
        self.log.close()
        with pytest.raises(AuditError) as caught:
            opened(self.path)
        assert caught.value.line == content.count(b"\n", 0, at) + 1
        assert self.path.read_bytes() == flipped
        self.path.write_bytes(content)
        self.reopen(torn=False)

    @precondition(lambda self: self.anchored)
    @rule(where=st.floats(0, 1, exclude_max=True))
    def shorten(self, where):
        content = self.path.read_bytes()
        kept = int(where * self.anchored)
        self.path.write_bytes(b"".join(content.splitlines(keepends=True)[:kept]))
        self.log.close()
        for read in (opened, verify_audit):
            with pytest.raises(AuditError, match="what was written is gone"):
                read(self.path)
        self.path.write_bytes(content)
        self.reopen(torn=False)

    @invariant()
    def nothing_is_lost(self):
        assert [record.data for record in self.log.records] == self.model
        verdict = verify_audit(self.path)
        assert (verdict.records, verdict.torn) == (len(self.model), False)
        assert verdict.anchored == self.anchored

    def teardown(self):
        self.log.close()
        self.folder.cleanup()


AuditMachine.TestCase.settings = settings(max_examples=30, stateful_step_count=15)
TestAuditMachine = AuditMachine.TestCase


# Real kills.


def check_kills(path, runs):
    """Kill writers of one log one after the other; how many records there are in the end."""
    random = Random(runs)  # noqa: S311 - no secrets
    known = 0
    for _ in range(runs):
        writer = subprocess.Popen([sys.executable, str(WRITER), str(path)], stdout=subprocess.PIPE)
        for _ in range(random.randint(1, 20)):
            known = int(writer.stdout.readline())
        os.kill(writer.pid, signal.SIGKILL)
        rest = writer.communicate()[0].split(b"\n")
        known = int(rest[-2]) if rest[1:] else known  # what it had said before it died
        with opened(path) as log:
            numbers = [record.data["number"] for record in log.records]
        assert numbers == list(range(1, len(numbers) + 1))
        assert len(numbers) in (known, known + 1)
        known = len(numbers)
    return known


def test_a_killed_writer_loses_nothing_that_it_acknowledged(tmp_path):
    assert check_kills(tmp_path / "audit.jsonl", runs=5) > 5


@pytest.mark.slow
def test_100_killed_writers_lose_nothing_that_they_acknowledged(tmp_path):
    assert check_kills(tmp_path / "audit.jsonl", runs=100) > 200
