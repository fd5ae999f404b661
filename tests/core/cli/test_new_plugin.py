import os
import resource
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
        ("my_", "digits and _ between them"),
        ("json", "Python's own library"),
        ("numpy", "installed here"),
        ("click", "installed here"),
        ("test", "installed here"),
        ("value_error", "class ValueError"),
        ("none", "class None"),
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
    shown = invoke("executor", "my_executor")
    assert shown.exit_code == 2
    kinds = "broker command cost_model feature fill_model forecaster optimizer parser risk_check"
    assert ", ".join(map(repr, kinds.split())) in shown.output


@pytest.mark.parametrize(
    ("kind", "name", "provider"),
    [
        ("broker", "paper", "nanobook-core"),
        ("command", "doctor", "nanobook-core"),
        ("command", "new_plugin", "nanobook-core"),
        ("cost_model", "bps", "nanobook-costs"),
        ("fill_model", "participation", "nanobook-fills"),
        ("forecaster", "ewma_forecast", "nanobook-optimizers"),
        ("optimizer", "min_variance", "nanobook-optimizers"),
    ],
)
def test_a_name_that_nanobook_itself_offers_is_refused(tmp_path, kind, name, provider):
    shown = invoke(kind, name, "--into", str(tmp_path))
    assert shown.exit_code == 2
    assert f"{provider} offers a {kind} '{name}'" in " ".join(shown.output.split())
    assert list(tmp_path.iterdir()) == []
    assert invoke("risk_check", name, "--into", str(tmp_path)).exit_code == 0


def test_a_folder_that_cannot_be_written_is_one_line(tmp_path):
    (tmp_path / "file").write_text("")
    shown = invoke("risk_check", "my_check", "--into", str(tmp_path / "file" / "sub"))
    assert shown.exit_code == 1
    assert shown.output.startswith("Error: ")
    assert "cannot be written" in shown.output
    assert len(shown.output.splitlines()) == 1


def test_what_cannot_be_written_whole_is_not_left_half_written(tmp_path):
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (600, hard))  # bytes: enough for the README
    try:
        shown = invoke("risk_check", "my_check", "--into", str(tmp_path))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert shown.exit_code == 1
    assert "cannot be written" in shown.output
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        ("risk_check", "risk_order"),  # a record of the contract
        ("risk_check", "distribution"),  # a word of the templates
        ("risk_check", "context"),  # a class of the decimal module
        ("risk_check", "test_check"),  # a test, by its name
        ("broker", "market"),  # a module and a class of its own
        ("broker", "broker"),
        ("cost_model", "n_d_array"),  # a class of numpy
        ("cost_model", "test_plugin"),  # the module of its tests
        ("fill_model", "fill_request"),  # a record of the contract
        ("fill_model", "fills"),
        ("fill_model", "test_model"),  # the class of its tests
        ("optimizer", "test_optimizer"),
        ("command", "test_it_names_itself"),  # one of its tests
        ("command", "a__b"),
        ("forecaster", "forecast"),  # the function itself
        ("forecaster", "np"),  # a name of its module
    ],
)
def test_the_tests_of_a_distribution_with_an_awkward_name_pass(tmp_path, kind, name):
    shown = invoke(kind, name, "--into", str(tmp_path))
    assert shown.exit_code == 0, shown.output
    (folder,) = tmp_path.iterdir()
    # What an installer would write.
    information = folder / "src" / f"{name}-0.1.0.dist-info"
    information.mkdir()
    (information / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 0.1.0\n")
    (information / "entry_points.txt").write_text(f"[nanobook]\n{name} = {name}.plugin\n")
    (folder / "conftest.py").write_text(
        "from hypothesis import settings\n"
        "settings.register_profile('few', max_examples=5)\n"
        "settings.load_profile('few')\n"
    )
    done = subprocess.run(
        [sys.executable, "-W", "error", "-m", "pytest", "-q", "-p", "no:cacheprovider"],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(folder / "src")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    assert "warning" not in done.stdout
