"""What the venue lists unless it is told otherwise."""

from __future__ import annotations

from decimal import Decimal

from nanobook_binance.simulator.venue.symbol_rules import Filter, SymbolRules


def spot_rules(  # noqa: PLR0917 - a row of the table below
    base_asset: str,
    quote_asset: str,
    tick: str,
    step: str,
    max_quantity: str,
    market_quantity: str,
    min_notional: str,
) -> SymbolRules:
    """Make a symbol with the filters that the vendor's spot symbols have."""
    return SymbolRules(
        symbol=base_asset + quote_asset,
        base_asset=base_asset,
        quote_asset=quote_asset,
        filters=(
            {
                "filterType": "PRICE_FILTER",
                "minPrice": tick,
                "maxPrice": "1000000.00000000",
                "tickSize": tick,
            },
            {
                "filterType": "LOT_SIZE",
                "minQty": step,
                "maxQty": max_quantity,
                "stepSize": step,
            },
            {"filterType": "ICEBERG_PARTS", "limit": 100},
            {
                "filterType": "MARKET_LOT_SIZE",
                "minQty": "0.00000000",
                "maxQty": market_quantity,
                "stepSize": "0.00000000",
            },
            {
                "filterType": "TRAILING_DELTA",
                "minTrailingAboveDelta": 10,
                "maxTrailingAboveDelta": 2000,
                "minTrailingBelowDelta": 10,
                "maxTrailingBelowDelta": 2000,
            },
            {
                "filterType": "PERCENT_PRICE_BY_SIDE",
                "bidMultiplierUp": "5",
                "bidMultiplierDown": "0.2",
                "askMultiplierUp": "5",
                "askMultiplierDown": "0.2",
                "avgPriceMins": 5,
            },
            {
                "filterType": "NOTIONAL",
                "minNotional": min_notional,
                "applyMinToMarket": True,
                "maxNotional": "9000000.00000000",
                "applyMaxToMarket": False,
                "avgPriceMins": 5,
            },
            *_COUNTS,
        ),
    )


_COUNTS: tuple[Filter, ...] = (
    {"filterType": "MAX_NUM_ORDERS", "maxNumOrders": 200},
    {"filterType": "MAX_NUM_ORDER_LISTS", "maxNumOrderLists": 20},
    {"filterType": "MAX_NUM_ALGO_ORDERS", "maxNumAlgoOrders": 5},
    {"filterType": "MAX_NUM_ORDER_AMENDS", "maxNumOrderAmends": 10},
)

_TABLE = (
    ("BTC", "USDT", "0.01000000", "0.00001000", "9000.00000000", "120.00000000", "5.00000000"),
    ("ETH", "USDT", "0.01000000", "0.00010000", "9000.00000000", "2300.00000000", "5.00000000"),
    ("BNB", "USDT", "0.01000000", "0.00100000", "900000.00000000", "3500.00000000", "5.00000000"),
    (
        "USDC",
        "USDT",
        "0.00010000",
        "1.00000000",
        "9000000.00000000",
        "900000.00000000",
        "5.00000000",
    ),
    ("ETH", "BTC", "0.00001000", "0.00010000", "100000.00000000", "1900.00000000", "0.00010000"),
    (
        "PEPE",
        "USDT",
        "0.00000001",
        "1.00000000",
        "92141578899.00000000",
        "92141578899.00000000",
        "1.00000000",
    ),
)

#: Bid and ask that each of them starts with.
QUOTES = {
    "BTCUSDT": (Decimal("60000.00"), Decimal("60000.01")),
    "ETHUSDT": (Decimal("2500.00"), Decimal("2500.01")),
    "BNBUSDT": (Decimal("600.00"), Decimal("600.01")),
    "USDCUSDT": (Decimal("0.9999"), Decimal("1.0000")),
    "ETHBTC": (Decimal("0.04166"), Decimal("0.04167")),
    "PEPEUSDT": (Decimal("0.00001000"), Decimal("0.00001001")),
}


def default_symbols() -> tuple[SymbolRules, ...]:
    """Well-known pairs, one priced in bitcoin and one at a hundred-thousandth of a dollar."""
    return tuple(spot_rules(*row) for row in _TABLE)
