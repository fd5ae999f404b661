"""The seed's backtest: the original's numbers in examples, its repairs, and what the result is."""

import builtins
import json
import math
import pickle
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import nanobook
import nanobook_core.errors
from nanobook_core.portfolio import BacktestResult, CostModel, Stops, backtest_weights
from nanobook_core.portfolio.loop import simulate_tables

DATA = Path(__file__).parents[2] / "data" / "portfolio"
BAD_INPUT = json.loads((DATA / "bad_input.json").read_text(encoding="utf-8"))

KEYS = [
    "returns",
    "equity_curve",
    "final_cash",
    "metrics",
    "holdings",
    "symbol_returns",
    "stop_events",
]
WEIGHTS = [
    [("AAPL", 0.5), ("MSFT", 0.5)],
    [("AAPL", 0.3), ("NVDA", 0.7)],
]
PRICES = [
    [("AAPL", 185_00), ("MSFT", 370_00)],
    [("AAPL", 190_00), ("MSFT", 380_00), ("NVDA", 600_00)],
]
GOOD = {
    "weight_schedule": [[["A", 0.5]], [["A", 0.5]]],
    "price_schedule": [[["A", 100]], [["A", 110]]],
    "initial_cash": 1000,
    "cost_bps": 15,
}


def one_symbol(prices, weights=1.0, **options):
    weights = [weights] * len(prices) if isinstance(weights, float) else weights
    return backtest_weights(
        [None if weight is None else [("A", weight)] for weight in weights],
        [[("A", price)] if price else [] for price in prices],
        **{"initial_cash": 100_000_000, "cost_bps": 0} | options,
    )


def test_the_seeds_example(capsys):
    result = nanobook.backtest_weights(
        weight_schedule=[
            [("AAPL", 0.5), ("MSFT", 0.5)],
            [("AAPL", 0.3), ("NVDA", 0.7)],
        ],
        price_schedule=[
            [("AAPL", 185_00), ("MSFT", 370_00)],
            [("AAPL", 190_00), ("MSFT", 380_00), ("NVDA", 600_00)],
        ],
        initial_cash=1_000_000_00,  # $1M in cents
        cost_bps=15,  # 15 bps round-trip
        stop_cfg={"trailing_stop_pct": 0.05},
    )

    print(f"Sharpe: {result['metrics'].sharpe:.2f}")  # noqa: T201 - the example does
    print(f"Max DD: {result['metrics'].max_drawdown:.1%}")  # noqa: T201 - the example does
    print(result["holdings"][-1])  # noqa: T201 - the example does
    print(result["stop_events"])  # noqa: T201 - the example does
    assert capsys.readouterr().out == (
        "Sharpe: 9.95\n"
        "Max DD: 0.1%\n"
        "[('AAPL', 0.30077228707989745), ('NVDA', 0.7012157024318856)]\n"
        "[]\n"
    )


def test_the_seeds_second_spelling():
    result = nanobook.py_backtest_weights(
        weight_schedule=WEIGHTS,
        price_schedule=PRICES,
        initial_cash=1_000_000_00,
        cost_bps=15,
        periods_per_year=252.0,
        risk_free=0.0,
        stop_cfg={"trailing_stop_pct": 0.05},
    )
    assert result == backtest_weights(WEIGHTS, PRICES, 1_000_000_00, 15)


def test_the_worked_example_to_the_last_digit():
    result = backtest_weights(WEIGHTS, PRICES, 1_000_000_00, 15)
    assert result["returns"] == [-0.0014996, 0.024902503794690518]
    assert result["equity_curve"] == [100_000_000, 99_850_040, 102_336_556]
    assert result["final_cash"] == -203_444
    assert result["holdings"] == [
        [("AAPL", 0.5006207308479796), ("MSFT", 0.5006207308479796)],
        [("AAPL", 0.30077228707989745), ("NVDA", 0.7012157024318856)],
    ]
    first, second = result["symbol_returns"]
    assert [symbol for symbol, _ in first] == ["AAPL", "MSFT"]
    assert all(math.isnan(value) for _, value in first)
    assert second[:2] == [("AAPL", 0.02702702702702703), ("MSFT", 0.02702702702702703)]
    assert second[2][0] == "NVDA"
    assert math.isnan(second[2][1])
    assert result["stop_events"] == []
    assert result["metrics"].sharpe == 9.949848906317822
    assert result["metrics"].total_return == 0.023365560000000007
    assert result["metrics"].max_drawdown == 0.0014996000000000453


