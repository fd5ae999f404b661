"""No orders for more than there is money."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

from attrs import field, frozen

from nanobook_core.contracts import RiskOrder, RiskRequest, RiskResult
from nanobook_core.risk import Book, CannotJudgeError, book_of, exact, failure, flag
from nanobook_core.types import Side
from nanobook_risk.wording import ONLY_REDUCES, amount, sign, status

_NAME = "Buying power"


def _margin(value: object) -> bool:
    return flag("margin", value)


def _open_orders_reserved(value: object) -> bool:
    return flag("open_orders_reserved", value)


@frozen(kw_only=True)
class BuyingPower:
    """Fails orders that together need more money than there is.

    In a cash account every purchase needs its value, and sales are credited only once they have
    filled: the limit is `cash`. With `margin`, what opens a position, long or short, needs its
    value, what only reduces one gives its value back, at the lower of limit and mark, and the limit
    is `buying_power`. Open orders need money too and give none, unless the venue has taken it off
    already (`open_orders_reserved`). Orders that all only reduce pass.

    Raises:
        TypeError: a setting is neither True nor False.

    """

    margin: bool = field(default=False, converter=_margin)
    open_orders_reserved: bool = field(default=False, converter=_open_orders_reserved)

    @exact(_NAME)
    def evaluate(self, request: RiskRequest) -> Iterable[RiskResult]:
        """One finding."""
        book = book_of(request)
        account = request.account
        money = account.buying_power if self.margin else account.cash
        need: Decimal | None = None
        what = "buying power" if self.margin else "cash"
        try:
            if not money.is_finite():
                raise CannotJudgeError(f"{what} must be finite, got {money}")
            need = self._need(book)
            is_within = need <= money
            detail = (
                f"{amount(need, account.currency)} {sign(is_within=is_within)} "
                f"{amount(money, account.currency)} {account.currency} {what}"
            )
        except ArithmeticError as error:
            is_within, detail = False, failure(_NAME, error).detail
        if not is_within and book.only_reduces:
            is_within = True
            detail += ONLY_REDUCES
        return [
            RiskResult(
                name=_NAME,
                status=status(is_within=is_within),
                detail=detail,
                value=need,
                limit=money,
                unit=account.currency,
            )
        ]

    def _need(self, book: Book) -> Decimal:
        request = book.request
        need = sum((self._part(book, order) for order in request.orders), Decimal(0))
        if not self.open_orders_reserved:
            need += sum(
                (max(self._part(book, order), Decimal(0)) for order in request.open_orders),
                Decimal(0),
            )
        return need

    def _part(self, book: Book, order: RiskOrder) -> Decimal:
        value = book.order_value(order)
        if not self.margin:
            return value if order.side is Side.BUY else Decimal(0)
        return -book.freed_value(order) if book.reduces(order) else value
