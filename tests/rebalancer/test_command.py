"""The command as people use it, and what it prints.

`python -m tests.rebalancer.test_command` writes the transcripts anew.
"""

import json
import os
import signal
import tempfile
from contextlib import chdir
from pathlib import Path

import pytest
from tests.rebalancer import rebalancer_process
from tests.rebalancer.rebalancer_process import PAPER, Folder, end
from tests.rebalancer.terminal_here import run_here

from nanobook_core.contracts import SystemClock
from nanobook_rebalancer.lock import RunLock
from nanobook_rebalancer.result import Result

DATA = Path(__file__).parents[1] / "data" / "rebalancer"
WEIGHTS = {"AAA": 0.05, "BBB": 0.04}
SLOW = "[execution]\norder_interval_ms = 60000\n"

#: What is typed, and what is answered.
TRANSCRIPTS = {
    "transcript_run.txt": [
        (("run", "target.json", *PAPER, "--dry-run"), ""),
        (("run", "target.json", *PAPER), "n\n"),
        (("run", "target.json", *PAPER), "y\n"),
        (("run", "target.json", *PAPER), ""),
        (("run", "again.json", *PAPER), ""),
        (("status", *PAPER), ""),
        (("positions", *PAPER), ""),
        (("reconcile", "target.json", *PAPER), ""),
        (("recover", *PAPER), ""),
        (("kill", *PAPER, "--reason", "lunch"), ""),
        (("run", "third.json", *PAPER), ""),
        (("kill", *PAPER, "--clear"), ""),
    ],
    "transcript_refused.txt": [
        (("run", "missing.json", *PAPER), ""),
        (("run", "wrong.json", *PAPER), ""),
        (("run", "heavy.json", *PAPER), ""),
        (("run", "target.json", "--broker", "paper"), ""),
        (("run", "target.json", "--broker", "nobody"), ""),
        (("run", "target.json", "--broker", "papr", "--quotes", "quotes.csv"), ""),
        (("--config", "missing.toml", "status"), ""),
        (("--config", "wrong.toml", "status"), ""),
        (("recover", *PAPER, "--not-sent", "nb1-x"), ""),
        (("run", ".", *PAPER), ""),
        (("run", "target.json", *PAPER), ""),
        (("verify", "none.jsonl"), ""),
        (("kill", *PAPER, "--clear"), ""),
    ],
    "transcript_help.txt": [
        (("--help",), ""),
        *(
            ((name, "--help"), "")
            for name in (
                "run",
                "recover",
                "status",
                "positions",
                "reconcile",
                "verify",
                "kill",
            )
        ),
    ],
}


def transcript(path, name):
    """Everything that happens, as one would see it."""
    folder = Folder(path)
    folder.target(WEIGHTS)
    folder.target(WEIGHTS, "tuesday", "again.json")
    folder.target({"CCC": 0.01}, "wednesday", "third.json")
    folder.target({"AAA": 1.5}, name="wrong.json")
    folder.target({"AAA": 0.9}, "heavy", "heavy.json")
    (path / "wrong.toml").write_text("[account]\nid = 'x'\nnmae = 'y'\n")
    lines = []
    with chdir(path):
        for arguments, answer in TRANSCRIPTS[name]:
            code, output, errors = run_here(*arguments, answer=answer)
            lines += [f"$ rebalancer {' '.join(arguments)}", *output.rstrip().splitlines()]
            lines += [f"! {line}" for line in errors.splitlines()]
            lines += [f"[{code}]", ""]
    return "\n".join(lines)


@pytest.mark.parametrize("name", TRANSCRIPTS)
def test_it_says_what_it_always_said(tmp_path, monkeypatch, name):
    monkeypatch.setenv("COLUMNS", "100")
    assert transcript(tmp_path, name) == (DATA / name).read_text()


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    folder = Folder(tmp_path)
    folder.target(WEIGHTS)
    return folder


@pytest.mark.usefixtures("folder")
def test_json_is_one_document_and_everything_else_goes_to_standard_error():
    code, output, errors = run_here("run", "target.json", *PAPER, "--json", answer="y\n")
    document = json.loads(output)
    assert (code, document["status"]) == (0, "done")
    assert [trade["filled"] for trade in document["report"]["trades"]] == ["500", "800"]
    assert "RISK CHECKS:" in errors


def test_without_an_answer_nothing_is_sent(folder):
    code, _, errors = run_here("run", "target.json", *PAPER)
    assert code == 3
    assert errors.endswith("Declined: Not confirmed. No orders submitted.\n")
    assert folder.events[-2:] == ["user_confirmed", "run_completed"]


