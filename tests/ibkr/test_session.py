"""A session: connecting, asking, losing the connection and having it again."""

import asyncio
import datetime as dt
import errno
import logging
import os
import signal
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from pathlib import Path

import pytest
from tests.ibkr.sessions import AAPL, Client, connected

from nanobook_core.contracts.broker import ConnectionState
from nanobook_core.contracts.broker_error import (
    BrokerError,
    ConnectError,
    LinkDownError,
    NotConnectedError,
    OrderRejectedError,
    Outcome,
    PermissionDeniedError,
    SessionConflictError,
)
from nanobook_ibkr.request import RequestTimeoutError
from nanobook_ibkr.simulator.gateway import SimulatedGateway
from nanobook_ibkr.simulator.venue import Venue

VERSIONS = (157, 158, 160, 163, 164, 166, 169, 170, 176, 177, 178)
#: What each request is called, by the number of its message.
SILENT = {
    16: "open_orders",
    99: "completed_orders",
    7: "executions",
    61: "position_rows",
    6: "portfolio_rows",
    76: "account_values",
    9: "contract_details",
    91: "market_rule",
    49: "current_time",
    1: "quote",
}
BUY = {
    "action": "BUY",
    "totalQuantity": Decimal(10),
    "orderType": "LMT",
    "lmtPrice": Decimal("100.05"),
    "tif": "DAY",
    "orderRef": "first",
}


@pytest.fixture
def gateway():
    with SimulatedGateway() as gateway:
        gateway.set_quote("AAPL", Decimal("99.99"), Decimal("100.01"))
        yield gateway


@pytest.fixture
def client(gateway):
    with connected(gateway) as client:
        yield client


def question(client, name):
    """A request of that name, with whatever it is asked about."""
    arguments = {
        "contract_details": lambda: (AAPL,),
        "market_rule": lambda: (26,),
        "quote": lambda: ("AAPL", client.contract()),
    }.get(name, tuple)
    return client.ask(name, *arguments())


@pytest.mark.parametrize("version", VERSIONS)
def test_every_version_of_the_wire_is_spoken(version):
    with SimulatedGateway(max_version=version) as gateway:
        gateway.set_quote("AAPL", Decimal("99.99"), Decimal("100.01"))
        with connected(gateway) as client:
            contract = client.contract()
            client.ask("place", client.order_id(), contract, BUY)
            client.heard.wait_for(lambda heard: heard.of("commission"))
            (execution,) = client.heard.of("execution")
            assert (execution.quantity, execution.price) == (Decimal(10), Decimal("100.01"))
            assert execution.order_ref == "first"
            (position,) = client.ask("position_rows")
            assert position.quantity == Decimal(10)
            (done,) = client.ask("completed_orders")
            assert (done.order_ref, done.filled) == ("first", Decimal(10))


def test_what_is_known_after_connecting(client):
    info = client.session.info
    assert (info.state, info.account_id, info.is_live, info.detail) == (
        ConnectionState.READY,
        "DU1234567",
        False,
        "",
    )
    assert client.heard.states == ["connecting", "syncing", "ready"]
    assert client.heard.resyncs == 1


def test_connecting_again_does_nothing(client, gateway):
    client.connect()
    assert client.heard.states == ["connecting", "syncing", "ready"]
    assert gateway.clients == (1,)


def test_an_order_is_told_from_the_sending_to_its_cost(client):
    order_id = client.order_id()
    client.ask("place", order_id, client.contract(), BUY)
    client.heard.wait_for(lambda heard: heard.of("commission"))
    order = client.heard.of("open_order")[0]
    assert (order.order_id, order.client_id, order.order_ref) == (order_id, 1, "first")
    assert (order.quantity, order.limit_price, order.aux_price) == (10, Decimal("100.05"), None)
    assert order.account == "DU1234567"
    (execution,) = client.heard.of("execution")
    assert (execution.request_id, execution.order_id, execution.perm_id) == (
        -1,
        order_id,
        order.perm_id,
    )
    (commission,) = client.heard.of("commission")
    assert commission.exec_id == execution.exec_id
    assert (commission.commission, commission.currency) == (Decimal(1), "USD")
    assert commission.realized_pnl is None
    client.heard.wait_for(lambda heard: heard.of("order_status")[-1].status == "Filled")
    status = client.heard.of("order_status")[-1]
    assert (status.filled, status.remaining, status.avg_price) == (10, 0, Decimal("100.01"))


