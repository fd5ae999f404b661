"""Weights on prices, against the original, vectorbt, bt and ten lines of numpy, in one run.

CPU time of whole calls, each way in a process of its own with a time limit, there and back; ratios
are medians of those of each turn. What is exact has to end with the same equity as the original.
Environments of peers are made in benchmarks/.cache on first use; the folder may be deleted.
Run: uv run python benchmarks/simulation.py [--quick] [--only SECTION] [--json FILE]
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click
from backtest.market import MARKETS, Found, goes_into
from lob.report import Budget, machine, show
from lob.section import least
from rich.console import Console

from nanobook_native import COMPILED

WHEELS = ("wheel", "newest_wheel")

#: Section, ours, theirs (the fastest of them), the budget, and what would be better still.
BUDGETS: tuple[tuple[str, str, tuple[str, ...], float, float | None], ...] = (
    ("daily_stops", "lists", WHEELS, 40, 60),
    ("daily_stops", "arrays", WHEELS, 80, 150),
    ("daily", "arrays", ("ten_lines_of_numpy",), 2, 6),
    ("daily", "arrays", ("vectorbt_rust",), 50, 150),
    ("daily_stops", "uncompiled_arrays", WHEELS, 5, None),
)


def verdicts(found: Mapping[str, Found]) -> list[dict[str, Any]]:
    """A row for each budget whose section was measured."""
    rows = []
    for section, ours, theirs, limit, stretch in BUDGETS:
        if section not in found:
            continue
        measured = least(goes_into(found[section], ours, peer) for peer in theirs)
        if measured is not None:
            figure = f"{section}, {ours}"
            budget = Budget(figure, f"times {theirs[0]}", limit, stretch, is_upper=False)
            rows.append(budget.verdict(measured))
    return rows


@click.command(help=__doc__)
@click.option("--only", type=click.Choice(list(MARKETS)), multiple=True, help="Repeatable.")
@click.option("--quick", is_flag=True, help="Small and once: whether it runs, not how fast.")
@click.option("--rounds", type=click.IntRange(min=1), default=3, help="Runs of each process.")
@click.option("--json", "path", type=click.Path(path_type=Path), help="Write everything there.")
def main(only: tuple[str, ...], path: Path | None, *, rounds: int, quick: bool) -> None:
    """Print tables and budgets; 1 if there is nothing compiled to measure."""
    if not COMPILED:
        print(
            "nanobook-native is not compiled. Install a C compiler, then run\n"
            "    NANOBOOK_REQUIRE_COMPILED=1 uv sync --reinstall-package nanobook-native",
            file=sys.stderr,
        )
        raise SystemExit(1)
    console = Console() if sys.stdout.isatty() else Console(width=160)
    found: dict[str, Found] = {}
    for name in only or MARKETS:
        market = MARKETS[name]
        found[name] = market.measure(1, shrunk=40) if quick else market.measure(rounds)
        show(console, f"{name}: {market.title}", market.rows(found[name]), market.note)
    budgets = [] if quick else verdicts(found)
    if budgets:
        show(console, "Budgets", budgets)
    if path:
        report = {"machine": machine(), "sections": found, "budgets": budgets}
        path.write_text(json.dumps(report, indent=2, ensure_ascii=False), encoding="utf-8")


if __name__ == "__main__":
    main()