def test_the_trailing_stop_of_the_original_to_the_last_digit():
    result = one_symbol(
        [10_000, 10_500, 9_900, 9_900], cost_bps=15, stop_cfg={"trailing_stop_pct": 0.05}
    )
    assert result["equity_curve"] == [100_000_000, 99_850_000, 104_849_780, 98_709_888, 98_561_834]
    assert result["returns"] == [
        -0.0015,
        0.05007290936404607,
        -0.05855894022858226,
        -0.0014998902642863903,
    ]
    assert result["holdings"] == [
        [("A", 1.0015022533800702)],
        [("A", 1.000030710603303)],
        [],
        [("A", 1.001432258251201)],
    ]
    assert result["stop_events"] == [
        {
            "period_index": 2,
            "symbol": "A",
            "trigger_price": 9975,
            "exit_price": 9900,
            "reason": "trailing",
        }
    ]
    assert list(result["stop_events"][0]) == [
        "period_index",
        "symbol",
        "trigger_price",
        "exit_price",
        "reason",
    ]
    assert result["final_cash"] == -141_166


@pytest.mark.parametrize("case", BAD_INPUT, ids=[case["says"] for case in BAD_INPUT])
def test_bad_input_is_refused(case):
    error = getattr(nanobook_core.errors, case["error"], None) or getattr(builtins, case["error"])
    with pytest.raises(error) as raised:
        backtest_weights(**GOOD | case["change"])
    assert case["says"] in str(raised.value)


def test_the_input_that_bad_input_changes_is_good():
    assert backtest_weights(**GOOD)["equity_curve"] == [1000, 1000, 1050]


def test_generators_and_frames_are_no_schedules():
    with pytest.raises(TypeError, match="a schedule is a list or tuple"):
        backtest_weights((row for row in WEIGHTS), PRICES, 1000, 15)
    with pytest.raises(TypeError, match="a schedule is a list or tuple"):
        backtest_weights(WEIGHTS, np.ones((2, 2), np.int64), 1000, 15)


def test_atr_does_not_close_on_the_entry_bar():
    result = one_symbol([100, 102, 101, 90], stop_cfg={"atr_multiple": 2.0, "atr_period": 3})
    assert result["stop_events"] == [
        {
            "period_index": 3,
            "symbol": "A",
            # Changes 2, 1, 11: 102 - 2 * 14 / 3 = 92.67.
            "trigger_price": 93,
            "exit_price": 90,
            "reason": "atr",
        }
    ]


def test_an_empty_backtest_has_no_metrics():
    result = backtest_weights([], [], 1000, 15)
    assert dict(result) == {
        "returns": [],
        "equity_curve": [1000],
        "final_cash": 1000,
        "metrics": None,
        "holdings": [],
        "symbol_returns": [],
        "stop_events": [],
    }
    assert result.symbols == ()
    assert result.ruined_at is None
    assert repr(result) == (
        "BacktestResult(periods=0, symbols=0, final_equity=1000, stop_events=0)"
    )


def test_empty_rows_hold_cash():
    result = backtest_weights([[], []], [[], []], 1000, 15)
    assert result["returns"] == [0.0, 0.0]
    assert result["holdings"] == result["symbol_returns"] == [[], []]


def test_a_result_is_a_mapping_of_exactly_the_seven_keys_in_order():
    result = backtest_weights(WEIGHTS, PRICES, 1_000_000_00, 15)
    assert isinstance(result, Mapping)
    assert isinstance(result, nanobook.BacktestResult)
    assert list(result) == KEYS
    assert len(result) == 7
    assert list(result.items()) == [(key, result[key]) for key in KEYS]
    assert result["returns"] is result["returns"]
    assert result["holdings"] is result["holdings"]
    assert "symbols" not in result
    assert result.get("ruined_at") is None
    with pytest.raises(KeyError, match="symbols"):
        result["symbols"]
    with pytest.raises(TypeError):
        result["returns"] = []


def test_a_result_holds_plain_python_values():
    result = one_symbol([100, 120, 80], cost_bps=15, stop_cfg={"fixed_stop_pct": 0.1})
    assert {type(value) for value in result["returns"]} == {float}
    assert {type(value) for value in result["equity_curve"]} == {int}
    assert type(result["final_cash"]) is int
    for key in ("holdings", "symbol_returns"):
        pairs = [pair for row in result[key] for pair in row]
        assert {type(pair) for pair in pairs} == {tuple}
        assert {(type(symbol), type(value)) for symbol, value in pairs} == {(str, float)}
    (event,) = result["stop_events"]
    assert [type(value) for value in event.values()] == [int, str, int, int, str]
    assert json.loads(json.dumps(result["stop_events"])) == [event]


def test_a_result_shows_what_came_of_it():
    assert repr(backtest_weights(WEIGHTS, PRICES, 1_000_000_00, 15)) == (
        "BacktestResult(periods=2, symbols=3, final_equity=102336556, sharpe=9.95, stop_events=0)"
    )
    ruined = one_symbol([100, 40], weights=2.0, initial_cash=100)
    assert repr(ruined).endswith("stop_events=0, ruined_at=1)")


