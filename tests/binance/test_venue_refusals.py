"""What the venue refuses, in the vendor's words, and that nothing changes by it."""

import json
from decimal import Decimal
from pathlib import Path

import pytest
from attrs import evolve
from tests.binance.venue_bench import FUNDS, NUMBERS, Bench

from nanobook_binance.simulator.venue import OrderRequest, Refusal, default_symbols

DATA = Path(__file__).parents[1] / "data" / "binance"
ROWS = json.loads((DATA / "venue_refusals.json").read_text())
ACCEPTED = json.loads((DATA / "venue_accepted.json").read_text())
BASE = {
    "symbol": "BTCUSDT",
    "side": "BUY",
    "type": "LIMIT",
    "time_in_force": "GTC",
    "quantity": "0.1",
    "price": "59000",
}


def written(fields):
    """The request of a row, whose numbers are text."""
    return OrderRequest(
        **{
            name: Decimal(value) if name in NUMBERS else value
            for name, value in fields.items()
            if value is not None
        }
    )


def listed(row):
    """The default symbols, with what the row changes of BTCUSDT."""
    bitcoin, *others = default_symbols()
    changed = row.get("filters", {})
    filters = [each for each in bitcoin.filters if each["filterType"] not in changed]
    filters += [{"filterType": name, **limits} for name, limits in changed.items()]
    yield evolve(bitcoin, filters=tuple(filters), **row.get("rules", {}))
    yield from others


def prepared(row):
    funds = {asset: Decimal(amount) for asset, amount in row.get("funds", {}).items()}
    bench = Bench(listed(row), funds=FUNDS | funds)
    bench.quote(*row.get("quote", ("60000.00", "60000.01")))
    bench.quote("2500.00", "2500.01", "ETHUSDT")
    for fields in row.get("before", ()):
        bench.place("a", written(BASE | fields))
    if "status" in row:
        bench.venue.set_status("BTCUSDT", row["status"])
    bench.told()
    return bench


def everything(venue):
    return (
        venue.balances("a"),
        venue.open_orders("a"),
        [venue.all_orders("a", rules.symbol) for rules in venue.symbols],
        [venue.trades("a", rules.symbol) for rules in venue.symbols],
        [venue.depth(rules.symbol) for rules in venue.symbols],
        [venue.day(rules.symbol) for rules in venue.symbols],
    )


@pytest.mark.parametrize("row", ROWS, ids=[row["why"] for row in ROWS])
def test_refusal_says_so_in_the_vendors_words_and_changes_nothing(row):
    bench = prepared(row)
    before = everything(bench.venue)
    with pytest.raises(Refusal) as caught:
        bench.place("a", written(row["request"]))
    assert (caught.value.code, caught.value.message) == (row["code"], row["message"])
    assert caught.value.http_status == 400
    assert everything(bench.venue) == before
    assert bench.told() == []


@pytest.mark.parametrize("row", ROWS, ids=[row["why"] for row in ROWS])
def test_test_order_is_refused_for_what_it_is_and_not_for_what_the_books_are(row):
    bench = prepared(row)
    request = written(row["request"])
    if row["code"] == -2010:
        bench.venue.test("a", request)
    else:
        with pytest.raises(Refusal) as caught:
            bench.venue.test("a", request)
        assert (caught.value.code, caught.value.message) == (row["code"], row["message"])
    assert bench.told() == []


def test_refused_order_uses_no_number():
    bench = prepared(ROWS[0])
    for row in ROWS[:20]:
        with pytest.raises(Refusal):
            bench.place("a", written(row["request"]))
    assert bench.place("a", written(BASE)).order_id == 1001


@pytest.mark.parametrize("row", ACCEPTED, ids=[row["why"] for row in ACCEPTED])
def test_order_at_the_edge_of_what_is_allowed_is_taken(row):
    bench = prepared(row)
    assert bench.place("a", written(BASE | row["request"])).order_id == 1001
