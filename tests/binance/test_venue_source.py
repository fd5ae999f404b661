"""What the liquidity source offers, what it trades with clients, and what others trade."""

from decimal import Decimal

import pytest
from tests.binance.venue_bench import Bench, buy, sell, text

from nanobook_core.errors import ValidationError


def levels(bench, symbol="BTCUSDT"):
    depth = bench.venue.depth(symbol)
    return [
        [f"{text(price)} {text(quantity)}" for price, quantity in side]
        for side in (depth.bids, depth.asks)
    ]


def pairs(*rows):
    return [(Decimal(price), Decimal(quantity)) for price, quantity in rows]


def test_quote_that_crosses_a_resting_order_trades_at_its_limit():
    bench = Bench()
    bench.place("a", buy("1", "59000"))
    bench.told()
    bench.quote("58000", "58500", ask_size="1.5")
    assert bench.told() == [
        "a/1001 TRADE FILLED 1 1 at 59000",
        "BTCUSDT 1 at 59000",
        "a balances USDT BTC",
        "BTCUSDT depth",
        "BTCUSDT top",
    ]
    assert levels(bench) == [["58000 9000"], ["58500 0.5"]]
    (trade,) = bench.venue.trades("a", "BTCUSDT")
    assert trade.is_maker
    assert bench.venue.last("BTCUSDT") == Decimal(58500)


def test_same_quote_again_changes_nothing():
    bench = Bench()
    before = bench.venue.top("BTCUSDT").update_id
    bench.quote("60000.00", "60000.01")
    assert bench.venue.top("BTCUSDT").update_id == before
    assert bench.told() == []


def test_quote_is_whole_again_after_it_was_taken_from():
    bench = Bench()
    bench.quote("60000.00", "60000.01", ask_size="1")
    bench.place("a", buy("0.4", "60000.01"))
    assert levels(bench)[1] == ["60000.01 0.6"]
    bench.quote("60000.00", "60000.01", ask_size="1")
    assert levels(bench)[1] == ["60000.01 1"]


def test_book_follows_snapshot_and_differences():
    bench = Bench()
    bench.venue.follow(
        "BTCUSDT",
        pairs(("100", "1"), ("99", "2")),
        pairs(("101", "1"), ("102", "2")),
        update_id=900_000,
        replace=True,
    )
    assert levels(bench) == [["100 1", "99 2"], ["101 1", "102 2"]]
    assert bench.venue.depth("BTCUSDT").last_update_id == 900_000
    bench.venue.follow(
        "BTCUSDT",
        pairs(("100", "0"), ("99", "1.5"), ("101", "3")),
        pairs(("101", "0"), ("102", "4")),
        update_id=900_010,
    )
    assert levels(bench) == [["101 3", "99 1.5"], ["102 4"]]
    assert bench.venue.depth("BTCUSDT").last_update_id == 900_010


def test_what_a_recording_changes_at_once_is_one_update_of_the_book():
    bench = Bench()
    before = bench.venue.depth("BTCUSDT").last_update_id
    many = pairs(*((f"{price}.00", "1") for price in range(59_000, 59_050)))

    bench.venue.follow("BTCUSDT", many, [], update_id=before)
    assert bench.venue.depth("BTCUSDT").last_update_id == before + 1
    bench.told()

    bench.venue.follow("BTCUSDT", many, [], update_id=before)
    assert bench.venue.depth("BTCUSDT").last_update_id == before + 1
    assert bench.told() == []


def test_source_that_crosses_itself_takes_its_older_offers_back():
    bench = Bench()
    bench.venue.follow("BTCUSDT", [], pairs(("101", "1"), ("102", "2")), replace=True)
    bench.venue.follow("BTCUSDT", pairs(("101", "5")), [])
    assert levels(bench) == [["101 5"], ["102 2"]]
    assert bench.venue.day("BTCUSDT").count == 0
    bench.venue.follow("BTCUSDT", [], pairs(("101", "0")))
    assert levels(bench) == [["101 5"], ["102 2"]]


def test_smaller_offer_keeps_its_place_before_a_client():
    bench = Bench()
    bench.place("a", sell("1", "60000.01"))
    bench.quote("60000.00", "60000.01", ask_size="0.5")
    bench.place("b", buy("0.5", "60000.01"))
    assert bench.state("a", 1001) == "NEW 0+1"


def test_trade_of_others_fills_clients_with_better_prices_first():
    bench = Bench()
    bench.venue.follow("BTCUSDT", pairs(("100", "3")), pairs(("110", "3")), replace=True)
    for price in ("105", "104", "105"):
        bench.place("a", buy("1", price))
    bench.venue.print("BTCUSDT", Decimal(103), Decimal("2.5"), buyer_is_maker=True)
    assert [bench.state("a", number) for number in (1001, 1002, 1003)] == [
        "FILLED 1+0",
        "PARTIALLY_FILLED 0.5+0.5",
        "FILLED 1+0",
    ]
    assert [text(each.price) for each in bench.venue.trades("a", "BTCUSDT")] == [
        "105",
        "105",
        "104",
    ]
    assert levels(bench) == [["104 0.5", "100 3"], ["110 3"]]
    assert len({each.taker_order_id for each in bench.venue.recent_trades("BTCUSDT")}) == 1
    assert bench.venue.last("BTCUSDT") == Decimal(104)


