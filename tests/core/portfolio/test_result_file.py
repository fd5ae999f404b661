"""Results in files."""

import json
import os
import stat
import sys
from decimal import Decimal

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, reject
from hypothesis import strategies as st

import nanobook
from nanobook_core.errors import ValidationError
from nanobook_core.testing.simulate import markets

#: Weights, prices and symbols, at prices of every magnitude.
TABLES = st.sampled_from([2, 10, 100, 10_000, 2**53 + 1, 2**61]).flatmap(markets)

DATES = np.arange("2024-01-29", "2024-02-03", dtype="datetime64[D]")
PRICES = pd.DataFrame(
    {"A": [100.0, 102.0, 99.0, 101.0, 104.0], "B": [50.0, np.nan, 51.0, 52.0, 40.0]},
    index=pd.DatetimeIndex(DATES),
)
WEIGHTS = pd.DataFrame({"A": [0.5, 0.2], "B": [0.5, 0.8]}, index=PRICES.index[[0, 2]])

load = nanobook.BacktestResult.load


@pytest.fixture
def result():
    return nanobook.simulate(
        WEIGHTS,
        PRICES,
        cash=10_000,
        costs=nanobook.Bps(10),
        stops=nanobook.Stops(trailing=0.1),
        price_unit="0.01",
    )


def test_the_finest_money_comes_back(tmp_path):
    result = nanobook.simulate(
        np.array([[0.5]]),
        np.array([[Decimal("0.000000000001")]]).astype(float),
        symbols=["A"],
        cash=Decimal("0.000000000005"),
        costs=nanobook.Bps(10),
        price_unit="1e-12",
        quantity_step="0.00000001",
    )
    assert result.money_unit == Decimal("1e-20")
    result.save(tmp_path / "result.json")
    assert load(tmp_path / "result.json") == result


def test_money_of_many_digits_is_not_rounded(tmp_path):
    digits = Decimal("0.123456789012345678")
    result = nanobook.simulate(
        np.array([[0.0]]),
        np.array([[0.123456789012345678]]),
        symbols=["A"],
        cash=Decimal("0.015241578753238836527968299765279684"),
        costs=nanobook.Bps(0),
        price_unit=digits,
        quantity_step=digits,
    )
    assert str(result.money_unit) == "0.015241578753238836527968299765279684"
    result.save(tmp_path / "r.json")
    assert load(tmp_path / "r.json").money_unit == result.money_unit


@pytest.fixture
def carried():
    """Return a result with splits, flows and money beyond 64 bits."""
    return nanobook.simulate(
        np.array([[1.0], [np.nan], [np.nan]]),
        np.array([[2**40], [2**61], [2**60]]),
        symbols=["A"],
        cash=2**50,
        costs=nanobook.Bps(0),
        carry=nanobook.Carry(
            splits=np.array([[1.0], [1.0], [1.5]]),
            dividends=np.array([[0], [3], [0]]),
            cash_rate=0.1,
            deposits={1: 7},
        ),
        periods_per_year=np.int64(12),
    )


@pytest.mark.parametrize("suffix", ["json", "arrow"])
def test_money_is_finer_than_any_unit_and_comes_back(tmp_path, suffix):
    result = nanobook.simulate(
        np.array([[0.5]]),
        np.array([[1e-12]]),
        symbols=["A"],
        cash=1e-18,
        costs=nanobook.Bps(0),
        price_unit="1e-18",
        quantity_step="1e-18",
    )
    assert str(result.money_unit) == "1E-36"
    result.save(tmp_path / f"r.{suffix}")
    assert load(tmp_path / f"r.{suffix}").money_unit == result.money_unit


def seen(result):
    """All that a user can see of a result, NaN as text."""
    frames = [
        result.to_polars(table).rows()
        for table in ("periods", "trades", "skipped", "stop_events", "holdings", "drawdowns")
    ]
    attributes = (
        result.symbols,
        None if result.dates is None else (result.dates.dtype, result.dates.tolist()),
        result.ruined_at,
        result.price_unit,
        result.money_unit,
        result.periods_per_year,
        result.risk_free,
        result.quantities.tolist(),
        result.weights.tolist(),
        result.cash,
        result.trades.tolist(),
        result.skipped.tolist(),
        result.flows,
        result.turnover.gross.tolist(),
        result.contributions.tolist(),
        None if result.dates is None else result.monthly_returns,
    )
    return repr((dict(result), attributes, frames, result))


