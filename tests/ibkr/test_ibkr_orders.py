"""What the broker makes of orders, whatever happens between it and the gateway."""

import asyncio
import contextlib
import datetime as dt
import shutil
import sqlite3
import sys
import tempfile
import threading
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from itertools import pairwise

import pytest
from attrs import evolve
from tests.ibkr.scripted import VERSION, scripted
from tests.ibkr.sessions import connected

from nanobook_core.contracts import (
    BrokerOrder,
    BrokerProtocolError,
    CancelRejectedError,
    ConnectError,
    ConnectionState,
    DuplicateOrderError,
    HaltedError,
    LinkDownError,
    NotConnectedError,
    OrderInvalidError,
    OrderRejectedError,
    OrderState,
    Outcome,
    OutcomeUnknownError,
    UnsupportedError,
)
from nanobook_core.testing.broker_bench import BrokerBench
from nanobook_ibkr.broker import IbkrBroker
from nanobook_ibkr.counter import Counter
from nanobook_ibkr.simulator import Fault, SimulatedGateway, reply
from nanobook_ibkr.simulator.record import OrderStatusWord
from nanobook_ibkr.simulator.venue import Venue

D = Decimal
eventually = BrokerBench().eventually


@pytest.fixture
def gateway():
    with SimulatedGateway(messages_per_second=None) as gateway:
        gateway.set_quote("AAPL", "99.90", "100.10")
        yield gateway


@pytest.fixture
def state(tmp_path):
    return tmp_path / "orders.sqlite"


@pytest.fixture
def make(gateway, state):
    """Make brokers like the one that a program would make again."""
    made = []

    def make(**settings):
        broker = IbkrBroker(
            gateway.host,
            gateway.port,
            **{"client_id": 1, "state": state, "ack_timeout": 2, **settings},
        )
        broker.connect()
        made.append(broker)
        return broker

    yield make
    for broker in made:
        broker.disconnect()


@pytest.fixture
def broker(make):
    return make()


def order(name, price="95.00", quantity=8, side="buy", **more):
    return BrokerOrder("AAPL", side, D(quantity), "limit", D(price), client_order_id=name, **more)


def sent(gateway):
    """Every order that the venue has had, oldest first."""
    return [venue_order.form for venue_order in gateway.orders()]


def placed(gateway, name):
    """How many orders of that name the venue has."""
    return sum(form.order_ref == name for form in sent(gateway))


# What goes over the wire.


@pytest.mark.parametrize(
    ("settings", "side", "expected"),
    [
        ({}, "buy", ("LMT", D("100.61"))),  # 100.10 and 50 bps are 100.6005
        ({}, "sell", ("LMT", D("99.40"))),  # 99.90 less 50 bps is 99.4005
        ({"market_cap_bps": 0}, "buy", ("LMT", D("100.10"))),
        ({"market_cap_bps": 9_999}, "sell", ("LMT", D("0.01"))),
        ({"market_cap_bps": None}, "buy", ("MKT", None)),
    ],
)
def test_a_market_order_trades_no_further_than_its_cap(make, gateway, settings, side, expected):
    broker = make(**settings)
    ack = broker.submit_order("AAPL", side, 8)
    (form,) = sent(gateway)
    assert (form.order_type, form.limit_price) == expected
    done = broker.wait(ack, 5)
    assert (done.state, done.order_type, done.limit_price) == (OrderState.FILLED, "market", None)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, ("LMT", D("95.00"), None, "DAY", False)),
        ({"tif": "gtc"}, ("LMT", D("95.00"), None, "GTC", False)),
        ({"tif": "ioc"}, ("LMT", D("95.00"), None, "IOC", False)),
        ({"tif": "fok"}, ("LMT", D("95.00"), None, "FOK", False)),
        ({"outside_hours": True}, ("LMT", D("95.00"), None, "DAY", True)),
        ({"order_type": "stop", "limit_price": None, "stop_price": D(105)},
         ("STP", None, D(105), "DAY", False)),
        ({"order_type": "stop_limit", "stop_price": D(105), "limit_price": D("105.5")},
         ("STP LMT", D("105.5"), D(105), "DAY", False)),
    ],
)  # fmt: skip
def test_an_order_says_on_the_wire_what_it_says_here(broker, gateway, changes, expected):
    arguments = {"order_type": "limit", "limit_price": D("95.00"), **changes}
    broker.submit_order(BrokerOrder("AAPL", "buy", D(8), client_order_id="wire-1", **arguments))
    (form,) = sent(gateway)
    told = (form.order_type, form.limit_price, form.aux_price, form.tif, form.outside_hours)
    assert told == expected
    assert (form.action, form.quantity, form.order_ref) == ("BUY", 8, "wire-1")
    assert (form.account, form.transmit) == ("DU1234567", True)


def test_numbers_are_the_venues_and_the_clients_is_told_beside(broker, gateway):
    ack = broker.submit_order(order("a"))
    (there,) = gateway.orders()
    assert ack == there.perm_id
    assert ack.venue_ids == {
        "perm_id": str(there.perm_id),
        "order_id": str(there.order_id),
        "client_id": "1",
    }


