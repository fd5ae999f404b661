"""What a config.toml may say: rows of bad ones, and what comes back of good ones."""

import re
from decimal import Decimal
from pathlib import Path

import attrs
import pytest
from tests.rebalancer.bad_input import row_bytes, rows_of

import nanobook_rebalancer
from nanobook_core.contracts import Secret
from nanobook_rebalancer.assembly import read_settings
from nanobook_rebalancer.config import BrokerSettings, Config
from nanobook_rebalancer.config_file import read_config, to_config
from nanobook_rebalancer.errors import InputError

ROWS = rows_of("bad_config.json")


@pytest.mark.parametrize("row", ROWS, ids=[row["name"] for row in ROWS])
def test_a_bad_config_is_refused_with_the_path_of_the_value(row, tmp_path, monkeypatch):
    monkeypatch.setenv("NANOBOOK_SHORT", "short")
    monkeypatch.delenv("NANOBOOK_NO_SUCH", raising=False)
    path = tmp_path / "config.toml"
    path.write_bytes(row_bytes(row))
    with pytest.raises(InputError) as caught:
        read_config(path)
    message = str(caught.value)
    assert message.startswith(row["message"])
    assert message.isprintable()
    assert len(message) < 300
    assert row.get("canary", "\n") not in message
    assert list(tmp_path.iterdir()) == [path]


EXAMPLE = Path(nanobook_rebalancer.__file__).with_name("config.toml.example")

SEED = """
[connection]
host = "127.0.0.1"
port = 4002
client_id = 100
timeout_secs = 30

[account]
id = "DU1234567"
type = "cash"

[execution]
order_interval_ms = 100
limit_offset_bps = 5
order_timeout_secs = 300
max_orders_per_run = 50

[risk]
max_position_pct = 0.25
max_leverage = 1.5
min_trade_usd = 100.0
max_trade_usd = 100000.0
allow_short = true
max_short_pct = 0.30

[cost]
commission_per_share = 0.0035
commission_min = 0.35
slippage_bps = 5

[logging]
dir = "./logs"
audit_file = "audit.jsonl"
"""


def written(tmp_path, text, mode=0o600):
    path = tmp_path / "config.toml"
    path.write_text(text, encoding="utf-8")
    path.chmod(mode)
    return path


def test_the_example_says_what_holds_without_it():
    example = read_config(EXAMPLE)
    assert attrs.evolve(example, folder=Path()) == Config()


def test_the_example_has_every_key_and_they_all_can_be_used(tmp_path):
    text = EXAMPLE.read_text(encoding="utf-8")
    everything = re.sub(r"^# (?=(\[|[a-z_]+ = ))", "", text, flags=re.MULTILINE)
    everything = re.sub(r"^(api|secret)_key.*\n", "", everything, flags=re.MULTILINE)
    config = read_config(written(tmp_path, everything))
    for table in ("connection", "account", "execution", "risk", "cost", "logging", "plugins"):
        for setting in attrs.fields(type(getattr(config, table))):
            assert re.search(
                rf"^(# )?{setting.name} = |^(# )?\[risk\.{setting.name}\.", text, re.MULTILINE
            )
    assert config.risk.checks == {"price_collar": {"max_pct": Decimal("0.05")}}
    assert config.execution.target_max_age_secs == 86_400


def test_the_original_s_file_is_read_and_its_broker_is_ibkr(tmp_path):
    config = read_config(written(tmp_path, SEED))
    assert config.broker.name == "ibkr"
    assert config.broker.settings == {"host": "127.0.0.1", "port": 4002, "client_id": 100}
    assert config.account.id == "DU1234567"
    assert config.risk == Config().risk
    assert config.execution == Config().execution
    assert config.cost == Config().cost
    assert config.timeout == 30
    assert config.audit_path == tmp_path / "logs" / "audit.jsonl"
    assert config.warnings == ()


def test_a_broker_of_its_own_goes_before_the_connection(tmp_path):
    paper = read_config(written(tmp_path, SEED + '[broker]\nname = "paper"\n'))
    assert paper.broker == BrokerSettings(name="paper")
    ibkr = read_config(written(tmp_path, SEED + '[broker]\nname = "ibkr"\nclient_id = 7\n'))
    assert ibkr.broker.settings == {"host": "127.0.0.1", "port": 4002, "client_id": 7}


