"""Every example of the seed that is about the order book, in Python, with what it shows."""

import pytest

import nanobook
from nanobook import (
    MultiExchange,
    OrderId,
    OrderStatus,
    Price,
    Side,
    Symbol,
    TimeInForce,
    Trade,
    TradeId,
    TrailMethod,
    ValidationError,
)


@pytest.fixture
def sweep(exchange):
    """Two levels to sell, which an order to buy has gone through."""
    exchange.submit_limit("sell", 100_00, 50)
    exchange.submit_limit("sell", 101_00, 50)
    return exchange.submit_limit("buy", 101_00, 80)


# Quick start


def test_quick_start(new_exchange):
    exchange = new_exchange()
    exchange.submit_limit(Side.SELL, Price(50_00), 100, TimeInForce.GTC)
    result = exchange.submit_limit(Side.BUY, Price(50_00), 100, TimeInForce.GTC)

    assert len(result.trades) == 1
    assert result.trades[0].price == Price(50_00)


# Core concepts


def test_prices():
    price = Price(100_50)
    assert Price(100_00) < Price(101_00)
    assert str(price) == "$100.50"
    assert f"{price}" == "$100.50"
    assert Price.ZERO == 0
    assert Price.MIN < Price.ZERO < Price.MAX


def test_identifiers():
    assert str(OrderId(42)) == "O42"
    assert str(TradeId(7)) == "T7"


def test_a_market_order_stands_at_the_end_of_all_prices(exchange):
    bought = exchange.submit_market("buy", 1)
    sold = exchange.submit_market("sell", 1)
    assert exchange.get_order(bought.order_id).price == Price.MAX
    assert exchange.get_order(sold.order_id).price == Price.MIN


def test_the_same_operations_give_the_same_trades(new_exchange):
    def tape():
        exchange = new_exchange()
        exchange.submit_limit("sell", 100_00, 50)
        exchange.submit_limit("sell", 101_00, 50)
        exchange.submit_limit("buy", 101_00, 80)
        exchange.submit_market("sell", 10)
        return list(exchange.trades())

    assert tape() == tape()
    assert len(tape()) == 2


# Exchange API


def test_order_submission(exchange):
    result = exchange.submit_limit(Side.BUY, Price(100_00), 100, TimeInForce.GTC)
    assert (result.status, result.resting_quantity) == ("New", 100)

    result = exchange.submit_market(Side.BUY, 500)
    assert (result.status, result.cancelled_quantity) == ("Cancelled", 500)


def test_order_management(exchange):
    order_id = exchange.submit_limit("buy", 100_00, 100).order_id
    result = exchange.modify(order_id, Price(101_00), 200)
    assert result.success
    assert (result.old_order_id, result.new_order_id) == (1, 2)

    result = exchange.cancel(result.new_order_id)
    assert (result.success, result.cancelled_quantity, result.error) == (True, 200, None)

    result = exchange.cancel(result.cancelled_quantity)
    assert (result.success, result.cancelled_quantity) == (False, 0)
    assert result.error == "OrderNotFound"


def test_queries(exchange):
    exchange.submit_limit("buy", 99_00, 30)
    exchange.submit_limit("sell", 101_00, 40)
    exchange.submit_limit("sell", 101_00, 50)
    exchange.submit_market("buy", 10)

    bid, ask = exchange.best_bid_ask()
    assert (bid, ask) == (99_00, 101_00)
    spread = exchange.spread()
    assert spread == 2_00
    snap = exchange.depth(10)
    assert [(level.price, level.quantity, level.order_count) for level in snap.asks] == [
        (101_00, 80, 2)
    ]
    full = exchange.full_book()
    assert [order.id for order in full.asks[0].orders] == [2, 3]
    order = exchange.get_order(OrderId(1))
    assert (order.side, order.price, order.remaining_quantity) == (Side.BUY, 99_00, 30)
    trades = exchange.trades()
    assert [(trade.price, trade.quantity) for trade in trades] == [(101_00, 10)]


def test_memory_management(exchange, sweep):
    assert sweep.has_trades
    exchange.clear_trades()
    assert len(exchange.trades()) == 0
    exchange.clear_order_history()
    assert exchange.get_order(1) is None
    exchange.compact()
    assert exchange.best_ask() == 101_00