# What the venue says.


@pytest.mark.parametrize("code", [399, 10349, 2109])
def test_a_warning_ends_nothing(broker, gateway, code):
    gateway.inject(Fault.REJECT, code=code, text="Order TIF was set to DAY based on order preset.")
    ack = broker.submit_order(order("a"))
    assert broker.order_status(ack).state is OrderState.ACCEPTED
    gateway.fill(int(ack))
    assert broker.wait(ack, 5).state is OrderState.FILLED


def test_a_refusal_of_an_order_that_lives_is_looked_into(broker, gateway):
    """As where another program changes it, and is refused."""
    ack = broker.submit_order(order("a"))

    def refuse(venue):
        for listener in venue.listeners:
            listener.order_refused(venue.orders[0], 201, "Order rejected - reason:margin")

    gateway.call(refuse)
    eventually(lambda: gateway.messages(99, incoming=True)[1:])
    assert broker.order_status(ack).state is OrderState.ACCEPTED
    broker.cancel_order(ack)
    done = broker.wait(ack, 5)
    assert (done.state, done.reason) == (OrderState.CANCELLED, "")


def test_an_inactive_order_is_held_and_may_fill(broker, gateway):
    gateway.inject(Fault.INACTIVE_THEN_FILLED)
    ack = broker.submit_order(order("a"))
    eventually(lambda: broker.order_status(ack).state is OrderState.HELD)
    assert [status.state for status in broker.open_orders()] == [OrderState.HELD]
    gateway.fill(int(ack))
    assert broker.wait(ack, 5).state is OrderState.FILLED


def test_a_correction_takes_the_place_of_its_execution(broker, gateway):
    ack = broker.submit_order(order("a"))
    gateway.fill(int(ack), 4)
    (fill,) = eventually(broker.fills)
    gateway.correct(fill.exec_id, quantity=3, price="94.90")
    (after,) = eventually(
        broker.fills, lambda fills: fills[0].exec_id != fill.exec_id and fills[0].is_fee_known
    )
    assert (after.quantity, after.price, after.corrects) == (3, D("94.90"), fill.exec_id)
    broker.disconnect()
    broker.connect()
    assert broker.fills() == [after]
    assert broker.resync().missed_fills == ()


def test_an_execution_that_is_taken_back_is_none_also_after_a_restart(make, gateway):
    broker = make()
    ack = broker.submit_order(order("a"))
    gateway.fill(int(ack), 4)
    (fill,) = eventually(broker.fills)
    taken_back = {"exec_id": fill.exec_id[:-1] + "2", "quantity": D(0), "cumulative": D(0)}

    def take_back(venue):
        for listener in venue.listeners:
            listener.executed(evolve(venue.executions[0], **taken_back))

    gateway.call(take_back)
    eventually(lambda: broker.fills() == [])
    broker.disconnect()
    assert make().fills() == []


def test_a_correction_while_away_is_found_and_takes_its_place(broker, gateway):
    ack = broker.submit_order(order("a"))
    gateway.fill(int(ack), 4)
    (fill,) = eventually(broker.fills, lambda fills: fills and fills[0].is_fee_known)
    broker.disconnect()
    gateway.correct(fill.exec_id, price="94.90")
    broker.connect()
    (after,) = broker.fills()
    assert (after.price, after.corrects) == (D("94.90"), fill.exec_id)
    assert broker.resync().missed_fills == (after,)


def test_a_fee_that_comes_late_is_not_known_until_then(broker, gateway):
    gateway.inject(Fault.COMMISSION_LATE, seconds=0.2)
    broker.submit_order(order("a", "101.00"))
    (fill,) = eventually(broker.fills)
    assert (fill.is_fee_known, fill.fee) == (False, 0)
    (fill,) = eventually(broker.fills, lambda fills: fills[0].is_fee_known)
    assert (fill.fee, fill.fee_currency) == (1, "USD")


def test_a_fee_that_never_comes_is_never_known(broker, gateway):
    gateway.inject(Fault.COMMISSION_NEVER)
    broker.submit_order(order("a", "101.00"))
    (fill,) = eventually(broker.fills)
    broker.resync()
    assert broker.fills() == [fill]
    assert not fill.is_fee_known


def test_executions_that_were_not_told_are_asked_for(broker, gateway):
    """The status says that all has filled; its execution got lost with the venue's data."""
    gateway.inject(Fault.LINK_LOST_DATA_LOST, seconds=0.2)
    ack = broker.submit_order(order("a", "101.00"))
    assert broker.wait(ack, 5).state is OrderState.FILLED
    (fill,) = broker.fills()
    assert fill.quantity == 8
    assert broker.resync().missed_fills == (fill,)


