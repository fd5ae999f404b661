"""The original's lines about Binance, as they stand there; only the address is another one."""

from decimal import Decimal

import nanobook

pytest_plugins = ["nanobook_binance.simulator.fixture"]

LINES = """
broker = nanobook.BinanceBroker(api_key, secret_key, testnet=True, quote_asset="USDT")
"""
GENERIC = """
broker.connect()
positions = broker.positions()
oid = broker.submit_order("BTC", "buy", 1, order_type="limit", limit_price_cents=60_000_01)
quote = broker.quote("BTC")
"""


def run(code, **names):
    """What the names of a piece of code stand for in the end."""
    names["nanobook"] = nanobook
    exec(compile(code, "seed", "exec"), names)  # noqa: S102 - of the original's page
    return names


def test_the_line_makes_a_broker_of_the_testnet():
    names = {"api_key": "key", "secret_key": "secret"}
    broker = run(LINES, **names)["broker"]
    assert repr(broker) == "<BinanceBroker https://testnet.binance.vision, USDT, disconnected>"
    positional = nanobook.BinanceBroker("key", "secret", True)  # noqa: FBT003 - as in the original
    assert repr(positional) == repr(broker)


def test_the_lines_of_every_broker_run_on_the_simulator(simulated_binance):
    line = LINES.replace("testnet=True", f"base_url={simulated_binance.url!r}")
    keys = {
        "api_key": simulated_binance.api_key,
        "secret_key": simulated_binance.secret_key,
    }
    ran = run(line + GENERIC, **keys)
    broker = ran["broker"]
    assert dict(ran["quote"]) == {
        "symbol": "BTC",
        "bid_cents": 6_000_000,
        "ask_cents": 6_000_001,
        "last_cents": 6_000_001,
        "volume": 1,
    }
    assert [dict(position) for position in ran["positions"]][1] == {
        "symbol": "BTC",
        "quantity": 1,
        "avg_cost_cents": 0,
        "market_value_cents": 6_000_001,
        "unrealized_pnl_cents": 0,
    }
    assert broker.wait(ran["oid"], timeout=30).state == "filled"
    assert broker.order_status(int(ran["oid"]))["status"] == "Filled"
    held = {position["symbol"]: position["quantity"] for position in broker.positions()}
    assert held["BTC"] == Decimal("1.999")
    broker.disconnect()