def test_trade_of_others_fills_a_client_at_its_price_with_what_the_source_does_not_have_there():
    bench = Bench()
    bench.venue.follow("BTCUSDT", pairs(("100", "3")), pairs(("110", "3")), replace=True)
    bench.place("a", buy("1", "100"))
    bench.venue.print("BTCUSDT", Decimal(100), Decimal("2.5"), buyer_is_maker=True)
    assert bench.state("a", 1001) == "NEW 0+1"
    assert bench.venue.day("BTCUSDT").volume == Decimal("2.5")
    bench.venue.print("BTCUSDT", Decimal(100), Decimal("3.25"), buyer_is_maker=True)
    assert bench.state("a", 1001) == "PARTIALLY_FILLED 0.25+0.75"
    assert levels(bench) == [["100 3.75"], ["110 3"]]
    assert bench.venue.day("BTCUSDT").volume == Decimal("5.75")


def test_trade_of_others_far_from_clients_only_goes_on_the_tape():
    bench = Bench()
    bench.place("a", sell("1", "60002"))
    bench.told()
    bench.venue.print("BTCUSDT", Decimal("60001.99"), Decimal(7), buyer_is_maker=False)
    assert bench.told() == ["BTCUSDT 7 at 60001.99"]
    assert bench.venue.last("BTCUSDT") == Decimal("60001.99")


def test_source_waits_while_a_symbol_is_halted():
    bench = Bench()
    bench.place("a", buy("1", "59000"))
    bench.venue.set_status("BTCUSDT", "HALT")
    bench.quote("58000", "58500")
    bench.venue.print("BTCUSDT", Decimal(57000), Decimal(1), buyer_is_maker=True)
    assert bench.state("a", 1001) == "NEW 0+1"
    assert bench.venue.top("BTCUSDT").ask == Decimal("60000.01")
    with pytest.raises(ValidationError, match="does not trade: its status is HALT"):
        bench.venue.fill("a", 1001, Decimal("0.1"), symbol="BTCUSDT")
    bench.venue.set_status("BTCUSDT", "TRADING")
    assert bench.state("a", 1001) == "FILLED 1+0"
    assert bench.venue.last("BTCUSDT") == Decimal(57000)


def test_what_is_recorded_while_a_symbol_is_halted_is_an_update_only_when_it_trades_again():
    bench = Bench()
    before = bench.venue.depth("BTCUSDT").last_update_id
    bench.venue.set_status("BTCUSDT", "HALT")
    bench.told()
    for update_id in (900_000, 900_005):
        bids = pairs(("59000", "1"), ("58999", str(update_id)))
        bench.venue.follow("BTCUSDT", bids, [], update_id=update_id)
        assert bench.venue.depth("BTCUSDT").last_update_id == before
    assert bench.told() == []
    bench.venue.set_status("BTCUSDT", "TRADING")
    assert bench.venue.depth("BTCUSDT").last_update_id == 900_005


def test_somebody_fills_an_order_that_is_not_the_first():
    bench = Bench()
    bench.place("a", buy("1", "59000"))
    bench.place("b", buy("1", "59000"))
    bench.venue.fill("b", 1002, Decimal("0.4"), symbol="BTCUSDT")
    assert bench.state("a", 1001) == "NEW 0+1"
    assert bench.state("b", 1002) == "PARTIALLY_FILLED 0.4+0.6"
    assert bench.has("b", "USDT") == "41000+35400"
    bench.venue.fill("b", 1002, Decimal("0.6"), symbol="BTCUSDT")
    assert bench.state("b", 1002) == "FILLED 1+0"


@pytest.mark.parametrize(
    ("act", "words"),
    [
        (lambda v: v.set_quote("BTCUSDT", Decimal(2), Decimal(1)), "bid must be below the ask"),
        (lambda v: v.set_quote("BTCUSDT", Decimal("1.001"), None), "a multiple of 0.01000000"),
        (lambda v: v.set_quote("BTCUSDT", Decimal("NaN"), None), "got NaN"),
        (lambda v: v.set_quote("XXX", Decimal(1), None), "'XXX' is not listed; there are BTCUSDT"),
        (
            lambda v: v.set_quote("BTCUSDT", Decimal(1), None, bid_size=Decimal("1e-6")),
            "a multiple of 0.00001000, got 0.000001",
        ),
        (
            lambda v: v.set_quote("BTCUSDT", Decimal(1), None, bid_size=Decimal(-1)),
            "a quantity is above 0",
        ),
        (lambda v: v.set_quote("BTCUSDT", None, None, last=Decimal(0)), "a price is above 0"),
        (lambda v: v.follow("BTCUSDT", [(Decimal(0), Decimal(1))], []), "a price is above 0"),
        (
            lambda v: v.print("BTCUSDT", Decimal(1), Decimal(0), buyer_is_maker=True),
            "a quantity is above 0",
        ),
        (
            lambda v: v.fill("a", 1, Decimal(1), symbol="BTCUSDT"),
            "order 1 of a does not rest there",
        ),
        (
            lambda v: v.fill("b", 1001, Decimal(1), symbol="BTCUSDT"),
            "order 1001 of b does not rest there",
        ),
        (lambda v: v.fill("a", 1001, Decimal(2), symbol="BTCUSDT"), "has 1 left, got 2"),
        (lambda v: v.server_cancel("BTCUSDT", 7), "there is no open order 7"),
        (lambda v: v.set_status("BTCUSDT", "ASLEEP"), "got 'ASLEEP'"),
    ],
)
def test_what_cannot_be_changes_nothing(act, words):
    bench = Bench()
    bench.place("a", buy("1", "59000"))
    bench.told()
    before = levels(bench)
    with pytest.raises(ValidationError, match=words):
        act(bench.venue)
    assert bench.told() == []
    assert levels(bench) == before
