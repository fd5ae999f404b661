"""A recorded market is played at the venue: its book and its trades, among the clients' orders."""

import json
from decimal import Decimal

import pytest
from tests.binance.recorded_market import PATH, needs_recorded_market
from tests.binance.stream_client import StreamClient, Trader, subscribed
from tests.binance.venue_bench import START_MS, Bench, StandingClock, buy, sell

from nanobook_binance.recorded_feed import Touch, read_feed
from nanobook_binance.simulator import SimulatedBinance, Venue
from nanobook_binance.simulator.feed.feed_player import FeedPlayer
from nanobook_core.errors import ValidationError

D = Decimal
SECOND = 1_000_000_000
FIRST = 1_700_000_000 * SECOND


def diff(seconds, first, last, bids=(), asks=()):
    data = {"s": "BTCUSDT", "U": first, "u": last, "b": bids, "a": asks}
    return seconds, {"stream": "btcusdt@depth@100ms", "data": data}


def trade(seconds, price, quantity, *, buyer_is_maker):
    data = {"s": "BTCUSDT", "t": 1, "p": price, "q": quantity, "m": buyer_is_maker}
    return seconds, {"stream": "btcusdt@trade", "data": data}


MARKET = (
    diff(0, 899_999, 900_000),
    (1, {"lastUpdateId": 900_000, "bids": [["100.00", "2"]], "asks": [["101.00", "1"]]}),
    diff(2, 900_001, 900_004, bids=[["100.50", "1.00000999"], ["100.00", "0"]]),
    trade(3, "101.00", "0.4", buyer_is_maker=False),
    diff(3.5, 900_005, 900_010, asks=[["101.00", "0.6"], ["102.00", "5"]]),
)


@pytest.fixture
def record(tmp_path):
    """Writes a recording, of MARKET unless it is said of what."""

    def recorded(*messages):
        path = tmp_path / "feed.jsonl"
        lines = [
            f"{FIRST + round(at * SECOND)} {json.dumps(message)}\n"
            for at, message in messages or MARKET
        ]
        path.write_text("".join(lines))
        return path

    return recorded


def play(path, bench):
    told = []
    player = FeedPlayer(path, bench.venue, told.append)
    player.open()
    return player, told


def book(bench):
    depth = bench.venue.depth("BTCUSDT")
    return depth.last_update_id, list(depth.bids), list(depth.asks)


def test_it_begins_with_the_snapshot_and_goes_on_as_time_passes(record):
    bench = Bench()
    player, told = play(record(), bench)
    assert book(bench) == (900_000, [(D(100), D(2))], [(D(101), D(1))])

    player.play(0.999)
    assert (told, bench.venue.now_ms()) == (["BTCUSDT"], START_MS + 999)

    player.play(0.001)  # a size off the step is cut to whole ones
    assert book(bench) == (900_004, [(D("100.5"), D(1))], [(D(101), D(1))])
    assert told == ["BTCUSDT"] * 2

    player.play(60)
    assert book(bench)[0] == 900_010
    assert book(bench)[2] == [(D(101), D("0.6")), (D(102), D(5))]
    assert bench.venue.now_ms() == START_MS + 61_000
    assert player.is_over
    assert bench.venue.last("BTCUSDT") == D(101)


def test_the_clock_moves_by_what_is_played_however_close_its_lines_are(record):
    close = [diff(1 + number * 0.0003, 900_001 + number, 900_001 + number) for number in range(99)]
    bench = Bench()
    player, _ = play(record(*MARKET[:2], *close), bench)

    for _ in range(20):
        player.play(0.0015)

    assert bench.venue.now_ms() == START_MS + 30


@pytest.mark.parametrize("broken", ["no message\n", "2000000000000000000 {\n"])
def test_a_line_that_cannot_be_read_ends_the_recording_where_it_is(record, broken):
    path = record(*MARKET[:3])
    path.write_text(path.read_text() + broken + json.dumps(MARKET[4][1]))
    bench = Bench()
    player, _ = play(path, bench)

    with pytest.raises(ValidationError, match="line 4"):
        player.play(60)

    assert book(bench)[0] == 900_004
    assert player.is_over


def test_a_print_has_the_time_at_which_it_was(record):
    bench = Bench()
    player, _ = play(record(), bench)
    player.play(60)

    (printed,) = bench.venue.recent_trades("BTCUSDT")

    assert (printed.time, printed.quantity) == (START_MS + 2000, D("0.4"))


def test_clients_trade_with_what_was_recorded(record):
    bench = Bench()
    player, _ = play(record(), bench)
    bench.place("a", sell("0.3", "100.75"))
    bench.place("b", buy("0.1", "99.00"))

    player.play(60)

    assert bench.state("a", 1001) == "FILLED 0.3+0"
    assert bench.state("b", 1002) == "NEW 0+0.1"
    (printed, others) = bench.venue.recent_trades("BTCUSDT")
    assert (printed.price, printed.quantity) == (D("100.75"), D("0.3"))
    assert (others.price, others.quantity) == (D("101.00"), D("0.1"))


@pytest.mark.parametrize(
    ("messages", "complaint"),
    [
        ([], "has no snapshot"),
        (MARKET[:1], "has no snapshot"),
        ([diff(0, 1, 2), (1, {"lastUpdateId": 2, "bids": [["1.001", "1"]], "asks": []})], "price"),
    ],
)
def test_what_cannot_be_played_is_refused_at_once(record, tmp_path, messages, complaint):
    path = record(*messages) if messages else tmp_path / "empty.jsonl"
    path.touch()

    with pytest.raises(ValidationError, match=complaint):
        play(path, Bench())


