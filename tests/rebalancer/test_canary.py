"""No credential is in anything that the real command writes: audit log, output, logs, tracebacks.

It runs with a broker that tells its credentials whenever it says or raises anything.
"""

import datetime as dt
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from tests.rebalancer.acme_leaky.broker import SPELLINGS, Leaky

from nanobook_core.cli.main import run_command
from nanobook_core.contracts import Secret
from nanobook_rebalancer.command import rebalancer

PACKAGE = Path(__file__).with_name("acme_leaky")
COMMAND = "from nanobook_rebalancer.command import main; main()"

#: In each place that a credential may come from; odd characters are spelt in different ways.
CANARIES = {
    "env": "canary-env-7Qx/+&é",
    "file": "canary-file-9Zk\"'\\",
    "keyring": "canary-keyring-3Lp?=",
    "nested": "canary-nested-5Wt%20",
}
ACCOUNT = "DU7654321"
SIGNATURE = "0a1b2c3d4e5f6071"

CONFIG = f"""
[account]
id = "{ACCOUNT}"
type = "margin"
[execution]
order_timeout_secs = 1
[broker]
name = "leaky"
account_id = "{ACCOUNT}"
quotes = "quotes.csv"
fails = "FAILS"
api_key = "env:CANARY"
secret_key = "file:secret.txt"
passphrase = "keyring:acme/leaky"
options = {{ password = "env:NESTED_CANARY" }}
[plugins]
allow = ["acme-leaky"]
"""


@pytest.fixture
def folder(tmp_path):
    """An empty account with a target, and the plugin installed beside."""
    site = tmp_path / "site"
    shutil.copytree(PACKAGE, site / "acme_leaky", ignore=shutil.ignore_patterns("__pycache__"))
    info = site / "acme_leaky-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: acme-leaky\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[nanobook]\nleaky = acme_leaky\n")
    (site / "keyring.py").write_text(
        f"def get_password(service, name):\n    return {CANARIES['keyring']!r}\n"
    )
    (tmp_path / "secret.txt").write_text(CANARIES["file"] + "\n")
    (tmp_path / "secret.txt").chmod(0o600)
    (tmp_path / "quotes.csv").write_text("symbol,bid,ask\nAAPL,99.95,100.05\n")
    target = {
        "timestamp": dt.datetime.now(dt.UTC).isoformat(),
        "targets": [{"symbol": "AAPL", "weight": 0.05}],
    }
    (tmp_path / "target.json").write_text(json.dumps(target))
    return tmp_path


