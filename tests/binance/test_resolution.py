"""What became of an order whose answer was lost: found, proved absent, or in doubt and said so."""

import pytest
from tests.binance.trading import ACCOUNT, broker_at, limit, requests, sent, trading

from nanobook_binance.simulator import Fault
from nanobook_core.contracts import (
    CancelRejectedError,
    ConnectError,
    DuplicateOrderError,
    OrderRejectedError,
    OrderState,
    Outcome,
    OutcomeUnknownError,
)

#: With the answer lost after the engine has had the order.
EXECUTED = [
    (Fault.DROP_AFTER_ENGINE, {}),
    (Fault.TIMEOUT_EXECUTED, {}),
    (Fault.TRUNCATED_JSON, {}),
    (Fault.TRUNCATED_JSON, {"cut": True}),
    (Fault.HTML_502, {"executed": True}),
    (Fault.HTTP_5XX, {"executed": True}),
    (Fault.INTERNAL_1000, {"executed": True}),
    (Fault.INTERNAL_1001, {"executed": True}),
    (Fault.INTERNAL_1006, {"executed": True}),
    (Fault.OVERLOADED_1008, {"executed": True}),
    (Fault.CONNECTION_RESET_KEEPALIVE, {"executed": True}),
]
#: And with the engine never having had it.
UNEXECUTED = [
    (Fault.DROP_BEFORE_ENGINE, {}),
    (Fault.TIMEOUT_NOT_EXECUTED, {}),
    (Fault.HTML_502, {}),
    (Fault.INTERNAL_1000, {}),
    (Fault.OVERLOADED_1008, {}),
]


@pytest.fixture
def market():
    with trading() as market:
        yield market


@pytest.fixture(params=[True, False], ids=["stream", "polled"])
def broker(market, request, tmp_path):
    with broker_at(market, stream=request.param, state=tmp_path / "orders.sqlite") as broker:
        yield broker


@pytest.fixture
def polled(market):
    with broker_at(market, stream=False) as broker:
        yield broker


@pytest.mark.parametrize(("fault", "how"), EXECUTED)
def test_an_order_that_filled_and_whose_answer_was_lost_is_found_and_bought_once(
    market, broker, fault, how
):
    market.binance.inject(fault, **how)
    ack = broker.submit_order(limit(price="101"))
    status = broker.order_status(ack)
    assert (status.state, status.filled_quantity) == (OrderState.FILLED, 8)
    assert [fill.quantity for fill in broker.fills()] == [8]
    assert sent(market) == ["a"]
    assert market.binance.balances()["BTC"].free == broker.positions()[0].quantity


@pytest.mark.parametrize(("fault", "how"), UNEXECUTED)
def test_an_order_that_never_arrived_is_sent_by_nobody_but_whoever_sends_it_again(
    market, broker, fault, how
):
    market.binance.inject(fault, **how)
    with pytest.raises(OutcomeUnknownError) as caught:
        broker.submit_order(limit(price="101"))
    assert caught.value.outcome is Outcome.UNKNOWN
    assert caught.value.client_order_id == "a"
    assert broker.resync().lost == ("a",)
    assert sent(market) == []
    market.advance(caught.value.retry_after)
    assert broker.find_order("a", "BTC") is None
    assert broker.order_status("a").state is OrderState.NOT_ACCEPTED
    broker.submit_order(limit(price="101"))
    assert sent(market) == ["a"]
    assert broker.order_status("a").state is OrderState.FILLED


def test_an_order_that_the_index_shows_late_is_waited_for(market, polled):
    market.binance.inject(Fault.INDEX_LAG, seconds=0.6)
    market.binance.inject(Fault.DROP_AFTER_ENGINE)
    assert polled.submit_order(limit()).state is OrderState.ACCEPTED
    answers = [one.answer.get("code") for one in requests(market, "GET", "order")]
    # Before it was sent, and after; then it is there.
    assert answers[:3] == [-2013, -2013, -2013]
    assert answers[-1] is None
    assert sent(market) == ["a"]


def test_an_order_that_the_engine_got_late_is_found(market, polled):
    market.clock.is_slept_through = True
    market.binance.inject(Fault.LATE_EXECUTION, seconds=0.2)
    assert polled.submit_order(limit(price="101")).state is OrderState.FILLED
    assert sent(market) == ["a"]


def test_absence_takes_the_time_of_the_engine_two_questions_more_and_all_lists(market, polled):
    market.binance.inject(Fault.DROP_BEFORE_ENGINE)
    with pytest.raises(OutcomeUnknownError, match=r"find_order\('a', 'BTC'\)") as caught:
        polled.submit_order(limit())
    asked = market.binance.log
    (post,) = requests(market, "POST", "order")
    left = caught.value.retry_after
    # Ten seconds were waited by then, and twelve pass before anything is concluded.
    assert 0 < left < 3
    assert not requests(market, "GET", "allOrders")
    market.advance(left)
    assert polled.find_order("a", "BTC") is None
    later = [one.path.removeprefix("/api/v3/") for one in market.binance.log[len(asked) :]]
    assert later == ["order", "time", "order", "order", "openOrders", "allOrders", "myTrades"]
    assert market.binance.log[-1].time - post.time > 12_000


