"""Laws of the diff: whatever is held and wanted, its trades lead there, in order and priced."""

from decimal import Decimal, localcontext
from fractions import Fraction
from itertools import pairwise

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st
from tests.rebalancer.bad_input import rows_of

from nanobook_core.contracts import Instrument, Quote
from nanobook_core.types import Side
from nanobook_rebalancer.diff import diff
from nanobook_rebalancer.errors import PlanError
from nanobook_rebalancer.leg import Phase
from nanobook_rebalancer.limit import limit_price
from nanobook_rebalancer.rules import Rules

SYMBOLS = ("A", "B", "C", "D")
LOTS = ("1", "0.001", "100", "0.3")
TICKS = ("0.01", "0.05", "0.0001", "3")
BANDS = (("1", "0.01"), ("100", "0.5"))


def decimals(low, high, places=4):
    return st.decimals(Decimal(low), Decimal(high), places=places, allow_nan=False)


@st.composite
def instruments(draw, symbol):
    return Instrument(
        symbol=symbol,
        lot=Decimal(draw(st.sampled_from(LOTS))),
        tick=Decimal(draw(st.sampled_from(TICKS))),
        multiplier=Decimal(draw(st.sampled_from(("1", "100")))),
        tick_bands=draw(st.sampled_from(((), tuple((Decimal(e), Decimal(t)) for e, t in BANDS)))),
    )


@st.composite
def quotes(draw, symbol):
    bid = draw(decimals("0.0001", "5000"))
    return Quote(symbol=symbol, bid=bid, ask=bid + draw(decimals("0", "50")))


NOTHING = st.just(Decimal(0))


@st.composite
def cases(draw, *, split=None, min_trade=None):
    """Arguments of `diff`; what is held is whole lots."""
    held, weights = {}, {}
    instrument = {symbol: draw(instruments(symbol)) for symbol in SYMBOLS}
    for symbol in SYMBOLS:
        if draw(st.booleans()):
            held[symbol] = instrument[symbol].from_lots(draw(st.integers(-10_000, 10_000)))
        if draw(st.booleans()):
            weights[symbol] = draw(decimals("-1", "1").filter(bool))
    return {
        "equity": draw(decimals("0.01", "10000000", 2)),
        "positions": held,
        "targets": weights,
        "quotes": {symbol: draw(quotes(symbol)) for symbol in SYMBOLS},
        "instruments": instrument,
        "rules": Rules(
            offset_bps=draw(decimals("0", "1000", 1)),
            collar=draw(decimals("0.0001", "1")),
            min_trade=draw(decimals("0", "1000", 2) if min_trade is None else min_trade),
            splits_flips=draw(st.booleans()) if split is None else split,
        ),
    }


def unit_value(case, symbol):
    """Money that one unit of a symbol is worth."""
    return Fraction(case["quotes"][symbol].mark) * Fraction(case["instruments"][symbol].multiplier)


def wanted(case, symbol):
    """Quantity that a weight asks for, exactly."""
    value = Fraction(case["equity"]) * Fraction(case["targets"].get(symbol, 0))
    return value / unit_value(case, symbol)


def found(case):
    return diff(case.pop("equity"), case.pop("positions"), case.pop("targets"), **case)


def filled(case, legs):
    """Positions once all legs have filled."""
    positions = dict(case["positions"])
    for leg in legs:
        positions[leg.symbol] = positions.get(leg.symbol, Decimal(0)) + leg.signed_quantity
    return positions


@given(cases())
def test_filled_legs_leave_less_than_a_lot_and_a_least_trade_to_the_targets(case):
    held = filled(case, found(dict(case)).legs)
    for symbol in SYMBOLS:
        missing = wanted(case, symbol) - Fraction(held.get(symbol, 0))
        if symbol not in case["targets"]:
            assert missing == 0
        least = Fraction(case["rules"].min_trade) / unit_value(case, symbol)
        assert abs(missing) < Fraction(case["instruments"][symbol].lot) + least


