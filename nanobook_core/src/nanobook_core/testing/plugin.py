"""Laws of a plugin distribution, whatever it offers."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any

import pytest

from nanobook_core.contracts import Command
from nanobook_core.plugin.capability import Capability, Kind
from nanobook_core.plugin.policy import POLICY_VARIABLES, PluginPolicy, canonical_name
from nanobook_core.plugin.registry import Registry, load_target

#: Lists in a fresh process what is installed; then says what that loaded, imported and complained
#: of.
_LISTING = """
import json, sys
from nanobook_core.plugin.registry import default_registry
found = default_registry()
print()
print(json.dumps({
    "loaded": [plugin.provider for plugin in found.plugins if plugin.loaded],
    "modules": sorted(sys.modules),
    "problems": [[problem.provider, problem.stage, problem.detail] for problem in found.problems],
}))
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
        policy = PluginPolicy(
            allow=frozenset({name}),
            # What is required must offer something.
            require=frozenset({name} if self.offers_something else ()),
            strict=True,
        )
        found = Registry.discover(policy)
        assert name in [plugin.provider for plugin in found.plugins if plugin.loaded]
        return [offer for offer in found.capabilities if offer.provider == name]

    @pytest.fixture
    def listing(self, distribution: str) -> dict[str, Any]:
        """What listing the offers did in a fresh process that may import no other third party's."""
        own = {name: value for name, value in os.environ.items() if name not in POLICY_VARIABLES}
        own["NANOBOOK_PLUGINS"] = distribution
        if self.offers_something:
            own["NANOBOOK_REQUIRE"] = distribution
        done = subprocess.run(  # noqa: S603 - our own interpreter and script
            [sys.executable, "-c", _LISTING],
            env=own,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        listed: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
        assert canonical_name(distribution) in listed["loaded"], done.stderr
        return listed

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

    def test_listing_imports_nothing_heavy(self, listing: dict[str, Any]) -> None:
        """Listing capabilities costs a user only the plugin module."""
        assert sorted(set(listing["modules"]) & set(self.heavy)) == []

    def test_listing_is_not_reported_as_slow(
        self, distribution: str, listing: dict[str, Any]
    ) -> None:
        """Every start of a process that uses plugins waits for it."""
        own = [
            detail
            for provider, stage, detail in listing["problems"]
            if (provider, stage) == (canonical_name(distribution), "slow")
        ]
        assert own == []
