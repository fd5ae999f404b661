"""What holds for every simulation, whatever options are combined."""

from collections import Counter, defaultdict
from fractions import Fraction
from math import ceil, trunc

import numpy as np
import pytest
from attrs import evolve
from hypothesis import given, settings
from tests.core.portfolio.scenarios import OPTIONS, Parts, scenarios

from nanobook_core.portfolio import Stops
from nanobook_core.portfolio.bar import BarTable
from nanobook_core.portfolio.carry import Schedule
from nanobook_core.portfolio.policy import Constraints
from nanobook_core.portfolio.result_check import check_run
from nanobook_core.portfolio.simulation import CUT_REASONS, TRADE_REASONS
from nanobook_core.types import INT64_MAX

#: Those of execution="rebalancer" have tests of their own.
CUTS = tuple(reason for reason in CUT_REASONS if reason not in ("risk", "refused"))
REASONS = (*CUTS, *(reason for reason in TRADE_REASONS if reason != "rebalance"))


def reasons(run):
    """All reasons that there were for a trade or a cut."""
    return {
        *(TRADE_REASONS[reason] for reason in run.trades["reason"]),
        *(CUT_REASONS[reason] for reason in run.cuts["reason"]),
    }


def of_periods(table, n_periods):
    return table[table["period"] < n_periods].tolist()


def truncating_the_future_never_changes_the_past(scenario, run):
    for n_periods in range(len(scenario.prices)):
        part = scenario.first(n_periods).run()
        assert part.equity.tolist() == run.equity.tolist()[: n_periods + 1]
        for name in ("cash", "returns", "quantities", "marks"):
            assert getattr(part, name).tolist() == getattr(run, name)[:n_periods].tolist()
        for name in ("trades", "stops"):
            assert getattr(part, name).tolist() == of_periods(getattr(run, name), n_periods)
        cuts = of_periods(run.cuts, n_periods)
        assert part.cuts.tolist()[: len(cuts)] == cuts
        # What its last period decides is cut because it is the last.
        for period, _, _, reason in part.cuts.tolist()[len(cuts) :]:
            assert (period, scenario.fill_at == "same") == (n_periods - 1, False)
            assert CUT_REASONS[reason] in {"last_period", "stop_unfilled"}
        for name, amounts in run.flows.items():
            assert part.flows.get(name, (0,) * n_periods) == amounts[:n_periods]
        assert part.symbol_flows == {
            period: row for period, row in run.symbol_flows.items() if period < n_periods
        }
        is_ruined = run.ruined_at is not None and run.ruined_at < n_periods
        assert part.ruined_at == (run.ruined_at if is_ruined else None)


def by_period(table):
    rows = defaultdict(list)
    for period, *row in table.tolist():
        rows[period].append(row)
    return rows


def cash_and_quantities_follow_from_trades_and_flows(scenario, run):
    cash, held = scenario.cash, [0] * len(scenario.symbols)
    trades = by_period(run.trades)
    equity = [cash]
    for period, marks in enumerate(run.marks.tolist()):
        for column, ratio in run.splits.get(period, {}).items():
            held[column] = trunc(held[column] * ratio)
        cash += sum(amounts[period] for amounts in run.flows.values())
        for column, quantity, price, cost, _ in trades[period]:
            cash -= quantity * price + cost
            held[column] += quantity
        assert run.cash[period] == cash
        assert run.quantities[period].tolist() == held
        equity.append(cash + sum(q * mark for q, mark in zip(held, marks, strict=True)))
        deposit = run.flows["deposits"][period] if "deposits" in run.flows else 0
        base = equity[-2] + deposit
        assert run.returns[period] == ((equity[-1] - base) / base if base > 0 else 0.0)
    assert run.equity.tolist() == equity


def what_is_recorded_contradicts_itself_nowhere(_scenario, run):
    check_run(run)


