"""Planned faults that change the market for as long as one order is before the engine."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import TYPE_CHECKING, TypeAlias

from nanobook_binance.simulator.server import house
from nanobook_binance.simulator.server.call import Call
from nanobook_binance.simulator.venue import OrderRequest, Venue
from nanobook_core.broker.exact import EXACT, product
from nanobook_core.broker.fault_script import How

if TYPE_CHECKING:
    from nanobook_binance.simulator.server.server import Server

Undo: TypeAlias = Callable[[], None]
"""What happens after the engine."""

_OTHER_SIDE = {"BUY": "SELL", "SELL": "BUY"}


def withdraw(server: Server, call: Call, how: How) -> Undo:
    """Let the liquidity source be gone meanwhile."""
    del how
    venue, symbol = server.venue, call.sent["symbol"]
    levels = house.offers(venue, symbol)
    venue.withdraw_quote(symbol)
    return lambda: house.offer(venue, symbol, _uncrossed(venue, symbol, levels))


def halve(server: Server, call: Call, how: How) -> Undo:
    """Let the liquidity source have half of what the order would take; at least a step."""
    del how
    venue, symbol = server.venue, call.sent["symbol"]
    levels = house.offers(venue, symbol)
    step = venue.rules(symbol).step
    steps = max(1, int(Decimal(call.sent["quantity"]) / step) // 2)
    left = product(step, Decimal(steps))
    venue.withdraw_quote(symbol)
    for level in levels:
        if level.side == call.sent["side"]:
            house.offer(venue, symbol, [level])
        elif left:
            quantity = min(left, level.quantity)
            house.offer(venue, symbol, [house.Level(level.side, level.price, quantity)])
            left = EXACT.subtract(left, quantity)
    return lambda: house.offer(venue, symbol, _uncrossed(venue, symbol, levels))


def stand_in_its_way(server: Server, call: Call, how: How) -> Undo:
    """Let the account have a small order on the other side, and the liquidity source be gone."""
    venue, symbol = server.venue, call.sent["symbol"]
    key = server.keys.find(call.asking_key)
    levels = house.offers(venue, symbol)
    other = _OTHER_SIDE[call.sent["side"]]
    prices = [level.price for level in levels if level.side == other]
    price = Decimal(call.sent["price"]) if "price" in call.sent else prices[0]
    if key is None:
        return lambda: None
    venue.withdraw_quote(symbol)
    try:
        placed = venue.place(
            key.account,
            OrderRequest(
                symbol=symbol,
                side=other,
                type="LIMIT_MAKER",
                quantity=_least(venue, symbol, price),
                price=price,
            ),
        )
    except BaseException:
        house.offer(venue, symbol, levels)
        raise
    call.sent = {**call.sent, "selfTradePreventionMode": how.get("mode", "EXPIRE_TAKER")}

    def undo() -> None:
        if venue.order(key.account, symbol, placed.order_id).is_open:
            venue.cancel(key.account, symbol, placed.order_id)
        house.offer(venue, symbol, _uncrossed(venue, symbol, levels))

    return undo


def _least(venue: Venue, symbol: str, price: Decimal) -> Decimal:
    """The smallest quantity that may be ordered at a price."""
    rules = venue.rules(symbol)
    least: Decimal = rules.limits["LOT_SIZE"]["minQty"]
    notional = Decimal(rules.number("NOTIONAL", "minNotional") or 0)
    steps = EXACT.divide_int(notional, product(price, rules.step)) + 1
    return max(least, product(rules.step, steps))


def _uncrossed(venue: Venue, symbol: str, levels: list[house.Level]) -> list[house.Level]:
    """Those that would not trade with what clients have open by now."""
    top = venue.top(symbol)
    return [
        level
        for level in levels
        if (level.side == "SELL" and (top.bid is None or level.price > top.bid))
        or (level.side == "BUY" and (top.ask is None or level.price < top.ask))
    ]
