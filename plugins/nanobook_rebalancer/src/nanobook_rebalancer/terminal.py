"""The screen of the command line."""

from __future__ import annotations

import sys
from contextlib import suppress
from typing import Any

import click
from attrs import define

from nanobook_core.risk import RiskReport
from nanobook_rebalancer.plan import Plan
from nanobook_rebalancer.redaction import Redactor
from nanobook_rebalancer.screen import Screen

_NOBODY = "there is nobody to ask; --force executes without a question"


@define(kw_only=True)
class Terminal(Screen):
    """Shows the plan and asks; tells of each order as it goes, where somebody watches."""

    redactor: Redactor
    warnings: int = 0
    """Of the plan that is shown."""
    is_json: bool = False
    """Nothing but one JSON document goes to standard output."""

    def plan(self, plan: Plan, risk: RiskReport) -> None:
        """Show trades, estimate of cost, and what the risk gate says."""
        self.warnings = len(risk.warnings)
        click.echo(self.redactor.text(f"{plan}\n\n{risk}\n"), err=self.is_json)

    def confirm(self) -> bool:
        """Ask; no answer is a no."""
        noun = "warning" if self.warnings == 1 else "warnings"
        question = f"{self.warnings} risk {noun}. Execute?" if self.warnings else "Execute?"
        if sys.stdin is None or sys.stdin.closed:
            self.note(_NOBODY)
            return False
        try:
            return click.confirm(question, default=False, err=True)
        except click.Abort as abort:
            click.echo(err=True)  # the line of the question has no end
            if isinstance(abort.__context__, EOFError):
                self.note(_NOBODY)
            return False

    def note(self, text: str) -> None:
        """Say one line."""
        click.echo(self.redactor.text(f"warning: {text}"), err=True)

    def recorded(self, event: str, data: dict[str, Any]) -> None:
        """Tell of orders on a terminal."""
        if not sys.stderr.isatty():
            return
        line = _progress(event, data)
        if line:
            with suppress(OSError):  # nobody looks any more: no reason to leave orders alone
                click.echo(self.redactor.text(line), err=True)


def _progress(event: str, data: dict[str, Any]) -> str:
    match event:
        case "order_submitted":
            return f"  {data['action']} {data['shares']} {data['symbol']} at {data['limit']}: sent"
        case "order_filled":
            return f"  {data['symbol']}: {data['shares']} filled at {data['price']}"
        case "order_done":
            return f"  {data['client_order_id']}: {data['state']} {data['reason']}".rstrip()
        case "order_unknown" | "order_not_sent":
            return f"  {data['client_order_id']}: {data['error']}"
    return ""
