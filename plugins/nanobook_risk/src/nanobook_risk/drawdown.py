"""A circuit breaker on the fall from the highest equity."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

from attrs import field, frozen

from nanobook_core.contracts import RiskRequest, RiskResult, RiskStatus
from nanobook_core.risk import CannotJudgeError, book_of, exact, limit, ratio
from nanobook_risk.wording import ONLY_REDUCES, percent, sign, status

_NAME = "Max drawdown"


def _max_drawdown_pct(value: object) -> Decimal:
    return limit("max_drawdown_pct", value, "in [0, 1]", lambda given: 0 <= given <= 1)


@frozen(kw_only=True)
class Drawdown:
    """Fails orders while equity is more than `max_drawdown_pct` below its peak.

    Orders that all only reduce pass. Without a peak equity there is nothing to compare with, and it
    passes.

    Raises:
        TypeError: the limit is no number.
        ValidationError: it is not in [0, 1].

    """

    max_drawdown_pct: Decimal = field(
        default=Decimal("0.2"),
        converter=_max_drawdown_pct,
    )

    @exact(_NAME)
    def evaluate(self, request: RiskRequest) -> Iterable[RiskResult]:
        """One finding."""
        peak, equity = request.peak_equity, request.account.equity
        if peak is None:
            return [RiskResult(name=_NAME, status=RiskStatus.PASS, detail="no peak equity given")]
        is_exit = book_of(request).only_reduces
        fall: Decimal | None = None
        if peak.is_finite() and peak > 0 and equity.is_finite():
            is_within = equity > 0 and equity >= peak * (1 - self.max_drawdown_pct)
            fall = ratio(max(peak - equity, Decimal(0)), peak)
            detail = (
                f"{percent(fall)} {sign(is_within=is_within)} "
                f"{percent(self.max_drawdown_pct)} limit"
            )
        elif is_exit:
            is_within, detail = False, f"equity is {equity}, its peak {peak}"
        else:
            raise CannotJudgeError(
                f"equity must be finite and its peak above 0, got {equity} and {peak}"
            )
        if is_exit and not is_within:
            detail += ONLY_REDUCES
        return [
            RiskResult(
                name=_NAME,
                status=status(is_within=is_within or is_exit),
                detail=detail,
                value=fall,
                limit=self.max_drawdown_pct,
            )
        ]
