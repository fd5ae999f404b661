"""The rebalancer's commands on a simulated Binance: fractions, dust, coins that pay for fees."""

import json
import signal
import socket
from decimal import Decimal

import pytest
from tests.binance.trading_folder import config_at, folder_at, keys_of
from tests.rebalancer.rebalancer_process import end

import nanobook
from nanobook_binance.simulator import Fault, SimulatedBinance, Venue

BALANCES = {"USDT": 100_000, "BTC": 1, "ETH": 10, "BNB": 20}


@pytest.fixture
def binance():
    with SimulatedBinance(balances=BALANCES) as binance:
        yield binance


@pytest.fixture
def folder(tmp_path, binance, monkeypatch):
    for name, value in keys_of(binance).items():
        monkeypatch.setenv(name, value)
    return folder_at(tmp_path, binance)


def held(binance):
    """What there is of each asset, but for money and what is nothing."""
    return {
        asset: balance.free + balance.locked
        for asset, balance in binance.balances().items()
        if asset != "USDT" and balance.free + balance.locked
    }


def traded(binance):
    """Symbol, side, type, executed and client id's beginning of every order."""
    return [
        (order.symbol, order.side, str(order.type), order.time_in_force, order.executed)
        for order in binance.orders()
        if order.client_order_id.startswith("nb1-")
    ]


def test_status_and_positions_tell_what_the_venue_tells(folder):
    code, output, errors = folder.here("status")
    assert (code, errors) == (0, "Connecting to binance...\n")
    lines = output.splitlines()
    assert lines[1:] == [
        "  Equity: 197,000.155 USDT",
        "  Cash: 100,000.00 USDT",
        "  Buying power: 100,000.00 USDT",
        "Kill switch: not set",
    ]
    code, output, _ = folder.here("positions")
    assert code == 0
    assert [line.split() for line in output.splitlines()[1:]] == [
        ["BNB", "20", "-", "12,000.10", "USDT", "6.09%", "-"],
        ["BTC", "1", "-", "60,000.005", "USDT", "30.46%", "-"],
        ["ETH", "10", "-", "25,000.05", "USDT", "12.69%", "-"],
    ]


def test_fractions_are_traded_and_a_second_run_does_nothing(folder, binance):
    code, output, _ = folder.here("run", "target.json", "--dry-run")
    assert code == 0
    assert "$" not in output
    assert traded(binance) == []
    code, output, errors = folder.here("run", "target.json", answer="y\n")
    assert code == 0, output + errors
    assert traded(binance) == [
        ("BTCUSDT", "SELL", "LIMIT", "GTC", Decimal("0.34333")),
        ("ETHUSDT", "SELL", "LIMIT", "GTC", Decimal(10)),
        ("BNBUSDT", "BUY", "LIMIT", "GTC", Decimal("12.833")),
        ("PEPEUSDT", "BUY", "LIMIT", "GTC", Decimal(984508520)),
    ]
    # What is bought pays its fee, a thousandth of it.
    assert held(binance) == {
        "BNB": Decimal("32.820167"),
        "BTC": Decimal("0.65667"),
        "PEPE": Decimal("983524011.48"),
    }
    code, output, _ = folder.here("run", "target.json", "--force")
    assert (code, "already complete" in output) == (0, True)
    folder.target({"BTC": 0.2, "BNB": 0.1, "PEPE": 0.05}, "tuesday")
    code, output, _ = folder.here("run", "target.json", "--force")
    below = "USDT is below the least of 100.00 USDT"
    untouched = f"BNB: 0.600005 {below}; BTC: 13.80000115 {below}; PEPE: 6.4406087 {below}"
    assert (code, output) == (0, f"No rebalancing needed; not traded: {untouched}\n")
    assert len(traded(binance)) == 4


def test_all_of_a_balance_is_sold_and_what_is_less_than_a_lot_is_named_and_left(folder, binance):
    assert folder.here("run", "target.json", "--force")[0] == 0
    folder.target({"BTC": 0.2}, "tuesday")
    code, output, errors = folder.here("run", "target.json", "--force")
    assert code == 0, output + errors
    assert held(binance) == {
        "BNB": Decimal("0.000167"),
        "BTC": Decimal("0.65667"),
        "PEPE": Decimal("0.48"),
    }
    folder.target({"BTC": 0.2}, "wednesday")
    code, output, errors = folder.here("run", "target.json", "--force")
    assert code == 0, output + errors
    assert "not traded: BNB: 0.000167 stays, as a lot is 0.001; " in output
    assert "PEPE: 0.48 stays, as a lot is 1\n" in output


