"""The simulated gateway's handle: threads, ports, lives and deaths; what happens at the venue."""

import asyncio
import gc
import socket
import threading
import time
from decimal import Decimal

import pytest
from tests.ibkr.order_client import ALL_OPEN, OrderClient, StandingClock
from tests.ibkr.raw_client import RawClient, frame, handshake
from tests.ibkr.simulator_process import set_quotes

from nanobook_core.errors import ValidationError
from nanobook_ibkr.simulator import SimulatedGateway, Venue
from nanobook_ibkr.simulator.listener import VenueListener
from nanobook_ibkr.simulator.message_log import MessageLog, select
from nanobook_ibkr.simulator.record import ContractKey, OrderForm
from nanobook_ibkr.simulator.server import MOST_CONNECTIONS

pytest_plugins = ["nanobook_ibkr.simulator.fixture"]
BUY, SELL = "BUY", "SELL"


@pytest.fixture
def gateway():
    with SimulatedGateway(messages_per_second=None) as running:
        yield running


def gateway_threads():
    return [thread for thread in threading.enumerate() if thread.name == "simulated-gateway"]


def until(condition):
    """Wait for what another thread does; a test that waits in vain is ended by its runner."""
    while not condition():
        time.sleep(0.001)


def test_a_client_trades_on_the_fixture(simulated_gateway):
    with OrderClient(simulated_gateway) as client:
        client.order(1, BUY, 10, "200.00", ref="first")
        assert [fields[0] for fields in client.hear()].count("11") == 1
    (order,) = simulated_gateway.orders()
    (execution,) = simulated_gateway.executions()
    (position,) = simulated_gateway.positions()
    assert (order.form.order_ref, order.status, order.filled) == ("first", "Filled", 10)
    assert (execution.perm_id, execution.quantity) == (order.perm_id, 10)
    assert (position.contract.symbol, position.quantity) == ("AAPL", 10)


def test_it_starts_and_stops_two_hundred_times_and_leaves_nothing():
    gateway = SimulatedGateway()
    for _ in range(200):
        with gateway, OrderClient(gateway) as client:
            assert gateway.clients == (1,)
            assert client.is_served()
        assert gateway_threads() == []
    gc.collect()  # a socket that was left open is a ResourceWarning here, and so an error


def test_it_comes_back_on_its_port_with_what_it_knows():
    gateway = SimulatedGateway()
    with gateway, OrderClient(gateway) as client:
        port = gateway.port
        client.order(1, BUY, 10, "100.00", ref="rests")
        client.hear()
    with gateway, OrderClient(gateway) as client:
        assert gateway.port == port
        client.say(5, 1)
        assert client.hear_ids() == ["5", "3", "53"]
        client.order(2, BUY, 10, "100.00")
        assert client.hear_ids() == ["5", "3", "5", "3"]


def test_starting_and_stopping_twice_is_once():
    gateway = SimulatedGateway()
    gateway.stop()
    gateway.start()
    port = gateway.port
    gateway.start()
    assert (gateway.port, len(gateway_threads())) == (port, 1)
    gateway.stop()
    gateway.stop()
    assert gateway_threads() == []


def test_the_handle_works_before_and_after_its_life():
    gateway = SimulatedGateway()
    gateway.set_quote("AAPL", "150.00", "150.01")
    perm_id = gateway.submit_foreign("AAPL", BUY, 5, "140.00")
    gateway.start()
    gateway.fill(perm_id, 2)
    gateway.stop()
    gateway.fill(perm_id)
    assert [execution.quantity for execution in gateway.executions()] == [2, 3]
    assert gateway.clients == ()
    assert gateway.log == ()


def test_two_gateways_at_once_know_nothing_of_each_other():
    with SimulatedGateway() as one, SimulatedGateway() as other:
        assert one.port != other.port
        with OrderClient(one) as first, OrderClient(other) as second:
            first.order(1, BUY, 10)
            second.order(1, SELL, 3)
            first.hear(), second.hear()
        assert [order.form.quantity for order in one.orders()] == [10]
        assert [order.form.quantity for order in other.orders()] == [3]


