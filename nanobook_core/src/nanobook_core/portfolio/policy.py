"""What a simulation may be told: when and how orders are filled, what limits them."""

from __future__ import annotations

import math
from typing import Any

from attrs import field, frozen

from nanobook_core import contracts
from nanobook_core.errors import ValidationError, shown
from nanobook_core.portfolio.money import real, whole
from nanobook_core.portfolio.unit import check_amount


def _model(value: object) -> contracts.FillModel | None:
    # A class has the method too, and is none.
    if value is None or (isinstance(value, contracts.FillModel) and not isinstance(value, type)):
        return value
    hint = ", a class: call it to make a model" if isinstance(value, type) else ""
    raise TypeError(f"a fill model has a method `fill`, got {shown(value)}{hint}")


@frozen
class SameBar:
    """Orders are filled in the period in which they are decided, at the price that decided them.

    Assumes that the close can be both known and traded at. `model` says how much is filled and at
    which prices; None fills everything at the price.
    """

    model: contracts.FillModel | None = field(default=None, converter=_model)


@frozen
class NextBar:
    """Orders are decided at a period's price and filled at the next period's, in whole lots.

    The lots are those of the decision. What the last period decides is not filled, nor is anything
    in a period that starts without equity. An order for a symbol that has no price then is dropped.
    Stops that are tested at a period's price are orders as well, and replace those of the weights.
    `result.skipped` has all that was not filled, with its reason.
    """

    model: contracts.FillModel | None = field(default=None, converter=_model)


@frozen
class NextOpen:
    """As `NextBar`, but filled at the next period's open, and valued at its close.

    Whether there is equity to fill anything with is judged at the opens, and at the last price, in
    new shares after a split, where there is none. No fill knows the high, low or close.

    Attributes:
        open_prices: a table in the form of the prices, in the same unit; without one, or without a
            close, nothing is filled. None takes the opens of `Bars`, which must then be given.

    """

    open_prices: Any = None
    model: contracts.FillModel | None = field(default=None, converter=_model)


@frozen
class Bars:
    """What prices did between closes, with which stops rest at the venue during the bar.

    Each is a table in the form of the prices, which are the closes, and in the same unit. A bar has
    all four prices or none, the high the highest of them and the low the lowest. A position that is
    held as a bar starts, or was opened at its open by `NextOpen`, is tested against the bar with
    its levels as they were before: if the low (of a short position the high) touches one, it is
    closed at the level, or at the open where that is worse. That comes before the orders filled at
    the close, and cancels one that `NextBar` has waiting for the symbol. Then stops are tested at
    the close as without bars, for which the best price of a position that was held through the bar
    takes in its high (low), and the mean of an ATR stop true ranges.

    Attributes:
        open: the first prices.
        high: the highest.
        low: the lowest.

    """

    open: Any
    high: Any
    low: Any


def _share(value: object, name: str) -> float | None:
    if value is None:
        return None
    share = real(value, name)
    if not (math.isfinite(share) and share >= 0.0):
        raise ValidationError(f"{name} must be a finite number of at least 0, got {share}")
    return share


def _count(value: object, name: str) -> int | None:
    if value is None:
        return None
    count = whole(value, name)
    if count < 0:
        raise ValidationError(f"{name} must be at least 0, got {count}")
    return count


def _amount(value: Any, name: str) -> Any:
    if value is not None:
        check_amount(value, name)
        if value < 0:
            raise ValidationError(f"{name} must be at least 0, got {shown(value)}")
    return value


def _scale_to_cash(value: object) -> bool:
    if not isinstance(value, bool):
        raise TypeError(f"scale_to_cash is True or False, got {shown(value)}")
    return value


def _optional(check: Any, name: str) -> Any:
    return field(default=None, converter=lambda value: check(value, name))


@frozen(kw_only=True)
class Constraints:
    """What may keep an order of the weights from being sent, or sent whole.

    Applied in this order, each to what the one before has left; all that is not traded is recorded
    with its reason. None is no limit. Stops are not limited. An order that closes a position is not
    kept back by the band or the minimum. Fractions are of equity before the period's trades. A day
    and a month are those of UTC.

    Attributes:
        max_leverage: highest sum of the weights' magnitudes; beyond it all of them are scaled down
            alike.
        no_trade_band: orders worth this fraction of equity or less are not sent.
        min_order_value: orders worth less are not sent; in the money of `cash`.
        max_order_value: orders are cut to this; in the money of `cash`.
        max_trades_per_period: orders that close come first, then the largest by value.
        max_trades_per_day, max_trades_per_month: the same; the prices need dates.
        max_turnover_per_period: value bought and sold as a fraction of equity; beyond it all orders
            are cut alike.
        max_turnover_per_day, max_turnover_per_month: the same, summed; the prices need dates.
        scale_to_cash: cut what opens or adds to long positions, all alike, so that cash is not
            overdrawn. Judged at the price at which the order is sent, costs included; what covers a
            short position is never cut.

    Raises:
        TypeError: a limit of the wrong type.
        ValidationError: a limit that is negative or not finite.

    """

    max_leverage: float | None = _optional(_share, "max_leverage")
    no_trade_band: float | None = _optional(_share, "no_trade_band")
    min_order_value: Any = _optional(_amount, "min_order_value")  # noqa: RUF009 - a field
    max_order_value: Any = _optional(_amount, "max_order_value")  # noqa: RUF009 - a field
    max_trades_per_period: int | None = _optional(_count, "max_trades_per_period")
    max_trades_per_day: int | None = _optional(_count, "max_trades_per_day")
    max_trades_per_month: int | None = _optional(_count, "max_trades_per_month")
    max_turnover_per_period: float | None = _optional(_share, "max_turnover_per_period")
    max_turnover_per_day: float | None = _optional(_share, "max_turnover_per_day")
    max_turnover_per_month: float | None = _optional(_share, "max_turnover_per_month")
    scale_to_cash: bool = field(default=True, converter=_scale_to_cash)
