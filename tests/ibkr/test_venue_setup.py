"""What a venue and its markets are set up with; what cannot be is refused and changes nothing."""

from decimal import Decimal

import pytest
from attrs import evolve
from tests.ibkr.venue_bench import Bench, buy, sell

from nanobook_core.errors import ValidationError
from nanobook_ibkr.simulator.record import ContractDefinition
from nanobook_ibkr.simulator.venue import Venue

ABC = ContractDefinition(con_id=1, symbol="ABC")
NO_NUMBERS = ["NaN", "Infinity", "-1", "0", "1E+30", "1E-999999", "1E+999999"]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *((name, text) for name in ("bid", "ask", "last") for text in NO_NUMBERS),
        *((name, text) for name in ("bid_size", "ask_size") for text in (*NO_NUMBERS, "0.5")),
        *(("volume", text) for text in NO_NUMBERS if text != "0"),
        ("bid", "184.995"),
        ("ask_size", "9223372036854775808"),
    ],
)
def test_quote_that_cannot_be_is_refused_and_changes_nothing(name, value):
    bench = Bench()
    bench.place(1, 1, buy(100))
    bench.place(1, 2, buy(100, None, "STP", aux_price="300.00"))
    before = (bench.venue.top("AAPL"), bench.venue.account_values("DU1234567"))
    quote = {"bid": "200.00", "ask": "10995116277.76"} | {name: value}
    with pytest.raises(ValidationError, match="AAPL: "):
        bench.quote(**quote)
    assert (bench.venue.top("AAPL"), bench.venue.account_values("DU1234567")) == before


def test_last_price_may_be_between_ticks_and_no_volume_is_one():
    bench = Bench()
    bench.quote("184.98", "185.00", last="184.9925", volume=0)
    assert bench.venue.top("AAPL").last == Decimal("184.9925")


def test_last_price_and_volume_of_a_halt_are_told_when_it_is_over():
    bench = Bench()
    bench.venue.halt("AAPL")
    bench.quote("100.00", "101.00", last="50.00", volume=7)
    bench.venue.resume("AAPL")
    assert (bench.venue.top("AAPL").last, bench.venue.top("AAPL").volume) == (50, 7)
    bench.place(1, 1, buy(1))
    bench.venue.halt("AAPL")
    bench.venue.resume("AAPL")
    assert (bench.venue.top("AAPL").last, bench.venue.top("AAPL").volume) == (101, 8)


def test_high_and_low_go_with_a_last_price_that_is_quoted():
    bench = Bench()
    bench.place(1, 1, buy(1))
    bench.quote("300.00", "301.00")
    bench.quote("100.00", "101.00")
    top = bench.venue.top("AAPL")
    assert (top.last, top.open, top.high, top.low) == (101, 185, 300, 101)


def test_well_known_stocks_have_a_close_before_the_first_day_has_ended():
    assert Bench().venue.top("AAPL").close == Decimal("184.98")


def test_bid_can_be_withdrawn_alone():
    bench = Bench()
    bench.quote("184.98", "190.00", ask_size=300)
    bench.place(1, 1, buy(5, "180.00"))
    bench.place(1, 2, sell(5, "186.00"))
    bench.venue.withdraw_bid("AAPL")
    top = bench.venue.top("AAPL")
    assert (top.bid, top.bid_size, top.ask, top.ask_size) == (180, 5, 186, 5)
    bench.venue.cancel(1, 2)
    top = bench.venue.top("AAPL")
    assert (top.ask, top.ask_size) == (190, 300)


@pytest.mark.parametrize("kind", [0, 3, "x", None])
def test_halt_is_general_or_for_volatility(kind):
    bench = Bench()
    with pytest.raises(ValidationError, match="a halt is 1, general, or 2"):
        bench.venue.halt("AAPL", kind)
    assert bench.venue.top("AAPL").halted == 0


@pytest.mark.parametrize("count", [0, -5, 2**31])
def test_order_numbers_only_go_up_and_stay_within_32_bits(count):
    bench = Bench()
    with pytest.raises(ValidationError, match="order numbers"):
        bench.venue.skip_order_ids(1, count)
    assert bench.venue.next_order_id(1) == 1


