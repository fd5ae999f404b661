"""How much of the orders that a quote crosses is filled, and at which prices."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from itertools import groupby
from typing import Any, Protocol, TypeAlias

from attrs import frozen

from nanobook_core.broker.exact import EXACT, total
from nanobook_core.broker.paper_model import created
from nanobook_core.contracts.broker_error import OrderInvalidError
from nanobook_core.contracts.broker_order import BrokerOrder
from nanobook_core.contracts.engine import Engine
from nanobook_core.contracts.instrument import Instrument
from nanobook_core.contracts.portfolio import FillModel, FillRequest
from nanobook_core.errors import ValidationError, shown
from nanobook_core.plugin.registry import default_registry
from nanobook_core.types import Side

#: `"touch"`, `"order_book"`, a fill model, its name, or a mapping with its name and settings.
FillsLike: TypeAlias = str | Mapping[str, Any] | FillModel

#: So many that thousands of such orders are no more than an engine can add up.
_MOST = 2**48


@frozen
class Crossed:
    """An order that could trade at the touch."""

    order_id: int
    quantity: Decimal
    limit: Decimal | None
    is_resting: bool
    """Whether it has a limit and was in the market before: then it trades at that limit."""
    is_whole: bool = False
    """Whether it trades whole or not at all."""

    def price(self, touch: Decimal) -> Decimal:
        """What it trades at: its own price if it rests, else the market's."""
        return self.limit if self.is_resting and self.limit is not None else touch


@frozen(kw_only=True)
class Crossing:
    """The orders of one side that a quote crosses, best price first and then the oldest."""

    rules: Instrument
    side: Side
    orders: tuple[Crossed, ...]
    touch: Decimal
    available: Decimal | None
    """What the quote offers and nobody has taken; None for any quantity."""
    taken: Decimal
    """What was taken of this quote before, on this side."""
    period: int
    is_first: bool


@frozen
class Match:
    """A part of an order, and its price."""

    order_id: int
    quantity: Decimal
    price: Decimal


class Matching(Protocol):
    """Decides on fills."""

    is_settled: bool
    """Whether orders that met a quote once get no more of it the next time."""

    def match(self, crossing: Crossing) -> list[Match]:
        """Fills in the order in which they are made; never more than an order has left."""
        ...


def matching_of(fills: FillsLike) -> Matching:
    """Return how orders are filled.

    Raises:
        TypeError: it is none of the ways.
        CapabilityNotFoundError: there is no fill model of that name.

    """
    if fills == "touch":
        return _Touch()
    if fills == "order_book":
        return _OrderBook()
    if isinstance(fills, str | Mapping):
        fills = created("fill_model", fills)
    if isinstance(fills, FillModel):
        return _Modelled(fills)
    raise TypeError(
        "fills are 'touch', 'order_book', a fill model, its name, or a mapping with its name and "
        f"settings, got {shown(fills)}"
    )


class _Touch:
    """All that the quote offers, in the orders' turn."""

    is_settled = True

    def match(self, crossing: Crossing) -> list[Match]:
        left = crossing.available
        matches = []
        for order in crossing.orders:
            quantity = order.quantity
            if left is not None:
                quantity = min(quantity, crossing.rules.round_quantity(left))
                if order.is_whole and quantity < order.quantity:
                    continue  # and what is offered is left to the next
                left = EXACT.subtract(left, quantity)
            if quantity:
                matches.append(Match(order.order_id, quantity, order.price(crossing.touch)))
        return matches


