"""The examples run as they stand, and give what was looked at when they were written."""

import itertools
import json
import subprocess
import sys
import threading
from decimal import Decimal
from pathlib import Path

import numpy as np
from tests import simulator_command
from tests.ibkr.simulator_process import simulator

import nanobook
from nanobook_binance.simulator import SimulatedBinance
from nanobook_itch.testing.day import write_day

EXAMPLES = Path(__file__).parents[2] / "examples"


def run(name, cwd, *arguments):
    """Lines that an example prints, in a folder of its own."""
    done = subprocess.run(
        [sys.executable, "-W", "error", EXAMPLES / name, *arguments],
        cwd=cwd,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout.splitlines()


def test_every_example_is_tested_here_or_beside_the_page_that_shows_it():
    names = {path.name for path in EXAMPLES.glob("*.py")}
    assert names == {
        "momentum.py",
        "backtest_from_weights.py",
        "rebalance_paper.py",
        "itch_bbo_chart.py",
        "itch_flow.py",
        "itch_replay.py",
        "ibkr_killed.py",
        "ibkr_order.py",
        "ibkr_rebalance.py",
        "binance_order.py",
        "binance_record.py",
        "binance_rebalance.py",
    }


def test_momentum_prints_both_strategies_and_draws_them(tmp_path):
    momentum, equal_weight, picture = run("momentum.py", tmp_path)
    assert momentum.startswith("momentum: Metrics(total_return=2575.92%, sharpe=0.81, ")
    assert equal_weight.startswith("equal weight: Metrics(total_return=1328.10%, sharpe=0.73, ")
    assert picture == str(tmp_path / "momentum.png")
    assert (tmp_path / "momentum.png").read_bytes().startswith(b"\x89PNG")


def test_a_backtest_from_weights_is_reported_saved_and_drawn(tmp_path):
    first, metrics, *lines = run("backtest_from_weights.py", tmp_path)
    assert first.startswith("BacktestResult(periods=5785, dates=2000-01-03..2022-12-28, symbols=20")
    assert metrics.startswith("Metrics(total_return=507.69%, sharpe=0.63, ")
    assert lines[:5] == [
        "turnover 1.94 a year, 1471 trades",
        "      depth  peak_date recovery_date",
        "0  0.360723 2007-12-10    2011-04-15",
        "1  0.234903 2002-05-02    2004-02-23",
        "2  0.228994 2020-02-10    2020-08-28",
    ]
    assert lines[-1] == str(tmp_path / "calm.png")
    result = nanobook.BacktestResult.load(tmp_path / "calm.json")
    assert result["equity_curve"][-1] == 6_076_890_704
    assert set(result.skipped["reason"].tolist()) == {"band", "cash", "stopped"}
    assert result.dates[-1] == np.datetime64("2022-12-28")
    assert (tmp_path / "calm.png").read_bytes().startswith(b"\x89PNG")


def test_weights_are_traded_on_paper_and_not_twice(tmp_path):
    lines = run("rebalance_paper.py", tmp_path)
    assert [line for line in lines if line.startswith(("Plan of", "Estimated", "momentum"))] == [
        "Plan of momentum-2022-11-28 for account PAPER, equity $100,000.00 USD",
        "Estimated cost: $4.33 commission + $47.31 slippage = $51.64",
        "Plan of momentum-2022-12-28 for account PAPER, equity $97,696.00 USD",
        "Estimated cost: $1.05 commission + $1.52 slippage = $2.57",
        "Plan of momentum-2022-12-28 for account PAPER, equity $97,693.58 USD",
        "momentum-2022-12-28 is already complete",
    ]
    assert "5 of 5 filled; $47.31 fees + $11.89 slippage = $59.20, estimated $51.64" in lines
    assert "3 of 3 filled; $1.52 fees + $0.90 slippage = $2.42, estimated $2.57" in lines
    assert lines[-1] == "equity 97,693.58, 8 fills"
    again = run("rebalance_paper.py", tmp_path)
    assert again[-1] == lines[-1]
    assert again.count("momentum-2022-11-28 is already complete") == 1


def test_an_order_and_a_plan_are_traded_at_interactive_brokers(tmp_path):
    with simulator(cwd=tmp_path) as port:
        order = run("ibkr_order.py", tmp_path, str(port))
        plan = run("ibkr_rebalance.py", tmp_path, str(port))
        again = run("ibkr_rebalance.py", tmp_path, str(port))
    assert order == [
        "account DU1234567: equity 1,000,000.00 USD",
        "AAPL 184.98 / 185",
        "would cost 1 in commission",
        "filled: 10 at 185",
        "  buy 10 at 185, fee 1 USD",
        "holds 10 AAPL",
    ]
    assert plan[0] == "Plan of 2026-02-08 for account DU1234567, equity $999,999.00 USD"
    assert "2 of 2 filled; $6.70 fees + $16.11 slippage = $22.82, estimated $153.71" in plan
    assert plan[-1] == "2 of 2 trades filled."
    assert again[-1] == "2026-02-08 is already complete"


def test_an_order_and_a_plan_are_traded_at_binance(tmp_path, monkeypatch):
    with simulator_command.started("nanobook_binance.simulator", cwd=tmp_path) as exchange:
        monkeypatch.setenv("BINANCE_API_KEY", exchange["api_key"])
        monkeypatch.setenv("BINANCE_SECRET_KEY", exchange["secret_key"])
        order = run("binance_order.py", tmp_path, exchange["url"])
        plan = run("binance_rebalance.py", tmp_path, exchange["url"])
        again = run("binance_rebalance.py", tmp_path, exchange["url"])
    assert order == [
        "simulator: equity 191,000.10 USDT",
        "BTC 60000 / 60000.01",
        "quantity 0.001666666388888935185177469137 to 0.00166",
        "filled: 0.00166 at 60000.01",
        "  buy 0.00166 at 60000.01, fee 0.00000166 BTC",
        "holds 10 BNB",
        "holds 1.00165834 BTC",
        "holds 10 ETH",
    ]
    assert plan[0] == "Plan of 2026-02-08 for account 1, equity 191,000.00539169 USDT"
    assert plan[-1] == "3 of 3 trades filled."
    assert again[-1] == "2026-02-08 is already complete"


def test_a_market_of_binance_is_recorded_and_goes_on_in_another_simulator(tmp_path):
    recording = tmp_path / "market.jsonl"
    over = threading.Event()

    def rise(binance):
        for bid in itertools.count(60_000):
            binance.set_quote("BTCUSDT", bid, bid + 1, bid_size=2, ask_size=1)
            if over.wait(0.05):
                return

    with SimulatedBinance() as binance:
        rising = threading.Thread(target=rise, args=(binance,))
        rising.start()
        assert run("binance_record.py", tmp_path, "BTCUSDT", "2", recording, binance.url) == []
        over.set()
        rising.join()
    lines = [json.loads(line.split(" ", 1)[1]) for line in recording.read_text().splitlines()]
    changes = [line["data"]["b"] for line in lines if "@depth" in line.get("stream", "")]
    ((best, _),) = [level for level in changes[-1] if Decimal(level[1])]
    with SimulatedBinance(feed=recording) as binance:
        binance.advance(60)
        top = binance.call(lambda venue: venue.top("BTCUSDT"))
        assert (top.bid, top.bid_size, top.ask - top.bid) == (Decimal(best), 2, 1)


def test_examples_of_itch_say_what_they_need(tmp_path):
    write_day(tmp_path / "day.itch", messages=1000, symbols=20)
    for name, others in (
        ("itch_bbo_chart.py", ["bbo.png"]),
        ("itch_flow.py", []),
        ("itch_replay.py", ["10:30"]),
    ):
        for arguments, said in (
            ([], f"python {name} day.itch AAPL"),
            (["day.itch", "ZZZZ", *others], "ZZZZ"),
        ):
            done = subprocess.run(
                [sys.executable, EXAMPLES / name, *arguments],
                cwd=tmp_path,
                capture_output=True,
                text=True,
                check=False,
            )
            assert done.returncode == 1
            assert said in done.stderr
            assert "Traceback" not in done.stderr


def test_a_day_of_nasdaq_is_drawn_measured_and_traded_against(tmp_path):
    write_day(tmp_path / "day.itch", messages=100_000, symbols=20)
    assert run("itch_bbo_chart.py", tmp_path, "day.itch", "AAPL", "bbo.png") == [
        "bbo.png: 4,622 changes of the best prices, 1,086 trades"
    ]
    assert (tmp_path / "bbo.png").read_bytes().startswith(b"\x89PNG")
    assert run("itch_flow.py", tmp_path, "day.itch", "AAPL") == [
        "AAPL: 389 intervals of 60 s, 4,622 changes",
        "move in cents = -0.435 + 0.326 x flow in 1000 shares",
        "of the variance 25.2% is order flow",
    ]
    assert run("itch_replay.py", tmp_path, "day.itch", "AAPL", "10:30") == [
        "AAPL at 10:30: 458.33 / 458.34",
        "100 bought for 1.98 cents more than the ask",
        "1,000 bought for 3.37 cents more than the ask",
        "5,000 bought for 12.59 cents more than the ask",
    ]
