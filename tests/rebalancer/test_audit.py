"""The audit log: what is written, what is refused, and what a file may not be."""

import doctest
import json
import os
import re
import stat
import warnings
from decimal import Decimal
from enum import IntEnum, StrEnum
from hashlib import sha256
from math import nan
from pathlib import Path

import pytest
from tests.rebalancer.audit_file import TickingClock, joined, opened, put

from nanobook_core.contracts import Secret
from nanobook_core.errors import NanobookError, ValidationError
from nanobook_core.lob.file_layer import FileLayer
from nanobook_rebalancer.anchor import anchor_key
from nanobook_rebalancer.audit import AuditLog, AuditVerdict, verify_audit
from nanobook_rebalancer.chain import EVENTS
from nanobook_rebalancer.errors import AuditError, AuditWriteError, LockedError
from nanobook_rebalancer.lock import RunLock
from nanobook_rebalancer.redaction import Redactor

DATA = Path(__file__).parents[1] / "data" / "rebalancer"
ROWS = json.loads((DATA / "bad_audit.json").read_text(encoding="utf-8"))
PAGE = Path(__file__).parents[2] / "docs" / "audit.md"
GOLDEN = DATA / "audit_v1.jsonl"


@pytest.fixture
def path(tmp_path):
    return tmp_path / "audit.jsonl"


def files_of(folder):
    return {each.name: each.read_bytes() for each in folder.iterdir()}


# What is written.


def test_a_record_is_a_line_with_the_hash_of_the_line_before(path):
    with opened(path) as log:
        first = log.append("w1", "run_started", {"account": "U1", "live": False})
        second = log.append("w1", "order_intent", {"shares": "10", "leg": 1, "after": None})
    lines = path.read_bytes().splitlines(keepends=True)
    assert lines[0] == (
        b'{"data":{"account":"U1","live":false},"event":"run_started",'
        b'"hash":"2505e10aa45948ee2ef4c44c10a1b95be0118dca4fc20ec3a2859263a5238ca8",'
        b'"prev":"' + b"0" * 64 + b'","run":"w1","seq":1,"ts_mono":1000.001,'
        b'"ts_wall":"2026-01-31T09:30:00.002000Z","v":1}\n'
    )
    without_hash = lines[1].replace(b'"hash":"%s",' % second.hash.encode(), b"").strip()
    assert sha256(first.hash.encode() + without_hash).hexdigest() == second.hash
    assert (second.seq, second.prev, second.run, second.event) == (
        2,
        first.hash,
        "w1",
        "order_intent",
    )
    assert second.data == {"after": None, "leg": 1, "shares": "10"}
    assert len(lines) == 2


def test_what_was_appended_is_what_is_read(path):
    class Shade(StrEnum):
        RED = "red"

    class Level(IntEnum):
        HIGH = 3

    data = {
        "tuple": (1, (2, "x"), []),
        "names": {"b": None, "a": True},
        "enum": Shade.RED,
        "level": Level.HIGH,
        "letters": "é\u2028\x00\n\N{GRINNING FACE}",
    }
    with opened(path) as log:
        log.append("w1", "run_started", data)
        log.append("w2", "review", {})
        written = list(log.records)
    with opened(path) as log:
        assert log.records == written
        assert [record.data for record in log.records] == [record.data for record in written]
        assert log.torn is None
        assert log.append("w2", "halted", {"reason": "x"}).seq == 3
    assert written[0].data == {
        "tuple": [1, [2, "x"], []],
        "names": {"a": True, "b": None},
        "enum": "red",
        "level": 3,
        "letters": "é\u2028\x00\n\N{GRINNING FACE}",
    }
    assert type(written[0].data["enum"]) is str


def golden_records():
    """One record of each event, and data of each type."""
    for number, event in enumerate(sorted(EVENTS)):
        run = "2026-01-31T09:30:00+00:00" if number < 15 else "réb-2"
        yield run, event, {"number": number, "shares": "10.5", "list": [None, True, {"k": "ü"}]}


