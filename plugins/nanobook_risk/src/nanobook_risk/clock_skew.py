"""No orders while the clocks disagree."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from decimal import Decimal

from attrs import field, frozen

from nanobook_core.contracts import RiskRequest, RiskResult
from nanobook_core.risk import CannotJudgeError, exact
from nanobook_risk.window import seconds
from nanobook_risk.wording import sign, status

_NAME = "Clock skew"


def _max_skew(value: object) -> dt.timedelta:
    return seconds("max_seconds", value)


@frozen(kw_only=True)
class ClockSkew:
    """Fails everything while our time and the venue's differ by more than `max_seconds`.

    So it does when the venue's is not known. Exits too.

    Raises:
        TypeError: `max_seconds` is no number.
        ValidationError: it is not above 0 or longer than a year.

    """

    max_seconds: dt.timedelta = field(default=dt.timedelta(seconds=2), converter=_max_skew)

    @exact(_NAME)
    def evaluate(self, request: RiskRequest) -> Iterable[RiskResult]:
        """One finding."""
        if request.broker_time is None:
            raise CannotJudgeError("the venue's time is not known")
        try:
            skew = abs(request.now - request.broker_time)
        except (TypeError, OverflowError) as error:
            raise CannotJudgeError(f"times cannot be compared: {error}") from error
        is_within = skew <= self.max_seconds
        return [
            RiskResult(
                name=_NAME,
                status=status(is_within=is_within),
                detail=f"{skew.total_seconds():.3f} s {sign(is_within=is_within)} "
                f"{self.max_seconds.total_seconds():.3f} s limit",
                value=Decimal(repr(skew.total_seconds())),
                limit=Decimal(repr(self.max_seconds.total_seconds())),
                unit="seconds",
            )
        ]