def flows_are_those_of_the_schedule(scenario, run):
    carry = scenario.carry
    if carry is None:
        assert run.flows == {}
        return
    cash, held, last = scenario.cash, [0] * len(scenario.symbols), [0] * len(scenario.symbols)
    for period, marks in enumerate(run.marks.tolist()):
        paid = dict.fromkeys(("interest", "borrow_fees", "in_lieu", "dividends"), 0)
        known = at_open(scenario, period, last) if scenario.fill_at == "open" else marks
        if period:
            rate = carry.cash_rate if cash > 0 else carry.debit_rate
            paid["interest"] = round(cash * rate)
            for q, mark in zip(held, last, strict=True):
                paid["borrow_fees"] -= ceil(max(-q, 0) * mark * carry.borrow_rate)
        for column, ratio in carry.splits.get(period, {}).items():
            shares = held[column] * ratio
            held[column] = trunc(shares)
            paid["in_lieu"] += round((shares - held[column]) * known[column])
        for column, amount in carry.dividends.get(period, {}).items():
            paid["dividends"] += round(held[column] * amount)
        per_symbol = paid["borrow_fees"] + paid["in_lieu"] + paid["dividends"]
        assert sum(run.symbol_flows.get(period, {}).values()) == per_symbol
        paid["deposits"] = carry.deposits.get(period, 0)
        for name, amount in paid.items():
            assert (run.flows[name][period] if name in run.flows else 0) == amount
        cash, held, last = int(run.cash[period]), run.quantities[period].tolist(), marks


def at_open(scenario, period, last):
    """Opens where there is a close too, and else the last marks in new shares."""
    splits = {} if scenario.carry is None else scenario.carry.splits.get(period, {})
    return [
        opened if opened and close else max(round(mark / splits.get(column, Fraction(1))), 1)
        for column, (opened, close, mark) in enumerate(
            zip(
                scenario.opens[period].tolist(), scenario.prices[period].tolist(), last, strict=True
            )
        )
    ]


def without_a_price_nothing_is_traded(scenario, run):
    for period, column, *_, reason in run.trades.tolist():
        assert scenario.prices[period, column] or TRADE_REASONS[reason] == "delisted"


def stop_events_follow_from_trades(scenario, run):
    held, trades = [0] * len(scenario.symbols), by_period(run.trades)
    # By column, what stops have sold of what is still held, and its value.
    parts, events = defaultdict(lambda: (Fraction(), 0)), []
    for period in range(len(run.prices)):
        for column, ratio in run.splits.get(period, {}).items():
            held[column] = trunc(held[column] * ratio)
            parts[column] = parts[column][0] * ratio, parts[column][1]
            if not held[column]:
                del parts[column]
        for column, quantity, price, _, reason in trades[period]:
            before, held[column] = held[column], held[column] + quantity
            if TRADE_REASONS[reason] in {"fixed", "trailing", "atr"}:
                lots, value = parts[column]
                lots, value = lots + quantity, value + quantity * price
                parts[column] = lots, value
                if not held[column]:
                    events.append((period, column, int(value / lots), reason, int(lots)))
            if held[column] * before <= 0:
                parts.pop(column, None)
    stops = run.stops[["period", "column", "exit_price", "reason", "quantity"]]
    assert sorted(stops.tolist()) == sorted(events)


def what_weights_ask_for_is_traded_or_cut(scenario, run):
    if scenario.stops and scenario.bars and scenario.fill_at == "same":
        return  # a stop may come before the weights, which ask for the rest
    trades, cuts = by_period(run.trades), by_period(run.cuts)
    due = [0] * len(scenario.symbols)
    for period in range(len(run.prices)):
        for column, ratio in run.splits.get(period, {}).items():
            due[column] = trunc(due[column] * ratio)
        for column, lots in enumerate(wanted(scenario, run, period, trades[period])):
            due[column] += lots
        for column, quantity, *_, reason in trades[period]:
            due[column] -= quantity if TRADE_REASONS[reason] == "rebalance" else 0
        for column, quantity, reason in cuts[period]:
            due[column] -= quantity if CUT_REASONS[reason] != "stop_unfilled" else 0
        # What is filled in the next period is on its way, but for the last.
        if scenario.fill_at == "same" or period == len(run.prices) - 1:
            assert not any(due)


def wanted(scenario, run, period, trades):
    """Lots that weights ask for, from what is held and owned when they are.

    That is at the end of the period, where what they ask for is filled in the next, and else before
    all its trades, which are taken back.
    """
    marks, weights = run.marks[period].tolist(), scenario.weights[period].tolist()
    held, cash = run.quantities[period].tolist(), int(run.cash[period])
    is_same = scenario.fill_at == "same"
    for column, quantity, price, cost, reason in trades:
        if is_same and TRADE_REASONS[reason] != "delisted":
            held[column] -= quantity
            cash += quantity * price + cost
    equity = cash + sum(q * mark for q, mark in zip(held, marks, strict=True))
    # With opens, that of the ruin may be before those of the period's price.
    first_without = len(run.prices) if run.ruined_at is None else run.ruined_at + is_same
    if period >= first_without or equity <= 0 or np.isnan(weights).any():
        return [0] * len(marks)
    return [
        trunc(Fraction(int(float(equity) * weight) - q * mark, mark or 1))
        for weight, q, mark in zip(weights, held, marks, strict=True)
    ]