@given(cases())
def test_a_second_diff_finds_nothing(case):
    legs = found(dict(case)).legs
    assert found({**case, "positions": filled(case, legs)}).legs == ()


@given(cases(min_trade=NOTHING))
def test_no_trade_goes_beyond_its_target(case):
    held = filled(case, found(dict(case)).legs)
    for symbol in SYMBOLS:
        before, after = Fraction(case["positions"].get(symbol, 0)), Fraction(held.get(symbol, 0))
        aim = wanted(case, symbol)
        assert min(before, aim) <= after <= max(before, aim)
        assert abs(aim - after) < case["instruments"][symbol].lot


@given(cases())
def test_legs_that_reduce_come_first_and_never_cross_zero(case):
    legs = found(dict(case)).legs
    assert [leg.number for leg in legs] == list(range(1, len(legs) + 1))
    phases = [leg.phase for leg in legs]
    assert phases == sorted(phases, key=[Phase.REDUCE, Phase.INCREASE].index)
    for one, next_one in pairwise(legs):
        assert one.phase is not next_one.phase or one.symbol < next_one.symbol
    held = dict(case["positions"])
    for leg in legs:
        before = held.get(leg.symbol, Decimal(0))
        after = held[leg.symbol] = before + leg.signed_quantity
        reduces = abs(after) < abs(before) and after * before >= 0
        assert (leg.phase is Phase.REDUCE) == reduces


@given(cases(split=True))
def test_a_flip_that_is_split_closes_first_and_opens_after_that(case):
    legs = found(dict(case)).legs
    by_number = {leg.number: leg for leg in legs}
    for leg in legs:
        before = case["positions"].get(leg.symbol, Decimal(0))
        if leg.after is not None:
            first = by_number[leg.after]
            assert (first.symbol, first.side, first.quantity) == (leg.symbol, leg.side, abs(before))
            assert leg.phase is Phase.INCREASE
            assert first.phase is Phase.REDUCE
        elif before * leg.signed_quantity < 0:
            assert leg.quantity <= abs(before)


@given(cases(split=False))
def test_split_and_whole_flips_trade_the_same(case):
    split = {**case, "rules": evolve(case["rules"], splits_flips=True)}
    whole, halves = found(dict(case)).legs, found(split).legs
    assert len({leg.symbol for leg in whole}) == len(whole)
    assert filled(case, whole) == filled(case, halves)


@given(cases())
def test_quantities_are_whole_lots_and_prices_on_the_tick(case):
    for leg in found(dict(case)).legs:
        instrument = case["instruments"][leg.symbol]
        assert leg.quantity > 0
        instrument.to_lots(leg.quantity)
        instrument.to_ticks(leg.limit)


@given(cases())
def test_limits_are_beyond_the_touch_and_inside_the_collar(case):
    for leg in found(dict(case)).legs:
        quote, instrument = case["quotes"][leg.symbol], case["instruments"][leg.symbol]
        sign, touch = (1, quote.ask) if leg.side is Side.BUY else (-1, quote.bid)
        tick = instrument.tick_at(touch)
        offset = max(tick, touch * case["rules"].offset_bps / 10_000)
        width = max(case["rules"].collar * leg.mark, 2 * tick)
        beyond, away = sign * (leg.limit - touch), sign * (leg.limit - leg.mark)
        if leg.limit == instrument.tick:  # the lowest price there is
            continue
        assert away <= width
        edge = width - max(tick, instrument.tick_at(leg.limit))
        assert beyond >= offset or away > edge  # outside the touch, or as far out as allowed


@given(cases(), st.randoms(use_true_random=False))
def test_the_order_of_what_is_given_does_not_matter(case, source):
    def shuffled(table):
        items = list(table.items())
        source.shuffle(items)
        return dict(items)

    other = {
        name: shuffled(value) if isinstance(value, dict) else value for name, value in case.items()
    }
    assert found(other) == found(dict(case))


