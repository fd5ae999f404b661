"""Each option of the loop, in an example that was computed by hand."""

from fractions import Fraction

import numpy as np
import pytest

from nanobook_core.contracts import Fills
from nanobook_core.errors import ValidationError
from nanobook_core.portfolio import CostModel, Stops
from nanobook_core.portfolio.carry import Schedule
from nanobook_core.portfolio.limit import Limits
from nanobook_core.portfolio.loop import simulate_tables
from nanobook_core.portfolio.policy import Constraints
from nanobook_core.portfolio.simulation import CUT_REASONS, STOPS, TRADE_REASONS

HOLD = float("nan")


def simulate(weights, prices, *, cash=1000, constraints=None, dates=None, **options):
    """Weights and prices are rows, or numbers where there is one symbol."""
    weights, prices = (np.array(table).reshape(len(table), -1) for table in (weights, prices))
    if "fill_prices" in options:
        options["fill_prices"] = np.array(options["fill_prices"]).reshape(prices.shape)
    if constraints is not None:
        options["limits"] = Limits(
            constraints,
            min_order_value=constraints.min_order_value,
            max_order_value=constraints.max_order_value,
            dates=dates,
            n_periods=len(prices),
        )
    return simulate_tables(
        weights.astype(float),
        prices,
        symbols=tuple("ABC"[: prices.shape[1]]),
        initial_cash=cash,
        cost_model=options.pop("cost_model", CostModel()),
        **options,
    )


def held(run):
    """Quantities as rows, or as numbers where there is one symbol."""
    is_one = run.quantities.shape[1] == 1
    return run.quantities[:, 0].tolist() if is_one else run.quantities.tolist()


def cuts(run):
    return [(*row[:-1], CUT_REASONS[row[-1]]) for row in run.cuts.tolist()]


def trades(run):
    return [(*row[:-1], TRADE_REASONS[row[-1]]) for row in run.trades.tolist()]


def stops(run):
    """Period, column, level, exit price, reason, quantity."""
    assert run.stops.dtype == STOPS
    return [(*row[:4], TRADE_REASONS[row[4]], row[5]) for row in run.stops.tolist()]


# When orders are filled


def test_next_bar_fills_the_lots_of_a_decision_at_the_price_of_the_next_period():
    run = simulate([1.0, 0.0, 1.0], [100, 125, 80], fill_at="next")
    assert held(run) == [0, 10, 0]
    assert run.cash.tolist() == [1000, -250, 550]
    assert run.equity.tolist() == [1000, 1000, 1000, 550]
    assert trades(run) == [(1, 0, 10, 125, 0, "rebalance"), (2, 0, -10, 80, 0, "rebalance")]
    assert cuts(run) == [(2, 0, 6, "last_period")]


def test_next_open_fills_at_the_next_open_and_values_at_the_close():
    run = simulate([1.0, 0.0, 1.0], [100, 125, 80], fill_at="open", fill_prices=[1, 110, 90])
    assert held(run) == [0, 10, 0]
    assert run.cash.tolist() == [1000, -100, 800]
    assert run.equity.tolist() == [1000, 1000, 1150, 800]


def test_nothing_is_traded_in_a_period_that_starts_without_equity():
    # 50 lots on credit, at 79 worth less than what is owed; 4 more were ordered at 100.
    run = simulate([5.0, 5.4, HOLD], [100, 100, 79], fill_at="next")
    assert held(run) == [0, 50, 50]
    assert run.equity.tolist() == [1000, 1000, 1000, -50]
    assert (run.ruined_at, cuts(run)) == (2, [(2, 0, 4, "ruined")])


def test_equity_before_fills_at_the_open_is_that_of_the_opens():
    run = simulate(
        [5.0, 5.4, HOLD, 0.0],
        [100, 100, 100, 100],
        fill_at="open",
        fill_prices=[100, 100, 79, 100],
    )
    assert held(run) == [0, 50, 50, 50]
    assert run.equity.tolist() == [1000, 1000, 1000, 1000, 1000]
    assert (run.ruined_at, cuts(run)) == (2, [(2, 0, 4, "ruined")])


