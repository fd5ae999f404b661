"""`python -m nanobook_binance.simulator` as a person or a script runs it."""

import json
import os
import re
import signal
import stat
import subprocess
import sys
from contextlib import contextmanager
from decimal import Decimal

import pytest
import requests
from attrs import frozen
from click.testing import CliRunner
from tests.binance.rest_client import GIVE_UP_SECONDS, RestClient
from tests.simulator_command import set_quotes, started

from nanobook_binance.simulator import SimulatedBinance
from nanobook_binance.simulator.command import _where, simulator

MODULE = "nanobook_binance.simulator"
HEADER = "symbol,bid,ask\n"


@frozen
class At:
    """A venue of another process, as much of it as a client needs."""

    url: str
    api_key: str
    secret_key: str

    def call(self, _):
        """The time there."""
        return requests.get(f"{self.url}/api/v3/time", timeout=GIVE_UP_SECONDS).json()["serverTime"]


def at(said, account="default"):
    return At(said["url"], **said["accounts"][account])


def ended(*options, cwd=None):
    """The command, which is to end by itself."""
    return subprocess.run(
        [sys.executable, "-m", MODULE, *map(str, options)],
        capture_output=True,
        text=True,
        timeout=GIVE_UP_SECONDS,
        check=False,
        cwd=cwd,
    )


def test_help_has_examples_and_exit_codes():
    result = CliRunner().invoke(simulator, ["--help"])
    assert result.exit_code == 0
    assert "python -m nanobook_binance.simulator --port 9000 --quotes quotes.csv\n" in result.output
    assert "Exit codes: 0 ended by Ctrl-C or SIGTERM, 1 error, 2 wrong usage." in result.output


INTERRUPT = """\
import signal
signal.signal(signal.SIGINT, signal.default_int_handler)
signal.raise_signal(signal.SIGINT)
"""


@pytest.mark.parametrize("needed", ["aiohttp", "click"])
def test_ctrl_c_while_it_starts_ends_it_in_a_line(tmp_path, needed):
    (tmp_path / f"{needed}.py").write_text(INTERRUPT)
    result = ended(cwd=tmp_path)
    assert (result.returncode, result.stdout, result.stderr) == (130, "", "Interrupted.\n")


def test_it_says_where_it_is_what_its_keys_are_and_what_to_type_next():
    binance = SimulatedBinance(port=8080)
    keys = {"default": ("KEY", "SECRET"), "bob": ("KEY2", "SECRET2")}
    assert _where(
        binance, keys, {"USDT": Decimal(100_000), "BTC": Decimal("0.5")}, as_json=False
    ) == (
        "Simulated Binance at http://127.0.0.1:8080, account default, bob with 100,000 USDT, 0.5 "
        "BTC. Its keys, good for nothing else:\n"
        "export BINANCE_API_KEY=KEY\n"
        "export BINANCE_SECRET_KEY=SECRET\n"
        "export BINANCE_API_KEY_bob=KEY2\n"
        "export BINANCE_SECRET_KEY_bob=SECRET2\n"
        "With them in the environment, trade on it with "
        "nanobook.BinanceBroker(base_url='http://127.0.0.1:8080'). Ctrl-C ends it."
    )


def test_it_warns_of_an_address_that_others_reach():
    binance = SimulatedBinance(host="0.0.0.0", port=8080)  # noqa: S104 - it is not started
    said = _where(binance, {}, {}, as_json=False)
    assert "Simulated Binance at http://127.0.0.1:8080, " in said
    assert said.endswith("Ctrl-C ends it. Whoever reaches this machine can trade on it.")


def test_people_read_the_address_first(tmp_path):
    with started(MODULE, cwd=tmp_path, as_json=False) as line:
        found = re.match(r"Simulated Binance at (http://127\.0\.0\.1:\d+), account default ", line)
        assert requests.get(f"{found[1]}/api/v3/ping", timeout=GIVE_UP_SECONDS).json() == {}


def test_each_run_has_keys_of_its_own_and_accounts_trade_with_each_other(tmp_path):
    options = (
        "--account",
        "alice",
        "--account",
        "bob",
        "--balance",
        "USDT=700",
        "--balance",
        "BTC=1",
    )
    with started(MODULE, *options, cwd=tmp_path) as said:
        assert said["balances"] == {"USDT": "700", "BTC": "1"}
        assert (said["api_key"], said["secret_key"]) == tuple(said["accounts"]["alice"].values())
        with RestClient(at(said, "alice")) as alice, RestClient(at(said, "bob")) as bob:
            assert alice.order("SELL", price="60000.01").json()["status"] == "NEW"
            assert bob.order(price="60000.01").json()["status"] == "FILLED"
            assert alice.order(quantity="1").json()["code"] == -2010
    with started(MODULE, *options, cwd=tmp_path) as again:
        assert again["api_key"] != said["api_key"]


