"""What is held once a plan was executed."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

from nanobook_core.contracts import Broker, Clock
from nanobook_core.plugin.discovery import described
from nanobook_rebalancer.holdings import Holdings

#: How often, and how many seconds apart, positions are asked for that do not show all fills yet.
LOOKS, LOOK_SECONDS = 5, 2.0


def final_positions(
    broker: Broker, clock: Clock, holdings: Holdings, ask_again: Callable[[], object]
) -> tuple[dict[str, Decimal] | None, list[str]]:
    """Return what is held, None where the broker does not say, and what of it is not explained.

    Only symbols that were traded are looked at. Fills may take a while to show, and `ask_again` is
    for those that came after an order's end.
    """
    positions: dict[str, Decimal] | None = None
    problems: list[str] = []
    for look in range(LOOKS):
        if look:
            clock.sleep(LOOK_SECONDS)
        try:
            positions = {held.symbol: held.quantity for held in broker.positions()}
        except Exception as error:  # noqa: BLE001 - whatever an adapter raises is no answer
            problems = [f"positions: {described(error)}"]
            continue
        ask_again()
        problems = holdings.unexplained(positions)
        if not problems:
            break
    return positions, problems
