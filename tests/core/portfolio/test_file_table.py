"""`read_file`: the same table from each kind of file, and what is no file of a table."""

import gzip
import sys

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyarrow import feather, parquet

from nanobook_core.errors import ValidationError
from nanobook_core.portfolio.file_table import read_file
from nanobook_core.portfolio.table import read_table

DATES = np.datetime64("2024-01-01") + np.arange(3)
WIDE = {"date": DATES, "A": [1.5, 2.5, 3.5], "B": [10.0, None, 30.0]}
LONG = {"date": DATES, "symbol": ["A", "A", "B"], "close": [1.5, 2.5, 30.0]}
WRITERS = {
    "polars.csv": lambda columns, path: pl.DataFrame(columns).write_csv(path),
    "pandas.csv": lambda columns, path: pd.DataFrame(columns).to_csv(path, index=False),
    "indexed.csv": lambda columns, path: pd.DataFrame(columns).set_index("date").to_csv(path),
    "pandas.csv.gz": lambda columns, path: pd.DataFrame(columns).to_csv(path, index=False),
    "polars.parquet": lambda columns, path: pl.DataFrame(columns).write_parquet(path),
    "pandas.parquet": lambda columns, path: pd.DataFrame(columns).to_parquet(path),
    "pyarrow.parquet": lambda columns, path: parquet.write_table(pa.table(columns), path),
    "polars.arrow": lambda columns, path: pl.DataFrame(columns).write_ipc(path),
    "polars.feather": lambda columns, path: pl.DataFrame(columns).write_ipc(path),
    "pandas.feather": lambda columns, path: pd.DataFrame(columns).to_feather(path),
    "pyarrow.Arrow": lambda columns, path: feather.write_feather(pa.table(columns), path),
}


@pytest.fixture
def written(tmp_path):
    def write(text, name="prices.csv"):
        path = tmp_path / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    return write


@pytest.mark.parametrize("name", WRITERS)
@pytest.mark.parametrize("columns", [WIDE, LONG], ids=["wide", "long"])
def test_each_kind_of_file_gives_the_table_that_was_written(tmp_path, name, columns):
    path = tmp_path / name
    WRITERS[name](columns, path)
    found, given_table = read_table(read_file(path), "prices"), read_table(columns, "prices")
    assert found.symbols == given_table.symbols == ("A", "B")
    assert found.dates.tolist() == DATES.tolist()
    np.testing.assert_array_equal(found.values, given_table.values)


def test_the_index_that_pandas_writes_without_a_name_is_the_dates(tmp_path):
    path = tmp_path / "prices.csv"
    pd.DataFrame({"A": [1.5, 2.5]}, index=pd.to_datetime(["2024-01-01", "2024-01-02"])).to_csv(path)
    assert path.read_text().startswith(",A\n")
    table = read_table(read_file(path), "prices")
    assert (table.symbols, table.dates.tolist()) == (("A",), DATES[:2].tolist())


def test_times_with_a_zone_come_back_as_utc(tmp_path):
    index = pd.DatetimeIndex(["2024-01-02 16:00"], tz="America/New_York", name="date")
    path = tmp_path / "prices.csv"
    pd.DataFrame({"A": [1.5]}, index=index).to_csv(path)
    table = read_table(read_file(path), "prices")
    assert str(table.dates[0]) == "2024-01-02T21:00:00.000000000"


def test_a_column_of_numbers_is_floats_with_nan_where_there_is_none(written):
    found = read_file(written("A,B\n1,\n2.5e3,NA\n -3 ,nan\n+4,null\n.5,None\n"))
    assert found["A"].dtype == found["B"].dtype == np.float64
    assert found["A"].tolist() == [1.0, 2500.0, -3.0, 4.0, 0.5]
    assert np.isnan(found["B"]).tolist() == [True] * 5


