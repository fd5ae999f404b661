"""The paper broker: an account with real rules and no money, on this machine."""

from __future__ import annotations

import contextlib
import datetime as dt
import logging
import os
import threading
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Literal

from attrs import evolve

from nanobook_core.broker.base import BrokerBase
from nanobook_core.broker.order_record import OrderRecord
from nanobook_core.broker.paper_cost import Costs, fee_of
from nanobook_core.broker.paper_fill import FillsLike, matching_of
from nanobook_core.broker.paper_quotes import Quotes, quote_source, received, to_decimal
from nanobook_core.broker.paper_settings import (
    Instruments,
    PaperRules,
    Rates,
    to_flag,
    to_instruments,
    to_leverage,
    to_rates,
    to_scope,
    to_word,
)
from nanobook_core.broker.paper_state import PaperOrder, PaperState, Terms
from nanobook_core.broker.paper_venue import PaperVenue
from nanobook_core.broker.reference import check_reference, check_scope
from nanobook_core.contracts.broker import (
    BrokerCapabilities,
    BrokerEvent,
    ClientIdScope,
    ConnectionInfo,
    ConnectionState,
    OrderReference,
    SyncReport,
)
from nanobook_core.contracts.broker_error import (
    CancelRejectedError,
    ConnectError,
    DuplicateOrderError,
    LinkDownError,
    NoQuoteError,
    OrderNotFoundError,
)
from nanobook_core.contracts.broker_order import (
    BrokerOrder,
    BrokerOrderStatus,
    BrokerTimeInForce,
    Fill,
    OrderAck,
    OrderType,
    check_client_order_id,
)
from nanobook_core.contracts.clock import Clock
from nanobook_core.contracts.holding import Account, BrokerPosition, Quote
from nanobook_core.contracts.instrument import Instrument
from nanobook_core.errors import ValidationError, shown

log = logging.getLogger("nanobook.broker")


