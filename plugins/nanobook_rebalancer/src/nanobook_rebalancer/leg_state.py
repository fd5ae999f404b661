"""Where an order of ours stands, as far as the audit log can tell."""

from __future__ import annotations

from enum import StrEnum

from nanobook_core.contracts import OrderState


class LegState(StrEnum):
    """One step of an order's life; every one but the first is proved by a record or the venue."""

    INTENT = "intent"
    """It is written down that it will be sent; whether it was, only the venue knows."""
    SENT = "sent"
    """The venue has it on its way in."""
    ACKED = "acked"
    PARTIAL = "partial"
    UNKNOWN = "unknown"
    """Nothing is known; only the venue's answer ends this."""
    CANCEL_INTENT = "cancel_intent"
    CANCEL_SENT = "cancel_sent"
    NOT_SENT = "not_sent"
    """It is proved that the venue never had it."""
    FILLED = "filled"
    CANCELLED = "cancelled"
    REJECTED = "rejected"
    EXPIRED = "expired"

    @property
    def is_terminal(self) -> bool:
        """Whether nothing but a late fill can happen to it."""
        return self in TERMINAL

    @property
    def is_fate_unknown(self) -> bool:
        """Whether it may be at the venue and may not."""
        return self in (LegState.INTENT, LegState.UNKNOWN)

    @property
    def is_cancelling(self) -> bool:
        """Whether the venue was asked to end it."""
        return self in (LegState.CANCEL_INTENT, LegState.CANCEL_SENT)


TERMINAL = frozenset(
    {
        LegState.NOT_SENT,
        LegState.FILLED,
        LegState.CANCELLED,
        LegState.REJECTED,
        LegState.EXPIRED,
    }
)

#: What each of a broker's words means here; the only place where the two meet.
FROM_BROKER: dict[OrderState, LegState] = {
    OrderState.CREATED: LegState.UNKNOWN,
    OrderState.PENDING_SUBMIT: LegState.SENT,
    OrderState.ACCEPTED: LegState.ACKED,
    OrderState.PARTIALLY_FILLED: LegState.PARTIAL,
    OrderState.HELD: LegState.ACKED,
    OrderState.PENDING_CANCEL: LegState.CANCEL_SENT,
    OrderState.UNKNOWN: LegState.UNKNOWN,
    OrderState.FILLED: LegState.FILLED,
    OrderState.CANCELLED: LegState.CANCELLED,
    OrderState.REJECTED: LegState.REJECTED,
    OrderState.EXPIRED: LegState.EXPIRED,
    OrderState.NOT_ACCEPTED: LegState.NOT_SENT,
}
