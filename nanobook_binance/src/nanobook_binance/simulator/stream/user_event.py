"""Events of the user data stream, field for field as the venue sends them. Times are ms."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import Any, TypeAlias

from nanobook_binance.simulator.server.answer_order import amount
from nanobook_binance.simulator.venue.money import ZERO, notional
from nanobook_binance.simulator.venue.order import VenueOrder
from nanobook_binance.simulator.venue.trade import PreventedMatch, VenueTrade
from nanobook_binance.simulator.venue.word import ExecutionType

Event: TypeAlias = dict[str, Any]

_NO_GROUP = -1
"""The trade group of an account that is in none."""


def execution_report(
    order: VenueOrder,
    execution_type: ExecutionType,
    now: int,
    *,
    trade: VenueTrade | None = None,
    prevented: PreventedMatch | None = None,
) -> Event:
    """What has just happened to an order, by `trade` or by the match that was `prevented`."""
    client_order_id, former = order.client_order_id, ""
    if execution_type is ExecutionType.CANCELED:
        client_order_id, former = order.cancel_client_order_id, order.client_order_id
    elif execution_type is ExecutionType.REPLACED:
        former = order.amended_from
    event: Event = {
        "e": "executionReport",
        "E": now,
        "s": order.symbol,
        "c": client_order_id,
        "S": order.side,
        "o": str(order.type),
        "f": order.time_in_force,
        "q": amount(order.quantity),
        "p": amount(order.price),
        "P": amount(order.stop_price),
        "F": amount(ZERO),
        "g": -1,
        "C": former,
        "x": str(execution_type),
        "X": str(order.status),
        "r": "NONE",
        "i": order.order_id,
        "l": amount(trade.quantity if trade else ZERO),
        "z": amount(order.executed),
        "L": amount(trade.price if trade else ZERO),
        "n": amount(trade.commission) if trade else "0",
        "N": trade.commission_asset if trade else None,
        "T": trade.time if trade else order.update_time,
        "t": trade.trade_id if trade else -1,
        "I": order.execution_id,
        "w": order.is_open and order.is_working,
        "m": trade.is_maker if trade else False,
        "M": False,
        "O": order.time,
        "Z": amount(order.quote_executed),
        "Y": amount(trade.quote_quantity if trade else ZERO),
        "Q": amount(order.quote_order_quantity),
        "V": str(order.self_trade_prevention_mode),
    }
    event.update(_only_where_there(order))
    if prevented is not None:
        event.update(_prevented(order, prevented))
    return event


def _only_where_there(order: VenueOrder) -> Event:
    conditional = {
        "d": order.trailing_delta,
        "D": order.trailing_time,
        "j": order.strategy_id,
        "J": order.strategy_type,
        "W": order.working_time,
        "eR": None if order.expiry_reason is None else str(order.expiry_reason),
    }
    return {name: value for name, value in conditional.items() if value is not None}


def _prevented(order: VenueOrder, match: PreventedMatch) -> Event:
    is_taker = order.order_id == match.taker_order_id
    own = match.taker_quantity if is_taker else match.maker_quantity
    others = match.maker_quantity if is_taker else match.taker_quantity
    would_be = min(each for each in (own, others) if each is not None)
    return {
        "v": match.match_id,
        "A": amount(order.prevented),
        "B": amount(own or ZERO),
        "u": _NO_GROUP,
        "U": match.maker_order_id if is_taker else match.taker_order_id,
        "Cs": match.symbol,
        "pl": amount(would_be),
        "pL": amount(match.price),
        "pY": amount(notional(would_be, match.price)),
    }


def account_position(
    balances: Iterable[tuple[str, Decimal, Decimal]], updated: int, now: int
) -> Event:
    """Assets whose balance may have changed: each with what is free and what is locked."""
    return {
        "e": "outboundAccountPosition",
        "E": now,
        "u": updated,
        "B": [
            {"a": asset, "f": amount(free), "l": amount(locked)} for asset, free, locked in balances
        ],
    }


def balance_update(asset: str, delta: Decimal, cleared: int, now: int) -> Event:
    """A deposit, or below 0 a withdrawal."""
    return {"e": "balanceUpdate", "E": now, "a": asset, "d": amount(delta), "T": cleared}


def stream_terminated(now: int) -> Event:
    """No event of this subscription follows."""
    return {"e": "eventStreamTerminated", "E": now}


def server_shutdown(now: int) -> Event:
    """The connection will soon be closed."""
    return {"e": "serverShutdown", "E": now}