def test_input_validation(exchange):
    with pytest.raises(ValidationError, match="price must be greater than zero"):
        exchange.try_submit_limit(Side.BUY, Price(0), 100, TimeInForce.GTC)
    with pytest.raises(ValidationError, match="quantity must be greater than zero, got 0"):
        exchange.try_submit_market(Side.BUY, 0)
    assert exchange.try_submit_limit(Side.BUY, Price(1), 100, TimeInForce.GTC).is_resting
    assert exchange.try_submit_market(Side.SELL, 100).is_fully_filled


@pytest.mark.parametrize(
    ("tif", "with_enough", "with_some", "with_none"),
    [
        ("gtc", ("Filled", 100, 0, 0), ("PartiallyFilled", 60, 40, 0), ("New", 0, 100, 0)),
        ("ioc", ("Filled", 100, 0, 0), ("PartiallyFilled", 60, 0, 40), ("Cancelled", 0, 0, 100)),
        ("fok", ("Filled", 100, 0, 0), ("Cancelled", 0, 0, 100), ("Cancelled", 0, 0, 100)),
    ],
)
def test_time_in_force_semantics(new_exchange, tif, with_enough, with_some, with_none):
    for liquidity, expected in ((100, with_enough), (60, with_some), (0, with_none)):
        exchange = new_exchange()
        if liquidity:
            exchange.submit_limit("sell", 100_00, liquidity)
        result = exchange.submit_limit("buy", 100_00, 100, tif)
        assert (
            result.status,
            result.filled_quantity,
            result.resting_quantity,
            result.cancelled_quantity,
        ) == expected


# Types reference


def test_result_types(sweep):
    assert sweep.order_id == 3
    assert sweep.status is OrderStatus.FILLED
    assert (sweep.filled_quantity, sweep.resting_quantity, sweep.cancelled_quantity) == (80, 0, 0)
    trade = sweep.trades[1]
    assert (trade.trade_id, trade.price, trade.quantity) == (2, 101_00, 30)
    assert (trade.aggressor_order_id, trade.passive_order_id) == (3, 2)
    assert (trade.aggressor_side, trade.timestamp) == (Side.BUY, 5)


def test_enums():
    assert Side.BUY.opposite is Side.SELL
    assert Side.SELL.opposite is Side.BUY
    assert [tif for tif in TimeInForce if tif.can_rest] == [TimeInForce.GTC]
    assert [tif for tif in TimeInForce if tif.allows_partial] == [TimeInForce.GTC, TimeInForce.IOC]
    active = [status for status in OrderStatus if status.is_active]
    assert active == [OrderStatus.NEW, OrderStatus.PARTIALLY_FILLED]
    terminal = [status for status in OrderStatus if status.is_terminal]
    assert terminal == [OrderStatus.FILLED, OrderStatus.CANCELLED]


def test_book_snapshots(exchange):
    exchange.submit_limit("buy", 99_00, 30)
    exchange.submit_limit("buy", 98_00, 10)
    exchange.submit_limit("sell", 101_00, 20)
    snap = exchange.depth(10)
    assert [level.price for level in snap.bids] == [99_00, 98_00]
    assert [level.price for level in snap.asks] == [101_00]
    assert snap.timestamp == 3
    assert (snap.best_bid(), snap.best_ask()) == (99_00, 101_00)
    assert snap.spread() == 2_00
    assert snap.mid_price() == 100_00.0
    assert (snap.total_bid_quantity(), snap.total_ask_quantity()) == (40, 20)
    assert snap.imbalance() == pytest.approx(1 / 3)
    assert snap.weighted_mid() == pytest.approx(100_20.0)


# Stop orders


