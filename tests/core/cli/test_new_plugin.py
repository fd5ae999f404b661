import subprocess
import sys

import pytest
from click.testing import CliRunner

from nanobook_core.cli.new_plugin import KINDS, new_plugin


def invoke(*args):
    return CliRunner().invoke(new_plugin, args)


@pytest.mark.parametrize("kind", KINDS)
def test_it_writes_a_distribution_and_says_what_is_next(tmp_path, kind):
    shown = invoke(kind, "my_part", "--into", str(tmp_path))
    assert shown.exit_code == 0, shown.output
    written = {str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if path.is_file()}
    assert {
        "my-part/pyproject.toml",
        "my-part/README.md",
        "my-part/src/my_part/__init__.py",
        "my-part/src/my_part/plugin.py",
        "my-part/src/my_part/py.typed",
        "my-part/tests/test_plugin.py",
    } <= written
    assert all(path in shown.output for path in written)
    assert "README.md says how to install it" in shown.output
    for path in tmp_path.rglob("*.*"):
        if path.is_file():
            assert "$" not in path.read_text()


@pytest.mark.parametrize("kind", KINDS)
def test_what_it_writes_is_clean_code(tmp_path, kind):
    invoke(kind, "my_part", "--into", str(tmp_path))
    rules = ["--isolated", "--select=E,F,I,UP,B,W", "--line-length=100"]
    done = subprocess.run(
        [sys.executable, "-m", "ruff", "check", *rules],
        cwd=tmp_path / "my-part",
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout


def test_nothing_that_exists_is_overwritten(tmp_path):
    (tmp_path / "my-check").mkdir()
    shown = invoke("risk_check", "my_check", "--into", str(tmp_path))
    assert shown.exit_code == 1
    assert "exists; choose another name" in shown.output
    assert list((tmp_path / "my-check").iterdir()) == []


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("My", "lower-case"),
        ("1st", "lower-case"),
        ("a-b", "lower-case"),
        ("../up", "lower-case"),
        ("class", "lower-case"),
        ("json", "Python's own library"),
        ("nanobook_risk", "nanobook's own parts"),
        ("nanobook", "nanobook's own parts"),
    ],
)
def test_a_name_that_cannot_work_is_refused(tmp_path, name, reason):
    shown = invoke("risk_check", name, "--into", str(tmp_path))
    assert shown.exit_code == 2
    assert reason in shown.output
    assert list(tmp_path.iterdir()) == []


def test_a_kind_without_a_frozen_contract_is_refused_with_those_that_have_one():
    shown = invoke("broker", "my_broker")
    assert shown.exit_code == 2
    assert "'command', 'cost_model', 'risk_check'" in shown.output
