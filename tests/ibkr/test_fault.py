"""Each fault of the menu, as a client sees it on the wire."""

from decimal import Decimal

import pytest
from tests.ibkr.order_client import ALL_OPEN, COMPLETED, OPEN_ORDERS, OrderClient
from tests.ibkr.raw_client import RawClient, frame, handshake

from nanobook_core.errors import ValidationError
from nanobook_ibkr.simulator import Fault, SimulatedGateway

BUY, SELL = "BUY", "SELL"
STATUS, OPEN_ORDER, EXECUTION, COMMISSION, ERROR = "3", "5", "11", "59", "4"
OF_ORDERS = {STATUS, OPEN_ORDER, EXECUTION, COMMISSION}
#: What an order that fills at once is answered with: accepted, sent to the market, filled.
FILLED = ["5", "3", "5", "3", "11", "5", "3", "3", "59"]
RESTS = ["5", "3", "5", "3"]


@pytest.fixture
def gateway():
    with SimulatedGateway(messages_per_second=None) as running:
        running.set_quote("AAPL", "184.98", "185.00")
        yield running


@pytest.fixture
def client(gateway):
    with OrderClient(gateway) as connected:
        yield connected


def again(gateway):
    """The same client, once the gateway has seen that its connection is gone."""
    while gateway.clients:
        pass
    return OrderClient(gateway)


def errors(messages):
    return [(fields[2], fields[3]) for fields in messages if fields[0] == ERROR]


def ids(messages, wanted=OF_ORDERS):
    return [fields[0] for fields in messages if fields[0] in wanted]


def test_without_a_fault_an_order_is_answered_as_by_tws(client):
    client.order(1, BUY, 10, "185.00")
    messages = client.hear()
    assert ids(messages) == FILLED
    assert [fields[2] for fields in messages if fields[0] == STATUS] == [
        "PreSubmitted",
        "Submitted",
        "Filled",
        "Filled",
    ]
    client.order(2, BUY, 10, "180.00")
    assert ids(client.hear()) == RESTS


def test_drop_before_accept(gateway, client):
    gateway.inject(Fault.DROP_BEFORE_ACCEPT)
    client.order(1, BUY, 10, "180.00")
    assert client.hear() == []
    assert client.is_closed
    assert gateway.orders() == ()


def test_drop_after_accept(gateway, client):
    gateway.inject(Fault.DROP_AFTER_ACCEPT)
    client.order(1, BUY, 10, "180.00", ref="mine")
    assert client.hear() == []
    assert client.is_closed
    (order,) = gateway.orders()
    assert order.form.order_ref == "mine"
    with again(gateway) as other:
        other.say(OPEN_ORDERS, 1)
        assert ids(other.hear()) == ["5", "3"]


def test_what_a_dead_connection_is_not_told_is_no_occasion(gateway, client):
    gateway.inject(Fault.DROP_AFTER_ACCEPT)
    gateway.inject(Fault.DUPLICATE_MESSAGES)
    client.order(1, BUY, 10, "180.00")
    assert client.hear() == []
    with again(gateway) as other:
        other.order(2, BUY, 10, "180.00")
        assert ids(other.hear()) == [number for number in RESTS for _ in range(2)]


def test_drop_mid_fill(gateway, client):
    gateway.set_quote("AAPL", "184.98", "185.00", ask_size=4)
    gateway.inject(Fault.DROP_MID_FILL)
    client.order(1, BUY, 10, "185.00")
    assert ids(client.hear()) == ["5", "3", "5", "3", "11"]
    assert client.is_closed
    (order,) = gateway.orders()
    assert (order.filled, order.status) == (4, "Submitted")


def test_drop_mid_fill_waits_for_a_fill(gateway, client):
    gateway.inject(Fault.DROP_MID_FILL)
    client.order(1, BUY, 10, "180.00")
    assert ids(client.hear()) == RESTS
    gateway.fill(1853000001, 3)
    assert ids(client.hear()) == ["11"]
    assert client.is_closed