def permuting_symbols_permutes_everything(scenario, run):
    # Of orders of one value, the number of trades keeps the first.
    free = dict.fromkeys([f"max_trades_per_{span}" for span in ("period", "day", "month")])
    scenario = evolve(scenario, constraints=evolve(scenario.constraints, **free))
    run = scenario.run()
    order = list(range(len(scenario.symbols)))[::-1]
    order = order[1:] + order[:1]
    turned = scenario.in_order(order).run()
    for name in ("equity", "cash", "returns"):
        assert getattr(turned, name).tolist() == getattr(run, name).tolist()
    assert turned.quantities.tolist() == run.quantities[:, order].tolist()
    assert turned.marks.tolist() == run.marks[:, order].tolist()
    assert turned.ruined_at == run.ruined_at
    assert turned.flows == run.flows
    for name in ("trades", "cuts", "stops"):
        rows = getattr(turned, name).copy()
        rows["column"] = np.array(order)[rows["column"]]
        keys = ["period", "column"]
        assert (
            np.sort(rows, order=keys, kind="stable").tolist()
            == np.sort(getattr(run, name), order=keys, kind="stable").tolist()
        )


def limits_out_of_reach_change_nothing(scenario, _run):
    free = evolve(scenario, constraints=Constraints()).run()
    loose = evolve(scenario, constraints=LOOSE).run()
    assert loose == free
    assert loose.trades.tolist() == free.trades.tolist()
    assert loose.cuts.tolist() == free.cuts.tolist()


LOOSE = Constraints(
    max_leverage=1e300,
    no_trade_band=1e-300,
    min_order_value=0,
    max_order_value=2**63 - 1,
    max_trades_per_period=10**6,
    max_trades_per_day=2**63 - 1,
    max_trades_per_month=10**6,
    max_turnover_per_period=1e300,
    max_turnover_per_day=1e308,
    max_turnover_per_month=1e18,
)


LAWS = (
    truncating_the_future_never_changes_the_past,
    cash_and_quantities_follow_from_trades_and_flows,
    flows_are_those_of_the_schedule,
    without_a_price_nothing_is_traded,
    stop_events_follow_from_trades,
    what_weights_ask_for_is_traded_or_cut,
    permuting_symbols_permutes_everything,
    limits_out_of_reach_change_nothing,
)


