"""Every check of nanobook-risk keeps the contract of risk checks."""

import datetime as dt
from decimal import Decimal

import pytest

from nanobook_core.contracts import Account, Quote, RiskOrder, RiskRequest, SentOrder
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


def sent(order, seconds_ago):
    return SentOrder(order=order, sent_at=NOON - dt.timedelta(seconds=seconds_ago))


def quote(received=100.0):
    return Quote(symbol="AAPL", bid=Decimal(99), ask=Decimal(101), received=received)


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


@pytest.mark.slow
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


@pytest.mark.slow
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


class TestNetExposure(RiskCheckSuite):
    @pytest.fixture(scope="class")
    @classmethod
    def check(cls):
        return create("net_exposure", max_net_leverage=0.5)

    @pytest.fixture(scope="class")
    @classmethod
    def accepted(cls):
        return request_for(order("buy", 50))

    @pytest.fixture(scope="class")
    @classmethod
    def refused(cls):
        return request_for(order("sell", 51))


class TestOpenOrderExposure(TestLeverage):
    @pytest.fixture(scope="class")
    @classmethod
    def check(cls):
        return create("open_order_exposure", max_leverage=1)


class TestPriceCollar(RiskCheckSuite):
    needs_equity = False  # a price has nothing to do with equity
    passes_reductions = False  # a wrong price costs money whichever way

    @pytest.fixture(scope="class")
    @classmethod
    def check(cls):
        return create("price_collar", max_pct=0.05)

    @pytest.fixture(scope="class")
    @classmethod
    def accepted(cls):
        return request_for(order("buy", 1, limit_price=Decimal(105)))

    @pytest.fixture(scope="class")
    @classmethod
    def refused(cls):
        return request_for(order("buy", 1, limit_price=Decimal("105.01")))


class TestMaxQuantity(RiskCheckSuite):
    needs_equity = False
    needs_marks = False
    passes_reductions = False

    @pytest.fixture(scope="class")
    @classmethod
    def check(cls):
        return create("max_quantity", max_quantity=100)

    @pytest.fixture(scope="class")
    @classmethod
    def accepted(cls):
        return request_for(order("buy", 100))

    @pytest.fixture(scope="class")
    @classmethod
    def refused(cls):
        return request_for(order("buy", 101))


class TestAverageDailyVolume(TestMaxQuantity):
    @pytest.fixture(scope="class")
    @classmethod
    def check(cls):
        return create("adv", max_pct=0.01)

    @pytest.fixture(scope="class")
    @classmethod
    def accepted(cls):
        return request_for(order("buy", 100), volumes={"AAPL": Decimal(10_000)})

    @pytest.fixture(scope="class")
    @classmethod
    def refused(cls):
        return request_for(order("buy", 101), volumes={"AAPL": Decimal(10_000)})


class TestDuplicateOrder(TestMaxQuantity):
    @pytest.fixture(scope="class")
    @classmethod
    def check(cls):
        return create("duplicate_order", seconds=10)

    @pytest.fixture(scope="class")
    @classmethod
    def refused(cls):
        return request_for(order("buy", 7), sent=(sent(order("buy", 7), 10),))


@pytest.mark.slow
class TestDuplicateClientOrderId(TestDuplicateOrder):
    @pytest.fixture(scope="class")
    @classmethod
    def refused(cls):
        old = sent(order("sell", 1, client_order_id="nb1-a"), 10_000)
        return request_for(order("buy", 7, client_order_id="nb1-a"), sent=(old,))


class TestRateThrottle(TestMaxQuantity):
    @pytest.fixture(scope="class")
    @classmethod
    def check(cls):
        return create("rate_throttle", max_orders=2, seconds=1)

    @pytest.fixture(scope="class")
    @classmethod
    def refused(cls):
        return request_for(order("buy", 1), sent=(sent(order(), 1), sent(order(), 0)))


class TestRepeatThrottle(TestRateThrottle):
    @pytest.fixture(scope="class")
    @classmethod
    def check(cls):
        return create("repeat_throttle", max_orders=2, seconds=1)


class TestParentCap(TestMaxQuantity):
    @pytest.fixture(scope="class")
    @classmethod
    def check(cls):
        return create("parent_cap")

    @pytest.fixture(scope="class")
    @classmethod
    def accepted(cls):
        return request_for(order("buy", 5), planned={"AAPL": Decimal(5)})

    @pytest.fixture(scope="class")
    @classmethod
    def refused(cls):
        return request_for(order("buy", 6), planned={"AAPL": Decimal(5)})


