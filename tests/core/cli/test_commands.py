import json
import os
import subprocess
import sys

import pytest

import nanobook
from nanobook_core.plugin.registry import default_registry
from nanobook_core.testing import CommandSuite

COMMANDS = sorted(name.removeprefix("command_") for name in nanobook.capabilities("command"))


def run(*args, check=0, **variables):
    done = subprocess.run(
        [sys.executable, "-m", "nanobook", *args],
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        check=False,
    )
    assert done.returncode == check, done.stdout + done.stderr
    return done


class TestEveryCommand(CommandSuite):
    @pytest.fixture(params=COMMANDS)
    def command(self, request):
        return default_registry().load("command", request.param)


def test_help_lists_every_command_without_importing_one():
    listed = run("--help").stdout
    for name in COMMANDS:
        assert f"  {name.replace('_', '-')} " in listed
    code = (
        "import sys\n"
        "from nanobook_core.cli.main import nanobook\n"
        "nanobook.main(['--help'], standalone_mode=False)\n"
        "print([m for m in ('numpy', 'nanobook.demo', 'nanobook_core.cli.doctor') "
        "if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


def test_version():
    assert run("--version").stdout == "nanobook, version 0.1.0\n"


def test_without_a_command_it_shows_help_and_fails():
    assert "Commands:" in run(check=2).stderr


def test_capabilities_are_those_of_the_function():
    assert json.loads(run("capabilities", "--json").stdout) == nanobook.capabilities()
    table = run("capabilities").stdout.splitlines()
    assert [line.split()[0] for line in table[1:]] == nanobook.capabilities()


def test_capabilities_of_one_kind():
    shown = json.loads(run("capabilities", "--kind", "command", "--json").stdout)
    assert shown == nanobook.capabilities("command")
    assert "'nonsense' is not one of" in run("capabilities", "--kind", "nonsense", check=2).stderr


def test_plugins_tells_of_every_part():
    report = json.loads(run("plugins", "--json").stdout)
    assert {p["provider"]: p["version"] for p in report["plugins"]}["nanobook-core"] == "0.1.0"
    assert report["problems"] == []
    assert len(run("plugins").stdout.splitlines()) == 1 + len(report["plugins"])


def test_a_refused_plugin_is_listed_and_is_no_error():
    done = run("plugins", "--json", NANOBOOK_BLOCK="nanobook-ibkr")
    report = json.loads(done.stdout)
    assert report["problems"] == [
        {"provider": "nanobook-ibkr", "stage": "policy", "detail": "blocked by policy"}
    ]
    assert done.stderr == ""
    assert "refused" in run("plugins", NANOBOOK_BLOCK="nanobook-ibkr").stdout


def test_a_broken_plugin_is_reported_with_exit_code_1(tmp_path):
    info = tmp_path / "broken-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: broken\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[nanobook]\nmain = broken_plugin\n")
    (tmp_path / "broken_plugin.py").write_text("raise RuntimeError('boom')\n")
    here = {"PYTHONPATH": str(tmp_path)}
    done = run("plugins", "--json", check=1, **here)
    assert json.loads(done.stdout)["problems"] == [
        {"provider": "broken", "stage": "load", "detail": "RuntimeError: boom"}
    ]
    assert done.stderr == "warning: broken (load): RuntimeError: boom\n"
    assert run("capabilities", "--json", **here).stdout == run("capabilities", "--json").stdout
    assert "RuntimeError: boom" in run("doctor", check=1, **here).stdout


PLUGIN = """
from nanobook_core import Capability, hookimpl
@hookimpl
def nanobook_commands():
    return [
        Capability(kind="command", name=name, target=f"acme:{name}", summary="acme's own")
        for name in ("doctor", "returns", "duck")
    ]
"""
COMMANDS_OF_ACME = """
import click
@click.command()
def returns():
    return 7
class duck:
    name = "duck"
    def main(self): ...
"""


@pytest.fixture
def acme(tmp_path):
    info = tmp_path / "acme-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: acme\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[nanobook]\nmain = acme_plugin\n")
    (tmp_path / "acme_plugin.py").write_text(PLUGIN)
    (tmp_path / "acme.py").write_text(COMMANDS_OF_ACME)
    return {"PYTHONPATH": str(tmp_path)}


def test_a_third_party_does_not_speak_for_our_commands(acme):
    shown = run("--help", **acme).stdout
    assert "check this installation" in shown
    assert shown.count("acme's own") == 2
    table = run("capabilities", "--kind", "command", **acme).stdout.splitlines()
    doctor = next(line.split() for line in table if line.startswith("command_doctor"))
    assert doctor[2] == "nanobook-core"