def test_it_works_inside_a_running_event_loop():
    async def program():
        with SimulatedGateway() as gateway:
            reader, writer = await asyncio.open_connection("127.0.0.1", gateway.port)
            writer.write(handshake() + frame([71, 2, 1, ""]))
            size = int.from_bytes(await reader.readexactly(4), "big")
            version = (await reader.readexactly(size)).split(b"\0")[0]
            until(lambda: gateway.clients == (1,))
            gateway.set_quote("AAPL", "150.00", "150.01")
            writer.close()
            await writer.wait_closed()
            return version

    assert asyncio.run(program()) == b"178"


def test_a_port_in_use_is_an_error_and_leaves_nothing(gateway):
    second = SimulatedGateway(port=gateway.port)
    with pytest.raises(OSError, match="in use"):
        second.start()
    assert len(gateway_threads()) == 1
    second.stop()
    with OrderClient(gateway) as client:
        assert client.is_served()


def test_calls_of_many_threads_each_have_happened_when_they_return(gateway):
    def orders():
        for number in range(25):
            perm_id = gateway.submit_foreign("AAPL", BUY, 1, "1.00")
            if number % 2:
                gateway.call(lambda venue, perm_id=perm_id: venue.cancel_perm(perm_id))
            mine = [order for order in gateway.orders() if order.perm_id == perm_id]
            assert mine[0].is_done is bool(number % 2)

    threads = [threading.Thread(target=orders) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(gateway.orders()) == 200
    assert sum(order.is_done for order in gateway.orders()) == 96


def test_stopping_while_others_call_hangs_nobody():
    def ask(gateway, answers):
        answers.extend(gateway.clients for _ in range(50))

    for _ in range(20):
        gateway = SimulatedGateway()
        gateway.start()
        answers = []
        threads = [threading.Thread(target=ask, args=(gateway, answers)) for _ in range(4)]
        for thread in threads:
            thread.start()
        gateway.stop()
        for thread in threads:
            thread.join()
        assert answers == [()] * 200


def test_what_a_call_raises_is_raised_where_it_was_called(gateway):
    with pytest.raises(ZeroDivisionError):
        gateway.call(lambda venue: len(venue.accounts) / 0)
    with pytest.raises(ValidationError, match="NOSUCH is not listed"):
        gateway.set_quote("NOSUCH", 1, 2)
    with pytest.raises(TypeError, match="bid is an int, a Decimal or a string"):
        gateway.set_quote("AAPL", 1.5, 2)
    with pytest.raises(ValidationError, match="0 live orders have the id or reference 'mine'"):
        gateway.fill("mine")
    with pytest.raises(ValidationError, match="the venue refuses it: 200: No security"):
        gateway.submit_manual("NOSUCH", BUY, 1)


def test_a_listener_may_use_the_handle_on_the_gateways_own_thread(gateway):
    seen = []

    class Greedy:
        def __getattr__(self, name):
            return lambda *_: seen.append((name, len(gateway.orders())))

    gateway.call(lambda venue: venue.listeners.append(Greedy()))
    with OrderClient(gateway) as client:
        client.order(1, BUY, 1, "1.00")
        client.hear()
    assert ("order_changed", 1) in seen


def test_defects_of_ours_end_one_connection_and_are_raised_at_the_stop():
    gateway = SimulatedGateway()

    class Broken:
        def __getattr__(self, name):
            raise RuntimeError(f"no {name}")

    gateway.start()
    with OrderClient(gateway) as client, OrderClient(gateway, 2) as other:
        gateway.call(lambda venue: venue.listeners.append(Broken()))
        client.order(1, BUY, 1, "1.00")
        client.hear()
        assert client.is_closed
        assert other.is_served()
    with pytest.raises(ExceptionGroup) as raised:
        gateway.stop()
    assert [str(error) for error in raised.value.exceptions] == ["no order_changed"]
    gateway.stop()


def test_a_quote_in_the_past_is_not_told_and_a_change_is(gateway):
    with OrderClient(gateway) as client:
        client.quotes(7)
        client.hear()
        gateway.set_quote("AAPL", "150.00", "150.01", bid_size=3, ask_size=4, last="150.01")
        told = client.hear()
        assert ["1", "6", "7", "1", "150", "3", "0"] in told
        assert ["1", "6", "7", "2", "150.01", "4", "0"] in told
        gateway.set_quote("AAPL", "150.00", "150.01", bid_size=3, ask_size=5, last="150.01")
        sizes = [fields for fields in client.hear() if fields[0] != "46"]
        assert sizes == [["2", "6", "7", "3", "5"]]
        gateway.withdraw_quote("AAPL")
        gone = [fields[3:6] for fields in client.hear() if fields[0] == "1"]
        assert gone == [["1", "-1", "0"], ["2", "-1", "0"]]
        client.say(2, 1, 7)
        assert client.hear() == []
        gateway.set_quote("AAPL", "151.00", "151.01")
        assert client.hear() == []


def test_manual_orders_are_told_to_client_0_that_binds_them(gateway):
    with OrderClient(gateway, 0) as tws, OrderClient(gateway, 5) as other:
        gateway.submit_manual("AAPL", BUY, 3, "100.00")
        assert tws.hear() == []
        tws.say(15, 1, 1)
        tws.hear()
        perm_id = gateway.submit_manual("AAPL", BUY, 4, "101.00")
        told = tws.hear()
        assert [fields[:2] for fields in told] == [["5", "-2"], ["3", "-2"]] * 2
        assert told[1][6] == str(perm_id)
        other.say(ALL_OPEN, 1)
        assert [fields[1] for fields in other.hear() if fields[0] == "5"] == ["0", "0"]
        tws.cancel(-2)
        assert [fields[3] for fields in tws.hear() if fields[0] == "4"] == ["202"]
        other.say(15, 1, 1)
        assert [fields[3] for fields in other.hear() if fields[0] == "4"] == ["321"]


def test_orders_of_a_foreign_client_are_told_to_it_if_it_is_there(gateway):
    with OrderClient(gateway, 77) as foreign, OrderClient(gateway, 1) as mine:
        gateway.submit_foreign("AAPL", BUY, 3, "100.00")
        assert [fields[0] for fields in foreign.hear()] == ["5", "3", "5", "3"]
        assert mine.hear() == []
        mine.cancel(1)
        assert [fields[3] for fields in mine.hear()] == ["10147"]


def test_clients_trade_with_each_other(gateway):
    gateway.withdraw_quote("AAPL")
    with OrderClient(gateway, 1) as seller, OrderClient(gateway, 2) as buyer:
        seller.order(1, SELL, 10, "50.00")
        seller.hear()
        buyer.order(1, BUY, 4, "51.00")
        bought = [fields for fields in buyer.hear() if fields[0] == "11"]
        sold = [fields for fields in seller.hear() if fields[0] == "11"]
    assert [(fields[18], fields[19], fields[20]) for fields in bought] == [("BOT", "4", "50")]
    assert [(fields[18], fields[19], fields[20]) for fields in sold] == [("SLD", "4", "50")]


def test_a_second_client_of_one_id_is_refused_and_the_first_one_stays(gateway):
    with OrderClient(gateway, 3) as first, RawClient(gateway.port) as second:
        second.send(handshake() + frame([71, 2, 3, ""]))
        second.receive()
        assert second.receive()[:4] == ["4", "2", "-1", "326"]
        assert second.receive() is None
        assert first.is_served()
        assert gateway.clients == (3,)


def test_an_id_is_free_again_when_its_client_has_gone(gateway):
    for _ in range(20):
        with OrderClient(gateway, 3):
            pass
        until(lambda: gateway.clients == ())


def test_order_numbers_survive_a_reconnect(gateway):
    with OrderClient(gateway, 3) as client:
        client.order(8, BUY, 1, "1.00")
        client.hear()
    until(lambda: gateway.clients == ())
    with OrderClient(gateway, 3) as client:
        client.say(8, 1, 1)
        assert client.hear() == [["9", "1", "9"]]


@pytest.mark.parametrize(
    ("versions", "answer"),
    [
        ("v157..178", "178"),
        ("v100..157", "157"),
        ("v157..163", "163"),
        ("v178..225", "178"),
        ("v170", "170"),
        ("v100..156", None),
        ("v179..225", None),
        ("v178..157", None),
        ("nonsense", None),
    ],
)
def test_versions(gateway, versions, answer):
    with RawClient(gateway.port) as client:
        client.send(handshake(versions))
        assert (client.receive() or [None])[0] == answer


def test_a_gateway_of_an_older_version():
    with SimulatedGateway(max_version=163) as gateway, RawClient(gateway.port) as client:
        client.send(handshake())
        assert client.receive()[0] == "163"


def test_more_connections_than_tws_takes_are_closed(gateway):
    clients = [OrderClient(gateway, number) for number in range(MOST_CONNECTIONS)]
    with RawClient(gateway.port) as late:
        late.send(handshake())
        assert late.receive() is None
    assert len(gateway.clients) == MOST_CONNECTIONS
    clients.pop().close()
    until(lambda: len(gateway.clients) == MOST_CONNECTIONS - 1)
    with OrderClient(gateway, 99) as client:
        assert client.is_served()
    for client in clients:
        client.close()


def test_a_client_that_does_not_read_is_cut_off_and_blocks_nobody(gateway):
    with OrderClient(gateway, 1) as lazy, OrderClient(gateway, 2) as lively:
        lazy.order(1, BUY, 10_000, "100.00", ref="long" * 10_000)
        lazy.hear()
        (order,) = gateway.orders()
        while 1 in gateway.clients:  # each fill tells it the long reference twice
            gateway.fill(order.perm_id, 1)
            assert lively.is_served()
        assert sum(execution.quantity for execution in gateway.executions()) < 1000


def test_a_client_that_asks_and_does_not_read_is_asked_to_wait(gateway):
    """What it asks is not answered without end into memory, and in the end it is."""
    with OrderClient(gateway, 1) as lazy, OrderClient(gateway, 2) as lively:
        lazy.order(1, BUY, 1, "100.00", ref="long" * 10_000)
        lazy.hear()
        lazy.send(frame([5, 1]) * 600)  # some 50 MB of answers
        time.sleep(0.5)  # by now it would have been cut off
        assert lively.is_served()
        assert lazy.hear_ids().count("53") == 600


def test_a_dead_client_does_not_keep_the_gateway_from_stopping():
    gateway = SimulatedGateway(messages_per_second=None)
    gateway.start()
    lazy = OrderClient(gateway, 1)
    lazy.order(1, BUY, 1, "100.00", ref="long" * 10_000)
    lazy.hear()
    lazy.send(frame([5, 1]) * 600)
    silent = socket.create_connection(("127.0.0.1", gateway.port))
    gateway.stop()
    assert gateway_threads() == []
    lazy.close()
    silent.close()


def test_a_client_that_comes_while_the_gateway_stops_does_not_keep_it():
    gateway = SimulatedGateway()
    for _ in range(100):
        gateway.start()
        with RawClient(gateway.port) as client:
            client.send(handshake() + frame([71, 2, 1, ""]))
            gateway.stop()
            while client.receive() is not None:
                pass
    assert gateway.clients == ()


def test_garbage_of_one_client_is_its_own_affair(gateway):
    with OrderClient(gateway, 1) as good:
        for garbage in (b"GET / HTTP/1.1\r\n\r\n", b"API\0\xff\xff\xff\xff", b"API\0\0\0\0\0", b""):
            with RawClient(gateway.port) as bad:
                bad.send(garbage)
                bad.socket.shutdown(socket.SHUT_WR)
                assert bad.receive() is None
        with OrderClient(gateway, 2) as bad:
            bad.say("three", 1, 2)
            bad.say(3, 9, "AAPL")
            bad.say(6, 2, "yes", "")
            bad.say()
            bad.send(b"\0\0\0\3abc")
            assert [(fields[2], fields[3]) for fields in bad.hear()] == [
                ("-1", "320"),
                ("9", "320"),
                ("-1", "320"),
                ("-1", "320"),
                ("-1", "320"),
            ]
        assert good.is_served()


def test_nothing_is_done_for_a_client_that_has_not_started(gateway):
    with RawClient(gateway.port) as client:
        client.send(handshake() + frame([61, 1]) + frame([49, 1]))
        client.receive()
        assert client.receive()[3] == "504"
        assert client.receive()[3] == "504"
        client.send(frame([71, 2, 1, ""]))
        assert client.until("9") == ["9", "1", "1"]
        client.send(frame([71, 2, 2, ""]))
        assert gateway.clients == (1,)


def test_the_log_has_every_message_in_its_order(gateway):
    with OrderClient(gateway, 4) as client:
        client.say(8, 1, 1)
        client.hear()
    log = [message for message in gateway.log if message.client_id == 4]
    assert [(message.incoming, message.fields[0]) for message in log][-4:] == [
        (True, "8"),
        (False, "9"),
        (True, "49"),
        (False, "49"),
    ]
    assert gateway.messages(8) == gateway.messages(8, incoming=True, client_id=4)
    assert gateway.messages(8)[0].fields == ("8", "1", "1")
    assert gateway.messages(8, incoming=False) == ()
    assert [message.time for message in log] == sorted(message.time for message in log)


def test_the_log_keeps_the_latest_messages():
    log = MessageLog(limit=2)
    for number in ("1", "2", "3"):
        log.received(7, [number, ""], 0.0)
    assert [message.fields for message in select(log.entries())] == [("2", ""), ("3", "")]


def test_the_log_is_written_to_a_file(tmp_path):
    path = tmp_path / "messages.jsonl"
    for _ in range(2):
        with SimulatedGateway(client_log=path) as gateway, OrderClient(gateway, 4) as client:
            client.say(8, 1, 1)
            client.hear()
    lines = path.read_text().splitlines()
    assert lines.count('{"client": 4, "says": ["8", "1", "1"]}') == 2
    assert lines.count('{"client": 4, "hears": ["9", "1", "1"]}') == 4


def test_quotes_that_cannot_be_read_any_more_are_complained_of_once(tmp_path, caplog):
    path = tmp_path / "quotes.csv"
    path.write_text("symbol,bid,ask\nAAPL,150.00,150.01\n")
    with SimulatedGateway(Venue(()), quotes=path) as gateway:
        path.unlink()
        until(lambda: caplog.records)
        time.sleep(0.5)  # it looks every 0.2 seconds
        assert gateway.call(lambda venue: venue.top("AAPL")).bid == 150
        aside = tmp_path / "aside"
        aside.write_text("symbol,bid,ask\nAAPL,151.00,151.01\n")
        aside.rename(path)
        until(lambda: gateway.call(lambda venue: venue.top("AAPL")).bid == 151)
    (record,) = caplog.records
    assert record.getMessage().startswith("the quotes stay as they are: [Errno 2]")


def test_dropping_and_refusing(gateway):
    with OrderClient(gateway, 1) as one, OrderClient(gateway, 2) as two:
        gateway.drop(1)
        assert one.hear() == []
        assert one.is_closed
        assert two.is_served()
        gateway.refuse(600)
        gateway.refuse(600)
        two.hear()
        assert two.is_closed
        with pytest.raises(ConnectionRefusedError):
            OrderClient(gateway, 2)
    gateway.stop()
    with pytest.raises(ConnectionRefusedError):
        OrderClient(gateway, 2)


def test_a_client_that_floods_is_told_and_then_cut():
    with (
        SimulatedGateway(clock=StandingClock(), messages_per_second=10) as gateway,
        RawClient(gateway.port) as client,
    ):
        client.start(1)
        client.send(frame([81, 1, "AA"]) * 1000)
        told = []
        while (fields := client.receive()) is not None:
            told.append(fields)
    assert [fields[4] for fields in told if fields[3] == "100"] == [
        f"Max rate of messages per second has been exceeded:max=10 rec=11 ({violation})"
        for violation in (1, 2, 3)
    ]
    assert len(told) < 100


def test_an_order_too_many_is_dropped():
    with SimulatedGateway(messages_per_second=5) as gateway, OrderClient(gateway) as client:
        for number in range(1, 101):
            client.order(number, BUY, 1, "100.00")
        assert len([each for each in client.hear_until("none") if each[3:4] == ["100"]]) == 3
        numbers = [order.order_id for order in gateway.orders()]
    # The third one that was dropped came after the last that was taken.
    assert len(set(range(1, numbers[-1])) - set(numbers)) == 2


def test_time_is_moved_and_what_is_due_happens():
    clock = StandingClock()
    with SimulatedGateway(clock=clock) as gateway, OrderClient(gateway) as client:
        form = OrderForm(
            action=BUY,
            quantity=Decimal(1),
            order_type="LMT",
            limit_price=Decimal(1),
            tif="GTD",
            good_till_date="20261123-15:00:30",
        )
        key = ContractKey(symbol="AAPL", exchange="SMART")
        gateway.call(lambda venue: venue.place(1, 1, key, form))
        client.hear()
        gateway.advance(29)
        assert client.hear() == []
        gateway.advance(1)
        assert [fields[0] for fields in client.hear()] == ["5", "3", "4"]


class Stumbling(VenueListener):
    """Fails once."""

    has_failed = False

    def top_changed(self, contract):
        if not self.has_failed:
            self.has_failed = True
            raise ArithmeticError(contract.symbol)


def test_a_defect_is_not_the_last_look_at_the_quotes(tmp_path):
    quotes = tmp_path / "quotes.csv"
    set_quotes(quotes, "symbol,bid,ask\nAAPL,100,101\n")
    gateway = SimulatedGateway(quotes=quotes)
    gateway.start()
    gateway.call(lambda venue: venue.listeners.append(Stumbling()))
    for bid in (102, 104):
        set_quotes(quotes, f"symbol,bid,ask\nAAPL,{bid},{bid + 1}\n")
        until(lambda bid=bid: gateway.call(lambda venue: venue.top("AAPL")).bid == bid)
    with pytest.raises(ExceptionGroup) as failed:
        gateway.stop()
    assert [str(each) for each in failed.value.exceptions] == ["AAPL"]


def test_only_a_clock_of_ones_own_can_be_moved(gateway):
    with pytest.raises(ValidationError, match="a clock of yours"):
        gateway.advance(1)


def test_settings_that_cannot_be():
    with pytest.raises(ValidationError, match="max_version is 157 to 178, got 201"):
        SimulatedGateway(max_version=201)
    with pytest.raises(ValidationError, match="messages_per_second is at least 1, or None, got 0"):
        SimulatedGateway(messages_per_second=0)


def test_a_venue_of_ones_own():
    venue = Venue(cash={"DU1": Decimal(500), "DU2": Decimal(700)})
    with SimulatedGateway(venue) as gateway, OrderClient(gateway) as client:
        client.say(17, 1)
        assert client.hear() == [["15", "1", "DU1,DU2"]]
