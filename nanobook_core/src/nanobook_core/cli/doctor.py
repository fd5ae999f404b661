"""`nanobook doctor`: what is right, missing or dangerous about this installation."""

from __future__ import annotations

import json
import os
import platform
import sys
from importlib.metadata import distribution, packages_distributions, version
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import click
from attrs import asdict

from nanobook_core.cli.doctor_binance import examine_binance, examine_clock
from nanobook_core.cli.doctor_itch import examine_itch
from nanobook_core.cli.finding import Finding, installed
from nanobook_core.cli.table import print_table
from nanobook_core.errors import PluginError
from nanobook_core.plugin.capability import Capability, Kind
from nanobook_core.plugin.policy import CORE, FIRST_PARTY, POLICY_VARIABLES
from nanobook_core.plugin.registry import default_registry, load_target

if TYPE_CHECKING:
    from collections.abc import Iterator

#: Parts that come with an extra, and the extra.
EXTRAS = {
    "nanobook-ibkr": "ibkr",
    "nanobook-binance": "binance",
    "nanobook-itch": "itch",
    "nanobook-report": "report",
}

#: Distributions that bring the same package, so that the last one installed wins.
RIVALS = (("ib_insync", "ib_async"), ("eventkit", "aeventkit"))
#: Libraries through which Interactive Brokers is reached; one of them is needed.
CLIENTS = RIVALS[0]


@click.command("doctor")
@click.option("--json", "as_json", is_flag=True, help="The findings as JSON.")
@click.option("--clock", metavar="URL", help="Compare the clock with that of Binance there.")
@click.pass_context
def doctor(ctx: click.Context, *, clock: str | None, as_json: bool) -> None:
    """Check this installation.

    Looks at versions, compiled kernels, optional parts, plugin problems, and other projects that
    overwrite or shadow a part. Nothing is asked over the network but the time, with --clock. Exit
    code 1 if something is wrong.

    \b
    Examples:
      nanobook doctor
      nanobook doctor --json
      nanobook doctor --clock https://api.binance.com
    """
    findings = list(examine())
    if clock is not None:
        findings.append(examine_clock(clock))
    if as_json:
        click.echo(json.dumps([asdict(finding) for finding in findings], indent=2))
    else:
        print_table(("", "about", "finding"), ((f.level, f.about, f.detail) for f in findings))
    ctx.exit(1 if any(finding.level == "error" for finding in findings) else 0)


def examine() -> Iterator[Finding]:
    """Every finding, the same order each time."""
    yield Finding(
        "ok",
        "python",
        f"{platform.python_implementation()} {platform.python_version()} "
        f"on {platform.system()} {platform.machine()}, {sys.executable}",
    )
    yield from _versions()
    yield from _facade()
    yield from _rivals()
    yield from _clients()
    yield from examine_binance()
    yield from examine_itch()
    yield from _plugins()
    yield from _policy()


def _versions() -> Iterator[Finding]:
    core = version(CORE)
    parts = {name: installed(name) for name in sorted(FIRST_PARTY)}
    same = [name for name, found in parts.items() if found == core]
    yield Finding("ok", "version", f"{core}: {', '.join(same)}")
    for name, found in parts.items():
        if found is None and name in EXTRAS:
            how = f'python3 -m pip install ".[{EXTRAS[name]}]" in the checkout adds it'
            yield Finding("note", name, f"optional, not installed; {how}")
        elif found is None:
            yield Finding("note", name, "not installed; the base installation has it")
        elif found != core:
            yield Finding("error", name, f"is {found}, {CORE} is {core}; parts move in lockstep")
    for name in ("attrs", "click", "numpy", "pluggy", "rich", "scipy", "matplotlib"):
        if found := installed(name):
            yield Finding("ok", name, found)


def _facade() -> Iterator[Finding]:
    """Whether `import nanobook` gives ours: on the public index the name is another project's."""
    others = sorted(set(packages_distributions().get("nanobook", ())) - {CORE})
    spec, core = find_spec("nanobook"), find_spec("nanobook_core")
    here = Path(spec.origin).parents[1] if spec and spec.origin else None
    ours = Path(core.origin).parents[1] if core and core.origin else None
    own_version = distribution(CORE).version
    other_version = installed("nanobook")
    remedy = "uninstall both and install from the checkout again"
    if others:
        yield Finding(
            "error", "nanobook", f"its files are also those of {', '.join(others)}; {remedy}"
        )
    elif here != ours:
        yield Finding("error", "nanobook", f"is imported from {here}, not from {ours}; {remedy}")
    elif other_version not in (None, own_version):
        yield Finding(
            "error", "nanobook", f"distribution is {other_version}, not {own_version}; {remedy}"
        )
    else:
        yield Finding("ok", "nanobook", "is ours, not the unrelated project of the public index")


def _rivals() -> Iterator[Finding]:
    for rivals in RIVALS:
        found = [name for name in rivals if installed(name)]
        if len(found) > 1:
            both = " and ".join(found)
            yield Finding(
                "error",
                both,
                "bring files that overwrite each other's; uninstall both, then install one: "
                f"python3 -m pip uninstall {' '.join(rivals)}; "
                f"python3 -m pip install --force-reinstall {CLIENTS[-1]}",
            )


def _clients() -> Iterator[Finding]:
    """Whether the adapter has a library that works, or one whose package another one took along."""
    if installed("nanobook-ibkr") is None:
        return
    found = [name for name in CLIENTS if installed(name)]
    if not found:
        yield Finding(
            "warning",
            "nanobook-ibkr",
            "IbkrBroker cannot connect without ib_insync or ib_async; "
            f"python3 -m pip install {CLIENTS[-1]} adds one",
        )
    elif find_spec("eventkit") is None:
        yield Finding(
            "error",
            found[0],
            "cannot be imported: its package eventkit is gone; "
            f"python3 -m pip install --force-reinstall {found[0]} brings it back",
        )


def _plugins() -> Iterator[Finding]:
    try:
        registry = default_registry()
    except PluginError as error:
        yield Finding("error", "plugins", str(error))
        return
    native = [p for p in registry.plugins if p.provider == "nanobook-native" and p.loaded]
    compiled = sorted(offer.flat_name for plugin in native for offer in plugin.offers)
    if compiled:
        yield Finding("ok", "compiled", ", ".join(compiled))
    elif native:
        yield Finding(
            "warning",
            "compiled",
            "nothing: the Python fallbacks run, with the same results; with a C compiler, "
            "`uv sync --reinstall-package nanobook-native` or a fresh pip install compiles",
        )
    else:
        yield Finding("warning", "compiled", "nothing: nanobook-native is absent or refused")
    for offer in registry.capabilities:
        if offer.kind is Kind.KERNEL or offer.export:
            yield from _unusable(offer)
    for problem in registry.problems:
        level: Literal["note", "error"] = "note" if problem.stage == "policy" else "error"
        yield Finding(level, problem.provider, f"{problem.stage}: {problem.detail}")
    third = sorted({p.provider for p in registry.plugins if not p.first_party and p.loaded})
    if third:
        yield Finding("note", "third party", f"loaded: {', '.join(third)}")


def _unusable(offer: Capability) -> Iterator[Finding]:
    try:
        load_target(offer)
    except PluginError as error:
        yield Finding("error", offer.provider, str(error))


def _policy() -> Iterator[Finding]:
    for name in POLICY_VARIABLES:
        if name in os.environ:
            yield Finding("note", name, repr(os.environ[name]))
