"""Imports the plugin modules that the policy allows; collects what each offers."""

from __future__ import annotations

import sys
from collections import defaultdict
from contextlib import redirect_stdout
from importlib.metadata import EntryPoint, entry_points, version
from time import perf_counter
from typing import TYPE_CHECKING, Any

import pluggy
from attrs import field, frozen

from nanobook_core.errors import PluginError, PolicyError, shown
from nanobook_core.plugin import hookspecs
from nanobook_core.plugin.capability import CONTRACTS, Capability, Kind
from nanobook_core.plugin.policy import CORE, FIRST_PARTY, PluginPolicy, canonical_name

if TYPE_CHECKING:
    from collections.abc import Callable

GROUP = "nanobook"

#: A third party's modules that take longer than this to list their offers are reported as slow.
LISTING_SECONDS = 0.5


@frozen
class Problem:
    """A plugin, or one offer of it, that was set aside or needs attention."""

    provider: str
    stage: str
    """Where it came up: `policy`, `version`, `load`, `offer`, `contract`, `name` or `slow`."""
    detail: str


@frozen(kw_only=True)
class Plugin:
    """A distribution with entry points in our group, and what became of it."""

    provider: str
    version: str
    modules: tuple[str, ...]
    first_party: bool
    loaded: bool = False
    """Whether a module of it was imported and listed its offers."""
    offers: tuple[Capability, ...] = ()
    problems: tuple[Problem, ...] = field(default=(), repr=False)


def discover(policy: PluginPolicy) -> list[Plugin]:
    """Every installed plugin: first-party ones first, then by name of the distribution.

    Raises:
        PolicyError: the policy refuses the core itself.

    """
    core_version = version(CORE)
    points: dict[tuple[str, str], list[EntryPoint]] = defaultdict(list)
    unnamed: list[Plugin] = []
    for point in sorted(entry_points(group=GROUP), key=lambda point: (point.name, point.value)):
        metadata: Any = point.dist and point.dist.metadata
        name, own_version = (metadata.get(key) if metadata else None for key in ("Name", "Version"))
        if name and own_version:
            points[canonical_name(name), own_version].append(point)
        else:
            unnamed.append(_unnamed(point))
    found = sorted(points, key=lambda key: (key[0] not in FIRST_PARTY, key))
    return [_examine(*key, points[key], core_version, policy) for key in found] + unnamed


def _unnamed(point: EntryPoint) -> Plugin:
    """A plugin that is not imported: a policy cannot decide about what has no name."""
    place = point.dist.locate_file("") if point.dist else "unknown place"
    detail = f"the distribution in {place} has no name or no version; remove or reinstall it"
    return Plugin(
        provider="?",
        version="?",
        modules=(point.value,),
        first_party=False,
        problems=(Problem("?", "load", f"{point.value}: {detail}"),),
    )


def _examine(
    provider: str,
    own_version: str,
    points: list[EntryPoint],
    core_version: str,
    policy: PluginPolicy,
) -> Plugin:
    # All parts move in lockstep. Names of ours that we have not published are free for anyone to
    # take, so a part of another version gets no privilege.
    first_party = provider in FIRST_PARTY and own_version == core_version
    problems: list[Problem] = []
    offers: dict[tuple[Kind, str], Capability] = {}
    loaded = False

    def report(stage: str, detail: str) -> None:
        problems.append(Problem(provider, stage, detail))

    if provider in FIRST_PARTY and not first_party:
        report("version", f"is {own_version}, {CORE} is {core_version}; treated as a third party's")
    if refusal := policy.refusal(provider, own_version, first_party=first_party):
        if provider == CORE:  # it holds the fallbacks and the commands that would explain this
            raise PolicyError(f"{CORE}: {refusal}; the core cannot be refused")
        report("policy", refusal)
        points = []
    started = perf_counter()
    for point in points:
        accepted = _isolated(provider, point, report)
        loaded |= accepted is not None
        for offer in accepted or ():
            key = offer.kind, offer.name
            if key in offers:
                report("name", f"offers {offer.kind} {offer.name!r} twice; the first is used")
            else:
                offers[key] = offer.provided_by(provider, own_version, trusted=first_party)
    seconds = perf_counter() - started
    if seconds > LISTING_SECONDS and not first_party:
        report("slow", f"took {seconds:.1f} s to list its offers; {LISTING_SECONDS} s is allowed")
    return Plugin(
        provider=provider,
        version=own_version,
        modules=tuple(point.value for point in points),
        first_party=first_party,
        loaded=loaded,
        offers=tuple(offers.values()),
        problems=tuple(problems),
    )


def _isolated(
    provider: str, point: EntryPoint, report: Callable[[str, str], None]
) -> list[Capability] | None:
    """What the module offers, or None where it fails, which is reported and stays its own."""
    try:
        # What a plugin prints while it is listed must not end up in a command's output.
        with redirect_stdout(sys.stderr):
            return _accepted(provider, point, report)
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # noqa: BLE001 - a module can end in SystemExit and others
        report("load", described(error))
        return None


def _accepted(
    provider: str, point: EntryPoint, report: Callable[[str, str], None]
) -> list[Capability]:
    """Import the module, ask its hooks, and report and drop the offers that are not in order."""
    # One manager a plugin: a broken one cannot keep the others from being asked.
    manager = pluggy.PluginManager(hookspecs.PROJECT)
    manager.add_hookspecs(hookspecs)
    module = point.load()
    manager.register(module, provider)
    manager.check_pending()  # a misspelt hook name is an error, not silence
    accepted = []
    for kind in Kind:
        hook = f"nanobook_{kind}s"
        if hasattr(module, hook) and manager.parse_hookimpl_opts(module, hook) is None:
            raise PluginError(f"{hook} is not marked with @hookimpl, so it is never asked")
        for batch in getattr(manager.hook, hook)():
            for offer in batch:
                if stage_and_detail := _objection(kind, offer):
                    report(*stage_and_detail)
                else:
                    accepted.append(offer)
    return accepted


def _objection(kind: Kind, offer: object) -> tuple[str, str] | None:
    """Stage and detail of what is wrong with an offer, or None."""
    if type(offer) is not Capability:  # a subclass could change what loading it means
        return "offer", f"nanobook_{kind}s gave {shown(offer)}, which is not a Capability"
    if offer.kind is not kind:
        return "offer", f"nanobook_{kind}s gave {offer.name!r} of kind {offer.kind}"
    newest, oldest = CONTRACTS[kind]
    if not oldest <= offer.contract <= newest:
        spoken = f"{oldest}" if oldest == newest else f"{oldest} to {newest}"
        return (
            "contract",
            f"{kind} {offer.name!r} has contract {offer.contract}, this core speaks {spoken}",
        )
    return None


def described(error: BaseException) -> str:
    """Type and message of an exception; only its type where its own `__str__` fails."""
    kind = type(error).__name__
    try:
        return f"{kind}: {error}"
    except Exception:  # noqa: BLE001 - whatever a plugin's exception raises
        return kind
