"""One exchange a symbol: live, in order and apart from the others; and batches over all of them."""

import inspect
import os
import signal
import threading
from functools import partial
from hashlib import blake2b
from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import nanobook
from nanobook_core.contracts import EventKind
from nanobook_core.errors import LogTruncatedError, ValidationError
from nanobook_core.lob import Exchange
from nanobook_core.lob.multi import MultiExchange
from nanobook_core.lob.ops import make_ops
from nanobook_core.lob.row import from_events
from nanobook_core.testing.request import Requests, some_features
from nanobook_core.types import Symbol

COLUMNS = ("status", "error", "order_id", "filled", "resting", "cancelled", "trade_offsets")


def columns(result):
    return {name: getattr(result, name).tolist() for name in (*COLUMNS, "trades")}


def make_multi(new_exchange, **settings):
    multi = MultiExchange(**settings)
    multi._engine = new_exchange  # rather than the best one that is installed
    return multi


@pytest.fixture
def new_multi(new_exchange):
    return partial(make_multi, new_exchange)


@pytest.fixture
def multi(new_multi):
    return new_multi()


def test_its_exchanges_are_the_best_engine_that_is_installed():
    assert type(MultiExchange().get_or_create("AAPL")) is nanobook.Exchange


def test_the_exchange_that_is_given_is_live(multi):
    book = multi.get_or_create("AAPL")
    assert multi.get_or_create(Symbol("AAPL")) is multi["AAPL"] is book
    book.submit_limit("sell", 150_00, 100)
    assert multi.best_prices() == [("AAPL", None, 150_00)]
    assert multi.cancel("AAPL", 1).success
    assert book.best_ask() is None


def test_symbols_stand_in_the_order_of_their_first_order(multi):
    for symbol in ("MSFT", "", "AAPL", "ZZZZZZZZ", "B"):
        multi.submit_limit(symbol, "buy", len(symbol) + 1, 5)
    multi.submit_limit("AAPL", "sell", 100, 1)
    assert multi.symbols() == list(multi) == ["MSFT", "", "AAPL", "ZZZZZZZZ", "B"]
    assert multi.best_prices() == [
        ("MSFT", 5, None),
        ("", 1, None),
        ("AAPL", 5, 100),
        ("ZZZZZZZZ", 9, None),
        ("B", 2, None),
    ]
    assert len(multi) == multi.len() == 5
    assert "B" in multi
    assert "C" not in multi
    assert 5 not in multi
    assert repr(multi) == "MultiExchange(symbols=5)"
    with pytest.raises(KeyError, match="C"):
        _ = multi["C"]


SYMBOLS = [
    ("ABCDEFGHI", ValidationError, "Symbol 'ABCDEFGHI' exceeds 8 bytes. Use a shorter symbol."),
    ("ÄÄÄÄÄ", ValidationError, "exceeds 8 bytes"),
    ("Ä", ValidationError, "has characters outside ASCII"),
    ("\ud800", ValidationError, "has characters outside ASCII"),
    (b"AAPL", TypeError, "a symbol is a string of at most 8 bytes, got b'AAPL' (bytes)"),
    (5, TypeError, "a symbol is a string of at most 8 bytes, got 5 (int)"),
    (None, TypeError, "a symbol is a string of at most 8 bytes, got None (NoneType)"),
]
CALLS = {
    "get_or_create": (),
    "submit_limit": ("buy", 100, 5),
    "submit_market": ("buy", 5),
    "submit_stop_market": ("buy", 100, 5),
    "submit_stop_limit": ("buy", 100, 100, 5),
    "submit_trailing_stop_market": ("buy", 100, 5, "fixed", 3),
    "submit_trailing_stop_limit": ("buy", 100, 100, 5, "fixed", 3),
    "cancel": (1,),
    "modify": (1, 100, 5),
    "reduce": (1, 5),
    "cancel_all": (),
}


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize(("symbol", "error", "says"), SYMBOLS)
def test_what_is_no_symbol_is_refused_and_makes_nothing(multi, call, symbol, error, says):
    with pytest.raises(error) as caught:
        getattr(multi, call)(symbol, *CALLS[call])
    assert says in str(caught.value)
    assert multi.symbols() == []


@pytest.mark.parametrize("call", [call for call in CALLS if call.startswith("submit")])
def test_an_order_that_is_refused_makes_no_exchange(multi, call):
    with pytest.raises(TypeError):
        getattr(multi, call)("AAPL", *CALLS[call], owner="me")
    assert multi.symbols() == []
    getattr(multi, call)("AAPL", *CALLS[call], owner=5)
    assert multi.symbols() == ["AAPL"]


