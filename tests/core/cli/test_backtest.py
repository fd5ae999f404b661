"""`nanobook backtest`, in processes of its own, on files of each kind."""

import json
import subprocess
import sys

import numpy as np
import polars as pl
import pytest

from nanobook_core.portfolio import BacktestResult

DATES = np.arange("2024-01-01", "2024-01-11", dtype="datetime64[D]")
CLOSES = {"A": [100 + day for day in range(10)], "B": [50.5 - day / 4 for day in range(10)]}


@pytest.fixture
def files(tmp_path):
    prices = pl.DataFrame({"date": DATES, **CLOSES})
    prices.write_parquet(tmp_path / "p.parquet")
    prices.write_csv(tmp_path / "p.csv")
    (tmp_path / "w.csv").write_text("date,A,B\n2024-01-01,0.5,0.5\n2024-01-05,0.25,0.75\n")
    return tmp_path


def backtest(*arguments):
    done = subprocess.run(
        [sys.executable, "-m", "nanobook", "backtest", *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    return done.returncode, done.stdout, done.stderr


def test_csv_and_parquet_give_the_same(files):
    weights = ("--weights", files / "w.csv", "--cost-bps", 15, "--json")
    status, out, err = backtest(*weights, "--prices", files / "p.csv")
    assert (status, err) == (0, "")
    assert backtest(*weights, "--prices", files / "p.parquet") == (status, out, err)
    found = json.loads(out)
    assert (found["from"], found["to"]) == ("2024-01-01", "2024-01-10")
    assert found["periods"] == 10
    assert found["price_unit"] == "0.01"
    assert found["trades"] == 4
    assert found["final_cash"] == "17.58"
    assert found["metrics"]["num_periods"] == 10


def test_the_numbers_are_printed_and_the_result_is_saved(files):
    out_file = files / "r.arrow"
    status, out, err = backtest(
        *("--weights", files / "w.csv", "--prices", files / "p.csv", "--cost-bps", 15),
        *("--cash", "50000.50", "--trailing-stop", "0.03", "--out", out_file),
    )
    assert (status, err) == (0, "")
    assert out.startswith("2024-01-01 to 2024-01-10, 10 periods, 2 symbols, prices in units of")
    assert "stops fired" in out
    assert out.count("\n\n") == 2  # below the heading, and above the name of the file
    assert out.endswith(f"Saved: {out_file}\n")
    result = BacktestResult.load(out_file)
    assert result["equity_curve"][0] == 50_000_50
    assert len(result["stop_events"]) == 1


def test_json_has_null_for_what_is_infinite(files):
    (files / "up.csv").write_text("date,A\n2024-01-01,100\n2024-01-02,101\n2024-01-03,102\n")
    (files / "a.csv").write_text("date,A\n2024-01-01,0.5\n")
    given = ("--weights", files / "a.csv", "--prices", files / "up.csv", "--cost-bps", 0, "--json")
    status, out, err = backtest(*given)
    assert (status, err) == (0, "")

    def refuse(word):
        raise AssertionError(f"{word} is no JSON")

    found = json.loads(out, parse_constant=refuse)["metrics"]
    assert found["losing_periods"] == 0
    assert found["profit_factor"] is None
    assert found["payoff_ratio"] is None


def test_amounts_of_many_digits_are_not_rounded(files):
    (files / "a.csv").write_text("date,A\n2024-01-01,0\n")
    (files / "one.csv").write_text("date,A\n2024-01-01,0.123456789012345678\n")
    digits = "0.123456789012345678"
    status, out, err = backtest(
        *("--weights", files / "a.csv", "--prices", files / "one.csv", "--cost-bps", 0, "--json"),
        *("--price-unit", digits, "--quantity-step", digits),
        *("--cash", "0.045724736259716509583904899295839052"),
    )
    assert (status, err) == (0, "")
    assert json.loads(out)["final_cash"] == "0.045724736259716509583904899295839052"


def test_another_suffix_of_the_result_is_refused_before_anything_is_read(files):
    (files / "bad.csv").write_text("")
    status, out, err = backtest(
        *("--weights", files / "bad.csv", "--prices", files / "p.csv", "--cost-bps", 15),
        *("--out", files / "x.txt"),
    )
    assert (status, out) == (2, "")
    assert "x.txt: a result is saved as .json, .arrow or .feather" in err


def test_next_bar_and_next_open_trade_later(files):
    given = ("--weights", files / "w.csv", "--prices", files / "p.csv", "--cost-bps", 15, "--json")
    later = json.loads(backtest(*given, "--fills", "next-bar")[1])
    at_open = json.loads(backtest(*given, "--opens", files / "p.csv")[1])
    assert later == at_open
    assert later != json.loads(backtest(*given)[1])


def test_bars_test_stops_within_them_and_leave_fills_as_they_are_asked_for(files):
    closes = pl.read_csv(files / "p.csv")
    for name, below in (("open", 1), ("high", 0), ("low", 8)):
        closes.with_columns(pl.col("A", "B") - below).write_csv(files / f"{name}.csv")
    bars = [
        argument
        for name in ("open", "high", "low")
        for argument in (f"--{name}s", files / f"{name}.csv")
    ]
    given = ("--weights", files / "w.csv", "--prices", files / "p.csv", "--cost-bps", 15, "--json")
    given += ("--fixed-stop", 0.05)

    def stopped(*arguments):
        status, out, err = backtest(*given, *arguments)
        assert (status, err) == (0, "")
        found = json.loads(out)
        return found["trades"], found["stops_fired"], found["final_cash"]

    assert stopped() == (4, 0, "17.58")
    # Both are bought, stopped on the next day, and once more.
    assert stopped(*bars, "--fills", "same-bar") == (8, 4, "897231.28")
    assert stopped(*bars, "--fills", "next-open") == stopped(*bars)
    assert stopped(*bars) == (8, 4, "898587.02")
    assert stopped(*bars, "--fills", "next-bar") == (8, 4, "897171.23")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--highs", "p.csv", "--lows", "p.csv"), "--opens, --highs and --lows make bars together"),
        (("--opens", "p.csv", "--lows", "p.csv"), "--opens, --highs and --lows make bars together"),
        (("--fills", "next-open"), "--fills next-open needs --opens"),
        (
            ("--fills", "next-bar", "--opens", "p.csv"),
            "--fills next-bar has no use of --opens without --highs and --lows",
        ),
        (
            ("--opens", "p.csv", "--highs", "p.csv", "--lows", "high.csv"),
            "period 9 (2024-01-10), symbol 'A': open 109.00, high 109.00, low 110.00, close 109.00",
        ),
    ],
)
def test_bars_that_are_not_whole_are_refused(files, arguments, message):
    (files / "high.csv").write_text((files / "p.csv").read_text().replace("109,", "110,"))
    given = ("--weights", files / "w.csv", "--prices", files / "p.csv", "--cost-bps", 15)
    paths = [files / word if word.endswith(".csv") else word for word in arguments]
    status, out, err = backtest(*given, *paths)
    assert (status, out) == (2, "")
    assert message in err


