"""What can go wrong between a client and its gateway, and when it is to."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from nanobook_core.broker.fault_script import FaultScript, How, checked_seconds
from nanobook_core.broker.paper_quotes import to_decimal
from nanobook_core.errors import ValidationError, shown


class Fault(StrEnum):
    """Something that goes wrong, and the occasion on which it does.

    An *order* is one that a client sends, or the change of one; a *question for quotes* asks for
    market data; a *fill* is an execution, with all that is told in that turn.
    """

    DROP_BEFORE_ACCEPT = "drop_before_accept"
    """Order: the socket is cut, the venue never hears of it."""
    DROP_AFTER_ACCEPT = "drop_after_accept"
    """Order: the venue takes it, the socket is cut before the client hears of it."""
    DROP_MID_FILL = "drop_mid_fill"
    """Fill: its execution is told, the socket is cut before its status is."""
    FILL_WHILE_AWAY = "fill_while_away"
    """Order: it is acknowledged, the socket is cut, and what rests of it fills."""
    DUPLICATE_MESSAGES = "duplicate_messages"
    """Messages of orders and executions come twice."""
    EXECUTION_BEFORE_STATUS = "execution_before_status"
    """Fill: executions and commissions come before all that is said of the order."""
    COMMISSION_LATE = "commission_late"
    """Fill: its commissions come `seconds` later (0.5)."""
    COMMISSION_NEVER = "commission_never"
    """Fill: its commissions are never told, to no question either."""
    STATUS_REORDERED = "status_reordered"
    """Statuses of a turn come last first."""
    CORRECTION = "correction"
    """Fill: it is corrected at once, to `quantity` and `price` (one tick more)."""
    LINK_LOST_DATA_KEPT = "link_lost_data_kept"
    """Order: the venue takes it, but 1100 is told; after `seconds` (0.5) 1102 and what happened."""
    LINK_LOST_DATA_LOST = "link_lost_data_lost"
    """Order: the same with 1101: what orders did is never told, and quotes no longer come."""
    PORT_REFUSED = "port_refused"
    """Order: the venue never hears of it; all sockets are cut, the port is closed `seconds` (1)."""
    SILENT = "silent"
    """Message `request` (its number) is not answered."""
    SPLIT_FRAMES = "split_frames"
    """Every byte is written alone."""
    MERGED_FRAMES = "merged_frames"
    """Messages wait for others for a moment, and are then written at once."""
    GARBAGE_FRAME = "garbage_frame"
    """Order: before its answer comes a frame of `data`, by default bytes that mean nothing."""
    UNKNOWN_MESSAGE = "unknown_message"
    """Order: before its answer comes a message of number 999."""
    PACING_CUT = "pacing_cut"
    """Order: error 100 three times, and the socket is closed; the venue never hears of it."""
    READ_ONLY = "read_only"
    """Orders, what-ifs, cancels, and questions for orders are refused with 321."""
    CLIENT_ID_IN_USE = "client_id_in_use"
    """The next client to start is told 326, and closed."""
    REJECT = "reject"
    """Order or cancel: answered with error `code` (201) and `text`; a warning lets it go on."""
    MANUAL_ORDER = "manual_order"
    """Order: just before, one of the contract is typed into TWS (`side`, `quantity`, `limit`)."""
    FOREIGN_ORDER = "foreign_order"
    """Order: just before, client 77 sends one of the contract (`side`, `quantity`, `limit`)."""
    ORDER_ID_JUMP = "order_id_jump"
    """Order: just before, the next valid number has jumped `by` (1000); this one gets 103."""
    HALTED = "halted"
    """Question for quotes: just before, trading of the contract is halted (`kind` 1)."""
    MISSING_BID = "missing_bid"
    """Question for quotes: just before, the source's bid has gone; those of clients stay."""
    DELAYED_DATA = "delayed_data"
    """Questions for quotes are answered with delayed ones, to who takes them."""
    UNKNOWN_TICK = "unknown_tick"
    """Question for quotes: the answer begins with a tick of a type that nobody knows."""
    NO_MARKET_DATA = "no_market_data"
    """Questions for quotes are answered with 354."""
    INACTIVE_THEN_FILLED = "inactive_then_filled"
    """Order: its status is told as Inactive, though it is alive and will fill."""
    LOST_CANCEL = "lost_cancel"
    """Cancel: the venue never hears of it."""

    @property
    def is_setting(self) -> bool:
        """Whether it stays until it is cleared, unless `times` says otherwise."""
        return self in _SETTINGS


_SETTINGS = frozenset(
    {
        Fault.READ_ONLY,
        Fault.SPLIT_FRAMES,
        Fault.MERGED_FRAMES,
        Fault.DELAYED_DATA,
        Fault.NO_MARKET_DATA,
    }
)
_OTHERS_ORDER = ("side", "quantity", "limit")
#: What can be said of a fault.
_DETAILS: Mapping[Fault, tuple[str, ...]] = {
    Fault.COMMISSION_LATE: ("seconds",),
    Fault.CORRECTION: ("quantity", "price"),
    Fault.LINK_LOST_DATA_KEPT: ("seconds",),
    Fault.LINK_LOST_DATA_LOST: ("seconds",),
    Fault.PORT_REFUSED: ("seconds",),
    Fault.SILENT: ("request",),
    Fault.GARBAGE_FRAME: ("data",),
    Fault.REJECT: ("code", "text"),
    Fault.MANUAL_ORDER: _OTHERS_ORDER,
    Fault.FOREIGN_ORDER: _OTHERS_ORDER,
    Fault.ORDER_ID_JUMP: ("by",),
    Fault.HALTED: ("kind",),
}
_TYPES: Mapping[str, type] = {
    "request": int,
    "code": int,
    "by": int,
    "kind": int,
    "data": bytes,
    "text": str,
    "side": str,
}


def _checked(name: str, value: object) -> object:
    kind = _TYPES.get(name)
    if kind is not None:
        if type(value) is not kind:
            raise ValidationError(f"{name} is {kind.__name__}, got {shown(value)}")
        if name == "side" and value not in ("BUY", "SELL"):
            raise ValidationError(f"side is BUY or SELL, got {shown(value)}")
        if name == "text" and "\0" in str(value):
            raise ValidationError("text has no NUL, which ends a field")
        return value
    return checked_seconds(value) if name == "seconds" else to_decimal(value, name)


class GatewayFaults(FaultScript[Fault]):
    """The faults that are still to come, by the id of the client whom they concern."""

    def __init__(self) -> None:
        super().__init__(
            Fault,
            details=_DETAILS,
            required={Fault.SILENT: ("request",)},
            settings=_SETTINGS,
            check=_checked,
        )
        self.withheld: set[str] = set()
        """Ids of executions whose commission is never told."""

    def __bool__(self) -> bool:
        return super().__bool__() or bool(self.withheld)

    def plan_for(
        self,
        client_id: int | None,
        fault: Fault | str,
        *,
        times: int | None,
        after: int,
        how: How,
    ) -> None:
        """Plan it for what that client does, or any.

        Raises:
            ValidationError: see `plan`; or there can be no such client.

        """
        if client_id is not None and (type(client_id) is not int or client_id < 0):
            raise ValidationError(f"client_id is a whole number from 0, got {shown(client_id)}")
        self.plan(fault, subject=client_id, times=times, after=after, how=how)

    def clear(self) -> None:
        """Plan nothing any more, and withhold nothing."""
        super().clear()
        self.withheld.clear()