def test_without_a_price_there_is_no_weight_to_compare(folder):
    folder.target({"AAA": 0.05, "DDD": 0.1}, name="more.json")
    code, output, errors = run_here("reconcile", "more.json", *PAPER)
    assert (code, errors.splitlines()[-1]) == (3, "Error: no price of DDD")
    assert "  DDD         10.00 no price        -            -            0\n" in output


def test_a_setting_that_a_check_needs_is_named_with_its_place(folder):
    folder.config("[risk.checks.max_quantity]\n")
    code, _, errors = run_here("run", "target.json", *PAPER)
    said = "risk check 'max_quantity' needs the setting 'max_quantity'"
    assert (code, errors) == (2, f"Error: config.toml: risk.checks.max_quantity: {said}\n")


def test_every_end_is_a_document_where_one_is_asked_for(folder):
    folder.target({"AAA": 0.9}, "heavy", "heavy.json")
    with RunLock(folder.path / "logs" / "audit.jsonl", SystemClock()):
        ends = [(("run", "target.json", *PAPER, "--json"), 6, "locked", "is held by process")]
        check_documents(ends)
    ends = [
        (("run", "none.json", *PAPER), 2, "refused", "failed to read target file none.json"),
        (("run", "target.json", "--broker", "nobody"), 2, "refused", "no broker named 'nobody'"),
        (("run", "heavy.json", *PAPER), 2, "refused", "risk check failed"),
        (("run", "target.json", "--quotes", "none.csv"), 2, "refused", "there is no file none.csv"),
        (("run",), 2, "refused", "Missing argument 'TARGET'"),
        (("recover", "--not-sent", "nb1-x"), 2, "refused", "no order whose fate is unknown"),
        (("reconcile", "none.json"), 2, "refused", "failed to read target file none.json"),
        (("run", "target.json", *PAPER), 3, "declined", "Not confirmed"),
    ]
    check_documents(ends)
    (folder.path / "logs" / "audit.jsonl").write_text("{}\n")
    check_documents([(("run", "target.json", *PAPER), 4, "review", "this is no audit log")])
    (folder.path / "logs" / "audit.jsonl").unlink()
    run_here("kill", *PAPER, "--reason", "lunch")
    check_documents([(("run", "target.json", *PAPER), 5, "halted", "lunch")])
    (folder.path / "logs" / "audit.jsonl").unlink()
    (folder.path / "logs" / "audit.jsonl").mkdir()
    check_documents([(("recover", *PAPER), 1, "error", "Is a directory")])


def check_documents(ends):
    for arguments, code, status, message in ends:
        found, output, _ = run_here(*arguments, "--json")
        document = json.loads(output)
        assert (found, document["status"]) == (code, status)
        assert message in document["message"]
        assert document.keys() == Result(status="done").to_dict().keys()


def test_that_nobody_reads_how_it_ended_does_not_change_it(folder):
    with folder.start("run", "target.json", *PAPER, "--force") as process:
        process.stdout.readline()  # the plan is shown before anything is sent
        process.stdout.close()
        errors = process.stderr.read()
    assert (process.returncode, errors) == (0, "")
    assert folder.events[-1] == "run_completed"
    assert folder.held() == {"AAA": "500", "BBB": "800"}


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no disk here that is always full")
def test_a_result_that_cannot_be_written_is_said_and_changes_nothing(folder):
    with (
        Path("/dev/full").open("w") as full,
        folder.start("run", "target.json", *PAPER, "--force", "--json", stdout=full) as process,
    ):
        errors = process.stderr.read()
    assert process.returncode == 0
    assert "warning: not everything could be printed: [Errno 28]" in errors


def test_a_closed_standard_input_is_a_no(folder):
    code, _, errors = folder.run(
        "run", "target.json", *PAPER, prefix=("bash", "-c", '"$@" <&-', "")
    )
    assert code == 3
    assert "warning: there is nobody to ask; --force executes without a question" in errors
    assert "Traceback" not in errors
    assert folder.events[-1] == "run_completed"


@pytest.mark.parametrize("name", ["status", "positions"])
def test_while_a_rebalancer_is_at_work_it_is_named(folder, name):
    process = folder.start("run", "target.json", *PAPER)
    folder.wait_for("risk_check")
    code, _, errors = folder.run(name, *PAPER)
    end(process)
    assert code == 6
    assert f"is held by process {process.pid}" in errors


def test_a_missing_file_of_quotes_does_not_keep_the_kill_switch_from_being_set(folder):
    code, _, errors = run_here("kill", "--quotes", "none.csv")
    assert (code, (folder.path / "logs" / "audit.jsonl.kill").exists()) == (1, True)
    assert "no order cancelled: --quotes: there is no file none.csv" in errors


