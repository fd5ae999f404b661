"""What a client says on a connection for market streams: which of them it wants."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable
from typing import Any, TypeAlias

#: How many streams one connection listens to at most.
MOST_STREAMS = 1024

_METHODS = ("SUBSCRIBE", "UNSUBSCRIBE", "LIST_SUBSCRIPTIONS", "SET_PROPERTY", "GET_PROPERTY")
_FIELDS = ("method", "params", "id")
_TEXT_ID = re.compile(r"[A-Za-z0-9_-]{1,36}")
_MOST_ID = 2**63

Answer: TypeAlias = dict[str, Any]


class _ControlError(Exception):
    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code


class MarketControl:
    """The streams of one connection, in the order in which they were asked for."""

    def __init__(self, names: Iterable[str] = (), *, is_combined: bool = False) -> None:
        self.names: dict[str, None] = dict.fromkeys(names)
        self.is_combined = is_combined
        """Whether events come with the name of their stream."""

    def answer(self, text: str | bytes) -> Answer:
        """Do what a message asks for, and return the answer to it; refused, nothing changes."""
        request_id: Any = None
        try:
            request = _parsed(text)
            request_id = _request_id(request)
            return {"result": self._result(request), "id": request_id}
        except _ControlError as refused:
            error: Answer = {"error": {"code": refused.code, "msg": str(refused)}}
            return error if request_id is None else {**error, "id": request_id}

    def _result(self, request: dict[str, Any]) -> Any:
        method = request.get("method")
        if "method" not in request:
            raise _ControlError(2, "Invalid request: missing field `method`")
        if method not in _METHODS:
            expected = ", ".join(f"`{name}`" for name in _METHODS)
            raise _ControlError(
                2, f"Invalid request: unknown variant `{method!s:.40}`, expected one of {expected}"
            )
        actions: dict[str, Callable[[Any], Any]] = {
            "SUBSCRIBE": self._subscribe,
            "UNSUBSCRIBE": self._unsubscribe,
            "LIST_SUBSCRIPTIONS": self._list,
            "SET_PROPERTY": self._set_property,
            "GET_PROPERTY": self._get_property,
        }
        return actions[method](request.get("params"))

    def _subscribe(self, params: Any) -> None:
        wanted = {**self.names, **dict.fromkeys(_stream_names(params))}
        if len(wanted) > MOST_STREAMS:
            raise _ControlError(4, "Too many subscriptions")
        self.names = wanted

    def _unsubscribe(self, params: Any) -> None:
        for name in _stream_names(params):
            self.names.pop(name, None)

    def _list(self, params: Any) -> list[str]:
        if params:
            raise _ControlError(2, "Invalid request: too many parameters")
        return list(self.names)

    def _set_property(self, params: Any) -> None:
        name, *values = _property(params)
        if len(values) > 1:
            raise _ControlError(2, "Invalid request: too many parameters")
        if name != "combined":
            raise _ControlError(0, "Unknown property")
        if len(values) != 1 or not isinstance(values[0], bool):
            raise _ControlError(1, "Invalid value type: expected Boolean")
        self.is_combined = values[0]

    def _get_property(self, params: Any) -> bool:
        name, *values = _property(params)
        if values:
            raise _ControlError(2, "Invalid request: too many parameters")
        if name != "combined":
            raise _ControlError(0, "Unknown property")
        return self.is_combined


def _parsed(text: str | bytes) -> dict[str, Any]:
    try:
        request = json.loads(text)
    except json.JSONDecodeError as error:
        where = f"line {error.lineno} column {error.colno}"
        raise _ControlError(3, f"Invalid JSON: expected value at {where}") from None
    except (ValueError, RecursionError):  # bytes that are no text, numbers without end, [[[[
        raise _ControlError(3, "Invalid JSON: expected value at line 1 column 1") from None
    if not isinstance(request, dict):
        raise _ControlError(2, "Invalid request: expected a JSON object")
    for name in request:
        if name not in _FIELDS:
            raise _ControlError(2, "Invalid request: too many parameters")
    return request


def _request_id(request: dict[str, Any]) -> int | str | None:
    found = request.get("id")
    if (
        "id" not in request
        or isinstance(found, bool)
        or not (
            found is None
            or (isinstance(found, int) and -_MOST_ID <= found < _MOST_ID)
            or (isinstance(found, str) and _TEXT_ID.fullmatch(found))
        )
    ):
        raise _ControlError(2, "Invalid request: request ID must be an unsigned integer")
    return found


def _stream_names(params: Any) -> list[str]:
    if not isinstance(params, list) or not all(isinstance(name, str) for name in params):
        raise _ControlError(2, "Invalid request: params must be a list of stream names")
    return params


def _property(params: Any) -> list[Any]:
    if not isinstance(params, list) or not params or not isinstance(params[0], str):
        raise _ControlError(2, "Invalid request: property name must be a string")
    return params