@pytest.mark.parametrize("close", [10, 79, 1000])
def test_without_an_open_equity_before_fills_is_that_of_the_last_price(close):
    run = simulate(
        [[5.0, 0.0], [5.0, 0.1], [HOLD, HOLD]],
        [[100, 100], [100, 100], [close, 100]],
        fill_at="open",
        fill_prices=[[100, 100], [100, 100], [0, 100]],
    )
    assert held(run) == [[0, 0], [50, 0], [50, 1]]
    # In new shares the last price is 200, so that 25 lots are still worth what 50 were.
    run = simulate(
        [[5.0, 0.0], [5.0, 0.1], [HOLD, HOLD]],
        [[100, 100], [100, 100], [close, 100]],
        fill_at="open",
        fill_prices=[[100, 100], [100, 100], [0, 100]],
        carry=Schedule(splits={2: {0: Fraction(1, 2)}}),
    )
    assert held(run) == [[0, 0], [50, 0], [25, 1]]


def test_an_order_at_the_open_of_a_period_without_a_close_is_not_filled():
    run = simulate([1.0, HOLD, HOLD], [10, 0, 20], fill_at="open", fill_prices=[10, 20, 20])
    assert (held(run), cuts(run)) == ([0, 0, 0], [(1, 0, 100, "no_price")])
    # 200 lots bought at an open of 20 and marked at the 10 before would be ruin, with no loss.
    run = simulate([2.0, HOLD, HOLD], [10, 0, 20], fill_at="open", fill_prices=[10, 20, 20])
    assert (run.equity.tolist(), run.ruined_at) == ([1000] * 4, None)


@pytest.mark.parametrize(
    ("last_open", "in_lieu", "bought"),
    # 3 lots become 1 and a half, paid out at the open, or at the 100 before in new shares; of 700
    # in cash and that, 80 lots at 10 were ordered.
    [(180, 90, 79), (0, 100, 80)],
)
@pytest.mark.parametrize("close", [100, 1000])
def test_cash_in_lieu_that_an_open_may_spend_is_not_paid_at_a_later_close(
    close, last_open, in_lieu, bought
):
    run = simulate(
        [[0.3, 0.0], [0.3, 0.8], [HOLD, HOLD]],
        [[100, 10], [100, 10], [close, 10]],
        fill_at="open",
        fill_prices=[[100, 10], [100, 10], [last_open, 10]],
        scale_to_cash=True,
        carry=Schedule(splits={2: {0: Fraction(1, 2)}}),
    )
    assert run.flows == {"in_lieu": (0, 0, in_lieu)}
    assert held(run)[2] == [1, bought]


def test_a_stop_is_not_filled_from_ruin_on_and_is_not_what_weights_asked_for():
    run = simulate([5.0, HOLD, HOLD], [100, 100, 89], fill_at="next", stops=Stops(fixed=0.1))
    assert cuts(run) == [(2, 0, -50, "stop_unfilled")]
    run = simulate([5.0, *[HOLD] * 3], [100, 100, 89, 79], fill_at="next", stops=Stops(fixed=0.1))
    assert (run.ruined_at, cuts(run)) == (3, [(3, 0, -50, "stop_unfilled")])


def test_an_order_for_a_symbol_that_has_no_price_when_it_is_to_be_filled_is_dropped():
    run = simulate([1.0, HOLD, HOLD], [100, 0, 90], fill_at="next")
    assert held(run) == [0, 0, 0]
    assert cuts(run) == [(1, 0, 10, "no_price")]
    run = simulate([1.0, HOLD, HOLD], [100, 110, 90], fill_at="open", fill_prices=[100, 0, 90])
    assert held(run) == [0, 0, 0]
    assert cuts(run) == [(1, 0, 10, "no_price")]


def test_a_row_that_holds_sends_nothing_and_what_was_sent_before_is_filled_once():
    run = simulate([0.5, HOLD, HOLD, HOLD], [100, 100, 100, 100], fill_at="next")
    assert held(run) == [0, 5, 5, 5]


def test_cash_is_judged_at_the_price_of_the_fill():
    run = simulate([1.0, HOLD], [100, 130], fill_at="next", scale_to_cash=True)
    # 10 lots cost 1300; 7 of them 910.
    assert held(run) == [0, 7]
    assert cuts(run) == [(1, 0, 3, "cash")]


# Cash


@pytest.mark.parametrize(("bps", "kept", "cash"), [(150, 98, 6), (0, 100, 0), (9_990, 50, 1)])
def test_one_order_is_cut_to_what_cash_pays_for_with_its_costs(bps, kept, cash):
    run = simulate([1.0], [10], cost_model=CostModel(bps), scale_to_cash=True)
    assert (held(run), run.cash.tolist()) == ([kept], [cash])
    assert cuts(run) == ([(0, 0, 100 - kept, "cash")] if kept < 100 else [])