def test_orders_of_others_are_shown_and_cancelled_all_at_once(broker, gateway):
    own = broker.submit_order(order("a"))
    typed = gateway.submit_manual("AAPL", "BUY", 5, "94.00")
    foreign = gateway.submit_foreign("AAPL", "BUY", 6, "93.00")
    everything = broker.open_orders("all")
    assert [status.order_id for status in everything] == [own, typed, foreign]
    assert [status.is_own for status in everything] == [True, False, False]
    assert [status.order_id for status in broker.open_orders()] == [own]
    report = broker.cancel_all("AAPL", scope="all")
    assert [status.order_id for status in report.cancelled] == [own]
    assert [status.order_id for status in report.remaining] == [typed, foreign]
    report = broker.cancel_all(scope="all")
    assert [status.order_id for status in report.cancelled] == [typed, foreign]
    assert broker.open_orders("all") == []


# Cancels and changes.


def test_a_cancel_that_gets_lost_is_in_doubt_and_can_be_sent_again(make, gateway):
    broker = make(ack_timeout=0.3)
    ack = broker.submit_order(order("a"))
    gateway.inject(Fault.LOST_CANCEL)
    with pytest.raises(OutcomeUnknownError, match="may still fill: cancel it again"):
        broker.cancel_order(ack)
    assert broker.order_status(ack).state is OrderState.PENDING_CANCEL
    broker.resync()
    assert broker.order_status(ack).state is OrderState.ACCEPTED
    broker.cancel_order(ack)
    assert broker.wait(ack, 5).state is OrderState.CANCELLED


@pytest.mark.parametrize("code", [10147, 10148, 161])
def test_a_cancel_that_is_refused_leaves_the_order(broker, gateway, code):
    ack = broker.submit_order(order("a"))
    gateway.inject(Fault.REJECT, code=code, text="cannot be cancelled")
    with pytest.raises(CancelRejectedError, match="cannot be cancelled") as caught:
        broker.cancel_order(ack)
    assert caught.value.status.state is OrderState.ACCEPTED
    broker.cancel_order(ack)
    assert broker.wait(ack, 5).state is OrderState.CANCELLED


def test_a_cancel_that_comes_too_late_carries_what_has_filled(broker, gateway):
    """The fill happened while TWS did not tell it."""
    ack = broker.submit_order(order("a"))
    gateway.link_down()
    gateway.fill(int(ack))
    gateway.link_up(data_lost=True)
    eventually(lambda: broker.connection().state is ConnectionState.READY)
    with pytest.raises(CancelRejectedError) as caught:
        broker.cancel_order(ack)
    assert caught.value.status.state is OrderState.FILLED
    assert caught.value.status.filled_quantity == 8


def test_a_change_keeps_numbers_and_what_has_filled(broker, gateway):
    ack = broker.submit_order(order("a"))
    gateway.fill(int(ack), 2)
    changed = broker.replace_order("a", quantity=D(12), limit_price=D("94.50"))
    assert (int(changed), changed.client_order_id) == (int(ack), "a")
    status = broker.order_status(ack)
    assert (status.quantity, status.limit_price, status.filled_quantity) == (12, D("94.50"), 2)
    assert status.state is OrderState.PARTIALLY_FILLED
    (there,) = gateway.orders()
    assert (there.form.quantity, there.form.limit_price) == (12, D("94.50"))


def test_a_change_that_trades_at_once_is_done(broker):
    ack = broker.submit_order(order("a"))
    broker.replace_order(ack, limit_price=D("101.00"))
    done = broker.wait(ack, 5)
    assert (done.state, done.limit_price) == (OrderState.FILLED, D("101.00"))


@pytest.mark.parametrize("code", [201, 110, 104])
def test_a_change_that_is_refused_leaves_the_order_as_it_was(broker, gateway, code):
    ack = broker.submit_order(order("a"))
    gateway.inject(Fault.REJECT, code=code, text="no such luck")
    with pytest.raises(OrderRejectedError, match=f"goes on as it was: {code}: no such luck"):
        broker.replace_order(ack, limit_price=D("94.00"))
    status = broker.order_status(ack)
    assert (status.state, status.limit_price) == (OrderState.ACCEPTED, 95)


@pytest.mark.parametrize(
    ("change", "error", "text"),
    [
        ({"limit_price": D("94.005")}, OrderInvalidError, "nearest are 94.00 and 94.01"),
        ({"quantity": D("8.5")}, OrderInvalidError, "nearest are 8 and 9"),
        ({"quantity": D(2)}, OrderInvalidError, "2 of order .* have filled; its quantity is above"),
        ({"limit_price": 94.0}, TypeError, "float"),
        ({}, ValueError, "give the quantity or the limit_price"),
    ],
)
def test_a_change_that_cannot_be_is_refused_unsent(broker, gateway, change, error, text):
    ack = broker.submit_order(order("a"))
    gateway.fill(int(ack), 2)
    eventually(lambda: broker.order_status(ack).filled_quantity)
    with pytest.raises(error, match=text):
        broker.replace_order(ack, **change)
    assert len(gateway.messages(3, incoming=True)) == 1
    assert broker.order_status(ack).limit_price == 95


