"""How a venue is set up, what it lists, and what cannot be."""

from decimal import Decimal

import pytest
from attrs import evolve
from tests.binance.venue_bench import START_MS, Bench, StandingClock, buy, sell, text

from nanobook_binance.simulator.venue import Refusal, SymbolRules, Venue, default_symbols
from nanobook_core.errors import ValidationError


def test_venue_lists_well_known_pairs_with_a_market_in_each():
    venue = Venue(clock=StandingClock())
    assert {
        rules.symbol: (text(venue.top(rules.symbol).bid), text(venue.top(rules.symbol).ask))
        for rules in venue.symbols
    } == {
        "BTCUSDT": ("60000", "60000.01"),
        "ETHUSDT": ("2500", "2500.01"),
        "BNBUSDT": ("600", "600.01"),
        "USDCUSDT": ("0.9999", "1"),
        "ETHBTC": ("0.04166", "0.04167"),
        "PEPEUSDT": ("0.00001", "0.00001001"),
    }
    assert venue.accounts == ()


def test_symbol_is_shown_as_exchange_information_shows_it():
    shown = default_symbols()[0].shown()
    assert {name: shown[name] for name in shown if name != "filters"} == {
        "symbol": "BTCUSDT",
        "status": "TRADING",
        "baseAsset": "BTC",
        "baseAssetPrecision": 8,
        "quoteAsset": "USDT",
        "quotePrecision": 8,
        "quoteAssetPrecision": 8,
        "baseCommissionPrecision": 8,
        "quoteCommissionPrecision": 8,
        "orderTypes": [
            "LIMIT",
            "MARKET",
            "STOP_LOSS",
            "STOP_LOSS_LIMIT",
            "TAKE_PROFIT",
            "TAKE_PROFIT_LIMIT",
            "LIMIT_MAKER",
        ],
        "icebergAllowed": False,
        "ocoAllowed": False,
        "otoAllowed": False,
        "opoAllowed": False,
        "quoteOrderQtyMarketAllowed": True,
        "allowTrailingStop": True,
        "cancelReplaceAllowed": True,
        "amendAllowed": True,
        "pegInstructionsAllowed": False,
        "isSpotTradingAllowed": True,
        "isMarginTradingAllowed": False,
        "permissions": [],
        "permissionSets": [["SPOT"]],
        "defaultSelfTradePreventionMode": "EXPIRE_MAKER",
        "allowedSelfTradePreventionModes": [
            "NONE",
            "EXPIRE_MAKER",
            "EXPIRE_TAKER",
            "EXPIRE_BOTH",
            "DECREMENT",
        ],
    }
    assert shown["filters"][0] == {
        "filterType": "PRICE_FILTER",
        "minPrice": "0.01000000",
        "maxPrice": "1000000.00000000",
        "tickSize": "0.01000000",
    }
    assert [each["filterType"] for each in shown["filters"]] == [
        "PRICE_FILTER",
        "LOT_SIZE",
        "ICEBERG_PARTS",
        "MARKET_LOT_SIZE",
        "TRAILING_DELTA",
        "PERCENT_PRICE_BY_SIDE",
        "NOTIONAL",
        "MAX_NUM_ORDERS",
        "MAX_NUM_ORDER_LISTS",
        "MAX_NUM_ALGO_ORDERS",
        "MAX_NUM_ORDER_AMENDS",
    ]


def test_status_is_shown_as_it_is():
    bench = Bench()
    bench.venue.set_status("BTCUSDT", "CANCEL_ONLY")
    assert bench.told() == ["BTCUSDT status"]
    assert bench.venue.rules("BTCUSDT").shown()["status"] == "CANCEL_ONLY"
    assert bench.venue.symbols[0].status == "CANCEL_ONLY"


def test_steps_that_a_filter_switches_off_are_the_last_place_of_the_asset():
    rules = SymbolRules(
        symbol="AB",
        base_asset="A",
        quote_asset="B",
        base_asset_precision=4,
        quote_asset_precision=6,
        filters=(
            {"filterType": "PRICE_FILTER", "minPrice": "0", "maxPrice": "0", "tickSize": "0"},
            {"filterType": "LOT_SIZE", "minQty": "0.0001", "maxQty": "10", "stepSize": "0"},
        ),
    )
    assert (rules.tick, rules.step) == (Decimal("0.000001"), Decimal("0.0001"))
    bench = Bench([rules], funds={"A": Decimal(1), "B": Decimal(100)})
    bench.quote("1.000001", "1.000002", "AB")
    order = bench.place("a", buy("0.0003", "1.000002", symbol="AB"))
    assert text(order.quote_executed) == "0.0003"
    with pytest.raises(Refusal, match=r"-1111: Parameter 'price'"):
        bench.place("a", buy("0.0003", "1.0000021", symbol="AB"))


