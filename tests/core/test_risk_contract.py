from decimal import Context, Decimal, localcontext

import pytest

from nanobook_core.contracts import Account, RiskOrder, RiskResult, RiskStatus
from nanobook_core.types import Side


@pytest.mark.parametrize("spelling", ["Pass", "PASS", "pass"])
def test_a_status_equals_its_name_in_any_case(spelling):
    for left, right in ((RiskStatus.PASS, spelling), (spelling, RiskStatus.PASS)):
        assert left == right
        assert not left != right  # noqa: SIM202 - both operators are under test
        assert left is not RiskStatus.FAIL
    assert spelling not in (RiskStatus.FAIL, RiskStatus.WARN)


def test_a_status_prints_as_in_the_seed():
    assert [str(status) for status in RiskStatus] == ["Pass", "Warn", "Fail"]
    assert RiskStatus.PASS != 1
    assert hash(RiskStatus.WARN) == hash("Warn")


def test_a_result_takes_the_seeds_spelling_and_no_other_word():
    assert RiskResult(name="n", status="Warn", detail="d").status is RiskStatus.WARN
    with pytest.raises(ValueError, match="Perhaps"):
        RiskResult(name="n", status="Perhaps", detail="d")


def test_an_order_knows_which_way_it_moves_a_position():
    order = {"symbol": "AAPL", "quantity": Decimal(3)}
    assert RiskOrder(side="buy", **order).signed_quantity == 3
    assert RiskOrder(side=Side.SELL, **order).signed_quantity == -3
    with localcontext(Context(prec=3)):
        fine = RiskOrder(symbol="BTC", side="sell", quantity=Decimal("1.0001"))
        assert fine.signed_quantity == Decimal("-1.0001")
    with pytest.raises(ValueError, match="hold"):
        RiskOrder(side="hold", **order)


@pytest.mark.parametrize("wrong", [1, 1.5, "1", None])
def test_money_and_quantities_are_decimal_and_nothing_else(wrong):
    with pytest.raises(TypeError, match="quantity"):
        RiskOrder(symbol="AAPL", side="buy", quantity=wrong)
    with pytest.raises(TypeError, match="equity"):
        Account(equity=wrong, cash=Decimal(1), buying_power=Decimal(1))
