"""A bitcoin at 0.00001234 and a coin at 0.00000001 go through everything exactly."""

import json
from decimal import Decimal

import pytest
from tests.binance.program import make_broker
from tests.binance.trading_folder import config_at, folder_at

from nanobook_binance.simulator import SimulatedBinance
from nanobook_binance.simulator.venue import SymbolRules, Venue
from nanobook_core.contracts import Balance, BrokerOrder, BrokerPosition, OrderState

PRICE, LEAST = Decimal("0.00001234"), Decimal("0.00000001")
CASH = Decimal(100)


def rules(base, step, min_notional):
    return SymbolRules(
        symbol=f"{base}USDT",
        base_asset=base,
        quote_asset="USDT",
        filters=(
            {
                "filterType": "PRICE_FILTER",
                "minPrice": "0.00000001",
                "maxPrice": "1000000.00000000",
                "tickSize": "0.00000001",
            },
            {
                "filterType": "LOT_SIZE",
                "minQty": step,
                "maxQty": "90000000000.00000000" if step == "1.00000000" else "9000.00000000",
                "stepSize": step,
            },
            {
                "filterType": "NOTIONAL",
                "minNotional": min_notional,
                "applyMinToMarket": True,
                "maxNotional": "9000000.00000000",
                "applyMaxToMarket": False,
                "avgPriceMins": 5,
            },
        ),
    )


@pytest.fixture
def venue():
    listed = [rules("BTC", "0.00001000", "0.00000100"), rules("NANO", "1.00000000", "0.00010000")]
    with SimulatedBinance(Venue(listed), balances={"USDT": CASH}) as venue:
        venue.set_quote("BTCUSDT", PRICE - LEAST, PRICE)
        venue.set_quote("NANOUSDT", LEAST, 2 * LEAST)
        yield venue


@pytest.fixture
def broker(venue, tmp_path):
    with make_broker(venue, tmp_path / "state") as broker:
        yield broker


def test_quotes_and_rules_have_all_their_places(broker):
    bitcoin, coin = broker.quote("BTC"), broker.quote("NANO")
    assert (bitcoin.bid, bitcoin.ask) == (Decimal("0.00001233"), Decimal("0.00001234"))
    assert (coin.bid, coin.ask) == (Decimal("0.00000001"), Decimal("0.00000002"))
    assert (bitcoin["ask_cents"], bitcoin.is_exact) == (0, False)
    instrument = broker.instrument("NANO")
    assert (instrument.tick, instrument.lot) == (Decimal("0.00000001"), Decimal(1))
    assert (instrument.to_ticks(LEAST), instrument.from_ticks(1)) == (1, LEAST)


def test_a_fill_is_what_was_paid_to_the_last_satoshi(venue, broker, tmp_path):
    # 0.5 x 0.00001234 = 0.00000617; the fee is 0.001 of what is got.
    order = broker.submit_order(
        BrokerOrder("BTC", "buy", Decimal("0.5"), "limit", PRICE, tif="gtc")
    )
    assert venue.log[-1].parameters["price"] == "0.00001234"
    status = broker.order_status(order)
    assert (status.state, status.limit_price) == (OrderState.FILLED, PRICE)
    assert (status.filled_quantity, status.avg_fill_price) == (Decimal("0.5"), PRICE)
    (fill,) = broker.fills()
    assert (fill.quantity, fill.price) == (Decimal("0.5"), PRICE)
    assert (fill.fee, fill.fee_currency) == (Decimal("0.0005"), "BTC")
    account = broker.account()
    assert account.cash == account.buying_power == Decimal("99.99999383")
    assert account.balances == (
        Balance(currency="BTC", free=Decimal("0.4995")),
        Balance(currency="USDT", free=Decimal("99.99999383")),
    )
    # 0.4995 at the mid of 0.00001233 and 0.00001234
    assert account.equity == Decimal("99.99999383") + Decimal("0.4995") * Decimal("0.000012335")
    assert broker.positions() == [
        BrokerPosition(
            symbol="BTC",
            quantity=Decimal("0.4995"),
            market_value=Decimal("0.4995") * Decimal("0.000012335"),
            currency="USDT",
        )
    ]
    broker.disconnect()
    with make_broker(venue, tmp_path / "state") as again:
        assert again.fills() == [fill]
        assert again.order_status(order.client_order_id).avg_fill_price == PRICE


