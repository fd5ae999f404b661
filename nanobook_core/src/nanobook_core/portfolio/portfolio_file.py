"""Portfolios as JSON, in the original's format."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

from nanobook_core.errors import ValidationError, shown
from nanobook_core.portfolio.cost import CostModel
from nanobook_core.portfolio.money import whole
from nanobook_core.portfolio.position import Position
from nanobook_core.portfolio.whole_file import write_whole

_POSITION = ("quantity", "avg_entry_price", "realized_pnl", "total_cost")
_COSTS = ("commission_bps", "slippage_bps", "min_trade_fee")


def save(state: dict[str, Any], cost_model: object, path: Path) -> None:
    """Write a portfolio's state, in place of what is there.

    Keys and their order are the original's; `last_prices` and `ruined_at`, which it does not know
    and passes over, come last.

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
        ValidationError: it is not a saved portfolio; says what is wrong.

    """
    content = path.read_bytes()
    try:
        return _state(json.loads(content, parse_constant=_refuse, object_pairs_hook=_once))
    except (ValueError, TypeError, KeyError, AttributeError, OverflowError) as error:
        what = f"it has no {error}" if isinstance(error, KeyError) else str(error)
        raise ValidationError(f"{path} is not a saved portfolio: {what}") from error


def _refuse(constant: str) -> None:
    raise ValidationError(f"{constant} is no number here")


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    document = dict(pairs)
    if len(document) != len(pairs):
        raise ValidationError("a key is there twice")
    return document


def _state(document: Any) -> dict[str, Any]:
    if not isinstance(document, dict):
        raise ValidationError("it is not a JSON object")
    positions = _positions(document["positions"])
    order = document.get("order", list(positions))
    if sorted(order) != sorted(positions):
        raise ValidationError("its order is not that of its positions")
    returns = [_fraction(value) for value in document["returns"]]
    curve = [_int(value, "equity_curve") for value in document["equity_curve"]]
    # The original leaves out the return of a period that began without equity.
    if not 1 <= len(returns) + 1 <= max(len(curve), 1) or not curve:
        raise ValidationError(f"it has {len(returns)} returns and {len(curve)} values of equity")
    if document["prev_equity"] != curve[-1]:
        raise ValidationError("its prev_equity is not the last of its equity_curve")
    ruined_at = document.get("ruined_at")
    if ruined_at is not None and not whole(ruined_at, "ruined_at") >= 0:
        raise ValidationError(f"ruined_at is {ruined_at}")
    prices = document.get("last_prices", {})
    return {
        "cash": _int(document["cash"], "cash"),
        "positions": {symbol: positions[symbol] for symbol in order},
        "cost_model": CostModel(*(document["cost_model"][name] for name in _COSTS)),
        "returns": returns,
        "equity_curve": curve,
        "last_prices": {symbol: _price(symbol, price) for symbol, price in prices.items()},
        "ruined_at": ruined_at,
    }


def _positions(rows: Any) -> dict[str, Position]:
    found: dict[str, Position] = {}
    for symbol, row in rows:
        if symbol in found or row["symbol"] != symbol:
            raise ValidationError(f"position {shown(symbol)} is there twice, or is not its own")
        position = Position(symbol)
        for name in _POSITION:
            setattr(position, name, _int(row[name], f"{name} of {symbol!r}"))
        is_open = position.quantity != 0
        if is_open != (position.total_cost != 0) or position.quantity * position.total_cost < 0:
            raise ValidationError(
                f"position {symbol!r}: {position.quantity} lots cannot have cost "
                f"{position.total_cost}"
            )
        found[symbol] = position
    return found


def _int(value: Any, name: str) -> int:
    if type(value) is not int:
        raise ValidationError(f"{name} is a whole number, got {shown(value)}")
    return value


def _price(symbol: str, value: Any) -> int:
    price = whole(value, f"price of {symbol!r}")
    if price < 1:
        raise ValidationError(f"price of {symbol!r} is {price}, below 1")
    return price


def _fraction(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise ValidationError(f"a return is a finite number, got {shown(value)}")
    return float(value)