PRICED = "date,A,B\n2024-01-01,{},1\n2024-01-05,1,1\n"
GOOD = "date,A\n2024-01-01,0.5\n"


@pytest.mark.parametrize(
    ("which", "text", "message"),
    [
        ("w.csv", "", "w.csv is empty; its first line names the columns"),
        ("w.csv", "date,A\n", "w.csv has names of columns and no rows"),
        ("w.csv", "date,A,A\n2024-01-01,1,1\n", "column 'A' is there twice"),
        ("w.csv", "date,A\n2024-01-01\n", "line 2: 2 cells, as in the first line; got 1"),
        ("w.csv", GOOD + "2024-01-02,x\n", "line 3, column 'A': 'x' is no number"),
        ("w.csv", "date,A\n2024-01-01,x\n", "w.csv, line 2, column 'A': 'x' is no number"),
        (
            "w.csv",
            "date,A\n2024-02-30,1\n",
            "w.csv, line 2, column 'date': '2024-02-30' is no ISO date",
        ),
        ("w.csv", "date,A\n2024-02-01,1\n", "2024-02-01 is not a date of the prices"),
        ("w.csv", "date,A\n2024-01-02,1\n2024-01-01,1\n", "weights: dates must rise"),
        ("w.csv", "date,A,B\n2024-01-01,1,\n", "symbol 'B': weight nan is not finite"),
        ("w.csv", "date,A\n2024-01-01,inf\n", "symbol 'A': weight inf is not finite"),
        (
            "w.csv",
            "date,C\n2024-01-01,1\n",
            "symbol 'C': weight 1.0 for a symbol that the prices do not",
        ),
        ("w.csv", "date,A\n2024-01-01,50\n", "sum to 50.0. Weights are fractions of equity"),
        ("w.csv", ",date,A\n0,2024-01-01,1\n", "w.csv: column 1 has no name and is of numbers"),
        ("p.csv", PRICED.format("-1"), "symbol 'A': price -1.0 is not a finite number above"),
        ("p.csv", PRICED.format("0"), "symbol 'A': price 0.0 is not a finite number above"),
        ("p.csv", PRICED.format("inf"), "symbol 'A': price inf is not a finite number above"),
        ("p.csv", "date,symbol\n2024-01-01,A\n", "a long table has a column of dates and one of"),
        ("p.csv", "\xff", "cannot be read as"),
        ("p.parquet", "not parquet", "cannot be read as parquet"),
    ],
)
def test_a_bad_file_is_refused_with_the_reason(files, which, text, message):
    (files / which).write_text(text, encoding="latin-1")
    prices = which if which.startswith("p") else "p.csv"
    status, out, err = backtest(
        *("--weights", files / "w.csv", "--prices", files / prices, "--cost-bps", 15),
        *("--out", files / "r.json"),
    )
    assert (status, out) == (2, "")
    assert err.startswith("Error: ")
    assert message in err
    assert err.count("\n") == 1
    assert not (files / "r.json").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--cash", "x"), "'x' is not a decimal number"),
        (("--cash", "nan"), "'nan' is not finite"),
        (("--cash", "0"), "'--cash': must be above 0, got 0"),
        (("--cash", "-5"), "'--cash': must be above 0, got -5"),
        (("--cash", "0.001"), "cash: 0.001 is not a multiple of 0.01"),
        (("--cost-bps", "10001"), "10001 is not in the range"),
        (("--price-unit", "-1"), "'--price-unit': must be above 0, got -1"),
        (("--price-unit", "1"), "is moved by more than a basis point in units of 1"),
        (("--quantity-step", "2"), "quantity_step is a part of a share"),
        (("--trailing-stop", "1.5"), "'--trailing-stop': 1.5 is not in the range"),
        (("--fixed-stop", "nan"), "fixed must be finite and in (0, 1)"),
        (("--cost-bps", "1.5"), "'1.5' is not a whole number of basis points; nanobook.simulate"),
        (("--cost-bps", "x"), "'x' is not a valid integer range"),
        (("--periods-per-year", "0"), "periods_per_year must be finite and > 0"),
        (("--prices", "none.csv"), "does not exist"),
    ],
)
def test_a_bad_option_is_refused(files, arguments, message):
    status, out, err = backtest(
        *("--weights", files / "w.csv", "--prices", files / "p.csv", "--cost-bps", 15), *arguments
    )
    assert (status, out) == (2, "")
    assert message in err


def test_a_result_that_cannot_be_written_is_an_error(files):
    status, _, err = backtest(
        *("--weights", files / "w.csv", "--prices", files / "p.csv", "--cost-bps", 15),
        *("--out", files / "none" / "r.json"),
    )
    assert status == 1
    assert "r.json cannot be written" in err
