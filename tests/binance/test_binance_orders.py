"""Orders at Binance: what is sent, what becomes of it whoever changes it, and what is kept."""

import asyncio
import functools
import os
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal

import pytest
from attrs import evolve
from tests.binance.trading import ACCOUNT, ASK, BID, broker_at, limit, requests, sent, trading

import nanobook
from nanobook_binance.simulator import Fault
from nanobook_core.contracts import (
    BrokerOrder,
    CancelRejectedError,
    ConnectError,
    ConnectionState,
    HaltedError,
    MarketClosedError,
    NoQuoteError,
    NotConnectedError,
    OrderNotFoundError,
    OrderState,
    Outcome,
    OutcomeUnknownError,
    PermissionDeniedError,
    PostOnlyRejectedError,
    SessionConflictError,
    UnsupportedError,
)
from nanobook_core.errors import ValidationError
from nanobook_core.testing.broker_bench import BrokerBench

bench = BrokerBench()
bench.patience = 60.0
eventually = bench.eventually

needs_fork = pytest.mark.skipif(not hasattr(os, "fork"), reason="no forks here")


@pytest.fixture
def market():
    with trading() as market:
        yield market


@pytest.fixture
def broker(market, tmp_path):
    with broker_at(market, state=tmp_path / "orders.sqlite") as broker:
        yield broker


def last_order(market):
    return requests(market, "POST", "order")[-1].parameters


def becomes(broker, name, accept):
    """Say that an order stands so; the stream tells it soon."""
    return bool(eventually(lambda: broker.order_status(name), accept))


# -- what is sent


@pytest.mark.parametrize(
    ("side", "expected"), [("buy", "100.61"), ("sell", "99.4")], ids=["buy", "sell"]
)
def test_a_market_order_goes_with_a_limit_beyond_the_far_touch(market, broker, side, expected):
    market.binance.deposit("BTC", "10")
    ack = broker.submit_order("BTC", side, 1)
    told = last_order(market)
    assert (told["type"], told["timeInForce"], told["price"]) == ("LIMIT", "IOC", expected)
    status = broker.order_status(ack)
    assert (status.order_type, status.limit_price, status.state) == ("market", None, "filled")


def test_a_market_order_may_be_all_or_nothing(market, broker):
    market.binance.set_quote("BTCUSDT", "99.90", "100.10", ask_size="4")
    order = BrokerOrder("BTC", "buy", 8, tif="fok", client_order_id="whole")
    assert broker.submit_order(order).state is OrderState.EXPIRED
    assert last_order(market)["timeInForce"] == "FOK"
    assert broker.fills() == []


def test_a_market_order_goes_no_further_than_its_limit(market, broker):
    market.binance.set_quote("BTCUSDT", "99.90", "100.10", ask_size="3")
    status = broker.order_status(broker.submit_order("BTC", "buy", 8))
    assert (status.state, status.filled_quantity) == (OrderState.EXPIRED, 3)
    assert broker.open_orders("all") == []


def test_without_a_cap_a_market_order_goes_as_one(market):
    with broker_at(market, market_cap_bps=None) as broker:
        assert broker.submit_order("BTC", "buy", 1).state is OrderState.FILLED
        assert last_order(market)["type"] == "MARKET"
        assert "timeInForce" not in last_order(market)
        with pytest.raises(UnsupportedError, match="without market_cap_bps"):
            broker.submit_order(BrokerOrder("BTC", "buy", 1, tif="fok"))


def test_a_market_order_needs_both_sides_of_a_quote(market, broker):
    market.binance.set_quote("BTCUSDT", None, "100.10")
    with pytest.raises(NoQuoteError, match="one-sided; give a limit") as caught:
        broker.submit_order("BTC", "buy", 1)
    assert caught.value.outcome is Outcome.NOT_SENT
    assert sent(market) == []


def test_the_pair_in_full_means_the_same(broker):
    ack = broker.submit_order(limit(symbol="BTCUSDT"))
    assert broker.order_status(ack).symbol == "BTC"
    assert [status.symbol for status in broker.open_orders()] == ["BTC"]
    assert broker.cancel_all("BTCUSDT").remaining == ()


