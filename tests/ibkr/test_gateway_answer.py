"""What the simulated gateway answers to each question, and whom it tells what changes."""

from collections import Counter
from decimal import Decimal

import pytest
from tests.ibkr.order_client import AAPL, OrderClient, StandingClock

from nanobook_ibkr.simulator import SimulatedGateway, Venue
from nanobook_ibkr.simulator.record import ContractDefinition

BUY, SELL = "BUY", "SELL"
ACCOUNT = "DU1234567"


@pytest.fixture
def gateway():
    with SimulatedGateway(messages_per_second=None) as running:
        running.set_quote("AAPL", "184.98", "185.00")
        yield running


@pytest.fixture
def client(gateway):
    with OrderClient(gateway) as connected:
        yield connected


def errors(messages):
    return [(fields[2], fields[3]) for fields in messages if fields[0] == "4"]


def asked(client, *fields):
    client.say(*fields)
    return client.hear()


def executions(client, *, client_id=0, account="", time="", symbol="", kind="", at="", side=""):
    messages = asked(client, 7, 3, 9, client_id, account, time, symbol, kind, at, side)
    assert messages[-1][0] != "55" or messages == [["55", "1", "9"]]
    return [fields[2] for fields in messages if fields[0] == "11"]


def test_a_client_that_starts_is_told_accounts_number_and_farms(gateway):
    with OrderClient(gateway, 1):
        sent = [m.fields for m in gateway.messages(incoming=False) if m.fields[0] != "49"]
    assert [fields[0] for fields in sent] == ["15", "9", "4", "4", "4"]
    assert sent[0] == ("15", "1", ACCOUNT)
    assert [fields[3] for fields in sent[2:]] == ["2104", "2106", "2158"]


def test_the_time(gateway, client):
    client.say(49, 1)
    answered = client.receive()
    now = gateway.call(lambda venue: venue.top("AAPL")).time
    assert abs(int(answered[2]) - now.timestamp()) < 60


def test_contract_details(client):
    messages = asked(client, 9, 8, 5, *AAPL, 0, "", "", "")
    assert [fields[0] for fields in messages] == ["10", "52"]
    assert messages[0][1:4] == ["5", "AAPL", "STK"]
    assert messages[1] == ["52", "1", "5"]


def test_contract_details_of_nothing_and_of_several():
    steps = ((Decimal(0), Decimal("0.01")),)
    twins = [
        ContractDefinition(con_id=1, symbol="TWIN", currency="USD", price_steps=steps),
        ContractDefinition(con_id=2, symbol="TWIN", currency="EUR", price_steps=steps),
    ]
    venue = Venue(twins, rates={"EUR": Decimal("1.1")})
    twin = ["0", "TWIN", "STK", "", "", "", "", "SMART", "", "", "", ""]
    with SimulatedGateway(venue) as gateway, OrderClient(gateway) as client:
        assert errors(asked(client, 9, 8, 5, *AAPL, 0, "", "", "")) == [("5", "200")]
        messages = asked(client, 9, 8, 6, *twin, 0, "", "", "")
        assert [fields[0] for fields in messages] == ["10", "10", "52"]
        client.quotes(7, contract=twin)
        client.order(1, BUY, 1, "1.00", contract=twin)
        assert errors(client.hear()) == [("7", "200"), ("1", "200")]


def test_market_rules(client):
    assert asked(client, 91, 26) == [["93", "26", "1", "0", "0.01"]]
    assert errors(asked(client, 91, 27)) == [("-1", "321")]


def test_matching_symbols(client):
    (answer,) = asked(client, 81, 5, "AAP")
    assert answer[:5] == ["79", "5", "1", "265598", "AAPL"]
    assert asked(client, 81, 5, "NOSUCH") == [["79", "5", "0"]]


def test_ids_and_accounts(client):
    assert asked(client, 8, 1, 1) == [["9", "1", "1"]]
    assert asked(client, 17, 1) == [["15", "1", ACCOUNT]]


def test_a_snapshot_ends_and_a_stream_goes_on(gateway, client):
    client.quotes(5, snapshot=True)
    messages = client.hear()
    assert [fields[0] for fields in messages[:2]] == ["81", "58"]
    assert messages[-1] == ["57", "1", "5"]
    gateway.set_quote("AAPL", "184.00", "184.01")
    assert client.hear() == []
    client.quotes(5)
    assert ["57", "1", "5"] not in client.hear()
    gateway.set_quote("AAPL", "183.00", "183.01")
    assert ["1", "6", "5", "1", "183", "1000", "0"] in client.hear()