def test_symbols_are_text_even_if_they_look_like_numbers_or_nothing(written):
    found = read_file(written("date,Symbol,close\n2024-01-01,7203,1\n2024-01-01,NA,2\n"))
    assert found["Symbol"].tolist() == ["7203", "NA"]
    assert read_table(found, "prices").symbols == ("7203", "NA")


def test_names_and_cells_are_without_the_blanks_around_them(written):
    found = read_file(written("date , A\n2024-01-01 , 1.5\n"))
    assert list(found) == ["date", "A"]
    assert found["date"].tolist() == ["2024-01-01"]


def test_marks_of_other_programs_are_read_over(written):
    found = read_file(written(b'\xef\xbb\xbf"date","A"\r\n2024-01-01,"1.5"\r\n\r\n'))
    assert {name: column.tolist() for name, column in found.items()} == {
        "date": ["2024-01-01"],
        "A": [1.5],
    }


def test_empty_lines_are_none_and_the_others_keep_their_numbers(written):
    assert read_file(written("A,B\n\n1,2\n\n3,4\n\n"))["B"].tolist() == [2.0, 4.0]
    with pytest.raises(ValidationError, match=r"prices\.csv, line 5, column 'B': 'x' is no number"):
        read_file(written("A,B\n\n1,2\n\n3,x\n"))
    with pytest.raises(ValidationError, match=r"prices\.csv, line 4: 2 cells"):
        read_file(written('date,B\n"2024-\n01-01",2\n3\n'))


def test_an_empty_line_of_a_file_with_one_column_is_an_empty_cell(written):
    found = read_file(written("A\n1\n\n3\n"))["A"]
    assert np.isnan(found).tolist() == [False, True, False]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "prices.csv is empty; its first line names the columns"),
        ("\n", "prices.csv is empty; its first line names the columns"),
        ("date,A\n", "prices.csv has names of columns and no rows"),
        ("date,A\n\n", "prices.csv has names of columns and no rows"),
        ("date,A, A\n2024-01-01,1,1\n", "prices.csv: column 'A' is there twice"),
        (
            ",date,A\n0,2024-01-01,1\n",
            "column 1 has no name and is of numbers, like the index that pandas writes: leave",
        ),
        ("date,A,\n2024-01-01,1,\n", "prices.csv: column 3 has no name and is of numbers"),
        ("A,B\n1,2\n1\n", "prices.csv, line 3: 2 cells, as in the first line; got 1"),
        ("A,B\n1,2,3\n", "prices.csv, line 2: 2 cells, as in the first line; got 3"),
        ("A,B\n1,2\n1,x\n", "prices.csv, line 3, column 'B': 'x' is no number"),
        ("A,B\n1,2\n1,1_000\n", "prices.csv, line 3, column 'B': '1_000' is no number"),
        ('A,B\n1,2\n1,"1,000"\n', "prices.csv, line 3, column 'B': '1,000' is no number"),
        ("A,B\n1,\n1,x\n", "prices.csv, line 3, column 'B': 'x' is no number"),
        ("A,B\n1,x\n", "prices.csv, line 2, column 'B': 'x' is no number"),
        ("A,B\n1,2024-01-01\n", "prices.csv, line 2, column 'B': '2024-01-01' is no number"),
        ("A,B\n1,2\nx,3\n", "prices.csv, line 3, column 'A': 'x' is no number"),
        (
            "A,date\n1,2024-01-01\n2,2024-02-30\n",
            "prices.csv, line 3, column 'date': '2024-02-30' is no ISO date, like 2024-01-31",
        ),
        ("day,A\nx,1\n", "prices.csv, line 2, column 'day': 'x' is no ISO date"),
        ("day,A\n,1\n01/02/2024,1\n", "line 2, column 'day': '' is no ISO date"),
        ("day,A\n2024-01-01,1\n\n,2\n", "prices.csv, line 4, column 'day': '' is no ISO date"),
        (
            "date,symbol,close\n2024-01-01,A,1\n20240102,A,1\n",
            "prices.csv, line 3, column 'date': '20240102' is no ISO date",
        ),
        ('A,B\n1,"2\n', "prices.csv cannot be read as CSV: unexpected end of data"),
        ('A,B\n1,"2"x\n', "prices.csv cannot be read as CSV: ',' expected after '\"'"),
        (b"A,B\n1,\xff\n", "prices.csv cannot be read as CSV: 'utf-8' codec can't decode"),
    ],
)
def test_a_bad_csv_file_is_refused_with_file_line_and_column(written, text, message):
    with pytest.raises(ValidationError) as caught:
        read_file(written(text))
    assert message in str(caught.value)


