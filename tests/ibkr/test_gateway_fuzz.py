"""Whatever a client sends, the gateway goes on serving the others, and the money adds up."""

import json
import struct
import time
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from nanobook_ibkr.simulator.wire import MAX_FRAME
from tests.ibkr.raw_client import RawClient, frame, handshake

from nanobook_ibkr.simulator import SimulatedGateway

FRAMES = json.loads(
    (Path(__file__).parents[1] / "data" / "ibkr" / "client_frames.json").read_text()
)
VERSIONS = sorted(FRAMES)
START = frame([71, 2, 1, ""])
CASH = Decimal(1_000_000)
NEIGHBOUR = 1000

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
        running.set_quote("AAPL", "184.99", "185.01", bid_size=500, ask_size=500)
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
def attack(gateway, neighbour):
    """Connects, sends bytes, yields the connection; afterwards the neighbour is served."""

    @contextmanager
    def attacked(data, *, versions=None, pieces=False):
        with RawClient(gateway.port) as client:
            if versions is not None:
                client.start(1, versions)
            for piece in (data[at : at + 1] for at in range(len(data))) if pieces else [data]:
                client.send(piece)
            yield client
        assert neighbour.is_served()
        wait_until_gone(gateway)

    return attacked


def wait_until_gone(gateway):
    """Nobody is there but the neighbour: client ids can be taken again."""
    while gateway.clients != (NEIGHBOUR,):
        time.sleep(0.001)


@fuzzed
@given(data=st.binary(max_size=300))
def test_bytes_that_are_no_handshake(attack, data):
    with attack(data):
        pass


@fuzzed
@given(data=st.binary(max_size=300), pieces=st.booleans())
def test_bytes_after_the_handshake(attack, data, pieces):
    with attack(handshake() + data, pieces=pieces):
        pass


@fuzzed
@given(
    versions=st.one_of(
        st.text(max_size=40),
        st.from_regex(r"v[0-9]{1,6}\.\.[0-9]{1,6}( .*)?", fullmatch=True),
    )
)
def test_any_range_of_versions(attack, versions):
    with attack(handshake(versions.encode("utf-8", "replace").decode())):
        pass


@fuzzed
@given(data=st.binary(max_size=300), pieces=st.booleans())
def test_bytes_after_the_start(attack, data, pieces):
    with attack(data, versions="v157..178", pieces=pieces):
        pass


@settings(fuzzed, max_examples=200)
@given(mutated=mutated_frames())
def test_a_message_with_changed_fields_is_answered_and_the_connection_lives(
    attack, gateway, mutated
):
    version, fields = mutated
    with attack(frame(fields), versions=f"v157..{version}") as client:
        assert client.is_served() or fields[:1] == ["71"]
    gateway.call(lambda venue: venue.cancel_all())


@fuzzed
@given(version=st.sampled_from(VERSIONS), data=st.data())
def test_a_message_cut_short_by_the_end_of_the_connection(attack, version, data):
    names = sorted(FRAMES[version])
    whole = frame(FRAMES[version][data.draw(st.sampled_from(names))])
    with attack(whole[: data.draw(st.integers(0, len(whole) - 1))], versions=f"v157..{version}"):
        pass


@pytest.mark.parametrize("version", VERSIONS)
def test_every_message_one_byte_at_a_time_is_answered_as_in_one_piece(gateway, attack, version):
    stream = b"".join(frame(fields) for fields in FRAMES[version].values() if fields[0] != "71")
    with attack(stream[:3000], versions=f"v157..{version}", pieces=True) as client:
        client.send(stream[3000:])
        assert client.is_served()
    gateway.call(lambda venue: venue.cancel_all())


@fuzzed
@given(data=st.data())
def test_messages_in_any_order_and_before_the_start(attack, gateway, data):
    version = data.draw(st.sampled_from(VERSIONS))
    names = data.draw(st.lists(st.sampled_from(sorted(FRAMES[version])), max_size=12))
    stream = b"".join(frame(FRAMES[version][name]) for name in names)
    with attack(handshake(f"v157..{version}") + stream):
        pass
    with attack(handshake(f"v157..{version}") + START + START + stream):
        pass
    with attack(START + handshake() + stream):
        pass
    gateway.call(lambda venue: venue.cancel_all())


@pytest.mark.parametrize("length", [0, 1, MAX_FRAME, MAX_FRAME + 1, 2**31 - 1, 2**31, 2**32 - 1])
def test_a_length_that_is_never_sent(attack, length):
    head = struct.pack(">I", length)
    with attack(head + b"x" * 10, versions="v157..178") as client:
        if length > MAX_FRAME:
            assert client.until("never") is None  # closed, and nothing was allocated
    with attack(b"API\0" + head + b"v157..178"):
        pass


def test_a_message_as_long_as_allowed_is_answered(attack):
    fields = [81, 5, "A" * (MAX_FRAME - 5)]
    assert len(frame(fields)) == MAX_FRAME + 4
    with attack(frame(fields), versions="v157..178") as client:
        assert client.is_served()


def test_text_that_is_no_utf_8(attack):
    payload = b"81\x005\x00\xff\xfe\xc3\x28\x00"
    data = struct.pack(">I", len(payload)) + payload
    with attack(data, versions="v157..178") as client:
        assert client.is_served()


def test_the_money_adds_up(gateway):
    order = list(FRAMES["176"]["placeOrder market"])
    with RawClient(gateway.port) as client:
        client.start(1001, "v157..176")
        order[1] = "1"
        client.send(frame(order))
        assert client.until("11")[2] == "1"
    executions = gateway.executions()
    spent = sum(
        (1 if each.action == "BUY" else -1) * each.quantity * each.price + each.commission
        for each in executions
    )
    (account,) = gateway.call(lambda venue: tuple(venue.accounts))
    cash = gateway.call(
        lambda venue: {value.key: value.value for value in venue.account_values(account)}[
            "TotalCashValue"
        ]
    )
    assert Decimal(cash) == (CASH - spent).quantize(Decimal("0.01"))
    held = sum((1 if each.action == "BUY" else -1) * each.quantity for each in executions)
    positions = gateway.call(lambda venue: venue.positions(account))
    assert sum(position.quantity for position in positions) == held
