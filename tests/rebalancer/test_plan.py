"""A plan as a record: its ids, its data, its cost."""

import datetime as dt
import json
from decimal import Decimal
from pathlib import Path

import pytest
from attrs import evolve

from nanobook_core.contracts import BrokerOrder, Instrument, Quote
from nanobook_core.errors import ValidationError
from nanobook_rebalancer.client_id import client_id
from nanobook_rebalancer.cost import Cost
from nanobook_rebalancer.decimal_text import decimal_text, money_text, price_text
from nanobook_rebalancer.diff import diff
from nanobook_rebalancer.leg import Phase
from nanobook_rebalancer.plan import Plan
from nanobook_rebalancer.rules import Rules

DATA = Path(__file__).parents[1] / "data" / "rebalancer"
SYMBOLS = ("AAPL", "MSFT", "TOKEN")
QUOTE = {"bid": Decimal("99.99"), "ask": Decimal("100.01"), "received": 1234.0625}


@pytest.fixture
def plan():
    positions = {"AAPL": Decimal(50), "MSFT": Decimal(-5), "TOKEN": Decimal(7)}
    targets = {"AAPL": Decimal("-0.3"), "MSFT": Decimal("-0.4")}
    trades = diff(
        Decimal(1_000_000),
        positions,
        targets,
        quotes={symbol: Quote(symbol=symbol, **QUOTE) for symbol in SYMBOLS},
        instruments={symbol: Instrument(symbol=symbol) for symbol in SYMBOLS},
        rules=Rules(splits_flips=True),
    )
    return Plan(
        window="2026-02-08",
        account_id="DU123",
        created_at=dt.datetime(2026, 2, 8, 15, 30, 0, 125, tzinfo=dt.UTC),
        ttl=900,
        currency="USD",
        equity=Decimal("1000000.00"),
        positions=positions,
        quotes={symbol: Quote(symbol=symbol, **QUOTE) for symbol in SYMBOLS},
        targets=targets,
        legs=(evolve(trades.legs[0], expected_cost=Decimal("2.85")), *trades.legs[1:]),
        skipped=trades.skipped,
        cost=Cost.of(
            trades.legs,
            per_share=Decimal("0.0035"),
            minimum=Decimal("0.35"),
            slippage_bps=Decimal(5),
        ),
    )


def test_a_client_id_is_what_it_always_was():
    assert client_id("DU123", "2026-02-08", "AAPL", 1, 1) == "nb1-u75ubjjdu55jwrx7ctdspoe7srzi"
    assert client_id("DU123", "2026-02-08", "AAPL", 1, 2) != "nb1-u75ubjjdu55jwrx7ctdspoe7srzi"


@pytest.mark.parametrize(
    "parts",
    [
        ("a|b", "w", "A", 1, 1),
        ("a", "w", "A|B", 1, 1),
        ("a", "w", "A", 0, 1),
        ("a", "w", "A", 1, 0),
    ],
)
def test_parts_that_would_make_ids_ambiguous_are_refused(parts):
    with pytest.raises(ValidationError):
        client_id(*parts)


def test_the_legs_of_a_plan_are_these(plan):
    assert [(leg.number, str(leg), leg.phase.value, leg.after) for leg in plan.legs] == [
        (1, "SELL 50 AAPL at 99.94 (close long)", "reduce", None),
        (2, "SELL 7 TOKEN at 99.94 (close long)", "reduce", None),
        (3, "SELL SHORT 3000 AAPL at 99.94 (open short)", "increase", 1),
        (4, "SELL SHORT 3995 MSFT at 99.94 (increase short)", "increase", None),
    ]
    assert plan.phase(Phase.REDUCE) == plan.legs[:2]


def test_orders_are_limit_orders_of_the_first_attempt(plan):
    assert plan.orders[0] == BrokerOrder(
        "AAPL",
        "sell",
        Decimal(50),
        "limit",
        Decimal("99.94"),
        client_order_id="nb1-u75ubjjdu55jwrx7ctdspoe7srzi",
    )
    assert len({order.client_order_id for order in plan.orders}) == len(plan.legs)
    later = plan.order(plan.legs[0], attempt=2, quantity=Decimal(20))
    assert later.quantity == 20
    assert later.client_order_id == client_id("DU123", "2026-02-08", "AAPL", 1, 2)


