"""Orders at a venue, and what becomes of them."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping
from decimal import Decimal
from enum import StrEnum
from typing import Any, Self, TypeVar

from attrs import Attribute, converters, field, frozen

from nanobook_core.contracts.cents import WIDE, Seed, to_cents, whole
from nanobook_core.errors import ValidationError, shown
from nanobook_core.types import INT64_MAX, Side

CLIENT_ORDER_ID_LENGTH = 36
#: Of a quantity or a price, altogether and behind the point: so many are exact everywhere.
DIGITS = 40
_CLIENT_ORDER_ID = re.compile(r"[A-Za-z0-9_.\-]+")


_Word = TypeVar("_Word", bound=StrEnum)


def _member(words: type[_Word], value: object, name: str) -> _Word:
    """Find a word in any case; `words` has asked for `value` itself already."""
    if not isinstance(value, str):
        raise TypeError(f"{name} is a string, got {shown(value)}")
    lower = value.lower()
    for word in words:
        if word.value == lower:
            return word
    allowed = ", ".join(repr(word.value) for word in words)
    raise ValidationError(f"Invalid {name} {value!r:.40}. Use {allowed}.")


class OrderType(StrEnum):
    """How an order finds its price."""

    MARKET = "market"
    LIMIT = "limit"
    STOP = "stop"
    STOP_LIMIT = "stop_limit"

    @classmethod
    def _missing_(cls, value: object) -> OrderType:
        return _member(cls, value, "order_type")


class BrokerTimeInForce(StrEnum):
    """How long an order works at its venue."""

    DAY = "day"
    GTC = "gtc"
    IOC = "ioc"
    FOK = "fok"

    @classmethod
    def _missing_(cls, value: object) -> BrokerTimeInForce:
        return _member(cls, value, "tif")


class OrderState(StrEnum):
    """Where an order stands; one vocabulary for all venues."""

    CREATED = "created"
    PENDING_SUBMIT = "pending_submit"
    ACCEPTED = "accepted"
    PARTIALLY_FILLED = "partially_filled"
    HELD = "held"
    """The venue has it and does not work it."""
    PENDING_CANCEL = "pending_cancel"
    UNKNOWN = "unknown"
    """It was sent and nothing is known; only the venue's answer ends this."""
    FILLED = "filled"
    CANCELLED = "cancelled"
    REJECTED = "rejected"
    EXPIRED = "expired"
    NOT_ACCEPTED = "not_accepted"
    """It is proved that the venue never had it."""

    @property
    def is_terminal(self) -> bool:
        """Whether nothing but a late fill can happen to it."""
        return self in TERMINAL

    @property
    def is_working(self) -> bool:
        """Whether the venue may fill it."""
        return self not in TERMINAL and self is not OrderState.CREATED


TERMINAL = frozenset(
    {
        OrderState.FILLED,
        OrderState.CANCELLED,
        OrderState.REJECTED,
        OrderState.EXPIRED,
        OrderState.NOT_ACCEPTED,
    }
)

_SEED_STATUS = {
    OrderState.CREATED: "Pending",
    OrderState.PENDING_SUBMIT: "Pending",
    OrderState.UNKNOWN: "Pending",
    OrderState.ACCEPTED: "Submitted",
    OrderState.HELD: "Submitted",
    OrderState.PENDING_CANCEL: "Submitted",
    OrderState.PARTIALLY_FILLED: "PartiallyFilled",
    OrderState.FILLED: "Filled",
    OrderState.CANCELLED: "Cancelled",
    OrderState.EXPIRED: "Cancelled",
    OrderState.REJECTED: "Rejected",
    OrderState.NOT_ACCEPTED: "Rejected",
}


def check_client_order_id(value: str) -> str:
    """Return a client order id that every venue takes: 1 to 36 of letters, digits, `_`, `.`, `-`.

    Raises:
        TypeError: it is no string.
        ValidationError: it is empty, longer, or has other characters.

    """
    if not isinstance(value, str):
        raise TypeError(f"client_order_id is a string, got {shown(value)}")
    if not (1 <= len(value) <= CLIENT_ORDER_ID_LENGTH and value.isascii()):
        raise ValidationError(
            "order error: client_order_id must be 1..=36 ASCII-safe characters, "
            f"got {value!r:.60} of {len(value)}"
        )
    if not _CLIENT_ORDER_ID.fullmatch(value):
        raise ValidationError(
            "order error: client_order_id contains unsafe query characters; letters, digits, "
            f"'_', '.' and '-' are allowed, got {value!r}"
        )
    return value