@pytest.mark.parametrize("limit", ["180.00", "185.00"])
def test_fill_while_away(gateway, client, limit):
    gateway.inject(Fault.FILL_WHILE_AWAY)
    client.order(1, BUY, 10, limit)
    assert ids(client.hear()) == RESTS
    assert client.is_closed
    (order,) = gateway.orders()
    assert order.status == "Filled"
    with again(gateway) as other:
        other.say(7, 3, 5, 0, "", "", "", "", "", "")
        messages = other.hear()
    assert ids(messages) == ["11", "59"]


def test_duplicate_messages(gateway, client):
    gateway.inject(Fault.DUPLICATE_MESSAGES)
    client.order(1, BUY, 10, "185.00")
    heard = client.hear()
    assert ids(heard) == [number for number in FILLED for _ in range(2)]
    executions = [fields for fields in heard if fields[0] == EXECUTION]
    assert executions[0] == executions[1]
    client.order(2, BUY, 10, "180.00")
    assert ids(client.hear()) == RESTS


def test_execution_before_status(gateway, client):
    gateway.inject(Fault.EXECUTION_BEFORE_STATUS)
    client.order(1, BUY, 10, "185.00")
    assert ids(client.hear()) == ["11", "59", "5", "3", "5", "3", "5", "3", "3"]


def test_commission_late(gateway, client):
    gateway.inject(Fault.COMMISSION_LATE, seconds=600)
    gateway.inject(Fault.COMMISSION_LATE, seconds=0.05)
    client.order(1, BUY, 10, "185.00")
    assert ids(client.hear()) == [each for each in FILLED if each != COMMISSION]
    client.order(2, BUY, 10, "185.00")
    assert client.until(COMMISSION)[2] == "0000e0d5.00000002.01.01"


def test_a_late_commission_is_told_to_the_next_connection(gateway, client):
    gateway.inject(Fault.COMMISSION_LATE, seconds=1.0)
    client.order(1, BUY, 10, "185.00")
    client.hear()
    gateway.drop()
    with again(gateway) as other:
        assert ids(other.hear_until(COMMISSION)) == ["59"]


def test_commission_never(gateway, client):
    gateway.inject(Fault.COMMISSION_NEVER)
    for number in (1, 2):
        client.order(number, BUY, 10, "185.00")
    assert ids(client.hear(), {EXECUTION, COMMISSION}) == ["11", "11", "59"]
    client.say(7, 3, 5, 0, "", "", "", "", "", "")
    assert ids(client.hear()) == ["11", "11", "59"]
    gateway.clear_faults()
    client.say(7, 3, 5, 0, "", "", "", "", "", "")
    assert ids(client.hear()) == ["11", "11", "59", "59"]


def test_status_reordered(gateway, client):
    gateway.inject(Fault.STATUS_REORDERED)
    client.order(1, BUY, 10, "185.00")
    messages = client.hear()
    assert [fields[2] for fields in messages if fields[0] == STATUS] == [
        "Filled",
        "Filled",
        "Submitted",
        "PreSubmitted",
    ]
    assert ids(messages) == FILLED


@pytest.mark.parametrize(
    ("how", "quantity", "price"),
    [
        ({}, "10", "185.01"),
        ({"quantity": 9}, "9", "185"),
        ({"price": Decimal("185.02")}, "10", "185.02"),
    ],
)
def test_correction(gateway, client, how, quantity, price):
    gateway.inject(Fault.CORRECTION, **how)
    client.order(1, BUY, 10, "185.00")
    first, second = [
        fields
        for fields in client.hear_until(COMMISSION) + client.hear_until(COMMISSION)
        if fields[0] == EXECUTION
    ]
    assert (first[14], first[19], first[20]) == ("0000e0d5.00000001.01.01", "10", "185")
    assert (second[14], second[19], second[20]) == ("0000e0d5.00000001.01.02", quantity, price)
    (execution,) = gateway.executions()
    assert execution.exec_id == "0000e0d5.00000001.01.02"


def test_link_lost_data_kept(gateway, client):
    gateway.inject(Fault.LINK_LOST_DATA_KEPT, seconds=0.1)
    client.order(1, BUY, 10, "185.00")
    heard = client.hear_until(COMMISSION)
    assert errors(heard) == [("-1", "1100"), ("-1", "1102")]
    assert [fields[0] for fields in heard if fields[0] in OF_ORDERS | {ERROR}] == [
        "4",
        "4",
        *FILLED,
    ]


