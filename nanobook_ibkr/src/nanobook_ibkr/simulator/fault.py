"""What can go wrong between a client and its gateway, and when it is to."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import Any

from attrs import define

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

How = Mapping[str, Any]


@define
class _Planned:
    fault: Fault
    client_id: int | None
    times: int | None
    after: int
    how: How


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
    if name != "seconds":
        return to_decimal(value, name)
    if isinstance(value, bool) or not isinstance(value, int | float) or not value >= 0:
        raise ValidationError(f"seconds is a number of at least 0, got {shown(value)}")
    return value


def always(how: How) -> bool:
    """It is meant, whatever is said of it."""
    del how
    return True


class FaultScript:
    """The faults that are still to come, in the order in which they were planned."""

    def __init__(self) -> None:
        self._planned: list[_Planned] = []
        self.withheld: set[str] = set()
        """Ids of executions whose commission is never told."""

    def __bool__(self) -> bool:
        return bool(self._planned or self.withheld)

    def plan(
        self,
        fault: Fault | str,
        *,
        client_id: int | None,
        times: int | None,
        after: int,
        how: How,
    ) -> None:
        """Let it happen `times` (None: once, a setting until it is cleared), passing over `after`.

        With a client id only what that client does is an occasion for it.

        Raises:
            ValidationError: one of these cannot be, or the fault has no such detail.

        """
        fault = Fault.__members__.get(fault, fault)
        if fault not in tuple(Fault):
            raise ValidationError(f"no fault {fault!r:.40}; there are {', '.join(Fault)}")
        fault = Fault(fault)
        counts = ("times", times, 1), ("after", after, 0), ("client_id", client_id, 0)
        for name, value, least in counts:
            if value is not None and (type(value) is not int or value < least):
                raise ValidationError(f"{name} is a whole number from {least}, got {shown(value)}")
        allowed = _DETAILS.get(fault, ())
        for name in how:
            if name not in allowed:
                takes = ", ".join(f"{each}=" for each in allowed) or "nothing more"
                raise ValidationError(f"{fault} takes {takes}; got {name!r:.40}")
        if fault is Fault.SILENT and "request" not in how:
            raise ValidationError("silent needs request=, the number of the message, such as 61")
        how = {name: _checked(name, value) for name, value in how.items()}
        if times is None and not fault.is_setting:
            times = 1
        self._planned.append(_Planned(fault, client_id, times, after, how))

    def clear(self) -> None:
        """Plan nothing any more, and withhold nothing."""
        self._planned.clear()
        self.withheld.clear()

    def take(
        self, fault: Fault, client_id: int | None, is_meant: Callable[[How], bool] = always
    ) -> How | None:
        """Details of the fault if it happens now, to that client; None if it does not."""
        for planned in self._planned:
            if planned.fault is not fault or planned.client_id not in (None, client_id):
                continue
            if not is_meant(planned.how):
                continue
            if planned.after:
                planned.after -= 1
                continue
            if planned.times is not None:
                planned.times -= 1
                if not planned.times:
                    self._planned.remove(planned)
            return planned.how
        return None