def hold_to(law, max_examples, drawn):
    """Try a law on so many scenarios, and see that every option and reason was among them."""
    seen = Counter(dict.fromkeys(("simulations", *OPTIONS, *REASONS), 0))

    @settings(max_examples=max_examples)
    @given(scenarios())
    def check(scenario):
        run = scenario.run()
        seen.update(["simulations", *scenario.options(), *reasons(run)])
        law(scenario, run)

    check()
    drawn[law.__name__].update(seen)
    rare = {what: seen[what] for what in (*OPTIONS, *REASONS) if seen[what] < max_examples // 200}
    assert not rare


@pytest.mark.parametrize("law", LAWS, ids=lambda law: law.__name__)
def test_every_simulation_obeys(law, drawn):
    hold_to(law, 300, drawn)


@pytest.mark.slow
@pytest.mark.parametrize("law", LAWS, ids=lambda law: law.__name__)
def test_every_simulation_obeys_for_long(law, drawn):
    hold_to(law, 2000, drawn)


stopped_in_parts = scenarios().map(
    lambda scenario: evolve(
        scenario,
        # Prices do not know of the splits, and so reach the levels.
        stops=Stops(fixed=0.02, trailing=0.1),
        fill_model=Parts(),
        constraints=Constraints(),
        carry=Schedule(
            splits={
                period: dict.fromkeys(range(len(scenario.symbols)), Fraction(1, 2 + period % 2))
                for period in range(2, len(scenario.prices))
            }
        ),
    )
)


def test_stop_events_follow_from_trades_in_parts_and_over_splits(drawn):
    seen = Counter()

    @settings(max_examples=300)
    @given(stopped_in_parts)
    def check(scenario):
        run = scenario.run()
        stop_events_follow_from_trades(scenario, run)
        reason = run.trades["reason"]
        seen.update({"fills of stops": np.count_nonzero(reason), "stop events": len(run.stops)})
        seen.update(["simulations", *reasons(run)])

    check()
    drawn["stop events follow from trades in parts and over splits"].update(seen)
    assert seen["fills of stops"] > seen["stop events"] > 100


def after_the_open(scenario, period, factor):
    """Return the same up to this period, with other closes of it and bars that touch no level."""
    shape = scenario.prices.shape
    other = scenario.prices.copy()
    other[period] = np.where(other[period] > 0, np.maximum(other[period] * factor, 1), 0)
    bars = scenario.bars
    if bars is not None:
        never = np.zeros(shape, np.int64)
        never[period] = 1
        bars = BarTable(
            open=bars.open,
            high=np.where(never, 0, bars.high),
            low=np.where(never, INT64_MAX, bars.low),
        )
    return evolve(scenario, prices=other.astype(np.int64), bars=bars).first(period + 1)


def test_fills_at_the_open_know_nothing_of_high_low_and_close(drawn):
    seen = Counter()

    @settings(max_examples=300)
    @given(scenarios(fill_at=("open",)))
    def check(scenario):
        trades = by_period(scenario.run().trades)
        for period in range(len(scenario.prices)):
            fills = by_period(after_the_open(scenario, period, 0.1).run().trades)[period]
            # After them, stops within the bar.
            assert trades[period][: len(fills)] == fills
            for factor in (1, 7):
                other = after_the_open(scenario, period, factor).run()
                assert by_period(other.trades)[period] == fills
            seen["fills"] += len(fills)
        seen.update(["simulations", *scenario.options()])

    check()
    drawn["fills at the open know nothing of high, low and close"].update(seen)
    assert min(seen["fills"], seen["bars"], seen["splits"], seen["gap"]) > 30


cash_accounts = scenarios(fill_at=("same",), is_plain=True).map(
    lambda scenario: evolve(scenario, weights=np.abs(scenario.weights), scale_to_cash=True)
)


def rebalances(run):
    """Of each period that trades for its weights: the cash that is left of it, and the orders."""
    trades = by_period(run.trades)
    for period, rows in trades.items():
        orders = {
            column: (quantity, price, cost)
            for column, quantity, price, cost, reason in rows
            if TRADE_REASONS[reason] == "rebalance"
        }
        stopped = sum(
            -quantity * price - cost
            for _, quantity, price, cost, reason in rows
            if TRADE_REASONS[reason] != "rebalance"
        )
        yield period, int(run.cash[period]) - stopped, orders


def test_scaled_to_cash_nothing_is_bought_on_credit(drawn):
    seen = Counter()

    @settings(max_examples=300)
    @given(cash_accounts)
    def check(scenario):
        run = scenario.run()
        for _, cash, orders in rebalances(run):
            if any(quantity > 0 for quantity, *_ in orders.values()):
                assert cash >= 0
        # Without a minimum fee no sale costs more than it brings.
        if not scenario.costs.min_trade_fee:
            assert min(run.cash) >= 0
            seen["all long, no minimum fee"] += 1
        seen.update(["simulations", *reasons(run)])

    check()
    drawn["scaled to cash, nothing is bought on credit"].update(seen)
    assert seen["all long, no minimum fee"] > 30
    assert min(seen[reason] for reason in ("cash", "fixed", "trailing", "atr")) > 4


def test_scaled_to_cash_what_was_cut_could_not_have_been_bought(drawn):
    """One more lot of all that was cut costs more than is left, but for what rounding explains.

    That is a unit for each order, whose cost is rounded down, and 2^-30 of what is spent. With a
    minimum fee the search ends earlier, and leaves up to a 16th.
    """
    seen = Counter()

    @settings(max_examples=300)
    @given(cash_accounts)
    def check(scenario):
        run = scenario.run()
        cuts = by_period(run.cuts)
        for period, cash, orders in [*rebalances(run)]:
            cut = [column for column, _, why in cuts[period] if CUT_REASONS[why] == "cash"]
            spent = sum(q * price + cost for q, price, cost in orders.values() if q > 0)
            more = 0
            for column in cut:
                price = int(run.prices[period, column])
                lots, _, cost = orders.get(column, (0, price, 0))
                more += price + scenario.costs.compute_cost((lots + 1) * price) - cost
            if cut:
                has_fee = scenario.costs.min_trade_fee > 0
                assert more + len(orders) + (spent + cash) // (16 if has_fee else 2**30) >= cash
                seen["cut, minimum fee" if has_fee else "cut, no minimum fee"] += 1

    check()
    drawn["scaled to cash, what was cut could not have been bought"].update(seen)
    assert min(seen["cut, minimum fee"], seen["cut, no minimum fee"]) > 15
