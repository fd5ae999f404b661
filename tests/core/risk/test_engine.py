"""`RiskEngine`: what it takes, in which order it answers, and what it does with bad checks."""

import pytest

import nanobook

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