def test_dust_below_the_least_value_is_no_order(folder, binance):
    binance.withdraw("ETH", "9.9981")
    folder.target({"BTC": 0.2}, "dust")
    code, output, errors = folder.here("run", "target.json", "--force")
    assert code == 0, output + errors
    assert held(binance)["ETH"] == Decimal("0.0019")
    assert "not traded: ETH: 0.0019 stays, as an order is worth at least 5.00 USDT" in output


@pytest.fixture
def bnb_pays(tmp_path, monkeypatch):
    """A venue that takes fees out of the account's BNB, and a folder there."""
    with SimulatedBinance(Venue(bnb_discount=True), balances=BALANCES) as binance:
        for name, value in keys_of(binance).items():
            monkeypatch.setenv(name, value)
        yield binance, folder_at(tmp_path, binance, {"BTC": 0.1, "ETH": 0.1})


def test_what_fees_are_paid_from_can_be_left(bnb_pays):
    binance, folder = bnb_pays
    folder.config(config_at(binance.url) + '[account]\nid = "1"\nleave = ["BNB"]\n')
    code, output, errors = folder.here("run", "target.json", "--force")
    assert code == 0, output + errors
    assert "not traded: BNB: left as it is" in output
    assert held(binance)["BNB"] < 20


def test_what_fees_are_paid_from_can_be_traded(bnb_pays):
    binance, folder = bnb_pays
    folder.target({"BTC": 0.1, "BNB": 0.1})
    code, output, errors = folder.here("run", "target.json", "--force")
    assert (code, "3 of 3 trades filled.\n" in output) == (0, True), output + errors
    folder.target({"BTC": 0.1}, "tuesday")
    code, output, errors = folder.here("run", "target.json", "--force")
    assert code == 0, output + errors
    assert held(binance).keys() - {"BTC"} <= {"BNB"}


def test_weights_that_sum_to_one_are_cut_to_what_there_is(folder, binance):
    folder.target({"BTC": 0.25, "ETH": 0.25, "BNB": 0.25, "PEPE": 0.25})
    code, output, errors = folder.here("run", "target.json", "--force")
    assert code == 0, output + errors
    assert "cash pays for" in output
    assert binance.balances()["USDT"].free >= 0


def test_a_short_is_refused_before_anything_is_sent(folder, binance):
    folder.target({"BTC": 0.2, "ETH": -0.1})
    code, _, errors = folder.here("run", "target.json", "--force")
    assert (code, errors) == (
        2,
        "Refused: ETH: the target is short, and it cannot be sold short here\n",
    )
    assert traded(binance) == []


def test_a_plan_from_python_trades_with_the_keys_that_are_given(tmp_path, binance, monkeypatch):
    monkeypatch.chdir(tmp_path)
    broker = nanobook.BinanceBroker(
        binance.api_key, binance.secret_key, base_url=binance.url, state="sent.sqlite"
    )
    with broker:
        plan = nanobook.plan({"PEPE": 0.05}, broker=broker, id="once")
        assert [str(leg) for leg in plan.legs][-1] == ("BUY 984508520 PEPE at 0.00001002 (open)")
        result = plan.execute()
    assert (result.status, result.report.missing) == ("done", ())


LEAVE = "it is held, and [account] leave can leave it as it is"


def test_what_is_held_and_does_not_trade_is_named_with_the_way_out(folder, binance):
    binance.set_status("ETHUSDT", "HALT")
    binance.deposit("XYZ", 7)
    code, _, errors = folder.here("run", "target.json", "--force")
    assert (code, errors) == (
        2,
        f"Refused: ETH: its trading is halted; {LEAVE}; XYZ: it is not known here; {LEAVE}\n",
    )
    config = (folder.path / "config.toml").read_text()
    folder.config(f'{config}[account]\nid = "1"\nleave = ["ETH", "XYZ"]\n')
    code, output, errors = folder.here("run", "target.json", "--force")
    assert code == 0, output + errors
    assert held(binance)["ETH"] == 10


