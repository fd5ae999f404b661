"""Target weights as a file that the rebalancer reads."""

from __future__ import annotations

import datetime as dt
import json
import math
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from nanobook_core.errors import ValidationError, shown
from nanobook_core.portfolio.table import Labelled, by_label
from nanobook_core.portfolio.whole_file import write_whole
from nanobook_core.types import check_symbol, id_problem, symbol_problem

#: By how much weights may sum to more than 1 and still be meant to sum to 1.
_ROUNDING = 1e-9
#: Of each limit: whether it is in its range, and the range in words.
_CONSTRAINTS: dict[str, tuple[Callable[[float], bool], str]] = {
    "max_position_pct": (lambda limit: 0.0 < limit <= 1.0, "above 0 and at most 1"),
    "max_leverage": (lambda limit: 1.0 <= limit < math.inf, "finite and at least 1"),
    "min_trade_usd": (lambda limit: 0.0 <= limit < math.inf, "finite and at least 0"),
}


def weights_to_target(
    weights: Mapping[str, float] | Labelled,
    path: str | os.PathLike[str],
    *,
    timestamp: dt.datetime | None = None,
    id: str | None = None,  # noqa: A002 - what the file calls it
    constraints: Mapping[str, float] | None = None,
) -> None:
    """Write target weights, as an optimizer gives them by symbol, to a `target.json`.

    Weights, a mapping or a series of pandas, are fractions of equity from -1 to 1, positive ones
    long; those of 0 are left out, as the rebalancer closes what is not there. Where rounding makes
    the positive ones sum to more than 1, by at most 1e-9, the largest is lowered by that.
    `timestamp` has a zone; it is the current time by default, with any other the same bytes are
    written each time. `id` names the run: a rebalancer executes each id once. `constraints` may
    have `max_position_pct`, above 0 and at most 1, `max_leverage`, at least 1, and `min_trade_usd`,
    at least 0. The file is there whole or not at all, and replaces one of that name.

    Raises:
        TypeError: something of another type.
        ValidationError: no weight other than 0, one that is not finite or beyond 1, positive ones
            that sum to more than 1, a symbol or an `id` that no rebalancer takes (1 to 8 printable
            ASCII characters without `|` and without blanks at the ends, at most 200 printable
            ones), a timestamp without zone or out of years 1 to 9999 in UTC, a constraint that is
            not known or out of range.
        OSError: the file cannot be written.

    """
    target = target_document(weights, timestamp=timestamp, id=id, constraints=constraints)
    write_whole(Path(path), (json.dumps(target, indent=2) + "\n").encode())


def target_document(
    weights: Mapping[str, float] | Labelled,
    *,
    timestamp: dt.datetime | None = None,
    id: str | None = None,  # noqa: A002 - what the file calls it
    constraints: Mapping[str, float] | None = None,
) -> dict[str, Any]:
    """What `weights_to_target` writes, as a dict; it raises the same."""
    target: dict[str, Any] = {"timestamp": _written(timestamp)}
    if id is not None:
        if not isinstance(id, str):
            raise TypeError(f"id: a string, got {shown(id)}")
        if not id.strip():
            raise ValidationError("id: it is blank; leave it out to go by the timestamp")
        if problem := id_problem(id):
            raise ValidationError(f"id: {problem}")
        target["metadata"] = {"id": id}
    target["targets"] = [
        {"symbol": symbol, "weight": weight} for symbol, weight in _targets(weights).items()
    ]
    if constraints is not None:
        target["constraints"] = _limits(constraints)
    return target


def _written(timestamp: dt.datetime | None) -> str:
    if timestamp is None:
        timestamp = dt.datetime.now(dt.UTC)
    if not isinstance(timestamp, dt.datetime):
        raise TypeError(f"timestamp: a datetime, got {shown(timestamp)}")
    if timestamp.utcoffset() is None:
        raise ValidationError(f"timestamp: one with a zone, got {timestamp}")
    try:
        written = timestamp.astimezone(dt.UTC)
    except OverflowError:
        raise ValidationError(f"timestamp: in years 1 to 9999 of UTC, got {timestamp}") from None
    return written.isoformat().replace("+00:00", "Z")


def _targets(weights: Any) -> dict[str, float]:
    weights = by_label(weights, "weights")
    if not isinstance(weights, Mapping):
        raise TypeError(
            f"weights: by symbol, as an optimizer gives with symbols=; got {shown(weights)}"
        )
    found: dict[str, float] = {}
    for symbol, weight in weights.items():
        if isinstance(weight, bool) or not isinstance(
            weight, int | float | np.integer | np.floating
        ):
            raise TypeError(f"weights: {symbol!r}: a number, got {shown(weight)}")
        part = float(weight)
        if not (math.isfinite(part) and abs(part) <= 1.0 + _ROUNDING):
            raise ValidationError(f"weights: {symbol!r}: from -1 to 1, got {weight}")
        if part:
            name = check_symbol(symbol)
            if problem := symbol_problem(name):
                raise ValidationError(f"weights: {problem}")
            found[name] = min(max(part, -1.0), 1.0)
    if not found:
        raise ValidationError("weights: none is other than 0, so there is nothing to hold")
    total = _positive(found)
    if total > 1.0 + _ROUNDING:
        raise ValidationError(f"weights: the positive ones sum to {total}, which is above 1")
    largest = max(found, key=found.__getitem__)
    while _positive(found) > 1.0:
        excess = _positive(found) - 1.0
        found[largest] = min(found[largest] - excess, math.nextafter(found[largest], 0.0))
    return found


def _positive(weights: Mapping[str, float]) -> float:
    # Added one after another, as whoever reads the file does; sum() rounds less from Python 3.12.
    total = 0.0
    for weight in weights.values():
        total += max(weight, 0.0)
    return total


def _limits(constraints: Any) -> dict[str, float]:
    if not isinstance(constraints, Mapping):
        raise TypeError(f"constraints: by name, got {shown(constraints)}")
    found: dict[str, float] = {}
    for name, limit in constraints.items():
        if name not in _CONSTRAINTS:
            raise ValidationError(
                f"constraints: {', '.join(_CONSTRAINTS)}; there is no {shown(name)}"
            )
        if isinstance(limit, bool) or not isinstance(limit, int | float | np.number):
            raise TypeError(f"constraints: {name}: a number, got {shown(limit)}")
        is_in_range, words = _CONSTRAINTS[name]
        if not is_in_range(float(limit)):
            raise ValidationError(f"constraints: {name}: {words}, got {limit}")
        found[name] = limit if isinstance(limit, int | float) else limit.item()
    return found