def test_link_lost_data_lost(gateway, client):
    client.quotes(7)
    client.hear()
    gateway.inject(Fault.LINK_LOST_DATA_LOST, seconds=0.1)
    client.order(1, BUY, 10, "185.00")
    heard = client.hear_until(ERROR) + client.hear_until(ERROR)
    assert errors(heard) == [("-1", "1100"), ("-1", "1101")]
    gateway.set_quote("AAPL", "190.00", "190.01")
    assert client.hear() == []
    (order,) = gateway.orders()
    assert order.status == "Filled"


def test_requests_wait_for_the_link_and_news_too(gateway, client):
    client.order(1, BUY, 10, "180.00")
    client.hear()
    gateway.link_down()
    client.order(2, BUY, 10, "181.00")
    client.cancel(1)
    gateway.fill(1853000001, 4)
    client.quotes(7, snapshot=True)
    assert errors(client.hear()) == [("-1", "1100")]
    assert [order.order_id for order in gateway.orders()] == [1]
    with OrderClient(gateway, 2) as other:
        assert gateway.messages(4, client_id=2)[-1].fields[3] == "1100"
        assert other.is_served()
    gateway.link_up()
    heard = client.hear()
    assert [fields[0] for fields in heard][:2] == ["4", "11"]
    assert errors(heard) == [("-1", "1102"), ("1", "202")]
    assert [(order.order_id, order.status) for order in gateway.orders()] == [
        (1, "Cancelled"),
        (2, "Submitted"),
    ]
    assert heard[-1][0] == "57"


def test_nobody_who_subscribed_is_told_anything_without_a_link(gateway, client):
    client.quotes(7)
    client.say(61, 1)
    client.say(6, 2, 1, "")
    client.hear()
    gateway.link_down()
    gateway.link_down()
    assert errors(client.hear()) == [("-1", "1100")]
    gateway.set_quote("AAPL", "190.00", "190.01")
    gateway.submit_foreign("AAPL", BUY, 3)
    assert client.hear() == []
    gateway.link_up()
    gateway.link_up()
    messages = client.hear()
    assert errors(messages) == [("-1", "1102")]
    assert ticks(messages)["1"] == "190"
    assert {"61", "7", "6"} < {fields[0] for fields in messages}


def test_a_gateway_that_ends_forgets_what_waited_for_the_link(gateway):
    with OrderClient(gateway) as client:
        gateway.link_down()
        client.order(1, BUY, 10, "180.00")
        client.hear()
        gateway.stop()
    gateway.start()
    gateway.link_up()
    assert gateway.orders() == ()


def test_port_refused(gateway, client):
    gateway.inject(Fault.PORT_REFUSED, seconds=1.0)
    client.order(1, BUY, 10, "180.00")
    assert client.hear() == []
    assert client.is_closed
    assert gateway.orders() == ()
    with pytest.raises(ConnectionRefusedError):
        OrderClient(gateway)
    while True:
        try:
            other = OrderClient(gateway)
        except ConnectionRefusedError:
            continue
        break
    with other:
        assert other.is_served()


@pytest.mark.parametrize(
    ("number", "message"),
    [
        (61, (61, 1)),
        (5, (5, 1)),
        (99, (99, 0)),
        (6, (6, 2, 1, "DU1234567")),
        (76, (76, 1, 9, "DU1234567", "", 0)),
        (7, (7, 3, 9, 0, "", "", "", "", "", "")),
        (9, (9, 8, 9, 265598, *[""] * 11, 0, "", "", "")),
        (1, (1, 11, 9, 265598, *[""] * 11, 0, "", 1, 0, "")),
        (8, (8, 1, 1)),
        (17, (17, 1)),
        (16, (16, 1)),
        (62, (62, 1, 9, "All", "NetLiquidation")),
        (91, (91, 26)),
        (81, (81, 9, "AA")),
    ],
)
def test_silent(gateway, client, number, message):
    gateway.inject(Fault.SILENT, request=number)
    client.say(*message)
    assert client.hear() == []
    client.say(*message)
    assert client.hear() != []


