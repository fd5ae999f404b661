"""docs/ibkr.md: every block runs, and says what stands below it.

`python -m tests.ibkr.test_docs` writes what they print into the page, and the table of faults.
"""

import ast
import contextlib
import inspect
import io
import os
import re
import subprocess
import sys
import tempfile
from itertools import pairwise
from pathlib import Path

import pytest
from tests.ibkr.failing import FAILURES
from tests.ibkr.simulator_process import QUOTES, simulator

from nanobook_ibkr.broker import IbkrBroker
from nanobook_ibkr.simulator import Fault

PAGE = Path(__file__).parents[2] / "docs" / "ibkr.md"
SCRIPTS = Path(__file__).with_name("scripts")
PORT = "4002"
"""Of the page; what listens here has another one."""
ORDER = "1853000001"
"""Of the page; each run of the simulator counts from another one."""


def blocks(page):
    """What is between fences: language, text and where the text is."""
    found = re.finditer(r"^```(\w*)\n(.*?)^```$", page, re.DOTALL | re.MULTILINE)
    return [(match[1], match[2], match.span(2)) for match in found]


def files(page):
    """Blocks that are files, by the name that is their first line."""
    found = (re.match(r"# (\w+\.py)\n(.*)", code, re.DOTALL) for _, code, _ in blocks(page))
    return {match[1]: match[2] for match in found if match}


def section(title):
    """What stands below a headline, up to the next one of its rank."""
    return PAGE.read_text().partition(f"\n## {title}\n")[2].partition("\n## ")[0]


def texts(title):
    """Outputs that a section shows."""
    return [shown for language, shown, _ in blocks(section(title)) if language == "text"]


def outputs(page, port):
    """What each block to be typed prints, what the page says it does, and where that is."""
    namespace = {"__name__": "page"}
    for (language, code, _), (kind, shown, span) in pairwise([*blocks(page), ("", "", (0, 0))]):
        if language == "python" and not re.match(r"# \w+\.py\n", code):
            with contextlib.redirect_stdout(io.StringIO()) as printed:
                exec(compile(code.replace(PORT, str(port)), "page", "exec"), namespace)  # noqa: S102
            output = re.sub(r"\b1\d{9}\b", ORDER, printed.getvalue().replace(str(port), PORT))
            yield output, shown * (kind == "text"), span


def is_shown(output, shown):
    """Whether a page shows an output; three dots in a line stand for anything."""
    return re.fullmatch(re.escape(shown).replace(r"\.\.\.", ".*"), output) is not None


def test_every_block_prints_what_stands_below_it(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with simulator(cwd=tmp_path) as port:
        for output, shown, _ in outputs(PAGE.read_text(), port):
            assert is_shown(output, shown), output


def test_the_simulator_says_where_it_is_as_the_page_shows(tmp_path):
    with simulator(cwd=tmp_path, as_json=False) as line:
        said = re.sub(r"(?<=127\.0\.0\.1:)\d+|(?<=', )\d+", PORT, line)
    assert said == texts("Five minutes, no account")[0]


def test_the_programs_of_the_page_are_those_that_are_tested():
    written = files(PAGE.read_text())
    for name in ("seller.py", "buyer.py"):
        assert written[name] == SCRIPTS.joinpath(name).read_text()


@pytest.mark.slow
def test_the_example_of_a_test_passes(tmp_path):
    for name, code in files(section("In your tests")).items():
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
    assert is_shown(done.stdout, texts("In your tests")[0]), done.stdout


@pytest.mark.parametrize("number", range(len(FAILURES)), ids=[each.__name__ for each in FAILURES])
def test_each_error_of_the_table_says_what_the_table_says(number):
    rows = re.findall(r"^\| `(\w+)` \| (.*?) \|", section("Errors, and what to do"), re.MULTILINE)
    assert len(rows) == len(FAILURES)
    with FAILURES[number]() as error:
        assert type(error).__name__ == rows[number][0]
        assert is_shown(re.sub(r"(?<=127\.0\.0\.1:)\d+", PORT, str(error)), rows[number][1]), error


def test_the_table_of_settings_is_that_of_the_code():
    rows = re.findall(r"^\| `(\w+)` \| (.*?) \|", section("What the broker does"), re.MULTILINE)
    known = inspect.signature(IbkrBroker).parameters.values()
    assert rows == [(each.name, str(each.default).lower()) for each in known]


def test_the_table_of_faults_is_that_of_the_code():
    rows = re.findall(r"^\| `(\w+)` \| (.*) \|$", section("Faults on purpose"), re.MULTILINE)
    assert rows == list(described(Fault))
    assert [name for name, _ in rows] == [fault.name for fault in Fault]


def described(enum):
    """Members of an enum with the texts below them."""
    (found,) = ast.parse(inspect.getsource(enum)).body
    for member, text in pairwise(found.body):
        if isinstance(member, ast.Assign):
            yield member.targets[0].id, " ".join(text.value.value.split())


def test_the_quotes_of_the_page_are_those_of_the_tests():
    assert QUOTES in texts("Your own programs, as they are")


def main():
    """Write what the blocks print into the page, and the table of faults."""
    text = PAGE.read_text()
    with (
        tempfile.TemporaryDirectory() as folder,
        contextlib.chdir(folder),
        simulator(cwd=folder) as port,
    ):
        printed = list(outputs(text, port))
    for output, shown, (start, end) in reversed(printed):
        if output and not is_shown(output, shown):
            text = text[:start] + output + text[end:]
    head = "| fault | what happens |\n|---|---|\n"
    before, _, rest = text.partition(head)
    faults = "".join(f"| `{name}` | {what} |\n" for name, what in described(Fault))
    PAGE.write_text(before + head + faults + "\n" + rest.partition("\n\n")[2])


if __name__ == "__main__":
    main()