def run(folder, *args, fails="nowhere"):
    """The command's exit code, and all that it has written."""
    (folder / "config.toml").write_text(CONFIG.replace("FAILS", fails))
    (folder / "config.toml").chmod(0o600)
    environment = {
        **os.environ,
        "PYTHONPATH": str(folder / "site"),
        "CANARY": CANARIES["env"],
        "NESTED_CANARY": CANARIES["nested"],
    }
    done = subprocess.run(
        [sys.executable, "-c", COMMAND, *args],
        cwd=folder,
        env=environment,
        input="y\n",
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    written = [path.read_text() for path in sorted(folder.glob("logs/*"))]
    return done.returncode, "\n".join([done.stdout, done.stderr, *written])


def leaks(written):
    """Which canaries are there, in any spelling."""
    # By what a run is taken up it is told, so that stays: see docs/audit.md.
    written = re.sub(r'"exec_id":"[^"]*"', "", written)
    spelt = {spell(value) for value in CANARIES.values() for spell in SPELLINGS}
    # Not even the part of one that gives away the rest.
    parts = {value[:13] for value in CANARIES.values()}
    return sorted(each for each in spelt | parts | {ACCOUNT, SIGNATURE} if each in written)


def test_without_the_command_the_broker_tells_everything():
    secrets = [Secret(value) for value in CANARIES.values()]
    names = ("api_key", "secret_key", "passphrase")
    broker = Leaky(
        fails="nowhere",
        account_id=ACCOUNT,
        options={"password": secrets[-1]},
        **dict(zip(names, secrets, strict=False)),
    )
    assert len(leaks(broker.text())) >= 4 * len(SPELLINGS)
    assert {ACCOUNT, SIGNATURE, "canary-env-7Q", "canary-file-9"} <= set(leaks(broker.text()))


def check(folder, args, fails, code):
    found, written = run(folder, *args, fails=fails)
    assert leaks(written) == []
    assert "refused https://api.example/order?***" in written  # it has tried
    assert found == code, written
    return written


RUN = ("run", "target.json", "--force")


def test_a_run_that_succeeds_tells_nothing(folder):
    written = check(folder, RUN, "nowhere", 0)
    assert '"account":"***321"' in written
    assert '"event":"run_completed"' in written
    assert '"status":"done"' in written
    assert re.search(r'{"hash":"[0-9a-f]{64}","provider":"acme-leaky","version":"1.0"}', written)
    for part in ("core", "rebalancer", "risk"):
        assert f'"provider":"nanobook-{part}"' in written


@pytest.mark.parametrize(("fails", "code"), [("factory", 2), ("connect", 1), ("account", 1)])
def test_a_run_that_fails_tells_nothing(folder, fails, code):
    check(folder, RUN, fails, code)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("args", "fails", "code"),
    [
        (RUN, "positions", 1),
        (RUN, "quote", 1),
        (RUN, "rejected", 3),
        (RUN, "unknown", 4),
        (RUN, "bug", 4),
        (("run", "target.json"), "nowhere", 0),
        (("run", "target.json", "--dry-run"), "nowhere", 0),
        (("run", "target.json", "--force", "--json"), "nowhere", 0),
        (("run", "target.json", "--force", "--json"), "rejected", 3),
        (("status",), "nowhere", 0),
        (("status",), "account", 1),
        (("positions",), "nowhere", 0),
        (("positions",), "positions", 1),
        (("reconcile", "target.json"), "nowhere", 0),
        (("reconcile", "target.json"), "quote", 1),
        (("recover",), "nowhere", 0),
        (("kill",), "nowhere", 0),
        (("kill",), "factory", 2),
        (("kill",), "connect", 1),
    ],
)
def test_no_command_tells_anything(folder, args, fails, code):
    check(folder, args, fails, code)


@pytest.mark.parametrize(
    "line",
    [
        'api_key = "canary-in-the-config"',
        'api_key = ["canary-in-the-config"]',
        'options = { password = "canary-in-the-config" }',
        'passphrase = "canary-in-the-config:x"',
        'api_key = "env:CANARY_THAT_IS_NOT_THERE"',
        'api_key = "file:not-there.txt"',
    ],
)
def test_a_credential_in_the_config_is_refused_and_not_repeated(
    line, tmp_path, monkeypatch, capsys
):
    monkeypatch.chdir(tmp_path)
    key = line.split()[0]
    Path("config.toml").write_text(f'[broker]\nname = "leaky"\n{line}\n')
    assert run_command(rebalancer, "rebalancer", RUN) == 2
    out, err = capsys.readouterr()
    assert "canary-in" not in out + err
    assert err.startswith(f"Error: config.toml: broker.{key}")
    assert [path.name for path in tmp_path.iterdir()] == ["config.toml"]


@pytest.mark.parametrize("argument", ["--api-key=canary-argument", "--secret_key=canary-argument"])
def test_a_credential_as_an_argument_is_refused_and_not_repeated(
    argument, tmp_path, monkeypatch, capsys
):
    monkeypatch.chdir(tmp_path)
    assert run_command(rebalancer, "rebalancer", (*RUN, argument)) == 2
    out, err = capsys.readouterr()
    assert "canary-argument" not in out + err
    assert "No such option" in err
    assert list(tmp_path.iterdir()) == []


# Plugins that are installed and not named.


def test_a_plugin_that_is_not_named_is_not_imported(folder):
    marker = folder / "imported"
    (folder / "site" / "acme_leaky" / "__init__.py").write_text(
        f"open({str(marker)!r}, 'w').close()\n"
    )
    config = CONFIG.replace('allow = ["acme-leaky"]', "allow = []").replace("FAILS", "nowhere")
    (folder / "narrow.toml").write_text(config)
    code, written = run(folder, "--config", "narrow.toml", *RUN)
    assert code == 2
    assert "leaky" in written
    assert not marker.exists()
