"""Sections: a whole array of requests at once, on one book and on many."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

from lob import plain
from lob.engine import OURS, Engine, in_turns
from lob.section import WHEEL, Rounds, Section, Sizes, check_equal, column, least, middle, ratio
from lob.stream import MIXES, stream

APPLY = {"apply, log on": True, "apply, log off": False}
PLAIN_C = "plain C"
COUNTS = (1, 8, 64)
HASHING = "sha256"


def batch(sizes: Sizes, wheels: Sequence[Engine]) -> Section:
    """Rate of `apply`, against the original's rate call by call on the same mix.

    What its calls return is read; the touch is not asked for, as `apply` does not tell it. The log
    of the original cannot be switched off.
    """
    cases = [("mixed", n) for n in sizes.batches] + [("published", sizes.batch)]
    paths = {mix: str(stream(mix, max(n for of, n in cases if of == mix))) for mix in MIXES}
    peers = [wheel.name for wheel in wheels] + [PLAIN_C] * bool(plain.compiler())
    tasks: dict[tuple[str, int, str], Any] = {}
    for mix, n in cases:
        path = paths[mix]
        for who, log in APPLY.items():
            tasks[mix, n, who] = partial(OURS.measure, "batch", path=path, n=n, log_events=log)
        if n == sizes.batch:
            for wheel in wheels:
                tasks[mix, n, wheel.name] = partial(
                    wheel.measure, "mixed", engine=wheel.target, path=path, n=n, touch=False
                )
            if PLAIN_C in peers:
                tasks[mix, n, PLAIN_C] = partial(plain.measure, path, n)
    found = in_turns(tasks, sizes.rounds)
    for case in cases:
        check_equal(str(case), {task: found[task] for task in found if task[:2] == case})
    taken = {task: column(rounds, "ns") for task, rounds in found.items()}
    own = {task: _without_system(rounds) for task, rounds in found.items()}

    def row(mix: str, n: int, who: str) -> dict[str, Any]:
        ns = middle(taken[mix, n, who])
        return {
            "mix": mix,
            "requests": n,
            "who": who,
            "ns a request": ns,
            "of it in the system": middle(column(found[mix, n, who], "kernel_ns")),
            "millions a second": ns and 1e3 / ns,
            **{
                f"{peer} / this": ratio(taken[mix, sizes.batch, peer], taken[mix, n, who])
                for peer in peers
            },
            "fastest wheel / this, less the system": least(
                ratio(own[mix, sizes.batch, wheel.name], own[mix, n, who]) for wheel in wheels
            ),
        }

    rows = [row(*task) for task in tasks]
    main = row("mixed", sizes.batch, "apply, log on")
    return Section(
        "Batch",
        rows,
        note="In the system: its part is to hand out memory, and costs more or less by the hour.",
        figures={
            f"batch, {WHEEL}": least(main[f"{wheel.name} / this"] for wheel in wheels),
            "batch, times plain C's time": 1 / main[f"{PLAIN_C} / this"]
            if PLAIN_C in peers
            else None,
        },
        raw={" ".join(map(str, task)): rounds for task, rounds in found.items()},
    )


def _without_system(rounds: Rounds) -> list[float | None]:
    return [found and found["ns"] - found.get("kernel_ns", 0) for found in rounds]


def symbols(sizes: Sizes, _: Sequence[Engine]) -> Section:
    """Wall time of `MultiExchange.apply`, on one thread and on two; and of hashing, to compare."""
    path, n = str(stream("mixed", sizes.symbols)), sizes.symbols
    tasks: dict[tuple[str, int], Any] = {}
    for threads in (1, 2):
        for count in COUNTS:
            tasks[str(count), threads] = partial(
                OURS.measure, "symbols", path=path, n=n, count=count, threads=threads
            )
        tasks[HASHING, threads] = partial(OURS.measure, "hashing", threads=threads)
    found = in_turns(tasks, sizes.rounds)
    rows: list[dict[str, Any]] = []
    for what in (*map(str, COUNTS), HASHING):
        if what != HASHING:
            check_equal(f"{what} symbols", {threads: found[what, threads] for threads in (1, 2)})
        one, two = (column(found[what, threads], "ns") for threads in (1, 2))
        rows.append(
            {
                "symbols": what,
                "1 thread, ns a request": middle(one),
                "2 threads, ns a request": middle(two),
                "1 / 2": ratio(one, two),
                "fastest of 1 / fastest of 2": ratio([least(one)], [least(two)]),
            }
        )
    return Section(
        "Symbols and threads, wall time",
        rows,
        note=f"Two threads can bring what they bring to {HASHING}, whose unit is a byte.",
        figures={"2 threads, times one": rows[len(COUNTS) - 1]["1 / 2"]},
        raw={f"{what}, {threads} threads": found[what, threads] for what, threads in tasks},
    )
