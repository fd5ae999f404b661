"""A feed replayed into exchanges: their books are the feed's."""

import pytest
from hypothesis import given, settings
from tests.itch.feed_book import FeedBook, book_of
from tests.itch.wire import add, order

import nanobook
from nanobook_core.errors import ItchError, ValidationError
from nanobook_core.lob.multi import MultiExchange
from nanobook_core.plugin.registry import default_registry
from nanobook_core.testing.law import law
from nanobook_itch.parse import parse_itch
from nanobook_itch.replay import replay_into
from nanobook_itch.testing.day import TradingDay, day_bytes
from nanobook_itch.testing.strategies import days


def check_every_step(data):
    """Replay, and look at the book after each message; return how many were not crossed."""
    expected = iter(FeedBook(data))
    multi = MultiExchange()
    n_equal = 0

    def look(timestamp, symbol, exchange):
        nonlocal n_equal
        row, book = next(expected)
        assert (timestamp, symbol) == (int(row["timestamp"]), row["symbol"].decode())
        assert not exchange.trade_count()
        if not book.is_crossed:
            assert book_of(exchange) == book.queues
            n_equal += 1

    result = replay_into(multi, data, on_step=look)
    assert next(expected, None) is None
    return multi, result, n_equal


def test_the_books_of_a_day_are_the_feeds_after_every_message():
    data = day_bytes(messages=3_000, symbols=4, seed=3)
    multi, result, n_equal = check_every_step(data)
    assert result.n_held > 0
    assert 2_500 < n_equal < result.n_messages
    assert not result.held
    assert sorted(multi.symbols()) == sorted({symbol for symbol, _ in result.references.values()})


@settings(law, max_examples=40)
@given(messages=days(max_size=60))
def test_any_books_are_the_feeds_after_every_message(messages):
    if messages:
        _, result, _ = check_every_step(b"".join(messages))
        assert result.n_problems == {}


def test_the_last_books_are_those_of_the_kernel():
    data = day_bytes(messages=4_000, symbols=5, seed=2)
    kernel = default_registry().load("kernel", "itch_books")(
        symbols=None, strict=True, tables=frozenset(), depth=1, grid=None, start=0, end=2**48
    )
    kernel.feed(data)
    multi = MultiExchange()
    result = replay_into(multi, data)
    live = {int(row["reference"]): row for row in kernel.orders()}
    assert set(result.references) == set(live)
    for reference, (symbol, order_id) in result.references.items():
        found, row = multi[symbol].get_order(order_id), live[reference]
        assert (found.price, found.remaining_quantity) == (row["price"], row["shares"])
    for locate, symbol in enumerate(TradingDay(messages=4_000, symbols=5, seed=2).symbols, 1):
        if symbol in multi:
            book = multi[symbol].full_book()
            for side, levels in ((b"B", book.bids), (b"S", book.asks)):
                assert [(level.price, level.quantity, level.order_count) for level in levels] == [
                    tuple(row) for row in kernel.levels(locate, side).tolist()
                ]


def test_its_requests_are_those_of_the_parser(tmp_path):
    path = tmp_path / "day"
    path.write_bytes(day_bytes(messages=3_000, symbols=4, seed=3))
    multi = MultiExchange()
    result = replay_into(multi, path)
    events = parse_itch(path)
    assert result.n_held == events.n_held > 0
    for symbol in multi:
        assert multi[symbol].events() == [event for name, event in events if name == symbol]


FEED = [
    add(10, 501, "B", 100, 500_000),
    add(20, 502, "S", 300, 510_000),
    order("X", 20, reference=501, shares=30),
    add(30, 7, "B", 40, 600, "MSFT", 2),
    order("U", 40, reference=501, new_reference=503, shares=60, price=500_100),
]


def test_references_lead_to_the_orders_of_the_exchanges():
    multi = nanobook.MultiExchange()
    multi.submit_limit("AAPL", "buy", 1, 5)  # takes the first id
    result = nanobook.replay_into(multi, b"".join(FEED))
    assert result.references == {502: ("AAPL", 3), 7: ("MSFT", 1), 503: ("AAPL", 4)}
    assert multi["AAPL"].get_order(4).remaining_quantity == 60
    assert (result.n_messages, result.n_held, result.held) == (5, 0, {})
    assert repr(result) == (
        "ReplayResult(n_messages: 5, references: 3, held: 0, n_held: 0, n_problems: 0)"
    )
    assert multi["AAPL"].best_bid_ask() == (500_100, 510_000)


def test_it_ends_after_the_messages_of_a_time():
    multi = MultiExchange()
    seen = []
    result = replay_into(
        multi, b"".join(FEED), until=20, on_step=lambda *step: seen.append(step[:2])
    )
    assert seen == [(10, "AAPL"), (20, "AAPL"), (20, "AAPL")]
    assert result.n_messages == 3
    assert multi.symbols() == ["AAPL"]


def test_only_chosen_symbols_are_replayed():
    multi = MultiExchange()
    assert replay_into(multi, b"".join(FEED), symbols=["MSFT"]).n_messages == 1
    assert multi.symbols() == ["MSFT"]


CROSSED = [
    add(1, 1, "S", 100, 50_000),
    add(2, 2, "B", 20, 51_000),
    add(34_200_000_000_003, 3, "B", 10, 49_000),
]


