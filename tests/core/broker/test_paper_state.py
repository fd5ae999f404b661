"""The books are one file: durable when a request returns, one broker at a time, never guessed."""

import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import textwrap
from decimal import Decimal

import pytest

import nanobook
from nanobook_core.contracts import BrokerOrder, ConnectionState, OrderState

from .market import Clock

D = Decimal
QUOTES = {"A": {"bid": "99", "ask": "101", "ask_size": 60}, "B": ("49.5", "50.5")}


@pytest.fixture
def path(tmp_path):
    return tmp_path / "paper.sqlite"


def paper(path, **settings):
    settings = {"quotes": QUOTES, "clock": Clock(), "state": path, **settings}
    return nanobook.PaperBroker(100_000, **settings)


def view(broker):
    return (
        broker.account(),
        broker.positions(),
        broker.open_orders(),
        broker.fills(),
        broker.connection(),
    )


def test_a_restart_makes_no_difference(path):
    with paper(path, costs=5) as broker:
        broker.submit_order("A", "buy", 100, order_type="limit", limit_price=D(102))
        broker.submit_order("B", "sell", 7)
        broker.submit_order(BrokerOrder("B", "buy", 7, "stop", stop_price=D(60)))
        before = view(broker)
    with paper(path, costs=5) as broker:
        assert view(broker) == before
        assert broker.submit_order("B", "buy", 1) == 4
        assert broker.fills()[-1].exec_id == "PAPER-3"


def test_a_quotes_size_stays_taken_after_a_restart(path):
    with paper(path) as broker:
        broker.submit_order("A", "buy", 60)
    with paper(path) as broker:
        assert broker.submit_order("A", "buy", 5).state is OrderState.ACCEPTED


def test_a_halt_stays_until_somebody_resumes(path):
    with paper(path) as broker:
        broker.halt("lost my nerve")
    with paper(path) as broker:
        assert broker.connection().state is ConnectionState.HALTED
        with pytest.raises(nanobook.HaltedError, match="lost my nerve"):
            broker.submit_order("B", "buy", 1)
        broker.resume()
    with paper(path) as broker:
        assert broker.connection().state is ConnectionState.READY


def test_a_halt_before_connecting_is_kept_too(path):
    broker = paper(path)
    broker.halt("")
    with broker:
        pass
    with paper(path) as broker:
        assert broker.connection().state is ConnectionState.HALTED


def test_what_is_said_while_the_file_is_closed_is_kept_too(path):
    with paper(path) as broker:
        broker.halt("lost my nerve")
    broker.resume()
    with broker:
        assert broker.connection().state is ConnectionState.READY
        broker.halt("again")
    broker = paper(path)
    broker.resume()
    with broker:
        assert broker.connection().state is ConnectionState.READY
    with paper(path) as broker:
        assert broker.connection().state is ConnectionState.READY


@pytest.mark.parametrize("settings", [{}, {"instruments": {"A": {"multiplier": 10}}}])
def test_what_is_held_is_worth_the_same_after_a_restart(path, settings):
    with paper(path, instruments={"A": {"multiplier": 10}}) as broker:
        broker.submit_order("A", "buy", 7)
        before = view(broker)
    with paper(path, **settings) as broker:
        assert view(broker) == before
        broker.submit_order("A", "sell", 7)
        assert broker.account().cash == 100_000 - 7 * 2 * 10


@pytest.mark.parametrize(
    ("terms", "message"),
    [
        ({"multiplier": 100}, "in USD with a multiplier of 100: close it first"),
        ({"multiplier": 10, "currency": "EUR"}, "in EUR with a multiplier of 10: close it first"),
        ({}, "in USD with a multiplier of 1: close it first"),
    ],
)
def test_settings_that_would_change_what_is_held_or_ordered_are_refused(path, terms, message):
    with paper(path, instruments={"A": {"multiplier": 10}}) as broker:
        broker.submit_order("A", "buy", 7)
        broker.submit_order("B", "buy", 1, order_type="limit", limit_price=D(40))
    changed = paper(path, instruments={"A": terms}, rates={"EUR": 2})
    with pytest.raises(
        nanobook.ValidationError, match=f"has A in USD with a multiplier of 10; .*{message}"
    ):
        changed.connect()
    with pytest.raises(nanobook.ValidationError, match="has B in USD with a multiplier of 1;"):
        paper(path, instruments={"B": {"multiplier": 10}}).connect()
    with paper(path, instruments={"A": {"multiplier": 10}}) as broker:
        broker.submit_order("A", "sell", 7)
    with changed:
        assert changed.instrument("A").multiplier == terms.get("multiplier", 1)


def test_an_account_in_memory_outlives_its_connection():
    broker = paper(None)
    with broker:
        broker.submit_order("B", "buy", 3)
    with broker:
        assert broker.positions()[0].quantity == 3


