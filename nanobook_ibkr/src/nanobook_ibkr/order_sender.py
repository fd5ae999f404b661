"""Sending orders, their changes and their cancels, and waiting for the venue's word on each."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from decimal import Decimal

from nanobook_core.contracts import (
    BrokerError,
    BrokerOrder,
    CancelRejectedError,
    DuplicateOrderError,
    LinkDownError,
    NotConnectedError,
    OrderAck,
    OrderRejectedError,
    OrderState,
    Outcome,
    OutcomeUnknownError,
    PermissionDeniedError,
    UnsupportedError,
)
from nanobook_ibkr.error_code import error_of
from nanobook_ibkr.known_order import KnownOrder, Refusal
from nanobook_ibkr.loop_thread import LoopThread
from nanobook_ibkr.message import VenueContract
from nanobook_ibkr.order_desk import OrderDesk
from nanobook_ibkr.order_form import order_fields
from nanobook_ibkr.resync import compare
from nanobook_ibkr.session import Session

log = logging.getLogger("nanobook.broker")


class OrderSender:
    """Sends orders of one broker, from any thread: each is in the journal before it is sent.

    A client order id keeps its number at the venue for ever. Sent again it is the same order there,
    whatever became of the first time: two orders cannot come of it.
    """

    def __init__(self, desk: OrderDesk, loop: LoopThread, ack_timeout: float) -> None:
        """Wait for so many seconds for the venue's word."""
        self._desk = desk
        self._loop = loop
        self._timeout = ack_timeout
        self._turn = threading.Lock()

    @property
    def _session(self) -> Session:
        session = self._desk.session
        assert session is not None  # noqa: S101 - checked to be connected before
        return session

    def send(self, order: BrokerOrder, contract: VenueContract, limit: Decimal | None) -> OrderAck:
        """Send an order; `limit` is that of a market order that goes with one.

        Raises:
            DuplicateOrderError: its client order id is another's; nothing was sent.
            OrderRejectedError, UnknownSymbolError, PermissionDeniedError: the venue said no.
            OutcomeUnknownError: it was sent, and there is no word of it.
            BrokerError: nothing was sent, as `outcome` says.

        """
        known, ack = self._transmit(order, contract, limit)
        if ack is None:
            known, ack = self._transmit(order, contract, limit, is_renumbered=True)
        if ack is None:
            raise self._doubtful(known)
        return ack

    def _transmit(
        self,
        order: BrokerOrder,
        contract: VenueContract,
        limit: Decimal | None,
        *,
        is_renumbered: bool = False,
    ) -> tuple[KnownOrder, OrderAck | None]:
        """Send it, and return what the venue says; None where its number was another's."""
        with self._turn:  # numbers reach the venue in the order in which they are given out
            known = self._written(order, limit, is_renumbered=is_renumbered)
            try:
                self._place(known, contract)
            except BaseException:
                known.is_sending = False
                raise
        try:
            return known, self._acknowledged(known)
        finally:
            known.is_sending = False

    def is_ours(self, known: KnownOrder) -> bool:
        """Whether this client has sent it, and so can cancel it."""
        return known.is_own and known.client_id == self._desk.client_id and known.ib_order_id > 0

    def cancel(self, known: KnownOrder) -> None:
        """Cancel an order, and return when the venue has heard.

        Raises:
            CancelRejectedError: it is done, or the venue says no; `status` says where it stands.
            PermissionDeniedError: it is of others, or of another client id of ours.
            OutcomeUnknownError: there is no word of the venue.

        """
        with self._desk.changed:
            self._check_own(known, "cancelled")
            if known.is_done:
                raise self._not_cancelled(known, f"it is {known.record.state.value}")
            self._check_number(known)
            known.cancelling()
        try:
            self._request_cancel(known)
            is_heard = self._wait(
                lambda: (
                    known.is_done
                    or known.cancel_refusal is not None
                    or known.record.venue_status == "PendingCancel"
                )
            )
        finally:
            known.is_cancelling = False
        if known.cancel_refusal is not None:
            self._look()  # it may be done
            if known.record.state is not OrderState.CANCELLED:
                raise self._not_cancelled(known, str(known.cancel_refusal))
        elif not is_heard:
            raise OutcomeUnknownError(
                f"no answer to the cancel of order {known.record.order_id} within "
                f"{self._timeout:g} s; it may still fill: cancel it again, or wait for its end",
                broker="ibkr",
                client_order_id=known.order_ref,
            )

    def change(self, known: KnownOrder, order: BrokerOrder, contract: VenueContract) -> OrderAck:
        """Make an open order another one, under its numbers.

        Raises:
            OrderRejectedError: the venue said no, and the order goes on as it was; or it is done.
            PermissionDeniedError: it is of others, or of another client id of ours.
            UnsupportedError: it was not written here, and may be more than is known of it.
            OutcomeUnknownError: there is no word of the venue.

        """
        with self._turn:
            with self._desk.changed:
                self._check_own(known, "changed")
                self._check_written_here(known)
                self._check_number(known)
                if known.is_done:
                    raise self._ended(known, Outcome.NOT_SENT)
                known.changing(order)
            try:
                self._loop.call(lambda: self._put(known, order, contract))
            except BaseException:
                known.changed()
                raise
        is_heard = self._wait(
            lambda: (
                known.change is None
                or (known.is_done and known.record.state is not OrderState.FILLED)
            )
        )
        if not is_heard:
            self._look()
        with self._desk.changed:
            is_open, state = known.is_changing, known.record.state
            known.changed()
        if known.change_refusal is not None:
            now = "is filled" if state is OrderState.FILLED else "goes on as it was"
            raise OrderRejectedError(
                f"order {known.record.order_id} {now}: {known.change_refusal}",
                broker="ibkr",
                code=str(known.change_refusal.code),
                client_order_id=known.order_ref,
            )
        if state.is_terminal and state is not OrderState.FILLED:
            raise self._ended(known, Outcome.REJECTED)
        if is_open:
            raise OutcomeUnknownError(
                f"no answer to the change of order {known.record.order_id} within "
                f"{self._timeout:g} s; order_status tells what it is",
                broker="ibkr",
                client_order_id=known.order_ref,
            )
        return self._ack(known)

    def _written(
        self, order: BrokerOrder, limit: Decimal | None, *, is_renumbered: bool
    ) -> KnownOrder:
        """Write an order down, under a number of its own or the one that it had before."""
        desk, name = self._desk, order.client_order_id or ""
        desk.check_consistent()
        with desk.changed:
            known = None if is_renumbered else desk.orders.find(name)
            if known is not None:
                self._check_again(known, order)
                known.sent_again(desk.session_number, limit)
        if known is None:
            number = self._loop.call(self._number)
            with desk.changed:
                known = desk.orders.sent(order, number, limit, desk.session_number)
        known.is_sending = True
        try:
            desk.journal.write(known)
        except BaseException:
            known.is_sending = False
            self._take_back(known)
            raise
        return known

    def _take_back(self, known: KnownOrder) -> None:
        """Have it that an order was not sent; one that was sent before is as absent as it was."""
        with self._desk.changed:
            if known.attempts > 1:
                known.proved_absent(known.session, "it never reached the venue")
                self._desk.journal.note(known)
            else:
                self._desk.orders.withdraw(known)
                self._desk.journal.forget(known)

    def _check_again(self, known: KnownOrder, order: BrokerOrder) -> None:
        why = ""
        if not self._desk.prove_absent(known):
            why = f"is that of order {known.record.order_id}, which is {known.record.state.value}"
        elif not self._desk.may_send_again(known):
            why = (
                f"is that of an order that never reached the venue, and its number "
                f"{known.ib_order_id} may be that of another by now; take another client order id"
            )
        elif known.record.order != order:
            why = "has been given to another order, and only that one can be sent by it again"
        if why:
            raise DuplicateOrderError(
                f"client order id {known.order_ref!r} {why}",
                broker="ibkr",
                outcome=Outcome.NOT_SENT,
                client_order_id=known.order_ref,
            )

    async def _number(self) -> int:
        return self._session.next_order_id()

    async def _put(self, known: KnownOrder, order: BrokerOrder, contract: VenueContract) -> None:
        fields = order_fields(order, account=self._session.account, limit=known.limit)
        await self._session.place(known.ib_order_id, contract, fields)

    def _place(self, known: KnownOrder, contract: VenueContract) -> None:
        async def place() -> None:
            if self._desk.session_number != known.session:
                raise NotConnectedError("the connection is another one by now", broker="ibkr")
            await self._put(known, known.record.order, contract)

        try:
            self._loop.call(place)
        except BrokerError as error:
            if error.outcome is Outcome.NOT_SENT:
                self._take_back(known)
            else:
                with self._desk.changed:
                    known.record.lost()
                    self._desk.order_told(known, is_changed=True)
            raise

    def _acknowledged(self, known: KnownOrder) -> OrderAck | None:
        desk = self._desk
        self._wait(
            lambda: (
                (
                    (self._is_answered(known) or desk.compared > known.session)
                    and not desk.is_syncing
                )
                or bool(desk.contradiction)
            )
        )
        is_told = desk.compared > known.session
        if not (known.perm_id or known.is_done or is_told or desk.contradiction):
            is_told = self._look()
        with desk.changed:
            if is_told and known.number_was_taken():
                desk.journal.note(known)
                return None
            if known.record.state is OrderState.REJECTED and not known.record.filled_quantity:
                raise self._refused(known)
            if known.perm_id:
                return self._ack(known)
            if desk.prove_absent(known):
                raise LinkDownError(
                    "the connection broke before the venue had the order, as it now says; it may "
                    "be sent again under the same client order id",
                    broker="ibkr",
                    outcome=Outcome.NOT_SENT,
                    client_order_id=known.order_ref,
                )
            known.record.lost()
            desk.order_told(known, is_changed=True)
            raise self._doubtful(known)

    @staticmethod
    def _is_answered(known: KnownOrder) -> bool:
        is_acknowledged = bool(known.perm_id) and known.is_acknowledged
        return is_acknowledged or known.is_done or known.doubt is not None

    def _request_cancel(self, known: KnownOrder) -> None:
        try:
            self._loop.call(lambda: self._session.cancel(known.ib_order_id))
        except BrokerError:
            with self._desk.changed:
                known.record.cancel_rejected()
            raise

    def _wait(self, accept: Callable[[], bool]) -> bool:
        with self._desk.changed:
            return self._desk.changed.wait_for(accept, self._timeout)

    def _look(self) -> bool:
        """Ask the venue for everything, and say whether it answered."""
        try:
            self._loop.call(lambda: compare(self._desk, self._session))
        except BrokerError as error:
            log.warning("what became of an order could not be asked: %s", error)
            return False
        return True

    def _check_own(self, known: KnownOrder, done: str) -> None:
        """Refuse what TWS would take for an order of ours that has the same number."""
        if not known.is_own:
            raise PermissionDeniedError(
                f"order {known.record.order_id} is not ours; cancel_all(scope='all') cancels those "
                "of others too",
                broker="ibkr",
                client_order_id=known.order_ref,
            )
        if not self.is_ours(known) and not known.is_done:
            raise PermissionDeniedError(
                f"order {known.record.order_id} was sent with client_id {known.client_id} and can "
                f"only be {done} with it; cancel_all(scope='all') cancels it too",
                broker="ibkr",
                client_order_id=known.order_ref,
            )

    def _check_number(self, known: KnownOrder) -> None:
        """Refuse what would be done to another order, which the venue has under that number."""
        if not known.perm_id and not known.is_done and not self._desk.orders.has_number(known):
            raise OutcomeUnknownError(
                f"the venue has another order of number {known.ib_order_id}, and no word of this "
                f"one: nothing was sent; ask find_order({known.order_ref!r})",
                broker="ibkr",
                outcome=Outcome.NOT_SENT,
                client_order_id=known.order_ref,
            )

    def _check_written_here(self, known: KnownOrder) -> None:
        """Refuse what a change, which says an order anew, would make another: a trailing stop."""
        if known.session == 0 or known.order_type is None:
            raise UnsupportedError(
                f"order {known.record.order_id} is not as nanobook writes orders, and a change "
                "would lose what it has no word for (a trailing stop, a date, a group); cancel it "
                "and send another",
                broker="ibkr",
                outcome=Outcome.NOT_SENT,
                client_order_id=known.order_ref,
            )

    def _ack(self, known: KnownOrder) -> OrderAck:
        status = known.status()
        return OrderAck(status.order_id, status.client_order_id, status.state, status.venue_ids)

    def _refused(self, known: KnownOrder) -> BrokerError:
        refusal = known.refusal or Refusal(code=201, text=known.record.reason)
        return error_of(
            refusal.code,
            refusal.text,
            outcome=Outcome.REJECTED,
            client_order_id=known.order_ref,
        )

    def _doubtful(self, known: KnownOrder) -> BrokerError:
        if self._desk.contradiction:
            return OutcomeUnknownError(
                self._desk.contradiction, broker="ibkr", client_order_id=known.order_ref
            )
        if known.doubt is not None:
            return DuplicateOrderError(
                f"the venue has had the number {known.ib_order_id} before ({known.doubt}); whether "
                "it has this order is not known: ask find_order",
                broker="ibkr",
                code=str(known.doubt.code),
                outcome=Outcome.UNKNOWN,
                client_order_id=known.order_ref,
            )
        return OutcomeUnknownError(
            f"no word of the order within {self._timeout:g} s; ask find_order("
            f"{known.order_ref!r}), and do not send it again before that says None",
            broker="ibkr",
            client_order_id=known.order_ref,
        )

    def _ended(self, known: KnownOrder, outcome: Outcome) -> OrderRejectedError:
        return OrderRejectedError(
            f"order {known.record.order_id} is {known.record.state.value}",
            broker="ibkr",
            outcome=outcome,
            client_order_id=known.order_ref,
        )

    def _not_cancelled(self, known: KnownOrder, why: str) -> CancelRejectedError:
        return CancelRejectedError(
            f"order {known.record.order_id} was not cancelled: {why}",
            broker="ibkr",
            client_order_id=known.order_ref,
            status=known.status(),
        )
