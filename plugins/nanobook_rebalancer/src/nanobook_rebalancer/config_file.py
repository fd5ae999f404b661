"""Reads `config.toml`."""

from __future__ import annotations

import math
import os
import re
import stat
import tomllib
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

from attrs import evolve

from nanobook_core.broker.secret import resolve_secret
from nanobook_core.contracts import Secret
from nanobook_core.errors import SecretError, shown
from nanobook_rebalancer.config import BrokerSettings, Config
from nanobook_rebalancer.errors import InputError
from nanobook_rebalancer.redaction import is_credential
from nanobook_rebalancer.setting import read_record

_MOST = 65_536
_LIVE_PORTS = (4001, 7496)
_PAPER_PORTS = (4002, 7497)
#: Settings that are files, by broker.
_PATHS = {"paper": ("quotes", "state"), "ibkr": ("state",), "binance": ("state",)}
_LIVE_ACCOUNT = re.compile(r"[UF]\d+$", re.IGNORECASE)
_PAPER_ACCOUNT = re.compile(r"D[UF]", re.IGNORECASE)


def read_config(path: str | os.PathLike[str]) -> Config:
    """Return what a `config.toml` says.

    What stands in `[broker]` under a key like `api_secret` or `password` says where the secret is,
    `env:NAME`, `keyring:service/name` or `file:PATH`, and comes back as a `Secret`. A file with
    such a key that anyone may read gives a line in `warnings`.

    Raises:
        InputError: it cannot be read, is no TOML in UTF-8 of at most 64 KiB, has a key that is not
            known or missing or a value that is not allowed, a secret that is not there or stands
            there itself, or an account that contradicts the port. Its path is that of the value,
            its text what was given and what is allowed.

    """
    path = Path(path)
    try:
        with path.open("rb") as file:
            data = file.read(_MOST + 1)
            is_open_to_all = bool(os.fstat(file.fileno()).st_mode & stat.S_IROTH)
    except (OSError, ValueError) as error:  # ValueError: a name with a NUL
        reason = getattr(error, "strerror", None) or error
        raise InputError("config", f"failed to read config file {path!s:.200}: {reason}") from error
    config = to_config(_parsed(data, path.name), folder=path.parent, what=path.name)
    if config.secrets and is_open_to_all:
        words = f"{path.name}: anyone may read where the secrets are; chmod 600 {path.name}"
        return evolve(config, warnings=(words,))
    return config


def any_config(config: object) -> Config:
    """Return a config from a path, a document or itself, or the defaults for None.

    Raises:
        TypeError: it is something else.
        InputError: as `read_config`.

    """
    match config:
        case None:
            return Config()
        case Config():
            return config
        case Mapping():
            return to_config(config)
        case str() | os.PathLike():
            return read_config(config)
    raise TypeError(f"config is a path, a mapping, a Config or None, got {shown(config)}")


def to_config(
    document: Mapping[str, Any], *, folder: Path | None = None, what: str = "config"
) -> Config:
    """Return what a document says, with relative paths from `folder`.

    Raises:
        InputError: as `read_config`.

    """
    folder = folder or Path()
    config = evolve(read_record(Config, dict(document), what), source=what, folder=folder)
    broker = config.broker
    if config.connection is not None and ("broker" not in document or broker.name == "ibkr"):
        broker = at_gateway(config, broker.settings)
    check_port(broker, config)
    settings = _resolved(dict(broker.settings), folder, f"{what}: broker")
    for name in _PATHS.get(broker.name, ()):
        if isinstance(settings.get(name), str):
            settings[name] = str(folder / settings[name])
    return evolve(config, broker=evolve(broker, settings=settings))


def _resolved(settings: dict[str, Any], folder: Path, what: str) -> dict[str, Any]:
    """Settings with credentials instead of what says where they are."""
    found = dict(settings)
    for key, value in settings.items():
        path = f"{what}.{key}"
        if isinstance(value, dict):
            found[key] = _resolved(value, folder, path)
        elif is_credential(key) and not isinstance(value, Secret):
            found[key] = _secret(value, folder, path)
    return found


def _secret(source: object, folder: Path, path: str) -> Secret:
    if not isinstance(source, str):
        raise InputError(path, "a string that says where the secret is, like env:NAME")
    if source.startswith("file:"):
        source = f"file:{folder / Path(source.removeprefix('file:')).expanduser()}"
    try:
        return resolve_secret(source, name="the secret")
    except SecretError as error:
        raise InputError(path, str(error)) from None


def at_gateway(config: Config, settings: Mapping[str, Any]) -> BrokerSettings:
    """Return the broker `ibkr` with those settings, and else those of `[connection]`."""
    connection = config.connection
    gateway = (
        {}
        if connection is None
        else {"host": connection.host, "port": connection.port, "client_id": connection.client_id}
    )
    return BrokerSettings(name="ibkr", settings=gateway | dict(settings))


def _parsed(data: bytes, what: str) -> dict[str, Any]:
    if len(data) > _MOST:
        raise InputError(what, f"at most {_MOST:,} bytes, and this is longer")
    try:
        return tomllib.loads(data.decode(), parse_float=_real)
    except UnicodeDecodeError as error:
        raise InputError(what, f"failed to parse config: not UTF-8 at byte {error.start}") from None
    except RecursionError:
        raise InputError(what, "failed to parse config: nested too deeply") from None
    except ValueError as error:  # TOMLDecodeError, and what int() says of thousands of digits
        raise InputError(what, f"failed to parse config: {error}") from None


def _real(written: str) -> Decimal:
    plain = written.replace("_", "")
    try:
        exact = Decimal(plain)
    except InvalidOperation:
        exact = Decimal("NaN")
    # A float's range, as exact arithmetic with 1e-999999999 needs all memory there is.
    if not (
        math.isfinite(float(plain)) and exact.is_finite() and bool(float(plain)) == bool(exact)
    ):
        raise ValueError(f"{written:.40} is beyond the range of numbers")
    return exact


def check_port(broker: BrokerSettings, config: Config) -> None:
    """Look whether account and port can both be right.

    Raises:
        InputError: one is of live trading and one of paper trading.

    """
    port = broker.settings.get("port") if broker.name == "ibkr" else None
    for ports, of, wrong, of_wrong in (
        (_LIVE_PORTS, "live", _PAPER_ACCOUNT, "paper"),
        (_PAPER_PORTS, "paper", _LIVE_ACCOUNT, "live"),
    ):
        if port in ports and wrong.match(config.account.id):
            table = "broker" if "port" in config.broker.settings else "connection"
            raise InputError(
                f"{config.source}: {table}.port",
                f"{port} is a port of {of} trading, and account {config.account.id} is one of "
                f"{of_wrong} trading",
            )
