"""What only a compiled engine can get wrong: memory, threads, signals, and records of its own.

Everything here runs on the best engine installed, so that nothing is skipped without a compiler.
"""

import copy
import gc
import pickle
import signal
import sys
import threading
import time

import numpy as np
import pytest

from nanobook_core import contracts
from nanobook_core.contracts import Trade
from nanobook_core.errors import ConcurrentUseError, LogTruncatedError
from nanobook_core.lob.ops import make_ops
from nanobook_core.lob.reference import Exchange as Reference
from nanobook_core.plugin.registry import Registry, load_target
from nanobook_core.testing import EngineSuite
from nanobook_core.types import Side
from nanobook_native import COMPILED

Exchange = load_target(Registry.discover().get("engine", "exchange"))


compiled_only = pytest.mark.skipif(
    not COMPILED, reason="only the compiled engine lets other threads in"
)


class TestEngine(EngineSuite):
    @pytest.fixture(scope="class")
    @classmethod
    def engine(cls):
        return Exchange


def test_what_is_compiled_is_what_is_used():
    assert (Exchange.__module__ == "nanobook_native.engine") is COMPILED
    assert (Exchange is Reference) is not COMPILED


def records():
    exchange = Exchange()
    exchange.submit_limit("sell", 101, 5)
    filled = exchange.submit_limit("buy", 101, 3)
    rested = exchange.submit_limit("buy", 99, 2)
    return [
        filled,
        filled.trades[0],
        exchange.cancel(rested.order_id),
        exchange.cancel(77),
        exchange.modify(1, 102, 4),
        exchange.modify(77, 102, 4),
        exchange.depth(),
        exchange.depth().asks[0],
        exchange.full_book(),
        exchange.get_order(2),
        exchange.submit_stop_market("buy", 105, 1),
        exchange.get_stop_order(5),
        exchange.cancel_all(),
        exchange.events()[0],
    ]


@pytest.mark.parametrize("number", range(14))
def test_a_record_is_that_of_the_core_in_every_respect(number):
    record = records()[number]
    core = getattr(contracts, type(record).__name__)
    assert isinstance(record, core)
    stored = pickle.loads(pickle.dumps(record))  # noqa: S301 - our own
    assert type(stored) is core
    assert record == stored
    assert stored == record
    assert hash(record) == hash(stored)
    assert repr(record) == repr(stored)
    assert copy.deepcopy(record) == record
    assert record != object()
    assert record != records()[number - 1]
    assert {name for name in dir(core) if not name.startswith("_")} <= set(dir(record))


def test_a_record_equals_only_a_record_with_the_same_fields():
    exchange = Exchange()
    exchange.submit_limit("sell", 101, 5)
    (trade,) = exchange.submit_limit("buy", 101, 3).trades
    assert trade == Trade(1, 101, 3, Side.BUY, 2, 1, 3)
    assert Trade(1, 101, 3, Side.BUY, 2, 1, 3) == trade
    assert trade != Trade(1, 101, 3, Side.SELL, 2, 1, 3)
    assert Trade(2, 101, 3, Side.BUY, 2, 1, 3) != trade


def test_prices_far_apart_leave_the_ladder_and_come_back():
    prices = [0, 10**6, -(10**6), 2**62, -(2**62), 2**63 - 1, -(2**63 - 1), 32_767, 32_768, -32_769]
    mine, theirs = Exchange(), Reference()
    for exchange in (mine, theirs):
        for price in prices:
            exchange.submit_limit("sell" if price > 0 else "buy", price, 1)
            exchange.submit_limit("sell" if price > 0 else "buy", price, 2)
        for order_id in range(1, 2 * len(prices), 4):
            exchange.cancel(order_id)
    assert mine.full_book() == theirs.full_book()
    assert mine.submit_market("buy", 100) == theirs.submit_market("buy", 100)
    assert mine.state_hash() == theirs.state_hash()


def test_a_market_that_wanders_takes_the_ladder_with_it():
    mine, theirs = Exchange(), Reference()
    price = np.cumsum(np.tile([1, 3, -2, 40_001], 40_000)) // 3
    ops = make_ops(op="submit_limit", side="buy", price=price, quantity=1)
    mine.apply(ops)
    theirs.apply(ops[-50:])
    assert [level.price for level in mine.depth(20).bids] == [
        level.price for level in theirs.depth(20).bids
    ]
    # Each level is still found: the last one of its price can be cancelled, and takes it along.
    best = mine.best_bid()
    ids = np.flatnonzero(price == best) + 1
    assert all(mine.cancel(int(order_id)).success for order_id in ids)
    assert mine.best_bid() < best


