"""Requests of the WebSocket API: what a message says, and what of it is signed."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any, TypeAlias

from attrs import frozen

from nanobook_binance.simulator.venue import Refusal

Json: TypeAlias = Any
_FIELDS = ("id", "method", "params")
_MOST_ID = 2**63
_VERSION = re.compile("v[0-9]+/")


@frozen
class ApiRequest:
    """A message that is a request."""

    request_id: int | str | None
    method: str
    """Without the version that may stand before it."""
    parameters: Mapping[str, str]
    """As they would stand in a query string, but not encoded."""
    returns_limits: bool | None
    """None: as the connection has it."""

    def payload(self) -> bytes:
        """What is signed: all parameters but the signature, by name."""
        signed = sorted(item for item in self.parameters.items() if item[0] != "signature")
        return "&".join(f"{name}={value}" for name, value in signed).encode()


def parse_id(text: str | bytes) -> int | str | None:
    """Return the id under which a message is answered, though it may be no request."""
    try:
        found = _parsed(text)
    except Refusal:
        return None
    given = found.get("id") if isinstance(found, dict) else None
    return given if _is_id(given) else None


def parse_request(text: str | bytes) -> ApiRequest:
    """Return what a message asks for.

    Raises:
        Refusal: it is no request.

    """
    message = _parsed(text)
    if not isinstance(message, dict):
        raise Refusal(-1135, "Invalid JSON Request")
    for name in message:
        if name not in _FIELDS:
            raise Refusal(-1103, "An unknown parameter was sent.")
    if "id" not in message or not _is_id(message["id"]):
        raise _malformed("id")
    method = message.get("method")
    if not isinstance(method, str) or not method:
        raise _malformed("method")
    sent = message.get("params", {})
    if not isinstance(sent, dict):
        raise _malformed("params")
    parameters = {name: _text(name, value) for name, value in sent.items() if value is not None}
    returns_limits = sent.get("returnRateLimits")
    if returns_limits is not None and not isinstance(returns_limits, bool):
        raise Refusal(-1130, "Data sent for parameter 'returnRateLimits' is not valid.")
    return ApiRequest(message["id"], _VERSION.sub("", method, count=1), parameters, returns_limits)


def _parsed(text: str | bytes) -> Json:
    try:
        # A number is signed as it stands there.
        return json.loads(text, parse_float=str, parse_constant=_no_number)
    except (ValueError, RecursionError):
        raise Refusal(-1135, "Invalid JSON Request") from None


def _no_number(text: str) -> Json:
    raise ValueError(f"{text} is no JSON")


def _is_id(given: Json) -> bool:
    if isinstance(given, bool):
        return False
    if isinstance(given, int):
        return -_MOST_ID <= given < _MOST_ID
    return given is None or isinstance(given, str)


def _text(name: str, value: Json) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, list):
        return json.dumps(value, separators=(",", ":"))
    raise Refusal(-1130, f"Data sent for parameter '{name:.40}' is not valid.")


def _malformed(name: str) -> Refusal:
    return Refusal(
        -1102, f"Mandatory parameter '{name}' was not sent, was empty/null, or malformed."
    )
