"""docs/ibkr.md: every block runs, and says what stands below it.

`python -m tests.ibkr.test_docs` writes what they print into the page, and the table of faults.
"""

import inspect
import os
import re
import subprocess
import sys
import tempfile
from contextlib import chdir
from pathlib import Path

import pytest
from tests.ibkr.failing import FAILURES
from tests.ibkr.simulator_process import QUOTES, simulator
from tests.page import Page, described, is_shown

from nanobook_ibkr.broker import IbkrBroker
from nanobook_ibkr.simulator import Fault

SCRIPTS = Path(__file__).with_name("scripts")
PORT = "4002"
"""Of the page; what listens here has another one."""
ORDER = "1853000001"
"""Of the page; each run of the simulator counts from another one."""


def page_for(port):
    """The page, whose port is this one."""
    return Page(
        "ibkr.md",
        to_run=lambda code: code.replace(PORT, str(port)),
        to_show=lambda said: re.sub(r"\b1\d{9}\b", ORDER, said.replace(str(port), PORT)),
    )


PAGE = page_for(PORT)


def test_every_block_prints_what_stands_below_it(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with simulator(cwd=tmp_path) as port:
        for output, shown, _ in page_for(port).outputs():
            assert is_shown(output, shown), output


def test_the_simulator_says_where_it_is_as_the_page_shows(tmp_path):
    with simulator(cwd=tmp_path, as_json=False) as line:
        said = re.sub(r"(?<=127\.0\.0\.1:)\d+|(?<=', )\d+", PORT, line)
    assert said == PAGE.texts("Five minutes, no account")[0]


def test_the_programs_of_the_page_are_those_that_are_tested():
    written = PAGE.files()
    for name in ("seller.py", "buyer.py"):
        assert written[name] == SCRIPTS.joinpath(name).read_text()


@pytest.mark.slow
def test_the_example_of_a_test_passes(tmp_path):
    for name, code in PAGE.files(PAGE.section("In your tests")).items():
        tmp_path.joinpath(name).write_text(code)
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"],
        cwd=tmp_path,
        env={**os.environ, "PYTEST_ADDOPTS": ""},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert is_shown(done.stdout, PAGE.texts("In your tests")[0]), done.stdout


@pytest.mark.parametrize("number", range(len(FAILURES)), ids=[each.__name__ for each in FAILURES])
def test_each_error_of_the_table_says_what_the_table_says(number):
    rows = PAGE.rows("Errors, and what to do", r"^\| `(\w+)` \| (.*?) \|")
    assert len(rows) == len(FAILURES)
    with FAILURES[number]() as error:
        assert type(error).__name__ == rows[number][0]
        assert is_shown(re.sub(r"(?<=127\.0\.0\.1:)\d+", PORT, str(error)), rows[number][1]), error


def test_the_table_of_settings_is_that_of_the_code():
    rows = PAGE.rows("What the broker does", r"^\| `(\w+)` \| (.*?) \|")
    known = inspect.signature(IbkrBroker).parameters.values()
    assert rows == [(each.name, str(each.default).lower()) for each in known]


def test_the_table_of_faults_is_that_of_the_code():
    rows = PAGE.rows("Faults on purpose", r"^\| `(\w+)` \| (.*) \|$")
    assert rows == list(described(Fault))
    assert [name for name, _ in rows] == [fault.name for fault in Fault]


def test_the_quotes_of_the_page_are_those_of_the_tests():
    assert QUOTES in PAGE.texts("Your own programs, as they are")


def main():
    """Write what the blocks print into the page, and the table of faults."""
    with (
        tempfile.TemporaryDirectory() as folder,
        chdir(folder),
        simulator(cwd=folder) as port,
    ):
        page_for(port).renew(Fault)


if __name__ == "__main__":
    main()
