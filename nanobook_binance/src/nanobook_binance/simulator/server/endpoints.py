"""All endpoints, by method and path."""

from __future__ import annotations

from nanobook_binance.simulator.server.endpoint import Endpoint
from nanobook_binance.simulator.server.endpoint_account import ACCOUNT
from nanobook_binance.simulator.server.endpoint_market import MARKET
from nanobook_binance.simulator.server.endpoint_trade import TRADE

ENDPOINTS: dict[tuple[str, str], Endpoint] = {
    (endpoint.method, endpoint.path): endpoint for endpoint in (*MARKET, *ACCOUNT, *TRADE)
}
