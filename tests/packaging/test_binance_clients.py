"""Programs of others for Binance, each in an environment of its own, trade on the simulator."""

import re
from pathlib import Path

import pytest
from tests.binance.peers import BUYER, CLIENTS, SAID, SELLER, printed_by, trade_with_each_other

pytestmark = pytest.mark.packaging
ROOT = Path(__file__).parents[2]
PINS = ROOT / "tests" / "binance" / "clients"


@pytest.fixture(scope="module")
def python_of(make_venv):
    """A Python that has this client and nothing of nanobook."""
    made = {}

    def python(client):
        if client not in made:
            venv = made[client] = make_venv()
            pins = PINS / f"{client.partition('==')[0]}.txt"
            assert client in pins.read_text().splitlines()
            # Outside of the checkout, whose constraints some clients contradict.
            venv.install("--requirement", pins, cwd=venv.folder)
        return made[client].folder / "bin" / "python"

    return python


@pytest.mark.parametrize(
    ("client", "script"),
    [(client, script) for client, scripts in CLIENTS.items() for script in scripts],
)
def test_a_program_prints_what_it_prints_at_the_venue(python_of, client, script):
    assert printed_by(python_of(client), script) == (SAID / f"{script}.txt").read_text()


def test_two_of_them_trade_with_each_other_as_the_page_shows(python_of):
    offered, bought, sold = trade_with_each_other(python_of(SELLER), python_of(BUYER))
    page = ROOT.joinpath("docs/binance.md").read_text()
    shown = re.findall(r"```text\n(.*?)```", page, re.DOTALL)
    assert offered + bought + sold in shown