@pytest.mark.parametrize(
    ("weights", "prices", "kept"),
    [
        ([2.0], [10], [100]),
        ([3.0], [1000], [1]),
        ([1.5, 1.5], [100, 100], [5, 5]),
        # A third of 30, 15 and 150 lots.
        ([1.5, 0.75, 0.75], [50, 50, 5], [10, 5, 50]),
    ],
)
def test_where_cash_pays_for_a_whole_number_of_lots_all_of_it_is_spent(weights, prices, kept):
    run = simulate([weights], [prices], scale_to_cash=True)
    assert (held(run), run.cash.tolist()) == (kept if len(kept) == 1 else [kept], [0])


def test_an_order_of_two_to_the_31_lots_is_cut_to_the_lot():
    run = simulate([2.0], [1], cash=2**30 + 1, cost_model=CostModel(10_000), scale_to_cash=True)
    assert (held(run), run.cash.tolist()) == ([2**29], [1])


def test_what_covers_a_short_position_is_bought_on_credit():
    # Of equity of 1000, 5 lots are sold short at 100; at 350 cash of 1500 does not cover them all.
    run = simulate([-0.5, 0.0], [100, 290], scale_to_cash=True)
    assert held(run) == [-5, 0]
    assert run.cash.tolist() == [1500, 50]
    run = simulate([-0.5, 0.0], [100, 299], scale_to_cash=True, cost_model=CostModel(1000))
    # Cash of 1450 pays 1495 and costs of 149.
    assert (held(run), run.cash.tolist()) == ([-5, -5], [1450, 1450])
    assert run.ruined_at == 1


# Constraints


def test_leverage_scales_all_weights_alike():
    run = simulate([[1.0, -1.0]], [[10, 10]], constraints=Constraints(max_leverage=1.0))
    assert held(run) == [[50, -50]]
    assert cuts(run) == [(0, 0, 50, "leverage"), (0, 1, -50, "leverage")]


def test_leverage_may_sell_what_weights_alone_would_have_kept():
    run = simulate([0.5, 1.0], [10, 10], constraints=Constraints(max_leverage=0.25))
    assert held(run) == [25, 25]
    assert cuts(run) == [(0, 0, 25, "leverage"), (1, 0, 75, "leverage")]


def test_orders_of_the_band_or_less_are_not_sent():
    run = simulate([0.5, 0.52, 0.53], [10, 10, 10], constraints=Constraints(no_trade_band=0.02))
    # Two lots are worth 20, and 20 is 2 % of 1000.
    assert held(run) == [50, 50, 53]
    assert cuts(run) == [(1, 0, 2, "band")]


def test_the_band_keeps_back_no_order_that_closes():
    run = simulate([0.03, 0.0], [10, 5], constraints=Constraints(no_trade_band=0.02))
    assert held(run) == [3, 0]
    assert cuts(run) == []


def test_a_band_beyond_what_a_float_holds_keeps_back_all_that_opens():
    run = simulate([0.5, 0.0], [10, 10], constraints=Constraints(no_trade_band=1e308))
    assert held(run) == [0, 0]
    assert cuts(run) == [(0, 0, 50, "band")]


def test_orders_worth_less_than_the_minimum_are_not_sent_but_for_those_that_close():
    run = simulate(
        [0.1, 0.19, 0.2, 0.0], [10, 10, 10, 1], constraints=Constraints(min_order_value=100)
    )
    assert held(run) == [10, 10, 20, 0]
    assert cuts(run) == [(1, 0, 9, "min_order_value")]


def test_orders_are_cut_to_the_maximum_in_whole_lots():
    run = simulate([0.5, -0.5], [10, 10], constraints=Constraints(max_order_value=95))
    assert held(run) == [9, 0]
    assert cuts(run) == [(0, 0, 41, "max_order_value"), (1, 0, -50, "max_order_value")]


def test_of_more_orders_than_a_period_may_have_the_largest_are_sent_and_first_what_closes():
    run = simulate(
        [[0.3, 0.5], [0.9, 0.0]],
        [[10, 10], [10, 10]],
        constraints=Constraints(max_trades_per_period=1),
    )
    assert held(run) == [[0, 50], [0, 0]]
    assert cuts(run) == [(0, 0, 30, "max_trades"), (1, 0, 90, "max_trades")]


