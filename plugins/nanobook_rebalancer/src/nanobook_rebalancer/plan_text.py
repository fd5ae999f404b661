"""A plan for people: as text, and as HTML for a notebook."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape
from io import StringIO
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table

from nanobook_rebalancer.decimal_text import account_text, decimal_text, money_text

if TYPE_CHECKING:
    from nanobook_rebalancer.plan import Plan

_COLUMNS = ("#", "Action", "Symbol", "Quantity", "Limit", "Mark", "Value", "")
_LEFT = ("Action", "Symbol", "")
_WIDTH = 120


def plan_text(plan: Plan) -> str:
    """A line of what it is for, a table of its legs, and lines of what else there is to know."""
    table = Table(box=None, pad_edge=False, header_style="")
    for column in _COLUMNS:
        table.add_column(column, justify="left" if column in _LEFT else "right", no_wrap=True)
    for row in _rows(plan):
        table.add_row(*row)
    written = StringIO()
    console = Console(file=written, width=_WIDTH, color_system=None, markup=False, highlight=False)
    if plan.legs:
        console.print(table)
    rows = (line.rstrip() for line in written.getvalue().splitlines())
    return "\n".join((_title(plan), *rows, *_notes(plan)))


def plan_html(plan: Plan) -> str:
    """The same as a table of HTML, everything in it escaped."""
    head = "".join(f"<th>{column}</th>" for column in _COLUMNS)
    rows = "".join(
        f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in row)}</tr>" for row in _rows(plan)
    )
    table = f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"
    notes = "<br>".join(escape(line) for note in _notes(plan) for line in note.splitlines())
    return f"<div><p>{escape(_title(plan))}</p>{table if plan.legs else ''}<p>{notes}</p></div>"


def _title(plan: Plan) -> str:
    equity = account_text(plan.equity, plan.currency)
    return f"Plan of {plan.window} for account {plan.account_id}, equity {equity}"


def _rows(plan: Plan) -> Iterator[tuple[str, ...]]:
    for leg in plan.legs:
        waits = "" if leg.after is None else f", after {leg.after}"
        yield (
            str(leg.number),
            leg.action.value,
            leg.symbol,
            decimal_text(leg.quantity),
            decimal_text(leg.limit),
            decimal_text(leg.mark),
            money_text(leg.notional, plan.currency),
            leg.description + waits,
        )


def _notes(plan: Plan) -> Iterator[str]:
    yield from plan.warnings
    if not plan.legs:
        yield "No rebalancing needed"
    for trade in plan.skipped:
        yield f"not traded: {trade.symbol}: {trade.reason}"
    if plan.legs:
        yield f"Estimated cost: {plan.cost}"
    if plan.risk is not None:
        yield str(plan.risk)
