"""Whatever a client sends, the gateway goes on serving the others, and the money adds up."""

import json
import struct
import time
from collections import Counter
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.ibkr.raw_client import RawClient, frame, handshake

from nanobook_ibkr.simulator import SimulatedGateway
from nanobook_ibkr.simulator.wire import MAX_FRAME

FRAMES = json.loads(
    (Path(__file__).parents[1] / "data" / "ibkr" / "client_frames.json").read_text()
)
VERSIONS = sorted(FRAMES)
START = frame([71, 2, 1, ""])
ACCOUNT = "DU1234567"
CASH = Decimal(1_000_000)
NEIGHBOUR = 1000
NUMBER = "number"
"""Stands for the client's next order number."""

fuzzed = settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])

WORDS = """
0 -1 1 2 7 999999999999999999999 -9223372036854775809 1e308 1.7976931348623157E308 NaN nan Infinity
-Infinity Infinite 1_000 0x10 1e-400 0.0000000000000000000000001 +5 -0
"""
numbers = st.sampled_from([*WORDS.split(), "\N{ARABIC-INDIC DIGIT ONE}", "9" * 5000])
texts = st.one_of(
    numbers,
    st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=30),
    st.sampled_from(["", "BUY", "SELL", "MKT", "STP LMT", "AAPL", "USD", "A" * 5000, "😀", "\n"]),
)


@st.composite
def mutated_frames(draw):
    """A message as a client sends it, with one to four fields changed, dropped, added or moved."""
    version = draw(st.sampled_from(VERSIONS))
    names = sorted(FRAMES[version])
    orders = [name for name in names if name.startswith("placeOrder")]
    fields = list(FRAMES[version][draw(st.sampled_from(names) | st.sampled_from(orders))])
    if fields[0] == "3":
        fields[1] = NUMBER
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, len(fields) - 1)) if fields else 0
        match draw(st.sampled_from(["change", "change", "drop", "add", "swap", "cut"])):
            case "change" if fields:
                fields[at] = draw(texts)
            case "drop":
                del fields[at : at + 1]
            case "add":
                fields.insert(at, draw(texts))
            case "swap" if fields:
                to = draw(st.integers(0, len(fields) - 1))
                fields[at], fields[to] = fields[to], fields[at]
            case "cut":
                del fields[at:]
    return version, fields


@pytest.fixture(scope="module")
def gateway():
    with SimulatedGateway(messages_per_second=None) as running:
        running.set_quote("AAPL", Decimal("184.99"), Decimal("185.01"), bid_size=Decimal(500))
        yield running


@pytest.fixture(scope="module")
def neighbour(gateway):
    """A well-behaved client, connected before everything else and served until the end."""
    with RawClient(gateway.port) as client:
        client.start(NEIGHBOUR)
        yield client


@pytest.fixture(autouse=True)
def nothing_is_logged(caplog):
    yield
    records = [record for record in caplog.records if record.levelname in ("ERROR", "CRITICAL")]
    assert records == []


@pytest.fixture(scope="module")
def connect(gateway, neighbour):
    """Connects, and starts the API where versions are given; what it is worth and a next number.

    Afterwards the neighbour is served as before.
    """

    @contextmanager
    def connected(versions=None):
        with RawClient(gateway.port) as client:
            yield client, client.start(1, versions) if versions else None
        assert neighbour.is_served()
        wait_until_gone(gateway)

    return connected


@pytest.fixture(scope="module")
def attack(connect):
    """Sends bytes over a connection of its own, in one piece or one by one, and hangs up."""

    def attack(data, *, versions=None, pieces=False):
        with connect(versions) as (client, _):
            for piece in (data[at : at + 1] for at in range(len(data))) if pieces else [data]:
                client.send(piece)

    return attack


def wait_until_gone(gateway):
    """Nobody is there but the neighbour: client ids can be taken again."""
    give_up = time.monotonic() + 20
    while gateway.clients != (NEIGHBOUR,):
        assert time.monotonic() < give_up
        time.sleep(0.001)


