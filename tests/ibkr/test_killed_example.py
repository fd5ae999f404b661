"""The example whose output the page of the rebalancer shows."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
#: What is another each time: orders at the moment of the kill, seconds, orders a second.
_VARIES = re.compile(r"\d+(?= orders are at)|[\d.]+(?= s:)|\d+(?= orders a second)")


@pytest.mark.slow
def test_fifty_orders_killed_in_the_middle_are_fifty_orders():
    done = subprocess.run(
        [sys.executable, "-W", "error", ROOT / "examples" / "ibkr_killed.py"],
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert (done.returncode, done.stderr) == (0, "")
    page = (ROOT / "docs" / "rebalancer.md").read_text(encoding="utf-8")
    (shown,) = re.findall(r"```text\n(the first run ended.*?)```", page, re.DOTALL)
    assert _VARIES.sub("N", done.stdout) == _VARIES.sub("N", shown)
    at_kill = int(re.search(r"(\d+) orders are at", done.stdout)[1])
    assert 25 <= at_kill < 50
