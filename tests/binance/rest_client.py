"""A client of the simulated venue's REST, which signs as the vendor says."""

import hashlib
import hmac
from urllib.parse import urlencode

import requests

GIVE_UP_SECONDS = 60


class RestClient:
    """Requests on one connection, as long as the venue keeps it."""

    def __init__(self, binance, api_key=None, secret_key=None, sign=None):
        self.binance = binance
        self.api_key = binance.api_key if api_key is None else api_key
        self._sign = sign or hmac_signer(binance.secret_key if secret_key is None else secret_key)
        self._session = requests.Session()

    def close(self):
        self._session.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def public(self, method, path, **parameters):
        """Ask without a key."""
        return self.send(method, path, urlencode(parameters))

    def signed(self, method, path, **parameters):
        """Ask with a key, a timestamp and a signature; a parameter that is None is not sent."""
        sent = {"timestamp": self.now(), **parameters}
        query = urlencode({name: value for name, value in sent.items() if value is not None})
        return self.send(method, path, self.with_signature(query), key=True)

    def with_signature(self, query):
        return f"{query}&{urlencode({'signature': self._sign(query.encode())})}"

    def now(self):
        return self.binance.call(lambda venue: venue.now_ms())

    def send(self, method, path, query="", body=None, *, key=False, headers=()):
        """Send exactly that."""
        sent = dict(headers)
        if key:
            sent["X-MBX-APIKEY"] = self.api_key
        if body is not None:
            sent["Content-Type"] = "application/x-www-form-urlencoded"
        url = f"{self.binance.url}{path}" + (f"?{query}" if query else "")
        return self._session.request(method, url, data=body, headers=sent, timeout=GIVE_UP_SECONDS)

    def order(self, side="BUY", quantity="0.01", symbol="BTCUSDT", **parameters):
        """Place an order: at the market, without a price."""
        how = LIMIT if "price" in parameters else {"type": "MARKET"}
        sent = {"symbol": symbol, "side": side, "quantity": quantity, **how, **parameters}
        return self.signed("POST", "/api/v3/order", **sent)

    def query(self, symbol="BTCUSDT", **which):
        return self.signed("GET", "/api/v3/order", symbol=symbol, **which)

    def cancel(self, symbol="BTCUSDT", **which):
        return self.signed("DELETE", "/api/v3/order", symbol=symbol, **which)


LIMIT = {"type": "LIMIT", "timeInForce": "GTC"}


def hmac_signer(secret):
    """Sign as keys of that kind do."""
    return lambda payload: hmac.new(secret.encode(), payload, hashlib.sha256).hexdigest()