def test_a_result_is_pickled_and_compared_by_value():
    result = backtest_weights(WEIGHTS, PRICES, 1_000_000_00, 15)
    copied = pickle.loads(pickle.dumps(result))  # noqa: S301 - our own bytes
    assert copied == result
    assert copied["symbol_returns"][1][:2] == result["symbol_returns"][1][:2]
    assert result != backtest_weights(WEIGHTS, PRICES, 1_000_000_00, 14)
    assert result != backtest_weights(WEIGHTS, PRICES, 1_000_000_00, 15, 12.0)
    assert backtest_weights([], [], 1000, 15) == {
        "returns": [],
        "equity_curve": [1000],
        "final_cash": 1000,
        "metrics": None,
        "holdings": [],
        "symbol_returns": [],
        "stop_events": [],
    }
    with pytest.raises(TypeError, match="unhashable"):
        hash(result)


def test_symbols_are_in_order_of_first_appearance_prices_before_weights():
    result = backtest_weights(
        [[("Z", 0.0), ("B", 0.5)], [("A", 0.5), ("Y", 0.0)]],
        [[("C", 10), ("B", 20)], [("A", 30), ("B", 20)]],
        1000,
        0,
    )
    assert result.symbols == ("C", "B", "A", "Z", "Y")
    assert result["holdings"] == [[("B", 0.5)], [("A", 0.48)]]
    assert result["symbol_returns"][1][1] == ("B", 0.0)


def test_events_of_a_bar_are_in_order_of_symbols():
    result = backtest_weights(
        [[("B", 0.5), ("A", 0.5)]] * 2,
        [[("B", 100), ("A", 100)], [("A", 50), ("B", 50)]],
        1000,
        0,
        stop_cfg={"fixed_stop_pct": 0.1},
    )
    assert [event["symbol"] for event in result["stop_events"]] == ["B", "A"]
    assert result.symbols == ("B", "A")


def test_a_gap_is_valued_at_the_last_price_and_listed_as_held():
    result = one_symbol([100, 0, 120], weights=[1.0, 1.0, 1.0], initial_cash=1000)
    assert result["equity_curve"] == [1000, 1000, 1000, 1200]
    assert result["holdings"] == [[("A", 1.0)]] * 3
    assert result["symbol_returns"][1] == []
    assert math.isnan(result["symbol_returns"][2][0][1])


def test_a_row_of_none_holds():
    result = one_symbol([100, 200, 200], weights=[0.5, None, 0.5], initial_cash=1000)
    assert result["holdings"] == [[("A", 0.5)], [("A", 1000 / 1500)], [("A", 800 / 1500)]]


def test_a_row_of_none_holds_symbols_that_are_priced_without_a_weight_too():
    result = backtest_weights(
        [[("B", 0.5)], None, {}], [[("A", 10), ("B", 10)]] * 2 + [[("A", 10), ("B", 20)]], 1000, 0
    )
    assert result["holdings"] == [[("B", 0.5)], [("B", 0.5)], []]
    assert result["equity_curve"] == [1000, 1000, 1000, 1500]


def test_ruin_is_flagged_and_shortens_nothing():
    result = one_symbol([100, 40, 90, 60], weights=2.0, initial_cash=100)
    assert result.ruined_at == 1
    assert result["returns"] == [0.0, -1.2, 0.0, -0.75]
    assert result["equity_curve"] == [100, 100, -20, 80, 20]
    assert [len(result[key]) for key in ("holdings", "symbol_returns")] == [4, 4]
    assert result["metrics"].num_periods == 4
    broke = one_symbol([100, 50], weights=2.0, initial_cash=100)
    assert broke["equity_curve"][-1] == 0
    assert broke["holdings"] == [[("A", 2.0)], []]


def test_inputs_may_be_mappings_lists_and_numpy_numbers():
    expected = backtest_weights(WEIGHTS, PRICES, 1_000_000_00, 15)
    mappings = backtest_weights(
        tuple(dict(row) for row in WEIGHTS),
        [{s: np.int64(p) for s, p in row} for row in PRICES],
        np.int64(1_000_000_00),
        np.int16(15),
    )
    assert mappings == expected


@given(
    st.lists(st.tuples(st.floats(-1, 1), st.integers(50, 200)), min_size=1, max_size=10),
    st.sampled_from([0.0, 0.1]),
)
def test_it_is_the_dense_simulation_of_its_schedules(periods, fixed):
    weights = [weight for weight, _ in periods]
    prices = [price for _, price in periods]
    result = one_symbol(prices, weights, cost_bps=15, stop_cfg={"fixed_stop_pct": fixed})
    run = simulate_tables(
        np.array(weights).reshape(-1, 1),
        np.array(prices).reshape(-1, 1),
        symbols=("A",),
        initial_cash=100_000_000,
        cost_model=CostModel(15),
        stops=Stops(fixed=fixed),
    )
    assert result["equity_curve"] == run.equity.tolist()
    assert result["final_cash"] == [100_000_000, *run.cash.tolist()][-1]
    assert result.quantities.tolist() == run.quantities.tolist()
    assert isinstance(result, BacktestResult)