@pytest.mark.parametrize("suffix", [".json", ".arrow", ".feather", ".JSON"])
@pytest.mark.parametrize("name", ["result", "carried"])
def test_a_loaded_result_is_what_was_saved_in_all_that_can_be_seen(name, suffix, request, tmp_path):
    saved = request.getfixturevalue(name)
    path = tmp_path / f"r{suffix}"
    saved.save(path)
    loaded = load(str(path))
    assert loaded == saved
    assert seen(loaded) == seen(saved)
    assert [file.name for file in tmp_path.iterdir()] == [path.name]


def test_the_carried_result_has_what_it_is_for(carried):
    assert max(carried["equity_curve"]) > 2**63
    assert [name for name, amounts in carried.flows.items() if any(amounts)] == [
        "deposits",
        "dividends",
        "interest",
    ]
    assert carried.to_pandas()["equity"].dtype == object


@pytest.mark.parametrize("suffix", [".json", ".arrow"])
@given(
    market=TABLES,
    dated=st.sampled_from([None, "D", "ns"]),
    terms=st.fixed_dictionaries(
        {
            "cash": st.sampled_from([1, 10**6, 2**62]),
            "periods_per_year": st.floats(1e-3, 1e6),
            "risk_free": st.floats(-0.5, 0.5),
        }
    ),
)
def test_saving_and_loading_changes_nothing_in_any_market(
    tmp_path_factory, suffix, market, dated, terms
):
    weights, prices, symbols = market
    if dated is not None:
        start = np.datetime64("2024-01-01", dated)
        step = np.timedelta64(1 if dated == "D" else 60 * 10**9, dated)
        days = start + step * np.arange(len(prices))
        if not symbols or not len(days):
            reject()
        weights, prices = ({"date": days} | table(symbols, of) for of in (weights, prices))
        symbols = None
    try:
        saved = nanobook.simulate(
            weights,
            prices,
            symbols=symbols,
            costs=nanobook.Bps(15),
            stops=nanobook.Stops(fixed=0.05),
            **terms,
        )
    except OverflowError:  # a quantity beyond 64 bits
        reject()
    path = tmp_path_factory.getbasetemp() / f"any{suffix}"
    saved.save(path)
    loaded = load(path)
    assert loaded == saved
    assert loaded["metrics"] == saved["metrics"]
    assert loaded.trades.tolist() == saved.trades.tolist()
    assert loaded.skipped.tolist() == saved.skipped.tolist()
    assert (loaded.dates is None) == (dated is None)


def table(symbols, values):
    return {symbol: values[:, place] for place, symbol in enumerate(symbols)}


