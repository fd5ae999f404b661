"""What is held once a plan was executed, against what its fills explain."""

from __future__ import annotations

from decimal import Decimal

from nanobook_core.contracts import Broker, Clock
from nanobook_core.plugin.discovery import described
from nanobook_rebalancer.decimal_text import decimal_text
from nanobook_rebalancer.history import Window
from nanobook_rebalancer.plan import Plan

#: How often, and how many seconds apart, positions are asked for that do not show all fills yet.
_LOOKS, _LOOK_SECONDS = 5, 2.0


def final_positions(
    broker: Broker, clock: Clock, plan: Plan, window: Window
) -> tuple[dict[str, Decimal] | None, list[str]]:
    """Return what is held, None where the broker does not say, and what of it is not explained.

    Only symbols of the plan are looked at, and fills may take a while to show.
    """
    expected, slack = _explained(plan, window)
    positions: dict[str, Decimal] | None = None
    problems: list[str] = []
    for look in range(_LOOKS):
        if look:
            clock.sleep(_LOOK_SECONDS)
        try:
            positions = {held.symbol: held.quantity for held in broker.positions()}
        except Exception as error:  # noqa: BLE001 - whatever an adapter raises is no answer
            problems = [f"positions: {described(error)}"]
            continue
        problems = [
            f"{symbol}: {decimal_text(found)} held, {decimal_text(expected[symbol])} explained"
            for symbol, allowed in slack.items()
            if abs((found := positions.get(symbol, Decimal(0))) - expected[symbol]) > allowed
        ]
        if not problems:
            break
    return positions, problems


def _explained(plan: Plan, window: Window) -> tuple[dict[str, Decimal], dict[str, Decimal]]:
    """Positions before and fills since, and by how much fees may have changed them.

    A venue may take its fee out of what was bought.
    """
    expected = dict(plan.positions)
    slack: dict[str, Decimal] = {}
    for leg in plan.legs:
        fills = [fill for each in window.attempts_of(leg.number) for fill in each.fills.values()]
        sign = 1 if leg.signed_quantity > 0 else -1
        traded = sign * sum((fill.shares for fill in fills), Decimal(0))
        expected[leg.symbol] = expected.get(leg.symbol, Decimal(0)) + traded
        fees = (abs(each.fee) for each in fills if each.fee_currency not in ("", plan.currency))
        slack[leg.symbol] = slack.get(leg.symbol, Decimal(0)) + sum(fees, Decimal(0))
    return expected, slack
