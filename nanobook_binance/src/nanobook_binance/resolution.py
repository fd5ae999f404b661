"""What became of an order whose answer was lost: it is found, or proved absent, or in doubt."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from typing import Any

from attrs import frozen

from nanobook_binance.exchange import ORDER
from nanobook_binance.known_order import LONGEST_WINDOW_MS, KnownOrder
from nanobook_binance.message import Row, ToldOrder, ToldTrade, read_row, read_trade
from nanobook_binance.order_desk import OrderDesk
from nanobook_binance.rest import Rest
from nanobook_binance.signature import Parameter
from nanobook_core.contracts import (
    BrokerProtocolError,
    OrderNotFoundError,
    Outcome,
    OutcomeUnknownError,
)
from nanobook_core.contracts.clock import Clock

OPEN_ORDERS = "/api/v3/openOrders"
ALL_ORDERS = "/api/v3/allOrders"
TRADES = "/api/v3/myTrades"
#: Milliseconds that the venue's engine may take for a request, by its documents.
ENGINE_MS = 10_000
#: And more, for what our clock and the venue's differ by.
MARGIN_MS = 2_000
#: Milliseconds before an order was sent from which on the venue's lists are read.
_BEFORE_MS = 60_000
_PAGE = 1000
_FIRST_PAUSE, _LAST_PAUSE = 0.05, 1.0
_AGAIN = 2
_MISSING, _ARCHIVED = "-2013", "-2026"


@frozen
class Doubt:
    """An order that the venue may have, or may never have had."""

    pair: str
    client_order_id: str
    until_ms: int
    """Venue's time until when it may have been signed."""
    since_ms: int
    """Venue's time before which it was not sent, if it was sent in living memory."""
    window_ms: int = LONGEST_WINDOW_MS
    """How long it may be on its way to the venue, which refuses it after that."""
    known: KnownOrder | None = None
    """The order, where it was sent from here."""

    def is_settled_by(self, found: KnownOrder | None) -> bool:
        """Whether that is the order: of one that was sent from here, others have the id too."""
        if self.known is None:
            return found is not None
        return not self.known.is_in_doubt


