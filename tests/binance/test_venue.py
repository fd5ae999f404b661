"""What becomes of plain orders: their statuses, fills, money and commissions."""

from decimal import Decimal

from tests.binance.venue_bench import START_MS, Bench, buy, sell


def test_limit_order_at_the_ask_fills_at_once():
    bench = Bench()
    order = bench.place("a", buy("0.5", "60000.01", client_order_id="mine"))
    assert bench.told() == [
        "a/1001 NEW NEW 0",
        "a/1001 TRADE FILLED 0.5 0.5 at 60000.01",
        "BTCUSDT 0.5 at 60000.01",
        "a balances USDT BTC",
        "BTCUSDT depth",
        "BTCUSDT top",
    ]
    assert (order.order_id, order.client_order_id, order.time) == (1001, "mine", START_MS)
    assert (order.status, order.executed) == ("FILLED", Decimal("0.5"))
    assert order.quote_executed == Decimal("30000.005")
    (trade,) = bench.venue.trades("a", "BTCUSDT")
    assert (trade.trade_id, trade.is_maker) == (5001, False)
    assert (trade.commission, trade.commission_asset) == (Decimal("0.0005"), "BTC")
    assert bench.has("a", "BTC") == "2.4995+0"
    assert bench.has("a", "USDT") == "69999.995+0"


def test_limit_order_below_the_ask_rests_and_locks_what_it_may_cost():
    bench = Bench()
    bench.place("a", buy("0.7", "60000.00"))
    bench.place("a", sell("0.3", "60000.01"))
    top = bench.venue.top("BTCUSDT")
    assert (top.bid_size, top.ask_size) == (Decimal("9000.7"), Decimal("9000.3"))
    assert bench.has("a", "USDT") == "58000+42000"
    assert bench.has("a", "BTC") == "1.7+0.3"
    assert [each.order_id for each in bench.venue.open_orders("a")] == [1001, 1002]
