"""HTTP alone: one kept connection, one signature for each order, no library."""

from __future__ import annotations

import hashlib
import hmac
import http.client
import time
from urllib.parse import urlsplit

from spot.way import QUANTITY, Venue

_OK = 200


class Bare:
    """One connection."""

    threads = 1

    def __init__(self, venue: Venue) -> None:
        self._venue = venue
        parts = urlsplit(venue.url)
        self._connection = http.client.HTTPConnection(parts.hostname or "", parts.port)

    def submit(self, price: str) -> None:
        """Send an order to buy at a limit."""
        order = f"side=BUY&type=LIMIT&timeInForce=GTC&quantity={QUANTITY}&price={price}"
        self._send("POST", "order", order)

    def clear(self) -> None:
        """Cancel all orders of the symbol."""
        self._send("DELETE", "openOrders", "", refused=True)

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    def _send(self, method: str, path: str, terms: str, *, refused: bool = False) -> None:
        text = f"symbol=BTCUSDT&{terms}&timestamp={int(time.time() * 1000)}".replace("&&", "&")
        secret = self._venue.secret_key.encode()
        signature = hmac.new(secret, text.encode(), hashlib.sha256).hexdigest()
        self._connection.request(
            method,
            f"/api/v3/{path}?{text}&signature={signature}",
            headers={"X-MBX-APIKEY": self._venue.api_key},
        )
        answer = self._connection.getresponse()
        body = answer.read()
        if answer.status != _OK and not refused:  # there may be nothing to cancel
            raise RuntimeError(body.decode())
