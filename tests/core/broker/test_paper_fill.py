"""Orders fill at the touch, as far as the quote's sizes go, and rest otherwise."""

from decimal import Decimal

import numpy as np
import pytest

import nanobook
from nanobook_core.contracts import BrokerOrder, Fills, OrderState
from nanobook_core.errors import ValidationError

from .market import Clock

D = Decimal
S = OrderState


@pytest.fixture(params=["touch", "order_book"])
def fills(request):
    return request.param


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def quotes():
    return {"A": {"bid": "99", "ask": "101", "bid_size": 50, "ask_size": 60}}


@pytest.fixture
def broker(quotes, clock, fills):
    with nanobook.PaperBroker(quotes=quotes, clock=clock, fills=fills) as broker:
        yield broker


def executed(broker):
    return [(fill.order_id, fill.quantity, fill.price, fill.liquidity) for fill in broker.fills()]


def test_an_order_takes_what_the_quote_has_and_the_rest_rests(broker):
    ack = broker.submit_order("A", "buy", 100, order_type="limit", limit_price=D(102))
    assert ack.state is S.PARTIALLY_FILLED
    assert executed(broker) == [(1, 60, D(101), "taker")]
    assert broker.order_status(ack).remaining_quantity == 40


def test_a_quotes_size_is_taken_once_however_often_it_is_looked_at(broker):
    broker.submit_order("A", "buy", 50)
    second = broker.submit_order("A", "buy", 50)
    for _ in range(3):
        assert broker.order_status(second).filled_quantity == 10
    third = broker.submit_order("A", "buy", 5)
    assert broker.order_status(third).filled_quantity == 0


def test_a_new_quote_brings_new_size_and_an_old_one_that_comes_back_too(broker, quotes):
    first = dict(quotes["A"])
    order = broker.submit_order("A", "buy", 130)
    quotes["A"] = {**first, "volume": 1}
    assert broker.order_status(order).filled_quantity == 120
    quotes["A"] = first
    assert broker.order_status(order).filled_quantity == 130


def test_size_is_new_after_a_quote_that_was_seen_and_gave_nothing(broker, quotes):
    first = dict(quotes["A"])
    broker.submit_order("A", "buy", 60)
    broker.submit_order("A", "sell", 1, order_type="limit", limit_price=D(200))
    quotes["A"] = ("50", "150")
    broker.open_orders()
    quotes["A"] = first
    assert broker.submit_order("A", "buy", 60).state is S.FILLED


def test_both_sides_have_their_own_size(broker):
    buy, sell = broker.submit_order("A", "buy", 60), broker.submit_order("A", "sell", 50)
    assert broker.order_status(buy).state is S.FILLED
    assert broker.order_status(sell).state is S.FILLED
    assert executed(broker) == [(1, 60, D(101), "taker"), (2, 50, D(99), "taker")]


def test_a_quote_without_sizes_takes_any_quantity(broker, quotes):
    quotes["A"] = ("99", "101")
    assert broker.submit_order("A", "buy", 9000).state is S.FILLED


def test_a_limit_behind_the_touch_rests_and_fills_at_its_price_once_it_is_crossed(broker, quotes):
    buy = broker.submit_order("A", "buy", 10, order_type="limit", limit_price=D("98.50"))
    assert buy.state is S.ACCEPTED
    quotes["A"] = ("98", "98.51")
    assert broker.order_status(buy).state is S.ACCEPTED
    quotes["A"] = ("97", "97.20")
    assert broker.order_status(buy).state is S.FILLED
    assert executed(broker) == [(1, 10, D("98.50"), "maker")]


def test_a_quote_at_the_limit_crosses_it(broker, quotes):
    sell = broker.submit_order("A", "sell", 10, order_type="limit", limit_price=D("103"))
    quotes["A"] = ("103", "104")
    assert broker.order_status(sell).state is S.FILLED
    assert executed(broker) == [(1, 10, D(103), "maker")]


