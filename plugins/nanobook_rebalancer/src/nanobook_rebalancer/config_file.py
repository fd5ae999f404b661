"""Reads `config.toml`."""

from __future__ import annotations

import math
import os
import re
import tomllib
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

from attrs import evolve

from nanobook_rebalancer.config import BrokerSettings, Config
from nanobook_rebalancer.errors import InputError
from nanobook_rebalancer.setting import read_record

_MOST = 1_000_000
_LIVE_PORTS = (4001, 7496)
_PAPER_PORTS = (4002, 7497)
_LIVE_ACCOUNT = re.compile(r"[UF]\d+", re.IGNORECASE)


def read_config(path: str | os.PathLike[str]) -> Config:
    """Return what a `config.toml` says.

    A file that others may read and that refers to secrets gives a line in `warnings`.

    Raises:
        InputError: it cannot be read, is no TOML in UTF-8 of at most 1 MB, has a key that is not
            known or missing or a value that is not allowed, a secret in plain sight, or an account
            that contradicts the port. Its path is that of the value, its text what was given and
            what is allowed.

    """
    path = Path(path)
    try:
        with path.open("rb") as file:
            data = file.read(_MOST + 1)
    except OSError as error:
        raise InputError(
            path.name, f"failed to read config file {path}: {error.strerror}"
        ) from error
    except ValueError as error:  # a name with a NUL
        raise InputError("config", f"failed to read config file {path!a:.80}: {error}") from error
    return to_config(_parsed(data, path.name), folder=path.parent, what=path.name)


def to_config(
    document: Mapping[str, Any], *, folder: Path | None = None, what: str = "config"
) -> Config:
    """Return what a document says, with relative paths from `folder`.

    Raises:
        InputError: as `read_config`.

    """
    config = read_record(Config, dict(document), what)
    if problem := _contradiction(config):
        raise InputError(f"{what}: connection.port", problem)
    return evolve(config, folder=folder or Path(), broker=_with_connection(config, document))


def _with_connection(config: Config, document: Mapping[str, Any]) -> BrokerSettings:
    broker, connection = config.broker, config.connection
    if connection is None or ("broker" in document and broker.name != "ibkr"):
        return broker
    gateway = {"host": connection.host, "port": connection.port, "client_id": connection.client_id}
    return BrokerSettings(name="ibkr", settings=gateway | dict(broker.settings))


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


def _contradiction(config: Config) -> str:
    """Why account and port cannot both be right; empty if they can."""
    if config.connection is None:
        return ""
    port, account = config.connection.port, config.account.id
    is_paper = account.upper().startswith(("DU", "DF"))
    if port in _LIVE_PORTS and is_paper:
        return f"{port} is a port of live trading, and account {account} is one of paper trading"
    if port in _PAPER_PORTS and _LIVE_ACCOUNT.fullmatch(account):
        return f"{port} is a port of paper trading, and account {account} is one of live trading"
    return ""