def test_what_can_only_fail_makes_no_exchange_and_fails_softly(multi):
    assert multi.cancel("AAPL", 1).error == "OrderNotFound"
    assert multi.reduce("AAPL", 1, 5).error == "OrderNotFound"
    assert multi.modify("AAPL", 1, 100, 5).error == "OrderNotFound"
    assert multi.modify("AAPL", 1, 100, 0).error == "InvalidQuantity"
    assert multi.cancel_all("AAPL").order_ids == ()
    with pytest.raises(TypeError, match="order_id is a whole number, got '1'"):
        multi.cancel("AAPL", "1")
    assert multi.symbols() == []


def test_settings_are_those_of_every_exchange(multi, new_multi):
    quiet = new_multi(stop_trigger="LAST", log_events=False)
    quiet.submit_market("A", "buy", 1)
    with pytest.raises(LogTruncatedError):
        quiet["A"].events()
    assert quiet["A"].state().stop_trigger == "last"
    multi.submit_market("A", "buy", 1)
    assert len(multi["A"].events()) == 1
    assert multi["A"].state().stop_trigger == "every"


@pytest.mark.parametrize(
    ("settings", "error"),
    [
        ({"stop_trigger": "never"}, ValidationError),
        ({"stop_trigger": 5}, TypeError),
        ({"log_events": 1}, TypeError),
    ],
)
def test_wrong_settings_are_refused_before_there_is_a_symbol(settings, error):
    with pytest.raises(error):
        MultiExchange(**settings)


# Requests


@pytest.mark.parametrize("seed", range(8))
def test_each_symbol_goes_its_own_way(new_exchange, new_multi, seed):
    """What is asked of one changes no other, and answers are those of an exchange by itself."""
    random = Random(seed)  # noqa: S311 - draws requests, keeps no secrets
    features = some_features(random) - {"last", "housekeeping"}
    symbols = ("A", "B", "C")
    streams = {symbol: Requests(random, features) for symbol in symbols}
    alone = {symbol: new_exchange() for symbol in symbols}
    multi = new_multi()
    for _ in range(300):
        symbol = random.choice(symbols)
        request = streams[symbol].next()
        expected = request.on(alone[symbol])
        streams[symbol].note(request, expected)
        answer = request._replace(arguments=(symbol, *request.arguments)).on(multi)
        assert answer == expected
    for symbol in symbols:
        assert multi[symbol].state() == alone[symbol].state()
        assert list(multi[symbol].trades()) == list(alone[symbol].trades())


def test_every_argument_reaches_the_exchange(multi):
    own = {"owner": 7, "stp_policy": "cancel_oldest"}
    multi.submit_limit("A", "buy", 10, 5, "gtc", post_only=True, **own)
    multi.submit_market("A", "sell", 1, owner=8, stp_policy="cancel_both")
    multi.submit_stop_market("A", "buy", 20, 5, **own)
    multi.submit_stop_limit("A", "buy", 20, 21, 5, "fok", **own)
    multi.submit_trailing_stop_market("A", "buy", 20, 5, "atr", 2.5, 14, **own)
    multi.submit_trailing_stop_limit("A", "buy", 20, 21, 5, "atr", 2.5, "ioc", 14, **own)
    multi.modify("A", 1, 9, 4)
    multi.reduce("A", 7, 1)
    multi.cancel("A", 3)
    multi.cancel_all("A", 7, "buy")
    bodies = [event.to_json() for event in multi["A"].events()]
    owned = '"owner":7,"stp_policy":"cancel_oldest"'
    atr = '"trail_method":{"Atr":{"multiplier":2.5,"period":14}}'
    order = '"side":"Buy","price":10,"quantity":5,"time_in_force"'
    stop = '"side":"Buy","stop_price":20'
    limit = '"limit_price":21,"quantity":5,"time_in_force"'
    assert bodies == [
        f'{{"SubmitLimit":{{{order}:"GTC",{owned},"post_only":true}}}}',
        '{"SubmitMarket":{"side":"Sell","quantity":1,"owner":8,"stp_policy":"cancel_both"}}',
        f'{{"SubmitStopMarket":{{{stop},"quantity":5,{owned}}}}}',
        f'{{"SubmitStopLimit":{{{stop},{limit}:"FOK",{owned}}}}}',
        f'{{"SubmitTrailingStopMarket":{{{stop},"quantity":5,{atr},{owned}}}}}',
        f'{{"SubmitTrailingStopLimit":{{{stop},{limit}:"IOC",{atr},{owned}}}}}',
        '{"Modify":{"order_id":1,"new_price":9,"new_quantity":4}}',
        '{"Reduce":{"order_id":7,"quantity":1}}',
        '{"Cancel":{"order_id":3}}',
        '{"CancelAll":{"owner":7,"side":"Buy"}}',
    ]