def to_quantity(value: object) -> Decimal:
    """Return a quantity above 0, given as an int or a Decimal.

    Raises:
        TypeError: it is neither; floats are not exact, so they are refused.
        OverflowError: it is negative or above 2^63-1.
        ValidationError: it is 0 or not finite.

    """
    number = _number(value, "quantity")
    if not number.is_finite() or number == 0:
        raise ValidationError(f"quantity is finite and above 0, got {value}")
    if not 0 < number <= INT64_MAX:
        raise OverflowError(f"quantity is above 0 and at most {INT64_MAX}, got {value}")
    return number


def to_price(value: object, name: str = "limit_price") -> Decimal:
    """Return a price, given as an int or a Decimal.

    Raises:
        TypeError: it is neither.
        OverflowError: it is outside 64 bits.
        ValidationError: it is not finite.

    """
    number = _number(value, name)
    if not number.is_finite():
        raise ValidationError(f"{name} is finite, got {value}")
    if abs(number) > INT64_MAX:
        raise OverflowError(f"{name} is between -2^63 and 2^63, got {value}")
    return number


def _number(value: object, name: str) -> Decimal:
    if isinstance(value, Decimal):
        sign_digits_exponent = value.as_tuple()
        exponent = sign_digits_exponent.exponent
        if len(sign_digits_exponent.digits) > DIGITS or (
            isinstance(exponent, int) and exponent < -DIGITS
        ):
            raise ValidationError(f"{name} has at most {DIGITS} digits, got {shown(value)}")
        return value
    if isinstance(value, bool) or not hasattr(value, "__index__"):
        raise TypeError(f"{name} is an int or a Decimal, got {shown(value)}")
    return Decimal(value.__index__())


def _price_or_none(value: object) -> Decimal | None:
    return None if value is None else to_price(value)


def _named(_: Any, __: Attribute[Any], symbol: str) -> None:
    if not isinstance(symbol, str):
        raise TypeError(f"symbol is a string, got {shown(symbol)}")
    if not symbol:
        raise ValidationError("symbol is not empty")


def _id_or_none(_: Any, __: Attribute[Any], value: str | None) -> None:
    if value is not None:
        check_client_order_id(value)


def _flag(_: Any, attribute: Attribute[Any], value: object) -> None:
    if not isinstance(value, bool):
        raise TypeError(f"{attribute.name} is True or False, got {shown(value)}")


@frozen
class BrokerOrder:
    """An order for a venue, checked when it is made; `normalize` checks the venue's steps."""

    symbol: str = field(validator=_named)
    side: Side = field(converter=Side)
    quantity: Decimal = field(converter=to_quantity)
    order_type: OrderType = field(default=OrderType.MARKET, converter=OrderType)
    limit_price: Decimal | None = field(default=None, converter=_price_or_none)
    stop_price: Decimal | None = field(default=None, converter=_price_or_none, kw_only=True)
    tif: BrokerTimeInForce = field(
        default=BrokerTimeInForce.DAY, converter=BrokerTimeInForce, kw_only=True
    )
    client_order_id: str | None = field(default=None, validator=_id_or_none, kw_only=True)
    post_only: bool = field(default=False, validator=_flag, kw_only=True)
    reduce_only: bool = field(default=False, validator=_flag, kw_only=True)
    outside_hours: bool = field(default=False, validator=_flag, kw_only=True)

    def __attrs_post_init__(self) -> None:
        needs_limit = self.order_type in (OrderType.LIMIT, OrderType.STOP_LIMIT)
        needs_stop = self.order_type in (OrderType.STOP, OrderType.STOP_LIMIT)
        for name, price, needed in (
            ("limit_price", self.limit_price, needs_limit),
            ("stop_price", self.stop_price, needs_stop),
        ):
            if needed and price is None:
                raise ValidationError(f"{name} required for {self.order_type} orders")
            if not needed and price is not None:
                raise ValidationError(f"a {self.order_type} order has no {name}, got {price}")

    @property
    def signed_quantity(self) -> Decimal:
        """Change of the position if all of it fills."""
        return self.quantity if self.side is Side.BUY else self.quantity.copy_negate()


