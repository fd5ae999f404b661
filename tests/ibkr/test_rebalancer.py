"""The rebalancer's commands with the original's config.toml, on a simulated gateway."""

import signal
import socket
from decimal import Decimal

import pytest
from tests.rebalancer.rebalancer_process import end
from tests.rebalancer.terminal_here import Terminal
from tests.rebalancer.test_config import SEED

from nanobook_ibkr.simulator.fault import Fault
from nanobook_ibkr.simulator.gateway import SimulatedGateway
from nanobook_ibkr.simulator.venue import Venue

ACCOUNT = "DU1234567"
WEIGHTS = {"AAPL": 0.05, "MSFT": 0.04}


@pytest.fixture
def gateway():
    with SimulatedGateway() as gateway:
        yield gateway


@pytest.fixture
def folder(tmp_path, gateway):
    return at_gateway(tmp_path, gateway.port)


def at_gateway(path, port, *changes):
    """A folder with the original's config, but for the port."""
    folder = Terminal(path)
    text = SEED.replace("4002", str(port))
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    folder.config(text)
    folder.target(WEIGHTS)
    return folder


def held(gateway):
    return {each.contract.symbol: each.quantity for each in gateway.positions()}


def test_status_and_positions_tell_what_the_gateway_tells(folder, gateway):
    gateway.submit_manual("KO", "BUY", Decimal(100))
    code, output, errors = folder.here("status")
    assert (code, errors) == (0, "Connecting to ibkr...\n")
    assert output.splitlines() == [
        "Account ***567",
        "  Equity: $999,999.00 USD",
        "  Cash: $993,999.00 USD",
        "  Buying power: $3,993,996.00 USD",
        "Kill switch: not set",
    ]
    code, output, _ = folder.here("positions")
    assert code == 0
    (row,) = output.splitlines()[1:]
    assert row.split()[:2] == ["KO", "100"]


def test_a_target_is_traded_and_then_it_is_done(folder, gateway):
    code, output, _ = folder.here("run", "target.json", "--dry-run")
    assert code == 0
    assert "BUY" in output
    assert gateway.orders() == ()
    code, output, errors = folder.here("run", "target.json", answer="y\n")
    assert code == 0, output + errors
    assert held(gateway) == {"AAPL": 270, "MSFT": 108}
    assert [(each.form.order_type, each.client_id) for each in gateway.orders()] == [
        ("LMT", 100),
        ("LMT", 100),
    ]
    code, output, _ = folder.here("run", "target.json", "--force")
    assert (code, "already complete" in output) == (0, True)
    assert len(gateway.orders()) == 2
    code, output, _ = folder.here("reconcile", "target.json")
    assert code == 0
    assert "AAPL" in output
    assert sorted(path.name for path in (folder.path / "logs").iterdir()) == [
        "audit.jsonl",
        "audit.jsonl.ibkr.sqlite",
        "audit.jsonl.ibkr.sqlite.lock",
        "audit.jsonl.lock",
    ]


def test_an_order_in_flight_is_ended_by_recover(folder, gateway):
    gateway.set_quote("AAPL", Decimal("184.98"), Decimal("185.00"), ask_size=Decimal(1))
    process = folder.start("run", "target.json", "--force")
    folder.wait_for("order_submitted", 1)
    code, _, errors = folder.here("status")
    assert (code, f"is held by process {process.pid} on" in errors) == (6, True)
    end(process, signal.SIGKILL)
    unfinished = "Unfinished: monday; its `run` goes on with it, `recover` ends it\n"
    assert unfinished in folder.here("status")[1]
    code, output, errors = folder.here("recover")
    assert code == 0, output + errors
    assert [each.status for each in gateway.orders() if not each.is_done] == []


@pytest.mark.slow
def test_kill_ends_the_orders_of_a_runner_that_hangs(folder, gateway):
    gateway.set_quote("AAPL", Decimal("184.98"), Decimal("185.00"), ask_size=Decimal(1))
    process = folder.start("run", "target.json", "--force")
    folder.wait_for("order_submitted", 1)
    process.send_signal(signal.SIGSTOP)
    code, output, errors = folder.here("kill", "--reason", "lunch")
    assert code == 0, output + errors
    assert "Kill switch set: lunch." in output
    assert end(process)[0] == -signal.SIGKILL
    assert [each for each in gateway.orders() if not each.is_done] == []
    code, _, errors = folder.here("run", "target.json", "--force")
    assert (code, "lunch" in errors) == (5, True)


