"""What a run came to."""

from __future__ import annotations

from html import escape
from typing import Any

from attrs import frozen

from nanobook_core.risk import RiskReport
from nanobook_rebalancer.plan import Plan
from nanobook_rebalancer.reconcile import Reconciliation
from nanobook_rebalancer.report import ExecutionReport

#: Exit code of the command by how a run ended: 0 only where all that was planned was done.
EXIT_CODES = {
    "done": 0,
    "dry_run": 0,
    "error": 1,
    "refused": 2,
    "declined": 3,
    "incomplete": 3,
    "review": 4,
    "halted": 5,
    "locked": 6,
    "interrupted": 130,
}


@frozen(kw_only=True, repr=False)
class Result:
    """How a run ended, and what there is to show of it."""

    status: str
    """A key of `EXIT_CODES`."""
    message: str = ""
    """One line for people: why."""
    window: str = ""
    plan: Plan | None = None
    risk: RiskReport | None = None
    report: ExecutionReport | None = None
    reconciliation: Reconciliation | None = None
    review: tuple[str, ...] = ()
    """What a person has to look at, one line each."""
    notes: tuple[str, ...] = ()
    """What else a person should know, one line each."""

    @property
    def exit_code(self) -> int:
        """Of the command."""
        return EXIT_CODES[self.status]

    @property
    def details(self) -> str:
        """What was traded, what is held, and what a person has to look at; may be blank."""
        parts = [str(part) for part in (self.report, self.reconciliation) if part is not None]
        review = (line for line in self.review if line != self.message)  # that is the ending
        return "\n\n".join([*parts, *(f"REVIEW: {line}" for line in review)])

    @property
    def ending(self) -> str:
        """One line: how it ended."""
        return (
            self.message if self.exit_code == 0 else f"{self.status.capitalize()}: {self.message}"
        )

    def __str__(self) -> str:
        return f"{self.details}\n\n{self.ending}".lstrip()

    __repr__ = __str__

    def _repr_html_(self) -> str:
        return f"<pre>{escape(str(self))}</pre>"

    def to_dict(self) -> dict[str, Any]:
        """Return it for JSON."""
        return {
            "status": self.status,
            "message": self.message,
            "window": self.window,
            "plan": None if self.plan is None else self.plan.to_data(),
            "risk": None if self.risk is None else self.risk.to_dicts(),
            "report": None if self.report is None else self.report.to_dict(),
            "reconciliation": None
            if self.reconciliation is None
            else self.reconciliation.to_dict(),
            "review": list(self.review),
            "notes": list(self.notes),
        }
