"""Nothing reaches a broker that a check does not let pass, and nothing else is kept back."""

import inspect
import threading
from decimal import Context, Decimal, localcontext

import pytest
from attrs import evolve
from tests.core.risk.venue import StoppedClock, Venue

from nanobook_core.contracts import (
    Broker,
    BrokerCapabilities,
    BrokerOrder,
    BrokerOrderStatus,
    BrokerTimeInForce,
    Instrument,
    LinkDownError,
    NoQuoteError,
    NotConnectedError,
    Outcome,
    OutcomeUnknownError,
    Quote,
    RateLimitedError,
    RiskVetoError,
    UnknownSymbolError,
    UnsupportedError,
)
from nanobook_core.errors import ValidationError
from nanobook_core.risk import GatedBroker, RiskEngine


def gate(venue, request=None, checks=None, **limits):
    return GatedBroker(
        venue, RiskEngine(checks=checks, **limits), clock=StoppedClock(), request=request
    )


def an_open_order(symbol, side, quantity, **more):
    return BrokerOrderStatus(
        order_id=1,
        client_order_id="",
        symbol=symbol,
        side=side,
        quantity=Decimal(quantity),
        state="accepted",
        **more,
    )


def test_it_is_a_broker_with_every_argument_of_one():
    gated = gate(Venue())
    assert isinstance(gated, Broker)
    assert gated.name == "venue"
    for name, method in inspect.getmembers(Broker, inspect.isfunction):
        if not name.startswith("_"):
            ours = inspect.signature(getattr(GatedBroker, name))
            assert ours == inspect.signature(method), name


def test_an_order_within_the_limits_is_sent_as_it_is():
    venue = Venue()
    order = BrokerOrder("AAPL", "buy", 25, client_order_id="nb1-a")
    assert gate(venue).submit_order(order) == 1
    assert venue.sent == [order]


def test_the_seeds_form_is_an_order_too():
    venue = Venue()
    gate(venue).submit_order("AAPL", "buy", 10, order_type="limit", limit_price_cents=99_50)
    assert venue.sent == [BrokerOrder("AAPL", "buy", 10, "limit", Decimal("99.5"))]


def test_the_seeds_form_works_for_as_long_as_is_usual_at_the_venue():
    venue = Venue()
    venue.capabilities = lambda: BrokerCapabilities(tifs=frozenset({BrokerTimeInForce.GTC}))
    gate(venue).submit_order("AAPL", "buy", 10)
    assert venue.sent == [BrokerOrder("AAPL", "buy", 10, tif="gtc")]


def test_an_order_that_a_check_fails_is_not_sent():
    venue = Venue()
    with pytest.raises(
        RiskVetoError, match=r"risk: Max position: 26\.0% \(AAPL\) > 25\.0%"
    ) as veto:
        gate(venue).submit_order(BrokerOrder("AAPL", "buy", 26, client_order_id="nb1-a"))
    assert venue.sent == []
    assert venue.halted == ""
    assert veto.value.outcome is Outcome.NOT_SENT
    assert veto.value.client_order_id == "nb1-a"
    assert [found.name for found in veto.value.report.failures] == ["Max position"]


def test_a_warning_does_not_keep_an_order_back():
    venue = Venue()
    gate(venue, max_trade_usd=1).submit_order("AAPL", "buy", 1)
    assert len(venue.sent) == 1


def test_open_orders_count():
    venue = Venue()
    gated = gate(venue)
    gated.submit_order("AAPL", "buy", 20)
    with pytest.raises(RiskVetoError, match=r"26\.0% \(AAPL\)"):
        gated.submit_order("AAPL", "buy", 6)
    gated.submit_order("AAPL", "buy", 5)
    assert len(venue.sent) == 2


def test_what_is_held_counts_and_an_exit_passes():
    venue = Venue(held={"AAPL": 150, "MSFT": -90})
    gated = gate(venue)
    with pytest.raises(RiskVetoError, match="Leverage: 2\\.41x > 1\\.50x"):
        gated.submit_order("IBM", "buy", 1)
    gated.submit_order("AAPL", "sell", 100)
    gated.submit_order("AAPL", "sell", 50)
    gated.submit_order("MSFT", "buy", 90)
    with pytest.raises(RiskVetoError):  # the open sales have used the holding up
        gated.submit_order("AAPL", "sell", 1)
    assert len(venue.sent) == 3


