"""How the target weights are divided."""

from __future__ import annotations

import math

from attrs import frozen

from nanobook_core.contracts import RiskRequest, RiskResult, RiskStatus

_NAME = "Weight allocation"


@frozen(kw_only=True)
class WeightAllocation:
    """Shows how much of the target weights is long, short and cash; fails if one is not finite.

    Cash is what the long weights leave of 1.
    """

    def evaluate(self, request: RiskRequest) -> tuple[RiskResult, ...]:
        """One finding."""
        if request.targets is None:
            return (RiskResult(name=_NAME, status=RiskStatus.PASS, detail="no target weights"),)
        weights = request.targets.values()
        if not all(map(math.isfinite, weights)):
            detail = "a target weight is not finite"
            return (RiskResult(name=_NAME, status=RiskStatus.FAIL, detail=detail),)
        # From -0.0, as the seed does: nothing prints as -0.0%.
        long = sum((weight for weight in weights if weight > 0), -0.0)
        short = sum((-weight for weight in weights if weight < 0), -0.0)
        detail = f"{long * 100:.1f}% long, {short * 100:.1f}% short, {(1 - long) * 100:.1f}% cash"
        return (RiskResult(name=_NAME, status=RiskStatus.PASS, detail=detail),)