# What stands in the way ---------------------------------------------------------------------------


@pytest.fixture
def nobody():
    """A port on which nobody listens."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        yield held.getsockname()[1]


@pytest.mark.parametrize("command", [("status",), ("run", "target.json", "--force")])
def test_a_gateway_that_is_not_there_is_told_in_one_line(tmp_path, nobody, command):
    folder = at_gateway(tmp_path, nobody)
    code, _, errors = folder.here(*command)
    assert code == 1
    line = errors.removeprefix("Connecting to ibkr...\n")
    assert line.count("\n") == 1
    assert line.startswith(f"Error: connection error: failed to connect to 127.0.0.1:{nobody}: ")
    assert "order_intent" not in folder.events


def test_a_client_id_that_another_program_has_is_told_in_one_line(folder, gateway):
    gateway.inject(Fault.CLIENT_ID_IN_USE)
    code, _, errors = folder.here("run", "target.json", "--force")
    assert (code, errors.count("\n")) == (1, 1)
    assert "client id is already in use" in errors
    assert gateway.orders() == ()


def test_a_read_only_gateway_is_looked_at_and_not_traded_at(tmp_path):
    hint = "; clear 'Read-Only API' in the API settings of TWS or Gateway to send orders"
    with SimulatedGateway(read_only=True) as gateway:
        folder = at_gateway(tmp_path, gateway.port)
        connecting = "Connecting to ibkr...\n"
        assert folder.here("positions") == (0, "No positions.\n", connecting)
        code, output, errors = folder.here("status")
        assert (code, errors) == (0, connecting)
        assert (
            f"cause - The API interface is currently in Read-Only mode. (code 321){hint}" in output
        )
        assert folder.here("run", "target.json", "--force") == (
            2,
            "",
            f"Refused: ibkr takes no orders: the API of TWS or Gateway is read-only{hint}\n",
        )
        # A plan needs to know what is open.
        code, output, errors = folder.here("run", "target.json", "--dry-run")
        assert (code, output, errors.count("\n"), hint in errors) == (1, "", 1, True)
        assert "order_intent" not in folder.events


def test_another_account_than_the_configs_is_told_in_one_line(tmp_path, gateway):
    folder = at_gateway(tmp_path, gateway.port, (ACCOUNT, "DU7654321"))
    code, _, errors = folder.here("run", "target.json", "--force")
    assert code == 1
    assert errors == (
        "Error: connection error: there is no account '***321'; this user has DU1234567\n"
    )
    assert gateway.orders() == ()


def test_real_money_moves_only_with_live(tmp_path):
    venue = Venue(cash={"U1234567": Decimal(1_000_000)})
    with SimulatedGateway(venue) as gateway:
        folder = at_gateway(tmp_path, gateway.port, (ACCOUNT, "U1234567"))
        code, _, errors = folder.here("run", "target.json", "--force")
        assert code == 2
        assert errors == "Refused: ibkr is live: real money moves only with --live\n"
        assert gateway.orders() == ()
        assert folder.here("run", "target.json", "--force", "--live")[0] == 0
        assert held(gateway) == {"AAPL": 270, "MSFT": 108}


def test_of_several_accounts_the_configs_is_traded(tmp_path):
    venue = Venue(cash={"DU1": Decimal(5_000), ACCOUNT: Decimal(1_000_000)})
    with SimulatedGateway(venue) as gateway:
        folder = at_gateway(tmp_path, gateway.port)
        assert folder.here("run", "target.json", "--force")[0] == 0
        assert {each.account for each in gateway.orders()} == {ACCOUNT}


def test_an_order_of_which_nothing_came_back_is_found_by_the_next_run(folder, gateway):
    gateway.inject(Fault.DROP_AFTER_ACCEPT)
    code, output, errors = folder.here("run", "target.json", "--force")
    assert code == 0, output + errors
    assert held(gateway) == {"AAPL": 270, "MSFT": 108}
    assert len(gateway.orders()) == 2