class _OrderBook:
    """The same on a matching engine, which has the quote's size on the other side.

    Orders that come to the market meet the quote; those that rest are met by it. A quote off the
    tick is moved to the next price beyond it.
    """

    is_settled = True

    def match(self, crossing: Crossing) -> list[Match]:
        rules, side = crossing.rules, crossing.side
        touch = _whole(
            rules.to_ticks(rules.round_price(crossing.touch, up=side is Side.BUY)), crossing
        )
        offered = _MOST
        if crossing.available is not None:
            offered = min(_MOST, rules.to_lots(rules.round_quantity(crossing.available)))
        matches: list[Match] = []
        for is_resting, orders in groupby(crossing.orders, lambda order: order.is_resting):
            if not offered:
                break
            engine: Engine = default_registry().create("engine", "exchange", log_events=False)
            if not is_resting:
                engine.submit_limit(side.opposite, touch, offered)
            by_id: dict[int, int] = {}
            for order in orders:
                lots = _whole(rules.to_lots(order.quantity), crossing)
                if order.is_whole:
                    by_id[engine.submit_limit(side, touch, lots, "fok").order_id] = order.order_id
                elif order.limit is None:
                    by_id[engine.submit_market(side, lots).order_id] = order.order_id
                else:
                    limit = _whole(rules.to_ticks(order.limit), crossing)
                    by_id[engine.submit_limit(side, limit, lots).order_id] = order.order_id
            if is_resting:
                engine.submit_limit(side.opposite, touch, offered, "ioc")
            for trade in engine.trades():
                ours = trade.passive_order_id if is_resting else trade.aggressor_order_id
                offered -= trade.quantity
                quantity, price = rules.from_lots(trade.quantity), rules.from_ticks(trade.price)
                matches.append(Match(by_id[ours], quantity, price))
        return matches


class _Modelled:
    """What a fill model says, in whole ticks and lots."""

    is_settled = False

    def __init__(self, model: FillModel) -> None:
        self._model = model

    def match(self, crossing: Crossing) -> list[Match]:
        import numpy as np

        rules, orders = crossing.rules, crossing.orders
        buys = crossing.side is Side.BUY
        sign = 1 if buys else -1
        prices = [order.price(crossing.touch) for order in orders]
        lots = [sign * _whole(rules.to_lots(order.quantity), crossing) for order in orders]
        ticks = [
            _whole(rules.to_ticks(rules.round_price(price, up=buys)), crossing) for price in prices
        ]
        filled = _whole(rules.to_lots(rules.round_quantity(crossing.taken)), crossing)
        fills = self._model.fill(
            FillRequest(
                period=crossing.period,
                is_first=crossing.is_first,
                symbols=(rules.symbol,),
                column=np.zeros(len(orders), np.int64),
                quantity=np.array(lots, np.int64),
                price=np.array(ticks, np.int64),
                is_stop=np.zeros(len(orders), np.bool_),
                filled=np.full(len(orders), filled, np.int64),
            )
        )
        matches = []
        left = dict(enumerate(lots))
        for order, quantity, price in zip(
            *(part.tolist() for part in (fills.order, fills.quantity, fills.price)), strict=True
        ):
            if order not in left or quantity * sign <= 0 or price <= 0:
                raise ValidationError(
                    f"{self._model!r:.80} filled {quantity} of order {order} at {price}"
                )
            left[order] -= quantity
            if left[order] * sign < 0:
                raise ValidationError(f"{self._model!r:.80} filled more of an order than it asked")
            money, limit = rules.from_ticks(price), orders[order].limit
            if limit is None or (money <= limit if buys else money >= limit):
                matches.append(
                    Match(orders[order].order_id, rules.from_lots(quantity * sign), money)
                )
        return matches


def _whole(number: int, crossing: Crossing) -> int:
    if abs(number) > _MOST:
        raise OrderInvalidError(
            f"{crossing.rules.symbol}: {number} ticks or lots are more than the {_MOST} that can "
            "be matched; fills='touch' takes any"
        )
    return number


def filled_of(matches: list[Match], order_id: int) -> Decimal:
    """Return how much of an order the matches fill."""
    return total(*(match.quantity for match in matches if match.order_id == order_id))


def crosses(order: BrokerOrder, price: Decimal | None) -> bool:
    """Whether the order's limit lets it trade at the touch."""
    if price is None or order.limit_price is None:
        return price is not None
    return order.limit_price >= price if order.side is Side.BUY else order.limit_price <= price


def triggers(order: BrokerOrder, price: Decimal) -> bool:
    """Whether a touch is at the stop price or beyond."""
    if order.stop_price is None:
        return False
    return price >= order.stop_price if order.side is Side.BUY else price <= order.stop_price