def test_better_limits_fill_first_and_then_the_older(broker, quotes):
    limits = ["98", "98.50", "98", "98.50"]
    orders = [
        broker.submit_order("A", "buy", 10, order_type="limit", limit_price=D(limit))
        for limit in limits
    ]
    quotes["A"] = {"bid": "90", "ask": "95", "ask_size": 25}
    assert [broker.order_status(order).filled_quantity for order in orders] == [5, 10, 0, 10]
    assert executed(broker) == [
        (2, 10, D("98.50"), "maker"),
        (4, 10, D("98.50"), "maker"),
        (1, 5, D(98), "maker"),
    ]


def test_a_market_order_goes_on_at_the_next_quotes_touch(broker, quotes):
    order = broker.submit_order("A", "buy", 100)
    quotes["A"] = {"bid": "104", "ask": "105", "ask_size": 100}
    assert broker.order_status(order).state is S.FILLED
    assert executed(broker) == [(1, 60, D(101), "taker"), (1, 40, D(105), "taker")]


def test_ioc_takes_what_there_is_and_ends(broker):
    ack = broker.submit_order(BrokerOrder("A", "buy", 100, tif="ioc"))
    status = broker.order_status(ack)
    assert (status.state, status.filled_quantity) == (S.CANCELLED, 60)
    assert status.reason == "ioc: what is left is cancelled"


def test_fok_takes_all_or_nothing(broker):
    ack = broker.submit_order(BrokerOrder("A", "buy", 61, tif="fok"))
    assert ack.state is S.CANCELLED
    assert broker.fills() == []
    assert broker.submit_order(BrokerOrder("A", "buy", 60, tif="fok")).state is S.FILLED


def test_a_buy_stop_waits_for_the_ask_and_then_is_a_market_order(broker, quotes):
    order = broker.submit_order(BrokerOrder("A", "buy", 10, "stop", stop_price=D(103)))
    assert order.state is S.HELD
    quotes["A"] = ("101", "102.99")
    assert broker.order_status(order).state is S.HELD
    quotes["A"] = ("103", "103.50")
    assert broker.order_status(order).state is S.FILLED
    assert executed(broker) == [(1, 10, D("103.50"), "taker")]


def test_a_sell_stop_at_the_bid_goes_off_at_once(broker):
    order = broker.submit_order(BrokerOrder("A", "sell", 10, "stop", stop_price=D(99)))
    assert order.state is S.FILLED


def test_a_triggered_stop_limit_stays_triggered_and_rests_at_its_limit(broker, quotes):
    order = broker.submit_order(
        BrokerOrder("A", "sell", 10, "stop_limit", D("97.50"), stop_price=D(98))
    )
    quotes["A"] = ("97", "98")
    assert broker.order_status(order).state is S.ACCEPTED
    quotes["A"] = ("98.50", "99")
    assert broker.order_status(order).state is S.FILLED
    assert executed(broker) == [(1, 10, D("97.50"), "maker")]


def test_a_triggered_stop_limit_that_crosses_takes_the_touch(broker, quotes):
    broker.submit_order(BrokerOrder("A", "sell", 10, "stop_limit", D("97"), stop_price=D(98)))
    quotes["A"] = ("97.80", "98")
    assert executed(broker) == [(1, 10, D("97.80"), "taker")]


def test_an_immediate_stop_waits_for_its_price_and_then_rests_no_more(broker, quotes):
    order = broker.submit_order(
        BrokerOrder("A", "sell", 10, "stop_limit", D(98), stop_price=D(98), tif="ioc")
    )
    assert order.state is S.HELD
    quotes["A"] = {"bid": "98", "ask": "99", "bid_size": 4}
    status = broker.order_status(order)
    assert (status.state, status.filled_quantity) == (S.CANCELLED, 4)


