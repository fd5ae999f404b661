"""Section: request by request from Python."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

from lob.engine import FLOOR, OURS, Engine, in_turns
from lob.section import WHEEL, Section, Sizes, check_equal, column, least, middle, ratio
from lob.stream import stream

MIXED = "mixed, with the touch"
OPERATIONS = (
    "submit",
    "match",
    "cancel",
    "modify",
    "best_bid_ask",
    "depth(10), unread",
    "depth(10), read",
)


def per_call(sizes: Sizes, wheels: Sequence[Engine]) -> Section:
    """Our mix, asking for the touch after each request, and every operation by itself."""
    peers = (*wheels, FLOOR)
    found = in_turns({e.name: partial(_all, e, sizes) for e in (OURS, *peers)}, sizes.rounds)
    check_equal("the mix", found)
    rows: list[dict[str, Any]] = []
    for operation in (MIXED, *OPERATIONS):
        taken = {name: column(rounds, operation) for name, rounds in found.items()}
        rows.append(
            {"ns": operation}
            | {name: middle(values) for name, values in taken.items()}
            | {f"{e.name} / ours": ratio(taken[e.name], taken[OURS.name]) for e in peers}
        )
    return Section(
        "Per call",
        rows,
        figures={f"per call, {WHEEL}": least(rows[0][f"{wheel.name} / ours"] for wheel in wheels)},
        raw=found,
    )


def _all(engine: Engine, sizes: Sizes) -> dict[str, Any]:
    path = str(stream("mixed", sizes.mixed))
    mixed = engine.measure("mixed", engine=engine.target, path=path, n=sizes.mixed, touch=True)
    single = engine.measure("operations", engine=engine.target, n=sizes.operations)
    return {MIXED: mixed["ns"], **single, "digest": mixed["digest"]}
