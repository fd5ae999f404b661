"""What goes wrong between an order and its venue, and what that says of the order."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Any, ClassVar

from nanobook_core.errors import NanobookError

if TYPE_CHECKING:
    from nanobook_core.contracts.broker_order import BrokerOrderStatus


class Outcome(StrEnum):
    """What is known of the request that failed: the most important thing about an error."""

    NOT_SENT = "not_sent"
    """The venue never had it; it may be sent again."""
    REJECTED = "rejected"
    """The venue had it and refused it."""
    ACCEPTED = "accepted"
    """The venue has taken it all the same."""
    UNKNOWN = "unknown"
    """Nobody knows; ask for it by client order id, never send it again before."""


class BrokerError(NanobookError, RuntimeError):
    """Root of all of them."""

    default_outcome: ClassVar[Outcome] = Outcome.NOT_SENT
    prefix: ClassVar[str] = ""
    """What the text starts with, as in the original."""

    def __init__(  # every part has a name, and most errors have few of them
        self,
        message: str,
        *,
        broker: str = "",
        code: str = "",
        outcome: Outcome | str | None = None,
        retryable: bool = False,
        retry_after: float | None = None,
        client_order_id: str = "",
        **details: Any,
    ) -> None:
        super().__init__(self.prefix + message)
        self.broker = broker
        self.code = code
        """The venue's own code."""
        self.outcome = self.default_outcome if outcome is None else Outcome(outcome)
        self.retryable = retryable
        """Whether the same request can succeed later."""
        self.retry_after = retry_after
        """Seconds that the venue asks to wait."""
        self.client_order_id = client_order_id
        for name, value in details.items():
            setattr(self, name, value)

    def __reduce__(self) -> tuple[Any, ...]:
        """Say how a copy is made: of the text as it is, which has its prefix already."""
        return _copied, (type(self), self.args, self.__dict__)


def _copied(cls: type[BrokerError], args: tuple[Any, ...], details: dict[str, Any]) -> BrokerError:
    error = cls("")
    error.args = args
    error.__dict__.update(details)
    return error


class ConnectError(BrokerError, ConnectionError):
    """The venue cannot be reached."""

    prefix = "connection error: "


class LinkDownError(ConnectError):
    """The connection broke during a request, which the venue may have had."""

    default_outcome = Outcome.UNKNOWN


class SessionConflictError(ConnectError):
    """Another session has this client id."""


class NotConnectedError(BrokerError):
    """Nothing was sent, as there is no connection."""

    def __init__(self, message: str = "not connected", **details: Any) -> None:
        super().__init__(message, **details)


class AuthenticationError(BrokerError):
    """The venue does not accept these credentials."""

    prefix = "authentication error: "


class PermissionDeniedError(BrokerError):
    """The credentials do not allow that, as on a read-only connection."""


class RateLimitedError(BrokerError):
    """Too many requests; `retry_after` says how long to wait."""

    def __init__(self, message: str = "rate limit exceeded", **details: Any) -> None:
        super().__init__(message, **{"retryable": True, **details})


class OrderRejectedError(BrokerError):
    """The order was refused, by the venue or before it was sent: `outcome` says which."""

    prefix = "order error: "
    default_outcome = Outcome.REJECTED


class OrderInvalidError(OrderRejectedError, ValueError):
    """The instrument's rules do not allow it; nothing was sent."""

    default_outcome = Outcome.NOT_SENT


class InsufficientFundsError(OrderRejectedError):
    """Neither cash nor margin is enough."""


class MarketClosedError(OrderRejectedError):
    """The instrument does not trade now."""


class DuplicateOrderError(OrderRejectedError):
    """The client order id has been used."""


class PostOnlyRejectedError(OrderRejectedError):
    """It would have traded at once."""


class RiskVetoError(OrderRejectedError):
    """The risk gate refused it; `report` is the gate's whole answer."""

    prefix = "risk: "
    default_outcome = Outcome.NOT_SENT
    report: Any = None


class HaltedError(OrderRejectedError):
    """Trading is halted here until a person resumes it; cancels and queries go on."""

    prefix = "halted: "
    default_outcome = Outcome.NOT_SENT


class CancelRejectedError(BrokerError):
    """The order could not be cancelled, because it was done; `status` is what it ended as."""

    prefix = "order error: "
    default_outcome = Outcome.REJECTED
    status: BrokerOrderStatus | None = None


class OrderNotFoundError(BrokerError, LookupError):
    """The venue knows no such order."""

    prefix = "order error: "


class OutcomeUnknownError(BrokerError):
    """It may have been accepted, executed or lost; only the venue can tell."""

    default_outcome = Outcome.UNKNOWN


class UnknownSymbolError(BrokerError, LookupError):
    """There is no such instrument."""

    prefix = "invalid symbol: "


class AmbiguousSymbolError(UnknownSymbolError):
    """Several instruments go by that symbol: `candidates`."""

    candidates: tuple[str, ...] = ()


class NoQuoteError(BrokerError, LookupError):
    """There is no usable price."""


class StaleQuoteError(NoQuoteError):
    """The price is too old."""


class ClockSkewError(BrokerError):
    """Ours and the venue's clock differ by `offset` seconds."""

    offset: float = 0.0


class BrokerProtocolError(BrokerError):
    """The venue answered what it must not; what it did is unknown."""

    default_outcome = Outcome.UNKNOWN


class UnsupportedError(BrokerError, NotImplementedError):
    """The venue has no such ability."""


class BackendMissingError(BrokerError, ImportError):
    """A library that the adapter needs is not installed; the message says how to install it."""