@pytest.mark.parametrize(
    "question", ["account", "positions", "open_orders", "quote", "instrument", "server_time"]
)
@pytest.mark.parametrize(
    "error",
    [LinkDownError("gone"), NoQuoteError("none"), RuntimeError("odd"), ValueError("bad answer")],
    ids=lambda error: type(error).__name__,
)
def test_a_question_without_an_answer_refuses(question, error):
    venue = Venue(held={"AAPL": 100}, failing={question: error})
    with pytest.raises((RiskVetoError, NoQuoteError)) as refused:
        gate(venue).submit_order("AAPL", "sell", 1)
    assert refused.value.outcome is Outcome.NOT_SENT
    assert venue.sent == []


class MovingVenue(Venue):
    """The open sale of all that is held fills while it is asked the one question or the other."""

    def __init__(self, question):
        super().__init__(held={"AAPL": 100})
        self.question = question
        self.orders = [an_open_order("AAPL", "sell", 100, limit_price=Decimal(101))]

    def _ask(self, question):
        super()._ask(question)
        if question == self.question and self.orders:
            self.orders.clear()
            self.held = {}

    def positions(self):
        held = super().positions()
        self._ask("after positions")
        return held

    def open_orders(self, scope="own"):
        orders = super().open_orders(scope)
        self._ask("after open_orders")
        return orders


@pytest.mark.parametrize(
    "question",
    ["account", "open_orders", "after open_orders", "positions", "after positions", "quote"],
)
def test_an_open_order_that_fills_between_two_questions_counts(question):
    venue = MovingVenue(question)
    with pytest.raises(RiskVetoError, match="short selling not allowed"):
        gate(venue, allow_short=False).submit_order("AAPL", "sell", 100)
    assert venue.sent == []


class RestlessVenue(Venue):
    """Something of an open order has filled whenever it is asked."""

    filled = 0

    def open_orders(self, scope="own"):
        self.filled += 1
        self.orders = [an_open_order("MSFT", "buy", 100, filled_quantity=Decimal(self.filled))]
        return super().open_orders(scope)


def test_a_venue_that_never_stands_still_refuses_for_now():
    venue = RestlessVenue()
    with pytest.raises(RiskVetoError, match="open orders change while they are asked for") as veto:
        gate(venue).submit_order("AAPL", "buy", 1)
    assert veto.value.retryable
    assert veto.value.outcome is Outcome.NOT_SENT
    assert venue.asked.count("positions") == 3
    assert venue.sent == []


def test_an_error_that_says_nothing_was_sent_stays_what_it_is():
    for error in (NotConnectedError(), RateLimitedError(retry_after=2.0)):
        venue = Venue(failing={"account": error})
        with pytest.raises(type(error)) as raised:
            gate(venue).submit_order("AAPL", "buy", 1)
        assert raised.value is error


class PricelessVenue(Venue):
    """It has no price of AAPL, nor a value of what is held of it."""

    def positions(self):
        return [
            evolve(position, market_value=Decimal(0)) if position.symbol == "AAPL" else position
            for position in super().positions()
        ]

    def quote(self, symbol):
        if symbol == "AAPL":
            raise NoQuoteError(symbol)
        return super().quote(symbol)


def test_without_a_price_of_another_holding_only_exits_pass():
    venue = PricelessVenue(held={"AAPL": 1, "MSFT": 5})
    gated = gate(venue)
    with pytest.raises(RiskVetoError, match="no price of AAPL"):
        gated.submit_order("MSFT", "buy", 1)
    gated.submit_order("MSFT", "sell", 5)
    assert len(venue.sent) == 1


class ForgetfulVenue(Venue):
    """It does not know any longer what DELISTED is."""

    def instrument(self, symbol):
        if symbol == "DELISTED":
            raise UnknownSymbolError(symbol)
        return super().instrument(symbol)


