"""Sections: memory, and how long the first order takes."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

from lob.engine import FLOOR, OURS, Engine, in_turns
from lob.section import Section, Sizes, column, middle


def memory(sizes: Sizes, wheels: Sequence[Engine]) -> Section:
    """Resident memory by resting orders that were submitted one by one."""
    tasks: dict[str, Any] = {
        engine.name: partial(engine.measure, "memory", engine=engine.target, n=sizes.memory)
        for engine in (OURS, *wheels, FLOOR)
    }
    tasks["ours, no log"] = partial(
        OURS.measure, "memory", engine=OURS.target, n=sizes.memory, log_events=False
    )
    found = in_turns(tasks, min(sizes.rounds, 3))
    rows: list[dict[str, Any]] = [
        {"engine": name, "bytes an order": middle(column(rounds, "bytes"))}
        for name, rounds in found.items()
    ]
    return Section(
        "Memory", rows, figures={"resting order, bytes": rows[0]["bytes an order"]}, raw=found
    )


def start(sizes: Sizes, wheels: Sequence[Engine]) -> Section:
    """CPU time of what comes before the second order, each time in a fresh interpreter."""
    found = in_turns({engine.name: engine.start for engine in (OURS, *wheels)}, sizes.starts)
    steps = {"import, ms": 1e6, "Exchange(), ms": 1e6, "1st order, µs": 1e3, "2nd order, µs": 1e3}
    rows = [
        {"engine": name}
        | {
            step: middle([taken and taken[at] / unit for taken in rounds])
            for at, (step, unit) in enumerate(steps.items())
        }
        for name, rounds in found.items()
    ]
    return Section("Import and first call", rows, raw=found)
