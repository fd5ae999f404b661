"""Portfolios as JSON, in the original's format."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

from nanobook_core.errors import ValidationError, shown
from nanobook_core.portfolio.cost import CostModel
from nanobook_core.portfolio.position import Position
from nanobook_core.portfolio.whole_file import write_whole
from nanobook_core.types import INT64_MAX, check_symbol

_POSITION = ("quantity", "avg_entry_price", "realized_pnl", "total_cost")
_COSTS = ("commission_bps", "slippage_bps", "min_trade_fee")


def save(state: dict[str, Any], cost_model: object, path: Path) -> None:
    """Write a portfolio's state, in place of what is there.

    Keys and their order are the original's; `order`, `last_prices` and `ruined_at`, which it does
    not know and passes over, come last.

    Raises:
        TypeError: another cost model than basis points, for which the format has no place.
        OSError: it cannot be written.

    """
    if type(cost_model) is not CostModel:
        raise TypeError(f"only a portfolio with a CostModel can be saved, not {shown(cost_model)}")
    positions = [
        [symbol, {"symbol": symbol, **{name: getattr(position, name) for name in _POSITION}}]
        for symbol, position in sorted(state["positions"].items())
    ]
    document = {
        "cash": state["cash"],
        "positions": positions,
        "cost_model": {name: getattr(cost_model, name) for name in _COSTS},
        "returns": state["returns"],
        "equity_curve": state["equity_curve"],
        "prev_equity": state["equity_curve"][-1],
        "order": list(state["positions"]),
        "last_prices": state["last_prices"],
        "ruined_at": state["ruined_at"],
    }
    write_whole(path, json.dumps(document, indent=2, allow_nan=False).encode() + b"\n")


def load(path: Path) -> dict[str, Any]:
    """Return the state that was saved, by us or by the original.

    Raises:
        FileNotFoundError: there is no such file.
        ValidationError: it is not a saved portfolio; names the key, and says what is wrong.

    """
    content = path.read_bytes()
    try:
        return _state(json.loads(content, parse_constant=_refuse, object_pairs_hook=_once))
    # Also of JSON itself: bytes that are no text, an int of too many digits, brackets without end.
    except (ValueError, TypeError, OverflowError, RecursionError) as error:
        raise ValidationError(f"{path} is not a saved portfolio: {error}") from error


def _refuse(constant: str) -> None:
    raise ValidationError(f"{constant} is no number here")


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    document: dict[str, Any] = {}
    for key, value in pairs:
        if key in document:
            raise ValidationError(f"key {key!r} is there twice")
        document[key] = value
    return document


def _state(document: Any) -> dict[str, Any]:
    whole = _typed(document, dict, "the whole of it")
    positions = _positions(_member(whole, "positions", list))
    returns = [
        _fraction(value, f"returns[{period}]")
        for period, value in enumerate(_member(whole, "returns", list))
    ]
    curve = [
        _typed(value, int, f"equity_curve[{period}]")
        for period, value in enumerate(_member(whole, "equity_curve", list))
    ]
    # The original leaves out the return of a period that began without equity.
    if not curve or len(returns) >= len(curve):
        raise ValidationError(f"it has {len(returns)} returns and {len(curve)} values of equity")
    before = _member(whole, "prev_equity", int)
    if before != curve[-1]:
        raise ValidationError(f"prev_equity is {before}, but equity_curve ends with {curve[-1]}")
    costs = _member(whole, "cost_model", dict)
    return {
        "cash": _member(whole, "cash", int),
        "positions": {symbol: positions[symbol] for symbol in _order(whole, positions)},
        "cost_model": CostModel(*(_member(costs, name, int, "cost_model.") for name in _COSTS)),
        "returns": returns,
        "equity_curve": curve,
        "last_prices": _last_prices(_typed(whole.get("last_prices", {}), dict, "last_prices")),
        "ruined_at": _ruined_at(whole.get("ruined_at"), len(returns)),
    }


def _positions(rows: list[Any]) -> dict[str, Position]:
    found: dict[str, Position] = {}
    for place, row in enumerate(rows):
        name = f"positions[{place}]"
        if not isinstance(row, list) or len(row) != 2:  # noqa: PLR2004 - a pair
            raise ValidationError(f"{name} is a pair [symbol, position], got {shown(row)}")
        symbol, position = check_symbol(row[0]), _typed(row[1], dict, f"{name}[1]")
        if symbol in found:
            raise ValidationError(f"{name}: symbol {symbol!r} is there twice")
        inside = _member(position, "symbol", str, f"{name}[1].")
        if inside != symbol:
            raise ValidationError(f"{name}: symbol {symbol!r} has the position of {inside!r}")
        found[symbol] = _position(symbol, position, name)
    return found


def _position(symbol: str, row: dict[str, Any], name: str) -> Position:
    position = Position(symbol)
    for key in _POSITION:
        setattr(position, key, _member(row, key, int, f"{name}[1]."))
    lots, cost = position.quantity, position.total_cost
    if abs(lots) > INT64_MAX:
        raise ValidationError(f"{name} ({symbol}): quantity {lots} is beyond +-(2^63-1)")
    if (lots > 0) - (lots < 0) != (cost > 0) - (cost < 0):
        raise ValidationError(f"{name} ({symbol}): {lots} lots cannot have total_cost {cost}")
    average = cost // lots if lots else 0
    if position.avg_entry_price != average:
        raise ValidationError(
            f"{name} ({symbol}): {lots} lots of total_cost {cost} have avg_entry_price {average}, "
            f"not {position.avg_entry_price}"
        )
    return position


def _order(document: dict[str, Any], positions: dict[str, Position]) -> list[str]:
    """Symbols in order of first trade, which the original does not write down."""
    order = _typed(document.get("order", list(positions)), list, "order")
    symbols = [_typed(symbol, str, f"order[{place}]") for place, symbol in enumerate(order)]
    if sorted(symbols) != sorted(positions):
        raise ValidationError(f"order {shown(symbols)} has other symbols than positions")
    return symbols


def _last_prices(prices: dict[str, Any]) -> dict[str, int]:
    for symbol, value in prices.items():
        name = f"last_prices[{check_symbol(symbol)!r}]"
        if not 1 <= _typed(value, int, name) <= INT64_MAX:
            raise ValidationError(f"{name} is from 1 to 2^63-1, got {shown(value)}")
    return prices


def _ruined_at(value: Any, n_returns: int) -> int | None:
    if value is not None and not 0 <= _typed(value, int, "ruined_at") <= n_returns:
        raise ValidationError(f"ruined_at is null or from 0 to {n_returns}, got {shown(value)}")
    return value  # type: ignore[no-any-return] # checked above


_KINDS = {dict: "a JSON object", list: "a list", int: "a whole number", str: "a string"}


def _member(document: dict[str, Any], key: str, kind: type, within: str = "") -> Any:
    if key not in document:
        raise ValidationError(f"{within}{key} is missing")
    return _typed(document[key], kind, within + key)


def _typed(value: Any, kind: type, name: str) -> Any:
    # Not isinstance, for which true is 1.
    if type(value) is not kind:
        raise ValidationError(f"{name} is {_KINDS[kind]}, got {shown(value)}")
    return value


def _fraction(value: Any, name: str) -> float:
    if type(value) not in (int, float) or not -math.inf < value < math.inf:
        raise ValidationError(f"{name} is a finite number, got {shown(value)}")
    return float(value)
