"""The checks of an engine, made from installed plugins and their settings."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from difflib import get_close_matches
from typing import Any

from nanobook_core.contracts import RiskCheck
from nanobook_core.errors import PluginError, PolicyError, ValidationError, shown
from nanobook_core.plugin.capability import Kind
from nanobook_core.plugin.registry import Registry, load_target

_PROVIDER = "nanobook-risk"
_BY_NAME = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
#: The seed's checks and the limits that each takes, in the order in which they answer for a batch.
LIMITS = {
    "max_position": ("max_position_pct",),
    "leverage": ("max_leverage",),
    "short_exposure": ("allow_short", "max_short_pct"),
    "max_order_value": ("max_order_value_cents",),
    "max_batch_value": ("max_batch_value_cents",),
    "max_trade": ("max_trade_usd",),
    "order_count": (),
    "weight_allocation": (),
    "drawdown": ("max_drawdown_pct",),
}


def required(registry: Registry, name: str, settings: Mapping[str, Any]) -> RiskCheck:
    """Return one of the checks that an engine always asks.

    Raises:
        PolicyError: it is missing, blocked or broken.

    """
    try:
        check: RiskCheck = registry.create(Kind.RISK_CHECK, f"{_PROVIDER}:{name}", **settings)
    except PluginError as error:
        reasons = [found.detail for found in registry.problems if found.provider == _PROVIDER]
        raise PolicyError(
            f"the risk engine needs the checks of {_PROVIDER}: {'; '.join(reasons) or error}"
        ) from error
    return check


def further(
    registry: Registry, checks: Mapping[str, Mapping[str, Any]] | None
) -> dict[str, RiskCheck]:
    """Return the checks that a configuration asks for, by name.

    Raises:
        TypeError: settings are no mapping, or a check has no such setting or needs one more.
        ValidationError: a check is always there, or a setting is out of range.
        CapabilityNotFoundError: there is no such check.

    """
    if not isinstance(checks, Mapping | None):
        raise TypeError(f"checks are settings by name of the check, got {shown(checks)}")
    made: dict[str, RiskCheck] = {}
    for name, settings in (checks or {}).items():
        if not isinstance(settings, Mapping):
            raise TypeError(f"settings of risk check {name!r} are a mapping, got {shown(settings)}")
        bare = name.rpartition(":")[2]
        if bare in LIMITS and name in (bare, f"{_PROVIDER}:{bare}"):
            raise ValidationError(
                f"risk check {name!r} is always there; give its limits to RiskEngine itself"
            )
        target = load_target(registry.get(Kind.RISK_CHECK, name))
        known = inspect.signature(target).parameters
        if not any(found.kind is found.VAR_KEYWORD for found in known.values()):
            refuse_unknown(f"risk check {name!r}", "setting", settings, tuple(known))
        for found in known.values():
            is_needed = found.default is found.empty and found.kind in _BY_NAME
            if is_needed and found.name not in settings:
                raise TypeError(f"risk check {name!r} needs the setting {found.name!r}")
        made[name] = registry.create(Kind.RISK_CHECK, name, **settings)
    return made


def refuse_unknown(owner: str, what: str, given: Mapping[str, Any], known: tuple[str, ...]) -> None:
    """Raise a TypeError that names the nearest of what is known."""
    for name in given:
        if name not in known:
            near = get_close_matches(name, known, n=1, cutoff=0)
            nearest = f"; the nearest is {near[0]!r}" if near else ""
            raise TypeError(f"{owner} has no {what} {name!r}{nearest}")
