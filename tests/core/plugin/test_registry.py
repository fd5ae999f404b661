import os
import subprocess
import sys
import warnings

import pytest
from attrs import evolve

from nanobook_core.errors import (
    AmbiguousCapabilityError,
    CapabilityNotFoundError,
    PluginError,
    PluginWarning,
    PolicyError,
)
from nanobook_core.plugin import Capability, Kind, PluginPolicy, Registry


def discover(**policy):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", PluginWarning)
        return Registry.discover(PluginPolicy(**policy))


def stages(registry, provider):
    return [problem.stage for problem in registry.problems if problem.provider == provider]


def names(registry, provider):
    return [offer.name for offer in registry.capabilities if offer.provider == provider]


def test_a_third_partys_offer_is_found_and_marked_with_where_it_came_from(install, risk_check):
    install("Acme_Risk", risk_check(), version="2.5")
    offer = discover().get("risk_check", "late_night")
    assert (offer.provider, offer.version) == ("acme-risk", "2.5")
    assert offer.flat_name == "risk_check_late_night"
    assert "risk_check_late_night" in discover().flat_names("risk_check")


def test_first_party_plugins_come_first_then_others_by_name(install, risk_check):
    install("zeta", risk_check("z"))
    install("acme", risk_check("a"))
    providers = [plugin.provider for plugin in discover().plugins]
    ours = [p for p in providers if p.startswith("nanobook-")]
    assert providers == [*sorted(ours), "acme", "zeta"]


def test_a_third_party_cannot_claim_what_is_first_partys(install, risk_check):
    install("acme", risk_check(export="Exchange", feature="backtest_stops", priority=99))
    registry = discover()
    offer = registry.get("risk_check", "late_night")
    assert (offer.export, offer.feature, offer.priority) == ("", "", 0)
    assert registry.exports["Exchange"].provider.startswith("nanobook-")


@pytest.mark.parametrize(
    ("code", "stage", "detail"),
    [
        ("raise RuntimeError('boom')", "load", "RuntimeError: boom"),
        ("import no_such_module_anywhere", "load", "ModuleNotFoundError"),
        ("raise SystemExit(3)", "load", "SystemExit: 3"),
        ("@hookimpl\ndef nanobook_risk_cheks():\n    return []", "load", "nanobook_risk_cheks"),
        ("@hookimpl\ndef nanobook_brokers():\n    raise OSError('x')", "load", "OSError: x"),
        ("@hookimpl\ndef nanobook_brokers():\n    return 7", "load", "TypeError"),
        ("@hookimpl\ndef nanobook_brokers():\n    return ['x']", "offer", "not a Capability"),
        (
            (
                "class Sub(Capability):\n    pass\n"
                "@hookimpl\ndef nanobook_brokers():\n"
                "    return [Sub(kind='broker', name='x', target='a:b', summary='s')]"
            ),
            "offer",
            "not a Capability",
        ),
        (
            (
                "@hookimpl\ndef nanobook_brokers():\n"
                "    return [Capability(kind='parser', name='x', target='a:b', summary='s')]"
            ),
            "offer",
            "'x' of kind parser",
        ),
        (
            (
                "@hookimpl\ndef nanobook_brokers():\n"
                "    return [Capability(kind='broker', name='x', target='a:b', summary='s', "
                "contract=9)]"
            ),
            "contract",
            "contract 9, this core speaks 1",
        ),
        (
            (
                "@hookimpl\ndef nanobook_brokers():\n"
                "    return 2 * [Capability(kind='broker', name='x', target='a:b', summary='s')]"
            ),
            "name",
            "twice",
        ),
    ],
)
def test_a_broken_plugin_is_reported_and_changes_nothing_for_the_others(
    install, risk_check, code, stage, detail
):
    before = discover()
    install("broken", code)
    install("sound", risk_check())
    registry = discover()
    found = [p for p in registry.problems if p.provider == "broken"]
    assert [p.stage for p in found] == [stage]
    assert detail in found[0].detail
    assert names(registry, "sound") == ["late_night"]
    others = [p for p in registry.plugins if p.provider not in ("broken", "sound")]
    assert others == list(before.plugins)
    with pytest.raises(PluginError, match="broken"):
        discover(strict=True)
    with pytest.raises(PolicyError, match="broken"):
        discover(require=frozenset({"broken"}))