def test_the_file_of_version_1_is_read_for_ever(tmp_path):
    verdict = verify_audit(GOLDEN)
    assert verdict == AuditVerdict(
        21,
        "0c1b5fb2dc9eb02f076c3f83667420def55c95acce524c91beaa9b351f11a694",
        torn=False,
        anchored=0,
    )
    copy = tmp_path / "audit.jsonl"
    copy.write_bytes(GOLDEN.read_bytes())
    with opened(copy) as log:
        found = [(record.run, record.event, record.data) for record in log.records]
    assert found == list(golden_records())
    assert copy.read_bytes() == GOLDEN.read_bytes()


def test_the_same_is_written_today(path):
    with opened(path) as log:
        for run, event, data in golden_records():
            log.append(run, event, data)
    assert path.read_bytes() == GOLDEN.read_bytes()


def test_secrets_and_accounts_are_not_written(path):
    redactor = Redactor([Secret("canary-secret")], ["DU1234567"])
    with opened(path, redactor=redactor) as log:
        record = log.append(
            "DU1234567 key=1",
            "run_started",
            {"account": "DU1234567", "api_key": "whatever", "error": "sent canary-secret"},
        )
    assert record.data == {"account": "***567", "api_key": "***", "error": "sent ***"}
    assert record.run == "DU1234567 key=1"  # by it what was done is found again
    assert b"canary" not in path.read_bytes()
    assert path.read_bytes().count(b"DU1234567") == 1


# What is refused.


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ({"price": 1.5}, "data.price: dict, list, str, int, bool or None, and decimal strings"),
        ({"legs": [{"price": nan}]}, r"data.legs\[0\].price: .* got float"),
        ({"price": Decimal("1.5")}, "data.price: .* got Decimal"),
        ({"legs": {1, 2}}, "data.legs: .* got set"),
        ({"raw": b"x"}, "data.raw: .* got bytes"),
        ({"secret": Secret("x" * 9), "x": Secret("x" * 9)}, "data.x: .* got Secret"),
        ({1: "x"}, "data: keys are str, got int"),
        ({"a": {None: "x"}}, "data.a: keys are str, got NoneType"),
        ([], "data: a dict, got list"),
        (None, "data: a dict, got NoneType"),
    ],
)
def test_data_that_is_not_exact_json_is_refused(path, data, message):
    with opened(path) as log:
        with pytest.raises(TypeError, match=message):
            log.append("w1", "run_started", data)
        assert log.append("w1", "run_started", {}).seq == 1


def nested(depth):
    value = []
    for _ in range(depth):
        value = [value]
    return value


@pytest.mark.parametrize(
    ("event", "data", "message"),
    [
        ("order_teleported", {}, "event: one of cancel_intent, .* got 'order_teleported'"),
        ("", {}, "event: one of"),
        ("run_started", {"x": "7" * 1_048_576}, "a record of at most 1,048,576 bytes, got 1,048,"),
        ("run_started", {"x": 10**32}, "no record: record: data.x: a number of at most 32"),
        ("run_started", {"x": nested(62)}, "no record: record: line 1: nested deeper than 64"),
    ],
)
def test_a_record_that_could_not_be_read_is_not_written(path, event, data, message):
    with opened(path) as log:
        with pytest.raises(ValidationError, match=message):
            log.append("w1", event, data)
        assert log.append("w1", "run_started", {"x": nested(61)}).seq == 1
    assert verify_audit(path).records == 1


def test_a_run_with_a_secret_in_it_is_refused(path):
    with opened(path, redactor=Redactor(["canary-secret"])) as log:
        for run in ("canary-secret", "1/canary-secret", "half \ud800"):
            with pytest.raises(ValidationError, match="run: it has a secret or half a") as caught:
                log.append(run, "run_started", {})
            assert "canary" not in str(caught.value)
    assert verify_audit(path).records == 0