def test_an_order_that_fills_while_it_is_made_larger_lives_on(broker, gateway):
    ack = broker.submit_order(order("a"))
    gateway.fill(int(ack), 8 - 1)
    broker.replace_order(ack, quantity=D(20))
    gateway.fill(int(ack), 6)
    status = eventually(
        lambda: broker.order_status(ack), lambda status: status.filled_quantity == 13
    )
    assert status.state is OrderState.PARTIALLY_FILLED
    assert broker.cancel_all().remaining == ()


def test_an_order_that_the_venue_lists_lives_whatever_was_told(broker, gateway):
    """A status that ends it came from nowhere; the venue works it all the same."""
    ack = broker.submit_order(order("a"))

    def lie(venue):
        cancelled = evolve(venue.orders[0], status=OrderStatusWord.CANCELLED)
        for listener in venue.listeners:
            listener.order_changed(cancelled)

    gateway.call(lie)
    eventually(lambda: broker.order_status(ack).state is OrderState.CANCELLED)
    assert broker.resync().matched == ("a",)
    assert broker.order_status(ack).state is OrderState.ACCEPTED
    broker.cancel_order(ack)
    assert broker.wait(ack, 5).state is OrderState.CANCELLED


@pytest.mark.parametrize(
    "written",
    [
        {"orderType": "TRAIL", "auxPrice": D(5)},
        {"orderType": "LMT", "lmtPrice": D(95), "ocaGroup": "g", "ocaType": 1},
    ],
)
def test_an_order_that_nanobook_did_not_write_is_not_changed_into_another(gateway, make, written):
    with connected(gateway, client_id=1) as program:
        number, terms = program.order_id(), {"action": "BUY", "totalQuantity": D(8), "tif": "GTC"}
        program.ask("place", number, program.contract(), {**terms, **written, "orderRef": "plain"})
        program.heard.wait_for(lambda heard: heard.of("open_order"))
    (before,) = sent(gateway)
    broker = make()
    with pytest.raises(UnsupportedError, match="cancel it and send another") as caught:
        broker.replace_order("plain", quantity=D(9))
    assert caught.value.outcome is Outcome.NOT_SENT
    assert sent(gateway) == [before]
    broker.cancel_order("plain")


def test_a_done_order_cannot_be_changed(broker):
    ack = broker.submit_order(order("a", "101.00"))
    broker.wait(ack, 5)
    with pytest.raises(OrderRejectedError, match=f"order {ack} is filled") as caught:
        broker.replace_order(ack, quantity=D(20))
    assert caught.value.outcome is Outcome.NOT_SENT


# Doubt.


def test_an_order_without_a_word_is_in_doubt_until_another_connection_proves_it_absent(
    make, gateway
):
    broker = make(ack_timeout=0.3)
    gateway.inject(Fault.SILENT, request=3)
    with pytest.raises(OutcomeUnknownError, match="do not send it again before"):
        broker.submit_order(order("a"))
    assert broker.order_status("a").state is OrderState.UNKNOWN
    assert broker.resync().lost == ("a",)
    with pytest.raises(OutcomeUnknownError, match="a later connection may tell"):
        broker.find_order("a")
    with pytest.raises(DuplicateOrderError, match="which is unknown"):
        broker.submit_order(order("a"))
    gateway.drop()
    eventually(lambda: broker.connection().state is not ConnectionState.READY)
    broker.connect()
    assert broker.find_order("a") is None
    assert broker.resync().lost == ()
    assert broker.order_status("a").state is OrderState.NOT_ACCEPTED


def test_an_order_without_a_word_is_proved_absent_with_its_own_client_id_alone(make, gateway):
    with make(ack_timeout=0.3) as broker:
        gateway.inject(Fault.SILENT, request=3)
        with pytest.raises(OutcomeUnknownError):
            broker.submit_order(order("a"))
    with (
        make(client_id=2) as broker,
        pytest.raises(
            OutcomeUnknownError, match=r"was sent with client_id 1, .* only a connection"
        ),
    ):
        broker.find_order("a")
    assert make().find_order("a") is None


def test_without_a_file_an_order_without_a_word_stays_in_doubt(make, gateway):
    broker = make(state=None, ack_timeout=0.3)
    gateway.inject(Fault.SILENT, request=3)
    with pytest.raises(OutcomeUnknownError):
        broker.submit_order(order("a"))
    broker.disconnect()
    broker.connect()
    with pytest.raises(OutcomeUnknownError):
        broker.find_order("a")
    assert broker.resync().lost == ("a",)


def test_an_order_proved_absent_is_sent_again_under_its_number(broker, gateway):
    gateway.inject(Fault.DROP_BEFORE_ACCEPT)
    with pytest.raises(LinkDownError, match="may be sent again") as caught:
        broker.submit_order(order("a"))
    assert caught.value.outcome is Outcome.NOT_SENT
    (first,) = gateway.messages(3, incoming=True)
    with pytest.raises(DuplicateOrderError, match="has been given to another order"):
        broker.submit_order(order("a", "94.00"))
    broker.submit_order(order("a"))
    (_, again) = gateway.messages(3, incoming=True)
    assert again.fields[1] == first.fields[1]
    assert placed(gateway, "a") == 1


