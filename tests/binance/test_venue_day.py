"""The numbers of 24 hours, mean prices, and the filters and rules that look at them."""

from decimal import ROUND_FLOOR, Decimal

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st
from tests.binance.venue_bench import START_MS, Bench, buy, sell, text

from nanobook_binance.simulator.venue import Print, Refusal, change, default_symbols
from nanobook_binance.simulator.venue.tape import Tape

DAY_MS = 86_400_000


def trade(bench, price, quantity, *, at=0.0):
    """Let others trade at that second."""
    bench.clock.passed = at
    bench.venue.print("BTCUSDT", Decimal(price), Decimal(quantity), buyer_is_maker=True)


def test_day_without_trades_is_at_the_last_price():
    bench = Bench()
    day = bench.venue.day("BTCUSDT")
    assert (day.open_price, day.high_price, day.low_price, day.last_price) == (60000,) * 4
    assert (day.volume, day.quote_volume, day.weighted_average, day.count) == (0, 0, 0, 0)
    assert (day.first_id, day.last_id) == (-1, -1)
    assert (day.open_time, day.close_time) == (START_MS - DAY_MS, START_MS)
    assert change(day) == (0, 0)


def test_day_sums_up_its_trades():
    bench = Bench()
    for price, quantity in (("60000", "1"), ("60600", "2"), ("59000", "0.5"), ("60300", "1.5")):
        trade(bench, price, quantity)
    day = bench.venue.day("BTCUSDT")
    assert (day.open_price, day.high_price, day.low_price) == (60000, 60600, 59000)
    assert (day.last_price, day.last_quantity) == (60300, Decimal("1.5"))
    assert (day.volume, text(day.quote_volume)) == (5, "301150")
    assert text(day.weighted_average) == "60230"
    assert (day.first_id, day.last_id, day.count) == (5001, 5004, 4)
    assert change(day) == (300, Decimal("0.5"))


def test_day_forgets_what_is_24_hours_old():
    bench = Bench()
    trade(bench, "50000", "1", at=0)
    trade(bench, "60000", "2", at=3600)
    bench.clock.passed = 86_399.999
    assert bench.venue.day("BTCUSDT").count == 2
    bench.clock.passed = 86_400
    day = bench.venue.day("BTCUSDT")
    assert (day.count, day.open_price, day.previous_close) == (1, 60000, 50000)
    bench.venue.advance(3600)
    day = bench.venue.day("BTCUSDT")
    assert (day.count, day.last_price, day.previous_close) == (0, 60000, 60000)


def test_mean_is_of_the_last_five_minutes_by_quantity():
    bench = Bench()
    assert bench.venue.average("BTCUSDT") == 60000
    trade(bench, "50000", "3", at=0)
    trade(bench, "60000", "1", at=100)
    assert bench.venue.average("BTCUSDT") == 52500
    trade(bench, "60000.01", "2", at=299.999)
    assert text(bench.venue.average("BTCUSDT")) == "55000.00333333"
    bench.clock.passed = 300
    assert text(bench.venue.average("BTCUSDT")) == "60000.00666666"
    bench.clock.passed = 700
    assert text(bench.venue.average("BTCUSDT")) == "60000.01"


def test_a_clock_that_is_set_back_brings_no_number_into_disorder():
    bench = Bench()
    bench.venue.set_skew(3600)
    trade(bench, "50000", "3", at=0)
    bench.venue.set_skew(0)
    assert bench.venue.day("BTCUSDT").close_time == START_MS
    trade(bench, "60000", "1", at=1)
    assert bench.venue.average("BTCUSDT") == 52500
    trade(bench, "56000", "4", at=86_399)
    day = bench.venue.day("BTCUSDT")
    assert (day.count, day.open_price, day.high_price, day.low_price) == (3, 50000, 60000, 50000)
    bench.clock.passed = 86_400 + 3600
    day = bench.venue.day("BTCUSDT")
    assert (day.count, day.high_price, day.low_price, day.previous_close) == (
        1,
        56000,
        56000,
        60000,
    )


def test_percent_filter_looks_at_the_mean_and_not_at_the_last_price():
    bench = Bench()
    trade(bench, "60000", "9", at=0)
    trade(bench, "300000", "1", at=1)
    bench.place("a", sell("0.1", "400000", symbol="BTCUSDT"))
    with pytest.raises(Refusal, match="PERCENT_PRICE_BY_SIDE"):
        bench.place("a", sell("0.1", "420000.01"))
    bench.clock.passed = 400
    bench.place("a", sell("0.1", "420000.01"))


def test_trades_of_clients_count_once():
    bench = Bench()
    bench.place("a", sell("0.5", "60000.00", self_trade_prevention_mode="NONE"))
    bench.place("b", buy("0.25", "60000.01"))
    assert bench.venue.day("BTCUSDT").volume == Decimal("0.75")
    shown = bench.venue.recent_trades("BTCUSDT")
    assert [(each.trade_id, each.buyer_is_maker) for each in shown] == [(5001, True), (5002, False)]
    assert [each.taker_order_id for each in shown] == [1001, 1002]
    assert bench.venue.recent_trades("BTCUSDT", 1) == shown[1:]


