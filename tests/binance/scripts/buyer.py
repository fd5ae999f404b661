"""Takes what is offered, in two orders, with python-binance."""

import sys

from binance.client import Client

URL, KEY, SECRET = sys.argv[1:]

client = Client(KEY, SECRET, ping=False)
client.API_URL = f"{URL}/api"

best = client.get_orderbook_ticker(symbol="BTCUSDT")
print(f"python-binance: the ask is {best['askPrice']} for {best['askQty']}")
for quantity in ("0.04", "0.06"):
    order = client.create_order(
        symbol="BTCUSDT",
        side="BUY",
        type="LIMIT",
        timeInForce="IOC",
        quantity=quantity,
        price=best["askPrice"],
    )
    for fill in order["fills"]:
        fee = f"{fill['commission']} {fill['commissionAsset']}"
        print(f"python-binance: bought {fill['qty']} at {fill['price']}, fee {fee}")