def test_an_order_proved_absent_is_sent_again_also_when_the_venue_has_gone_beyond(broker, gateway):
    """It then refuses the number for ever, so that nothing can come of the first time."""
    gateway.inject(Fault.DROP_BEFORE_ACCEPT)
    with pytest.raises(LinkDownError):
        broker.submit_order(order("a"))
    broker.submit_order(order("b"))
    broker.submit_order(order("a"))
    numbers = [int(message.fields[1]) for message in gateway.messages(3, incoming=True)]
    assert numbers[0] == numbers[2] < numbers[1] < numbers[3]
    assert placed(gateway, "a") == placed(gateway, "b") == 1


def test_nothing_is_proved_by_a_venue_that_counts_anew(make, state):
    """Its next number is not above what it has taken: somebody has reset it."""
    with SimulatedGateway(messages_per_second=None) as gateway:
        gateway.set_quote("AAPL", "99.90", "100.10")
        broker = IbkrBroker(gateway.host, gateway.port, state=state, ack_timeout=0.2)
        with broker:
            broker.submit_order(order("taken"))
            gateway.inject(Fault.SILENT, request=3)
            with pytest.raises(OutcomeUnknownError):
                broker.submit_order(order("a"))
    again = make()
    with pytest.raises(OutcomeUnknownError):
        again.find_order("a")
    assert set(again.resync().lost) == {"taken", "a"}


@pytest.mark.parametrize("kind", [5, 101, 11])
def test_nothing_is_proved_by_an_answer_of_which_a_part_cannot_be_read(state, kind):
    """What could not be read may have been that order."""
    is_garbled = threading.Event()
    ends = {
        5: lambda _: reply.open_order_end(VERSION),
        101: lambda _: reply.completed_orders_end(VERSION),
        11: lambda fields: reply.execution_end(VERSION, int(fields[2])),
    }
    asks = {5: "_16", 101: "_99", 11: "_7"}

    def answer(peer, fields):
        garbled = [[kind, 7, "too short"]] if is_garbled.is_set() else []
        peer.send(*garbled, ends[kind](fields))

    def serve(peer):
        peer.start()
        peer.answer(
            _61=lambda _: peer.send(reply.position_end(VERSION)),
            _6=lambda _: peer.send(reply.account_download_end(VERSION, "DU1")),
            **{asks[kind]: lambda fields: answer(peer, fields)},
        )

    with scripted(serve) as server, IbkrBroker(server.host, server.port, state=state) as broker:
        assert broker.find_order("a") is None
        is_garbled.set()
        with pytest.raises(OutcomeUnknownError, match="did not tell"):
            broker.find_order("a")
        broker.resync()


def test_nothing_is_proved_where_the_venue_may_have_taken_the_number(make, gateway):
    broker = make(ack_timeout=0.3)
    gateway.inject(Fault.SILENT, request=3)
    with pytest.raises(OutcomeUnknownError):
        broker.submit_order(order("a"))
    gateway.call(lambda venue: venue.skip_order_ids(1, 1000))
    broker.disconnect()
    broker.connect()
    with pytest.raises(OutcomeUnknownError, match="a later connection may tell"):
        broker.find_order("a")


def test_an_order_whose_number_others_have_had_is_sent_once_under_the_next(broker, gateway):
    heard = []
    broker.subscribe(heard.append)
    gateway.inject(Fault.ORDER_ID_JUMP)
    ack = broker.submit_order(order("a"))
    assert placed(gateway, "a") == 1
    assert int(ack.venue_ids["order_id"]) > 1000
    assert broker.find_order("a").order_id == ack
    eventually(lambda: heard)
    assert {event.order.state for event in heard if event.order} == {OrderState.ACCEPTED}
    with pytest.raises(DuplicateOrderError):
        broker.submit_order(order("a"))
    assert broker.submit_order(order("b")) > ack


def test_a_journal_is_as_old_as_the_numbers_that_it_knows(make, gateway, state, tmp_path):
    """A copy of before says nothing of what was sent since: the venue's numbers tell of that."""
    with make() as broker:
        broker.submit_order(order("a"))
    copy = tmp_path / "copy.sqlite"
    shutil.copy(state, copy)
    with make() as broker:
        since = broker.connection().records_since
        broker.submit_order(order("b", "101.00"))
    gateway.call(lambda venue: venue.end_of_day())
    with make(state=copy) as broker:
        assert broker.connection().records_since > since
        assert broker.find_order("b") is None  # of which `records_since` says what it is worth
    with make() as broker:
        assert broker.connection().records_since == since


