"""A program of ib_insync and one of ib_async, each in its environment, trade with each other."""

import re
import subprocess
from pathlib import Path

import pytest
from tests.ibkr.simulator_process import set_quotes, simulator

pytestmark = pytest.mark.packaging
ROOT = Path(__file__).parents[2]
SCRIPTS = ROOT / "tests" / "ibkr" / "scripts"


def started(venv, library, name, port):
    """A script that runs where there is this library and nothing of nanobook."""
    venv.install("--constraint", ROOT / "constraints.txt", library)
    command = [venv.folder / "bin" / "python", SCRIPTS / name, str(port)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def test_they_print_what_the_page_shows(make_venv, tmp_path):
    set_quotes(tmp_path / "quotes.csv")
    with simulator("--quotes", "quotes.csv", cwd=tmp_path) as port:
        seller = started(make_venv(), "ib_insync", "seller.py", port)
        printed = seller.stdout.readline()
        buyer = started(make_venv(), "ib_async", "buyer.py", port)
        printed += buyer.communicate(timeout=60)[0] + seller.communicate(timeout=60)[0]
    shown = re.findall(r"```text\n(.*?)```", ROOT.joinpath("docs/ibkr.md").read_text(), re.DOTALL)
    assert printed in shown