def test_silent_orders_and_cancels_change_nothing(gateway, client):
    gateway.inject(Fault.SILENT, request=3)
    client.order(1, BUY, 10, "180.00")
    assert client.hear() == []
    assert gateway.orders() == ()
    client.order(1, BUY, 10, "180.00")
    gateway.inject(Fault.SILENT, request=4)
    client.cancel(1)
    assert ids(client.hear()) == RESTS


def test_split_frames(gateway, client):
    gateway.inject(Fault.SPLIT_FRAMES)
    client.order(1, BUY, 10, "185.00")
    client.socket.settimeout(20)
    pieces = []
    while sum(map(len, pieces)) < 1000:
        pieces.append(client.socket.recv(65536))
    sizes = [int.from_bytes(piece[:4], "big") + 4 for piece in pieces]
    assert len(pieces[0]) < sizes[0]


def test_a_client_understands_split_frames(gateway, client):
    gateway.inject(Fault.SPLIT_FRAMES)
    client.order(1, BUY, 10, "185.00")
    assert ids(client.hear()) == FILLED


def test_merged_frames(gateway, client):
    gateway.inject(Fault.MERGED_FRAMES)
    client.order(1, BUY, 10, "180.00")
    client.order(2, BUY, 10, "181.00")
    client.say(17, 1)
    data = client.socket.recv(65536)
    numbers = []
    while data:
        size = int.from_bytes(data[:4], "big")
        numbers.append(data[4 : 4 + size].split(b"\0")[0].decode())
        data = data[4 + size :]
    assert numbers == [*RESTS, *RESTS, "15"]
    gateway.clear_faults()
    assert client.is_served()


def test_merged_frames_are_written_before_the_connection_ends(gateway, client):
    gateway.inject(Fault.MERGED_FRAMES)
    gateway.inject(Fault.DROP_MID_FILL)
    client.order(1, BUY, 10, "185.00")
    assert ids(client.hear()) == ["5", "3", "5", "3", "11"]
    assert client.is_closed


@pytest.mark.parametrize("data", [None, b"\xff\xfe\xfd"])
def test_garbage_frame(gateway, client, data):
    gateway.inject(Fault.GARBAGE_FRAME, **({} if data is None else {"data": data}))
    client.order(1, BUY, 10, "180.00")
    size = int.from_bytes(client.socket.recv(4), "big")
    garbage = client.socket.recv(size)
    assert garbage == (data or b"\x13\xff\xfenot a message\x00\x80\x00\x00")
    assert ids(client.hear()) == RESTS


def test_unknown_message(gateway, client):
    gateway.inject(Fault.UNKNOWN_MESSAGE)
    client.order(1, BUY, 10, "180.00")
    assert client.hear_ids() == ["999", *RESTS]


def test_pacing_cut(gateway, client):
    gateway.inject(Fault.PACING_CUT)
    client.order(1, BUY, 10, "180.00")
    assert errors(client.hear()) == [("-1", "100")] * 3
    assert client.is_closed
    assert gateway.orders() == ()


def test_read_only(gateway, client):
    client.order(1, BUY, 10, "180.00")
    client.hear()
    gateway.inject(Fault.READ_ONLY)
    client.order(2, BUY, 10, "180.00")
    client.cancel(1)
    client.say(OPEN_ORDERS, 1)
    client.say(ALL_OPEN, 1)
    client.say(COMPLETED, 0)
    messages = client.hear()
    refused = [("2", "321"), ("1", "321"), ("-1", "321"), ("-1", "321"), ("-1", "321")]
    assert errors(messages) == refused
    assert "Read-Only" in messages[0][4]
    assert len(messages) == 5
    gateway.clear_faults()
    client.say(ALL_OPEN, 1)
    assert ids(client.hear()) == ["5", "3"]
    client.cancel(1)
    assert errors(client.hear()) == [("1", "202")]


def test_client_id_in_use(gateway):
    gateway.inject(Fault.CLIENT_ID_IN_USE)
    with RawClient(gateway.port) as client:
        client.send(handshake() + frame([71, 2, 1, ""]))
        client.receive()
        assert client.receive()[:4] == ["4", "2", "-1", "326"]
        assert client.receive() is None
    with again(gateway) as other:
        assert other.is_served()