def test_a_server_without_its_recording_does_not_start(tmp_path):
    with pytest.raises(FileNotFoundError):
        SimulatedBinance(feed=tmp_path / "none.jsonl")


@pytest.mark.parametrize(("speed", "feed"), [(1.0, None), (0, "x"), (-1, "x"), (float("inf"), "x")])
def test_a_speed_is_above_0_and_goes_with_a_recording(record, speed, feed):
    with pytest.raises(ValidationError, match="speed"):
        SimulatedBinance(feed=feed and record(), speed=speed)


def test_served_it_goes_on_as_the_clock_is_advanced(record):
    with SimulatedBinance(Venue(clock=StandingClock()), feed=record()) as binance:
        trader = Trader(binance)
        trader.sell("0.1", "100.75")
        with (
            StreamClient(f"{binance.stream_url}/ws/btcusdt@depth@100ms") as depth,
            StreamClient(f"{binance.stream_url}/ws/btcusdt@trade") as trades,
            subscribed(binance, trader) as own,
        ):
            binance.advance(60)
            ids = [(each["U"], each["u"]) for each in (depth.receive(), depth.receive())]
            assert ids == [(900_002, 900_004), (900_005, 900_010)]
            prints = [trades.receive(), trades.receive()]
            assert [(each["p"], each["q"]) for each in prints] == [
                ("100.75000000", "0.10000000"),
                ("101.00000000", "0.30000000"),
            ]
            assert own.events(1)[0]["T"] == START_MS + 2000


def test_it_goes_on_by_itself_as_many_times_as_fast_as_it_was(record):
    prints = [trade(at, "101.00", "0.4", buyer_is_maker=False) for at in range(4, 7200)]
    with SimulatedBinance(feed=record(*MARKET, *prints), speed=100) as binance:
        trader = Trader(binance)
        with (
            subscribed(binance, trader) as own,
            StreamClient(f"{binance.stream_url}/ws/btcusdt@trade") as trades,
        ):
            trader.sell("0.1", "100.75")
            own.until(lambda message: message["event"].get("X") == "FILLED")
            assert trades.receive()["e"] == "trade"


@needs_recorded_market
@pytest.mark.parametrize(
    ("seconds", "told", "trades"),
    [(30, 49, 522), pytest.param(400, 577, 6106, marks=pytest.mark.slow)],
)
def test_the_played_book_is_the_recorded_one_wherever_that_was_told(seconds, told, trades):
    touches = {each.update_id: each for each in read_feed(PATH) if isinstance(each, Touch)}
    venue = Venue()
    compared = []

    def look(symbol):
        depth = venue.depth(symbol, 1)
        touch = touches.get(depth.last_update_id)
        if touch is not None:
            recorded = (touch.bid, touch.bid_size), (touch.ask, touch.ask_size)
            compared.append((depth.bids[0], depth.asks[0]) == recorded)

    player = FeedPlayer(PATH, venue, look)
    player.open()
    player.play(seconds)

    assert (len(compared), sum(compared)) == (told, told)
    assert venue.day("ETHUSDT").count == trades


@needs_recorded_market
@pytest.mark.parametrize(
    ("seconds", "told"),
    # Of 577 in all one was in the first second, before the program came.
    [(30, 50), pytest.param(400, 576, marks=pytest.mark.slow)],
)
def test_a_program_that_follows_the_vendors_procedure_has_the_venues_book_all_along(seconds, told):
    """Snapshot by REST, then differences, of which none is left out; as the vendor describes it."""
    touches = {each.update_id: each for each in read_feed(PATH) if isinstance(each, Touch)}
    with SimulatedBinance(feed=PATH) as binance:
        trader = Trader(binance)
        with StreamClient(f"{binance.stream_url}/ws/ethusdt@depth@100ms") as client:
            binance.advance(1)
            snapshot = trader.public("/api/v3/depth", symbol="ETHUSDT", limit=5000)
            binance.advance(seconds)
            final = trader.public("/api/v3/depth", symbol="ETHUSDT", limit=5000)

            mine = {"b": dict(snapshot["bids"]), "a": dict(snapshot["asks"])}
            last, compared, equal = snapshot["lastUpdateId"], 0, 0
            is_first = True
            while last < final["lastUpdateId"]:
                event = client.receive()
                if event["u"] <= last:
                    continue
                assert event["U"] <= last + 1 <= event["u"] if is_first else event["U"] == last + 1
                is_first, last = False, event["u"]
                for side, levels in mine.items():
                    for price, size in event[side]:
                        if D(size):
                            levels[price] = size
                        else:
                            levels.pop(price, None)
                touch = touches.get(last)
                if touch is not None:
                    bid, ask = max(mine["b"], key=D), min(mine["a"], key=D)
                    ours = (D(bid), D(mine["b"][bid]), D(ask), D(mine["a"][ask]))
                    compared += 1
                    equal += ours == (touch.bid, touch.bid_size, touch.ask, touch.ask_size)
    assert (compared, equal) == (told, told)
    assert sorted(mine["b"].items()) == sorted(map(tuple, final["bids"]))
    assert sorted(mine["a"].items()) == sorted(map(tuple, final["asks"]))
