"""A distribution that is not ours: found, refused by policy, and broken in every way we know."""

import json
import zipfile

import pytest

pytestmark = pytest.mark.packaging

#: Prints what a user's process sees.
LOOK = """
import json, sys, nanobook
names = nanobook.capabilities()
print(json.dumps({"names": names, "imported": [m for m in sys.modules if m.startswith("acme")]}))
"""


@pytest.fixture(scope="module")
def sample(checkout):
    return checkout / "tests" / "sample_plugin" / "acme_risk"


@pytest.fixture(scope="module")
def install_ours_and_the_sample(make_venv, wheels, sample):
    def install(*more):
        venv = make_venv()
        core = f"nanobook-core[testing] @ {wheels['nanobook-core'].as_uri()}"
        venv.install(core, wheels["nanobook-costs"], sample, *more)
        return venv

    return install


@pytest.fixture(scope="module")
def venv(install_ours_and_the_sample):
    return install_ours_and_the_sample()


def look(venv, **variables):
    return json.loads(venv.python(LOOK, **variables))


def problems(venv, *, status, **variables):
    shown = venv.run("nanobook", "plugins", "--json", status=status, **variables)
    return {
        (problem["provider"], problem["stage"]): problem["detail"]
        for problem in json.loads(shown.stdout)["problems"]
    }


def test_its_own_suite_passes_beside_ours(venv, sample):
    ran = venv.run("python", "-m", "pytest", "-q", "-p", "no:cacheprovider", cwd=sample)
    assert " passed" in ran.stdout
    assert "skipped" not in ran.stdout


def test_it_is_listed_and_can_be_used(venv):
    listed = venv.run("nanobook", "capabilities", "--json").stdout
    assert "risk_check_restricted_list" in json.loads(listed)
    shown = venv.run("nanobook", "capabilities", "--kind", "risk_check").stdout
    assert "acme-risk" in shown
    made = venv.python(
        "import nanobook\n"
        "print(nanobook.registry().create('risk_check', 'restricted_list', symbols=['XYZ']))"
    )
    assert made == "RestrictedList(symbols=frozenset({'XYZ'}))\n"
    assert problems(venv, status=0) == {}


@pytest.mark.parametrize(
    ("variables", "reason"),
    [
        ({"NANOBOOK_BLOCK": "acme-risk"}, "blocked by policy"),
        ({"NANOBOOK_BLOCK": "Acme_Risk"}, "blocked by policy"),
        ({"NANOBOOK_PLUGINS": ""}, "not on the allow list"),
        ({"NANOBOOK_PLUGINS": "acme-costs"}, "not on the allow list"),
        ({"NANOBOOK_PINS": "acme-risk==9.9"}, "pinned to 9.9, found 1.2.0"),
    ],
)
def test_what_the_policy_refuses_is_never_imported(venv, variables, reason):
    everything = look(venv)
    assert everything["imported"] == ["acme_risk", "acme_risk.plugin"]
    rest = [name for name in everything["names"] if name != "risk_check_restricted_list"]
    assert look(venv, **variables) == {"names": rest, "imported": []}
    assert problems(venv, status=0, **variables) == {("acme-risk", "policy"): reason}
    required = {**variables, "NANOBOOK_REQUIRE": "acme-risk"}
    assert "acme-risk" in venv.run("nanobook", "plugins", status=1, **required).stderr


@pytest.mark.parametrize(
    "variables",
    [
        {"NANOBOOK_PLUGINS": "acme-risk"},
        {"NANOBOOK_PINS": "acme-risk==1.2.0"},
        {"NANOBOOK_REQUIRE": "acme-risk,nanobook-costs", "NANOBOOK_STRICT": "1"},
    ],
)
def test_what_the_policy_wants_is_there(venv, variables):
    assert "risk_check_restricted_list" in look(venv, **variables)["names"]


def test_a_required_plugin_that_is_absent_stops_everything(venv):
    refused = venv.run("nanobook", "plugins", status=1, NANOBOOK_REQUIRE="acme-limits")
    assert (
        "required plugins did not load: acme-limits (no plugin of that name is installed)"
        in refused.stderr
    )


def offering(kind, name, target="decimal:Decimal", **claims):
    """Code of a hook that offers one capability."""
    fields = {"kind": kind, "name": name, "target": target, "summary": "a plugin", **claims}
    return f"@hookimpl\ndef nanobook_{kind}s():\n    return [Capability(**{fields})]\n"


