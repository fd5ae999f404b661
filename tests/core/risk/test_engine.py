"""`RiskEngine`: what it takes, in which order it answers, and what it does with bad checks."""

import datetime as dt
import json
import re
import sys
from decimal import Decimal, localcontext

import numpy as np
import pytest
from attrs import evolve

import nanobook
from nanobook_core.contracts import Account
from nanobook_core.plugin import Registry

SEED_ORDER = [
    {
        "name": "Max order value",
        "status": "PASS",
        "detail": "$18500 <= $100000 max_order_value_cents",
    },
    {"name": "Max position", "status": "PASS", "detail": "5.5% (AAPL) <= 25.0% limit"},
    {"name": "Order size", "status": "PASS", "detail": "$18500.00 <= $100000.00 max"},
]
SEED_BATCH = [
    {"name": "Max position", "status": "FAIL", "detail": "60.0% (AAPL) > 25.0% limit"},
    {"name": "Leverage", "status": "PASS", "detail": "0.07x <= 1.50x limit"},
    {"name": "Short exposure", "status": "PASS", "detail": "0.0% <= 30.0% limit"},
    {"name": "Order count", "status": "PASS", "detail": "2 orders"},
    {
        "name": "Weight allocation",
        "status": "PASS",
        "detail": "80.0% long, -0.0% short, 20.0% cash",
    },
]


def test_the_seeds_examples_answer_as_the_original():
    risk = nanobook.RiskEngine(max_position_pct=0.25, max_leverage=1.5)
    checks = risk.check_order(
        "AAPL", "buy", 100, 185_00, equity_cents=1_000_000_00, positions=[("AAPL", 200)]
    )
    assert checks == SEED_ORDER
    assert checks.ok
    checks = risk.check_batch(
        orders=[("AAPL", "buy", 100, 185_00), ("MSFT", "sell", 50, 370_00)],
        equity_cents=1_000_000_00,
        positions=[("AAPL", 200), ("MSFT", 100)],
        target_weights=[("AAPL", 0.6), ("MSFT", 0.2)],
    )
    assert checks == SEED_BATCH
    assert not checks.ok
    assert checks.failures == SEED_BATCH[:1]
    with pytest.raises(nanobook.RiskVetoError, match=r"Max position: 60\.0% \(AAPL\) > 25\.0%"):
        checks.raise_if_failed()


CONFIGURATION = [
    ({"max_position_pct": 0}, "max_position_pct must be in (0, 1], got 0"),
    ({"max_position_pct": 1.5}, "max_position_pct must be in (0, 1], got 1.5"),
    ({"max_position_pct": float("nan")}, "max_position_pct must be in (0, 1], got NaN"),
    ({"max_leverage": 0.9}, "max_leverage must be >= 1.0 and finite, got 0.9"),
    ({"max_leverage": float("inf")}, "max_leverage must be >= 1.0 and finite, got inf"),
    ({"max_drawdown_pct": 2}, "max_drawdown_pct must be in [0, 1], got 2"),
    ({"max_drawdown_pct": -0.5}, "max_drawdown_pct must be in [0, 1], got -0.5"),
    ({"max_short_pct": -1}, "max_short_pct must be >= 0 and finite, got -1"),
    ({"min_trade_usd": -0.01}, "min_trade_usd must be >= 0 and finite, got -0.01"),
    ({"max_order_value_cents": -1}, "max_order_value_cents must be >= 0, got -1"),
    ({"max_batch_value_cents": -7}, "max_batch_value_cents must be >= 0, got -7"),
    ({"max_trade_usd": -1.5}, "max_trade_usd must be >= 0 and finite, got -1.5"),
    ({"max_trade_usd": float("inf")}, "max_trade_usd must be >= 0 and finite, got inf"),
    ({"max_trade_usd": float("nan")}, "max_trade_usd must be >= 0 and finite, got NaN"),
    (
        {"max_trade_usd": Decimal("-1e99999")},
        "max_trade_usd must be >= 0 and finite, got -1E+99999",
    ),
]


@pytest.mark.parametrize(("limits", "text"), CONFIGURATION)
def test_a_limit_out_of_range_is_a_value_error_with_the_originals_text(limits, text):
    with pytest.raises(ValueError, match=re.escape(text)) as error:
        nanobook.RiskEngine(**limits)
    assert str(error.value) == text


