"""One order at Interactive Brokers: what its messages come to, in whatever order they come."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

from attrs import define, evolve, frozen

from nanobook_core.broker import OrderRecord
from nanobook_core.contracts import BrokerOrder, BrokerOrderStatus, Fill, OrderState, OrderType
from nanobook_core.contracts.cents import WIDE
from nanobook_core.errors import ValidationError
from nanobook_ibkr.error_code import Meaning, meaning
from nanobook_ibkr.message import CompletedOrder, Execution, OpenOrder, OrderStatus
from nanobook_ibkr.order_form import ToldOrder, changed_order

_S = OrderState
_STATES = {
    "ApiPending": _S.PENDING_SUBMIT,
    "PendingSubmit": _S.PENDING_SUBMIT,
    "PreSubmitted": _S.ACCEPTED,
    "Submitted": _S.ACCEPTED,
    "PendingCancel": _S.PENDING_CANCEL,
    "Cancelled": _S.CANCELLED,
    "ApiCancelled": _S.CANCELLED,
    "Filled": _S.FILLED,
    "Inactive": _S.HELD,
}
#: Why an order is not worked that waits for no price: nobody lends the shares, or a halt.
_HELD = ("locate", "halted")
#: A new order that is refused so never comes to be. One that the venue has is ended by its status.
_REFUSES = (Meaning.REJECTED, Meaning.INVALID, Meaning.CONTRACT, Meaning.READ_ONLY)
#: Answers to a cancel of an order that the venue does not have.
_NO_SUCH_ORDER = frozenset({135, 10147})


@frozen(kw_only=True)
class Refusal:
    """The venue's no: to an order, to a change of it, or to its cancel."""

    code: int
    text: str

    def __str__(self) -> str:
        return f"{self.code}: {self.text}"


