"""The journal has what it was given, whatever happens to the program or to the file."""

import contextlib
import signal
import sqlite3
import stat
import subprocess
import sys
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.ibkr.order_messages import NOW, PERM_ID, REF, exec_id

from nanobook_core.broker import OrderRecord
from nanobook_core.contracts import (
    BrokerError,
    BrokerOrder,
    BrokerTimeInForce,
    ConnectError,
    Fill,
    OrderState,
    OrderType,
    SessionConflictError,
)
from nanobook_core.types import Side
from nanobook_ibkr.broker import IbkrBroker
from nanobook_ibkr.journal import Journal
from nanobook_ibkr.known_order import KnownOrder
from nanobook_ibkr.simulator import SimulatedGateway

D = Decimal
_law = settings(suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture
def path(tmp_path):
    return tmp_path / "orders.sqlite"


def known(ib_order_id=7, order=None, **changes):
    order = order or BrokerOrder("AAPL", "buy", 8, "limit", D("95.00"), client_order_id=REF)
    record = OrderRecord(order_id=changes.get("perm_id") or -ib_order_id, order=order)
    record.submitted()
    return KnownOrder(
        **{
            "record": record,
            "client_id": 1,
            "ib_order_id": ib_order_id,
            "order_ref": order.client_order_id,
            "order_type": order.order_type,
            "session": 3,
            **changes,
        }
    )


def fill(number=1, revision=1, **changes):
    return Fill(
        **{
            "exec_id": exec_id(number, revision),
            "order_id": PERM_ID,
            "client_order_id": REF,
            "symbol": "AAPL",
            "side": "buy",
            "quantity": D(8),
            "price": D("94.9"),
            "time": NOW,
            **changes,
        }
    )


prices = st.decimals("0.0001", "100000", allow_nan=False, places=4)
quantities = st.decimals("0.001", "1000000", places=3).filter(bool)


@st.composite
def orders(draw):
    order_type = draw(st.sampled_from(OrderType))
    has_limit = order_type in (OrderType.LIMIT, OrderType.STOP_LIMIT)
    has_stop = order_type in (OrderType.STOP, OrderType.STOP_LIMIT)
    return BrokerOrder(
        draw(st.sampled_from(["AAPL", "SAP.EUR", "BRK B", "conid:1"])),
        draw(st.sampled_from(Side)),
        draw(quantities),
        order_type,
        draw(prices) if has_limit else None,
        stop_price=draw(prices) if has_stop else None,
        tif=draw(st.sampled_from(BrokerTimeInForce)),
        client_order_id=draw(st.from_regex(r"[A-Za-z0-9_.\-]{1,36}", fullmatch=True)),
        outside_hours=draw(st.booleans()),
    )


@_law
@given(
    order=orders(),
    state=st.sampled_from(OrderState),
    numbers=st.tuples(st.sampled_from([0, PERM_ID]), st.integers(0, 3)),
    filled=st.decimals("0", "100", places=3),
    limit=st.none() | prices,
)
def test_an_order_is_read_as_it_was_written(order, state, numbers, filled, limit):
    journal, (perm_id, heard) = Journal(None, NOW), numbers
    before = known(order=order, perm_id=perm_id, heard=heard, limit=limit)
    before.record.state, before.record.reason, before.record.updated_at = state, "why", NOW
    before.record._told_quantity = filled
    before.record._told_price = D("94.9") if filled else None
    journal.write(before)
    (after,) = journal.orders()
    assert after.status() == before.status()
    assert after.record.order == order
    assert (after.client_id, after.ib_order_id, after.session) == (1, 7, 3)
    assert (after.perm_id, after.limit) == (perm_id, limit)
    assert bool(after.heard) == bool(heard)


@pytest.mark.parametrize("order_ref", ["my order, {odd}", "", "x" * 60])
def test_an_order_that_another_program_of_the_client_sent_is_read_as_it_was_written(order_ref):
    journal = Journal(None, NOW)
    before = known(order=BrokerOrder("AAPL", "buy", 8), perm_id=PERM_ID)
    before.order_ref, before.order_type = order_ref, None
    journal.note(before)
    journal.flush()
    (after,) = journal.orders()
    assert after.status() == before.status()
    assert after.status().order_type is None


def test_two_orders_may_have_had_one_number():
    """The first never arrived, or the venue has begun to count anew."""
    journal = Journal(None, NOW)
    other = BrokerOrder("AAPL", "buy", 5, client_order_id="other")
    journal.write(known())
    journal.write(known(order=other, perm_id=PERM_ID))
    assert [each.order_ref for each in journal.orders()] == [REF, "other"]


@_law
@given(
    quantity=quantities,
    price=prices,
    fee=st.decimals("-10", "10", places=4),
    is_fee_known=st.booleans(),
    liquidity=st.sampled_from(["", "maker", "taker"]),
)
def test_an_execution_is_read_as_it_was_noted(quantity, price, fee, is_fee_known, liquidity):
    journal = Journal(None, NOW)
    before = fill(
        quantity=quantity,
        price=price,
        fee=fee,
        fee_currency="USD",
        is_fee_known=is_fee_known,
        liquidity=liquidity,
    )
    journal.note(before)
    journal.flush()
    assert journal.fills() == [before]


def test_what_is_written_is_there_after_the_program_has_died(path):
    journal = Journal(path, NOW)
    journal.note(fill())
    journal.write(known())
    reader = subprocess.run(
        [sys.executable, "-c", _READ, path], capture_output=True, text=True, check=True
    )
    assert reader.stdout == "1 1\n"


#: What another process finds in a copy of the files, as they are on the disk.
_READ = """
import shutil, sqlite3, sys, tempfile
folder = tempfile.mkdtemp()
for end in ("", "-wal"):
    shutil.copy(sys.argv[1] + end, folder + "/a.sqlite" + end)
database = sqlite3.connect(folder + "/a.sqlite")
count = "SELECT (SELECT count(*) FROM orders), (SELECT count(*) FROM fills)"
print(*database.execute(count).fetchone())
"""


def test_what_is_noted_is_written_with_the_next_order_or_at_the_end(path):
    journal = Journal(path, NOW)
    journal.note(known(5, heard=1), fill())
    assert journal.orders() == []
    journal.write(known(7))
    assert [each.ib_order_id for each in journal.orders()] == [5, 7]
    journal.note(fill(2))
    journal.close()
    journal.close()
    assert [each.exec_id for each in Journal(path, NOW).fills()] == [exec_id(1), exec_id(2)]


def test_a_correction_takes_the_place_of_its_execution(path):
    journal = Journal(path, NOW)
    journal.note(fill())
    journal.flush()
    journal.note(fill(revision=2, corrects=exec_id(1), price=D(94)))
    journal.close()
    (after,) = Journal(path, NOW).fills()
    assert (after.exec_id, after.price) == (exec_id(1, 2), 94)


def test_only_orders_of_ones_own_that_have_a_number_are_kept():
    journal = Journal(None, NOW)
    journal.note(known(0, client_id=None, perm_id=PERM_ID))
    foreign = known(9)
    foreign.record.is_own = False
    journal.note(foreign)
    journal.flush()
    assert journal.orders() == []


def test_the_last_number_is_that_of_the_client():
    journal = Journal(None, NOW)
    assert journal.last_order_id(1) == 0
    journal.write(known(7))
    journal.write(known(900, client_id=2))
    assert (journal.last_order_id(1), journal.last_order_id(2)) == (7, 900)


def test_it_says_since_when_everything_is_in_it(path):
    journal = Journal(path, NOW)
    journal.close()
    later = Journal(path, NOW.replace(year=2030))
    assert later.created == NOW


def test_nobody_else_may_read_it(path):
    Journal(path, NOW)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_one_has_it_at_a_time(path):
    journal = Journal(path, NOW)
    with pytest.raises(SessionConflictError, match="in use by another broker"):
        Journal(path, NOW)
    journal.close()
    Journal(path, NOW).close()


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (b"this is no database at all, but a diary of someone", "no file of a broker"),
        (b"SQLite format 3\0" + b"\xff" * 4000, "orders.sqlite"),
    ],
)
def test_a_file_of_something_else_is_left_alone(path, content, text):
    path.write_bytes(content)
    with pytest.raises(ConnectError, match=text):
        Journal(path, NOW)
    assert path.read_bytes() == content