class PaperBroker(BrokerBase):
    """A broker that fills orders from quotes; see docs/brokers.md. Kind `broker`, name `paper`.

    It looks at its quotes whenever it is asked anything: day orders of an earlier UTC day expire,
    stops are triggered, and what the quotes cross is filled. The same requests, quotes and times
    give the same numbers and the same bytes in the state file.

    Attributes:
        cash: what a new account starts with, in `currency`; one that exists goes on with its own
        quotes: path of a csv file (`symbol,bid,ask[,last,bid_size,ask_size,volume,currency]`, read
            again when it has changed), a mapping from symbol to a quote, or a function of a symbol;
            a quote is a `Quote`, a mapping with these names, or `(bid, ask)`
        state: path of the file that keeps the account; None keeps it in memory
        costs: basis points of the notional, a cost model, its name, or a mapping with its name and
            settings
        fills: `"touch"`, `"order_book"`, a fill model, its name, or a mapping with its name and
            settings
        margin: how many times its equity the account may hold; False for a cash account, which
            holds no shorts and never owes money
        allow_short: whether a margin account may sell what it does not have
        currency: what the account is kept in
        rates: `currency` per unit of each other currency that instruments are priced in
        client_id_scope: for how long a client order id is refused again: `"never"`,
            `"while_open"`, `"for_ever"`
        splits_flips: whether an order through 0 is refused, as by venues that want two orders
        instruments: rules of symbols; others trade in whole units and cents
        clock: where the time comes from
        account_id: what the account is called, also in execution ids

    """

    name = "paper"

    def __init__(
        self,
        cash: int | Decimal | str = 1_000_000,
        *,
        quotes: Quotes = None,
        state: str | os.PathLike[str] | None = None,
        costs: Costs = None,
        fills: FillsLike = "touch",
        margin: int | Decimal | str | Literal[False] = 2,
        allow_short: bool = True,
        currency: str = "USD",
        rates: Rates | None = None,
        client_id_scope: ClientIdScope | str = ClientIdScope.FOR_EVER,
        splits_flips: bool = False,
        instruments: Instruments = (),
        clock: Clock | None = None,
        account_id: str = "PAPER",
    ) -> None:
        """Describe the account; `connect` opens it.

        Raises:
            TypeError, ValidationError: a setting.

        """
        super().__init__(clock=clock)
        self._cash = to_decimal(cash, "cash")
        if self._cash < 0:
            raise ValidationError(f"cash is 0 or more, got {cash}")
        self._source = quote_source(quotes)
        self._path = None if state is None else Path(os.path.realpath(os.fspath(state)))
        self._fee = fee_of(costs)
        self._matching = matching_of(fills)
        given, without_currency = to_instruments(instruments)
        self._rules = PaperRules(
            currency=to_word(currency, "currency"),
            rates={} if rates is None else to_rates(rates),
            leverage=to_leverage(margin),
            is_margin=margin is not False,
            allow_short=to_flag(allow_short, "allow_short"),
            splits_flips=to_flag(splits_flips, "splits_flips"),
            instruments=given,
            without_currency=without_currency,
        )
        self._scope = to_scope(client_id_scope)
        self._account_id = to_word(account_id, "account_id")
        self._lock = threading.RLock()
        self._state: PaperState | None = None
        self._is_connected = False
        #: Whether the books have what was last said by `halt` or `resume`, if anything was.
        self._is_halt_kept = True
        self._pending: list[BrokerEvent] = []

    # -- the connection

    def connect(self, timeout: float | None = None) -> None:  # noqa: ARG002 - nothing to wait for
        """Open the account, and look at the quotes.

        Raises:
            SessionConflictError: another paper broker has the file open.
            ConnectError: the file cannot be used, or the quotes not be read.
            ValidationError: a row of the quotes file is wrong, or the file is another account's.

        """
        with self._lock:
            if self._is_connected:
                return
            self._source.refresh()
            if isinstance(self._source.error, NoQuoteError):
                raise ConnectError(str(self._source.error), broker=self.name)
            if self._source.error is not None:
                raise self._source.error
            if self._state is None:
                self._state = self._open()
            self._venue = PaperVenue(
                state=self._state,
                rules=self._rules,
                quotes=self._source,
                matching=self._matching,
                fee=self._fee,
                publish=self._note,
            )
            self._is_connected = True
            if self._is_halt_kept:
                halted = self._state.entry("halted")
                self._halted = halted[1:] if halted else None
            else:
                self._keep_halt()
        self._publish(BrokerEvent(connection=self.connection()))
        self._deliver()

    def _open(self) -> PaperState:
        opening = {
            "account_id": self._account_id,
            "currency": self._rules.currency,
            "opening_cash": str(self._cash),
            "cash": str(self._cash),
        }
        state = PaperState(self._path, opening)
        for name in ("account_id", "currency"):
            if state.entry(name) != opening[name]:
                there = state.entry(name)
                state.close()
                key = "account_id, or account.id of a config," if name == "account_id" else name
                raise ValidationError(
                    f"{self._path} has the {name} {there!r:.40}, got {opening[name]!r:.40}: "
                    f"give that {key} or, for another account, another `state`"
                )
        try:
            self._check_terms(state)
        except ValidationError:
            state.close()
            raise
        return state

    def _check_terms(self, state: PaperState) -> None:
        """Refuse settings that would make what is held or ordered worth something else."""
        for symbol in (*state.open_symbols(), *(holding.symbol for holding in state.holdings())):
            rules, terms = self._rules.instruments.get(symbol), state.terms(symbol)
            if rules is None or terms is None:
                continue
            is_open = symbol in self._rules.without_currency
            given = Terms(terms.currency if is_open else rules.currency, rules.multiplier)
            if terms != given:
                raise ValidationError(
                    f"{self._path} has {symbol} {terms}; instruments give it {given}: close it "
                    "first"
                )

    def disconnect(self) -> None:
        """Close the file; orders stay open. An account in memory stays in memory."""
        with self._lock:
            was_connected, self._is_connected = self._is_connected, False
            if self._path is not None and self._state is not None:
                self._state.close()
                self._state = None
        if was_connected:
            self._publish(BrokerEvent(connection=self.connection()))
            self._deliver()

    def _connection(self) -> ConnectionInfo:
        where = "memory" if self._path is None else str(self._path)
        return ConnectionInfo(
            state=ConnectionState.READY if self._is_connected else ConnectionState.DISCONNECTED,
            account_id=self._account_id,
            is_live=False,
            detail=f"paper account in {where}",
        )

    def capabilities(self) -> BrokerCapabilities:
        """What this account can do, as it was set up."""
        rules = self._rules
        return BrokerCapabilities(
            order_types=frozenset(OrderType),
            tifs=frozenset(BrokerTimeInForce),
            post_only=True,
            reduce_only=True,
            outside_hours=True,
            fractional=any(
                one.lot != one.lot.to_integral_value() for one in rules.instruments.values()
            ),
            short=rules.is_margin and rules.allow_short,
            margin=rules.is_margin,
            multi_currency=bool(rules.rates),
            splits_flips=rules.splits_flips,
            client_id_scope=self._scope,
        )

    # -- questions

    def server_time(self) -> dt.datetime:
        """Our own time: the venue is here."""
        self._check_connected()
        return self._clock.now()

    def account(self) -> Account:
        """Money in the base currency; `is_estimated` where a holding has no quote.

        Such a holding is valued at the last price at which it traded here.

        Raises:
            NoQuoteError: a currency has no rate.

        """
        with self._request() as venue:
            return venue.value.account(self._account_id, self._clock.now())

    def positions(self) -> list[BrokerPosition]:
        """Holdings, in their own currencies, valued at the mid or the last price."""
        with self._request() as venue:
            return venue.value.positions()

    def instrument(self, symbol: str) -> Instrument:
        """Rules of a symbol: those of `instruments`, else whole units and cents."""
        _check_symbol(symbol)
        with self._request() as venue:
            return venue.value.instrument(symbol)

    def quote(self, symbol: str) -> Quote:
        """Prices now; `received` is now."""
        _check_symbol(symbol)
        with self._request() as venue:
            return received(venue.value.quote(symbol), self._clock.monotonic())

    def order_status(self, order: OrderReference) -> BrokerOrderStatus:
        """Where an order stands; of a client order id's orders the latest."""
        reference = check_reference(order)
        with self._request():
            return self._order(reference).record.status()

    def open_orders(self, scope: Literal["own", "all"] = "own") -> list[BrokerOrderStatus]:
        """Orders that may still fill, oldest first; all of them are our own."""
        check_scope(scope)
        with self._request():
            return [paper.record.status() for paper in self._books.open_orders()]

    def find_order(
        self,
        client_order_id: str,
        symbol: str | None = None,  # noqa: ARG002 - here it is one id among all
    ) -> BrokerOrderStatus | None:
        """Return the latest order of that client order id; None is proof that there is none."""
        check_client_order_id(client_order_id)
        with self._request():
            found = self._books.latest_order(client_order_id)
            return None if found is None else found.record.status()

    def fills(self, since: dt.datetime | None = None, symbol: str | None = None) -> list[Fill]:
        """Every execution from that time on, oldest first.

        Raises:
            TypeError: `since` is no time.
            ValidationError: it has no time zone.

        """
        if since is not None and not isinstance(since, dt.datetime):
            raise TypeError(f"since is a datetime, got {shown(since)}")
        if since is not None and since.tzinfo is None:
            raise ValidationError(f"since has a time zone, got {since.isoformat()}")
        with self._request():
            return [
                fill
                for fill in self._books.fills()
                if symbol in (None, fill.symbol)
                and (since is None or (fill.time is not None and fill.time >= since))
            ]

    def resync(self) -> SyncReport:
        """Say that all open orders are known: they are kept here."""
        return SyncReport(matched=tuple(status.client_order_id for status in self.open_orders()))

    # -- orders

    def _identified(self, order: BrokerOrder) -> BrokerOrder:
        return order  # `_send` does, where nobody else can take the number

    def _send(self, order: BrokerOrder) -> OrderAck:
        with self._request() as venue:
            if order.client_order_id is None:
                order = evolve(order, client_order_id=self._free_client_order_id())
            self._check_client_order_id(order.client_order_id or "")
            with self._change():
                record = venue.place(order, self._clock.now())
            return OrderAck(record.order_id, order.client_order_id or "", record.state)

    def cancel_order(self, order: OrderReference) -> None:
        """End an order, at once.

        Raises:
            CancelRejectedError: it is done already; `status` says how.
            OrderNotFoundError: there is no such order.

        """
        reference = check_reference(order)
        with self._request() as venue:
            paper = self._order(reference)
            status = paper.record.status()
            if status.state.is_terminal:
                raise CancelRejectedError(
                    f"order {status.order_id} is {status.state.value}",
                    broker=self.name,
                    client_order_id=status.client_order_id,
                    status=status,
                )
            with self._change():
                venue.cancel(paper, self._clock.now(), "cancelled on request")

    def _keep_halt(self) -> None:
        with self._lock:
            self._is_halt_kept = False
            if self._is_connected:
                text = "" if self._halted is None else f"!{self._halted}"
                with self._books.transaction():
                    self._books.write_entry("halted", text)
                self._is_halt_kept = True

    # -- requests

    @property
    def _books(self) -> PaperState:
        assert self._state is not None  # noqa: S101 - asked inside `_request` only
        return self._state

    @contextlib.contextmanager
    def _request(self) -> Iterator[PaperVenue]:
        """One request, alone: what has happened since the last one comes first."""
        try:
            with self._lock:
                self._check_connected()
                try:
                    self._source.refresh()
                    self._look(self._venue)
                    yield self._venue
                except LinkDownError:  # what the file has now is known once it is opened again
                    self.disconnect()
                    raise
        finally:
            self._deliver()

    def _look(self, venue: PaperVenue) -> None:
        now = self._clock.now()
        if venue.has_expired(now):
            with self._change():
                venue.expire(now)
        for symbol in venue.news():
            try:
                with self._change():
                    venue.look(symbol, now)
            except LinkDownError:
                raise
            except Exception as error:  # noqa: BLE001 - a quote's, or whatever a model raised
                log.warning("nothing of %s trades: %r", symbol, error)  # cancels must go on

    @contextlib.contextmanager
    def _change(self) -> Iterator[None]:
        """One change of the books; it is told of once it is durable."""
        self._pending = []
        try:
            with self._books.transaction():
                yield
        except BaseException:
            self._venue.forget()
            raise
        for event in self._pending:
            self._publish(event)

    def _note(self, record: OrderRecord, fill: Fill | None) -> None:
        event = BrokerEvent(order=record.status()) if fill is None else BrokerEvent(fill=fill)
        self._pending.append(event)

    def _order(self, reference: OrderReference) -> PaperOrder:
        books = self._books
        found = (
            books.latest_order(reference) if isinstance(reference, str) else books.order(reference)
        )
        if found is None:
            raise OrderNotFoundError(f"there is no order {reference!r:.60}", broker=self.name)
        return found

    def _check_client_order_id(self, client_order_id: str) -> None:
        last = self._books.latest_order(client_order_id)
        if last is None or self._scope is ClientIdScope.NEVER:
            return
        status = last.record.status()
        if self._scope is ClientIdScope.FOR_EVER or not status.state.is_terminal:
            raise DuplicateOrderError(
                f"client order id {client_order_id!r} is that of order {status.order_id}, which is "
                f"{status.state.value}",
                broker=self.name,
                client_order_id=client_order_id,
            )

    def _free_client_order_id(self) -> str:
        number = self._books.next_order_id()
        while self._books.latest_order(f"paper-{number}") is not None:
            number += 1
        return f"paper-{number}"


def _check_symbol(symbol: object) -> None:
    if not isinstance(symbol, str):
        raise TypeError(f"symbol is a string, got {shown(symbol)}")
