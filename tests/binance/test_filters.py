"""Filters of the venue: what they refuse, and what is nearest."""

import csv
from decimal import Decimal, localcontext
from pathlib import Path

import pytest
from attrs import evolve
from hypothesis import assume, given
from hypothesis import strategies as st
from tests.binance.hand_clock import HandClock
from tests.binance.market_server import MarketServer

from nanobook_binance.filters import Standing, check_filters, cut_to_filters, needs_reference
from nanobook_binance.symbol import Symbols
from nanobook_core.contracts.broker_error import MarketClosedError, OrderInvalidError, Outcome
from nanobook_core.contracts.broker_order import BrokerOrder
from nanobook_core.types import Side

TABLE = Path(__file__).parents[1] / "data" / "binance" / "filters.csv"
ROWS = list(csv.DictReader(TABLE.read_text().splitlines()))
SYMBOLS = ("BTC", "ETH", "ETHBTC", "PEPE", "OLD")
STEPS = {  # of prices and quantities, and the latter's of market orders
    "BTC": ("0.01", "0.00001", "0.00001"),
    "ETH": ("0.01", "0.0001", "0.0001"),
    "ETHBTC": ("0.00001", "0.0001", "0.0001"),
    "PEPE": ("0.00000001", "1", "1"),
    "OLD": ("0.00000001", "0.00000001", "2.5"),
}


def all_listed(server):
    clock = HandClock()
    symbols = Symbols(server.rest(clock), "USDT", clock)
    return {symbol: symbols.listed(symbol) for symbol in (*SYMBOLS, "LUNA")}


@pytest.fixture(scope="module")
def listed():
    with MarketServer() as server:
        return all_listed(server)


def number(text):
    return Decimal(text) if text else None


def order_of(row):
    return BrokerOrder(
        row["symbol"],
        row["side"],
        Decimal(row["quantity"]),
        row["type"],
        number(row["limit_price"]),
        stop_price=number(row["stop_price"]),
        tif="gtc",
        client_order_id="nb-1",
    )


def standing_of(row):
    pairs = (pair.split("=") for pair in row["standing"].split())
    return Standing(
        **{name: int(told) if name.startswith("open") else Decimal(told) for name, told in pairs}
    )


@pytest.mark.parametrize("row", ROWS, ids=lambda row: " ".join(filter(None, row.values())))
def test_a_filter_refuses_with_its_limit_and_the_nearest_value(listed, row):
    order, rules, standing = order_of(row), listed[row["symbol"]], standing_of(row)
    if not row["filter"]:
        check_filters(order, rules, standing)
        assert cut_to_filters(order, rules, standing).order == order
        return
    with pytest.raises(OrderInvalidError) as caught:
        check_filters(order, rules, standing)
    error = caught.value
    assert error.filter == row["filter"]
    assert error.limit == Decimal(row["limit"])
    assert error.nearest == number(row["nearest"])
    assert (error.outcome, error.client_order_id) == (Outcome.NOT_SENT, "nb-1")
    text = str(error)
    assert text.startswith(f"order error: {row['symbol']}: {row['filter']}: ")
    if row["nearest"]:
        assert text.endswith(f" {row['nearest']}")


def test_the_table_has_every_filter_that_is_checked():
    assert {row["filter"] for row in ROWS} - {""} == {
        "LOT_SIZE",
        "MARKET_LOT_SIZE",
        "MAX_NUM_ALGO_ORDERS",
        "MAX_NUM_ORDERS",
        "MAX_POSITION",
        "MIN_NOTIONAL",
        "NOTIONAL",
        "PERCENT_PRICE",
        "PERCENT_PRICE_BY_SIDE",
        "PRICE_FILTER",
    }


@pytest.mark.parametrize("status", ["HALT", "BREAK", "END_OF_DAY", "CANCEL_ONLY", "TRADING"])
def test_what_does_not_trade_is_refused_with_its_status(status):
    with MarketServer() as server:
        server.symbols["BTCUSDT"]["status"] = status
        server.symbols["BTCUSDT"]["isSpotTradingAllowed"] = status != "TRADING"
        rules = all_listed(server)["BTC"]
    order = BrokerOrder("BTC", "buy", 1, "limit", Decimal("0.001"), tif="gtc")
    said = "not for spot trading" if status == "TRADING" else status
    for check in (check_filters, cut_to_filters):
        with pytest.raises(MarketClosedError, match=f"BTC: BTCUSDT is {said}") as caught:
            check(order, rules)
        assert caught.value.outcome is Outcome.NOT_SENT


