"""The fuzz by hand, for a moment; and what it would say if something were wrong."""

import gc
import subprocess
import sys
import time
from pathlib import Path
from random import Random

import pytest
from tests.itch import fuzz, model

from nanobook_core.errors import ItchError

ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def _no_old_heap():
    """What the other tests hold is not walked by the collector within an input's second."""
    gc.freeze()
    yield
    gc.unfreeze()


def fuzzed(*arguments):
    """What the command says, in a process of its own: its memory and time are all that count."""
    command = [sys.executable, "-m", "tests.itch.fuzz", *arguments]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_some_inputs_raise_nothing_but_what_they_may():
    said = fuzzed("--inputs", "1000", "--compare", "100")
    assert "1000 inputs of" in said
    assert "strict: a reference that no live order has" in said


@pytest.mark.slow
def test_many_inputs_do_the_same_with_all_kernels():
    said = fuzzed("--inputs", "20000", "--compare", "50", "--seed", "1")
    assert "20000 inputs of" in said


def broken(*_, **__):
    raise IndexError("off by one")


def slow(*_, **__):
    end = time.thread_time() + 1.05
    while time.thread_time() < end:
        pass
    raise ItchError("at byte 0: slow: at last")


@pytest.mark.parametrize(
    ("planted", "said"),
    [(broken, "IndexError: off by one\ninput: "), (slow, "s of processor time\ninput: ")],
)
def test_what_may_not_happen_ends_it(planted, said):
    fuzzing = fuzz.Fuzz(0, 1000)
    fuzzing.decode = planted
    with pytest.raises(fuzz.FailureError, match=said):
        fuzzing.batch(0)


def test_kernels_that_differ_end_it():
    def other(data, memory, **options):
        found = model.decode(data, memory, **options)
        memory.timestamp += 1
        return found

    fuzzing = fuzz.Fuzz(0, 5)
    fuzzing.kernels["itch_decode"]["other"] = other
    with pytest.raises(fuzz.FailureError, match="itch_decode of other is not as the model's"):
        fuzzing.batch(0)


def test_a_seed_gives_the_same_inputs():
    fuzzes = [fuzz.Fuzz(seed, 1000) for seed in (3, 3, 4)]
    random = [Random(5) for _ in fuzzes]  # noqa: S311 - inputs, not secrets
    one, again, other = (
        [fuzz.make_input(draw, each.days) for _ in range(50)]
        for draw, each in zip(random, fuzzes, strict=True)
    )
    assert one == again
    assert one != other