@pytest.mark.parametrize(
    ("order", "message"),
    [
        (BrokerOrder("BTC", "buy", 1, "limit", 95), "has no tif 'day'; it has fok, gtc, ioc"),
        (BrokerOrder("BTC", "buy", 1, "limit", 95, tif="ioc", post_only=True),
         "only limit orders of tif 'gtc' can be post_only"),
        (BrokerOrder("BTC", "buy", 1, tif="gtc", post_only=True), "only limit orders"),
        (BrokerOrder("BTC", "buy", 1, "stop", stop_price=110, tif="ioc"), "stop orders are of tif"),
        (BrokerOrder("BTC", "buy", 1, "limit", 95, tif="gtc", reduce_only=True), "no reduce_only"),
    ],
)  # fmt: skip
def test_what_the_venue_has_no_order_for_is_not_sent(market, broker, order, message):
    with pytest.raises(UnsupportedError, match=message) as caught:
        broker.submit_order(order)
    assert caught.value.outcome is Outcome.NOT_SENT
    assert sent(market) == []


def test_a_post_only_order_that_would_trade_is_refused_by_name(broker):
    with pytest.raises(PostOnlyRejectedError):
        broker.submit_order(limit(price="101", post_only=True))


def test_a_preview_is_checked_here_and_at_the_venue_and_sends_nothing(market, broker):
    assert broker.preview(limit()).commission == Decimal("0.76")
    assert broker.preview(BrokerOrder("BTC", "buy", 1, tif="gtc")).commission == Decimal("0.10061")
    assert len(requests(market, "POST", "order/test")) == 2
    with pytest.raises(nanobook.OrderInvalidError, match="LOT_SIZE"):
        broker.preview(limit(quantity=Decimal("0.000001")))
    assert sent(market) == []


# -- numbers and names


def test_numbers_count_by_pair_and_one_that_two_have_is_refused(broker):
    acks = {}
    for symbol, count in (("ETH", 1), ("BTC", 8)):
        for number in range(count):
            name = f"{symbol}-{number}"
            acks[name] = broker.submit_order(limit(name, symbol=symbol, quantity=1))
    eth, btc = acks["ETH-0"], acks["BTC-7"]
    assert int(eth) == int(btc)
    assert broker.order_status(eth).client_order_id == "ETH-0"
    assert broker.order_status(btc).client_order_id == "BTC-7"
    with pytest.raises(OrderNotFoundError, match=r"'ETH-0' of ETH and 'BTC-7' of BTC"):
        broker.order_status(int(eth))
    broker.cancel_order(eth)
    assert broker.order_status("ETH-0").state is OrderState.CANCELLED
    assert broker.order_status("BTC-7").state is OrderState.ACCEPTED
    assert {fill.order_id for fill in broker.fills()} == set()


def test_an_acknowledgement_is_exact_after_a_restart(market, tmp_path):
    state = tmp_path / "orders.sqlite"
    with broker_at(market, state=state) as broker:
        ack = broker.submit_order(limit())
    with broker_at(market, state=state) as later:
        assert later.order_status(ack).client_order_id == "a"


# -- others


def test_an_order_of_others_is_shown_and_left_alone(market, broker):
    foreign = market.submit_foreign("BTC", "buy", 8, 95)
    (status,) = eventually(lambda: broker.open_orders("all"))
    assert (status.is_own, status.client_order_id) == (False, "web_/:by-hand")
    with pytest.raises(PermissionDeniedError, match="is not ours"):
        broker.cancel_order(foreign.order_id)
    assert broker.cancel_all().cancelled == ()
    assert len(broker.cancel_all(scope="all").cancelled) == 1


def test_an_order_that_somebody_makes_smaller_stays_the_same_order(market, broker):
    ack = broker.submit_order(limit())
    market.binance.call(
        lambda venue: venue.amend(
            ACCOUNT, "BTCUSDT", int(ack), quantity=Decimal(5), new_client_order_id="smaller"
        )
    )
    assert becomes(broker, "a", lambda status: status.quantity == 5)
    broker.resync()
    market.binance.fill(int(ack), 5, symbol="BTCUSDT")
    assert becomes(broker, "a", lambda status: status.state is OrderState.FILLED)
    assert [fill.client_order_id for fill in broker.fills()] == ["a"]


def test_an_order_in_doubt_that_was_made_smaller_is_found(market):
    with broker_at(market, stream=False) as broker:
        market.binance.inject(Fault.INDEX_LAG, seconds=60)
        market.binance.inject(Fault.DROP_AFTER_ENGINE)
        with pytest.raises(OutcomeUnknownError):
            broker.submit_order(limit())
        market.binance.clear_faults()
        market.binance.call(
            lambda venue: venue.amend(
                ACCOUNT,
                "BTCUSDT",
                client_order_id="a",
                quantity=Decimal(5),
                new_client_order_id="a",
            )
        )
        assert broker.find_order("a").quantity == 5


