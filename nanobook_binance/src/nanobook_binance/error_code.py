"""What the venue's codes, texts and HTTP statuses mean: one table."""

from __future__ import annotations

import re
from typing import Any

from attrs import frozen

from nanobook_core.contracts.broker_error import (
    AuthenticationError,
    BrokerError,
    CancelRejectedError,
    ClockSkewError,
    DuplicateOrderError,
    InsufficientFundsError,
    LinkDownError,
    MarketClosedError,
    NoQuoteError,
    OrderInvalidError,
    OrderNotFoundError,
    OrderRejectedError,
    Outcome,
    OutcomeUnknownError,
    PermissionDeniedError,
    PostOnlyRejectedError,
    RateLimitedError,
    UnknownSymbolError,
    UnsupportedError,
)


@frozen
class Meaning:
    """What is raised, and what is known of the request then."""

    error: type[BrokerError]
    outcome: Outcome = Outcome.REJECTED
    retryable: bool = False
    hint: str = ""


ASK = "ask what became of it before it is sent again"
#: Nobody knows what became of the request.
IN_DOUBT = Meaning(OutcomeUnknownError, Outcome.UNKNOWN, hint=ASK)
_KEYS = (
    "testnet, demo and live each have keys of their own; the key may be revoked or expired, "
    "limited to other addresses, or not allowed to trade"
)
_INVALID = Meaning(OrderInvalidError)
_REJECTED = Meaning(OrderRejectedError)
_BUSY = Meaning(RateLimitedError, retryable=True)
_GONE = Meaning(UnsupportedError, hint="the venue has this service no longer")

#: Ranges of codes are from the higher to the lower one, both included; single codes come first.
CODES: dict[int, Meaning] = {
    -1000: IN_DOUBT,
    -1001: IN_DOUBT,
    -1002: Meaning(AuthenticationError, hint=_KEYS),
    -1003: _BUSY,
    -1006: IN_DOUBT,
    -1007: IN_DOUBT,
    -1008: _BUSY,
    -1010: _REJECTED,
    -1013: _INVALID,
    -1014: _INVALID,
    -1015: _BUSY,
    -1016: _GONE,
    -1020: Meaning(UnsupportedError),
    -1021: Meaning(ClockSkewError, retryable=True),
    -1022: Meaning(
        AuthenticationError, hint="the secret key is not the one that belongs to the API key"
    ),
    -1034: _BUSY,
    -1099: Meaning(AuthenticationError, hint=_KEYS),
    -1112: Meaning(NoQuoteError),
    -1121: Meaning(UnknownSymbolError),
    -1220: Meaning(MarketClosedError),
    -2010: _REJECTED,
    -2011: Meaning(CancelRejectedError),
    -2013: Meaning(OrderNotFoundError),
    -2014: Meaning(AuthenticationError, hint=_KEYS),
    -2015: Meaning(AuthenticationError, hint=_KEYS),
    -2016: Meaning(MarketClosedError),
    -2021: IN_DOUBT,
    -2026: Meaning(
        OrderNotFoundError, hint="it ended without a fill more than 90 days ago and is archived"
    ),
    -2038: _REJECTED,
    -2039: Meaning(OrderNotFoundError),
}
_RANGES: tuple[tuple[int, int, Meaning], ...] = ((-1100, -1199, _INVALID),)

#: Texts of -1010, -1013, -2010 and -2011 that say more than the code, in lower case.
TEXTS: tuple[tuple[str, Meaning], ...] = (
    ("filter failure:", _INVALID),
    ("insufficient balance", Meaning(InsufficientFundsError)),
    ("duplicate order sent", Meaning(DuplicateOrderError)),
    ("market is closed", Meaning(MarketClosedError)),
    ("immediately match and take", Meaning(PostOnlyRejectedError)),
    ("not permitted for this account", Meaning(PermissionDeniedError)),
    ("restricted for this account", Meaning(PermissionDeniedError)),
    ("disabled on this account", Meaning(PermissionDeniedError)),
    ("may not place or cancel orders", Meaning(PermissionDeniedError)),
    ("trading is not enabled", Meaning(PermissionDeniedError)),
    ("not supported for this symbol", Meaning(UnsupportedError)),
    ("not support for this symbol", Meaning(UnsupportedError)),
    ("would trigger immediately", _INVALID),
    ("zero or less", _INVALID),
    ("order combination", _INVALID),
)
_ENGINE_CODES = frozenset({-1010, -1013, -2010, -2011})

#: What a status says where there is no code, or one that the table does not know.
STATUSES: dict[int, Meaning] = {
    401: Meaning(AuthenticationError, hint=_KEYS),
    403: Meaning(
        PermissionDeniedError,
        retryable=True,
        hint="the firewall before the venue refused it: too many requests, or an address that it "
        "does not serve",
    ),
    404: Meaning(UnsupportedError, hint="there is no such service at this address"),
    408: IN_DOUBT,
    409: IN_DOUBT,
    410: _GONE,
    418: _BUSY,
    429: _BUSY,
    451: Meaning(PermissionDeniedError, hint="the venue does not serve this place"),
}
_BAD, _SERVER = 400, 500
_FILTER = re.compile(r"Filter failure: ([A-Z_]+)")


def meaning(status: int, code: int | None, text: str = "") -> Meaning:
    """What an answer says that is no success.

    A 5xx leaves in doubt whether the engine has had the request, whatever code comes with it. The
    documents say of a 4xx that the sender is at fault, so that it was refused, but for 408 and 409.
    What says neither that it was done nor that it was refused leaves it in doubt too.
    """
    if not _BAD <= status < _SERVER:
        return IN_DOUBT
    if code in _ENGINE_CODES:
        lower = text.lower()
        for words, said in TEXTS:
            if words in lower:
                return said
    if code is not None:
        if code in CODES:
            return CODES[code]
        for first, last, said in _RANGES:
            if last <= code <= first:
                return said
    return STATUSES.get(status, _REJECTED)


def error_of(
    status: int,
    code: int | None,
    text: str,
    *,
    is_question: bool = False,
    is_order: bool = False,
    retry_after: float | None = None,
    client_order_id: str = "",
) -> BrokerError:
    """The error to raise: with the venue's text and code, and what to do.

    A question changes nothing, so that nothing of it is ever in doubt: it is `NOT_SENT` then, and
    may be put again. `is_order` says that an order was placed, of which the rules speak.
    """
    said = meaning(status, code, text)
    kind, outcome, retryable, hint = said.error, said.outcome, said.retryable, said.hint
    details: dict[str, Any] = {}
    if said is IN_DOUBT and is_question:
        kind, outcome, retryable, hint = LinkDownError, Outcome.NOT_SENT, True, ""
    elif issubclass(kind, OrderRejectedError) and kind not in _ALWAYS and not is_order:
        kind = BrokerError
    if found := _FILTER.search(text):
        details["filter"] = found[1]
    number = f"HTTP {status}" if code is None else f"code {code}"
    return kind(
        f"{text} ({number})" + (f"; {hint}" if hint else ""),
        broker="binance",
        code="" if code is None else str(code),
        outcome=outcome,
        retryable=retryable,
        retry_after=retry_after,
        client_order_id=client_order_id,
        **details,
    )


#: Refusals that are of the order or of its symbol whatever was asked.
_ALWAYS = (MarketClosedError,)
