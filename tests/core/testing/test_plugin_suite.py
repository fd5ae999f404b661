"""The suite catches a distribution that breaks, lies, or makes listing expensive."""

from textwrap import dedent

import pytest

from nanobook_core.errors import PluginError, PolicyError
from nanobook_core.plugin import Capability
from nanobook_core.testing import PluginSuite

SUITE = PluginSuite()


class OffersNothingYet(PluginSuite):
    offers_something = False


OFFER = """
from nanobook_core import Capability, Kind, hookimpl

@hookimpl
def nanobook_features():
    return [Capability(kind=Kind.FEATURE, name="f", target="math:sqrt", summary="s", feature="f")]
"""


@pytest.fixture
def install(tmp_path, monkeypatch):
    """Put a distribution on the path of this process and of those that it starts."""
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))

    def put(distribution, code):
        info = tmp_path / f"{distribution}-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {distribution}\nVersion: 1\n")
        (info / "entry_points.txt").write_text(f"[nanobook]\nmain = {distribution}_plugin\n")
        (tmp_path / f"{distribution}_plugin.py").write_text(dedent(code))

    return put


def offers(distribution, suite=SUITE):
    return PluginSuite.offers.__wrapped__(suite, distribution)


def listing(distribution, suite=SUITE):
    return PluginSuite.listing.__wrapped__(suite, distribution)


def test_a_distribution_that_offers_nothing_has_to_say_so(install):
    install("empty", "")
    with pytest.raises(PolicyError, match="it offers nothing"):
        offers("empty")
    with pytest.raises(AssertionError, match="it offers nothing"):
        listing("empty")
    suite = OffersNothingYet()
    suite.test_it_loads_without_a_problem_and_says_what_it_offers(offers("empty", suite))
    suite.test_listing_imports_nothing_heavy(listing("empty", suite))


def test_a_distribution_that_says_it_offers_nothing_and_does_is_caught(install):
    install("full", OFFER)
    suite = OffersNothingYet()
    with pytest.raises(AssertionError):
        suite.test_it_loads_without_a_problem_and_says_what_it_offers(offers("full", suite))


def test_a_distribution_that_does_not_load_is_caught(install):
    install("broken", "raise RuntimeError('boom')")
    with pytest.raises(PluginError, match="boom"):
        offers("broken")
    with pytest.raises(AssertionError, match="boom"):
        listing("broken")


@pytest.mark.parametrize("suite", [SUITE, OffersNothingYet()], ids=["offers", "offers nothing"])
def test_a_distribution_that_is_not_installed_is_caught(suite):
    with pytest.raises((PolicyError, AssertionError)):
        offers("no-such-distribution", suite)
    with pytest.raises(AssertionError):
        listing("no-such-distribution", suite)


def test_a_heavy_import_at_listing_is_caught(install):
    install("heavy", "import numpy" + OFFER)
    with pytest.raises(AssertionError, match="numpy"):
        SUITE.test_listing_imports_nothing_heavy(listing("heavy"))


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("NANOBOOK_BLOCK", "heavy"),
        ("NANOBOOK_PLUGINS", "another"),
        ("NANOBOOK_PINS", "heavy==9"),
        ("NANOBOOK_REQUIRE", "another"),
    ],
)
def test_a_policy_of_the_environment_hides_nothing(install, monkeypatch, variable, value):
    monkeypatch.setenv(variable, value)
    install("heavy", "import numpy" + OFFER)
    with pytest.raises(AssertionError, match="numpy"):
        SUITE.test_listing_imports_nothing_heavy(listing("heavy"))


def test_a_light_listing_is_accepted(install):
    install("light", "import json" + OFFER + "print('hello')\n")
    found = listing("light")
    SUITE.test_listing_imports_nothing_heavy(found)
    SUITE.test_listing_is_not_reported_as_slow("light", found)


def test_a_slow_listing_is_caught(install):
    install("slow", "import time" + OFFER + "time.sleep(0.6)\n")
    with pytest.raises(AssertionError, match="list its offers"):
        SUITE.test_listing_is_not_reported_as_slow("slow", listing("slow"))


@pytest.mark.parametrize(
    ("kind", "target"),
    [("broker", "no_such_module:X"), ("broker", "math:pi"), ("command", "math:sqrt")],
)
def test_a_target_that_is_not_what_it_says_is_caught(kind, target):
    offer = Capability(kind=kind, name="x", target=target, summary="s", provider="acme")
    with pytest.raises((PluginError, AssertionError)):
        SUITE.test_every_target_can_be_imported_and_called([offer])