def test_a_second_broker_on_one_file_is_refused_until_the_first_is_gone(path):
    with paper(path):
        second = paper(path)
        with pytest.raises(nanobook.SessionConflictError, match="in use by another paper broker"):
            second.connect()
        assert second.connection().state is ConnectionState.DISCONNECTED
    with second:
        assert second.account().cash == 100_000


@pytest.mark.parametrize("is_copied", [False, True])
def test_another_process_is_refused_too(path, is_copied):
    code = f"""
        import nanobook
        try:
            nanobook.PaperBroker(state={str(path)!r}).connect()
        except nanobook.SessionConflictError as error:
            print("refused:", error)
    """
    with paper(path) as broker:
        broker.submit_order("A", "buy", 2)
        if is_copied:  # closes a descriptor of the file, and with it the lock that SQLite has
            shutil.copy(path, path.with_name("copy"))
        done = subprocess.run(
            [sys.executable, "-c", textwrap.dedent(code)],
            capture_output=True,
            text=True,
            check=True,
        )
    assert done.stdout.startswith("refused: connection error: ")


def test_the_file_is_ours_alone(path):
    with paper(path):
        assert path.stat().st_mode & 0o777 == 0o600
    assert sorted(entry.name for entry in path.parent.iterdir()) == [
        "paper.sqlite",
        "paper.sqlite.lock",
    ]


def test_the_same_session_gives_the_same_bytes(tmp_path):
    files = []
    for name in ("one", "two"):
        path = tmp_path / name
        with paper(path, costs=5) as broker:
            broker.submit_order("A", "buy", 100, order_type="limit", limit_price=D(102))
            broker.submit_order("B", "sell", 7)
            broker.cancel_all()
        files.append(path.read_bytes())
    assert files[0] == files[1]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"account_id": "OTHER"}, "has the account_id 'PAPER', got 'OTHER': give that account_id"),
        (
            {"account_id": "OTHER"},
            "account.id of a config, or, for another account, another `state",
        ),
        ({"currency": "EUR"}, "has the currency 'USD', got 'EUR': give that currency or, for an"),
    ],
)
def test_a_file_of_another_account_is_refused(path, settings, message):
    with paper(path):
        pass
    with pytest.raises(nanobook.ValidationError, match=message):
        paper(path, **settings).connect()
    with paper(path):
        pass


def damaged(path, statement):
    with paper(path) as broker:
        broker.submit_order("A", "buy", 100, order_type="limit", limit_price=D(102))
        broker.submit_order("B", "buy", 7)
    with sqlite3.connect(path) as database:
        database.execute(statement)
    database.close()


@pytest.mark.parametrize(
    ("statement", "message"),
    [
        ("UPDATE account SET value='1' WHERE name='cash'", "damaged: cash 1, its fills say"),
        ("DELETE FROM account WHERE name='cash'", "damaged"),
        ("UPDATE fills SET cash='x'", "damaged"),
        ("DELETE FROM fills WHERE number=2", "damaged: cash"),
        ("UPDATE holdings SET quantity='8' WHERE symbol='B'", "its positions are not those"),
        ("DELETE FROM holdings", "its positions are not those"),
        ("UPDATE orders SET quantity='5' WHERE order_id=2", "more than order 2 is filled"),
        ("UPDATE orders SET state='filled' WHERE order_id=1", "order 1 is filled, and 40 of it"),
        ("UPDATE orders SET is_open=0 WHERE order_id=1", "order 1 is partially_filled, and 40"),
        ("UPDATE orders SET is_open=1 WHERE order_id=2", "order 2 is filled, and 0 of it is left"),
        ("UPDATE orders SET state='cancelled' WHERE order_id=2", "order 2 is cancelled, and 0 of"),
        ("UPDATE orders SET state='lost' WHERE order_id=1", "damaged"),
        ("UPDATE orders SET side='up' WHERE order_id=1", "damaged"),
        ("UPDATE orders SET created_at='today' WHERE order_id=1", "damaged"),
        ("DELETE FROM orders WHERE order_id=2", "damaged"),
        ("PRAGMA user_version=9", "has the layout 9; this nanobook reads 1"),
        ("PRAGMA application_id=1", "is a database of something else"),
        ("DROP TABLE taken", "damaged: its tables are account, fills, holdings, orders, symbols"),
    ],
)
def test_books_that_do_not_add_up_are_refused_and_left_alone(path, statement, message):
    damaged(path, statement)
    before = path.read_bytes()
    with pytest.raises(nanobook.ConnectError, match=message):
        paper(path).connect()
    assert path.read_bytes() == before


@pytest.mark.parametrize("statements", [(), ("PRAGMA journal_mode=WAL",)])
def test_a_file_that_was_only_begun_becomes_an_account(path, statements):
    path.touch()
    with sqlite3.connect(path) as database:
        for statement in statements:
            database.execute(statement)
    database.close()
    with paper(path) as broker:
        assert broker.account().cash == 100_000


