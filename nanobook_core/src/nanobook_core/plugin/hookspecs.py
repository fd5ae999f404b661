"""The hooks that a plugin may implement.

Every hook is called once, when the registry is filled, and returns records. None is called while
orders are matched or a backtest runs, and none takes an argument: an argument is the part of a hook
that breaks third parties.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pluggy import HookimplMarker, HookspecMarker

if TYPE_CHECKING:
    from collections.abc import Iterable

    from nanobook_core.plugin.capability import Capability

PROJECT = "nanobook"

hookspec = HookspecMarker(PROJECT)
hookimpl = HookimplMarker(PROJECT)


@hookspec
def nanobook_brokers() -> Iterable[Capability]:
    """Offer brokers.

    A target is called as `target(**settings)` and gives a `contracts.Broker`.
    """
    return ()


@hookspec
def nanobook_fill_models() -> Iterable[Capability]:
    """Offer fill models. A target is called as `target(**settings)` and gives a fill model."""
    return ()


@hookspec
def nanobook_cost_models() -> Iterable[Capability]:
    """Offer cost models.

    A target is called as `target(**settings)` and gives a `contracts.CostModel`.
    """
    return ()


@hookspec
def nanobook_risk_checks() -> Iterable[Capability]:
    """Offer risk checks.

    A target is called as `target(**limits)` and gives a `contracts.RiskCheck`.
    """
    return ()


@hookspec
def nanobook_optimizers() -> Iterable[Capability]:
    """Offer optimizers.

    A target is a `contracts.Optimizer`, the function itself.
    """
    return ()


@hookspec
def nanobook_parsers() -> Iterable[Capability]:
    """Offer market-data parsers. A target is the function itself, a `contracts.Parser`."""
    return ()


@hookspec
def nanobook_engines() -> Iterable[Capability]:
    """Offer matching engines. A target is called as `target(**settings)` and gives an exchange."""
    return ()


@hookspec
def nanobook_kernels() -> Iterable[Capability]:
    """Offer accelerated functions.

    A target is the function itself; the core has a fallback of the same name.
    """
    return ()


@hookspec
def nanobook_forecasters() -> Iterable[Capability]:
    """Offer forecasters. A target is the function itself, a `contracts.Forecaster`."""
    return ()


@hookspec
def nanobook_executors() -> Iterable[Capability]:
    """Offer executors for parameter sweeps. A target is called as `target(**settings)`."""
    return ()


@hookspec
def nanobook_commands() -> Iterable[Capability]:
    """Offer subcommands of `nanobook`.

    A target is a `contracts.Command`, imported when it is invoked.
    """
    return ()


@hookspec
def nanobook_features() -> Iterable[Capability]:
    """Announce abilities that have no factory of their own.

    A target is the function that has the ability.
    """
    return ()