def test_a_subscription_that_cannot_be(client):
    client.quotes(5)
    client.hear()
    client.quotes(5)
    assert errors(client.hear()) == [("5", "322")]
    client.say(2, 1, 6)
    assert errors(client.hear()) == [("6", "300")]
    client.quotes(7, contract=["0", "NOSUCH", *AAPL[2:]])
    assert errors(client.hear()) == [("7", "200")]


def test_no_more_than_a_hundred_lines(client):
    for number in range(100):
        client.quotes(number)
    assert errors(client.hear()) == []
    client.quotes(100)
    assert errors(client.hear()) == [("100", "101")]
    client.say(2, 1, 7)
    client.quotes(100)
    assert errors(client.hear()) == []


def test_positions_are_told_and_then_those_that_change(gateway, client):
    assert asked(client, 61, 1) == [["62", "1"]]
    client.order(1, BUY, 10)
    (position,) = [fields for fields in client.hear() if fields[0] == "61"]
    assert (position[4], position[14], position[15]) == ("AAPL", "10", "185.1")
    with OrderClient(gateway, 2) as other:
        assert [fields[0] for fields in asked(other, 61, 1)] == ["61", "62"]
        other.order(1, SELL, 10)
        other.hear()
        (closed,) = [fields for fields in client.hear() if fields[0] == "61"]
        assert closed[14] == "0"
        other.say(64, 1)
        client.order(2, BUY, 5)
        client.hear()
        assert other.hear() == []
        assert [fields[0] for fields in asked(other, 61, 1)] == ["61", "62"]


def test_account_updates_are_told_and_then_what_changes(client):
    messages = asked(client, 6, 2, 1, ACCOUNT)
    values = {(fields[2], fields[4]): fields[3] for fields in messages if fields[0] == "6"}
    assert values["TotalCashValue", "USD"] == "1000000.00"
    assert [fields[0] for fields in messages[-2:]] == ["8", "54"]
    client.order(1, BUY, 10)
    changed = client.hear()
    told = {(fields[2], fields[4]): fields[3] for fields in changed if fields[0] == "6"}
    assert told["TotalCashValue", "USD"] == "998149.00"
    assert ("AccountType", "") not in told
    (held,) = [fields for fields in changed if fields[0] == "7"]
    assert (held[3], held[13]) == ("AAPL", "10")
    assert [fields[0] for fields in changed][-1] == "6"
    client.say(6, 2, 0, ACCOUNT)
    client.order(2, BUY, 10)
    assert {fields[0] for fields in client.hear()} == {"3", "5", "11", "59"}


def test_quotes_move_what_is_held_and_what_the_account_is_worth(gateway, client):
    client.order(1, BUY, 10)
    client.hear()
    asked(client, 6, 2, 1, ACCOUNT)
    asked(client, 61, 1)
    gateway.set_quote("AAPL", "190.00", "190.02", last="190.01")
    told = client.hear()
    (held,) = [fields for fields in told if fields[0] == "7"]
    assert held[13:17] == ["10", "190.01", "1900.1", "185.1"]
    values = {fields[2]: fields[3] for fields in told if fields[0] == "6" and fields[4] == "USD"}
    assert values["NetLiquidation"] == "1000049.10"
    assert values["UnrealizedPnL"] == "49.10"
    assert "61" not in [fields[0] for fields in told]  # the position is as it was
    gateway.set_quote("AAPL", "189.99", "190.03", last="190.01")
    gateway.set_quote("MSFT", "1.00", "1.01")
    assert client.hear() == []


def test_account_updates_of_no_account(client):
    assert errors(asked(client, 6, 2, 1, "DU9")) == [("-1", "321")]
    assert errors(asked(client, 76, 1, 5, "DU9", "", 0)) == [("5", "321")]


def test_account_updates_multi(client):
    messages = asked(client, 76, 1, 5, ACCOUNT, "", 0)
    assert messages[-1] == ["74", "1", "5"]
    assert {tuple(fields[:4]) for fields in messages[:-1]} == {("73", "1", "5", ACCOUNT)}
    client.order(1, BUY, 10)
    changed = [fields[5:7] for fields in client.hear() if fields[0] == "73"]
    assert ["TotalCashValue", "998149.00"] in changed
    assert "AccountType" not in [key for key, _ in changed]
    client.say(77, 1, 5)
    client.order(2, BUY, 10)
    assert "73" not in client.hear_ids()


