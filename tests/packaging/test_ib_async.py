"""The adapter with the other library, in an environment of its own; and what both in one come to.

Everything else here runs with ib_insync, which the extra `ibkr` brings.
"""

import json
import re

import pytest

pytestmark = pytest.mark.packaging

#: Tests of the adapter and its simulator that pass with ib_async, at least.
PASSED = 2400
PARTS = (
    "nanobook-native",
    "nanobook-costs",
    "nanobook-fills",
    "nanobook-risk",
    "nanobook-rebalancer",
)


@pytest.fixture(scope="module")
def make_ibkr_venv(make_venv, wheels, checkout):
    """Make an environment with our parts and libraries for Interactive Brokers."""
    constraints = checkout / "constraints.txt"

    def make(extra, *more):
        venv = make_venv()
        venv.install(
            *("--constraint", constraints),
            f"nanobook-core[testing] @ {wheels['nanobook-core'].as_uri()}",
            f"nanobook-ibkr[{extra}] @ {wheels['nanobook-ibkr'].as_uri()}",
            *(wheels[part] for part in PARTS),
            *more,
        )
        return venv

    return make


def installed(venv):
    """Libraries for Interactive Brokers, and what they bring under one name."""
    names = (
        "from importlib.metadata import distributions\n"
        "print(*(each.name.replace('-', '_') for each in distributions()))"
    )
    return set(venv.python(names).split()) & {"ib_insync", "ib_async", "eventkit", "aeventkit"}


def test_the_adapters_tests_pass_with_ib_async(make_ibkr_venv, checkout):
    venv = make_ibkr_venv("ib_async", "pytest-socket")
    assert installed(venv) == {"ib_async", "aeventkit"}
    ran = venv.run("python", "-m", "pytest", "-q", "tests/ibkr", cwd=checkout, timeout=1800)
    found = re.search(r"^(\d+) passed", ran.stdout, re.MULTILINE)
    assert found is not None, ran.stdout
    assert int(found[1]) >= PASSED


def test_doctor_tells_that_both_libraries_are_installed(make_ibkr_venv):
    venv = make_ibkr_venv("ib_insync")
    assert installed(venv) == {"ib_insync", "eventkit"}
    assert rivals(venv, status=0) == []
    venv.install("ib_async")
    assert installed(venv) == {"ib_insync", "ib_async", "eventkit", "aeventkit"}
    told = "bring files that overwrite each other's; uninstall both, then install one: "
    assert rivals(venv, status=1) == [
        (
            "ib_insync and ib_async",
            (
                f"{told}python3 -m pip uninstall ib_insync ib_async; "
                "python3 -m pip install --force-reinstall ib_async"
            ),
        ),
        (
            "eventkit and aeventkit",
            (
                f"{told}python3 -m pip uninstall eventkit aeventkit; "
                "python3 -m pip install --force-reinstall ib_async"
            ),
        ),
    ]
    venv.uninstall("ib_insync", "eventkit")
    assert rivals(venv, status=1) == [
        (
            "ib_async",
            (
                "cannot be imported: its package eventkit is gone; "
                "python3 -m pip install --force-reinstall ib_async brings it back"
            ),
        )
    ]
    venv.uninstall("ib_async", "aeventkit")
    shown = json.loads(venv.run("nanobook", "doctor", "--json").stdout)
    (missing,) = [each for each in shown if each["about"] == "nanobook-ibkr"]
    assert missing == {
        "level": "warning",
        "about": "nanobook-ibkr",
        "detail": "IbkrBroker cannot connect without ib_insync or ib_async; "
        "python3 -m pip install ib_async adds one",
    }


def rivals(venv, *, status):
    """What doctor says is wrong."""
    shown = venv.run("nanobook", "doctor", "--json", status=status).stdout
    return [
        (each["about"], each["detail"]) for each in json.loads(shown) if each["level"] == "error"
    ]
