"""A client of the simulated venue's websockets that does what it is told and nothing else."""

import json
import time

import requests
import websocket

from nanobook_binance.signature import payload, read_keys

SECONDS = 60
"""Nothing takes so long, on the slowest machine either."""


class StreamClient:
    """One connection; it answers pings, as every library does by itself."""

    def __init__(self, url):
        self.socket = websocket.create_connection(url, timeout=SECONDS)
        self._next_id = 1

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.close()

    def close(self):
        self.socket.close()
        self.socket.shutdown()  # what the other side has cut is open on this one still

    def send(self, message):
        self.socket.send(message if isinstance(message, str) else json.dumps(message))

    def receive(self):
        """The next message; None once the connection has been closed."""
        try:
            text = self.socket.recv()
        except (websocket.WebSocketConnectionClosedException, ConnectionError):
            return None
        return json.loads(text) if text else None

    def until(self, is_meant):
        """Messages up to the first that is meant."""
        messages = []
        deadline = time.monotonic() + SECONDS
        while time.monotonic() < deadline:
            message = self.receive()
            messages.append(message)
            if message is None or is_meant(message):
                return messages
        raise AssertionError(f"what was waited for did not come; {messages[-3:]}")

    def ask(self, method, request_id=None, /, **params):
        """The answer to a request of the WebSocket API; events before it are dropped."""
        return self.answered(method, request_id, **params)[-1]

    def answered(self, method, request_id=None, /, **params):
        """Events until the answer to a request, and the answer."""
        if request_id is None:
            request_id, self._next_id = self._next_id, self._next_id + 1
        message = {"id": request_id, "method": method}
        if params:
            message["params"] = params
        self.send(message)
        return self.until(lambda found: "event" not in found)

    def events(self, count):
        """So many events of user data streams."""
        found = []
        while len(found) < count:
            message = self.receive()
            assert message is not None, f"the connection was closed after {found}"
            assert "event" in message, message
            found.append(message["event"])
        return found

    def is_closed(self):
        """Whether it ends without another message."""
        return self.receive() is None


class Trader:
    """Signs for one key of the simulated venue, over both of its APIs."""

    def __init__(self, binance, api_key=None, secret=None):
        self._binance = binance
        self.api_key = api_key or binance.api_key
        self.keys = read_keys(self.api_key, secret or binance.secret_key)

    def signed(self, **params):
        """The parameters with key, time and signature."""
        params = {"apiKey": self.api_key, "timestamp": self.now(), **params}
        text = "&".join(f"{name}={_text(value)}" for name, value in sorted(params.items()))
        return {**params, "signature": self.keys.sign(text)}

    def now(self):
        return requests.get(f"{self._binance.url}/api/v3/time", timeout=SECONDS).json()[
            "serverTime"
        ]

    def public(self, path, **params):
        """The answer to a question that anybody may ask over HTTP."""
        return requests.get(self._binance.url + path, params=params, timeout=SECONDS).json()

    def rest(self, method, path, **params):
        """The answer to a signed request over HTTP."""
        text = payload({**params, "timestamp": self.now()})
        signed = f"{text}&signature={requests.utils.quote(self.keys.sign(text), safe='')}"
        answer = requests.request(
            method,
            f"{self._binance.url}{path}?{signed}",
            headers={"X-MBX-APIKEY": self.api_key},
            timeout=SECONDS,
        )
        return answer.json()

    def buy(self, quantity, price, **params):
        return self._order("BUY", quantity, price, params)

    def sell(self, quantity, price, **params):
        return self._order("SELL", quantity, price, params)

    def cancel(self, order_id, **params):
        return self.rest(
            "DELETE", "/api/v3/order", **{"symbol": "BTCUSDT", "orderId": order_id, **params}
        )

    def _order(self, side, quantity, price, params):
        order = {"symbol": "BTCUSDT", "side": side, "type": "LIMIT", "timeInForce": "GTC"}
        answer = self.rest(
            "POST", "/api/v3/order", **{**order, "quantity": quantity, "price": price, **params}
        )
        assert "orderId" in answer, answer
        return answer


def _text(value):
    return str(value).lower() if isinstance(value, bool) else str(value)


def subscribed(binance, trader=None):
    """A connection on which the user data stream of an account has begun."""
    client = StreamClient(binance.ws_api_url)
    trader = trader or Trader(binance)
    answer = client.ask("userDataStream.subscribe.signature", **trader.signed())
    assert answer["result"] == {"subscriptionId": 0}, answer
    return client
