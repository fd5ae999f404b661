"""All capabilities of one process, looked up by kind and name."""

from __future__ import annotations

import warnings
from collections import defaultdict
from functools import cache
from typing import TYPE_CHECKING, Any

from attrs import field, frozen

from nanobook_core.contracts import Command, CostModel, RiskCheck
from nanobook_core.errors import (
    AmbiguousCapabilityError,
    CapabilityNotFoundError,
    PluginError,
    PluginWarning,
    PolicyError,
)
from nanobook_core.plugin import discovery
from nanobook_core.plugin.capability import Capability, Kind
from nanobook_core.plugin.discovery import Plugin, Problem
from nanobook_core.plugin.policy import PluginPolicy, canonical_name

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Plugin", "Problem", "Registry", "default_registry"]

#: How the flat list starts: the order on which downstream bridges rely.
_LEADING = (
    "backtest_stops",
    "garch_ewma_forecast",
    "optimize_min_variance",
    "optimize_max_sharpe",
    "optimize_risk_parity",
    "inverse_cvar_weights",
    "inverse_cdar_weights",
    "backtest_holdings",
)

#: What the object that a kind's target gives must be able to do.
_PROTOCOLS = {Kind.COST_MODEL: CostModel, Kind.RISK_CHECK: RiskCheck, Kind.COMMAND: Command}

#: Problems that do not stop a strict registry: a refusal is what the policy asked for, and time
#: depends on the machine.
_TOLERATED = frozenset({"policy", "slow"})


@frozen
class Registry:
    """What was found, and what was set aside. Immutable; `discover` makes one."""

    policy: PluginPolicy
    plugins: tuple[Plugin, ...]
    problems: tuple[Problem, ...]
    exports: dict[str, Capability] = field(repr=False)
    """Names that first-party plugins add to the `nanobook` package."""
    _by_name: dict[tuple[Kind, str], list[Capability]] = field(repr=False)

    @classmethod
    def discover(cls, policy: PluginPolicy | None = None) -> Registry:
        """Import every plugin that the policy allows and collect what it offers.

        Without a policy, `PluginPolicy.from_env()` is used. A problem is recorded and gives a
        `PluginWarning`, except where the policy itself refused the plugin.

        Raises:
            PolicyError: a required plugin is missing, was refused, or has a problem.
            PluginError: the policy is strict and a plugin has a problem (other than a slow import).

        """
        policy = PluginPolicy.from_env() if policy is None else policy
        plugins = tuple(discovery.discover(policy))
        by_name: dict[tuple[Kind, str], list[Capability]] = defaultdict(list)
        for plugin in plugins:
            for offer in plugin.offers:
                by_name[offer.kind, offer.name].append(offer)
        trusted = {plugin.provider for plugin in plugins if plugin.first_party}
        problems = [problem for plugin in plugins for problem in plugin.problems]
        problems += [clash for offers in by_name.values() for clash in _clashes(offers, trusted)]
        _enforce(policy, plugins, problems)
        exports: dict[str, Capability] = {}
        for offers in by_name.values():
            for offer in sorted(offers, key=lambda offer: -offer.priority):
                if offer.export:
                    exports.setdefault(offer.export, offer)
        for problem in problems:
            if problem.stage != "policy":
                message = f"{problem.provider} ({problem.stage}): {problem.detail}"
                warnings.warn(message, PluginWarning, stacklevel=2)
        return cls(policy, plugins, tuple(problems), exports, dict(by_name))

    @property
    def capabilities(self) -> tuple[Capability, ...]:
        """Every offer that was accepted, in the order of the plugins."""
        return tuple(offer for plugin in self.plugins for offer in plugin.offers)

    def get(self, kind: Kind | str, name: str) -> Capability:
        """Look a capability up by `name` or by `provider:name`.

        A bare name means the first-party capability of the highest priority where there is one.

        Raises:
            ValueError: there is no such kind.
            CapabilityNotFoundError: nothing installed provides the name.
            AmbiguousCapabilityError: several third parties provide the bare name.

        """
        kind = Kind(kind)
        provider, _, bare = name.rpartition(":")
        offers = self._by_name.get((kind, bare), [])
        if provider:
            offers = [offer for offer in offers if offer.provider == canonical_name(provider)]
        elif own := [offer for offer in offers if self._is_first_party(offer)]:
            highest = max(offer.priority for offer in own)
            offers = [offer for offer in own if offer.priority == highest]
        if len(offers) > 1:
            names = ", ".join(offer.qualified_name for offer in offers)
            raise AmbiguousCapabilityError(
                f"{kind} {name!r} is offered by several; say which: {names}"
            )
        if not offers:
            known = ", ".join(sorted({n for k, n in self._by_name if k is kind})) or "none"
            raise CapabilityNotFoundError(
                f"no {kind} named {name!r}; installed: {known}; see also `nanobook plugins`"
            )
        return offers[0]

    def load(self, kind: Kind | str, name: str) -> Any:
        """Import and return the target of a capability; for kinds whose target is used as it is.

        Raises:
            PluginError: it cannot be imported, is not callable, or is not what its kind promises.

        """
        offer = self.get(kind, name)
        target = load_target(offer)
        if offer.kind is Kind.COMMAND:
            _check_protocol(offer, target)
        return target

    def create(self, kind: Kind | str, name: str, /, **settings: Any) -> Any:
        """Load a factory and call it with its settings; what the factory raises is not changed.

        Raises:
            PluginError: it cannot be imported, is not callable, or gives what does not fulfil the
                kind's contract.

        """
        offer = self.get(kind, name)
        made = load_target(offer)(**settings)
        _check_protocol(offer, made)
        return made

    def flat_names(self, kind: Kind | str | None = None) -> list[str]:
        """Flat names, those that downstream bridges probe for first, then in alphabetical order.

        Raises:
            ValueError: there is no such kind.

        """
        wanted = None if kind is None else Kind(kind)
        names = {offer.flat_name for offer in self.capabilities if wanted in (None, offer.kind)}
        leading = [name for name in _LEADING if name in names]
        return leading + sorted(names.difference(leading))

    def _is_first_party(self, offer: Capability) -> bool:
        return any(
            plugin.first_party and plugin.provider == offer.provider for plugin in self.plugins
        )