def change(document, path, value):
    """Put a value at a path of keys, or take it away."""
    changed = json.loads(json.dumps(document))
    *parents, last = path
    owner = changed
    for key in parents:
        owner = owner[key]
    if value is Ellipsis:
        del owner[last]
    else:
        owner[last] = value
    return changed


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        (["schema"], "other/1", "its schema is 'other/1' (str), not 'nanobook.backtest/1'"),
        (["schema"], ..., "its schema is None (NoneType), not"),
        (["symbols"], "AB", "symbols is not of type list: 'AB' (str)"),
        (["symbols", 0], 1, "its symbols are not strings"),
        (["symbols", 0], "B", "a symbol is there twice"),
        (["symbols"], ["A"], "quantities is not a table of 5 periods and 1 symbols"),
        (["returns"], ..., "it has no 'returns'"),
        (["returns", 1], np.nan, "returns[1] is nan"),
        (["risk_free"], np.nan, "risk_free must be finite, got nan"),
        (["returns", 1], None, "returns[1] is no number: None"),
        (["returns", 1], True, "returns[1] is no number: True"),
        (["returns", 1], "0.5", "returns[1] is no number: '0.5'"),
        (["equity", 4], 5.5, "equity has a value that is no whole number: 5.5"),
        (["equity", 4], None, "equity has a value that is no whole number: None"),
        (["start"], True, "equity has a value that is no whole number: True"),
        (["cash"], [1, 2], "cash has 2 of 5 periods"),
        (["cash"], {}, "cash is not of type list: {}"),
        (["quantities"], [[1]] * 5, "quantities is not a table of 5 periods and 2 symbols"),
        (["quantities", 2], None, "quantities is not a table of 5 periods and 2 symbols"),
        (["quantities", 2, 1], 2**63, "quantities has a number beyond 64 bits"),
        (["prices", 0, 0], -1, "prices has a number below 0"),
        (["marks", 0, 0], -1, "marks has a number below 0"),
        (["marks", 0, 0], 1.0, "marks has a value that is no whole number: 1.0"),
        (["dates"], ["2024-01-29"], "it has 1 dates for 5 periods"),
        (["dates"], "2024-01-29", "dates is not of type list"),
        (["dates", 0], "NaT", "dates has a value that is no ISO date: 'NaT'"),
        (["dates", 0], "2024-01-29T00:00Z", "dates has a value that is no ISO date"),
        (["dates", 0], 19751, "dates has a value that is no ISO date: 19751"),
        (["dates", 0], "2024-13-29", "Month out of range"),
        (["dates", 1], "2024-01-29", "its dates do not rise"),
        (["ruined_at"], 9, "ruined_at is 9; there are 5"),
        (["ruined_at"], -1, "ruined_at is -1; there are 5"),
        (["ruined_at"], True, "ruined_at is not of type int: True"),
        (["periods_per_year"], 0.0, "periods_per_year must be finite and > 0, got 0.0"),
        (["periods_per_year"], "252", "periods_per_year is a number, got '252'"),
        (["risk_free"], None, "risk_free is a number, got None"),
        (["risk_free"], 10**400, "risk_free is beyond what a float can hold"),
        (["price_unit"], 0.01, "price_unit is not of type str: 0.01"),
        (["price_unit"], "NaN", "price_unit must be above 0, got 'NaN'"),
        (["money_unit"], None, "money_unit is not of type str: None"),
        (["money_unit"], "1e-37", "money_unit must be from 1e-36 to 1e18, got '1e-37'"),
        (["money_unit"], "x", "money_unit is a Decimal"),
        (["trades"], [], "trades is not of type dict: []"),
        (["trades"], {"period": [1]}, "trades has no 'column'"),
        (["trades", "price"], [1], "trades has columns of different lengths"),
        (["trades", "price", 0], "1", "trades.price has a value that is no whole number: '1'"),
        (["trades", "price", 0], 2**63, "trades.price has a number beyond 64 bits"),
        (["trades", "period", 0], 5, "trades.period is 5; there are 5"),
        (["trades", "period", 0], -1, "trades.period is -1; there are 5"),
        (["trades", "column", 0], 2, "trades.column is 2; there are 2"),
        (["trades", "reason", 0], 5, "trades.reason is 5; there are 5"),
        (["cuts", "reason", 0], 16, "cuts.reason is 16; there are 16"),
        (["cuts", "reason", 0], 256, "cuts.reason is 256; there are 16"),
        (["stops", "level"], ..., "stops has no 'level'"),
        (["flows"], [], "flows is not of type dict: []"),
        (["flows"], {"gifts": []}, "flows has 'gifts' (str); there are deposits, dividends"),
        (["flows"], {"interest": [1]}, "interest has 1 of 5 periods"),
        (["flows"], {"interest": [0.5] * 5}, "interest has a value that is no whole number: 0.5"),
        (["splits"], [[1, 1]], "splits has a row that is no period, column and value"),
        (["splits"], [[5, 1, "2"]], "a period or column of splits is 5; there are 5"),
        (["splits"], [[1, 2, "2"]], "a period or column of splits is 2; there are 2"),
        (["splits"], [[1, 1, "1/0"]], "splits has a value that is no ratio: '1/0'"),
        (["splits"], [[1, 1, "1e99999999"]], "splits has a value that is no ratio"),
        (["splits"], [[1, 1, 2]], "splits has a value that is no ratio: 2"),
        (["symbol_flows"], [[1, 1, 0.5]], "symbol_flows has a value that is no whole number: 0.5"),
        (["symbol_flows"], [[1, -1, 5]], "a period or column of symbol_flows is -1; there are 2"),
    ],
)
def test_a_file_that_is_no_result_is_refused_and_says_why(result, tmp_path, path, value, message):
    file = tmp_path / "r.json"
    result.save(file)
    file.write_text(json.dumps(change(json.loads(file.read_text()), path, value)))
    with pytest.raises(ValidationError) as refusal:
        load(file)
    start = f"{file} is not a saved result: "
    assert str(refusal.value).startswith(start)
    assert message in str(refusal.value)


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        (["trades", "price", 0], -5, "trades.price is too low in row 0"),
        (["trades", "price", 0], 0, "trades.price is too low in row 0"),
        (["trades", "cost", 0], -7, "trades.cost is below 0 in row 0"),
        (["trades", "cost", 0], 7, "cash does not follow from trades and flows in period 0"),
        (["trades", "quantity", 0], 0, "trades.quantity is 0 in row 0"),
        (["trades", "period", 0], 4, "trades are not in order of periods: row 1"),
        (["trades", "quantity", 0], 1, "quantities do not follow from the trades in period 0"),
        (["quantities", 1, 0], 1, "quantities do not follow from the trades in period 1"),
        (["marks", 1, 1], 4999, "marks are not the latest prices in period 1"),
        (["start"], 1, "cash does not follow from trades and flows in period 0"),
        (["cash", 2], 1, "cash does not follow from trades and flows in period 2"),
        (["equity", 3], 1, "equity is not cash and holdings in period 3"),
        (["returns", 3], 0.5, "returns are not those of equity in period 3"),
        (["stops", "reason", 0], 4, "stops.reason is not that of a stop in row 0"),
        (["stops", "reason", 0], 0, "stops.reason is not that of a stop in row 0"),
        (
            ["stops", "level", 0],
            0,
            "stops has a level, an exit_price or a quantity that is too low",
        ),
        (["ruined_at"], 1, "ruined_at is before the trade in row 2"),
        (["symbol_flows"], [[1, 0, 5]], "symbol_flows are not those of flows in period 1"),
        (["flows"], {"interest": [0, 0, 1, 0, 0]}, "cash does not follow from trades and flows in"),
    ],
)
def test_a_file_whose_numbers_contradict_each_other_is_refused(
    result, tmp_path, path, value, message
):
    file = tmp_path / "r.json"
    result.save(file)
    file.write_text(json.dumps(change(json.loads(file.read_text()), path, value)))
    with pytest.raises(ValidationError) as refusal:
        load(file)
    assert message in str(refusal.value)


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", "null", '{"schema": 1, "schema": 2}', "[" * 100_000, "\xff"],
)
def test_what_is_no_json_object_is_refused(tmp_path, text):
    path = tmp_path / "r.json"
    path.write_bytes(text.encode("latin-1"))
    with pytest.raises(ValidationError, match=r"r\.json is not a saved result: "):
        load(path)


