"""The order book against the published wheels of the original, and against plain Python.

Everything is measured in fresh processes, in turns, as CPU time where it does not say otherwise;
ratios are medians of those of each round. What is compared has done the same: the trades are
compared too. Streams and wheels are kept in benchmarks/.cache; the folder may be deleted.
Run: uv run python benchmarks/order_book.py [--quick] [--only SECTION] [--json FILE]
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import click
from attrs import asdict
from lob.batch import batch, symbols
from lob.call import per_call
from lob.engine import wheels
from lob.footprint import memory, start
from lob.latency import latencies
from lob.report import machine, show, verdicts
from lob.section import QUICK, Measure, Section, Sizes
from rich.console import Console

from nanobook_native import COMPILED

SECTIONS: dict[str, Measure] = {
    section.__name__: section for section in (per_call, latencies, batch, symbols, memory, start)
}


@click.command(help=__doc__)
@click.option("--only", type=click.Choice(list(SECTIONS)), multiple=True, help="Repeatable.")
@click.option("--quick", is_flag=True, help="Small and once: whether it runs, not how fast.")
@click.option("--wheels/--no-wheels", "with_wheels", default=True, help="Against the original?")
@click.option("--json", "path", type=click.Path(path_type=Path), help="Write everything there.")
def main(only: tuple[str, ...], path: Path | None, *, quick: bool, with_wheels: bool) -> None:
    """Print tables; 1 if a budget is missed, 2 if there is nothing to measure."""
    if not COMPILED:
        print(
            "nanobook-native is not compiled. Install a C compiler, then run\n"
            "    NANOBOOK_REQUIRE_COMPILED=1 uv sync --reinstall-package nanobook-native",
            file=sys.stderr,
        )
        raise SystemExit(2)
    sizes, peers = QUICK if quick else Sizes(), wheels() if with_wheels else []
    console = Console() if sys.stdout.isatty() else Console(width=180)
    found: dict[str, Section] = {}
    for name in only or SECTIONS:
        found[name] = SECTIONS[name](sizes, peers)
        show(console, found[name].title, found[name].rows, found[name].note)
    budgets = [] if quick else verdicts(found.values())
    if budgets:
        show(console, "Budgets", budgets)
    if path:
        report = {
            "machine": machine(),
            "sizes": asdict(sizes),
            "sections": {name: asdict(section) for name, section in found.items()},
            "budgets": budgets,
        }
        path.write_text(json.dumps(report, indent=2, ensure_ascii=False), encoding="utf-8")
    raise SystemExit(any(verdict["met"] == "no" for verdict in budgets))


if __name__ == "__main__":
    main()
