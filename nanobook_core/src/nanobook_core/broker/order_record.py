"""What is known of one order, whatever order the venue's messages come in."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from decimal import Decimal

from attrs import Factory, define, evolve, field

from nanobook_core.broker.exact import QUOTIENT, product, total
from nanobook_core.contracts.broker_error import BrokerProtocolError, PermissionDeniedError
from nanobook_core.contracts.broker_order import (
    BrokerOrder,
    BrokerOrderStatus,
    Fill,
    OrderState,
)
from nanobook_core.errors import ValidationError

_S = OrderState
#: What a venue may say of an order; FILLED follows from its numbers alone.
_TOLD = frozenset(
    {
        _S.PENDING_SUBMIT,
        _S.ACCEPTED,
        _S.PARTIALLY_FILLED,
        _S.HELD,
        _S.PENDING_CANCEL,
        _S.FILLED,
        _S.CANCELLED,
        _S.REJECTED,
        _S.EXPIRED,
    }
)
_OPEN = (_S.ACCEPTED, _S.PARTIALLY_FILLED)


@define(kw_only=True)
class OrderRecord:
    """State of one order. Every method may be called at any time; what comes late changes little.

    1. It is made before the order is sent.
    2. The filled quantity never falls; PARTIALLY_FILLED and FILLED follow from it alone.
    3. A terminal state stays, but a fill always wins: what fills late is counted, and makes an
       order that is filled whole FILLED. Such a fill is an anomaly.
    4. PENDING_CANCEL goes back when the cancel is rejected.
    5. UNKNOWN ends with the venue's word or a proof of absence, and with nothing else.
    6. Fills are keyed by `exec_id`; a correction takes the place of what it corrects, and so of all
       that this had corrected. One to a quantity of 0 takes it out. A fee may come later, with its
       execution told again.
    7. What is told twice changes nothing the second time.
    8. Warnings never change the state.
    9. An order of others is only looked at; it is cancelled only if that is said explicitly.
    """

    order_id: int
    order: BrokerOrder
    is_own: bool = True
    state: OrderState = OrderState.CREATED
    reason: str = ""
    updated_at: dt.datetime | None = None
    venue_status: str = ""
    venue_ids: dict[str, str] = Factory(dict)
    anomalies: list[str] = Factory(list)
    """What should not have happened, one line each; a person should look."""
    warnings: list[str] = Factory(list)
    """What the venue remarked."""
    _told_quantity: Decimal = field(default=Decimal(0), alias="told_quantity")
    _told_price: Decimal | None = field(default=None, alias="told_price")
    _fills: dict[str, Fill] = field(factory=dict, init=False)
    _replaced: set[str] = field(factory=set, init=False)

    @property
    def fills(self) -> tuple[Fill, ...]:
        """Executions in the order in which they were learnt of; corrected ones are gone."""
        return tuple(self._fills.values())

    @property
    def filled_quantity(self) -> Decimal:
        """The most that was ever told, by executions or by the venue's own sum."""
        return self._told_quantity

    def submitted(self) -> bool:
        """It is being sent; as all of these methods: say whether anything changed."""
        return self._move(_S.PENDING_SUBMIT, within=(_S.CREATED,))

    def lost(self) -> bool:
        """It was sent, and there is no answer."""
        return self._move(_S.UNKNOWN, within=(_S.CREATED, _S.PENDING_SUBMIT))

    def proved_absent(self, reason: str = "") -> bool:
        """It is proved that the venue never had it."""
        changed = self._move(_S.NOT_ACCEPTED, within=(_S.CREATED, _S.PENDING_SUBMIT, _S.UNKNOWN))
        if changed:
            self.reason = reason
        return changed

    def cancel_requested(self, *, foreign: bool = False) -> bool:
        """Its cancellation is being sent; `foreign` allows that for an order of others.

        Raises:
            PermissionDeniedError: it is an order of others.

        """
        if not (self.is_own or foreign):
            raise PermissionDeniedError(
                f"order {self.order_id} is not ours; scope='all' cancels those of others too",
                client_order_id=self.order.client_order_id or "",
            )
        return self._move(_S.PENDING_CANCEL, within=(*_OPEN, _S.PENDING_SUBMIT, _S.HELD))

    def cancel_rejected(self) -> bool:
        """The venue did not cancel it, and it goes on; unless it ended, which the venue tells."""
        return self._move(self._working, within=(_S.PENDING_CANCEL,))

    def warned(self, text: str) -> None:
        """Note a remark."""
        if text not in self.warnings:
            self.warnings.append(text)

    def told(
        self,
        state: OrderState,
        *,
        filled: Decimal | None = None,
        avg_fill_price: Decimal | None = None,
        reason: str = "",
        at: dt.datetime | None = None,
        venue_status: str = "",
        venue_ids: Mapping[str, str] | None = None,
    ) -> bool:
        """Take over the venue's word: the state, and how much has filled altogether, if it says so.

        FILLED without such a number is believed once the fills are there.

        Raises:
            ValidationError: no venue can say that state.

        """
        if state not in _TOLD:
            raise ValidationError(f"a venue does not say {state.value!r}")
        before = (self.state, self._told_quantity, dict(self.venue_ids))
        self.venue_ids.update(venue_ids or {})
        if filled is not None and filled > self._told_quantity:
            self._count(filled, avg_fill_price)
        if self.state.is_terminal:
            if self.state is _S.NOT_ACCEPTED:
                self._anomaly(f"the venue says {state.value}, though it had been proved absent")
                self.state = self._heard(state)
        else:
            self.state = self._heard(state)
        self._settle()
        changed = before != (self.state, self._told_quantity, self.venue_ids)
        if changed:
            self.reason = reason or self.reason
            self.updated_at = at or self.updated_at
            self.venue_status = venue_status or self.venue_status
        return changed

    def fill(self, fill: Fill) -> bool:
        """Count an execution once; one that corrects another takes its place.

        Raises:
            BrokerProtocolError: it is of another symbol or side, or its quantity is below 0, or 0
                though it corrects nothing.

        """
        is_void = fill.quantity == 0 and fill.corrects
        is_of_this = (fill.symbol, fill.side) == (self.order.symbol, self.order.side)
        if not is_of_this or (fill.quantity <= 0 and not is_void):
            raise BrokerProtocolError(
                f"execution {fill.exec_id} of {fill.side.value} {fill.quantity} {fill.symbol} "
                f"cannot be of order {self.order_id}, {self.order.side.value} {self.order.symbol}"
            )
        known = self._fills.get(fill.exec_id)
        if known is not None:
            return self._told_again(known, fill)
        replaced = self._fills.pop(fill.corrects, None) if fill.corrects else None
        if fill.corrects:
            self._replaced.add(fill.corrects)
        if fill.exec_id in self._replaced:
            return replaced is not None
        if not fill.corrects and self.state.is_terminal and not self._is_expected(fill):
            self._anomaly(f"execution {fill.exec_id} came when the order was {self.state.value}")
        self._fills[fill.exec_id] = fill
        self._count(total(*(known.quantity for known in self._fills.values())), None)
        self.updated_at = fill.time or self.updated_at
        if self.state in (_S.CREATED, _S.PENDING_SUBMIT, _S.UNKNOWN, _S.NOT_ACCEPTED):
            self.state = _S.ACCEPTED
        self._settle()
        return True

    def status(self) -> BrokerOrderStatus:
        """All of it as a record."""
        return BrokerOrderStatus(
            order_id=self.order_id,
            client_order_id=self.order.client_order_id or "",
            symbol=self.order.symbol,
            side=self.order.side,
            quantity=self.order.quantity,
            state=self.state,
            filled_quantity=self._told_quantity,
            avg_fill_price=self._average(),
            order_type=self.order.order_type,
            limit_price=self.order.limit_price,
            stop_price=self.order.stop_price,
            tif=self.order.tif,
            reason=self.reason,
            updated_at=self.updated_at,
            venue_status=self.venue_status,
            venue_ids=dict(self.venue_ids),
            is_own=self.is_own,
        )

    @property
    def _working(self) -> OrderState:
        return _S.PARTIALLY_FILLED if self._told_quantity else _S.ACCEPTED

    def _move(self, state: OrderState, within: tuple[OrderState, ...]) -> bool:
        if self.state not in within:
            return False
        self.state = state
        return True

    def _heard(self, told: OrderState) -> OrderState:
        """State after the venue's word, while the order is not done."""
        if told is _S.FILLED:  # its numbers say whether it is
            told = self._working
        if told.is_terminal:
            return told
        if told is _S.PENDING_SUBMIT and self.state not in (_S.CREATED, _S.UNKNOWN):
            return self.state  # late: it was on its way before
        if self.state is _S.PENDING_CANCEL:  # it may not have heard of the cancel yet
            return self.state
        return told

    def _count(self, quantity: Decimal, price: Decimal | None) -> None:
        if quantity <= self._told_quantity:
            return
        self._told_quantity = quantity
        self._told_price = price
        if quantity > self.order.quantity:
            self._anomaly(f"{quantity} filled of {self.order.quantity}")

    def _settle(self) -> None:
        if self._told_quantity >= self.order.quantity:
            self.state = _S.FILLED
        elif self.state in _OPEN:
            self.state = self._working

    def _told_again(self, known: Fill, fill: Fill) -> bool:
        """Take over a fee that was not known before; all else that is new is an anomaly."""
        is_same = _without_fee(known) == _without_fee(fill)
        if is_same and fill.is_fee_known and not known.is_fee_known:
            self._fills[fill.exec_id] = fill
            return True
        if known != fill and not (is_same and not fill.is_fee_known):
            self._anomaly(f"execution {fill.exec_id} was told in two ways")
        return False

    def _is_expected(self, fill: Fill) -> bool:
        """Whether the venue's sum has counted it already."""
        known = total(fill.quantity, *(one.quantity for one in self._fills.values()))
        return known <= self._told_quantity

    def _average(self) -> Decimal | None:
        if not self._told_quantity:
            return None
        known = total(*(fill.quantity for fill in self._fills.values()))
        if known and (known >= self._told_quantity or self._told_price is None):
            paid = total(*(product(fill.quantity, fill.price) for fill in self._fills.values()))
            return QUOTIENT.divide(paid, known)
        return self._told_price

    def _anomaly(self, text: str) -> None:
        if text not in self.anomalies:
            self.anomalies.append(text)


def _without_fee(fill: Fill) -> Fill:
    return evolve(fill, fee=Decimal(0), fee_currency="", is_fee_known=False)