def test_a_resting_order_is_cancelled(client):
    order_id = client.order_id()
    client.ask("place", order_id, client.contract(), {**BUY, "lmtPrice": Decimal("90.5")})
    client.heard.wait_for(lambda heard: heard.of("open_order"))
    (order,) = client.ask("open_orders")
    assert (order.order_id, order.limit_price) == (order_id, Decimal("90.5"))
    client.ask("cancel", order_id)
    client.heard.wait_for(
        lambda heard: ("order_error", order_id, 202) in [message[:3] for message in heard.messages]
    )
    assert client.ask("open_orders") == ()


def test_a_refused_order_is_told_by_its_number_and_ends_no_request(client):
    order_id = client.order_id()
    client.ask("place", order_id, client.contract(), {**BUY, "lmtPrice": Decimal("100.051")})
    client.heard.wait_for(lambda heard: heard.of("order_error"))
    assert client.heard.messages[-1][:3] == ("order_error", order_id, 110)


def test_a_preview_sends_nothing(client, gateway):
    preview = client.ask("what_if", client.contract(), BUY)
    assert preview.commission == Decimal(1)
    assert preview.commission_currency == "USD"
    assert preview.margin_change > 0
    assert gateway.orders() == ()
    assert client.heard.of("open_order") == []


def test_a_preview_that_the_venue_refuses_raises_why(client):
    with pytest.raises(OrderRejectedError, match=r"minimum price variation.*code 110") as caught:
        client.ask("what_if", client.contract(), {**BUY, "lmtPrice": Decimal("100.051")})
    assert (caught.value.code, caught.value.outcome) == ("110", Outcome.REJECTED)


def test_all_orders_are_cancelled_at_once(client, gateway):
    gateway.submit_foreign("AAPL", "BUY", Decimal(1), Decimal(50))
    client.ask("place", client.order_id(), client.contract(), {**BUY, "lmtPrice": Decimal(90)})
    client.heard.wait_for(lambda heard: heard.of("open_order"))
    assert len(client.ask("open_orders")) == 2
    client.ask("cancel_everything")
    client.heard.wait_for(lambda heard: heard.of("order_error"))
    assert client.ask("open_orders") == ()


def test_holdings_are_those_of_now_though_changes_are_told_meanwhile(client):
    contract = client.contract()
    for count in (1, 2, 3):
        client.ask("place", client.order_id(), contract, BUY)
        client.heard.wait_for(lambda heard, count=count: len(heard.of("commission")) == count)
        (row,) = client.ask("position_rows")
        assert row.quantity == 10 * count
    order = {**BUY, "action": "SELL", "totalQuantity": Decimal(30), "lmtPrice": Decimal(90)}
    client.ask("place", client.order_id(), contract, order)
    client.heard.wait_for(lambda heard: len(heard.of("commission")) == 4)
    assert client.ask("position_rows") == ()


def test_executions_are_told_since_a_time(client):
    client.ask("place", client.order_id(), client.contract(), BUY)
    client.heard.wait_for(lambda heard: heard.of("commission"))
    (execution,) = client.ask("executions")
    assert execution.time.tzinfo is not None
    assert client.ask("executions", execution.time - dt.timedelta(minutes=1)) == (execution,) or (
        client.ask("executions", execution.time - dt.timedelta(minutes=1))[0].exec_id
        == execution.exec_id
    )
    assert client.ask("executions", execution.time + dt.timedelta(minutes=1)) == ()