def test_an_account_may_be_counted_in_another_coin(folder, binance):
    config = (folder.path / "config.toml").read_text()
    folder.config(
        config.replace("[execution]", 'quote_asset = "BTC"\n[execution]').replace(
            "max_trade_usd = 1000000.0", "min_trade_usd = 0.001"
        )
        + '[account]\nid = "1"\nleave = ["BNB", "USDT"]\n'
    )
    folder.target({"ETH": 0.1})
    code, output, errors = folder.here("run", "target.json", "--force")
    assert code == 0, output + errors
    assert traded(binance) == [("ETHBTC", "SELL", "LIMIT", "GTC", Decimal("2.1197"))]
    assert "equity 3.28331818 BTC" in output


def test_without_a_stream_the_same_is_traded(folder, binance):
    config = (folder.path / "config.toml").read_text()
    folder.config(config.replace("[execution]", "stream = false\n[execution]"))
    code, output, errors = folder.here("run", "target.json", "--force")
    assert code == 0, output + errors
    assert [each[-1] for each in traded(binance)] == [
        Decimal("0.34333"),
        10,
        Decimal("12.833"),
        984508520,
    ]
    assert not [each for each in binance.log if each.method == "WS"]


def test_a_coin_at_one_hundred_millionth_is_told_exactly_everywhere(folder, binance):
    binance.set_quote("PEPEUSDT", "0.00000001", "0.00000002")
    folder.target({"PEPE": 0.001})
    config = (folder.path / "config.toml").read_text()
    folder.config(config.replace("[execution]", "[execution]\ncollar_pct = 1.0"))
    code, output, errors = folder.here("run", "target.json", "--force")
    assert code == 0, output + errors
    plan = output.splitlines()[2:]
    assert any(
        line.split()[1:7]
        == ["BUY", "PEPE", "13133343666", "0.00000003", "0.000000015", "197.00015499"]
        for line in plan
    )
    (filled,) = [
        record["data"]
        for record in folder.audit
        if record["event"] == "order_filled" and record["data"]["symbol"] == "PEPE"
    ]
    assert (filled["price"], filled["shares"]) == ("0.00000002", "13133343666")
    assert (filled["fee"], filled["fee_currency"]) == ("13133343.666", "PEPE")
    rows = [line.split() for line in folder.here("positions")[1].splitlines()[1:]]
    assert ["PEPE", "13120210322.334", "-", "196.80315484", "USDT"] in [row[:5] for row in rows]


def test_a_pair_in_full_is_its_base_asset(folder, binance):
    folder.target({"BTCUSDT": 0.1})
    code, output, errors = folder.here("run", "target.json", "--force")
    assert code == 0, output + errors
    assert "targets[0].symbol: BTCUSDT is BTC" in output + errors
    assert [each[:2] for each in traded(binance)] == [
        ("BTCUSDT", "SELL"),
        ("ETHUSDT", "SELL"),
        ("BNBUSDT", "SELL"),
    ]
    rows = folder.here("reconcile", "target.json")[1].splitlines()[2:]
    assert rows[0].split()[:2] == ["BTC", "10.00"]
    assert folder.here("run", "target.json", "--force")[:2] == (0, "monday is already complete\n")


def test_a_run_that_goes_on_after_a_kill_goes_by_symbols_too(folder, binance):
    binance.set_quote("BTCUSDT", "60000.00", "60000.01", bid_size="0.001")
    folder.target({"BTCUSDT": 0.2, "BNB": 0.1})
    process = folder.start("run", "target.json", "--force")
    folder.wait_for("order_filled", 1)
    end(process, signal.SIGKILL)
    binance.set_quote("BTCUSDT", "60000.00", "60000.01")
    code, output, errors = folder.here("run", "target.json", "--force")
    assert code == 0, output + errors
    rows = [line.split()[:2] for line in output.partition("RECONCILIATION:")[2].splitlines()[2:]]
    assert rows[:3] == [["BNB", "10.00"], ["BTC", "20.00"], ["Tracking", "error:"]]


