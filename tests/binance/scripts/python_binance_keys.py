"""Private keys in the place of a secret: python-binance signs with Ed25519, and with RSA."""

import sys
from pathlib import Path

from binance.client import Client

URL, *KEYS = sys.argv[1:]

for kind, key, file in zip(("Ed25519", "RSA"), KEYS[::2], KEYS[1::2], strict=True):
    client = Client(key, private_key=Path(file), ping=False)
    client.API_URL = f"{URL}/api"
    order = client.order_limit_buy(symbol="BTCUSDT", quantity="0.01", price="59000")
    cancelled = client.cancel_order(symbol="BTCUSDT", orderId=order["orderId"])
    print(kind, order["status"], cancelled["status"])
