"""The venue trades as an obvious list of orders would."""

from decimal import Decimal

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.ibkr.venue_bench import Bench, form
from tests.ibkr.venue_model import Model

CENTS = st.integers(9990, 10010)
SIZES = st.integers(1, 30)
SIDES = st.sampled_from(["BUY", "SELL"])
STEPS = st.one_of(
    st.tuples(
        st.just("place"),
        SIDES,
        st.none() | CENTS,
        SIZES,
        st.sampled_from(["DAY", "GTC", "IOC", "FOK"]),
    ),
    st.tuples(st.just("cancel"), st.integers(0, 50)),
    st.tuples(st.just("modify"), st.integers(0, 50), CENTS, SIZES),
    st.tuples(st.just("quote"), st.none() | CENTS, st.none() | st.integers(1, 8), SIZES, SIZES),
    st.tuples(st.just("fill"), st.integers(0, 50), SIZES),
)


def dollars(cents):
    return None if cents is None else Decimal(cents) / 100


class Pair:
    """A venue and the model of it, which are asked the same."""

    def __init__(self):
        self.bench = Bench(cash={"DU1": Decimal(10**9)})
        self.venue = self.bench.venue
        self.venue.withdraw_quote("AAPL")
        self.model = Model()
        self.forms = {}

    def step(self, step):
        what, *rest = step
        getattr(self, what)(*rest)
        self.compare()

    def place(self, side, limit, quantity, tif):
        number = len(self.forms) + 1
        kind = "MKT" if limit is None else "LMT"
        self.forms[number] = form(side, quantity, kind, dollars(limit), tif=tif)
        self.bench.place(1, number, self.forms[number])
        self.model.place(number, side, limit, quantity, tif)

    def resting(self, index):
        numbers = [line.number for line in self.model.book if line.number]
        return numbers[index % len(numbers)] if numbers else None

    def cancel(self, index):
        numbers = [line.number for line in self.model.book if line.number]
        numbers += [number for number, _, _ in self.model.unmet]
        if numbers:
            number = numbers[index % len(numbers)]
            self.venue.cancel(1, number)
            self.model.cancel(number)

    def modify(self, index, price, quantity):
        number = self.resting(index)
        if number is not None and quantity > self.model.filled[number]:
            old = self.forms[number]
            self.bench.place(
                1, number, form(old.action, quantity, "LMT", dollars(price), tif=old.tif)
            )
            self.model.modify(number, price, quantity)

    def quote(self, bid, spread, bid_size, ask_size):
        ask = None if spread is None else (bid or 10000) + spread
        self.bench.quote(dollars(bid), dollars(ask), bid_size=bid_size, ask_size=ask_size)
        self.model.quote(bid, ask, bid_size, ask_size)

    def fill(self, index, quantity):
        number = self.resting(index)
        if number is not None:
            (left,) = [line.left for line in self.model.book if line.number == number]
            quantity = min(quantity, left)
            self.venue.fill(self.bench.order(1, number).perm_id, Decimal(quantity))
            self.model.fill(number, quantity)

    def compare(self):
        traded = [
            (each.order_id, int(each.quantity), int(each.price * 100))
            for each in self.venue.executions
        ]
        assert traded == self.model.trades
        top = self.venue.top("AAPL")
        assert (top.bid, top.bid_size, top.ask, top.ask_size) == self.model.top()
        for order in self.venue.orders:
            filled = self.model.filled[order.order_id]
            status = "Cancelled" if order.order_id in self.model.ended else "Submitted"
            if filled == order.form.quantity:
                status = "Filled"
            assert (order.status, order.filled) == (status, filled)


@settings(max_examples=200)
@given(st.lists(STEPS, max_size=25))
def test_venue_trades_as_the_model_does(steps):
    pair = Pair()
    for step in steps:
        pair.step(step)