def test_a_number_that_overflows_is_refused(result, tmp_path):
    path = tmp_path / "r.json"
    result.save(path)
    document = json.loads(path.read_text())
    document["returns"] = ["big"] * 5
    path.write_text(json.dumps(document).replace('"big"', "1e999"))
    with pytest.raises(ValidationError, match=r"returns\[0\] is inf"):
        load(path)


def test_every_cut_of_a_json_file_is_refused(carried, tmp_path):
    path = tmp_path / "r.json"
    carried.save(path)
    content = path.read_bytes()
    for kept in range(len(content)):
        path.write_bytes(content[:kept])
        with pytest.raises(ValidationError, match="is not a saved result"):
            load(path)


def test_every_cut_of_an_arrow_file_is_refused(carried, tmp_path):
    path = tmp_path / "r.arrow"
    carried.save(path)
    content = path.read_bytes()
    for kept in [*range(0, len(content), 13), len(content) - 1]:
        path.write_bytes(content[:kept])
        with pytest.raises(ValidationError, match=r"r\.arrow is not a saved result: ."):
            load(path)


def rewritten(path, columns=None, metadata=None):
    """Write the table in an Arrow file again with other columns or metadata."""
    table = pa.ipc.open_file(path).read_all()
    for name, values in (columns or {}).items():
        place = table.column_names.index(name)
        table = (
            table.set_column(place, name, values)
            if values is not None
            else table.remove_column(place)
        )
    if metadata is not None:
        table = table.replace_schema_metadata(metadata)
    with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_file(sink, table.schema) as writer:
        writer.write_table(table)


