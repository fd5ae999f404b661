"""What a client sends, as the simulator understands it: the library's own client is the sender."""

import inspect
import json
from contextlib import suppress
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from tests.ibkr.wire_library import HIGHEST, library, sent

from nanobook_ibkr.simulator import request
from nanobook_ibkr.simulator.record import ContractKey
from nanobook_ibkr.simulator.request import UnknownRequest, parse
from nanobook_ibkr.simulator.wire import MAX_VERSION, MIN_VERSION, WireError

VERSIONS = range(MIN_VERSION, HIGHEST + 1)
BAD_REQUESTS = json.loads(
    (Path(__file__).parents[1] / "data" / "ibkr" / "bad_requests.json").read_text()
)
CONTRACT = library.contract.Contract(
    conId=265598,
    symbol="AAPL",
    secType="OPT",
    lastTradeDateOrContractMonth="20270115",
    strike=150.5,
    right="C",
    multiplier="100",
    exchange="SMART",
    primaryExchange="NASDAQ",
    currency="USD",
    localSymbol="AAPL C",
    tradingClass="AAPLW",
    includeExpired=True,
    secIdType="ISIN",
    secId="US0378331005",
    issuerId="e1453318",
    deltaNeutralContract=library.contract.DeltaNeutralContract(conId=1, delta=0.5, price=99.5),
)
KEY = ContractKey(
    con_id=265598,
    symbol="AAPL",
    sec_type="OPT",
    last_trade_date="20270115",
    strike="150.5",
    right="C",
    multiplier="100",
    exchange="SMART",
    primary_exchange="NASDAQ",
    currency="USD",
    local_symbol="AAPL C",
    trading_class="AAPLW",
)
NAMED = ContractKey(symbol="EUR", sec_type="CASH", exchange="IDEALPRO", currency="USD")
COMBO = library.contract.Contract(
    symbol="AAPL,MSFT",
    secType="BAG",
    exchange="SMART",
    currency="USD",
    comboLegs=[
        library.contract.ComboLeg(265598, 1, "BUY", "SMART"),
        library.contract.ComboLeg(272093, 2, "SELL", "SMART"),
    ],
)
OPTIONS = [library.contract.TagValue("tag", "value")]

SERVED = {
    "reqMktData": (
        (5, CONTRACT, "233,236", True, False, OPTIONS),
        request.RequestMarketData(
            request_id=5, contract=KEY, generic_ticks="233,236", snapshot=True
        ),
    ),
    "reqContractDetails": (
        (5, library.contract.Forex("EURUSD")),
        request.RequestContractDetails(request_id=5, contract=NAMED),
    ),
    "cancelMktData": ((5,), request.CancelMarketData(request_id=5)),
    "cancelOrder": ((7,), request.CancelOrder(order_id=7)),
    "reqOpenOrders": ((), request.RequestOpenOrders()),
    "reqAccountUpdates": (
        (True, "DU1234567"),
        request.RequestAccountUpdates(subscribe=True, account="DU1234567"),
    ),
    "reqExecutions": (
        (
            6,
            library.objects.ExecutionFilter(
                clientId=3,
                acctCode="DU1234567",
                time="20261122 13:30:00",
                symbol="AAPL",
                secType="STK",
                exchange="ISLAND",
                side="BUY",
            ),
        ),
        request.RequestExecutions(
            request_id=6,
            client_id=3,
            account="DU1234567",
            time="20261122 13:30:00",
            symbol="AAPL",
            sec_type="STK",
            exchange="ISLAND",
            side="BUY",
        ),
    ),
    "reqIds": ((1,), request.RequestIds()),
    "setServerLogLevel": ((5,), request.SetServerLogLevel(level=5)),
    "reqAutoOpenOrders": ((True,), request.AutoOpenOrders(bind=True)),
    "reqAllOpenOrders": ((), request.RequestAllOpenOrders()),
    "reqManagedAccts": ((), request.RequestManagedAccounts()),
    "reqCurrentTime": ((), request.RequestCurrentTime()),
    "reqGlobalCancel": ((), request.GlobalCancel()),
    "reqMarketDataType": ((3,), request.MarketDataType(type=3)),
    "reqPositions": ((), request.RequestPositions()),
    "reqAccountSummary": (
        (9, "All", "NetLiquidation, BuyingPower,"),
        request.RequestAccountSummary(
            request_id=9, group="All", tags=("NetLiquidation", "BuyingPower")
        ),
    ),
    "cancelAccountSummary": ((9,), request.CancelAccountSummary(request_id=9)),
    "cancelPositions": ((), request.CancelPositions()),
    "startApi": ((), request.StartApi(client_id=-1, capabilities="")),
    "reqAccountUpdatesMulti": (
        (8, "DU1234567", "Core", True),
        request.RequestAccountUpdatesMulti(
            request_id=8, account="DU1234567", model="Core", ledger_and_nlv=True
        ),
    ),
    "cancelAccountUpdatesMulti": ((8,), request.CancelAccountUpdatesMulti(request_id=8)),
    "reqMatchingSymbols": (
        (4, "APP"),
        request.RequestMatchingSymbols(request_id=4, pattern="APP"),
    ),
    "reqMarketRule": ((26,), request.RequestMarketRule(rule_id=26)),
    "reqCompletedOrders": ((False,), request.RequestCompletedOrders(api_only=False)),
}

