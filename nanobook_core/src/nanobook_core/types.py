"""The words that every layer shares, and the limits of their numbers."""

from __future__ import annotations

import math
from enum import StrEnum
from operator import index
from typing import ClassVar, Self, TypeVar

from attrs import field, frozen, validators

from nanobook_core.errors import ValidationError, shown

Member = TypeVar("Member", bound=StrEnum)

SYMBOL_BYTES = 8
_ID_LENGTH = 200
INT64_MAX = 2**63 - 1
OWNER_MAX = 2**32 - 1
#: Largest fixed trailing offset: a batch carries offsets as floats, which are exact up to here.
OFFSET_MAX = 2**53
ATR_PERIOD_MAX = 2**32 - 1


class Side(StrEnum):
    """Which way an order goes."""

    BUY = "buy"
    SELL = "sell"

    @property
    def opposite(self) -> Side:
        """The side that it trades with."""
        return Side.SELL if self is Side.BUY else Side.BUY

    @classmethod
    def _missing_(cls, value: object) -> Side:
        word = _word(value, "side")
        if word in ("b", "buy"):
            return cls.BUY
        if word in ("s", "sell"):
            return cls.SELL
        raise ValidationError(f"Invalid side {value!r:.40}. Use 'buy' or 'sell'.")


class TimeInForce(StrEnum):
    """What becomes of the part of an order that does not trade at once."""

    GTC = "gtc"
    """Good till cancelled: it rests."""
    IOC = "ioc"
    """Immediate or cancel: it is cancelled."""
    FOK = "fok"
    """Fill or kill: all of the order trades at once, or none."""

    @property
    def can_rest(self) -> bool:
        """Whether a remainder stays on the book."""
        return self is TimeInForce.GTC

    @property
    def allows_partial(self) -> bool:
        """Whether a part may trade without the rest."""
        return self is not TimeInForce.FOK

    @classmethod
    def _missing_(cls, value: object) -> TimeInForce:
        word = _word(value, "time_in_force")
        for member in cls:
            if word == member.value:
                return member
        raise ValidationError(f"Invalid time_in_force {value!r:.40}. Use 'gtc', 'ioc', or 'fok'.")


class OrderStatus(StrEnum):
    """What has become of an order; also found by its name in any case, as orders spell it."""

    NEW = "New"
    PARTIALLY_FILLED = "PartiallyFilled"
    FILLED = "Filled"
    CANCELLED = "Cancelled"

    @property
    def is_active(self) -> bool:
        """Whether it can rest and trade."""
        return self in (OrderStatus.NEW, OrderStatus.PARTIALLY_FILLED)

    @property
    def is_terminal(self) -> bool:
        """Whether nothing can happen to it any more."""
        return not self.is_active

    @classmethod
    def _missing_(cls, value: object) -> OrderStatus:
        return _by_folded_value(cls, value)


class StopStatus(StrEnum):
    """What has become of a stop order; also found by its name in any case."""

    PENDING = "Pending"
    TRIGGERED = "Triggered"
    CANCELLED = "Cancelled"

    @classmethod
    def _missing_(cls, value: object) -> StopStatus:
        return _by_folded_value(cls, value)


class StpPolicy(StrEnum):
    """What happens when an order meets one of the same owner; the incoming order's policy rules."""

    OFF = "off"
    """They trade."""
    CANCEL_NEWEST = "cancel_newest"
    """What is left of the incoming order is cancelled."""
    CANCEL_OLDEST = "cancel_oldest"
    """The resting order is cancelled, the incoming one goes on."""
    CANCEL_BOTH = "cancel_both"
    """Both are."""
    DECREMENT_AND_CANCEL = "decrement_and_cancel"
    """Both lose the smaller quantity without a trade, so the smaller expires, both if equal."""

    @classmethod
    def _missing_(cls, value: object) -> StpPolicy:
        return _by_folded_value(cls, value)