# The rule that executions stay in a range around the reference price.

RANGE = {
    "bidMultiplierUp": "1.01",
    "bidMultiplierDown": "0.99",
    "askMultiplierUp": "1.01",
    "askMultiplierDown": "0.99",
}


def ranged():
    bitcoin, *others = default_symbols()
    bench = Bench([evolve(bitcoin, price_range=RANGE), *others])
    bench.venue.follow(
        "BTCUSDT",
        [(Decimal(price), Decimal("0.5")) for price in (59999, 59400, 59399)],
        [(Decimal(price), Decimal("0.5")) for price in (60000, 60600, 60601)],
        replace=True,
    )
    bench.venue.print("BTCUSDT", Decimal(60000), Decimal("0.1"), buyer_is_maker=False)
    return bench


@pytest.mark.parametrize("price", [None, "61000"])
def test_buyer_trades_up_to_the_edge_of_the_range_and_expires(price):
    bench = ranged()
    order = bench.place("a", buy("1.2", price))
    assert (order.status, text(order.executed)) == ("EXPIRED", "1")
    assert order.expiry_reason == "EXECUTION_RULE_PRICE_RANGE_EXCEEDED"


def test_seller_trades_down_to_the_edge_of_the_range_and_expires():
    bench = ranged()
    order = bench.place("a", sell("1.2"))
    assert (order.status, text(order.executed)) == ("EXPIRED", "1")
    assert order.expiry_reason == "EXECUTION_RULE_PRICE_RANGE_EXCEEDED"


def test_order_that_meets_nobody_beyond_the_range_rests():
    bench = ranged()
    assert bench.place("a", buy("1.2", "60600")).status == "PARTIALLY_FILLED"
    assert bench.venue.top("BTCUSDT").bid == 60600


def test_order_in_the_range_is_as_any():
    bench = ranged()
    order = bench.place("a", buy("2", None))
    assert order.expiry_reason == "EXECUTION_RULE_PRICE_RANGE_EXCEEDED"
    order = bench.place("a", buy("0.6", "60600", time_in_force="IOC"))
    assert order.expiry_reason == "UNFILLED_IOC_QUANTITY_EXPIRED"


HOURS = st.sampled_from([0, 1, 100, 3_600, 30_000, 86_400, 100_000])
PRINTS = st.lists(st.tuples(HOURS, st.integers(1, 9), st.integers(1, 9)), min_size=1, max_size=30)


@given(PRINTS)
def test_numbers_of_a_day_are_what_looking_through_all_trades_says(prints):
    tape, known, now = Tape(), [], START_MS
    for number, (seconds, cents, quantity) in enumerate(prints):
        now += seconds * 1000
        trade = Print(
            symbol="X",
            trade_id=number,
            price=Decimal(cents) / 100,
            quantity=Decimal(quantity),
            quote_quantity=Decimal(cents * quantity) / 100,
            buyer_is_maker=True,
            taker_order_id=1,
            time=now,
        )
        tape.add(trade)
        known.append(trade)
        inside = [each for each in known if each.time > now - DAY_MS]
        day = tape.day(now)
        assert day.count == len(inside)
        assert day.volume == sum(each.quantity for each in inside)
        assert day.quote_volume == sum(each.quote_quantity for each in inside)
        assert day.high_price == max(each.price for each in inside)
        assert day.low_price == min(each.price for each in inside)
        assert (day.open_price, day.first_id) == (inside[0].price, inside[0].trade_id)
        older = known[: len(known) - len(inside)]
        assert day.previous_close == (older[-1] if older else inside[0]).price
        assert tape.recent(5) == inside[-5:]
        recent = [each for each in inside if each.time > now - 300_000]
        mean = sum(each.price * each.quantity for each in recent)
        mean /= sum(each.quantity for each in recent)
        assert tape.average(now, 5) == mean.quantize(Decimal("0.00000001"), ROUND_FLOOR)


def test_symbol_without_a_price_has_no_mean_and_passes_what_looks_at_it():
    bitcoin, *_ = default_symbols()
    bench = Bench([bitcoin])
    assert bench.venue.last("BTCUSDT") is None
    assert bench.venue.average("BTCUSDT") is None
    assert change(bench.venue.day("BTCUSDT")) == (0, 0)
    order = bench.place("a", sell("0.00001"))
    assert (order.status, order.expiry_reason) == ("EXPIRED", "INSUFFICIENT_LIQUIDITY")
    bench.place("a", buy("0.1", "900000"))
    bench.place("a", buy("0.1", None, "STOP_LOSS", stop_price="100"))
    assert bench.has("a", "USDT") == "9990+90010"