def test_the_venue_tells_its_time(client):
    told = client.ask("current_time")
    assert told.tzinfo == dt.UTC
    assert abs(told - dt.datetime.now(dt.UTC)) < dt.timedelta(minutes=1)


def test_numbers_are_never_used_twice(gateway):
    with connected(gateway) as client:
        client.ask("place", client.order_id(), client.contract(), BUY)
        client.heard.wait_for(lambda heard: heard.of("commission"))
        used = {client.order_id() for _ in range(3)}
        gateway.drop()
        client.heard.wait_for(lambda heard: heard.states[-1] == "ready" and heard.resyncs == 2)
        assert client.order_id() not in used
        last = client.order_id()
    with connected(gateway) as client:
        assert client.order_id() > min(used) - 3
        assert client.session.account == "DU1234567"
    assert last > max(used)


def test_order_numbers_begin_where_the_venue_says_or_where_the_journal_ends(gateway):
    client = Client(gateway)
    client.session._id = client.session._first_id = 500
    try:
        client.connect()
        assert client.order_id() >= 500
    finally:
        client.close()


# What does not answer.


@pytest.mark.parametrize("message_id", SILENT)
def test_a_silent_request_raises_and_leaves_the_next_one_alone(gateway, message_id):
    with connected(gateway) as client:
        name = SILENT[message_id]
        answer = question(client, name)
        if name == "quote":
            gateway.set_quote("AAPL", Decimal("99.98"), Decimal("100.02"))
            client.call(asyncio.sleep, 1.1)  # until it must be confirmed
        client.ask("current_time")  # so that what ends a subscription has left
        gateway.inject("silent", request=message_id)
        client.patience(0.3)
        with pytest.raises(RequestTimeoutError, match=r"no answer to .* within 0\.3 s") as caught:
            question(client, name)
        assert caught.value.retryable
        client.patience(5.0)
        again = question(client, name)
        if name in {"quote", "current_time"}:
            assert type(again) is type(answer)
        else:
            assert again == answer
        assert client.session.state is ConnectionState.READY


@pytest.mark.parametrize("message_id", [16, 99, 7])
def test_connecting_to_a_gateway_that_does_not_say_what_is_open_raises(gateway, message_id):
    gateway.inject("silent", request=message_id)
    client = Client(gateway, request_timeout=0.8)
    with pytest.raises(ConnectError, match=r"what orders there are could not be learned") as caught:
        client.connect()
    assert caught.value.outcome is Outcome.NOT_SENT
    assert client.session.state is ConnectionState.DISCONNECTED
    assert client.connect().session.state is ConnectionState.READY
    client.close()


def test_a_connection_that_takes_too_long_raises(gateway):
    gateway.inject("silent", request=71)
    client = Client(gateway)
    with pytest.raises(ConnectError, match=r"no answer from 127\.0\.0\.1:\d+ within 0\.3 s"):
        client.connect(0.3)
    assert client.connect().session.state is ConnectionState.READY
    client.close()


def test_a_request_whose_caller_gives_up_leaves_nothing(client, gateway):
    gateway.inject("silent", request=61)

    async def give_up():
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.2):
                await client.session.position_rows()
        link = client.session._link
        return dict(link.requests._pending), link.pacer._waiting

    assert client.call(give_up) == ({}, [])
    assert client.ask("position_rows") == ()


@pytest.mark.skipif(not hasattr(signal, "pthread_kill"), reason="no such signal here")
def test_an_interrupted_caller_leaves_nothing(client, gateway):
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # ignored in the background
    gateway.inject("silent", request=61)
    timer = threading.Timer(
        0.2, lambda: signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)
    )
    timer.start()
    with pytest.raises(KeyboardInterrupt):
        client.ask("position_rows")
    timer.join()
    signal.signal(signal.SIGINT, before)

    async def waiting():
        return dict(client.session._link.requests._pending)

    assert client.call(waiting) == {}
    assert client.ask("position_rows") == ()