@fuzzed
@given(data=st.binary(max_size=300))
def test_bytes_that_are_no_handshake(attack, data):
    attack(data)


@fuzzed
@given(data=st.binary(max_size=300), pieces=st.booleans())
def test_bytes_after_the_handshake(attack, data, pieces):
    attack(handshake() + data, pieces=pieces)


@fuzzed
@given(
    versions=st.one_of(
        st.text(max_size=40),
        st.from_regex(r"v[0-9]{1,6}\.\.[0-9]{1,6}( .*)?", fullmatch=True),
    )
)
def test_any_range_of_versions(attack, versions):
    attack(handshake(versions.encode("utf-8", "replace").decode()))


@fuzzed
@given(data=st.binary(max_size=300), pieces=st.booleans())
def test_bytes_after_the_start(attack, data, pieces):
    attack(data, versions="v157..178", pieces=pieces)


@settings(fuzzed, max_examples=200)
@given(mutated=mutated_frames())
def test_a_message_with_changed_fields_is_answered_and_the_connection_lives(
    connect, gateway, mutated
):
    version, fields = mutated
    with connect(f"v157..{version}") as (client, number):
        client.send(frame(str(number) if field == NUMBER else field for field in fields))
        assert client.is_served() or fields[:1] == ["71"]
    gateway.call(lambda venue: venue.cancel_all())


PRICES = ["", "0", "185", "185.01", "184.995", "-1", "0.01", "1e-9", "1e300", "99999999999999999"]
#: Fields of an order of version 176 by their place, and what may stand there.
ORDER_FIELDS = {
    2: ["0", "265598", "272093", "1", "-1"],
    16: ["BUY", "SELL", "SSHORT", "buy", ""],
    17: ["1", "100", "0", "-5", "0.5", "1e-9", "1e30", "99999999999999999999", ""],
    18: ["MKT", "LMT", "STP", "STP LMT", "TRAIL", "TRAIL LIMIT", "MOC", "mkt", ""],
    19: PRICES,
    20: PRICES,
    21: ["DAY", "GTC", "IOC", "FOK", "GTD", "OPG", "", "day"],
    22: ["", "group"],
    23: ["", "DU1234567", "DU7654321"],
    27: ["0", "1"],
    28: ["0", "1", "2", "-1", "2147483647"],
    38: ["", "20200101 00:00:00 UTC", "20991231-23:59:59", "99999999", "tomorrow"],
    47: ["0", "1", "2", "3", "4", "-7"],
    50: ["0", "1"],
    51: ["", "0", "5"],
}
PARENTS = {(28, "1"), (28, "2")}  # counted from the client's next number
CHANGES = [(at, value) for at, values in ORDER_FIELDS.items() for value in values]
KINDS = ["market", "limit", "limit", "stop", "stop_limit", "trail"]
#: One of the client's next numbers, and a kind of order with what is changed in it; or a cancel.
strange_requests = st.tuples(
    st.integers(0, 4),
    st.none() | st.sampled_from(KINDS),
    st.lists(st.sampled_from(CHANGES), max_size=3),
)


@settings(fuzzed, max_examples=200)
@given(requests=st.lists(strange_requests, max_size=10))
def test_orders_that_make_sense_to_nobody(connect, gateway, requests):
    with connect("v157..176") as (client, number):
        for offset, kind, changes in requests:
            fields = ["4", "1", str(number + offset), ""]
            if kind is not None:
                fields = list(FRAMES["176"][f"placeOrder {kind}"])
                fields[1], fields[17], fields[23] = str(number + offset), "1", ""
                for at, value in changes:
                    fields[at] = str(number + int(value)) if (at, value) in PARENTS else value
            client.send(frame(fields))
        assert client.is_served()
    gateway.call(lambda venue: venue.cancel_all())
    assert_money_adds_up(gateway)


