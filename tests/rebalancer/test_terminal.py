"""What somebody at a terminal sees of a run, and what happens where nobody is."""

import io
import os
import signal

import pytest
from tests.rebalancer.rebalancer_process import PAPER, Folder, end
from tests.rebalancer.run_world import World

from nanobook_rebalancer.progress import Progress
from nanobook_rebalancer.redaction import Redactor
from nanobook_rebalancer.stop import StopFlag
from nanobook_rebalancer.terminal import Terminal

ERASE = "\r\x1b[K"


class Tty(io.StringIO):
    def isatty(self):
        return True


@pytest.fixture
def world(tmp_path):
    return World(tmp_path)


@pytest.fixture
def folder(tmp_path):
    folder = Folder(tmp_path)
    folder.target({"AAA": 0.05})
    return folder


def submitted(name, symbol):
    return {"client_order_id": name, "symbol": symbol}


def test_progress_is_what_has_filled_and_what_is_open():
    progress = Progress(3)
    assert str(progress) == ""
    progress.apply("order_submitted", submitted("1", "MSFT"))
    progress.apply("order_submitted", submitted("2", "AAPL"))
    assert str(progress) == "0 of 3 filled, waiting for AAPL, MSFT"
    progress.apply("order_done", {"client_order_id": "2", "state": "filled"})
    assert str(progress) == "1 of 3 filled, waiting for MSFT"
    progress.apply("order_done", {"client_order_id": "1", "state": "cancelled"})
    assert str(progress) == ""
    progress.apply("order_submitted", submitted("3", "SPY"))
    progress.apply("run_completed", {})
    assert str(progress) == ""


def test_a_plan_that_goes_on_tells_no_number_and_many_symbols_are_counted():
    progress = Progress()
    for at in range(7):
        progress.apply("order_submitted", submitted(str(at), f"S{at}"))
    assert str(progress) == "waiting for S0, S1, S2, S3, S4 and 2 more"


@pytest.mark.parametrize(("term", "is_shown"), [("xterm", True), ("dumb", False), (None, False)])
def test_one_line_of_progress_is_shown_where_it_can_be_erased(world, monkeypatch, term, is_shown):
    screen = Tty()
    monkeypatch.setattr("sys.stderr", screen)
    monkeypatch.delenv("TERM", raising=False)
    if term is not None:
        monkeypatch.setenv("TERM", term)
    world.run({"AAA": 0.1, "BBB": 0.1}, screen=Terminal(redactor=Redactor()))
    lines = screen.getvalue().split("\n")
    assert lines[0] == "  BUY 100 AAA at 100.11: sent"
    assert lines[1] == (
        f"  0 of 2 filled, waiting for AAA{ERASE}" * is_shown + "  BUY 200 BBB at 50.08: sent"
    )
    assert ("waiting" in screen.getvalue()) is is_shown
    assert lines[-1] == ""


def test_it_is_cut_to_the_width_of_the_terminal(world, monkeypatch):
    screen = Tty()
    monkeypatch.setattr("sys.stderr", screen)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "20")
    world.run({"AAA": 0.1}, screen=Terminal(redactor=Redactor()))
    assert f"\n  0 of 1 filled, wa{ERASE}" in screen.getvalue()


def test_nothing_of_it_goes_into_a_pipe(folder):
    _, _, errors = folder.run("run", "target.json", *PAPER, "--force")
    assert errors == ""


needs_hangup = pytest.mark.skipif(not hasattr(signal, "SIGHUP"), reason="no such signal here")


@needs_hangup
def test_a_terminal_that_is_gone_ends_the_run(folder):
    folder.target({"AAA": 0.05, "BBB": 0.05})
    folder.config("[execution]\norder_interval_ms = 3000\n")
    process = folder.start("run", "target.json", *PAPER, "--force")
    folder.wait_for("order_submitted")
    code, _, errors = end(process, signal.SIGHUP)
    assert (code, errors.splitlines()[-1]) == (130, "Interrupted: SIGHUP received")
    assert folder.events[-2:] == ["shutdown", "run_completed"]


@needs_hangup
def test_under_nohup_it_goes_on():
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        stop = StopFlag()
        with stop.installed():
            os.kill(os.getpid(), signal.SIGHUP)
        assert stop.signal == ""
        assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, before)
