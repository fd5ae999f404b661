"""Orders that are on their way while something else happens to them, or to the connection."""

import sqlite3
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from tests.binance.trading import ACCOUNT, broker_at, limit, requests, sent, trading

from nanobook_binance.simulator import Fault
from nanobook_core.contracts import (
    BrokerError,
    DuplicateOrderError,
    InsufficientFundsError,
    NotConnectedError,
    OrderState,
    Outcome,
    OutcomeUnknownError,
    PermissionDeniedError,
)

ORDER = "/api/v3/order"


@pytest.fixture
def market():
    with trading() as market:
        yield market


@pytest.fixture(params=[True, False], ids=["stream", "polled"])
def broker(market, request, tmp_path):
    with broker_at(market, stream=request.param, state=tmp_path / "orders.sqlite") as broker:
        yield broker


class HeldBack:
    """Keeps orders waiting between the journal and the venue, as the budget of a minute does."""

    def __init__(self, broker):
        self.has_come, self.may_go = threading.Event(), threading.Event()
        self._turn = broker._rest.weight.turn
        broker._rest.weight.turn = self.turn

    def turn(self, weight, *, is_order, **more):
        if is_order:
            self.has_come.set()
            assert self.may_go.wait(60)
        return self._turn(weight, is_order=is_order, **more)


def through(broker, before=None, after=None):
    """Do something right before or after each order goes through the transport."""
    signed = broker._rest.signed

    def passed(method, path, *more, **parameters):
        if (method, path) != ("POST", ORDER):
            return signed(method, path, *more, **parameters)
        if before is not None:
            before()
        told = signed(method, path, *more, **parameters)
        return told if after is None else after(told)

    broker._rest.signed = passed


@pytest.mark.parametrize("is_durable", [True, False])
def test_an_order_that_waits_is_not_sent_once_its_connection_has_ended(
    market, tmp_path, is_durable
):
    state = tmp_path / "orders.sqlite" if is_durable else None
    broker = broker_at(market, stream=False, state=state)
    broker.connect()
    broker.instrument("BTC")
    held = HeldBack(broker)
    with ThreadPoolExecutor() as pool:
        first = pool.submit(broker.submit_order, limit(price="101"))
        assert held.has_come.wait(60)
        broker.disconnect()
        broker.connect()
        market.advance(15)
        held.may_go.set()
        with pytest.raises(NotConnectedError, match="ended before the order was sent") as caught:
            first.result(60)
    assert caught.value.outcome is Outcome.NOT_SENT
    assert broker.find_order("a", "BTC") is None
    broker.submit_order(limit(price="101"))
    assert sent(market) == ["a"]
    broker.disconnect()


@pytest.mark.parametrize("arrives", [True, False])
def test_an_order_in_doubt_is_proved_absent_in_its_own_connection_alone(market, tmp_path, arrives):
    """The next one has another record of it, to which the venue's word goes."""
    settings = {"stream": False, "state": tmp_path / "orders.sqlite", "timeout": 60}
    broker = broker_at(market, **settings)
    broker.connect()
    in_doubt = broker._sender._in_doubt

    def connected_anew(known):
        in_doubt(known)
        broker.disconnect()
        broker.connect()

    broker._sender._in_doubt = connected_anew
    market.binance.inject(Fault.DROP_AFTER_ENGINE if arrives else Fault.DROP_BEFORE_ENGINE)
    with pytest.raises(OutcomeUnknownError):
        broker.submit_order(limit(price="101"))
    assert sent(market) == (["a"] if arrives else [])
    market.advance(15)
    found = broker.find_order("a")
    assert (found and found.state) == (OrderState.FILLED if arrives else None)
    broker.disconnect()


def test_a_cancel_that_is_answered_in_the_next_connection_is_not_told_as_refused(market, tmp_path):
    broker = broker_at(market, stream=False, state=tmp_path / "orders.sqlite")
    broker.connect()
    broker.submit_order(limit())
    signed = broker._rest.signed

    def connected_anew(method, path, *more, **parameters):
        told = signed(method, path, *more, **parameters)
        if method == "DELETE":
            broker.disconnect()
            broker.connect()
        return told

    broker._rest.signed = connected_anew
    with pytest.raises(OutcomeUnknownError, match="may or may not be cancelled"):
        broker.cancel_order("a")
    assert broker.order_status("a").state is OrderState.CANCELLED
    assert len(requests(market, "DELETE", "order")) == 1
    broker.disconnect()


def test_a_cancel_while_an_order_is_on_its_way_does_not_make_it_one_of_the_venues(market, broker):
    held = HeldBack(broker)
    with ThreadPoolExecutor() as pool:
        submit = pool.submit(broker.submit_order, limit())
        assert held.has_come.wait(60)
        with pytest.raises(OutcomeUnknownError):
            broker.cancel_order("a")
        assert broker.order_status("a").state is OrderState.PENDING_SUBMIT
        market.binance.inject(Fault.DROP_BEFORE_ENGINE)
        held.may_go.set()
        with pytest.raises(OutcomeUnknownError):
            submit.result(60)
    assert broker.order_status("a").state is OrderState.UNKNOWN
    market.advance(15)
    assert broker.find_order("a") is None