def load_target(offer: Capability) -> Any:
    """Import what a capability names.

    Raises:
        PluginError: it cannot be imported, or is not callable.

    """
    try:
        target = offer.load()
    except (Exception, SystemExit) as error:  # whatever a plugin raises is reported as the plugin's
        raise PluginError(
            f"{offer.provider}: {offer.kind} {offer.name!r} cannot be imported "
            f"from {offer.target}: {type(error).__name__}: {error}"
        ) from error
    if not callable(target):
        raise PluginError(
            f"{offer.provider}: {offer.target} is {target!r:.80}, which cannot be called"
        )
    return target


def _check_protocol(offer: Capability, made: object) -> None:
    protocol = _PROTOCOLS.get(offer.kind)
    if protocol is not None and not isinstance(made, protocol):
        raise PluginError(
            f"{offer.provider}: {offer.kind} {offer.name!r} gave {made!r:.80}, "
            f"which is not a {protocol.__name__}"
        )


def _clashes(offers: list[Capability], trusted: set[str]) -> Iterator[Problem]:
    """A problem for each third party's offer of a name that another distribution offers too."""
    for offer in offers:
        rivals = [rival.provider for rival in offers if rival is not offer]
        if rivals and offer.provider not in trusted:
            yield Problem(
                offer.provider,
                "name",
                f"{offer.kind} {offer.name!r} is also offered by {', '.join(rivals)}; "
                f"ask for it as {offer.qualified_name!r}",
            )


def _enforce(policy: PluginPolicy, plugins: tuple[Plugin, ...], problems: list[Problem]) -> None:
    serious = [problem for problem in problems if problem.stage not in _TOLERATED]
    if policy.strict and serious:
        first = serious[0]
        raise PluginError(f"{first.provider} ({first.stage}): {first.detail}")
    loaded = {plugin.provider for plugin in plugins if plugin.loaded}
    flawed = {problem.provider for problem in serious}
    if unmet := sorted(policy.require - (loaded - flawed)):
        reasons = {
            name: "; ".join(p.detail for p in problems if p.provider == name) or "not installed"
            for name in unmet
        }
        listed = ", ".join(f"{name} ({reason})" for name, reason in reasons.items())
        raise PolicyError(f"required plugins did not load: {listed}")


@cache
def default_registry() -> Registry:
    """Return the process-wide registry, filled on first use with the policy of the environment."""
    return Registry.discover()
