"""Lists of symbols as they are configured."""

from __future__ import annotations

from collections.abc import Iterable

from nanobook_core.errors import ValidationError, shown


def symbols(name: str, value: object) -> frozenset[str]:
    """Return a list of symbols.

    Raises:
        TypeError: it is no list of strings.
        ValidationError: an entry is blank.

    """
    # A string is an iterable of letters, and a list of letters restricts nothing that is traded.
    if isinstance(value, str) or not isinstance(value, Iterable):
        raise TypeError(f"{name} is a list of symbols, got {shown(value)}")
    listed = list(value)
    for symbol in listed:
        if not isinstance(symbol, str):
            raise TypeError(f"{name} is a list of symbols, got {shown(symbol)} in it")
        if not symbol.strip():
            raise ValidationError(f"{name} has a blank symbol: {symbol!r}")
    return frozenset(listed)