def test_both_sides_of_a_trade_with_oneself_are_executions(market, broker):
    broker.submit_order(limit("mine", price="100.00"))
    request = market.request("BTC", "sell", 8, "100.00", "by-hand")
    market.binance.deposit("BTC", "10")
    market.binance.call(
        lambda venue: venue.place(ACCOUNT, evolve(request, self_trade_prevention_mode="NONE"))
    )
    assert becomes(broker, "mine", lambda status: status.state is OrderState.FILLED)
    fills = broker.fills()
    assert sorted((fill.side, fill.client_order_id) for fill in fills) == [
        ("buy", "mine"),
        ("sell", "by-hand"),
    ]
    assert len({fill.exec_id for fill in fills}) == 2


def test_an_order_that_the_venue_cancels_says_so(market, broker):
    ack = broker.submit_order(limit())
    market.binance.server_cancel("BTCUSDT", int(ack))
    assert becomes(broker, "a", lambda status: status.state.is_terminal)
    with pytest.raises(CancelRejectedError):
        broker.cancel_order("a")


# -- what is kept


def test_a_halt_outlives_the_program(market, tmp_path):
    state = tmp_path / "orders.sqlite"
    with broker_at(market, state=state) as broker:
        broker.halt("fat finger")
    with broker_at(market, state=state) as later:
        assert later.connection().state is ConnectionState.HALTED
        with pytest.raises(HaltedError, match="fat finger"):
            later.submit_order(limit())
        later.resume()
    with broker_at(market, state=state) as last:
        assert last.submit_order(limit()) == 1001


def test_a_journal_is_that_of_one_account_and_one_program(market, tmp_path):
    state = tmp_path / "orders.sqlite"
    other = market.binance.add_account("other", {"USDT": 1000})
    with (
        broker_at(market, state=state),
        pytest.raises(SessionConflictError, match="in use by another broker"),
    ):
        broker_at(market, state=state).connect()
    stranger = nanobook.BinanceBroker(*other, base_url=market.binance.url, state=state)
    with pytest.raises(ValidationError, match="is the journal of account 'simulator 1 in USDT'"):
        stranger.connect()
    assert stranger.connection().state is ConnectionState.DISCONNECTED
    with pytest.raises(ValidationError, match="and this is 'simulator 1 in BTC'"):
        broker_at(market, state=state, quote_asset="BTC").connect()


def test_an_account_is_not_counted_in_what_nothing_is_priced_in(market):
    broker = broker_at(market, quote_asset="usdt")
    with pytest.raises(ValidationError, match="no pair is priced in quote_asset 'usdt'; did you"):
        broker.connect()
    assert broker.connection().state is ConnectionState.DISCONNECTED


@pytest.mark.parametrize("stream", [True, False])
def test_a_venue_that_has_begun_anew_is_noticed_before_anything_is_sent(market, tmp_path, stream):
    state = tmp_path / "orders.sqlite"
    with broker_at(market, state=state) as broker:
        broker.submit_order(limit("old", price="101"))
    with trading() as wiped:
        wiped.submit_foreign("BTC", "buy", 8, 95)
        later = broker_at(wiped, state=state, stream=stream)
        with pytest.raises(ConnectError, match=r"begun anew, .*; take another state file"):
            later.connect()
        assert sent(wiped) == ["web_/:by-hand"]


# -- whoever calls, from wherever


def test_eight_threads_send_and_cancel_at_once(market, broker):
    def work(number):
        names = [f"t{number}-{count}" for count in range(6)]
        for name in names:
            broker.submit_order(limit(name, quantity=1, price=f"{90 + number}"))
        for name in names[::2]:
            broker.cancel_order(name)
        return names

    with ThreadPoolExecutor(8) as pool:
        names = [name for names in pool.map(work, range(8)) for name in names]
    assert sorted(sent(market)) == sorted(names)
    assert len({broker.order_status(name).order_id for name in names}) == 48
    assert len(broker.open_orders()) == 24
    assert broker.resync().lost == ()


def test_eight_threads_that_send_one_id_send_one_order(market, broker):
    def work(_):
        try:
            return broker.submit_order(limit("one"))
        except nanobook.DuplicateOrderError:
            return None

    with ThreadPoolExecutor(8) as pool:
        acks = [ack for ack in pool.map(work, range(8)) if ack is not None]
    assert acks == [1001]
    assert sent(market) == ["one"]


def test_it_works_inside_a_running_event_loop(broker):
    async def trade():
        ack = broker.submit_order(limit(price="101"))
        return broker.order_status(ack)

    assert asyncio.run(trade()).state is OrderState.FILLED