@pytest.mark.parametrize("change", ["lower", "elsewhere"])
def test_numbers_prove_nothing_across_a_change_of_how_they_are_counted(change):
    counter = Counter.read("")
    for connection in (1, 2, 3):
        counter = counter.after("tws:7497", 50 + connection, connection)
    assert counter.since == 1
    where, number = ("tws:7497", 52) if change == "lower" else ("gateway:4002", 60)
    counter = Counter.read(counter.after(where, number, 4).written())
    assert (counter.where, counter.largest, counter.since) == (where, number, 4)
    assert counter.after(where, number, 5).since == 4


def test_nothing_is_proved_of_orders_of_before_the_venue_counted_anew(state):
    """Nothing was acknowledged then, so that only the numbers given out can show it."""
    first = SimulatedGateway(messages_per_second=None)
    with first:
        port = first.port
        first.set_quote("AAPL", "99.90", "100.10")
        first.call(lambda venue: venue.skip_order_ids(1, 50))
        with IbkrBroker("127.0.0.1", port, state=state, ack_timeout=0.2) as broker:
            first.inject(Fault.SILENT, request=3)
            with pytest.raises(OutcomeUnknownError):
                broker.submit_order(order("a"))
    with (
        SimulatedGateway(port=port, messages_per_second=None),
        IbkrBroker("127.0.0.1", port, state=state) as broker,
        pytest.raises(OutcomeUnknownError),
    ):
        broker.find_order("a")


def test_nothing_is_said_to_be_absent_where_done_orders_are_not_told(make, gateway):
    broker = make(timeout=0.3)
    assert broker.find_order("a") is None
    gateway.inject(Fault.SILENT, request=99)
    with pytest.raises(OutcomeUnknownError, match="did not tell orders that are done"):
        broker.find_order("a")
    assert broker.find_order("a") is None


def test_a_journal_that_is_new_proves_nothing_of_what_was_before(make):
    before = dt.datetime.now(dt.UTC)
    broker = make()
    since = broker.connection().records_since
    assert before <= since <= dt.datetime.now(dt.UTC)
    broker.submit_order(order("a"))
    broker.disconnect()
    assert make().connection().records_since == since
    assert make(state=None, client_id=2).connection().records_since is None


# Away and back.


def test_what_filled_while_away_is_reported_once(broker, gateway):
    ack = broker.submit_order(order("a"))
    gateway.inject(Fault.FILL_WHILE_AWAY)
    broker.submit_order(order("b"))
    eventually(lambda: broker.connection().state is not ConnectionState.READY)
    broker.connect()
    report = broker.resync()
    assert [fill.client_order_id for fill in report.missed_fills] == ["b"]
    assert report.matched == ("a",)
    assert broker.resync().missed_fills == ()
    assert broker.order_status("b").state is OrderState.FILLED
    assert broker.order_status(ack).state is OrderState.ACCEPTED


def deposit(gateway, quantity):
    """Let shares come from another bank."""
    gateway.call(lambda venue: venue.deposit("DU1234567", "AAPL", D(quantity), D(90)))


def test_what_no_execution_explains_of_a_position_is_reported_once(make, gateway):
    deposit(gateway, 100)  # there from the beginning
    broker = make()
    broker.submit_order(order("a", "101.00"))
    gateway.submit_foreign("AAPL", "SELL", 3, "90.00")
    assert broker.resync().unexplained == {}
    broker.disconnect()
    deposit(gateway, 5)
    gateway.submit_foreign("AAPL", "SELL", 2, "90.00")
    broker = make()
    assert broker.resync().unexplained == {"AAPL": 5}
    assert broker.resync().unexplained == {}


def test_an_execution_of_a_day_that_is_not_told_any_more_is_unexplained(broker, gateway):
    broker.submit_order(order("a"))
    broker.disconnect()
    gateway.fill("a")
    gateway.call(lambda venue: venue.end_of_day())
    broker.connect()
    report = broker.resync()
    assert report.unexplained == {"AAPL": 8}
    assert report.lost == ("a",)


def test_while_the_venue_is_gone_nothing_is_sent_and_what_is_known_is_told(broker, gateway):
    ack = broker.submit_order(order("a"))
    gateway.link_down()
    eventually(lambda: broker.connection().state is ConnectionState.LINK_DOWN)
    with pytest.raises(NotConnectedError) as caught:
        broker.submit_order(order("b"))
    assert caught.value.outcome is Outcome.NOT_SENT
    assert broker.order_status(ack).state is OrderState.ACCEPTED
    assert [status.order_id for status in broker.open_orders()] == [ack]
    gateway.link_up()
    eventually(lambda: broker.connection().state is ConnectionState.READY)
    assert broker.submit_order(order("b")) > ack


def test_a_day_later_what_ended_unseen_is_lost_and_not_open(broker, gateway):
    ack = broker.submit_order(order("a"))
    broker.disconnect()
    gateway.call(lambda venue: venue.end_of_day())
    broker.connect()
    assert broker.resync().lost == ("a",)
    assert broker.order_status(ack).state is OrderState.UNKNOWN
    assert broker.open_orders() == []