@pytest.mark.parametrize("asks_again", [False, True], ids=["held", "held and open"])
def test_what_the_venue_cannot_describe_traps_no_exit_of_something_else(asks_again):
    venue = ForgetfulVenue(held={"DELISTED": 1, "AAPL": 5})
    if asks_again:
        venue.orders = [an_open_order("DELISTED", "buy", 1, limit_price=Decimal(100))]
    gated = gate(venue)
    with pytest.raises(RiskVetoError, match="no price of DELISTED"):
        gated.submit_order("AAPL", "buy", 1)
    with pytest.raises(UnknownSymbolError):
        gated.submit_order("DELISTED", "sell", 1)
    gated.submit_order("AAPL", "sell", 5)
    assert len(venue.sent) == 1


def test_a_symbol_that_is_listed_twice_refuses():
    venue = Venue(held={"AAPL": 200})
    venue.positions = lambda: [*Venue.positions(venue), *Venue.positions(Venue(held={"AAPL": 1}))]
    with pytest.raises(RiskVetoError, match="AAPL twice in positions") as veto:
        gate(venue).submit_order("AAPL", "buy", 1)
    assert veto.value.outcome is Outcome.NOT_SENT
    assert venue.sent == []


def test_a_halting_check_halts_the_broker_until_someone_resumes_it():
    venue = Venue()
    gated = gate(
        venue,
        request=lambda request: evolve(request, killed="stop it"),
        checks={"kill_state": {}},
    )
    with pytest.raises(RiskVetoError, match="Kill state"):
        gated.submit_order("AAPL", "buy", 1)
    assert venue.halted == "Kill state: stopped: stop it"
    assert venue.sent == []


def test_a_halt_that_fails_hides_no_veto_and_stops_the_gate_itself():
    venue = Venue(failing={"halt": LinkDownError("gone")})
    killed = ["stop it"]
    gated = gate(
        venue,
        request=lambda request: evolve(request, killed=killed[0]),
        checks={"kill_state": {}},
    )
    with pytest.raises(RiskVetoError, match="Kill state") as veto:
        gated.submit_order("AAPL", "buy", 1)
    assert veto.value.outcome is Outcome.NOT_SENT
    assert [found.name for found in veto.value.report.halts] == ["Kill state"]
    assert veto.value.__notes__ == [
        "the broker could not be halted: LinkDownError: connection error: gone"
    ]
    killed[0] = ""
    with pytest.raises(RiskVetoError, match="stopped until someone resumes: Kill state: stopped"):
        gated.submit_order("AAPL", "buy", 1)
    assert venue.sent == []
    gated.resume()
    gated.submit_order("AAPL", "buy", 1)
    assert len(venue.sent) == 1


def test_the_caller_adds_what_only_it_knows_but_not_another_order():
    venue = Venue()
    with pytest.raises(RiskVetoError, match=r"Max drawdown: 50\.0% > 20\.0%"):
        gate(venue, lambda request: evolve(request, peak_equity=Decimal(20_000))).submit_order(
            "AAPL", "buy", 1
        )
    with pytest.raises(RiskVetoError, match="another order"):
        gate(venue, lambda request: evolve(request, orders=())).submit_order("AAPL", "buy", 1)
    assert venue.sent == []


def test_an_exception_of_the_caller_sends_nothing():
    def request(_):
        raise OSError("disk full")

    venue = Venue()
    with pytest.raises(OSError, match="disk full"):
        gate(venue, request).submit_order("AAPL", "buy", 1)
    assert venue.sent == []


DUPLICATES = {"duplicate_order": {"seconds": 10}}


def test_what_was_sent_is_remembered_and_refused_again():
    venue = Venue()
    gated = gate(venue, checks=DUPLICATES)
    order = BrokerOrder("AAPL", "buy", 1, client_order_id="nb1-a")
    gated.submit_order(order)
    with pytest.raises(RiskVetoError, match="client order id nb1-a has been used"):
        gated.submit_order(order)
    with pytest.raises(RiskVetoError, match="was sent within 10 s"):
        gated.submit_order(evolve(order, client_order_id="nb1-b"))
    assert len(venue.sent) == 1


@pytest.mark.parametrize(
    ("error", "again"),
    [
        (NotConnectedError(), True),
        (ValueError("none of ours, so no proof"), False),
        (OutcomeUnknownError("no answer"), False),
        (KeyboardInterrupt(), False),
    ],
    ids=lambda value: type(value).__name__,
)
def test_only_what_was_surely_not_sent_may_be_sent_again(error, again):
    venue = Venue(failing={"submit_order": error})
    gated = gate(venue, checks=DUPLICATES)
    order = BrokerOrder("AAPL", "buy", 1, client_order_id="nb1-a")
    with pytest.raises(type(error)):
        gated.submit_order(order)
    venue.failing.clear()
    if again:
        gated.submit_order(order)
        assert len(venue.sent) == 1
    else:
        with pytest.raises(RiskVetoError, match="has been used"):
            gated.submit_order(order)


