"""What the venue says of our orders, taken over into the journal."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from decimal import Decimal
from enum import Enum

from attrs import define, field

from nanobook_core.contracts import (
    Broker,
    BrokerOrderStatus,
    BrokerProtocolError,
    Clock,
    ConnectionState,
    Fill,
    OrderNotFoundError,
    PermissionDeniedError,
)
from nanobook_core.errors import shown
from nanobook_core.plugin.discovery import described
from nanobook_rebalancer.decimal_text import decimal_text
from nanobook_rebalancer.history import Attempt
from nanobook_rebalancer.journal import Journal
from nanobook_rebalancer.leg_state import FROM_BROKER, LegState
from nanobook_rebalancer.stop import StoppedError

#: The venue's and our clock may differ by so much, and a fill is still looked for.
_CLOCKS_DIFFER = dt.timedelta(days=1)
_UNKNOWN = Decimal("NaN")
#: How long an order without a record may take to end.
_CANCEL_SECONDS, _POLL_SECONDS = 10.0, 0.5


class Answer(Enum):
    """What a venue said when it was asked for an order."""

    FOUND = "found"
    ABSENT = "absent"
    """The venue never had it."""
    NONE = "none"
    """It said nothing."""


@define
class Venue:
    """Asks a broker and writes down what it answers. No answer is never taken for one."""

    broker: Broker
    journal: Journal
    timeout: float | None = None
    """Seconds after which connecting anew is given up."""
    silence: dict[str, str] = field(factory=dict)
    """By client order id: what came instead of the last answer; blank where there was one."""
    retry_after: float | None = None
    """Seconds after which it can be asked again, if it said so instead of the last answer."""
    ended: set[str] = field(factory=set)
    """Client order ids of orders that have ended, whose fills do not add up so far."""

    def find(self, attempt: Attempt) -> Answer:
        """Ask for an order by its id, whether it is open or done; one that is found is ours."""
        return self._ask(attempt, self._find)

    def observe(self, attempt: Attempt) -> Answer:
        """Ask where an order stands that the venue is known to have."""
        return self._ask(attempt, self._status)

    def cancel(self, attempt: Attempt, reason: str) -> None:
        """Ask for the end of an order; whether it came is for `observe` to find out."""
        self.journal.write("cancel_intent", client_order_id=attempt.client_order_id, reason=reason)
        self.journal.write(
            "cancel_result",
            client_order_id=attempt.client_order_id,
            outcome=self.cancel_unrecorded(attempt.client_order_id, attempt.symbol),
        )

    def cancel_unrecorded(self, client_order_id: str, symbol: str) -> str:
        """Ask for the end of an order where nothing can be written; returns what came of it."""
        try:
            cancel_ours(self.broker, client_order_id, symbol)
        except Exception as error:  # noqa: BLE001 - an adapter's error leaves the order as it was
            return described(error)
        return "sent"

    def cancel_orphan(self, status: BrokerOrderStatus, clock: Clock) -> str:
        """Cancel an order of which there is no record; why it is still open, or blank."""
        client_order_id = status.client_order_id
        self.journal.write("cancel_intent", client_order_id=client_order_id, reason="orphan")
        outcome = self.cancel_unrecorded(client_order_id, status.symbol)
        self.journal.write("cancel_result", client_order_id=client_order_id, outcome=outcome)
        end = clock.monotonic() + _CANCEL_SECONDS
        while True:
            found = self.broker.find_order(client_order_id, status.symbol)
            if found is None or found.state.is_terminal:
                return ""
            if clock.monotonic() >= end:
                return f"it does not end, {outcome}"
            clock.sleep(_POLL_SECONDS)

    def _find(self, attempt: Attempt) -> BrokerOrderStatus | None:
        return self.broker.find_order(attempt.client_order_id, attempt.symbol)

    def _status(self, attempt: Attempt) -> BrokerOrderStatus | None:
        try:
            return self.broker.order_status(attempt.client_order_id)
        except OrderNotFoundError:  # this session does not know it; the venue may
            return self._find(attempt)

    def _ask(self, attempt: Attempt, ask: Callable[[Attempt], BrokerOrderStatus | None]) -> Answer:
        try:
            self.reconnect()
            status = ask(attempt)
            self.silence[attempt.client_order_id], self.retry_after = "", None
            if status is None:
                return self._absent(attempt)
            _check_numbers(status)
            # Before it is believed that an order has ended: all of its fills.
            fills = self._fills(attempt, status)
        except Exception as error:  # noqa: BLE001 - whatever an adapter raises is no answer
            self.silence[attempt.client_order_id] = described(error)
            self.retry_after = getattr(error, "retry_after", None)
            return Answer.NONE
        _check(attempt, status)
        self._take(attempt, status, fills)
        return Answer.FOUND

    def _absent(self, attempt: Attempt) -> Answer:
        """Whether it is proved that there is no order: a journal proves nothing of before it."""
        since = self.broker.connection().records_since
        if since is None or since <= dt.datetime.fromisoformat(attempt.sent_at):
            return Answer.ABSENT
        self.silence[attempt.client_order_id] = (
            f"the venue does not know it, and {self.broker.name}'s record of what was sent begins "
            f"at {since.isoformat(timespec='seconds')}, after it"
        )
        return Answer.NONE

    def reconnect(self) -> None:
        """Connect again where the connection broke; does nothing while there is one."""
        if self.broker.connection().state in (
            ConnectionState.DISCONNECTED,
            ConnectionState.LINK_DOWN,
        ):
            self.broker.connect(self.timeout)

    def _fills(self, attempt: Attempt, status: BrokerOrderStatus) -> list[Fill]:
        """Executions of an order that are not recorded, where the venue says there are any."""
        is_settled = status.state.is_terminal and attempt.filled  # its prices may be corrected
        if status.filled_quantity == attempt.filled and not is_settled:
            return []
        since: dt.datetime | None = dt.datetime.fromisoformat(attempt.sent_at) - _CLOCKS_DIFFER
        if attempt.client_order_id in self.ended:  # some are missing: whenever they were
            since = None
        fills = self.broker.fills(since, attempt.symbol)
        ours = [fill for fill in fills if fill.client_order_id == attempt.client_order_id]
        for fill in ours:
            is_bust = fill.corrects and fill.quantity == 0
            is_some = is_bust or (fill.quantity.is_finite() and fill.quantity > 0)
            if not (is_some and fill.price.is_finite()):
                raise BrokerProtocolError(f"a fill of {fill.quantity} at {fill.price}")
        return ours

    def _take(self, attempt: Attempt, status: BrokerOrderStatus, fills: list[Fill]) -> None:
        write, client_order_id = self.journal.write, attempt.client_order_id
        state = FROM_BROKER[status.state]
        if state is LegState.UNKNOWN:
            return
        if attempt.order_id is None and state is not LegState.NOT_SENT:
            self.acknowledge(attempt, status.order_id)
        for fill in fills:
            if fill.exec_id in attempt.fills or fill.exec_id in attempt.corrected:
                continue
            replaced = attempt.fills.get(fill.corrects)
            before = attempt.filled - (replaced.shares if replaced is not None else 0)
            write(
                "order_filled",
                attempt=attempt.number,
                client_order_id=client_order_id,
                exec_id=fill.exec_id,
                fee=decimal_text(fill.fee if fill.is_fee_known else _UNKNOWN),
                fee_currency=fill.fee_currency,
                filled=decimal_text(before + fill.quantity),
                leg=attempt.leg,
                price=decimal_text(fill.price),
                shares=decimal_text(fill.quantity),
                symbol=attempt.symbol,
                **({"corrects": fill.corrects} if fill.corrects else {}),
            )
        if attempt.filled > attempt.shares:
            raise StoppedError(
                "review",
                f"{client_order_id}: {attempt.filled} {attempt.symbol} filled, "
                f"{attempt.shares} were ordered",
            )
        if attempt.is_done or not state.is_terminal:
            return
        is_whole = attempt.filled == attempt.shares
        if attempt.filled != status.filled_quantity or (state is LegState.FILLED and not is_whole):
            self.ended.add(client_order_id)
            return
        write(
            "order_done",
            client_order_id=client_order_id,
            filled=decimal_text(attempt.filled),
            reason=status.reason,
            state=(LegState.FILLED if is_whole else state).value,
        )

    def acknowledge(self, attempt: Attempt, order_id: int) -> None:
        """Record that the venue has an order."""
        self.journal.write(
            "order_submitted",
            action=attempt.action,
            attempt=attempt.number,
            client_order_id=attempt.client_order_id,
            leg=attempt.leg,
            limit=decimal_text(attempt.limit),
            order_id=int(order_id),
            shares=decimal_text(attempt.shares),
            symbol=attempt.symbol,
        )


def cancel_ours(broker: Broker, client_order_id: str, symbol: str) -> None:
    """Ask for the end of an order that has an id of ours, though its sender's records may be lost.

    Raises:
        BrokerError: as `cancel_order`.

    """
    try:
        broker.cancel_order(client_order_id)
    except PermissionDeniedError:  # for this session it is somebody else's, until it is asked for
        broker.find_order(client_order_id, symbol)
        broker.cancel_order(client_order_id)


def _check(attempt: Attempt, status: BrokerOrderStatus) -> None:
    """Refuse to take another order for ours."""
    found = (status.symbol, status.side, status.quantity)
    if found != (attempt.symbol, attempt.side, attempt.shares):
        raise StoppedError(
            "review",
            f"{attempt.client_order_id}: the venue has {status.side} {status.quantity} "
            f"{status.symbol} under it, ours is {attempt.side} {attempt.shares} {attempt.symbol}",
        )


def _check_numbers(status: BrokerOrderStatus) -> None:
    """Refuse what no venue can have meant."""
    if not (is_order_id(status.order_id) and status.filled_quantity.is_finite()):
        raise BrokerProtocolError(
            f"order {shown(status.order_id)} with {shown(status.filled_quantity)} filled"
        )


def is_order_id(found: object) -> bool:
    """Whether that can be the number of an order."""
    return isinstance(found, int) and not isinstance(found, bool)