class OrderAck(int):
    """A venue's word that it has the order: the order's number, and so the seed's `oid`."""

    client_order_id: str
    state: OrderState
    venue_ids: Mapping[str, str]

    def __new__(
        cls,
        order_id: int,
        client_order_id: str,
        state: OrderState,
        venue_ids: Mapping[str, str] | None = None,
    ) -> Self:
        """Return the number with what else is known of the order."""
        self = super().__new__(cls, order_id)
        self.client_order_id = client_order_id
        self.state = state
        self.venue_ids = dict(venue_ids or {})
        return self

    def __reduce__(self) -> tuple[Any, ...]:
        """Say how a copy is made."""
        return OrderAck, (int(self), self.client_order_id, self.state, self.venue_ids)

    def __str__(self) -> str:
        return str(int(self))

    def __repr__(self) -> str:
        return f"OrderAck({int(self)}, {self.client_order_id!r}, {self.state.value!r})"


@frozen(kw_only=True)
class BrokerOrderStatus(Seed):
    """Where an order stands, as far as the venue has told.

    Also a mapping of the seed's keys: `id, status, filled_quantity, remaining_quantity,
    avg_fill_price_cents`.
    """

    order_id: int
    """This adapter's number for it; an order of others has one too."""
    client_order_id: str
    """Empty for an order that was given none."""
    symbol: str
    side: Side = field(converter=Side)
    quantity: Decimal
    state: OrderState = field(converter=OrderState)
    filled_quantity: Decimal = Decimal(0)
    """Never falls."""
    avg_fill_price: Decimal | None = None
    """None until something has filled."""
    order_type: OrderType | None = field(default=None, converter=converters.optional(OrderType))
    """None where the venue does not tell it; so it is with the prices and `tif`."""
    limit_price: Decimal | None = None
    stop_price: Decimal | None = None
    tif: BrokerTimeInForce | None = field(
        default=None, converter=converters.optional(BrokerTimeInForce)
    )
    reason: str = ""
    """Why it was rejected or ended."""
    updated_at: dt.datetime | None = None
    venue_status: str = ""
    """The venue's own word."""
    venue_ids: Mapping[str, str] = field(factory=dict)
    is_own: bool = True
    """False for an order that came from elsewhere: it is shown, and never cancelled unasked."""

    @property
    def remaining_quantity(self) -> Decimal:
        """What may still fill: 0 once the order is done."""
        if self.state.is_terminal:
            return Decimal(0)
        return WIDE.subtract(self.quantity, self.filled_quantity)

    @property
    def status(self) -> str:
        """The state in the seed's six words."""
        if self.filled_quantity and self.state.is_working:
            return "PartiallyFilled"
        return _SEED_STATUS[self.state]

    def _seed(self) -> dict[str, Any]:
        return {
            "id": self.order_id,
            "status": self.status,
            "filled_quantity": whole(self.filled_quantity),
            "remaining_quantity": whole(self.remaining_quantity),
            "avg_fill_price_cents": to_cents(self.avg_fill_price or Decimal(0)),
        }


@frozen(kw_only=True)
class Fill:
    """One execution. Two of one `exec_id` are one; `corrects` names an execution it replaces."""

    exec_id: str
    order_id: int
    client_order_id: str
    symbol: str
    side: Side = field(converter=Side)
    quantity: Decimal
    price: Decimal
    fee: Decimal = Decimal(0)
    fee_currency: str = ""
    is_fee_known: bool = True
    """False while the venue has not told the fee, which is 0 until then; the same execution told
    again with it is no contradiction."""
    liquidity: str = ""
    """`maker`, `taker`, or empty where the venue does not say."""
    time: dt.datetime | None = None
    corrects: str = ""
