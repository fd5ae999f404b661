"""All capabilities of one process, looked up by kind and name."""

from __future__ import annotations

import warnings
from collections import defaultdict
from functools import cache
from threading import RLock
from typing import TYPE_CHECKING, Any

from attrs import field, frozen

from nanobook_core.contracts import Broker, Command, CostModel, Engine, RiskCheck
from nanobook_core.errors import (
    AmbiguousCapabilityError,
    CapabilityNotFoundError,
    PluginError,
    PluginWarning,
    PolicyError,
    shown,
)
from nanobook_core.plugin import discovery
from nanobook_core.plugin.capability import Capability, Kind
from nanobook_core.plugin.discovery import Plugin, Problem, described
from nanobook_core.plugin.policy import PluginPolicy, canonical_name

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Plugin", "Problem", "Registry", "default_registry", "load_target"]

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

#: Kinds whose target is used as it is; that of the others is a factory.
_USED_AS_IS = frozenset(
    {
        Kind.OPTIMIZER,
        Kind.PARSER,
        Kind.KERNEL,
        Kind.FORECASTER,
        Kind.COMMAND,
        Kind.FEATURE,
    }
)

#: What the object that is used, or that a factory gives, must be able to do.
_PROTOCOLS = {
    Kind.BROKER: Broker,
    Kind.COST_MODEL: CostModel,
    Kind.RISK_CHECK: RiskCheck,
    Kind.ENGINE: Engine,
    Kind.COMMAND: Command,
}

#: Kinds of which the core has an implementation that runs where a better one cannot be imported.
_HAVE_FALLBACK = frozenset({Kind.ENGINE, Kind.KERNEL})

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
            PolicyError: a required plugin is missing, was refused, has a problem or offers nothing;
                or the policy refuses the core.
            PluginError: the policy is strict and a plugin has a problem (other than a slow import).

        """
        registry = cls._collected(PluginPolicy.from_env() if policy is None else policy)
        registry._warn()  # noqa: SLF001 - our own
        return registry

    @classmethod
    def _collected(cls, policy: PluginPolicy) -> Registry:
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
        return cls(policy, plugins, tuple(problems), exports, dict(by_name))

    def _warn(self) -> None:
        for problem in self.problems:
            if problem.stage != "policy":
                message = f"{problem.provider} ({problem.stage}): {problem.detail}"
                warnings.warn(message, PluginWarning, stacklevel=3)

    @property
    def capabilities(self) -> tuple[Capability, ...]:
        """Every offer that was accepted, in the order of the plugins."""
        return tuple(offer for plugin in self.plugins for offer in plugin.offers)

    def get(self, kind: Kind | str, name: str) -> Capability:
        """Look a capability up by `name` or by `provider:name`.

        A bare name means the first-party capability of the highest priority where there is one.

        Raises:
            ValidationError: there is no such kind.
            CapabilityNotFoundError: nothing installed provides the name.
            AmbiguousCapabilityError: several third parties provide the bare name.

        """
        return self._ranked(Kind(kind), name)[0]

    def _ranked(self, kind: Kind, name: str) -> list[Capability]:
        """What the name means, and after it what it would mean without that; never empty."""
        provider, _, bare = name.rpartition(":")
        offers = self._by_name.get((kind, bare), [])
        if provider:
            offers = [offer for offer in offers if offer.provider == canonical_name(provider)]
        elif own := [offer for offer in offers if self._is_first_party(offer)]:
            return sorted(own, key=lambda offer: -offer.priority)
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
        return offers

    def load(self, kind: Kind | str, name: str) -> Any:
        """Import and return the target of a capability; for kinds whose target is used as it is.

        A kernel or engine that cannot be imported gives a `PluginWarning`, and its fallback is
        returned.

        Raises:
            PluginError: it cannot be imported, is not callable, or is not what its kind promises.

        """
        offer, target = self._imported(Kind(kind), name)
        if offer.kind in _USED_AS_IS:
            _check_protocol(offer, target)
        return target

    def create(self, kind: Kind | str, name: str, /, **settings: Any) -> Any:
        """Load a factory and call it with its settings; what the factory raises is not changed.

        An engine that cannot be imported gives a `PluginWarning`, and its fallback is called.

        Raises:
            PluginError: the kind has no factories, the factory cannot be imported, or what it gives
                does not fulfil the kind's contract.

        """
        kind = Kind(kind)
        if kind in _USED_AS_IS:
            raise PluginError(f"a {kind} is used as it is: load it, do not create it")
        offer, target = self._imported(kind, name)
        made = target(**settings)
        _check_protocol(offer, made)
        return made

    def _imported(self, kind: Kind, name: str) -> tuple[Capability, Any]:
        offer, *fallbacks = self._ranked(kind, name)
        for fallback in fallbacks if kind in _HAVE_FALLBACK else ():
            try:
                return offer, load_target(offer)
            except PluginError as error:
                warnings.warn(f"{error}; its fallback runs", PluginWarning, stacklevel=3)
                offer = fallback
        return offer, load_target(offer)

    def flat_names(self, kind: Kind | str | None = None) -> list[str]:
        """Flat names, those that downstream bridges probe for first, then in alphabetical order.

        Raises:
            ValidationError: there is no such kind.

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
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        raise PluginError(
            f"{offer.provider}: {offer.kind} {offer.name!r} cannot be imported "
            f"from {offer.target}: {described(error)}"
        ) from error
    if not callable(target):
        raise PluginError(
            f"{offer.provider}: {offer.target} is {shown(target)}, which cannot be called"
        )
    return target


def _check_protocol(offer: Capability, made: object) -> None:
    protocol = _PROTOCOLS.get(offer.kind)
    if protocol is not None and not isinstance(made, protocol):
        raise PluginError(
            f"{offer.provider}: {offer.kind} {offer.name!r} gave {shown(made)}, "
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
    flawed = {problem.provider for problem in serious}
    sound = {plugin.provider for plugin in plugins if plugin.offers} - flawed
    if unmet := sorted(policy.require - sound):
        listed = ", ".join(f"{name} ({_why_unmet(name, plugins, problems)})" for name in unmet)
        raise PolicyError(f"required plugins did not load: {listed}")


def _why_unmet(name: str, plugins: tuple[Plugin, ...], problems: list[Problem]) -> str:
    if own := [problem.detail for problem in problems if problem.provider == name]:
        return "; ".join(own)
    if any(plugin.provider == name for plugin in plugins):
        return "it offers nothing"
    return "no plugin of that name is installed"


_LOCK = (
    RLock()
)  # a plugin that asks for the registry while it is being listed must not wait for itself


@cache
def _process_registry() -> Registry:
    return Registry._collected(PluginPolicy.from_env())  # noqa: SLF001 - warns once it is kept


def default_registry() -> Registry:
    """Return the process-wide registry, filled on first use with the policy of the environment."""
    with _LOCK:
        is_new = not _process_registry.cache_info().currsize
        registry = _process_registry()
    if is_new:
        registry._warn()  # noqa: SLF001 - not before it is kept: a warning may be an error
    return registry
