"""Brokers that quote or cut in other ways."""

from decimal import Decimal

from attrs import evolve
from tests.core.testing.broker_defect.sound import Sound, breaks

from nanobook_core.contracts import NoQuoteError, NormalizedOrder, Quote, UnknownSymbolError


class Quoted(Sound):
    """Tells other quotes than there are."""

    def quoted(self, quote):
        return quote

    def quote(self, symbol):
        return self.quoted(super().quote(symbol))


@breaks("a_quote_is_what_the_market_is")
class Crossed(Quoted):
    def quoted(self, quote):
        return evolve(quote, bid=quote.ask, ask=quote.bid)


@breaks("a_quote_follows_the_market")
class FirstQuoteForEver(Sound):
    def __init__(self, *args, **options):
        super().__init__(*args, **options)
        self.first = {}

    def connect(self, timeout=None):
        super().connect(timeout)
        for symbol in ("AAPL", "MSFT"):
            self.quote(symbol)

    def quote(self, symbol):
        if symbol not in self.first:
            self.first[symbol] = super().quote(symbol)
        return self.first[symbol]


@breaks("a_quote_says_when_it_came")
class QuotesOfNoTime(Quoted):
    def quoted(self, quote):
        return evolve(quote, received=None)


@breaks("a_quote_says_when_it_came")
class QuotesGetYounger(Quoted):
    def quoted(self, quote):
        return evolve(quote, received=-quote.received)


@breaks("an_unknown_symbol_is_an_error")
class EmptyQuotes(Sound):
    def quote(self, symbol):
        try:
            return super().quote(symbol)
        except UnknownSymbolError:
            return Quote(symbol=symbol)


@breaks("a_symbol_without_a_price_is_an_error_of_its_own")
class QuotesOfNothing(Sound):
    def quote(self, symbol):
        try:
            return super().quote(symbol)
        except NoQuoteError:
            return Quote(symbol=symbol)


@breaks("a_quote_is_also_the_mapping_of_the_original")
class QuotesInUnits(Quoted):
    def quoted(self, quote):
        return evolve(quote, bid=quote.bid / 100)


class Cut(Sound):
    """Cuts orders in other ways."""

    def cut(self, order, normalized):
        return normalized

    def normalize(self, order):
        return self.cut(order, super().normalize(order))


@breaks("an_instrument_does_not_change")
class InstrumentsOfAnotherName(Sound):
    def instrument(self, symbol):
        return evolve(super().instrument(symbol), symbol=symbol + ".US")


@breaks("a_cut_order_is_in_steps")
class CutsNothing(Cut):
    def cut(self, order, normalized):
        return NormalizedOrder(order=order)


@breaks("cutting_adds_no_risk")
class CutsUpwards(Cut):
    def cut(self, order, normalized):
        if order.quantity == normalized.order.quantity:
            return normalized
        more = evolve(normalized.order, quantity=normalized.order.quantity + 1)
        return evolve(normalized, order=more)


@breaks("cutting_adds_no_risk")
class PaysMore(Cut):
    def cut(self, order, normalized):
        limit = normalized.order.limit_price
        if limit == order.limit_price:
            return normalized
        worse = limit + Decimal("0.01") * (1 if order.side == "buy" else -1)
        return evolve(normalized, order=evolve(normalized.order, limit_price=worse))


@breaks("cutting_twice_is_cutting_once")
class CutsALittleMore(Cut):
    def cut(self, order, normalized):
        less = evolve(normalized.order, quantity=max(normalized.order.quantity - 1, 1))
        return evolve(normalized, order=less)


@breaks("cutting_twice_is_cutting_once")
class CutsInSilence(Cut):
    def cut(self, order, normalized):
        return evolve(normalized, changes=())


@breaks("cutting_changes_nothing_else")
class CutsToTheOtherSide(Cut):
    def cut(self, order, normalized):
        return evolve(normalized, order=evolve(normalized.order, side=order.side.opposite))


@breaks("less_than_a_lot_is_no_order")
class CutsUpToALot(Cut):
    def normalize(self, order):
        return super().normalize(evolve(order, quantity=max(order.quantity, 1)))


@breaks("a_cut_order_is_taken")
class SendsWhatItCuts(Cut):
    def cut(self, order, normalized):
        self.submit_order(normalized.order)
        return normalized


@breaks("cutting_an_unknown_symbol_is_an_error")
class CutsWhatItDoesNotKnow(Sound):
    def normalize(self, order):
        try:
            return super().normalize(order)
        except UnknownSymbolError:
            return NormalizedOrder(order=order)
