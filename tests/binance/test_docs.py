"""docs/binance.md: every block runs, and says what stands below it.

`python -m tests.binance.test_docs` writes what they print into the page, and its tables.
"""

import inspect
import os
import re
import subprocess
import sys
from contextlib import chdir
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
import requests
from tests.binance.failing import FAILURES
from tests.binance.simulator_process import QUOTES, simulator
from tests.page import Page, described, is_shown
from tests.rebalancer.terminal_here import Terminal

from nanobook_binance.broker import BinanceBroker
from nanobook_binance.simulator import Fault, SimulatedBinance

SCRIPTS = Path(__file__).with_name("scripts")
PORT = "8080"
"""Of the page; what listens here has another one."""


def page_for(port):
    """The page, whose port is this one."""
    return Page(
        "binance.md",
        to_run=lambda code: code.replace(PORT, str(port)),
        to_show=lambda said: said.replace(str(port), PORT),
    )


PAGE = page_for(PORT)
REBALANCER = Page("rebalancer.md")
AT_BINANCE = REBALANCER.section("At Binance")
ROW = r"^\| `(\w+)` \| (.*?) \|"


def test_every_block_prints_what_stands_below_it(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with simulator(cwd=tmp_path) as started:
        monkeypatch.setenv("BINANCE_API_KEY", started["api_key"])
        monkeypatch.setenv("BINANCE_SECRET_KEY", started["secret_key"])
        for output, shown, _ in page_for(started["port"]).outputs():
            assert is_shown(output, shown), output


def test_the_simulator_says_where_it_is_as_the_page_shows(tmp_path):
    with simulator(cwd=tmp_path, as_json=False) as lines:
        said = re.sub(r"(?<=127\.0\.0\.1:)\d+", PORT, lines)
    assert is_shown(said, PAGE.texts("Five minutes, no account")[0]), said


def test_the_quotes_of_the_page_are_those_of_the_tests(tmp_path):
    assert QUOTES in PAGE.texts("Your own programs, as they are")
    (tmp_path / "quotes.csv").write_text(QUOTES)
    with simulator("--quotes", "quotes.csv", cwd=tmp_path) as started:
        url = f"{started['url']}/api/v3/ticker/bookTicker"
        said = requests.get(url, params={"symbol": "ETHUSDT"}, timeout=60).json()
    assert (said["askPrice"], said["askQty"]) == ("3000.01000000", "5.00000000")


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
    rows = PAGE.rows("Errors, and what to do", ROW)
    assert len(rows) == len(FAILURES)
    name, text = rows[number]
    with FAILURES[number]() as error:
        assert type(error).__name__ == name
        assert is_shown(said_by(error), text), error


def said_by(error):
    """What an error says, at the port of the page."""
    return re.sub(r"(?<=127\.0\.0\.1:)\d+", PORT, str(error))


def test_the_table_of_settings_is_that_of_the_code():
    rows = PAGE.rows("What the broker does", ROW)
    known = inspect.signature(BinanceBroker).parameters.values()
    written = {None: "none", True: "true", False: "false"}
    assert rows == [(each.name, written.get(each.default, str(each.default))) for each in known]


def test_the_table_of_faults_is_that_of_the_code():
    rows = PAGE.rows("Faults on purpose", r"^\| `(\w+)` \| (.*) \|$")
    assert rows == list(described(Fault))
    assert [name for name, _ in rows] == [fault.name for fault in Fault]


def at_binance(folder, binance):
    """Each command of that part of the rebalancer's page, what it says, and what the page shows."""
    (config, target, *transcripts) = [code for _, code, _ in REBALANCER.blocks(AT_BINANCE)]
    terminal = Terminal(folder)
    terminal.config(config.replace("http://127.0.0.1:8080", binance.url))
    (folder / "config.toml").chmod(0o600)
    fresh = target.replace("2026-03-02T08:00:00Z", datetime.now(UTC).isoformat())
    (folder / "target.json").write_text(fresh)
    short = fresh.replace("2026-03", "2026-04").replace("0.12", "-0.12")
    (folder / "short.json").write_text(short)
    for command, shown in re.findall(
        r"^\$ (.*)\n((?:(?!\$ ).*\n)*)", "".join(transcripts), re.MULTILINE
    ):
        _, output, errors = terminal.here(*command.split()[1:])
        yield command, output + errors, shown


def test_the_rebalancer_does_at_binance_what_its_page_shows(tmp_path, monkeypatch):
    monkeypatch.setenv("COLUMNS", "140")
    with SimulatedBinance(balances={"USDT": 100_000}) as binance:
        monkeypatch.setenv("BINANCE_API_KEY", binance.api_key)
        monkeypatch.setenv("BINANCE_SECRET_KEY", binance.secret_key)
        for command, said, shown in at_binance(tmp_path, binance):
            assert is_shown(said, shown), f"{command}\n{said}"


def main():
    """Write what the blocks print into the page, what errors say, and the table of faults."""
    with (
        TemporaryDirectory() as folder,
        chdir(folder),
        simulator(cwd=folder) as started,
    ):
        os.environ["BINANCE_API_KEY"] = started["api_key"]
        os.environ["BINANCE_SECRET_KEY"] = started["secret_key"]
        page_for(started["port"]).renew(Fault)
    text = PAGE.path.read_text()
    for scene, (name, shown) in zip(
        FAILURES, PAGE.rows("Errors, and what to do", ROW), strict=True
    ):
        with scene() as error:
            if not is_shown(said_by(error), shown):
                row = f"| `{type(error).__name__}` | {said_by(error)} |"
                text = text.replace(f"| `{name}` | {shown} |", row, 1)
    PAGE.path.write_text(text)
    text = REBALANCER.text
    with SimulatedBinance(balances={"USDT": 100_000}) as binance, TemporaryDirectory() as folder:
        os.environ |= {"BINANCE_API_KEY": binance.api_key, "COLUMNS": "140"}
        os.environ["BINANCE_SECRET_KEY"] = binance.secret_key
        for command, said, shown in at_binance(Path(folder), binance):
            if not is_shown(said, shown):
                text = text.replace(f"$ {command}\n{shown}", f"$ {command}\n{said}", 1)
    REBALANCER.path.write_text(text)


if __name__ == "__main__":
    main()
