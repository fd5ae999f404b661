"""`python -m nanobook_ibkr.simulator` as a person or a script runs it."""

import json
import os
import signal
import subprocess
import sys
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path

import pytest
from click.testing import CliRunner
from tests.ibkr.order_client import OrderClient
from tests.ibkr.raw_client import RawClient, frame

from nanobook_ibkr.simulator import SimulatedGateway
from nanobook_ibkr.simulator.__main__ import _where, simulator

COMMAND = [sys.executable, "-m", "nanobook_ibkr.simulator"]
HEADER = "symbol,bid,ask\n"
GIVE_UP_SECONDS = 60
FRAMES = Path(__file__).parents[1] / "data" / "ibkr" / "client_frames.json"


@contextmanager
def running(*options):
    """The command as a process of its own."""
    process = subprocess.Popen(
        [*COMMAND, *map(str, options)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def ended(*options):
    """The command, which is to end by itself."""
    return subprocess.run(
        [*COMMAND, *map(str, options)],
        capture_output=True,
        text=True,
        timeout=GIVE_UP_SECONDS,
        check=False,
    )


class At:
    """Where a process listens, as its JSON says."""

    def __init__(self, process):
        self.said = json.loads(process.stdout.readline())
        self.port = self.said["port"]


def replace(path, text):
    """Write a file so that nobody reads half of it."""
    aside = path.with_suffix(".aside")
    aside.write_text(text)
    aside.replace(path)


def test_help_has_examples_and_exit_codes():
    result = CliRunner().invoke(simulator, ["--help"])
    assert result.exit_code == 0
    assert "python -m nanobook_ibkr.simulator --port 7497 --quotes quotes.csv\n" in result.output
    assert "Exit codes: 0 ended by Ctrl-C or SIGTERM, 1 error, 2 wrong usage." in result.output


def test_it_says_where_it_is_and_what_to_type_next():
    with running("--port", 0) as process:
        line = process.stdout.readline()
        port = int(line.split("127.0.0.1:")[1].split(",")[0])
        assert line == (
            f"Simulated TWS at 127.0.0.1:{port}, account DU1234567 with 1,000,000 USD. Connect to "
            f"it as to IB Gateway, such as IB().connect('127.0.0.1', {port}, clientId=1). Ctrl-C "
            "ends it.\n"
        )


def test_it_warns_of_an_address_that_others_reach():
    gateway = SimulatedGateway(host="0.0.0.0", port=4002)  # noqa: S104 - it is not started
    assert _where(gateway, ("DU1",), Decimal(5), as_json=False) == (
        "Simulated TWS at 0.0.0.0:4002, account DU1 with 5 USD. Connect to it as to IB Gateway, "
        "such as IB().connect('127.0.0.1', 4002, clientId=1). Ctrl-C ends it. Whoever reaches this "
        "machine can trade on it."
    )


def test_each_run_names_orders_and_executions_otherwise():
    named = []
    for _ in range(2):
        with running("--port", 0, "--json") as process, RawClient(At(process).port) as client:
            client.start(1, "v157..176")
            order = json.loads(FRAMES.read_text())["176"]["placeOrder market"]
            client.send(frame(order))
            execution = client.until("11")
            named.append((execution[14], execution[20]))
    (first_id, first_perm), (second_id, second_perm) = named
    assert first_id.split(".")[0] != second_id.split(".")[0]
    assert int(first_perm) < int(second_perm) or int(second_perm) < 1_010_000_000


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_ends_cleanly_by_signals(number):
    with running("--port", 0, "--json") as process, OrderClient(At(process)) as client:
        process.send_signal(number)
        rest, errors = process.communicate(timeout=GIVE_UP_SECONDS)
        assert (process.returncode, rest, errors) == (0, "", "")
        client.hear()
        assert client.is_closed


def test_json_accounts_and_cash():
    options = ("--account", "DU1", "--account", "DU2", "--cash", "250.50")
    with running("--port", 0, "--json", *options) as process:
        at = At(process)
        assert at.said == {
            "host": "127.0.0.1",
            "port": at.port,
            "accounts": ["DU1", "DU2"],
            "cash": "250.50",
        }
        with OrderClient(at) as client:
            client.say(62, 1, 7, "All", "TotalCashValue")
            told = [fields[3:6] for fields in client.hear() if fields[0] == "63"]
    assert told == [["DU1", "TotalCashValue", "250.50"], ["DU2", "TotalCashValue", "250.50"]]


def until_bid(client, price):
    """Read until the client is told a bid."""
    while (fields := client.receive())[:1] + fields[3:5] != ["1", "1", price]:
        pass


def test_the_market_is_what_the_file_says_and_follows_it(tmp_path):
    path = tmp_path / "quotes.csv"
    path.write_text(HEADER + "AAPL,150.00,150.02\n")
    with (
        running("--port", 0, "--json", "--quotes", path) as process,
        OrderClient(At(process)) as client,
    ):
        client.quotes(7)
        until_bid(client, "150")
        replace(path, HEADER + "AAPL,151.00,151.02\nMINE,3.00,3.02\n")
        until_bid(client, "151")
        replace(path, HEADER + "AAPL,152.00\n")
        complaint = process.stderr.readline()
        assert complaint.startswith("the quotes stay as they are: ")
        assert complaint.endswith("line 2: 2 values for 3 columns\n")
        replace(path, HEADER + "AAPL,153.00,153.02\n")
        until_bid(client, "153")


def test_delayed_and_read_only_and_the_log(tmp_path):
    log = tmp_path / "log.jsonl"
    options = ("--read-only", "--delayed", "--client-log", log)
    with (
        running("--port", 0, "--json", *options) as process,
        OrderClient(At(process)) as client,
    ):
        client.order(1, "BUY", 1, "1.00")
        client.quotes(7)
        assert [fields[3] for fields in client.hear()] == ["321", "354"]
    documents = [json.loads(line) for line in log.read_text().splitlines()]
    assert {"client": 1, "says": ["49", "1"]} in documents


def test_a_port_in_use():
    with SimulatedGateway() as gateway:
        result = ended("--port", gateway.port)
        with RawClient(gateway.port) as client:
            assert client.start(1) == 1
    assert (result.returncode, result.stdout) == (1, "")
    assert result.stderr == (
        f"Error: 127.0.0.1:{gateway.port} is in use: another simulator runs there, or TWS or IB "
        "Gateway itself. Give another --port, or 0 for any free one.\n"
    )


def test_an_address_of_another_machine():
    result = ended("--port", 0, "--host", "192.0.2.1")
    assert (result.returncode, result.stdout) == (1, "")
    assert result.stderr.startswith("Error: cannot listen on 192.0.2.1:0: ")


def test_a_file_that_has_no_quotes(tmp_path):
    path = tmp_path / "quotes.csv"
    path.write_text(HEADER + "AAPL,one,2\n")
    result = ended("--port", 0, "--quotes", path)
    assert (result.returncode, result.stdout) == (1, "")
    assert result.stderr == f"Error: {path}, line 2: AAPL: bid is a number, got 'one'\n"


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes with a name here")
def test_a_pipe_is_no_file_of_quotes(tmp_path):
    path = tmp_path / "quotes"
    os.mkfifo(path)
    result = ended("--port", 0, "--quotes", path)
    assert (result.returncode, result.stdout) == (1, "")
    assert result.stderr == f"Error: {path} is a pipe; give a file, which is read again\n"


@pytest.mark.skipif(sys.platform != "linux", reason="no limits for other processes here")
def test_a_machine_without_room_for_a_socket_is_waited_for():
    import resource

    with running("--port", 0, "--json") as process:
        at = At(process)
        most = resource.prlimit(process.pid, resource.RLIMIT_NOFILE)
        used = [int(path.name) for path in Path(f"/proc/{process.pid}/fd").iterdir()]
        resource.prlimit(process.pid, resource.RLIMIT_NOFILE, (max(used) + 1, most[1]))
        with RawClient(at.port) as client:
            assert "no connection can be accepted for a moment" in process.stderr.readline()
            resource.prlimit(process.pid, resource.RLIMIT_NOFILE, most)
            assert client.start(1) == 1


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--quotes", "no-such-file.csv"], "File 'no-such-file.csv' does not exist."),
        (["--port", "70000"], "70000 is not in the range 0<=x<=65535."),
        (["--cash", "much"], "cash is a number, got 'much'"),
        (["--cash", "-1"], "cash is 0 or more, got -1"),
        (["--account", "DU 1"], "an account is letters and digits, got 'DU 1'"),
        (["--account", "DU1", "--account", "DU1"], "DU1 is given twice"),
    ],
)
def test_wrong_usage(options, message):
    result = CliRunner().invoke(simulator, options)
    assert result.exit_code == 2
    assert message in result.output