LOTS = {"filterType": "LOT_SIZE", "minQty": "1", "maxQty": "10", "stepSize": "1"}
PRICES = {"filterType": "PRICE_FILTER", "minPrice": "1", "maxPrice": "9", "tickSize": "1"}


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"filters": ()}, "AB: a symbol needs the filter PRICE_FILTER"),
        ({"filters": (PRICES,)}, "AB: a symbol needs the filter LOT_SIZE"),
        ({"filters": (PRICES, LOTS | {"minQty": "0"})}, "needs 0 < minQty <= maxQty"),
        ({"filters": (PRICES, LOTS | {"maxQty": "0.5"})}, "needs 0 < minQty <= maxQty"),
        ({"filters": (PRICES, LOTS | {"maxQty": "1e30"})}, "got 1 and 1E\\+30"),
        (
            {"filters": (PRICES, LOTS), "allowed_stp_modes": ("NONE",)},
            "EXPIRE_MAKER is not allowed there",
        ),
    ],
)
def test_symbol_that_cannot_be_is_refused(fields, words):
    with pytest.raises(ValidationError, match=words):
        SymbolRules(symbol="AB", base_asset="A", quote_asset="B", **fields)


def test_symbol_is_listed_once():
    with pytest.raises(ValidationError, match="BTCUSDT is listed already"):
        Venue([default_symbols()[0]] * 2)


@pytest.mark.parametrize("commission", ["-0.1", "1", "NaN", "Infinity"])
def test_commission_is_a_part_of_a_trade(commission):
    with pytest.raises(ValidationError, match="a commission is a part of the trade, got"):
        Venue(commission=Decimal(commission))


def test_trades_without_commission():
    bench = Bench(commission=Decimal(0))
    bench.place("a", buy("1", "60000.01"))
    assert bench.has("a", "BTC") == "3+0"


def test_accounts_are_opened_once_and_with_what_can_be():
    venue = Venue(clock=StandingClock())
    venue.open_account("a", {"USDT": Decimal("0.00000001")})
    with pytest.raises(ValidationError, match="there is an account 'a' already"):
        venue.open_account("a")
    for amount in ("-1", "NaN", "0.000000001", "1e16"):
        with pytest.raises(ValidationError, match="USDT: no account has"):
            venue.open_account("b", {"USDT": Decimal(amount)})
    venue.open_account("b")
    assert venue.accounts == ("a", "b")
    assert (venue.uid("a"), venue.uid("b")) == (1, 2)
    assert venue.balances("b") == {}
    with pytest.raises(ValidationError, match="there is no account 'c'; there are a, b"):
        venue.balances("c")


@pytest.mark.parametrize("asset", ["usdt", "Usdt", ""])
def test_an_asset_is_in_capitals(asset):
    bench = Bench()
    for act in (
        lambda: bench.venue.open_account("other", {asset: Decimal(1)}),
        lambda: bench.venue.deposit("a", asset, Decimal(1)),
        lambda: bench.venue.withdraw("a", asset, Decimal(1)),
    ):
        with pytest.raises(ValidationError, match="an asset is in capitals, such as USDT, got "):
            act()
    assert "other" not in bench.venue.accounts
    assert asset not in bench.venue.balances("a")


def test_deposits_and_withdrawals_are_told_with_what_they_change():
    bench = Bench()
    bench.clock.passed += 2
    bench.venue.deposit("a", "DOGE", Decimal("0.5"))
    bench.venue.withdraw("a", "USDT", Decimal(1))
    assert bench.told() == [
        "a DOGE 0.5",
        "a balances DOGE",
        "a USDT -1",
        "a balances USDT",
    ]
    assert (bench.has("a", "DOGE"), bench.has("a", "USDT")) == ("0.5+0", "99999+0")
    assert bench.venue.update_time("a") == START_MS + 2000