def test_what_an_answer_has_subscribed_to_is_ended(client, gateway):
    client.ask("account_values")
    gateway.inject("silent", request=76)
    client.patience(0.2)
    with pytest.raises(RequestTimeoutError):
        client.ask("account_values")
    client.patience(5.0)
    client.ask("portfolio_rows")
    client.ask("current_time")
    assert len(gateway.messages(76, incoming=True)) == 2
    assert len(gateway.messages(77, incoming=True)) == 2
    assert [m.fields[2] for m in gateway.messages(6, incoming=True)] == ["1", "0"]


# What is lost, and comes back.


def test_a_lost_connection_is_made_again_and_compared(client, gateway):
    gateway.drop()
    client.heard.wait_for(lambda heard: heard.resyncs == 2 and heard.states[-1] == "ready")
    assert client.heard.states[3] == "link_down"
    details = [
        detail
        for kind, *said in client.heard.messages
        if kind == "connection"
        for detail in said[1:]
    ]
    assert any("TWS closed the connection; attempt 1 to connect in 0 s" in each for each in details)
    assert client.contract().con_id == 265598


def test_attempts_go_on_while_the_port_is_closed(client, gateway):
    gateway.refuse(0.5)
    client.heard.wait_for(lambda heard: heard.resyncs == 2 and heard.states[-1] == "ready")
    details = [said[1] for kind, *said in client.heard.messages if kind == "connection"]
    assert any("failed to connect to 127.0.0.1" in each and "attempt 3" in each for each in details)


def test_a_connection_that_is_cut_for_sending_too_much_is_made_again(client, gateway):
    gateway.inject("pacing_cut")
    client.ask("place", client.order_id(), client.contract(), BUY)
    client.heard.wait_for(lambda heard: heard.resyncs == 2 and heard.states[-1] == "ready")
    assert gateway.orders() == ()


def test_a_request_that_waits_when_the_connection_breaks_raises(client, gateway):
    gateway.inject("silent", request=76)
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(client.ask, "account_values")
        while not gateway.messages(76, incoming=True):
            pass
        gateway.drop()
        with pytest.raises(LinkDownError, match="TWS closed the connection"):
            waiting.result()


def test_nothing_is_sent_while_the_connection_is_lost(client, gateway):
    contract, order_id = client.contract(), client.order_id()
    gateway.refuse(1)
    client.heard.wait_for(lambda heard: heard.states[-1] != "ready")
    with pytest.raises(NotConnectedError, match="not connected") as caught:
        client.ask("place", order_id, contract, BUY)
    assert caught.value.outcome is Outcome.NOT_SENT
    with pytest.raises(NotConnectedError):
        client.ask("contract_details", AAPL)
    assert gateway.orders() == ()


@pytest.mark.parametrize("data_lost", [False, True])
def test_a_lost_venue_stops_orders_and_not_questions_until_it_is_back(client, gateway, data_lost):
    contract = client.contract()
    gateway.link_down()
    client.heard.wait_for_state("link_down")
    assert "1100" not in client.session.info.detail
    assert client.session.info.detail
    with pytest.raises(NotConnectedError) as caught:
        client.ask("place", client.order_id(), contract, BUY)
    assert caught.value.outcome is Outcome.NOT_SENT
    assert client.contract() == contract
    gateway.link_up(data_lost=data_lost)
    client.heard.wait_for_state("link_down", "syncing", "ready")
    assert client.heard.resyncs == 2
    client.ask("place", client.order_id(), contract, BUY)
    client.heard.wait_for(lambda heard: heard.of("commission"))


def test_quotes_come_again_after_the_venue_has_lost_the_subscriptions(client, gateway):
    contract = client.contract()
    assert client.ask("quote", "AAPL", contract).bid == Decimal("99.99")
    gateway.link_down()
    client.heard.wait_for_state("link_down")
    gateway.link_up(data_lost=True)
    client.heard.wait_for_state("ready")
    gateway.set_quote("AAPL", Decimal("89.99"), Decimal("90.01"))
    assert client.ask("quote", "AAPL", contract).bid == Decimal("89.99")