@pytest.mark.parametrize(
    ("code", "is_told_of", "text"),
    [
        (201, False, "Order rejected"),
        (200, False, "No security definition"),
        (203, False, "not available"),
        (110, False, "minimum price variation"),
        (103, False, "Duplicate order id"),
        (104, False, "Cannot modify"),
        (321, False, "Error validating"),
        (434, False, "cannot be zero"),
        (404, True, "located"),
        (399, True, "Warning"),
        (2109, True, "ignored"),
        (10349, True, "TIF was set to DAY"),
    ],
)
def test_reject(gateway, client, code, is_told_of, text):
    gateway.inject(Fault.REJECT, code=code)
    client.order(1, BUY, 10, "180.00")
    messages = client.hear()
    assert ids(messages) == (RESTS if is_told_of else [])
    assert errors(messages) == [("1", str(code))]
    assert text in messages[-1][4]
    assert [order.status for order in gateway.orders()] == (["Submitted"] if is_told_of else [])


@pytest.mark.parametrize("code", [161, 10147, 10148])
def test_reject_of_a_cancel(gateway, client, code):
    gateway.inject(Fault.REJECT, code=code)
    client.order(1, BUY, 10, "180.00")
    assert ids(client.hear()) == RESTS
    client.cancel(1)
    assert errors(client.hear()) == [("1", str(code))]
    client.cancel(1)
    assert errors(client.hear()) == [("1", "202")]


def test_reject_says_what_it_is_told_to_say(gateway, client):
    gateway.inject(Fault.REJECT, text="no {more} of it")
    client.order(1, BUY, 10, "180.00")
    assert client.hear()[0][2:5] == ["1", "201", "no {more} of it"]


def test_manual_order(gateway, client):
    gateway.inject(Fault.MANUAL_ORDER, side=SELL, quantity=Decimal(3), limit=Decimal("190.00"))
    client.order(1, BUY, 10, "180.00")
    assert ids(client.hear()) == RESTS
    manual, mine = gateway.orders()
    assert (manual.client_id, manual.order_id, manual.form.order_ref) == (0, -1, "")
    assert (manual.form.action, manual.form.quantity) == (SELL, 3)
    client.say(ALL_OPEN, 1)
    opened = [fields for fields in client.hear() if fields[0] == OPEN_ORDER]
    assert [fields[1] for fields in opened] == ["0", "1"]
    assert mine.order_id == 1


def test_foreign_order(gateway, client):
    gateway.inject(Fault.FOREIGN_ORDER)
    client.order(1, BUY, 10, "180.00")
    assert ids(client.hear()) == RESTS
    foreign, _ = gateway.orders()
    assert (foreign.client_id, foreign.order_id, foreign.form.limit_price) == (
        77,
        1,
        Decimal("0.01"),
    )


def test_order_id_jump(gateway, client):
    gateway.inject(Fault.ORDER_ID_JUMP, by=500)
    client.order(1, BUY, 10, "180.00")
    messages = client.hear()
    assert messages[0] == ["9", "1", "501"]
    assert errors(messages) == [("1", "103")]
    client.order(501, BUY, 10, "180.00")
    assert ids(client.hear()) == RESTS


def ticks(messages):
    """Type and value of every tick."""
    return {fields[3]: fields[4] for fields in messages if fields[0] in ("1", "2", "45", "46")}


def test_halted(gateway, client):
    gateway.inject(Fault.HALTED, kind=2)
    client.quotes(7)
    assert ticks(client.hear())["49"] == "2"
    gateway.resume("AAPL")
    assert ticks(client.hear())["49"] == "0"


def test_missing_bid(gateway, client):
    gateway.inject(Fault.MISSING_BID)
    client.quotes(7, snapshot=True)
    messages = client.hear()
    (bid,) = [fields for fields in messages if fields[0] == "1" and fields[3] == "1"]
    assert bid[4:6] == ["-1", "0"]
    assert ticks(messages)["2"] == "185"


