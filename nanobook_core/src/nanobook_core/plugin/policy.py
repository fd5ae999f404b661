"""Which plugins may be imported at all.

A plugin is code that runs with the trader's credentials, so the policy is applied to distribution
metadata, before anything of the plugin is imported. It is no sandbox: what is installed can run
code in other ways, and the lock file with hashes is what protects the environment.
"""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

from attrs import field, frozen

from nanobook_core.errors import PolicyError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

CORE = "nanobook-core"

_NAME = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?")

FIRST_PARTY = frozenset(
    f"nanobook-{part}"
    for part in (
        "core",
        "native",
        "costs",
        "fills",
        "risk",
        "optimizers",
        "indicators",
        "rebalancer",
        "executors",
        "report",
        "ibkr",
        "binance",
        "itch",
    )
)


#: What `PluginPolicy.from_env` reads.
POLICY_VARIABLES = (
    "NANOBOOK_PLUGINS",
    "NANOBOOK_BLOCK",
    "NANOBOOK_REQUIRE",
    "NANOBOOK_PINS",
    "NANOBOOK_STRICT",
)


def canonical_name(name: str) -> str:
    """Distribution name in its normal form (PEP 503), in which all spellings are equal."""
    return re.sub(r"[-_.]+", "-", name).strip().lower()


def _canonical_names(names: Iterable[str]) -> frozenset[str]:
    # A string is an iterable of letters, and blocking letters blocks nothing.
    if isinstance(names, str):
        raise TypeError(f"expected a set of distribution names, got the string {names!r}")
    return frozenset(_checked_name(name) for name in names)


def _checked_name(name: str) -> str:
    if not _NAME.fullmatch(name):  # a policy that names nothing would refuse nothing
        raise PolicyError(
            f"{name!r} is not a distribution name: letters, digits and . _ - inside; "
            "lists are separated by commas"
        )
    return canonical_name(name)


def _canonical_names_or_all(names: Iterable[str] | None) -> frozenset[str] | None:
    return None if names is None else _canonical_names(names)


def _canonical_pins(pins: Mapping[str, str]) -> dict[str, str]:
    canonical: dict[str, str] = {}
    for name, version in pins.items():
        if not (isinstance(version, str) and version):
            raise PolicyError(f"{name} is pinned to {version!r}; a pin is a version like '1.0'")
        if canonical.setdefault(_checked_name(name), version) != version:
            raise PolicyError(
                f"{name} is pinned to {version} and to {canonical[_checked_name(name)]}"
            )
    return canonical


def _listed(variable: str) -> list[str]:
    return [part.strip() for part in os.environ.get(variable, "").split(",") if part.strip()]


@frozen(kw_only=True)
class PluginPolicy:
    """Allow, block, pin and require distributions by name, in any spelling that installers accept.

    Raises:
        PolicyError: the core is blocked, a distribution is both required and blocked or pinned
            twice, or a name or version cannot be one.

    """

    allow: frozenset[str] | None = field(default=None, converter=_canonical_names_or_all)
    """Only these besides first-party ones; None allows all that is installed."""
    block: frozenset[str] = field(default=frozenset(), converter=_canonical_names)
    """Never these, first-party ones included."""
    pins: Mapping[str, str] = field(factory=dict, converter=_canonical_pins)
    """Exact version by distribution."""
    require: frozenset[str] = field(default=frozenset(), converter=_canonical_names)
    """These must load without a problem and offer something: an absent check approves all."""
    strict: bool = False
    """Raise at the first problem instead of recording it."""

    def __attrs_post_init__(self) -> None:
        if CORE in self.block:
            raise PolicyError(f"{CORE} cannot be blocked: the registry itself is part of it")
        if both := sorted(self.require & self.block):
            raise PolicyError(f"required and blocked at once: {', '.join(both)}")

    @classmethod
    def from_env(cls) -> PluginPolicy:
        """Policy that the environment asks for.

        NANOBOOK_PLUGINS is the allow list (set but empty: first-party only), NANOBOOK_BLOCK and
        NANOBOOK_REQUIRE are lists of names, NANOBOOK_PINS a list of `name==version`, all separated
        by commas; NANOBOOK_STRICT is off when empty or 0.

        Raises:
            PolicyError: a pin is not of the form `name==version`, or the settings contradict each
                other.

        """
        pins: dict[str, str] = {}
        for pin in _listed("NANOBOOK_PINS"):
            name, _, pinned = (part.strip() for part in pin.partition("=="))
            if not (name and pinned):
                raise PolicyError(f"NANOBOOK_PINS: expected name==version, got {pin}")
            if pins.setdefault(name, pinned) != pinned:
                raise PolicyError(
                    f"NANOBOOK_PINS: {name} is pinned to {pins[name]} and to {pinned}"
                )
        return cls(
            allow=frozenset(_listed("NANOBOOK_PLUGINS"))
            if "NANOBOOK_PLUGINS" in os.environ
            else None,
            block=frozenset(_listed("NANOBOOK_BLOCK")),
            pins=pins,
            require=frozenset(_listed("NANOBOOK_REQUIRE")),
            strict=os.environ.get("NANOBOOK_STRICT", "") not in ("", "0"),
        )

    def refusal(self, provider: str, version: str, *, first_party: bool) -> str | None:
        """Why this distribution must not be imported, or None."""
        if provider in self.block:
            return "blocked by policy"
        if self.allow is not None and not first_party and provider not in self.allow:
            return "not on the allow list"
        if (pinned := self.pins.get(provider)) is not None and pinned != version:
            return f"pinned to {pinned}, found {version}"
        return None