def test_one_coin_by_two_names_is_refused_with_both_places(folder, binance):
    folder.target({"BTC": 0.1, "BTCUSDT": 0.1})
    code, _, errors = folder.here("run", "target.json", "--force")
    assert (code, errors) == (
        2,
        "Refused: targets[1].symbol: BTCUSDT is BTC, and targets[0].symbol is too\n",
    )
    assert traded(binance) == []


def test_what_is_no_coin_is_refused_with_its_place(folder):
    folder.target({"FOO": 0.1, "USDT": 0.1})
    code, _, errors = folder.here("run", "target.json", "--force")
    assert code == 2
    assert errors.startswith("Refused: targets[0].symbol: FOO: it is not known here; ")
    assert "; targets[1].symbol: USDT" in errors


def test_what_is_left_may_be_a_pair_in_full(folder, binance):
    config = (folder.path / "config.toml").read_text()
    folder.config(f'{config}[account]\nid = "1"\nleave = ["ETHUSDT"]\n')
    assert folder.here("run", "target.json", "--force")[0] == 0
    assert held(binance)["ETH"] == 10


def test_a_plan_from_python_goes_by_symbols_too(binance):
    keys = binance.api_key, binance.secret_key
    with nanobook.BinanceBroker(*keys, base_url=binance.url) as broker:
        plan = nanobook.plan({"BTCUSDT": 0.1}, broker=broker)
    assert [leg.symbol for leg in plan.legs] == ["BNB", "BTC", "ETH"]
    assert list(plan.targets) == ["BTC"]
    assert plan.warnings == ("targets[0].symbol: BTCUSDT is BTC",)


def test_what_was_sent_is_kept_beside_the_log(folder):
    assert folder.here("run", "target.json", "--force")[0] == 0
    assert sorted(path.name for path in (folder.path / "logs").iterdir()) == [
        "audit.jsonl",
        "audit.jsonl.binance.sqlite",
        "audit.jsonl.binance.sqlite.lock",
        "audit.jsonl.lock",
    ]


@pytest.mark.slow
def test_kill_ends_the_orders_of_a_runner_that_hangs(folder, binance):
    binance.set_quote("BTCUSDT", "60000.00", "60000.01", bid_size="0.001")
    process = folder.start("run", "target.json", "--force")
    folder.wait_for("order_submitted", 1)
    process.send_signal(signal.SIGSTOP)
    code, output, errors = folder.here("kill", "--reason", "lunch")
    assert code == 0, output + errors
    assert "Kill switch set: lunch." in output
    assert end(process)[0] == -signal.SIGKILL
    assert [order for order in binance.orders() if order.is_open] == []
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
def test_a_venue_that_is_not_there_is_told_in_one_line(folder, nobody, command):
    folder.config(config_at(f"http://127.0.0.1:{nobody}"))
    code, _, errors = folder.here(*command)
    assert code == 1
    line = errors.removeprefix("Connecting to binance...\n")
    assert line.count("\n") == 1
    assert line.startswith("Error: ")
    assert "order_intent" not in folder.events


def test_a_wrong_key_is_told_in_one_line_that_does_not_show_it(folder, binance, monkeypatch):
    monkeypatch.setenv("BINANCE_API_KEY", "x" * 64)
    code, output, errors = folder.here("run", "target.json", "--force")
    assert (code, output, errors.count("\n")) == (1, "", 1)
    assert "x" * 64 not in errors
    assert traded(binance) == []


@pytest.mark.parametrize("name", ["api_key", "secret_key"])
def test_a_key_that_stands_in_the_config_itself_is_refused_and_not_repeated(folder, binance, name):
    value = getattr(binance, name)
    config = (folder.path / "config.toml").read_text()
    folder.config(config.replace(f"env:BINANCE_{name.upper()}", value))
    code, output, errors = folder.here("status")
    assert (code, output) == (2, "")
    assert errors.startswith(f"Error: config.toml: broker.{name}: ")
    assert value not in errors


def test_without_keys_in_the_config_those_of_the_environment_are_taken(folder):
    lines = (folder.path / "config.toml").read_text().splitlines()
    folder.config("\n".join(line for line in lines if "_key = " not in line))
    assert folder.here("status")[0] == 0