def test_of_several_wrong_limits_the_originals_first_is_reported():
    for first in range(len(CONFIGURATION)):
        wrong = {}
        for limits, _ in reversed(CONFIGURATION[first:]):
            wrong |= limits
        with pytest.raises(ValueError, match=next(iter(CONFIGURATION[first][0]))):
            nanobook.RiskEngine(**wrong)


@pytest.mark.parametrize(
    ("limits", "text"),
    [
        ({"max_postion_pct": 0.1}, "RiskEngine has no limit 'max_postion_pct'; the nearest is 'ma"),
        ({"leverage": 2}, "RiskEngine has no limit 'leverage'; the nearest is 'max_leverage'"),
        ({"max_leverage": "2"}, "max_leverage is a number, got '2' (str)"),
        ({"max_leverage": True}, "max_leverage is a number, got True (bool)"),
        ({"max_leverage": None}, "max_leverage is a number, got None (NoneType)"),
        ({"allow_short": 1}, "allow_short is True or False, got 1 (int)"),
        ({"max_order_value_cents": 1.0}, "max_order_value_cents is a whole number, got 1.0"),
        ({"max_order_value_cents": True}, "max_order_value_cents is a whole number, got True"),
        ({"checks": ["price_collar"]}, "checks are settings by name of the check"),
        ({"checks": {"price_collar": 5}}, "settings of risk check 'price_collar' are a mapping"),
        (
            {"checks": {"price_collar": {"max_pc": 1}}},
            "risk check 'price_collar' has no setting 'max_pc'; the nearest is 'max_pct'",
        ),
        ({"checks": {"kill_state": {"on": 1}}}, "risk check 'kill_state' has no setting 'on'"),
        (
            {"checks": {"max_quantity": {}}},
            "risk check 'max_quantity' needs the setting 'max_quantity'",
        ),
    ],
)
def test_what_is_unknown_or_of_the_wrong_type_is_a_type_error(limits, text):
    with pytest.raises(TypeError, match=re.escape(text)):
        nanobook.RiskEngine(**limits)


def test_a_check_that_nobody_offers_is_an_error_that_lists_what_there_is():
    with pytest.raises(nanobook.CapabilityNotFoundError, match="installed: adv, buying_power"):
        nanobook.RiskEngine(checks={"no_such_check": {}})


@pytest.mark.parametrize("name", ["leverage", "nanobook-risk:leverage"])
def test_a_check_of_the_seed_is_not_configured_twice(name):
    with pytest.raises(nanobook.ValidationError, match="give its limits to RiskEngine itself"):
        nanobook.RiskEngine(checks={name: {"max_leverage": 9}})


def test_limits_that_are_decimals_or_numpy_numbers_are_numbers():
    risk = nanobook.RiskEngine(
        np.float64(0.5), Decimal("2.5"), max_order_value_cents=np.int64(5), max_short_pct=0
    )
    assert dict(risk.limits) == {
        "max_position_pct": 0.5,
        "max_leverage": Decimal("2.5"),
        "max_drawdown_pct": 0.2,
        "allow_short": True,
        "max_short_pct": 0,
        "min_trade_usd": 100.0,
        "max_order_value_cents": 5,
        "max_batch_value_cents": 100_000_000,
        "max_trade_usd": 100_000.0,
    }
    with pytest.raises(TypeError):
        risk.limits["max_leverage"] = 9


SEED_CHECKS = (
    *("max_position", "leverage", "short_exposure", "max_order_value", "max_batch_value"),
    *("max_trade", "order_count", "weight_allocation", "drawdown"),
)


def test_the_seeds_checks_come_first_and_then_those_configured_in_their_order():
    assert nanobook.RiskEngine().checks == SEED_CHECKS
    risk = nanobook.RiskEngine(checks={"kill_state": {}, "adv": {"max_pct": 1}})
    assert risk.checks == (*SEED_CHECKS, "kill_state", "adv")


def without_risk(**policy):
    return Registry.discover(nanobook.PluginPolicy(**policy))