class StopTrigger(StrEnum):
    """Which prints elect stops."""

    EVERY = "every"
    """Every print: of each order the first and the last, between which prices run one way."""
    LAST = "last"
    """Only the last print of a request, and of each wave of stops, as in the original."""

    @classmethod
    def _missing_(cls, value: object) -> StopTrigger:
        return _by_folded_value(cls, value)


def _word(value: object, name: str) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{name} is a string, got {shown(value)}")
    return value.lower()


def _by_folded_value(cls: type[Member], value: object) -> Member:
    word = _word(value, cls.__name__)
    for member in cls:
        if member.value.lower() == word:
            return member
    allowed = ", ".join(repr(member.value) for member in cls)
    raise ValidationError(f"Invalid {cls.__name__} {value!r:.40}. Use one of {allowed}.")


def _integer(value: object, name: str, low: int, high: int) -> int:
    """Return it as a plain int.

    Raises:
        TypeError: it is no whole number: a bool, a float (5.0 too), a string.
        OverflowError: it is outside the limits.

    """
    # numpy's bool has no __index__; Python's does.
    if isinstance(value, bool) or not hasattr(value, "__index__"):
        raise TypeError(f"{name} is a whole number, got {shown(value)}")
    number = index(value)
    if not low <= number <= high:
        raise OverflowError(f"{name} is from {low} to {high}, got {shown(number)}")
    return number


@frozen
class TrailMethod:
    """How far a trailing stop keeps from the best price since it was entered, its watermark."""

    kind: str = field(validator=validators.in_(("fixed", "percentage", "atr")))
    value: float
    """Units of price, a fraction of the watermark's absolute value, or a multiple of the ATR."""
    period: int | None = None
    """Samples that the ATR averages at most; None for the other kinds."""

    def __attrs_post_init__(self) -> None:
        object.__setattr__(self, "value", self._checked_value())
        if self.kind == "atr":
            if self.period is None:
                raise ValidationError("atr_period is required when trail_type='atr'")
            period = _integer(self.period, "atr_period", 0, ATR_PERIOD_MAX)
            if period == 0:
                raise ValidationError("atr_period is at least 1, got 0")
            object.__setattr__(self, "period", period)
        else:  # as in the original, a period means nothing to the other kinds
            object.__setattr__(self, "period", None)

    def _checked_value(self) -> float:
        value = self.value
        # By name, because numpy's bool has a __float__ and is no subclass of Python's.
        is_bool = type(value).__name__ == "bool"
        if isinstance(value, (bool, str)) or is_bool or not hasattr(value, "__float__"):
            raise TypeError(f"trail_value is a number, got {shown(value)}")
        try:
            number = float(value)
        except OverflowError:
            number = math.inf
        if not (math.isfinite(number) and number > 0):
            raise ValidationError(f"trail_value is finite and above 0, got {shown(value)}")
        if self.kind == "fixed" and (number > OFFSET_MAX or number != int(number)):
            raise ValidationError(
                f"a fixed trail_value is a whole number of units up to 2^53, got {shown(value)}"
            )
        return number

    @classmethod
    def fixed(cls, offset: int) -> Self:
        """Trail by that many units of price."""
        return cls("fixed", offset)

    @classmethod
    def percentage(cls, fraction: float) -> Self:
        """Trail by a fraction of the watermark: 0.05 is five percent."""
        return cls("percentage", fraction)

    @classmethod
    def atr(cls, multiplier: float, period: int) -> Self:
        """Trail by a multiple of the mean absolute change between trades."""
        return cls("atr", multiplier, period)

    @classmethod
    def parse(cls, trail_type: object, trail_value: object, atr_period: object = None) -> Self:
        """Read the seed's three arguments; `trail_type` may be a `TrailMethod` by itself.

        Raises:
            TypeError: an argument has the wrong type.
            ValidationError: there is no such type, or the value or period is not allowed.

        """
        if isinstance(trail_type, cls) and trail_value is None and atr_period is None:
            return trail_type
        word = _word(trail_type, "trail_type")
        kind = "percentage" if word == "pct" else word
        if kind not in ("fixed", "percentage", "atr"):
            raise ValidationError(
                f"Invalid trail_type {trail_type!r:.40}. Use 'fixed', 'percentage', or 'atr'."
            )
        return cls(kind, trail_value, atr_period)  # type: ignore[arg-type]