class TestRestricted(RiskCheckSuite):
    needs_equity = False  # a name is restricted whatever the account is worth
    needs_marks = False  # and whatever it costs

    @pytest.fixture(scope="class")
    @classmethod
    def check(cls):
        return create("restricted", restricted=["XYZ"])

    @pytest.fixture(scope="class")
    @classmethod
    def accepted(cls):
        return request_for(order())

    @pytest.fixture(scope="class")
    @classmethod
    def refused(cls):
        return request_for(order(symbol="XYZ"))


@pytest.mark.slow
class TestAllowed(TestRestricted):
    @pytest.fixture(scope="class")
    @classmethod
    def check(cls):
        return create("restricted", allowed=["AAPL"])


class TestLocate(TestRestricted):
    @pytest.fixture(scope="class")
    @classmethod
    def check(cls):
        return create("locate", located=["AAPL"])

    @pytest.fixture(scope="class")
    @classmethod
    def refused(cls):
        return request_for(order("sell", symbol="XYZ"))


@pytest.mark.slow
class TestLocateQuantities(TestLocate):
    @pytest.fixture(scope="class")
    @classmethod
    def check(cls):
        return create("locate", located={"XYZ": 9})


class TestDailyLoss(RiskCheckSuite):
    needs_marks = False  # equity is given, prices are in it

    @pytest.fixture(scope="class")
    @classmethod
    def check(cls):
        return create("daily_loss", max_loss=500, max_loss_pct=0.5)

    @pytest.fixture(scope="class")
    @classmethod
    def accepted(cls):
        return request_for(order("buy", 1), day_start_equity=Decimal(10_500))

    @pytest.fixture(scope="class")
    @classmethod
    def refused(cls):
        return request_for(order("buy", 1), day_start_equity=Decimal(10_501))


class TestBuyingPower(RiskCheckSuite):
    needs_equity = False  # money counts

    @pytest.fixture(scope="class")
    @classmethod
    def check(cls):
        return create("buying_power")

    @pytest.fixture(scope="class")
    @classmethod
    def accepted(cls):
        return request_for(order("buy", 100))

    @pytest.fixture(scope="class")
    @classmethod
    def refused(cls):
        return request_for(order("buy", 101))


@pytest.mark.slow
class TestMargin(TestBuyingPower):
    @pytest.fixture(scope="class")
    @classmethod
    def check(cls):
        return create("buying_power", margin=True)

    @pytest.fixture(scope="class")
    @classmethod
    def refused(cls):
        return request_for(order("sell", 101))


class TestStaleQuote(TestMaxQuantity):
    @pytest.fixture(scope="class")
    @classmethod
    def check(cls):
        return create("stale_quote", max_age=5)

    @pytest.fixture(scope="class")
    @classmethod
    def accepted(cls):
        return request_for(order(), quotes={"AAPL": quote()}, monotonic=105.0)

    @pytest.fixture(scope="class")
    @classmethod
    def refused(cls):
        return request_for(order(), quotes={"AAPL": quote()}, monotonic=105.5)


class TestClockSkew(TestMaxQuantity):
    @pytest.fixture(scope="class")
    @classmethod
    def check(cls):
        return create("clock_skew", max_seconds=2)

    @pytest.fixture(scope="class")
    @classmethod
    def accepted(cls):
        return request_for(order(), broker_time=NOON + dt.timedelta(seconds=2))

    @pytest.fixture(scope="class")
    @classmethod
    def refused(cls):
        return request_for(order(), broker_time=NOON - dt.timedelta(seconds=3))


class TestKillState(TestMaxQuantity):
    @pytest.fixture(scope="class")
    @classmethod
    def check(cls):
        return create("kill_state")

    @pytest.fixture(scope="class")
    @classmethod
    def accepted(cls):
        return request_for(order())

    @pytest.fixture(scope="class")
    @classmethod
    def refused(cls):
        return request_for(order(), killed="a person said so")


class TestKillStateInAFlatten(TestKillState):
    passes_reductions = True  # that is what a flatten is

    @pytest.fixture(scope="class")
    @classmethod
    def refused(cls):
        return request_for(order(), killed="a person said so", flatten=True)
