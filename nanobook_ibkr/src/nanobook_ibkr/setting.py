"""How fast a broker sends, checked."""

from __future__ import annotations

from nanobook_core.broker.setting import to_whole

_MANY = 1_000_000


def to_pace(value: object) -> int:
    """Return messages a second; None is more than any program sends.

    Raises:
        TypeError: it is no int.
        OverflowError: it is not from 1 to a million.

    """
    return _MANY if value is None else to_whole(value, "messages_per_second", 1, _MANY)
