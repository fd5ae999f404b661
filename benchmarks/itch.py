"""ITCH against the original's wheels, itch-book, itchfeed and meatpy: one run, from file to result.

Each way in a process of its own with a time limit, in turns, there and back, several times within a
process; the best of all is shown, of CPU time and of wall time. A budget is held by CPU time, as
that does not depend on who else is at the machine. Ways that are said to do the same are compared:
numbers of rows and sums of prices. Feeds and environments of peers are made in benchmarks/.cache on
first use; the folder may be deleted.
Run: uv run python benchmarks/itch.py [--quick] [--only SECTION] [--json FILE]
"""

from __future__ import annotations

import json
import sys
from functools import partial
from pathlib import Path
from typing import Any

import click
from lob.engine import in_turns
from lob.report import Budget, machine, show
from nasdaq.day import day, live, packed, without_listings
from nasdaq.table import LIMITS, SECTIONS, Section
from nasdaq.way import Way
from rich.console import Console

from nanobook_native import COMPILED

MESSAGES, QUICK, SMALL = 5_000_000, 1_000_000, 20_000
REPEATS = 3
"""Runs within a process: the first pays for memory that nobody has touched yet."""


@click.command(help=__doc__)
@click.option("--only", type=click.Choice(list(SECTIONS)), multiple=True, help="Repeatable.")
@click.option("--quick", is_flag=True, help="Small and once: whether it runs, not how fast.")
@click.option("--rounds", type=click.IntRange(min=1), default=3, help="Processes of each.")
@click.option("--json", "path", type=click.Path(path_type=Path), help="Write everything there.")
def main(only: tuple[str, ...], path: Path | None, *, rounds: int, quick: bool) -> None:
    """Print tables and budgets; 1 if one is missed, 2 if there is nothing compiled to measure."""
    if not COMPILED:
        print(
            "nanobook-native is not compiled. Install a C compiler, then run\n"
            "    NANOBOOK_REQUIRE_COMPILED=1 uv sync --reinstall-package nanobook-native",
            file=sys.stderr,
        )
        raise SystemExit(2)
    console = Console() if sys.stdout.isatty() else Console(width=160)
    messages, rounds = (QUICK, 1) if quick else (MESSAGES, rounds)
    found: dict[str, dict[str, Any]] = {}
    for name in only or SECTIONS:
        section = SECTIONS[name]
        found[name] = _measured(section, messages, rounds, 1 if quick else REPEATS)
        show(console, f"{name}: {section.title}", _rows(section, found[name]))
    budgets = [] if quick else _verdicts(found)
    if budgets:
        show(console, "Budgets", budgets)
    if path:
        report = {"machine": machine(), "messages": messages, "sections": found, "budgets": budgets}
        path.write_text(json.dumps(report, indent=2), encoding="utf-8")
    raise SystemExit(any(verdict["met"] == "no" for verdict in budgets))


def _measured(section: Section, messages: int, rounds: int, repeats: int) -> dict[str, Any]:
    """Of each way the best seconds, its messages, memory and result; None where it was too slow."""
    counts = {way.name: messages // way.part for way in section.ways}
    if any(way.is_live for way in section.ways):
        counts = {way.name: messages // 5 for way in section.ways}
    tasks = {
        way.name: partial(way.measure, _source(way, counts[way.name]), repeats, _source(way, SMALL))
        for way in section.ways
    }
    found: dict[str, Any] = {}
    for name, outcomes in in_turns(tasks, rounds).items():
        if None in outcomes:
            found[name] = None
            continue
        runs = [run for outcome in outcomes for run in outcome["runs"]]
        found[name] = {
            "messages": counts[name],
            "cpu": min(run["cpu"] for run in runs),
            "wall": min(run["wall"] for run in runs),
            "first": min(outcome["runs"][0]["cpu"] for outcome in outcomes),
            "peak": min(outcome["peak"] for outcome in outcomes),
            "grown": min(outcome["grown"] for outcome in outcomes),
            "result": outcomes[0]["result"],
        }
    _compare(section, found)
    return found


def _source(way: Way, messages: int) -> Path:
    if way.is_live:
        return live(messages)
    if not way.has_listings:
        return without_listings(messages)
    return packed(messages) if way.is_packed else day(messages)


def _compare(section: Section, found: dict[str, Any]) -> None:
    for key in section.same:
        results = {
            way.name: found[way.name]["result"][key]
            for way in section.ways
            if way.part == 1 and found[way.name] is not None and key in found[way.name]["result"]
        }
        if len(set(results.values())) > 1:
            raise SystemExit(f"{section.title}: {key} is not the same: {results}")


def _rate(found: Any, clock: str) -> float | None:
    return None if found is None else found["messages"] / found[clock] / 1e6


def _times_peer(section: Section, found: dict[str, Any], way: str, clock: str) -> float | None:
    """How many times as fast as the fastest peer."""
    ours = _rate(found[way], clock)
    peers = [_rate(found[each.name], clock) for each in section.ways if each.is_peer]
    best = [rate for rate in peers if rate is not None]
    return ours / max(best) if ours is not None and best else None


def _rows(section: Section, found: dict[str, Any]) -> list[dict[str, Any]]:
    rows = []
    for way in section.ways:
        one = found[way.name]
        row = {
            "way": way.name,
            "does": way.does if way.part == 1 else f"{way.does}; 1/{way.part} of the messages",
            "M/s, CPU": _rate(one, "cpu"),
            "M/s, wall": _rate(one, "wall"),
            "first run, CPU": _rate(one, "first"),
            "times peer, CPU": _times_peer(section, found, way.name, "cpu"),
            "times peer, wall": _times_peer(section, found, way.name, "wall"),
            "MB, peak": one and one["peak"] / 1e6,
        }
        if way.is_live:
            row["MB, of it new"] = one and one["grown"] / 1e6
            row["bytes/order, told"] = one and one["result"].get("bytes_per_live")
        rows.append(row)
    return rows


def _verdicts(found: dict[str, dict[str, Any]]) -> list[dict[str, Any]]:
    rows = []
    for limit in LIMITS:
        if limit.section in found:
            section = SECTIONS[limit.section]
            times = _times_peer(section, found[limit.section], limit.way, "cpu")
            if times is not None:
                budget = Budget(
                    limit.figure, "CPU time", limit.budget, limit.stretch, is_upper=False
                )
                rows.append(budget.verdict(times))
    return rows


if __name__ == "__main__":
    main()