@given(cases())
def test_a_mirrored_portfolio_gives_the_mirrored_plan(case):
    def mirrored(table):
        return {symbol: -number for symbol, number in table.items()}

    mirror = {
        **case,
        "positions": mirrored(case["positions"]),
        "targets": mirrored(case["targets"]),
    }
    one, other = found(dict(case)), found(mirror)
    assert [(leg.symbol, leg.signed_quantity, leg.phase, leg.after) for leg in one.legs] == [
        (leg.symbol, -leg.signed_quantity, leg.phase, leg.after) for leg in other.legs
    ]
    assert one.skipped == other.skipped


@given(cases(), st.integers(1, 30))
def test_a_context_of_less_precision_changes_nothing(case, precision):
    expected = found(dict(case))
    with localcontext(prec=precision):
        assert found(dict(case)) == expected


@given(cases())
def test_a_whole_position_is_never_too_small_to_close(case):
    rules = evolve(case["rules"], min_trade=Decimal(10) ** 12)
    legs = found({**case, "targets": {}, "rules": rules}).legs
    assert filled(case, legs) == dict.fromkeys(case["positions"], 0)
    assert {leg.phase for leg in legs} <= {Phase.REDUCE}
    assert {leg.description for leg in legs} <= {"close long", "close short"}


ROWS = rows_of("diff.json")


def instrument_of(symbol, rules):
    bands = tuple((Decimal(edge), Decimal(tick)) for edge, tick in rules.get("tick_bands", ()))
    numbers = {
        name: value if isinstance(value, bool) else Decimal(value)
        for name, value in rules.items()
        if name != "tick_bands"
    }
    return Instrument(symbol=symbol, tick_bands=bands, **numbers)


def rules_of(rules):
    return Rules(
        **{
            name: value if isinstance(value, bool) else Decimal(value)
            for name, value in rules.items()
        }
    )


@pytest.mark.parametrize("row", ROWS, ids=[row["name"] for row in ROWS])
def test_a_diff_is_this(row):
    case = {
        "equity": Decimal(row["equity"]),
        "positions": {symbol: Decimal(held) for symbol, held in row["held"].items()},
        "targets": {symbol: Decimal(weight) for symbol, weight in row["weights"].items()},
        "quotes": {
            symbol: Quote(symbol=symbol, bid=Decimal(bid), ask=Decimal(ask))
            for symbol, (bid, ask) in row["quotes"].items()
        },
        "instruments": {
            symbol: instrument_of(symbol, row.get("instrument", {})) for symbol in row["quotes"]
        },
        "rules": rules_of(row.get("rules", {})),
    }
    if "error" in row:
        with pytest.raises(PlanError, match=row["error"].replace("$", r"\$")):
            found(case)
        return
    trades = found(case)
    assert [[leg.number, leg.phase.value, str(leg), leg.after] for leg in trades.legs] == row[
        "legs"
    ]
    assert [
        [trade.symbol, trade.reason, *(["hindered"] if trade.is_hindered else [])]
        for trade in trades.skipped
    ] == row["skipped"]


def test_numbers_go_on_where_they_are_told_to():
    quote = Quote(symbol="A", bid=Decimal(99), ask=Decimal(101))
    trades = diff(
        Decimal(1000),
        {"A": Decimal(5)},
        {"A": Decimal("-0.5")},
        quotes={"A": quote},
        instruments={"A": Instrument(symbol="A")},
        rules=Rules(splits_flips=True),
        first=7,
    )
    assert [(leg.number, leg.after) for leg in trades.legs] == [(7, None), (8, 7)]


@pytest.mark.parametrize("bid", [None, Decimal(0), Decimal(102), Decimal("NaN")])
def test_without_a_usable_quote_there_are_no_trades(bid):
    quote = Quote(symbol="A", bid=bid, ask=Decimal(101), last=Decimal(100))
    arguments = {"quotes": {"A": quote}, "instruments": {"A": Instrument(symbol="A")}}
    with pytest.raises(PlanError, match="A: no usable quote"):
        diff(Decimal(1000), {"A": Decimal(5)}, {}, rules=Rules(), **arguments)
    with pytest.raises(PlanError, match="A: there is no usable quote"):
        limit_price(Side.BUY, quote, Instrument(symbol="A"), Rules())
