"""Laws of quotes and of the steps in which prices and quantities move."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from nanobook_core.contracts import (
    Broker,
    BrokerOrder,
    Instrument,
    NoQuoteError,
    OrderInvalidError,
    OrderState,
    Quote,
    UnknownSymbolError,
)
from nanobook_core.contracts.cents import to_cents, whole
from nanobook_core.testing.broker_bench import BrokerBench, FaultyVenue, Venue
from nanobook_core.types import Side

#: One broker serves all examples: it is only asked what an order would be cut to.
_law = settings(
    deadline=None,
    suppress_health_check=[HealthCheck.differing_executors, HealthCheck.function_scoped_fixture],
)
_sides = st.sampled_from(["buy", "sell"])
#: Around a usual price and quantity, on their steps and between them.
_factors = st.decimals("0.9", "1.1", places=7)


class QuoteLaws(BrokerBench):
    """A quote is what the venue has now, and says how old it is."""

    def test_a_quote_is_what_the_market_is(self, broker: Broker) -> None:
        """Both sides, exactly, and usable to price an order."""
        quote = self.eventually(
            lambda: broker.quote(self.symbol), lambda quote: quote.bid == self.bid
        )
        assert isinstance(quote, Quote)
        assert quote.symbol == self.symbol
        assert (quote.bid, quote.ask) == (self.bid, self.ask)
        assert quote.is_usable

    def test_a_quote_follows_the_market(self, broker: Broker, venue: Venue) -> None:
        """And the other symbol's stays where it was."""
        bid, ask = self.bid + 2 * (self.ask - self.bid), self.ask + 2 * (self.ask - self.bid)
        venue.set_quote(self.symbol, bid, ask)
        self.eventually(
            lambda: broker.quote(self.symbol), lambda quote: (quote.bid, quote.ask) == (bid, ask)
        )
        other = broker.quote(self.other_symbol)
        assert (other.bid, other.ask) == (self.bid, self.ask)

    def test_a_quote_says_when_it_came(self, broker: Broker, venue: Venue) -> None:
        """On a clock that never goes back, so that ages can be told."""
        first = broker.quote(self.symbol)
        venue.advance(1)
        venue.set_quote(self.symbol, self.bid, self.ask)
        second = broker.quote(self.symbol)
        assert first.received is not None
        assert second.received is not None
        assert second.received >= first.received

    @pytest.mark.parametrize("method", ["quote", "instrument"])
    def test_an_unknown_symbol_is_an_error(self, broker: Broker, method: str) -> None:
        """Never an empty answer, which would price an order at nothing."""
        with pytest.raises(UnknownSymbolError):
            getattr(broker, method)(self.unknown_symbol)

    def test_a_symbol_without_a_price_is_an_error_of_its_own(
        self, broker: Broker, venue: FaultyVenue
    ) -> None:
        """It exists, and cannot be priced now."""
        if self.withdraws_quotes:
            venue.withdraw_quote(self.symbol)
            with pytest.raises(NoQuoteError):
                broker.quote(self.symbol)
            assert broker.quote(self.other_symbol).is_usable

    def test_a_quote_is_also_the_mapping_of_the_original(self, broker: Broker) -> None:
        """In cents, half a cent away from 0; what is not given is 0."""
        quote = broker.quote(self.symbol)
        assert dict(quote) == {
            "symbol": self.symbol,
            "bid_cents": to_cents(self.bid),
            "ask_cents": to_cents(self.ask),
            "last_cents": to_cents(quote.last or Decimal(0)),
            "volume": whole(quote.volume or Decimal(0)),
        }


