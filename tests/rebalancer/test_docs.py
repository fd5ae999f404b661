"""docs/rebalancer.md: every command runs, on a terminal, and says what stands below it.

`python -m tests.rebalancer.test_docs` writes what they say into the page.
"""

import os
import re
import subprocess
import sys
import tempfile
import threading
from itertools import pairwise
from pathlib import Path

import attrs
import pytest
from tests.rebalancer.terminal_here import run_here

from nanobook_core.errors import ValidationError
from nanobook_rebalancer import config
from nanobook_rebalancer.config import Config
from nanobook_rebalancer.result import EXIT_CODES

pty = pytest.importorskip("pty", reason="no terminals of this kind here")
PAGE = Path(__file__).parents[2] / "docs" / "rebalancer.md"
QUESTION = "Execute? [y/N]: "
_GIVE_UP_SECONDS = 120
TABLES = {
    "broker": config.BrokerSettings,
    "execution": config.ExecutionSettings,
    "risk": config.RiskSettings,
    "cost": config.CostSettings,
    "logging": config.LoggingSettings,
    "plugins": config.PluginSettings,
    "account": config.AccountSettings,
    "connection": config.ConnectionSettings,
}


def blocks():
    """What is between fences: language, text and where the text is."""
    found = re.finditer(r"^```(\w*)\n(.*?)^```$", PAGE.read_text(), re.DOTALL | re.MULTILINE)
    return [(match[1], match[2], match.span(2)) for match in found]


def typed(commands, folder, shown):
    """What a terminal shows of commands; the question is answered as it is in `shown`."""
    outside, inside = pty.openpty()
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    shell = subprocess.Popen(
        ["bash", "-c", commands],
        cwd=folder,
        env={**os.environ, "PATH": path, "COLUMNS": "120", "TERM": "dumb"},
        stdin=inside,
        stdout=inside,
        stderr=inside,
        start_new_session=True,
    )
    guard = threading.Timer(_GIVE_UP_SECONDS, shell.kill)  # a loop of the page may have no end
    guard.start()
    os.close(inside)
    answers = re.findall(re.escape(QUESTION) + "(.*)", shown)
    output = ""
    while True:
        try:
            read = os.read(outside, 65_536)
        except OSError:  # Linux's end of a terminal
            break
        if not read:
            break
        output += read.decode().replace("\r\n", "\n")
        if answers and output.endswith(QUESTION):
            os.write(outside, answers.pop(0).encode() + b"\n")
    os.close(outside)
    shell.wait()
    guard.cancel()
    return output


def is_shown(output, shown):
    """Whether a page shows an output; three dots in a line stand for anything."""
    pattern = re.escape(shown).replace(r"\.\.\.", ".*")
    return re.fullmatch(pattern, output) is not None


def transcript():
    """Commands of the page and what it says they print, with where that is."""
    found = [*blocks(), ("", "", (0, 0))]
    return [
        (code, text if kind == "text" else "", span)
        for (language, code, _), (kind, text, span) in pairwise(found)
        if language == "sh"
    ]


def test_every_command_prints_what_the_page_shows(tmp_path):
    for commands, shown, _ in transcript():
        output = typed(commands, tmp_path, shown)
        assert is_shown(output, shown), f"{commands}\n{output}"


def test_the_commands_of_the_readme_plan_trade_and_compare(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    readme = PAGE.parents[1].joinpath("README.md").read_text()
    (block,) = re.findall(r"```sh\n(# Dry run.*?)```", readme, re.DOTALL)
    (example,) = re.findall(r"```json\n(.*?)```", PAGE.read_text(), re.DOTALL)
    Path("target.json").write_text(example)
    Path("quotes.csv").write_text("symbol,bid,ask\nAAPL,184.99,185.01\nSPY,509.95,510.05\n")
    Path("config.toml").write_text(
        '[broker]\nname = "paper"\ncash = 100_000\nquotes = "quotes.csv"\n'
    )
    commands = [line.split()[1:] for line in block.splitlines() if line.startswith("rebalancer")]
    dry_run, run, reconcile = (run_here(*command, answer="y\n") for command in commands)
    assert dry_run[:1] + run[:1] + reconcile[:1] == (0, 0, 0)
    assert dry_run[1].endswith("[DRY RUN] No orders submitted.\n")
    assert run[1].endswith("2 of 2 trades filled.\n")
    assert reconcile[1].splitlines()[2:] == [
        "  AAPL        40.00    39.96    -0.04          216          216",
        "  SPY        -10.00    -9.69    +0.31          -19          -19",
        "Tracking error: 0.221%",
    ]


def test_the_table_of_settings_is_that_of_the_code():
    rows = re.findall(r"^\| `(\w+\.[\w<>]+)` \| (.*?) \| (.*?) \|", PAGE.read_text(), re.MULTILINE)
    assert rows == list(settings())


def settings():
    """Every key, what is allowed and what it is without: as the code has it."""
    known = {field.name for field in attrs.fields(Config) if "read" in field.metadata}
    assert known == set(TABLES)
    for table, kind in TABLES.items():
        for field in attrs.fields(kind):
            if read := field.metadata.get("read"):
                with pytest.raises(ValidationError) as refused:
                    read(object())
                words = re.sub(r"[,;] got .*", "", str(refused.value)).replace("'", "`")
                allowed = re.sub(r"^.*must (not )?be ", r"\1", words)
                default = field.default
                if default is attrs.NOTHING:
                    without = "required"
                elif default is None or isinstance(default, attrs.Factory):
                    without = "none"
                else:
                    without = str(default).lower()
                yield f"{table}.{field.name}", allowed, without


def test_the_table_of_exit_codes_is_that_of_the_code():
    rows = re.findall(r"^\| (\d+) \| `(.*?)` \|", PAGE.read_text(), re.MULTILINE)
    assert {name: int(code) for code, names in rows for name in names.split("`, `")} == EXIT_CODES


def write():
    """Put what commands print below them, where it is not what is shown already."""
    page = PAGE.read_text()
    written, end = [], 0
    with tempfile.TemporaryDirectory() as folder:
        for commands, shown, (start, stop) in transcript():
            output = typed(commands, folder, shown)
            if shown and not is_shown(output, shown):
                written += [page[end:start], re.sub(r"[0-9a-f]{64}", "...", output)]
                end = stop
    PAGE.write_text("".join([*written, page[end:]]))


if __name__ == "__main__":
    write()
