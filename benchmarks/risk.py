"""What the risk gate costs: every check on one order and on a batch of 500, and all together.

CPU time, medians, each check with a book of its own and, in `engine`, all of them with one. Budgets
of a check: 20 us for one order, 2 ms for 500. Run: uv run python benchmarks/risk.py [--quick]
"""

import datetime as dt
import json
import statistics
import sys
from collections.abc import Callable
from decimal import Decimal
from functools import partial
from time import process_time
from typing import Any

from attrs import evolve

from nanobook_core.contracts import Account, Quote, RiskOrder, RiskRequest, SentOrder
from nanobook_core.plugin import default_registry
from nanobook_core.risk import RiskEngine

NOON = dt.datetime(2026, 1, 5, 12, tzinfo=dt.UTC)
N_NAMES = 500
ORDER_BUDGET_US, BATCH_BUDGET_US = 20.0, 2000.0

SETTINGS: dict[str, dict[str, Any]] = {
    "max_position": {},
    "leverage": {},
    "short_exposure": {},
    "max_order_value": {},
    "max_batch_value": {"max_batch_value_cents": 10**11},
    "max_trade": {},
    "order_count": {},
    "weight_allocation": {},
    "drawdown": {},
    "net_exposure": {"max_net_leverage": 2},
    "price_collar": {},
    "max_quantity": {"max_quantity": 10_000},
    "adv": {"max_pct": 0.1},
    "duplicate_order": {},
    "rate_throttle": {"max_orders": 1000},
    "repeat_throttle": {"max_orders": 10},
    "parent_cap": {},
    "restricted": {"restricted": ["XYZ"]},
    "locate": {"located": []},
    "daily_loss": {"max_loss": 1_000_000},
    "buying_power": {},
    "stale_quote": {},
    "clock_skew": {},
    "open_order_exposure": {"max_leverage": 2},
    "kill_state": {},
}
SEED = tuple(SETTINGS)[:9]


def request(n_orders: int, n_held: int) -> RiskRequest:
    """Orders in as many names, each of which is held."""
    names = [f"S{number:04d}" for number in range(max(n_orders, n_held))]
    price = {name: Decimal(10_000 + number).scaleb(-2) for number, name in enumerate(names)}
    orders = tuple(
        RiskOrder(
            symbol=name,
            side="buy" if number % 2 else "sell",
            quantity=Decimal(10 + number % 7),
            limit_price=price[name],
            client_order_id=f"nb1-{number}",
        )
        for number, name in enumerate(names[:n_orders])
    )
    money = Decimal(20_000_000)
    return RiskRequest(
        orders=orders,
        account=Account(equity=money, cash=money, buying_power=money),
        now=NOON,
        targets=dict.fromkeys(names[:n_orders], 1 / n_orders) if n_orders > 1 else None,
        positions={name: Decimal(100) for name in names[:n_held]},
        marks=price,
        peak_equity=money,
        day_start_equity=money,
        quotes={
            name: Quote(symbol=name, bid=price[name], ask=price[name], received=100.0)
            for name in names
        },
        monotonic=101.0,
        broker_time=NOON,
        volumes=dict.fromkeys(names, Decimal(1_000_000)),
        sent=tuple(
            SentOrder(
                order=evolve(orders[0], quantity=Decimal(1), client_order_id=f"old{number}"),
                sent_at=NOON - dt.timedelta(seconds=number + 100),
            )
            for number in range(10)
        ),
        planned={order.symbol: order.signed_quantity * 10 for order in orders},
    )


def microseconds(call: Callable[[], object], calls: int, rounds: int) -> float:
    """Median CPU time of a call."""
    call()
    taken = []
    for _ in range(rounds):
        started = process_time()
        for _ in range(calls):
            call()
        taken.append((process_time() - started) / calls * 1e6)
    return round(statistics.median(taken), 2)


def main() -> int:
    """Print the costs; 1 if a check is over its budget."""
    quick = "--quick" in sys.argv[1:]
    calls, rounds = (200, 3) if quick else (5000, 7)
    one, batch = request(1, 1), request(N_NAMES, N_NAMES)
    one_of_many = request(1, N_NAMES)
    checks = {
        name: default_registry().create("risk_check", name, **settings)
        for name, settings in SETTINGS.items()
    }
    results = {
        name: {
            "order_us": microseconds(partial(check.evaluate, one), calls, rounds),
            "batch_us": microseconds(partial(check.evaluate, batch), max(calls // 250, 3), rounds),
        }
        for name, check in checks.items()
    }
    seed = RiskEngine(max_batch_value_cents=10**11)
    every = RiskEngine(
        max_batch_value_cents=10**11,
        checks={name: settings for name, settings in SETTINGS.items() if name not in SEED},
    )
    positions = [("S0000", 100)]
    pairs = [(order.symbol, str(order.side), int(order.quantity), 100_00) for order in batch.orders]
    held = {order.symbol: 100 for order in batch.orders}
    weights = dict.fromkeys(held, 1 / N_NAMES)
    engine = {
        "check_order_us": microseconds(
            lambda: seed.check_order("S0000", "buy", 10, 100_00, 10**10, positions), calls, rounds
        ),
        "check_batch_500_us": microseconds(
            lambda: seed.check_batch(pairs, 10**10, held, weights), max(calls // 250, 3), rounds
        ),
        "evaluate_9_checks_us": microseconds(lambda: seed.evaluate(one), calls, rounds),
        "evaluate_25_checks_us": microseconds(lambda: every.evaluate(one), calls, rounds),
        "evaluate_25_checks_500_held_us": microseconds(
            lambda: every.evaluate(one_of_many), max(calls // 50, 3), rounds
        ),
        "evaluate_25_checks_500_orders_us": microseconds(
            lambda: every.evaluate(batch), max(calls // 250, 3), rounds
        ),
    }
    assert seed.evaluate(one).ok  # noqa: S101 - a benchmark of refusals would be another
    assert every.evaluate(batch).ok, str(every.evaluate(batch))  # noqa: S101
    over = [
        name
        for name, cost in results.items()
        if cost["order_us"] > ORDER_BUDGET_US or cost["batch_us"] > BATCH_BUDGET_US
    ]
    print(json.dumps({"checks": results, "engine": engine, "over_budget": over}, indent=2))
    return int(bool(over))


if __name__ == "__main__":
    raise SystemExit(main())