def test_of_two_orders_of_one_value_the_first_column_is_sent():
    run = simulate([[0.5, 0.5]], [[10, 5]], constraints=Constraints(max_trades_per_period=1))
    assert held(run) == [[50, 0]]
    assert cuts(run) == [(0, 1, 100, "max_trades")]


HALF_DAYS = np.array(["2024-01-30T09", "2024-01-30T16", "2024-01-31T09", "2024-02-01T09"], "M8[h]")


@pytest.mark.parametrize(
    ("span", "expected"), [("day", [10, 10, 30, 40]), ("month", [10, 10, 10, 40])]
)
def test_numbers_of_trades_start_afresh_with_every_day_and_month(span, expected):
    run = simulate(
        [0.1, 0.2, 0.3, 0.4],
        [10, 10, 10, 10],
        constraints=Constraints(**{f"max_trades_per_{span}": 1}),
        dates=HALF_DAYS,
    )
    assert held(run) == expected
    assert {reason for *_, reason in cuts(run)} == {"max_trades"}


def test_turnover_beyond_its_share_of_equity_cuts_all_orders_alike():
    run = simulate([[0.6, -0.4]], [[10, 10]], constraints=Constraints(max_turnover_per_period=0.5))
    assert held(run) == [[30, -20]]
    assert cuts(run) == [(0, 0, 30, "max_turnover"), (0, 1, -20, "max_turnover")]


@pytest.mark.parametrize(
    ("span", "expected"), [("day", [25, 50, 75, 125]), ("month", [25, 50, 50, 100])]
)
def test_turnover_starts_afresh_with_every_day_and_month(span, expected):
    run = simulate(
        [0.25, 0.75, 0.75, 1.25],
        [10, 10, 10, 10],
        constraints=Constraints(**{f"max_turnover_per_{span}": 0.5}),
        dates=HALF_DAYS,
    )
    assert held(run) == expected
    assert {reason for *_, reason in cuts(run)} == {"max_turnover"}


def test_limits_by_day_without_dates_are_refused():
    with pytest.raises(ValidationError, match="limits per day need dates"):
        simulate([0.1], [10], constraints=Constraints(max_trades_per_day=1))


def test_each_constraint_takes_what_the_one_before_has_left():
    run = simulate(
        [[2.0, 0.5]],
        [[10, 10]],
        constraints=Constraints(
            max_leverage=1.25, max_order_value=600, max_turnover_per_period=0.425
        ),
        scale_to_cash=True,
        cash=1000,
    )
    # 200 and 50 lots; by leverage 100 and 25; by value 60 and 25; half of each by turnover.
    assert held(run) == [[30, 12]]
    assert cuts(run) == [
        (0, 0, 100, "leverage"),
        (0, 1, 25, "leverage"),
        (0, 0, 40, "max_order_value"),
        (0, 0, 30, "max_turnover"),
        (0, 1, 13, "max_turnover"),
    ]


# Carry


def test_a_split_goes_through_holdings_pending_orders_and_trailing_stops():
    run = simulate(
        [1.0, 0.5, HOLD, HOLD, HOLD, HOLD],
        [100, 100, 50, 46, 45, 44],
        fill_at="next",
        stops=Stops(trailing=0.1),
        carry=Schedule(splits={2: {0: Fraction(2)}}),
    )
    # 10 lots become 20, and 5 to be sold 10; the best price becomes 50 and the level 45.
    assert held(run) == [0, 10, 10, 10, 10, 0]
    assert run.equity.tolist() == [1000, 1000, 1000, 1000, 960, 950, 940]
    assert stops(run) == [(5, 0, 45, 44, "trailing", -10)]
    assert run.flows == {"in_lieu": (0, 0, 0, 0, 0, 0)}


def test_what_a_split_leaves_of_a_lot_is_paid_out_halves_to_even():
    run = simulate([0.5, HOLD], [100, 65], carry=Schedule(splits={1: {0: Fraction(3, 2)}}))
    # 7 lots and a half, which is worth 32.5.
    assert held(run) == [5, 7]
    assert run.flows == {"in_lieu": (0, 32)}
    assert run.symbol_flows == {1: {0: 32}}
    assert run.equity.tolist() == [1000, 1000, 532 + 7 * 65]