def test_an_interrupt_leaves_no_change_half_made(path):
    def interrupted(_):
        try:
            return next(prices)
        except StopIteration:
            raise KeyboardInterrupt from None

    for state in (None, path):
        prices = iter([QUOTES["B"]] * 2)
        broker = nanobook.PaperBroker(quotes=interrupted, clock=Clock(), state=state)
        broker.connect()
        for _ in range(3):
            with pytest.raises(KeyboardInterrupt):
                broker.submit_order("B", "buy", 1)
        prices = iter([QUOTES["B"]] * 9)
        assert broker.fills() == []
        assert broker.submit_order("B", "buy", 1) == 1
        broker.disconnect()


def test_a_file_of_something_else_is_refused_and_left_alone(path):
    path.write_bytes(b"symbol,bid,ask\nA,99,101\n" * 100)
    with pytest.raises(nanobook.ConnectError, match="is no file of a paper broker"):
        paper(path).connect()
    assert path.read_bytes() == b"symbol,bid,ask\nA,99,101\n" * 100


def test_a_database_of_something_else_is_refused_and_left_alone(path):
    with sqlite3.connect(path) as database:
        database.execute("CREATE TABLE notes (text)")
    database.close()
    with pytest.raises(nanobook.ConnectError, match="is a database of something else"):
        paper(path).connect()


def test_a_folder_that_is_not_there_is_an_error_of_connecting(tmp_path):
    with pytest.raises(nanobook.ConnectError, match="No such file or directory"):
        paper(tmp_path / "none" / "paper.sqlite").connect()


@pytest.mark.parametrize("page", [0, 1, 2, 5])
def test_a_page_of_rubbish_is_refused(path, page):
    damaged(path, "SELECT 1")
    data = bytearray(path.read_bytes())
    data[page * 4096 : (page + 1) * 4096] = os.urandom(4096)
    path.write_bytes(data)
    with pytest.raises(nanobook.ConnectError):
        paper(path).connect()


def test_a_write_that_fails_ends_the_connection_and_the_file_tells_the_truth(path):
    with paper(path) as broker:
        broker.submit_order("B", "buy", 5)
        database = broker._state._database
        database.execute("PRAGMA query_only=1")  # as a disk that takes no more
        with pytest.raises(nanobook.LinkDownError, match="connect again") as caught:
            broker.submit_order("B", "buy", 5, client_order_id="two")
        assert caught.value.outcome == "unknown"
        with pytest.raises(nanobook.NotConnectedError):
            broker.positions()
        broker.connect()
        assert broker.find_order("two") is None
        assert broker.positions()[0].quantity == 5


WRITER = """
    import sys
    import nanobook

    broker = nanobook.PaperBroker(10**9, state=sys.argv[1], quotes={"A": ("99", "101")}, costs=3)
    broker.connect()
    print("ready", flush=True)
    number = len(broker.fills())
    while True:
        number += 1
        side = "sell" if number % 3 == 0 else "buy"
        broker.submit_order("A", side, number, client_order_id=f"id-{number}")
        print(number, flush=True)
"""


def killed_after(path, acknowledged):
    """Run a writer and kill it once it has told of so many orders; return the last it told of."""
    writer = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(WRITER), str(path)],
        stdout=subprocess.PIPE,
        text=True,
    )
    with writer:
        assert writer.stdout.readline() == "ready\n"
        for _ in range(acknowledged):
            writer.stdout.readline()
        os.kill(writer.pid, signal.SIGKILL)
        rest = writer.stdout.read().split("\n")
        return [int(line) for line in rest[:-1]]


@pytest.mark.skipif(sys.platform == "win32", reason="SIGKILL is POSIX")
def test_kill_9_loses_nothing_that_was_acknowledged(path):
    _kill_and_check(path, rounds=6)


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="SIGKILL is POSIX")
def test_kill_9_a_hundred_times_loses_nothing_that_was_acknowledged(path):
    _kill_and_check(path, rounds=100)


def _kill_and_check(path, rounds):
    told = 0
    for turn in range(rounds):
        more = killed_after(path, 1 + turn * 7 % 23)
        told += 1 + turn * 7 % 23
        told = max([told, *more])
        copy = path.with_name("copy.sqlite")
        for suffix in ("", "-wal"):
            if (there := path.with_name(path.name + suffix)).exists():
                shutil.copy(there, copy.with_name(copy.name + suffix))
        with nanobook.PaperBroker(state=copy, quotes={"A": ("99", "101")}) as broker:
            fills = broker.fills()
            # One more may be durable than was told of, and none less.
            assert told <= len(fills) <= told + 1
            assert [fill.client_order_id for fill in fills] == [
                f"id-{number}" for number in range(1, len(fills) + 1)
            ]
            assert [fill.quantity for fill in fills] == list(range(1, len(fills) + 1))
            assert broker.open_orders() == []
            told = len(fills)
        for entry in path.parent.glob("copy*"):
            entry.unlink()