def test_account_summary(client):
    messages = asked(client, 62, 1, 5, "All", "TotalCashValue,NetLiquidation,NoSuch")
    assert sorted(fields[4:6] for fields in messages[:-1]) == [
        ["NetLiquidation", "1000000.00"],
        ["TotalCashValue", "1000000.00"],
    ]
    assert messages[-1] == ["64", "1", "5"]
    client.order(1, BUY, 10)
    changed = [fields[4:6] for fields in client.hear() if fields[0] == "63"]
    assert ["TotalCashValue", "998149.00"] in changed
    client.say(63, 1, 5)
    client.order(2, BUY, 10)
    assert "63" not in client.hear_ids()


@pytest.mark.parametrize(
    ("ask", "stop"),
    [
        ((76, 1, 5, ACCOUNT, "", 0), (77, 1, 5)),
        ((62, 1, 5, "All", "TotalCashValue,NetLiquidation"), (63, 1, 5)),
        ((6, 2, 1, ACCOUNT), (6, 2, 0, ACCOUNT)),
    ],
)
def test_who_asks_again_is_told_everything_again(client, ask, stop):
    def answer():
        return [fields for fields in asked(client, *ask) if fields[0] != "8"]  # the time of day

    first = answer()
    assert answer() == first
    assert asked(client, *stop) == []
    assert answer() == first


def test_a_summary_has_each_currency_and_no_sum_of_them(client):
    messages = asked(client, 62, 1, 5, "All", "CashBalance")
    assert messages == [
        ["63", "1", "5", ACCOUNT, "CashBalance", "1000000.00", "USD"],
        ["64", "1", "5"],
    ]


LEDGER_LINES = 7


@pytest.mark.parametrize(
    ("tag", "lines"),
    [
        ("$LEDGER", {"BASE": LEDGER_LINES}),
        ("$LEDGER:USD", {"USD": LEDGER_LINES}),
        ("$LEDGER:EUR", {}),
        ("$LEDGER:ALL", {"USD": LEDGER_LINES, "BASE": LEDGER_LINES}),
        ("$LEDGER:ALL,NetLiquidation", {"USD": LEDGER_LINES + 1, "BASE": LEDGER_LINES}),
    ],
)
def test_the_ledger_is_told_by_currency(client, tag, lines):
    messages = asked(client, 62, 1, 5, "All", tag)
    assert Counter(fields[6] for fields in messages[:-1]) == lines


def test_open_orders_own_and_all(gateway, client):
    with OrderClient(gateway, 2) as other:
        for each in (client, other):
            each.order(1, BUY, 1, "100.00")
            each.hear()
        own = asked(client, 5, 1)
        assert [fields[0] for fields in own] == ["5", "3", "53"]
        everything = asked(client, 16, 1)
        assert [fields[0] for fields in everything] == ["5", "3", "5", "3", "53"]
        assert [fields[9] for fields in everything if fields[0] == "3"] == ["1", "2"]


def test_completed_orders(gateway, client):
    client.order(1, BUY, 1, ref="mine")
    client.order(2, BUY, 1, "100.00")
    client.hear()
    perm_id = gateway.submit_manual("AAPL", BUY, 2)
    both = asked(client, 99, 0)
    assert [fields[0] for fields in both] == ["101", "101", "102"]
    assert str(perm_id) in both[1]
    of_programs = asked(client, 99, 1)
    assert [fields[0] for fields in of_programs] == ["101", "102"]
    assert "mine" in of_programs[0]


def test_executions_are_those_that_fit(gateway, client):
    client.order(1, BUY, 1)
    client.order(2, SELL, 1)
    client.hear()
    gateway.submit_manual("AAPL", BUY, 2)
    gateway.submit_foreign("MSFT", BUY, 2)
    assert executions(client) == ["1", "2", "0", "1"]
    assert executions(client, client_id=1) == ["1", "2"]
    assert executions(client, client_id=77) == ["1"]
    assert executions(client, symbol="AAPL") == ["1", "2", "0"]
    assert executions(client, symbol="MSFT", kind="STK", side=BUY, account=ACCOUNT) == ["1"]
    assert executions(client, side=SELL) == ["2"]
    assert executions(client, account="DU9") == []
    assert executions(client, at="NYSE") == []


@pytest.mark.parametrize(
    "time",
    [
        "20200101 00:00:00",
        "20200101  00:00:00",
        "20200101-00:00:00",
        "20200101 00:00:00 US/Eastern",
        "20200101 00:00:00 America/New_York",
    ],
)
def test_executions_since_then_and_from_then_on(client, time):
    client.order(1, BUY, 1)
    client.hear()
    assert executions(client, time=time) == ["1"]
    assert executions(client, time=time.replace("2020", "2999")) == []


