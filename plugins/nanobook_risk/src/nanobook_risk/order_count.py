"""How many orders there are."""

from __future__ import annotations

from decimal import Decimal

from attrs import frozen

from nanobook_core.contracts import RiskRequest, RiskResult, RiskStatus


@frozen(kw_only=True)
class OrderCount:
    """Counts the orders; it never fails."""

    def evaluate(self, request: RiskRequest) -> tuple[RiskResult, ...]:
        """One finding."""
        count = len(request.orders)
        return (
            RiskResult(
                name="Order count",
                status=RiskStatus.PASS,
                detail=f"{count} orders",
                value=Decimal(count),
                unit="orders",
            ),
        )