def test_a_market_order_for_a_halted_pair_is_told_that_it_is(market, broker):
    market.binance.set_status("BTCUSDT", "HALT")
    for outcome in (Outcome.REJECTED, Outcome.NOT_SENT):  # by the venue, and by what it said then
        with pytest.raises(MarketClosedError, match="BTCUSDT is HALT") as caught:
            broker.submit_order("BTC", "buy", 1)
        assert caught.value.outcome is outcome
    market.binance.set_status("BTCUSDT", "TRADING")
    assert broker.order_status(broker.submit_order("BTC", "buy", 1)).state is OrderState.FILLED


def test_while_a_pair_takes_only_cancels_these_do_not_wait_for_its_rules(market, broker):
    broker.submit_order(limit())
    market.binance.set_status("BTCUSDT", "CANCEL_ONLY")
    with pytest.raises(MarketClosedError):
        broker.submit_order(limit("b"))
    assert not broker.instrument("BTC").tradable
    market.binance.inject(Fault.HTTP_5XX, endpoint="GET /api/v3/exchangeInfo", times=100)
    asked = len(requests(market, "GET", "exchangeInfo"))
    assert broker.fills(symbol="BTC") == []
    assert broker.find_order("a", "BTC").state is OrderState.ACCEPTED
    assert [order.client_order_id for order in broker.cancel_all("BTC").cancelled] == ["a"]
    assert len(requests(market, "GET", "exchangeInfo")) == asked
    with pytest.raises(MarketClosedError):
        broker.submit_order(limit("b"))


def test_the_halt_of_another_accounts_file_is_not_taken_over(market, tmp_path):
    path = tmp_path / "orders"
    with broker_at(market, state=path) as broker:
        broker.halt("a loss")
    api_key, secret_key = market.binance.add_account("other")
    other = nanobook.BinanceBroker(
        api_key, secret_key, base_url=market.binance.url, clock=market.clock, state=path
    )
    with pytest.raises(ValidationError, match="is the journal of account"):
        other.connect()
    assert other._halted is None
    other.halt("of its own")
    with pytest.raises(ValidationError, match="is the journal of account"):
        other.connect()
    with broker_at(market, state=path) as broker, pytest.raises(HaltedError, match="a loss"):
        broker.submit_order(limit())


@needs_fork
def test_a_fork_has_no_connection_and_leaves_the_parents_alone(market, broker):
    broker.submit_order(limit("before"))
    child = os.fork()
    if not child:
        code = 1
        try:
            refused = 0
            for ask in (
                broker.positions,
                broker.connect,
                lambda: broker.submit_order(limit("in-the-child")),
                lambda: broker.cancel_order("before"),
            ):
                try:
                    ask()
                except NotConnectedError:
                    refused += 1
            broker.disconnect()
            code = 0 if refused == 4 else 2
        finally:
            os._exit(code)
    _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == 0
    broker.submit_order(limit("after", price="94"))
    broker.cancel_order("before")
    assert [order.client_order_id for order in broker.open_orders()] == ["after"]
    assert sent(market) == ["before", "after"]


def test_where_others_use_most_of_the_weight_a_new_start_cancels_what_is_open(market, broker):
    broker.submit_order(limit())
    broker.disconnect()
    others = broker_at(market, stream=False)
    others.connect()
    for _ in range(60):
        others.open_orders("all")  # 80 each, of the 6000 in a minute
    others.disconnect()
    with broker:
        assert len(broker.cancel_all().cancelled) == 1


@pytest.mark.parametrize("tif", ["ioc", "fok"])
def test_a_market_order_that_its_cap_ended_says_at_which_limit(market, broker, tif):
    thin = functools.partial(
        market.binance.set_quote, market.pair("BTC"), BID, ASK, bid_size=5, ask_size=5
    )
    market.binance.deposit("BTC", 8)
    thin()
    broker.submit_order(BrokerOrder("BTC", "buy", 8, tif=tif, client_order_id="a"))
    status = broker.order_status("a")
    filled = 5 if tif == "ioc" else 0
    assert (status.state, status.filled_quantity) == (OrderState.EXPIRED, filled)
    assert "not all could trade up to 100.61, its limit by market_cap_bps" in status.reason
    thin()
    broker.submit_order(BrokerOrder("BTC", "sell", 8, tif=tif, client_order_id="b"))
    assert "down to 99.40, its limit" in broker.order_status("b").reason


def test_a_limit_order_that_expired_says_what_the_venue_says(market, broker):
    market.binance.set_quote(market.pair("BTC"), BID, ASK, ask_size=5)
    broker.submit_order(evolve(limit(price="101"), tif="ioc"))
    assert broker.order_status("a").reason == "UNFILLED_IOC_QUANTITY_EXPIRED"