def test_delayed_data(gateway, client):
    gateway.inject(Fault.DELAYED_DATA)
    client.quotes(7)
    assert errors(client.hear()) == [("7", "354")]
    client.say(59, 1, 3)
    client.quotes(8)
    messages = client.hear()
    assert errors(messages) == [("8", "10167")]
    assert ["58", "1", "8", "3"] in messages
    assert (ticks(messages)["66"], ticks(messages)["67"]) == ("184.98", "185")
    gateway.set_quote("AAPL", "186.00", "186.01")
    assert ticks(client.hear())["66"] == "186"
    gateway.clear_faults()
    client.quotes(9)
    assert ticks(client.hear())["1"] == "186"


def test_unknown_tick(gateway, client):
    gateway.inject(Fault.UNKNOWN_TICK)
    client.quotes(7)
    assert "9999" in ticks(client.hear())


def test_no_market_data(gateway, client):
    gateway.inject(Fault.NO_MARKET_DATA)
    client.quotes(7)
    client.quotes(8, snapshot=True)
    assert errors(client.hear()) == [("7", "354"), ("8", "354")]


@pytest.mark.parametrize("limit", ["180.00", "185.00"])
def test_inactive_then_filled(gateway, client, limit):
    gateway.inject(Fault.INACTIVE_THEN_FILLED)
    client.order(1, BUY, 10, limit)
    messages = client.hear()
    if limit == "180.00":
        gateway.fill(1853000001)
    statuses = [fields[2] for fields in messages + client.hear() if fields[0] == STATUS]
    assert statuses == ["PreSubmitted", "Submitted", "Inactive", "Filled", "Filled"]


def test_lost_cancel(gateway, client):
    gateway.inject(Fault.LOST_CANCEL)
    client.order(1, BUY, 10, "180.00")
    client.cancel(1)
    assert ids(client.hear()) == RESTS
    assert gateway.orders()[0].status == "Submitted"
    client.cancel(1)
    assert errors(client.hear()) == [("1", "202")]


def test_a_question_what_if_is_no_order(gateway, client):
    gateway.inject(Fault.DROP_BEFORE_ACCEPT)
    client.order(1, BUY, 10, "180.00", what_if=True)
    assert ids(client.hear()) == ["5"]


def test_faults_pass_over_and_repeat_as_they_are_told(gateway, client):
    gateway.inject(Fault.REJECT, after=1, times=2)
    for number in range(1, 5):
        client.order(number, BUY, 10, "180.00")
    assert errors(client.hear()) == [("2", "201"), ("3", "201")]
    assert [order.order_id for order in gateway.orders()] == [1, 4]


def test_each_of_several_faults_counts_all_occasions(gateway, client):
    gateway.inject(Fault.DROP_BEFORE_ACCEPT)
    gateway.inject(Fault.REJECT, after=1)
    client.order(1, BUY, 10, "180.00")
    assert client.hear() == []
    with again(gateway) as other:
        for number in (2, 3):
            other.order(number, BUY, 10, "180.00")
        assert errors(other.hear()) == [("2", "201")]


def test_faults_of_one_kind_happen_one_after_the_other(gateway, client):
    gateway.inject(Fault.REJECT, code=201)
    gateway.inject(Fault.REJECT, code=110)
    for number in (1, 2, 3):
        client.order(number, BUY, 10, "180.00")
    assert errors(client.hear()) == [("1", "201"), ("2", "110")]


@pytest.mark.parametrize(
    ("fault", "how", "message"),
    [
        ("no_such_fault", {}, "no fault 'no_such_fault'; there are drop_before_accept, "),
        (Fault.REJECT, {"cod": 201}, "reject takes code=, text=; got 'cod'"),
        (Fault.MISSING_BID, {"bid": 1}, "missing_bid takes nothing more; got 'bid'"),
        (Fault.SILENT, {}, "silent needs request="),
        (Fault.SILENT, {"request": "61"}, "request is int, got '61'"),
        (Fault.REJECT, {"times": 0}, "times is a whole number from 1, got 0"),
        (Fault.REJECT, {"after": -1}, "after is a whole number from 0, got -1"),
        (Fault.REJECT, {"code": "201"}, "code is int, got '201'"),
        (Fault.GARBAGE_FRAME, {"data": "text"}, "data is bytes, got 'text'"),
        (Fault.PORT_REFUSED, {"seconds": "1"}, "seconds is a number of at least 0, got '1'"),
        (Fault.PORT_REFUSED, {"seconds": -1}, "seconds is a number of at least 0, got -1"),
    ],
)
def test_a_fault_that_cannot_be_is_not_planned(gateway, fault, how, message):
    with pytest.raises(ValidationError, match=message):
        gateway.inject(fault, **how)