def test_what_would_trade_is_held_back_and_said():
    multi = MultiExchange()
    result = replay_into(multi, b"".join(CROSSED))
    assert (result.n_held, result.held) == (1, {"AAPL": (2,)})
    assert result.references == {1: ("AAPL", 1), 3: ("AAPL", 2)}
    assert multi["AAPL"].best_bid_ask() == (49_000, 50_000)


def test_many_orders_that_are_held_back_wait_in_the_queue_of_the_feed():
    n = 3_000
    prices = [50_000 + 100 * (place * 7 % 11) for place in range(n)]
    feed = [add(1, 1, "S", 100, 50_000), add(2, 2, "S", 5, 50_600)]
    feed += [add(3 + i, 10 + i, "B", 1 + i, price) for i, price in enumerate(prices)]
    feed += [order("D", 9_000, reference=10 + i) for i in range(0, n, 3)]
    feed += [order("D", 9_001, reference=1)]
    multi = MultiExchange()
    result = replay_into(multi, b"".join(feed))
    left = [i for i in range(n) if i % 3]
    assert result.n_held == n
    assert result.held == {"AAPL": tuple(10 + i for i in left if prices[i] >= 50_600)}
    assert {
        level.price: [found.remaining_quantity for found in level.orders]
        for level in multi["AAPL"].full_book().bids
    } == {
        price: [1 + i for i in left if prices[i] == price] for price in range(50_500, 49_999, -100)
    }


def test_a_crossed_book_can_be_refused():
    multi = MultiExchange()
    multi.submit_limit("AAPL", "sell", 51_000, 7)
    words = (
        r"AAPL at 00:00:00\.000000002, message 1: an order to buy at 51000 would trade, where the "
        r"best bid is None and the best ask 50000"
    )
    with pytest.raises(ItchError, match=words) as raised:
        replay_into(multi, b"".join(CROSSED), crossed="raise")
    assert raised.value.type == "A"
    assert multi["AAPL"].best_bid_ask() == (None, 50_000)
    assert not multi["AAPL"].trade_count()


def test_a_crossing_replace_is_refused_before_its_old_order_goes():
    multi = MultiExchange()
    feed = [
        add(1, 1, "S", 100, 50_000),
        add(2, 2, "B", 20, 49_000),
        order("U", 3, reference=2, new_reference=3, shares=5, price=50_000),
    ]
    with pytest.raises(ItchError, match="message 2: an order to buy at 50000 would trade"):
        replay_into(multi, b"".join(feed), crossed="raise")
    assert multi["AAPL"].best_bid_ask() == (49_000, 50_000)


def test_a_feeds_order_that_another_has_taken_ends_the_replay():
    def trade(timestamp, _, exchange):
        if timestamp == 10:
            exchange.submit_market("sell", 80)

    words = r"message 2: order 501 is number 1 of its exchange, .* \(InvalidQuantity\)"
    with pytest.raises(ItchError, match=words):
        replay_into(MultiExchange(), b"".join(FEED), on_step=trade)


def test_an_error_of_a_step_ends_the_replay_there():
    def fail(*_):
        raise ZeroDivisionError

    multi = MultiExchange()
    with pytest.raises(ZeroDivisionError):
        replay_into(multi, b"".join(FEED), on_step=fail)
    assert multi["AAPL"].best_bid_ask() == (500_000, None)


def test_lenient_reading_goes_on_and_says_so():
    feed = [*FEED, order("D", 50, reference=99), order("D", 60, reference=503)]
    multi = MultiExchange()
    with pytest.raises(ItchError, match="a reference that no live order has"):
        replay_into(MultiExchange(), b"".join(feed))
    result = replay_into(multi, b"".join(feed), strict=False)
    assert dict(result.n_problems) == {"unknown_reference": 1}
    assert multi["AAPL"].best_bid_ask() == (None, 510_000)


def test_a_duplicate_of_an_order_that_is_held_back_takes_its_place():
    feed = [*CROSSED, add(34_200_000_000_004, 2, "B", 1, 2, "MSFT", 2)]
    multi = MultiExchange()
    result = replay_into(multi, b"".join(feed), strict=False)
    assert result.held == {}
    assert result.references[2] == ("MSFT", 1)


def test_what_a_duplicate_of_another_symbol_leaves_no_longer_holds_orders_back():
    feed = [*CROSSED, add(34_200_000_000_004, 1, "B", 1, 2, "MSFT", 2)]
    multi = MultiExchange()
    result = replay_into(multi, b"".join(feed), strict=False)
    assert (result.n_held, result.held) == (1, {})
    assert result.references == {3: ("AAPL", 2), 1: ("MSFT", 1), 2: ("AAPL", 3)}
    assert multi["AAPL"].best_bid_ask() == (51_000, None)


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({"multi": object()}, TypeError, "multi is a MultiExchange"),
        ({"crossed": "trade"}, ValidationError, '"hold" or "raise", got \'trade\''),
        ({"until": "nine"}, ValidationError, "until"),
        ({"on_step": 5}, TypeError, "on_step is called with time, symbol and exchange, got 5"),
        ({"price_unit": 1}, TypeError, "price_unit is a Decimal"),
    ],
)
def test_a_wrong_argument_is_refused_before_anything_is_entered(options, error, words):
    multi = MultiExchange()
    with pytest.raises(error, match=words):
        replay_into(**{"multi": multi, "source": b"".join(FEED), **options})
    assert not multi.symbols()