@pytest.mark.parametrize(
    "dead",
    [
        {"bid": "102", "ask": "101"},
        {"bid": "99"},
        {"last": "100"},
        {"bid": "99", "last": "100", "volume": 5},
    ],
)
def test_nothing_is_bought_on_a_crossed_or_missing_ask(broker, quotes, dead):
    quotes["A"] = dead
    order = broker.submit_order("A", "buy", 10, order_type="limit", limit_price=D(200))
    assert order.state is S.ACCEPTED
    with pytest.raises(nanobook.NoQuoteError, match="A has no quote to buy at"):
        broker.submit_order("A", "buy", 10)
    assert broker.fills() == []


def test_nothing_trades_while_the_quote_says_halted(broker, quotes):
    quotes["A"] = nanobook.Quote(symbol="A", bid=D(99), ask=D(101), is_halted=True)
    with pytest.raises(nanobook.MarketClosedError, match="A is halted"):
        broker.submit_order("A", "buy", 10)
    order = broker.submit_order("A", "buy", 10, order_type="limit", limit_price=D(200))
    assert order.state is S.ACCEPTED
    quotes["A"] = ("99", "101")
    assert broker.order_status(order).state is S.FILLED


def test_a_day_order_ends_with_its_utc_day_and_a_gtc_order_does_not(broker, clock, quotes):
    day, gtc = (
        broker.submit_order(BrokerOrder("A", "buy", 10, "limit", D(90), tif=tif))
        for tif in ("day", "gtc")
    )
    clock.sleep(9.5 * 3600 - 1)
    assert broker.order_status(day).state is S.ACCEPTED
    clock.sleep(1)
    quotes["A"] = ("80", "89")  # came too late
    assert broker.order_status(day).state is S.EXPIRED
    assert broker.order_status(day).reason == "day order, and its UTC day is over"
    assert broker.order_status(gtc).state is S.FILLED


def test_a_post_only_order_rests_or_is_refused(broker):
    with pytest.raises(nanobook.PostOnlyRejectedError, match="A: it would trade at once"):
        broker.submit_order(BrokerOrder("A", "buy", 10, "limit", D(101), post_only=True))
    assert broker.open_orders() == []
    ack = broker.submit_order(BrokerOrder("A", "buy", 10, "limit", D("100.99"), post_only=True))
    assert ack.state is S.ACCEPTED


def test_lots_below_one_and_ticks_of_bands_are_kept(quotes, clock, fills):
    rules = nanobook.Instrument(
        symbol="BTC", lot=D("0.001"), tick=D("0.5"), tick_bands=[(D(1000), D(1))]
    )
    quotes["BTC"] = {"bid": "50000", "ask": "50001", "ask_size": "0.0125"}
    settings = {"quotes": quotes, "clock": clock, "fills": fills, "instruments": [rules]}
    with nanobook.PaperBroker(**settings) as broker:
        broker.submit_order("BTC", "buy", D("0.02"), order_type="limit", limit_price=D(50002))
        assert executed(broker) == [(1, D("0.012"), D(50001), "taker")]
        assert broker.capabilities().fractional


def test_an_order_book_refuses_more_than_it_can_count(quotes, clock):
    quotes["A"] = ("0.01", "0.02")
    rich = 10**20
    with nanobook.PaperBroker(rich, quotes=quotes, clock=clock, fills="order_book") as broker:
        with pytest.raises(nanobook.OrderInvalidError, match="fills='touch' takes any"):
            broker.submit_order("A", "buy", 2**48 + 1)
        assert broker.open_orders() == []


class Half:
    """Fills half of each order, a tick worse than asked."""

    def __init__(self):
        self.requests = []

    def fill(self, request):
        self.requests.append(request)
        half = request.quantity // 2
        order = np.flatnonzero(half)
        return Fills(
            order=order, quantity=half[order], price=request.price[order] + np.sign(half[order])
        )


