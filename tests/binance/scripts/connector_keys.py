"""Private keys in the place of a secret: binance-connector signs with Ed25519, and with RSA."""

import sys
from pathlib import Path

from binance.spot import Spot

URL, *KEYS = sys.argv[1:]

for kind, key, file in zip(("Ed25519", "RSA"), KEYS[::2], KEYS[1::2], strict=True):
    client = Spot(key, private_key=Path(file).read_text(), base_url=URL)
    limit = {"type": "LIMIT", "timeInForce": "GTC", "quantity": "0.01", "price": "59000"}
    order = client.new_order("BTCUSDT", "BUY", **limit)
    cancelled = client.cancel_order("BTCUSDT", orderId=order["orderId"])
    print(kind, order["status"], cancelled["status"])