def test_only_what_is_free_can_be_withdrawn():
    bench = Bench()
    bench.place("a", buy("1", "50000"))
    with pytest.raises(ValidationError, match=r"is free in a, asked for 50000\.00000001"):
        bench.venue.withdraw("a", "USDT", Decimal("50000.00000001"))
    bench.venue.withdraw("a", "USDT", Decimal(50000))
    assert bench.has("a", "USDT") == "0+50000"


@pytest.mark.parametrize("amount", ["0", "-1", "NaN", "0.000000001"])
def test_transfer_of_what_is_no_amount_is_refused(amount):
    bench = Bench()
    for move in (bench.venue.deposit, bench.venue.withdraw):
        with pytest.raises(ValidationError, match="an amount is above 0"):
            move("a", "USDT", Decimal(amount))
    assert bench.told() == []


def test_time_passes_forward_only():
    bench = Bench()
    assert bench.venue.now_ms() == START_MS
    bench.venue.advance(15)
    assert bench.venue.now_ms() == START_MS + 15_000
    bench.clock.passed -= 20
    assert bench.venue.now_ms() == START_MS + 15_000
    for seconds in (-1, float("nan"), float("inf")):
        with pytest.raises(ValidationError, match="time passes by 0 seconds or more"):
            bench.venue.advance(seconds)


def test_what_is_handed_out_is_a_copy():
    bench = Bench()
    order = bench.place("a", buy("1", "50000"))
    bench.venue.fill("a", 1001, Decimal("0.5"), symbol="BTCUSDT")
    assert order.executed == 0
    order.executed = Decimal(7)
    bench.venue.open_orders("a")[0].executed = Decimal(7)
    bench.venue.all_orders("a", "BTCUSDT")[0].executed = Decimal(7)
    bench.venue.trades("a", "BTCUSDT").clear()
    bench.heard.orders[0].status = "X"
    assert bench.state("a", 1001) == "PARTIALLY_FILLED 0.5+0.5"
    assert len(bench.venue.trades("a", "BTCUSDT")) == 1


def test_orders_may_be_picked_before_they_are_copied():
    bench = Bench()
    for _ in range(3):
        bench.place("a", buy("0.001", "50000"))
    (picked,) = bench.venue.all_orders("a", "BTCUSDT", lambda orders: orders[1:2])
    assert picked.order_id == 1002
    picked.executed = Decimal(7)
    assert bench.venue.order("a", "BTCUSDT", 1002).executed == 0


def test_listener_may_ask_the_venue_and_order_there():
    bench = Bench()

    class Hedge(type(bench.heard)):
        def order_changed(self, account, order, execution_type, trade, prevented):
            if trade is not None and account == "a":
                bench.place("b", sell("0.1", "60000.00"))

    bench.venue.listeners.append(Hedge())
    bench.place("a", buy("0.1", "60000.01"))
    assert bench.state("b", 1002) == "FILLED 0.1+0"
    told = [line for line in bench.told() if "/" in line]
    assert told == [
        "a/1001 NEW NEW 0",
        "a/1001 TRADE FILLED 0.1 0.1 at 60000.01",
        "b/1002 NEW NEW 0",
        "b/1002 TRADE FILLED 0.1 0.1 at 60000",
    ]


def test_book_forgets_what_is_over_and_not_what_is_open():
    bench = Bench(funds={"USDT": Decimal(10**9)})
    bench.place("a", buy("1", "50000"))
    for _ in range(2500):
        order = bench.place("a", buy("0.1", "50001"))
        bench.venue.cancel("a", "BTCUSDT", order.order_id)
    bench.quote("49000", "49001")
    assert bench.state("a", 1001) == "FILLED 1+0"


def test_execution_numbers_rise_with_all_that_happens_to_orders_of_a_symbol():
    bench = Bench()
    bench.place("a", buy("0.1", "60000.01"))
    bench.place("b", sell("0.1", "70000"))
    bench.venue.cancel("b", "BTCUSDT", 1002)
    numbers = [order.execution_id for order in bench.heard.orders]
    assert numbers == sorted(set(numbers))
    assert len(numbers) == 4


def test_rules_of_a_symbol_can_be_others():
    changed = evolve(default_symbols()[0], order_types=("LIMIT",))
    assert Bench([changed]).venue.rules("BTCUSDT").order_types == ("LIMIT",)
