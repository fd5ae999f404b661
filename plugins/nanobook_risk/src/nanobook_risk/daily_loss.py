"""A halt at a loss in one day."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

from attrs import field, frozen

from nanobook_core.contracts import RiskRequest, RiskResult
from nanobook_core.errors import ValidationError
from nanobook_core.risk import CannotJudgeError, book_of, exact, limit, positive
from nanobook_risk.wording import ONLY_REDUCES, amount, sign, status

_NAME = "Daily loss"


def _max_loss(value: object) -> Decimal | None:
    return None if value is None else positive("max_loss", value)


def _max_loss_pct(value: object) -> Decimal | None:
    if value is None:
        return None
    return limit("max_loss_pct", value, "in (0, 1]", lambda given: 0 < given <= 1)


@frozen(kw_only=True)
class DailyLoss:
    """Fails, and halts trading, when equity has fallen too far since the day began.

    By `max_loss` in the account's currency, or `max_loss_pct` of the equity then; the lower of both
    where both are given. Orders that all only reduce pass. Without the equity at the start of the
    day others fail.

    Raises:
        TypeError: a limit is no number.
        ValidationError: neither is given, or one is out of range.

    """

    max_loss: Decimal | None = field(default=None, converter=_max_loss)
    max_loss_pct: Decimal | None = field(default=None, converter=_max_loss_pct)

    def __attrs_post_init__(self) -> None:
        if self.max_loss is None and self.max_loss_pct is None:
            raise ValidationError("give max_loss or max_loss_pct, got neither")

    @exact(_NAME)
    def evaluate(self, request: RiskRequest) -> Iterable[RiskResult]:
        """One finding."""
        is_exit = book_of(request).only_reduces
        currency = request.account.currency
        start, equity = request.day_start_equity, request.account.equity
        loss: Decimal | None = None
        most: Decimal | None = None
        if start is not None and start.is_finite() and start > 0 and equity.is_finite():
            most = min(self._limits(start))
            loss = max(start - equity, Decimal(0))
            is_within = equity > 0 and loss <= most
            detail = (
                f"{amount(loss, currency)} {sign(is_within=is_within)} "
                f"{amount(most, currency)} {currency} limit"
            )
        elif is_exit:
            is_within, detail = False, f"equity is {equity}, at the start of the day {start}"
        else:
            raise CannotJudgeError(
                f"equity must be finite, and above 0 at the start of the day, got {equity} "
                f"and {start}"
            )
        if is_exit and not is_within:
            detail += ONLY_REDUCES
        return [
            RiskResult(
                name=_NAME,
                status=status(is_within=is_within or is_exit),
                detail=detail,
                value=loss,
                limit=most,
                unit=currency,
                halts=not (is_within or is_exit),
            )
        ]

    def _limits(self, start: Decimal) -> Iterable[Decimal]:
        if self.max_loss is not None:
            yield self.max_loss
        if self.max_loss_pct is not None:
            yield self.max_loss_pct * start
