"""What the server says about the session."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable

from nanobook_ibkr.simulator.wire import Field

_ADVANCED_REJECT = 166


def welcome(version: int, time: dt.datetime) -> list[Field]:
    """First answer to a client: the version that is spoken from here on."""
    return [version, zoned(time)]


def next_valid_id(_version: int, order_id: int) -> list[Field]:
    """The lowest order number the client may use."""
    return [9, 1, order_id]


def managed_accounts(_version: int, accounts: Iterable[str]) -> list[Field]:
    """The names of the accounts."""
    return [15, 1, ",".join(accounts)]


def current_time(_version: int, seconds: int) -> list[Field]:
    """The server's clock, in seconds since 1970."""
    return [49, 1, seconds]


def error(
    version: int, request_id: int, code: int, text: str, advanced_reject: str = ""
) -> list[Field]:
    """An error, a warning or information; `request_id` -1 is about no request."""
    reject = [advanced_reject] if version >= _ADVANCED_REJECT else []
    return [4, 2, request_id, code, text, *reject]


def zoned(time: dt.datetime) -> str:
    """A time as TWS writes it, in UTC, to the second."""
    return f"{time.astimezone(dt.UTC):%Y%m%d %H:%M:%S} UTC"
