"""The engines and the model agree in every answer, and in all that can be seen."""

import pytest
from tests.lob.differential import run_streams
from tests.lob.engines import ENGINES
from tests.lob.model import Model

from nanobook_core.contracts import EventKind

PARTS = 4
#: 1,000,000 requests in all; fewer where only the reference engine is there to be compared.
STREAMS_A_PART = 125 if "native" in ENGINES else 10


def check_variety(counts):
    """Every kind is 2 % of the requests at least, and what goes wrong elsewhere happens often."""
    share = {what: count / counts["requests"] for what, count in counts.items()}
    assert all(share[kind] >= 0.02 for kind in EventKind)
    assert share["stops fired"] >= 0.05
    assert share["cancels behind a fill"] >= 0.01
    assert share["modifies behind a fill"] >= 0.005
    assert share["self-trades prevented"] >= 0.005


@pytest.mark.parametrize("part", range(PARTS))
def test_the_engines_agree(part, met):
    first, *others = reversed(ENGINES.values())
    seeds = range(part * STREAMS_A_PART, (part + 1) * STREAMS_A_PART)
    counts = run_streams([first, *(others or [Model])], seeds, 2000)
    check_variety(counts)
    assert counts["cascades of 100 stops"] > 0
    met.update(counts)


def test_the_model_agrees_with_each_engine(engine, met):
    counts = run_streams([engine, Model], range(10_000, 10_250), 250)
    check_variety(counts)
    met.update(counts)
