"""Credentials, kept out of whatever is printed, logged, pickled or shown in a traceback."""

from __future__ import annotations

import hmac
from typing import Any, Self

from nanobook_core.errors import SecretError, ValidationError

_SHOWN = "***"


class Secret:
    """A credential that every way of printing shows as `***`; only `reveal` gives it.

    Two are equal if what they hold is; a pickled one holds nothing any more.
    """

    __slots__ = ("_held",)

    def __init__(self, value: str) -> None:
        """Wrap a value.

        Raises:
            TypeError: it is no str.
            ValidationError: it is empty, or cannot be encoded.

        """
        if not isinstance(value, str):
            raise TypeError(f"a secret is a str, got {type(value).__name__}")
        try:
            self._held: bytearray | None = bytearray(value, "utf-8")
        except UnicodeEncodeError:
            raise ValidationError("a secret has half a character") from None
        if not value:
            raise ValidationError("a secret is empty")

    def reveal(self) -> str:
        """Return the value; keep it in no variable for longer than it takes to use it.

        Raises:
            SecretError: it was closed or pickled.

        """
        if self._held is None:
            raise SecretError("the secret was closed or pickled; read it anew")
        return self._held.decode()

    def close(self) -> None:
        """Overwrite the value; copies that Python made of it elsewhere are out of reach."""
        if self._held is not None:
            self._held[:] = bytes(len(self._held))
        self._held = None

    def __repr__(self) -> str:
        return _SHOWN

    def __format__(self, specification: str) -> str:
        return format(_SHOWN, specification)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Secret):
            return NotImplemented
        if self._held is None or other._held is None:
            return self is other
        return hmac.compare_digest(self._held, other._held)

    __hash__ = None  # type: ignore[assignment]  # a hash would tell something of the value

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        return self

    def __getstate__(self) -> None:
        return None

    def __reduce__(self) -> tuple[Any, ...]:
        return _pickled, ()


def _pickled() -> Secret:
    secret = Secret(_SHOWN)
    secret.close()
    return secret
