"""`nanobook capabilities` and `nanobook plugins`: what is installed, and what became of it."""

from __future__ import annotations

import json

import click
from attrs import asdict

from nanobook_core.cli.table import print_table
from nanobook_core.errors import AmbiguousCapabilityError
from nanobook_core.plugin.capability import Capability, Kind
from nanobook_core.plugin.discovery import Plugin
from nanobook_core.plugin.registry import Registry, default_registry


@click.command("capabilities")
@click.option("--kind", type=click.Choice([str(kind) for kind in Kind]), help="Only this kind.")
@click.option("--json", "as_json", is_flag=True, help="A JSON list of flat names.")
def capabilities(kind: str | None, *, as_json: bool) -> None:
    """List what is installed and can be used.

    The names are those of nanobook.capabilities(), in its order.

    \b
    Examples:
      nanobook capabilities
      nanobook capabilities --kind cost_model
      nanobook capabilities --json
    """
    registry = default_registry()
    names = registry.flat_names(kind)
    if as_json:
        click.echo(json.dumps(names, indent=2))
        return
    meant = {offer.flat_name: _meant(registry, offer) for offer in registry.capabilities}
    print_table(
        ("name", "kind", "from", "what it is"),
        (
            (name, offer.kind, offer.provider, offer.summary)
            for name in names
            for offer in meant[name]
        ),
    )


def _meant(registry: Registry, offer: Capability) -> list[Capability]:
    """What the bare name of an offer means; all that it may mean where it is ambiguous."""
    try:
        return [registry.get(offer.kind, offer.name)]
    except AmbiguousCapabilityError:
        twins = (o for o in registry.capabilities if (o.kind, o.name) == (offer.kind, offer.name))
        return list(twins)


@click.command("plugins")
@click.option("--json", "as_json", is_flag=True, help="Everything known, as JSON.")
@click.pass_context
def plugins(ctx: click.Context, *, as_json: bool) -> None:
    """List the plugins, what each offers, and problems.

    Exit code 1 if a plugin has a problem; being refused by the policy is none.

    \b
    Examples:
      nanobook plugins
      NANOBOOK_BLOCK=nanobook-ibkr nanobook plugins --json
    """
    registry = default_registry()
    serious = [problem for problem in registry.problems if problem.stage != "policy"]
    if as_json:
        report = {
            "plugins": [asdict(plugin, filter=_is_own) for plugin in registry.plugins],
            "problems": [asdict(problem) for problem in registry.problems],
        }
        click.echo(json.dumps(report, indent=2))
    else:
        print_table(
            ("distribution", "version", "state", "offers"),
            (
                (p.provider, p.version, _state(p), ", ".join(o.flat_name for o in p.offers))
                for p in registry.plugins
            ),
        )
        if registry.problems:
            click.echo()
            print_table(
                ("distribution", "stage", "problem"),
                ((p.provider, p.stage, p.detail) for p in registry.problems),
            )
    ctx.exit(1 if serious else 0)


def _state(plugin: Plugin) -> str:
    if plugin.loaded:
        return "loaded"
    return "refused" if any(p.stage == "policy" for p in plugin.problems) else "broken"


def _is_own(attribute: object, _: object) -> bool:
    return getattr(attribute, "name", "") != "problems"  # listed once, with those of the registry