@pytest.mark.parametrize(
    ("prices", "marks"),
    [([100, 0, 0, 60], [100, 50, 50, 60]), ([100, 0, 0, 0], [100, 50, 50, 50])],
)
def test_a_split_without_a_price_divides_the_one_that_is_carried_on(prices, marks):
    split = Schedule(splits={1: {0: Fraction(2)}})
    run = simulate([0.5, HOLD, HOLD, HOLD], prices, carry=split)
    assert run.marks.ravel().tolist() == marks
    assert held(run) == [5, 10, 10, 10]
    assert run.equity.tolist() == [1000, 1000, 1000, 1000, 500 + 10 * marks[-1]]


@pytest.mark.parametrize(
    ("price", "ratio", "rounded"),
    [(3, Fraction(10), 1), (10_001, Fraction(20_000), 1), (4999, Fraction(2), 2500)],
)
def test_a_carried_price_that_a_split_would_move_by_more_than_a_basis_point_is_refused(
    price, ratio, rounded
):
    with pytest.raises(ValidationError) as caught:
        simulate([0.0, HOLD, HOLD], [price, 0, 1], carry=Schedule(splits={1: {0: ratio}}))
    assert str(caught.value) == (
        f"period 1, symbol 'A': it has no price, and the last one, {price}, over its split of "
        f"{ratio} would be rounded to {rounded}. Give the price of that period, or a finer "
        "price_unit"
    )


def test_a_carried_price_that_a_split_moves_by_no_more_than_a_basis_point_is_rounded():
    run = simulate([0.0, HOLD], [10_001, 0], carry=Schedule(splits={1: {0: Fraction(2)}}))
    assert run.marks.ravel().tolist() == [10_001, 5000]
    run = simulate([0.0, HOLD], [3, 1], carry=Schedule(splits={1: {0: Fraction(10)}}))
    assert run.marks.ravel().tolist() == [3, 1]


def test_an_atr_stop_goes_on_in_new_shares_after_a_split():
    run = simulate(
        [1.0, HOLD, HOLD, HOLD],
        [100, 110, 60, 55],
        stops=Stops(atr_multiple=1.0, atr_period=3),
        carry=Schedule(splits={2: {0: Fraction(2)}}),
    )
    # Changes of 10 before it, which is 5 now, of 5 and of 5, from the best price of 60.
    assert held(run) == [10, 10, 20, 0]
    assert stops(run) == [(3, 0, 55, 55, "atr", -20)]


def test_who_is_long_is_paid_a_dividend_and_who_is_short_pays_it():
    run = simulate(
        [[0.5, -0.5], [HOLD, HOLD]],
        [[100, 100], [100, 100]],
        carry=Schedule(dividends={1: {0: Fraction(5, 2), 1: Fraction(3)}}),
    )
    # 12.5, to even, for 5 lots; 15 on 5 lots short.
    assert run.symbol_flows == {1: {0: 12, 1: -15}}
    assert run.flows == {"dividends": (0, -3)}
    assert run.cash.tolist() == [1000, 997]


def test_what_is_bought_in_a_period_has_no_dividend_of_it():
    run = simulate([0.5], [100], carry=Schedule(dividends={0: {0: Fraction(5)}}))
    assert run.flows == {"dividends": (0,)}


def test_interest_is_rounded_halves_to_even_and_starts_with_the_second_period():
    run = simulate([0.0, 0.0, 0.0], [1, 1, 1], carry=Schedule(cash_rate=Fraction(1, 16)))
    assert run.flows == {"interest": (0, 62, 66)}
    assert run.cash.tolist() == [1000, 1062, 1128]


def test_cash_that_is_owed_pays_the_debit_rate():
    run = simulate([2.0, HOLD], [10, 10], carry=Schedule(debit_rate=Fraction(3, 16)))
    # 187.5 on 1000, to even.
    assert run.flows == {"interest": (0, -188)}
    assert run.cash.tolist() == [-1000, -1188]


def test_the_fee_on_what_was_short_at_the_end_of_the_period_before_is_rounded_up():
    run = simulate([-0.5, HOLD], [100, 900], carry=Schedule(borrow_rate=Fraction(1, 999)))
    assert run.flows == {"borrow_fees": (0, -1)}
    assert run.symbol_flows == {1: {0: -1}}


def test_a_deposit_is_no_return_and_is_traded_with_in_its_period():
    run = simulate([1.0, 1.0, 1.0], [10, 11, 11], carry=Schedule(deposits={1: 550, 2: -330}))
    assert run.equity.tolist() == [1000, 1000, 1650, 1320]
    assert held(run) == [100, 150, 120]
    assert run.returns.tolist() == [0.0, 100 / 1550, 0.0]
    assert run.flows == {"deposits": (0, 550, -330)}


