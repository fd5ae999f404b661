"""Sections of the benchmark: one problem on one panel, in all ways."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
from attrs import frozen
from lob.engine import in_turns
from lob.section import Rounds, column, middle, ratio

from portfolios.case import Case
from portfolios.panel import PANELS
from portfolios.problem import PROBLEMS, violation
from portfolios.way import LIMIT_S, WAYS

OURS = WAYS[0].name


@frozen
class Table:
    """What was found."""

    title: str
    rows: Sequence[dict[str, Any]]
    raw: Mapping[str, Rounds]
    """What each way found in each turn."""

    def goes_into(self, theirs: str) -> float | None:
        """How often our time goes into theirs, turn by turn; None if they have none."""
        ours = self.raw[OURS]
        return ratio(column(self.raw[theirs], "ms"), column(ours, "ms"))

    def of_ours(self, name: str) -> float | None:
        """One number of our row."""
        value: float | None = self.rows[0][name]
        return value


def measure(
    panel_name: str, problem_names: Sequence[str], turns: int, runs: int
) -> Iterator[tuple[str, Table]]:
    """All ways in turns, there and back: a table for each problem."""
    where, returns = PANELS[panel_name].write(panel_name)
    tasks = {way.name: partial(way.measure, problem_names, where, runs) for way in WAYS}
    found = in_turns(tasks, turns)
    for name in problem_names:
        raw = {way: [turn[name] for turn in of_way] for way, of_way in found.items()}
        yield name, judged(Case(name, returns), PANELS[panel_name].title, raw)


def judged(case: Case, panel: str, raw: Mapping[str, Rounds]) -> Table:
    """What the weights of each way are worth."""
    problem = PROBLEMS[case.problem]
    weights = {
        name: np.array(found[0]["weights"])
        for name, found in raw.items()
        if found[0] and "weights" in found[0]
    }
    best = problem.best(weights.values(), case) if problem.has_optimum else None
    rows = []
    for way in WAYS:
        first, w = raw[way.name][0], weights.get(way.name)
        reason = first.get("failed") if first else f"takes longer than {LIMIT_S} s"
        rows.append(
            {
                "way": way.name,
                "gap": None if best is None or w is None else problem.gap(w, best, case),
                "violation": None if w is None else violation(w, case),
                "ms": middle(column(raw[way.name], "ms")),
                "times ours": ratio(column(raw[way.name], "ms"), column(raw[OURS], "ms")),
                "variance / 1/N": None if w is None else to_equal(w, case),
                "note": way.note if w is not None else str(reason)[:60],
            }
        )
    return Table(f"{problem.title}: {panel}", rows, raw)


def to_equal(weights: Any, case: Case) -> float:
    """Variance as a part of that of equal weights."""
    covariance, _ = case.scaled()
    return float(weights @ covariance @ weights / covariance.mean())
