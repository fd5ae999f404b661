"""docs/itch.md: every block runs, and says what stands below it.

`python -m tests.itch.test_docs` writes what they print into the page.
"""

import re
import shlex
import tempfile
from contextlib import chdir
from itertools import pairwise
from pathlib import Path

import matplotlib as mpl
import matplotlib.pyplot as plt
import pytest
from tests.itch.itch_command import run_here
from tests.page import Page, is_shown

from nanobook_core.contracts.itch import PROBLEMS
from nanobook_core.contracts.itch_message import MESSAGES
from nanobook_core.contracts.itch_table import (
    BBO,
    FAMILIES,
    LEVEL,
    LIVE,
    ORDERS,
    TRADES,
    depth_columns,
)

PAGE = Page("itch.md")
CELL = r"`([^`]+)`"


def typed():
    """Of each block of commands that shows an output: what they say, what is shown, and where."""
    for (language, code, _), (kind, text, span) in pairwise(PAGE.blocks()):
        if language == "sh" and kind == "text":
            said = ""
            for line in code.splitlines():
                if line.startswith("nanobook itch"):
                    _, output, errors = run_here(*shlex.split(line)[2:])
                    said += output + errors
            yield said, text, span


@pytest.fixture
def day(tmp_path, monkeypatch):
    """A folder with the day of the page."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "140")
    mpl.use("agg")
    assert run_here("sample", "day.itch")[0] == 0
    return tmp_path


def test_every_block_prints_what_stands_below_it(day):
    for output, shown, _ in PAGE.outputs():
        assert is_shown(output, shown), output
    assert (day / "bbo.png").read_bytes().startswith(b"\x89PNG")
    axes = plt.gca()
    assert [text.get_text() for text in axes.get_legend().get_texts()] == ["bid", "ask"]
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("hour in New York", "dollars")


def test_every_command_says_what_stands_below_it(day):
    (day / "day.itch").unlink()
    for output, shown, _ in typed():
        assert is_shown(output, shown), output


def test_the_page_begins_with_its_title():
    assert PAGE.text.startswith("# NASDAQ TotalView-ITCH 5.0\n")


def test_the_chart_needs_five_lines():
    (code,) = [code for _, code, _ in PAGE.blocks() if 'savefig("bbo.png")' in code]
    statements = [line for line in code.splitlines() if line and not line.startswith("import")]
    assert len(statements) <= 5


def test_every_type_of_message_stands_there_with_its_name_and_table():
    found = {}
    for line in re.findall(r"^\| `\w+` \| `.*$", PAGE.section("Messages"), re.MULTILINE):
        family = re.match(r"\| `(\w+)`", line)[1]
        for kind, name in re.findall(r"`(\w)` ([^,|]+?)(?=,| \|)", line):
            found[kind] = (name, family)
    assert found == {kind: (each.name, each.family) for kind, each in MESSAGES.items()}


def test_every_column_of_every_table_stands_there_once():
    tables = [*FAMILIES.values(), BBO, TRADES, ORDERS, LEVEL, LIVE, depth_columns(1)]
    written = [
        name
        for cell in re.findall(r"^\| (`.*?) \|", PAGE.section("Columns"), re.MULTILINE)
        for name in re.findall(CELL, cell)
    ]
    assert len(written) == len(set(written))
    assert set(written) == {column[0] for table in tables for column in table}


def test_every_problem_stands_there_in_its_order():
    rows = PAGE.rows("Strict and lenient", r"^\| `(\w+)` \| (.*?) \| .+ \|$")
    assert rows == list(PROBLEMS.items())


def renew():
    """Write what blocks and commands print into the page."""
    text = PAGE.text
    shown = list(PAGE.outputs())
    Path("day.itch").unlink()
    shown = sorted([*shown, *typed()], key=lambda each: each[2])
    for output, was, (start, end) in reversed(shown):
        if output and not is_shown(output, was):
            place = text[:start]
            if not place.endswith("```text\n"):
                raise SystemExit(f"there is no block of text for this: {output}")
            text = place + output + text[end:]
    PAGE.path.write_text(text)


if __name__ == "__main__":
    mpl.use("agg")
    with tempfile.TemporaryDirectory() as folder, chdir(Path(folder)):
        run_here("sample", "day.itch")
        renew()
