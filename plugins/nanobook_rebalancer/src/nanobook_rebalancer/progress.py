"""How far a run is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from attrs import define, field

_MOST = 5


@define
class Progress:
    """What is waited for, by the events of the audit log."""

    planned: int = 0
    """Number of orders of the plan; 0 where it is not known."""
    filled: int = 0
    waiting: dict[str, str] = field(factory=dict)
    """Symbols of open orders, by client order id."""

    def apply(self, event: str, data: Mapping[str, Any]) -> None:
        """Take one event in."""
        match event:
            case "order_submitted":
                self.waiting[data["client_order_id"]] = data["symbol"]
            case "order_done":
                self.waiting.pop(data["client_order_id"], None)
                self.filled += data["state"] == "filled"
            case "run_completed":
                self.waiting.clear()

    def __str__(self) -> str:
        """Return one line, `2 of 5 filled, waiting for MSFT`; blank where nothing is open."""
        if not self.waiting:
            return ""
        symbols = sorted(set(self.waiting.values()))
        further = len(symbols) - _MOST
        listed = ", ".join(symbols[:_MOST]) + (f" and {further} more" if further > 0 else "")
        done = f"{self.filled} of {self.planned} filled, " if self.planned else ""
        return f"{done}waiting for {listed}"
