"""The paper venue itself: takes orders, fills them from quotes, keeps the account."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import TypeAlias

from attrs import evolve, frozen

from nanobook_core.broker.exact import EXACT, product, total
from nanobook_core.broker.order_record import OrderRecord
from nanobook_core.broker.paper_account import Exposure, buying_power, traded
from nanobook_core.broker.paper_cost import Fee
from nanobook_core.broker.paper_fill import Crossed, Crossing, Matching, filled_of
from nanobook_core.broker.paper_quotes import QuoteSource, SourceQuote, to_decimal
from nanobook_core.broker.paper_state import Holding, PaperOrder, PaperState, Taken
from nanobook_core.contracts.broker_error import (
    InsufficientFundsError,
    MarketClosedError,
    NoQuoteError,
    OrderRejectedError,
    PostOnlyRejectedError,
    UnknownSymbolError,
)
from nanobook_core.contracts.broker_order import (
    BrokerOrder,
    BrokerTimeInForce,
    Fill,
    OrderState,
    OrderType,
)
from nanobook_core.contracts.holding import Account, Balance, BrokerPosition, Quote
from nanobook_core.contracts.instrument import Instrument
from nanobook_core.errors import ValidationError
from nanobook_core.types import Side

#: Base currency per unit of another one.
Rates: TypeAlias = Mapping[str, int | Decimal | str]

_IMMEDIATE = (BrokerTimeInForce.IOC, BrokerTimeInForce.FOK)
_ZERO = Decimal(0)


@frozen(kw_only=True)
class PaperRules:
    """How the venue treats this account."""

    currency: str
    rates: Rates
    leverage: Decimal
    """1 in a cash account."""
    is_margin: bool
    allow_short: bool
    splits_flips: bool
    instruments: Mapping[str, Instrument]


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
        self._quotes = quotes
        self._matching = matching
        self._fee = fee
        self._publish = publish
        self._defaults: dict[str, Instrument] = {}
        #: Quotes of which the open orders have taken all that they can.
        self._seen: dict[str, str] = {}

    # -- what may be traded, and at which prices

    def instrument(self, symbol: str) -> Instrument:
        """Rules of a symbol: those given, else whole shares at cents."""
        given = self._rules.instruments.get(symbol)
        if given is not None:
            return given
        currency = self._state.currency(symbol)
        if currency is None:
            source = self._quotes.get(symbol)
            if source is None:
                raise UnknownSymbolError(f"{symbol!r:.40} has no quote and no instrument")
            currency = source.currency or self._rules.currency
        rules = self._defaults.get(symbol)
        if rules is None or rules.currency != currency:
            rules = self._defaults[symbol] = Instrument(symbol=symbol, currency=currency)
        return rules

    def quote(self, symbol: str) -> SourceQuote:
        """Prices now.

        Raises:
            UnknownSymbolError, NoQuoteError: there is no such symbol, or no price of it.

        """
        source = self._quotes.get(symbol)
        if source is None:
            self.instrument(symbol)
            raise NoQuoteError(f"{symbol} has no quote")
        quote = source.quote
        if quote.bid is None and quote.ask is None and quote.last is None:
            raise NoQuoteError(f"{symbol} has a quote without a price")
        return source

    def rate(self, currency: str) -> Decimal:
        """Base currency per unit of that one.

        Raises:
            NoQuoteError: there is none; the message says which.

        """
        base = self._rules.currency
        if currency == base:
            return Decimal(1)
        given = self._rules.rates.get(currency)
        if given is None:
            raise NoQuoteError(
                f"no rate of {currency} in {base}: give rates={{{currency!r}: '<{base} per "
                f"{currency}>'}}"
            )
        rate = to_decimal(given, f"rate of {currency}")
        if rate <= 0:
            raise ValidationError(f"rate of {currency} is above 0, got {rate}")
        return rate

    # -- the account

    def account(self, account_id: str, now: dt.datetime) -> Account:
        """Money, all of it in the base currency."""
        cash = self._state.cash
        exposures, is_estimated = self._exposures()
        equity = total(cash, *(exposure.held for exposure in exposures.values()))
        power = buying_power(equity, self._rules.leverage, list(exposures.values()))
        locked = total(*(exposure.buys for exposure in exposures.values()))
        currency = self._rules.currency
        return Account(
            equity=equity,
            cash=cash,
            buying_power=max(power, _ZERO),
            gross_position_value=total(*(abs(one.held) for one in exposures.values())),
            currency=currency,
            account_id=account_id,
            balances=(
                Balance(currency=currency, free=EXACT.subtract(cash, locked), locked=locked),
            ),
            as_of=now,
            is_estimated=is_estimated,
        )

    def positions(self) -> list[BrokerPosition]:
        """Holdings, in their own currencies."""
        found = []
        for holding in self._state.holdings():
            rules = self.instrument(holding.symbol)
            mark, _ = self._mark(holding.symbol, holding.last_price)
            found.append(
                BrokerPosition(
                    symbol=holding.symbol,
                    quantity=holding.quantity,
                    avg_cost=holding.avg_cost,
                    market_value=product(holding.quantity, mark, rules.multiplier),
                    unrealized_pnl=product(
                        holding.quantity, EXACT.subtract(mark, holding.avg_cost), rules.multiplier
                    ),
                    currency=rules.currency,
                )
            )
        return found

    def _mark(self, symbol: str, last_price: Decimal) -> tuple[Decimal, bool]:
        """Price to value a holding at, and whether it is the last trade's for want of a quote."""
        source = self._source(symbol)
        mark = None if source is None else source.quote.mark
        return (last_price, True) if mark is None else (mark, False)

    def _source(self, symbol: str) -> SourceQuote | None:
        try:
            return self._quotes.get(symbol)
        except NoQuoteError:
            return None

    def _exposures(self) -> tuple[dict[str, Exposure], bool]:
        orders: dict[str, list[tuple[BrokerOrder, Decimal]]] = defaultdict(list)
        for paper in self._state.open_orders():
            orders[paper.record.order.symbol].append((paper.record.order, paper.left))
        holdings = {holding.symbol: holding for holding in self._state.holdings()}
        exposures, is_estimated = {}, False
        for symbol in (*holdings, *(one for one in orders if one not in holdings)):
            exposures[symbol], guessed = self._exposure(
                holdings.get(symbol, Holding(symbol)), orders[symbol]
            )
            is_estimated |= guessed
        return exposures, is_estimated

    def _exposure(
        self, holding: Holding, orders: list[tuple[BrokerOrder, Decimal]]
    ) -> tuple[Exposure, bool]:
        mark, is_estimated = (
            self._mark(holding.symbol, holding.last_price) if holding.quantity else (_ZERO, False)
        )
        opened = {Side.BUY: _ZERO, Side.SELL: _ZERO}
        closes = {
            Side.BUY: max(-holding.quantity, _ZERO),
            Side.SELL: max(holding.quantity, _ZERO),
        }
        for order, left in orders:
            closing = min(left, closes[order.side])
            closes[order.side] = EXACT.subtract(closes[order.side], closing)
            opening = EXACT.subtract(left, closing)
            if opening:
                cost = self._reserve(order, opening)
                opened[order.side] = total(opened[order.side], cost)
        value = (
            self._in_base(self.instrument(holding.symbol), holding.quantity, mark)
            if holding.quantity
            else _ZERO
        )
        return Exposure(value, opened[Side.BUY], opened[Side.SELL]), is_estimated

    def _in_base(self, rules: Instrument, quantity: Decimal, price: Decimal) -> Decimal:
        return product(quantity, price, rules.multiplier, self.rate(rules.currency))

    def _reserve(self, order: BrokerOrder, quantity: Decimal) -> Decimal:
        """What an order may cost: notional at its limit, its stop or the touch, and the fee."""
        rules = self.instrument(order.symbol)
        price = order.limit_price or order.stop_price
        if price is None:
            source = self._source(order.symbol)
            price = None if source is None else touch(source.quote, order.side)
            if price is None:
                price, _ = self._mark(order.symbol, self._state.holding(order.symbol).last_price)
        fee = product(self._fee(rules, quantity, price), self.rate(rules.currency))
        return total(self._in_base(rules, quantity, price), fee)

    # -- orders

    def place(self, order: BrokerOrder, now: dt.datetime) -> OrderRecord:
        """Take an order, and fill what can be filled at once.

        Raises:
            OrderRejectedError, NoQuoteError: it is refused; nothing has changed.

        """
        rules = self.instrument(order.symbol)
        self.rate(rules.currency)
        self._seen.pop(order.symbol, None)
        source = self._quotes.get(order.symbol)
        self._check(order, rules, source)
        record = OrderRecord(order_id=self._state.next_order_id(), order=order, updated_at=now)
        waits = order.order_type in (OrderType.STOP, OrderType.STOP_LIMIT)
        record.told(OrderState.HELD if waits else OrderState.ACCEPTED)
        paper = PaperOrder(record, created_at=now)
        self._state.write_currency(order.symbol, rules.currency)
        self._state.write_order(paper)
        if source is not None:
            self._trade(source, [paper], now, is_new=True)
        if order.tif in _IMMEDIATE and not record.state.is_terminal:
            record.told(
                OrderState.CANCELLED, reason=f"{order.tif.value}: what is left is cancelled"
            )
        self._write(paper, now, is_resting=record.state is not OrderState.HELD)
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

    def _is_news(self, symbol: str) -> bool:
        if symbol not in self._seen:
            return True
        source = self._source(symbol)
        return source is not None and source.key != self._seen[symbol]

    def look(self, symbol: str, now: dt.datetime) -> None:
        """Fill what a symbol's quote crosses now."""
        source = self._quotes.get(symbol)
        if source is None:
            return
        self._trade(source, self._state.open_orders(symbol), now)
        if self._matching.is_settled:
            self._seen[symbol] = source.key

    def _check(self, order: BrokerOrder, rules: Instrument, source: SourceQuote | None) -> None:
        self._check_position(order, rules)
        price = None if source is None else touch(source.quote, order.side)
        if order.order_type is OrderType.MARKET and price is None:
            if source is not None and source.quote.is_halted:
                raise MarketClosedError(f"{order.symbol} is halted")
            raise NoQuoteError(f"{order.symbol} has no quote to {order.side.value} at")
        if order.post_only and (order.limit_price is None or crosses(order, price)):
            raise PostOnlyRejectedError(f"{order.symbol}: it would trade at once")
        self._check_funds(order)

    def _check_position(self, order: BrokerOrder, rules: Instrument) -> None:
        symbol, held = order.symbol, self._state.holding(order.symbol).quantity
        after = total(held, order.signed_quantity)
        goes_through = held != 0 and after != 0 and (held > 0) != (after > 0)
        if order.reduce_only and (goes_through or abs(after) >= abs(held)):
            raise OrderRejectedError(
                f"{symbol}: reduce_only, and {held} is held", code="REDUCE_ONLY"
            )
        if goes_through and self._rules.splits_flips:
            raise OrderRejectedError(
                f"{symbol}: {held} is held; close it first, then open the other side", code="FLIP"
            )
        if order.side is Side.SELL:
            open_sells = total(
                *(
                    paper.left
                    for paper in self._state.open_orders()
                    if paper.record.order.symbol == symbol and paper.record.order.side is Side.SELL
                )
            )
            free = max(EXACT.subtract(held, open_sells), _ZERO)
            why = (
                "a cash account sells no shares short; margin=2 does"
                if not self._rules.is_margin
                else "allow_short is off"
                if not self._rules.allow_short
                else ""
                if rules.shortable
                else "it cannot be sold short"
            )
            if why and order.quantity > free:
                raise OrderRejectedError(
                    f"{symbol}: {free} can be sold, got {order.quantity}: {why}", code="SHORT"
                )

    def _check_funds(self, order: BrokerOrder) -> None:
        exposures, _ = self._exposures()
        before = exposures.get(order.symbol, Exposure())
        ours = [(paper.record.order, paper.left) for paper in self._state.open_orders(order.symbol)]
        after, _ = self._exposure(
            self._state.holding(order.symbol), [*ours, (order, order.quantity)]
        )
        more = EXACT.subtract(after.worst, before.worst)
        equity = total(self._state.cash, *(one.held for one in exposures.values()))
        power = buying_power(equity, self._rules.leverage, list(exposures.values()))
        if more > 0 and more > power:
            raise InsufficientFundsError(
                f"{order.symbol}: {more} {self._rules.currency} needed, {power} can be used",
                required=more,
                available=power,
            )

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
        for paper in orders:
            if paper.record.state is not OrderState.HELD and not paper.is_resting:
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
        rules = self.instrument(symbol)
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
            if whole and self._fill(paper, rules, match.quantity, match.price, now, is_new=is_new):
                gone = total(gone, match.quantity)
        taken = evolve(taken, ask=gone) if side is Side.BUY else evolve(taken, bid=gone)
        self._state.write_taken(symbol, taken)

    def _fill(
        self,
        paper: PaperOrder,
        rules: Instrument,
        quantity: Decimal,
        price: Decimal,
        now: dt.datetime,
        *,
        is_new: bool,
    ) -> bool:
        """Book one execution, unless the money for it is not there."""
        record, order = paper.record, paper.record.order
        if record.state.is_terminal:
            return False
        signed = quantity if order.side is Side.BUY else -quantity
        fee = self._fee(rules, signed, price)
        rate = self.rate(rules.currency)
        paid = product(signed, price, rules.multiplier)
        change = product(-total(paid, fee), rate)
        cash = total(self._state.cash, change)
        if cash < 0 and not self._rules.is_margin:
            error = InsufficientFundsError(
                f"{order.symbol}: {quantity} at {price} with a fee of {fee} would leave {cash} "
                f"{self._rules.currency}",
                required=-change,
                available=self._state.cash,
            )
            if is_new:
                raise error  # it is refused as if it had never been here
            record.told(OrderState.CANCELLED, reason=str(error))
            self._write(paper, now)
            return False
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
        return True

    def _write(self, paper: PaperOrder, now: dt.datetime, *, is_resting: bool = False) -> None:
        paper.record.updated_at = now
        self._state.write_order(evolve(paper, is_resting=is_resting or paper.is_resting))
        self._publish(paper.record, None)


def touch(quote: Quote, side: Side) -> Decimal | None:
    """Price that an order of that side meets; None where there is none, or it is not to be used."""
    if quote.is_halted or (quote.bid is not None and quote.ask is not None and not quote.is_usable):
        return None
    price = quote.ask if side is Side.BUY else quote.bid
    return price if price is not None and price.is_finite() and price > 0 else None


def crosses(order: BrokerOrder, price: Decimal | None) -> bool:
    """Whether the order's limit lets it trade at the touch."""
    if price is None or order.limit_price is None:
        return price is not None
    return order.limit_price >= price if order.side is Side.BUY else order.limit_price <= price


def triggers(order: BrokerOrder, price: Decimal) -> bool:
    """Whether a touch is at the stop price or beyond."""
    if order.stop_price is None:
        return False
    return price >= order.stop_price if order.side is Side.BUY else price <= order.stop_price


def _priority(record: OrderRecord) -> tuple[bool, Decimal, int]:
    """Orders at any price first, then the better limit, then the older order."""
    limit, sign = record.order.limit_price, -1 if record.order.side is Side.BUY else 1
    return limit is not None, sign * (limit or _ZERO), record.order_id
