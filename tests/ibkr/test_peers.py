"""Programs of others, which know nothing of nanobook, run as they stand against the simulator."""

import subprocess
import sys
import threading
from pathlib import Path

import pytest
from tests.ibkr.simulator_process import QUOTES, set_quotes, simulator

from nanobook_ibkr.simulator import SimulatedGateway

SCRIPTS = Path(__file__).with_name("scripts")
SAID = Path(__file__).parents[1] / "data" / "ibkr" / "scripts"
COMMON = ["account", "bracket", "events", "market_data", "orders", "stops"]
EXTREME = ["amend", "burst", "contracts", "many_clients", "not_modelled", "reconnect", "what_if"]
GIVE_UP_SECONDS = 60

#: What happens to the market when a script says a line.
MARKET = {
    "move the market": QUOTES.replace("184.99,185.01,185.00", "190.00,190.02,190.01"),
    "the market falls": QUOTES.replace("184.99,185.01,185.00", "184.40,184.42,184.41"),
    "the market rises": QUOTES.replace("184.99,185.01,185.00", "190.10,190.12,190.11"),
}


@pytest.fixture
def start(tmp_path):
    """Starts scripts against one simulator, each a process of its own."""
    running = []
    set_quotes(tmp_path / "quotes.csv")
    with simulator("--quotes", "quotes.csv", cwd=tmp_path) as port:

        def start(name, python=sys.executable):
            process = subprocess.Popen(
                [python, SCRIPTS / f"{name}.py", str(port)],
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            )
            running.append(process)
            return process

        yield start
        for process in running:
            process.kill()
            process.communicate()


@pytest.fixture
def run(start, tmp_path):
    """Runs a script to its end, moving the market when it says so; what it printed."""

    def run(name):
        process = start(name)
        guard = threading.Timer(GIVE_UP_SECONDS, process.kill)
        guard.start()
        printed = []
        for line in process.stdout:
            printed.append(line)
            if quotes := MARKET.get(line.strip()):
                set_quotes(tmp_path / "quotes.csv", quotes)
        _, errors = process.communicate()
        guard.cancel()
        assert process.returncode == 0, "".join(printed) + errors
        assert "Traceback" not in errors
        assert "Error decoding" not in errors
        return "".join(printed)

    return run


@pytest.mark.parametrize("name", COMMON)
def test_a_plain_script_prints_what_it_would_print_at_tws(run, name):
    assert run(name) == SAID.joinpath(f"{name}.txt").read_text()


@pytest.mark.slow
@pytest.mark.parametrize("name", EXTREME)
def test_a_plain_script_at_the_edge_prints_what_it_would_print_at_tws(run, name):
    assert run(name) == SAID.joinpath(f"{name}.txt").read_text()


def test_every_script_is_run():
    scripts = {path.stem for path in SCRIPTS.glob("*.py")}
    assert scripts == {*COMMON, *EXTREME, "survive", "buyer", "seller"}


def test_a_script_that_is_cut_off_finds_what_filled_meanwhile():
    with SimulatedGateway() as gateway:
        process = subprocess.Popen(
            [sys.executable, SCRIPTS / "survive.py", str(gateway.port)],
            stdout=subprocess.PIPE,
            text=True,
        )
        printed = [process.stdout.readline(), process.stdout.readline()]
        gateway.refuse(0.5)
        gateway.set_quote("AAPL", "183.90", "183.95")
        printed.append(process.communicate(timeout=GIVE_UP_SECONDS)[0])
    assert "".join(printed) == SAID.joinpath("survive.txt").read_text()


def test_two_programs_trade_with_each_other(start):
    seller = start("seller")
    offered = seller.stdout.readline()
    buyer = start("buyer")
    bought, errors = buyer.communicate(timeout=GIVE_UP_SECONDS)
    sold, _ = seller.communicate(timeout=GIVE_UP_SECONDS)
    assert (buyer.returncode, seller.returncode) == (0, 0), errors
    assert without_library(offered + sold) == [
        "offered 100 AAPL at 185.00",
        "SLD 40 at 185.00, commission 1.00",
        "SLD 60 at 185.00, commission 0.00",
    ]
    assert without_library(bought) == [
        "the ask is 185.00 for 100",
        "BOT 40 at 185.00, commission 1.00",
        "BOT 60 at 185.00, commission 1.00",
    ]


def without_library(printed):
    """Lines without the name of the library that stands before each."""
    return [line.split(": ", 1)[1] for line in printed.splitlines()]
