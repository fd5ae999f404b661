"""Sections: a whole array of requests at once, on one book and on many."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

from lob import plain
from lob.engine import OURS, Engine, in_turns
from lob.section import WHEEL, Section, Sizes, check_equal, column, least, middle, ratio
from lob.stream import MIXES, stream

APPLY = {"apply, log on": True, "apply, log off": False}
PLAIN_C = "plain C"
COUNTS = (1, 8, 64)


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

    def row(mix: str, n: int, who: str) -> dict[str, Any]:
        ns = middle(taken[mix, n, who])
        return {
            "mix": mix,
            "requests": n,
            "who": who,
            "ns a request": ns,
            "of it in the system": middle(column(found[mix, n, who], "kernel_ns")),
            "millions a second": ns and 1e3 / ns,
        } | {
            f"{peer} / this": ratio(taken[mix, sizes.batch, peer], taken[mix, n, who])
            for peer in peers
        }

    rows = [row(*task) for task in tasks]
    main = row("mixed", sizes.batch, "apply, log on")
    return Section(
        "Batch",
        rows,
        figures={
            f"batch, {WHEEL}": least(main[f"{wheel.name} / this"] for wheel in wheels),
            "batch, times plain C's time": 1 / main[f"{PLAIN_C} / this"]
            if PLAIN_C in peers
            else None,
        },
        raw={" ".join(map(str, task)): rounds for task, rounds in found.items()},
    )


def symbols(sizes: Sizes, _: Sequence[Engine]) -> Section:
    """Wall time of `MultiExchange.apply`, on one thread and on two."""
    path = str(stream("mixed", sizes.symbols))
    found = in_turns(
        {
            (count, threads): partial(
                OURS.measure, "symbols", path=path, n=sizes.symbols, count=count, threads=threads
            )
            for count in COUNTS
            for threads in (1, 2)
        },
        sizes.rounds,
    )
    rows = []
    for count in COUNTS:
        check_equal(f"{count} symbols", {n: found[count, n] for n in (1, 2)})
        one, two = (column(found[count, threads], "ns") for threads in (1, 2))
        rows.append(
            {
                "symbols": count,
                "1 thread, ns a request": middle(one),
                "2 threads, ns a request": middle(two),
                "1 / 2": ratio(one, two),
                "fastest of 1 / fastest of 2": ratio([least(one)], [least(two)]),
            }
        )
    return Section(
        "Symbols and threads, wall time",
        rows,
        figures={"2 threads, times one": rows[-1]["1 / 2"]},
        raw={f"{count} symbols, {n} threads": rounds for (count, n), rounds in found.items()},
    )