def test_a_run_that_is_no_text_is_refused(path):
    with opened(path) as log, pytest.raises(TypeError, match="run: a str, got NoneType"):
        log.append(None, "run_started", {})


@pytest.mark.parametrize("row", ROWS, ids=[row["name"] for row in ROWS])
def test_a_file_is_what_was_written_or_refused_with_its_place(row, tmp_path):
    path, anchor = tmp_path / "audit.jsonl", tmp_path / "audit.jsonl.anchor"
    put(path, content := joined(row["audit"]))
    if "anchor" in row:
        put(anchor, joined([row["anchor"]]))
    before = files_of(tmp_path)
    key = Secret(row["key"]) if "key" in row else None
    if row["exit"] == 0:
        verdict = verify_audit(path, key=key)
        assert (verdict.records, verdict.torn) == (row["records"], row["torn"])
        assert files_of(tmp_path) == before
        with opened(path, key=key) as log:
            assert len(log.records) == row["records"]
            log.append("w1", "review", {})
            assert row["torn"] is (log.torn is not None)
        assert verify_audit(path, key=key).records == row["records"] + 1
        if row["torn"]:
            torn = (tmp_path / "audit.jsonl.torn").read_bytes()
            assert content.endswith(torn[:-1])
            assert content.removesuffix(torn[:-1]) in path.read_bytes()
        return
    for read in (verify_audit, opened):
        with pytest.raises(AuditError) as caught:
            read(path, key=key)
        assert caught.value.message.startswith(row["message"])
        assert (caught.value.line, caught.value.offset) == (row["line"], row["offset"])
        where = (
            f"audit.jsonl: line {row['line']} at byte {row['offset']}: " if row["line"] else ": "
        )
        assert where + row["message"] in str(caught.value)
        assert "\n" not in str(caught.value)
        assert isinstance(caught.value, NanobookError)
        assert isinstance(caught.value, ValueError)
        assert files_of(tmp_path) == before


def test_what_is_torn_is_added_to_what_was_torn_before(path):
    for torn in (b'{"data":{"a', b'{"data":{"bc'):
        with path.open("ab") as file:
            file.write(torn)
        with opened(path) as log:
            assert log.torn == torn
            log.append("w1", "review", {})
    assert path.with_name("audit.jsonl.torn").read_bytes() == b'{"data":{"a\n{"data":{"bc\n'
    assert verify_audit(path).records == 2


# Files.


def mode(path):
    return stat.S_IMODE(path.stat().st_mode)


def test_files_are_the_owners_alone(tmp_path):
    before = os.umask(0)
    try:
        path = tmp_path / "logs" / "deep" / "audit.jsonl"
        with opened(path) as log:
            log.append("w1", "run_started", {})
            log.write_anchor()
        with path.open("ab") as file:
            file.write(b"x")
        opened(path).close()
    finally:
        os.umask(before)
    assert mode(tmp_path / "logs") == mode(path.parent) == 0o700
    assert {each.name: mode(each) for each in path.parent.iterdir()} == {
        "audit.jsonl": 0o600,
        "audit.jsonl.anchor": 0o600,
        "audit.jsonl.torn": 0o600,
    }


@pytest.mark.parametrize("suffix", ["", ".torn", ".anchor"])
def test_a_symbolic_link_is_refused(path, suffix, tmp_path):
    with opened(path) as log:
        log.append("w1", "run_started", {})
    victim = tmp_path / "victim"
    link = path.with_name(path.name + suffix)
    if suffix:
        victim.write_bytes(b"precious")
        with path.open("ab") as file:
            file.write(b"torn")
    else:
        path.rename(victim)
    link.symlink_to(victim)
    before = victim.read_bytes()
    with pytest.raises(OSError, match="a symbolic link, which is refused"):
        opened(path)
    if suffix != ".torn":
        with pytest.raises(OSError, match="a symbolic link, which is refused"):
            verify_audit(path)
    assert victim.read_bytes() == before


