"""Endpoints that anybody may ask: the time, what is listed, books, prices and trades."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from typing import Any

from nanobook_binance.simulator.server import answer_market, parameter
from nanobook_binance.simulator.server.candle import INTERVALS, candles
from nanobook_binance.simulator.server.endpoint import Asked, Endpoint, Weight, costs
from nanobook_binance.simulator.server.parameter import Parameter
from nanobook_binance.simulator.venue import Print, Refusal

_STATUSES = ("TRADING", "HALT", "BREAK")
_SYMBOL = Parameter("symbol", parameter.symbol, is_required=True)
_STATUS = Parameter("symbolStatus", parameter.one_of(_STATUSES, -1122, "Invalid symbolStatus."))
_SOME = (Parameter("symbol", parameter.symbol), Parameter("symbols", parameter.symbols), _STATUS)
_TYPE = Parameter("type", parameter.one_of(("FULL", "MINI"), -1139, "Invalid ticker type."))
_LIMIT = Parameter("limit", parameter.limit(1000))
_SPAN = (Parameter("startTime", parameter.long), Parameter("endTime", parameter.long))
_FROM_ID = Parameter("fromId", parameter.long)
_ZONE = Parameter("timeZone", parameter.one_of(("0", "+0", "-0", "0:00", "00:00", "+00:00")))
_MOST_LEVELS = 5000
_MOST_SYMBOLS = 100


def _ping(asked: Asked) -> dict[str, Any]:
    del asked
    return {}


def _time(asked: Asked) -> dict[str, Any]:
    return {"serverTime": asked.server.time_ms()}


def _exchange_info(asked: Asked) -> dict[str, Any]:
    names, status = _names(asked), asked.get("symbolStatus")
    if names is not None and (status is not None or "permissions" in asked.values):
        raise Refusal(-1128, "Combination of optional parameters invalid.")
    rules = asked.venue.symbols if names is None else map(asked.venue.rules, names)
    shows_sets = asked.get("showPermissionSets", True)
    return {
        "timezone": "UTC",
        "serverTime": asked.server.time_ms(),
        "rateLimits": asked.server.limits.describe(),
        "exchangeFilters": [],
        "symbols": [
            {**rule.shown(), **({} if shows_sets else {"permissionSets": []})}
            for rule in rules
            if status in (None, rule.status) and "SPOT" in asked.get("permissions", ("SPOT",))
        ],
    }


def _names(asked: Asked) -> tuple[str, ...] | None:
    """The symbols that are asked for, each of which there is; None for all."""
    if "symbol" in asked.values and "symbols" in asked.values:
        raise Refusal(-1128, "Combination of optional parameters invalid.")
    names = (asked["symbol"],) if "symbol" in asked.values else asked.get("symbols")
    for name in names or ():
        asked.venue.rules(name)
    return names


def _each(
    asked: Asked, show: Callable[[str], dict[str, Any]], *, all_if_none: bool = True
) -> dict[str, Any] | list[dict[str, Any]]:
    """One object for `symbol`, a list for `symbols` or for all of them."""
    names = _names(asked)
    if names is None and not all_if_none:
        raise parameter.missing_both("symbol", "symbols")
    status = asked.get("symbolStatus")
    rules = asked.venue.symbols if names is None else map(asked.venue.rules, names)
    is_meant = [rule.symbol for rule in rules if status in (None, rule.status)]
    if "symbol" not in asked.values:
        return [show(name) for name in is_meant]
    if not is_meant:
        raise Refusal(-1220, "The symbol's status does not match the requested symbolStatus.")
    return show(asked["symbol"])


def _depth(asked: Asked) -> Any:
    limit = asked.get("limit", 100)
    return _each(asked, lambda name: answer_market.depth(asked.venue.depth(name, limit)))


def _average(asked: Asked) -> dict[str, Any]:
    return answer_market.average(asked.venue, asked["symbol"])


def _day(asked: Asked) -> Any:
    is_mini = asked.get("type") == "MINI"
    show = answer_market.mini_day if is_mini else answer_market.day
    return _each(asked, lambda name: show(asked.venue, name))


def _window(asked: Asked) -> Any:
    """The venue knows one window, that of 24 hours."""
    if asked.get("windowSize", "1d") != "1d":
        raise Refusal(-1020, "A windowSize other than 1d is not modelled by this simulator.")
    is_mini = asked.get("type") == "MINI"
    show = answer_market.mini_day if is_mini else answer_market.window
    return _each(asked, lambda name: show(asked.venue, name), all_if_none=False)


def _price(asked: Asked) -> Any:
    return _each(asked, lambda name: answer_market.price(asked.venue, name))


def _top(asked: Asked) -> Any:
    return _each(asked, lambda name: answer_market.top(asked.venue, name))


def _prints(asked: Asked) -> list[Print]:
    """All that is known of what the symbol has traded, oldest first."""
    return asked.venue.recent_trades(asked["symbol"], sys.maxsize)


def _trades(asked: Asked) -> list[dict[str, Any]]:
    prints = _prints(asked)
    first, limit = asked.get("fromId"), asked.get("limit", 500)
    if first is not None:
        found = [each for each in prints if each.trade_id >= first][:limit]
    else:
        found = prints[-limit:]
    return [answer_market.public_trade(each) for each in found]


def _aggregated(asked: Asked) -> list[dict[str, Any]]:
    start, end, first = asked.get("startTime"), asked.get("endTime"), asked.get("fromId")
    if first is not None and (start is not None or end is not None):
        raise Refusal(-1128, "Combination of optional parameters invalid.")
    found = [
        each
        for each in _prints(asked)
        if (first is None or each.trade_id >= first)
        and (start is None or each.time >= start)
        and (end is None or each.time <= end)
    ]
    limit = asked.get("limit", 500)
    kept = found[-limit:] if first is None and start is None else found[:limit]
    return [answer_market.aggregated_trade(each) for each in kept]


def _candles(asked: Asked) -> list[list[Any]]:
    return candles(
        _prints(asked),
        asked["interval"],
        (asked.get("startTime"), asked.get("endTime")),
        asked.venue.time_ms(),
        asked.get("limit", 500),
    )


def _depth_weight(sent: Mapping[str, str]) -> int:
    limit = int(sent["limit"]) if sent.get("limit", "").isdecimal() else 100
    for most, weight in ((100, 5), (500, 25), (1000, 50)):
        if limit <= most:
            return weight
    return 250


def _count(sent: Mapping[str, str]) -> int | None:
    """How many symbols are asked for; None for all."""
    if "symbol" in sent:
        return 1
    return sent["symbols"].count('"') // 2 if "symbols" in sent else None


def _day_weight(sent: Mapping[str, str]) -> int:
    number = _count(sent)
    if number is None or number > _MOST_SYMBOLS:
        return 80
    return 40 if number > _MOST_SYMBOLS // 5 else 2


def _window_weight(sent: Mapping[str, str]) -> int:
    return min(4 * (_count(sent) or 1), 200)


def _one_or_more(sent: Mapping[str, str]) -> int:
    return 2 if "symbol" in sent else 4


def _endpoint(
    path: str, weight: Weight | int, answer: Callable[[Asked], Any], *parameters: Parameter
) -> Endpoint:
    return Endpoint(
        method="GET",
        path=f"/api/v3/{path}",
        weight=costs(weight) if isinstance(weight, int) else weight,
        parameters=parameters,
        answer=answer,
    )


_CANDLES = (
    _SYMBOL,
    Parameter(
        "interval",
        parameter.one_of(tuple(INTERVALS), -1120, "Invalid interval."),
        is_required=True,
    ),
    *_SPAN,
    _ZONE,
    _LIMIT,
)

MARKET = (
    _endpoint("ping", 1, _ping),
    _endpoint("time", 1, _time),
    _endpoint(
        "exchangeInfo",
        20,
        _exchange_info,
        Parameter("symbol", parameter.symbol),
        Parameter("symbols", parameter.symbols),
        Parameter("permissions", parameter.names),
        Parameter("showPermissionSets", parameter.boolean),
        _STATUS,
    ),
    _endpoint(
        "depth",
        _depth_weight,
        _depth,
        _SYMBOL,
        Parameter("limit", parameter.limit(_MOST_LEVELS)),
        _STATUS,
    ),
    _endpoint("trades", 25, _trades, _SYMBOL, _LIMIT),
    _endpoint("historicalTrades", 25, _trades, _SYMBOL, _LIMIT, _FROM_ID),
    _endpoint("aggTrades", 4, _aggregated, _SYMBOL, _FROM_ID, *_SPAN, _LIMIT),
    _endpoint("klines", 2, _candles, *_CANDLES),
    _endpoint("uiKlines", 2, _candles, *_CANDLES),
    _endpoint("avgPrice", 2, _average, _SYMBOL),
    _endpoint("ticker/24hr", _day_weight, _day, *_SOME, _TYPE),
    _endpoint(
        "ticker", _window_weight, _window, *_SOME, _TYPE, Parameter("windowSize", parameter.text)
    ),
    _endpoint("ticker/tradingDay", _window_weight, _window, *_SOME, _TYPE, _ZONE),
    _endpoint("ticker/price", _one_or_more, _price, *_SOME),
    _endpoint("ticker/bookTicker", _one_or_more, _top, *_SOME),
)