def test_a_resync_that_fails_is_tried_again(client, gateway):
    gateway.link_down()
    client.heard.wait_for_state("link_down")
    gateway.inject("silent", request=99)
    client.patience(0.3)
    gateway.link_up()
    client.heard.wait_for(lambda heard: heard.resyncs == 3)
    client.patience(5.0)
    client.heard.wait_for_state("ready")
    details = [said[1] for kind, *said in client.heard.messages if kind == "connection"]
    assert "no answer to completed orders within 0.3 s; trying again in 0 s" in details


def test_a_silent_socket_is_found_dead(gateway):
    with connected(gateway, heartbeat=0.2, request_timeout=0.3) as client:
        gateway.inject("silent", request=49)
        client.heard.wait_for(lambda heard: heard.resyncs == 2 and heard.states[-1] == "ready")
        details = [said[1] for kind, *said in client.heard.messages if kind == "connection"]
        assert any("TWS is silent: no answer to time within 0.3 s" in each for each in details)


def test_a_quiet_connection_that_answers_is_left_alone(gateway):
    with connected(gateway, heartbeat=0.05) as client:
        client.call(asyncio.sleep, 0.5)
        assert len(gateway.messages(49, incoming=True)) > 2
        assert client.heard.states == ["connecting", "syncing", "ready"]


def test_what_a_listener_cannot_take_in_is_asked_for_again(client, caplog):
    client.heard.fails_on = "execution"
    client.ask("place", client.order_id(), client.contract(), BUY)
    client.heard.wait_for(lambda heard: heard.resyncs == 2 and heard.states[-1] == "ready")
    assert len(client.heard.of("execution")) == 2
    assert "could not be taken in" in caplog.text


# What is refused.


def test_a_port_where_nothing_listens_is_told_with_what_to_look_at():
    with SimulatedGateway() as gateway:
        pass
    client = Client(gateway)
    with pytest.raises(ConnectError) as caught:
        client.connect()
    client.close()
    message = str(caught.value)
    assert message.startswith(
        f"connection error: failed to connect to 127.0.0.1:{gateway.port}: Connection refused "
        f"(os error {errno.ECONNREFUSED}); "
    )
    for hint in ("API enabled", "7496", "7497", "4001", "4002"):
        assert hint in message
    assert client.session.state is ConnectionState.DISCONNECTED


def test_a_client_id_that_is_in_use_is_told_and_the_other_session_goes_on(client, gateway):
    other = Client(gateway)
    with pytest.raises(SessionConflictError, match=r"client_id of its own") as caught:
        other.connect()
    other.close()
    assert caught.value.code == "326"
    assert str(caught.value).startswith(
        f"connection error: client id 1 at 127.0.0.1:{gateway.port}: Unable to connect as"
    )
    assert "7497" not in str(caught.value)
    assert client.contract().con_id == 265598
    assert gateway.clients == (1,)
    with connected(gateway, client_id=2):
        assert gateway.clients == (1, 2)


def test_several_accounts_must_be_told_apart():
    cash = {"DU1": Decimal(1000), "DU2": Decimal(2000)}
    with SimulatedGateway(Venue(cash=cash)) as gateway:
        client = Client(gateway)
        with pytest.raises(ConnectError, match="account= one of DU1, DU2"):
            client.connect()
        client.close()
        with connected(gateway, account="DU2") as client:
            values = {
                (line.key, line.currency): line.value for line in client.ask("account_values")
            }
            assert Decimal(values["TotalCashValue", "USD"]) == 2000
        other = Client(gateway, account="DU3")
        with pytest.raises(ConnectError, match="no account 'DU3'; this user has DU1, DU2"):
            other.connect()
        other.close()