# What the simulator does not serve; the number of the request is 5 wherever there is one.
UNSERVED = {
    "reqMktDepth": (5, CONTRACT, 10, True, OPTIONS),
    "cancelMktDepth": (5, True),
    "reqNewsBulletins": (True,),
    "cancelNewsBulletins": (),
    "requestFA": (1,),
    "replaceFA": (5, 1, "<xml/>"),
    "reqHistoricalData": (5, CONTRACT, "", "1 D", "1 min", "TRADES", True, 1, False, OPTIONS),
    "exerciseOptions": (5, CONTRACT, 1, 1, "DU1234567", 0),
    "reqScannerSubscription": (5, library.objects.ScannerSubscription(), OPTIONS, OPTIONS),
    "cancelScannerSubscription": (5,),
    "reqScannerParameters": (),
    "cancelHistoricalData": (5,),
    "reqRealTimeBars": (5, CONTRACT, 5, "TRADES", True, OPTIONS),
    "cancelRealTimeBars": (5,),
    "reqFundamentalData": (5, CONTRACT, "ReportSnapshot", OPTIONS),
    "cancelFundamentalData": (5,),
    "calculateImpliedVolatility": (5, CONTRACT, 1.5, 150.0, OPTIONS),
    "calculateOptionPrice": (5, CONTRACT, 0.2, 150.0, OPTIONS),
    "cancelCalculateImpliedVolatility": (5,),
    "cancelCalculateOptionPrice": (5,),
    "verifyRequest": ("name", "1"),
    "verifyMessage": ("data",),
    "queryDisplayGroups": (5,),
    "subscribeToGroupEvents": (5, 1),
    "updateDisplayGroup": (5, "265598@SMART"),
    "unsubscribeFromGroupEvents": (5,),
    "verifyAndAuthRequest": ("name", "1", "key"),
    "verifyAndAuthMessage": ("data", "response"),
    "reqPositionsMulti": (5, "DU1234567", ""),
    "cancelPositionsMulti": (5,),
    "reqSecDefOptParams": (5, "AAPL", "", "STK", 265598),
    "reqSoftDollarTiers": (5,),
    "reqFamilyCodes": (),
    "reqMktDepthExchanges": (),
    "reqSmartComponents": (5, "9c0001"),
    "reqNewsArticle": (5, "BRFG", "BRFG$1", OPTIONS),
    "reqNewsProviders": (),
    "reqHistoricalNews": (5, 265598, "BRFG", "", "", 10, OPTIONS),
    "reqHeadTimeStamp": (5, CONTRACT, "TRADES", True, 1),
    "reqHistogramData": (5, CONTRACT, True, "3 days"),
    "cancelHistogramData": (5,),
    "cancelHeadTimeStamp": (5,),
    "reqPnL": (5, "DU1234567", ""),
    "cancelPnL": (5,),
    "reqPnLSingle": (5, "DU1234567", "", 265598),
    "cancelPnLSingle": (5,),
    "reqHistoricalTicks": (5, CONTRACT, "", "", 10, "TRADES", True, False, OPTIONS),
    "reqTickByTickData": (5, CONTRACT, "Last", 0, False),
    "cancelTickByTickData": (5,),
    "reqWshMetaData": (5,),
    "cancelWshMetaData": (5,),
    "reqWshEventData": (5, library.objects.WshEventData(conId=265598)),
    "cancelWshEventData": (5,),
    "reqUserInfo": (5,),
}
WITHOUT_NUMBER = {
    "reqNewsBulletins",
    "cancelNewsBulletins",
    "requestFA",
    "reqScannerParameters",
    "verifyRequest",
    "verifyMessage",
    "verifyAndAuthRequest",
    "verifyAndAuthMessage",
    "reqFamilyCodes",
    "reqMktDepthExchanges",
    "reqNewsProviders",
}


def received(version, method, *args):
    return parse(sent(version, lambda client: getattr(client, method)(*args)), version)


def test_the_tables_name_every_message_the_library_can_send():
    senders = {
        name
        for name, method in inspect.getmembers(library.client.Client, inspect.isfunction)
        if "self.send(" in inspect.getsource(method)
    }
    assert senders == {*SERVED, *UNSERVED, "placeOrder"}


@pytest.mark.parametrize("method", SERVED)
def test_what_the_library_asks_is_understood_at_every_version(method):
    args, expected = SERVED[method]
    assert [received(version, method, *args) for version in VERSIONS] == [expected] * len(VERSIONS)


