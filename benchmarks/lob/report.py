"""What is printed and written: tables, budgets, the machine."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from attrs import frozen
from rich.console import Console
from rich.table import Table

from lob.section import WHEEL, Section


@frozen
class Budget:
    """What a figure has to be, and what would be better still."""

    figure: str
    unit: str
    limit: float | None
    stretch: float | None
    is_upper: bool = True

    def verdict(self, measured: float) -> dict[str, Any]:
        """A row of the table."""
        return {
            "figure": f"{self.figure}, {self.unit}",
            "measured": measured,
            "budget": self._shown(self.limit),
            "met": self._is_met(measured, self.limit),
            "stretch": self._shown(self.stretch),
            "reached": self._is_met(measured, self.stretch),
        }

    def _shown(self, limit: float | None) -> str | None:
        return None if limit is None else f"{'≤' if self.is_upper else '≥'} {limit:g}"

    def _is_met(self, measured: float, limit: float | None) -> str | None:
        if limit is None:
            return None
        return "yes" if (measured <= limit if self.is_upper else measured >= limit) else "no"


BUDGETS = (
    Budget("per call", WHEEL, 2.5, 5, is_upper=False),
    Budget("p50", "µs", 0.5, 0.3),
    Budget("p99", "µs", 2, 1),
    Budget("p99.9", "µs", None, 10),
    Budget("worst", "µs", None, 1_000),
    Budget("worst that came back", "µs", None, 1_000),
    Budget("batch", WHEEL, 10, None, is_upper=False),
    Budget("batch", "times plain C's time", None, 1.5),
    Budget("2 threads", "times one", 1.5, 1.9, is_upper=False),
    Budget("resting order", "bytes", 80, 64),
)


def verdicts(sections: Iterable[Section]) -> list[dict[str, Any]]:
    """A row for each budget whose figure was measured."""
    figures: dict[str, float | None] = {}
    for section in sections:
        figures |= section.figures
    return [
        budget.verdict(measured)
        for budget in BUDGETS
        if (measured := figures.get(f"{budget.figure}, {budget.unit}")) is not None
    ]


def show(console: Console, title: str, rows: Sequence[Mapping[str, Any]], note: str = "") -> None:
    """Print a table whose columns are the keys of its rows, and what there is to say about it."""
    table = Table(title=title, title_justify="left")
    for name in rows[0]:
        table.add_column(name, justify="left" if isinstance(rows[0][name], str) else "right")
    for row in rows:
        table.add_row(*map(_shown, row.values()))
    console.print(table, note, sep="\n", highlight=False)


def _shown(value: Any) -> str:
    if value is None:
        return "-"
    if isinstance(value, float):
        if 0 < abs(value) < 0.005:
            return f"{value:.1e}"
        return f"{value:,.{2 if value < 10 else 1 if value < 1000 else 0}f}"
    return f"{value:,}" if isinstance(value, int) else str(value)


def machine() -> dict[str, Any]:
    """Where it was measured."""
    return {
        "python": platform.python_version(),
        "system": platform.platform(),
        "processor": platform.processor(),
        "processors": os.cpu_count(),
    }