class InstrumentLaws(BrokerBench):
    """An order is cut to the venue's steps only when asked, and never to more risk."""

    def at(self, broker: Broker, side: str, price: Decimal, size: Decimal) -> BrokerOrder:
        """Return a resting order at so many times the usual price and quantity."""
        limit = self.away(broker, side, part="0.10") * price
        return self.resting(
            broker, side, limit_price=limit, quantity=self.quantity * size, client_order_id=None
        )

    def test_an_instrument_does_not_change(self, broker: Broker) -> None:
        """It is what was asked for, in steps above 0."""
        rules = broker.instrument(self.symbol)
        assert isinstance(rules, Instrument)
        assert rules.symbol == self.symbol
        assert rules.currency
        assert rules.tradable
        assert broker.instrument(self.symbol) == rules

    @_law
    @given(side=_sides, price=_factors, size=_factors)
    def test_a_cut_order_is_in_steps(
        self, broker: Broker, side: str, price: Decimal, size: Decimal
    ) -> None:
        """Price on the tick, quantity on the lot."""
        cut = broker.normalize(self.at(broker, side, price, size)).order
        rules = broker.instrument(self.symbol)
        assert cut.limit_price is not None
        rules.to_ticks(cut.limit_price)
        rules.to_lots(cut.quantity)

    @_law
    @given(side=_sides, price=_factors, size=_factors)
    def test_cutting_adds_no_risk(
        self, broker: Broker, side: str, price: Decimal, size: Decimal
    ) -> None:
        """A buy at no more, a sale at no less, less than a step away, and never a larger order."""
        order = self.at(broker, side, price, size)
        cut = broker.normalize(order).order
        rules = broker.instrument(self.symbol)
        assert order.limit_price is not None
        assert cut.limit_price is not None
        gained = order.limit_price - cut.limit_price
        passive = gained if order.side is Side.BUY else -gained
        assert 0 <= passive < rules.tick_at(order.limit_price)
        assert 0 <= order.quantity - cut.quantity < rules.lot

    @_law
    @given(side=_sides, price=_factors, size=_factors)
    def test_cutting_twice_is_cutting_once(
        self, broker: Broker, side: str, price: Decimal, size: Decimal
    ) -> None:
        """What is in steps is left as it is, and nothing is then said to have changed."""
        order = self.at(broker, side, price, size)
        cut = broker.normalize(order)
        again = broker.normalize(cut.order)
        assert again.order == cut.order
        assert again.changes == ()
        assert bool(cut.changes) == (cut.order != order)

    @_law
    @given(side=_sides, price=_factors, size=_factors)
    def test_cutting_changes_nothing_else(
        self, broker: Broker, side: str, price: Decimal, size: Decimal
    ) -> None:
        """Symbol, side, type and client order id are the caller's."""
        order = self.at(broker, side, price, size)
        cut = broker.normalize(order).order
        for name in ("symbol", "side", "order_type", "tif", "client_order_id", "post_only"):
            assert getattr(cut, name) == getattr(order, name)

    @_law
    @given(size=st.decimals("0.01", "0.99", places=2))
    def test_less_than_a_lot_is_no_order(self, broker: Broker, size: Decimal) -> None:
        """Cut it is nothing, and rounding it up would be more than was asked for."""
        quantity = broker.instrument(self.symbol).lot * size
        assume(quantity)
        with pytest.raises(OrderInvalidError):
            broker.normalize(self.resting(broker, quantity=quantity))

    def test_a_cut_order_is_taken(self, broker: Broker) -> None:
        """The venue wants no other steps than those that it tells; cutting itself sends nothing."""
        rules = broker.instrument(self.symbol)
        order = self.at(broker, "buy", Decimal(1), Decimal(1))
        assert order.limit_price is not None
        ragged = self.resting(
            broker,
            limit_price=order.limit_price + rules.tick_at(order.limit_price) / 3,
            quantity=self.quantity + rules.lot / 3,
        )
        cut = broker.normalize(ragged).order
        self.nothing_happened(broker)
        status = broker.order_status(broker.submit_order(cut))
        assert status.state is OrderState.ACCEPTED
        assert (status.quantity, status.limit_price) == (self.quantity, order.limit_price)

    def test_cutting_an_unknown_symbol_is_an_error(self, broker: Broker) -> None:
        """Its steps are not known, and are not guessed."""
        with pytest.raises((UnknownSymbolError, OrderInvalidError)):
            broker.normalize(self.resting(broker, symbol=self.unknown_symbol, limit_price=self.bid))