def test_a_changed_order_is_judged_in_the_place_of_the_old_one():
    venue = Venue()
    gated = gate(venue)
    gated.submit_order("AAPL", "buy", 20, order_type="limit", limit_price=Decimal(100))
    gated.replace_order(1, quantity=Decimal(25))
    with pytest.raises(RiskVetoError, match=r"Max position: 26\.0%"):
        gated.replace_order(1, quantity=Decimal(26))
    with pytest.raises(RiskVetoError, match=r"Max order value: \$120000 > \$100000"):
        gated.replace_order(1, limit_price=Decimal(6000))
    assert venue.replaced == [(1, Decimal(25), None)]


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"quantity": 5.0}, TypeError),
        ({"quantity": Decimal("NaN")}, ValidationError),
        ({"limit_price": 50.0}, TypeError),
        ({"limit_price": Decimal("Infinity")}, ValidationError),
    ],
    ids=str,
)
def test_a_change_that_is_none_is_refused_before_anything_is_asked(change, error):
    venue = Venue()
    with pytest.raises(error, match=f"{next(iter(change))} is"):
        gate(venue).replace_order(1, **change)
    assert venue.asked == []


def test_what_has_filled_of_a_changed_order_is_held_already():
    venue = Venue(held={"AAPL": 10})
    gated = gate(venue)
    venue.orders = [an_open_order("AAPL", "buy", 20, filled_quantity=Decimal(10))]
    gated.replace_order(1, quantity=Decimal(25))
    with pytest.raises(RiskVetoError, match=r"Max position: 26\.0%"):
        gated.replace_order(1, quantity=Decimal(26))
    assert venue.replaced == [(1, Decimal(25), None)]


def test_the_digits_of_a_changed_quantity_are_kept():
    venue = Venue()
    gated = gate(venue, checks={"max_quantity": {"max_quantity": 10}})
    venue.orders = [an_open_order("AAPL", "buy", 20)]
    with (
        localcontext(Context(prec=3)),
        pytest.raises(RiskVetoError, match=r"10\.0001 > 10 limit"),
    ):
        gated.replace_order(1, quantity=Decimal("10.0001"))


STOP = {"order_type": "stop", "stop_price": Decimal(200)}


def test_an_open_stop_is_worth_its_stop_price():
    venue = Venue()
    checks = {"buying_power": {}}
    gated = gate(venue, checks=checks, max_position_pct=1)
    venue.orders = [an_open_order("AAPL", "buy", 40, **STOP)]
    with pytest.raises(RiskVetoError, match=r"Buying power: 10020\.00 > 10000\.00 USD cash"):
        gated.submit_order("MSFT", "buy", 20, order_type="limit", limit_price=Decimal(101))


def test_an_open_order_of_something_else_is_worth_what_its_rules_say():
    venue = Venue()
    venue.instrument = lambda symbol: Instrument(
        symbol=symbol, multiplier=Decimal(100 if symbol == "ESZ6" else 1)
    )
    venue.orders = [an_open_order("ESZ6", "buy", 1, limit_price=Decimal(100))]
    gated = gate(venue)
    gated.submit_order("AAPL", "sell", 25)
    venue.orders[0] = evolve(venue.orders[0], quantity=Decimal(2))
    with pytest.raises(RiskVetoError, match=r"Leverage: 2\.24x > 1\.50x"):
        gated.submit_order("AAPL", "buy", 1)


def test_a_stop_that_is_changed_is_worth_its_stop_price():
    venue = Venue()
    gated = gate(venue, max_position_pct=1, max_order_value_cents=5_000_00)
    venue.orders = [an_open_order("AAPL", "buy", 20, **STOP)]
    gated.replace_order(1, quantity=Decimal(25))
    with pytest.raises(RiskVetoError, match=r"Max order value: \$5200 > \$5000"):
        gated.replace_order(1, quantity=Decimal(26))


