"""A session with a server that does what the simulator never does."""

import threading
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal

import pytest
from tests.ibkr.scripted import NOW, VERSION, scripted
from tests.ibkr.sessions import Client, connected

from nanobook_core.contracts.broker import ConnectionState
from nanobook_core.contracts.broker_error import (
    BrokerProtocolError,
    ConnectError,
    LinkDownError,
    NoQuoteError,
    NotConnectedError,
    Outcome,
    PermissionDeniedError,
    RateLimitedError,
)
from nanobook_ibkr.message import VenueContract
from nanobook_ibkr.request import RequestTimeoutError
from nanobook_ibkr.simulator import reply
from nanobook_ibkr.simulator.record import (
    ContractDefinition,
    OrderForm,
    VenueExecution,
    VenueOrder,
)
from nanobook_ibkr.simulator.reply import TickType

AAPL = ContractDefinition(con_id=265598, symbol="AAPL")
CONTRACT = VenueContract(con_id=265598, exchange="SMART")
BUY = {"action": "BUY", "totalQuantity": Decimal(1), "orderType": "MKT", "tif": "DAY"}


def error(request_id, code, text):
    return reply.error(VERSION, request_id, code, text)


def refused(server, timeout=5, **settings):
    """What connecting to it raises."""
    client = Client(server, **settings)
    try:
        with pytest.raises(ConnectError) as caught:
            client.connect(timeout)
    finally:
        client.close()
    assert caught.value.outcome is Outcome.NOT_SENT
    assert client.session.state is ConnectionState.DISCONNECTED
    return str(caught.value)


# What is no TWS, or not ours.


