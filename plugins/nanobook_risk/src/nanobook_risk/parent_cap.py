"""Never more than was planned."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from decimal import Decimal

from attrs import frozen

from nanobook_core.contracts import RiskRequest, RiskResult, RiskStatus
from nanobook_core.risk import CannotJudgeError, checked_quantity, exact
from nanobook_core.types import Side
from nanobook_risk.wording import sign, status

_NAME = "Parent cap"
_ZERO = Decimal(0)


@frozen(kw_only=True)
class ParentCap:
    """Fails, and halts trading, when more of a symbol is sent than `planned`, or the other way.

    What was `sent` counts with its quantity, whatever became of it, or with its `of_plan`: of
    orders that are done a caller counts only what filled, and nothing of those of other plans.
    Without a plan every order fails. Exits too.
    """

    @exact(_NAME)
    def evaluate(self, request: RiskRequest) -> Iterable[RiskResult]:
        """One finding a symbol that is ordered."""
        if request.planned is None:
            return [RiskResult(name=_NAME, status=RiskStatus.FAIL, detail="no plan was given")]
        total: dict[tuple[str, Side], Decimal] = defaultdict(Decimal)
        for order in request.orders:
            total[order.symbol, order.side] += checked_quantity(order)
        ordered = list(dict.fromkeys(order.symbol for order in request.orders))
        for sent in request.sent:
            key = sent.order.symbol, sent.order.side
            counts = sent.order.quantity if sent.of_plan is None else sent.of_plan
            if not counts.is_finite() or counts < 0:
                raise CannotJudgeError(f"a sent quantity of {key[0]} is {counts}")
            total[key] += counts
        return [
            _finding(
                symbol,
                request.planned.get(symbol, _ZERO),
                total[symbol, Side.BUY],
                total[symbol, Side.SELL],
            )
            for symbol in ordered
        ]


def _finding(symbol: str, planned: Decimal, bought: Decimal, sold: Decimal) -> RiskResult:
    is_within = bought <= max(planned, _ZERO) and sold <= max(-planned, _ZERO)
    return RiskResult(
        name=_NAME,
        status=status(is_within=is_within),
        detail=f"{symbol}: {bought} bought and {sold} sold {sign(is_within=is_within)} "
        f"{planned} planned",
        symbol=symbol,
        value=bought - sold,
        limit=planned,
        unit="shares",
        halts=not is_within,
    )
