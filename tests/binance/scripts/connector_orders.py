"""Orders of a program that was written with binance-connector."""

import sys

from binance.error import ClientError
from binance.spot import Spot

URL, KEY, SECRET = sys.argv[1:]
STATE = ("status", "origQty", "executedQty", "cummulativeQuoteQty")

client = Spot(KEY, SECRET, base_url=URL)


def show(answer, *names):
    """These fields of an answer."""
    print(*(answer[name] for name in names))


def refused(what, call, *arguments, **parameters):
    """What binance-connector makes of a refusal."""
    try:
        call(*arguments, **parameters)
    except ClientError as error:
        print(f"{what}: {error.status_code} {error.error_code} {error.error_message}")


print(client.ping(), list(client.time()))
(info,) = client.exchange_info(symbol="BTCUSDT")["symbols"]
show(info, "symbol", "status", "orderTypes")
both = client.exchange_info(symbols=["BTCUSDT", "ETHUSDT"])["symbols"]
print([each["symbol"] for each in both])
show(client.book_ticker("BTCUSDT"), "bidPrice", "bidQty", "askPrice", "askQty")
print([each["symbol"] for each in client.ticker_price(symbols=["BTCUSDT", "ETHUSDT"])])
show(client.ticker_24hr("BTCUSDT"), "symbol", "lastPrice", "bidPrice", "askPrice")
show(client.avg_price("BTCUSDT"), "mins")
print(client.depth("BTCUSDT", limit=5)["bids"][0])
account = client.account(omitZeroBalances="true")
show(account, "accountType", "canTrade", "permissions")
print([each for each in account["balances"] if each["asset"] in ("USDT", "BTC")])

limit = {"type": "LIMIT", "timeInForce": "GTC"}
client.new_order_test("BTCUSDT", "BUY", **limit, quantity="0.01", price="59000")
order = client.new_order(
    "BTCUSDT", "BUY", **limit, quantity="0.01", price="59000", newClientOrderId="resting-1"
)
show(order, "clientOrderId", *STATE)
show(client.get_order("BTCUSDT", origClientOrderId="resting-1"), "side", "type", *STATE)
print([each["clientOrderId"] for each in client.get_open_orders("BTCUSDT")])
twice = {"quantity": "0.01", "price": "59000", "newClientOrderId": "resting-1"}
refused("twice", client.new_order, "BTCUSDT", "BUY", **limit, **twice)
replaced = client.cancel_and_replace(
    "BTCUSDT",
    "BUY",
    **limit,
    cancelReplaceMode="STOP_ON_FAILURE",
    cancelOrigClientOrderId="resting-1",
    quantity="0.02",
    price="58000",
    newClientOrderId="resting-2",
)
show(replaced, "cancelResult", "newOrderResult")
show(replaced["newOrderResponse"], "clientOrderId", *STATE)
show(client.cancel_order("BTCUSDT", origClientOrderId="resting-2"), "origClientOrderId", *STATE)

order = client.new_order("BTCUSDT", "BUY", type="MARKET", quoteOrderQty="6000.001")
show(order, *STATE, "origQuoteOrderQty")
print([(each["price"], each["qty"], each["commission"]) for each in order["fills"]])
order = client.new_order("BTCUSDT", "BUY", **limit, quantity="0.5", price="60000.01")
show(order, *STATE)
(cancelled,) = client.cancel_open_orders("BTCUSDT")
show(cancelled, *STATE)
for each in client.my_trades("BTCUSDT"):
    show(each, "qty", "price", "commission", "commissionAsset", "isBuyer", "isMaker")
print([each["status"] for each in client.get_orders("BTCUSDT")])
(ten_seconds, day) = client.get_order_rate_limit()
show(ten_seconds, "rateLimitType", "interval", "intervalNum", "limit")
show(day, "rateLimitType", "interval", "intervalNum", "limit")

cross = {"type": "LIMIT_MAKER", "quantity": "0.01", "price": "60000"}
refused("post only", client.new_order, "BTCUSDT", "SELL", **cross)
refused("nothing open", client.cancel_open_orders, "BTCUSDT")
refused("symbol", client.book_ticker, "NOSUCH")
refused("secret", Spot(KEY, "wrong", base_url=URL).account)
refused("key", Spot("A" * 64, SECRET, base_url=URL).account)

limited = Spot(KEY, SECRET, base_url=URL, show_limit_usage=True)
print(sorted(limited.time()["limit_usage"]))
