"""The broker: an account at Interactive Brokers, through TWS or IB Gateway."""

from __future__ import annotations

import datetime as dt
import logging
import os
from decimal import Decimal
from pathlib import Path
from typing import Literal

from attrs import evolve

from nanobook_core.broker import BrokerBase
from nanobook_core.broker.market_limit import market_limit
from nanobook_core.broker.order_rules import check_rules
from nanobook_core.broker.reference import check_reference, check_scope
from nanobook_core.broker.setting import to_cap, to_choice, to_seconds, to_whole, to_word
from nanobook_core.contracts import (
    Account,
    BrokerCapabilities,
    BrokerError,
    BrokerEvent,
    BrokerOrder,
    BrokerOrderStatus,
    BrokerPosition,
    BrokerTimeInForce,
    CancelRejectedError,
    CancelReport,
    ClientIdScope,
    ConnectionInfo,
    ConnectionState,
    Fill,
    Instrument,
    OrderAck,
    OrderInvalidError,
    OrderPreview,
    OrderReference,
    OrderState,
    OrderType,
    OutcomeUnknownError,
    PermissionDeniedError,
    Quote,
    SyncReport,
)
from nanobook_core.contracts.broker_order import check_client_order_id, to_price, to_quantity
from nanobook_core.contracts.clock import Clock
from nanobook_core.errors import ValidationError, shown
from nanobook_ibkr.contract import Listed, simple_name
from nanobook_ibkr.holding import account as account_of
from nanobook_ibkr.holding import positions as positions_of
from nanobook_ibkr.known_order import KnownOrder
from nanobook_ibkr.library import BACKENDS
from nanobook_ibkr.lifeline import Lifeline
from nanobook_ibkr.listener import SessionSettings
from nanobook_ibkr.order_desk import OrderDesk
from nanobook_ibkr.order_form import order_fields
from nanobook_ibkr.order_sender import OrderSender
from nanobook_ibkr.quote import MARKET_DATA_TYPES
from nanobook_ibkr.setting import to_pace

log = logging.getLogger("nanobook.broker")

#: Seconds between two questions for what nobody tells by himself.
_GLANCE = 0.25