def test_every_request_that_an_exchange_takes_is_taken_with_the_symbol_first(new_exchange):
    for kind in EventKind:
        one = list(inspect.signature(getattr(new_exchange, kind)).parameters.values())
        many = list(inspect.signature(getattr(MultiExchange, kind)).parameters.values())
        names = [word.name for word in one if word.name != "self"]
        assert [word.name for word in many] == ["self", "symbol", *names]
        assert [word.default for word in many[2:]] == [word.default for word in one[-len(names) :]]


# All of them at once


def test_housekeeping_is_that_of_every_exchange(multi):
    for symbol in ("A", "B"):
        multi.submit_limit(symbol, "buy", 10, 5)
        multi.submit_limit(symbol, "sell", 10, 2)
    before = multi.state_hash()
    multi.compact()
    multi.clear_trades()
    assert multi.clear_order_history() == 2
    multi.clear_events()
    assert multi.state_hash() == before
    for symbol in multi:
        assert list(multi[symbol].trades()) == []
        assert multi[symbol].get_order(2) is None
        with pytest.raises(LogTruncatedError):
            multi[symbol].events()


def test_the_hash_is_that_of_names_and_states_in_order(multi, new_multi):
    assert multi.state_hash() == int.from_bytes(blake2b(b"", digest_size=8).digest(), "little")
    multi.submit_limit("AAPL", "buy", 10, 5)
    multi.get_or_create("B")
    content = b"\x04AAPL" + multi["AAPL"].state_hash().to_bytes(8, "little")
    content += b"\x01B" + Exchange().state_hash().to_bytes(8, "little")
    digest = blake2b(content, digest_size=8).digest()
    assert multi.state_hash() == int.from_bytes(digest, "little")
    other = new_multi()
    other.get_or_create("B")
    other.submit_limit("AAPL", "buy", 10, 5)
    assert other.state_hash() != multi.state_hash()


# Batches


def books_and_rows(seed, symbols, length):
    """Rows for that many symbols, drawn as requests that meet, and the features they need."""
    random = Random(seed)  # noqa: S311 - draws requests, keeps no secrets
    features = some_features(random) - {"odd", "housekeeping"}
    streams = [Requests(random, features) for _ in range(symbols)]
    books = [Exchange(stop_trigger=streams[0].stop_trigger) for _ in range(symbols)]
    events, numbers = [], []
    for _ in range(length):
        number = random.randrange(symbols)
        request = streams[number].next()
        answer = request.on(books[number])
        streams[number].note(request, answer)
        if not isinstance(answer, type):
            events.append(books[number].events()[-1])
            numbers.append(number)
    ops = from_events(events)
    ops["symbol"] = numbers
    return books, ops


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("threads", [None, 1, 2, 3, 99])
def test_a_batch_does_what_single_calls_do_on_any_number_of_threads(new_multi, seed, threads):
    books, ops = books_and_rows(seed, 1 + seed, 250)
    multi = new_multi(stop_trigger=books[0].state().stop_trigger)
    for number in range(len(books)):
        multi.get_or_create(f"S{number}")
    result = multi.apply(ops, threads=threads)
    parts = {}
    for number, book in enumerate(books):
        assert multi[f"S{number}"].state() == book.state()
        assert multi[f"S{number}"].events() == book.events()
        fresh = Exchange(stop_trigger=book.state().stop_trigger)
        parts[number] = fresh.apply(ops[ops["symbol"] == number])
        assert parts[number].trades.tolist() == book.trades_array().tolist()
    assert columns(result) == interleaved(parts, ops["symbol"].tolist())


def interleaved(parts, numbers):
    """The results of single exchanges, in the order of the rows."""
    found = {name: [] for name in (*COLUMNS, "trades")}
    found["trade_offsets"].append(0)
    seen = dict.fromkeys(parts, 0)
    for number in numbers:
        part, i = parts[number], seen[number]
        seen[number] += 1
        for name in COLUMNS[:-1]:
            found[name].append(int(getattr(part, name)[i]))
        found["trades"] += part.trades[part.trade_offsets[i] : part.trade_offsets[i + 1]].tolist()
        found["trade_offsets"].append(len(found["trades"]))
    return found