def test_a_delisting_pays_its_worth_without_costs_and_ends_trading():
    run = simulate(
        [0.5, 0.5, 0.5],
        [100, 100, 100],
        cost_model=CostModel(min_trade_fee=7),
        carry=Schedule(delistings={1: {0: 40}}),
    )
    assert held(run) == [5, 0, 0]
    assert run.cash.tolist() == [493, 693, 693]
    assert trades(run) == [(0, 0, 5, 100, 7, "rebalance"), (1, 0, -5, 40, 0, "delisted")]
    assert cuts(run) == [(1, 0, 3, "delisted"), (2, 0, 3, "delisted")]


def test_a_delisting_ends_an_order_that_is_on_its_way():
    run = simulate(
        [0.5, 1.0, HOLD],
        [100, 100, 100],
        fill_at="next",
        carry=Schedule(delistings={2: {0: 0}}),
    )
    assert held(run) == [0, 5, 0]
    assert run.equity.tolist() == [1000, 1000, 1000, 500]
    assert cuts(run) == [(2, 0, 5, "delisted")]


# Stops that are not filled at once or not whole


def test_a_stop_on_the_next_bar_leaves_in_the_next_period_and_comes_back_in_the_one_after():
    run = simulate(
        [1.0, 1.0, 1.0, 1.0, 1.0],
        [100, 100, 89, 80, 80],
        fill_at="next",
        stops=Stops(fixed=0.1),
    )
    assert held(run) == [0, 10, 10, 0, 10]
    assert stops(run) == [(3, 0, 90, 80, "fixed", -10)]
    assert [trade[0] for trade in trades(run)] == [1, 3, 4]
    assert trades(run)[1] == (3, 0, -10, 80, 0, "fixed")


def test_a_stop_comes_before_the_order_of_the_weights():
    run = simulate(
        [1.0, HOLD, 2.0, HOLD], [100, 100, 80, 80], fill_at="next", stops=Stops(fixed=0.1)
    )
    assert held(run) == [0, 10, 10, 0]
    # Of equity of 800, 20 lots.
    assert cuts(run) == [(2, 0, 10, "stopped")]


def test_a_delisting_ends_a_stop_that_is_on_its_way():
    run = simulate(
        [1.0, HOLD, HOLD, HOLD],
        [100, 100, 80, 80],
        fill_at="next",
        stops=Stops(fixed=0.1),
        carry=Schedule(delistings={3: {0: 70}}),
    )
    assert [trade[-1] for trade in trades(run)] == ["rebalance", "delisted"]
    assert cuts(run) == [(3, 0, -10, "stop_unfilled")]
    assert stops(run) == []


