"""acme-risk fulfils nanobook's contracts, and keeps its own promises."""

import datetime as dt
from decimal import Decimal

import pytest
from acme_risk.restricted import RestrictedList

from nanobook_core.contracts import Account, RiskOrder, RiskRequest
from nanobook_core.testing import PluginSuite, RiskCheckSuite


def order(symbol="XYZ", side="buy", quantity="100"):
    return RiskOrder(symbol=symbol, side=side, quantity=Decimal(quantity))


def request_for(*orders, **fields):
    return RiskRequest(
        orders=orders,
        account=Account(equity=Decimal(1000), cash=Decimal(1000), buying_power=Decimal(1000)),
        now=dt.datetime(2026, 1, 5, tzinfo=dt.UTC),
        marks={"AAPL": Decimal(10), "XYZ": Decimal(10)},
        **fields,
    )


def verdicts(*orders, **fields):
    results = RestrictedList(symbols=["XYZ"]).evaluate(request_for(*orders, **fields))
    return [str(result.status) for result in results]


class TestDistribution(PluginSuite):
    @pytest.fixture
    def distribution(self):
        return "acme-risk"


class TestRestrictedList(RiskCheckSuite):
    needs_equity = False  # a name is restricted whatever the account is worth
    needs_marks = False  # and whatever it costs

    @pytest.fixture(scope="class")
    @classmethod
    def check(cls):
        return RestrictedList(symbols=["XYZ", "MSFT"])

    @pytest.fixture(scope="class")
    @classmethod
    def accepted(cls):
        return request_for(order("AAPL"))

    @pytest.fixture(scope="class")
    @classmethod
    def refused(cls):
        return request_for(order("XYZ"))


@pytest.mark.parametrize(
    ("side", "quantity", "held", "verdict"),
    [
        ("sell", "100", "100", "Pass"),
        ("sell", "101", "100", "Fail"),  # turns the position round
        ("buy", "1", "100", "Fail"),
        ("buy", "100", "-100", "Pass"),
        ("sell", "1", "-100", "Fail"),
        ("sell", "1", "0", "Fail"),
        ("sell", "0", "100", "Fail"),
        ("sell", "-1", "100", "Fail"),
        ("sell", "1", "NaN", "Fail"),
        ("sell", "NaN", "100", "Fail"),
        ("sell", "Infinity", "Infinity", "Fail"),
    ],
)
def test_only_an_exit_from_a_restricted_symbol_passes(side, quantity, held, verdict):
    assert verdicts(order("XYZ", side, quantity), positions={"XYZ": Decimal(held)}) == [verdict]


def test_exits_that_together_turn_the_position_round_all_fail():
    held = {"XYZ": Decimal(100)}
    exit_ = order("XYZ", "sell", "60")
    assert verdicts(exit_, exit_, positions=held) == ["Fail", "Fail"]
    assert verdicts(exit_, positions=held, open_orders=(exit_,)) == ["Fail"]


def test_other_symbols_in_the_batch_pass():
    assert verdicts(order("AAPL"), order("XYZ")) == ["Pass", "Fail"]


def test_no_orders_is_one_finding_that_passes():
    assert verdicts() == ["Pass"]


@pytest.mark.parametrize("symbols", [[], "XYZ", [""], [" "], [7], ["XYZ", None]])
def test_a_list_that_restricts_nothing_or_the_wrong_thing_is_refused(symbols):
    with pytest.raises(ValueError, match="at least one symbol"):
        RestrictedList(symbols=symbols)