def test_orders_of_other_accounts_are_not_told():
    cash = {"DU1": Decimal(100_000), "DU2": Decimal(100_000)}
    with SimulatedGateway(Venue(cash=cash)) as gateway:
        gateway.set_quote("AAPL", Decimal("99.99"), Decimal("100.01"))
        with (
            connected(gateway, account="DU1", client_id=1) as one,
            connected(gateway, account="DU2", client_id=2) as two,
        ):
            order = {**BUY, "lmtPrice": Decimal(90)}
            one.ask("place", one.order_id(), one.contract(), order)
            one.heard.wait_for(lambda heard: heard.of("open_order"))
            two.heard.messages.clear()
            two.ask("open_orders")
            assert two.heard.messages == []
            assert two.ask("executions") == ()


def test_a_read_only_api_still_tells_holdings_and_prices(gateway):
    gateway.inject("read_only")
    with connected(gateway) as client:
        assert client.session.state is ConnectionState.READ_ONLY
        assert client.ask("position_rows") == ()
        assert client.ask("account_values")
        contract = client.contract()
        assert client.ask("quote", "AAPL", contract).ask == Decimal("100.01")
        with pytest.raises(PermissionDeniedError, match="read-only") as caught:
            client.ask("place", client.order_id(), contract, BUY)
        assert caught.value.outcome is Outcome.NOT_SENT
        gateway.clear_faults()
        gateway.drop()
        client.heard.wait_for(lambda heard: heard.resyncs == 2 and heard.states[-1] == "ready")


def test_an_api_is_known_to_be_read_only_from_the_first_refusal(gateway):
    with connected(gateway) as client:
        gateway.inject("read_only")
        contract, order_id = client.contract(), client.order_id()
        client.ask("place", order_id, contract, BUY)
        client.heard.wait_for_state("read_only")
        client.heard.wait_for(lambda heard: heard.of("order_error") == [order_id])
        with pytest.raises(PermissionDeniedError):
            client.ask("place", client.order_id(), contract, BUY)
        assert gateway.orders() == ()


# The wire.


@pytest.mark.parametrize("fault", ["split_frames", "merged_frames"])
def test_frames_may_be_cut_anywhere(gateway, fault):
    gateway.inject(fault)
    with connected(gateway) as client:
        client.ask("place", client.order_id(), client.contract(), BUY)
        client.heard.wait_for(lambda heard: heard.of("commission"))
        assert client.heard.of("execution")[0].quantity == 10


@pytest.mark.parametrize("fault", ["garbage_frame", "unknown_message"])
def test_a_message_that_cannot_be_read_is_noted_and_passed_over(client, gateway, fault, caplog):
    gateway.inject(fault)
    client.ask("place", client.order_id(), client.contract(), BUY)
    client.heard.wait_for(lambda heard: heard.of("commission"))
    assert "could not be read" in caplog.text
    assert client.session.state is ConnectionState.READY


def test_a_frame_of_absurd_length_ends_the_connection(client, gateway):
    gateway.inject("garbage_frame", data=b"x" * ((1 << 24) + 1))
    client.ask("place", client.order_id(), client.contract(), BUY)
    client.heard.wait_for(lambda heard: heard.resyncs == 2 and heard.states[-1] == "ready")


def test_a_jump_of_the_order_numbers_is_followed(client, gateway):
    contract = client.contract()
    gateway.inject("order_id_jump", by=1000)
    order_id = client.order_id()
    client.ask("place", order_id, contract, BUY)
    client.heard.wait_for(lambda heard: heard.messages[-1][0] in {"commission", "order_error"})
    assert client.order_id() > order_id + 900


def test_a_burst_of_questions_stays_below_what_tws_allows(gateway):
    with connected(gateway) as client, ThreadPoolExecutor(8) as pool:
        contracts = list(pool.map(lambda _: client.contract(), range(100)))
        assert {contract.con_id for contract in contracts} == {265598}
        refusals = [
            message for message in gateway.messages(4, incoming=False) if "100" in message.fields
        ]
        assert refusals == []