def test_a_web_server_is_not_taken_for_tws():
    def serve(peer):
        peer.take(4)
        peer.raw(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")
        peer.take(1_000)

    with scripted(serve) as server:
        assert "does not speak TWS's protocol" in refused(server)


def test_a_server_that_greets_is_not_taken_for_tws():
    def serve(peer):
        peer.raw(b"220 mail.example ESMTP\r\n")
        peer.take(1_000)

    with scripted(serve) as server:
        assert "does not speak TWS's protocol" in refused(server)


def test_an_empty_frame_is_not_tws():
    def serve(peer):
        peer.greet()
        peer.raw(bytes(4) + b"\0\0\0\1\0")
        peer.take(1_000)

    with scripted(serve) as server:
        assert "does not speak TWS's protocol" in refused(server)


def test_a_server_that_hangs_up_is_told():
    def serve(peer):
        peer.take(4)

    with scripted(serve) as server:
        said = refused(server)
        assert f"127.0.0.1:{server.port}" in said
        assert "Trusted IPs" in said


def test_a_server_that_says_nothing_is_told():
    with scripted(lambda peer: peer.take(1_000)) as server:
        said = refused(server, timeout=0.2)
        assert f"no answer from 127.0.0.1:{server.port} within 0.2 s" in said
        assert "another program" in said


def test_a_tws_that_is_too_old_is_told():
    def serve(peer):
        peer.greet(150)
        peer.take(1)

    with scripted(serve) as server:
        assert "too old" in refused(server)


def test_a_tws_that_refuses_during_the_handshake_says_why():
    def serve(peer):
        peer.greet()
        peer.send(error(-1, 507, "Bad Message Length"))
        peer.take(1_000)

    with scripted(serve) as server:
        assert "Bad Message Length (code 507)" in refused(server)


@pytest.mark.parametrize(
    ("port_of", "account", "said"), [("paper", "U1", "is a live one"), ("live", "DU1", "a paper")]
)
def test_an_account_of_the_other_kind_than_its_port_is_refused(monkeypatch, port_of, account, said):
    with scripted(lambda peer: (peer.start(accounts=(account,)), peer.answer())) as server:
        ports = f"nanobook_ibkr.account._{port_of.upper()}_PORTS"
        monkeypatch.setattr(ports, (server.port,))
        assert said in refused(server)


def test_another_account_after_a_reconnection_is_refused():
    """Somebody has logged in there as somebody else."""
    accounts = [("DU1",), ("DU2",), ("DU2", "DU3"), ("DU1",)]

    def serve(peer):
        peer.start(accounts=accounts[min(peer.number, 3)])
        if peer.number == 0:
            peer.answer(_49=lambda _: peer.connection.close())
        peer.answer()

    with scripted(serve) as server, connected(server) as client:
        with pytest.raises(LinkDownError):
            client.ask("current_time")
        client.heard.wait_for(lambda heard: heard.resyncs == 2 and heard.states[-1] == "ready")
        assert client.session.account == "DU1"
        details = [said[1] for kind, *said in client.heard.messages if kind == "connection"]
        assert sum("there is no account 'DU1'" in each for each in details) >= 2


@pytest.mark.parametrize("order_id", [2**31 - 2, 2**31 - 1, 99_999_999_999])
def test_a_client_id_whose_numbers_are_used_up_is_told(order_id):
    with scripted(lambda peer: (peer.start(order_id=order_id), peer.answer())) as server:
        said = refused(server)
    assert f"TWS gives client id 1 the order number {order_id}, and has none left" in said


def test_a_connection_that_is_cut_again_and_again_is_made_ever_more_slowly():
    def serve(peer):
        peer.start()
        peer.answer(_49=lambda _: peer.connection.close())

    with scripted(serve) as server, connected(server, backoff=(0.001, 60)) as client:
        for cut in range(1, 5):
            with pytest.raises(LinkDownError):
                client.ask("current_time")
            client.heard.wait_for(
                lambda heard, cut=cut: heard.resyncs == cut + 1 and heard.states[-1] == "ready"
            )
        details = [said[1] for kind, *said in client.heard.messages if kind == "connection"]
        attempts = [each for each in details if "to connect in" in each]
        assert [each.partition("attempt ")[2][0] for each in attempts] == ["1", "2", "3", "4"]


# Messages at moments that are not convenient.


def venue_order(account):
    return VenueOrder(
        perm_id=77,
        client_id=1,
        order_id=5,
        contract=AAPL,
        form=OrderForm(action="BUY", quantity=Decimal(1), order_type="MKT", account=account),
        account=account,
    )


def test_orders_told_before_the_account_is_known_are_still_heard_of_later():
    order = venue_order("DU1")

    def serve(peer):
        peer.start(reply.open_order(VERSION, order), reply.order_status(VERSION, order))

        def again(_):
            peer.send(
                reply.open_order(VERSION, order),
                reply.order_status(VERSION, order),
                reply.open_order_end(VERSION),
            )

        peer.answer(_16=again)

    with scripted(serve) as server, connected(server) as client:
        assert client.heard.of("open_order")[-1].perm_id == 77
        assert client.heard.of("order_status")[-1].perm_id == 77


def test_an_execution_whose_time_has_no_zone_is_told():
    execution = VenueExecution(
        exec_id="1.01.01",
        perm_id=77,
        client_id=1,
        order_id=5,
        order_ref="mine",
        account="DU1",
        contract=AAPL,
        action="BUY",
        quantity=Decimal(1),
        price=Decimal(2),
        time=NOW,
        cumulative=Decimal(1),
        avg_price=Decimal(2),
    )

    def serve(peer):
        peer.start()

        def tell(fields):
            message = reply.execution(VERSION, int(fields[2]), execution)
            message[message.index("20261123 15:00:00 UTC")] = "20261123  15:00:00"
            peer.send(message, reply.execution_end(VERSION, int(fields[2])))

        peer.answer(_7=tell)

    with scripted(serve) as server, connected(server) as client:
        (told,) = client.ask("executions")
        assert told.time == NOW.replace(tzinfo=None).astimezone()  # this machine's own


def test_an_order_is_not_sent_if_the_venue_was_lost_while_it_waited_for_its_turn():
    go, placed = threading.Event(), []

    def serve(peer):
        peer.start()

        def time(_):
            assert go.wait(20)
            peer.send(error(-1, 1100, "Connectivity has been lost"), reply.current_time(VERSION, 1))

        peer.answer(_49=time, _3=placed.append)

    # Two messages a second: the order waits behind the questions.
    with (
        scripted(serve) as server,
        connected(server, messages_per_second=2) as client,
        ThreadPoolExecutor(2) as pool,
    ):
        order_id = client.order_id()
        pool.submit(client.ask, "current_time")
        placing = pool.submit(client.ask, "place", order_id, CONTRACT, BUY)
        while not client.session._link.pacer._waiting:
            pass
        go.set()
        with pytest.raises(NotConnectedError, match="Connectivity has been lost") as caught:
            placing.result()
        assert caught.value.outcome is Outcome.NOT_SENT
        assert placed == []


def test_read_only_said_of_no_request_ends_the_questions_for_orders():
    text = (
        "Error validating request.-'cj' : cause - The API interface is currently in Read-Only mode."
    )

    def serve(peer):
        peer.start()
        peer.answer(_16=lambda _: peer.send(error(-1, 321, text)))

    with scripted(serve) as server, connected(server) as client:
        assert client.session.state is ConnectionState.READ_ONLY
        with pytest.raises(PermissionDeniedError, match="Read-Only"):
            client.ask("open_orders")


def test_a_tws_without_its_venue_from_the_start_is_ready_once_a_farm_is_there():
    def serve(peer):
        peer.start(error(-1, 2110, "Connectivity between TWS and server is broken"))
        peer.answer(_49=lambda _: peer.send(error(-1, 2104, "Market data farm connection is OK")))

    with scripted(serve) as server, connected(server) as client:
        assert client.session.state is ConnectionState.LINK_DOWN
        client.patience(0.3)
        with pytest.raises(RequestTimeoutError):
            client.ask("current_time")
        client.heard.wait_for_state("syncing", "ready")


def test_a_message_of_no_use_before_everything_is_known_is_passed_over():
    def serve(peer):
        peer.greet()
        peer.read()
        peer.send([999, 1, "new in the next version"])
        peer.send(
            reply.managed_accounts(VERSION, ["DU1"]),
            reply.next_valid_id(VERSION, 1),
            [999, 1, "another one"],
        )
        peer.answer()

    with scripted(serve) as server, connected(server) as client:
        assert client.session.state is ConnectionState.READY


def test_a_port_that_is_changed_ends_the_connection_and_is_told():
    def serve(peer):
        peer.start()
        peer.answer(_49=lambda _: peer.send(error(-1, 1300, "Port has been reset to 4009")))

    with (
        scripted(serve) as server,
        connected(server) as client,
        pytest.raises(
            LinkDownError,
            match=r"^connection error: client id 1 at \S+: Port has been reset to 4009",
        ),
    ):
        client.ask("current_time")


def test_a_question_that_was_too_much_says_so():
    def serve(peer):
        peer.start()
        peer.answer(_9=lambda fields: peer.send(error(int(fields[2]), 101, "Max tickers")))

    with scripted(serve) as server, connected(server) as client:
        with pytest.raises(RateLimitedError, match="Max tickers") as caught:
            client.ask("contract_details", CONTRACT)
        assert caught.value.retryable


def test_nothing_is_sent_for_a_while_after_too_much_was():
    def serve(peer):
        peer.start()
        peer.answer(
            _49=lambda _: peer.send(
                error(-1, 100, "Max rate of messages per second has been exceeded"),
                reply.current_time(VERSION, 1),
            )
        )

    with scripted(serve) as server, connected(server) as client:
        pacer = client.session._link.pacer
        assert pacer._not_before == 0
        client.ask("current_time")
        assert pacer._not_before > 0


@pytest.mark.parametrize(
    ("question", "arguments", "message"),
    [
        ("contract_details", (CONTRACT,), lambda fields: [10, fields[2], "AAPL", "too short"]),
        ("position_rows", (), lambda _: [61, 3, "DU1", 265598, "AAPL"]),
        ("portfolio_rows", (), lambda _: [7, 8, 265598, "AAPL"]),
    ],
)
def test_an_answer_of_which_a_part_cannot_be_read_is_no_answer(
    caplog, question, arguments, message
):
    """Holdings of which some are missing would be bought again."""
    ends = {
        "9": lambda fields: reply.contract_details_end(VERSION, int(fields[2])),
        "61": lambda _: reply.position_end(VERSION),
        "6": lambda _: reply.account_download_end(VERSION, "DU1"),
    }

    def serve(peer):
        peer.start()
        peer.answer(
            **{
                f"_{kind}": lambda fields: peer.send(message(fields), ends[fields[0]](fields))
                for kind in ends
            }
        )

    with scripted(serve) as server, connected(server) as client:
        with pytest.raises(BrokerProtocolError, match=r"\(number \d+\) could not be read"):
            client.ask(question, *arguments)
        assert "could not be read" in caplog.text
        assert "AAPL" not in caplog.text


# Quotes in parts.


def quotes(first, *, snapshot=(), ends=True):
    """Answers with ticks made of (tick type, price or value), the last part late."""

    def serve(peer):
        peer.start()

        def tick(number, kind, value):
            if kind is TickType.HALTED:
                return reply.tick_generic(VERSION, number, kind, value)
            return reply.tick_price(VERSION, number, kind, value, Decimal(5))

        def answer(fields):
            number, is_snapshot = int(fields[2]), fields[17] == "1"
            for kind, value in snapshot if is_snapshot else first:
                peer.send(tick(number, kind, value))
                threading.Event().wait(0.05)
            if is_snapshot and ends:
                peer.send(reply.tick_snapshot_end(VERSION, number))

        peer.answer(_1=answer)

    return scripted(serve)


BID, ASK = (TickType.BID, Decimal("9.9")), (TickType.ASK, Decimal("10.1"))


def test_a_halt_that_is_told_after_the_prices_is_not_missed():
    with quotes([BID, ASK, (TickType.HALTED, 1)]) as server, connected(server) as client:
        quote = client.ask("quote", "AAPL", CONTRACT)
        assert (quote.bid, quote.ask, quote.is_halted) == (Decimal("9.9"), Decimal("10.1"), True)


def test_a_venue_that_does_not_tell_halts_is_not_waited_for():
    with quotes([BID, ASK]) as server, connected(server) as client:
        quote = client.ask("quote", "AAPL", CONTRACT)
        assert (quote.bid, quote.ask, quote.is_halted) == (Decimal("9.9"), Decimal("10.1"), False)


def test_a_snapshot_that_has_both_sides_need_not_end():
    with (
        quotes([], snapshot=[ASK, BID], ends=False) as server,
        connected(server, request_timeout=30) as client,
    ):
        quote = client.ask("quote", "AAPL", CONTRACT)
        assert (quote.bid, quote.ask) == (Decimal("9.9"), Decimal("10.1"))


def test_a_snapshot_that_has_one_side_and_does_not_end_has_one_side():
    with quotes([], snapshot=[ASK], ends=False) as server, connected(server) as client:
        client.patience(0.5)
        quote = client.ask("quote", "AAPL", CONTRACT)
        assert (quote.bid, quote.ask) == (None, Decimal("10.1"))


def test_a_snapshot_that_tells_nothing_and_does_not_end_is_no_answer():
    with quotes([], ends=False) as server, connected(server) as client:
        client.patience(0.5)
        with pytest.raises(RequestTimeoutError, match="a snapshot of AAPL"):
            client.ask("quote", "AAPL", CONTRACT)


def test_a_snapshot_that_tells_nothing_and_ends_says_that_there_is_nothing():
    with quotes([]) as server, connected(server) as client, pytest.raises(NoQuoteError):
        client.ask("quote", "AAPL", CONTRACT)
