"""Every check of nanobook-risk keeps the contract of risk checks."""

import datetime as dt
from decimal import Decimal

import pytest

from nanobook_core.contracts import Account, RiskOrder, RiskRequest
from nanobook_core.plugin import default_registry
from nanobook_core.testing import PluginSuite, RiskCheckSuite

NOON = dt.datetime(2026, 1, 5, 12, tzinfo=dt.UTC)


def order(side="buy", quantity=10, symbol="AAPL", **more):
    return RiskOrder(symbol=symbol, side=side, quantity=Decimal(quantity), **more)


def request_for(*orders, equity=10_000, **more):
    money = Decimal(equity)
    settings = {"marks": {"AAPL": Decimal(100)}} | more
    return RiskRequest(
        orders=orders,
        account=Account(equity=money, cash=money, buying_power=money),
        now=NOON,
        **settings,
    )


def create(name, **settings):
    return default_registry().create("risk_check", name, **settings)


class TestPlugin(PluginSuite):
    @pytest.fixture
    def distribution(self):
        return "nanobook-risk"


class TestMaxPosition(RiskCheckSuite):
    @pytest.fixture(scope="class")
    @classmethod
    def check(cls):
        return create("max_position", max_position_pct=0.25)

    @pytest.fixture(scope="class")
    @classmethod
    def accepted(cls):
        return request_for(order("buy", 25))

    @pytest.fixture(scope="class")
    @classmethod
    def refused(cls):
        return request_for(order("buy", 26))


class TestMaxPositionOfAShort(TestMaxPosition):
    @pytest.fixture(scope="class")
    @classmethod
    def refused(cls):
        return request_for(order("sell", 26))


class TestLeverage(RiskCheckSuite):
    @pytest.fixture(scope="class")
    @classmethod
    def check(cls):
        return create("leverage", max_leverage=1)

    @pytest.fixture(scope="class")
    @classmethod
    def accepted(cls):
        return request_for(order("buy", 100))

    @pytest.fixture(scope="class")
    @classmethod
    def refused(cls):
        return request_for(order("buy", 101))


class TestShortExposure(RiskCheckSuite):
    @pytest.fixture(scope="class")
    @classmethod
    def check(cls):
        return create("short_exposure", max_short_pct=0.3)

    @pytest.fixture(scope="class")
    @classmethod
    def accepted(cls):
        return request_for(order("buy", 100))

    @pytest.fixture(scope="class")
    @classmethod
    def refused(cls):
        return request_for(order("sell", 31))


class TestShortSelling(TestShortExposure):
    @pytest.fixture(scope="class")
    @classmethod
    def check(cls):
        return create("short_exposure", allow_short=False)

    @pytest.fixture(scope="class")
    @classmethod
    def refused(cls):
        return request_for(order("sell", 1))


class TestMaxOrderValue(RiskCheckSuite):
    needs_equity = False  # a size is one whatever the account is worth
    passes_reductions = False  # and whatever it does to a position

    @pytest.fixture(scope="class")
    @classmethod
    def check(cls):
        return create("max_order_value", max_order_value_cents=1_000_00)

    @pytest.fixture(scope="class")
    @classmethod
    def accepted(cls):
        return request_for(order("buy", 10))

    @pytest.fixture(scope="class")
    @classmethod
    def refused(cls):
        return request_for(order("buy", 11))


class TestMaxBatchValue(TestMaxOrderValue):
    @pytest.fixture(scope="class")
    @classmethod
    def check(cls):
        return create("max_batch_value", max_batch_value_cents=1_000_00)


class TestDrawdown(RiskCheckSuite):
    needs_marks = False  # equity is given, prices are in it

    @pytest.fixture(scope="class")
    @classmethod
    def check(cls):
        return create("drawdown", max_drawdown_pct=0.2)

    @pytest.fixture(scope="class")
    @classmethod
    def accepted(cls):
        return request_for(order("buy", 1), peak_equity=Decimal(12_500))

    @pytest.fixture(scope="class")
    @classmethod
    def refused(cls):
        return request_for(order("buy", 1), peak_equity=Decimal(12_501))