HOSTILE = {
    "an offer whose repr fails": (
        (
            "class Offer:\n    def __repr__(self):\n        raise RuntimeError('hostile')\n"
            "@hookimpl\ndef nanobook_brokers():\n    return [Offer()]"
        ),
        "offer",
    ),
    "an offer that cannot be printed": (
        "@hookimpl\ndef nanobook_brokers():\n    return [10**5000]",
        "offer",
    ),
    "an error whose text fails": (
        (
            "class Error(Exception):\n"
            "    def __str__(self):\n        raise RuntimeError('hostile')\n"
            "raise Error"
        ),
        "load",
    ),
    "an exception that is no Exception": (
        "import asyncio\nraise asyncio.CancelledError('cancelled')",
        "load",
    ),
    "a capability that was never initialised": (
        "@hookimpl\ndef nanobook_brokers():\n    return [Capability.__new__(Capability)]",
        "load",
    ),
    "a hook that is not marked": (
        "def nanobook_risk_checks():\n    return []",
        "load",
    ),
}


@pytest.mark.parametrize(("code", "stage"), HOSTILE.values(), ids=HOSTILE)
def test_a_hostile_plugin_is_reported_and_changes_nothing_for_the_others(
    install, risk_check, code, stage
):
    install("hostile", code)
    install("sound", risk_check())
    registry = discover()
    assert stages(registry, "hostile") == [stage]
    assert names(registry, "sound") == ["late_night"]
    with pytest.raises(PluginError, match="hostile"):
        discover(strict=True)


@pytest.mark.parametrize("metadata", ["", "Metadata-Version: 2.1\nName: half\n"])
def test_a_distribution_that_was_half_removed_is_reported_and_not_imported(
    install, tmp_path, metadata
):
    module = install("half", "raise AssertionError('imported')")
    (tmp_path / "site" / "half-1.0.dist-info" / "METADATA").write_text(metadata)
    registry = discover()
    assert stages(registry, "?") == ["load"]
    assert "no name or no version" in registry.problems[0].detail
    assert module not in sys.modules


def test_what_a_plugin_prints_while_it_is_listed_is_no_output(install, capsys):
    install("chatty", "print('hello from chatty')")
    discover()
    shown = capsys.readouterr()
    assert (shown.out, shown.err) == ("", "hello from chatty\n")


def test_an_interrupt_is_nobodys_problem(install):
    install("slow", "raise KeyboardInterrupt")
    with pytest.raises(KeyboardInterrupt):
        discover()


def test_two_modules_of_one_distribution_cannot_offer_one_name(install, risk_check, tmp_path):
    install("acme", risk_check())
    points = tmp_path / "site" / "acme-1.0.dist-info" / "entry_points.txt"
    points.write_text("[nanobook]\na = acme_plugin\nb = acme_plugin\n")
    registry = discover()
    assert stages(registry, "acme") == ["name"]
    assert registry.get("risk_check", "late_night").provider == "acme"
    plugin = next(p for p in registry.plugins if p.provider == "acme")
    assert plugin.modules == ("acme_plugin", "acme_plugin")


def test_a_required_plugin_that_offers_nothing_is_an_error(install):
    install("acme", "")
    with pytest.raises(PolicyError, match=r"acme \(it offers nothing\)"):
        discover(require=frozenset({"acme"}))


def test_the_core_cannot_be_refused_by_a_pin_either():
    with pytest.raises(PolicyError, match=r"pinned to 9\.9, found 0\.1\.0; the core cannot be"):
        discover(pins={"nanobook-core": "9.9"})


def damaged(kind, name):
    """The registry of this installation, and in front of one of its offers one that is broken."""
    registry = discover()
    broken = Capability(
        kind=kind,
        name=name,
        target=f"no_such_extension:{name}",
        summary="does not load",
        priority=99,
        provider="nanobook-native",
    )
    by_name = {**registry._by_name, (kind, name): [*registry._by_name[kind, name], broken]}
    registry = evolve(registry, by_name=by_name)
    assert registry.get(kind, name) is broken
    return registry


def test_a_kernel_that_cannot_be_imported_leaves_its_fallback():
    registry = damaged(Kind.KERNEL, "schedule_to_dense")
    with pytest.warns(PluginWarning, match="no_such_extension.*its fallback runs"):
        to_dense = registry.load("kernel", "schedule_to_dense")
    assert to_dense([[("A", 1)]], "price")[0] == ("A",)