def test_a_halt_is_kept_in_the_file(make):
    broker = make()
    broker.halt("fat finger")
    broker.disconnect()
    later = make()
    with pytest.raises(HaltedError, match="fat finger"):
        later.submit_order(order("a"))
    later.resume()
    later.disconnect()
    assert make().submit_order(order("a")) > 0


# Who calls.


def test_eight_threads_send_each_order_once(broker, gateway):
    with ThreadPoolExecutor(8) as pool:
        names = [f"t-{number}" for number in range(40)]
        acks = list(pool.map(lambda name: broker.submit_order(order(name)), names))
    assert len(set(acks)) == 40
    assert sorted(form.order_ref for form in sent(gateway)) == sorted(names)
    numbers = [int(message.fields[1]) for message in gateway.messages(3, incoming=True)]
    assert all(one < next_ for one, next_ in pairwise(numbers))


def test_it_is_used_inside_a_running_event_loop(broker):
    async def program():
        ack = broker.submit_order(order("a", "101.00"))
        return broker.wait(ack, 5)

    assert asyncio.run(program()).state is OrderState.FILLED


def test_events_come_on_a_thread_of_their_own(broker):
    threads = set()
    end = threading.Event()

    def hear(event):
        threads.add(threading.current_thread().name)
        if event.order is not None and event.order.state.is_terminal:
            end.set()

    broker.subscribe(hear)
    broker.submit_order(order("a", "101.00"))
    assert end.wait(5)
    assert threads == {"nanobook-events"}


def test_a_callback_may_end_the_connection(broker):
    ended = threading.Event()

    def hear(event):
        if event.order is not None and event.order.state.is_terminal:
            broker.disconnect()
            ended.set()

    broker.subscribe(hear)
    broker.submit_order(order("a", "101.00"))
    assert ended.wait(5)
    assert broker.connection().state is ConnectionState.DISCONNECTED


def test_a_callback_that_takes_its_time_keeps_nothing_waiting(broker):
    go_on = threading.Event()
    broker.subscribe(lambda _: go_on.wait(20))
    for number in range(5):
        ack = broker.submit_order(order(f"a-{number}", "101.00"))
        assert broker.wait(ack, 5).state is OrderState.FILLED
    go_on.set()


def test_a_preview_tells_what_an_order_would_cost(broker, gateway):
    told = broker.preview(order("a"))
    assert told.commission == 1
    assert told.margin_change == D("190.00")
    assert told.warnings == ()
    assert gateway.orders() == ()


# Two programs of one client id, each with a journal of its own.


def test_an_order_proved_absent_does_not_become_one_of_another_program_that_has_its_number(
    make, gateway, tmp_path
):
    broker = make()
    gateway.inject(Fault.DROP_BEFORE_ACCEPT)
    with pytest.raises(LinkDownError):
        broker.submit_order(order("x"))
    broker.disconnect()
    other = make(state=tmp_path / "other.sqlite")
    theirs = other.submit_order(order("y", "90.00", quantity=7))
    other.disconnect()
    broker.connect()
    assert broker.find_order("x") is None
    with pytest.raises(DuplicateOrderError, match="take another client order id") as caught:
        broker.submit_order(order("x"))
    assert caught.value.outcome is Outcome.NOT_SENT
    (there,) = gateway.orders()
    assert (there.perm_id, there.form.order_ref, there.form.quantity) == (int(theirs), "y", 7)
    assert broker.submit_order(order("x-2")) > theirs


def test_an_order_in_doubt_takes_no_fills_of_another_programs_order_that_has_its_number(
    make, gateway, tmp_path
):
    broker = make()
    gateway.inject(Fault.DROP_BEFORE_ACCEPT)
    with pytest.raises(LinkDownError):
        broker.submit_order(order("x"))
    broker.disconnect()
    other = make(state=tmp_path / "other.sqlite")
    gateway.set_quote("MSFT", "199.90", "200.10")
    ack = other.submit_order("MSFT", "buy", 7, order_type="limit", limit_price=D(201))
    assert other.wait(ack, 5).state is OrderState.FILLED
    other.disconnect()
    gateway.inject(Fault.SILENT, request=99)
    broker = make(timeout=0.3)
    assert [(fill.symbol, fill.quantity) for fill in broker.fills()] == [("MSFT", 7)]
    status = broker.order_status("x")
    assert (status.state, status.filled_quantity) == (OrderState.NOT_ACCEPTED, 0)


def test_cancelling_ones_own_cancels_nothing_of_others(make, gateway):
    with make() as broker:
        broker.submit_order(order("a"))
    gateway.submit_manual("AAPL", "BUY", 5, "94.00")
    gateway.submit_foreign("AAPL", "BUY", 6, "93.00")
    broker = make(client_id=2)
    report = broker.cancel_all()
    assert report.cancelled == ()
    assert [status.client_order_id for status in report.remaining] == ["a"]
    assert [venue_order.is_done for venue_order in gateway.orders()] == [False] * 3