def test_a_fill_model_decides_within_the_orders_limit(quotes, clock):
    model = Half()
    with nanobook.PaperBroker(quotes=quotes, clock=clock, fills=model) as broker:
        market = broker.submit_order("A", "buy", 8)
        limit = broker.submit_order("A", "sell", 8, order_type="limit", limit_price=D(99))
        assert executed(broker)[0] == (1, 4, D("101.01"), "taker")
        assert broker.order_status(limit).filled_quantity == 0  # a tick below its limit
    first, *_, last = model.requests
    assert (first.symbols, first.period, first.is_first) == (("A",), 0, True)
    assert (first.quantity.tolist(), first.price.tolist()) == ([8], [10100])
    assert (last.period, last.is_first) == (0, False)
    assert market.state is S.PARTIALLY_FILLED


def test_a_fill_model_knows_what_was_filled_and_a_new_quote_is_a_new_period(quotes, clock):
    model = Half()
    with nanobook.PaperBroker(quotes=quotes, clock=clock, fills=model) as broker:
        broker.submit_order("A", "buy", 8)
        broker.order_status(1)
        assert [one.filled.tolist() for one in model.requests] == [[0], [4]]
        quotes["A"] = ("98", "100")
        broker.order_status(1)
        latest = model.requests[-1]
        assert (latest.period, latest.is_first, latest.filled.tolist()) == (1, True, [0])


@pytest.mark.parametrize(
    ("order", "quantity", "price"), [(0, 9, 100), (0, -1, 100), (1, 1, 100), (0, 1, 0)]
)
def test_a_fill_model_that_lies_is_refused_and_nothing_changes(
    quotes, clock, order, quantity, price
):
    class Liar:
        def fill(self, _):
            return Fills(
                order=np.array([order]), quantity=np.array([quantity]), price=np.array([price])
            )

    with nanobook.PaperBroker(quotes=quotes, clock=clock, fills=Liar()) as broker:
        with pytest.raises(ValidationError, match="filled"):
            broker.submit_order("A", "buy", 8)
        assert broker.fills() == []
        assert broker.open_orders() == []
        del quotes["A"]
        with pytest.raises(nanobook.UnknownSymbolError):
            broker.instrument("A")


@pytest.mark.parametrize("fills", ["touch", "order_book"])
def test_a_fill_or_kill_order_that_is_not_filled_leaves_the_size_to_the_next(quotes, clock, fills):
    quotes["A"] = ("99", "105")
    with nanobook.PaperBroker(quotes=quotes, clock=clock, fills=fills) as broker:
        killed = broker.submit_order(
            BrokerOrder("A", "buy", 60, "stop", stop_price=D(106), tif="fok")
        )
        filled = broker.submit_order(BrokerOrder("A", "buy", 40, "stop", stop_price=D(106)))
        quotes["A"] = {"bid": "105", "ask": "106", "ask_size": 50}
        told = [broker.order_status(order) for order in (killed, filled)]
        assert [(one.state, one.filled_quantity) for one in told] == [
            ("cancelled", 0),
            ("filled", 40),
        ]
        whole = broker.submit_order(BrokerOrder("A", "buy", 10, tif="fok"))
        assert broker.order_status(whole).filled_quantity == 10


def test_a_fill_model_that_fails_keeps_nobody_from_cancelling(quotes, clock, caplog):
    class Broken:
        def fill(self, request):
            raise RuntimeError("no data")

    with nanobook.PaperBroker(quotes=quotes, clock=clock, fills=Broken()) as broker:
        order = broker.submit_order("A", "buy", 1, order_type="limit", limit_price=D(50))
        quotes["A"] = ("48", "49")
        assert broker.order_status(order).state == "accepted"
        assert "nothing of A trades: RuntimeError('no data')" in caplog.text
        broker.cancel_order(order)
        assert broker.open_orders() == []


def test_the_fill_model_simple_fills_as_the_touch_does(quotes, clock):
    with nanobook.PaperBroker(quotes=quotes, clock=clock, fills="simple") as broker:
        assert broker.submit_order("A", "buy", 500).state is S.FILLED
        assert executed(broker) == [(1, 500, D(101), "taker")]
