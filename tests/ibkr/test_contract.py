"""Symbols: one name for each contract, and the rules that the venue tells."""

import asyncio
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.ibkr.sessions import connected

from nanobook_core.contracts.broker_error import (
    AmbiguousSymbolError,
    BrokerProtocolError,
    UnknownSymbolError,
)
from nanobook_ibkr.contract import Contracts, simple_name
from nanobook_ibkr.message import ContractDetails, VenueContract
from nanobook_ibkr.simulator.gateway import SimulatedGateway
from nanobook_ibkr.simulator.instruments import Instruments
from nanobook_ibkr.simulator.record import ContractDefinition, ContractKey
from nanobook_ibkr.simulator.venue import Venue

D = Decimal
DEFINITIONS = [
    ContractDefinition(con_id=1, symbol="AAPL", local_symbol="AAPL"),
    ContractDefinition(con_id=2, symbol="SAP", currency="EUR", primary_exchange="IBIS"),
    ContractDefinition(con_id=3, symbol="SAP", currency="USD", primary_exchange="NYSE"),
    ContractDefinition(con_id=4, symbol="VOD", currency="EUR", primary_exchange="IBIS"),
    ContractDefinition(con_id=5, symbol="VOD", currency="GBP", primary_exchange="LSE"),
    ContractDefinition(con_id=6, symbol="TWIN", primary_exchange="NYSE"),
    ContractDefinition(con_id=7, symbol="TWIN", primary_exchange="ARCA"),
    ContractDefinition(con_id=8, symbol="TRI", primary_exchange="NYSE"),
    ContractDefinition(con_id=9, symbol="TRI", primary_exchange="NYSE"),
    ContractDefinition(con_id=10, symbol="BRK B", local_symbol="BRK B", primary_exchange="NYSE"),
    ContractDefinition(
        con_id=11,
        symbol="PENNY",
        price_steps=((D(0), D("0.0001")), (D(1), D("0.01"))),
        market_rule_id=32,
    ),
    ContractDefinition(con_id=12, symbol="PART", min_size=D("0.01"), size_increment=D("0.001")),
    ContractDefinition(
        con_id=13,
        symbol="ES",
        sec_type="FUT",
        multiplier="50",
        primary_exchange="CME",
        local_symbol="ESZ6",
    ),
]
NAMES = {
    1: "AAPL",
    2: "SAP.EUR",
    3: "SAP",
    4: "VOD.EUR",
    5: "VOD.GBP",
    6: "TWIN@NYSE",
    7: "TWIN@ARCA",
    8: "conid:8",
    9: "conid:9",
    10: "BRK B",
    11: "PENNY",
    12: "PART",
    13: "conid:13",
}


@pytest.fixture(scope="module")
def gateway():
    rates = {"EUR": D("1.1"), "GBP": D("1.3")}
    with SimulatedGateway(Venue(DEFINITIONS, rates=rates), messages_per_second=None) as gateway:
        yield gateway


@pytest.fixture(scope="module")
def client(gateway):
    with connected(gateway, messages_per_second=10_000) as client:
        client.contracts = Contracts(client.session)
        client.find = lambda symbol: client.call(client.contracts.find, symbol)
        yield client


@pytest.mark.parametrize("con_id", NAMES)
def test_every_contract_has_one_name_by_which_it_is_found(client, con_id):
    listed = client.call(client.contracts.listed, VenueContract(con_id=con_id))
    assert listed.instrument.symbol == NAMES[con_id]
    assert client.find(NAMES[con_id]) == listed
    assert listed.contract.con_id == con_id


@pytest.mark.parametrize(
    ("asked", "name"),
    [
        ("conid:1", "AAPL"),
        ("AAPL.USD", "AAPL"),
        ("AAPL@NASDAQ", "AAPL"),
        ("SAP@IBIS", "SAP.EUR"),
        ("conid:2", "SAP.EUR"),
        ("conid:6", "TWIN@NYSE"),
    ],
)
def test_another_name_is_refused_with_the_right_one(client, asked, name):
    with pytest.raises(UnknownSymbolError, match=f"'{asked}' is '{name}' here"):
        client.find(asked)


