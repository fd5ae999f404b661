"""What `nanobook new-plugin` writes, installed by its own README into a fresh environment."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from nanobook_core.cli.new_plugin import KINDS

ROOT = Path(__file__).parents[2]

pytestmark = pytest.mark.packaging


@pytest.fixture(scope="module")
def core(tmp_path_factory):
    """An environment with a copy of the core, for nothing to be built in the checkout."""
    folder = tmp_path_factory.mktemp("new-plugin")
    shutil.copytree(
        ROOT / "nanobook_core",
        folder / "nanobook_core",
        ignore=shutil.ignore_patterns("__pycache__"),
    )
    run("uv", "venv", "--python", sys.executable, folder / "venv")
    install(folder, f"{folder / 'nanobook_core'}[testing]")
    return folder


def run(*command, cwd=None):
    done = subprocess.run(
        [str(c) for c in command], cwd=cwd, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def install(folder, *what):
    run("uv", "pip", "install", "--python", folder / "venv" / "bin" / "python", *what)


@pytest.mark.parametrize("kind", KINDS)
def test_its_tests_pass(core, kind):
    python = core / "venv" / "bin" / "python"
    run(python, "-m", "nanobook", "new-plugin", kind, f"my_{kind}", "--into", core)
    folder = core / f"my-{kind.replace('_', '-')}"
    install(core, "-e", folder)
    report = run(python, "-m", "pytest", "-q", cwd=folder)
    assert " passed" in report
    assert " skipped" not in report
    assert f"my-{kind.replace('_', '-')}" in run(python, "-m", "nanobook", "plugins")
