"""The broker: a spot account at Binance."""

from __future__ import annotations

import datetime as dt
import logging
import os
import secrets
from decimal import Decimal
from pathlib import Path
from typing import Literal

from attrs import evolve

from nanobook_binance.environment import choose_environment
from nanobook_binance.exchange import TEST
from nanobook_binance.filters import UNKNOWN, check_filters, cut_to_filters
from nanobook_binance.known_order import KnownOrder
from nanobook_binance.lifeline import Lifeline
from nanobook_binance.message import commission_rate
from nanobook_binance.order_desk import OrderDesk
from nanobook_binance.order_form import check_combination, order_parameters
from nanobook_binance.order_sender import OrderSender
from nanobook_binance.quote import Prices
from nanobook_binance.refusal import Refusals
from nanobook_binance.resolution import Doubt, Resolution
from nanobook_binance.rest import Rest
from nanobook_binance.resync import compare, look
from nanobook_binance.signature import hold, read_keys
from nanobook_binance.symbol import Listed, Symbols
from nanobook_binance.valuation import Holdings
from nanobook_core.broker import BrokerBase
from nanobook_core.broker.exact import product
from nanobook_core.broker.market_limit import market_limit
from nanobook_core.broker.reference import check_reference, check_scope
from nanobook_core.broker.setting import to_cap, to_seconds, to_whole, to_word
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
    NoQuoteError,
    NormalizedOrder,
    NotConnectedError,
    OrderAck,
    OrderPreview,
    OrderReference,
    OrderState,
    OrderType,
    OutcomeUnknownError,
    PermissionDeniedError,
    Quote,
    Secret,
    SyncReport,
)
from nanobook_core.contracts.broker_order import check_client_order_id
from nanobook_core.contracts.clock import Clock
from nanobook_core.errors import ValidationError, shown

log = logging.getLogger("nanobook.broker")

_LONGEST_WINDOW = 60_000
_LOOKBACK_MS = 3_600_000