@pytest.mark.parametrize(
    ("asked", "candidates"),
    [
        ("TWIN", ("TWIN@ARCA", "TWIN@NYSE")),
        ("TRI", ("conid:8", "conid:9")),
        ("TRI@NYSE", ("conid:8", "conid:9")),
        ("VOD", ("VOD.EUR", "VOD.GBP")),
    ],
)
def test_several_contracts_are_told_and_none_is_chosen(client, asked, candidates):
    with pytest.raises(AmbiguousSymbolError, match=", ".join(candidates)) as caught:
        client.find(asked)
    assert caught.value.candidates == candidates
    for candidate in candidates:
        assert client.find(candidate).instrument.symbol == candidate


@pytest.mark.parametrize(
    "asked", ["NOPE", "NOPE.EUR", "AAPL.CHF", "NOPE@NYSE", "conid:999", "conid:0", "conid:x"]
)
def test_what_there_is_not_is_unknown(client, asked):
    with pytest.raises(UnknownSymbolError, match=f"invalid symbol: '{asked}'"):
        client.find(asked)


def test_a_class_written_with_a_dot_is_told_how_it_is_written(client):
    with pytest.raises(UnknownSymbolError, match="with a space, as in 'BRK B'"):
        client.find("BRK.B")


@pytest.mark.parametrize("asked", ["", " ", " A", "A ", "A\0B", "Ä", "A\n", "A" * 41])
def test_what_cannot_be_a_symbol_is_not_asked_for(client, gateway, asked):
    before = len(gateway.messages(9, incoming=True))
    with pytest.raises(UnknownSymbolError):
        client.find(asked)
    assert len(gateway.messages(9, incoming=True)) == before


@pytest.mark.parametrize("asked", [None, 5, b"AAPL"])
def test_a_symbol_is_a_string(client, asked):
    with pytest.raises(TypeError, match="symbol is a string"):
        client.find(asked)


def test_what_was_told_once_is_not_asked_for_again(client, gateway):
    client.find("AAPL")
    before = len(gateway.messages(9, incoming=True))
    client.find("AAPL")
    client.call(client.contracts.listed, VenueContract(con_id=1))
    assert len(gateway.messages(9, incoming=True)) == before


def test_rules_of_a_stock(client):
    instrument = client.find("AAPL").instrument
    assert (instrument.currency, instrument.tick, instrument.tick_bands) == ("USD", D("0.01"), ())
    assert (instrument.lot, instrument.min_quantity, instrument.multiplier) == (1, None, 1)
    assert instrument.venue_symbol == "AAPL"


def test_ticks_come_in_bands_where_the_venue_has_them(client):
    instrument = client.find("PENNY").instrument
    assert (instrument.tick, instrument.tick_bands) == (D("0.0001"), ((D(1), D("0.01")),))
    assert instrument.round_price(D("0.55555"), up=False) == D("0.5555")
    assert instrument.round_price(D("5.5555"), up=True) == D("5.56")


def test_fractions_trade_where_the_venue_says_so(client):
    instrument = client.find("PART").instrument
    assert (instrument.lot, instrument.min_quantity) == (D("0.001"), D("0.01"))


def test_a_future_is_worth_its_multiplier(client):
    listed = client.find("conid:13")
    assert (listed.instrument.multiplier, listed.instrument.venue_symbol) == (50, "ESZ6")


@pytest.mark.parametrize(
    ("contract", "name"),
    [
        (VenueContract(con_id=1, symbol="AAPL", sec_type="STK", currency="USD"), "AAPL"),
        (VenueContract(con_id=2, symbol="SAP", sec_type="STK", currency="EUR"), "SAP.EUR"),
        (VenueContract(con_id=13, symbol="ES", sec_type="FUT", currency="USD"), "conid:13"),
    ],
)
def test_the_name_that_a_message_gives_away(contract, name):
    assert simple_name(contract) == name


