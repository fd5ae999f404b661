"""What the risk gate answers."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from attrs import frozen

from nanobook_core.contracts import RiskResult, RiskStatus, RiskVetoError


@frozen
class RiskReport:
    """Findings of all checks, in their order."""

    results: tuple[RiskResult, ...]

    @property
    def ok(self) -> bool:
        """Whether nothing fails."""
        return not self.failures

    @property
    def failures(self) -> tuple[RiskResult, ...]:
        """Findings that refuse the orders."""
        return tuple(found for found in self.results if found.status is RiskStatus.FAIL)

    @property
    def warnings(self) -> tuple[RiskResult, ...]:
        """Findings that a person should see."""
        return tuple(found for found in self.results if found.status is RiskStatus.WARN)

    @property
    def halts(self) -> tuple[RiskResult, ...]:
        """Failures after which trading stops until a person allows it again."""
        return tuple(found for found in self.failures if found.halts)

    def has_failures(self) -> bool:
        """Whether something fails."""
        return bool(self.failures)

    def has_warnings(self) -> bool:
        """Whether something warns."""
        return bool(self.warnings)

    def raise_if_failed(self) -> None:
        """Do nothing if nothing fails.

        Raises:
            RiskVetoError: something does; the text says what, `report` is this report.

        """
        if failures := self.failures:
            listed = "; ".join(f"{found.name}: {found.detail}" for found in failures)
            raise RiskVetoError(listed, report=self)

    def to_dicts(self) -> list[dict[str, Any]]:
        """As the seed lists them: `name`, `status` and `detail`."""
        return [
            {"name": found.name, "status": found.status, "detail": found.detail}
            for found in self.results
        ]

    def __str__(self) -> str:
        lines = (
            f"  [{found.status.upper()}] {found.name}: {found.detail}" for found in self.results
        )
        return "\n".join(("RISK CHECKS:", *lines))


class RiskChecks(list[dict[str, Any]]):
    """The seed's list of `{"name", "status", "detail"}`, and what it comes to."""

    def __init__(self, results: Iterable[RiskResult]) -> None:
        self.report = RiskReport(tuple(results))
        super().__init__(self.report.to_dicts())

    @property
    def ok(self) -> bool:
        """Whether nothing fails."""
        return self.report.ok

    @property
    def failures(self) -> list[dict[str, Any]]:
        """Those that refuse the orders."""
        return [check for check in self if check["status"] is RiskStatus.FAIL]

    @property
    def warnings(self) -> list[dict[str, Any]]:
        """Those that a person should see."""
        return [check for check in self if check["status"] is RiskStatus.WARN]

    def raise_if_failed(self) -> None:
        """Do nothing if nothing fails.

        Raises:
            RiskVetoError: something does; the text says what, `report` is a `RiskReport`.

        """
        self.report.raise_if_failed()