def test_forgetting_finished_orders_keeps_every_id_that_lives():
    mine, theirs = Exchange(), Reference()
    rng = np.random.default_rng(7)
    for _ in range(30):
        for price, side in zip(rng.integers(95, 106, 40), rng.integers(0, 2, 40), strict=True):
            for exchange in (mine, theirs):
                exchange.submit_limit("buy" if side else "sell", int(price), 3)
                exchange.submit_stop_market("buy", int(price) + 9, 1)
        last = mine.state().next_order_id
        for order_id in rng.integers(1, last, 30):
            assert mine.cancel(int(order_id)) == theirs.cancel(int(order_id))
        assert mine.clear_order_history() == theirs.clear_order_history()
        for order_id in range(1, last):
            assert mine.get_order(order_id) == theirs.get_order(order_id)
            assert mine.get_stop_order(order_id) == theirs.get_stop_order(order_id)
        mine.compact()
    assert mine.state_hash() == theirs.state_hash()
    assert (mine.trades_array() == theirs.trades_array()).all()


def test_trades_that_were_handed_out_do_not_change_when_more_are_made():
    exchange = Exchange()
    for _ in range(3):
        exchange.submit_limit("sell", 100, 1)
        exchange.submit_limit("buy", 100, 1)
    array, trades = exchange.trades_array(), exchange.trades()
    kept = array.copy()
    exchange.clear_trades()
    for _ in range(1000):
        exchange.submit_limit("sell", 99, 1)
        exchange.submit_limit("buy", 99, 1)
    assert (array == kept).all()
    assert [trade.price for trade in trades] == [100, 100, 100]
    assert len(exchange.trades()) == 1000