@define(kw_only=True)
class KnownOrder:
    """An order and its numbers. Methods that hear a message say whether anything changed."""

    record: OrderRecord
    client_id: int | None
    """Of the client that sent it; None where that was not told."""
    ib_order_id: int
    """That client's number for it; 0 where that was not told."""
    perm_id: int = 0
    """The venue's number for it; 0 while it has told none."""
    order_ref: str = ""
    """As the venue has it, which may be none that nanobook would send."""
    order_type: OrderType | None = None
    """None for one that nanobook has no word for; the record says market then."""
    limit: Decimal | None = None
    """Limit that a market order went with."""
    session: int = 0
    """Of the connections of all time: the one that it was sent in; 0 where that was another's."""
    attempts: int = 1
    """How often it was sent, as far as this run knows."""
    absent_in: int = 0
    """Of the connections of all time: the last one in which it was proved never to have arrived."""
    is_acknowledged: bool = False
    """Whether the venue has said that it has it, or has done anything with it."""
    refusal: Refusal | None = None
    """Why it was rejected."""
    doubt: Refusal | None = None
    """That the venue has had its number before: from this order perhaps, or from another."""
    cancel_refusal: Refusal | None = None
    change_refusal: Refusal | None = None
    change: BrokerOrder | None = None
    """What it will be when a change that is under way is done."""
    heard: int = 0
    """How often the venue spoke of it; 0 where it may never have had it."""
    is_untold: bool = False
    """Whether it was met just now, and how far it is has not come yet."""
    is_sending: bool = False
    """Whether somebody waits for the answer to it."""
    is_cancelling: bool = False
    """Whether somebody waits for the answer to its cancel."""

    @property
    def is_own(self) -> bool:
        """Whether this side has sent it."""
        return self.record.is_own

    @property
    def is_done(self) -> bool:
        """Whether nothing but a late fill can happen to it."""
        return self.record.state.is_terminal

    @property
    def is_doubtful(self) -> bool:
        """Whether it was refused, and lives by all that was said of it."""
        return self.refusal is not None and not self.is_done

    @property
    def is_missing_fills(self) -> bool:
        """Whether more has filled than the executions that are known.

        Of those that were corrected, there may have been more before.
        """
        known = sum((fill.quantity for fill in self.record.fills), Decimal(0))
        is_corrected = any(fill.corrects for fill in self.record.fills)
        return known < self.record.filled_quantity and not is_corrected

    def identified(self, perm_id: int) -> None:
        """Take over the number that the venue gave it."""
        if perm_id and not self.perm_id:
            self.perm_id = perm_id
            self.record.order_id = perm_id

    def told_open(self, message: OpenOrder, at: dt.datetime) -> bool:
        """Hear of its terms. What status they come with does not end it: `OrderStatus` does."""
        self.heard += 1
        changed = self._take_terms(message)
        state = _STATES.get(message.status)
        if state is None or state.is_terminal:
            return changed
        return self._told(state, message.status, at) or changed

    def told_completed(self, message: CompletedOrder, at: dt.datetime) -> bool:
        """Hear that it is done."""
        self.heard += 1
        state = _STATES.get(message.status)
        if state is _S.HELD:
            state = _S.REJECTED
        if state not in (_S.CANCELLED, _S.REJECTED, _S.FILLED):
            self.record.warned(f"completed with status {message.status!r:.40}")
            state = _S.PENDING_SUBMIT  # says nothing; what has filled counts all the same
        changed = self._take_terms(message)
        self._resize(message.filled, state)
        changed = self._told(state, message.status, at, message.filled) or changed
        if changed and not self.record.reason:
            self.record.reason = message.completed_status
        return changed

    def told_status(self, message: OrderStatus, at: dt.datetime) -> bool:
        """Hear how far it is, and how large: what has filled and what remains."""
        self.heard += 1
        state = _STATES.get(message.status)
        if state is None:
            self.record.warned(f"status {message.status!r:.40}")
            state = _S.PENDING_SUBMIT
        self._resize(WIDE.add(message.filled, message.remaining), state)
        if state is _S.ACCEPTED and message.why_held in _HELD:
            state = _S.HELD
        changed = self._told(state, message.status, at, message.filled, message.avg_price)
        if changed and message.why_held:
            self.record.reason = message.why_held
        return changed

    def told_error(self, code: int, text: str, at: dt.datetime) -> bool:
        """Hear an error that names it. What is no refusal is a warning and changes nothing.

        That there is no such order is no word of this one.
        """
        refusal, said = Refusal(code=code, text=text), meaning(code, text)
        self.heard += code not in _NO_SUCH_ORDER
        if said is Meaning.CANCELLED:
            return self._ended(_S.CANCELLED, refusal, at)
        if self.change is not None and said in (*_REFUSES, Meaning.TOO_LATE, Meaning.DUPLICATE_ID):
            self.change, self.change_refusal = None, refusal
            return False
        if said is Meaning.DUPLICATE_ID:
            self.doubt = refusal
            return False
        if said in (Meaning.TOO_LATE, Meaning.NOT_FOUND) or (
            said is Meaning.READ_ONLY and self.is_cancelling
        ):
            self.cancel_refusal = refusal
            return self.record.cancel_rejected()
        if said in _REFUSES:
            return self._refused(said, refusal, at)
        self.record.warned(str(refusal))
        return False

    def told_fill(self, fill: Fill, message: Execution, at: dt.datetime) -> bool:
        """Hear of an execution, which says how much had filled with it altogether.

        Raises:
            BrokerProtocolError: it cannot be of this order.

        """
        self.heard += 1
        changed = self.record.fill(fill)
        self.is_acknowledged = True
        self.record.told(
            _S.PENDING_SUBMIT, filled=message.cumulative, avg_fill_price=message.avg_price
        )
        self.record.updated_at = at
        return changed

    @property
    def is_changing(self) -> bool:
        """Whether a change of it is under way."""
        return self.change is not None

    def changing(self, order: BrokerOrder) -> None:
        """A change is being sent that makes it that."""
        self.change, self.change_refusal = order, None

    def changed(self) -> None:
        """Nobody waits for that any more; what the venue tells of it is taken as it comes."""
        self.change = None

    def cancelling(self) -> None:
        """Its cancel is being sent, and somebody waits for the answer."""
        self.record.cancel_requested()
        self.cancel_refusal, self.is_cancelling = None, True

    def proved_absent(self, session: int, reason: str) -> None:
        """Be proved, in that connection, never to have reached the venue."""
        self.absent_in = session
        self.record.lost()
        self.record.proved_absent(reason)

    def sent_again(self, session: int, limit: Decimal | None) -> None:
        """Be sent once more, under the same number: what is proved never to have arrived."""
        self.record = OrderRecord(order_id=-self.ib_order_id, order=self.record.order)
        self.record.submitted()
        self.session, self.limit = session, limit
        self.attempts += 1

    def number_was_taken(self) -> bool:
        """Hear, after it was asked for, that nothing came of it: its number was another's.

        The venue refuses that number for ever, also where this was sent twice under it.
        """
        if self.doubt is None or self.perm_id:
            return False
        self.record.lost()
        return self.record.proved_absent(str(self.doubt))

    def told_uncancelled(self) -> bool:
        """Hear, in answer to a question, that it works: its cancel did not come through."""
        return self.record.cancel_rejected()

    def told_listed(self) -> bool:
        """Hear, in answer to a question, that it works, though it was done by all that was told."""
        if not self.is_done or self.record.filled_quantity >= self.record.order.quantity:
            return False
        self.record.anomalies.append(f"the venue lists it, though it was {self.record.state.value}")
        self.record.state = _S.ACCEPTED
        self.record.told(_S.ACCEPTED)
        return True

    def told_unlisted(self) -> bool:
        """Hear, in answer to questions, that it is neither open nor done today."""
        if not self.record.state.is_working or self.record.state is _S.UNKNOWN:
            return False
        self.record.state = _S.UNKNOWN
        self.record.reason = "the venue lists it neither as open nor as done"
        return True

    def status(self) -> BrokerOrderStatus:
        """All of it as a record."""
        status = evolve(self.record.status(), client_order_id=self.order_ref)
        return status if self.order_type is not None else evolve(status, order_type=None)

    def _told(
        self,
        state: OrderState,
        word: str,
        at: dt.datetime,
        filled: Decimal | None = None,
        price: Decimal | None = None,
    ) -> bool:
        if state is not _S.PENDING_SUBMIT:
            self.is_acknowledged = True
        self.record.venue_status = word
        reason = ""
        if state is _S.ACCEPTED:
            self.refusal = None
        if state in (_S.HELD, _S.CANCELLED) and self.refusal is not None:
            state, reason = _S.REJECTED, str(self.refusal)
        return self.record.told(
            state,
            filled=filled,
            avg_fill_price=price,
            reason=reason,
            at=at,
            venue_ids=self._ids(),
        )

    def _ids(self) -> dict[str, str]:
        ids = {
            "perm_id": self.perm_id,
            "order_id": self.ib_order_id,
            "client_id": self.client_id or 0,
        }
        return {name: str(number) for name, number in ids.items() if number}

    def _refused(self, said: Meaning, refusal: Refusal, at: dt.datetime) -> bool:
        if self.is_acknowledged and said is not Meaning.REJECTED:
            self.record.warned(str(refusal))
            return False
        self.refusal = refusal
        if self.is_acknowledged and self.record.state not in (_S.HELD, _S.CANCELLED):
            return False  # of the order, or of a change of it: its status says which
        return self._ended(_S.REJECTED, refusal, at)

    def _ended(self, state: OrderState, refusal: Refusal, at: dt.datetime) -> bool:
        if self.refusal is not None and self.record.state is _S.CANCELLED:
            self.record.state, self.record.reason = _S.REJECTED, str(self.refusal)
            return True  # the status came before the reason
        return self.record.told(state, reason=str(refusal), at=at)

    def _take_terms(self, message: ToldOrder) -> bool:
        before = self.record.order
        try:
            told = changed_order(before, message)
        except (ValidationError, OverflowError) as error:  # somebody made it what it cannot be here
            self.record.warned(f"changed at the venue to what cannot be shown: {error}")
            return False
        if self.change is not None:
            wanted = (self.change.quantity, self.change.limit_price)
            if (told.quantity, told.limit_price) != wanted:
                return False  # from before the change
            self.change = None
        elif self.is_done and not (
            self.record.state is _S.FILLED and told.quantity > before.quantity
        ):
            return False
        self.record.order = told
        self._reopen_if_larger()
        return told != before

    def _resize(self, quantity: Decimal, state: OrderState) -> None:
        """Take over how large it is by its numbers, which may tell of a change before its terms do.

        One that lives is never made smaller by them: that would end it.
        """
        now = self.record.order.quantity
        if (state is _S.FILLED and 0 < quantity != now) or (
            not state.is_terminal and quantity > now
        ):
            self.record.order = evolve(self.record.order, quantity=quantity)
            self._reopen_if_larger()

    def _reopen_if_larger(self) -> None:
        """Nothing but its numbers has filled it: where it is larger than that, it lives."""
        is_larger = self.record.order.quantity > self.record.filled_quantity
        if self.record.state is _S.FILLED and is_larger:
            self.record.state = _S.PARTIALLY_FILLED
