"""The streams of ccxt.pro: books, trades and tickers, and what becomes of one's own orders."""

import asyncio
import sys

import ccxt.pro as ccxt

URL, KEY, SECRET = sys.argv[1:]
STREAMS = URL.replace("http", "ws", 1)


async def until(watch, *arguments, wanted):
    """What a watch returns, once it returns what is wanted."""
    while not (found := await watch(*arguments)) or not wanted(found):
        pass
    return found


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
    exchange.urls["api"]["ws"]["spot"] = f"{STREAMS}/ws"
    exchange.urls["api"]["ws"]["ws-api"]["spot"] = f"{STREAMS}/ws-api/v3"
    async with exchange:
        await exchange.load_markets()
        trades = asyncio.create_task(exchange.watch_trades("BTC/USDT"))
        book = await exchange.watch_order_book("BTC/USDT")
        print("book", book["bids"][0], book["asks"][0])
        print("move the market", flush=True)
        book = await until(
            exchange.watch_order_book,
            "BTC/USDT",
            wanted=lambda book: book["bids"] and book["bids"][0][0] == 60500,
        )
        print("book", book["bids"][0], book["asks"][0])
        ticker = await exchange.watch_ticker("BTC/USDT")
        print("ticker", ticker["last"], ticker["baseVolume"])

        balance = asyncio.create_task(exchange.watch_balance())
        orders = asyncio.create_task(exchange.watch_orders("BTC/USDT"))
        mine = asyncio.create_task(exchange.watch_my_trades("BTC/USDT"))
        while "spot" not in exchange.client(f"{STREAMS}/ws-api/v3").subscriptions:
            await asyncio.sleep(0.01)
        order = await exchange.create_order_ws("BTC/USDT", "limit", "buy", 0.01, 59000)
        print("placed", order["status"], order["price"], order["amount"])
        (seen,) = await orders
        print("order", seen["status"], seen["id"] == order["id"])
        print("balance", (await balance)["USDT"])
        print((await exchange.fetch_open_orders_ws("BTC/USDT"))[0]["id"] == order["id"])
        orders = asyncio.create_task(exchange.watch_orders("BTC/USDT"))
        cancelled = await exchange.cancel_order_ws(order["id"], "BTC/USDT")
        print("cancelled", cancelled["status"])
        (seen,) = await orders
        print("order", seen["status"], seen["id"] == order["id"])

        orders = asyncio.create_task(exchange.watch_orders("BTC/USDT"))
        order = await exchange.create_order("BTC/USDT", "market", "buy", 0.02)
        (trade,) = await mine
        print("mine", trade["side"], trade["amount"], trade["price"], trade["fee"])
        (trade,) = await trades
        print("trade", trade["side"], trade["amount"], trade["price"])
        (seen,) = await orders
        print("order", seen["status"], seen["filled"], seen["average"])


asyncio.run(main())
