"""The suite catches a distribution that breaks, lies, or makes listing expensive."""

from textwrap import dedent

import pytest

from nanobook_core.errors import PluginError
from nanobook_core.plugin import Capability
from nanobook_core.testing import PluginSuite

SUITE = PluginSuite()


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


def offers(distribution):
    return PluginSuite.offers.__wrapped__(SUITE, distribution)


def test_a_distribution_that_offers_nothing_has_to_say_so(install):
    install("empty", "")
    assert offers("empty") == []
    with pytest.raises(AssertionError):
        SUITE.test_it_loads_without_a_problem_and_says_what_it_offers([])


def test_a_distribution_that_does_not_load_is_caught(install):
    install("broken", "raise RuntimeError('boom')")
    with pytest.raises(PluginError, match="boom"):
        offers("broken")


def test_a_heavy_import_at_listing_is_caught(install):
    install("heavy", "import numpy")
    with pytest.raises(AssertionError, match="numpy"):
        SUITE.test_listing_imports_nothing_heavy("heavy")


def test_a_light_listing_is_accepted(install):
    install("light", "import json")
    SUITE.test_listing_imports_nothing_heavy("light")


@pytest.mark.parametrize(
    ("kind", "target"),
    [("broker", "no_such_module:X"), ("broker", "math:pi"), ("command", "math:sqrt")],
)
def test_a_target_that_is_not_what_it_says_is_caught(kind, target):
    offer = Capability(kind=kind, name="x", target=target, summary="s", provider="acme")
    with pytest.raises((PluginError, AssertionError)):
        SUITE.test_every_target_can_be_imported_and_called([offer])