def quoted(bid, ask, last, **more):
    """A venue with that quote."""
    venue = Venue(**more)
    prices = {
        name: None if price is None else Decimal(price)
        for name, price in (("bid", bid), ("ask", ask), ("last", last))
    }
    venue.quote = lambda symbol: Quote(symbol=symbol, received=100.0, **prices)
    return venue


@pytest.mark.parametrize(
    ("quote", "price"),
    [
        ((1, 199, None), 199),
        ((99, 101, 1000), 101),
        ((None, 100, 1), 100),
        ((100, None, 1), None),
        ((None, None, 100), None),
        ((200, 100, 1), 200),
        ((1, "NaN", 100), None),
        ((1, 0, 100), None),
    ],
    ids=str,
)
def test_a_market_purchase_is_worth_what_it_may_have_to_pay(quote, price):
    venue = quoted(*quote)
    enough = {"max_position_pct": 1, "max_order_value_cents": (price or 1000) * 10 * 100}
    gated = gate(venue, **enough)
    if price is None:
        with pytest.raises(RiskVetoError, match="Max order value: no ask of AAPL"):
            gated.submit_order("AAPL", "buy", 10)
        assert venue.sent == []
    else:
        with pytest.raises(RiskVetoError, match="Max order value"):
            gated.submit_order("AAPL", "buy", 11)
        gated.submit_order("AAPL", "buy", 10)
        assert len(venue.sent) == 1


def test_a_stop_below_the_market_is_worth_what_it_may_have_to_pay():
    venue = quoted(99, 101, None)
    stop = BrokerOrder("AAPL", "buy", 10, "stop", stop_price=Decimal("0.01"))
    with pytest.raises(RiskVetoError, match=r"Max order value: \$1010 > \$1009"):
        gate(venue, max_order_value_cents=1009_00).submit_order(stop)


def test_where_there_is_no_market_a_position_is_worth_the_highest_price_that_is_known():
    gated = gate(quoted(None, 100, 1))
    with pytest.raises(RiskVetoError, match=r"Max position: 26\.0% \(AAPL\) > 25\.0%"):
        gated.submit_order("AAPL", "buy", 26, order_type="limit", limit_price=Decimal(1))
    gated.submit_order("AAPL", "buy", 25, order_type="limit", limit_price=Decimal(1))


def test_where_there_is_no_market_the_venues_value_of_a_holding_counts_too():
    gated = gate(quoted(None, None, 1, held={"AAPL": 20}))
    with pytest.raises(RiskVetoError, match=r"Max position: 26\.0% \(AAPL\) > 25\.0%"):
        gated.submit_order("AAPL", "buy", 6, order_type="limit", limit_price=Decimal(1))
    gated.submit_order("AAPL", "buy", 5, order_type="limit", limit_price=Decimal(1))


def test_where_nobody_buys_an_exit_is_worth_the_last_price():
    venue = quoted(None, None, 100, held={"AAPL": 5})
    gate(venue).submit_order("AAPL", "sell", 5)
    assert len(venue.sent) == 1


def test_a_venue_that_does_not_tell_the_time_is_only_as_good_as_the_checks_that_need_it():
    venue = Venue(failing={"server_time": UnsupportedError("no time")})
    gate(venue).submit_order("AAPL", "buy", 1)
    with pytest.raises(RiskVetoError, match="Clock skew: the venue's time is not known"):
        gate(venue, checks={"clock_skew": {}}).submit_order("AAPL", "buy", 2)
    assert len(venue.sent) == 1


def test_rules_of_what_is_only_held_are_asked_for_once():
    venue = Venue(held={"MSFT": 1})
    rules = {"AAPL": 1, "MSFT": 1}
    venue.instrument = lambda symbol: (
        venue.asked.append(symbol) or Instrument(symbol=symbol, multiplier=Decimal(rules[symbol]))
    )
    gated = gate(venue)
    gated.submit_order("AAPL", "buy", 1)
    rules["AAPL"] = 100
    with pytest.raises(RiskVetoError, match=r"200\.0% \(AAPL\)"):
        gated.submit_order("AAPL", "buy", 1)
    assert venue.asked.count("MSFT") == 1
    assert venue.asked.count("account") == 2


class InEuros(Venue):
    """What it trades is priced in euros; the account and its positions are in dollars."""

    def instrument(self, symbol):
        return evolve(super().instrument(symbol), currency="EUR")


