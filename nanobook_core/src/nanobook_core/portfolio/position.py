"""What is held of one symbol, and what it has earned."""

from __future__ import annotations

from attrs import define, field

from nanobook_core.errors import ValidationError
from nanobook_core.portfolio.money import whole
from nanobook_core.types import check_symbol


@define
class Position:
    """Holding of one symbol, at average cost. All numbers are Python ints and never wrap.

    A symbol that is not a string raises TypeError, one longer than 8 ASCII bytes ValidationError.

    Attributes:
        quantity: signed, in lots; negative when short.
        avg_entry_price: `total_cost / quantity`, truncated; 0 when flat. In money units a lot.
        realized_pnl: profit of what was closed, against the truncated average, before trading
            costs.
        total_cost: what the open part was bought for; negative, what it was sold for, when short.

    """

    symbol: str = field(converter=check_symbol)
    quantity: int = field(default=0, init=False)
    avg_entry_price: int = field(default=0, init=False)
    realized_pnl: int = field(default=0, init=False)
    total_cost: int = field(default=0, init=False)

    def apply_fill(self, quantity: int, price: int) -> None:
        """Book a purchase, or a sale if `quantity` is negative; a quantity of 0 changes nothing.

        A fill beyond flat closes what is held and opens the rest at `price`.

        Raises:
            TypeError: an argument is not an int or numpy integer.
            ValidationError: the price is below 1.
            OverflowError: an argument does not fit into 64 bits.

        """
        quantity, price = whole(quantity, "quantity"), whole(price, "price")
        if price < 1:
            raise ValidationError(
                f"symbol {self.symbol!r}: a fill needs a price of at least 1, got {price}"
            )
        if self.quantity * quantity < 0:
            closed = min(abs(quantity), abs(self.quantity)) * (1 if self.quantity > 0 else -1)
            self.realized_pnl += (price - self.avg_entry_price) * closed
            self.total_cost -= self.avg_entry_price * closed
            self.quantity -= closed
            quantity += closed
            if self.quantity == 0:
                self.total_cost = 0
        self.quantity += quantity
        self.total_cost += quantity * price
        # Both have one sign, so this truncates.
        self.avg_entry_price = self.total_cost // self.quantity if self.quantity else 0

    def market_value(self, price: int) -> int:
        """Value at that price, in money units; negative when short."""
        return self.quantity * whole(price, "price")

    def unrealized_pnl(self, price: int) -> int:
        """Profit of closing at that price, before trading costs; 0 when flat."""
        return (whole(price, "price") - self.avg_entry_price) * self.quantity

    def __repr__(self) -> str:
        return (
            f"Position(symbol={self.symbol}, qty={self.quantity}, "
            f"avg_price={self.avg_entry_price}, realized_pnl={self.realized_pnl})"
        )
