"""Other libraries as their users write them, but for the address."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from spot.way import QUANTITY, Venue

SYMBOL = "BTCUSDT"


class Ccxt:
    """`ccxt.binance`, its own throttle off."""

    threads = 1

    def __init__(self, venue: Venue) -> None:
        library: Any = import_module("ccxt")
        self._exchange = library.binance(
            {
                "apiKey": venue.api_key,
                "secret": venue.secret_key,
                "enableRateLimit": False,
                "options": {
                    "defaultType": "spot",
                    "fetchMarkets": ["spot"],
                    "fetchCurrencies": False,
                    "fetchMargins": False,
                },
            }
        )
        for name in ("public", "private"):
            self._exchange.urls["api"][name] = f"{venue.url}/api/v3"
        self._exchange.load_markets()

    def submit(self, price: str) -> None:
        """Create an order to buy at a limit."""
        self._exchange.create_order("BTC/USDT", "limit", "buy", float(QUANTITY), float(price))

    def clear(self) -> None:
        """Cancel what is open."""
        if self._exchange.fetch_open_orders("BTC/USDT"):
            self._exchange.cancel_all_orders("BTC/USDT")

    def close(self) -> None:
        """Close its connections."""
        self._exchange.session.close()


class PythonBinance:
    """`binance.client.Client` of python-binance."""

    threads = 1

    def __init__(self, venue: Venue) -> None:
        library: Any = import_module("binance.client")
        self._client = library.Client(venue.api_key, venue.secret_key, ping=False)
        self._client.API_URL = f"{venue.url}/api"

    def submit(self, price: str) -> None:
        """Create an order to buy at a limit."""
        self._client.order_limit_buy(symbol=SYMBOL, quantity=QUANTITY, price=price)

    def clear(self) -> None:
        """Cancel what is open."""
        for order in self._client.get_open_orders(symbol=SYMBOL):
            self._client.cancel_order(symbol=SYMBOL, orderId=order["orderId"])

    def close(self) -> None:
        """Close its connections."""
        self._client.close_connection()
