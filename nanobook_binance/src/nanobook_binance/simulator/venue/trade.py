"""What orders did to one another."""

from __future__ import annotations

from decimal import Decimal

from attrs import frozen


@frozen(kw_only=True)
class VenueTrade:
    """One side of a trade: of an account's order. Amounts have eight places; time is in ms."""

    symbol: str
    trade_id: int
    """Counted per symbol; both sides of a trade have the same."""
    order_id: int
    client_order_id: str
    account: str
    side: str
    price: Decimal
    quantity: Decimal
    quote_quantity: Decimal
    """Price times quantity, rounded down to eight places."""
    commission: Decimal
    commission_asset: str
    is_maker: bool
    time: int


@frozen(kw_only=True)
class Print:
    """A trade as everybody sees it."""

    symbol: str
    trade_id: int
    price: Decimal
    quantity: Decimal
    quote_quantity: Decimal
    buyer_is_maker: bool
    taker_order_id: int
    """Of the order that came in; those of the liquidity source are above all of clients."""
    time: int


@frozen(kw_only=True)
class PreventedMatch:
    """Two orders of one account that would have traded; a quantity of None was not taken off."""

    symbol: str
    match_id: int
    account: str
    taker_order_id: int
    maker_order_id: int
    mode: str
    price: Decimal
    taker_quantity: Decimal | None
    maker_quantity: Decimal | None
    time: int
