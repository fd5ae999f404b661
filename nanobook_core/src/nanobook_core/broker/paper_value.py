"""What the paper account is worth, and what its orders may cost."""

from __future__ import annotations

import contextlib
import datetime as dt
from collections import defaultdict
from decimal import Decimal

from attrs import evolve

from nanobook_core.broker.exact import EXACT, product, total
from nanobook_core.broker.paper_account import Exposure, buying_power
from nanobook_core.broker.paper_cost import Fee
from nanobook_core.broker.paper_quotes import QuoteSource, SourceQuote, touch
from nanobook_core.broker.paper_settings import PaperRules, to_rate
from nanobook_core.broker.paper_state import Holding, PaperState, Terms
from nanobook_core.contracts.broker_error import NoQuoteError, UnknownSymbolError
from nanobook_core.contracts.broker_order import BrokerOrder
from nanobook_core.contracts.holding import Account, Balance, BrokerPosition
from nanobook_core.contracts.instrument import Instrument
from nanobook_core.errors import ValidationError
from nanobook_core.types import Side

_ZERO = Decimal(0)


class PaperValue:
    """Prices, rates and rules of symbols, and with them the account's money."""

    def __init__(self, state: PaperState, rules: PaperRules, quotes: QuoteSource, fee: Fee) -> None:
        self._state = state
        self._rules = rules
        self._quotes = quotes
        self._fee = fee
        #: Rules that follow from the terms beside them.
        self._known: dict[str, tuple[Terms, Instrument]] = {}

    def instrument(self, symbol: str) -> Instrument:
        """Rules of a symbol: those given, else whole shares at cents.

        A currency that is not given is that in which it is held or ordered, else the quote's, else
        the account's.
        """
        given = self._rules.instruments.get(symbol)
        if given is not None and symbol not in self._rules.without_currency:
            return given
        terms = self._state.terms(symbol)
        if terms is None:
            source = self._quotes.get(symbol)
            if source is None and given is None:
                raise UnknownSymbolError(f"{symbol!r:.40} has no quote and no instrument")
            currency = None if source is None else source.currency
            terms = Terms(currency or self._rules.currency, Decimal(1))
        known = self._known.get(symbol)
        if known is None or known[0] != terms:
            rules = (
                Instrument(symbol=symbol, currency=terms.currency, multiplier=terms.multiplier)
                if given is None
                else evolve(given, currency=terms.currency)
            )
            known = self._known[symbol] = terms, rules
        return known[1]

    def found(self, symbol: str) -> SourceQuote | None:
        """Return a symbol's quote; None where there is none.

        Raises:
            NoQuoteError: it is in another currency than the instrument, or nobody can look.

        """
        source = self._quotes.get(symbol)
        if source is not None and source.currency is not None:
            currency = self.instrument(symbol).currency
            if source.currency != currency:
                raise NoQuoteError(
                    f"{symbol} has a quote in {source.currency}, and trades in {currency}"
                )
        return source

    def quote(self, symbol: str) -> SourceQuote:
        """Prices now.

        Raises:
            UnknownSymbolError, NoQuoteError: there is no such symbol, or no price of it.

        """
        source = self.found(symbol)
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
        return to_rate(given, currency)

    def account(self, account_id: str, now: dt.datetime) -> Account:
        """Money, all of it in the base currency."""
        cash = self._state.cash
        exposures, is_estimated = self.exposures()
        equity = total(cash, *(exposure.held for exposure in exposures.values()))
        power = buying_power(equity, self._rules.leverage, list(exposures.values()))
        locked = total(*(exposure.buys for exposure in exposures.values()))
        currency = self._rules.currency
        return Account(
            equity=equity,
            cash=cash,
            buying_power=max(power, _ZERO),
            gross_position_value=total(*(one.held.copy_abs() for one in exposures.values())),
            currency=currency,
            account_id=account_id,
            balances=(
                Balance(currency=currency, free=EXACT.subtract(cash, locked), locked=locked),
            ),
            as_of=now,
            is_estimated=is_estimated,
            rates=self._rates_known(),
        )

    def _rates_known(self) -> dict[str, Decimal]:
        rates = {}
        for currency in self._rules.rates:
            with contextlib.suppress(TypeError, ValidationError):  # whoever needs it hears of it
                rates[currency] = self.rate(currency)
        return rates

    def positions(self) -> list[BrokerPosition]:
        """Holdings, in their own currencies."""
        found = []
        for holding in self._state.holdings():
            rules = self.instrument(holding.symbol)
            mark, _ = self.mark(holding.symbol, holding.last_price)
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

    def mark(self, symbol: str, last_price: Decimal) -> tuple[Decimal, bool]:
        """Price to value a holding at, and whether it is the last trade's for want of a quote."""
        source = self.source(symbol)
        mark = None if source is None else source.quote.mark
        return (last_price, True) if mark is None else (mark, False)

    def source(self, symbol: str) -> SourceQuote | None:
        """Return a symbol's quote; None where there is none, or what is there is no quote."""
        try:
            return self.found(symbol)
        except (NoQuoteError, UnknownSymbolError, ValidationError, TypeError):
            return None

    def held(self) -> dict[str, Decimal]:
        """Value of each holding in the base currency, negative when short."""
        found = {}
        for holding in self._state.holdings():
            mark, _ = self.mark(holding.symbol, holding.last_price)
            rules = self.instrument(holding.symbol)
            found[holding.symbol] = self.in_base(rules, holding.quantity, mark)
        return found

    def exposures(self) -> tuple[dict[str, Exposure], bool]:
        """Use of buying power by symbol, and whether any of it is estimated."""
        orders: dict[str, list[tuple[BrokerOrder, Decimal]]] = defaultdict(list)
        for paper in self._state.open_orders():
            orders[paper.record.order.symbol].append((paper.record.order, paper.left))
        holdings = {holding.symbol: holding for holding in self._state.holdings()}
        exposures, is_estimated = {}, False
        for symbol in (*holdings, *(one for one in orders if one not in holdings)):
            exposures[symbol], guessed = self.exposure(
                holdings.get(symbol, Holding(symbol)), orders[symbol]
            )
            is_estimated |= guessed
        return exposures, is_estimated

    def exposure(
        self, holding: Holding, orders: list[tuple[BrokerOrder, Decimal]]
    ) -> tuple[Exposure, bool]:
        """Return that of one symbol, with what is left of its open orders."""
        mark, is_estimated = (
            self.mark(holding.symbol, holding.last_price) if holding.quantity else (_ZERO, False)
        )
        opened = {Side.BUY: _ZERO, Side.SELL: _ZERO}
        closes = {
            Side.BUY: max(holding.quantity.copy_negate(), _ZERO),
            Side.SELL: max(holding.quantity, _ZERO),
        }
        for order, left in orders:
            closing = min(left, closes[order.side])
            closes[order.side] = EXACT.subtract(closes[order.side], closing)
            opening = EXACT.subtract(left, closing)
            if opening:
                cost = self.reserve(order, opening)
                opened[order.side] = total(opened[order.side], cost)
        value = (
            self.in_base(self.instrument(holding.symbol), holding.quantity, mark)
            if holding.quantity
            else _ZERO
        )
        return Exposure(value, opened[Side.BUY], opened[Side.SELL]), is_estimated

    def in_base(self, rules: Instrument, quantity: Decimal, price: Decimal) -> Decimal:
        """Value, in the base currency."""
        return product(quantity, price, rules.multiplier, self.rate(rules.currency))

    def reserve(self, order: BrokerOrder, quantity: Decimal) -> Decimal:
        """What an order may cost: notional at the dearest price that it may trade at, and the fee.

        A purchase never pays more than its limit; a sale may be made at more than its limit, and
        is then short of so much.
        """
        rules = self.instrument(order.symbol)
        price = self._dearest(order)
        fee = product(self._fee(rules, quantity, price), self.rate(rules.currency))
        return total(self.in_base(rules, quantity, price), fee)

    def _dearest(self, order: BrokerOrder) -> Decimal:
        buys = order.side is Side.BUY
        if buys and order.limit_price is not None:
            return order.limit_price
        source = self.source(order.symbol)
        market = None if source is None else touch(source.quote, order.side)
        if market is None:
            market, _ = self.mark(order.symbol, self._state.holding(order.symbol).last_price)
        if order.stop_price is not None:  # the market is there or beyond it when it trades
            reached = max if buys else min
            market = reached(market, order.stop_price) if market else order.stop_price
        return market if order.limit_price is None else max(market, order.limit_price)
