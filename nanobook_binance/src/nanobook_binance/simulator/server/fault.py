"""What can go wrong between a client and the simulated venue, and when it is to."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import StrEnum

from nanobook_core.broker.fault_script import FaultScript, How, checked_seconds
from nanobook_core.errors import ValidationError, shown


class Fault(StrEnum):
    """Something that goes wrong, and the occasion on which it does.

    The occasion is an order (`POST /api/v3/order`, also over the WebSocket API) unless another one
    is named here or by `endpoint=`, such as `"GET /api/v3/order"`; `"*"` is any request. With
    `symbol=` only requests for that one are. `executed=True` lets the engine do what was asked
    before the answer goes wrong.
    """

    DROP_BEFORE_ENGINE = "drop_before_engine"
    """The socket is cut without a byte of answer, the engine never hears of it."""
    DROP_AFTER_ENGINE = "drop_after_engine"
    """The engine does it, the socket is cut without a byte of answer."""
    CONNECTION_RESET_KEEPALIVE = "connection_reset_keepalive"
    """The first request on a connection that has served another: it is reset (`executed` False)."""
    PORT_REFUSED = "port_refused"
    """The engine never hears of it, all sockets are cut, the port is closed `seconds` (1)."""
    TIMEOUT_EXECUTED = "timeout_executed"
    """504 with -1007; the engine has done it."""
    TIMEOUT_NOT_EXECUTED = "timeout_not_executed"
    """504 with -1007; the engine never hears of it."""
    LATE_EXECUTION = "late_execution"
    """504 with -1007 at once; the engine gets it `seconds` (1) later, unless it is too old then."""
    QUEUED = "queued"
    """It waits, and the server's clock goes on by `seconds` (10) before the engine gets it."""
    SLOW_BODY = "slow_body"
    """The engine does it; the answer's body comes in pieces over `seconds` (1)."""
    TRUNCATED_JSON = "truncated_json"
    """Half of the JSON is answered (`executed` True); with `cut`, then the socket is cut."""
    WRONG_CONTENT_TYPE = "wrong_content_type"
    """The right answer says that it is HTML (`executed` True)."""
    DUPLICATE_RESPONSE = "duplicate_response"
    """The engine does it once; the answer is written twice."""
    HTML_502 = "html_502"
    """A gateway's page (`executed` False)."""
    HTML_403 = "html_403"
    """A firewall's page; the engine never hears of it."""
    HTML_410 = "html_410"
    """A page that says that the service is gone; the engine never hears of it."""
    HTTP_5XX = "http_5xx"
    """A page of `status` (503) (`executed` False)."""
    INTERNAL_1000 = "internal_1000"
    """500 with -1000 (`executed` False)."""
    INTERNAL_1001 = "internal_1001"
    """500 with -1001 (`executed` False)."""
    INTERNAL_1006 = "internal_1006"
    """500 with -1006 (`executed` False)."""
    OVERLOADED_1008 = "overloaded_1008"
    """`status` (503) with -1008 (`executed` False); 429 is the other one."""
    IP_LIMIT_429 = "ip_limit_429"
    """429 with -1003 and Retry-After `seconds` (1); the engine never hears of it."""
    BAN_418 = "ban_418"
    """The address is banned for `seconds` (120) of the server's clock, from this request on."""
    ORDER_LIMIT_1015 = "order_limit_1015"
    """429 with -1015 and Retry-After `seconds` (1); the engine never hears of it."""
    KEY_REVOKED = "key_revoked"
    """Just before, the key with which it is signed has been revoked for good."""
    CLOCK_AHEAD = "clock_ahead"
    """Just before, the server's clock has jumped `seconds` (10) ahead, for good."""
    CLOCK_BEHIND = "clock_behind"
    """Just before, the server's clock has jumped `seconds` (10) back, for good."""
    INDEX_LAG = "index_lag"
    """Questions show nothing of orders that are younger than `seconds` (1), until cleared."""
    PARTIAL_FILL = "partial_fill"
    """Just before, the liquidity source has but half of what the order would take."""
    IOC_EXPIRY = "ioc_expiry"
    """IOC order: just before, the liquidity source has gone; it comes back after the order."""
    FOK_EXPIRY = "fok_expiry"
    """The same for a FOK order."""
    STP_EXPIRY = "stp_expiry"
    """Just before, the account has had a small order at its price on the other side; the mode
    that prevents self-trades is `mode` (EXPIRE_TAKER), so that it expires in match."""
    HALT = "halt"
    """Just before, the symbol has been halted; `set_status` lets it trade again."""
    CANCEL_ONLY = "cancel_only"
    """Just before, the symbol takes nothing but cancels."""
    CANCEL_RACE = "cancel_race"
    """Cancel: just before, the order fills, so that the cancel is refused. With the `endpoint` of
    a replacement what it is to replace, with that of all open orders each of them."""
    SERVER_CANCEL = "server_cancel"
    """Just after it has been accepted, the exchange cancels what rests of it."""
    STREAM_DROP = "stream_drop"
    """Event of an order: the stream's socket is cut before it."""
    STREAM_SILENT = "stream_silent"
    """Event: from it on the stream's socket stays open and says nothing, not even pongs."""
    STREAM_DUPLICATE = "stream_duplicate"
    """Event: it comes twice."""
    STREAM_REORDERED = "stream_reordered"
    """Events of a turn: they come last first."""
    STREAM_LATE = "stream_late"
    """Event: it comes `seconds` (0.5) later, those after it wait."""
    STREAM_TERMINATED = "stream_terminated"
    """Event: before it the stream says that it is terminated, and nothing more."""
    SERVER_SHUTDOWN = "server_shutdown"
    """Event: before it the server says that it shuts down, and cuts the socket."""
    ACK_BEFORE_STREAM_EVENT = "ack_before_stream_event"
    """The answer is written `seconds` (0.1) before the streams hear of it."""
    ACK_AFTER_STREAM_EVENT = "ack_after_stream_event"
    """The streams have heard of it `seconds` (0.1) before the answer is written."""