def test_the_keys_are_for_the_shell_and_for_nobody_else(tmp_path):
    path = tmp_path / "keys"
    path.write_text("of another run")
    path.chmod(0o644)
    with started(MODULE, "--keys", path, cwd=tmp_path) as said:
        assert path.read_text() == (
            f"export BINANCE_API_KEY={said['api_key']}\n"
            f"export BINANCE_SECRET_KEY={said['secret_key']}\n"
        )
        assert os.name != "posix" or stat.S_IMODE(path.stat().st_mode) == 0o600


def test_the_market_is_what_the_file_says_and_follows_it(tmp_path):
    path = tmp_path / "quotes.csv"
    path.write_text(HEADER + "BTCUSDT,50000,50001\n")
    with started(MODULE, "--quotes", path, cwd=tmp_path) as said:
        url = f"{said['url']}/api/v3/ticker/bookTicker?symbol=BTCUSDT"

        def bid():
            return requests.get(url, timeout=GIVE_UP_SECONDS).json()["bidPrice"]

        assert bid() == "50000.00000000"
        set_quotes(path, HEADER + "BTCUSDT,40000,40001\n")
        while bid() != "40000.00000000":
            pass


def test_requests_are_written_down_without_keys(tmp_path):
    path = tmp_path / "log"
    with started(MODULE, "--log", path, cwd=tmp_path) as said, RestClient(at(said)) as client:
        client.order()
        entry = json.loads(path.read_text().splitlines()[-1])
    assert (entry["method"], entry["path"], entry["status"]) == ("POST", "/api/v3/order", 200)
    assert said["api_key"] not in path.read_text()


@contextmanager
def running():
    """The command as a process that a test ends."""
    process = subprocess.Popen(
        [sys.executable, "-m", MODULE, "--port", "0", "--json"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        json.loads(process.stdout.readline())
        yield process
    finally:
        process.kill()
        process.communicate()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_ends_cleanly_by_signals(number):
    with running() as process:
        process.send_signal(number)
        rest, errors = process.communicate(timeout=GIVE_UP_SECONDS)
        assert (process.returncode, rest, errors) == (0, "", "")


def test_a_port_that_is_taken_is_told():
    with SimulatedBinance() as binance:
        done = ended("--port", binance.port)
        assert done.returncode == 1
        assert done.stderr == (
            f"Error: 127.0.0.1:{binance.port} is in use: another simulator runs there, or another "
            "program. Give another --port, or 0 for any free one.\n"
        )


def test_keys_that_cannot_be_written_are_told(tmp_path):
    done = ended("--port", 0, "--keys", tmp_path / "no" / "keys")
    assert done.returncode == 1
    assert done.stderr.startswith("Error: cannot write the keys to ")


def test_a_log_that_cannot_be_written_is_told_by_its_name(tmp_path):
    path = tmp_path / "no" / "log"
    done = ended("--port", 0, "--log", path)
    assert done.returncode == 1
    assert done.stderr == f"Error: cannot write to {path}: No such file or directory\n"


def test_a_quotes_file_that_is_none_is_named_once_with_its_line(tmp_path):
    path = tmp_path / "quotes.csv"
    path.write_text(HEADER + "BTCUSDT,1,x\n")
    done = ended("--port", 0, "--quotes", path)
    assert done.returncode == 1
    assert done.stderr == f"Error: {path}, line 2: BTCUSDT: ask is a number, got 'x'\n"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--balance", "USDT"), "'USDT' is not such as USDT=100000"),
        (("--balance", "USDT="), "USDT is a number, got ''"),
        (("--balance", "usdt=5"), "'usdt=5' is not such as USDT=100000"),
        (("--balance", "=5"), "'=5' is not such as USDT=100000"),
        (("--balance", "USDT=1", "--balance", "USDT=2"), "USDT is given twice"),
        (
            ("--balance", "USDT=-1"),
            "USDT is 0 to 1,000,000,000,000,000 with eight decimals, got -1",
        ),
        (("--balance", "USDT=NaN"), "USDT is finite, got NaN"),
        (
            ("--balance", "USDT=0.000000001"),
            "USDT is 0 to 1,000,000,000,000,000 with eight decimals, got 0.000000001",
        ),
        (("--balance", "USDT=1e30"), "with eight decimals, got 1e30"),
        (("--account", "a b"), "an account is letters and digits, got 'a b'"),
        (("--account", "a", "--account", "a"), "a is given twice"),
        (("--port", "70000"), "70000 is not in the range"),
        (("--speed", "0"), "0.0 is not in the range"),
        (("--speed", "2"), "--speed goes with --feed"),
        (("--quotes", "nowhere.csv"), "does not exist"),
    ],
)
def test_wrong_usage_is_told_before_anything_starts(options, message):
    result = CliRunner().invoke(simulator, ["--port", "0", *options])
    assert result.exit_code == 2
    assert message in " ".join(result.output.replace("│", "").split())
