"""Keys of the simulated venue's accounts, and the signatures that are made with them."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import secrets
from collections.abc import Callable
from typing import Literal, TypeAlias

from attrs import define, field
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from nanobook_core.errors import ValidationError, shown

Kind: TypeAlias = Literal["hmac", "ed25519", "rsa"]
KINDS: tuple[Kind, ...] = ("hmac", "ed25519", "rsa")
PERMISSIONS = ("read", "trade")


@define(kw_only=True, eq=False)
class ApiKey:
    """A key, the account that it opens, and what it is for."""

    name: str = field(repr=False)
    """What a client sends as `X-MBX-APIKEY`."""
    account: str
    """Its name."""
    kind: Kind
    permissions: frozenset[str]
    is_revoked: bool = False
    is_right: Callable[[bytes, str], bool] = field(repr=False)
    """Whether the signature, as text, is one of the payload."""


def new_name() -> str:
    """A key, or a secret, as the venue gives them: 64 letters and digits."""
    return secrets.token_hex(32)


def hmac_verifier(secret: str) -> Callable[[bytes, str], bool]:
    """Whether a signature is the SHA-256 of this secret and a payload, in hex of any case."""

    def is_right(payload: bytes, signature: str) -> bool:
        right = hmac.new(secret.encode(), payload, hashlib.sha256).hexdigest()
        return hmac.compare_digest(right.encode(), signature.lower().encode())

    return is_right


def public_key_verifier(kind: Kind, pem: str | bytes) -> Callable[[bytes, str], bool]:
    """Whether a signature, in base64, is that of the private key to this public one.

    Raises:
        ValidationError: it is no public key of that kind, in PEM.

    """
    try:
        key = load_pem_public_key(pem.encode() if isinstance(pem, str) else pem)
    except ValueError:
        key = None
    if kind == "ed25519" and isinstance(key, Ed25519PublicKey):
        return _verifier(key.verify)
    if kind == "rsa" and isinstance(key, RSAPublicKey):
        rsa = key
        return _verifier(
            lambda signature, payload: rsa.verify(signature, payload, PKCS1v15(), SHA256())
        )
    raise ValidationError(f"public_key is the PEM text of an {kind} public key")


def _verifier(verify: Callable[[bytes, bytes], None]) -> Callable[[bytes, str], bool]:
    def is_right(payload: bytes, signature: str) -> bool:
        try:
            verify(base64.b64decode(signature, validate=True), payload)
        except (InvalidSignature, binascii.Error, ValueError):
            return False
        return True

    return is_right


def checked_kind(kind: str) -> Kind:
    """The kind.

    Raises:
        ValidationError: there is no such kind.

    """
    for each in KINDS:
        if kind == each:
            return each
    raise ValidationError(f"kind is one of {', '.join(KINDS)}, got {shown(kind)}")


class KeyRing:
    """All keys that the venue has given out, by name."""

    def __init__(self) -> None:
        self._keys: dict[str, ApiKey] = {}

    def add(
        self,
        account: str,
        kind: str,
        public_key: str | bytes | None,
        permissions: tuple[str, ...],
        *,
        expired: bool,
    ) -> tuple[str, str]:
        """A new key of the account and its secret, which is empty where a public key was given.

        Raises:
            ValidationError: no such kind or permission, or no public key where one is needed.

        """
        kind = checked_kind(kind)
        for permission in permissions:
            if permission not in PERMISSIONS:
                raise ValidationError(
                    f"permissions are of {', '.join(PERMISSIONS)}, got {shown(permission)}"
                )
        if (kind == "hmac") is (public_key is not None):
            raise ValidationError("public_key goes with ed25519 and rsa, and with these only")
        secret = new_name() if public_key is None else ""
        key = ApiKey(
            name=new_name(),
            account=account,
            kind=kind,
            permissions=frozenset(permissions),
            is_revoked=expired,
            is_right=hmac_verifier(secret)
            if public_key is None
            else public_key_verifier(kind, public_key),
        )
        self._keys[key.name] = key
        return key.name, secret

    def find(self, name: str) -> ApiKey | None:
        """The key of that name that still opens its account."""
        key = self._keys.get(name)
        return None if key is None or key.is_revoked else key

    def revoke(self, name: str) -> None:
        """Let the key open nothing any more.

        Raises:
            ValidationError: there is none of that name.

        """
        if name not in self._keys:
            raise ValidationError("no such api_key was given out here")
        self._keys[name].is_revoked = True