ORDER = "POST /api/v3/order"
CANCEL = "DELETE /api/v3/order"
ANY = "*"

_SETTINGS = frozenset({Fault.INDEX_LAG})
_OF_STREAMS = frozenset(
    {
        Fault.STREAM_DROP,
        Fault.STREAM_SILENT,
        Fault.STREAM_DUPLICATE,
        Fault.STREAM_REORDERED,
        Fault.STREAM_LATE,
        Fault.STREAM_TERMINATED,
        Fault.SERVER_SHUTDOWN,
    }
)
_MAY_BE_EXECUTED = frozenset(
    {
        Fault.CONNECTION_RESET_KEEPALIVE,
        Fault.TRUNCATED_JSON,
        Fault.WRONG_CONTENT_TYPE,
        Fault.HTML_502,
        Fault.HTTP_5XX,
        Fault.INTERNAL_1000,
        Fault.INTERNAL_1001,
        Fault.INTERNAL_1006,
        Fault.OVERLOADED_1008,
    }
)
_LASTING = frozenset(
    {
        Fault.PORT_REFUSED,
        Fault.LATE_EXECUTION,
        Fault.QUEUED,
        Fault.SLOW_BODY,
        Fault.IP_LIMIT_429,
        Fault.BAN_418,
        Fault.ORDER_LIMIT_1015,
        Fault.CLOCK_AHEAD,
        Fault.CLOCK_BEHIND,
        Fault.INDEX_LAG,
        Fault.STREAM_LATE,
        Fault.ACK_BEFORE_STREAM_EVENT,
        Fault.ACK_AFTER_STREAM_EVENT,
    }
)
_OWN: Mapping[Fault, tuple[str, ...]] = {
    Fault.TRUNCATED_JSON: ("cut",),
    Fault.HTTP_5XX: ("status",),
    Fault.OVERLOADED_1008: ("status",),
    Fault.STP_EXPIRY: ("mode",),
}
_FAILURES = range(400, 600)
_MODES = ("EXPIRE_TAKER", "EXPIRE_MAKER", "EXPIRE_BOTH", "DECREMENT")


def _details(fault: Fault) -> tuple[str, ...]:
    return (
        *_OWN.get(fault, ()),
        *(("executed",) if fault in _MAY_BE_EXECUTED else ()),
        *(("seconds",) if fault in _LASTING else ()),
        *(("symbol",) if fault is not Fault.INDEX_LAG else ()),
    )


def _checked(name: str, value: object) -> object:
    if name == "seconds":
        return checked_seconds(value)
    if name in ("executed", "cut"):
        if not isinstance(value, bool):
            raise ValidationError(f"{name} is True or False, got {shown(value)}")
        return value
    if name == "status":
        if type(value) is not int or value not in _FAILURES:
            raise ValidationError(f"status is one of HTTP, 400 to 599, got {shown(value)}")
        return value
    if name == "mode":
        if value not in _MODES:
            raise ValidationError(f"mode is one of {', '.join(_MODES)}, got {shown(value)}")
        return value
    if not isinstance(value, str):
        raise ValidationError(f"{name} is text, got {shown(value)}")
    return value


class ServerFaults(FaultScript[Fault]):
    """The faults that are still to come, by the endpoint that they concern."""

    def __init__(self, endpoints: frozenset[str]) -> None:
        self._endpoints = endpoints
        super().__init__(
            Fault,
            details={fault: _details(fault) for fault in Fault},
            required={},
            settings=_SETTINGS,
            check=_checked,
        )

    def plan_for(
        self,
        endpoint: str | None,
        fault: Fault | str,
        *,
        times: int | None,
        after: int,
        how: How,
    ) -> None:
        """Plan it for that endpoint, for any (`*`), or for the one that is its occasion.

        Raises:
            ValidationError: see `plan`; or no endpoint is an occasion for that fault.

        """
        known = Fault.__members__.get(fault, fault)
        if endpoint is not None and (known in _OF_STREAMS or known == Fault.INDEX_LAG):
            raise ValidationError(f"{known} has no endpoint as its occasion")
        if endpoint is None and known not in _OF_STREAMS and known != Fault.INDEX_LAG:
            endpoint = CANCEL if known == Fault.CANCEL_RACE else ORDER
        if endpoint not in (None, ANY) and endpoint not in self._endpoints:
            raise ValidationError(
                f"no endpoint {endpoint!r:.40}; one is such as {ORDER!r}, and {ANY!r} is any"
            )
        subject = None if endpoint == ANY else endpoint
        self.plan(fault, subject=subject, times=times, after=after, how=how)

    def meets(self, fault: Fault, endpoint: str, symbol: str | None) -> How | None:
        """Details of the fault if it happens to that request; None if it does not."""
        return self.take(fault, endpoint, _of(symbol))

    def misses(self, fault: Fault, endpoint: str, symbol: str | None) -> None:
        """Count that request as an occasion of the fault, on which another one happens."""
        self.pass_over(fault, endpoint, _of(symbol))


def _of(symbol: str | None) -> Callable[[How], bool]:
    return lambda how: how.get("symbol") in (None, symbol)
