"""A broker behind the risk gate."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from decimal import Decimal
from threading import RLock
from types import TracebackType
from typing import Literal, Self

from attrs import evolve

from nanobook_core.contracts import (
    Account,
    Broker,
    BrokerCapabilities,
    BrokerError,
    BrokerEvent,
    BrokerOrder,
    BrokerOrderStatus,
    BrokerPosition,
    CancelReport,
    Clock,
    ConnectionInfo,
    Fill,
    Instrument,
    NormalizedOrder,
    OrderAck,
    OrderPreview,
    OrderReference,
    OrderType,
    Outcome,
    Quote,
    RiskOrder,
    RiskRequest,
    RiskVetoError,
    SentOrder,
    SyncReport,
    SystemClock,
)
from nanobook_core.contracts.broker_order import to_price, to_quantity
from nanobook_core.contracts.order_form import read_order
from nanobook_core.errors import ValidationError
from nanobook_core.plugin.discovery import described
from nanobook_core.risk.broker_request import BrokerQuestions, ask, price_of, risk_order
from nanobook_core.risk.engine import RiskEngine
from nanobook_core.risk.exact import EXACT
from nanobook_core.types import Side


class GatedBroker:
    """A broker that sends an order only after every check has let it pass; else it is that broker.

    For each order it asks the broker for account, positions, open orders of everyone, quote, time
    and instruments, and adds what was sent through this gate; `request` may add what only the
    caller knows: the plan, highest equity, a kill flag, earlier runs. A question that is not
    answered refuses the order. The quote of the order's own symbol is always asked for, that of
    another symbol once in `mark_age` seconds, by `clock`. A changed order is judged as a new one in
    the place of the old. When a check halts, the broker is halted, until someone resumes it; a
    broker that fails to halt is sent nothing from here until then. One order is judged at a time.
    """

    def __init__(
        self,
        broker: Broker,
        engine: RiskEngine,
        *,
        clock: Clock | None = None,
        request: Callable[[RiskRequest], RiskRequest] | None = None,
        mark_age: float = 1.0,
    ) -> None:
        self.name = broker.name
        self._broker = broker
        self._engine = engine
        self._clock: Clock = SystemClock() if clock is None else clock
        self._complete = request
        self._questions = BrokerQuestions(broker, self._clock, mark_age)
        # All of it: a client order id stays used, and a plan's orders add up to its end.
        self._sent: list[SentOrder] = []
        self._stopped = ""
        self._lock = RLock()

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
        """Send an order if every check passes it; see `contracts.Broker`.

        Raises:
            RiskVetoError: a check fails, which `report` tells, or the broker did not answer what
                the checks need; nothing was sent.

        """
        claimed = ask("what the venue can do", self._broker.capabilities)
        record = read_order(
            order,
            side,
            quantity,
            order_type=order_type,
            limit_price_cents=limit_price_cents,
            limit_price=limit_price,
            client_order_id=client_order_id,
            usual_tif=claimed.usual_tif,
        )
        with self._lock:
            judged = self._judge(risk_order(record))
            return self._send(judged, lambda: self._broker.submit_order(record))

    def replace_order(
        self,
        order: OrderReference,
        *,
        quantity: Decimal | None = None,
        limit_price: Decimal | None = None,
    ) -> OrderAck:
        """Change an open order in place if every check passes what it becomes.

        Raises:
            TypeError, ValidationError, OverflowError: an argument is no quantity or price.
            RiskVetoError: a check fails; the order stays as it was.
            UnsupportedError: the venue cannot.

        """
        if quantity is not None:
            quantity = to_quantity(quantity)
        if limit_price is not None:
            limit_price = to_price(limit_price)
        with self._lock:
            status = ask("order_status()", lambda: self._broker.order_status(order))
            judged = RiskOrder(
                symbol=status.symbol,
                side=status.side,
                quantity=EXACT.subtract(
                    status.quantity if quantity is None else quantity, status.filled_quantity
                ),
                limit_price=price_of(status) if limit_price is None else limit_price,
            )
            self._judge(judged, replaces=status.order_id)
            return self._send(
                judged,
                lambda: self._broker.replace_order(
                    order, quantity=quantity, limit_price=limit_price
                ),
            )

    def _judge(self, order: RiskOrder, replaces: int | None = None) -> RiskOrder:
        """Return the order as it was judged, if it passes."""
        if self._stopped:
            raise RiskVetoError(f"stopped until someone resumes: {self._stopped}")
        asked = evolve(self._questions.request(order, replaces), sent=tuple(self._sent))
        request = asked if self._complete is None else self._complete(asked)
        if request.orders != asked.orders:
            raise RiskVetoError("the request for another order came back, so nothing was sent")
        report = self._engine.evaluate(request)
        try:
            report.raise_if_failed()
        except RiskVetoError as veto:
            veto.client_order_id = order.client_order_id
            if halts := report.halts:
                self._halt(veto, "; ".join(f"{found.name}: {found.detail}" for found in halts))
            raise
        return asked.orders[0]

    def _halt(self, veto: RiskVetoError, reason: str) -> None:
        try:
            self._broker.halt(reason)
        except Exception as error:  # noqa: BLE001 - whatever it is, the veto is the answer
            self._stopped = reason
            veto.add_note(f"the broker could not be halted: {described(error)}")

    def _send(self, order: RiskOrder, send: Callable[[], OrderAck]) -> OrderAck:
        sent = SentOrder(order=order, sent_at=self._clock.now())
        self._sent.append(sent)  # first: an order whose fate is unknown counts as sent
        try:
            return send()
        except (BrokerError, TypeError, ValidationError, OverflowError) as error:
            if not isinstance(error, BrokerError) or error.outcome is Outcome.NOT_SENT:
                self._sent.remove(sent)
            raise

    def connect(self, timeout: float | None = None) -> None:
        """See `contracts.Broker`, here and below: the broker does it."""
        self._broker.connect(timeout)

    def disconnect(self) -> None:
        """End the connection."""
        self._broker.disconnect()

    def __enter__(self) -> Self:
        """Connect."""
        self._broker.__enter__()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Disconnect."""
        self._broker.__exit__(kind, error, traceback)

    def connection(self) -> ConnectionInfo:
        """State of the connection."""
        return self._broker.connection()

    def capabilities(self) -> BrokerCapabilities:
        """What the venue can do."""
        return self._broker.capabilities()

    def server_time(self) -> dt.datetime:
        """The venue's time of day."""
        return self._broker.server_time()

    def account(self) -> Account:
        """Money, in the base currency."""
        return self._broker.account()

    def positions(self) -> list[BrokerPosition]:
        """Holdings."""
        return self._broker.positions()

    def instrument(self, symbol: str) -> Instrument:
        """Rules of a symbol."""
        return self._broker.instrument(symbol)

    def quote(self, symbol: str) -> Quote:
        """Prices now."""
        return self._broker.quote(symbol)

    def normalize(self, order: BrokerOrder) -> NormalizedOrder:
        """Cut an order to the venue's steps."""
        return self._broker.normalize(order)

    def preview(self, order: BrokerOrder) -> OrderPreview:
        """Ask what an order would cost without sending it."""
        return self._broker.preview(order)

    def order_status(self, order: OrderReference) -> BrokerOrderStatus:
        """Where an order stands."""
        return self._broker.order_status(order)

    def open_orders(self, scope: Literal["own", "all"] = "own") -> list[BrokerOrderStatus]:
        """Orders that may still fill."""
        return self._broker.open_orders(scope)

    def find_order(
        self, client_order_id: str, symbol: str | None = None
    ) -> BrokerOrderStatus | None:
        """Ask the venue for an order; None is proof that it never had it."""
        return self._broker.find_order(client_order_id, symbol)

    def fills(self, since: dt.datetime | None = None, symbol: str | None = None) -> list[Fill]:
        """Executions, oldest first."""
        return self._broker.fills(since, symbol)

    def wait(self, order: OrderReference, timeout: float) -> BrokerOrderStatus:
        """Return once the order is done or so many seconds have passed."""
        return self._broker.wait(order, timeout)

    def cancel_order(self, order: OrderReference) -> None:
        """Ask for the end of an order; no check can keep it back."""
        self._broker.cancel_order(order)

    def cancel_all(
        self, symbol: str | None = None, scope: Literal["own", "all"] = "own"
    ) -> CancelReport:
        """Cancel every open order; no check can keep it back."""
        return self._broker.cancel_all(symbol, scope)

    def resync(self) -> SyncReport:
        """Compare with the venue, and take over what it says."""
        return self._broker.resync()

    def halt(self, reason: str) -> None:
        """Refuse every submit from now on."""
        self._broker.halt(reason)

    def resume(self) -> None:
        """Allow submits again."""
        self._broker.resume()
        self._stopped = ""

    def subscribe(self, callback: Callable[[BrokerEvent], None]) -> Callable[[], None]:
        """Call back on every event."""
        return self._broker.subscribe(callback)