def test_an_engine_that_cannot_be_imported_leaves_the_next_best():
    registry = damaged(Kind.ENGINE, "exchange")
    with pytest.warns(PluginWarning, match="no_such_extension.*its fallback runs"):
        exchange = registry.create("engine", "exchange", stop_trigger="last")
    assert exchange.submit_limit("buy", 100, 5).resting_quantity == 5
    with pytest.warns(PluginWarning, match="no_such_extension.*its fallback runs"):
        engine = registry.load("engine", "exchange")
    assert isinstance(exchange, engine)


def test_what_an_engine_makes_must_be_an_exchange():
    registry = discover()
    empty = Capability(
        kind=Kind.ENGINE, name="empty", target="builtins:dict", summary="no exchange"
    )
    registry = evolve(registry, by_name={(Kind.ENGINE, "empty"): [empty]})
    with pytest.raises(
        PluginError, match=r"engine 'empty' gave \{\} \(dict\), which is not a Engine"
    ):
        registry.create("engine", "empty")


def test_a_kind_that_is_used_as_it_is_cannot_be_created():
    with pytest.raises(PluginError, match="a command is used as it is"):
        discover().create("command", "capabilities")


def test_there_is_one_registry_a_process_whatever_the_warnings_are(install, tmp_path):
    install("broken", "raise RuntimeError('boom')")
    code = (
        "import threading, warnings, nanobook\n"
        "warnings.simplefilter('error')\n"
        "found = []\n"
        "def ask():\n"
        "    try:\n        found.append(nanobook.registry())\n"
        "    except nanobook.PluginWarning:\n        found.append('warned')\n"
        "threads = [threading.Thread(target=ask) for _ in range(6)]\n"
        "[t.start() for t in threads]; [t.join() for t in threads]\n"
        "print(found.count('warned'), len({id(r) for r in found if r != 'warned'}))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONPATH": str(tmp_path / "site")},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "1 1\n"


def test_good_offers_beside_a_bad_one_stay(install):
    install(
        "mixed",
        """
        @hookimpl
        def nanobook_risk_checks():
            return [
                Capability(kind="risk_check", name="good", target="a:b", summary="s"),
                Capability(kind="risk_check", name="future", target="a:b", summary="s", contract=2),
            ]
        """,
    )
    assert names(discover(), "mixed") == ["good"]


def test_a_plugin_that_is_slow_to_list_is_reported_but_usable(install, risk_check):
    install("slow", "import time\ntime.sleep(0.6)\n" + __import__("textwrap").dedent(risk_check()))
    registry = discover(strict=True, require=frozenset({"slow"}))
    assert stages(registry, "slow") == ["slow"]
    assert names(registry, "slow") == ["late_night"]


def test_a_problem_warns_once_but_a_refusal_does_not(install, risk_check):
    install("broken", "raise RuntimeError('boom')")
    install("blocked", risk_check())
    with pytest.warns(PluginWarning, match="broken .load.: RuntimeError: boom") as caught:
        Registry.discover(PluginPolicy(block=frozenset({"blocked"})))
    assert len(caught) == 1


def test_a_first_party_name_beats_its_namesake_and_the_clash_is_reported(install):
    code = """
        @hookimpl
        def nanobook_kernels():
            return [Capability(kind=Kind.KERNEL, name="schedule_to_dense",
                               target="math:sqrt", summary="s", priority=1000)]
    """
    install("acme", code)
    registry = discover()
    assert registry.get("kernel", "schedule_to_dense").provider.startswith("nanobook-")
    assert registry.get("kernel", "acme:schedule_to_dense").target == "math:sqrt"
    assert registry.get("kernel", "ACME:schedule_to_dense").target == "math:sqrt"
    assert stages(registry, "acme") == ["name"]
    with pytest.raises(PluginError, match="schedule_to_dense"):
        discover(strict=True)


def test_two_third_parties_under_one_name_must_be_told_apart(install, risk_check):
    install("acme", risk_check())
    install("zeta", risk_check())
    registry = discover()
    with pytest.raises(AmbiguousCapabilityError, match="acme:late_night, zeta:late_night"):
        registry.get("risk_check", "late_night")
    assert registry.get("risk_check", "zeta:late_night").provider == "zeta"
    assert stages(registry, "acme") == stages(registry, "zeta") == ["name"]