@pytest.mark.parametrize(
    ("columns", "metadata", "message"),
    [
        (None, {}, "it is an Arrow file of something else"),
        (None, {"nanobook": "{"}, "Expecting property name"),
        (None, {"nanobook": "{}"}, "its schema is None"),
        ({"marks": None}, None, "its columns are ['equity', 'cash', 'returns', 'quantities', 'pr"),
        ({"cash": [["1", "2", "3", "4", None]]}, None, "cash has a value that is no whole number"),
        ({"cash": [["1", "2", "3", "4", "x"]]}, None, "no whole number: 'x'"),
        ({"cash": [[1, 2, 3, 4, 5]]}, None, "cash has a value that is no whole number: 1 (int)"),
        ({"returns": [[0.0, 0.0, 0.0, 0.0, None]]}, None, "returns[4] is no number: None"),
        ({"returns": [[0.0, 0.0, 0.0, 0.0, np.nan]]}, None, "returns[4] is nan"),
        ({"prices": [[[1, 2]] * 4 + [None]]}, None, "prices is not a table of 5 periods"),
        ({"prices": [[[1, 2]] * 4 + [[1, None]]]}, None, "prices has a value that is no whole"),
    ],
)
def test_an_arrow_file_that_is_no_result_is_refused(result, tmp_path, columns, metadata, message):
    path = tmp_path / "r.arrow"
    result.save(path)
    rewritten(path, columns, metadata)
    with pytest.raises(ValidationError) as refusal:
        load(path)
    assert str(refusal.value).startswith(f"{path} is not a saved result: ")
    assert message in str(refusal.value)


def test_an_arrow_file_whose_offsets_lead_out_of_it_is_refused(result, tmp_path):
    path = tmp_path / "r.arrow"
    result.save(path)
    offsets = pa.py_buffer(np.array([0, 2, 2**28, 6, 8, 10], np.int32))
    values = pa.array([1] * 10, pa.int64())
    wild = pa.Array.from_buffers(
        pa.list_(pa.int64()), 5, [None, offsets], children=[values], null_count=0
    )
    rewritten(path, {"prices": pa.chunked_array([wild])})
    with pytest.raises(ValidationError, match=r"r\.arrow is not a saved result: .*[Oo]ffset"):
        load(path)


def test_a_file_that_is_not_there_is_said_to_be_missing(tmp_path):
    for suffix in (".json", ".arrow"):
        with pytest.raises(FileNotFoundError):
            load(tmp_path / f"none{suffix}")


def test_another_suffix_is_refused(result, tmp_path):
    for path in (tmp_path / "r.pickle", tmp_path / "r"):
        with pytest.raises(ValidationError, match=r"saved as \.json, \.arrow or \.feather"):
            result.save(path)
        with pytest.raises(ValidationError, match=r"saved as \.json, \.arrow or \.feather"):
            load(path)
    assert list(tmp_path.iterdir()) == []


def test_arrow_files_without_pyarrow_say_what_to_install(result, tmp_path, monkeypatch):
    path = tmp_path / "r.arrow"
    result.save(path)
    before = path.read_bytes()
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(ImportError, match=r"pip install pyarrow, or save as \.json"):
        result.save(path)
    with pytest.raises(ImportError, match="pip install pyarrow"):
        load(path)
    assert path.read_bytes() == before


@pytest.mark.skipif(os.name == "nt", reason="modes and links are those of POSIX")
def test_a_save_that_fails_leaves_the_old_file_and_nothing_else(result, tmp_path, monkeypatch):
    path = tmp_path / "r.json"
    path.write_text("old")

    def fail(_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(OSError, match="No space left"):
        result.save(path)
    assert path.read_text() == "old"
    assert [file.name for file in tmp_path.iterdir()] == ["r.json"]


@pytest.mark.skipif(os.name == "nt", reason="modes and links are those of POSIX")
def test_a_saved_file_has_the_mode_of_any_new_file(result, tmp_path):
    path, plain = tmp_path / "r.json", tmp_path / "plain"
    plain.touch()
    result.save(path)
    assert stat.S_IMODE(path.stat().st_mode) == stat.S_IMODE(plain.stat().st_mode)