class Listed:
    """Answers from a list, as the venue does."""

    def __init__(self, definitions):
        self.instruments = Instruments(definitions)

    async def contract_details(self, contract):
        key = ContractKey(
            con_id=contract.con_id,
            symbol=contract.symbol,
            sec_type=contract.sec_type,
            currency=contract.currency,
            exchange=contract.exchange,
            primary_exchange=contract.primary_exchange,
        )
        return tuple(
            ContractDetails(
                contract=VenueContract(
                    con_id=found.con_id,
                    symbol=found.symbol,
                    sec_type=found.sec_type,
                    currency=found.currency,
                    exchange="SMART",
                    primary_exchange=found.primary_exchange,
                ),
                long_name="",
                min_tick=D("0.01"),
                market_rule_id=None,
                min_size=None,
                size_increment=None,
                price_magnifier=1,
            )
            for found in self.instruments.find(key)
        )


listings = st.lists(
    st.builds(
        dict,
        symbol=st.sampled_from(["A", "A.EUR", "A@NYSE", "BRK B", "conid:1", "USD"]),
        sec_type=st.sampled_from(["STK", "FUT"]),
        currency=st.sampled_from(["USD", "EUR"]),
        primary_exchange=st.sampled_from(["NYSE", "IBIS", ""]),
    ),
    max_size=6,
)


@given(listings)
def test_whatever_is_listed_each_has_one_name_and_is_found_by_no_other(definitions):
    definitions = [
        ContractDefinition(con_id=number, **definition)
        for number, definition in enumerate(definitions, 1)
    ]

    async def names():
        contracts = Contracts(Listed(definitions))
        found = {}
        for definition in definitions:
            listed = await contracts.listed(VenueContract(con_id=definition.con_id))
            assert listed.contract.con_id == definition.con_id
            found[definition.con_id] = name = listed.instrument.symbol
            assert (await contracts.find(name)).contract.con_id == definition.con_id
        for asked in ("A", "A.EUR", "A.USD", "A@NYSE", "A@IBIS", "BRK B", "conid:1", "USD"):
            try:
                listed = await contracts.find(asked)
            except UnknownSymbolError:
                continue
            assert found[listed.contract.con_id] == asked
        return found

    found = asyncio.run(names())
    assert len(set(found.values())) == len(definitions)


class Told:
    """Answers as no simulator does."""

    def __init__(self, rules=(), **details):
        self.rules = rules
        self.details = ContractDetails(
            **{
                "contract": VenueContract(
                    con_id=1, symbol="VOD", sec_type="STK", currency="GBP", exchange="SMART"
                ),
                "long_name": "",
                "min_tick": D("0.5"),
                "market_rule_id": None,
                "min_size": None,
                "size_increment": None,
                "price_magnifier": 1,
                **details,
            }
        )

    async def contract_details(self, contract):
        return (self.details,)

    async def market_rule(self, rule_id):
        return self.rules


def told(client, **details):
    return client.call(Contracts(Told(**details)).find, "VOD.GBP").instrument


class Unrouted(Told):
    """Has nothing on the smart route."""

    async def contract_details(self, contract):
        return () if contract.exchange == "SMART" else (self.details,)


def test_what_is_not_routed_is_found_at_its_exchange(client):
    contracts = Contracts(Unrouted())
    assert client.call(contracts.find, "VOD.GBP").instrument.currency == "GBP"


def test_without_a_market_rule_there_is_one_tick(client):
    assert (told(client).tick, told(client).lot) == (D("0.5"), 1)


def test_prices_in_pence_are_a_hundredth_of_the_money(client):
    assert told(client, price_magnifier=100).multiplier == D("0.01")


@pytest.mark.parametrize(
    "details",
    [
        {"min_tick": None},
        {"market_rule_id": 5, "rules": ((D(0), D(0)),)},
        {"market_rule_id": 5, "rules": ((D(0), D("0.01")), (D(5), D("0.1")), (D(2), D("0.2")))},
        {
            "contract": VenueContract(
                con_id=1, symbol="VOD", sec_type="STK", currency="GBP", multiplier="many"
            )
        },
        {
            "contract": VenueContract(
                con_id=1, symbol="VOD", sec_type="STK", currency="GBP", multiplier="-1"
            )
        },
    ],
)
def test_rules_that_cannot_be_are_refused(client, details):
    with pytest.raises(BrokerProtocolError):
        told(client, **details)
