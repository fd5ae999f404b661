"""The streams and the WebSocket API of binance-connector."""

import json
import queue
import sys

from binance.websocket.spot.websocket_api import SpotWebsocketAPIClient
from binance.websocket.spot.websocket_stream import SpotWebsocketStreamClient

URL, KEY, SECRET = sys.argv[1:]
STREAMS = URL.replace("http", "ws", 1)
GIVE_UP_SECONDS = 30

events, answers = queue.Queue(), queue.Queue()


def until(wanted):
    """The first event that is wanted."""
    while not wanted(event := json.loads(events.get(timeout=GIVE_UP_SECONDS))):
        pass
    return event


def answer():
    """The next answer of the WebSocket API."""
    return json.loads(answers.get(timeout=GIVE_UP_SECONDS))


stream = SpotWebsocketStreamClient(
    stream_url=STREAMS, on_message=lambda _, message: events.put(message), is_combined=True
)
stream.subscribe(["btcusdt@bookTicker", "btcusdt@trade", "btcusdt@depth@100ms"], id=7)
print(until(lambda event: event.get("id") == 7))
stream.list_subscribe(id=8)
print(sorted(until(lambda event: event.get("id") == 8)["result"]))
print("move the market", flush=True)


def is_touch(event):
    """Whether the market has moved."""
    return (
        event.get("stream") == "btcusdt@bookTicker"
        and event["data"]["b"] == "60500.00000000"
        and event["data"]["a"] == "60500.01000000"
    )


data = until(is_touch)["data"]
print("touch", data["s"], data["b"], data["B"], data["a"], data["A"])

api = SpotWebsocketAPIClient(
    stream_url=f"{STREAMS}/ws-api/v3",
    api_key=KEY,
    api_secret=SECRET,
    on_message=lambda _, message: answers.put(message),
)
api.ping_connectivity(id="ping")
print(answer())
api.ticker_book(symbol="BTCUSDT", id=2)
said = answer()
print(said["id"], said["status"], said["result"]["bidPrice"], said["rateLimits"][0]["limit"])
api.new_order(
    symbol="BTCUSDT",
    side="BUY",
    type="LIMIT",
    timeInForce="GTC",
    quantity="0.01",
    price="59000",
    newClientOrderId="by-socket",
    newOrderRespType="RESULT",
)
said = answer()
print(said["status"], said["result"]["clientOrderId"], said["result"]["status"])
api.get_order(symbol="BTCUSDT", origClientOrderId="by-socket")
print(answer()["result"]["origQty"])
api.get_open_orders(symbol="BTCUSDT")
print([each["clientOrderId"] for each in answer()["result"]])
api.cancel_order(symbol="BTCUSDT", origClientOrderId="by-socket")
print(answer()["result"]["status"])
api.new_order(symbol="BTCUSDT", side="BUY", type="MARKET", quantity="0.02", newOrderRespType="FULL")
said = answer()
print(said["result"]["status"], said["result"]["fills"][0]["price"])
data = until(lambda event: event.get("stream") == "btcusdt@trade")["data"]
print("trade", data["p"], data["q"], data["m"])
api.account()
free = {each["asset"]: each["free"] for each in answer()["result"]["balances"]}
print(free["USDT"], free["BTC"])
api.cancel_order(symbol="BTCUSDT", orderId=987654321)
said = answer()
print(said["status"], said["error"])

stream.stop()
api.stop()