class Price(int):
    """A price in the smallest unit, shown in dollars and cents; everywhere an int does as well."""

    ZERO: ClassVar[Price]
    MAX: ClassVar[Price]
    """Limit of a market order to buy."""
    MIN: ClassVar[Price]
    """Limit of a market order to sell."""

    def __new__(cls, units: int) -> Self:
        """Return it checked: a whole number of units of 64 bits.

        Raises:
            TypeError: it is no whole number.
            OverflowError: it is outside the limits.

        """
        return super().__new__(cls, _integer(units, "price", -INT64_MAX - 1, INT64_MAX))

    def __str__(self) -> str:
        cents = abs(self)
        return f"{'-' if self < 0 else ''}${cents // 100}.{cents % 100:02d}"

    def __format__(self, spec: str) -> str:
        return format(int(self), spec) if spec else str(self)

    def __repr__(self) -> str:
        return f"Price({int(self)})"


Price.ZERO = Price(0)
Price.MAX = Price(INT64_MAX)
Price.MIN = Price(-INT64_MAX - 1)


class _Id(int):
    """An identifier that is shown with a letter before it."""

    letter: ClassVar[str]

    def __str__(self) -> str:
        return f"{self.letter}{int(self)}"

    def __format__(self, spec: str) -> str:
        return format(int(self), spec) if spec else str(self)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({int(self)})"


class OrderId(_Id):
    """Identifier of an order or a stop, shown as `O42`."""

    letter = "O"


class TradeId(_Id):
    """Identifier of a trade, shown as `T7`."""

    letter = "T"


class Symbol(str):
    """An instrument's identifier: at most 8 ASCII bytes. A plain str does as well."""

    __slots__ = ()

    def __new__(cls, symbol: str) -> Self:
        """Return it checked, see `check_symbol`."""
        return super().__new__(cls, check_symbol(symbol))

    @classmethod
    def new(cls, symbol: str) -> Self:
        """Return the symbol, or raise as `Symbol(symbol)` does."""
        return cls(symbol)

    @classmethod
    def try_new(cls, symbol: str) -> Self | None:
        """Return the symbol, or None where it is too long or not ASCII."""
        try:
            return cls(symbol)
        except ValidationError:
            return None

    @classmethod
    def from_str_truncated(cls, symbol: str) -> Self:
        """Return a symbol of the first 8 characters.

        Raises:
            ValidationError: one of them is outside ASCII.

        """
        return cls(symbol[:SYMBOL_BYTES])

    def __repr__(self) -> str:
        return f"Symbol({str(self)!r})"


def check_symbol(symbol: object) -> str:
    """Return the symbol as a plain string if it is one of at most 8 ASCII bytes.

    Raises:
        TypeError: it is not a string.
        ValidationError: it is longer, or has a character outside ASCII.

    """
    if not isinstance(symbol, str):
        raise TypeError(
            f"a symbol is a string of at most {SYMBOL_BYTES} bytes, got {shown(symbol)}"
        )
    # As a plain string: a subclass, an enum's for one, may measure and print itself as another.
    plain = str.__str__(symbol)
    if len(plain.encode(errors="surrogatepass")) > SYMBOL_BYTES:
        raise ValidationError(
            f"Symbol {plain!r:.40} exceeds {SYMBOL_BYTES} bytes. Use a shorter symbol."
        )
    if not plain.isascii():
        raise ValidationError(f"Symbol {plain!r} has characters outside ASCII. Spell it in ASCII.")
    return plain


