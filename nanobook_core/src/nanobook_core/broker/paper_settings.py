"""How a paper account is set up."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any, TypeAlias

from attrs import frozen

from nanobook_core.broker.paper_quotes import to_decimal
from nanobook_core.contracts.broker import ClientIdScope
from nanobook_core.contracts.instrument import Instrument
from nanobook_core.errors import ValidationError, shown

#: Base currency per unit of another one.
Rates: TypeAlias = Mapping[str, int | Decimal | str]
Instruments: TypeAlias = Mapping[str, Instrument | Mapping[str, Any]] | Iterable[Instrument]


@frozen(kw_only=True)
class PaperRules:
    """How the venue treats this account."""

    currency: str
    rates: Rates
    leverage: Decimal
    """1 in a cash account."""
    is_margin: bool
    allow_short: bool
    splits_flips: bool
    instruments: Mapping[str, Instrument]
    without_currency: frozenset[str]
    """Symbols of those whose currency was not given."""


def to_word(value: object, name: str) -> str:
    """Return printable text."""
    if not isinstance(value, str):
        raise TypeError(f"{name} is a string, got {shown(value)}")
    if not (value and value.isprintable()):
        raise ValidationError(f"{name} is printable text, got {value!r:.40}")
    return value


def to_flag(value: object, name: str) -> bool:
    """Return True or False."""
    if not isinstance(value, bool):
        raise TypeError(f"{name} is True or False, got {shown(value)}")
    return value


def to_leverage(margin: object) -> Decimal:
    """Return how many times its equity an account may hold; 1 for a cash account."""
    if margin is False:
        return Decimal(1)
    if margin is True:
        raise TypeError("margin says how many times the equity may be held, as 2; got True")
    leverage = to_decimal(margin, "margin")
    if leverage < 1:
        raise ValidationError(f"margin is at least 1, or False for a cash account; got {margin}")
    return leverage


def to_scope(value: object) -> ClientIdScope:
    """Return for how long client order ids are refused."""
    if not isinstance(value, str):
        raise TypeError(f"client_id_scope is a string, got {shown(value)}")
    if value not in list(ClientIdScope):
        words = ", ".join(repr(scope.value) for scope in ClientIdScope)
        raise ValidationError(f"client_id_scope is one of {words}, got {value!r:.40}")
    return ClientIdScope(value)


def to_rates(given: object) -> Rates:
    """Return the mapping itself, which may change later, once its rates are such."""
    if not isinstance(given, Mapping):
        raise TypeError(f"rates are a mapping from currency to rate, got {shown(given)}")
    for currency, rate in given.items():
        to_rate(rate, currency)
    return given


def to_rate(value: object, currency: str) -> Decimal:
    """Return base currency per unit of that one, above 0."""
    rate = to_decimal(value, f"rate of {currency}")
    if rate <= 0:
        raise ValidationError(f"rate of {currency} is above 0, got {rate}")
    return rate


_STEPS = ("tick", "lot", "multiplier", "min_quantity", "max_quantity")
_LIMITS = ("min_notional", "max_notional")


def to_instruments(given: Instruments) -> tuple[dict[str, Instrument], frozenset[str]]:
    """Return instruments by symbol, given as records or as mappings of their fields.

    And which of them were given as mappings without a currency.
    """
    pairs = given.items() if isinstance(given, Mapping) else ((one.symbol, one) for one in given)
    found, without_currency = {}, set()
    for symbol, value in pairs:
        rules = value
        if isinstance(rules, Mapping):
            settings = {
                name: to_decimal(entry, f"{symbol}: {name}")
                if name in (*_STEPS, *_LIMITS)
                else entry
                for name, entry in rules.items()
            }
            if "currency" not in settings:
                without_currency.add(symbol)
            try:
                rules = Instrument(symbol=symbol, **settings)  # type: ignore[arg-type]  # it checks them
            except TypeError as error:
                raise ValidationError(f"instruments: {symbol}: {error}") from None
        if not isinstance(rules, Instrument) or rules.symbol != symbol:
            raise ValidationError(f"instruments: {symbol!r:.40} is given {shown(rules)}")
        found[symbol] = rules
    return found, frozenset(without_currency)
