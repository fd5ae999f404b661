"""One request of a batch: the event that it stands for, and what is wrong with it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import cache
from typing import TYPE_CHECKING, Any

from nanobook_core.contracts import Event, EventKind
from nanobook_core.errors import ValidationError
from nanobook_core.lob.ops import BOTH_SIDES, POST_ONLY, WORDS, ops_dtype
from nanobook_core.types import (
    INT64_MAX,
    OFFSET_MAX,
    OWNER_MAX,
    Side,
    StpPolicy,
    TimeInForce,
    TrailMethod,
)

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_KINDS = tuple(EventKind)
_STOP = ("side", "stop_price", "quantity", "owner", "stp_policy")
#: The fields of an event of each kind.
_FIELDS: dict[EventKind, tuple[str, ...]] = {
    EventKind.SUBMIT_LIMIT: (
        "side",
        "price",
        "quantity",
        "time_in_force",
        "owner",
        "stp_policy",
        "post_only",
    ),
    EventKind.SUBMIT_MARKET: ("side", "quantity", "owner", "stp_policy"),
    EventKind.CANCEL: ("order_id",),
    EventKind.MODIFY: ("order_id", "price", "quantity"),
    EventKind.SUBMIT_STOP_MARKET: _STOP,
    EventKind.SUBMIT_STOP_LIMIT: (*_STOP, "price", "time_in_force"),
    EventKind.SUBMIT_TRAILING_STOP_MARKET: (*_STOP, "trail_method"),
    EventKind.SUBMIT_TRAILING_STOP_LIMIT: (*_STOP, "price", "time_in_force", "trail_method"),
    EventKind.REDUCE: ("order_id", "quantity"),
    EventKind.CANCEL_ALL: ("owner", "side"),
}


def to_event(row: np.void) -> Event:
    """Return the event that the request of a row leaves in the log.

    Raises:
        OverflowError, ValidationError: the row is malformed; the message names field and value.

    """
    values: dict[str, Any] = dict(zip(row.dtype.names or (), row.item(), strict=True))
    kind = EventKind(_word("op", values["op"]))
    return Event(kind, **{name: _READ[name](kind, values) for name in _FIELDS[kind]})


def _word(column: str, code: int, *absent: str) -> str:
    words = [word for word in WORDS[column] if word not in absent]
    if code >= len(words):
        allowed = ", ".join(f"{code} ({word})" for code, word in enumerate(words))
        raise ValidationError(f"{column} is one of {allowed}; got {code}")
    return words[code]


def _side(kind: EventKind, values: dict[str, Any]) -> Side | None:
    word = _word("side", values["side"], *(() if kind is EventKind.CANCEL_ALL else (BOTH_SIDES,)))
    return None if word == BOTH_SIDES else Side(word)


def _time_in_force(kind: EventKind, values: dict[str, Any]) -> TimeInForce:
    word = _word("tif", values["tif"], *(() if kind is EventKind.SUBMIT_LIMIT else (POST_ONLY,)))
    return TimeInForce.GTC if word == POST_ONLY else TimeInForce(word)


def _trail_method(_: EventKind, values: dict[str, Any]) -> TrailMethod:
    kind = _word("trail", values["trail"])
    return TrailMethod(kind, values["trail_value"], values["atr_period"])


def _same(name: str) -> Callable[[EventKind, dict[str, Any]], Any]:
    return lambda _, values: values[name]


#: How the fields of an event are read from a row.
_READ: dict[str, Callable[[EventKind, dict[str, Any]], Any]] = {
    **{name: _same(name) for name in ("price", "stop_price", "quantity", "order_id")},
    "side": _side,
    "time_in_force": _time_in_force,
    "post_only": lambda _, values: WORDS["tif"][values["tif"]] == POST_ONLY,
    "owner": lambda _, values: None if values["owner"] == -1 else values["owner"],
    "stp_policy": lambda _, values: StpPolicy(_word("stp", values["stp"])),
    "trail_method": _trail_method,
}


def from_events(events: Iterable[Event]) -> NDArray[np.void]:
    """Return the array of these requests."""
    import numpy as np

    return np.array([_row(event) for event in events], ops_dtype())


def _row(event: Event) -> tuple[Any, ...]:
    tif = POST_ONLY if event.post_only else event.time_in_force or TimeInForce.GTC
    trail = event.trail_method
    return (
        WORDS["op"].index(event.kind),
        WORDS["side"].index(event.side or BOTH_SIDES),
        WORDS["tif"].index(tif),
        WORDS["trail"].index(trail.kind) if trail else 0,
        WORDS["stp"].index(event.stp_policy),
        event.price or 0,
        event.stop_price or 0,
        event.quantity or 0,
        event.order_id or 0,
        -1 if event.owner is None else event.owner,
        trail.value if trail else 0,
        trail.period or 0 if trail else 0,
        0,
    )


def check_row(ops: NDArray[np.void], i: int) -> None:
    """Raise for a malformed row, naming its number, the field, its value and what is allowed.

    Raises:
        OverflowError, ValidationError: what a single call with these arguments would raise.

    """
    try:
        to_event(ops[i])
    except (OverflowError, ValidationError) as error:
        raise type(error)(f"row {i}: {error}") from None


def first_malformed(ops: NDArray[np.void]) -> int | None:
    """Return the number of the first row that `check_row` refuses; the same rules, on columns."""
    import numpy as np

    last = len(EventKind)
    bad = ops["op"] >= last
    op = np.minimum(ops["op"], last).astype(np.intp)
    for column, (low, high) in _limits().items():
        bad |= ops[column] < low[op]
        bad |= ops[column] > high[op]
    bad |= _uses("stp_policy")[op] & (ops["stp"] > 0) & (ops["owner"] == -1)
    trailing = np.flatnonzero(_uses("trail_method")[op])
    bad[trailing] |= _has_no_trail(ops[trailing])
    return int(bad.argmax()) if bad.any() else None


def _has_no_trail(ops: NDArray[np.void]) -> NDArray[np.bool_]:
    import numpy as np

    value = ops["trail_value"]
    with np.errstate(invalid="ignore"):
        bad = ~((value > 0) & (value < np.inf))
        whole = (value <= OFFSET_MAX) & (np.floor(value) == value)
    bad |= (ops["trail"] == WORDS["trail"].index("fixed")) & ~whole
    bad |= (ops["trail"] == WORDS["trail"].index("atr")) & (ops["atr_period"] == 0)
    return bad


@cache
def _uses(attribute: str) -> NDArray[np.bool_]:
    """Whether each op has that field; an op that does not exist has none."""
    import numpy as np

    return np.array([*(attribute in _FIELDS[kind] for kind in EventKind), False])


@cache
def _limits() -> dict[str, tuple[NDArray[Any], NDArray[Any]]]:
    """The lowest and highest value in each column, by op; any number where the op ignores it."""
    import numpy as np

    limits = {}
    for column, attribute, low, high in (
        ("side", "side", 0, 1),
        ("tif", "time_in_force", 0, 2),
        ("trail", "trail_method", 0, 2),
        ("stp", "stp_policy", 0, 4),
        ("price", "price", -INT64_MAX, INT64_MAX),
        ("stop_price", "stop_price", -INT64_MAX, INT64_MAX),
        ("quantity", "quantity", 1, INT64_MAX),
        ("order_id", "order_id", 0, INT64_MAX),
        ("owner", "owner", -1, OWNER_MAX),
    ):
        kind = ops_dtype()[column]
        lowest = np.where(_uses(attribute), low, np.iinfo(kind).min).astype(kind)
        highest = np.where(_uses(attribute), high, np.iinfo(kind).max).astype(kind)
        limits[column] = lowest, highest
    limits["side"][1][_KINDS.index(EventKind.CANCEL_ALL)] += 1  # both
    limits["tif"][1][_KINDS.index(EventKind.SUBMIT_LIMIT)] += 1  # post-only
    limits["quantity"][0][_KINDS.index(EventKind.MODIFY)] -= 1  # 0 fails softly
    return limits