def test_a_part_of_another_version_gets_no_privilege(install):
    code = """
        @hookimpl
        def nanobook_parsers():
            return [Capability(kind=Kind.PARSER, name="itch", target="math:sqrt", summary="s",
                               export="parse_itch")]
    """
    # The first distribution of a name on sys.path is the installed one.
    install("nanobook-itch", code, version="9.9")
    registry = discover()
    assert stages(registry, "nanobook-itch") == ["version"]
    assert "parse_itch" not in registry.exports
    plugin = next(p for p in registry.plugins if p.provider == "nanobook-itch")
    assert not plugin.first_party


@pytest.mark.parametrize(
    "policy",
    [
        {"block": frozenset({"Acme_Risk"})},
        {"allow": frozenset()},
        {"allow": frozenset({"other"})},
        {"pins": {"acme.risk": "1.1"}},
    ],
)
def test_the_policy_acts_before_anything_is_imported(install, risk_check, policy):
    module = install("acme-risk", risk_check())
    registry = discover(**policy)
    assert module not in sys.modules
    assert stages(registry, "acme-risk") == ["policy"]
    assert names(registry, "acme-risk") == []
    with pytest.raises(PolicyError, match="acme-risk"):
        discover(**{"require": frozenset({"acme-risk"}), **policy})


@pytest.mark.parametrize(
    "policy",
    [
        {"allow": frozenset({"acme_risk"})},
        {"pins": {"acme-risk": "1.0"}},
        {"require": frozenset({"Acme-Risk"}), "strict": True},
    ],
)
def test_what_the_policy_allows_is_loaded(install, risk_check, policy):
    install("acme-risk", risk_check())
    assert names(discover(**policy), "acme-risk") == ["late_night"]


def test_a_required_plugin_that_is_absent_is_an_error():
    with pytest.raises(PolicyError, match=r"acme-absent \(no plugin of that name is installed\)"):
        discover(require=frozenset({"acme-absent"}))


def test_an_unknown_name_says_what_is_installed():
    with pytest.raises(CapabilityNotFoundError, match=r"installed: .*doctor"):
        discover().get("command", "no_such_command")
    with pytest.raises(ValueError, match="no_such_kind"):
        discover().get("no_such_kind", "x")


def test_a_target_that_is_missing_fails_when_it_is_used(install):
    code = """
        @hookimpl
        def nanobook_risk_checks():
            return [
                Capability(kind=Kind.RISK_CHECK, name=name, target=target, summary="s")
                for name, target in (("gone", "no_such_module:X"), ("empty", "decimal:Nothing"),
                                     ("number", "math:pi"), ("liar", "collections:OrderedDict"))
            ]
    """
    install("acme", code)
    registry = discover()
    for name in ("gone", "empty", "number", "liar"):
        with pytest.raises(PluginError, match="acme"):
            registry.create("risk_check", name)


def test_create_calls_the_factory_and_lets_its_errors_through(install):
    module = install(
        "acme",
        """
        class Check:
            def __init__(self, limit):
                if limit < 0:
                    raise ValueError("limit must not be negative")
                self.limit = limit
            def evaluate(self, request):
                return ()
        @hookimpl
        def nanobook_risk_checks():
            return [Capability(kind="risk_check", name="mine", target="acme_plugin:Check",
                               summary="s")]
        """,
    )
    assert module == "acme_plugin"
    registry = discover()
    assert registry.create("risk_check", "mine", limit=3).limit == 3
    with pytest.raises(ValueError, match="must not be negative"):
        registry.create("risk_check", "mine", limit=-1)


@pytest.mark.parametrize(
    "fields",
    [
        {"kind": "no_such_kind"},
        {"name": "Upper"},
        {"name": "1st"},
        {"target": "module.attribute"},
        {"target": "module:attribute; import os"},
        {"summary": ""},
        {"summary": "two\nlines"},
        {"summary": "x" * 81},
        {"summary": "\x1b[2K gone"},
        {"summary": "two\u2028lines"},
        {"contract": "1"},
    ],
)
def test_a_capability_that_is_badly_formed_cannot_be_made(fields):
    good = {"kind": "broker", "name": "x", "target": "a.b:c.d", "summary": "s"}
    Capability(**good)
    with pytest.raises((ValueError, TypeError)):
        Capability(**{**good, **fields})


def test_every_kind_has_a_hook():
    from nanobook_core.plugin import hookspecs

    declared = {name for name in vars(hookspecs) if name.startswith("nanobook_")}
    assert declared == {f"nanobook_{kind}s" for kind in Kind}
