"""Imports the plugin modules that the policy allows; collects what each offers."""

from __future__ import annotations

from importlib.metadata import EntryPoint, entry_points, version
from time import perf_counter

import pluggy
from attrs import field, frozen

from nanobook_core.plugin import hookspecs
from nanobook_core.plugin.capability import CONTRACTS, Capability, Kind
from nanobook_core.plugin.policy import CORE, FIRST_PARTY, PluginPolicy, canonical_name

GROUP = "nanobook"

#: A third party's module that takes longer than this to list its offers is reported as slow.
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
    """One entry point of a distribution, and what became of it."""

    provider: str
    version: str
    module: str
    first_party: bool
    loaded: bool = False
    offers: tuple[Capability, ...] = ()
    problems: tuple[Problem, ...] = field(default=(), repr=False)


def discover(policy: PluginPolicy) -> list[Plugin]:
    """Every installed plugin: first-party ones first, then by distribution and entry point."""
    core_version = version(CORE)
    found = sorted(
        (
            (canonical_name(point.dist.name), point)
            for point in entry_points(group=GROUP)
            if point.dist
        ),
        key=lambda pair: (pair[0] not in FIRST_PARTY, pair[0], pair[1].name),
    )
    return [_examine(provider, point, core_version, policy) for provider, point in found]


def _examine(provider: str, point: EntryPoint, core_version: str, policy: PluginPolicy) -> Plugin:
    assert point.dist is not None  # noqa: S101 - discover() passes only those that have one
    own_version = point.dist.version
    problems: list[Problem] = []

    def report(stage: str, detail: str) -> None:
        problems.append(Problem(provider, stage, detail))

    # All parts move in lockstep. Names of ours that we have not published are free for anyone to
    # take, so a part of another version gets no privilege.
    first_party = provider in FIRST_PARTY and own_version == core_version
    if provider in FIRST_PARTY and not first_party:
        report("version", f"is {own_version}, {CORE} is {core_version}; treated as a third party's")

    def outcome(*, loaded: bool, offers: tuple[Capability, ...] = ()) -> Plugin:
        return Plugin(
            provider=provider,
            version=own_version,
            module=point.value,
            first_party=first_party,
            loaded=loaded,
            offers=offers,
            problems=tuple(problems),
        )

    if refusal := policy.refusal(provider, own_version, first_party=first_party):
        report("policy", refusal)
        return outcome(loaded=False)
    started = perf_counter()
    try:
        listed = _listed(provider, point)
    except (Exception, SystemExit) as error:  # noqa: BLE001 - whatever a plugin raises stays its own
        report("load", f"{type(error).__name__}: {error}")
        return outcome(loaded=False)
    seconds = perf_counter() - started
    if seconds > LISTING_SECONDS and not first_party:
        report("slow", f"took {seconds:.1f} s to list its offers; {LISTING_SECONDS} s is allowed")

    offers: dict[tuple[Kind, str], Capability] = {}
    for kind, offer in listed:
        if stage_and_detail := _objection(kind, offer):
            report(*stage_and_detail)
        elif (kind, offer.name) in offers:
            report("name", f"offers {kind} {offer.name!r} twice; the first is used")
        else:
            offers[kind, offer.name] = offer.provided_by(provider, own_version, trusted=first_party)
    return outcome(loaded=True, offers=tuple(offers.values()))


def _listed(provider: str, point: EntryPoint) -> list[tuple[Kind, Capability]]:
    """Import the module and ask its hooks, each with the kind that was asked for."""
    # One manager a plugin: a broken one cannot keep the others from being asked.
    manager = pluggy.PluginManager(hookspecs.PROJECT)
    manager.add_hookspecs(hookspecs)
    manager.register(point.load(), provider)
    manager.check_pending()  # a misspelt hook name is an error, not silence
    return [
        (kind, offer)
        for kind in Kind
        for batch in getattr(manager.hook, f"nanobook_{kind}s")()
        for offer in batch
    ]


def _objection(kind: Kind, offer: object) -> tuple[str, str] | None:
    """Stage and detail of what is wrong with an offer, or None."""
    if type(offer) is not Capability:  # a subclass could change what loading it means
        return "offer", f"nanobook_{kind}s gave {offer!r:.80}, which is not a Capability"
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