@fuzzed
@given(version=st.sampled_from(VERSIONS), data=st.data())
def test_a_message_cut_short_by_the_end_of_the_connection(attack, version, data):
    names = sorted(FRAMES[version])
    whole = frame(FRAMES[version][data.draw(st.sampled_from(names))])
    attack(whole[: data.draw(st.integers(0, len(whole) - 1))], versions=f"v157..{version}")


@pytest.mark.parametrize("version", VERSIONS)
def test_every_message_and_most_one_byte_at_a_time(gateway, connect, version):
    stream = b"".join(frame(fields) for fields in FRAMES[version].values() if fields[0] != "71")
    with connect(f"v157..{version}") as (client, _):
        for at in range(3000):
            client.send(stream[at : at + 1])
        client.send(stream[3000:])
        assert client.is_served()
    gateway.call(lambda venue: venue.cancel_all())


@fuzzed
@given(data=st.data())
def test_messages_in_any_order_and_before_the_start(attack, gateway, data):
    version = data.draw(st.sampled_from(VERSIONS))
    names = data.draw(st.lists(st.sampled_from(sorted(FRAMES[version])), max_size=12))
    stream = b"".join(frame(FRAMES[version][name]) for name in names)
    attack(handshake(f"v157..{version}") + stream)
    attack(handshake(f"v157..{version}") + START + START + stream)
    attack(START + handshake() + stream)
    gateway.call(lambda venue: venue.cancel_all())


@pytest.mark.parametrize("length", [0, 1, MAX_FRAME, MAX_FRAME + 1, 2**31 - 1, 2**31, 2**32 - 1])
def test_a_length_that_is_never_sent(attack, connect, length):
    head = struct.pack(">I", length)
    with connect("v157..178") as (client, _):
        client.send(head + b"x" * 10)
        if length > MAX_FRAME:
            assert client.until("never") is None  # closed, and nothing was allocated
    attack(b"API\0" + head + b"v157..178")


def test_a_message_as_long_as_allowed_is_answered(connect):
    fields = [81, 5, "A" * (MAX_FRAME - 6)]
    assert len(frame(fields)) == MAX_FRAME + 4
    with connect("v157..178") as (client, _):
        client.send(frame(fields))
        assert client.is_served()


def test_text_that_is_no_utf_8(connect):
    payload = b"81\x005\x00\xff\xfe\xc3\x28\x00"
    with connect("v157..178") as (client, _):
        client.send(struct.pack(">I", len(payload)) + payload)
        assert client.is_served()


def test_a_client_that_asks_and_never_reads_holds_nobody_up(connect):
    question = frame(FRAMES["176"]["reqAccountUpdatesMulti"]) * 1000
    with connect("v157..176") as (client, _):
        client.socket.settimeout(0.3)
        while client.send(question):  # until nothing goes out any more
            pass


def test_the_market_is_open_after_all_that(connect, gateway):
    with connect("v157..176") as (client, number):
        for order_id, action in ((number, "BUY"), (number + 1, "SELL")):
            order = list(FRAMES["176"]["placeOrder market"])
            order[1], order[16] = str(order_id), action
            client.send(frame(order))
            assert client.until("11")[2] == order[1]
    assert_money_adds_up(gateway)


def assert_money_adds_up(gateway):
    """Cash and positions are what the executions make of them."""
    executions = gateway.executions()
    spent = sum(
        (1 if each.action == "BUY" else -1) * each.quantity * each.price + each.commission
        for each in executions
    )
    values, positions = gateway.call(
        lambda venue: (venue.account_values(ACCOUNT), venue.positions(ACCOUNT))
    )
    cash = {value.key: value.value for value in values if value.currency == "USD"}["TotalCashValue"]
    assert Decimal(cash) == (CASH - spent).quantize(Decimal("0.01"))
    held = Counter()
    for each in executions:
        held[each.contract.symbol] += (1 if each.action == "BUY" else -1) * each.quantity
    assert {position.contract.symbol: position.quantity for position in positions} == {
        symbol: quantity for symbol, quantity in held.items() if quantity
    }
