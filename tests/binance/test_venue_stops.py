"""When orders that wait for a price go to the book; trailing ones as in the vendor's examples."""

from decimal import Decimal

import pytest
from tests.binance.venue_bench import START_MS, Bench, buy, sell, text


def stop(side, order_type, stop_price=None, price=None, **fields):
    make = buy if side == "BUY" else sell
    return make("0.1", price, order_type, stop_price=stop_price, **fields)


def go(bench, price):
    """Let others trade one step at a price, around which there is a market."""
    price = Decimal(price)
    bench.venue.follow(
        "BTCUSDT",
        [(price - 1, Decimal(5))],
        [(price + 1, Decimal(5))],
        replace=True,
    )
    bench.venue.print("BTCUSDT", price, Decimal("0.00001"), buyer_is_maker=True)


@pytest.mark.parametrize(
    ("order_type", "side", "stop_price", "before", "at"),
    [
        ("STOP_LOSS", "BUY", "61000", "60998", "61000"),
        ("STOP_LOSS", "SELL", "59000", "59002", "59000"),
        ("TAKE_PROFIT", "BUY", "59000", "59002", "59000"),
        ("TAKE_PROFIT", "SELL", "61000", "60998", "61000"),
    ],
)
def test_stop_goes_to_the_market_at_its_price_and_not_before(
    order_type, side, stop_price, before, at
):
    bench = Bench()
    bench.place("a", stop(side, order_type, stop_price))
    go(bench, before)
    order = bench.venue.order("a", "BTCUSDT", 1001)
    assert (order.status, order.is_working, order.working_time) == ("NEW", False, None)
    bench.clock.passed += 5
    go(bench, at)
    order = bench.venue.order("a", "BTCUSDT", 1001)
    assert (order.status, order.is_working) == ("FILLED", True)
    assert order.working_time == START_MS + 5000
    assert bench.venue.open_orders("a") == []


@pytest.mark.parametrize(
    ("order_type", "side", "stop_price", "price", "at"),
    [
        ("STOP_LOSS_LIMIT", "BUY", "61000", "61000", "61000"),
        ("STOP_LOSS_LIMIT", "SELL", "59000", "59000", "59000"),
        ("TAKE_PROFIT_LIMIT", "BUY", "59000", "58000", "59000"),
        ("TAKE_PROFIT_LIMIT", "SELL", "61000", "62000", "61000"),
    ],
)
def test_stop_limit_rests_where_its_limit_meets_nobody(order_type, side, stop_price, price, at):
    bench = Bench()
    bench.place("a", stop(side, order_type, stop_price, price))
    assert bench.has("a", "USDT" if side == "BUY" else "BTC").endswith(
        f"+{text(Decimal(price) / 10)}" if side == "BUY" else "+0.1"
    )
    go(bench, at)
    assert bench.state("a", 1001) == "NEW 0+0.1"
    assert bench.venue.order("a", "BTCUSDT", 1001).is_working
    top = bench.venue.top("BTCUSDT")
    best = {"BUY": (top.bid, top.bid_size), "SELL": (top.ask, top.ask_size)}[side]
    is_at_touch = Decimal(price) == Decimal(at)
    assert (best == (Decimal(price), Decimal("0.1"))) is is_at_touch


def test_waiting_order_is_told_again_when_it_goes_to_the_book():
    bench = Bench()
    bench.place("a", stop("SELL", "STOP_LOSS", "59000"))
    bench.told()
    bench.quote("58999", "59000")
    assert bench.told() == [
        "a/1001 NEW NEW 0",
        "a/1001 TRADE FILLED 0.1 0.1 at 58999",
        "BTCUSDT 0.1 at 58999",
        "a balances BTC USDT",
        "BTCUSDT depth",
        "BTCUSDT top",
    ]


def test_stop_sets_off_another():
    bench = Bench()
    bench.place("a", stop("SELL", "STOP_LOSS", "59000"))
    bench.place("b", stop("SELL", "STOP_LOSS", "58000"))
    bench.venue.follow(
        "BTCUSDT",
        [(Decimal(59000), Decimal("0.1")), (Decimal(58000), Decimal("0.1"))],
        [(Decimal(60000), Decimal(1))],
        replace=True,
    )
    assert bench.state("a", 1001) == "NEW 0+0.1"
    bench.venue.follow("BTCUSDT", [(Decimal(59000), Decimal(0)), (Decimal(57000), Decimal(5))], [])
    bench.venue.print("BTCUSDT", Decimal(58500), Decimal(1), buyer_is_maker=True)
    assert bench.state("a", 1001) == "FILLED 0.1+0"
    assert bench.state("b", 1002) == "FILLED 0.1+0"
    prices = [text(bench.venue.trades(name, "BTCUSDT")[0].price) for name in ("a", "b")]
    assert prices == ["58000", "57000"]