class BinanceBroker(BrokerBase):
    """A spot account at Binance. Kind `broker`, name `binance`.

    It works from plain code, inside a running event loop, in notebooks and from several threads.
    Events are delivered by a thread of their own.

    A symbol is the base asset where prices are in `quote_asset` ("BTC" for BTCUSDT); the pair in
    full means the same. Pairs in other quote assets have their full name ("ETHBTC").

    Numbers of orders are the venue's, which counts by pair: where two pairs have an order of one
    number, say the client order id, or give the acknowledgement. The venue takes a client order id
    again as soon as its order is done, so that an order sent again after a lost answer is a second
    order. Here a client order id names one order for ever: one is refused that this side has used,
    or of which the venue tells an order of that pair.

    With `state` every order is in that file before it is sent. So an order that was in doubt when
    the program died is found, or proved absent: see `find_order`.

    Attributes:
        api_key, secret_key: the keys, or where they are: `env:NAME`, `keyring:service/name`,
            `file:PATH`; None takes the variables BINANCE_API_KEY and BINANCE_SECRET_KEY. The secret
            may be an Ed25519 or RSA private key in PEM
        testnet, demo: the testnet, or the demo mode; with neither, real money moves
        quote_asset: what the account is counted in; the rest of it are positions
        base_url, ws_url: addresses instead of those, as of a simulator
        state: path of the journal; None keeps it in memory
        market_cap_bps: how many basis points beyond the far touch a market order may trade, as
            which it is sent as a limit order; None sends it without
        recv_window: milliseconds after which the venue refuses a request that was on its way; what
            it is, makes an order provably absent the later
        timeout: seconds for each answer, and for finding out what became of an order without one;
            connecting takes three of them at most
        stream: whether the venue tells what happens by itself; else it is asked each time
        clock: where the time comes from

    """

    name = "binance"
    _harmless = BaseException

    def __init__(
        self,
        api_key: str | Secret | None = None,
        secret_key: str | Secret | None = None,
        testnet: bool = True,  # noqa: FBT001, FBT002 - as in the original
        quote_asset: str = "USDT",
        *,
        demo: bool = False,
        base_url: str | None = None,
        ws_url: str | None = None,
        state: str | os.PathLike[str] | None = None,
        market_cap_bps: int | Decimal | None = 50,
        recv_window: int = 5000,
        timeout: float = 10.0,
        stream: bool = True,
        clock: Clock | None = None,
    ) -> None:
        """Describe the connection; `connect` makes it.

        Raises:
            TypeError, ValidationError, OverflowError: a setting.
            SecretError: there are no keys where they should be.

        """
        api_key = hold("api_key", api_key)  # before anything can fail, and show it
        secret_key = hold("secret_key", secret_key)
        super().__init__(clock=clock)
        if not isinstance(stream, bool):
            raise TypeError(f"stream is True or False, got {shown(stream)}")
        environment = choose_environment(
            testnet=testnet, demo=demo, base_url=base_url, ws_url=ws_url
        )
        keys = read_keys(api_key, secret_key)
        window = to_whole(recv_window, "recv_window", 1, _LONGEST_WINDOW)
        self._timeout = to_seconds(timeout)
        self._cap = None if market_cap_bps is None else to_cap(market_cap_bps)
        self._environment = environment
        self._streams = stream
        self._path = None if state is None else Path(os.path.realpath(os.fspath(state)))
        self._rest = Rest(environment, keys, self._clock, recv_window=window, timeout=self._timeout)
        self._symbols = Symbols(self._rest, to_word(quote_asset, "quote_asset"), self._clock)
        self._prices = Prices(self._rest, self._clock)
        self._holdings = Holdings(self._rest, self._symbols, self._clock)
        self._refusals = Refusals(self._rest, self._symbols, self._prices, self._holdings)
        self._desk = OrderDesk(
            clock=self._clock,
            publish=self._publish,
            wake=self._wake,
            name_of=self._symbols.name_of,
        )
        self._resolution = Resolution(self._desk, self._rest, self._clock)
        self._line = Lifeline(
            self._desk,
            self._resolution,
            environment=environment,
            keys=keys,
            rest=self._rest,
            symbols=self._symbols,
            journal=self._path,
            streams=stream,
            timeout=self._timeout,
            publish=self._publish,
            deliver=self._deliver_all,
        )
        self._sender = OrderSender(
            self._desk, self._rest, self._resolution, self._clock, self._timeout
        )
        self.poll_interval = 0.02 if stream else 0.25
        self._is_halt_kept = True
        self._new_ids: set[str] = set()

    def __repr__(self) -> str:
        return (
            f"<BinanceBroker {self._environment.rest}, {self._symbols.quote_asset}, "
            f"{self.connection().state.value}>"
        )

    # -- the connection

    def connect(self, timeout: float | None = None) -> None:
        """Connect, and compare all orders with the venue; a lost stream is opened at once.

        It is given up after `timeout` seconds, three times the broker's own by default, or when the
        answer that is waited for then has come.

        From then on a stream that is lost is opened again without being asked, after 1, 2, 4 … 60
        seconds, or less, and after 1 again once it was up for a minute. Everything is compared
        again: `resync` says what had been missed. Until then orders are refused, and cancels and
        questions go on.

        Raises:
            ConnectError: nothing answers there; the file `state` cannot be used. The text says
                more.
            AuthenticationError: the venue does not accept the keys.
            SessionConflictError: another program has the file.
            ValidationError: the file `state` is that of another account.

        """
        seconds = 3 * self._timeout if timeout is None else to_seconds(timeout)
        self._line.connect(seconds, self._read_halt)

    def disconnect(self) -> None:
        """End the connection; orders stay open. Done again, it does nothing."""
        self._line.disconnect()

    def _connection(self) -> ConnectionInfo:
        return self._line.info

    def capabilities(self) -> BrokerCapabilities:
        """What it can do.

        A client order id is for ever that of one order, as far as this side or the venue knows.
        """
        return BrokerCapabilities(
            order_types=frozenset(OrderType),
            tifs=frozenset({BrokerTimeInForce.GTC, BrokerTimeInForce.IOC, BrokerTimeInForce.FOK}),
            post_only=True,
            fractional=True,
            multi_currency=True,
            preview=True,
            client_id_scope=ClientIdScope.FOR_EVER,
            streaming=self._streams,
        )

    # -- questions

    def server_time(self) -> dt.datetime:
        """The venue's time, asked for now."""
        self._check_connected()
        return self._rest.told_time()

    def account(self) -> Account:
        """Money in the quote asset: all balances valued; what is free of it can be spent.

        `is_estimated` where an asset has no price in the quote asset, or only a roundabout one, or
        one of a pair that does not trade or has but a bid, which counts then. An ask alone counts
        nothing.
        """
        self._check_connected()
        return self._holdings.account()

    def positions(self) -> list[BrokerPosition]:
        """Every asset but the quote asset, free and locked, as the venue's balances say.

        So the fees are off that were taken from what was bought. Costs are not told. The symbol is
        the asset, also where it is no instrument, as one that the quote asset is priced in: TRY is
        sold by buying USDTTRY. The error of `instrument` says which pair that is.
        """
        self._check_connected()
        return self._holdings.positions()

    def instrument(self, symbol: str) -> Instrument:
        """Rules of a symbol: `BTC` or `BTCUSDT`, `ETHBTC`.

        Raises:
            UnknownSymbolError: there is none; the message names some that are like it.

        """
        return self._listed(symbol).instrument

    def quote(self, symbol: str) -> Quote:
        """Best bid and ask, the last price and the volume of 24 hours.

        Raises:
            NoQuoteError: there is none.

        """
        return self._prices.quote(self._listed(symbol))

    def normalize(self, order: BrokerOrder) -> NormalizedOrder:
        """Cut an order to the venue's steps: the price to the passive side, the quantity to less.

        A market order that goes with a limit is cut as what it goes as.

        Raises:
            OrderInvalidError: a filter forbids it; the message says filter, limit and the nearest
                value that is allowed.
            MarketClosedError: the pair does not trade now.

        """
        self._check_record(order)
        self._check_connected()
        if self._connection().state is not ConnectionState.READ_ONLY:
            self._check_can(order)
        listed = self._listed(order.symbol)
        try:
            limit = self._market_limit(order, listed)
        except NoQuoteError:
            limit = None
        meant = self._as_sent(order, limit)
        cut = cut_to_filters(meant, listed, self._refusals.standing(meant, listed))
        if limit is None:
            return cut
        return evolve(cut, order=evolve(order, quantity=cut.order.quantity))

    def preview(self, order: BrokerOrder) -> OrderPreview:
        """Have the venue check an order without sending it, and tell what it would cost.

        The commission is in the quote asset, by the rate of whoever takes, unless it is post-only;
        None for another pair's, and without a price. Where it is taken in what is bought or in BNB,
        it is what that is worth.

        Raises:
            OrderRejectedError: it would be refused.

        """
        self._check_record(order)
        self._check_connected()
        self._check_can(order)
        listed = self._listed(order.symbol)
        limit = self._market_limit(order, listed)
        meant = self._as_sent(order, limit)
        check_filters(meant, listed, self._refusals.standing(meant, listed))
        told = self._rest.signed(
            "POST", TEST, **order_parameters(order, listed, limit), computeCommissionRates=True
        )
        price = meant.limit_price or meant.stop_price
        if price is None or listed.quote != self._symbols.quote_asset:
            return OrderPreview()
        rate = commission_rate(told, "maker" if order.post_only else "taker")
        return OrderPreview(commission=product(order.quantity, price, rate))

    def order_status(self, order: OrderReference) -> BrokerOrderStatus:
        """Where an order stands; of a client order id's orders the latest.

        From what the venue has told by itself, where it does. One in doubt is `UNKNOWN`, with the
        number less than 0 that only this side has given it.

        Raises:
            OrderNotFoundError: it is not known here, or a number is that of orders of two pairs.

        """
        known = self._desk.find(self._reference(order))
        if not (self._line.is_streaming or known.is_done):
            self._ask_after(known)
        return self._desk.status(known)

    def open_orders(self, scope: Literal["own", "all"] = "own") -> list[BrokerOrderStatus]:
        """Orders that the venue has and that may still fill, oldest first.

        One in doubt is not among them: see `resync`.
        """
        check_scope(scope)
        self._check_connected()
        self._desk.check_consistent()
        if not self._line.is_streaming:
            look(self._desk, self._resolution)
        return self._desk.open_orders(scope)

    def find_order(
        self, client_order_id: str, symbol: str | None = None
    ) -> BrokerOrderStatus | None:
        """Ask the venue for the latest order of that client order id, open or done.

        The venue finds orders only among those of a pair, so say the `symbol` of one that was not
        sent from here. What is found is one's own from then on.

        None is proof. Either it was never sent from here, since `ConnectionInfo.records_since`,
        and the venue, if the symbol is said, does not know it. Or it was sent, and it is too late
        for the venue to take it:
        its time is past the window of the request and the 10 seconds of its engine; and after that
        it says twice that there is none, and lists it nowhere.

        Raises:
            OutcomeUnknownError: it is neither found nor proved absent; `retry_after` says in how
                many seconds it will be.

        """
        check_client_order_id(client_order_id)
        self._check_connected()
        self._desk.check_consistent()
        known = self._desk.known(client_order_id)
        pair = None if symbol is None else self._symbols.last_listed(symbol).pair
        if known is None or pair not in (None, known.pair):
            known = self._find_elsewhere(client_order_id, pair)
            if known is None:
                return None
        if known.is_in_doubt:
            self._resolution.look(known)
            known = self._desk.known(client_order_id) or known  # another one may have that id
        elif known.venue_id:
            self._resolution.refresh(known)
        if known.record.state is OrderState.NOT_ACCEPTED:
            return None
        self._desk.claim(known)
        return self._desk.status(known)

    def _find_elsewhere(self, client_order_id: str, pair: str | None) -> KnownOrder | None:
        """Ask for an order that was not sent from here, as far as is known."""
        found = None if pair is None else self._resolution.find(pair, client_order_id)
        if found is not None or self._desk.is_durable:
            return found
        if pair is None:
            raise OutcomeUnknownError(
                f"{client_order_id!r}: it was not sent from here since this began, and without "
                "`state` nobody knows what was sent before; say its symbol, and the venue is asked",
                broker=self.name,
                client_order_id=client_order_id,
            )
        began = self._line.began_ms  # an order of another program, with any window
        return self._resolution.prove_absent(
            Doubt(pair, client_order_id, began, began - _LOOKBACK_MS)
        )

    def fills(self, since: dt.datetime | None = None, symbol: str | None = None) -> list[Fill]:
        """Executions from that time on, oldest first: of one's own orders, and of others seen.

        Fees are as the venue took them: of what was bought, or of the quote asset or BNB.

        Raises:
            TypeError: `since` is no time.
            ValidationError: it has no time zone.

        """
        if since is not None and not isinstance(since, dt.datetime):
            raise TypeError(f"since is a datetime, got {shown(since)}")
        if since is not None and since.tzinfo is None:
            raise ValidationError(f"since has a time zone, got {since.isoformat()}")
        self._check_connected()
        self._desk.check_consistent()
        name = None if symbol is None else self._symbols.last_listed(symbol).symbol
        if not self._line.is_streaming:
            for known in self._desk.working():
                if known.venue_id:
                    self._resolution.refresh(known)
        for known in self._desk.lacking():
            self._resolution.refresh(known)
        return [
            fill
            for fill in self._desk.fills()
            if name in (None, fill.symbol)
            and (since is None or (fill.time is not None and fill.time >= since))
        ]

    def resync(self) -> SyncReport:
        """Compare all orders and the executions of one's own with the venue.

        `missed_fills` are those that were found by comparing, here or at a connection, and each is
        told once. `lost` are orders in doubt: `find_order` settles them.
        """
        self._check_connected()
        report = compare(self._desk, self._resolution)
        return evolve(report, missed_fills=self._desk.missed_fills())

    # -- orders

    def _send(self, order: BrokerOrder) -> OrderAck:
        name = order.client_order_id or ""
        is_new = name in self._new_ids
        self._new_ids.discard(name)
        with self._unsent():
            self._check_ready()
            listed = self._listed(order.symbol)
            order = self._canonical(order, listed)
            limit = self._market_limit(order, listed)
            check_filters(self._as_sent(order, limit), listed, UNKNOWN)
            self._sender.check(order, listed.pair, is_new=is_new)
        try:
            return self._sender.send(order, listed, limit)
        except BrokerError as error:
            self._symbols.learn(error)
            explained = self._refusals.explained(error, self._as_sent(order, limit), listed)
            if explained is error:
                raise
            raise explained from error

    def _identified(self, order: BrokerOrder) -> BrokerOrder:
        if order.client_order_id is not None:
            return order
        name = f"nb-{secrets.token_hex(14)}"
        self._new_ids.add(name)
        return evolve(order, client_order_id=name)

    def cancel_order(self, order: OrderReference) -> None:
        """End an order, and return once the venue says that it is.

        Raises:
            CancelRejectedError: it is done; `status` says how.
            OrderNotFoundError: there is no such order.
            PermissionDeniedError: it is of others, or the account may not trade.
            OutcomeUnknownError: it may or may not be cancelled.

        """
        reference = check_reference(order)
        self._check_linked()
        known = self._desk.find(order if isinstance(order, OrderAck) else reference)
        self._check_writable()
        self._sender.cancel(known)
        self._deliver()

    def cancel_all(
        self, symbol: str | None = None, scope: Literal["own", "all"] = "own"
    ) -> CancelReport:
        """Cancel every open order, and look whether they are gone; one in doubt is cancelled too.

        An order whose cancellation fails does not keep the others from being cancelled.
        """
        check_scope(scope)
        self._check_linked()
        self._check_writable()
        pair = None if symbol is None else self._symbols.last_listed(symbol).pair
        if scope == "all":
            look(self._desk, self._resolution)
        found = [known for known in self._desk.working(scope) if pair in (None, known.pair)]
        found.sort(key=lambda known: known.is_lost)  # those first that can fill
        end = self._clock.monotonic() + self._timeout
        for known in found:
            seconds = max(end - self._clock.monotonic(), 0.0)
            self._try_to_cancel(known, foreign=scope == "all", seconds=seconds)
        seen = [self._desk.status(known) for known in found]
        return CancelReport(
            cancelled=tuple(
                status
                for status in seen
                if status.state.is_terminal and status.state is not OrderState.FILLED
            ),
            remaining=tuple(status for status in seen if not status.state.is_terminal),
        )

    def _try_to_cancel(self, known: KnownOrder, *, foreign: bool, seconds: float) -> None:
        try:
            self._sender.cancel(known, foreign=foreign, seconds=seconds)
        except CancelRejectedError:
            return  # where it stands says how it ended
        except Exception:  # the others must be cancelled all the same
            log.exception("order %s was not cancelled", known.record.order_id)

    # -- how

    def _listed(self, symbol: str) -> Listed:
        self._check_connected()
        return self._symbols.listed(symbol)

    def _canonical(self, order: BrokerOrder, listed: Listed) -> BrokerOrder:
        return order if order.symbol == listed.symbol else evolve(order, symbol=listed.symbol)

    def _reference(self, order: OrderReference) -> OrderReference:
        reference = check_reference(order)
        self._check_connected()
        return order if isinstance(order, OrderAck) else reference

    def _ask_after(self, known: KnownOrder) -> None:
        if known.venue_id:
            self._resolution.refresh(known)

    def _market_limit(self, order: BrokerOrder, listed: Listed) -> Decimal | None:
        if order.order_type is not OrderType.MARKET or self._cap is None:
            return None
        if not listed.instrument.tradable:
            check_filters(order, listed, UNKNOWN)
        touch = self._prices.touch(listed)
        return market_limit(order.side, touch, self._cap, listed.instrument, broker=self.name)

    @staticmethod
    def _as_sent(order: BrokerOrder, limit: Decimal | None) -> BrokerOrder:
        if limit is None:
            return order
        return evolve(order, order_type=OrderType.LIMIT, limit_price=limit)

    def _check_rules(self, order: BrokerOrder) -> None:
        """Leave it to `_send`, which knows the limit that a market order goes with."""

    def _check_can(self, order: BrokerOrder) -> None:
        super()._check_can(order)
        check_combination(order, is_capped=self._cap is not None)

    def _check_connected(self) -> None:
        """Refuse while nothing can be asked; while orders are compared, that is waited for."""
        self._line.wait_synced(self._timeout)
        self._check_linked()

    def _check_linked(self) -> None:
        if not self._line.is_linked:
            super()._check_connected()

    def _check_ready(self) -> None:
        """Refuse to send what nobody would hear of."""
        info = self._line.info
        if info.state is not ConnectionState.READY:
            raise NotConnectedError(
                f"not connected ({info.state.value}): {info.detail}; orders are sent once the user "
                "data stream is there again",
                broker=self.name,
            )

    def _check_writable(self) -> None:
        if self._connection().state is ConnectionState.READ_ONLY:
            raise PermissionDeniedError(self._connection().detail, broker=self.name)

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