@pytest.mark.parametrize("name", [Fault.REJECT, "reject", "REJECT"])
def test_a_fault_is_planned_by_any_of_its_names(gateway, client, name):
    gateway.inject(name, code=201)
    client.order(1, BUY, 10, "180.00")
    assert errors(client.hear()) == [("1", "201")]


def test_completed_orders_are_no_occasion_for_order_faults(gateway, client):
    gateway.inject(Fault.DROP_AFTER_ACCEPT)
    client.say(COMPLETED, 0)
    assert client.hear_ids() == ["102"]


def test_a_fault_meant_for_one_client_happens_to_no_other(gateway, client):
    gateway.inject(Fault.DROP_BEFORE_ACCEPT, client_id=2)
    with OrderClient(gateway, 2) as other:
        client.order(1, BUY, 10, "180.00")
        assert ids(client.hear()) == RESTS
        other.order(1, BUY, 10, "180.00")
        assert other.hear() == []
        assert other.is_closed
    gateway.inject(Fault.CLIENT_ID_IN_USE, client_id=4)
    with OrderClient(gateway, 3) as third:
        assert not third.is_closed


@pytest.mark.parametrize(
    ("how", "said"),
    [
        ({"fault": Fault.MANUAL_ORDER, "side": "buy"}, "side is BUY or SELL, got 'buy'"),
        ({"fault": Fault.REJECT, "text": "a\0b"}, "text has no NUL"),
        ({"fault": Fault.SILENT, "request": 1, "client_id": -1}, "client_id is a whole number"),
    ],
)
def test_what_cannot_be_planned_is_refused_when_it_is(gateway, how, said):
    with pytest.raises(ValidationError, match=said):
        gateway.inject(**how)


def test_a_fault_that_cannot_happen_is_told_by_stop_and_costs_nobody_a_connection():
    gateway = SimulatedGateway(messages_per_second=None)
    gateway.start()
    with OrderClient(gateway) as client:
        gateway.inject(Fault.FOREIGN_ORDER, quantity="0.5")
        client.order(1, BUY, 10, "180.00")
        assert ids(client.hear()) == RESTS
    with pytest.raises(ExceptionGroup) as told:
        gateway.stop()
    (error,) = told.value.exceptions
    assert error.__notes__ == ["a planned fault cannot happen"]


def test_a_read_only_fault_refuses_what_the_setting_does(gateway, client):
    client.order(1, BUY, 10, "180.00")
    client.hear()
    gateway.inject(Fault.READ_ONLY)
    client.say(58, 1)
    client.order(2, BUY, 10, "180.00", what_if=True)
    assert errors(client.hear()) == [("-1", "321"), ("2", "321")]
    assert not gateway.orders()[0].is_done


def test_a_missing_bid_leaves_bids_of_clients_and_the_ask(gateway, client):
    gateway.set_quote("AAPL", "184.98", "190.00", ask_size=300)
    client.order(1, BUY, 10, "180.00")
    client.order(2, SELL, 10, "186.00")
    client.hear()
    gateway.inject(Fault.MISSING_BID)
    client.quotes(7, snapshot=True)
    client.hear()
    gateway.call(lambda venue: venue.cancel_all())
    top = gateway.call(lambda venue: venue.top("AAPL"))
    assert (top.bid, top.ask, top.ask_size) == (None, Decimal(190), Decimal(300))


def test_a_planned_fault_does_not_outlive_the_gateway(gateway):
    gateway.inject(Fault.DROP_BEFORE_ACCEPT)
    gateway.stop()
    gateway.start()
    with OrderClient(gateway) as client:
        client.order(1, BUY, 10, "180.00")
        assert ids(client.hear()) == RESTS
