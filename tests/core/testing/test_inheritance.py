"""Several implementations of one kind are tested in one run, each by a class of its own."""

import subprocess
import sys

TWO_OF_EACH = """
import datetime as dt
from decimal import Decimal

import numpy as np
import pytest

from nanobook_core.contracts import Account, RiskOrder, RiskRequest, RiskResult
from nanobook_core.portfolio.schedule import schedule_to_dense
from nanobook_core.testing import CostModelSuite, RiskCheckSuite, ScheduleToDenseSuite


class Free:
    def costs(self, quantity, price):
        return np.zeros(len(quantity), np.int64)


class Closed:
    def evaluate(self, request):
        status = "Fail" if any(o.symbol == "XYZ" for o in request.orders) else "Pass"
        return (RiskResult(name="closed", status=status, detail="as listed"),)


def order(symbol):
    return RiskRequest(
        orders=(RiskOrder(symbol=symbol, side="buy", quantity=Decimal(1)),),
        account=Account(equity=Decimal(1), cash=Decimal(1), buying_power=Decimal(1)),
        now=dt.datetime(2026, 1, 5, tzinfo=dt.UTC),
    )


class Costs(CostModelSuite):
    @pytest.fixture(scope="class")
    @classmethod
    def model(cls):
        return Free()


class Checks(RiskCheckSuite):
    needs_equity = needs_marks = passes_reductions = False

    @pytest.fixture(scope="class")
    @classmethod
    def check(cls):
        return Closed()

    @pytest.fixture(scope="class")
    @classmethod
    def accepted(cls):
        return order("AAPL")

    @pytest.fixture(scope="class")
    @classmethod
    def refused(cls):
        return order("XYZ")


class Kernels(ScheduleToDenseSuite):
    @pytest.fixture(scope="class")
    @classmethod
    def kernel(cls):
        return schedule_to_dense


class TestCosts(Costs): pass
class TestOtherCosts(Costs): pass
class TestChecks(Checks): pass
class TestOtherChecks(Checks): pass
class TestKernels(Kernels): pass
class TestOtherKernels(Kernels): pass
"""

FEW_EXAMPLES = """
from hypothesis import settings

settings.register_profile("few", max_examples=2)
settings.load_profile("few")
"""


def test_two_classes_may_inherit_each_suite(tmp_path):
    (tmp_path / "test_two.py").write_text(TWO_OF_EACH)
    (tmp_path / "conftest.py").write_text(FEW_EXAMPLES)
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_two.py"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
