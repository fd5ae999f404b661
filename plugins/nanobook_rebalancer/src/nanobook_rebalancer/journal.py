"""The audit log of one run, together with what it adds up to."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from attrs import define

from nanobook_rebalancer.audit import AuditLog
from nanobook_rebalancer.history import History


@define(kw_only=True)
class Journal:
    """Whatever the program knows, it knows from what is written: memory is the log's fold."""

    audit: AuditLog
    run: str
    history: History
    watch: Callable[[str, dict[str, Any]], None]
    """Told of every record."""

    def write(self, event: str, **data: Any) -> None:
        """Return once it survives a loss of power, and is part of `history`.

        Raises:
            AuditWriteError: it is not known whether it does; nothing more may be sent.

        """
        self.history.apply(self.audit.append(self.run, event, data))
        self.watch(event, data)
