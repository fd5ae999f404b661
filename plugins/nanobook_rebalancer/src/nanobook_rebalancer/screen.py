"""What a run shows, and whom it asks: nothing and nobody, unless a command line is there."""

from __future__ import annotations

from typing import Any

from nanobook_core.risk import RiskReport
from nanobook_rebalancer.plan import Plan


class Screen:
    """Shows nothing and says no; subclasses talk to people."""

    def plan(self, plan: Plan, risk: RiskReport) -> None:
        """Show what will be sent."""

    def confirm(self) -> bool:
        """Ask whether to send it, with its warnings."""
        return False

    def note(self, text: str) -> None:
        """Say one line."""

    def recorded(self, event: str, data: dict[str, Any]) -> None:
        """Something was written down."""