def test_without_the_seeds_checks_there_is_no_engine():
    with pytest.raises(nanobook.PolicyError, match=r"needs the checks of nanobook-risk: blocked"):
        nanobook.RiskEngine(registry=without_risk(block={"nanobook-risk"}))
    with pytest.raises(nanobook.PolicyError, match=r"pinned to 9\.9, found 0\.1\.0"):
        nanobook.RiskEngine(registry=without_risk(pins={"nanobook-risk": "9.9"}))


def test_a_seeds_check_that_cannot_be_imported_is_no_reason_to_do_without(monkeypatch):
    monkeypatch.setitem(sys.modules, "nanobook_risk.leverage", None)
    with pytest.raises(nanobook.PolicyError, match="'leverage' cannot be imported"):
        nanobook.RiskEngine()


BAD_CHECKS = """
from attrs import frozen
from nanobook_core.contracts import RiskResult


@frozen
class Check:
    answer: str

    def evaluate(self, request):
        if self.answer == "raise":
            raise ArithmeticError("lost\\nthe thread")
        good = RiskResult(name="good", status="Warn", detail="so so")
        return {
            "none": None,
            "true": True,
            "list": [good],
            "empty": (),
            "strings": ("Pass",),
            "mixed": (good, {"status": "Pass"}),
            "good": (good,),
            **{
                name: (RiskResult(name=name, status=status, detail="no more of that"),)
                for name, status in (("Short exposure", "Fail"), ("Max drawdown", "Fail"),
                                     ("Max order value", "Pass"))
            },
        }[self.answer]
"""


@pytest.fixture
def acme(install, tmp_path):
    """Install a third party's check that answers as it is configured."""
    module = install(
        "acme-odd",
        """
        @hookimpl
        def nanobook_risk_checks():
            return [Capability(kind=Kind.RISK_CHECK, name="odd", target="acme_odd_check:Check",
                               summary="a check")]
        """,
    )
    (tmp_path / "site" / "acme_odd_check.py").write_text(BAD_CHECKS)
    yield Registry.discover()
    sys.modules.pop("acme_odd_check", None)
    assert module


@pytest.mark.parametrize(
    ("answer", "detail"),
    [
        ("raise", "odd failed: ArithmeticError: lost the thread"),
        ("none", "odd gave no findings but None (NoneType)"),
        ("true", "odd gave no findings but True (bool)"),
        ("list", "odd gave no findings but [RiskResult("),
        ("empty", "odd gave no findings but () (tuple)"),
        ("strings", "odd gave no findings but ('Pass',) (tuple)"),
        ("mixed", "odd gave no findings but (RiskResult("),
    ],
)
def test_a_third_partys_check_that_breaks_its_contract_fails_by_name(acme, answer, detail):
    risk = nanobook.RiskEngine(registry=acme, checks={"odd": {"answer": answer}})
    checks = risk.check_order("AAPL", "buy", 1, 1_00, 1_000_00, [])
    assert checks[:-1] == nanobook.RiskEngine().check_order("AAPL", "buy", 1, 1_00, 1_000_00, [])
    assert (checks[-1]["name"], checks[-1]["status"]) == ("odd", "FAIL")
    assert checks[-1]["detail"].startswith(detail)


def test_a_third_partys_check_joins_under_its_qualified_name(acme):
    risk = nanobook.RiskEngine(registry=acme, checks={"acme-odd:odd": {"answer": "good"}})
    checks = risk.check_batch([], 1_000_00, [], [])
    assert checks[-1] == {"name": "good", "status": "WARN", "detail": "so so"}
    assert checks.ok
    assert checks.warnings == checks[-1:]
    checks.raise_if_failed()


@pytest.mark.parametrize("name", ["Short exposure", "Max drawdown", "Max order value"])
def test_a_third_partys_finding_is_listed_whatever_its_name(acme, name):
    risk = nanobook.RiskEngine(registry=acme, checks={"odd": {"answer": name}}, allow_short=False)
    for checks in (
        risk.check_order("A", "buy", 1, 1_00, 1_000_00, []),
        risk.check_batch([("A", "buy", 1, 1_00)], 1_000_00, [], [("A", 0.001)]),
    ):
        assert (checks[-1]["name"], checks[-1]["detail"]) == (name, "no more of that")
        assert checks.ok == (name == "Max order value")


