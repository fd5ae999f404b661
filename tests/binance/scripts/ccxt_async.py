"""Several markets at once with ccxt's async client."""

import asyncio
import sys

import ccxt.async_support as ccxt

URL, KEY, SECRET = sys.argv[1:]
PRICES = {"BTC/USDT": (0.01, 59000), "ETH/USDT": (0.1, 2900), "BNB/USDT": (1, 500)}


async def main():
    exchange = ccxt.binance(
        {
            "apiKey": KEY,
            "secret": SECRET,
            "options": {
                "fetchMarkets": {"types": ["spot"]},
                "fetchCurrencies": False,
                "fetchMargins": False,
            },
        }
    )
    exchange.urls["api"]["public"] = exchange.urls["api"]["private"] = f"{URL}/api/v3"
    async with exchange:
        await exchange.load_markets()
        tickers = await exchange.fetch_tickers(list(PRICES))
        for symbol in PRICES:
            print(symbol, tickers[symbol]["bid"], tickers[symbol]["ask"])
        quoted = await exchange.fetch_bids_asks(list(PRICES))
        print(all(quoted[symbol]["bid"] == tickers[symbol]["bid"] for symbol in PRICES))

        placed = await asyncio.gather(
            *(
                exchange.create_limit_buy_order(symbol, amount, price)
                for symbol, (amount, price) in PRICES.items()
            )
        )
        print([order["status"] for order in placed])
        opened = await asyncio.gather(*(exchange.fetch_open_orders(symbol) for symbol in PRICES))
        print([(order["symbol"], order["amount"], order["price"]) for (order,) in opened])
        print((await exchange.fetch_balance())["USDT"])

        edited = await exchange.edit_order(placed[0]["id"], "BTC/USDT", "limit", "buy", 0.02, 58000)
        print(edited["id"] != placed[0]["id"], edited["amount"], edited["price"], edited["status"])
        cancelled = await asyncio.gather(
            *(
                exchange.cancel_order(order["id"], order["symbol"])
                for order in (edited, *placed[1:])
            )
        )
        print([order["status"] for order in cancelled])

        stop = await exchange.create_order(
            "BTC/USDT", "limit", "sell", 0.01, 49900, {"stopLossPrice": 50000}
        )
        stop = await exchange.fetch_order(stop["id"], "BTC/USDT")
        print(stop["type"], stop["status"], stop["stopPrice"], stop["price"])
        await exchange.cancel_order(stop["id"], "BTC/USDT")

        bought = await asyncio.gather(
            exchange.create_market_buy_order("BTC/USDT", 0.01),
            exchange.create_market_buy_order("ETH/USDT", 0.2),
        )
        print([(order["symbol"], order["filled"], order["average"]) for order in bought])
        trades = await exchange.fetch_order_trades(bought[1]["id"], "ETH/USDT")
        print([(trade["amount"], trade["price"], trade["fee"]) for trade in trades])


asyncio.run(main())
