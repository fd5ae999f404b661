"""The messages of NASDAQ TotalView-ITCH 5.0.

Every number on the wire is big-endian and unsigned. Prices are whole numbers of 1/10000 of a
dollar, those of `V` of 1/100000000; times are nanoseconds since midnight of the exchange.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from attrs import frozen


class ItchField(NamedTuple):
    """A field of a message, without the type that is its first byte."""

    name: str
    """Column of the table that it goes to."""
    offset: int
    """From the type, which is at 0."""
    length: int
    """In bytes."""
    is_text: bool
    """ASCII padded with spaces on the right; else a number."""


@frozen
class ItchMessage:
    """One type of message."""

    type: str
    name: str
    family: str
    """The table that it goes to."""
    length: int
    """In bytes, with the type, without the two bytes of length before it."""
    fields: tuple[ItchField, ...]


def _message(kind: str, name: str, family: str, *body: tuple[str, int]) -> ItchMessage:
    fields, offset = [], 1
    for field, length in (("locate", 2), ("tracking", 2), ("timestamp", 6), *body):
        is_text = length < 0
        fields.append(ItchField(field, offset, abs(length), is_text))
        offset += abs(length)
    return ItchMessage(kind, name, family, offset, tuple(fields))


#: All of them, by type. A negative length below is one of text.
MESSAGES: Mapping[str, ItchMessage] = {
    message.type: message
    for message in (
        _message("S", "system event", "system", ("event", -1)),
        _message(
            "R",
            "stock directory",
            "directory",
            ("symbol", -8),
            ("market_category", -1),
            ("financial_status", -1),
            ("round_lot_size", 4),
            ("round_lots_only", -1),
            ("issue_classification", -1),
            ("issue_subtype", -2),
            ("authenticity", -1),
            ("short_sale_threshold", -1),
            ("ipo_flag", -1),
            ("luld_tier", -1),
            ("etp_flag", -1),
            ("etp_leverage", 4),
            ("inverse", -1),
        ),
        _message(
            "H",
            "stock trading action",
            "status",
            ("symbol", -8),
            ("state", -1),
            ("reserved", -1),
            ("reason", -4),
        ),
        _message("Y", "short sale restriction", "status", ("symbol", -8), ("state", -1)),
        _message(
            "L",
            "market participant position",
            "participant",
            ("mpid", -4),
            ("symbol", -8),
            ("primary", -1),
            ("mode", -1),
            ("state", -1),
        ),
        _message(
            "V",
            "circuit breaker levels",
            "breaker",
            ("level_1", 8),
            ("level_2", 8),
            ("level_3", 8),
        ),
        _message("W", "circuit breaker status", "breaker", ("breached", -1)),
        _message(
            "K",
            "IPO quotation period",
            "ipo",
            ("symbol", -8),
            ("release_time", 4),
            ("qualifier", -1),
            ("price", 4),
        ),
        _message(
            "J",
            "auction collar",
            "collar",
            ("symbol", -8),
            ("reference_price", 4),
            ("upper_price", 4),
            ("lower_price", 4),
            ("extension", 4),
        ),
        _message("h", "operational halt", "status", ("symbol", -8), ("market", -1), ("state", -1)),
        _message(
            "A",
            "add order",
            "order",
            ("reference", 8),
            ("side", -1),
            ("shares", 4),
            ("symbol", -8),
            ("price", 4),
        ),
        _message(
            "F",
            "add order with attribution",
            "order",
            ("reference", 8),
            ("side", -1),
            ("shares", 4),
            ("symbol", -8),
            ("price", 4),
            ("mpid", -4),
        ),
        _message("E", "execution", "order", ("reference", 8), ("shares", 4), ("match", 8)),
        _message(
            "C",
            "execution at another price",
            "order",
            ("reference", 8),
            ("shares", 4),
            ("match", 8),
            ("printable", -1),
            ("price", 4),
        ),
        _message("X", "partial cancel", "order", ("reference", 8), ("shares", 4)),
        _message("D", "delete", "order", ("reference", 8)),
        _message(
            "U",
            "replace",
            "order",
            ("reference", 8),
            ("new_reference", 8),
            ("shares", 4),
            ("price", 4),
        ),
        _message(
            "P",
            "trade with a hidden order",
            "trade",
            ("reference", 8),
            ("side", -1),
            ("shares", 4),
            ("symbol", -8),
            ("price", 4),
            ("match", 8),
        ),
        _message(
            "Q",
            "cross trade",
            "trade",
            ("shares", 8),
            ("symbol", -8),
            ("price", 4),
            ("match", 8),
            ("cross", -1),
        ),
        _message("B", "broken trade", "trade", ("match", 8)),
        _message(
            "I",
            "order imbalance",
            "imbalance",
            ("paired", 8),
            ("imbalance", 8),
            ("direction", -1),
            ("symbol", -8),
            ("far_price", 4),
            ("near_price", 4),
            ("reference_price", 4),
            ("cross", -1),
            ("variation", -1),
        ),
        _message("N", "retail interest", "retail", ("symbol", -8), ("interest", -1)),
        _message(
            "O",
            "direct listing price discovery",
            "listing",
            ("symbol", -8),
            ("eligibility", -1),
            ("minimum_price", 4),
            ("maximum_price", 4),
            ("near_price", 4),
            ("near_time", 8),
            ("lower_price", 4),
            ("upper_price", 4),
        ),
    )
}
