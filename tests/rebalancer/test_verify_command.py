"""What the commands say of a bad audit log: the table of test_audit.py, on the command line."""

import json
from pathlib import Path

import pytest
from tests.rebalancer.audit_file import joined, put

from nanobook_core.cli.main import run_command
from nanobook_rebalancer.command import rebalancer

DATA = Path(__file__).parents[1] / "data" / "rebalancer"
ROWS = json.loads((DATA / "bad_audit.json").read_text(encoding="utf-8"))
BAD = [row for row in ROWS if row["exit"]]


def files_of(folder):
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and path.suffix != ".lock"
    }


def lay_out(row, folder, monkeypatch):
    """Put the files of a row into `logs`."""
    monkeypatch.chdir(folder)
    (folder / "logs").mkdir()
    put(folder / "logs" / "audit.jsonl", joined(row["audit"]))
    if "anchor" in row:
        put(folder / "logs" / "audit.jsonl.anchor", joined([row["anchor"]]))
    monkeypatch.setenv("NANOBOOK_AUDIT_KEY", row.get("key", ""))
    return files_of(folder)


def command(capsys, *args):
    code = run_command(rebalancer, "rebalancer", args)
    out, err = capsys.readouterr()
    return code, out, err


@pytest.mark.parametrize("row", ROWS, ids=[row["name"] for row in ROWS])
def test_verify_says_what_is_wrong_and_touches_nothing(row, tmp_path, monkeypatch, capsys):
    before = lay_out(row, tmp_path, monkeypatch)
    code, out, err = command(capsys, "verify", "logs/audit.jsonl")
    assert code == row["exit"]
    assert files_of(tmp_path) == before
    if code == 0:
        torn = ", and half a record that a crash left" if row["torn"] else ""
        assert out.startswith(f"logs/audit.jsonl: {row['records']} records, unbroken{torn}\n")
        assert err == ""
        return
    where = f" line {row['line']} at byte {row['offset']}: " if row["line"] else " "
    assert out == ""
    assert err.startswith(f"Error: {tmp_path / 'logs' / 'audit.jsonl'}")
    assert f":{where}{' '.join(row['message'].split())}" in err
    assert err.count("\n") == 1


@pytest.mark.parametrize("row", BAD, ids=[row["name"] for row in BAD])
def test_nothing_is_done_with_a_log_that_is_wrong(row, tmp_path, monkeypatch, capsys):
    before = lay_out(row, tmp_path, monkeypatch)
    code, _, err = command(capsys, "recover", "--broker", "paper")
    assert code == row["exit"]
    assert " ".join(row["message"].split()) in err
    assert files_of(tmp_path) == before
