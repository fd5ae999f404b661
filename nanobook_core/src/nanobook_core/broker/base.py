"""What all brokers share, so that an adapter writes only what its venue does differently."""

from __future__ import annotations

import contextlib
import datetime as dt
import itertools
import logging
import math
import threading
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable, Iterator
from decimal import Decimal
from types import TracebackType
from typing import Literal, Self

from attrs import evolve

from nanobook_core.broker.order_rules import check_rules, cut_to_rules
from nanobook_core.contracts.broker import (
    BrokerCapabilities,
    BrokerEvent,
    CancelReport,
    ConnectionInfo,
    ConnectionState,
    NormalizedOrder,
    OrderPreview,
    OrderReference,
    SyncReport,
)
from nanobook_core.contracts.broker_error import (
    BrokerError,
    CancelRejectedError,
    HaltedError,
    NoQuoteError,
    NotConnectedError,
    OrderNotFoundError,
    Outcome,
    PermissionDeniedError,
    UnknownSymbolError,
    UnsupportedError,
)
from nanobook_core.contracts.broker_order import (
    BrokerOrder,
    BrokerOrderStatus,
    Fill,
    OrderAck,
    OrderState,
    OrderType,
)
from nanobook_core.contracts.clock import Clock, SystemClock
from nanobook_core.contracts.holding import Account, BrokerPosition, Quote
from nanobook_core.contracts.instrument import Instrument
from nanobook_core.contracts.order_form import read_order
from nanobook_core.errors import NanobookError, ValidationError, shown
from nanobook_core.types import Side

log = logging.getLogger("nanobook.broker")