class Resolution:
    """Asks the venue for orders, from any thread. Everything that it is told goes to the desk."""

    def __init__(self, desk: OrderDesk, rest: Rest, clock: Clock) -> None:
        """Ask nothing yet."""
        self._desk = desk
        self._rest = rest
        self._clock = clock

    def refresh(self, known: KnownOrder) -> bool:
        """Ask where an order stands that the venue has, and for the executions that lack.

        False where the venue does not know it, yet or any more.

        Raises:
            BrokerError: there was no answer.

        """
        if not known.is_done:
            try:
                told = read_row(self._get(known.pair, orderId=known.venue_id))
            except OrderNotFoundError as error:
                if error.code != _ARCHIVED:
                    return False
                self._desk.told_archived(known, str(error))
                return True
            self._desk.told(told)
        if known.is_missing_fills:
            self._desk.told_trades(self.trades(known.pair, orderId=known.venue_id))
        return True

    def is_long_there(self, known: KnownOrder) -> bool:
        """Whether the venue took it so long ago that it would tell of it by now."""
        created, now = known.created, self._rest.time.now()
        return created is not None and now - created > dt.timedelta(milliseconds=_BEFORE_MS)

    def find(self, pair: str, client_order_id: str) -> KnownOrder | None:
        """Ask once for the latest order of a client order id; None where the venue says no.

        That is no proof: an order may take a while until it is told of.

        Raises:
            BrokerError: there was no answer.

        """
        try:
            told = read_row(self._get(pair, origClientOrderId=client_order_id))
        except OrderNotFoundError as error:
            if error.code != _MISSING:  # it was there once, and has been put away
                raise OutcomeUnknownError(
                    f"{client_order_id!r}: {error}",
                    broker="binance",
                    client_order_id=client_order_id,
                ) from error
            return None
        return self._taken_in(told)

    def settle(self, known: KnownOrder, seconds: float) -> None:
        """Ask for an order in doubt until it is found or proved absent, or for so long.

        Raises:
            OutcomeUnknownError: it is neither by then.
            BrokerError: there was no answer.

        """
        end, pause = self._clock.monotonic() + seconds, _FIRST_PAUSE
        while True:
            try:
                return self.look(known)
            except OutcomeUnknownError:
                left = end - self._clock.monotonic()
                if left <= 0:
                    raise
            self._clock.sleep(min(pause, left))
            pause = min(2 * pause, _LAST_PAUSE)

    def look(self, known: KnownOrder) -> None:
        """Ask once for an order in doubt, so that it is known or proved absent then.

        Raises:
            OutcomeUnknownError: it is neither; `retry_after` says when it may be.
            NotConnectedError: its connection has ended, and the next one has a record of its own.
            BrokerError: there was no answer.

        """
        if not known.is_in_doubt:
            return
        self._desk.check_current(known)
        if known.until_ms is None:  # an interrupt came before that was noted
            known.until_ms = self._rest.time.milliseconds()
        if self.find(known.pair, known.client_order_id) is known:
            return
        self.prove_absent(
            Doubt(
                known.pair,
                known.client_order_id,
                until_ms=known.until_ms,
                since_ms=known.sent_ms - _BEFORE_MS,
                window_ms=known.window_ms,
                known=known,
            )
        )
        with self._desk.changed:
            self._desk.check_current(known)
            self._desk.told_absent(known)

    def prove_absent(self, doubt: Doubt) -> KnownOrder | None:
        """Return None as proof that the venue never had an order; or the order, if it turns up.

        Nobody can have it taken any more: the venue refuses what was signed longer ago than the
        window, also before its engine, which takes 10 seconds at most. Twice after that the venue
        says that there is none; and it is neither among the open orders nor among all of them, nor
        is there an execution of an order that is not known.

        Raises:
            OutcomeUnknownError: that is not so, or not yet; `retry_after` says when it may be.
            BrokerError: there was no answer.

        """
        self._rest.measure_time()
        end = doubt.until_ms + max(doubt.window_ms, ENGINE_MS) + MARGIN_MS
        left = end - self._rest.time.milliseconds()
        if left >= 0:
            seconds = (left + 1) / 1000
            raise OutcomeUnknownError(
                f"{doubt.client_order_id!r}: the venue does not know it, and may still take it for "
                f"{seconds:.1f} s",
                broker="binance",
                client_order_id=doubt.client_order_id,
                retry_after=seconds,
            )
        for _ in range(_AGAIN):
            found = self.find(doubt.pair, doubt.client_order_id)
            if doubt.is_settled_by(found):
                return found
        for told in self._listed(doubt):
            is_named_so = told.client_order_id == doubt.client_order_id
            found = self._taken_in(told) if is_named_so else self._desk.told(told)
            if is_named_so and doubt.is_settled_by(found):
                return found
        return None

    def _taken_in(self, told: ToldOrder) -> KnownOrder:
        known = self._desk.told(told)
        if known is None:  # it is there all the same
            raise OutcomeUnknownError(
                f"{told.client_order_id!r}: the venue tells of it what cannot be: "
                f"{self._desk.contradiction or told}",
                broker="binance",
                client_order_id=told.client_order_id,
            )
        return known

    def _listed(self, doubt: Doubt) -> Iterator[ToldOrder]:
        """Every order of the pair since then that the venue has in any list."""
        seen = set()
        for told in self.open_orders(doubt.pair):
            seen.add(told.order_id)
            yield told
        for row in self._pages(ALL_ORDERS, "orderId", doubt):
            told = read_row(row)
            seen.add(told.order_id)
            yield told
        for row in self._pages(TRADES, "id", doubt):
            trade = read_trade(row)
            if trade.order_id not in seen:
                seen.add(trade.order_id)
                yield read_row(self._get(doubt.pair, orderId=trade.order_id))

    def trades(self, pair: str, **which: Any) -> list[ToldTrade]:
        """Ask for executions of a pair, oldest first.

        Raises:
            BrokerError: there was no answer.

        """
        rows = self._from(TRADES, "id", {"symbol": pair, **which})
        return sorted(map(read_trade, rows), key=lambda trade: trade.trade_id)

    def open_orders(self, pair: str | None = None) -> list[ToldOrder]:
        """Ask for open orders of one pair, or of all.

        Raises:
            BrokerError: there was no answer.

        """
        return [read_row(row) for row in self._rows(OPEN_ORDERS, symbol=pair)]

    def _get(self, pair: str, **which: Parameter) -> Any:
        return self._rest.signed("GET", ORDER, symbol=pair, **which)

    def _pages(self, path: str, number: str, doubt: Doubt) -> Iterator[Row]:
        return self._from(path, number, {"symbol": doubt.pair, "startTime": doubt.since_ms})

    def _from(self, path: str, number: str, which: dict[str, Parameter]) -> Iterator[Row]:
        """All rows of a list that has pages, of which `number` is what rises."""
        while True:
            rows = self._rows(path, **which, limit=_PAGE)
            yield from rows
            if len(rows) < _PAGE:
                return
            which.pop("startTime", None)
            which["fromId" if path == TRADES else number] = 1 + max(
                _number(row, number) for row in rows
            )

    def _rows(self, path: str, **which: Parameter) -> list[Row]:
        rows = self._rest.signed("GET", path, **which)
        if not isinstance(rows, list):
            raise BrokerProtocolError(
                f"{path} is no list: {rows!r:.80}", broker="binance", outcome=Outcome.NOT_SENT
            )
        return rows


def _number(row: Row, name: str) -> int:
    number = row.get(name) if isinstance(row, Mapping) else None
    if isinstance(number, bool) or not isinstance(number, int):
        raise BrokerProtocolError(
            f"a row has no {name}: {row!r:.80}", broker="binance", outcome=Outcome.NOT_SENT
        )
    return number