def test_the_cancel_of_an_order_that_never_arrived_does_not_hide_that(make, gateway):
    broker = make(ack_timeout=0.3)
    gateway.inject(Fault.SILENT, request=3)
    with pytest.raises(OutcomeUnknownError):
        broker.submit_order(order("a"))
    report = broker.cancel_all()
    assert [status.client_order_id for status in report.remaining] == ["a"]
    broker.disconnect()
    broker.connect()
    assert broker.find_order("a") is None
    assert broker.submit_order(order("a")) > 0


def test_a_callback_that_exits_ends_no_delivery(broker):
    broker.subscribe(lambda _: sys.exit(1))
    ended = threading.Event()
    broker.subscribe(lambda event: event.fill is not None and ended.set())
    broker.submit_order(order("a", "101.00"))
    broker.submit_order(order("b", "101.00"))
    assert ended.wait(5)


def test_a_fee_that_comes_last_is_in_the_journal(broker, gateway, state):
    gateway.inject(Fault.COMMISSION_LATE, seconds=0.1)
    broker.submit_order(order("a", "101.00"))
    eventually(lambda: broker.fills() and broker.fills()[0].is_fee_known)

    def written():
        folder = tempfile.mkdtemp(dir=state.parent)
        for end in ("", "-wal"):
            shutil.copy(f"{state}{end}", f"{folder}/copy.sqlite{end}")
        with contextlib.closing(sqlite3.connect(f"{folder}/copy.sqlite")) as copy:
            return copy.execute("SELECT fee, is_fee_known FROM fills").fetchall()

    eventually(written, lambda rows: rows == [("1", 1)])


def test_an_order_in_doubt_does_not_end_with_one_of_another_account_that_has_its_number(tmp_path):
    cash = {"DU1": D(100_000), "DU2": D(100_000)}
    with SimulatedGateway(Venue(cash=cash), messages_per_second=None) as gateway:
        gateway.set_quote("AAPL", "99.90", "100.10")

        def make(account):
            state = tmp_path / f"{account}.sqlite"
            return IbkrBroker(gateway.host, gateway.port, account=account, state=state)

        gateway.inject(Fault.DROP_BEFORE_ACCEPT)
        with make("DU1") as broker, pytest.raises(LinkDownError):
            broker.submit_order(order("x"))
        with make("DU2") as other:
            theirs = other.submit_order(order("y"))
        with make("DU1") as broker:
            gateway.call(lambda venue: venue.cancel_perm(int(theirs)))
            broker.server_time()  # what was told before has arrived
            assert broker.order_status("x").state is not OrderState.CANCELLED


# A state file of another venue.


def test_a_state_file_of_another_gateway_is_told_when_its_numbers_come_again(state):
    """A simulator that starts again counts orders and executions from where it began before."""
    text = (
        r"order \d+ is 'first', buy AAPL here, and 'second', buy AAPL at the venue: the state file "
        r".*orders.sqlite is of another gateway, .* use another state file"
    )
    with first_day(state):
        pass
    with first_day() as gateway:
        broker = IbkrBroker(gateway.host, gateway.port, state=state)
        with broker:
            with pytest.raises(OutcomeUnknownError, match=text):
                broker.submit_order(order("second", "101.00"))
            status = broker.order_status("second")
            assert (status.state, status.filled_quantity) == (OrderState.UNKNOWN, 0)
            assert broker.order_status("first").filled_quantity == 8
            for act in (broker.fills, broker.open_orders, lambda: broker.submit_order(order("c"))):
                with pytest.raises(BrokerProtocolError, match=text) as caught:
                    act()
                assert caught.value.outcome is Outcome.NOT_SENT
            with pytest.raises(OutcomeUnknownError, match=text):
                broker.find_order("second")
            with pytest.raises(ConnectError, match=text):
                broker.resync()
            assert [position.quantity for position in broker.positions()] == [8]
        with pytest.raises(ConnectError, match=text):
            broker.connect()
        assert placed(gateway, "second") == 1
        assert len(gateway.orders()) == 1
        with IbkrBroker(gateway.host, gateway.port) as other:
            assert other.find_order("second").filled_quantity == 8


@contextlib.contextmanager
def first_day(state=None):
    """A gateway of its own; with a state file, one order is sent and filled."""
    with SimulatedGateway(messages_per_second=None) as gateway:
        gateway.set_quote("AAPL", "99.90", "100.10")
        if state is not None:
            with IbkrBroker(gateway.host, gateway.port, state=state) as broker:
                broker.submit_order(order("first", "101.00"))
                broker.wait("first", 5)
                eventually(broker.fills)
        yield gateway


def test_open_orders_of_another_client_id_in_the_file_are_a_warning(make, caplog):
    with make() as broker:
        broker.submit_order(order("a"))
    with make(client_id=2):
        (warning,) = [each for each in caplog.records if "client_id 1" in each.getMessage()]
        assert "which client_id 2 can neither change nor cancel" in warning.getMessage()
