import pytest

from nanobook_core.errors import PolicyError
from nanobook_core.plugin import PluginPolicy
from nanobook_core.plugin.policy import POLICY_VARIABLES


@pytest.fixture(autouse=True)
def no_policy(monkeypatch):
    for variable in POLICY_VARIABLES:
        monkeypatch.delenv(variable, raising=False)


def test_without_variables_everything_installed_is_allowed():
    assert PluginPolicy.from_env() == PluginPolicy()


@pytest.mark.parametrize(
    ("variable", "value", "expected"),
    [
        ("NANOBOOK_PLUGINS", "", {"allow": frozenset()}),
        ("NANOBOOK_PLUGINS", "Acme_Risk, zeta", {"allow": frozenset({"acme-risk", "zeta"})}),
        ("NANOBOOK_BLOCK", "nanobook.ibkr,", {"block": frozenset({"nanobook-ibkr"})}),
        ("NANOBOOK_REQUIRE", "acme", {"require": frozenset({"acme"})}),
        ("NANOBOOK_PINS", "acme==1.0, zeta == 2", {"pins": {"acme": "1.0", "zeta": "2"}}),
        ("NANOBOOK_STRICT", "1", {"strict": True}),
        ("NANOBOOK_STRICT", "0", {"strict": False}),
        ("NANOBOOK_STRICT", "", {"strict": False}),
    ],
)
def test_each_variable_sets_its_field(monkeypatch, variable, value, expected):
    monkeypatch.setenv(variable, value)
    assert PluginPolicy.from_env() == PluginPolicy(**expected)


@pytest.mark.parametrize("value", ["acme", "acme>=1", "==1.0", "acme=="])
def test_a_pin_that_is_no_pin_is_refused(monkeypatch, value):
    monkeypatch.setenv("NANOBOOK_PINS", value)
    with pytest.raises(PolicyError, match="expected name==version"):
        PluginPolicy.from_env()


@pytest.mark.parametrize("name", ["acme zeta", "acme;zeta", "acme==1.0", "*", "-acme", "acme-"])
@pytest.mark.parametrize("field", ["allow", "block", "require"])
def test_what_is_no_distribution_name_is_refused(field, name):
    with pytest.raises(PolicyError, match="is not a distribution name"):
        PluginPolicy(**{field: frozenset({name})})
    with pytest.raises(PolicyError, match="is not a distribution name"):
        PluginPolicy(pins={name: "1.0"})


@pytest.mark.parametrize("version", ["", None, 1])
def test_a_pin_to_nothing_is_refused(version):
    with pytest.raises(PolicyError, match="acme is pinned to"):
        PluginPolicy(pins={"acme": version})


def test_two_pins_of_one_distribution_are_refused(monkeypatch):
    with pytest.raises(PolicyError, match=r"pinned to 2\.0 and to 1\.0"):
        PluginPolicy(pins={"acme": "1.0", "Acme": "2.0"})
    monkeypatch.setenv("NANOBOOK_PINS", "acme==1.0,acme==2.0")
    with pytest.raises(PolicyError, match=r"pinned to 1\.0 and to 2\.0"):
        PluginPolicy.from_env()


def test_the_core_cannot_be_blocked():
    with pytest.raises(PolicyError, match="cannot be blocked"):
        PluginPolicy(block=frozenset({"nanobook_core"}))


def test_required_and_blocked_at_once_is_a_contradiction():
    with pytest.raises(PolicyError, match="required and blocked at once: acme"):
        PluginPolicy(block=frozenset({"acme"}), require=frozenset({"Acme"}))


def test_a_string_is_not_a_set_of_names():
    with pytest.raises(TypeError, match="got the string 'acme'"):
        PluginPolicy(block="acme")