class Half:
    """Fills half of each order, rounded up."""

    def fill(self, request):
        half = np.sign(request.quantity) * ((np.abs(request.quantity) + 1) // 2)
        return Fills(order=np.arange(len(half)), quantity=half, price=request.price)


def test_a_stop_that_is_filled_in_part_goes_on_until_the_position_is_closed():
    run = simulate(
        [0.8, HOLD, HOLD, HOLD, HOLD],
        [100, 80, 70, 61, 60],
        stops=Stops(fixed=0.1),
        fill_model=Half(),
    )
    assert held(run) == [4, 2, 1, 0, 0]
    assert [trade[-1] for trade in trades(run)] == ["rebalance", "fixed", "fixed", "fixed"]
    assert cuts(run) == [
        (0, 0, 4, "unfilled"),
        (1, 0, -2, "stop_unfilled"),
        (2, 0, -1, "stop_unfilled"),
    ]
    # 2 at 80, 1 at 70 and 1 at 61 are 72.75 each.
    assert stops(run) == [(3, 0, 90, 72, "fixed", -4)]


def test_what_a_stop_closes_in_parts_at_several_prices_has_their_mean_price_by_lots():
    class Sweep:
        """Fills 3 lots at the price, and what is more 10 away from it."""

        def fill(self, request):
            size, side = abs(int(request.quantity[0])), int(np.sign(request.quantity[0]))
            parts = [lots for lots in (min(size, 3), size - 3) if lots > 0]
            price = [int(request.price[0]) + side * away for away in (0, 10)][: len(parts)]
            return Fills(
                order=np.zeros(len(parts), np.int64),
                quantity=side * np.array(parts, np.int64),
                price=np.array(price, np.int64),
            )

    run = simulate([-0.8, HOLD], [100, 111], stops=Stops(fixed=0.1), fill_model=Sweep())
    # 3 at 111 and 5 at 121: 117.25.
    assert stops(run) == [(1, 0, 110, 117, "fixed", 8)]
    run = simulate(
        [-0.8, HOLD, HOLD],
        [100, 111, 112],
        stops=Stops(fixed=0.1),
        fill_model=Sweep(),
        fill_at="next",
    )
    assert run.cash.tolist() == [1000, 1000 + 3 * 111 + 5 * 101, 1838]


def test_parts_that_a_stop_has_closed_go_through_a_split_and_end_with_their_position():
    run = simulate(
        [0.8, HOLD, HOLD, HOLD],
        [100, 80, 40, 40],
        stops=Stops(fixed=0.1),
        fill_model=Half(),
        carry=Schedule(splits={2: {0: Fraction(2)}}),
    )
    # 2 lots at 80 are 4 at 40; then 2 of 4, and 1 of 2.
    assert held(run) == [4, 2, 2, 1]
    run = simulate(
        [1.0, HOLD, HOLD],
        [100, 80, 160],
        stops=Stops(fixed=0.1),
        fill_model=Half(),
        carry=Schedule(splits={2: {0: Fraction(1, 2)}}),
    )
    # 3 lots at 80 are 1 and a half at 160; then 1.
    assert stops(run) == [(2, 0, 180, 160, "fixed", -2)]
    weights = [0.8, HOLD, 0.0, 0.0, 0.0, 0.4, HOLD, HOLD, HOLD]
    run = simulate(
        weights,
        [100, 80, 100, 100, 100, 100, 80, 70, 60],
        stops=Stops(fixed=0.1),
        fill_model=Half(),
    )
    assert held(run) == [4, 2, 1, 0, 0, 2, 1, 0, 0]
    # The 2 lots that the stop closed of the first position do not count.
    assert stops(run) == [(7, 0, 90, 75, "fixed", -2)]


def test_a_split_that_leaves_no_whole_lot_ends_a_position_for_its_stop():
    run = simulate(
        [0.6, HOLD, 0.5, HOLD],
        [100, 80, 160, 140],
        stops=Stops(fixed=0.1),
        fill_model=Half(),
        carry=Schedule(splits={2: {0: Fraction(1, 2)}}),
    )
    # Of 3 lots the stop sells 2, and half of 1 is paid out; the lot bought after that is new.
    assert held(run) == [3, 1, 1, 0]
    assert stops(run) == [(3, 0, 144, 140, "fixed", -1)]


def test_a_stop_on_the_next_bar_that_is_filled_in_part_is_sent_again():
    run = simulate(
        [0.8, HOLD, HOLD, HOLD, HOLD, HOLD],
        [100, 100, 80, 80, 80, 80],
        fill_at="next",
        stops=Stops(fixed=0.1),
        fill_model=Half(),
    )
    assert held(run) == [0, 4, 4, 2, 1, 0]
    assert stops(run) == [(5, 0, 90, 80, "fixed", -4)]


class Told:
    """Fills everything, and keeps what it was told."""

    def __init__(self):
        self.requests = []

    def fill(self, request):
        row = (request.quantity.tolist(), request.is_stop.tolist(), request.filled.tolist())
        self.requests.append((request.period, request.is_first, *row))
        return Fills(
            order=np.arange(len(request.quantity)), quantity=request.quantity, price=request.price
        )


def test_a_fill_model_is_asked_for_weights_and_then_for_stops_of_the_same_period():
    model = Told()
    simulate(
        [[0.5, 0.25], [0.6, 0.25]],
        [[100, 100], [80, 100]],
        stops=Stops(fixed=0.1),
        fill_model=model,
    )
    assert model.requests == [
        (0, True, [5, 2], [False, False], [0, 0]),
        (1, True, [1], [False], [0]),
        (1, False, [-6], [True], [1]),
    ]


def test_a_fill_model_is_asked_for_weights_and_stops_of_the_next_bar_at_once():
    model = Told()
    simulate(
        [[0.5, 0.25], [HOLD, HOLD], [0.5, 0.0], [HOLD, HOLD]],
        [[100, 100], [100, 100], [80, 100], [80, 100]],
        stops=Stops(fixed=0.1),
        fill_model=model,
        fill_at="next",
    )
    assert model.requests == [
        (1, True, [5, 2], [False, False], [0, 0]),
        (3, True, [-5, -2], [True, False], [0, 0]),
    ]


# Beyond 64 bits


def test_more_than_64_bits_hold_that_leverage_cuts_is_refused():
    # In parts of 2^62 lots: 0.5 are held, 1.9375 asked for, and -0.125 by leverage.
    with pytest.raises(
        OverflowError, match="period 1, symbol 'A': quantity 9511602413006487552 gives"
    ):
        simulate([0.5, 3.25], [1, 2], cash=2**62, constraints=Constraints(max_leverage=0.5))


def test_an_order_that_a_split_makes_too_large_is_refused():
    with pytest.raises(
        OverflowError, match="period 1, symbol 'A': an order of 9223372036854775808 lots gives"
    ):
        simulate(
            [1.0, HOLD],
            [1, 1],
            cash=2**62,
            fill_at="next",
            carry=Schedule(splits={1: {0: Fraction(2)}}),
        )


def test_a_price_that_is_carried_over_a_split_beyond_64_bits_is_refused():
    with pytest.raises(OverflowError) as caught:
        simulate(
            [0.0, HOLD, HOLD],
            [2**62, 0, 1],
            carry=Schedule(splits={1: {0: Fraction(1, 10_000)}}),
        )
    assert str(caught.value) == (
        "period 1, symbol 'A': 4611686018427387904 over a split of 1/10000 is a price beyond "
        "2^63-1. Use a coarser price_unit"
    )


@pytest.mark.parametrize("stops", [Stops(fixed=0.1), Stops(trailing=0.1), Stops(atr_multiple=9.0)])
def test_a_stop_that_a_split_takes_beyond_64_bits_is_refused(stops):
    with pytest.raises(OverflowError, match="period 1, symbol 'A': 2305843009213693952 over a "):
        simulate(
            [8.0, HOLD],
            [2**61, 2**61],
            cash=2**62,
            stops=stops,
            carry=Schedule(splits={1: {0: Fraction(1, 10)}}),
        )


def test_a_stop_without_a_position_goes_through_any_split():
    run = simulate(
        [1.0, 0.0, HOLD],
        [2**61, 2**61, 2**61],
        cash=2**62,
        stops=Stops(fixed=0.1),
        carry=Schedule(splits={2: {0: Fraction(1, 10)}}),
    )
    assert held(run) == [2, 0, 0]


def test_changes_that_a_split_takes_beyond_64_bits_together_are_averaged():
    tick = 2**60
    run = simulate(
        [1.5, *[HOLD] * 4],
        [tick, 2 * tick, tick, 2 * tick, 2 * tick],
        cash=2 * tick,
        stops=Stops(atr_multiple=1.125, atr_period=3),
        carry=Schedule(splits={4: {0: Fraction(1, 3)}}),
    )
    # From the best price of 6 ticks by 1.125 times the mean of changes of 3, 3 and 4.
    assert stops(run) == [(4, 0, 9 * 2**58, 2 * tick, "atr", -1)]


# What fill models must not do


class Answer:
    """Answers whatever it was given."""

    def __init__(self, order, quantity, price):
        self.answer = [np.array(values, np.int64) for values in (order, quantity, price)]

    def fill(self, request):
        order, quantity, price = self.answer
        return Fills(order=order, quantity=quantity, price=price)


@pytest.mark.parametrize(
    "wrong",
    [
        ([0], [6], [100]),
        ([0, 0], [3, 3], [100, 100]),
        ([0], [-1], [100]),
        ([0], [0], [100]),
        ([0], [5], [0]),
        ([-1], [5], [100]),
        ([1], [5], [100]),
        ([0], [2**62], [100]),
    ],
)
def test_fills_that_were_not_asked_for_are_refused(wrong):
    with pytest.raises(ValidationError, match=r"period 0[,:] "):
        simulate([0.5], [100], fill_model=Answer(*wrong))


def test_an_order_may_be_filled_in_parts_at_other_prices():
    run = simulate(
        [0.5], [100], fill_model=Answer([0, 0], [3, 1], [101, 103]), cost_model=CostModel(100)
    )
    assert trades(run) == [(0, 0, 3, 101, 3, "rebalance"), (0, 0, 1, 103, 1, "rebalance")]
    assert run.cash.tolist() == [1000 - 303 - 103 - 4]
    assert run.equity.tolist() == [1000, 590 + 400]
    assert cuts(run) == [(0, 0, 1, "unfilled")]
