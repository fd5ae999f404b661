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
    if isinstance(
        names, str
    ):  # a string is an iterable of letters, and blocking letters blocks nothing
        raise TypeError(f"expected a set of distribution names, got the string {names!r}")
    return frozenset(canonical_name(name) for name in names)


def _canonical_names_or_all(names: Iterable[str] | None) -> frozenset[str] | None:
    return None if names is None else _canonical_names(names)


def _canonical_pins(pins: Mapping[str, str]) -> dict[str, str]:
    return {canonical_name(name): version for name, version in pins.items()}


def _listed(variable: str) -> list[str]:
    return [part.strip() for part in os.environ.get(variable, "").split(",") if part.strip()]


@frozen(kw_only=True)
class PluginPolicy:
    """Allow, block, pin and require distributions by name, in any spelling that installers accept.

    Raises:
        PolicyError: the core is blocked, or a distribution is both required and blocked.

    """

    allow: frozenset[str] | None = field(default=None, converter=_canonical_names_or_all)
    """Only these besides first-party ones; None allows all that is installed."""
    block: frozenset[str] = field(default=frozenset(), converter=_canonical_names)
    """Never these, first-party ones included."""
    pins: Mapping[str, str] = field(factory=dict, converter=_canonical_pins)
    """Exact version by distribution."""
    require: frozenset[str] = field(default=frozenset(), converter=_canonical_names)
    """These must load without a problem: a risk check that is absent approves everything."""
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
        pins = [pin.partition("==") for pin in _listed("NANOBOOK_PINS")]
        if wrong := ["".join(pin) for pin in pins if not (pin[0].strip() and pin[2].strip())]:
            raise PolicyError(f"NANOBOOK_PINS: expected name==version, got {', '.join(wrong)}")
        return cls(
            allow=frozenset(_listed("NANOBOOK_PLUGINS"))
            if "NANOBOOK_PLUGINS" in os.environ
            else None,
            block=frozenset(_listed("NANOBOOK_BLOCK")),
            pins={name.strip(): version.strip() for name, _, version in pins},
            require=frozenset(_listed("NANOBOOK_REQUIRE")),
            strict=os.environ.get("NANOBOOK_STRICT", "") not in ("", "0"),
        )

    def refusal(self, provider: str, version: str, *, first_party: bool) -> str | None:
        """Why this distribution must not be imported, or None."""
        if provider in self.block:
            return "blocked by policy"
        if self.allow is not None and not first_party and provider not in self.allow:
            return "not on the allow list"
        if (pinned := self.pins.get(provider)) and pinned != version:
            return f"pinned to {pinned}, found {version}"
        return None
