"""An order repeated whole: as it lives, and as it ended.

What is not modelled is written as TWS writes it of an order that does not use it, `None` for the
type of a delta neutral order among it, behind which eight more fields follow.
"""

from __future__ import annotations

from decimal import Decimal

from nanobook_ibkr.simulator.record import OrderStatusWord, VenueOrder, WhatIf
from nanobook_ibkr.simulator.reply_contract import eleven
from nanobook_ibkr.simulator.reply_session import zoned
from nanobook_ibkr.simulator.wire import UNSET_DOUBLE, Field

_DURATION = 159
_POST_TO_ATS = 160
_AUTO_CANCEL_PARENT = 162
_PEGGED = 170
_NO_FA_PROFILE = 177
_NO_DELTA_NEUTRAL = ("None", "", 0, "", "", "", "?", 0, 0, "")
"""Its type, its price, and the eight fields that follow where there is a type."""


def open_order(version: int, order: VenueOrder, *, what_if: WhatIf | None = None) -> list[Field]:
    """An order that lives, or the answer to what it would cost: `what_if`."""
    o, f = order, order.form
    since: list[Field] = []
    since += [""] if version >= _DURATION else []
    since += [""] if version >= _POST_TO_ATS else []
    since += [0] if version >= _AUTO_CANCEL_PARENT else []
    return [
        *(5, o.order_id, *eleven(o.contract, "SMART", "?"), *_head(o), o.client_id, o.perm_id),
        *(f.outside_hours, f.hidden, 0, "", "", *_adviser(version)),
        # modelCode … stockRangeUpper
        *("", f.good_till_date, "", "", "", 0, "", -1, 0, "", "", "", "", ""),
        # displaySize … triggerMethod
        *("", 0, 0, f.all_or_none, f.min_quantity, f.oca_type or 3, 0, 0, "", f.parent_id, 0),
        # volatility … comboLegsDescrip
        *("", 0, *_NO_DELTA_NEUTRAL, 0, 0, f.trail_stop_price, f.trailing_percent, "", "", ""),
        # no legs, no prices of legs, no routing; scale, hedgeType, optOutSmartRouting
        *(0, 0, 0, "", "", "", "", 0),
        # clearingAccount … solicited
        *("", "IB", 0, 0, "", 0),
        *(what_if is not None, o.status, *_state(o, what_if)),
        # randomizeSize, randomizePrice, no conditions
        *(0, 0, 0),
        # adjustedOrderType, triggerPrice, trailStopPrice again, lmtPriceOffset … softDollarTier
        *("None", UNSET_DOUBLE, _unset(f.trail_stop_price), *[UNSET_DOUBLE] * 4, 0, "", "", ""),
        *(f.cash_quantity, 0, 0, 0, 0, *since, *_pegged(version)),
    ]


def completed_order(version: int, order: VenueOrder) -> list[Field]:
    """An order that has ended; it has neither the client's number nor its order's any more."""
    o, f = order, order.form
    ended = "" if o.completed_at is None else zoned(o.completed_at)
    filled = o.status is OrderStatusWord.FILLED
    return [
        *(101, *eleven(o.contract, "SMART", "?"), *_head(o), o.perm_id, f.outside_hours, f.hidden),
        *(0, "", *_adviser(version)),
        # modelCode … stockRangeUpper
        *("", f.good_till_date, "", "", "", 0, "", -1, "", "", "", "", ""),
        # displaySize … triggerMethod
        *("", 0, f.all_or_none, f.min_quantity, f.oca_type or 3, 0),
        # volatility, volatilityType, delta neutral with four fields, … comboLegsDescrip
        *("", 0, "None", "", 0, 0, 0, "", 0, 0, f.trail_stop_price, f.trailing_percent, ""),
        # no legs, no prices of legs, no routing; scale, hedgeType
        *(0, 0, 0, "", "", "", ""),
        # clearingAccount … solicited
        *("", "IB", 0, 0, "", 0),
        *(o.status, 0, 0, 0, _unset(f.trail_stop_price), UNSET_DOUBLE, f.cash_quantity),
        # dontUseAutoPriceForHedge, isOmsContainer, autoCancelDate
        *(0, 0, ""),
        *(o.filled, 0, 0, "", 0, 0, 0, ended),
        *(f"Filled Size: {o.filled:f}" if filled else o.reason or o.status, *_pegged(version)),
    ]


def _head(order: VenueOrder) -> list[Field]:
    f = order.form
    return [
        *(f.action, f.quantity, f.order_type, f.limit_price or 0, f.aux_price or 0, f.tif),
        *(f.oca_group, order.account, "", 0, f.order_ref),
    ]


def _unset(number: Decimal | None) -> Field:
    """Where the vendor's own client would take an empty field for 0."""
    return UNSET_DOUBLE if number is None else number


def _adviser(version: int) -> list[Field]:
    return ["", "", ""] if version >= _NO_FA_PROFILE else ["", "", "", ""]


def _pegged(version: int) -> list[Field]:
    return [""] * 5 if version >= _PEGGED else []


def _state(order: VenueOrder, what_if: WhatIf | None) -> list[Field]:
    if what_if is None:
        return [*[UNSET_DOUBLE] * 9, "", "", "", "", ""]
    w = what_if
    return [
        *(w.init_margin_before, w.maint_margin_before, w.equity_before),
        *(w.init_margin_change, w.maint_margin_change, w.equity_change),
        *(w.init_margin_after, w.maint_margin_after, w.equity_after),
        *(w.commission, "", "", order.contract.currency, w.warning),
    ]