#: Distribution: its plugin module, and the stage and detail of the problem that is reported.
REPORTED = {
    "acme-absent": ("import no_such_module", "load", "ModuleNotFoundError: No module named"),
    "acme-exit": ("import sys; sys.exit(3)", "load", "SystemExit: 3"),
    "acme-typo": (
        offering("risk_check", "typo").replace("risk_checks", "risk_cheks"),
        "load",
        "nanobook_risk_cheks",
    ),
    "acme-raise": (
        "@hookimpl\ndef nanobook_risk_checks():\n    raise OSError('no licence found')",
        "load",
        "OSError: no licence found",
    ),
    "acme-words": (
        "@hookimpl\ndef nanobook_risk_checks():\n    return ['late_night']",
        "offer",
        "gave 'late_night' (str), which is not a Capability",
    ),
    "acme-kind": (
        offering("cost_model", "kind").replace("cost_models", "risk_checks"),
        "offer",
        "nanobook_risk_checks gave 'kind' of kind cost_model",
    ),
    "acme-future": (
        offering("risk_check", "future", contract=9) + offering("cost_model", "present"),
        "contract",
        "risk_check 'future' has contract 9, this core speaks 1",
    ),
    "acme-costs": (
        offering("cost_model", "bps", export="Ours", feature="optimize_cdar", priority=99),
        "name",
        "ask for it as 'acme-costs:bps'",
    ),
    "acme-twin-a": (offering("risk_check", "twin"), "name", "also offered by acme-twin-b"),
    "acme-twin-b": (offering("risk_check", "twin"), "name", "also offered by acme-twin-a"),
    "acme-slow": (
        "import time\ntime.sleep(0.6)\n" + offering("risk_check", "slow"),
        "slow",
        "0.5 s is allowed",
    ),
}

#: Distribution: its plugin module, which lists well, and what is said when its offer is used.
FOUND_WHEN_USED = {
    "acme-nowhere": (
        offering("risk_check", "nowhere", "acme_nowhere:Missing"),
        "acme-nowhere: risk_check 'nowhere' cannot be imported from acme_nowhere:Missing",
    ),
    "acme-empty": (
        offering("risk_check", "empty", "decimal:Decimal"),
        "acme-empty: risk_check 'empty' gave Decimal('0') (Decimal), which is not a RiskCheck",
    ),
}

#: Flat names that these plugins add all the same. `cost_model_bps` is not among them: it was there.
SOUND_OFFERS = {
    "cost_model_present",
    "risk_check_empty",
    "risk_check_nowhere",
    "risk_check_slow",
    "risk_check_twin",
}


def write_wheel(folder, distribution, code):
    module = distribution.replace("-", "_")
    info = f"{module}-1.0.dist-info"
    files = {
        f"{module}.py": f"from nanobook_core import Capability, hookimpl\n{code}\n",
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {distribution}\nVersion: 1.0\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        f"{info}/entry_points.txt": f"[nanobook]\nmain = {module}\n",
    }
    files[f"{info}/RECORD"] = "".join(f"{name},,\n" for name in [*files, f"{info}/RECORD"])
    wheel = folder / f"{module}-1.0-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return wheel


@pytest.fixture(scope="module")
def broken(install_ours_and_the_sample, tmp_path_factory):
    """Ours and the sample, with every broken plugin beside them."""
    folder = tmp_path_factory.mktemp("broken")
    modules = {name: row[0] for name, row in {**REPORTED, **FOUND_WHEN_USED}.items()}
    return install_ours_and_the_sample(
        *(write_wheel(folder, name, code) for name, code in modules.items())
    )


def test_each_broken_plugin_is_reported_with_its_stage_and_nothing_else_is(broken):
    found = problems(broken, status=1)
    assert set(found) == {(name, stage) for name, (_, stage, _) in REPORTED.items()}
    for name, (_, stage, detail) in REPORTED.items():
        assert detail in found[name, stage]


def test_everything_sound_is_still_there_in_its_order(venv, broken):
    names = look(broken)["names"]
    before = look(venv)["names"]
    assert set(names) == set(before) | SOUND_OFFERS
    assert [name for name in names if name in before] == before