def test_keys_are_nowhere_in_what_is_written(folder, binance):
    binance.inject(Fault.DROP_AFTER_ENGINE)
    assert folder.here("run", "target.json", "--force")[0] == 0
    folder.here("status")
    for path in (folder.path / "logs").iterdir():
        content = path.read_bytes()
        assert binance.api_key.encode() not in content, path
        assert binance.secret_key.encode() not in content, path


def test_an_order_of_which_nothing_came_back_is_found(folder, binance):
    binance.inject(Fault.DROP_AFTER_ENGINE, after=1)
    code, output, errors = folder.here("run", "target.json", "--force")
    assert code == 0, output + errors
    assert len(traded(binance)) == 4


def test_an_order_in_flight_is_ended_by_recover(folder, binance):
    binance.set_quote("BTCUSDT", "60000.00", "60000.01", bid_size="0.001")
    process = folder.start("run", "target.json", "--force")
    folder.wait_for("order_submitted", 1)
    code, _, errors = folder.here("status")
    assert (code, f"is held by process {process.pid} on" in errors) == (6, True)
    end(process, signal.SIGKILL)
    unfinished = "Unfinished: monday; its `run` goes on with it, `recover` ends it\n"
    assert unfinished in folder.here("status")[1]
    code, output, errors = folder.here("recover")
    assert code == 0, output + errors
    assert [order for order in binance.orders() if order.is_open] == []


def test_the_live_exchange_that_cannot_be_reached_is_told_in_one_line(folder, binance):
    config = (folder.path / "config.toml").read_text()
    folder.config(config.replace(f'base_url = "{binance.url}"', "testnet = false"))
    code, _, errors = folder.here("run", "target.json", "--force")
    assert (code, errors.count("\n")) == (1, 1)
    assert "order_intent" not in folder.events


def test_json_has_every_number_exactly(folder):
    code, output, _ = folder.here("run", "target.json", "--force", "--json")
    assert code == 0
    document = json.loads(output)
    assert document["plan"]["currency"] == "USDT"
    (pepe,) = [leg for leg in document["plan"]["legs"] if leg["symbol"] == "PEPE"]
    assert (pepe["limit"], pepe["mark"]) == ("0.00001002", "0.000010005")
    fees = {trade["symbol"]: trade["other_fees"] for trade in document["report"]["trades"]}
    assert fees["PEPE"] == {"PEPE": "984508.52"}


def send_orphan(binance):
    """Send an order that has an id of ours, and of which nothing is written down here."""
    orphan = nanobook.BrokerOrder(
        "BTC",
        "buy",
        Decimal("0.01"),
        "limit",
        Decimal(50_000),
        tif="gtc",
        client_order_id="nb1-of-another-machine",
    )
    with nanobook.BinanceBroker(binance.api_key, binance.secret_key, base_url=binance.url) as other:
        other.submit_order(orphan)


def test_an_order_of_ours_without_a_record_is_cancelled_only_when_told_to(folder, binance):
    send_orphan(binance)
    code, _, errors = folder.here("run", "target.json", "--force")
    assert code == 4
    assert "nb1-of-another-machine: buy 0.01 BTC is open, and no record explains it" in errors
    code, output, errors = folder.here("run", "target.json", "--force", "--cancel-orphans")
    assert code == 0, output + errors
    (found,) = [o for o in binance.orders() if o.client_order_id == "nb1-of-another-machine"]
    assert (found.is_open, found.executed) == (False, 0)


def test_kill_cancels_it_too(folder, binance):
    send_orphan(binance)
    code, output, errors = folder.here("kill")
    assert code == 0, output + errors
    assert "1 order" in output
    assert [order for order in binance.orders() if order.is_open] == []


def test_an_order_of_somebody_else_is_left_alone_and_told(folder, binance):
    foreign = nanobook.BrokerOrder(
        "BNB", "buy", Decimal("0.1"), "limit", Decimal(500), tif="gtc", client_order_id="mine"
    )
    with nanobook.BinanceBroker(binance.api_key, binance.secret_key, base_url=binance.url) as other:
        other.submit_order(foreign)
    code, output, errors = folder.here("run", "target.json", "--force")
    assert code == 0, output + errors
    assert "BNB: an open order of somebody else buys 0.1, and this plan does not count it" in output
    (found,) = [o for o in binance.orders() if o.client_order_id == "mine"]
    assert found.is_open
