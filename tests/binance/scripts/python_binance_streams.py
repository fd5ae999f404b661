"""The streams of python-binance: books, trades, and the user socket."""

import asyncio
import sys

from binance import AsyncClient, BinanceSocketManager, ReconnectingWebsocket

URL, KEY, SECRET = sys.argv[1:]
STREAMS = URL.replace("http", "ws", 1)


async def until(socket, wanted):
    """The first event that is wanted."""
    while not wanted(event := await socket.recv()):
        pass
    return event


async def main():
    AsyncClient.API_URL = f"{URL}/api"
    AsyncClient.WS_API_URL = f"{STREAMS}/ws-api/v3"
    BinanceSocketManager.STREAM_URL = f"{STREAMS}/"
    ReconnectingWebsocket.TIMEOUT = 1  # seconds that closing a quiet socket takes it
    client = await AsyncClient.create(KEY, SECRET)
    sockets = BinanceSocketManager(client)
    async with (
        sockets.symbol_book_ticker_socket("BTCUSDT") as touch,
        sockets.depth_socket("BTCUSDT", depth="5") as levels,
        sockets.multiplex_socket(["btcusdt@trade", "ethusdt@trade"]) as trades,
        sockets.user_socket() as user,
    ):
        print("move the market", flush=True)
        event = await until(touch, lambda event: event["b"] == "60500.00000000")
        print("touch", event["s"], event["b"], event["a"])
        event = await until(levels, lambda event: event["bids"][0][0] == "60500.00000000")
        print("levels", event["bids"][0], event["asks"][0])

        order = await client.order_limit_buy(symbol="BTCUSDT", quantity="0.01", price="59000")
        event = await until(user, lambda event: event["e"] == "executionReport")
        print("report", event["x"], event["X"], event["i"] == order["orderId"], event["p"])
        event = await until(user, lambda event: event["e"] == "outboundAccountPosition")
        print("account", [each for each in event["B"] if each["a"] == "USDT"])
        await client.cancel_order(symbol="BTCUSDT", orderId=order["orderId"])
        event = await until(user, lambda event: event["e"] == "executionReport")
        print("report", event["x"], event["X"], event["C"] == order["clientOrderId"])

        order = await client.ws_create_order(
            symbol="BTCUSDT", side="BUY", type="MARKET", quantity="0.02"
        )
        print("placed", order["status"], order["executedQty"])
        event = await until(user, lambda event: event.get("x") == "TRADE")
        print("report", event["X"], event["l"], event["L"], event["n"], event["N"], event["m"])
        event = await trades.recv()
        print("trade", event["stream"], event["data"]["p"], event["data"]["q"])
        print("time", list(await client.ws_get_time()))
    await client.close_connection()


asyncio.run(main())
