"""A session of orders, and every event that its account is told of it, as a golden file.

`python -m tests.binance.user_session` writes the file anew; look at the difference.
"""

import json
from pathlib import Path

from tests.binance.stream_client import Trader, subscribed
from tests.binance.venue_bench import StandingClock

from nanobook_binance.simulator import SimulatedBinance, Venue

GOLDEN = Path(__file__).parents[1] / "data" / "binance" / "user_events.jsonl"


def steps(binance, trader):
    """What is done, by name, in turn."""

    def stop():
        trader.sell("0.01", "59000", type="STOP_LOSS_LIMIT", stopPrice="59500", **named("stop"))

    def trailing():
        trader.sell("0.01", None, type="STOP_LOSS", trailingDelta=100, timeInForce=None)

    def amend():
        trader.buy("0.02", "50000", **named("big"))
        path = "/api/v3/order/amend/keepPriority"
        which = {"symbol": "BTCUSDT", "origClientOrderId": "big"}
        trader.rest("PUT", path, **which, newQty="0.01", newClientOrderId="small")

    def replace():
        path = "/api/v3/order/cancelReplace"
        order = {"symbol": "BTCUSDT", "side": "BUY", "type": "LIMIT", "timeInForce": "GTC"}
        how = {"cancelReplaceMode": "STOP_ON_FAILURE", "cancelOrigClientOrderId": "small"}
        size = {"quantity": "0.01", "price": "50010"}
        trader.rest("POST", path, **order, **how, **size, cancelNewClientOrderId="away")

    def spend():
        order = {"type": "MARKET", "quoteOrderQty": "100", "timeInForce": None}
        trader.buy(None, None, **order, **named("spend"))

    def meet_oneself():
        binance.withdraw_quote("BTCUSDT")
        trader.sell("0.005", "59500", **named("mine"))
        trader.buy("0.008", "59500", selfTradePreventionMode="DECREMENT", **named("meets"))

    return {
        "an order rests": lambda: trader.buy("0.01", "50000", **named("one")),
        "part of it fills": lambda: binance.fill(1001, "0.004", symbol="BTCUSDT"),
        "it is cancelled": lambda: trader.cancel(1001, newClientOrderId="back"),
        "an order trades": lambda: trader.sell("0.02", "60000", **named("two")),
        "IOC finds nothing": lambda: trader.buy("0.01", "50000", timeInForce="IOC"),
        "so much is spent": spend,
        "a stop waits": stop,
        "it goes": lambda: binance.set_quote("BTCUSDT", "59400", "59400.01"),
        "a trailing stop waits": trailing,
        "an order is made smaller": amend,
        "it is replaced": replace,
        "the account meets itself": meet_oneself,
        "the venue cancels": lambda: binance.server_cancel("BTCUSDT", 1008),
        "a deposit": lambda: binance.deposit("BNB", "1.5"),
        "a withdrawal": lambda: binance.withdraw("BNB", "0.25"),
    }


def named(client_order_id):
    return {"newClientOrderId": client_order_id}


def lines():
    """Names of steps, and the events of each, as JSON."""
    with SimulatedBinance(Venue(clock=StandingClock())) as binance:
        trader = Trader(binance)
        with subscribed(binance, trader) as client:
            for name, act in steps(binance, trader).items():
                yield json.dumps(name)
                act()
                for message in client.answered("ping")[:-1]:
                    yield json.dumps(message)


if __name__ == "__main__":
    GOLDEN.write_text("\n".join(lines()) + "\n")