GZIPPED = gzip.compress(b"date,A\n2024-01-01,1.5\n", mtime=0)


@pytest.mark.parametrize(
    "content",
    [
        b"date,A\n2024-01-01,1.5\n",
        GZIPPED[:-4],
        GZIPPED[:10] + b"\xff" + GZIPPED[11:],
        GZIPPED[:-8] + b"\0\0\0\0" + GZIPPED[-4:],
    ],
    ids=["plain text", "cut off", "bad data", "bad checksum"],
)
def test_what_is_no_gzip_is_refused(written, content):
    with pytest.raises(ValidationError, match=r"prices\.csv\.gz cannot be read as CSV"):
        read_file(written(content, "prices.csv.gz"))


@pytest.mark.parametrize("kind", ["parquet", "arrow", "feather"])
@pytest.mark.parametrize("content", [b"", b"date,A\n2024-01-01,1.5\n", b"PAR1", b"ARROW1\0\0"])
def test_what_is_no_parquet_or_arrow_is_refused(written, kind, content):
    with pytest.raises(ValidationError, match=rf"prices\.{kind} cannot be read as {kind}: "):
        read_file(written(content, f"prices.{kind}"))


@pytest.mark.parametrize("name", ["prices.xlsx", "prices.pkl", "prices.csv.zip", "prices", "csv"])
def test_another_kind_of_file_is_refused_unread(written, name):
    with pytest.raises(
        ValidationError, match=r": a \.csv, \.csv\.gz, \.parquet, \.arrow or \.feather file$"
    ):
        read_file(written("date,A\n2024-01-01,1\n", name))


@pytest.mark.parametrize("name", ["no.csv", "no.csv.gz", "no.parquet", "no.arrow", "no.feather"])
def test_a_file_that_is_not_there_is_named(tmp_path, name):
    with pytest.raises(FileNotFoundError, match=name.replace(".", r"\.")):
        read_file(tmp_path / name)


def test_parquet_without_a_reader_says_what_to_install(written, monkeypatch):
    path = written("", "prices.parquet")
    monkeypatch.setitem(sys.modules, "polars", None)
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(ImportError, match=r"Parquet needs polars or pyarrow: .*install pyarrow"):
        read_file(path)


def test_parquet_is_read_with_pyarrow_where_there_is_no_polars(tmp_path, monkeypatch):
    path = tmp_path / "prices.parquet"
    pl.DataFrame(WIDE).write_parquet(path)
    monkeypatch.setitem(sys.modules, "polars", None)
    assert isinstance(read_file(path), pa.Table)


def test_arrow_without_a_reader_says_what_to_install(written, monkeypatch):
    path = written("", "prices.arrow")
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(ImportError, match=r"Arrow needs pyarrow: .*install pyarrow"):
        read_file(path)


@given(
    st.lists(
        st.tuples(*[st.none() | st.floats(allow_nan=False, allow_infinity=False)] * 2), min_size=1
    )
)
def test_floats_come_back_from_csv_as_they_were(tmp_path_factory, rows):
    path = tmp_path_factory.mktemp("csv") / "prices.csv"
    cells = [["" if value is None else repr(value) for value in row] for row in rows]
    path.write_text("A,B\n" + "".join(",".join(row) + "\n" for row in cells))
    found = read_file(path)
    for place, name in enumerate("AB"):
        given_column = [np.nan if row[place] is None else row[place] for row in rows]
        np.testing.assert_array_equal(found[name], given_column)
