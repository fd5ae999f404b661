"""Orders of a program that was written with python-binance."""

import sys

from binance.client import Client
from binance.exceptions import BinanceAPIException

URL, KEY, SECRET = sys.argv[1:]
STATE = ("status", "origQty", "executedQty", "cummulativeQuoteQty")

client = Client(KEY, SECRET, ping=False)
client.API_URL = f"{URL}/api"


def show(answer, *names):
    """These fields of an answer."""
    print(*(answer[name] for name in names))


def refused(what, call, **parameters):
    """What python-binance makes of a refusal."""
    try:
        call(**parameters)
    except BinanceAPIException as error:
        print(f"{what}: {error.status_code} {error.code} {error.message}")


print(client.ping())
info = client.get_symbol_info("BTCUSDT")
show(info, "symbol", "status", "baseAsset", "quoteAsset", "isSpotTradingAllowed")
filters = {each["filterType"]: each for each in info["filters"]}
show(filters["PRICE_FILTER"], "tickSize")
show(filters["LOT_SIZE"], "minQty", "stepSize")
show(client.get_orderbook_ticker(symbol="BTCUSDT"), "bidPrice", "bidQty", "askPrice", "askQty")
show(client.get_symbol_ticker(symbol="BTCUSDT"), "symbol", "price")
print(client.get_order_book(symbol="BTCUSDT", limit=5)["asks"][0])
print(client.get_asset_balance("USDT"), client.get_asset_balance("BTC"))

print(client.create_test_order(symbol="BTCUSDT", side="BUY", type="MARKET", quantity="0.1"))
order = client.order_limit_buy(
    symbol="BTCUSDT", quantity="0.01", price="59000.00", newClientOrderId="resting-1"
)
show(order, "clientOrderId", *STATE, "type", "side", "timeInForce")
show(client.get_order(symbol="BTCUSDT", orderId=order["orderId"]), "clientOrderId", *STATE)
show(client.get_order(symbol="BTCUSDT", origClientOrderId="resting-1"), "price", "isWorking")
print([each["clientOrderId"] for each in client.get_open_orders(symbol="BTCUSDT")])
print([each["clientOrderId"] for each in client.get_open_orders()])
print(client.get_asset_balance("USDT"))
cancelled = client.cancel_order(symbol="BTCUSDT", origClientOrderId="resting-1")
show(cancelled, "origClientOrderId", "status")
print(cancelled["clientOrderId"] != "resting-1", client.get_open_orders())

order = client.order_market_buy(symbol="BTCUSDT", quantity="0.1")
show(order, *STATE, "type")
for fill in order["fills"]:
    show(fill, "price", "qty", "commission", "commissionAsset")
show(client.order_market_sell(symbol="BTCUSDT", quantity="0.05"), *STATE)
show(client.order_market_buy(symbol="ETHUSDT", quoteOrderQty="100"), *STATE)
order = client.create_order(
    symbol="BTCUSDT",
    side="BUY",
    type="LIMIT",
    timeInForce="IOC",
    quantity="0.5",
    price="60000.01",
)
show(order, *STATE)
for trade in client.get_my_trades(symbol="BTCUSDT"):
    show(trade, "isBuyer", "qty", "price", "quoteQty", "commission", "commissionAsset")
print([each["status"] for each in client.get_all_orders(symbol="BTCUSDT")])
print([client.get_asset_balance(asset)["free"] for asset in ("USDT", "BTC", "ETH")])

limit = {"symbol": "BTCUSDT", "side": "BUY", "type": "LIMIT", "timeInForce": "GTC"}
refused("money", client.create_order, **limit, quantity="100", price="59000")
refused("small", client.create_order, **limit, quantity="0.00001", price="59000")
refused("step", client.create_order, **limit, quantity="0.000001", price="59000")
refused("tick", client.create_order, **limit, quantity="0.01", price="59000.001")
refused("far", client.create_order, **limit, quantity="0.01", price="1")
refused("digits", client.create_order, **limit, quantity="0.0123456789", price="59000")
refused("number", client.create_order, **limit, quantity="some", price="59000")
refused("price", client.create_order, **limit, quantity="0.01")
refused("symbol", client.create_order, **{**limit, "symbol": "NOSUCH"}, quantity=1, price=1)
refused("side", client.create_order, **{**limit, "side": "LONG"}, quantity=1, price=59000)
refused("type", client.create_order, **{**limit, "type": "PEG"}, quantity=1, price=59000)
refused("tif", client.create_order, **{**limit, "timeInForce": "DAY"}, quantity=1, price=59000)
refused("order", client.get_order, symbol="BTCUSDT", orderId=987654321)
refused("cancel", client.cancel_order, symbol="BTCUSDT", orderId=987654321)
client.timestamp_offset = -60_000
refused("clock", client.get_account)
client.timestamp_offset = 60_000
refused("clock", client.get_account)
client.timestamp_offset = 0
client.API_SECRET = "wrong"
refused("secret", client.get_account)
