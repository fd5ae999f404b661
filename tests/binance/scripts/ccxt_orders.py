"""What a program does with ccxt all day, from the list of markets to its errors."""

import sys

import ccxt

URL, KEY, SECRET = sys.argv[1:]

exchange = ccxt.binance(
    {
        "apiKey": KEY,
        "secret": SECRET,
        "options": {
            "fetchMarkets": {"types": ["spot"]},
            "fetchCurrencies": False,  # asks /sapi, which is not spot trading
            "fetchMargins": False,
        },
    }
)
exchange.urls["api"]["public"] = exchange.urls["api"]["private"] = f"{URL}/api/v3"


def show(order):
    """An order as ccxt understands it."""
    print(
        *(f"{key}={order[key]}" for key in ("type", "side", "status", "price", "amount", "filled")),
        *(f"{key}={order[key]}" for key in ("remaining", "average", "cost", "timeInForce")),
    )


def refused(what, call, *arguments, **more):
    """What ccxt makes of a refusal."""
    try:
        call(*arguments, **more)
    except ccxt.BaseError as error:
        print(f"{what}: {type(error).__name__}: {error}")


markets = exchange.load_markets()
market = markets["BTC/USDT"]
print(market["id"], market["base"], market["quote"], market["type"], market["active"])
print(market["precision"], market["limits"]["amount"], market["limits"]["cost"])
print(exchange.price_to_precision("BTC/USDT", 59123.45678))
print(exchange.amount_to_precision("BTC/USDT", 0.123456789))
print(abs(exchange.fetch_time() - exchange.milliseconds()) < 60_000)

ticker = exchange.fetch_ticker("BTC/USDT")
print(ticker["symbol"], ticker["bid"], ticker["ask"], ticker["last"])
book = exchange.fetch_order_book("BTC/USDT", 5)
print(book["bids"][0], book["asks"][0])
free = exchange.fetch_balance()["free"]
print({asset: free[asset] for asset in ("USDT", "BTC")})

order = exchange.create_order(
    "BTC/USDT", "limit", "buy", 0.01, 59000, {"newClientOrderId": "resting-1"}
)
show(order)
print(order["clientOrderId"])
show(exchange.fetch_order(order["id"], "BTC/USDT"))
show(exchange.fetch_order(None, "BTC/USDT", {"origClientOrderId": "resting-1"}))
(opened,) = exchange.fetch_open_orders("BTC/USDT")
print(opened["clientOrderId"], exchange.fetch_balance()["USDT"])
cancelled = exchange.cancel_order(order["id"], "BTC/USDT")
show(cancelled)
print(exchange.fetch_open_orders("BTC/USDT"), exchange.fetch_balance()["USDT"])

exchange.create_order("BTC/USDT", "limit", "buy", 0.01, 59000, {"newClientOrderId": "resting-2"})
show(exchange.cancel_order(None, "BTC/USDT", {"origClientOrderId": "resting-2"}))

order = exchange.create_order("BTC/USDT", "market", "buy", 0.1)
show(order)
print(order["trades"][0]["price"], order["trades"][0]["amount"], order["fee"])
show(exchange.create_order("BTC/USDT", "limit", "buy", 0.5, 60000.01))
(opened,) = exchange.fetch_open_orders("BTC/USDT")
show(opened)
exchange.cancel_all_orders("BTC/USDT")
show(exchange.create_order("BTC/USDT", "limit", "sell", 0.2, 60000, {"timeInForce": "IOC"}))
show(exchange.create_market_buy_order_with_cost("ETH/USDT", 100))
for trade in exchange.fetch_my_trades("BTC/USDT"):
    print(trade["side"], trade["amount"], trade["price"], trade["cost"], trade["fee"])
show(exchange.fetch_orders("ETH/USDT")[-1])
print([(trade["side"], trade["amount"]) for trade in exchange.fetch_trades("BTC/USDT")])
(candle,) = exchange.fetch_ohlcv("BTC/USDT", "1d")[-1:]
print(candle[1:])
total = exchange.fetch_balance()["total"]
print({asset: total[asset] for asset in ("USDT", "BTC", "ETH")})

refused("too much", exchange.create_order, "BTC/USDT", "limit", "buy", 100, 59000)
refused("too little", exchange.create_order, "BTC/USDT", "limit", "buy", 0.00005, 59000)
refused("no such market", exchange.fetch_ticker, "NOSUCH/USDT")
refused("never heard of", exchange.fetch_order, "987654321", "BTC/USDT")
refused("nothing to cancel", exchange.cancel_order, "987654321", "BTC/USDT")
refused(
    "takes", exchange.create_order, "BTC/USDT", "limit", "sell", 0.01, 60000, {"postOnly": True}
)
exchange.secret = "wrong"
refused("wrong secret", exchange.fetch_balance)
exchange.apiKey = "A" * 64
refused("wrong key", exchange.fetch_balance)
exchange.apiKey = "short"
refused("no key", exchange.fetch_balance)