class IbkrBroker(BrokerBase):
    """A broker at Interactive Brokers. Kind `broker`, name `ibkr`.

    It speaks to TWS or IB Gateway, which a person has started and logged in. It works from plain
    code, inside a running event loop, in notebooks and from several threads. Events are delivered
    by a thread of their own.

    Numbers of orders are the venue's (perm ids): an order that was sent from elsewhere has one too.
    The client order id goes with the order as its `orderRef`. The venue takes the same one any
    number of times. Here it names one order, under one number of the client (`order_id` in
    `venue_ids`): sent again it can only become that same order. It gets another number only when
    the venue has refused that one as used, and has no order of that client order id.

    With `state` every order is in that file before it is sent. So an order that was in doubt when
    the program died is found, or proved absent: see `find_order`. Without it, what was sent by an
    earlier run is known as far as the venue tells of its day.

    Attributes:
        host, port: where TWS (paper 7497, live 7496) or Gateway (paper 4002, live 4001) listens
        client_id: number of this program at that TWS; each that is connected has its own. Orders
            can be changed and cancelled with the one that they were sent with
        account: account to use; None takes the only one there is
        backend: `"ib_insync"`, `"ib_async"`, or `"auto"` for the one that is installed
        state: path of the journal; None keeps it in memory
        market_cap_bps: how many basis points beyond the far touch a market order may trade, as
            which it is sent as a limit order; None sends it without
        market_data: `"live"`, `"frozen"`, `"delayed"` or `"delayed_frozen"` quotes
        timeout: seconds for each answer; connecting takes three of them at most
        ack_timeout: seconds for the venue's word on an order; without one it is asked what became
            of it, which takes up to three times `timeout` more
        messages_per_second: at most so many are sent: TWS takes 50, or half the market data lines
            of the user; None sends any number
        clock: where the time comes from

    """

    name = "ibkr"
    poll_interval = 0.02
    _harmless = BaseException

    def __init__(
        self,
        host: str = "127.0.0.1",
        port: int = 4002,
        client_id: int = 1,
        *,
        account: str | None = None,
        backend: str = "auto",
        state: str | os.PathLike[str] | None = None,
        market_cap_bps: int | Decimal | None = 50,
        market_data: str = "live",
        timeout: float = 10.0,
        ack_timeout: float = 5.0,
        messages_per_second: int | None = 45,
        clock: Clock | None = None,
    ) -> None:
        """Describe the connection; `connect` makes it.

        Raises:
            TypeError, ValidationError, OverflowError: a setting.

        """
        super().__init__(clock=clock)
        self._settings = SessionSettings(
            host=to_word(host, "host"),
            port=to_whole(port, "port", 1, 65_535),
            client_id=to_whole(client_id, "client_id", 0, 2**31 - 1),
            account=None if account is None else to_word(account, "account"),
            backend=to_choice(backend, "backend", ("auto", *BACKENDS)),
            market_data=to_choice(market_data, "market_data", tuple(MARKET_DATA_TYPES)),
            request_timeout=to_seconds(timeout, "timeout"),
            messages_per_second=to_pace(messages_per_second),
        )
        self._path = None if state is None else Path(os.path.realpath(os.fspath(state)))
        self._cap = None if market_cap_bps is None else to_cap(market_cap_bps)
        self._pace = None if messages_per_second is None else float(messages_per_second)
        self._desk = OrderDesk(
            client_id,
            clock=self._clock,
            publish=self._publish,
            wake=self._wake,
            symbol_of=simple_name,
        )
        self._line = Lifeline(
            self._settings,
            self._desk,
            clock=self._clock,
            journal=self._path,
            deliver=self._deliver_all,
        )
        patience = to_seconds(ack_timeout, "ack_timeout")
        self._sender = OrderSender(self._desk, self._line.loop, patience)
        self._is_halt_kept = True
        self._glanced = -_GLANCE

    def __repr__(self) -> str:
        settings = self._settings
        return (
            f"<IbkrBroker {settings.host}:{settings.port}, client_id {settings.client_id}, "
            f"{self.connection().state.value}>"
        )

    # -- the connection

    def connect(self, timeout: float | None = None) -> None:
        """Connect, and compare all orders with the venue; a lost connection is tried at once.

        From then on a connection that is lost is made again without being asked, after 1, 2, 4 … 60
        seconds, and everything is compared again: `resync` says what had been missed. With a
        read-only API orders are neither sent nor told; holdings and quotes are.

        Raises:
            ConnectError: nothing answers there, or not TWS; the account is not there, or not of the
                kind that the port is for; the file `state` cannot be used. The text says more.
            SessionConflictError: another program has the client id, or the file.
            ValidationError: the file `state` is that of another account.
            BackendMissingError: neither library is installed.

        """
        seconds = 3 * self._settings.request_timeout if timeout is None else to_seconds(timeout)
        self._line.connect(seconds, self._read_halt)

    def disconnect(self) -> None:
        """End the connection; orders stay open. Done again, it does nothing."""
        self._line.disconnect()

    def _connection(self) -> ConnectionInfo:
        return self._line.info

    def capabilities(self) -> BrokerCapabilities:
        """What it can do; a client order id is for ever that of one order where `state` says so."""
        return BrokerCapabilities(
            order_types=frozenset(OrderType),
            tifs=frozenset(BrokerTimeInForce),
            outside_hours=True,
            short=True,
            margin=True,
            multi_currency=True,
            replace=True,
            preview=True,
            client_id_scope=ClientIdScope.NEVER if self._path is None else ClientIdScope.FOR_EVER,
            streaming=True,
            history_days=1,
            max_orders_per_second=self._pace,
        )

    # -- questions

    def server_time(self) -> dt.datetime:
        """The venue's time, in whole seconds."""
        self._check_connected()
        return self._line.ask(lambda session: session.current_time())

    def account(self) -> Account:
        """Money in the base currency, as the venue tells it now.

        Raises:
            BrokerProtocolError: the venue leaves out a figure.

        """
        self._check_connected()
        return self._line.ask(lambda session: account_of(session, self._clock))

    def positions(self) -> list[BrokerPosition]:
        """Holdings, valued by the venue; commissions are in its average costs.

        Raises:
            BrokerProtocolError: the venue tells no price of one.

        """
        self._check_connected()
        return self._line.ask(lambda session: positions_of(session, self._line.contracts))

    def instrument(self, symbol: str) -> Instrument:
        """Rules of a symbol: `AAPL` for a stock in dollars, `SAP.EUR`, `RIO@ASX`, `conid:265598`.

        Raises:
            UnknownSymbolError: there is none.
            AmbiguousSymbolError: there are several; the message and `candidates` name them.

        """
        return self._listed(symbol).instrument

    def quote(self, symbol: str) -> Quote:
        """Prices that were told or confirmed within the last second.

        The first question for a symbol subscribes to its prices. `is_delayed` and `is_halted` say
        what is wrong with them.

        Raises:
            NoQuoteError: there is none, or the account may not see it; the message says what to do.

        """
        listed = self._listed(symbol)
        return self._line.ask(lambda session: session.quote(symbol, listed.contract))

    def preview(self, order: BrokerOrder) -> OrderPreview:
        """Ask the venue what an order would cost and bind (what-if).

        Raises:
            OrderRejectedError: it would be refused.

        """
        self._check_record(order)
        self._check_connected()
        self._check_can(order)
        listed = self._listed(order.symbol)
        check_rules(order, listed.instrument)
        fields = order_fields(order, account=self.connection().account_id, limit=None)
        told = self._line.ask(lambda session: session.what_if(listed.contract, fields))
        return OrderPreview(
            commission=told.commission,
            margin_change=told.margin_change,
            equity_after=told.equity_after,
            warnings=(told.warning,) if told.warning else (),
        )

    def order_status(self, order: OrderReference) -> BrokerOrderStatus:
        """Where an order stands; of a client order id's orders the latest.

        From what the venue has told by itself; for an order of another client it is asked. One in
        doubt is `UNKNOWN`, with the number less than 0 that only this side has given it.
        """
        reference = check_reference(order)
        self._check_told()
        known = self._desk.find(reference)
        if not (self._sender.is_ours(known) or known.is_done) and self._may_glance():
            self._line.look()
        return self._desk.status(known)

    def open_orders(self, scope: Literal["own", "all"] = "own") -> list[BrokerOrderStatus]:
        """Orders that the venue has and that may still fill, oldest first.

        Those of others are asked for. One in doubt is not among them: see `resync`.
        """
        check_scope(scope)
        self._check_told()
        self._desk.check_consistent()
        if scope == "all":
            self._line.look()
        return self._desk.open_orders(scope)

    def find_order(
        self,
        client_order_id: str,
        symbol: str | None = None,  # noqa: ARG002 - here it is one id among all
    ) -> BrokerOrderStatus | None:
        """Ask for the latest order of that client order id, open or done.

        None is proof, and there is one only with `state`. Either nothing was ever sent from here
        under that id, since `ConnectionInfo.records_since`, and the venue knows of nothing. Or it
        was sent in an earlier connection; in this one the venue has told all orders of the day, and
        it is not among them; and the number that the order had is still to be given out, so that
        the venue has never taken it. Sent again it would have the same number, and so be the same
        order even then.

        Raises:
            OutcomeUnknownError: it is not found and not proved absent; the text says why.

        """
        check_client_order_id(client_order_id)
        self._check_connected()
        known = self._desk.known(client_order_id)
        if known is None or not (known.perm_id or known.is_done):
            try:
                is_complete = self._line.compare().is_complete
            except BrokerError as error:
                raise self._doubt(client_order_id, f"the venue does not say: {error}") from error
            known = self._desk.known(client_order_id)
            if known is None and not is_complete:
                raise self._doubt(client_order_id, "the venue did not tell orders that are done")
        if known is None:
            self._check_never_sent(client_order_id)
            return None
        if self._desk.prove_absent(known):
            return None
        if known.record.state is OrderState.NOT_ACCEPTED or not (known.perm_id or known.is_done):
            raise self._doubt(
                client_order_id,
                "it was sent, and is none of today's orders; a later connection may tell"
                if known.client_id == self._settings.client_id
                else f"it was sent with client_id {known.client_id}, and is none of today's "
                "orders; only a connection with that one can prove that it never arrived",
            )
        return self._desk.status(known)

    def _check_never_sent(self, client_order_id: str) -> None:
        if self._desk.is_executed(client_order_id):
            raise self._doubt(client_order_id, "there are executions of it, and no order is told")
        if self._path is None:
            raise self._doubt(
                client_order_id,
                "it is none of today's orders, and without `state` nobody knows what was sent",
            )

    def fills(self, since: dt.datetime | None = None, symbol: str | None = None) -> list[Fill]:
        """Executions from that time on, oldest first: of today, and what the journal has.

        A correction stands instead of what it corrects. Fees come a moment later (`is_fee_known`).
        Where more has filled than there are executions, the venue is asked for them.

        Raises:
            TypeError: `since` is no time.
            ValidationError: it has no time zone.

        """
        if since is not None and not isinstance(since, dt.datetime):
            raise TypeError(f"since is a datetime, got {shown(since)}")
        if since is not None and since.tzinfo is None:
            raise ValidationError(f"since has a time zone, got {since.isoformat()}")
        self._check_told()
        self._desk.check_consistent()
        if self._desk.lacks_executions() and self._may_glance():
            self._line.ask(lambda session: session.executions())
        return [
            fill
            for fill in self._desk.fills()
            if symbol in (None, fill.symbol)
            and (since is None or (fill.time is not None and fill.time >= since))
        ]

    def resync(self) -> SyncReport:
        """Compare all orders, executions of today and positions with the venue.

        `missed_fills` are those that were found by comparing, here or at a connection, and each is
        told once; so is what is `unexplained`: a position that has changed without an execution, as
        by a transfer, a split, or an execution of a day that the venue does not tell any more.
        `lost` are orders of which the venue says nothing: `find_order` says more.
        """
        self._check_connected()
        report = self._line.compare().report
        self._line.reconcile()
        return evolve(
            report, missed_fills=self._desk.missed_fills(), unexplained=self._desk.unexplained()
        )

    # -- orders

    def _send(self, order: BrokerOrder) -> OrderAck:
        with self._unsent():
            listed = self._listed(order.symbol)
            limit = self._market_limit(order, listed.instrument)
        return self._sender.send(order, listed.contract, limit)

    def _market_limit(self, order: BrokerOrder, rules: Instrument) -> Decimal | None:
        if order.order_type is not OrderType.MARKET or self._cap is None:
            return None
        quote = self.quote(order.symbol)
        return market_limit(order.side, quote, self._cap, rules, broker=self.name)

    def cancel_order(self, order: OrderReference) -> None:
        """Ask for the end of an order, and return when the venue has heard.

        Raises:
            CancelRejectedError: it is done, or cannot be cancelled; `status` says where it stands.
            OrderNotFoundError: there is no such order.
            PermissionDeniedError: it is of others, or was sent with another client id.
            OutcomeUnknownError: there is no word of the venue.

        """
        reference = check_reference(order)
        self._check_connected()
        self._check_writable()
        self._sender.cancel(self._desk.find(reference))

    def cancel_all(
        self, symbol: str | None = None, scope: Literal["own", "all"] = "own"
    ) -> CancelReport:
        """Cancel every open order, and look whether they are gone; one in doubt is cancelled too.

        Orders of others have no number here by which they could be cancelled one by one: with a
        symbol they remain. With `scope="all"` and no symbol, where there are any, the venue is told
        to cancel all that it has (reqGlobalCancel): of every client, and of every account of the
        user who is logged in there, also those that this broker does not show.
        """
        check_scope(scope)
        self._check_connected()
        self._check_writable()
        if scope == "all":
            self._line.look()
        found = [
            known
            for known in self._desk.working(scope)
            if symbol in (None, known.record.order.symbol)
        ]
        ours = [self._sender.is_ours(known) for known in found]
        for known in found:
            self._try_to_cancel(known)
        is_everything = scope == "all" and symbol is None
        if is_everything and not all(ours):
            self._line.ask(lambda session: session.cancel_everything())
        end = self._clock.monotonic() + self.cancel_timeout
        seen = [
            self._last_seen(status, end) if is_ours or is_everything else status
            for status, is_ours in zip(map(self._desk.status, found), ours, strict=True)
        ]
        return CancelReport(
            cancelled=tuple(
                status
                for status in seen
                if status.state.is_terminal and status.state is not OrderState.FILLED
            ),
            remaining=tuple(status for status in seen if not status.state.is_terminal),
        )

    def replace_order(
        self,
        order: OrderReference,
        *,
        quantity: Decimal | None = None,
        limit_price: Decimal | None = None,
    ) -> OrderAck:
        """Change the whole quantity or the limit of an open order, under its numbers.

        Raises:
            TypeError, ValidationError, OverflowError: an argument.
            OrderInvalidError: the instrument's rules do not allow it, or more has filled.
            OrderRejectedError: the venue said no, and it goes on as it was; or it is done.
            PermissionDeniedError: it is of others, or was sent with another client id.
            UnsupportedError: it was sent by another program, or before there was a journal.
            OutcomeUnknownError: there is no word of the venue; `order_status` tells.

        """
        reference = check_reference(order)
        quantity = None if quantity is None else to_quantity(quantity)
        limit_price = None if limit_price is None else to_price(limit_price)
        with self._unsent():
            self._check_connected()
            self._check_writable()
            if quantity is None and limit_price is None:
                raise ValidationError("give the quantity or the limit_price that it is to have")
            known = self._desk.find(reference)
            now = known.record.order
            changed = evolve(
                now,
                quantity=now.quantity if quantity is None else quantity,
                limit_price=now.limit_price if limit_price is None else limit_price,
            )
            listed = self._listed(now.symbol)
            check_rules(changed, listed.instrument)
            if changed.quantity <= known.record.filled_quantity:
                raise OrderInvalidError(
                    f"{known.record.filled_quantity} of order {known.record.order_id} have filled; "
                    f"its quantity is above that, got {changed.quantity}",
                    broker=self.name,
                )
        return self._sender.change(known, changed, listed.contract)

    def _try_to_cancel(self, known: KnownOrder) -> None:
        if not self._sender.is_ours(known):
            return
        try:
            self._sender.cancel(known)
        except CancelRejectedError:
            return  # a look says how it ended
        except Exception:  # the others must be cancelled all the same
            log.exception("order %s was not cancelled", known.record.order_id)

    # -- how

    def _listed(self, symbol: str) -> Listed:
        self._check_connected()
        return self._line.listed(symbol)

    def _check_connected(self) -> None:
        """Refuse while nothing can be asked; while orders are compared, that is waited for."""
        self._desk.wait_synced(self._settings.request_timeout)
        super()._check_connected()

    def _check_told(self) -> None:
        """Refuse while TWS cannot tell anything; it can while it has lost the venue itself."""
        if not self._line.is_linked:
            self._check_connected()

    def _check_writable(self) -> None:
        if self._connection().state is ConnectionState.READ_ONLY:
            raise PermissionDeniedError(self._connection().detail, broker=self.name)

    def _may_glance(self) -> bool:
        now = self._clock.monotonic()
        if now - self._glanced < _GLANCE:
            return False
        self._glanced = now
        return True

    def _doubt(self, client_order_id: str, why: str) -> OutcomeUnknownError:
        return OutcomeUnknownError(
            f"{client_order_id!r}: {why}", broker=self.name, client_order_id=client_order_id
        )

    def _publish(self, event: BrokerEvent) -> None:
        super()._publish(event)
        self._wake()

    def _wake(self) -> None:
        self._line.wake()

    def _deliver(self) -> None:
        if not self._line.has_events:
            super()._deliver()

    def _deliver_all(self) -> None:
        """Write down what has happened, and then tell it, on the thread for that."""
        self._desk.flush()
        super()._deliver()

    def _read_halt(self) -> None:
        if self._is_halt_kept:
            halted = self._desk.journal.entry("halted")
            self._halted = halted[1:] if halted else None
        else:
            self._keep_halt()

    def _keep_halt(self) -> None:
        self._is_halt_kept = False
        if self._desk.is_open:
            text = "" if self._halted is None else f"!{self._halted}"
            self._desk.journal.write_entry("halted", text)
            self._is_halt_kept = True
