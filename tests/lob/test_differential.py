"""The engines and the model agree in every answer, and in all that can be seen."""

import subprocess
import sys
from pathlib import Path

import pytest
from tests.lob.differential import compare_state, run_streams
from tests.lob.engines import ENGINES
from tests.lob.model import Model

from nanobook_core.contracts import EventKind

PARTS = 4
#: 1,000,000 requests in all; fewer where only the reference engine is there to be compared.
STREAMS_A_PART = 125 if "native" in ENGINES else 50


def check_variety(counts):
    """Every kind is 2 % of the requests at least, and what goes wrong elsewhere happens often."""
    share = {what: count / counts["requests"] for what, count in counts.items()}
    assert all(share[kind] >= 0.02 for kind in EventKind)
    assert share["stops fired"] >= 0.05
    assert share["cancels behind a fill"] >= 0.01
    assert share["modifies behind a fill"] >= 0.005
    assert share["self-trades prevented"] >= 0.005
    assert counts["cascades of 100 stops"] > 0


@pytest.mark.parametrize("part", range(PARTS))
def test_the_engines_agree(part, met):
    first, *others = reversed(ENGINES.values())
    seeds = range(part * STREAMS_A_PART, (part + 1) * STREAMS_A_PART)
    counts = run_streams([first, *(others or [Model])], seeds, 2000)
    check_variety(counts)
    met.update(counts)


def test_the_model_agrees_with_each_engine(engine, met):
    counts = run_streams([engine, Model], range(10_000, 10_250), 250)
    check_variety(counts)
    met.update(counts)


def test_samples_beyond_the_ten_thousandth_push_the_oldest_out(engine):
    exchanges = [engine(), Model()]
    for exchange in exchanges:
        for number in range(10_003):
            exchange.submit_limit("sell", number * number % 97, 1)
            exchange.submit_market("buy", 1)
        exchange.submit_trailing_stop_market("sell", -(2**62), 1, "atr", 2.5, 2**32 - 1)
        exchange.submit_limit("sell", 1000, 1)
        exchange.submit_market("buy", 1)
    state = compare_state(exchanges)
    assert len(state.atr_samples) == 10_000
    assert state.atr_samples[0] == abs(4 * 4 - 3 * 3)


def test_a_long_run_says_what_it_met_and_where_to_go_on():
    script = Path(__file__).with_name("run_differential.py")
    done = subprocess.run(
        [sys.executable, script, "--requests", "2e4", "--model", "--seed", "77"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert "20,000 requests\n" in done.stdout
    assert "go on with --seed 87\nno divergence\n" in done.stdout