def test_an_anchor_that_is_named_may_be_anywhere_but_not_missing(path, tmp_path):
    with opened(path) as log:
        log.append("w1", "run_started", {})
        log.write_anchor()
    elsewhere = tmp_path / "anchor"
    path.with_name("audit.jsonl.anchor").rename(elsewhere)
    assert verify_audit(path).anchored == 0
    assert verify_audit(path, elsewhere).anchored == 1
    with pytest.raises(FileNotFoundError):
        verify_audit(path, tmp_path / "nowhere")


def test_what_is_no_file_is_refused(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(OSError, match="not a regular file"):
        opened(tmp_path / "pipe")
    with pytest.raises(OSError, match="not a regular file"):
        verify_audit(tmp_path / "pipe")
    with pytest.raises(IsADirectoryError):
        opened(tmp_path)
    with pytest.raises(FileNotFoundError):
        verify_audit(tmp_path / "missing")
    with pytest.raises(OSError, match="not a regular file"):
        verify_audit("/dev/null")


def test_two_writers_are_refused_and_readers_are_not(path):
    with opened(path) as log:
        log.append("w1", "run_started", {})
        with pytest.raises(LockedError, match="is held by another writer"):
            opened(path)
        assert verify_audit(path).records == 1
    opened(path).close()


def test_a_lock_file_that_somebody_deletes_lets_no_second_writer_in(path):
    with RunLock(path, TickingClock()) as lock, opened(path):
        lock.path.unlink()
        with RunLock(path, TickingClock()), pytest.raises(LockedError):
            opened(path)


def test_a_child_neither_writes_it_nor_keeps_it(path):
    with opened(path) as log:
        log.append("w1", "run_started", {})
        reading, writing = os.pipe()
        if (child := os.fork()) == 0:
            try:
                log.append("w1", "review", {})
            except AuditError as error:
                os.write(writing, str(error).encode())
            finally:
                os.close(writing)
                os.read(reading, 1)  # until the parent has gone on
                os._exit(0)
        os.close(writing)
        said = os.read(reading, 1000).decode()
        os.close(reading)
    os.waitpid(child, 0)
    assert said.endswith("is closed, or was opened before a fork")
    with opened(path) as log:
        assert len(log.records) == 1


def test_closed_it_takes_nothing(path):
    log = opened(path)
    log.close()
    log.close()
    with pytest.raises(AuditError, match="is closed"):
        log.append("w1", "review", {})
    with pytest.raises(AuditError, match="is closed"):
        log.write_anchor()
    assert repr(log) == f"AuditLog({str(path)!r}, records=0)"


# Errors of the operating system.


class Failing(FileLayer):
    """Fails once at a call, after writing half of what it should."""

    def __init__(self, call, error):
        self.call = call
        self.error = error

    def fail(self, call):
        if self.call == call:
            self.call = None
            raise self.error

    def write(self, descriptor, data):
        if self.call == "write":
            super().write(descriptor, data[: len(data) // 2])
        self.fail("write")
        return super().write(descriptor, data[:7])  # in pieces

    def fsync(self, descriptor):
        self.fail("fsync")

    def replace(self, source, target):
        self.fail("replace")
        super().replace(source, target)


@pytest.mark.parametrize(("call", "found"), [("write", 1), ("fsync", 2)])
def test_after_an_error_it_refuses_for_good_until_it_is_opened_anew(path, call, found):
    full = OSError(28, "No space left on device")
    files = Failing(None, full)
    with opened(path, files=files) as log:
        log.append("w1", "run_started", {})
        files.call = call
        with pytest.raises(AuditWriteError, match=r"cannot be written: .*No space left") as caught:
            log.append("w1", "order_intent", {"leg": 1})
        assert caught.value.cause is full
        assert caught.value.__cause__ is full
        for refuse in (lambda: log.append("w1", "review", {}), log.write_anchor):
            with pytest.raises(AuditWriteError, match="No space left") as again:
                refuse()
            assert again.value.cause is full
        assert len(log.records) == 1
    assert isinstance(caught.value, OSError)
    assert isinstance(caught.value, NanobookError)
    assert not isinstance(caught.value, AuditError)
    with opened(path) as log:
        assert len(log.records) == found
        assert (log.torn is not None) == (call == "write")
        log.append("w1", "review", {})


@pytest.mark.parametrize("call", ["write", "fsync"])
def test_after_an_interrupt_amid_an_append_it_refuses_for_good(path, call):
    files = Failing(None, KeyboardInterrupt())
    with opened(path, files=files) as log:
        files.call = call
        with pytest.raises(KeyboardInterrupt):
            log.append("w1", "order_intent", {"leg": 1})
        with pytest.raises(AuditWriteError, match="an append was interrupted"):
            log.append("w1", "review", {})


def test_an_error_of_the_clock_leaves_it_as_it_was(path):
    clock = TickingClock()
    with AuditLog.open(path, clock=clock) as log:
        clock.now = lambda: 1 / 0
        with pytest.raises(ZeroDivisionError):
            log.append("w1", "review", {})
        del clock.now
        assert log.append("w1", "review", {}).seq == 1


def test_an_anchor_that_cannot_be_written_stops_nothing(path):
    files = Failing(None, OSError(28, "No space left on device"))
    with opened(path, files=files) as log:
        log.append("w1", "run_started", {})
        log.write_anchor()
        log.append("w1", "run_completed", {})
        files.call = "replace"
        with pytest.raises(AuditWriteError, match="No space left"):
            log.write_anchor()
        log.append("w1", "review", {})
    assert verify_audit(path) == AuditVerdict(3, log.records[-1].hash, torn=False, anchored=1)


def test_an_open_that_fails_lets_go_of_the_file(path):
    with opened(path) as log:
        log.append("w1", "run_started", {})
    sound = path.read_bytes()
    put(path, sound.replace(b"run_started", b"run_stopped"))
    for _ in range(3):
        with pytest.raises(AuditError):
            opened(path)
    put(path, sound)
    opened(path).close()


def test_the_key_comes_from_the_environment():
    assert anchor_key({}) is None
    assert anchor_key({"NANOBOOK_AUDIT_KEY": ""}) is None
    assert anchor_key({"NANOBOOK_AUDIT_KEY": "k"}) == Secret("k")


def test_a_key_signs_and_another_does_not(path):
    with opened(path) as log:
        log.append("w1", "run_started", {})
        log.write_anchor(Secret("key one"))
    assert verify_audit(path, key=Secret("key one")).anchored == 1
    with pytest.raises(AuditError, match="it is not signed with the key in NANOBOOK_AUDIT_KEY"):
        verify_audit(path, key=Secret("key two"))


def test_the_chain_is_checked_by_what_the_docs_say(tmp_path, monkeypatch):
    [code] = re.findall(r"```python\n(import hashlib.*?)```", PAGE.read_text(), re.DOTALL)
    log = tmp_path / "logs" / "audit.jsonl"
    log.parent.mkdir()
    monkeypatch.chdir(tmp_path)
    log.write_bytes(GOLDEN.read_bytes())
    found = run_code(code)
    assert (found["seq"], found["prev"]) == (21, verify_audit(GOLDEN).last_hash)
    log.write_bytes(GOLDEN.read_bytes().replace(b"10.5", b"10.6", 1))
    with pytest.raises(AssertionError, match="1"):
        run_code(code)


def run_code(code):
    namespace = {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)  # the page does not close its file
        exec(code, namespace)  # noqa: S102 - our own
    return namespace


def test_the_page_shows_what_happens(monkeypatch):
    monkeypatch.setenv("MY_API_KEY", "")
    result = doctest.testfile(str(PAGE), module_relative=False, optionflags=doctest.ELLIPSIS)
    assert result == (0, 5)