def test_a_database_of_something_else_is_left_alone(path):
    with sqlite3.connect(path) as database:
        database.execute("CREATE TABLE recipes (name TEXT)")
    database.close()
    with pytest.raises(ConnectError, match="a database of something else"):
        Journal(path, NOW)


def test_a_layout_of_another_version_is_refused(path):
    Journal(path, NOW).close()
    with sqlite3.connect(path) as database:
        database.execute("PRAGMA user_version=9")
    database.close()
    with pytest.raises(ConnectError, match="has the layout 9; this nanobook reads 1"):
        Journal(path, NOW)


@pytest.mark.parametrize(
    "damage", ["UPDATE orders SET state='odd'", "UPDATE orders SET quantity='many'"]
)
def test_a_row_that_cannot_be_is_told_and_the_file_let_go(path, damage):
    journal = Journal(path, NOW)
    journal.write(known())
    journal.close()
    with sqlite3.connect(path) as database:
        database.execute(damage)
    database.close()
    with SimulatedGateway() as gateway:
        for _ in range(2):
            with pytest.raises(ConnectError, match="is damaged"):
                IbkrBroker(gateway.host, gateway.port, state=path).connect()


def test_a_folder_that_is_not_there_is_told(tmp_path):
    with pytest.raises(ConnectError, match="sqlite"):
        Journal(tmp_path / "nowhere" / "orders.sqlite", NOW)