@pytest.mark.parametrize(
    "error",
    [
        PermissionDeniedError("a wall", outcome="rejected"),
        InsufficientFundsError("its money is bound by its copy"),
        DuplicateOrderError("sent twice"),
    ],
    ids=["wall", "funds", "twice"],
)
def test_a_refusal_of_a_copy_does_not_make_an_order_unknown(market, broker, error):
    def refuse(_):
        raise error

    through(broker, after=refuse)
    try:
        broker.submit_order(limit())
    except BrokerError as refusal:
        told = refusal
    else:
        told = None
    assert told is None or told.outcome is Outcome.REJECTED
    broker.resync()
    (status,) = broker.open_orders()
    assert (status.client_order_id, status.state) == ("a", OrderState.ACCEPTED)
    assert len(broker.cancel_all().cancelled) == 1
    assert [order.status for order in market.binance.orders()] == ["CANCELED"]


def test_the_window_of_a_request_is_that_which_it_was_sent_with(market, tmp_path):
    state = tmp_path / "orders.sqlite"
    with broker_at(market, stream=False, state=state, recv_window=60_000) as broker:
        market.binance.inject(Fault.DROP_BEFORE_ENGINE)
        with pytest.raises(OutcomeUnknownError):
            broker.submit_order(limit())
    with broker_at(market, stream=False, state=state) as later:
        with pytest.raises(OutcomeUnknownError) as caught:
            later.find_order("a")
        assert 50 < caught.value.retry_after < 63


@pytest.mark.parametrize("then", ["question", "cancel"])
def test_a_cancel_without_an_answer_stays_in_doubt_whatever_is_asked_then(market, then):
    with broker_at(market, stream=False) as broker:
        broker.submit_order(limit())
        endpoint = f"{'GET' if then == 'question' else 'DELETE'} {ORDER}"
        market.binance.inject(Fault.DROP_AFTER_ENGINE, endpoint=f"DELETE {ORDER}")
        how = {"endpoint": endpoint, "times": 1000, "after": 0}
        market.binance.inject(Fault.HTML_502, **how)
        if then == "cancel":
            market.binance.inject(Fault.HTML_502, endpoint=f"GET {ORDER}", times=1000)
        with pytest.raises(OutcomeUnknownError, match="may or may not be cancelled"):
            broker.cancel_order("a")
        market.binance.clear_faults()
        assert broker.order_status("a").state is OrderState.CANCELLED


def test_a_cancel_names_the_order_by_both_its_names(market, broker):
    ack = broker.submit_order(limit())
    broker.cancel_order("a")
    told = requests(market, "DELETE", "order")[-1].parameters
    assert (told["orderId"], told["origClientOrderId"]) == (str(int(ack)), "a")


def test_an_order_of_others_that_has_the_number_of_ones_own_is_not_cancelled(market, tmp_path):
    state = tmp_path / "orders.sqlite"
    with broker_at(market, state=state) as broker:
        broker.submit_order(limit("mine"))
    with trading() as wiped:
        with broker_at(wiped, state=state, stream=False) as later:
            wiped.submit_foreign("BTC", "buy", 8, 94)
            report = later.cancel_all()
            assert [status.client_order_id for status in report.remaining] == ["mine"]
        assert [order.status for order in wiped.binance.orders()] == ["NEW"]


def test_an_order_of_that_id_from_before_is_not_taken_for_the_one_in_doubt(market):
    request = market.request("BTC", "buy", 8, 101, "a")
    market.binance.call(lambda venue: venue.place(ACCOUNT, request))
    market.advance(3600)
    with broker_at(market, stream=False) as broker:
        market.binance.inject(Fault.INDEX_LAG, seconds=7200)
        market.binance.inject(Fault.DROP_BEFORE_ENGINE)
        with pytest.raises(OutcomeUnknownError):
            broker.submit_order(limit(price="101"))
        market.binance.clear_faults()
        with pytest.raises(OutcomeUnknownError) as caught:
            broker.find_order("a", "BTC")
        market.advance(caught.value.retry_after)
        assert broker.find_order("a", "BTC").order_id == 1001
        assert len(market.binance.trades()) == 1


def test_what_is_refused_as_used_by_others_stays_theirs(market, broker):
    request = market.request("BTC", "buy", 8, 95, "theirs")
    market.binance.call(lambda venue: venue.place(ACCOUNT, request))
    with pytest.raises(DuplicateOrderError):
        broker.submit_order(limit("theirs"))
    assert broker.cancel_all().cancelled == ()
    assert [order.status for order in market.binance.orders()] == ["NEW"]


