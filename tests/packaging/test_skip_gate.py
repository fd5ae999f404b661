import shutil
import subprocess
import sys
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[1]

MODULE = """
import pytest

def test_that_runs():
    pass

@pytest.mark.xfail(strict=True)
def test_that_is_known_to_fail():
    assert False

@pytest.mark.skipif(True, reason={reason!r})
def test_that_is_marked():
    pass

def test_that_stops():
    pytest.skip({reason!r})
"""


@pytest.fixture
def run(tmp_path):
    """Run one test module under our conftest, with one allowed reason."""

    def run(module):
        shutil.copy(TESTS / "conftest.py", tmp_path)
        (tmp_path / "allowed_skips.txt").write_text("# why\n\nno compiler\n")
        (tmp_path / "test_sample.py").write_text(module)
        command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", tmp_path]
        return subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)

    return run


def test_a_skip_for_a_listed_reason_is_counted_and_accepted(run):
    done = run(MODULE.format(reason="no compiler"))
    assert done.returncode == pytest.ExitCode.OK, done.stdout
    assert "allowed, 2 used: no compiler" in done.stdout
    assert "1 passed, 2 skipped, 1 xfailed" in done.stdout


def test_a_skip_for_any_other_reason_fails_the_run_and_says_which(run):
    done = run(MODULE.format(reason="no compiler today"))
    assert done.returncode == pytest.ExitCode.TESTS_FAILED
    assert "allowed, 0 used: no compiler" in done.stdout
    assert "test_sample.py::test_that_is_marked: no compiler today" in done.stdout
    assert "test_sample.py::test_that_stops: no compiler today" in done.stdout
    assert "run failed: 2 skips for a reason that is not in tests/allowed_skips.txt" in done.stdout


def test_a_whole_module_that_is_skipped_counts_too(run):
    done = run("import pytest\npytest.importorskip('no_such_module_anywhere')\n")
    assert done.returncode == pytest.ExitCode.TESTS_FAILED
    assert "could not import 'no_such_module_anywhere'" in done.stdout


def test_a_run_without_skips_passes_and_still_shows_the_list(run):
    done = run("def test_that_runs():\n    pass\n")
    assert done.returncode == pytest.ExitCode.OK
    assert "allowed, 0 used: no compiler" in done.stdout
