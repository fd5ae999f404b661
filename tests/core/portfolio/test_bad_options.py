"""Each option of `simulate` out of its senses: refused, with the type and the whole message."""

import builtins
import datetime as dt
import json
from decimal import Decimal
from math import inf, nan
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import nanobook
from nanobook import Bars, Carry, Constraints, CostModel, NextBar, NextOpen, SameBar, Stops
from nanobook_core import errors
from nanobook_core.contracts import FillModel

BAD = Path(__file__).parents[2] / "data" / "portfolio" / "bad_options.json"
ROWS = json.loads(BAD.read_text(encoding="utf-8"))
DATES = pd.DatetimeIndex([dt.date(2024, 1, day) for day in (1, 2, 3)])
WEIGHTS = np.full((3, 2), 0.25)
PRICES = np.array([[100, 50], [110, 50], [120, 60]])
#: What options are written with.
NAMES = {
    "Bars": Bars,
    "Carry": Carry,
    "Constraints": Constraints,
    "CostModel": CostModel,
    "Decimal": Decimal,
    "FillModel": FillModel,
    "NextBar": NextBar,
    "NextOpen": NextOpen,
    "PRICES": PRICES,
    "PRICES_ON_DATES": pd.DataFrame(PRICES, DATES, ["A", "B"]),
    "SameBar": SameBar,
    "Stops": Stops,
    "WEIGHTS": WEIGHTS,
    "inf": inf,
    "nan": nan,
    "np": np,
}


def run(written, *, dated):
    tables = {"weights": WEIGHTS, "prices": PRICES, "symbols": ["A", "B"]}
    if dated:
        tables = {name: pd.DataFrame(tables[name], DATES, ["A", "B"]) for name in list(tables)[:2]}
    options = eval(f"dict({written})", {**NAMES})  # noqa: S307 - our own file, of what JSON has not
    return nanobook.simulate(**{"cash": 100_000, "costs": CostModel(15)} | tables | options)


def schedule(rows):
    """Rows of pairs, with what JSON cannot say."""
    odd = {"nan": nan, "inf": inf, "-inf": -inf}
    return [[(name, odd.get(value, value)) for name, value in row] for row in rows]


def simulated(weights, prices):
    return nanobook.simulate(schedule(weights), schedule(prices), cash=100_000, costs=CostModel(15))


def backtested(weights, prices):
    return nanobook.backtest_weights(schedule(weights), schedule(prices), 100_000, 15)


def refused(row, call, *arguments, says, **options):
    error = getattr(errors, row["error"], None) or getattr(builtins, row["error"])
    with pytest.raises(error) as caught:
        call(*arguments, **options)
    assert type(caught.value) is error
    assert str(caught.value) == says


def test_what_the_rows_change_is_fine_as_it_is():
    for dated in (False, True):
        result = run("", dated=dated)
        assert result["equity_curve"][1:] == [99_926, 102_424, 109_870]
    assert simulated([[["A", 0.5]]], [[["A", 100]]])["final_cash"] == 49_925
    assert backtested([[["A", 0.5]]], [[["A", 100]]])["final_cash"] == 49_925


@pytest.mark.parametrize("row", ROWS["options"], ids=lambda row: row["options"])
def test_a_bad_option_is_refused_with_the_reason(row):
    refused(row, run, row["options"], dated=row.get("dated", False), says=row["says"])


@pytest.mark.parametrize("row", ROWS["schedules"], ids=lambda row: row["says"][:60])
def test_a_bad_schedule_is_refused_with_the_reason(row):
    tables = row["weights"], row["prices"]
    refused(row, simulated, *tables, says=row["says"])
    refused(row, backtested, *tables, says=row.get("backtest_says", row["says"]))


def test_every_option_has_its_rows():
    written = " ".join(row["options"] for row in ROWS["options"])
    assert len(ROWS["options"]) >= 120
    names = {
        *(nanobook.simulate.__kwdefaults__.keys() - {"progress"}),  # anything is true or false
        *("cash", "costs", "weights", "prices"),
        *(field.name for kind in (Carry, Constraints, Stops) for field in kind.__attrs_attrs__),
    }
    assert [name for name in sorted(names) if f"{name}=" not in written] == []


@pytest.mark.parametrize("name", ["min_order_value", "max_order_value"])
def test_constraints_refuse_what_is_no_amount(name):
    for value in ("abc", True, [1]):
        with pytest.raises(TypeError, match=f"{name} is an int, a Decimal or a float, got"):
            nanobook.Constraints(**{name: value})
    for value, message in ((-1, "at least 0, got -1"), (float("nan"), "finite, got nan")):
        with pytest.raises(nanobook.ValidationError, match=f"{name} must be {message}"):
            nanobook.Constraints(**{name: value})


DATED = {"date": ["2024-01-01", "2024-01-02"], "A": [0.5, 0.5], "B": [0.5, 0.5]}
UNDATED = {"A": [10, 11], "B": [20, 21]}
CHEAP = {"cash": 1000, "costs": nanobook.Bps(0)}


def test_progress_is_a_bool():
    with pytest.raises(TypeError, match=r"progress is True or False, got 'no' \(str\)"):
        nanobook.simulate(UNDATED, UNDATED, **CHEAP, progress="no")


@pytest.mark.parametrize("symbols", [["X", "Y"], ["A"], ["B", "A"]])
def test_symbols_that_are_not_those_of_the_tables_are_refused(symbols):
    weights = {"A": [0.5, 0.5], "B": [0.5, 0.5]}
    with pytest.raises(nanobook.ValidationError, match="these tables have their own"):
        nanobook.simulate(weights, UNDATED, symbols=symbols, **CHEAP)
    assert nanobook.simulate(weights, UNDATED, symbols=["A", "B"], **CHEAP).symbols == ("A", "B")
    array = np.array([[0.5], [0.5]])
    assert nanobook.simulate(array, UNDATED, symbols=["B"], **CHEAP).symbols == ("A", "B")


def test_dates_that_the_prices_do_not_have_are_refused():
    with pytest.raises(nanobook.ValidationError, match="weights have dates and the prices have n"):
        nanobook.simulate(DATED, UNDATED, **CHEAP)
    opens = DATED | {"A": [10, 11], "B": [20, 21]}
    weights = {"A": [0.5, 0.5], "B": [0.5, 0.5]}
    with pytest.raises(nanobook.ValidationError, match="opens have dates and the prices have none"):
        nanobook.simulate(weights, UNDATED, fills=nanobook.NextOpen(opens), **CHEAP)