def test_what_a_command_returns_is_no_exit_code(acme):
    run("returns", check=0, **acme)


def test_what_is_no_click_command_is_an_error_that_says_so(acme):
    done = run("duck", check=1, **acme)
    assert "which is not a click.Command" in done.stderr
    assert "Traceback" not in done.stderr


def test_capabilities_names_the_implementation_that_is_used():
    kernel = nanobook.registry().get("kernel", "schedule_to_dense")
    table = run("capabilities", "--kind", "kernel").stdout
    assert kernel.provider in table
    assert kernel.summary in table


def test_doctor_finds_a_part_that_does_not_load(tmp_path):
    (tmp_path / "matplotlib.py").write_text("raise ImportError('damaged')\n")
    done = run("doctor", check=1, PYTHONPATH=str(tmp_path))
    assert "plot_equity: ImportError: damaged" in done.stdout


def test_an_unmet_policy_stops_commands_but_not_the_doctor():
    policy = {"NANOBOOK_REQUIRE": "acme-absent"}
    refused = run("capabilities", check=1, **policy)
    assert (
        "Error: required plugins did not load: acme-absent (no plugin of that name is installed)"
        in refused.stderr
    )
    findings = json.loads(run("doctor", "--json", check=1, **policy).stdout)
    errors = [finding["detail"] for finding in findings if finding["level"] == "error"]
    assert errors == [
        "required plugins did not load: acme-absent (no plugin of that name is installed)"
    ]
    assert {"level": "note", "about": "NANOBOOK_REQUIRE", "detail": "'acme-absent'"} in findings


def test_doctor_finds_this_installation_sound():
    findings = json.loads(run("doctor", "--json").stdout)
    assert {finding["level"] for finding in findings} <= {"ok", "note", "warning"}
    about = {finding["about"] for finding in findings}
    assert {"python", "version", "numpy", "nanobook", "compiled"} <= about


@pytest.mark.parametrize(
    ("distributions", "about", "detail"),
    [
        ({"ib_insync": "0.9.86", "ib_async": "2.1.0"}, "ib_insync and ib_async", "overwrite"),
        ({"eventkit": "1.0.3", "aeventkit": "2.1.0"}, "eventkit and aeventkit", "overwrite"),
        ({"nanobook_risk": "0.9"}, "nanobook-risk", "parts move in lockstep"),
        ({"nanobook": "0.19.2"}, "nanobook", "its files are also those of nanobook"),
    ],
)
def test_doctor_finds_what_endangers_an_installation(tmp_path, distributions, about, detail):
    for name, version in distributions.items():
        info = tmp_path / f"{name}-{version}.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
        (info / "top_level.txt").write_text(f"{name}\n")
    findings = json.loads(run("doctor", "--json", check=1, PYTHONPATH=str(tmp_path)).stdout)
    errors = {f["about"]: f["detail"] for f in findings if f["level"] == "error"}
    assert detail in errors[about]


def test_doctor_says_how_to_get_what_is_not_compiled():
    findings = json.loads(run("doctor", "--json", NANOBOOK_BLOCK="nanobook-native").stdout)
    assert {
        "level": "warning",
        "about": "compiled",
        "detail": "nothing: nanobook-native is absent or refused",
    } in findings


def test_an_unknown_command_is_a_usage_error():
    assert "No such command 'nonsense'" in run("nonsense", check=2).stderr


def test_a_reader_that_stops_reading_is_no_error():
    code = f"{sys.executable} -m nanobook plugins --json | head -c 1"
    done = subprocess.run(["bash", "-c", code], capture_output=True, text=True, check=False)
    assert done.stderr == ""


def test_ctrl_c_ends_with_130_and_no_traceback(tmp_path):
    info = tmp_path / "sleeper-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: sleeper\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[nanobook]\nmain = sleeper_plugin\n")
    (tmp_path / "sleeper_plugin.py").write_text(
        "from nanobook_core import Capability, hookimpl\n"
        "@hookimpl\n"
        "def nanobook_commands():\n"
        "    return [Capability(kind='command', name='sleep', target='sleeper:sleep',"
        " summary='s')]\n"
    )
    (tmp_path / "sleeper.py").write_text(
        "import time, click\n"
        "@click.command()\n"
        "def sleep():\n"
        "    click.echo('asleep')\n"
        "    time.sleep(30)\n"
    )
    # A process that a shell started in the background ignores interrupts, and so do its children.
    code = (
        "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "from nanobook_core.cli.main import main; main()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code, "sleep"],
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout.readline() == "asleep\n"
        process.send_signal(2)
        _, errors = process.communicate(timeout=20)
    assert process.returncode == 130
    assert errors.strip() == "Interrupted."
