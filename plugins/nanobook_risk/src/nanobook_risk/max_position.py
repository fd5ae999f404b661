"""No position larger than a share of equity."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from decimal import Decimal

from attrs import field, frozen

from nanobook_core.contracts import RiskOrder, RiskRequest, RiskResult
from nanobook_core.risk import Book, CannotJudgeError, book_of, each_order, exact, limit, ratio
from nanobook_core.types import Side
from nanobook_risk.wording import ONLY_REDUCES, percent, sign, status

_NAME = "Max position"


def _max_position_pct(value: object) -> Decimal:
    return limit("max_position_pct", value, "in (0, 1]", lambda given: 0 < given <= 1)


@frozen(kw_only=True)
class MaxPosition:
    """Fails an order after which its position is worth more than `max_position_pct` of equity.

    The position counts as if every order of its symbol and side fills, the open ones too. In a
    batch with target weights the largest weight is judged as well, except of symbols whose orders
    only reduce; of positions only those that fail are listed, where the weight's finding does not
    say the same. Orders that only reduce pass.

    Raises:
        TypeError: the limit is no number.
        ValidationError: it is not in (0, 1].

    """

    max_position_pct: Decimal = field(
        default=Decimal("0.25"),
        converter=_max_position_pct,
    )

    @exact(_NAME)
    def evaluate(self, request: RiskRequest) -> Iterable[RiskResult]:
        """One finding an order; of a batch one of the weights, and one an offending position."""
        book = book_of(request)
        if request.targets is None:
            return each_order(_NAME, request.orders, lambda order: self._position(book, order))
        largest = {(order.symbol, order.side): order for order in book.increases}
        of_weights = self._weights(book, request.targets)
        of_orders = each_order(
            _NAME, largest.values(), lambda order: self._position(book, order, in_batch=True)
        )
        return [of_weights, *(each for each in of_orders if each.detail != of_weights.detail)]

    def _position(
        self, book: Book, order: RiskOrder, *, in_batch: bool = False
    ) -> RiskResult | None:
        is_exit = book.reduces(order)
        try:
            line = book.lines[order.symbol]
            if line.fault:
                raise CannotJudgeError(line.fault)
            after = abs(line.if_bought if order.side is Side.BUY else line.if_sold)
            value = after * book.price_of(line)
            is_within = bool(book.equity) and value <= self.max_position_pct * book.equity
            if is_within and in_batch:
                return None
            share = ratio(value, book.equity)
            detail = (
                f"{percent(share)} ({order.symbol}) {sign(is_within=is_within)} "
                f"{percent(self.max_position_pct)} limit"
            )
        except ArithmeticError:
            if not is_exit:
                raise
            is_within, share, detail = False, None, f"{order.symbol} cannot be valued"
        if is_exit and not is_within:
            detail += ONLY_REDUCES
        return RiskResult(
            name=_NAME,
            status=status(is_within=is_within or is_exit),
            detail=detail,
            symbol=order.symbol,
            value=share,
            limit=self.max_position_pct,
        )

    def _weights(self, book: Book, targets: Mapping[str, float]) -> RiskResult:
        rising = {order.symbol for order in book.increases}
        falling = {order.symbol for order in book.request.orders} - rising
        symbol, weight = "?", 0.0
        for name, given in targets.items():
            # Written so that NaN is larger than any, and stays.
            if name not in falling and not abs(given) <= weight:
                symbol, weight = name, abs(given)
                if math.isnan(given):
                    break
        share = Decimal(repr(float(weight)))
        is_within = share.is_finite() and share <= self.max_position_pct
        detail = (
            f"{percent(share)} ({symbol}) {sign(is_within=is_within)} "
            f"{percent(self.max_position_pct)} limit"
        )
        if not share.is_finite():
            detail = f"target weight of {symbol} must be finite, got {targets[symbol]}"
        if not is_within and book.only_reduces:
            is_within = True
            detail += ONLY_REDUCES
        return RiskResult(
            name=_NAME,
            status=status(is_within=is_within),
            detail=detail,
            symbol="" if symbol == "?" else symbol,
            value=share,
            limit=self.max_position_pct,
        )
