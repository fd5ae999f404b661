"""The column of a table that says when."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Collection, Generator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nanobook_core.errors import ValidationError, shown

#: Names of a column of dates, in lower case, if it is text.
NAMES = ("date", "time", "timestamp", "datetime")
_ISO = re.compile(
    r"(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?)(?:(Z)|([+-])(\d\d):?(\d\d))?)?"
)
#: Fields of a column with a time zone: what clocks there show, and UTC.
_ZONED = ("local", "utc")
_PERIOD = re.compile(r"period (\d+)(?=[,:])")


def date_column(
    columns: Mapping[str, NDArray[Any]], labels: Collection[str], noun: str
) -> str | None:
    """Return the name of the column of dates, or None; `labels` are columns that are of symbols.

    It is the one of a type of dates. If there is none, it is the one of text that comes first, or
    is called `date`, `time`, `timestamp` or `datetime`.

    Raises:
        ValidationError: there are several, or one with such a name is of numbers.

    """
    found = [name for name, column in columns.items() if _first_kind(column) is dt.date]
    if not found:
        found = [
            name
            for place, (name, column) in enumerate(columns.items())
            if (place == 0 or name.lower() in NAMES)
            and name not in labels
            and _first_kind(column) is str
        ]
    if len(found) > 1:
        raise ValidationError(f"{noun}: one column of dates, got {', '.join(map(repr, found))}")
    if found:
        return found[0]
    for name, column in columns.items():
        if name.lower() in NAMES and column.dtype.kind in "iuf":
            raise ValidationError(
                f"{noun}: column {name!r} is of numbers; dates have a type of dates, or are ISO "
                "text, like 2024-01-31"
            )
    return None


def _first_kind(column: NDArray[Any]) -> type[Any] | None:
    """`date` or `str`, which the first value that is there is; None if it is neither."""
    if column.dtype.kind == "M" or column.dtype.names == _ZONED:
        return dt.date
    if column.dtype.kind not in "OU":
        return None
    first = next((value for value in column if value is not None), None)
    return next((kind for kind in (dt.date, str) if isinstance(first, kind)), None)


def zoned(local: NDArray[Any], utc: NDArray[Any]) -> NDArray[Any]:
    """Return a column with a time zone, of both."""
    times = [time if time.dtype.kind == "M" else time.astype("M8[ns]") for time in (local, utc)]
    kinds = [(name, time.dtype) for name, time in zip(_ZONED, times, strict=True)]
    column = np.empty(len(local), kinds)
    column["local"], column["utc"] = times
    return column


def read_dates(
    column: NDArray[Any], noun: str, name: str
) -> tuple[NDArray[np.datetime64], NDArray[np.datetime64] | None]:
    """Return dates as days, or as nanoseconds where one of them is within a day; and UTC.

    Times with a zone, an offset or a `Z` become those of UTC, unless all are midnights of their
    zone: then they are its dates. UTC is what they are there, None where no time has a zone.

    Raises:
        ValidationError: text that is no ISO date or time, a date that is missing, or a time that
            nanoseconds do not reach (before 1678, after 2261).

    """
    dates: NDArray[np.datetime64] = column
    utc: NDArray[np.datetime64] | None = None
    if column.dtype.names == _ZONED:
        dates, utc = column["local"], column["utc"]
    elif column.dtype.kind != "M":
        dates, utc = _read(column.tolist(), noun, name)
    if np.isnat(dates).any():
        row = int(np.flatnonzero(np.isnat(dates))[0])
        raise ValidationError(f"{noun}: row {row} has no date")
    if utc is not None and not _are_days(dates):
        dates = utc
    if _are_days(dates):
        return dates.astype("datetime64[D]"), utc
    moments = dates.astype("datetime64[ns]")
    is_wrapped = moments.astype(dates.dtype) != dates
    if is_wrapped.any():
        raise ValidationError(
            f"{noun}: {dates[is_wrapped][0]} is not between the years 1678 and 2262"
        )
    return moments, None if utc is None else moments


def _are_days(dates: NDArray[np.datetime64]) -> bool:
    return bool((dates.astype("datetime64[D]") == dates).all())


def _read(
    values: list[Any], noun: str, name: str
) -> tuple[NDArray[np.datetime64], NDArray[np.datetime64] | None]:
    """Return times as they are written, and in UTC where one of them has a zone."""
    # In a long table few dates are each there often; one moment has a time in each zone.
    keys = [(value, getattr(value, "tzinfo", None)) for value in values]
    times: dict[Any, tuple[np.datetime64, np.datetime64 | None]] = {}
    for row, key in enumerate(keys):
        if key not in times:
            try:
                times[key] = time_of(key[0])
            except (TypeError, ValueError):
                raise ValidationError(
                    f"{noun}: a column of dates that are not ISO dates: row {row} of {name!r} is "
                    f"{shown(key[0])}. Make dates of them, in pandas with pd.to_datetime(…, "
                    "format=…), or write them like 2024-01-31"
                ) from None
    unit = None if values else "datetime64[D]"
    local = np.array([times[key][0] for key in keys], unit)
    if all(utc is None for _, utc in times.values()):
        return local, None
    return local, np.array([times[key][0 if times[key][1] is None else 1] for key in keys])


def time_of(value: Any) -> tuple[np.datetime64, np.datetime64 | None]:
    """Return the time that a date, a time or ISO text says, and what that is in UTC.

    It is NaT where it says nothing; UTC is None where it has no zone.

    Raises:
        TypeError, ValueError: it is something else.

    """
    if value is None or value != value or value == "":  # noqa: PLR0124 - NaN and NaT
        return np.datetime64("NaT"), None
    if isinstance(value, dt.datetime):
        local = np.datetime64(value.replace(tzinfo=None))
        if value.tzinfo is None:
            return local, None
        return local, np.datetime64(value.astimezone(dt.UTC).replace(tzinfo=None))
    if isinstance(value, dt.date | np.datetime64):
        return np.datetime64(value), None
    # numpy itself would read "20240102" as a year, and "today" off the clock.
    found = _ISO.fullmatch(value)
    if found is None:
        raise ValueError(value)
    day, time, is_utc, sign, hours, minutes = found.groups()
    local = np.datetime64(day if time is None else f"{day}T{time}")
    if sign is None:
        return local, local if is_utc else None
    offset = np.timedelta64(int(hours) * 60 + int(minutes), "m")
    return local, local - offset if sign == "+" else local + offset


def unknown(date: np.datetime64, dates: NDArray[np.datetime64]) -> str:
    """Return what messages say of a date that is none of these, which rise."""
    after = dates[dates > date]
    if len(after):
        near = f"the next one is {after[0]}"
    else:
        near = f"the last one is {dates[-1]}" if len(dates) else "they have none"
    return f"{date} is not a date of the prices; {near}"


def named(period: int, dates: NDArray[np.datetime64] | None) -> str:
    """Return what messages call a period: `period 3 (2020-01-06)`, its date where there are any."""
    return f"period {period}" if dates is None else f"period {period} ({dates[period]})"


@contextmanager
def dated(dates: NDArray[np.datetime64] | None) -> Generator[None, None, None]:
    """Add its date to the period with which the message of an error begins."""
    try:
        yield
    except (ValidationError, OverflowError) as error:
        found = _PERIOD.match(str(error))
        if found is not None and dates is not None and int(found[1]) < len(dates):
            error.args = (named(int(found[1]), dates) + str(error)[found.end() :],)
        raise


def check_rising(dates: NDArray[np.datetime64], noun: str) -> None:
    """Refuse dates of which one does not come after the one before it."""
    row = _first_row(dates[1:] <= dates[:-1])
    if row is not None:
        raise ValidationError(
            f"{noun}: dates must rise, and {dates[row + 1]} comes after {dates[row]}"
        )


def check_sorted(dates: NDArray[np.datetime64], noun: str) -> None:
    """Refuse dates that go back; the same one again is allowed."""
    row = _first_row(dates[1:] < dates[:-1])
    if row is not None:
        raise ValidationError(
            f"{noun}: dates must not go back, and {dates[row + 1]} comes after {dates[row]}; "
            "sort the table by date"
        )


def _first_row(is_wrong: NDArray[np.bool_]) -> int | None:
    return int(is_wrong.argmax()) if is_wrong.any() else None