@pytest.mark.skipif(not hasattr(signal, "SIGXFSZ"), reason="no such signal here")
def test_an_order_that_cannot_be_written_down_is_not_sent(path):
    """The disk is full: nothing is sent, and when there is room again it is sent once."""
    with SimulatedGateway() as gateway:
        gateway.set_quote("AAPL", "99.90", "100.10")
        with IbkrBroker(gateway.host, gateway.port, state=path) as broker:
            broker.submit_order(limit("before"))
            with full_disk(path), pytest.raises(BrokerError, match="sqlite") as caught:
                broker.submit_order(limit("late"))
            assert caught.value.outcome == "not_sent"
            assert [order.form.order_ref for order in gateway.orders()] == ["before"]
            assert broker.find_order("late") is None
            broker.submit_order(limit("late"))
            broker.cancel_all()
        assert [order.form.order_ref for order in gateway.orders()] == ["before", "late"]


@pytest.mark.skipif(not hasattr(signal, "SIGXFSZ"), reason="no such signal here")
def test_a_full_disk_does_not_keep_a_connection_from_ending(path):
    with SimulatedGateway() as gateway:
        gateway.set_quote("AAPL", "99.90", "100.10")
        broker = IbkrBroker(gateway.host, gateway.port, state=path)
        broker.connect()
        ack = broker.submit_order(limit("a"))
        with full_disk(path):
            gateway.fill(int(ack), 3)
            assert broker.resync().matched == ("a",)
            broker.disconnect()
        with broker:
            assert [fill.quantity for fill in broker.fills()] == [3]


def limit(name):
    return BrokerOrder("AAPL", "buy", D(8), "limit", D(95), client_order_id=name)


@contextlib.contextmanager
def full_disk(path):
    """No file of this process grows beyond what the journal has."""
    resource = pytest.importorskip("resource")
    size = path.with_name(path.name + "-wal").stat().st_size
    ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, ignored)


@pytest.mark.parametrize("end", ["close", "exit"])
def test_a_fork_leaves_the_journal_of_its_parent_alone(path, end):
    """SQLite would remove, in the child, what the parent goes on writing to."""
    done = subprocess.run(
        [sys.executable, "-c", _FORK, path, end], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    again = Journal(path, NOW)
    assert [len(again.orders()), len(again.fills())] == [1, 1]


_FORK = """
import os, sys
from pathlib import Path
from tests.ibkr.test_journal import NOW, BrokerError, Journal, fill, known
journal = Journal(Path(sys.argv[1]), NOW)
journal.note(fill())
child = os.fork()
if not child:
    try:
        journal.write(known(8))
    except BrokerError:
        if sys.argv[2] == "close":
            journal.close()
        sys.exit(0)
    sys.exit(1)
assert os.waitpid(child, 0)[1] == 0
assert os.path.exists(sys.argv[1] + "-wal")
journal.write(known())
os._exit(0)
"""


def test_a_fork_of_a_program_with_a_broker_can_neither_use_nor_harm_it(path):
    with SimulatedGateway() as gateway:
        gateway.set_quote("AAPL", "99.90", "100.10")
        done = subprocess.run(
            [sys.executable, "-c", _FORKED_BROKER, path, str(gateway.port)],
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        assert (done.returncode, done.stderr) == (0, "")
        with IbkrBroker("127.0.0.1", gateway.port, state=path) as broker:
            assert [status.client_order_id for status in broker.open_orders()] == ["a", "b"]
    assert [each.order_ref for each in Journal(path, NOW).orders()] == ["a", "b"]


_FORKED_BROKER = """
import os, sys
from tests.ibkr.test_journal import BrokerError, IbkrBroker, limit
broker = IbkrBroker("127.0.0.1", int(sys.argv[2]), state=sys.argv[1])
broker.connect()
broker.subscribe(lambda event: None)
broker.submit_order(limit("a"))
locks = (broker._desk.changed, broker._line._connecting, broker._desk.journal._lock)
for lock in locks:
    lock.acquire()  # as other threads may have them in this moment
child = os.fork()
if not child:
    for act in (broker.connect, lambda: broker.halt("stop"), broker.open_orders, broker.fills):
        try:
            act()
        except BrokerError:
            continue
        os._exit(1)
    broker.disconnect()
    sys.exit(0)
for lock in locks:
    lock.release()
assert os.waitpid(child, 0)[1] == 0
broker.submit_order(limit("b"))
os._exit(0)
"""


def test_a_resend_that_cannot_be_written_down_leaves_the_order_its_number(path):
    with SimulatedGateway() as gateway:
        gateway.set_quote("AAPL", "99.90", "100.10")
        with IbkrBroker(gateway.host, gateway.port, state=path) as broker:
            gateway.inject("drop_before_accept")
            with pytest.raises(BrokerError):
                broker.submit_order(limit("a"))
            (first,) = gateway.messages(3, incoming=True)
            with full_disk(path), pytest.raises(BrokerError, match="sqlite"):
                broker.submit_order(limit("a"))
            broker.submit_order(limit("a"))
        assert [each.fields[1] for each in gateway.messages(3, incoming=True)] == [
            first.fields[1],
            first.fields[1],
        ]
