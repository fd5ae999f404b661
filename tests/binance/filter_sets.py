"""Symbols with any filters that a venue may have, and orders that meet or miss them."""

from __future__ import annotations

from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from typing import Any

from attrs import frozen
from hypothesis import strategies as st

from nanobook_binance.simulator.venue import SymbolRules
from nanobook_core.contracts import BrokerOrder

SATOSHI = Decimal("1E-8")
#: Of the base asset, by whoever orders.
HELD = Decimal(10**9)
#: Also steps that are no power of ten, and 0, which switches a filter off.
TICKS = ("0", "0.00000001", "0.00001234", "0.01", "0.05", "0.25", "2.5", "3")
STEPS = ("0", "0.00000001", "0.00002500", "0.001", "0.3", "1", "7")


@frozen(kw_only=True)
class Case:
    """A symbol, where it trades, and an order."""

    rules: SymbolRules
    bid: Decimal
    ask: Decimal
    order: BrokerOrder


def _text(number: Decimal) -> str:
    return f"{number:.8f}"


def _multiple(number: Decimal, step: Decimal, rounding: str = ROUND_FLOOR) -> Decimal:
    unit = step or SATOSHI
    return (number / unit).to_integral_value(rounding) * unit


@st.composite
def _price_filter(draw: Any, middle: Decimal, tick: Decimal) -> dict[str, Any]:
    least = draw(st.sampled_from([Decimal(0), tick, middle / 3]))
    most = draw(st.sampled_from([Decimal(0), middle * 3, middle * 1000]))
    return {
        "filterType": "PRICE_FILTER",
        "minPrice": _text(_multiple(least, SATOSHI)),
        "maxPrice": _text(_multiple(most, SATOSHI)),
        "tickSize": _text(tick),
    }


@st.composite
def _lots(draw: Any) -> dict[str, Any]:
    step = Decimal(draw(st.sampled_from(STEPS)))
    unit = step or SATOSHI
    least = unit * draw(st.sampled_from([1, 1, 5, Decimal("2.5")]))
    return {
        "filterType": "LOT_SIZE",
        "minQty": _text(_multiple(least, SATOSHI, ROUND_CEILING)),
        "maxQty": _text(unit * draw(st.sampled_from([1000, 10**6, 10**9]))),
        "stepSize": _text(step),
    }


@st.composite
def _market_lots(draw: Any, lots: dict[str, Any]) -> dict[str, Any]:
    unit = Decimal(lots["stepSize"]) or SATOSHI
    return {
        "filterType": "MARKET_LOT_SIZE",
        "minQty": _text(unit * draw(st.sampled_from([0, 3, 10]))),
        "maxQty": _text(unit * draw(st.sampled_from([0, 500, 10**5]))),
        "stepSize": _text(unit * draw(st.sampled_from([0, 1, 2, 3]))),
    }


def _multipliers(*names: str) -> st.SearchStrategy[dict[str, Any]]:
    up, down = st.sampled_from(["5", "1.5", "1.0001"]), st.sampled_from(["0", "0.2", "0.9999"])
    minutes = st.just(5)
    return st.fixed_dictionaries(
        {
            "filterType": st.just("PERCENT_PRICE_BY_SIDE" if len(names) > 1 else "PERCENT_PRICE"),
            **{f"{name}Up": up for name in names},
            **{f"{name}Down": down for name in names},
            "avgPriceMins": minutes,
        }
    )


def _notional(worth: Decimal) -> st.SearchStrategy[dict[str, Any]]:
    """Limits of the notional, around what an order may be worth."""
    least = st.sampled_from([worth / 100, worth / 2, worth * 2]).map(_text)
    most = st.sampled_from([worth * 3, worth * 10**6]).map(_text)
    flag = st.booleans()
    return st.one_of(
        st.fixed_dictionaries(
            {
                "filterType": st.just("NOTIONAL"),
                "minNotional": least,
                "applyMinToMarket": flag,
                "maxNotional": most,
                "applyMaxToMarket": flag,
                "avgPriceMins": st.just(5),
            }
        ),
        st.fixed_dictionaries(
            {
                "filterType": st.just("MIN_NOTIONAL"),
                "minNotional": least,
                "applyToMarket": flag,
                "avgPriceMins": st.just(5),
            }
        ),
    )


@st.composite
def cases(draw: Any) -> Case:
    """Any symbol and an order for it that most of the time is nearly right."""
    middle = Decimal(draw(st.sampled_from(["0.00001234", "0.5", "99.99", "60000"])))
    step = Decimal(draw(st.sampled_from(TICKS)))
    tick = step or SATOSHI
    middle = max(_multiple(middle, tick), 4 * tick)
    prices, lots = draw(_price_filter(middle, step)), draw(_lots())
    unit = Decimal(lots["stepSize"]) or SATOSHI
    shares = draw(st.integers(1, 3000))
    quantity = Decimal(lots["minQty"]) + unit * shares
    others = [
        draw(_market_lots(lots)),
        draw(_multipliers("bidMultiplier", "askMultiplier") | _multipliers("multiplier")),
        draw(_notional(max(middle * quantity, SATOSHI * 1000))),
        {"filterType": "MAX_NUM_ORDERS", "maxNumOrders": draw(st.sampled_from([1, 200]))},
        {"filterType": "MAX_NUM_ALGO_ORDERS", "maxNumAlgoOrders": draw(st.sampled_from([1, 5]))},
        {"filterType": "MAX_POSITION", "maxPosition": _text(HELD + unit * 5000)},
    ]
    kept = [each for each in others if draw(st.booleans())]
    rules = SymbolRules(
        symbol="XYZUSDT", base_asset="XYZ", quote_asset="USDT", filters=(prices, lots, *kept)
    )
    return Case(
        rules=rules,
        bid=middle - tick,
        ask=middle + tick,
        order=draw(_orders(middle, tick, quantity, unit)),
    )


@st.composite
def _orders(draw: Any, middle: Decimal, tick: Decimal, quantity: Decimal, unit: Decimal) -> Any:
    side = draw(st.sampled_from(["buy", "sell"]))
    kind = draw(st.sampled_from(["limit", "limit", "limit", "market", "stop", "stop_limit"]))
    off = st.sampled_from([Decimal(0), Decimal(0), Decimal(0), tick / 3, SATOSHI, SATOSHI / 7])
    below, above = ["0.0001", "0.3", "0.95", "0.9999"], ["1.0001", "1.3", "4", "900"]
    factor = Decimal(draw(st.sampled_from([*below, "1", *above])))
    beyond = Decimal(draw(st.sampled_from(above if side == "buy" else below)))

    def price(share: Decimal) -> Decimal:
        found = max(_multiple(middle * share, tick), tick) + draw(off)
        return found.quantize(Decimal("1E-10"))

    sizes = [quantity, quantity + unit / 3, unit / 2, unit, quantity * 100, unit * 10**9]
    wanted = draw(st.sampled_from(sizes)).quantize(Decimal("1E-10"))
    terms = {
        "limit": lambda: {"limit_price": price(factor)},
        "market": dict,
        "stop": lambda: {"stop_price": price(beyond)},
        "stop_limit": lambda: {"stop_price": price(beyond), "limit_price": price(factor)},
    }[kind]()
    return BrokerOrder("XYZ", side, wanted, kind, tif="gtc", **terms)
