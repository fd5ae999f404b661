"""Plans for whoever writes Python: `nanobook.plan`."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Mapping
from contextlib import nullcontext
from functools import partial
from typing import Any

from attrs import evolve

from nanobook_core.contracts import Broker, Clock, ConnectionState, SystemClock
from nanobook_core.errors import shown
from nanobook_core.plugin import Registry, default_registry
from nanobook_core.portfolio.target_file import target_document
from nanobook_rebalancer.assembly import discover_plugins, make_broker, make_redactor
from nanobook_rebalancer.config import BrokerSettings, Config
from nanobook_rebalancer.config_file import any_config
from nanobook_rebalancer.errors import InputError
from nanobook_rebalancer.naming import by_symbol, leaving
from nanobook_rebalancer.options import Options
from nanobook_rebalancer.plan import Plan
from nanobook_rebalancer.planner import (
    check_count,
    limits_of,
    make_plan,
    risk_engine,
    risk_request,
)
from nanobook_rebalancer.result import Result
from nanobook_rebalancer.run import Rebalancer
from nanobook_rebalancer.setting import read_record
from nanobook_rebalancer.snapshot import take_snapshot
from nanobook_rebalancer.target import Metadata, Target, read_target, to_target

Path = str | os.PathLike[str]


def plan(
    target: Path | Mapping[str, Any],
    *,
    broker: str | Broker | None = None,
    config: Path | Mapping[str, Any] | Config | None = None,
    quotes: Any = None,
    id: str | None = None,  # noqa: A002 - what the file calls it
) -> Plan:
    """Decide what to trade so that an account holds target weights; nothing is sent.

    `target` is a `target.json`, what such a file says as a dict, or weights by symbol, fractions of
    equity that are negative when short; what is held and not in it is closed. A weight is the
    decimal that is written, 0.3 three tenths, and quantities are cut towards 0 to whole lots; where
    nothing is lent, purchases are cut to what cash and sales pay for at the limits, fees included.
    `config` is a `config.toml`, what such a file says as a dict, or None for the defaults. `broker`
    is one, the name of a plugin, or None for that of the config, which is the paper broker where it
    names none; its settings are those of the config. `quotes` are those of the paper broker: a
    file, a dict or a callable. `id` names the run, before what the file says: each is executed
    once.

    The plan has `.orders`, `.skipped`, an estimate of `.cost`, and `.risk`, what the risk gate says
    of all orders together; it prints as a table, and `.execute()` trades it.

    Raises:
        TypeError: an argument of another type.
        InputError, ValidationError: the target or the config is not as it must be; a ValueError.
        PlanError: a symbol without usable and fresh quote, or another reason why there can be none.
        PluginError: there is no such broker, or what is needed is not installed or not allowed.
        BrokerError: the broker does not answer.

    """
    clock = SystemClock()
    settings = any_config(config)
    wanted = _target(target, id, settings, clock)
    allows_all = settings.plugins.allow is None
    registry = default_registry() if allows_all else discover_plugins(settings)
    venue = _broker(broker, quotes, settings, registry)
    was_connected = venue.connection().state is not ConnectionState.DISCONNECTED
    venue.connect(settings.timeout)
    try:
        settings = leaving(venue, settings)
        wanted = by_symbol(venue, wanted, settings.account.leave)
        snapshot = take_snapshot(
            venue,
            wanted.weights,
            clock=clock,
            max_age=float(settings.execution.quote_max_age_secs),
            account_id=settings.account.id,
            leave=settings.account.leave,
        )
    finally:
        if not was_connected:
            venue.disconnect()
    made = make_plan(wanted, snapshot, settings)
    check_count(made, settings)
    engine = risk_engine(limits_of(settings, wanted), clock, registry, settings.source)
    rebalancer = Rebalancer(
        config=settings,
        broker=venue,
        registry=registry,
        clock=clock,
        redactor=make_redactor(settings),
    )
    return evolve(
        made,
        risk=engine.evaluate(risk_request(made, snapshot, clock)),
        warnings=settings.warnings + wanted.warnings + made.warnings,
        execute=partial(_execute, target=wanted, rebalancer=rebalancer),
    )


def _execute(plan: Plan, *, live: bool, target: Target, rebalancer: Rebalancer) -> Result:
    broker = rebalancer.broker
    was_connected = broker.connection().state is not ConnectionState.DISCONNECTED
    # Only the main thread is sent signals.
    is_main = threading.current_thread() is threading.main_thread()
    try:
        with rebalancer.stop.installed() if is_main else nullcontext():
            result = rebalancer.run(target, Options(force=True, live=live), plan)
        if rebalancer.stop.signal == signal.SIGINT.name:
            raise KeyboardInterrupt
        return result
    finally:
        if not was_connected:
            broker.disconnect()


def _target(target: object, run: str | None, config: Config, clock: Clock) -> Target:
    now, max_age = clock.now(), config.execution.target_max_age_secs
    match target:
        case str() | os.PathLike():
            found = read_target(target, now=now, max_age=max_age)
        case Mapping() if "targets" in target and not isinstance(target["targets"], int | float):
            found = to_target(target, now=now, max_age=max_age)
        case _:
            document = target_document(target, timestamp=now)  # type: ignore[arg-type]  # it looks
            found = to_target(document, now=now, max_age=max_age)
    if run is None:
        return found
    metadata = read_record(Metadata, {"id": run}, "plan")
    if not metadata.id.strip():
        raise InputError("plan: id", "blank; leave it out to go by the timestamp")
    return evolve(found, metadata=metadata)


def _broker(broker: object, quotes: Any, config: Config, registry: Registry) -> Broker:
    if not (broker is None or isinstance(broker, str)):
        if not isinstance(broker, Broker) or isinstance(broker, type):
            raise TypeError(f"broker is a name, a broker or None, got {shown(broker)}")
        if quotes is not None:
            raise TypeError("quotes are those of the paper broker, and a broker was given")
        return broker
    name = config.broker.name if broker is None else broker
    settings = dict(config.broker.settings) if config.broker.name == name else {}
    if quotes is not None:
        settings["quotes"] = quotes
    named = BrokerSettings(name=name, settings=settings)
    return make_broker(evolve(config, broker=named), registry)