@pytest.mark.parametrize(
    ("symbol", "kind", "is_needed"),
    [
        ("BTC", "limit", True),
        ("BTC", "market", True),
        ("BTC", "stop", True),
        ("BTC", "stop_limit", True),
        ("OLD", "market", False),
        ("OLD", "stop", False),
        ("OLD", "limit", True),
        ("LUNA", "limit", False),
        ("LUNA", "market", True),
    ],
)
def test_the_reference_price_is_asked_for_only_where_a_filter_needs_it(
    listed, symbol, kind, is_needed
):
    order = BrokerOrder(
        symbol,
        "buy",
        1,
        kind,
        Decimal(1) if "limit" in kind else None,
        stop_price=Decimal(1) if "stop" in kind else None,
        tif="gtc",
    )
    assert needs_reference(order, listed[symbol]) is is_needed


def test_cutting_says_what_it_changed(listed):
    order = BrokerOrder(
        "BTC",
        "sell",
        Decimal("0.123456"),
        "stop_limit",
        Decimal("49000.001"),
        stop_price=Decimal("50000.009"),
        tif="gtc",
    )
    cut = cut_to_filters(order, listed["BTC"])
    assert cut.changes == (
        "quantity 0.123456 to 0.12345",
        "limit_price 49000.001 to 49000.01",
        "stop_price 50000.009 to 50000.00",
    )


# -- laws

DIGITS = st.decimals(min_value=0, max_value=10**7, places=10, allow_nan=False)
SMALL = st.decimals(min_value=0, max_value=Decimal("0.001"), places=12, allow_nan=False)
NUMBERS = st.one_of(DIGITS, SMALL).filter(bool)


@st.composite
def orders(draw):
    kind = draw(st.sampled_from(["limit", "market", "stop", "stop_limit"]))
    return BrokerOrder(
        draw(st.sampled_from(SYMBOLS)),
        draw(st.sampled_from(Side)),
        draw(NUMBERS),
        kind,
        draw(NUMBERS) if "limit" in kind else None,
        stop_price=draw(NUMBERS) if "stop" in kind else None,
        tif="gtc",
    )


standings = st.builds(
    Standing,
    reference_price=st.none() | NUMBERS,
    open_orders=st.none() | st.integers(0, 300),
    open_stops=st.none() | st.integers(0, 10),
    held=st.none() | DIGITS,
)


@given(order=orders(), standing=standings)
def test_what_is_cut_passes_is_never_more_never_worse_and_nearest(listed, order, standing):
    rules = listed[order.symbol]
    try:
        cut = cut_to_filters(order, rules, standing).order
    except OrderInvalidError:
        with pytest.raises(OrderInvalidError):
            check_filters(order, rules, standing)
        return
    check_filters(cut, rules, standing)
    again = cut_to_filters(cut, rules, standing)
    assert (again.order, again.changes) == (cut, ())
    tick, lot, market_lot = map(Decimal, STEPS[order.symbol])
    lot = market_lot if order.order_type == "market" else lot
    assert 0 <= order.quantity - cut.quantity < lot
    passive = 1 if order.side is Side.BUY else -1
    for before, after, sign in (
        (order.limit_price, cut.limit_price, passive),
        (order.stop_price, cut.stop_price, -passive),
    ):
        assert (before is None) == (after is None)
        if before is not None:
            assert 0 <= (before - after) * sign < tick


def refusal(order, rules, standing):
    try:
        check_filters(order, rules, standing)
    except OrderInvalidError as error:
        return error
    return None


@given(order=orders(), standing=standings)
def test_the_nearest_value_is_allowed_by_that_filter(listed, order, standing):
    """Put in the place of the one that was refused, that filter says nothing more of it."""
    rules = listed[order.symbol]
    refused = refusal(order, rules, standing)
    assume(refused is not None and refused.nearest is not None)
    assert refused.nearest > 0
    word = str(refused).split(": ")[3].split()[0]
    name = word if word in ("limit_price", "stop_price") else "quantity"
    better = refusal(evolve(order, **{name: refused.nearest}), rules, standing)
    assert better is None or (better.filter, str(better).split(": ")[3].split()[0]) != (
        refused.filter,
        word,
    )


@given(order=orders(), standing=standings)
def test_the_threads_context_of_decimals_changes_nothing(listed, order, standing):
    def told():
        try:
            return cut_to_filters(order, listed[order.symbol], standing)
        except OrderInvalidError as error:
            return str(error)

    exact = told()
    with localcontext(prec=3):
        assert told() == exact
