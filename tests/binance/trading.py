"""A broker of Binance on a simulated venue, and short ways to order through it."""

import contextlib
from decimal import Decimal

from tests.binance.market import Market

import nanobook
from nanobook_core.contracts import BrokerOrder

BID, ASK = Decimal("99.90"), Decimal("100.10")
ACCOUNT = "default"


@contextlib.contextmanager
def trading(**settings):
    """Return a market in BTC and ETH that runs."""
    market = Market(**settings)
    with market.binance:
        for symbol in ("BTC", "ETH"):
            market.set_quote(symbol, BID, ASK)
        yield market


def broker_at(market, **settings):
    """Return a broker of the account, not connected."""
    binance = market.binance
    return nanobook.BinanceBroker(
        binance.api_key,
        binance.secret_key,
        **{"base_url": binance.url, "clock": market.clock, **settings},
    )


def limit(name="a", side="buy", price="95", quantity=8, symbol="BTC", **more):
    """Return an order that rests, unless its price says otherwise."""
    return BrokerOrder(
        symbol, side, quantity, "limit", Decimal(price), tif="gtc", client_order_id=name, **more
    )


def requests(market, method, path):
    """Return what was asked of one endpoint, oldest first."""
    return [
        one for one in market.binance.log if (one.method, one.path) == (method, f"/api/v3/{path}")
    ]


def sent(market):
    """Return the client order ids of the orders that came to the venue, by symbol and number."""
    return [order.client_order_id for order in market.binance.orders()]
