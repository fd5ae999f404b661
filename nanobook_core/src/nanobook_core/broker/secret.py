"""Where credentials come from: the environment, a keyring, or a file that only its owner reads."""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from nanobook_core.contracts.secret import Secret
from nanobook_core.errors import SecretError

SHORTEST = 8
LONGEST = 65_536

_HOW = "env:NAME, keyring:service/name or file:PATH"


def resolve_secret(
    source: str | Secret, *, name: str = "a secret", environment: Mapping[str, str] | None = None
) -> Secret:
    """Return the credential that a source names: `env:NAME`, `keyring:service/name`, `file:PATH`.

    A file belongs to this user and has mode 0600 or 0400, so that nobody else can read it; one line
    end after the value is not part of it. A keyring needs the package `keyring`. `name` is what
    messages call the credential. A Secret comes back as it is.

    Raises:
        SecretError: it is not there, cannot be read, is readable for others, has fewer than 8 or
            more than 65,536 characters, or no source but perhaps the value itself was given, which
            is not repeated in the message.

    """
    if isinstance(source, Secret):
        return source
    kind, colon, place = source.partition(":") if isinstance(source, str) else ("", "", "")
    if not (colon and place and kind in _SOURCES):
        raise SecretError(
            f"{name}: say where it is, as {_HOW}; a value itself is refused, as settings and "
            "arguments are read by others"
        )
    reason = None
    try:
        value = _SOURCES[kind](place, os.environ if environment is None else environment)
    except SecretError as error:
        reason = str(error)
    if reason is not None:  # raised here, so that no frame comes with it in which values are
        raise SecretError(f"{name}: {reason}")
    if not SHORTEST <= len(value) <= LONGEST:
        raise SecretError(
            f"{name}: from {SHORTEST} to {LONGEST:,} characters, got {len(value)} from {kind}:"
        )
    return Secret(value)


def _from_environment(variable: str, environment: Mapping[str, str]) -> str:
    if variable not in environment:
        raise SecretError(f"the variable {variable} is not in the environment")
    return environment[variable]


def _from_keyring(place: str, _: Mapping[str, str]) -> str:
    service, slash, user = place.rpartition("/")
    if not (slash and service and user):
        raise SecretError("keyring:service/name is expected")
    try:
        import keyring
    except ImportError:
        raise SecretError(
            "the package keyring is not installed: pip install keyring, or use env:"
        ) from None
    try:
        value: object = keyring.get_password(service, user)
    except Exception as error:  # noqa: BLE001 - whatever a backend raises; its text may have anything
        raise SecretError(f"the keyring raised {type(error).__name__}") from None
    if not isinstance(value, str):
        raise SecretError(f"the keyring has no {user} of {service}")
    return value


def _from_file(place: str, _: Mapping[str, str]) -> str:
    try:
        path = Path(place).expanduser()
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0))
        with os.fdopen(descriptor, "rb") as file:
            reason = _exposed(os.fstat(descriptor))
            content = b"" if reason else file.read(LONGEST + 3)
    except (OSError, ValueError, RuntimeError) as error:  # also a NUL in it, or ~nobody
        raise SecretError(f"{place} cannot be read: {error}") from None
    if reason:
        raise SecretError(f"{place} {reason}")
    try:
        return content.decode().removesuffix("\n").removesuffix("\r")
    except UnicodeDecodeError:
        raise SecretError(f"{place} is not UTF-8") from None


def _exposed(status: os.stat_result) -> str:
    """Say why the content is no secret."""
    if not stat.S_ISREG(status.st_mode):
        return "is not a regular file"
    if sys.platform == "win32":  # has neither these modes nor these owners
        return ""
    if status.st_uid != os.geteuid():
        return "belongs to another user"
    if mode := stat.S_IMODE(status.st_mode) & 0o077:
        return f"can be read or written by others (mode has {mode:03o}); run chmod 600 on it"
    return ""


_SOURCES: dict[str, Callable[[str, Mapping[str, str]], str]] = {
    "env": _from_environment,
    "file": _from_file,
    "keyring": _from_keyring,
}