def test_the_sample_and_our_own_commands_work_beside_them(broken):
    assert "risk_check_restricted_list" in broken.run("nanobook", "capabilities").stdout
    broken.python(
        "import nanobook\n"
        "made = nanobook.registry().create('risk_check', 'restricted_list', symbols=['XYZ'])\n"
        "assert type(made).__name__ == 'RestrictedList'\n"
        "assert nanobook.registry().load('cost_model', 'bps').__module__.startswith('nanobook')\n"
    )


def test_a_bare_name_is_ours_and_the_qualified_one_reaches_the_namesake(broken):
    providers = broken.python(
        "import nanobook\n"
        "for name in ('bps', 'nanobook-costs:bps', 'acme-costs:bps'):\n"
        "    print(nanobook.registry().get('cost_model', name).provider)\n"
    )
    assert providers.split() == ["nanobook-costs", "nanobook-costs", "acme-costs"]


def test_privileges_that_a_third_party_claims_are_ignored(broken):
    offer = broken.python(
        "import nanobook\n"
        "offer = nanobook.registry().get('cost_model', 'acme-costs:bps')\n"
        "print(repr(offer.export), repr(offer.feature), offer.priority, hasattr(nanobook, 'Ours'))"
    )
    assert offer == "'' '' 0 False\n"


def test_two_third_parties_under_one_name_must_be_told_apart(broken):
    said = broken.python(
        "import nanobook\n"
        "try:\n"
        "    nanobook.registry().get('risk_check', 'twin')\n"
        "except nanobook.AmbiguousCapabilityError as error:\n"
        "    print(error)\n"
        "print(nanobook.registry().get('risk_check', 'acme-twin-b:twin').provider)\n"
    )
    assert said == (
        "risk_check 'twin' is offered by several; "
        "say which: acme-twin-a:twin, acme-twin-b:twin\nacme-twin-b\n"
    )


@pytest.mark.parametrize("name", FOUND_WHEN_USED)
def test_an_offer_that_lies_is_found_when_it_is_used_and_names_its_provider(broken, name):
    said = broken.python(
        "import nanobook\n"
        "try:\n"
        f"    nanobook.registry().create('risk_check', {name.removeprefix('acme-')!r})\n"
        "except nanobook.PluginError as error:\n"
        "    print(error)\n"
    )
    assert said.startswith(FOUND_WHEN_USED[name][1])


def test_strict_accepts_each_alone_only_where_nothing_but_time_is_wrong(broken):
    names = sorted({*REPORTED, *FOUND_WHEN_USED})
    outcome = broken.python(
        "import json, warnings\n"
        "from nanobook_core.errors import PluginError\n"
        "from nanobook_core.plugin import PluginPolicy, Registry\n"
        "warnings.simplefilter('ignore')\n"
        "def outcome(name):\n"
        "    try:\n"
        "        Registry.discover(PluginPolicy(allow={name}, strict=True))\n"
        "    except PluginError as error:\n"
        "        return str(error).partition(':')[0]\n"
        "    return 'accepted'\n"
        f"print(json.dumps({{name: outcome(name) for name in {names}}}))\n"
    )
    # One twin alone is unique, and whether an offer keeps its promise shows when it is used.
    fine = {"acme-slow", "acme-twin-a", "acme-twin-b", *FOUND_WHEN_USED}
    assert json.loads(outcome) == {
        name: "accepted" if name in fine else f"{name} ({REPORTED[name][1]})" for name in names
    }


@pytest.mark.parametrize(
    "variables",
    [{"NANOBOOK_STRICT": "1"}, {"NANOBOOK_REQUIRE": "acme-future"}],
)
def test_what_must_be_whole_stops_at_a_broken_plugin(broken, variables):
    refused = broken.run("python", "-c", LOOK, status=1, **variables)
    assert "nanobook_core.errors.P" in refused.stderr
    assert "acme-" in refused.stderr


def test_blocking_the_broken_ones_makes_the_installation_whole(broken):
    block = ",".join(REPORTED)
    assert set(problems(broken, status=0, NANOBOOK_BLOCK=block)) == {
        (name, "policy") for name in REPORTED
    }
    whole = look(broken, NANOBOOK_BLOCK=block, NANOBOOK_STRICT="1")
    assert "risk_check_restricted_list" in whole["names"]
    assert whole["imported"] == ["acme_empty", "acme_nowhere", "acme_risk", "acme_risk.plugin"]
