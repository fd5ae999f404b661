"""The screen of the command line."""

from __future__ import annotations

import os
import shutil
import sys
from contextlib import suppress
from typing import Any

import click
from attrs import define, field

from nanobook_core.risk import RiskReport
from nanobook_rebalancer.plan import Plan
from nanobook_rebalancer.progress import Progress
from nanobook_rebalancer.redaction import Redactor
from nanobook_rebalancer.screen import Screen

_ERASE = "\r\x1b[K"


@define(kw_only=True)
class Terminal(Screen):
    """Shows the plan and asks; tells of each order as it goes, where somebody watches."""

    redactor: Redactor
    warnings: int = 0
    """Of the plan that is shown."""
    is_json: bool = False
    """Nothing but one JSON document goes to standard output."""
    progress: Progress = field(factory=Progress)
    _shown: str = ""
    """The line of progress as it stands on the terminal."""

    def plan(self, plan: Plan, risk: RiskReport) -> None:
        """Show trades, estimate of cost, and what the risk gate says."""
        self.warnings, self.progress = len(risk.warnings), Progress(len(plan.legs))
        click.echo(self.redactor.text(f"{plan}\n\n{risk}\n"), err=self.is_json)

    def confirm(self) -> bool:
        """Ask; no answer is a no."""
        noun = "warning" if self.warnings == 1 else "warnings"
        question = f"{self.warnings} risk {noun}. Execute?" if self.warnings else "Execute?"
        try:
            return click.confirm(question, default=False, err=True)
        except click.Abort as abort:
            is_nobody = isinstance(abort.__context__, EOFError)
        except (OSError, RuntimeError):  # standard input is closed
            is_nobody = True
        click.echo(err=True)  # the line of the question has no end
        if is_nobody:
            self.note("there is nobody to ask; --force executes without a question")
        return False

    def note(self, text: str) -> None:
        """Say one line."""
        click.echo(self.redactor.text(f"warning: {text}"), err=True)

    def recorded(self, event: str, data: dict[str, Any]) -> None:
        """Tell of orders on a terminal."""
        if not sys.stderr.isatty():
            return
        self.progress.apply(event, data)
        with suppress(OSError):  # nobody looks any more: no reason to leave orders alone
            self._say(_line(event, data), "" if _is_dumb() else str(self.progress))

    def _say(self, line: str, progress: str) -> None:
        """Print a line, if it is not blank, above that of progress."""
        if not line and progress == self._shown:
            return
        if self._shown:
            click.echo(_ERASE, err=True, nl=False)
        if line:
            click.echo(self.redactor.text(line), err=True)
        self._shown = progress
        if progress:
            width = shutil.get_terminal_size().columns - 1
            click.echo(self.redactor.text(f"  {progress}")[:width], err=True, nl=False)


def _is_dumb() -> bool:
    """Whether the terminal cannot erase a line."""
    return os.environ.get("TERM", "dumb") == "dumb"


def _line(event: str, data: dict[str, Any]) -> str:
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
