"""Keys, and what is signed with them."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import os
import re
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING
from urllib.parse import quote

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from nanobook_binance.number import plain
from nanobook_core.broker.secret import resolve_secret
from nanobook_core.contracts.secret import Secret
from nanobook_core.errors import SecretError, shown

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes

API_KEY_VARIABLE = "BINANCE_API_KEY"
SECRET_KEY_VARIABLE = "BINANCE_SECRET_KEY"  # noqa: S105 - the name of a variable

Parameter = str | int | Decimal | bool | Sequence[str] | None
"""Of a request; None is left out, and a float is refused, as it is not exact."""

_SOURCE = re.compile(r"(env|keyring|file):")
_PRINTABLE = re.compile(r"[!-~]+")
_PEM = "-----BEGIN "


def to_text(name: str, value: Parameter) -> str:
    """Return a parameter as it is written in a request: a Decimal in full, without idle zeros.

    Raises:
        TypeError: it is none that has an exact form, as a float.

    """
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return value
    if isinstance(value, int):
        return str(value)
    if isinstance(value, Decimal) and value.is_finite():
        return plain(value)
    if isinstance(value, list | tuple):
        return json.dumps(value, separators=(",", ":"))
    raise TypeError(f"{name} is a str, int, bool, finite Decimal or list, got {shown(value)}")


def payload(parameters: Mapping[str, Parameter]) -> str:
    """Return the parameters in their order, percent-encoded: what is sent, and what is signed."""
    return "&".join(
        f"{name}={quote(to_text(name, value), safe='')}"
        for name, value in parameters.items()
        if value is not None
    )


class Keys:
    """An API key with what signs for it: a secret (HMAC), or an Ed25519 or RSA private key.

    Neither is in its repr, and neither is pickled.
    """

    def __init__(self, api_key: Secret, secret_key: Secret) -> None:
        """Keep both; a secret that is PEM text is a private key, any other one is for HMAC.

        Raises:
            SecretError: one of them cannot be one; the message does not repeat it.

        """
        for name, key in (("the API key", api_key), ("the secret key", secret_key)):
            if _PEM in key.reveal():
                if key is api_key:
                    raise SecretError("the API key is PEM text; it goes into secret_key")
            elif not _PRINTABLE.fullmatch(key.reveal()):
                raise SecretError(
                    f"{name} has a space, a line end or a character beyond ASCII; "
                    "copy it again without"
                )
        self._api_key = api_key
        self._secret = secret_key
        self._private = _private_key(secret_key) if _PEM in secret_key.reveal() else None

    def __repr__(self) -> str:
        return f"<Keys {self.kind}, ***>"

    def __reduce__(self) -> tuple[object, ...]:
        """Copy nothing: what is pickled lies somewhere."""
        raise SecretError("keys are not copied and not pickled")

    @property
    def kind(self) -> str:
        """`hmac`, `ed25519` or `rsa`."""
        if self._private is None:
            return "hmac"
        return "ed25519" if isinstance(self._private, Ed25519PrivateKey) else "rsa"

    @property
    def api_key(self) -> Secret:
        """The API key, which goes with every request."""
        return self._api_key

    def sign(self, text: str) -> str:
        """Return the signature of a payload: hex of HMAC-SHA256, or base64, not percent-encoded."""
        if isinstance(self._private, Ed25519PrivateKey):
            return base64.b64encode(self._private.sign(text.encode())).decode()
        if isinstance(self._private, RSAPrivateKey):
            signed = self._private.sign(text.encode(), PKCS1v15(), hashes.SHA256())
            return base64.b64encode(signed).decode()
        return hmac.new(self._secret.reveal().encode(), text.encode(), hashlib.sha256).hexdigest()

    def signed(self, text: str) -> str:
        """Return a payload with its signature, which is the last parameter."""
        return f"{text}&signature={quote(self.sign(text), safe='')}"

    def hide(self, text: str) -> str:
        """Return a text of others in which neither of them is left."""
        for key in (self._api_key, self._secret):
            text = text.replace(key.reveal(), "***")
        return text


def read_keys(api_key: str | Secret | None, secret_key: str | Secret | None) -> Keys:
    """Find both: given as they are or by `env:`, `keyring:` and `file:`, else in the environment.

    Where None is given, `BINANCE_API_KEY` and `BINANCE_SECRET_KEY` are read.

    Raises:
        TypeError: neither a str nor a Secret.
        SecretError: there is none, or it cannot be one; the message does not repeat it.

    """
    api_key = hold("api_key", api_key)  # one by one: the next line may raise, and show this one
    secret_key = hold("secret_key", secret_key)
    return Keys(
        _read(api_key, "api_key", API_KEY_VARIABLE),
        _read(secret_key, "secret_key", SECRET_KEY_VARIABLE),
    )


def hold(name: str, key: str | Secret | None) -> Secret | None:
    """Wrap a key that was given, so that the caller's variable can hold it safely.

    Raises:
        TypeError: it is neither a str nor a Secret.
        SecretError: it is empty.

    """
    if key is None or isinstance(key, Secret):
        return key
    if not isinstance(key, str):
        raise TypeError(f"{name} is a str or a Secret, got {type(key).__name__}")
    if not key:
        raise SecretError(f"{name} is empty")
    return Secret(key)


def _read(given: Secret | None, name: str, variable: str) -> Secret:
    if given is None:
        if not os.environ.get(variable):
            raise SecretError(
                f"{name}: there is none; set the variable {variable}, or give it as "
                "env:NAME, keyring:service/name or file:PATH"
            )
        return Secret(os.environ[variable])
    if _SOURCE.match(given.reveal()):  # which is no secret
        return resolve_secret(given.reveal(), name=name)
    return given


def _private_key(secret: Secret) -> Ed25519PrivateKey | RSAPrivateKey:
    try:
        private: PrivateKeyTypes | None = load_pem_private_key(secret.reveal().encode(), None)
    except (ValueError, TypeError, ArithmeticError):  # its text and frames may have parts of it
        private = None
    if not isinstance(private, Ed25519PrivateKey | RSAPrivateKey):
        raise SecretError(
            "the secret key is PEM text, but no Ed25519 or RSA private key without a password"
        )
    return private
