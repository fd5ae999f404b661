"""Where no money is lent, purchases are cut to what cash and sales pay for."""

from decimal import Decimal
from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from nanobook_core.contracts import Instrument
from nanobook_rebalancer.decimal_text import decimal_text
from nanobook_rebalancer.funding import Funding
from nanobook_rebalancer.leg import Leg

LOT = Decimal("0.00001")
RATE = Decimal("0.001")


def leg(number, action, quantity, limit="100", symbol="BTC"):
    return Leg(
        number=number,
        symbol=symbol,
        action=action,
        description="",
        phase="reduce" if action in ("SELL", "BUY COVER") else "increase",
        quantity=Decimal(quantity),
        limit=Decimal(limit),
        mark=Decimal(100),
    )


def cut(cash, *legs, least="0", tolerance="0.01", **rules):
    symbols = {each.symbol for each in legs}
    instruments = {each: Instrument(symbol=each, lot=LOT, **rules) for each in symbols}
    return Funding(
        cash=Decimal(cash),
        commission=lambda each: each.quantity * each.limit * RATE,
        instruments=instruments,
        min_trade=Decimal(least),
        tolerance=Decimal(tolerance),
    ).cut(legs)


def quantities(legs):
    return [decimal_text(each.quantity) for each in legs]


def test_nothing_changes_where_the_money_suffices():
    legs = (leg(1, "SELL", "1"), leg(2, "BUY", "2"))
    # 1 sold brings 99.90, 2 bought cost 200.20.
    assert cut("100.30", *legs) == (legs, ())


def test_what_is_short_by_a_little_is_cut_and_named():
    legs, skipped = cut("100", leg(1, "BUY", "0.5"), leg(2, "BUY", "0.5", symbol="ETH"))
    assert quantities(legs) == ["0.4995", "0.4995"]
    assert [(each.symbol, each.reason, each.is_hindered) for each in skipped] == [
        ("BTC", "cash pays for 0.4995 of 0.5 at 100", False),
        ("ETH", "cash pays for 0.4995 of 0.5 at 100", False),
    ]


def test_what_is_short_by_more_than_prices_may_drift_leaves_the_weights_unreached():
    legs, skipped = cut("98", leg(1, "BUY", "1"))
    assert quantities(legs) == ["0.979"]
    assert [each.is_hindered for each in skipped] == [True]


def test_a_short_that_is_covered_costs_money_and_is_not_cut():
    legs, skipped = cut("100", leg(1, "BUY COVER", "0.4"), leg(2, "BUY", "0.6", symbol="ETH"))
    assert quantities(legs) == ["0.4", "0.599"]
    assert [each.symbol for each in skipped] == ["ETH"]


def test_a_short_that_is_opened_brings_no_money_to_buy_with():
    legs, _ = cut("100", leg(1, "SELL SHORT", "1", symbol="ETH"), leg(2, "BUY", "1"))
    assert quantities(legs) == ["1", "0.998"]


def test_no_money_buys_nothing():
    assert cut("-1", leg(1, "BUY", "1"))[0] == ()


def test_less_than_a_least_order_is_not_bought():
    assert cut("4.9", leg(1, "BUY", "1"), min_notional=Decimal(5))[0] == ()
    assert cut("4.9", leg(1, "BUY", "1"), least="5")[0] == ()
    legs, skipped = cut("6", leg(1, "BUY", "1"), least="5", min_notional=Decimal(5))
    assert quantities(legs) == ["0.059"]
    assert skipped[0].reason == "cash pays for 0.059 of 1 at 100"


_amounts = st.decimals("0.001", "1000", places=5)


@given(
    st.decimals("0", "100000", places=8),
    st.lists(st.tuples(_amounts, _amounts), max_size=4),
    st.lists(st.tuples(_amounts, _amounts), max_size=4),
)
def test_whatever_is_bought_is_paid_for_and_hardly_more_could_be(cash, sold, bought):
    legs = [leg(number, "SELL", *each, f"S{number}") for number, each in enumerate(sold)]
    legs += [leg(number, "BUY", *each, f"B{number}") for number, each in enumerate(bought, 10)]
    made, skipped = cut(cash, *legs)

    def money(side, kept):
        return sum((Fraction(each.quantity * each.limit) for each in kept if each.side == side), 0)

    fees = sum((Fraction(each.quantity * each.limit * RATE) for each in legs), 0)
    left = Fraction(cash) + money("sell", made) - fees - money("buy", made)
    assert [each for each in made if each.side == "sell"] == [
        each for each in legs if each.side == "sell"
    ]
    if skipped:
        assert left >= 0 or not [each for each in made if each.side == "buy"]
        assert left < sum(each.limit * LOT for each in legs if each.side == "buy")
    else:
        assert made == tuple(legs)
        assert left >= 0 or not bought
