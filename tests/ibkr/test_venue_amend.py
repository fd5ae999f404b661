"""Orders changed by what was told of them, and changes that are refused."""

from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.ibkr.order_client import OrderClient
from tests.ibkr.venue_bench import Bench, buy, form, key, sell
from tests.ibkr.wire_library import HIGHEST, decoded, sent

from nanobook_ibkr.simulator import SimulatedGateway, reply
from nanobook_ibkr.simulator.record import VenueRefusal
from nanobook_ibkr.simulator.request import parse
from nanobook_ibkr.simulator.wire import MIN_VERSION, decode, encode

VERSIONS = st.integers(MIN_VERSION, HIGHEST)
KINDS = (
    {"order_type": "LMT", "limit_price": "184.00"},
    {"order_type": "LMT", "limit_price": "186.00", "action": "SELL"},
    {"order_type": "LMT", "limit_price": "186.00", "tif": "IOC"},
    {"order_type": "MKT"},
    {"order_type": "STP", "aux_price": "190.00"},
    {"order_type": "STP", "aux_price": "180.00", "action": "SELL"},
    {"order_type": "STP LMT", "aux_price": "190.00", "limit_price": "191.00"},
    {"order_type": "TRAIL", "aux_price": "2.50"},
    {"order_type": "TRAIL", "trailing_percent": "1.5", "action": "SELL"},
    {"order_type": "TRAIL", "aux_price": "5", "trail_stop_price": "188.00"},
)
FIELDS = st.fixed_dictionaries(
    {"quantity": st.integers(1, 200)},
    optional={
        "tif": st.sampled_from(["DAY", "GTC", "GTD"]),
        "oca_group": st.just("one"),
        "oca_type": st.integers(0, 3),
        "account": st.just("DU1234567"),
        "order_ref": st.just("mine"),
        "outside_hours": st.booleans(),
    },
)


def told_back(version, order):
    """The request of the library that sends an order back as the venue told it."""
    message = decode(encode(reply.open_order(version, order))[4:])
    _, (number, contract, told, _) = decoded(message, version)
    fields = sent(version, lambda client: client.placeOrder(number, contract, told))
    return parse(decode(encode(fields)[4:]), version)


def assert_nothing_new(bench, version, number):
    """Send back what is told of an order; nothing is refused, and nothing changes."""
    before = bench.order(1, number)
    asked = told_back(version, before)
    bench.told()
    after = bench.venue.place(1, asked.order_id, asked.contract, asked.form)
    assert reply.open_order(version, after) == reply.open_order(version, before)
    assert reply.order_status(version, after) == reply.order_status(version, before)
    assert len(bench.told()) == 1
    assert told_back(version, after) == asked


@settings(max_examples=60)
@given(VERSIONS, st.sampled_from(KINDS), FIELDS, st.sampled_from(["", "halted", "no quote"]))
def test_order_sent_back_as_it_was_told_is_as_it_was(version, kind, fields, where):
    bench = Bench()
    if where == "halted":
        bench.venue.halt("AAPL")
    if where == "no quote" or kind["order_type"] == "MKT":
        bench.venue.withdraw_quote("AAPL")
    if fields.get("tif") == "GTD":
        fields = fields | {"good_till_date": "20261224 10:00:00 US/Eastern"}
    if kind.get("tif"):
        fields = {"quantity": fields["quantity"]}
    order = bench.place(1, 1, form(**fields | kind))
    if not order.is_done:
        assert_nothing_new(bench, version, 1)


@settings(max_examples=20)
@given(VERSIONS, st.booleans())
def test_bracket_sent_back_as_it_was_told_is_as_it_was(version, is_filled):
    bench = Bench()
    entry = {} if is_filled else {"limit_price": "180.00"}
    bench.place(1, 1, buy(10, **entry, transmit=False))
    bench.place(1, 2, sell(10, "190.00", parent_id=1, transmit=False))
    bench.place(1, 3, sell(10, None, "STP", aux_price="170.00", parent_id=1))
    for number in (2, 3) if is_filled else (1, 2, 3):
        assert_nothing_new(bench, version, number)