def busy_rows(n):
    """Rows that keep the engine busy without growing the book."""
    side = np.tile(["buy", "sell"], n // 2)
    return make_ops(op="submit_limit", side=side, price=100, quantity=5)


def test_ctrl_c_ends_a_batch_between_two_rows():
    exchange = Exchange()
    ops = busy_rows(4_000_000 if COMPILED else 200_000)
    rung_at = []

    def press_ctrl_c(_number, _frame):
        rung_at.append(time.perf_counter())
        signal.raise_signal(signal.SIGINT)

    before = signal.signal(signal.SIGALRM, press_ctrl_c)
    # Set, because a job in the background ignores it.
    interrupt = signal.signal(signal.SIGINT, signal.default_int_handler)
    gc.disable()
    signal.setitimer(signal.ITIMER_REAL, 0.02 if COMPILED else 0.5)
    try:
        with pytest.raises(KeyboardInterrupt):
            exchange.apply(ops)
        ended_at = time.perf_counter()
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
        signal.signal(signal.SIGINT, interrupt)
        gc.enable()
    assert ended_at - rung_at[0] < 5  # a bound on hanging; how long it takes is a benchmark's
    done = exchange.state().next_order_id - 1
    assert 0 < done < len(ops)
    again = Exchange()
    again.apply(ops[:done])
    assert exchange.state_hash() == again.state_hash()
    assert exchange.submit_market("buy", 1).order_id == done + 1


@compiled_only
def test_another_thread_is_refused_while_a_batch_runs():
    exchange = Exchange()
    ops = busy_rows(3_000_000)
    started, refused = threading.Event(), []

    def disturb():
        started.wait()
        for _ in range(1000):
            for call in (
                exchange.best_bid,
                lambda: exchange.cancel(1),
                lambda: exchange.apply(ops[:1]),
            ):
                try:
                    call()
                except ConcurrentUseError as error:
                    refused.append(str(error))
            time.sleep(0.0001)

    thread = threading.Thread(target=disturb)
    thread.start()
    started.set()
    exchange.apply(ops)
    thread.join()
    assert refused
    assert "give each thread its own" in refused[0]


def test_a_batch_whose_array_another_thread_changes_harms_nothing():
    exchange = Exchange()
    ops = busy_rows(2_000_000 if COMPILED else 50_000)
    stop = threading.Event()

    def scribble():
        while not stop.is_set():
            ops["side"][-1000:] = 200
            ops["op"][-1000:] = 99

    thread = threading.Thread(target=scribble)
    thread.start()
    try:
        with pytest.raises((ConcurrentUseError, ValueError)):
            exchange.apply(ops)
    finally:
        stop.set()
        thread.join()
    assert exchange.depth(1).imbalance() in (None, 1.0, -1.0)


def busy_book():
    exchange = Exchange()
    for number in range(300):
        exchange.submit_limit("buy", 100 - number % 50, 5)
        exchange.submit_stop_market("buy", 200 + number, 5)
    return exchange


@compiled_only
@pytest.mark.parametrize("question", ["state", "full_book", "events"])
def test_whoever_comes_in_the_middle_of_a_long_answer_cannot_spoil_it(question):
    expected = getattr(busy_book(), question)()
    exchange = busy_book()
    outcomes = []

    def tidy_up(frame, event, _argument):
        # Records are made by Python functions, and this runs when one of those is called.
        if event == "call" and frame.f_globals["__name__"].startswith("nanobook_core.contracts"):
            try:
                exchange.cancel_all()
            except ConcurrentUseError:
                outcomes.append("refused")
            else:
                outcomes.append("let in")

    before = sys.getprofile()
    sys.setprofile(tidy_up)
    try:
        found = getattr(exchange, question)()
    finally:
        sys.setprofile(before)
    assert set(outcomes) == {"refused"}
    assert found == expected
    assert exchange.cancel_all().order_ids == tuple(range(1, 601))


class Applying:
    """A number that runs a batch as soon as it is read."""

    def __init__(self, exchange, number):
        self.exchange = exchange
        self.number = number

    def __index__(self):
        self.exchange.apply(make_ops(op="submit_limit", side="sell", price=100, quantity=1))
        return self.number


def test_an_argument_that_uses_the_exchange_comes_first():
    exchange = Exchange()
    result = exchange.submit_limit("buy", Applying(exchange, 100), 1)
    assert (result.order_id, result.status) == (2, "Filled")
    assert exchange.get_order(Applying(exchange, 2)).status == "filled"
    assert exchange.depth(Applying(exchange, 5)).total_ask_quantity() == 2


def test_an_exchange_cannot_stand_for_two_symbols():
    exchange = Exchange()
    ops = make_ops(op="submit_limit", side="buy", price=1, quantity=1, symbol=[0, 1])
    with pytest.raises(ValueError, match="there twice"):
        Exchange.apply_books([exchange, exchange], ops, 2)
    assert exchange.state().next_order_id == 1


def test_what_is_no_exchange_is_no_book():
    with pytest.raises((TypeError, AttributeError)):
        Exchange.apply_books([object()], busy_rows(2), 1)


def test_books_of_very_different_length_run_side_by_side():
    small, large = Exchange(), Exchange()
    symbol = np.r_[np.zeros(2, int), np.ones(200_000 if COMPILED else 2_000, int)]
    ops = make_ops(op="submit_limit", side="buy", price=1, quantity=1, symbol=symbol)
    result = Exchange.apply_books([small, large], ops, 2)
    assert (result.order_id[:3] == [1, 2, 1]).all()
    assert small.best_bid() == large.best_bid() == 1


def test_a_batch_that_is_refused_lets_go_of_every_book():
    first, second = Exchange(), Exchange()
    ops = make_ops(op="submit_limit", side="buy", price=1, quantity=[1, 0], symbol=[0, 1])
    with pytest.raises(ValueError, match="row 1"):
        Exchange.apply_books([first, second], ops, 2)
    for exchange in (first, second):
        assert exchange.submit_limit("buy", 1, 1).order_id == 1


def test_a_log_that_nobody_can_read_is_not_kept():
    exchange = Exchange()
    exchange.clear_events()
    exchange.submit_limit("buy", 1, 1)
    with pytest.raises(LogTruncatedError):
        exchange.events()
    assert Exchange(log_events=False).log_events is False
    assert exchange.log_events is True


def test_help_has_the_contracts_words():
    assert Exchange.submit_limit.__doc__ == contracts.Engine.submit_limit.__doc__
    assert "O(log P + M)" in Exchange.submit_limit.__doc__
    undocumented = [
        name
        for name in dir(Exchange)
        if not name.startswith("_") and not getattr(Exchange, name).__doc__
    ]
    assert undocumented == []


def test_an_exchange_gives_its_memory_back():
    import resource

    def peak():
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

    ops = busy_rows(50_000 if COMPILED else 2_000)
    for _ in range(3):
        Exchange().apply(ops)
    before = peak()
    for _ in range(60):
        Exchange().apply(ops)
    assert peak() - before < 64 * 1024  # kilobytes: all 60 would take ten times that