def test_stop_orders(exchange):
    exchange.submit_limit("buy", 95_00, 10)
    exchange.submit_limit("buy", 94_00, 500)
    # Stop-market: triggers a market order when the last trade price hits the stop
    market = exchange.submit_stop_market(Side.SELL, Price(95_00), 100)
    # Stop-limit: triggers a limit order at limit_price when the stop hits
    limit = exchange.submit_stop_limit(Side.SELL, Price(95_00), Price(94_50), 100, TimeInForce.GTC)
    assert (market.status, limit.status) == ("Pending", "Pending")
    assert exchange.pending_stop_count() == 2

    exchange.submit_market("sell", 10)
    assert [trade.price for trade in exchange.trades()] == [95_00, 94_00]
    assert exchange.get_stop_order(market.order_id)["status"] == "triggered"
    child = exchange.get_order(exchange.get_stop_order(limit.order_id)["child_order_id"])
    assert (child.price, child.remaining_quantity) == (94_50, 100)


@pytest.mark.parametrize(
    ("side", "stop_price", "is_triggered"),
    [
        ("buy", 99_00, True),
        ("buy", 100_00, True),
        ("buy", 101_00, False),
        ("sell", 101_00, True),
        ("sell", 100_00, True),
        ("sell", 99_00, False),
    ],
)
def test_when_a_stop_triggers(exchange, side, stop_price, is_triggered):
    exchange.submit_limit("sell", 100_00, 1)
    exchange.submit_market("buy", 1)
    stop = exchange.submit_stop_market(side, stop_price, 100)
    assert stop.status == ("Triggered" if is_triggered else "Pending")


def test_a_stop_is_cancelled_as_an_order_is(exchange):
    stop_id = exchange.submit_stop_market("sell", 95_00, 100).order_id
    assert exchange.cancel(stop_id).success
    assert exchange.get_stop_order(stop_id)["status"] == "cancelled"


def test_stops_set_off_stops(exchange):
    for price in (100_00, 99_00, 98_00, 97_00):
        exchange.submit_limit("buy", price, 10)
    for price in (100_00, 99_00, 98_00):
        exchange.submit_stop_market("sell", price, 10)
    exchange.submit_market("sell", 10)
    assert [trade.price for trade in exchange.trades()] == [100_00, 99_00, 98_00, 97_00]


@pytest.mark.parametrize(
    ("stop_price", "method", "at_the_peak", "after_it"),
    [
        # Fixed: triggers if the price drops $2.00 from its peak
        (98_00, TrailMethod.fixed(200), 108_00, 108_00),
        # Percentage: trail by 5% from the peak
        (95_00, TrailMethod.percentage(0.05), 104_50, 104_50),
        # ATR-based: twice the average change over 14 trades
        (95_00, TrailMethod.atr(multiplier=2.0, period=14), 100_00, 104_00),
    ],
)
def test_trailing_stops(exchange, stop_price, method, at_the_peak, after_it):
    exchange.submit_limit("sell", 105_00, 1)
    exchange.submit_market("buy", 1)
    stop = exchange.submit_trailing_stop_market(Side.SELL, Price(stop_price), 100, method)
    exchange.submit_limit("sell", 110_00, 1)
    exchange.submit_market("buy", 1)
    assert exchange.get_stop_order(stop.order_id)["stop_price"] == at_the_peak
    exchange.submit_limit("sell", 109_00, 1)
    exchange.submit_market("buy", 1)
    assert exchange.get_stop_order(stop.order_id)["stop_price"] == after_it


def test_trailing_stop_limit(exchange):
    stop = exchange.submit_trailing_stop_limit("sell", 95_00, 94_00, 100, "percentage", 0.05, "gtc")
    found = exchange.get_stop_order(stop.order_id)
    assert (found["limit_price"], found["trail_method"]) == (94_00, TrailMethod.percentage(0.05))


# Event replay


def test_event_replay(exchange, sweep):
    exchange.cancel(sweep.order_id)
    exchange.modify(2, 102_00, 10)
    # Save events
    events = list(exchange.events())

    # Reconstruct exact state
    replayed = type(exchange).replay(events)
    assert exchange.best_bid_ask() == replayed.best_bid_ask()
    assert exchange.state() == replayed.state()
    assert list(exchange.trades()) == list(replayed.trades())
    assert [event.kind for event in events] == [
        "submit_limit",
        "submit_limit",
        "submit_limit",
        "cancel",
        "modify",
    ]


def test_events_can_be_off_for_performance(new_exchange):
    exchange = new_exchange(log_events=False)
    exchange.submit_limit("buy", 100_00, 1)
    with pytest.raises(nanobook.LogTruncatedError):
        exchange.events()


