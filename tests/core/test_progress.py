import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

from nanobook_core.progress import track

pty = pytest.importorskip("pty", reason="no terminals of this kind here")

RUN = """
import sys, time, nanobook, numpy as np
from nanobook_core.contracts import Fills
def strategy(bar, prices, portfolio):
    time.sleep(0.4)
    {then}
    return {{"A": 1.0}}
class Slow:
    def fill(self, request):
        time.sleep(0.4)
        bar = request.period
        {then}
        return Fills(order=np.array([0]), quantity=request.quantity, price=request.price)
free = nanobook.CostModel.zero()
def run_backtest():
    nanobook.run_backtest(
        strategy, [{{"A": 100}}] * {periods}, 1000, free, progress={progress}
    )
def simulate():
    one = np.ones(({periods}, 1), int)
    one[1::2] = 0
    nanobook.simulate(
        one.astype(float), 100 + 0 * one, symbols=["A"], cash=1000, costs=free,
        fills=nanobook.SameBar(Slow()), progress={progress},
    )
try:
    {run}()
except (ValueError, KeyboardInterrupt) as error:
    kept = error  # and with it every frame of the run
print("after", file=sys.stderr, flush=True)
time.sleep(0.3)
print("done")
"""
SHOW_CURSOR = b"\x1b[?25h"


@pytest.fixture(params=["run_backtest", "simulate"])
def script(request):
    """A program that runs so many periods, of 0.4 seconds each."""

    def written(then="pass", periods=4, *, progress=True):
        code = RUN.format(run=request.param, then=then, periods=periods, progress=progress)
        return [sys.executable, "-c", code]

    return written


def on_a_terminal(command, until=None, printed=b"done\n"):
    """What a command draws on a terminal, interrupted once it has drawn that."""
    terminal, end = pty.openpty()
    environment = {**os.environ, "TERM": "xterm"}
    # Where tests run in the background interrupts are ignored, and what they start inherits that.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=end, env=environment
    ) as run_there:
        signal.signal(signal.SIGINT, before)
        os.close(end)
        drawn = b""
        while True:
            try:
                chunk = os.read(terminal, 4096)
            except OSError:  # the other end is closed
                break
            if not chunk:
                break
            drawn += chunk
            if until is not None and until in drawn:
                run_there.send_signal(signal.SIGINT)
                until = None
        assert run_there.stdout.read() == printed
    os.close(terminal)
    return drawn


def test_every_item_comes_once_and_in_order():
    assert list(track([3, 1, 2], "work")) == [3, 1, 2]
    assert list(track([], "work")) == []


def test_a_program_without_stderr_does_its_work(monkeypatch):
    monkeypatch.setattr(sys, "stderr", None)
    assert list(track([1, 2], "work")) == [1, 2]


def test_every_item_comes_once_when_the_bar_is_drawn(monkeypatch):
    terminal, end = pty.openpty()
    with os.fdopen(end, "w") as stderr:
        monkeypatch.setattr(sys, "stderr", stderr)
        found = []
        for item in track(list(range(5)), "work"):
            found.append(item)
            time.sleep(0.3)
        monkeypatch.undo()
    os.close(terminal)
    assert found == [0, 1, 2, 3, 4]


def test_long_runs_draw_progress_on_a_terminal(script):
    before, after = on_a_terminal(script()).split(b"after")
    assert b"simulating" in before
    assert before.endswith(b"\x1b[2K")  # the line is empty again
    assert after == b"\r\n"


def test_nothing_is_drawn_where_stderr_is_piped(script):
    piped = subprocess.run(script(), capture_output=True, text=True, check=True)
    assert (piped.stdout, piped.stderr) == ("done\n", "after\n")


@pytest.mark.parametrize("options", [{"progress": False}, {"periods": 1}])
def test_nothing_is_drawn_of_short_runs_and_where_it_is_not_wanted(script, options):
    assert on_a_terminal(script(**options)) == b"after\r\n"


@pytest.mark.parametrize(
    ("then", "until"), [("if bar == 3: raise ValueError", None), ("pass", b"simulating")]
)
def test_the_bar_goes_when_the_run_fails_or_is_interrupted(script, then, until):
    drawn = on_a_terminal(script(then, periods=20), until)
    before, after = drawn.split(b"after")
    assert b"simulating" in before
    assert SHOW_CURSOR in before
    assert after == b"\r\n"


def test_the_command_draws_progress_and_can_be_interrupted(tmp_path):
    days = np.arange(300_000).astype("M8[D]").astype(str).tolist()
    for name, values in (("prices", (100, 101)), ("weights", (0.5, 0.5))):
        rows = [f"{day},{values[row % 2]}\n" for row, day in enumerate(days)]
        (tmp_path / f"{name}.csv").write_text("date,A\n" + "".join(rows))
    command = [sys.executable, "-m", "nanobook", "backtest", "--cost-bps", "5"]
    command += ["--weights", str(tmp_path / "weights.csv"), "--fills", "next-bar"]
    command += ["--prices", str(tmp_path / "prices.csv")]
    drawn = on_a_terminal(command, b"simulating", printed=b"")
    assert drawn.endswith(b"\x1b[2K\r\nInterrupted.\r\n")
    assert b"Traceback" not in drawn
    assert drawn.count(b"\x1b[?25l") == drawn.count(SHOW_CURSOR)