def test_cents_are_exact_in_any_decimal_context():
    risk = nanobook.RiskEngine(max_order_value_cents=10_004_00, max_position_pct=1)
    with localcontext() as narrow:
        narrow.prec = 4
        checks = risk.check_order("A", "buy", 1, 10_004_01, 1_000_000_00, [])
        batch = risk.check_batch([("A", "buy", 1, 10_004_01)], 1_000_000_00, [], [])
    assert [found["name"] for found in checks.failures] == ["Max order value"]
    assert [found["name"] for found in batch.failures] == ["Max order value"]


def test_a_report_reads_as_the_originals():
    report = nanobook.RiskEngine().check_order("A", "buy", 1, 1_00, 10_00, []).report
    assert str(report) == (
        "RISK CHECKS:\n"
        "  [PASS] Max order value: $1 <= $100000 max_order_value_cents\n"
        "  [PASS] Max position: 10.0% (A) <= 25.0% limit\n"
        "  [PASS] Order size: $1.00 <= $100000.00 max"
    )
    assert not report.has_failures()
    assert not report.has_warnings()


def test_statuses_are_the_seeds_words_in_any_case():
    check = nanobook.RiskEngine().check_order("A", "buy", 1, 1_00, 10_00, [])[0]
    assert check["status"] == "Pass"
    assert check["status"] == "PASS"
    assert json.dumps(check["status"]) == '"Pass"'


GOOD = {
    "symbol": "A",
    "side": "buy",
    "quantity": 1,
    "price_cents": 100,
    "equity_cents": 100,
    "positions": [],
}


@pytest.mark.parametrize(
    ("argument", "value", "error", "text"),
    [
        ("symbol", "TOOLONGSYM", ValueError, "Symbol 'TOOLONGSYM' exceeds 8 bytes"),
        ("symbol", 5, TypeError, "a symbol is a string"),
        ("side", "hold", ValueError, "Invalid side 'hold'"),
        ("side", None, TypeError, "side is a string"),
        ("quantity", 1.0, TypeError, "quantity is a whole number"),
        ("quantity", True, TypeError, "quantity is a whole number"),
        ("quantity", "1", TypeError, "quantity is a whole number"),
        ("quantity", -1, OverflowError, "quantity is from 0"),
        ("quantity", 2**63, OverflowError, "quantity is from 0"),
        ("quantity", 0, ValueError, "quantity must be greater than zero"),
        ("price_cents", 1.5, TypeError, "price_cents is a whole number"),
        ("price_cents", 2**63, OverflowError, "price_cents is from"),
        ("equity_cents", 1.5, TypeError, "equity_cents is a whole number"),
        ("equity_cents", 2**63, OverflowError, "equity_cents is from"),
        ("equity_cents", None, TypeError, "equity_cents is a whole number"),
        ("positions", 5, TypeError, "positions is a list"),
        ("positions", "AAPL", TypeError, "positions is a list"),
        ("positions", ["AAPL"], TypeError, "positions[0] is (symbol, quantity)"),
        ("positions", [("A", 1.5)], TypeError, "quantity of a position is a whole number"),
        ("positions", [("A", 2**63)], OverflowError, "quantity of a position is from"),
        ("prices", [("A", 1.5)], TypeError, "price of A is a whole number"),
        ("peak_equity_cents", 1.5, TypeError, "peak_equity_cents is a whole number"),
    ],
)
def test_an_argument_that_is_none_raises_before_anything_is_judged(argument, value, error, text):
    with pytest.raises(error, match=re.escape(text)):
        nanobook.RiskEngine().check_order(**{**GOOD, argument: value})


@pytest.mark.parametrize(
    ("argument", "value", "error", "text"),
    [
        ("orders", 5, TypeError, "orders is a list"),
        ("orders", [("A", "buy", 1)], TypeError, "orders[0] is (symbol, side, quantity, price"),
        ("orders", [("A", "buy", 1, 1), ("A", "hold", 1, 1)], ValueError, "orders[1]: Invalid"),
        ("orders", [("A", "buy", 0, 1)], ValueError, "orders[0]: quantity must be greater"),
        ("orders", [("A", "buy", -1, 1)], OverflowError, "orders[0]: quantity is from"),
        ("target_weights", [("A", "0.5")], TypeError, "target weight of A is a number"),
        ("target_weights", [("A", True)], TypeError, "target weight of A is a number"),
        ("target_weights", [0.5], TypeError, "target_weights[0] is (symbol, weight)"),
        ("target_weights", None, TypeError, "target_weights is a list"),
    ],
)
def test_a_batch_that_is_none_raises_before_anything_is_judged(argument, value, error, text):
    good = {"orders": [], "equity_cents": 100, "positions": [], "target_weights": []}
    with pytest.raises(error, match=re.escape(text)):
        nanobook.RiskEngine().check_batch(**{**good, argument: value})