@pytest.mark.parametrize("method", UNSERVED)
def test_what_is_not_served_is_still_known_by_its_name_and_number(method):
    for version in VERSIONS:
        request = received(version, method, *UNSERVED[method])
        assert isinstance(request, UnknownRequest)
        assert request.name == method
        assert request.request_id == (-1 if method in WITHOUT_NUMBER else 5)
        assert request.fields[0] == str(request.message_id)


@pytest.mark.parametrize("version", VERSIONS)
def test_contract_details_are_asked_with_identifiers_and_from_176_on_with_an_issuer(version):
    args = (5, CONTRACT)
    details = received(version, "reqContractDetails", *args)
    assert details.request_id == 5
    assert details.include_expired
    assert (details.contract.sec_id_type, details.contract.sec_id) == ("ISIN", "US0378331005")
    assert details.contract.symbol == "AAPL"
    assert details.issuer_id == ("e1453318" if version >= 176 else "")


def test_quotes_of_a_combination_tell_how_many_legs_it_has():
    args = (5, COMBO, "", False, True, [])
    data = received(MIN_VERSION, "reqMktData", *args)
    assert (data.combo_legs, data.snapshot, data.regulatory_snapshot) == (2, False, True)


def test_a_cancel_tells_since_169_when_a_human_gave_it():
    for version in VERSIONS:
        assert received(version, "cancelOrder", 7, "20261122 13:30:00") == request.CancelOrder(
            order_id=7, manual_time="20261122 13:30:00" if version >= 169 else ""
        )


def test_a_number_of_no_message_is_an_unknown_request():
    assert parse(["207", "x"], MAX_VERSION) == UnknownRequest(message_id=207, fields=("207", "x"))
    assert parse(["-5"], MAX_VERSION).message_id == -5


def test_an_unserved_message_without_its_number_is_known_all_the_same():
    assert parse(["20"], MAX_VERSION).request_id == -1
    assert parse(["20", "x"], MAX_VERSION).request_id == -1


@pytest.mark.parametrize("case", BAD_REQUESTS, ids=lambda case: case["what"])
def test_a_broken_message_is_a_wire_error_that_says_what_is_wrong(case):
    with pytest.raises(WireError, match=case["says"]) as caught:
        parse(case["fields"].split("|")[:-1], case["version"])
    assert caught.value.request_id == case["request_id"]


def test_a_broken_message_of_every_kind_is_a_wire_error():
    for message_id in request._LAYOUTS:
        with pytest.raises(WireError):
            parse([str(message_id)], MAX_VERSION)
        with pytest.raises(WireError):
            parse([str(message_id), *["1"] * 500], MAX_VERSION)


@pytest.mark.parametrize("method", SERVED)
def test_a_message_cut_short_or_lengthened_is_a_wire_error(method):
    fields = sent(HIGHEST, lambda client: getattr(client, method)(*SERVED[method][0]))
    for broken in [*(fields[:end] for end in range(len(fields))), [*fields, ""], [*fields, "1"]]:
        with pytest.raises(WireError):
            parse(broken, HIGHEST)


NONSENSE = st.one_of(
    st.text(max_size=20),
    st.sampled_from(
        ["", "0", "1", "-1", "1.5", "NaN", "Infinite", "2147483647", "9" * 400, "None"]
    ),
    st.integers().map(str),
    st.floats().map(str),
)


@given(
    st.one_of(st.integers(0, 110).map(str), st.text(max_size=5)),
    st.lists(NONSENSE, max_size=150),
    st.integers(MIN_VERSION, MAX_VERSION),
)
@example("1" * 5000, [], 178)
@example("١", [], 178)  # noqa: RUF001 - a digit, but none of the wire's
@example("3", ["1" * 5000] * 20, 178)
@example("3", ["1e999999"] * 20, 178)
def test_any_fields_are_a_request_or_a_wire_error(message_id, fields, version):
    with suppress(WireError):
        parse([message_id, *fields], version)


@given(st.data())
def test_any_message_with_fields_replaced_is_a_request_or_a_wire_error(data):
    method = data.draw(st.sampled_from(sorted(SERVED)))
    fields = sent(HIGHEST, lambda client: getattr(client, method)(*SERVED[method][0]))
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(fields) - 1))
        fields[at] = data.draw(NONSENSE)
    with suppress(WireError):
        parse(fields, HIGHEST)


def test_no_fields_at_all_are_a_wire_error():
    with pytest.raises(WireError, match="ends after 0 fields"):
        parse([], MAX_VERSION)


def test_the_strike_of_a_contract_is_as_exact_as_it_was_written():
    contract = library.contract.Contract(conId=1, strike=Decimal("0.00000001"))
    args = (5, contract, "", False, False, [])
    assert received(MIN_VERSION, "reqMktData", *args).contract == ContractKey(
        con_id=1, strike="0.00000001"
    )