@settings(max_examples=20)
@given(VERSIONS)
def test_manual_order_can_be_sent_back_by_who_binds_it(version):
    bench = Bench()
    order = bench.venue.place_manual(key(), buy(10, "170.00"))
    asked = told_back(version, order)
    assert bench.venue.place(0, order.order_id, asked.contract, asked.form).form.quantity == 10


def test_order_that_waits_keeps_its_turn_when_it_is_sent_back():
    bench = Bench()
    bench.venue.withdraw_quote("AAPL")
    for number in (1, 2):
        bench.place(1, number, buy(10))
    for number in (3, 4):
        bench.place(1, number, buy(10, None, "STP", aux_price="186.00"))
    for number in (1, 3):
        assert_nothing_new(bench, 176, number)
    bench.quote("184.99", "185.00", ask_size=10)
    assert [bench.order(1, number).status for number in (1, 2)] == ["Filled", "Submitted"]
    bench.venue.cancel(1, 2)
    bench.quote("186.00", "186.01", ask_size=10)
    assert [bench.order(1, number).status for number in (3, 4)] == ["Filled", "Submitted"]


def test_type_of_a_group_is_told_as_it_is_and_cannot_be_changed():
    bench = Bench()
    bench.place(1, 1, buy(10, "184.00", oca_group="x"))
    assert bench.order(1, 1).form.oca_type == 1
    with pytest.raises(VenueRefusal, match="105"):
        bench.place(1, 1, buy(10, "184.00", oca_group="x", oca_type=2))
    bench.place(1, 1, buy(9, "184.00", oca_group="x"))


def test_type_without_a_group_says_nothing():
    bench = Bench()
    bench.place(1, 1, buy(10, "184.00", oca_type=1))
    bench.place(1, 1, buy(9, "184.00", oca_type=2))
    assert bench.state(1, 1) == "Submitted 0+9"


@pytest.mark.parametrize(
    ("quantity", "code"), [(40, "105"), (30, "105"), (10**6, "201"), (10**9, "201")]
)
def test_after_a_refused_change_the_order_is_told_as_it_is(quantity, code):
    with SimulatedGateway(messages_per_second=None) as gateway, OrderClient(gateway) as client:
        gateway.set_quote("AAPL", "184.98", "185.00")
        client.order(1, "BUY", 100, "184.00")
        client.hear()
        (order,) = gateway.orders()
        gateway.fill(order.perm_id, 40)
        client.hear()
        client.order(1, "BUY", quantity, "184.00")
        messages = client.hear()
        assert [fields[0] for fields in messages] == ["4", "5", "3"]
        assert messages[0][2:4] == ["1", code]
        assert messages[2][:6] == ["3", "1", "Submitted", "40", "60", "184"]


def test_refusals_of_what_does_not_live_are_told_alone():
    with SimulatedGateway(messages_per_second=None) as gateway, OrderClient(gateway) as client:
        client.order(1, "BUY", 10**7, "184.00")
        assert [fields[0] for fields in client.hear()] == ["4"]
        client.order(2, "BUY", 1)
        client.hear()
        client.order(2, "BUY", 2)
        assert [fields[0:4] for fields in client.hear()] == [["4", "2", "2", "104"]]


def test_refused_change_names_the_order_as_it_is():
    bench = Bench()
    bench.place(1, 1, buy(100, "184.00"))
    with pytest.raises(VenueRefusal) as caught:
        bench.place(1, 1, buy(100, "184.001"))
    assert caught.value.order == bench.order(1, 1)
    with pytest.raises(VenueRefusal) as caught:
        bench.place(1, 2, buy(Decimal("0.5"), "184.00"))
    assert caught.value.order is None