def test_a_batch_without_symbols_or_rows(multi):
    assert len(multi.apply(make_ops(op=[])).status) == 0
    multi.get_or_create("A")
    multi.get_or_create("B")
    assert len(multi.apply(make_ops(op=[]), threads=2).trades) == 0
    result = multi.apply(
        make_ops(op="submit_limit", side="buy", price=[1, 2], quantity=3, symbol=1)
    )
    assert result.order_id.tolist() == [1, 2]
    assert multi.best_prices() == [("A", None, None), ("B", 2, None)]


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize(
    ("change", "error", "says"),
    [
        ({"symbol": 2}, ValidationError, "row 7: symbol is an index into 2 symbols(), got 2"),
        ({"symbol": 2**32 - 1}, ValidationError, "row 7: symbol is an index into 2 symbols()"),
        ({"quantity": 0}, ValidationError, "row 7: quantity must be greater than zero, got 0"),
        ({"price": -(2**63)}, OverflowError, "row 7: price is from -9223372036854775807 to"),
        ({"op": 10}, ValidationError, "row 7: op is one of 0 (submit_limit), 1 (submit_market)"),
    ],
)
def test_one_bad_row_keeps_every_book_as_it_is(multi, change, error, says, threads):
    multi.submit_limit("A", "buy", 10, 5)
    multi.submit_limit("B", "sell", 10, 5)
    before = multi.state_hash(), multi["A"].events(), multi["B"].events()
    ops = make_ops(
        op="submit_limit", side="buy", price=9, quantity=5, symbol=[0, 1, 0, 1, 0, 1, 0, 1]
    )
    for name, value in change.items():
        ops[name][7] = value
    with pytest.raises(error) as caught:
        multi.apply(ops, threads=threads)
    assert says in str(caught.value)
    assert (multi.state_hash(), multi["A"].events(), multi["B"].events()) == before


@pytest.mark.parametrize(
    ("threads", "error", "says"),
    [
        (0, ValidationError, "threads must be greater than zero, got 0"),
        (-1, OverflowError, "threads is from 0 to"),
        (2.0, TypeError, "threads is a whole number, got 2.0 (float)"),
        (True, TypeError, "threads is a whole number, got True (bool)"),
    ],
)
def test_threads_are_a_number_of_them(multi, threads, error, says):
    with pytest.raises(error) as caught:
        multi.apply(make_ops(op=[]), threads=threads)
    assert says in str(caught.value)


def test_what_is_no_array_of_rows_is_refused(multi):
    with pytest.raises(TypeError, match=r"ops is a structured array; nanobook\.make_ops"):
        multi.apply([("submit_limit", "buy")])


@given(st.lists(st.integers(0, 4), max_size=40), st.integers(1, 5))
def test_any_mix_of_symbols_reaches_the_right_books(numbers, threads):
    ops = make_ops(
        op="submit_limit",
        side="buy",
        price=np.arange(len(numbers)) + 1,
        quantity=1,
        symbol=np.array(numbers, np.uint32),
    )
    multi = MultiExchange()
    for symbol in "ABCDE":
        multi.get_or_create(symbol)
    multi.apply(ops, threads=threads)
    for number, symbol in enumerate("ABCDE"):
        prices = [order.price for order in multi[symbol].state().orders]
        expected = [place + 1 for place, of in enumerate(numbers) if of == number]
        assert prices == expected[::-1]


@pytest.fixture
def interrupted_soon():
    """Ctrl-C raises, whatever started the tests; and it comes in a moment."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    timer = threading.Timer(0.05, os.kill, (os.getpid(), signal.SIGINT))
    timer.start()
    yield
    timer.join()
    signal.signal(signal.SIGINT, before)


def apply_for_ever(multi, ops, threads):
    while True:
        multi.apply(ops, threads=threads)
        for symbol in multi:
            multi[symbol].cancel_all()


@pytest.mark.usefixtures("interrupted_soon")
@pytest.mark.parametrize("threads", [1, 2])
def test_ctrl_c_leaves_each_book_as_after_one_of_its_rows(threads):
    rows = np.arange(50_000)
    ops = make_ops(op="submit_limit", side="buy", price=rows + 1, quantity=1, symbol=rows % 2)
    multi = MultiExchange(log_events=False)
    multi.get_or_create("A")
    multi.get_or_create("B")
    with pytest.raises(KeyboardInterrupt):
        apply_for_ever(multi, ops, threads)
    for number, symbol in enumerate("AB"):
        prices = [order.price for order in multi[symbol].state().orders]
        assert prices == list(range(1 + number, 1 + number + 2 * len(prices), 2))[::-1]
        multi[symbol].submit_limit("sell", 1, 1)