def test_the_window_of_a_request_can_be_longer_than_the_engine(market):
    with broker_at(market, stream=False, recv_window=60_000) as broker:
        market.binance.inject(Fault.DROP_BEFORE_ENGINE)
        with pytest.raises(OutcomeUnknownError) as caught:
            broker.submit_order(limit())
        assert 40 < caught.value.retry_after < 53


def test_nothing_is_sent_beside_an_order_in_doubt(market, broker):
    market.binance.inject(Fault.DROP_BEFORE_ENGINE)
    with pytest.raises(OutcomeUnknownError):
        broker.submit_order(limit("a"))
    with pytest.raises(OutcomeUnknownError, match=r"nothing is sent to buy BTC while.*'a'") as no:
        broker.submit_order(limit("b", price="94"))
    assert (no.value.outcome, no.value.client_order_id) == (Outcome.NOT_SENT, "b")
    assert no.value.retry_after > 0
    with pytest.raises(DuplicateOrderError, match=r"'a' is that of order -\d+, which is unknown"):
        broker.submit_order(limit("a"))
    broker.submit_order(limit("c", symbol="ETH"))
    assert sent(market) == ["c"]
    market.advance(no.value.retry_after)
    broker.submit_order(limit("b", price="94"))
    assert broker.order_status("a").state is OrderState.NOT_ACCEPTED
    assert sorted(sent(market)) == ["b", "c"]


def test_an_order_in_doubt_may_be_cancelled(market, polled):
    market.binance.inject(Fault.INDEX_LAG, seconds=60)
    market.binance.inject(Fault.DROP_AFTER_ENGINE)
    with pytest.raises(OutcomeUnknownError):
        polled.submit_order(limit())
    polled.cancel_order("a")
    assert polled.order_status("a").state is OrderState.CANCELLED
    assert [order.status for order in market.binance.orders()] == ["CANCELED"]


def test_cancelling_all_cancels_what_is_in_doubt_and_says_what_may_still_come(market, polled):
    market.binance.inject(Fault.DROP_BEFORE_ENGINE)
    with pytest.raises(OutcomeUnknownError):
        polled.submit_order(limit("a"))
    polled.submit_order(limit("b", symbol="ETH"))
    report = polled.cancel_all()
    assert [status.client_order_id for status in report.cancelled] == ["b", "a"]
    assert [status.state for status in report.cancelled] == [
        OrderState.CANCELLED,
        OrderState.NOT_ACCEPTED,
    ]
    assert report.remaining == ()


def test_a_doubt_outlives_the_program_and_is_settled_by_the_next(market, tmp_path):
    state = tmp_path / "orders.sqlite"
    with broker_at(market, stream=False, state=state) as broker:
        for name, fault in (("a", Fault.DROP_AFTER_ENGINE), ("b", Fault.DROP_BEFORE_ENGINE)):
            market.binance.inject(Fault.INDEX_LAG, seconds=60)
            market.binance.inject(fault)
            with pytest.raises(OutcomeUnknownError):
                broker.submit_order(limit(name, symbol="BTC" if name == "a" else "ETH"))
    market.binance.clear_faults()
    with broker_at(market, stream=False, state=state) as later:
        assert later.find_order("a").state is OrderState.ACCEPTED
        with pytest.raises(OutcomeUnknownError) as caught:
            later.find_order("b")
        assert 0 < caught.value.retry_after < 13
        market.advance(caught.value.retry_after)
        assert later.find_order("b") is None
    assert sent(market) == ["a"]


def test_without_a_file_a_later_program_must_say_the_symbol(market):
    with broker_at(market) as broker:
        broker.submit_order(limit("a"))
    with broker_at(market) as later:
        with pytest.raises(OutcomeUnknownError, match="say its symbol"):
            later.find_order("unheard-of")
        with pytest.raises(OutcomeUnknownError) as caught:
            later.find_order("unheard-of", "BTC")
        assert 50 < caught.value.retry_after < 63
        market.advance(caught.value.retry_after)
        assert later.find_order("unheard-of", "BTC") is None
        (foreign,) = later.open_orders("all")
        assert not foreign.is_own
        assert later.find_order("a", "BTC").is_own
        later.cancel_order("a")
        assert later.order_status("a").state is OrderState.CANCELLED


def test_what_was_proved_absent_and_comes_all_the_same_is_taken_in(market, broker):
    market.binance.inject(Fault.DROP_BEFORE_ENGINE)
    with pytest.raises(OutcomeUnknownError) as caught:
        broker.submit_order(limit())
    market.advance(caught.value.retry_after)
    assert broker.find_order("a") is None
    order = limit()
    request = market.request(order.symbol, "buy", order.quantity, order.limit_price, "a")
    market.binance.call(lambda venue: venue.place(ACCOUNT, request))
    broker.resync()
    (status,) = broker.open_orders()
    assert (status.client_order_id, status.state) == ("a", OrderState.ACCEPTED)
    with pytest.raises(DuplicateOrderError):
        broker.submit_order(limit())


