"""What an exchange records of every request, so that replaying it gives the same exchange."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Callable, Collection, Iterable, Mapping
from enum import StrEnum
from itertools import repeat
from typing import Any

from attrs import field, frozen

from nanobook_core.errors import ValidationError, shown
from nanobook_core.types import (
    Side,
    StpPolicy,
    TimeInForce,
    TrailMethod,
    check_new_quantity,
    check_order_id,
    check_owner,
    check_price,
    check_quantity,
    check_stp_policy,
    check_time_in_force,
)


class EventKind(StrEnum):
    """The requests that change an exchange; in a batch, `op` is the position in this list."""

    SUBMIT_LIMIT = "submit_limit"
    SUBMIT_MARKET = "submit_market"
    CANCEL = "cancel"
    MODIFY = "modify"
    SUBMIT_STOP_MARKET = "submit_stop_market"
    SUBMIT_STOP_LIMIT = "submit_stop_limit"
    SUBMIT_TRAILING_STOP_MARKET = "submit_trailing_stop_market"
    SUBMIT_TRAILING_STOP_LIMIT = "submit_trailing_stop_limit"
    REDUCE = "reduce"
    CANCEL_ALL = "cancel_all"

    @classmethod
    def _missing_(cls, value: object) -> EventKind:
        raise ValidationError(f"there is no event {value!r:.40}; events are {', '.join(cls)}")


#: The fields of each kind: name in JSON and attribute. The order is that of the original's JSON.
_FIELDS: dict[EventKind, tuple[tuple[str, str], ...]] = {
    EventKind.SUBMIT_LIMIT: (
        ("side", "side"),
        ("price", "price"),
        ("quantity", "quantity"),
        ("time_in_force", "time_in_force"),
    ),
    EventKind.SUBMIT_MARKET: (("side", "side"), ("quantity", "quantity")),
    EventKind.CANCEL: (("order_id", "order_id"),),
    EventKind.MODIFY: (
        ("order_id", "order_id"),
        ("new_price", "price"),
        ("new_quantity", "quantity"),
    ),
    EventKind.SUBMIT_STOP_MARKET: (
        ("side", "side"),
        ("stop_price", "stop_price"),
        ("quantity", "quantity"),
    ),
    EventKind.SUBMIT_STOP_LIMIT: (
        ("side", "side"),
        ("stop_price", "stop_price"),
        ("limit_price", "price"),
        ("quantity", "quantity"),
        ("time_in_force", "time_in_force"),
    ),
    EventKind.SUBMIT_TRAILING_STOP_MARKET: (
        ("side", "side"),
        ("stop_price", "stop_price"),
        ("quantity", "quantity"),
        ("trail_method", "trail_method"),
    ),
    EventKind.SUBMIT_TRAILING_STOP_LIMIT: (
        ("side", "side"),
        ("stop_price", "stop_price"),
        ("limit_price", "price"),
        ("quantity", "quantity"),
        ("time_in_force", "time_in_force"),
        ("trail_method", "trail_method"),
    ),
    EventKind.REDUCE: (("order_id", "order_id"), ("quantity", "quantity")),
    EventKind.CANCEL_ALL: (),
}

_SUBMITS = frozenset(kind for kind in EventKind if kind.value.startswith("submit"))

#: Fields that are written only where they are set.
_OPTIONAL: dict[EventKind, tuple[str, ...]] = {
    kind: (*(("owner", "stp_policy") if kind in _SUBMITS else ()),) for kind in EventKind
}
_OPTIONAL[EventKind.SUBMIT_LIMIT] = ("owner", "stp_policy", "post_only")
_OPTIONAL[EventKind.CANCEL_ALL] = ("owner", "side")

_MEANS = {
    kind: frozenset(attribute for _, attribute in fields) | set(_OPTIONAL[kind])
    for kind, fields in _FIELDS.items()
}

_TAGS = {kind: kind.value.title().replace("_", "") for kind in EventKind}
_KINDS = {tag: kind for kind, tag in _TAGS.items()}


@frozen(repr=False)
class Event:
    """One request, valid by itself: what it is made of is checked when it is made.

    `kind` says which of the other fields mean something; the rest keep their defaults.

    Raises:
        TypeError, OverflowError, ValidationError: as the request itself would.

    """

    kind: EventKind
    side: Side | None = None
    """Of `cancel_all`, None means both."""
    price: int | None = None
    """Limit, of stops that of the order that they become; of `modify` the new one."""
    quantity: int | None = None
    """Of `modify` the new one, of `reduce` what is taken off."""
    time_in_force: TimeInForce | None = None
    order_id: int | None = None
    stop_price: int | None = None
    trail_method: TrailMethod | None = None
    owner: int | None = None
    stp_policy: StpPolicy = StpPolicy.OFF
    post_only: bool = field(default=False, kw_only=True)

    def __attrs_post_init__(self) -> None:
        if not isinstance(self.kind, str):
            raise TypeError(f"kind is an EventKind, got {shown(self.kind)}")
        object.__setattr__(self, "kind", EventKind(self.kind))
        means = _MEANS[self.kind]
        for attribute in self.__attrs_attrs__[1:]:
            name, value = attribute.name, getattr(self, attribute.name)
            if name in means:
                object.__setattr__(self, name, _CHECKS[name](value, self))
            elif value != attribute.default:
                raise ValidationError(f"{self.kind} has no {name}, got {shown(value)}")

    @classmethod
    def trusted(cls, kind: EventKind, **fields: Any) -> Event:
        """Return an event of values that an engine has checked; checking takes most of the time."""
        event = cls.__new__(cls)
        for attribute in cls.__attrs_attrs__:
            value = fields.get(attribute.name, attribute.default)
            object.__setattr__(event, attribute.name, value)
        object.__setattr__(event, "kind", kind)
        return event

    @classmethod
    def trusted_list(cls, kind: Collection[EventKind], **columns: Iterable[Any]) -> list[Event]:
        """Return an event for each kind, of columns of checked values; four times as quick."""
        events = list(map(cls.__new__, repeat(cls, len(kind))))
        columns["kind"] = kind
        for attribute in cls.__attrs_attrs__:
            values = columns.get(attribute.name, repeat(attribute.default))
            set_value = vars(cls)[attribute.name].__set__
            # At the speed of C: neither `map` nor `deque` comes back to Python for a value.
            deque(map(set_value, events, values), maxlen=0)
        return events

    def to_json(self) -> str:
        """Return it as the original spells it: `{"Cancel":{"order_id":1}}`."""
        body: dict[str, Any] = {
            key: _to_plain(getattr(self, attribute)) for key, attribute in _FIELDS[self.kind]
        }
        for attribute in _OPTIONAL[self.kind]:
            value = getattr(self, attribute)
            if not (value is None or value is False or value is StpPolicy.OFF):
                body[attribute] = _to_plain(value)
        return json.dumps({_TAGS[self.kind]: body}, separators=(",", ":"))

    @classmethod
    def from_json(cls, text: str) -> Event:
        """Read what `to_json` wrote, or the original; unknown keys are ignored.

        Raises:
            ValidationError: it is no such JSON; or a value has a type or size that is not allowed.

        """
        try:
            document = json.loads(text, parse_constant=_refuse_constant)
        except (ValueError, RecursionError) as error:
            raise ValidationError(
                f"an event is one JSON object, got {text!r:.80}: {error}"
            ) from None
        if not isinstance(document, dict) or len(document) != 1:
            raise ValidationError(f"an event is {{kind: fields}}, got {text!r:.80}")
        ((tag, body),) = document.items()
        kind = _KINDS.get(tag)
        if kind is None:
            raise ValidationError(f"there is no event {tag!r:.40}; events are {', '.join(_KINDS)}")
        if not isinstance(body, Mapping):
            raise ValidationError(f"{tag} has fields, got {shown(body)}")
        if missing := [key for key, _ in _FIELDS[kind] if key not in body]:
            raise ValidationError(f"{tag} lacks {', '.join(missing)}: {text!r:.80}")
        values = {attribute: body[key] for key, attribute in _FIELDS[kind]}
        values |= {key: body[key] for key in _OPTIONAL[kind] if key in body}
        try:
            if "trail_method" in values:
                values["trail_method"] = _trail_from_plain(values["trail_method"])
            return cls(kind, **values)
        except (TypeError, OverflowError, ValidationError) as error:
            raise ValidationError(f"{tag}: {error}") from None

    def __getstate__(self) -> str:
        return self.to_json()

    def __setstate__(self, state: str) -> None:
        """Become the event of that JSON; for pickle, and as the original offers it.

        Raises:
            ValidationError: as `from_json`.

        """
        other = type(self).from_json(state)
        for attribute in self.__attrs_attrs__:
            object.__setattr__(self, attribute.name, getattr(other, attribute.name))

    def __repr__(self) -> str:
        body = [f"{key}: {_rust(key, getattr(self, name))}" for key, name in _FIELDS[self.kind]]
        for name in _OPTIONAL[self.kind]:
            value = getattr(self, name)
            if not (value is None or value is False or value is StpPolicy.OFF):
                body.append(f"{name}: {_rust(name, value)}")
        return f"{_TAGS[self.kind]} {{ {', '.join(body)} }}" if body else _TAGS[self.kind]


def _check_side(side: Any, event: Event) -> Side | None:
    return None if side is None and event.kind is EventKind.CANCEL_ALL else Side(side)


def _check_quantity(quantity: Any, event: Event) -> int:
    return (check_new_quantity if event.kind is EventKind.MODIFY else check_quantity)(quantity)


def _check_trail(method: Any, _: Event) -> TrailMethod:
    if not isinstance(method, TrailMethod):
        raise TypeError(f"trail_method is a TrailMethod, got {shown(method)}")
    return method


#: How each field is checked, in the order of the fields: what is checked may look at what was.
_CHECKS: dict[str, Callable[[Any, Event], Any]] = {
    "side": _check_side,
    "price": lambda price, _: check_price(price),
    "quantity": _check_quantity,
    "time_in_force": lambda tif, event: check_time_in_force(tif, post_only=event.post_only),
    "order_id": lambda order_id, _: check_order_id(order_id),
    "stop_price": lambda price, _: check_price(price, "stop_price"),
    "trail_method": _check_trail,
    "owner": lambda owner, _: check_owner(owner),
    "stp_policy": lambda policy, event: check_stp_policy(policy, event.owner),
    "post_only": lambda post_only, _: post_only,  # the time in force was checked with it
}


def _refuse_constant(constant: str) -> None:
    raise ValueError(f"{constant} is no JSON number")


def _to_plain(value: Any) -> Any:
    if isinstance(value, Side):
        return value.value.title()
    if isinstance(value, TimeInForce):
        return value.value.upper()
    if isinstance(value, TrailMethod):
        return _trail_to_plain(value)
    return value


def _trail_to_plain(method: TrailMethod) -> dict[str, Any]:
    if method.kind == "fixed":
        return {"Fixed": int(method.value)}
    if method.kind == "percentage":
        return {"Percentage": method.value}
    return {"Atr": {"multiplier": method.value, "period": method.period}}


def _trail_from_plain(plain: Any) -> TrailMethod:
    if isinstance(plain, Mapping) and len(plain) == 1:
        ((tag, value),) = plain.items()
        if tag == "Fixed":
            return TrailMethod("fixed", value)
        if tag == "Percentage":
            return TrailMethod("percentage", value)
        if tag == "Atr" and isinstance(value, Mapping) and {"multiplier", "period"} <= set(value):
            return TrailMethod("atr", value["multiplier"], value["period"])
    raise ValidationError(
        f"trail_method is Fixed, Percentage or Atr with multiplier and period, got {shown(plain)}"
    )


def _rust(key: str, value: Any) -> str:
    """Return a value as the original shows it."""
    if key.endswith("price"):
        return f"Price({value})"
    if key == "order_id":
        return f"OrderId({value})"
    if isinstance(value, TrailMethod):
        ((tag, inner),) = _trail_to_plain(value).items()
        if tag == "Atr":
            return f"Atr {{ multiplier: {inner['multiplier']!r}, period: {inner['period']} }}"
        return f"{tag}({inner!r})"
    return str(_to_plain(value))