def test_stop_goes_off_once_though_one_order_prints_twice_beyond_it():
    bench = Bench()
    bench.place("a", stop("SELL", "STOP_LOSS", "59000"))
    bids = [(Decimal(price), Decimal("0.1")) for price in (58990, 58980, 58970)]
    bench.venue.follow("BTCUSDT", bids, [], replace=True)
    bench.place("b", sell("0.2"))
    assert bench.state("a", 1001) == "FILLED 0.1+0"
    assert [text(each.price) for each in bench.venue.trades("a", "BTCUSDT")] == ["58970"]


def test_stop_to_buy_that_has_become_too_dear_is_rejected_by_the_book():
    bench = Bench()
    bench.place("a", buy("1.6", None, "STOP_LOSS", stop_price="62000"))
    assert bench.has("a", "USDT") == "800+99200"
    bench.quote("62999", "63000")
    order = bench.venue.order("a", "BTCUSDT", 1001)
    assert (order.status, order.expiry_reason) == ("EXPIRED", "REJECTED")
    assert bench.has("a", "USDT") == "100000+0"


def test_stop_to_buy_may_use_what_is_free_too():
    bench = Bench()
    bench.place("a", buy("1.6", None, "STOP_LOSS", stop_price="62000"))
    bench.quote("62399", "62400")
    assert bench.state("a", 1001) == "FILLED 1.6+0"
    assert bench.has("a", "USDT") == "160+0"


def test_stop_whose_limit_can_only_fill_at_once_expires():
    bench = Bench()
    bench.place("a", stop("BUY", "STOP_LOSS_LIMIT", "61000", "60500", time_in_force="IOC"))
    go(bench, "61000")
    order = bench.venue.order("a", "BTCUSDT", 1001)
    assert (order.status, order.expiry_reason) == ("EXPIRED", "UNFILLED_IOC_QUANTITY_EXPIRED")


def test_cancelled_stop_does_not_go_off():
    bench = Bench()
    bench.place("a", stop("SELL", "STOP_LOSS", "59000"))
    bench.venue.cancel("a", "BTCUSDT", 1001)
    go(bench, "58000")
    assert bench.state("a", 1001) == "CANCELED 0+0.1"
    assert bench.has("a", "BTC") == "2+0"


# The vendor's examples of trailing stops: what they are, the trades, and the one that triggers.
EXAMPLES = {
    "A": (
        ("BUY", "STOP_LOSS_LIMIT", "44000", "45000", 500),
        ("37000", "44000", "46000", "42000", "44099.99"),
        "44100",
    ),
    "B": (
        ("SELL", "STOP_LOSS_LIMIT", "39000", "38000", 1000),
        ("41500", "39000", "37000", "41000", "36900.01"),
        "36900",
    ),
    "C": (
        ("BUY", "TAKE_PROFIT_LIMIT", "38000", "38500", 850),
        ("42000", "38000", "37000", "39000", "38000", "40144.99"),
        "40145",
    ),
    "D": (
        ("SELL", "TAKE_PROFIT_LIMIT", "42000", "41000", 750),
        ("41500", "39000", "42000", "45000", "44000", "46500", "43012.51"),
        "43012.5",
    ),
    "E": (
        ("SELL", "STOP_LOSS_LIMIT", None, "39000", 700),
        ("42000", "39500", "45500", "42315.01"),
        "42315",
    ),
}


@pytest.mark.parametrize("name", EXAMPLES)
def test_trailing_stop_goes_off_as_in_the_vendors_example(name):
    (side, order_type, stop_price, price, delta), prices, trigger = EXAMPLES[name]
    bench = Bench()
    go(bench, "40000")
    bench.place("a", stop(side, order_type, stop_price, price, trailing_delta=delta))
    for last in prices:
        go(bench, last)
        assert not bench.venue.order("a", "BTCUSDT", 1001).is_working
    go(bench, trigger)
    assert bench.venue.order("a", "BTCUSDT", 1001).is_working


def test_trailing_stop_says_since_when_it_follows():
    bench = Bench()
    bench.place("a", stop("SELL", "STOP_LOSS", "59000", trailing_delta=100))
    bench.place("a", stop("SELL", "STOP_LOSS", trailing_delta=100))
    assert bench.venue.order("a", "BTCUSDT", 1001).trailing_time is None
    assert bench.venue.order("a", "BTCUSDT", 1002).trailing_time == START_MS
    bench.clock.passed += 3
    go(bench, "59000")
    assert bench.venue.order("a", "BTCUSDT", 1001).trailing_time == START_MS + 3000


def test_stop_waits_through_a_halt():
    bench = Bench()
    bench.place("a", stop("SELL", "STOP_LOSS", "59000"))
    bench.venue.set_status("BTCUSDT", "HALT")
    go(bench, "58000")
    assert bench.state("a", 1001) == "NEW 0+0.1"
    bench.venue.set_status("BTCUSDT", "TRADING")
    assert bench.state("a", 1001) == "FILLED 0.1+0"