def test_the_venue_takes_a_used_id_again_and_this_side_does_not(market):
    with broker_at(market) as broker:
        broker.submit_order(limit(price="101"))
    with broker_at(market) as later:
        posts = len(requests(market, "POST", "order"))
        with pytest.raises(DuplicateOrderError, match="'a' is that of order 1001, which is filled"):
            later.submit_order(limit(price="101"))
        assert len(requests(market, "POST", "order")) == posts
        assert len(market.binance.trades()) == 1


def test_a_refusal_as_sent_twice_may_be_that_of_a_copy_of_the_order(market, polled):
    posted = requests(market, "POST", "order")
    request = market.request("BTC", "buy", 8, 95, "a")
    market.binance.inject(Fault.INDEX_LAG, seconds=0.5)
    polled._rest.signed = placed_first(polled._rest, market, request)  # as a proxy that repeats
    assert polled.submit_order(limit()) == 1001
    assert [one.client_order_id for one in polled.open_orders()] == ["a"]
    assert len(requests(market, "POST", "order")) == len(posted) + 1


def placed_first(rest, market, request):
    """Return a way to the venue on which an order arrives twice."""
    signed = rest.signed

    def twice(method, path, *more, **parameters):
        if method == "POST":
            market.binance.call(lambda venue: venue.place(ACCOUNT, request))
        return signed(method, path, *more, **parameters)

    return twice


def test_an_open_order_of_others_of_that_id_is_refused_by_the_venue(market, polled):
    market.binance.inject(Fault.INDEX_LAG, seconds=60)
    request = market.request("BTC", "buy", 8, 95, "a")
    market.binance.call(lambda venue: venue.place(ACCOUNT, request))
    market.advance(90)
    market.binance.clear_faults()
    market.binance.inject(Fault.INDEX_LAG, seconds=10_000)
    with pytest.raises(OutcomeUnknownError, match="Duplicate order sent"):
        polled.submit_order(limit())
    market.binance.clear_faults()
    with pytest.raises(OutcomeUnknownError) as caught:
        polled.find_order("a", "BTC")
    market.advance(caught.value.retry_after)
    assert polled.find_order("a", "BTC").order_id == 1001
    assert sent(market) == ["a"]


def test_a_refused_order_ends_and_its_id_may_be_sent_again(broker):
    much = limit(quantity=1000, price="101")
    for _ in range(2):
        with pytest.raises(
            OrderRejectedError,
            match=r"BTC: 101000 USDT needed, 100000 USDT free; .*insufficient balance",
        ) as caught:
            broker.submit_order(much)
        assert caught.value.outcome is Outcome.REJECTED
    assert broker.order_status("a").state is OrderState.REJECTED
    assert broker.submit_order(limit()).state is OrderState.ACCEPTED


def test_a_fill_that_was_faster_than_the_cancel_wins(market, broker):
    broker.submit_order(limit())
    market.binance.inject(Fault.CANCEL_RACE)
    with pytest.raises(CancelRejectedError) as caught:
        broker.cancel_order("a")
    assert caught.value.status.state is OrderState.FILLED
    assert caught.value.status.filled_quantity == 8
    assert [fill.quantity for fill in broker.fills()] == [8]


@pytest.mark.parametrize(
    "fault", [Fault.DROP_AFTER_ENGINE, Fault.DROP_BEFORE_ENGINE, Fault.TIMEOUT_EXECUTED]
)
def test_a_cancel_without_an_answer_is_settled(market, broker, fault):
    broker.submit_order(limit())
    market.binance.inject(fault, endpoint="DELETE /api/v3/order")
    broker.cancel_order("a")
    assert broker.order_status("a").state is OrderState.CANCELLED
    assert broker.open_orders("all") == []


def test_a_cancel_that_the_venue_never_answers_is_in_doubt(market, polled):
    polled.submit_order(limit())
    market.binance.inject(Fault.TIMEOUT_NOT_EXECUTED, endpoint="DELETE /api/v3/order", times=100)
    with pytest.raises(OutcomeUnknownError, match="may or may not be cancelled"):
        polled.cancel_order("a")
    assert polled.order_status("a").state is OrderState.ACCEPTED
    assert len(polled.cancel_all().remaining) == 1
    market.binance.clear_faults()
    assert len(polled.cancel_all().cancelled) == 1


def test_an_answer_that_is_another_orders_is_no_answer(market, polled):
    market.binance.inject(Fault.DUPLICATE_RESPONSE)
    first = polled.submit_order(limit("a"))
    second = polled.submit_order(limit("b", price="94"))
    assert (int(first), first.client_order_id) == (1001, "a")
    assert (int(second), second.client_order_id) == (1002, "b")
    assert polled.order_status("b").limit_price == 94


def test_a_link_that_is_refused_sends_nothing(market, polled):
    polled.submit_order(limit("a"))
    market.binance.refuse(0.5)
    with pytest.raises(ConnectError) as caught:
        polled.submit_order(limit("b"))
    assert caught.value.outcome is Outcome.NOT_SENT
    assert sent(market) == ["a"]