def test_positions_prices_and_weights_may_be_mappings():
    risk = nanobook.RiskEngine()
    assert risk.check_batch(
        [("A", "buy", 1, 100)],
        100_00,
        {"B": 1},
        {"A": 0.1},
        {"B": 200},
    ) == risk.check_batch(
        [("A", "buy", 1, 100)], 100_00, [("B", 1)], [("A", 0.1)], prices=[("B", 200)]
    )


def test_capabilities_list_the_checks():
    names = nanobook.capabilities("risk_check")
    assert [name for name in names if name.startswith("risk_check_")] == names
    assert {f"risk_check_{name}" for name in SEED_CHECKS} < {*names}
    assert len(names) == 25


def request_of(**fields):
    money = Decimal(1000)
    given = {
        "orders": (nanobook.RiskOrder(symbol="A", side="buy", quantity=Decimal(1)),),
        "account": Account(equity=money, cash=money, buying_power=money),
        "now": dt.datetime(2026, 1, 5, tzinfo=dt.UTC),
        "marks": {"A": Decimal(1)},
    }
    return nanobook.RiskRequest(**given | fields)


@pytest.mark.parametrize(
    "fields",
    [
        {"positions": {"A": 5}},
        {"positions": None},
        {"marks": {"A": 1.5}},
        {"marks": None},
        {"orders": ("AAPL",)},
        {"orders": None},
        {"open_orders": None},
        {"account": None},
        {"targets": {"A": "much"}},
        {"peak_equity": 5.0},
        {"instruments": {"A": "share"}},
    ],
    ids=str,
)
def test_it_answers_a_request_of_the_wrong_types_with_failures(fields):
    assert nanobook.RiskEngine().evaluate(request_of()).ok
    report = nanobook.RiskEngine().evaluate(request_of(**fields))
    assert not report.ok
    assert all("\n" not in found.detail for found in report.results)


def test_a_signalling_nan_is_no_number_and_traps_no_exit():
    odd = Decimal("sNaN")
    checks = {
        "buying_power": {},
        "daily_loss": {"max_loss": 1},
        "open_order_exposure": {"max_leverage": 1},
    }
    risk = nanobook.RiskEngine(checks=checks)
    request = request_of(
        account=Account(equity=odd, cash=odd, buying_power=odd),
        positions={"A": Decimal(1), "B": odd},
        marks={"A": Decimal(1), "B": odd},
        peak_equity=odd,
        day_start_equity=odd,
    )
    names = {found.name for found in risk.evaluate(request).failures}
    assert names == {
        *("Max position", "Leverage", "Short exposure", "Max drawdown"),
        *("Buying power", "Daily loss", "Open order exposure"),
    }
    exit_ = evolve(request.orders[0], side="sell")
    assert risk.evaluate(evolve(request, orders=(exit_,))).ok


def test_a_report_has_a_finding_of_every_check():
    report = nanobook.RiskEngine(max_order_value_cents=0).evaluate(request_of(targets={"A": 0.1}))
    assert [(found.name, found.detail) for found in report.results] == [
        ("Max position", "10.0% (A) <= 25.0% limit"),
        ("Leverage", "0.00x <= 1.50x limit"),
        ("Short exposure", "0.0% <= 30.0% limit"),
        ("Max order value", "no cap"),
        ("Max batch value", "$1 <= $1000000 max_batch_value_cents"),
        ("Max trade size", "none above $100000 max_trade_usd"),
        ("Order count", "1 orders"),
        ("Weight allocation", "10.0% long, -0.0% short, 90.0% cash"),
        ("Max drawdown", "no peak equity given"),
    ]
    (value,) = (
        found
        for found in nanobook.RiskEngine().evaluate(request_of(targets={})).results
        if found.name == "Max order value"
    )
    assert value.detail == "none above $100000 max_order_value_cents"
