"""The paper venue itself: takes orders, and fills them from quotes."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from decimal import Decimal

from attrs import evolve

from nanobook_core.broker.exact import EXACT, product, total
from nanobook_core.broker.order_record import OrderRecord
from nanobook_core.broker.paper_account import traded
from nanobook_core.broker.paper_check import PaperCheck
from nanobook_core.broker.paper_cost import Fee, fee_of_fill
from nanobook_core.broker.paper_fill import (
    Crossed,
    Crossing,
    Match,
    Matching,
    crosses,
    filled_of,
    triggers,
)
from nanobook_core.broker.paper_quotes import QuoteSource, SourceQuote, touch
from nanobook_core.broker.paper_settings import PaperRules
from nanobook_core.broker.paper_state import PaperOrder, PaperState, Taken, Terms
from nanobook_core.broker.paper_value import PaperValue
from nanobook_core.contracts.broker_error import InsufficientFundsError
from nanobook_core.contracts.broker_order import (
    BrokerOrder,
    BrokerTimeInForce,
    Fill,
    OrderState,
    OrderType,
)
from nanobook_core.contracts.instrument import Instrument
from nanobook_core.types import Side

_IMMEDIATE = (BrokerTimeInForce.IOC, BrokerTimeInForce.FOK)
_ZERO = Decimal(0)
_REDUCED = "reduce_only, and nothing is left to reduce"


class PaperVenue:
    """What a real venue would be on the other side of the wire; changes are made in transactions.

    `publish` is told of every change of an order and every fill.
    """

    def __init__(
        self,
        *,
        state: PaperState,
        rules: PaperRules,
        quotes: QuoteSource,
        matching: Matching,
        fee: Fee,
        publish: Callable[[OrderRecord, Fill | None], None],
    ) -> None:
        self._state = state
        self._rules = rules
        self.value = PaperValue(state, rules, quotes, fee)
        self._check = PaperCheck(state, rules, self.value)
        self._matching = matching
        self._fee = fee
        self._publish = publish
        #: Quotes of which the open orders have taken all that they can.
        self._seen: dict[str, str] = {}

    def place(self, order: BrokerOrder, now: dt.datetime) -> OrderRecord:
        """Take an order, and fill what can be filled at once.

        Raises:
            OrderRejectedError, NoQuoteError: it is refused; nothing has changed.

        """
        rules = self.value.instrument(order.symbol)
        self.value.rate(rules.currency)
        self._seen.pop(order.symbol, None)
        source = self.value.found(order.symbol)
        self._check.check(order, source)
        record = OrderRecord(order_id=self._state.next_order_id(), order=order, updated_at=now)
        waits = order.order_type in (OrderType.STOP, OrderType.STOP_LIMIT)
        record.told(OrderState.HELD if waits else OrderState.ACCEPTED)
        paper = PaperOrder(record, created_at=now)
        self._state.write_terms(order.symbol, Terms(rules.currency, rules.multiplier))
        self._write(paper, now)
        if source is not None:
            self._trade(source, [paper], now, is_new=True)
        else:
            self._leave([paper], now)
        return record

    def cancel(self, paper: PaperOrder, now: dt.datetime, reason: str) -> None:
        """End an open order."""
        paper.record.told(OrderState.CANCELLED, reason=reason)
        self._write(paper, now)

    def has_expired(self, now: dt.datetime) -> bool:
        """Whether a day order's UTC day is over."""
        return bool(self._state.day_orders_before(now.date()))

    def expire(self, now: dt.datetime) -> None:
        """End day orders of an earlier day."""
        for paper in self._state.day_orders_before(now.date()):
            paper.record.told(OrderState.EXPIRED, reason="day order, and its UTC day is over")
            self._write(paper, now)

    def news(self) -> list[str]:
        """Symbols with open orders that have not been looked at since their quotes came."""
        return [symbol for symbol in self._state.open_symbols() if self._is_news(symbol)]

    def forget(self) -> None:
        """Look at every quote again: what the last looks changed was undone."""
        self._seen.clear()
        self._state.forget()

    def _is_news(self, symbol: str) -> bool:
        if symbol not in self._seen:
            return True
        source = self.value.source(symbol)
        return source is not None and source.key != self._seen[symbol]

    def look(self, symbol: str, now: dt.datetime) -> None:
        """Fill what a symbol's quote crosses now."""
        source = self.value.found(symbol)
        if source is None:
            return
        self._trade(source, self._state.open_orders(symbol), now)
        if self._matching.is_settled:
            self._seen[symbol] = source.key

    def _trade(
        self,
        source: SourceQuote,
        orders: list[PaperOrder],
        now: dt.datetime,
        *,
        is_new: bool = False,
    ) -> None:
        """Trigger stops and fill what the quote crosses; all orders are of its symbol."""
        quote, symbol = source.quote, source.quote.symbol
        taken = self._state.taken(symbol)
        if taken is not None and taken.quote != source.key and (taken.bid or taken.ask):
            self._state.write_taken(symbol, Taken("", taken.period))
        for side in Side:
            price = touch(quote, side)
            if price is None:
                continue
            ours = [paper for paper in orders if paper.record.order.side is side]
            for paper in ours:
                if paper.record.state is OrderState.HELD and triggers(paper.record.order, price):
                    paper.record.told(OrderState.ACCEPTED)
                    self._write(paper, now)
            crossed = [
                paper
                for paper in ours
                if paper.record.state in (OrderState.ACCEPTED, OrderState.PARTIALLY_FILLED)
                and crosses(paper.record.order, price)
            ]
            if crossed:
                self._match(source, side, price, crossed, now, is_new=is_new)
        self._leave(orders, now)

    def _leave(self, orders: list[PaperOrder], now: dt.datetime) -> None:
        """End what may not rest, and let the rest rest."""
        for paper in orders:
            record = paper.record
            if record.state is OrderState.HELD or record.state.is_terminal or paper.is_resting:
                continue
            if record.order.tif in _IMMEDIATE:
                self.cancel(paper, now, f"{record.order.tif.value}: what is left is cancelled")
            else:
                self._state.write_order(evolve(paper, is_resting=True))

    def _match(
        self,
        source: SourceQuote,
        side: Side,
        price: Decimal,
        crossed: list[PaperOrder],
        now: dt.datetime,
        *,
        is_new: bool,
    ) -> None:
        symbol = source.quote.symbol
        rules = self.value.instrument(symbol)
        taken = self._state.taken(symbol)
        is_first = taken is None or taken.quote != source.key
        if taken is None or is_first:
            taken = Taken(source.key, self._state.next_period())
        gone = taken.ask if side is Side.BUY else taken.bid
        size = source.quote.ask_size if side is Side.BUY else source.quote.bid_size
        crossed.sort(key=lambda paper: _priority(paper.record))
        matches = self._matching.match(
            Crossing(
                rules=rules,
                side=side,
                orders=tuple(
                    Crossed(
                        paper.record.order_id,
                        paper.left,
                        paper.record.order.limit_price,
                        paper.is_resting and paper.record.order.limit_price is not None,
                        paper.record.order.tif is BrokerTimeInForce.FOK,
                    )
                    for paper in crossed
                ),
                touch=price,
                available=None if size is None else max(EXACT.subtract(size, gone), _ZERO),
                taken=gone,
                period=taken.period,
                is_first=is_first,
            )
        )
        by_id = {paper.record.order_id: paper for paper in crossed}
        for match in matches:
            paper = by_id[match.order_id]
            order = paper.record.order
            whole = order.tif is not BrokerTimeInForce.FOK or (
                filled_of(matches, match.order_id) == order.quantity
            )
            if whole:
                gone = total(gone, self._fill(paper, rules, match, price, now, is_new=is_new))
        taken = evolve(taken, ask=gone) if side is Side.BUY else evolve(taken, bid=gone)
        self._state.write_taken(symbol, taken)

    def _fill(
        self,
        paper: PaperOrder,
        rules: Instrument,
        match: Match,
        market: Decimal,
        now: dt.datetime,
        *,
        is_new: bool,
    ) -> Decimal:
        """Book one execution as far as the order may, and return how much that is."""
        record, order = paper.record, paper.record.order
        if record.state.is_terminal:
            return _ZERO
        price, quantity = match.price, match.quantity
        if order.reduce_only:
            quantity = min(quantity, self._check.closable(order))
            if not quantity:
                self.cancel(paper, now, _REDUCED)
                return _ZERO
        signed = quantity if order.side is Side.BUY else quantity.copy_negate()
        fee = fee_of_fill(self._fee, rules, record.fills, signed, price)
        rate = self.value.rate(rules.currency)
        paid = product(signed, price, rules.multiplier)
        change = product(total(paid, fee), rate).copy_negate()
        try:
            self._check.check_fill(order, quantity, price, market, fee, change)
        except InsufficientFundsError as error:
            if is_new:
                raise  # it is refused as if it had never been here
            self.cancel(paper, now, str(error))
            return _ZERO
        number = self._state.next_fill_number()
        fill = Fill(
            exec_id=self._state.exec_id(number),
            order_id=record.order_id,
            client_order_id=order.client_order_id or "",
            symbol=order.symbol,
            side=order.side,
            quantity=quantity,
            price=price,
            fee=fee,
            fee_currency=rules.currency,
            liquidity="maker" if paper.is_resting and order.limit_price is not None else "taker",
            time=now,
        )
        record.fill(fill)
        self._state.write_fill(number, fill, change)
        self._state.write_holding(
            traded(self._state.holding(order.symbol), order.side, quantity, price)
        )
        self._publish(record, fill)
        self._write(paper, now)
        if quantity < match.quantity and not record.state.is_terminal:
            self.cancel(paper, now, _REDUCED)
        return quantity

    def _write(self, paper: PaperOrder, now: dt.datetime) -> None:
        paper.record.updated_at = now
        self._state.write_order(paper)
        self._publish(paper.record, None)


def _priority(record: OrderRecord) -> tuple[bool, Decimal, int]:
    """Orders at any price first, then the better limit, then the older order."""
    limit = record.order.limit_price or _ZERO
    better = limit.copy_negate() if record.order.side is Side.BUY else limit
    return record.order.limit_price is not None, better, record.order_id
