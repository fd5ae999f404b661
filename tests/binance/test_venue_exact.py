"""Money to the last satoshi: fine prices, small quantities, commissions."""

from decimal import Decimal

import pytest
from tests.binance.venue_bench import Bench, buy, sell, text

from nanobook_binance.simulator.venue import Refusal


def test_coin_at_the_smallest_price_there_is():
    bench = Bench(funds={"USDT": Decimal(10), "PEPE": Decimal(0)})
    bench.quote("0.00000001", "0.00000002", "PEPEUSDT")
    bench.place("a", buy("400000001", "0.00000001", symbol="PEPEUSDT"))
    assert bench.has("a", "USDT") == "5.99999999+4.00000001"
    order = bench.place("a", buy("100000001", "0.00000002", symbol="PEPEUSDT"))
    assert (order.status, text(order.quote_executed)) == ("FILLED", "2.00000002")
    assert bench.has("a", "PEPE") == "99900000.999+0"
    assert bench.has("a", "USDT") == "3.99999997+4.00000001"
    top = bench.venue.top("PEPEUSDT")
    assert text(top.bid) == "0.00000001"


def test_bitcoin_at_a_quantity_with_more_places_than_the_step_is_refused():
    bench = Bench()
    with pytest.raises(Refusal, match="LOT_SIZE"):
        bench.place("a", buy("0.00001234", "60000.01"))


def test_commission_leaves_quantities_that_are_on_no_step():
    bench = Bench(funds={"USDT": Decimal(1000), "BTC": Decimal("0.00001234")})
    bench.place("a", buy("0.00123", "60000.01"))
    assert bench.has("a", "BTC") == "0.00124111+0"
    assert bench.has("a", "USDT") == "926.1999877+0"
    with pytest.raises(Refusal, match="LOT_SIZE"):
        bench.place("a", sell("0.00124111"))
    bench.place("a", sell("0.00124"))
    assert bench.has("a", "BTC") == "0.00000111+0"


def test_bought_quantity_cannot_be_sold_whole():
    bench = Bench(funds={"USDT": Decimal(1000)})
    bench.place("a", buy("0.01", "60000.01"))
    assert bench.has("a", "BTC") == "0.00999+0"
    with pytest.raises(Refusal, match="insufficient balance"):
        bench.place("a", sell("0.01"))


def test_commission_is_rounded_down_to_a_satoshi():
    bench = Bench(funds={"USDT": Decimal(1000), "BTC": Decimal(1)}, commission=Decimal("0.00075"))
    bench.quote("60000.01", "60000.02")
    bench.place("a", sell("0.00013", "60000.01"))
    (trade,) = bench.venue.trades("a", "BTCUSDT")
    # 7.8000013 of which 0.075 % is 0.005850000975.
    assert (text(trade.quote_quantity), text(trade.commission)) == ("7.8000013", "0.00585")
    assert bench.has("a", "USDT") == "1007.7941513+0"
    bench.place("a", buy("0.00013", "60000.02"))
    # A bought 0.00013 pays 0.0000000975, of which a satoshi is the tenth part.
    assert text(bench.venue.trades("a", "BTCUSDT")[1].commission) == "0.00000009"


def test_quote_amount_with_nine_places_is_locked_up_and_paid_down():
    bench = Bench(funds={"BTC": Decimal(1), "ETH": Decimal(1)})
    bench.quote("0.04166", "0.04167", "ETHBTC")
    bench.place("a", buy("0.0101", "0.04163", symbol="ETHBTC"))
    assert bench.has("a", "BTC") == "0.99957953+0.00042047"
    bench.venue.fill("a", 1029, Decimal("0.0037"), symbol="ETHBTC")
    bench.venue.fill("a", 1029, Decimal("0.0064"), symbol="ETHBTC")
    first, second = bench.venue.trades("a", "ETHBTC")
    assert (text(first.quote_quantity), text(second.quote_quantity)) == ("0.00015403", "0.00026643")
    assert bench.has("a", "BTC") == "0.99957954+0"


def test_commission_in_bnb_is_a_quarter_less_while_there_is_some():
    funds = {"USDT": Decimal(10_000), "BNB": Decimal("0.0076")}
    bench = Bench(funds=funds, bnb_discount=True)
    bench.place("a", buy("0.1", "60000.01"))
    bench.place("a", buy("0.01", "60000.01"))
    first, second = bench.venue.trades("a", "BTCUSDT")
    # Nothing says what bitcoin is worth in BNB: there is no pair of the two.
    assert (text(first.commission), first.commission_asset) == ("0.0001", "BTC")
    bench.place("a", sell("0.1", "60000.00"))
    bench.place("a", sell("0.009", "60000.00"))
    third, fourth = bench.venue.trades("a", "BTCUSDT")[2:]
    # 6000 at 0.1 % less a quarter is 4.5, at 600 for a BNB.
    assert (text(third.commission), third.commission_asset) == ("0.0075", "BNB")
    assert (text(fourth.commission), fourth.commission_asset) == ("0.54", "USDT")
    assert bench.has("a", "BNB") == "0.0001+0"
    assert second.commission_asset == "BTC"


def test_commission_of_bought_bnb_comes_out_of_it():
    bench = Bench(funds={"USDT": Decimal(10_000)}, bnb_discount=True)
    bench.place("a", buy("1", "600.01", symbol="BNBUSDT"))
    (trade,) = bench.venue.trades("a", "BNBUSDT")
    assert (text(trade.commission), trade.commission_asset) == ("0.00075", "BNB")
    assert bench.has("a", "BNB") == "0.99925+0"


def test_market_order_in_quote_spends_no_more_than_it_says():
    bench = Bench()
    bench.quote("60000", "60000.01", ask_size="0.00100")
    bench.place("b", sell("0.002", "61000.00"))
    order = bench.place("a", buy(None, quote_order_quantity="100"))
    assert (order.status, text(order.quantity)) == ("FILLED", "0.00165")
    assert text(order.quote_order_quantity) == "100"
    # 0.001 at 60000.01, and the steps of the other that 39.99999 buys.
    assert text(order.quote_executed) == "99.65001"
    assert bench.has("a", "USDT") == "99900.34999+0"


def test_market_order_in_quote_sells_as_much_as_brings_it():
    bench = Bench()
    bench.quote("60000.00", "60000.01")
    order = bench.place("a", sell(None, quote_order_quantity="100"))
    assert (text(order.executed), text(order.quote_executed)) == ("0.00166", "99.6")


def test_locked_by_a_dear_limit_is_given_back_by_a_cheap_fill():
    bench = Bench()
    bench.quote("60000", "60000.01", ask_size="0.4")
    bench.place("a", buy("1.1", "70000"))
    assert bench.state("a", 1001) == "PARTIALLY_FILLED 0.4+0.7"
    assert bench.has("a", "USDT") == "26999.996+49000"
