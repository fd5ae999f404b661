"""What the codes of TWS mean: one table, from which everything else follows."""

from __future__ import annotations

from enum import StrEnum
from typing import Any

from nanobook_core.contracts.broker_error import (
    BrokerError,
    CancelRejectedError,
    ConnectError,
    InsufficientFundsError,
    MarketClosedError,
    NoQuoteError,
    OrderInvalidError,
    OrderNotFoundError,
    OrderRejectedError,
    Outcome,
    OutcomeUnknownError,
    PermissionDeniedError,
    RateLimitedError,
    SessionConflictError,
    UnknownSymbolError,
)


class Meaning(StrEnum):
    """What a code says."""

    INFO = "info"
    DEGRADED = "degraded"
    """A farm of market data is away; orders are not concerned."""
    LINK_DOWN = "link_down"
    """TWS has lost the venue: orders do not reach the market."""
    LINK_UP = "link_up"
    """TWS has it back, and has kept the subscriptions."""
    LINK_UP_DATA_LOST = "link_up_data_lost"
    """TWS has it back; subscriptions must be made again."""
    PORT_CHANGED = "port_changed"
    RATE = "rate"
    NO_MARKET_DATA = "no_market_data"
    DELAYED_DATA = "delayed_data"
    """A warning: delayed prices come instead."""
    DUPLICATE_ID = "duplicate_id"
    """The order's number has been used: by ourselves perhaps, so the outcome is unknown."""
    TOO_LATE = "too_late"
    """The order to change or to cancel is done, or it is not ours: ask for it."""
    NOT_FOUND = "not_found"
    INVALID = "invalid"
    """The order breaks a rule."""
    REJECTED = "rejected"
    CANCELLED = "cancelled"
    CONTRACT = "contract"
    HELD = "held"
    """The venue has the order and does not work it yet."""
    WARNING = "warning"
    """Says something of an order and changes nothing."""
    READ_ONLY = "read_only"
    SESSION = "session"
    CONNECTION = "connection"


#: Too many messages a second.
TOO_FAST = 100
#: TWS has no connection to the venue, as it was when the session began.
BROKEN_AT_START = 2110

_CODES: dict[Meaning, tuple[int, ...]] = {
    Meaning.INFO: (2100, 2104, 2106, 2107, 2108, 2119, 2150, 2158),
    Meaning.DEGRADED: (2103, 2105, 2157),
    Meaning.LINK_DOWN: (1100, 2110),
    Meaning.LINK_UP: (1102,),
    Meaning.LINK_UP_DATA_LOST: (1101,),
    Meaning.PORT_CHANGED: (1300,),
    Meaning.RATE: (100, 101, 10190),
    Meaning.NO_MARKET_DATA: (354, 10089, 10168, 10186, 10197),
    Meaning.DELAYED_DATA: (10090, 10167),
    Meaning.DUPLICATE_ID: (103,),
    Meaning.TOO_LATE: (104, 105, 106, 136, 161, 10147, 10148),
    Meaning.NOT_FOUND: (135,),
    Meaning.INVALID: (109, 110, 111, 320, 321, 322, 387, 388, 434, 10243),
    Meaning.REJECTED: (201, 203),
    Meaning.CANCELLED: (202,),
    Meaning.CONTRACT: (200,),
    Meaning.HELD: (404,),
    Meaning.WARNING: (399, 2109, 2137, 10349),
    Meaning.SESSION: (326,),
    Meaning.CONNECTION: (502, 503, 504, 507),
}
_MEANINGS = {code: meaning for meaning, codes in _CODES.items() for code in codes}


def meaning(code: int, text: str = "") -> Meaning:
    """What a code says; one that is not in the table is a warning, which changes nothing.

    321 is two things, which only its text tells apart: an invalid request, and a read-only API.
    """
    if code == 321 and "read-only" in text.lower():  # noqa: PLR2004 - codes are what this is about
        return Meaning.READ_ONLY
    return _MEANINGS.get(code, Meaning.WARNING)


_ERRORS: dict[Meaning, type[BrokerError]] = {
    Meaning.LINK_DOWN: ConnectError,
    Meaning.RATE: RateLimitedError,
    Meaning.NO_MARKET_DATA: NoQuoteError,
    Meaning.DUPLICATE_ID: OutcomeUnknownError,
    Meaning.TOO_LATE: CancelRejectedError,
    Meaning.NOT_FOUND: OrderNotFoundError,
    Meaning.INVALID: OrderInvalidError,
    Meaning.REJECTED: OrderRejectedError,
    Meaning.CANCELLED: OrderRejectedError,
    Meaning.CONTRACT: UnknownSymbolError,
    Meaning.READ_ONLY: PermissionDeniedError,
    Meaning.SESSION: SessionConflictError,
    Meaning.PORT_CHANGED: ConnectError,
    Meaning.CONNECTION: ConnectError,
}
READ_ONLY_HINT = "clear 'Read-Only API' in the API settings of TWS or Gateway to send orders"
_HINTS: dict[Meaning, str] = {
    Meaning.NO_MARKET_DATA: (
        "the account has no subscription of these prices, or another session uses it; "
        'market_data="delayed" asks for delayed ones'
    ),
    Meaning.READ_ONLY: READ_ONLY_HINT,
    Meaning.SESSION: "give each program a client_id of its own, or end the other one",
}
#: Words of a refusal (201) that say why.
_REASONS: tuple[tuple[str, type[OrderRejectedError]], ...] = (
    ("insufficient", InsufficientFundsError),
    ("margin", InsufficientFundsError),
    ("available funds", InsufficientFundsError),
    ("is closed", MarketClosedError),
)


def ends_request(code: int, text: str = "") -> bool:
    """Whether there will be no other answer to a request that was answered so."""
    return meaning(code, text) in _ERRORS


def error_of(code: int, text: str, **details: Any) -> BrokerError:
    """The error to raise for a code; it says the venue's text and code, and what to do."""
    said = meaning(code, text)
    kind = _ERRORS.get(said, BrokerError)
    if said is Meaning.REJECTED:
        lower = text.lower()
        kind = next((error for word, error in _REASONS if word in lower), kind)
    hint = _HINTS.get(said)
    error = kind(
        f"{text} (code {code})" + (f"; {hint}" if hint else ""),
        broker="ibkr",
        code=str(code),
        **details,
    )
    if said is Meaning.INVALID:  # of which the venue has had a look
        error.outcome = Outcome.REJECTED
    return error