def test_everything_can_be_cancelled_where_the_budget_is_used_up_and_the_pair_is_closed(market):
    with broker_at(market) as broker:
        broker.submit_order(limit())
        market.binance.set_status("BTCUSDT", "CANCEL_ONLY")
        broker.instrument("BTC")
        broker._rest.weight.told(broker._rest.weight._minute, "4900")
        assert len(broker.cancel_all("BTC").cancelled) == 1


def test_a_write_that_failed_keeps_no_later_one_from_the_journal(market, tmp_path):
    class Full:
        """A database of which one commit fails, as on a full disk."""

        def __init__(self, database):
            self.database = database
            self.fails = 1

        def execute(self, statement, *values):
            if statement == "COMMIT" and self.fails:
                self.fails -= 1
                raise sqlite3.OperationalError("database or disk is full")
            return self.database.execute(statement, *values)

        def __getattr__(self, name):
            return getattr(self.database, name)

    with broker_at(market, stream=False, state=tmp_path / "orders.sqlite") as broker:
        journal = broker._desk.journal
        journal._database = Full(journal._database)
        with pytest.raises(BrokerError, match="disk is full") as caught:
            broker.submit_order(limit("a"))
        assert caught.value.outcome is Outcome.NOT_SENT
        assert broker.submit_order(limit("b", price="94")) == 1001
        assert broker.submit_order(limit("a")) == 1002
        broker.halt("stop")
        journal._database = journal._database.database
    assert sent(market) == ["b", "a"]


def test_a_doubt_is_settled_by_short_programs_too(market, tmp_path):
    """The time is counted from the first start after the one that sent it."""
    state = tmp_path / "orders.sqlite"
    with broker_at(market, stream=False, state=state) as broker:
        broker._sender._in_doubt = lambda _: None  # as if it were killed
        market.binance.inject(Fault.DROP_BEFORE_ENGINE)
        with pytest.raises(OutcomeUnknownError):
            broker.submit_order(limit())
    for _ in range(2):
        with (
            broker_at(market, stream=False, state=state) as later,
            pytest.raises(OutcomeUnknownError, match="nothing is sent to buy BTC while"),
        ):
            later.submit_order(limit("b"))
        market.advance(6)
    market.advance(1)
    with broker_at(market, stream=False, state=state) as last:
        assert last.submit_order(limit("b")) == 1001
        assert last.order_status("a").state is OrderState.NOT_ACCEPTED


def test_what_the_venue_has_lost_keeps_nothing_else_from_being_cancelled(market, tmp_path):
    state = tmp_path / "orders.sqlite"
    with broker_at(market, state=state) as broker:
        for number in range(3):
            broker.submit_order(limit(f"old-{number}"))
    market.advance(120)
    with trading() as wiped:
        wiped.clock.ahead = market.clock.ahead
        with broker_at(wiped, state=state, stream=False) as later:
            later.submit_order(limit("live", symbol="ETH"))
            asked = len(wiped.binance.log)
            report = later.cancel_all()
            first = next(one for one in wiped.binance.log[asked:] if one.method == "DELETE")
            assert first.parameters["origClientOrderId"] == "live"
            assert [status.client_order_id for status in report.cancelled] == ["live"]
            assert len(report.remaining) == 3
            assert wiped.clock.ahead - market.clock.ahead < 1


def test_executions_of_others_are_whole_and_are_not_kept(market, tmp_path):
    state = tmp_path / "orders.sqlite"
    foreign = market.submit_foreign("BTC", "buy", 8, 95)
    market.binance.fill(foreign.order_id, 3, symbol="BTCUSDT")
    with broker_at(market, state=state) as broker:
        market.binance.fill(foreign.order_id, 2, symbol="BTCUSDT")
        while len(broker.fills()) < 2:
            threading.Event().wait(0.001)
        assert [fill.quantity for fill in broker.fills()] == [3, 2]
    with broker_at(market, state=state, stream=False) as later:
        assert later._desk.journal.fills() == []
        assert [fill.quantity for fill in later.fills()] == [3, 2]


def test_executions_of_others_are_told_once_over_connections(market, tmp_path):
    foreign = market.submit_foreign("BTC", "buy", 8, 95)
    broker, heard = broker_at(market, state=tmp_path / "orders.sqlite"), []
    broker.subscribe(heard.append)
    for filled, altogether in ((3, 3), (2, 5)):
        with broker:
            market.binance.fill(foreign.order_id, filled, symbol="BTCUSDT")
            while sum(fill.quantity for fill in broker.fills()) < altogether:
                threading.Event().wait(0.001)
            assert broker._desk.lacking() == []
    told = [event.fill.quantity for event in heard if event.fill is not None]
    assert told == [3, 2]
