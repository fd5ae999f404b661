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

#: In nanoseconds; no interval is meant to be shorter where a number has no unit.
_LEAST = 1_000_000

_UNITS = {"ns": 1, "us": 1000, "ms": _LEAST, "s": _SECOND, "m": 60 * _SECOND, "h": 3600 * _SECOND}
_LENGTH = re.compile(r"(\d{1,15})(ns|us|ms|s|m|h)", re.ASCII)
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


def duration(time: TimeOfDay, name: str) -> int:
    """Return nanoseconds of a length of time: `"00:05"`, or `"5m"` of h, m, s, ms, us, ns.

    A whole number is nanoseconds.

    Raises:
        TypeError: as of `nanoseconds`.
        ValidationError: it is 0 or longer than a time can be, or a number below 1 ms, which is
            seconds that were meant.

    """
    if isinstance(time, str) and (found := _LENGTH.fullmatch(time)) is not None:
        length = int(found[1]) * _UNITS[found[2]]
    elif isinstance(time, str) and _CLOCK.fullmatch(time) is None:
        raise ValidationError(
            f'{name} is a length of time, as "00:05", "5m" or "300s"; got {shown(time)}'
        )
    else:
        length = nanoseconds(time, name)
        if not isinstance(time, str) and 0 < length < _LEAST:
            raise ValidationError(
                f"{name} {time} is {time} ns, as numbers are nanoseconds: "
                f'write "{time}s" for seconds, or "{time}ns" if that is meant'
            )
    if not 0 < length <= END_OF_TIME:
        raise ValidationError(f"{name} is a length of time above 0, got {shown(time)}")
    return length


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