def test_executions_of_that_very_second_are_among_them():
    with (
        SimulatedGateway(clock=StandingClock(), messages_per_second=None) as gateway,
        OrderClient(gateway) as client,
    ):
        client.order(1, BUY, 1)
        client.hear()
        (execution,) = gateway.executions()
        assert executions(client, time=f"{execution.time:%Y%m%d-%H:%M:%S}") == ["1"]


@pytest.mark.parametrize(
    "time", ["yesterday", "20201301-00:00:00", "20200101-00:00:00 Nowhere/Land", "20200101 00:00 x"]
)
def test_executions_since_no_time(client, time):
    assert errors(asked(client, 7, 3, 9, 0, "", time, "", "", "", "")) == [("9", "321")]


def test_what_if(gateway, client):
    client.order(1, BUY, 10, "100.00", what_if=True)
    (answer,) = client.hear()
    assert (answer[0], answer[1]) == ("5", "1")
    assert gateway.orders() == ()
    client.order(1, BUY, 10, "100.001", what_if=True)
    assert errors(client.hear()) == [("1", "110")]
    client.order(1, BUY, 10, "100.00")
    assert [fields[0] for fields in client.hear()] == ["5", "3", "5", "3"]


def test_cancels(gateway, client):
    for number in (1, 2):
        client.order(number, BUY, 1, "100.00")
    with OrderClient(gateway, 2) as other:
        other.order(1, BUY, 1, "100.00")
        other.hear()
        client.hear()
        client.cancel(1)
        messages = client.hear()
        assert [fields[0] for fields in messages] == ["5", "3", "4"]
        assert messages[1][2] == "Cancelled"
        assert errors(messages) == [("1", "202")]
        client.cancel(1)
        client.cancel(9)
        assert errors(client.hear()) == [("1", "10148"), ("9", "10147")]
        client.say(58, 1)
        assert errors(client.hear()) == [("2", "202")]
        assert errors(other.hear()) == [("1", "202")]


def test_an_order_is_changed_under_its_number(client):
    client.order(1, BUY, 1, "100.00")
    client.hear()
    client.order(1, BUY, 1, "101.00")
    messages = client.hear()
    assert {fields[1] for fields in messages} == {"1"}
    assert messages[0][0] == "5"


def test_read_only_is_a_setting_too():
    with SimulatedGateway(read_only=True) as gateway, OrderClient(gateway) as client:
        client.order(1, BUY, 1, "100.00")
        client.cancel(1)
        client.say(58, 1)
        client.say(5, 1)
        client.say(16, 1)
        client.say(99, 0)
        refused = [("1", "321"), ("1", "321"), *[("-1", "321")] * 4]
        assert errors(client.hear()) == refused
        assert asked(client, 61, 1) == [["62", "1"]]


def test_what_is_not_served_is_said_to_be_so(client):
    messages = asked(client, 20, 5, *AAPL, 0, "", "1 min", "1 D", 1, "TRADES", 1, 0, "")
    assert errors(messages) == [("5", "505")]
    assert "reqHistoricalData (20) is not served" in messages[0][4]
    messages = asked(client, 9999, 5)
    assert errors(messages) == [("-1", "505")]


def test_a_client_has_a_hundred_subscriptions_to_an_account_and_room_again(client):
    for number in range(100):
        client.say(62, 1, number, "All", "NetLiquidation")
        client.say(76, 1, 1000 + number, "", "", 1)
    client.hear()
    client.say(62, 1, 100, "All", "NetLiquidation")
    client.say(76, 1, 1100, "", "", 1)
    refused = [(fields[2], fields[3]) for fields in client.hear() if fields[0] == "4"]
    assert refused == [("100", "322"), ("1100", "322")]
    client.say(63, 1, 7)
    client.say(62, 1, 100, "All", "NetLiquidation")
    assert [fields[0] for fields in client.hear()] == ["63", "64"]


def test_the_time_of_the_last_price_is_when_it_was_told_and_not_now(client, gateway):
    gateway.set_quote("AAPL", "184.98", "185.00")
    before = gateway.call(lambda venue: venue.top("AAPL").time)
    gateway.set_quote("AAPL", "184.90", "185.10")
    assert gateway.call(lambda venue: venue.top("AAPL").time) == before
    client.order(1, "BUY", 1)
    client.hear()
    assert gateway.call(lambda venue: venue.top("AAPL").time) > before
