"""Times of an exchange's day, in nanoseconds since its midnight."""

from __future__ import annotations

import datetime as dt
import operator
import re
from typing import TypeAlias

from nanobook_core.errors import ValidationError, shown

#: Nanoseconds since midnight, `"09:30"`, `"09:30:00.5"`, or a time without a zone.
TimeOfDay: TypeAlias = int | str | dt.time

_SECOND = 1_000_000_000

#: A time on the wire has six bytes; none reaches it.
END_OF_TIME = 2**48

_CLOCK = re.compile(r"(\d{1,2}):([0-5]\d)(?::([0-5]\d)(?:\.(\d{1,9}))?)?", re.ASCII)


def nanoseconds(time: TimeOfDay, name: str = "time") -> int:
    """Return nanoseconds since midnight, exact.

    Raises:
        TypeError: it is no time, or one with a zone: the times of a feed are the exchange's.
        ValidationError: a text that is not HH:MM, HH:MM:SS or HH:MM:SS.fff, a time after 24:00 in
            a text, a number below 0 or above 2^48.

    """
    if isinstance(time, str):
        return _of_text(time, name)
    if isinstance(time, dt.time):
        if time.tzinfo is not None:
            raise TypeError(f"{name}: a time without a zone, as the exchange's; got {shown(time)}")
        seconds = 3600 * time.hour + 60 * time.minute + time.second
        return _SECOND * seconds + 1000 * time.microsecond
    wanted = f'{name} is nanoseconds since midnight, "09:30:00" or a datetime.time'
    try:
        number = operator.index(time)
    except TypeError:
        raise TypeError(f"{wanted}; got {shown(time)}") from None
    if isinstance(time, bool):
        raise TypeError(f"{wanted}; got {shown(time)}")
    if not 0 <= number <= END_OF_TIME:
        raise ValidationError(f"{name} is 0 to 2^48 ns since midnight, got {shown(time)}")
    return number


def _of_text(text: str, name: str) -> int:
    found = _CLOCK.fullmatch(text)
    if found is None:
        raise ValidationError(
            f'{name}: a time is written "09:30", "09:30:00" or "09:30:00.5", got {shown(text)}'
        )
    hour, minute, second, fraction = found.groups(default="0")
    number = _SECOND * (3600 * int(hour) + 60 * int(minute) + int(second))
    number += int(fraction.ljust(9, "0"))
    if number > 24 * 3600 * _SECOND:
        raise ValidationError(f"{name}: a day ends at 24:00, got {shown(text)}")
    return number


def clock(time: int) -> str:
    """Return a time as `09:30:00.000000001`, to the nanosecond."""
    seconds, fraction = divmod(time, _SECOND)
    return f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}.{fraction:09d}"