# Symbol and MultiExchange


def test_symbol():
    symbol = Symbol.new("AAPL")
    assert symbol == "AAPL"
    assert Symbol.try_new("AAPL") == symbol
    assert Symbol.try_new("TOOLONGNAME") is None
    assert Symbol.from_str_truncated("TOOLONGNAME") == "TOOLONGN"


def test_multi_exchange(capsys):
    multi = MultiExchange()
    aapl = Symbol.new("AAPL")

    multi.get_or_create(aapl).submit_limit(Side.SELL, Price(150_00), 100, TimeInForce.GTC)

    for symbol, bid, ask in multi.best_prices():
        print(f"{symbol}: bid={bid!r} ask={ask!r}")  # noqa: T201 - the example does
    assert capsys.readouterr().out == "AAPL: bid=None ask=15000\n"


# Python bindings


def test_exchange_from_python():
    ex = nanobook.Exchange()
    result = ex.submit_limit("buy", 10050, 100, "gtc")
    result = ex.submit_market("sell", 50)
    ex.cancel(result.order_id)
    bid, ask = ex.best_bid_ask()
    snap = ex.depth(10)
    assert (result.status, bid, ask) == ("Filled", 10050, None)
    assert (len(snap.bids), len(snap.asks)) == (1, 0)


def test_stop_orders_from_python():
    ex = nanobook.Exchange()
    ex.submit_stop_market("sell", 9500, 100)
    ex.submit_stop_limit("buy", 10500, 10600, 100, "gtc")
    ex.submit_trailing_stop_market("sell", 9500, 100, "percentage", 0.05)
    assert ex.pending_stop_count() == 3


# Book analytics


@pytest.fixture
def snap(exchange):
    exchange.submit_limit("buy", 100, 300)
    exchange.submit_limit("buy", 99, 100)
    exchange.submit_limit("sell", 103, 100)
    return exchange.depth(10)


def test_imbalance(snap, capsys):
    if (imbalance := snap.imbalance()) is not None:
        # [-1.0, 1.0]: positive = buy pressure
        print(f"Imbalance: {imbalance:.4f}")  # noqa: T201 - the example does
    assert capsys.readouterr().out == "Imbalance: 0.6000\n"


def test_weighted_midpoint(snap, capsys):
    if (weighted_mid := snap.weighted_mid()) is not None:
        print(f"Weighted mid: {weighted_mid:.2f}")  # noqa: T201 - the example does
    assert capsys.readouterr().out == "Weighted mid: 102.25\n"


def test_volume_weighted_average_price(exchange, sweep, capsys):
    assert sweep.filled_quantity == 80
    if (vwap := Trade.vwap(exchange.trades())) is not None:
        print(f"VWAP: {vwap}")  # noqa: T201 - the example does
    assert capsys.readouterr().out == "VWAP: $100.37\n"
    assert Trade.vwap([]) is None


def test_an_empty_book_has_no_measures(exchange):
    snap = exchange.depth(10)
    assert snap.imbalance() is None
    assert snap.weighted_mid() is None
    assert snap.mid_price() is None


# Persistence and JSON


def test_persistence(exchange, sweep, tmp_path):
    assert sweep.has_trades
    exchange.save(tmp_path / "orders.jsonl")
    loaded = type(exchange).load(tmp_path / "orders.jsonl")
    assert loaded.state() == exchange.state()


def test_all_public_types_have_json(exchange, sweep):
    exchange.submit_trailing_stop_market("sell", 95_00, 100, "atr", 2.0, 14)
    records = [
        *(Price(100_50), OrderId(42), TradeId(7), Symbol("AAPL"), Side.BUY, TimeInForce.IOC),
        *(OrderStatus.NEW, exchange.get_order(1), sweep.trades[0], exchange.events()[0], sweep),
        *(exchange.cancel(99), exchange.modify(99, 1, 1), exchange.depth(10)),
        *(exchange.depth(10).asks[0], exchange.get_stop_order(4), nanobook.Position("AAPL")),
        nanobook.CostModel(commission_bps=5),
    ]
    for record in records:
        assert nanobook.from_json(type(record), nanobook.to_json(record)) == record