def test_without_a_rate_what_trades_in_another_currency_is_not_sent():
    venue = InEuros(held={"SAP": 10})
    gated = gate(venue)
    with pytest.raises(RiskVetoError, match="no rate of EUR, in which SAP trades, in USD"):
        gated.submit_order("SAP", "buy", 1)
    with pytest.raises(RiskVetoError, match="no rate of EUR") as veto:
        gated.submit_order("SAP", "sell", 1)
    # The size of an exit cannot be judged; what it exposes needs no price.
    assert {found.name for found in veto.value.report.failures} == {
        "Max order value",
        "Max batch value",
        "Order size",
    }
    assert venue.sent == []


def test_rates_are_the_accounts():
    venue = InEuros(held={"SAP": 10})
    venue.account = lambda: evolve(Venue.account(venue), rates={"EUR": Decimal(2)})
    gated = gate(venue)
    with pytest.raises(RiskVetoError, match=r"Max position: 26\.0% \(SAP\) > 25\.0%"):
        gated.submit_order("SAP", "buy", 3)
    gated.submit_order("SAP", "buy", 2)
    gated.submit_order("SAP", "sell", 10)
    assert len(venue.sent) == 2


def test_with_a_rate_of_the_caller_it_is_valued_in_the_accounts_currency():
    venue = InEuros(held={"SAP": 10, "ASML": 5})
    seen = []

    def request(asked):
        seen.append(evolve(asked, rates={"EUR": Decimal(2)}))
        return seen[-1]

    gate(venue, request).submit_order("SAP", "buy", 2, order_type="limit", limit_price_cents=100_00)
    with pytest.raises(RiskVetoError, match=r"Max position: 26\.0% \(SAP\) > 25\.0%"):
        gate(venue, request).submit_order("SAP", "buy", 1)
    # A value in dollars is no price in euros, so the quote of each is asked for.
    assert seen[0].marks == {"SAP": Decimal(100), "ASML": Decimal(100)}
    assert venue.asked.count("quote") == 4


class SlowVenue(Venue):
    """Takes an order only once somebody else asks it something, or a moment has passed."""

    def __init__(self):
        super().__init__()
        self.is_sending = threading.Event()
        self.is_asked = threading.Event()

    def account(self):
        if self.is_sending.is_set():
            self.is_asked.set()
        return super().account()

    def submit_order(self, order):
        self.is_sending.set()
        self.is_asked.wait(0.2)
        return super().submit_order(order)


def test_two_threads_cannot_both_pass_on_room_for_one():
    venue = SlowVenue()
    gated = gate(venue)
    first = threading.Thread(target=gated.submit_order, args=("AAPL", "buy", 20))
    first.start()
    assert venue.is_sending.wait(10)
    with pytest.raises(RiskVetoError, match=r"Max position: 40\.0%"):
        gated.submit_order("AAPL", "buy", 20)
    first.join()
    assert len(venue.sent) == 1


class Pairs(Venue):
    """Calls A in its books AUSD, and takes orders for both."""

    def instrument(self, symbol):
        return Instrument(symbol="A", venue_symbol="AUSD")


@pytest.mark.parametrize("name", ["A", "AUSD"])
def test_what_a_venue_calls_something_is_judged_as_what_it_is(name):
    venue = Pairs(held={"A": 20})
    gated = gate(venue, max_position_pct=0.3)
    with pytest.raises(RiskVetoError, match=r"Max position: 31\.0% \(A\) > 30\.0% limit"):
        gated.submit_order(name, "buy", 11)
    assert venue.sent == []
    gated.submit_order(name, "buy", 10)
    gated.submit_order(name, "sell", 20)
    assert [order.symbol for order in venue.sent] == [name, name]


def test_a_restriction_holds_by_either_name():
    for restricted in ("A", "AUSD"):
        for name in ("A", "AUSD"):
            gated = gate(Pairs(), checks={"restricted": {"restricted": [restricted]}})
            with pytest.raises(RiskVetoError, match="A is restricted"):
                gated.submit_order(name, "buy", 1)
    gated = gate(Pairs(), checks={"restricted": {"allowed": ["AUSD"]}})
    gated.submit_order("A", "buy", 1)
