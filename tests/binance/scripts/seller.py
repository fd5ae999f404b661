"""Offers 0.1 bitcoin below the market with ccxt, and waits until somebody takes them."""

import sys
import time

import ccxt

URL, KEY, SECRET = sys.argv[1:]

exchange = ccxt.binance(
    {
        "apiKey": KEY,
        "secret": SECRET,
        "options": {
            "fetchMarkets": {"types": ["spot"]},
            "fetchCurrencies": False,  # these two ask /sapi, which is not spot trading
            "fetchMargins": False,
        },
    }
)
exchange.urls["api"]["public"] = exchange.urls["api"]["private"] = f"{URL}/api/v3"

order = exchange.create_limit_sell_order("BTC/USDT", 0.1, 60000.50)
print(f"ccxt: offered {order['amount']} BTC at {order['price']}", flush=True)
while order["status"] == "open":
    time.sleep(0.05)
    order = exchange.fetch_order(order["id"], "BTC/USDT")
for trade in exchange.fetch_order_trades(order["id"], "BTC/USDT"):
    fee = trade["fee"]
    print(f"ccxt: sold {trade['amount']} at {trade['price']}, fee {fee['cost']} {fee['currency']}")
