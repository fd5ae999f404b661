"""What a request's parameters may look like, and what is answered where they do not."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any, TypeAlias

from attrs import frozen

from nanobook_binance.simulator.venue import Refusal

Read: TypeAlias = Callable[[str, str], Any]
"""From a parameter's name and text to its value; raises Refusal."""

_SYMBOL = "^[A-Z0-9-_.]{1,20}$"
_CLIENT_ORDER_ID = r"^[\.A-Z\:/a-z0-9_-]{1,36}$"
_DECIMAL = r"^([0-9]{1,20})(\.[0-9]{1,20})?$"
_WHOLE = "^[0-9]{1,20}$"
_MOST_LONG = 2**63 - 1
_MOST_INT = 2**31 - 1


@frozen
class Parameter:
    """One that an endpoint takes."""

    name: str
    read: Read
    is_required: bool = False


def missing(name: str) -> Refusal:
    """What is answered where a parameter is not there, though it must be."""
    return Refusal(
        -1102, f"Mandatory parameter '{name}' was not sent, was empty/null, or malformed."
    )


def missing_both(first: str, second: str) -> Refusal:
    """What is answered where one of two must be there, and neither is."""
    return Refusal(-1102, f"Param '{first}' or '{second}' must be sent, but both were empty/null!")


def not_valid(name: str) -> Refusal:
    """What is answered where a parameter's value is none of those that there are."""
    return Refusal(-1130, f"Data sent for parameter '{name}' is not valid.")


def _matched(name: str, text: str, pattern: str) -> str:
    if re.fullmatch(pattern, text, re.ASCII) is None:
        raise Refusal(
            -1100, f"Illegal characters found in parameter '{name}'; legal range is '{pattern}'."
        )
    return text


def symbol(name: str, text: str) -> str:
    """A symbol by its looks; the venue knows whether there is such a one."""
    return _matched(name, text, _SYMBOL)


def client_order_id(name: str, text: str) -> str:
    """Up to 36 of the characters that are allowed in one."""
    return _matched(name, text, _CLIENT_ORDER_ID)


def decimal(name: str, text: str) -> Decimal:
    """A number of up to 20 digits on either side of the point, without a sign or exponent."""
    return Decimal(_matched(name, text, _DECIMAL))


def long(name: str, text: str) -> int:
    """A whole number of 64 bits."""
    return _whole(name, text, _MOST_LONG)


def integer(name: str, text: str) -> int:
    """A whole number of 32 bits."""
    return _whole(name, text, _MOST_INT)


def _whole(name: str, text: str, most: int) -> int:
    value = int(_matched(name, text, _WHOLE))
    if value > most:
        raise Refusal(-1108, f"Parameter '{name}' overflowed.")
    return value


def limit(most: int) -> Read:
    """How many are wanted: 1 or more, and `most` where it is more."""

    def read(name: str, text: str) -> int:
        value = integer(name, text)
        if not value:
            raise not_valid(name)
        return min(value, most)

    return read


def boolean(name: str, text: str) -> bool:
    """True or false, in letters of either case."""
    if text.lower() not in ("true", "false"):
        raise not_valid(name)
    return text.lower() == "true"


def one_of(values: tuple[str, ...], code: int = -1130, message: str = "") -> Read:
    """One of the values; else that error."""

    def read(name: str, text: str) -> str:
        if text in values:
            return text
        raise Refusal(code, message) if message else not_valid(name)

    return read


def symbols(name: str, text: str) -> tuple[str, ...]:
    """A list of symbols in JSON, each there once."""
    try:
        listed = json.loads(text)
    except ValueError:
        raise _no_list(name) from None
    if not isinstance(listed, list) or not listed:
        raise _no_list(name)
    found = tuple(symbol(name, each) if isinstance(each, str) else "" for each in listed)
    if not all(found):
        raise _no_list(name)
    if len(set(found)) < len(found):
        raise Refusal(-1151, "Symbol is present multiple times in the list.")
    return found


def _no_list(name: str) -> Refusal:
    return Refusal(
        -1100,
        f"Illegal characters found in parameter '{name}'; legal range is "
        """'^\\[("[A-Z0-9-_.]{1,20}"(,"[A-Z0-9-_.]{1,20}"){0,}){0,1}\\]$'.""",
    )


def names(name: str, text: str) -> tuple[str, ...]:
    """One name, or a list of names in JSON."""
    if not text.startswith("["):
        return (text,)
    try:
        listed = json.loads(text)
    except ValueError:
        raise Refusal(-1135, f"JSON sent for parameter '{name}' is not valid") from None
    if not all(isinstance(each, str) for each in listed):
        raise not_valid(name)
    return tuple(listed)


def text(name: str, text: str) -> str:
    """Anything."""
    del name
    return text


def read(parameters: tuple[Parameter, ...], sent: Mapping[str, str]) -> dict[str, Any]:
    """The values of what was sent, by name; those that were not are absent.

    Raises:
        Refusal: one is missing, empty, of no such form, or unknown.

    """
    if len(sent) > len(parameters):
        raise Refusal(
            -1101,
            f"Too many parameters; expected '{len(parameters)}' and received '{len(sent)}'.",
        )
    values = {}
    for parameter in parameters:
        given = sent.get(parameter.name)
        if not given:
            if parameter.is_required:
                raise missing(parameter.name)
            if given is not None:
                raise Refusal(-1105, f"Parameter '{parameter.name}' was empty.")
            continue
        values[parameter.name] = parameter.read(parameter.name, given)
    if len(values) < len(sent):
        raise Refusal(
            -1104,
            f"Not all sent parameters were read; read '{len(values)}' parameter(s) "
            f"but was sent '{len(sent)}'.",
        )
    return values