@pytest.mark.parametrize(
    ("quantity", "cost"), [("0", "1"), ("0.5", "1"), ("NaN", "1"), ("5", "NaN"), ("5", "-1")]
)
def test_transfer_that_cannot_be_is_refused(quantity, cost):
    bench = Bench()
    with pytest.raises(ValidationError):
        bench.venue.deposit("DU1234567", "AAPL", Decimal(quantity), Decimal(cost))
    assert bench.venue.positions() == ()


def test_commission_is_never_given_back():
    bench = Bench()
    bench.place(1, 1, buy(1000, "1.00"), "KO")
    bench.venue.fill(1853000001, Decimal(100))
    bench.venue.correct(bench.venue.executions[0].exec_id, price=Decimal("0.01"))
    bench.place(1, 1, buy(1000, "0.01"), "KO")
    bench.venue.fill(1853000001, Decimal(1))
    assert [each.commission for each in bench.venue.executions] == [1, 0]


@pytest.mark.parametrize(
    "settings",
    [
        {"cash": {}},
        {"cash": {"A": 1000.5}},
        {"cash": {"A": Decimal("NaN")}},
        {"cash": {"": Decimal(1)}},
        {"cash": {"A,B": Decimal(1)}},
        {"cash": {"A\0": Decimal(1)}},
        {"leverage": Decimal(0)},
        {"leverage": Decimal(-1)},
        {"leverage": Decimal("Infinity")},
        {"rates": {"EUR": Decimal(0)}},
        {"rates": {"EUR": 1.1}},
        {"max_active_orders": 0},
        {"first_perm_id": 0},
        {"first_perm_id": 2_000_000_000},
    ],
)
def test_venue_that_cannot_be_is_refused(settings):
    with pytest.raises(ValidationError):
        Venue(**settings)


@pytest.mark.parametrize(
    "change",
    [
        {"con_id": 0},
        {"con_id": -1},
        {"con_id": 2**31},
        {"symbol": ""},
        {"symbol": "A\0"},
        {"multiplier": "x"},
        {"multiplier": "0"},
        {"multiplier": "NaN"},
        {"price_steps": ()},
        {"price_steps": ((Decimal(1), Decimal("0.01")),)},
        {"price_steps": ((Decimal(0), Decimal(0)),)},
        {"currency": "EUR"},
    ],
)
def test_contract_that_cannot_be_is_refused_and_not_listed(change):
    venue = Venue([ABC])
    with pytest.raises(ValidationError):
        venue.add_contract(evolve(ABC, **{"con_id": 2, "symbol": "X", **change}))
    assert venue.definitions == (ABC,)


def test_two_contracts_of_one_market_rule_have_the_same_steps():
    coarse = ContractDefinition(con_id=2, symbol="B", price_steps=((Decimal(0), Decimal("0.05")),))
    with pytest.raises(ValidationError, match=r"B and ABC have other price steps.* than 26"):
        Venue([ABC, coarse])
    Venue([ABC, evolve(coarse, market_rule_id=27)])


def test_sweep_with_a_group_in_the_book_is_as_one_without():
    """What a group takes out is gone before the next is met; what is between goes at once."""
    bench = Bench()
    bench.venue.withdraw_quote("AAPL")
    for number in range(1, 7):
        group = {"oca_group": "x"} if number in (3, 5) else {}
        bench.place(1, number, sell(10, "100.00", **group))
    bench.place(2, 1, buy(45, "100.00"))
    assert [bench.state(1, number) for number in range(1, 7)] == [
        "Filled 10+0",
        "Filled 10+0",
        "Filled 10+0",
        "Filled 10+0",
        "Cancelled 0+10",
        "Submitted 5+5",
    ]
    assert bench.state(2, 1) == "Filled 45+0"


def test_venues_that_begin_at_different_numbers_share_none():
    named = []
    for first in (1853000001, 1853000002):
        bench = Bench(first_perm_id=first)
        bench.place(1, 1, buy(1))
        (execution,) = bench.venue.executions
        named.append((execution.perm_id, execution.exec_id))
    assert named == [
        (1853000001, "0000e0d5.00000001.01.01"),
        (1853000002, "0000e0d6.00000001.01.01"),
    ]
