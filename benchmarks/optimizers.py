"""Portfolios against the original, Clarabel, cvxpy, skfolio, Riskfolio-Lib and PyPortfolioOpt.

How far each is above the best that any of them finds, polished; by how much it misses the
constraints; and CPU time of the whole call from returns to weights, on one thread, in a process of
its own with a time limit of 60 s. Ratios are medians of those of each turn.
Environments of peers are made in benchmarks/.cache on first use; the folder may be deleted.
Run: uv run python benchmarks/optimizers.py [--quick] [--only PROBLEM] [--panel PANEL] [--json FILE]
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click
from lob.report import Budget, machine, show
from lob.section import least
from portfolios.panel import PANELS
from portfolios.problem import PROBLEMS
from portfolios.table import Table, measure
from rich.console import Console

GAP = Budget("gap of ours, the largest", "of the best", 1e-9, None)
VIOLATION = Budget("violation of ours, the largest", "of a weight", 1e-12, None)
FASTER = ("min_variance", "max_sharpe", "risk_parity")
LARGE = "factors_500"


def verdicts(found: Mapping[tuple[str, str], Table]) -> list[dict[str, Any]]:
    """A row for each budget that was measured."""
    rows = []
    for budget, name in ((GAP, "gap"), (VIOLATION, "violation")):
        measured = [table.of_ours(name) for table in found.values()]
        largest = least(None if value is None else -value for value in measured)
        if largest is not None:
            rows.append(budget.verdict(-largest))
    for problem in FASTER:
        if (problem, LARGE) in found:
            measured_ratio = found[problem, LARGE].goes_into("clarabel")
            budget = Budget(f"{problem}, N = 500", "times clarabel", 5, None, is_upper=False)
            if measured_ratio is not None:
                rows.append(budget.verdict(measured_ratio))
    return rows


@click.command(help=__doc__)
@click.option("--only", type=click.Choice(list(PROBLEMS)), multiple=True, help="Repeatable.")
@click.option("--panel", type=click.Choice(list(PANELS)), multiple=True, help="Repeatable.")
@click.option("--quick", is_flag=True, help="Real returns, once: whether it runs, not how fast.")
@click.option("--rounds", type=click.IntRange(min=1), default=5, help="Runs of each process.")
@click.option("--json", "path", type=click.Path(path_type=Path), help="Write everything there.")
def main(
    only: tuple[str, ...], panel: tuple[str, ...], path: Path | None, *, rounds: int, quick: bool
) -> None:
    """Print tables; 1 if a budget is missed."""
    console = Console() if sys.stdout.isatty() else Console(width=160)
    panels = panel or (["real"] if quick else list(PANELS))
    found: dict[tuple[str, str], Table] = {}
    turns, runs = (1, 1) if quick else (2, rounds)
    for panel_name in panels:
        for problem_name, table in measure(panel_name, only or tuple(PROBLEMS), turns, runs):
            show(console, table.title, table.rows)
            found[problem_name, panel_name] = table
    budgets = [] if quick else verdicts(found)
    if budgets:
        show(console, "Budgets", budgets)
    if path:
        sections = {
            f"{problem}, {name}": {"rows": table.rows, "found": table.raw}
            for (problem, name), table in found.items()
        }
        report = {"machine": machine(), "sections": sections, "budgets": budgets}
        path.write_text(json.dumps(report, indent=2, ensure_ascii=False), encoding="utf-8")
    raise SystemExit(any(verdict["met"] == "no" for verdict in budgets))


if __name__ == "__main__":
    main()
