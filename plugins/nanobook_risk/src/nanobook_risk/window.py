"""What was sent within some seconds."""

from __future__ import annotations

import datetime as dt

from nanobook_core.contracts import RiskRequest, SentOrder
from nanobook_core.risk import CannotJudgeError, limit

_LONGEST = 366 * 24 * 3600


def seconds(name: str, value: object) -> dt.timedelta:
    """Return a length of time above 0, given as one or in seconds, cut to microseconds.

    Raises:
        TypeError: it is no number.
        ValidationError: it is not above 0 or longer than a year.

    """
    if isinstance(value, dt.timedelta):
        value = value.total_seconds()
    given = limit(name, value, f"> 0 and at most {_LONGEST}", lambda given: 0 < given <= _LONGEST)
    # At least one: a window of no length would see nothing.
    return dt.timedelta(microseconds=max(int(given * 1_000_000), 1))


def sent_within(request: RiskRequest, window: dt.timedelta) -> list[SentOrder]:
    """Orders not longer ago than that; what is dated later than now is one of them.

    Raises:
        CannotJudgeError: times with and without time zone cannot be compared.

    """
    try:
        return [sent for sent in request.sent if request.now - sent.sent_at <= window]
    except (TypeError, OverflowError) as error:
        raise CannotJudgeError(f"times cannot be compared: {error}") from error