def test_another_account_than_the_config_s_is_not_looked_at(folder):
    run_here("run", "target.json", *PAPER, "--force")
    folder.config('[account]\nid = "OTHER"\n[broker]\nname = "paper"\naccount_id = "PAPER"\n')
    for arguments in (("status",), ("positions",), ("reconcile", "target.json")):
        code, output, errors = run_here(*arguments, "--quotes", "quotes.csv")
        assert (code, output) == (2, "")
        assert "the broker has account PAPER, and this run is for OTHER" in errors


def test_an_audit_log_can_be_verified_and_damage_is_named(folder):
    run_here("run", "target.json", *PAPER, "--force")
    code, output, _ = run_here("verify", "logs/audit.jsonl")
    assert (code, output.splitlines()[0]) == (0, "logs/audit.jsonl: 13 records, unbroken")
    path = folder.path / "logs" / "audit.jsonl"
    path.write_text(path.read_text().replace('"shares":"500"', '"shares":"501"', 1))
    code, _, errors = run_here("verify", "logs/audit.jsonl")
    assert code == 4
    assert "line 5" in errors
    code, _, errors = run_here("run", "target.json", *PAPER, "--force")
    assert (code, len(errors.splitlines())) == (4, 1)


def test_one_that_is_killed_in_the_middle_is_recovered(folder):
    folder.config(SLOW)
    process = folder.start("run", "target.json", *PAPER, "--force")
    folder.wait_for("order_submitted")
    end(process)
    folder.config("")
    code, output, _ = folder.run("run", "target.json", *PAPER, "--force")
    assert (code, output.splitlines()[-1]) == (0, "2 of 2 trades filled.")
    assert folder.held() == {"AAA": "500", "BBB": "800"}
    assert (
        len(
            {
                each["data"]["client_order_id"]
                for each in folder.audit
                if each["event"] == "order_intent"
            }
        )
        == 2
    )


@pytest.mark.parametrize(
    "number", [pytest.param(signal.SIGINT, marks=pytest.mark.slow), signal.SIGTERM]
)
def test_a_signal_ends_it_and_is_written_down(folder, number):
    folder.config(SLOW)
    process = folder.start("run", "target.json", *PAPER, "--force")
    folder.wait_for("order_submitted")
    process.send_signal(number)
    code, _, errors = end(process, number)
    assert (code, errors.splitlines()[-1]) == (130, f"Interrupted: {number.name} received")
    assert folder.events[-2:] == ["shutdown", "run_completed"]
    assert folder.held() == {"AAA": "500"}


def test_an_interrupt_at_the_question_ends_it(folder):
    process = folder.start("run", "target.json", *PAPER)
    folder.wait_for("risk_check")
    code, _, errors = end(process, signal.SIGINT)
    assert code == 130
    assert "Traceback" not in errors
    assert folder.events[-2:] == ["shutdown", "run_completed"]


@pytest.mark.slow
def test_a_second_one_is_told_who_runs(folder):
    process = folder.start("run", "target.json", *PAPER)
    folder.wait_for("risk_check")
    code, _, errors = folder.run("run", "target.json", *PAPER)
    assert (code, len(errors.splitlines())) == (6, 1)
    assert f"process {process.pid}" in errors
    end(process)


WITHOUT_NUMPY = "import sys; sys.modules['numpy'] = None; "


def test_no_command_waits_for_numpy(folder, monkeypatch):
    python, option, code = rebalancer_process.COMMAND
    monkeypatch.setattr(rebalancer_process, "COMMAND", (python, option, WITHOUT_NUMPY + code))
    code, output, errors = folder.run("run", "target.json", *PAPER, "--force")
    assert (code, errors) == (0, "")
    assert output.endswith("2 of 2 trades filled.\n")


EVIL = """\
from pathlib import Path

Path({marker!r}).write_text("imported")
"""


@pytest.mark.parametrize(("allowed", "is_imported"), [("[]", False), ('["evil"]', True)])
def test_a_plugin_that_is_not_allowed_is_not_imported(folder, allowed, is_imported):
    marker = folder.path / "marker"
    info = folder.path / "site" / "evil-1.0.dist-info"
    info.mkdir(parents=True)
    (folder.path / "site" / "evil").mkdir()  # a package without __init__.py
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: evil\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[nanobook]\nevil = evil.plugin\n")
    (folder.path / "site" / "evil" / "plugin.py").write_text(EVIL.format(marker=str(marker)))
    folder.environment["PYTHONPATH"] = str(folder.path / "site")
    folder.config(f"[plugins]\nallow = {allowed}\n")
    assert folder.run("run", "target.json", *PAPER, "--force")[0] == 0
    assert marker.exists() is is_imported


if __name__ == "__main__":
    os.environ["COLUMNS"] = "100"
    for file in TRANSCRIPTS:
        with tempfile.TemporaryDirectory() as place:
            (DATA / file).write_text(transcript(Path(place), file))