def symbol_problem(symbol: str, most: int = SYMBOL_BYTES) -> str:
    """Why no target weights may name a symbol; empty if they may. Has at most so many bytes."""
    if symbol.strip() and len(symbol.encode(errors="replace")) > most:
        return f"a symbol has at most {most} bytes, got {shown(symbol)}"
    if not (symbol and symbol.isascii() and symbol.isprintable()) or symbol != symbol.strip():
        return f"a symbol is printable ASCII without blanks at its ends, got {shown(symbol)}"
    return f"a symbol has no '|', got {shown(symbol)}" if "|" in symbol else ""


def id_problem(name: str) -> str:
    """Why no target weights may have an id; empty if they may."""
    if len(name) <= _ID_LENGTH and name.isprintable():
        return ""
    return f"at most {_ID_LENGTH} printable characters, got {len(name)}: {shown(name)}"


def check_price(price: object, name: str = "price") -> int:
    """Return a price as a plain int: above -2^63 and below 2^63.

    Raises:
        TypeError: it is no whole number: a bool, a float (5.0 too), a string.
        OverflowError: it is outside those limits.

    """
    return _integer(price, name, -INT64_MAX, INT64_MAX)


def check_quantity(quantity: object, name: str = "quantity") -> int:
    """Return a quantity as a plain int: from 1 to 2^63-1.

    Raises:
        TypeError: it is no whole number.
        OverflowError: it is negative or above 2^63-1.
        ValidationError: it is 0.

    """
    number = _integer(quantity, name, 0, INT64_MAX)
    if number == 0:
        raise ValidationError(f"{name} must be greater than zero, got 0")
    return number


def check_new_quantity(quantity: object) -> int:
    """Return the quantity of a modify as a plain int: from 0 to 2^63-1; 0 fails later, softly.

    Raises:
        TypeError: it is no whole number.
        OverflowError: it is negative or above 2^63-1.

    """
    return _integer(quantity, "new_quantity", 0, INT64_MAX)


def check_order_id(order_id: object) -> int:
    """Return an order id as a plain int: from 0 to 2^63-1, whether there is such an order or not.

    Raises:
        TypeError: it is no whole number.
        OverflowError: it is negative or above 2^63-1.

    """
    return _integer(order_id, "order_id", 0, INT64_MAX)


def check_levels(levels: object) -> int:
    """Return a number of levels as a plain int: from 0 to 2^63-1, however many there are.

    Raises:
        TypeError: it is no whole number.
        OverflowError: it is negative or above 2^63-1.

    """
    return _integer(levels, "levels", 0, INT64_MAX)


def check_owner(owner: object) -> int | None:
    """Return an owner as a plain int from 0 to 2^32-1, or None.

    Raises:
        TypeError: it is neither None nor a whole number.
        OverflowError: it is outside those limits.

    """
    return None if owner is None else _integer(owner, "owner", 0, OWNER_MAX)


def check_stp_policy(policy: object, owner: int | None) -> StpPolicy:
    """Return a self-trade policy; any but `off` needs an owner.

    Raises:
        TypeError: it is not a string.
        ValidationError: there is no such policy, or the order has no owner.

    """
    found = StpPolicy(policy)  # type: ignore[arg-type]  # refuses what is no string
    if found is not StpPolicy.OFF and owner is None:
        raise ValidationError(f"stp_policy {found.value!r} needs an owner, got owner=None")
    return found


def check_time_in_force(tif: object, *, post_only: object = False) -> TimeInForce:
    """Return a time in force; a post-only order must be able to rest.

    Raises:
        TypeError: it is not a string, or `post_only` is not a bool.
        ValidationError: there is no such word, or it is not GTC and post-only.

    """
    found = TimeInForce(tif)  # type: ignore[arg-type]  # refuses what is no string
    if not isinstance(post_only, bool):
        raise TypeError(f"post_only is True or False, got {shown(post_only)}")
    if post_only and not found.can_rest:
        raise ValidationError(
            f"a post_only order rests, so its time_in_force is 'gtc', got {found.value!r}"
        )
    return found
