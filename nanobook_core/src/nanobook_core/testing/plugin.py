"""Laws of a plugin distribution, whatever it offers."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from nanobook_core.contracts import Command
from nanobook_core.plugin.capability import Capability, Kind
from nanobook_core.plugin.policy import PluginPolicy, canonical_name
from nanobook_core.plugin.registry import Registry, load_target

#: Lists in a fresh process what one plugin offers and which modules that took.
_LISTING = """
import json, sys
from nanobook_core.plugin.registry import default_registry
default_registry()
print(json.dumps(sorted(sys.modules)))
"""


class PluginSuite:
    """What every plugin distribution must do."""

    #: A distribution that has no offers yet says so here.
    offers_something = True

    #: Modules that listing the offers must not import: that is for when one is used.
    heavy = (
        "aiohttp",
        "ib_async",
        "ib_insync",
        "matplotlib",
        "numpy",
        "pandas",
        "polars",
        "requests",
        "scipy",
    )

    @pytest.fixture
    def distribution(self) -> str:
        """Name of the distribution under test."""
        raise NotImplementedError("override the fixture `distribution`")

    @pytest.fixture
    def offers(self, distribution: str) -> list[Capability]:
        """What it offers, found the way a user's process finds it."""
        name = canonical_name(distribution)
        policy = PluginPolicy(allow=frozenset({name}), require=frozenset({name}), strict=True)
        found = Registry.discover(policy)
        return [offer for offer in found.capabilities if offer.provider == name]

    def test_it_loads_without_a_problem_and_says_what_it_offers(
        self, offers: list[Capability]
    ) -> None:
        """A strict registry that requires the distribution accepts it."""
        assert bool(offers) is self.offers_something

    def test_every_target_can_be_imported_and_called(self, offers: list[Capability]) -> None:
        """What is listed is there."""
        for offer in offers:
            target = load_target(offer)
            if offer.kind is Kind.COMMAND:
                assert isinstance(target, Command), offer

    def test_listing_imports_nothing_heavy(self, distribution: str) -> None:
        """Listing capabilities costs a user only the plugin module."""
        done = subprocess.run(  # noqa: S603 - our own interpreter and script
            [sys.executable, "-c", _LISTING],
            env={**os.environ, "NANOBOOK_PLUGINS": distribution},
            capture_output=True,
            text=True,
            check=True,
        )
        assert sorted(set(json.loads(done.stdout)) & set(self.heavy)) == []
