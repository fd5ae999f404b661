"""What never returns fails, and does not stop the run."""

import gc
import signal
import subprocess
import sys
import textwrap

import pytest
from tests.lob.hang_guard import HangError, time_limit
from tests.lob.model import Model


class Hanging(Model):
    """Matches for ever with an order that has nothing left, as the original does."""

    def take_off(self, order, quantity):
        order.remaining -= quantity
        return quantity


@pytest.fixture
def no_collector():
    """What a handler raises within a callback of the collector is lost, and reported for itself."""
    gc.disable()
    yield
    gc.enable()


@pytest.mark.usefixtures("no_collector")
def test_an_engine_that_never_returns_is_ended():
    exchange = Hanging()
    exchange.submit_limit("buy", 100, 1)
    with pytest.raises(HangError, match=r"after 0\.2 s"), time_limit(0.2):
        exchange.submit_limit("sell", 100, 2)


def test_compiled_code_that_never_returns_is_ended_and_reported():
    hang = """
        from itertools import repeat
        from tests.lob.hang_guard import time_limit

        with time_limit(0.2, grace=0.2):
            sum(repeat(0))  # in C, with the interpreter held, deaf to signals
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(hang)],
        cwd=__file__.rpartition("/tests/")[0],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 1
    assert "Timeout (0:00:00.400000)!" in done.stderr
    assert 'File "<string>", line 6' in done.stderr


def test_every_test_here_has_the_limit():
    assert 0 < signal.getitimer(signal.ITIMER_REAL)[0] <= 400


def test_the_limit_ends_with_what_it_guards():
    before = signal.getitimer(signal.ITIMER_REAL)[0]
    with time_limit(300):
        pass
    assert signal.getitimer(signal.ITIMER_REAL) == (0, 0)
    assert before > 0
