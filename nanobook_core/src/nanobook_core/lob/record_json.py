"""Records as JSON, and back: an object with a key for each field, words and numbers as they are."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from enum import StrEnum
from typing import Any, TypeVar, get_args, get_origin

import attrs
from cattrs import BaseValidationError, Converter, ForbiddenExtraKeysError, transform_error
from cattrs.gen import make_dict_structure_fn, make_dict_unstructure_fn
from cattrs.v import format_exception

from nanobook_core.contracts.book import (
    BookSnapshot,
    CancelAllResult,
    CancelResult,
    LevelSnapshot,
    ModifyResult,
    StopSubmitResult,
    SubmitResult,
    Trade,
)
from nanobook_core.contracts.engine import ApplyResult
from nanobook_core.contracts.event import Event, _trail_from_plain, _trail_to_plain
from nanobook_core.errors import ValidationError, shown
from nanobook_core.types import OrderId, Price, Symbol, TradeId, TrailMethod

T = TypeVar("T")

#: Records that an engine may have types of its own for.
_VIRTUAL = (
    BookSnapshot,
    CancelAllResult,
    CancelResult,
    LevelSnapshot,
    ModifyResult,
    StopSubmitResult,
    SubmitResult,
    Trade,
)


def to_json(record: object) -> str:
    """Return a record, word, price, id or symbol as JSON; an event as the original spells it.

    Raises:
        TypeError: it is none of these, or one with arrays.
        ValidationError: it has a number that JSON has not, such as infinity.

    """
    cls = _checked(type(record))
    if isinstance(record, Event):
        return record.to_json()
    try:
        return json.dumps(
            _CONVERTER.unstructure(record, cls), separators=(",", ":"), allow_nan=False
        )
    except ValueError as error:
        raise ValidationError(f"{cls.__name__} as JSON: {error}, got {shown(record)}") from None


def from_json(cls: type[T], text: str) -> T:
    """Return the record of that class that `to_json` wrote.

    Raises:
        TypeError: there is no JSON of such a class.
        ValidationError: the text is no JSON; a key is unknown, or missing and has no default; or a
            value has a type or size that is not allowed.

    """
    record: T = _read(_checked(cls), text)
    return record


def _read(cls: type[Any], text: str) -> Any:
    if cls is Event:
        return Event.from_json(text)
    try:
        document = json.loads(text, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise ValidationError(f"{cls.__name__} is JSON, got {text!r:.80}: {error}") from None
    try:
        return _CONVERTER.structure(document, cls)
    except BaseValidationError as error:
        reasons = "; ".join(transform_error(error, cls.__name__, _reason))
    except (ForbiddenExtraKeysError, KeyError, OverflowError, TypeError, ValueError) as error:
        reasons = _reason(error, cls)
    raise ValidationError(f"{reasons}; got {text!r:.80}")


def _checked(cls: type[Any]) -> type[Any]:
    """Return the class itself, or the record that an engine's own one stands for."""
    for record in _VIRTUAL:
        if issubclass(cls, record):
            return record
    is_record = attrs.has(cls) and not issubclass(cls, ApplyResult)
    if not (is_record or issubclass(cls, (StrEnum, Price, OrderId, TradeId, Symbol))):
        raise TypeError(f"there is no JSON of {cls.__qualname__}, only of records and words")
    return cls


def _refuse_constant(constant: str) -> None:
    raise ValueError(f"{constant} is no JSON number")


def _reason(error: BaseException, expected: type | None) -> str:
    ours = isinstance(error, (TypeError, ValueError, OverflowError))
    return str(error) if ours else format_exception(error, expected)


def _exactly(*kinds: type) -> Callable[[Any, Any], Any]:
    """A value of that type: nothing is read as what it is not, neither 5.0 nor true as an int."""

    def structure(value: Any, _: Any) -> Any:
        if type(value) not in kinds:
            raise TypeError(f"{kinds[0].__name__} is expected, got {shown(value)}")
        return value

    return structure


def _float(value: Any, _: Any) -> float:
    number = float(_exactly(float, int)(value, float))
    if not math.isfinite(number):
        raise ValidationError(f"a finite number is expected, got {shown(value)}")
    return number


def _is_tuple(kind: Any) -> bool:
    origin: Any = get_origin(kind)
    return origin is tuple


def _tuple(value: Any, kind: Any) -> tuple[Any, ...]:
    if not isinstance(value, list):
        raise TypeError(f"a list is expected, got {shown(value)}")
    item, _ = get_args(kind)
    return tuple(_CONVERTER.structure(each, item) for each in value)


def _structure_record(cls: type[Any]) -> Callable[[Any, Any], Any]:
    structure = make_dict_structure_fn(
        cls,
        _CONVERTER,
        _cattrs_forbid_extra_keys=True,
        _cattrs_include_init_false=True,
        # With it, cattrs 26.2 forgets what was wrong with fields that are set after the making.
        _cattrs_detailed_validation=all(field.init for field in attrs.fields(cls)),
    )

    def checked(value: Any, _: Any) -> Any:
        if not isinstance(value, dict):
            raise TypeError(f"{cls.__name__} is an object with its fields, got {shown(value)}")
        return structure(value, cls)

    return checked


def _unstructure_record(cls: type[Any]) -> Callable[[Any], dict[str, Any]]:
    return make_dict_unstructure_fn(cls, _CONVERTER, _cattrs_include_init_false=True)


_CONVERTER = Converter()
_CONVERTER.register_structure_hook_factory(attrs.has, _structure_record)
_CONVERTER.register_unstructure_hook_factory(attrs.has, _unstructure_record)
_CONVERTER.register_structure_hook_func(_is_tuple, _tuple)
for _kind in (bool, int, str):
    _CONVERTER.register_structure_hook(_kind, _exactly(_kind))
# Without it, the hook of `str` would be theirs too.
_CONVERTER.register_structure_hook(StrEnum, lambda value, cls: cls(value))
for _number in (Price, OrderId, TradeId):
    _CONVERTER.register_structure_hook(_number, lambda value, cls: cls(_exactly(int)(value, cls)))
_CONVERTER.register_structure_hook(float, _float)
_CONVERTER.register_structure_hook(Symbol, lambda value, _: Symbol(value))
_CONVERTER.register_structure_hook(TrailMethod, lambda value, _: _trail_from_plain(value))
_CONVERTER.register_unstructure_hook(TrailMethod, _trail_to_plain)
