"""Whether a venue's steps and limits allow an order, and the nearest one that they allow."""

from __future__ import annotations

from decimal import Decimal

from attrs import evolve

from nanobook_core.broker.exact import EXACT, product
from nanobook_core.contracts.broker import NormalizedOrder
from nanobook_core.contracts.broker_error import OrderInvalidError
from nanobook_core.contracts.broker_order import BrokerOrder
from nanobook_core.contracts.instrument import Instrument
from nanobook_core.errors import ValidationError
from nanobook_core.types import Side


def cut_to_rules(
    order: BrokerOrder, rules: Instrument, reference_price: Decimal | None = None
) -> NormalizedOrder:
    """Cut an order to its steps and check what is left, as `Broker.normalize`.

    `reference_price` values an order without a limit.

    Raises:
        OrderInvalidError: nothing is left, or another rule forbids it.

    """
    cut = cut_to_steps(order, rules)
    check_rules(cut.order, rules, reference_price)
    return cut


def cut_to_steps(order: BrokerOrder, rules: Instrument) -> NormalizedOrder:
    """Cut the quantity down to lots and prices to the passive side, and check no limit.

    A limit goes down to buy and up to sell, a stop the other way: neither ever trades sooner or at
    a worse price for it.

    Raises:
        OrderInvalidError: no lot is left.

    """
    buys = order.side is Side.BUY
    quantity = rules.round_quantity(order.quantity)
    if not quantity:
        raise _too_little(order, rules)
    limit, stop = (
        None if price is None else _same(price, rules.round_price(price, up=up))
        for price, up in ((order.limit_price, not buys), (order.stop_price, buys))
    )
    quantity = _same(order.quantity, quantity)
    cut = evolve(order, quantity=quantity, limit_price=limit, stop_price=stop)
    changes = tuple(
        f"{name} {before} to {after}"
        for name, before, after in (
            ("quantity", order.quantity, quantity),
            ("limit_price", order.limit_price, limit),
            ("stop_price", order.stop_price, stop),
        )
        if before != after
    )
    return NormalizedOrder(order=cut, changes=changes)


def check_rules(
    order: BrokerOrder, rules: Instrument, reference_price: Decimal | None = None
) -> None:
    """Refuse what the venue would refuse; the message says the nearest value that is allowed.

    Raises:
        OrderInvalidError: it is off a step, outside a limit, or the instrument does not trade.

    """
    if not rules.tradable:
        raise _invalid(order, "it does not trade")
    try:
        rules.to_lots(order.quantity)
    except ValidationError as error:
        below = rules.round_quantity(order.quantity)
        if not below:
            raise _too_little(order, rules) from None
        above = EXACT.add(below, rules.lot)
        raise _invalid(order, f"{_detail(error)}; nearest are {below} and {above}") from None
    least, most = rules.min_quantity, rules.max_quantity
    if least is not None and order.quantity < least:
        raise _invalid(order, f"quantity is at least {_least(rules)}, got {order.quantity}")
    if most is not None and order.quantity > most:
        raise _invalid(
            order, f"quantity is at most {rules.round_quantity(most)}, got {order.quantity}"
        )
    for name, price in (("limit_price", order.limit_price), ("stop_price", order.stop_price)):
        if price is None:
            continue
        if price <= 0:
            raise _invalid(
                order, f"{name} is above 0, got {price}; the least is {rules.tick_at(price)}"
            )
        try:
            rules.to_ticks(price)
        except ValidationError as error:
            raise _invalid(order, f"{name}: {_detail(error)}") from None
    _check_notional(order, rules, order.limit_price or order.stop_price or reference_price)


def _check_notional(order: BrokerOrder, rules: Instrument, price: Decimal | None) -> None:
    if price is None:  # a market order without a quote: the venue knows its price
        return
    notional = product(order.quantity, price, rules.multiplier)
    lot = product(price, rules.multiplier, rules.lot)
    least, most = rules.min_notional, rules.max_notional
    if least is not None and notional < least:
        lots, rest = EXACT.divmod(least, lot)
        enough = rules.from_lots(int(lots) + (rest > 0))
        raise _invalid(
            order,
            f"notional is at least {least}, got {notional}; the least quantity at {price} is "
            f"{enough}",
        )
    if most is not None and notional > most:
        allowed = rules.from_lots(int(EXACT.divide_int(most, lot)))
        raise _invalid(
            order,
            f"notional is at most {most}, got {notional}; the largest quantity at {price} is "
            f"{allowed}",
        )


def _same(before: Decimal, after: Decimal) -> Decimal:
    """Keep what was not changed as it was written."""
    return before if before == after else after


def _too_little(order: BrokerOrder, rules: Instrument) -> OrderInvalidError:
    detail = f"{order.quantity} is less than one lot; the least is {_least(rules)}"
    return _invalid(order, detail)


def _least(rules: Instrument) -> Decimal:
    if rules.min_quantity is None:
        return rules.lot
    cut = rules.round_quantity(rules.min_quantity)
    return cut if cut >= rules.min_quantity else EXACT.add(cut, rules.lot)


def _detail(error: ValidationError) -> str:
    return str(error).partition(": ")[2]


def _invalid(order: BrokerOrder, detail: str) -> OrderInvalidError:
    return OrderInvalidError(
        f"{order.symbol}: {detail}", client_order_id=order.client_order_id or ""
    )
