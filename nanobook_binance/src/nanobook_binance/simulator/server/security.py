"""Who may ask: the key, the signature and the age of a request."""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal
from enum import StrEnum

from attrs import frozen

from nanobook_binance.simulator.server import parameter
from nanobook_binance.simulator.server.api_key import ApiKey, KeyRing
from nanobook_binance.simulator.server.parameter import Parameter
from nanobook_binance.simulator.venue import Refusal

_KEY = re.compile("[A-Za-z0-9]{64}", re.ASCII)
_DEFAULT_WINDOW = Decimal(5000)
_LONGEST_WINDOW = Decimal(60000)
_WINDOW_PLACES = 3
_AHEAD_MS = 1000
_MICROSECONDS_FROM = 10**15
"""A timestamp from here on is one of microseconds."""


class Security(StrEnum):
    """What a request needs."""

    NONE = "NONE"
    USER_DATA = "USER_DATA"
    TRADE = "TRADE"


def _window(name: str, text: str) -> Decimal:
    value = parameter.decimal(name, text)
    if -int(value.normalize().as_tuple().exponent) > _WINDOW_PLACES:
        raise Refusal(-1111, f"Parameter '{name}' has too much precision.")
    if value > _LONGEST_WINDOW:
        raise Refusal(-1131, f"{name} must be less than 60000")
    return value


#: What every signed request has besides its own.
SIGNED = (
    Parameter("timestamp", parameter.long, is_required=True),
    Parameter("recvWindow", _window),
    Parameter("signature", parameter.text),
)


@frozen
class Validity:
    """From when, by its own account, and for how long a request holds."""

    timestamp_ms: Decimal
    window_ms: Decimal

    def check_arrival(self, now_ms: int) -> None:
        """Let it pass if it is neither too young nor too old.

        Raises:
            Refusal: it is (-1021).

        """
        if self.timestamp_ms >= now_ms + _AHEAD_MS:
            raise Refusal(
                -1021, "Timestamp for this request was 1000ms ahead of the server's time."
            )
        self.check_engine(now_ms)

    def check_engine(self, now_ms: int) -> None:
        """Let it pass if it is not too old by now.

        Raises:
            Refusal: it is (-1021).

        """
        if now_ms - self.timestamp_ms > self.window_ms:
            raise Refusal(-1021, "Timestamp for this request is outside of the recvWindow.")


def validity(sent: Mapping[str, str]) -> Validity:
    """What a request says of its age.

    Raises:
        Refusal: it has no timestamp, or one of no such form.

    """
    if not sent.get("timestamp"):
        raise parameter.missing("timestamp")
    stamp = Decimal(parameter.long("timestamp", sent["timestamp"]))
    if stamp >= _MICROSECONDS_FROM:
        stamp /= 1000
    window = sent.get("recvWindow")
    if window is None:
        return Validity(stamp, _DEFAULT_WINDOW)
    if not window:
        raise Refusal(-1105, "Parameter 'recvWindow' was empty.")
    return Validity(stamp, _window("recvWindow", window))


def find_key(keys: KeyRing, name: str | None) -> ApiKey:
    """The key of that name.

    Raises:
        Refusal: it is no key, or opens nothing.

    """
    if name is None or _KEY.fullmatch(name) is None:
        raise Refusal(-2014, "API-key format invalid.", 401)
    key = keys.find(name)
    if key is None:
        raise rejected_key()
    return key


def rejected_key() -> Refusal:
    """What is answered where a key does not open what was asked for."""
    return Refusal(-2015, "Invalid API-key, IP, or permissions for action.", 401)


def check_permission(key: ApiKey, security: Security) -> None:
    """Let it pass if the key is for such requests.

    Raises:
        Refusal: it is not (-2015).

    """
    if ("trade" if security is Security.TRADE else "read") not in key.permissions:
        raise rejected_key()


def check_signature(key: ApiKey, payload: bytes, signature: str | None) -> None:
    """Let it pass if the signature is that of the key's owner under the payload.

    Raises:
        Refusal: there is none (-1102), or it is not (-1022).

    """
    if not signature:
        raise parameter.missing("signature")
    if not key.is_right(payload, signature):
        raise Refusal(-1022, "Signature for this request is not valid.")
