"""Sending orders and their cancels, each once, and finding out what became of them."""

from __future__ import annotations

import contextlib
import logging
import secrets
from decimal import Decimal

from nanobook_binance.exchange import ORDER
from nanobook_binance.known_order import KnownOrder
from nanobook_binance.message import read_order
from nanobook_binance.order_desk import OrderDesk
from nanobook_binance.order_form import order_parameters
from nanobook_binance.resolution import Resolution
from nanobook_binance.rest import Rest
from nanobook_binance.symbol import Listed
from nanobook_core.contracts import (
    BrokerError,
    BrokerOrder,
    BrokerProtocolError,
    CancelRejectedError,
    DuplicateOrderError,
    LinkDownError,
    OrderAck,
    OrderNotFoundError,
    OrderRejectedError,
    OrderState,
    Outcome,
    OutcomeUnknownError,
)
from nanobook_core.contracts.clock import Clock

log = logging.getLogger("nanobook.broker")

_FIRST_PAUSE, _LAST_PAUSE = 0.05, 1.0


class OrderSender:
    """Sends orders of one broker, from any thread: each is in the journal before it is sent.

    Nothing is ever sent twice. The venue takes a client order id again once its order is done, so
    that an order sent again after a lost answer is a second order: what became of the first is
    found out before.
    """

    def __init__(
        self, desk: OrderDesk, rest: Rest, resolution: Resolution, clock: Clock, timeout: float
    ) -> None:
        """Ask for so many seconds what became of an order or a cancel without an answer."""
        self._desk = desk
        self._rest = rest
        self._resolution = resolution
        self._clock = clock
        self._timeout = timeout

    def check(self, order: BrokerOrder, pair: str, *, is_new: bool) -> None:
        """Refuse an order before anything is sent: a used client order id, or a doubt beside it.

        `is_new` says that nobody can have used its client order id.

        Raises:
            DuplicateOrderError: its client order id is another order's.
            OutcomeUnknownError: an order of that symbol and side is in doubt, or one of that client
                order id; nothing was sent.
            BrokerError: the venue does not say.

        """
        self._desk.check_consistent()
        name = order.client_order_id or ""
        for known in self._desk.in_doubt():
            if known.client_order_id == name or (known.pair, known.side) == (pair, order.side):
                self._settle_before(known, name)
        self._check_name(name)
        if not is_new and self._desk.known(name) is None:
            self._resolution.find(pair, name)
            self._check_name(name)

    def send(self, order: BrokerOrder, listed: Listed, limit: Decimal | None) -> OrderAck:
        """Send an order; `limit` is that of a market order that goes with one.

        Raises:
            DuplicateOrderError: its client order id is another's; nothing was sent.
            OrderRejectedError, UnknownSymbolError, PermissionDeniedError: the venue said no.
            OutcomeUnknownError: it was sent, and nobody knows what became of it.
            BrokerError: nothing was sent, as `outcome` says.

        """
        parameters = order_parameters(order, listed, limit)
        known = KnownOrder.sending(
            order,
            listed.pair,
            limit=limit,
            sent_ms=self._rest.time.milliseconds(),
            window_ms=self._rest.recv_window,
        )
        try:
            self._write_down(known)
            told = self._rest.signed("POST", ORDER, lambda: self._check_still(known), **parameters)
            found = self._desk.told(read_order(told))
        except BrokerError as error:
            found, doubt = None, error
        except BaseException:
            self._interrupted(known)
            raise
        else:
            doubt = BrokerProtocolError("the venue answered for another order", broker="binance")
        finally:
            known.is_sending = False
        if found is not None and found.client_order_id == known.client_order_id:
            return self._ack(found)  # of this connection, or of the next one
        if known.venue_id and known.record.state is not OrderState.REJECTED:
            log.warning("the venue has order %s, though: %s", known.client_order_id, doubt)
            with contextlib.suppress(BrokerError):  # else the stream tells it
                self._resolution.refresh(known)
            return self._ack(known)
        if known.is_written and isinstance(doubt, DuplicateOrderError):
            return self._twice(known, doubt)
        if doubt.outcome is not Outcome.UNKNOWN:
            self._refused(known, doubt)
            raise doubt
        self._in_doubt(known)
        return self._settled(known, doubt)

    def cancel(
        self, known: KnownOrder, *, foreign: bool = False, seconds: float | None = None
    ) -> None:
        """Cancel an order, and return once the venue says that it is, or after so long.

        Raises:
            CancelRejectedError: it is done otherwise; `status` says how.
            PermissionDeniedError: it is of others, unless `foreign` allows that.
            OutcomeUnknownError: it may or may not be cancelled.

        """
        with self._desk.changed:
            if known.is_done:
                raise self._not_cancelled(known)
            if known.venue_id:
                known.record.cancel_requested(foreign=foreign)
        try:
            self._cancelled(known, self._timeout if seconds is None else seconds)
        finally:
            with self._desk.changed:
                if known.record.cancel_rejected():
                    self._desk.order_told(known, is_changed=True)
        if known.record.state is not OrderState.CANCELLED:
            raise self._not_cancelled(known)

    def _write_down(self, known: KnownOrder) -> None:
        """Write an order down before it is sent."""
        desk = self._desk
        with desk.changed:
            self._check_name(known.client_order_id)
            before = desk.known(known.client_order_id)
            if before is not None:
                desk.orders.withdraw(before)
            known.session = desk.session
            desk.orders.add(known)
        desk.journal.write(known)
        known.is_written = True

    def _interrupted(self, known: KnownOrder) -> None:
        if known.is_written:
            self._in_doubt(known)
        else:
            self._desk.forget(known)

    def _check_still(self, known: KnownOrder) -> None:
        """Refuse to sign an order once its connection has ended; note when it is signed."""
        self._desk.check_session(known)
        known.sent_ms = min(known.sent_ms, self._rest.time.milliseconds())

    def _twice(self, known: KnownOrder, error: BrokerError) -> OrderAck:
        """Find out whose order has its client order id: something on the way may send it twice."""
        self._in_doubt(known)
        found = None
        with contextlib.suppress(BrokerError):
            found = self._resolution.find(known.pair, known.client_order_id)
        if known.is_in_doubt and found is not None and not found.is_done:
            self._desk.told_absent(known, str(error))
            raise error
        return self._settled(known, error)

    def _refused(self, known: KnownOrder, error: BrokerError) -> None:
        """Take in that the venue does not have it."""
        if not known.is_written:
            self._desk.forget(known)
        elif error.outcome is Outcome.REJECTED and isinstance(error, OrderRejectedError):
            with self._desk.changed:
                known.record.told(OrderState.REJECTED, reason=str(error), at=self._rest.time.now())
                self._desk.order_told(known, is_changed=True)
        else:
            self._desk.told_absent(known, str(error))

    def _in_doubt(self, known: KnownOrder) -> None:
        """Take in that nobody knows; written down already, as it was on its way."""
        known.is_sending = False
        with self._desk.changed:
            if known.venue_id:  # it was heard of meanwhile
                return
            if known.doubted(self._rest.time.milliseconds()):
                self._desk.order_told(known, is_changed=True)

    def _settled(self, known: KnownOrder, error: BrokerError) -> OrderAck:
        """Find out what became of an order without an answer."""
        try:
            self._resolution.settle(known, self._timeout)
            if known.venue_id:
                self._resolution.refresh(known)  # its executions
        except BrokerError as doubt:
            if not known.venue_id:
                why = str(error).partition(";")[0]
                raise self._doubtful(known, why, doubt.retry_after) from error
        if known.venue_id:
            if known.record.state is OrderState.REJECTED:
                raise OrderRejectedError(
                    known.record.reason or "the venue rejected it",
                    broker="binance",
                    client_order_id=known.client_order_id,
                ) from error
            return self._ack(known)
        raise LinkDownError(
            "the venue never had the order, as is proved now; it may be sent again",
            broker="binance",
            outcome=Outcome.NOT_SENT,
            client_order_id=known.client_order_id,
        ) from error

    def _cancelled(self, known: KnownOrder, seconds: float) -> None:
        """Send the cancel until the venue says how the order ended: asked twice is asked once."""
        end, pause = self._clock.monotonic() + seconds, _FIRST_PAUSE
        session = self._desk.session
        doubt: BrokerError | None = None
        while True:
            try:
                self._delete(known)
                if known.is_done:
                    return
                doubt = doubt or BrokerProtocolError("the venue's answer to it was of another")
            except BrokerError as error:
                is_open = isinstance(error, CancelRejectedError | OrderNotFoundError)
                if doubt is None and not (is_open or error.outcome is Outcome.UNKNOWN):
                    raise
                doubt = doubt or error
            is_there = self._ask_after(known)
            if known.is_done:
                return
            left = end - self._clock.monotonic()
            if left <= 0 or not is_there or self._desk.session != session:
                raise OutcomeUnknownError(
                    f"order {known.record.order_id} may or may not be cancelled: "
                    f"{str(doubt).partition(';')[0]}; cancel it again, or wait for its end",
                    broker="binance",
                    client_order_id=known.client_order_id,
                ) from doubt
            self._clock.sleep(min(pause, left))
            pause = min(2 * pause, _LAST_PAUSE)

    def _ask_after(self, known: KnownOrder) -> bool:
        """Ask how an order is; False where the venue has lost it, so that asking again is idle."""
        with contextlib.suppress(BrokerError):
            if not known.venue_id:
                self._resolution.look(known)
            elif not self._resolution.refresh(known) and self._resolution.is_long_there(known):
                self._desk.told_missing(known)
                return False
        return True

    def _delete(self, known: KnownOrder) -> None:
        """Send its cancel, by both its names, so that it is of no other order that has one."""
        answer = self._rest.signed(
            "DELETE",
            ORDER,
            symbol=known.pair,
            orderId=known.venue_id or None,
            origClientOrderId=known.name or known.client_order_id or None,
            newClientOrderId=f"nbc-{secrets.token_hex(14)}",
        )
        self._desk.told(read_order(answer))

    def _settle_before(self, known: KnownOrder, name: str) -> None:
        """Have an order settled that another one must not be sent beside."""
        try:
            self._resolution.look(known)
        except OutcomeUnknownError as error:
            if known.client_order_id == name:
                return  # it is refused as used
            raise OutcomeUnknownError(
                f"nothing is sent to {known.side.value} {known.record.order.symbol} while an order "
                f"is in doubt: {error}",
                broker="binance",
                outcome=Outcome.NOT_SENT,
                client_order_id=name,
                retry_after=error.retry_after,
            ) from error

    def _check_name(self, name: str) -> None:
        """Refuse a client order id that another order has."""
        known = self._desk.known(name)
        if known is None or known.is_free:
            return
        raise DuplicateOrderError(
            f"client order id {name!r} is that of order {known.record.order_id}, which is "
            f"{known.record.state.value}",
            broker="binance",
            outcome=Outcome.NOT_SENT,
            client_order_id=name,
        )

    def _ack(self, known: KnownOrder) -> OrderAck:
        status = self._desk.status(known)
        return OrderAck(
            status.order_id, known.client_order_id, status.state, venue_ids=status.venue_ids
        )

    def _doubtful(
        self, known: KnownOrder, why: str, retry_after: float | None = None
    ) -> OutcomeUnknownError:
        order = known.record.order
        return OutcomeUnknownError(
            f"{why}; find_order({known.client_order_id!r}, {order.symbol!r}) says what became of "
            "the order, within seconds: do not send it again before that is None",
            broker="binance",
            client_order_id=known.client_order_id,
            retry_after=retry_after,
        )

    def _not_cancelled(self, known: KnownOrder) -> CancelRejectedError:
        status = self._desk.status(known)
        return CancelRejectedError(
            f"order {status.order_id} is {status.state.value} already",
            broker="binance",
            client_order_id=known.client_order_id,
            status=status,
        )
