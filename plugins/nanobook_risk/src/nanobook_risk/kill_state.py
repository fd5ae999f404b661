"""Nothing goes out once trading is stopped."""

from __future__ import annotations

from collections.abc import Iterable

from attrs import frozen

from nanobook_core.contracts import RiskRequest, RiskResult
from nanobook_core.risk import book_of, exact
from nanobook_risk.wording import ONLY_REDUCES, status

_NAME = "Kill state"


@frozen(kw_only=True)
class KillState:
    """Fails, and halts trading, while the request says why it is `killed`.

    Where a person asked to `flatten`, orders that all only reduce pass; otherwise exits fail too.
    """

    @exact(_NAME)
    def evaluate(self, request: RiskRequest) -> Iterable[RiskResult]:
        """One finding."""
        is_flat = request.flatten and book_of(request).only_reduces
        is_within = not request.killed or is_flat
        detail = "trading is on"
        if request.killed:
            detail = "stopped: " + " ".join(request.killed.split())
            if is_flat:
                detail += ONLY_REDUCES
        return [
            RiskResult(
                name=_NAME,
                status=status(is_within=is_within),
                detail=detail,
                halts=not is_within,
            )
        ]
