"""When stops go off."""

from __future__ import annotations

from decimal import Decimal

from attrs import evolve

from nanobook_core.broker.exact import EXACT, product
from nanobook_core.types import Side
from nanobook_ibkr.simulator.record import OrderForm
from nanobook_ibkr.simulator.working import STOP_TYPES, Working


def first_stop(form: OrderForm) -> Decimal | None:
    """Price that a stop starts with; None for what is no stop, or follows the market at once."""
    if form.order_type == "TRAIL":
        return form.trail_stop_price
    return form.aux_price if form.order_type in STOP_TYPES else None


def amend(working: Working, old: OrderForm) -> None:
    """Take over the stop of a changed form; a trailing stop stays where it is, if not asked for."""
    form = working.order.form
    is_same = (form.aux_price, form.trailing_percent) == (old.aux_price, old.trailing_percent)
    if form.order_type == "TRAIL" and form.trail_stop_price is None and is_same:
        working.order.form = evolve(form, trail_stop_price=old.trail_stop_price)
    else:
        working.stop_price = first_stop(form)


def follow(working: Working, last: Decimal) -> None:
    """Move a trailing stop after the last price; it only ever comes nearer to the market.

    A stop to sell is rounded down to a valid price, one to buy up.
    """
    form = working.order.form
    if form.order_type != "TRAIL":
        return
    buys = working.side is Side.BUY
    if form.trailing_percent is not None:
        away = product(last, form.trailing_percent, Decimal("0.01"))
    else:
        away = form.aux_price or Decimal(0)
    wanted = working.market.rules.round_price(
        EXACT.add(last, away if buys else away.copy_negate()), up=buys
    )
    stop = working.stop_price
    if stop is None or (wanted < stop if buys else wanted > stop):
        working.stop_price = wanted
        working.order.form = evolve(form, trail_stop_price=wanted)


def is_touched(working: Working, last: Decimal) -> bool:
    """Whether the last price is at the stop or beyond: above to buy, below to sell."""
    stop = working.stop_price
    if stop is None:
        return False
    return last >= stop if working.side is Side.BUY else last <= stop