def test_a_coin_of_the_least_price_rests_fills_and_is_sold(venue, broker):
    order = broker.submit_order(
        BrokerOrder("NANO", "buy", 3_000_001, "limit", LEAST, tif="gtc", client_order_id="least")
    )
    assert venue.log[-1].parameters["price"] == "0.00000001"
    assert broker.order_status("least").limit_price == LEAST
    usdt = next(each for each in broker.account().balances if each.currency == "USDT")
    assert usdt == Balance(
        currency="USDT", free=Decimal("99.96999999"), locked=Decimal("0.03000001")
    )
    venue.fill(int(order), 1_000_000, symbol="NANOUSDT")
    broker.resync()  # the stream may say so later
    status = broker.order_status("least")
    assert (status.filled_quantity, status.remaining_quantity) == (1_000_000, 2_000_001)
    assert status.avg_fill_price == LEAST
    broker.cancel_order("least")
    (fill,) = broker.fills()
    assert (fill.price, fill.fee, fill.fee_currency) == (LEAST, Decimal(1000), "NANO")
    (position,) = broker.positions()
    assert position.quantity == 999_000
    # at the mid of 0.00000001 and 0.00000002
    assert position.market_value == Decimal("0.014985")
    broker.submit_order(BrokerOrder("NANO", "sell", 999_000, "limit", LEAST, tif="gtc"))
    assert broker.positions() == []
    # 100 - 0.01 + 0.00999 - 0.00000999
    assert broker.account().equity == Decimal("99.99998001")


def test_a_price_between_two_ticks_is_refused_with_the_nearest(broker):
    order = BrokerOrder("NANO", "buy", 10**6, "limit", Decimal("0.000000015"), tif="gtc")
    assert broker.normalize(order).order.limit_price == LEAST
    with pytest.raises(ValueError, match="PRICE_FILTER") as refused:
        broker.submit_order(order)
    assert refused.value.nearest == LEAST


def audited(folder, event, *names):
    """What the audit file says of each such event."""
    lines = map(json.loads, (folder.path / "logs" / "audit.jsonl").read_text().splitlines())
    return [tuple(line["data"][name] for name in names) for line in lines if line["event"] == event]


def test_a_plan_and_its_audit_have_all_their_places(venue, tmp_path, monkeypatch):
    folder = folder_at(tmp_path, venue, {"BTC": 0.001, "NANO": 0.05})
    folder.config(config_at(venue.url).replace("[risk]", "[risk]\nmin_trade_usd = 0.01"))
    (tmp_path / "config.toml").chmod(0o600)
    for name, value in folder.environment.items():
        monkeypatch.setenv(name, value)
    # 0.1 and 5 USDT at the mids 0.000012335 and 0.000000015, cut to lots of 0.00001 and 1.
    code, output, errors = folder.here("run", "target.json", answer="y\n")
    assert code == 0, output + errors
    plan = [line.split()[1:6] for line in output.splitlines()[2:4]]
    assert plan == [
        ["BUY", "BTC", "8107.01256", "0.00001235", "0.000012335"],
        ["BUY", "NANO", "333333333", "0.00000003", "0.000000015"],
    ]
    ((written,),) = audited(folder, "diff_computed", "plan")
    legs = [(leg["quantity"], leg["limit"], leg["mark"]) for leg in written["legs"]]
    assert legs == [tuple(leg[2:]) for leg in plan]
    assert audited(folder, "order_filled", "symbol", "filled", "price", "fee", "fee_currency") == [
        ("BTC", "8107.01256", "0.00001234", "8.10701256", "BTC"),
        ("NANO", "333333333", "0.00000002", "333333.333", "NANO"),
    ]
    ((held,),) = audited(folder, "run_completed", "positions")
    assert held == [
        {"symbol": "BTC", "qty": "8098.90554744"},
        {"symbol": "NANO", "qty": "332999999.667"},
    ]
    # 100 - 0.10004053 - 6.66666666, each rounded down to a satoshi
    assert venue.balances()["USDT"].free == Decimal("93.23329281")
