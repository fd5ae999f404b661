"""What the simulated venue knows; the wire's layouts and the sessions read these records."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from enum import StrEnum

from attrs import define, frozen

ZERO = Decimal(0)


@frozen(kw_only=True)
class ContractKey:
    """A contract as a client asks for it: empty fields match anything."""

    con_id: int = 0
    symbol: str = ""
    sec_type: str = ""
    last_trade_date: str = ""
    strike: str = ""
    right: str = ""
    multiplier: str = ""
    exchange: str = ""
    primary_exchange: str = ""
    currency: str = ""
    local_symbol: str = ""
    trading_class: str = ""
    sec_id_type: str = ""
    sec_id: str = ""


@frozen(kw_only=True)
class ContractDefinition:
    """A contract as the venue lists it."""

    con_id: int
    symbol: str
    sec_type: str = "STK"
    currency: str = "USD"
    primary_exchange: str = "NASDAQ"
    local_symbol: str = ""
    trading_class: str = ""
    multiplier: str = ""
    long_name: str = ""
    market_rule_id: int = 26
    price_steps: tuple[tuple[Decimal, Decimal], ...] = ((ZERO, Decimal("0.01")),)
    """Rising (edge, increment), as the market rule of `market_rule_id` tells them; the first edge
    is 0."""
    min_size: Decimal = Decimal(1)
    size_increment: Decimal = Decimal(1)
    shortable: bool = True


@frozen(kw_only=True)
class OrderForm:
    """An order as a client wrote it. None is a number that was left unset."""

    action: str
    """`BUY` or `SELL`."""
    quantity: Decimal
    order_type: str
    """`MKT`, `LMT`, `STP`, `STP LMT`, `TRAIL`, or what the venue will refuse."""
    limit_price: Decimal | None = None
    aux_price: Decimal | None = None
    """The stop's price, or the amount of a trailing stop."""
    trail_stop_price: Decimal | None = None
    trailing_percent: Decimal | None = None
    tif: str = "DAY"
    good_till_date: str = ""
    oca_group: str = ""
    oca_type: int = 0
    account: str = ""
    order_ref: str = ""
    transmit: bool = True
    parent_id: int = 0
    outside_hours: bool = False
    hidden: bool = False
    what_if: bool = False
    all_or_none: bool = False
    min_quantity: Decimal | None = None
    cash_quantity: Decimal | None = None
    algo_strategy: str = ""
    conditions: int = 0
    """How many there are; they are not modelled."""
    combo_legs: int = 0
    unsupported: tuple[str, ...] = ()
    """Names of further fields that were set and would change how the order trades; none of them is
    modelled."""


class OrderStatusWord(StrEnum):
    """The words of the wire."""

    API_PENDING = "ApiPending"
    PENDING_SUBMIT = "PendingSubmit"
    PRE_SUBMITTED = "PreSubmitted"
    SUBMITTED = "Submitted"
    PENDING_CANCEL = "PendingCancel"
    CANCELLED = "Cancelled"
    API_CANCELLED = "ApiCancelled"
    FILLED = "Filled"
    INACTIVE = "Inactive"


DONE = frozenset(
    {
        OrderStatusWord.CANCELLED,
        OrderStatusWord.API_CANCELLED,
        OrderStatusWord.FILLED,
        OrderStatusWord.INACTIVE,
    }
)


@define(kw_only=True)
class VenueOrder:
    """An order as the venue has it."""

    perm_id: int
    client_id: int
    """Of the client that sent it; 0 with an `order_id` of 0 or less: typed into TWS."""
    order_id: int
    """The client's own number for it."""
    contract: ContractDefinition
    form: OrderForm
    account: str
    status: OrderStatusWord = OrderStatusWord.PRE_SUBMITTED
    filled: Decimal = ZERO
    avg_price: Decimal = ZERO
    last_price: Decimal = ZERO
    why_held: str = ""
    accepted_at: dt.datetime | None = None
    completed_at: dt.datetime | None = None
    reason: str = ""
    """Why it was cancelled or refused."""

    @property
    def is_done(self) -> bool:
        """Whether it will never trade again."""
        return self.status in DONE

    @property
    def remaining(self) -> Decimal:
        """What has not filled, of orders that have ended too."""
        return self.form.quantity - self.filled


@frozen(kw_only=True)
class VenueExecution:
    """One execution; a correction has the id of what it corrects but for its last two digits."""

    exec_id: str
    perm_id: int
    client_id: int
    order_id: int
    order_ref: str
    account: str
    contract: ContractDefinition
    exchange: str = "ISLAND"
    action: str
    """`BUY` or `SELL`; the wire says BOT and SLD."""
    quantity: Decimal
    price: Decimal
    time: dt.datetime
    cumulative: Decimal
    avg_price: Decimal
    is_maker: bool = False
    commission: Decimal = ZERO
    realized_pnl: Decimal | None = None
    """None where nothing was closed."""


@frozen(kw_only=True)
class VenuePosition:
    """A holding of one account."""

    account: str
    contract: ContractDefinition
    quantity: Decimal
    avg_cost: Decimal
    """Per unit, commissions included, as TWS tells it."""
    market_price: Decimal
    realized_pnl: Decimal = ZERO


@frozen(kw_only=True)
class Top:
    """Best prices of a contract's book; None where there is none."""

    bid: Decimal | None = None
    ask: Decimal | None = None
    bid_size: Decimal = ZERO
    ask_size: Decimal = ZERO
    last: Decimal | None = None
    last_size: Decimal = ZERO
    volume: Decimal = ZERO
    high: Decimal | None = None
    low: Decimal | None = None
    open: Decimal | None = None
    close: Decimal | None = None
    halted: int = 0
    """0 no, 1 general, 2 volatility."""
    time: dt.datetime | None = None
    """When the last price was told or traded."""


@frozen(kw_only=True)
class AccountValue:
    """One line of the account window."""

    account: str
    key: str
    """`NetLiquidation`, `TotalCashValue`, `BuyingPower`, `GrossPositionValue`, `CashBalance` …"""
    value: str
    currency: str
    """Empty for what is no money; `BASE` for the sum over currencies."""


@frozen(kw_only=True)
class WhatIf:
    """What the venue expects of an order that is not sent."""

    init_margin_before: Decimal
    maint_margin_before: Decimal
    equity_before: Decimal
    init_margin_change: Decimal
    maint_margin_change: Decimal
    equity_change: Decimal
    init_margin_after: Decimal
    maint_margin_after: Decimal
    equity_after: Decimal
    commission: Decimal
    warning: str = ""


class VenueRefusal(Exception):  # noqa: N818 - the venue's answer, not a defect of ours
    """What the venue says no with: one of TWS's codes and its text."""

    def __init__(self, code: int, text: str) -> None:
        super().__init__(f"{code}: {text}")
        self.code = code
        self.text = text
        self.order: VenueOrder | None = None
        """The order as it still lives, where a change of it was refused."""


@frozen(kw_only=True)
class LoggedMessage:
    """A message that crossed the socket."""

    incoming: bool
    """From a client to the gateway."""
    client_id: int | None
    fields: tuple[str, ...]
    time: float
    """On the monotonic clock."""
