"""Section: how long single calls take, the longest too, and why."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from attrs import frozen
from numpy.typing import NDArray

from lob.engine import NOTHING, OURS, Engine
from lob.section import Section, Sizes
from lob.stream import stream

QUANTILES = {"p50": 50.0, "p99": 99.0, "p99.9": 99.9, "p99.99": 99.99, "worst": 100.0}
WATCHED = 1_000
EXPLAINED = 20


@frozen(eq=False)
class Run:
    """Nanoseconds of each call, less the clock's own, and what may explain some of them."""

    taken: NDArray[np.int64]
    collections: Mapping[int, int]
    """Nanoseconds of a garbage collection, by the call in which or before which it ran."""
    faults: Mapping[int, int]
    """Page faults in the calls that were watched."""
    waits: int
    """How often the process had to wait for a processor."""


def latencies(sizes: Sizes, wheels: Sequence[Engine]) -> Section:
    """Percentiles with the garbage collector on; ours twice, as not all of it comes back."""
    path, n = stream("mixed", sizes.latencies), sizes.latencies
    first = _run(OURS, path, n)
    again = _run(OURS, path, n, _longest(first.taken, WATCHED))
    own = np.minimum(first.taken, again.taken)
    taken = {
        "ours": first.taken,
        "ours again": again.taken,
        "ours, the shorter of both": own,
        "the same loop with nothing in it": _run(NOTHING, path, n).taken,
    }
    for wheel in wheels:
        with suppress(TimeoutError):
            taken[wheel.name] = _run(wheel, path, sizes.wheel_latencies).taken
    rows = [{"µs": name} | _quantiles(values) for name, values in taken.items()]
    return Section(
        "Single calls, with the garbage collector on",
        rows,
        note=_causes(first, again, own),
        figures={f"{name}, µs": rows[0][name] for name in QUANTILES}
        | {"worst that came back, µs": rows[2]["worst"]},
    )


def _run(engine: Engine, path: Path, n: int, watched: Sequence[int] = ()) -> Run:
    with TemporaryDirectory() as folder:
        into = Path(folder, "taken")
        found = engine.measure(
            "latencies",
            limit_s=300,
            engine=engine.target,
            path=str(path),
            n=n,
            into=str(into),
            watched=watched,
        )
        taken = np.maximum(np.fromfile(into, np.int64) - found["clock_ns"], 0)
    return Run(taken, dict(found["collections"]), dict(found["faults"]), found["waits"])


def _longest(taken: NDArray[np.int64], n: int) -> list[int]:
    longest: list[int] = taken.argsort()[: -n - 1 : -1].tolist()
    return longest


def _quantiles(taken: NDArray[np.int64]) -> dict[str, Any]:
    found = np.percentile(taken, list(QUANTILES.values())) / 1e3
    return {"calls": len(taken)} | dict(zip(QUANTILES, found.tolist(), strict=True))


def _causes(first: Run, again: Run, own: NDArray[np.int64]) -> str:
    watched = np.array(_longest(first.taken, WATCHED))
    is_back = again.taken[watched] >= first.taken[watched] / 2
    causes = [_cause(at, first, again, own) for at in _longest(own, EXPLAINED)]
    counted = ", ".join(f"{count} {cause}" for cause, count in Counter(causes).most_common())
    return (
        f"{is_back.sum():,} of the {len(watched):,} longest calls took at least half as long in "
        f"the second run. The others are the machine's: the process waited {first.waits:,} and "
        f"{again.waits:,} times for a processor. The longest that came back, "
        f"{own.max() / 1e3:.1f} µs, is request {own.argmax() + 1:,}: {causes[0]}. "
        f"The {len(causes)} longest that did: {counted}."
    )


def _cause(at: int, first: Run, again: Run, own: NDArray[np.int64]) -> str:
    if all(0 < run.collections.get(at, 0) <= own[at] for run in (first, again)):
        return "garbage collection"
    if again.faults.get(at):
        return "new memory, with page faults"
    return "work of the request's own"
