"""The id by which an order of ours is known at its venue."""

from __future__ import annotations

import base64
import hashlib

from nanobook_core.errors import ValidationError

PREFIX = "nb1-"
"""How every client order id of ours starts."""


def client_id(account: str, window: str, symbol: str, leg: int, attempt: int) -> str:
    """Return 32 characters of `a-z2-7` and `-` that say which order it is, and nothing else.

    The same order has the same id on every machine and after every crash, so that a venue can be
    asked for it. Neither quantity nor price is in it: a second id for one intent would be a second
    order. `leg` and `attempt` count from 1.

    Raises:
        ValidationError: `|` in the account or the symbol, where it keeps the parts apart, or a
            number below 1.

    """
    if "|" in account or "|" in symbol:
        raise ValidationError(f"no '|' in an account or a symbol, got {account!r}, {symbol!r}")
    if leg < 1 or attempt < 1:
        raise ValidationError(f"legs and attempts count from 1, got {leg} and {attempt}")
    digest = hashlib.sha256(f"{account}|{window}|{symbol}|{leg}|{attempt}".encode()).digest()
    return PREFIX + base64.b32encode(digest).decode().lower()[:28]
