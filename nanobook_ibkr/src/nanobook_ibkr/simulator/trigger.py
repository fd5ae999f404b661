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


def kept(working: Working, form: OrderForm) -> OrderForm:
    """Return a changed form with a trailing stop where it is, if no other is asked for."""
    old = working.order.form
    is_as_far = _distance(form) == _distance(old)
    if form.order_type == "TRAIL" and form.trail_stop_price is None and is_as_far:
        return evolve(form, trail_stop_price=old.trail_stop_price)
    return form


def is_moved(form: OrderForm, old: OrderForm) -> bool:
    """Whether a changed form has its stop elsewhere."""
    return first_stop(form) != first_stop(old) or (
        form.order_type == "TRAIL" and _distance(form) != _distance(old)
    )


def _distance(form: OrderForm) -> tuple[Decimal | None, Decimal | None]:
    """Amount and percent of a trailing stop; TWS tells an amount of 0 of one with a percent."""
    return form.aux_price or None, form.trailing_percent


def expected(working: Working) -> Decimal | None:
    """Price of a stop, for one that will follow the market where it starts; None for others."""
    last = working.market.tape.last
    if working.stop_price is None and working.order.form.order_type == "TRAIL" and last is not None:
        return _behind(working, last)
    return working.stop_price


def _behind(working: Working, last: Decimal) -> Decimal:
    form, buys = working.order.form, working.side is Side.BUY
    if form.trailing_percent is not None:
        away = product(last, form.trailing_percent, Decimal("0.01"))
    else:
        away = form.aux_price or Decimal(0)
    return working.market.rules.round_price(
        EXACT.add(last, away if buys else away.copy_negate()), up=buys
    )


def follow(working: Working, last: Decimal) -> None:
    """Move a trailing stop after the last price; it only ever comes nearer to the market.

    A stop to sell is rounded down to a valid price, one to buy up.
    """
    form = working.order.form
    if form.order_type != "TRAIL":
        return
    wanted, stop = _behind(working, last), working.stop_price
    if stop is None or (wanted < stop if working.side is Side.BUY else wanted > stop):
        working.stop_price = wanted
        working.order.form = evolve(form, trail_stop_price=wanted)


def is_touched(working: Working, last: Decimal) -> bool:
    """Whether the last price is at the stop or beyond: above to buy, below to sell."""
    stop = working.stop_price
    if stop is None:
        return False
    return last >= stop if working.side is Side.BUY else last <= stop
