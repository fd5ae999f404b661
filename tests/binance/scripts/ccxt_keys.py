"""Private keys in the place of a secret: ccxt signs with Ed25519, and with RSA."""

import sys
from pathlib import Path

import ccxt

URL, *KEYS = sys.argv[1:]

for kind, key, file in zip(("Ed25519", "RSA"), KEYS[::2], KEYS[1::2], strict=True):
    exchange = ccxt.binance(
        {
            "apiKey": key,
            "secret": Path(file).read_text(),
            "options": {
                "fetchMarkets": {"types": ["spot"]},
                "fetchCurrencies": False,
                "fetchMargins": False,
            },
        }
    )
    exchange.urls["api"]["public"] = exchange.urls["api"]["private"] = f"{URL}/api/v3"
    order = exchange.create_limit_buy_order("BTC/USDT", 0.01, 59000)
    print(kind, order["status"], exchange.cancel_order(order["id"], "BTC/USDT")["status"])