class BrokerBase(ABC):
    """A `contracts.Broker` but for what only the venue can do: the abstract methods.

    `submit_order` reads and checks the order and calls `_send` with one that has a client order id
    and keeps the venue's steps. Events that a subclass hands to `_publish` reach the subscribers at
    the next `_deliver`, which a subclass calls where it holds no lock and is in no request.
    """

    name = ""
    poll_interval = 0.25
    """Seconds between two looks of `wait`."""
    cancel_timeout = 5.0
    """Seconds that `cancel_all` waits for the ends of the orders that it cancels."""

    #: What a callback may raise without any harm; on a thread of its own, whatever there is.
    _harmless: type[BaseException] = Exception

    def __init__(self, *, clock: Clock | None = None) -> None:
        self._clock: Clock = SystemClock() if clock is None else clock
        self._halted: str | None = None
        self._callbacks: list[Callable[[BrokerEvent], None]] = []
        #: What happened, and who had subscribed by then.
        self._events: deque[tuple[BrokerEvent, tuple[Callable[[BrokerEvent], None], ...]]] = deque()
        self._delivery = threading.Lock()
        self._numbers = itertools.count(1)

    @abstractmethod
    def connect(self, timeout: float | None = None) -> None:
        """See `contracts.Broker`, here and below."""

    @abstractmethod
    def disconnect(self) -> None:
        """End the connection."""

    @abstractmethod
    def _connection(self) -> ConnectionInfo:
        """State of the connection; a halt is not the venue's, and is added to it."""

    @abstractmethod
    def capabilities(self) -> BrokerCapabilities:
        """What this venue can do."""

    @abstractmethod
    def account(self) -> Account:
        """Money, in the base currency."""

    @abstractmethod
    def positions(self) -> list[BrokerPosition]:
        """Holdings."""

    @abstractmethod
    def instrument(self, symbol: str) -> Instrument:
        """Rules of a symbol."""

    @abstractmethod
    def quote(self, symbol: str) -> Quote:
        """Prices now."""

    @abstractmethod
    def _send(self, order: BrokerOrder) -> OrderAck:
        """Send an order, which has a client order id and keeps the instrument's steps, once."""

    @abstractmethod
    def order_status(self, order: OrderReference) -> BrokerOrderStatus:
        """Where an order stands."""

    @abstractmethod
    def open_orders(self, scope: Literal["own", "all"] = "own") -> list[BrokerOrderStatus]:
        """Orders that may still fill."""

    @abstractmethod
    def find_order(
        self, client_order_id: str, symbol: str | None = None
    ) -> BrokerOrderStatus | None:
        """Ask the venue for an order; None is proof that it never had it."""

    @abstractmethod
    def fills(self, since: dt.datetime | None = None, symbol: str | None = None) -> list[Fill]:
        """Executions, oldest first."""

    @abstractmethod
    def cancel_order(self, order: OrderReference) -> None:
        """Ask for the end of an order."""

    def __enter__(self) -> Self:
        """Connect."""
        self.connect()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Disconnect."""
        self.disconnect()

    def connection(self) -> ConnectionInfo:
        """State of the connection; a halted one that is ready is `HALTED`, with the reason."""
        info = self._connection()
        if self._halted is None or info.state is not ConnectionState.READY:
            return info
        return evolve(info, state=ConnectionState.HALTED, detail=self._halted)

    def server_time(self) -> dt.datetime:
        """Refuse: not every venue tells its time, and our own would hide that ours is wrong.

        Raises:
            UnsupportedError: always, unless a subclass can.

        """
        self._check_connected()
        raise self._unsupported("tell its time")

    def normalize(self, order: BrokerOrder) -> NormalizedOrder:
        """Cut an order to the venue's steps.

        The quantity goes down to whole lots, a limit down to buy and up to sell, a stop the other
        way.

        Raises:
            OrderInvalidError: nothing is left of it, or a limit of quantity or notional forbids it;
                the message says the limit and the nearest value that is allowed.

        """
        self._check_record(order)
        self._check_connected()
        return cut_to_rules(order, self.instrument(order.symbol), self._reference_price(order))

    def preview(self, order: BrokerOrder) -> OrderPreview:  # noqa: ARG002 - a subclass's
        """Refuse: not every venue can tell.

        Raises:
            UnsupportedError: always, unless a subclass can.

        """
        self._check_connected()
        raise self._unsupported("preview orders")

    def submit_order(
        self,
        order: BrokerOrder | str,
        side: Side | str | None = None,
        quantity: int | Decimal | None = None,
        *,
        order_type: OrderType | str = "market",
        limit_price_cents: int | None = None,
        limit_price: Decimal | None = None,
        client_order_id: str | None = None,
    ) -> OrderAck:
        """Send an order once; see `contracts.Broker`.

        Nothing is changed on the way: what is off a step is refused, and `normalize` cuts it. An
        order without a client order id is given one, which the acknowledgement says.
        """
        with self._unsent():
            usual_tif = self.capabilities().usual_tif
        record = read_order(
            order,
            side,
            quantity,
            order_type=order_type,
            limit_price_cents=limit_price_cents,
            limit_price=limit_price,
            client_order_id=client_order_id,
            usual_tif=usual_tif,
        )
        with self._unsent():
            self._check_connected()
            if self._halted is not None:
                raise HaltedError(
                    f"{self._halted}; resume() allows orders again",
                    broker=self.name,
                    client_order_id=record.client_order_id or "",
                )
            self._check_can(record)
            self._check_rules(record)
        ack = self._send(self._identified(record))
        self._deliver()
        return ack

    def wait(self, order: OrderReference, timeout: float) -> BrokerOrderStatus:
        """Return once the order is done or so many seconds have passed; 0 looks once.

        Raises:
            TypeError, ValidationError: `timeout` is no number of seconds from 0 on.
            OrderNotFoundError: there is no such order.

        """
        end = self._clock.monotonic() + _seconds(timeout)
        while True:
            status = self.order_status(order)
            left = end - self._clock.monotonic()
            if status.state.is_terminal or left <= 0:
                return status
            self._clock.sleep(min(self.poll_interval, left))

    def cancel_all(
        self, symbol: str | None = None, scope: Literal["own", "all"] = "own"
    ) -> CancelReport:
        """Cancel every open order, of one symbol or of all, and look whether they are gone.

        An order whose cancellation fails does not keep the others from being cancelled.
        """
        open_orders = [
            status for status in self.open_orders(scope) if symbol in (None, status.symbol)
        ]
        for status in open_orders:
            try:
                self.cancel_order(status.order_id)
            except (CancelRejectedError, OrderNotFoundError):
                continue  # the look below says how it ended
            except Exception:  # also a socket's; the others must be cancelled all the same
                log.exception("order %s was not cancelled", status.order_id)
        end = self._clock.monotonic() + self.cancel_timeout
        seen = [self._last_seen(status, end) for status in open_orders]
        return CancelReport(
            cancelled=tuple(
                status
                for status in seen
                if status.state.is_terminal and status.state is not OrderState.FILLED
            ),
            remaining=tuple(status for status in seen if not status.state.is_terminal),
        )

    # The arguments are a subclass's.
    def replace_order(
        self,
        order: OrderReference,  # noqa: ARG002
        *,
        quantity: Decimal | None = None,  # noqa: ARG002
        limit_price: Decimal | None = None,  # noqa: ARG002
    ) -> OrderAck:
        """Refuse: not every venue can change an order in place.

        Raises:
            UnsupportedError: always, unless a subclass can.

        """
        self._check_connected()
        raise self._unsupported("change orders in place; cancel it and send another")

    def resync(self) -> SyncReport:
        """Refuse: it is for a venue to say what it has.

        Raises:
            UnsupportedError: always, unless a subclass can.

        """
        self._check_connected()
        raise self._unsupported("compare orders")

    def halt(self, reason: str) -> None:
        """Refuse every submit from now on; the reason is in each refusal.

        Raises:
            TypeError: the reason is no string.

        """
        if not isinstance(reason, str):
            raise TypeError(f"reason is a string, got {shown(reason)}")
        self._halted = reason
        self._keep_halt()
        self._publish(BrokerEvent(connection=self.connection()))
        self._deliver()

    def resume(self) -> None:
        """Allow submits again; done again, it does nothing."""
        before, self._halted = self._halted, None
        try:
            self._keep_halt()
        except BaseException:
            self._halted = before
            raise
        if before is not None:
            self._publish(BrokerEvent(connection=self.connection()))
            self._deliver()

    def subscribe(self, callback: Callable[[BrokerEvent], None]) -> Callable[[], None]:
        """Call back on every event; what is returned ends that.

        The callback may use the broker. Its exceptions are logged to `nanobook.broker` and do
        nothing else.

        Raises:
            TypeError: it cannot be called.

        """
        if not callable(callback):
            raise TypeError(f"callback is a function of an event, got {shown(callback)}")
        entry = [callback]  # one of its own for each subscription, also of one callback twice

        def call(event: BrokerEvent) -> None:
            entry[0](event)

        self._callbacks.append(call)

        def end() -> None:
            if call in self._callbacks:
                self._callbacks.remove(call)

        return end

    def _keep_halt(self) -> None:  # noqa: B027 - nothing, unless a subclass keeps it
        """Make a change of the halt durable, where a restart is to find it."""

    def _publish(self, event: BrokerEvent) -> None:
        self._events.append((event, tuple(self._callbacks)))

    def _deliver(self) -> None:
        # A callback that uses the broker comes here again: the outer call goes on with its events.
        while self._events and self._delivery.acquire(blocking=False):
            try:
                event, callbacks = self._events.popleft()
                for callback in callbacks:
                    if callback not in self._callbacks:  # it has ended meanwhile
                        continue
                    try:
                        callback(event)
                    except self._harmless:
                        log.exception("a subscriber failed on %s", event)
            finally:
                self._delivery.release()

    def _check_connected(self) -> None:
        """Refuse while nothing can be asked.

        Raises:
            NotConnectedError: there is no connection.

        """
        state = self._connection().state
        if state in (ConnectionState.READY, ConnectionState.READ_ONLY, ConnectionState.HALTED):
            return
        detail = "" if state is ConnectionState.DISCONNECTED else f" ({state.value})"
        raise NotConnectedError(f"not connected{detail}", broker=self.name)

    def _check_can(self, order: BrokerOrder) -> None:
        info = self._connection()
        if info.state is ConnectionState.READ_ONLY:
            detail = info.detail or "the connection is read-only"
            raise PermissionDeniedError(detail, broker=self.name)
        can = self.capabilities()
        for what, asked, allowed in (
            ("order_type", order.order_type, can.order_types),
            ("tif", order.tif, can.tifs),
        ):
            if asked not in allowed:
                raise UnsupportedError(
                    f"{self.name} has no {what} {asked.value!r}; it has "
                    f"{', '.join(sorted(allowed))}",
                    broker=self.name,
                )
        for what, is_asked, is_claimed in (
            ("post_only", order.post_only, can.post_only),
            ("reduce_only", order.reduce_only, can.reduce_only),
            ("outside_hours", order.outside_hours, can.outside_hours),
        ):
            if is_asked and not is_claimed:
                raise UnsupportedError(f"{self.name} has no {what} orders", broker=self.name)
        length = len(order.client_order_id or "")
        if length > can.client_id_length:
            raise ValidationError(
                f"{self.name} takes client order ids of at most {can.client_id_length} characters, "
                f"got {order.client_order_id!r} of {length}"
            )

    def _check_rules(self, order: BrokerOrder) -> None:
        """Refuse what the instrument's rules do not allow; a venue that has more checks those too.

        Raises:
            OrderInvalidError: it is off a step or outside a limit; the message says the nearest.

        """
        check_rules(order, self.instrument(order.symbol), self._reference_price(order))

    def _reference_price(self, order: BrokerOrder) -> Decimal | None:
        """Price to value an order without a limit at; asked for only where a limit needs it."""
        if order.limit_price is not None or order.stop_price is not None:
            return None
        rules = self.instrument(order.symbol)
        if rules.min_notional is None and rules.max_notional is None:
            return None
        try:
            return self.quote(order.symbol).mark
        except NoQuoteError:  # the venue decides
            return None

    @contextlib.contextmanager
    def _unsent(self) -> Iterator[None]:
        """Say of whatever goes wrong inside that nothing was sent: only questions are asked."""
        try:
            yield
        except BrokerError as error:
            error.outcome = Outcome.NOT_SENT
            raise
        except NanobookError:
            raise
        except Exception as error:
            raise BrokerError(f"nothing was sent: {error!r:.200}", broker=self.name) from error

    def _identified(self, order: BrokerOrder) -> BrokerOrder:
        """Give an order a client order id if it has none: our time, and a number for each."""
        if order.client_order_id is not None:
            return order
        microseconds = int(self._clock.now().timestamp() * 1_000_000)
        return evolve(order, client_order_id=f"nb-{microseconds:x}-{next(self._numbers)}")

    def _last_seen(self, status: BrokerOrderStatus, end: float) -> BrokerOrderStatus:
        try:
            return self.wait(status.order_id, max(end - self._clock.monotonic(), 0))
        except Exception:
            log.exception("order %s may still be open", status.order_id)
            return status

    def _unsupported(self, what: str) -> UnsupportedError:
        return UnsupportedError(f"{self.name} cannot {what}", broker=self.name)

    def _unknown_symbol(self, symbol: str) -> UnknownSymbolError:
        return UnknownSymbolError(f"{symbol!r:.40}", broker=self.name)

    @staticmethod
    def _check_record(order: object) -> None:
        if not isinstance(order, BrokerOrder):
            raise TypeError(f"order is a BrokerOrder, got {shown(order)}")


def _seconds(timeout: object) -> float:
    if isinstance(timeout, bool) or not isinstance(timeout, int | float):
        raise TypeError(f"timeout is a number of seconds, got {shown(timeout)}")
    if not timeout >= 0 or math.isinf(timeout):
        raise ValidationError(f"timeout is a number of seconds from 0 on, got {timeout}")
    return float(timeout)
