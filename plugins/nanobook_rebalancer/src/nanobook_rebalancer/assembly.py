"""Puts together what a command line asks for: config, plugins, broker."""

from __future__ import annotations

import inspect
import tomllib
from collections.abc import Callable
from itertools import zip_longest
from pathlib import Path
from typing import Any

from attrs import evolve

from nanobook_core.contracts import Broker
from nanobook_core.errors import CapabilityNotFoundError
from nanobook_core.lob.file_layer import FileLayer
from nanobook_core.plugin import Kind, PluginPolicy, Registry
from nanobook_rebalancer.config import BrokerSettings, Config, LoggingSettings
from nanobook_rebalancer.config_file import at_gateway, check_port, read_config
from nanobook_rebalancer.errors import InputError
from nanobook_rebalancer.private_file import beside, make_directory
from nanobook_rebalancer.redaction import Redactor
from nanobook_rebalancer.run import Rebalancer
from nanobook_rebalancer.screen import Screen
from nanobook_rebalancer.setting import unknown
from nanobook_rebalancer.stop import StopFlag

_DEFAULT = Path("config.toml")
_PAPER, _IBKR = "paper", "ibkr"
#: Brokers whose `state` is a record of what was sent.
_RECORDING = (_IBKR, "binance")


def read_settings(path: Path | None, broker: str | None, quotes: Path | None) -> Config:
    """Return the config, with what the command line says instead of it.

    Without a file, `config.toml` is read where there is one; else everything is the default, and
    the broker is the paper broker.

    Raises:
        PluginError: quotes are given to a broker that cannot be looked for.
        InputError: the file is not as it must be, quotes are not there or given to another broker,
            or port and account contradict each other.

    """
    if path is None and _DEFAULT.exists():
        path = _DEFAULT
    config = Config() if path is None else read_config(path)
    name = config.broker.name if broker is None else broker
    settings: dict[str, Any] = dict(config.broker.settings) if name == config.broker.name else {}
    if quotes is not None and name != _PAPER:
        _find_broker(name, discover_plugins(config))  # a name that is misspelt is told first
        raise InputError("--quotes", f"only the paper broker takes quotes from a file, not {name}")
    if quotes is not None:
        if not quotes.exists():
            raise InputError("--quotes", f"there is no file {quotes!s:.200}")
        settings["quotes"] = str(quotes)
    made = BrokerSettings(name=name, settings=settings)
    if name == _IBKR:
        made = at_gateway(config, settings)
        check_port(made, config)
    return evolve(config, broker=made)


def audit_path_anyway(path: Path | None) -> Path:
    """Where the audit log is, as far as a config that cannot be used tells; else the default."""
    path = _DEFAULT if path is None else path
    table: Any = {}
    try:
        with path.open("rb") as file:
            table = tomllib.load(file).get("logging", {})
    except (OSError, ValueError):
        pass
    names = [table.get(name) for name in ("dir", "audit_file")] if isinstance(table, dict) else []
    default = LoggingSettings()
    folder, name = (
        found if isinstance(found, str) and found else instead
        for found, instead in zip_longest(names, (default.dir, default.audit_file))
    )
    return path.parent / folder / name


def discover_plugins(config: Config) -> Registry:
    """Import the plugins that the config allows, and no others.

    Raises:
        PolicyError: what is needed is not there or not allowed.

    """
    policy = PluginPolicy.from_env()
    if config.plugins.allow is not None:
        named = frozenset(config.plugins.allow)
        policy = evolve(policy, allow=named if policy.allow is None else named & policy.allow)
    return Registry.discover(policy)


def make_broker(config: Config, registry: Registry) -> Broker:
    """Make the config's broker; nothing is connected.

    Unless the config says otherwise, the account of the paper broker is kept in `paper.sqlite` in
    the config's folder and called what the config's account is called; and of `ibkr` and `binance`
    what was sent is kept beside the audit log, and the account of `ibkr` is the config's.

    Raises:
        PluginError: it cannot be imported.
        InputError: there is none of that name, or it does not take its settings.

    """
    name, settings = config.broker.name, dict(config.broker.settings)
    where = f"{config.source}: broker"
    if name == _PAPER:
        settings.setdefault("state", str(config.folder / "paper.sqlite"))
        if config.account.id:
            settings.setdefault("account_id", config.account.id)
    if name in _RECORDING and "state" not in settings:
        state = beside(config.audit_path, f".{name}.sqlite")
        make_directory(FileLayer(), state.parent)
        settings["state"] = str(state)
    if name == _IBKR and config.account.id:
        settings.setdefault("account", config.account.id)
    _find_broker(name, registry)
    known = _settings_of(registry.load(Kind.BROKER, name))
    if known is not None:
        for key in sorted(settings.keys() - known):
            raise InputError(f"{where}.{key}", unknown(key, known))
    try:
        broker: Broker = registry.create(Kind.BROKER, name, **settings)
    except (TypeError, ValueError) as error:
        raise InputError(where, str(error)) from error
    return broker


def _settings_of(factory: Callable[..., Any]) -> list[str] | None:
    """Names of what a factory takes; None where that cannot be told, or where it takes any."""
    try:
        found = inspect.signature(factory).parameters.values()
    except ValueError:  # it is not written in Python
        return None
    return (
        None
        if any(each.kind is each.VAR_KEYWORD for each in found)
        else [each.name for each in found]
    )


def _find_broker(name: str, registry: Registry) -> None:
    try:
        registry.get(Kind.BROKER, name)
    except CapabilityNotFoundError as error:
        raise InputError("broker", str(error)) from error


def make_rebalancer(
    config: Config, redactor: Redactor, stop: StopFlag, screen: Screen
) -> Rebalancer:
    """Return what runs targets with that config.

    Raises:
        PluginError, InputError: as `discover_plugins` and `make_broker`.

    """
    registry = discover_plugins(config)
    broker = make_broker(config, registry)
    return Rebalancer(
        config=config,
        broker=broker,
        registry=registry,
        redactor=redactor,
        stop=stop,
        screen=screen,
    )


def make_redactor(config: Config) -> Redactor:
    """Return what keeps the config's credentials and account out of everything written."""
    return Redactor(config.secrets, [config.account.id])
