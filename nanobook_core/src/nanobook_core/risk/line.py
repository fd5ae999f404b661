"""One symbol of a request, and which of its quantities and prices can be used."""

from __future__ import annotations

from decimal import Decimal
from typing import TypeGuard

from nanobook_core.contracts import RiskOrder
from nanobook_core.risk.exact import CannotJudgeError
from nanobook_core.types import Side

_ZERO = Decimal(0)


class Line:
    """One symbol: what is held, ordered, and open from before."""

    __slots__ = ("buys", "fault", "held", "open_buys", "open_sells", "sells", "symbol")

    def __init__(self, symbol: str, held: Decimal = _ZERO) -> None:
        self.symbol = symbol
        self.held = held
        self.buys = self.sells = self.open_buys = self.open_sells = _ZERO
        self.fault = "" if held.is_finite() else f"position of {symbol} is {held}"
        """What makes a quantity unusable; empty while nothing does."""

    def add(self, order: RiskOrder, *, is_open: bool) -> None:
        """Count an order in."""
        try:
            quantity = checked_quantity(order)
            if order.side is Side.BUY:
                if is_open:
                    self.open_buys += quantity
                else:
                    self.buys += quantity
            elif is_open:
                self.open_sells += quantity
            else:
                self.sells += quantity
        except CannotJudgeError as error:
            self.fault = str(error)
        except ArithmeticError:
            self.fault = f"quantities of {order.symbol} have too many digits"

    def reduces(self, side: Side) -> bool:
        """Whether all orders of that side, the open ones too, only make the position smaller."""
        if self.fault:
            return False
        try:
            if side is Side.BUY:
                return self.buys + self.open_buys <= -self.held
            return self.sells + self.open_sells <= self.held
        except ArithmeticError:
            return False

    @property
    def is_empty(self) -> bool:
        """Whether nothing of it is held, ordered or open."""
        return not (self.held or self.buys or self.sells or self.open_buys or self.open_sells)

    @property
    def if_bought(self) -> Decimal:
        """Position if every order to buy fills and none to sell."""
        return self.held + self.buys + self.open_buys

    @property
    def if_sold(self) -> Decimal:
        """Position if every order to sell fills and none to buy."""
        return self.held - self.sells - self.open_sells

    @property
    def highest(self) -> Decimal:
        """Position if the orders fill, and of the open ones those to buy."""
        return self.held + self.buys - self.sells + self.open_buys

    @property
    def lowest(self) -> Decimal:
        """Position if the orders fill, and of the open ones those to sell."""
        return self.held + self.buys - self.sells - self.open_sells


def is_price(price: Decimal | None) -> TypeGuard[Decimal]:
    """Whether it is a finite number above 0."""
    return price is not None and price.is_finite() and price > 0


def checked(order: RiskOrder, price: Decimal) -> Decimal:
    """Return the limit of an order if it is a price.

    Raises:
        CannotJudgeError: it is not finite and above 0.

    """
    if not is_price(price):
        raise CannotJudgeError(f"price of {order.symbol} must be finite and above 0, got {price}")
    return price


def checked_quantity(order: RiskOrder) -> Decimal:
    """Return the quantity of an order if it is one.

    Raises:
        CannotJudgeError: it is not finite and above 0.

    """
    quantity = order.quantity
    if not (quantity.is_finite() and quantity > 0):
        raise CannotJudgeError(
            f"quantity of an order in {order.symbol} must be finite and above 0, got {quantity}"
        )
    return quantity