def test_the_estimate_is_per_order_and_exact(plan):
    assert plan.cost == Cost(Decimal("25.1825"), Decimal("352.60"))
    assert str(plan.cost) == "$25.18 commission + $352.60 slippage = $377.78"


def test_a_plan_comes_back_from_json_as_it_was(plan):
    written = json.dumps(plan.to_data(), sort_keys=True)
    again = Plan.from_data(json.loads(written), account_id="DU123")
    assert again == plan
    assert json.dumps(again.to_data(), sort_keys=True) == written


def test_a_plan_that_was_written_once_can_be_read_for_ever(plan):
    written = json.loads((DATA / "plan.json").read_text(encoding="utf-8"))
    assert plan.to_data() == written
    assert Plan.from_data(written, account_id="DU123") == plan
    for leg in written["legs"]:
        del leg["expected_cost"]  # which plans once did not have
    assert Plan.from_data(written, account_id="DU123").legs[1:] == plan.legs[1:]


def test_data_has_no_floats_and_not_the_account(plan):
    def leaves(value):
        match value:
            case dict():
                return [leaf for each in value.values() for leaf in leaves(each)]
            case list():
                return [leaf for each in value for leaf in leaves(each)]
        return [value]

    data = plan.to_data()
    assert {type(leaf) for leaf in leaves(data)} <= {str, int, bool, type(None)}
    assert "DU123" not in json.dumps(data)


def test_a_plan_of_another_account_is_refused(plan):
    with pytest.raises(ValidationError, match="not of account 'DU124'"):
        Plan.from_data(plan.to_data(), account_id="DU124")
    with pytest.raises(ValidationError, match="window"):
        Plan.from_data(plan.to_data() | {"window": "***"}, account_id="DU123")


@pytest.mark.parametrize("change", [{"legs": None}, {"equity": 5}, {"more": 1}, {"created_at": ""}])
def test_what_is_no_plan_is_refused(plan, change):
    with pytest.raises(ValidationError, match="no plan: "):
        Plan.from_data(plan.to_data() | change, account_id="DU123")
    for nothing in (None, [], {}, 5, "plan"):
        with pytest.raises(ValidationError, match="no plan: "):
            Plan.from_data(nothing, account_id="DU123")


def test_it_expires(plan):
    assert plan.expires_at == dt.datetime(2026, 2, 8, 15, 45, 0, 125, tzinfo=dt.UTC)


@pytest.mark.parametrize(
    ("number", "text"),
    [
        ("1.50", "1.5"),
        ("-0", "0"),
        ("-0.00", "0"),
        ("1E+3", "1000"),
        ("1e-7", "0.0000001"),
        ("100", "100"),
    ],
)
def test_equal_numbers_have_one_text(number, text):
    assert decimal_text(Decimal(number)) == text


@pytest.mark.parametrize(
    ("amount", "currency", "text"),
    [
        ("1234.565", "USD", "$1,234.56"),
        ("-0.015", "USD", "-$0.02"),
        ("100000", "USDT", "100,000.00 USDT"),
        ("-1234567.5", "USDT", "-1,234,567.50 USDT"),
        ("0.00001234", "BTC", "0.00001234 BTC"),
        ("0.123456785", "USDT", "0.12345678 USDT"),
        ("-0.000000001", "USDT", "0.00 USDT"),
        ("0", "EUR", "0.00 EUR"),
    ],
)
def test_dollars_are_shown_to_the_cent_and_coins_to_their_parts(amount, currency, text):
    assert money_text(Decimal(amount), currency) == text


@pytest.mark.parametrize(
    ("price", "text"),
    [
        ("185.0123456", "185.0123"),
        ("0.00000001", "0.00000001"),
        ("0.0000123456789", "0.000012345679"),
        ("0", "0"),
        ("-0.5", "-0.5"),
    ],
)
def test_a_price_keeps_eight_digits_however_small_it_is(price, text):
    assert price_text(Decimal(price), 4) == text
