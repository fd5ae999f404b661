"""What the venue tells, in numbers that are exact; whichever library read it from the wire.

None is a number that the venue left unset. Times are in UTC.
"""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

from attrs import frozen

from nanobook_core.types import Side


@frozen(kw_only=True)
class VenueContract:
    """A contract as messages name it; `con_id` says which, the rest is for people."""

    con_id: int = 0
    symbol: str = ""
    sec_type: str = ""
    currency: str = ""
    exchange: str = ""
    primary_exchange: str = ""
    local_symbol: str = ""
    multiplier: str = ""


@frozen(kw_only=True)
class OpenOrder:
    """An order that the venue has, as it has it; without what has filled (`OrderStatus` tells)."""

    order_id: int
    """The number that its client gave it: only with `client_id` does it say which. 0 or less where
    it was typed in."""
    client_id: int
    perm_id: int
    """The venue's number for it, for ever; 0 as long as the venue has none."""
    contract: VenueContract
    side: Side
    quantity: Decimal
    order_type: str
    """`MKT`, `LMT`, `STP`, `STP LMT`, `TRAIL` …"""
    limit_price: Decimal | None
    aux_price: Decimal | None
    """The stop's price."""
    tif: str
    account: str
    order_ref: str
    """The client order id; empty where the client gave none."""
    outside_hours: bool
    status: str
    """`PendingSubmit`, `PreSubmitted`, `Submitted`, `Inactive` …"""


@frozen(kw_only=True)
class OrderStatus:
    """How far an order has come; the venue repeats itself, and late ones come too."""

    order_id: int
    client_id: int
    perm_id: int
    status: str
    filled: Decimal
    remaining: Decimal
    avg_price: Decimal | None
    last_price: Decimal | None
    parent_id: int
    why_held: str


@frozen(kw_only=True)
class CompletedOrder:
    """An order of today that is done; it has lost the number that its client gave it."""

    perm_id: int
    contract: VenueContract
    side: Side
    quantity: Decimal
    order_type: str
    limit_price: Decimal | None
    aux_price: Decimal | None
    tif: str
    account: str
    order_ref: str
    outside_hours: bool
    status: str
    filled: Decimal
    completed_time: str
    """As the venue writes it."""
    completed_status: str
    """Why it ended, for people."""


@frozen(kw_only=True)
class Execution:
    """One execution. Its id but for the last part says which; a later part corrects it."""

    request_id: int
    """-1 where it happened just now, else the request that it answers."""
    exec_id: str
    order_id: int
    client_id: int
    perm_id: int
    order_ref: str
    contract: VenueContract
    account: str
    side: Side
    quantity: Decimal
    price: Decimal
    cumulative: Decimal
    avg_price: Decimal | None
    time: dt.datetime
    exchange: str
    liquidity: int
    """1 added, 2 removed, 3 routed out, 0 unknown."""


@frozen(kw_only=True)
class Commission:
    """What an execution cost; it comes after it, perhaps much later."""

    exec_id: str
    commission: Decimal
    """Above 0 when paid."""
    currency: str
    realized_pnl: Decimal | None


@frozen(kw_only=True)
class WhatIf:
    """What the venue expects of an order that is not sent."""

    margin_change: Decimal | None
    """Of the initial margin."""
    equity_after: Decimal | None
    commission: Decimal | None
    min_commission: Decimal | None
    max_commission: Decimal | None
    commission_currency: str
    warning: str


@frozen(kw_only=True)
class ContractDetails:
    """Rules of a contract."""

    contract: VenueContract
    long_name: str
    min_tick: Decimal | None
    market_rule_id: int | None
    """Of the smart route, else of the first exchange."""
    min_size: Decimal | None
    size_increment: Decimal | None
    """None before server version 164, which does not tell it."""
    price_magnifier: int
    """Prices are so many times the money that they mean: 100 where they are in pence."""


@frozen(kw_only=True)
class PositionRow:
    """A holding, of any account."""

    account: str
    contract: VenueContract
    quantity: Decimal
    avg_cost: Decimal | None
    """Per unit, commissions included."""


@frozen(kw_only=True)
class PortfolioRow:
    """A holding of the session's account, with what it is worth."""

    account: str
    contract: VenueContract
    quantity: Decimal
    market_price: Decimal | None
    market_value: Decimal | None


@frozen(kw_only=True)
class AccountValue:
    """One line of the account window; most values are numbers."""

    key: str
    """`NetLiquidation`, `TotalCashValue`, `BuyingPower`, `CashBalance`, `ExchangeRate` …"""
    value: str
    currency: str
    """Empty for what is no money; `BASE` for the sum over currencies."""