def test_the_library_logs_nothing(gateway, caplog):
    caplog.set_level(logging.DEBUG)
    with connected(gateway) as client:
        client.ask("place", client.order_id(), client.contract(), BUY)
        client.heard.wait_for(lambda heard: heard.of("commission"))
        gateway.drop()
        client.heard.wait_for(lambda heard: heard.resyncs == 2 and heard.states[-1] == "ready")
    ours = [record for record in caplog.records if record.threadName == "nanobook-ibkr-test"]
    assert {record.name for record in ours} <= {"asyncio", "nanobook.ibkr"}
    assert not any("DU1234567" in record.getMessage() for record in ours)


# Where it is called from.


def test_nothing_is_left_after_closing(gateway):
    threads = set(threading.enumerate())
    client = Client(gateway).connect()
    client.close()
    client.close()
    assert set(threading.enumerate()) == threads
    assert client.session.state is ConnectionState.DISCONNECTED
    for _ in range(100):
        if not gateway.clients:
            break
        client.heard.session._clock.sleep(0.01)
    assert gateway.clients == ()
    with pytest.raises(NotConnectedError, match="not connected"):
        client.ask("current_time")


def test_closing_ends_what_waits(gateway):
    client = Client(gateway).connect()
    gateway.inject("silent", request=76)
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(client.ask, "account_values")
        while not gateway.messages(76, incoming=True):
            pass
        client.close()
        with pytest.raises(BrokerError):
            waiting.result()


def test_it_is_called_from_inside_an_event_loop(client):
    async def app():
        at_once = client.contract()
        in_a_thread = await asyncio.get_running_loop().run_in_executor(None, client.contract)
        return at_once == in_a_thread

    assert asyncio.run(app())
    assert client.contract().con_id == 265598


def test_eight_threads_ask_at_once(client):
    with ThreadPoolExecutor(8) as pool:
        answers = [
            pool.submit(client.ask, name, *arguments)
            for name, *arguments in [
                ("position_rows",),
                ("open_orders",),
                ("completed_orders",),
                ("executions",),
                ("portfolio_rows",),
                ("account_values",),
                ("current_time",),
                ("position_rows",),
                ("open_orders",),
                ("portfolio_rows",),
                ("market_rule", 26),
                ("market_rule", 26),
            ]
        ]
        assert answers[0].result() == ()
        assert all(answer.result() is not None for answer in answers)


def test_a_session_that_drops_does_not_disturb_another(client):
    with SimulatedGateway() as another, connected(another) as other:
        another.drop()
        other.heard.wait_for(lambda heard: heard.resyncs == 2 and heard.states[-1] == "ready")
        assert client.contract().con_id == 265598
        assert client.heard.states == ["connecting", "syncing", "ready"]


def test_the_loops_own_thread_cannot_wait_for_itself(client):
    async def from_inside():
        return client.ask("current_time")

    with pytest.raises(BrokerError, match="cannot wait for it"):
        client.call(from_inside)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no forks here")
def test_a_fork_has_no_connection_and_leaves_that_of_its_parent_alone(client):
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            client.ask("current_time")
            said = "it answered"
        except NotConnectedError as error:
            said = str(error)
        client.thread.stop()
        os.write(write, f"{client.thread.is_running} {said}".encode())
        os._exit(0)
    os.waitpid(child, 0)
    os.close(write)
    with os.fdopen(read) as pipe:
        assert pipe.read() == (
            "False not connected: a connection does not survive a fork; connect in the new process"
        )
    assert client.contract().con_id == 265598


def test_a_program_that_ends_without_closing_ends_in_peace(gateway):
    program = (
        "from types import SimpleNamespace\n"
        "from tests.ibkr.sessions import Client\n"
        f"client = Client(SimpleNamespace(host='127.0.0.1', port={gateway.port}))\n"
        "print(client.connect().contract().con_id)\n"
    )
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", program],
        capture_output=True,
        text=True,
        check=False,
        cwd=Path(__file__).parents[2],
        timeout=60,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "265598\n", "")