def test_ibkr_on_the_command_line_is_at_the_gateway_of_the_connection(tmp_path):
    path = written(tmp_path, SEED + '[broker]\nname = "paper"\nstate = "a.sqlite"\n')
    assert read_settings(path, "ibkr", None).broker == BrokerSettings(
        name="ibkr", settings={"host": "127.0.0.1", "port": 4002, "client_id": 100}
    )
    path = written(tmp_path, SEED + '[broker]\nname = "ibkr"\nport = 7497\nstate = "a.sqlite"\n')
    assert read_settings(path, "ibkr", None).broker.settings == {
        "host": "127.0.0.1",
        "port": 7497,
        "client_id": 100,
        "state": str(tmp_path / "a.sqlite"),
    }
    assert read_settings(written(tmp_path, ""), "ibkr", None).broker.settings == {}


def test_ibkr_on_the_command_line_is_refused_a_port_of_another_kind_of_account(tmp_path):
    text = SEED.replace("4002", "7496") + '[broker]\nname = "paper"\n'
    with pytest.raises(InputError) as refused:
        read_settings(written(tmp_path, text), "ibkr", None)
    assert str(refused.value) == (
        "config.toml: connection.port: 7496 is a port of live trading, and account DU1234567 is "
        "one of paper trading"
    )


def test_an_empty_file_is_the_defaults(tmp_path):
    config = read_config(written(tmp_path, ""))
    assert config == attrs.evolve(Config(), folder=tmp_path)
    assert config.broker.name == "paper"
    assert config.audit_path == tmp_path / "logs" / "audit.jsonl"


def test_numbers_are_those_that_are_written(tmp_path):
    config = read_config(written(tmp_path, "[cost]\ncommission_per_share = 0.1\n"))
    assert config.cost.commission_per_share == Decimal("0.1")
    assert to_config({"cost": {"commission_per_share": 0.1}}).cost == config.cost


def test_paths_go_from_the_folder_of_the_file(tmp_path):
    text = (
        '[broker]\nname = "paper"\nquotes = "q.csv"\nstate = "/s.db"\n[logging]\ndir = "/var/log"\n'
    )
    config = read_config(written(tmp_path, text))
    assert config.broker.settings == {"quotes": str(tmp_path / "q.csv"), "state": "/s.db"}
    assert config.audit_path == Path("/var/log/audit.jsonl")


@pytest.mark.parametrize("mode", [0o600, 0o640, 0o644])
def test_secrets_come_from_where_the_file_says_and_a_file_for_all_is_remarked_upon(
    mode, tmp_path, monkeypatch
):
    monkeypatch.setenv("NANOBOOK_CANARY", "hunter2hunter2")
    (tmp_path / "key").write_text("hunter3hunter3\n")
    (tmp_path / "key").chmod(0o600)
    text = """[broker]
name = "binance"
api_key = "env:NANOBOOK_CANARY"
login.password = "file:key"
testnet = true
"""
    config = read_config(written(tmp_path, text, mode))
    assert config.secrets == (Secret("hunter2hunter2"), Secret("hunter3hunter3"))
    assert config.broker.settings["testnet"] is True
    assert "hunter" not in repr(config)
    expected = "config.toml: anyone may read where the secrets are; chmod 600 config.toml"
    assert config.warnings == ((expected,) if mode == 0o644 else ())


def test_a_file_for_all_without_secrets_is_fine(tmp_path):
    assert read_config(written(tmp_path, SEED, 0o644)).warnings == ()


@pytest.mark.parametrize("account", ["DU1", "df2", "I123", "U12X", "my account"])
def test_a_port_of_paper_trading_takes_accounts_that_may_be_such(account, tmp_path):
    text = SEED.replace("DU1234567", account)
    assert read_config(written(tmp_path, text)).account.id == account


@pytest.mark.parametrize("account", ["U1", "F2", "I123"])
@pytest.mark.parametrize("port", [4001, 7496, 4000])
def test_a_port_of_live_trading_takes_accounts_that_may_be_such(account, port, tmp_path):
    text = SEED.replace("DU1234567", account).replace("4002", str(port))
    assert read_config(written(tmp_path, text)).broker.settings["port"] == port


@pytest.mark.parametrize("name", ["missing.toml", "", "a\0b"])
def test_a_file_that_cannot_be_read_is_an_input_error(name, tmp_path):
    with pytest.raises(InputError, match="failed to read config file"):
        read_config(tmp_path / name)


def test_of_a_file_without_end_no_more_than_the_limit_is_read():
    with pytest.raises(InputError, match="zero: at most 65,536 bytes"):
        read_config("/dev/zero")
