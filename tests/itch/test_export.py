"""Tables of a feed in Parquet and Arrow files."""

import io
import subprocess
import sys

import polars as pl
import pyarrow as pa
import pytest
from pyarrow import feather, parquet
from tests.itch.wire import add, order

import nanobook
from nanobook_core.errors import ItchError, ValidationError
from nanobook_itch import sheet
from nanobook_itch.export import EXPORTED, export_itch
from nanobook_itch.feed import ItchFeed
from nanobook_itch.table import PRICES
from nanobook_itch.testing.day import day_bytes

DAY = day_bytes(messages=3_000, symbols=["AAPL", "MSFT", "IBM", "QQQ"], seed=3)


def read(path):
    return (parquet.read_table if path.suffix == ".parquet" else feather.read_table)(path)


def metadata(path):
    """What the file says of itself."""
    if path.suffix == ".parquet":
        found = parquet.read_metadata(path).metadata
        assert found.items() >= read(path).schema.metadata.items()
    else:
        found = read(path).schema.metadata
    return {key.decode(): text.decode() for key, text in found.items() if key != b"ARROW:schema"}


def plain(table):
    """Columns of a structured array as a file has them."""
    columns = {}
    for name in table.dtype.names:
        parts = {name: table[name]}
        if table[name].ndim > 1:
            parts = {f"{name}_{n + 1}": table[name][:, n] for n in range(table[name].shape[1])}
        for label, column in parts.items():
            if column.dtype.kind == "S":
                columns[label] = [text.decode() for text in column.tolist()]
            else:
                is_price = name in PRICES
                columns[label] = [
                    None if is_price and not value else value for value in column.tolist()
                ]
    return columns


@pytest.mark.parametrize("suffix", [".parquet", ".arrow"])
@pytest.mark.parametrize("group", [97, 1 << 17])
def test_every_table_is_in_its_file(tmp_path, monkeypatch, suffix, group):
    monkeypatch.setattr(sheet, "_GROUP", group)
    done = nanobook.export_itch(DAY, tmp_path / "out", suffix=suffix, depth=3)
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == sorted(
        f"{name}{suffix}" for name in EXPORTED
    )
    feed = ItchFeed(DAY)
    tables = {**feed.messages(), **feed.books(("bbo", "trades", "orders", "depth"), depth=3)}
    for name in EXPORTED:
        found = read(done.paths[name])
        assert found.to_pydict() == plain(tables[name])
        assert done.n_rows[name] == len(tables[name])
    assert min(done.n_rows.values()) >= 1
    assert done.n_problems == {}


@pytest.mark.parametrize("suffix", [".parquet", ".arrow"])
def test_types_are_those_of_the_table_and_text_has_a_dictionary(tmp_path, suffix):
    path = tmp_path / f"orders{suffix}"
    export_itch(DAY, path, "orders")
    types = {field.name: field.type for field in read(path).schema}
    assert types["symbol"] == pa.dictionary(pa.int32(), pa.string())
    assert types["reference"] == pa.uint64()
    assert (types["price"], types["locate"]) == (pa.int64(), pa.uint16())
    frame = pl.read_parquet(path) if suffix == ".parquet" else pl.read_ipc(path)
    assert set(frame["symbol"].cast(pl.String)) == {"AAPL", "IBM", "MSFT", "QQQ"}
    assert frame.height == len(ItchFeed(DAY).books("orders").orders)


@pytest.mark.parametrize("suffix", [".parquet", ".arrow"])
def test_the_metadata_say_what_it_is(tmp_path, suffix):
    source = tmp_path / "day.itch"
    source.write_bytes(DAY + order("D", 2**47, reference=0))
    path = tmp_path / f"bbo{suffix}"
    done = export_itch(source, path, "bbo", strict=False)
    assert metadata(path) == {
        "nanobook_itch": "1",
        "table": "bbo",
        "source": str(source),
        "price_scale": "10000",
        "strict": "false",
        "problems": '{"unknown_reference": 1}',
    }
    assert done.n_problems == {"unknown_reference": 1}
    export_itch(DAY, tmp_path / f"breaker{suffix}", "breaker")
    found = metadata(tmp_path / f"breaker{suffix}")
    assert (found["price_scale"], found["strict"], found["problems"]) == ("100000000", "true", "{}")


def test_a_problem_of_messages_is_counted_once(tmp_path):
    data = DAY + order("D", 1, reference=0)
    for tables in (["order"], ["order", "bbo"]):
        done = export_itch(data, tmp_path, tables, strict=False, force=True)
        assert done.n_problems["time_back"] == 1


def test_rows_are_those_that_were_asked_for(tmp_path):
    ask = {"symbols": ["AAPL"], "start": "10:00", "end": "12:00"}
    done = export_itch(DAY, tmp_path, ["depth", "order", "status"], depth=2, every="00:30", **ask)
    feed = ItchFeed(DAY, symbols=["AAPL"])
    tables = feed.books("depth", depth=2, every="00:30", start="10:00", end="12:00")
    assert read(done.paths["depth"]).to_pydict() == plain(tables.depth)
    messages = feed.messages(start="10:00", end="12:00")
    for name in ("order", "status"):
        assert read(done.paths[name]).to_pydict() == plain(messages[name])


@pytest.mark.parametrize("suffix", [".parquet", ".arrow"])
def test_a_table_without_rows_has_its_columns(tmp_path, suffix):
    path = tmp_path / f"ipo{suffix}"
    export_itch(add(1, 1, "B", 1, 1), path, "ipo")
    table = read(path)
    assert table.num_rows == 0
    assert table.column_names == list(ItchFeed(DAY).messages()["ipo"].dtype.names)


@pytest.mark.parametrize(
    ("ask", "error", "words"),
    [
        ({"tables": "quotes"}, ValidationError, "tables are of order, trade, .*; got 'quotes'"),
        ({"tables": []}, ValidationError, "no tables are given"),
        ({"tables": [b"bbo"]}, TypeError, "tables are str, got b'bbo'"),
        ({"suffix": ".csv"}, ValidationError, r"\.parquet, \.arrow; got '\.csv'"),
        ({"depth": 0}, ValidationError, "depth"),
        ({"start": "noon"}, ValidationError, "start"),
        ({"every": "00:30"}, ValidationError, 'every is of the table "depth"'),
        ({"source": DAY[:-1]}, ItchError, "the source ends within a message"),
        ({"symbols": [1]}, TypeError, "symbols"),
        ({"force": False}, FileExistsError, "force=True replaces it"),
    ],
)
def test_what_is_refused_leaves_what_was_there(tmp_path, ask, error, words):
    export_itch(DAY, tmp_path, ["bbo", "order"], suffix=".arrow")
    before = {path: path.read_bytes() for path in tmp_path.iterdir()}
    options = {"source": DAY, "tables": ["bbo", "order"], "suffix": ".arrow", "force": True, **ask}
    with pytest.raises(error, match=words):
        export_itch(options.pop("source"), tmp_path, **options)
    assert {path: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_every_table_can_be_had_of_a_pipe(tmp_path):
    class Pipe(io.BytesIO):
        def seekable(self):
            return False

    done = export_itch(Pipe(DAY), tmp_path)
    assert set(done.n_rows) == set(EXPORTED)
    assert done.n_rows["order"] == len(ItchFeed(DAY).messages().order)


def test_a_file_holds_one_table(tmp_path):
    with pytest.raises(ValidationError, match="holds one table, got bbo, trades: give a folder"):
        export_itch(DAY, tmp_path / "x.parquet", ["bbo", "trades"])
    (tmp_path / "folder.arrow").mkdir()
    with pytest.raises(IsADirectoryError, match="is a folder"):
        export_itch(DAY, tmp_path / "folder.arrow", "bbo")


def test_a_feed_is_not_replaced_by_its_own_table(tmp_path):
    feed = tmp_path / "day.parquet"
    feed.write_bytes(DAY)
    with pytest.raises(ValidationError, match="is the feed itself; bbo needs another name"):
        export_itch(str(feed), feed, "bbo")
    assert feed.read_bytes() == DAY


def test_a_part_of_somebody_else_stays(tmp_path):
    (tmp_path / "bbo.parquet.part").write_text("mine")
    export_itch(DAY, tmp_path, "bbo")
    with pytest.raises(ItchError):
        export_itch(DAY[:-1], tmp_path, "bbo", force=True)
    assert {path.name for path in tmp_path.iterdir()} == {"bbo.parquet", "bbo.parquet.part"}
    assert (tmp_path / "bbo.parquet.part").read_text() == "mine"


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="no limits for other processes here")
def test_memory_does_not_grow_with_the_feed(tmp_path):
    """Ten times as many rows take no more than a constant."""
    code = """
import sys
from pathlib import Path
from nanobook_itch.export import export_itch
import pyarrow.parquet, pyarrow.feather, nanobook_itch.feed
peak = lambda: int(Path("/proc/self/status").read_text().split("VmHWM:")[1].split()[0])
export_itch(sys.argv[1], sys.argv[3], "orders", progress=False)
first = peak()
export_itch(sys.argv[2], sys.argv[3], "orders", progress=False, force=True)
print(first, peak())
"""
    small, large = tmp_path / "small", tmp_path / "large"
    pair = [add(1, 1, "B", 1, 1), order("D", 1, reference=1)]
    small.write_bytes(b"".join(pair) * 100_000)
    large.write_bytes(b"".join(pair) * 1_000_000)
    done = subprocess.run(
        [sys.executable, "-c", code, small, large, tmp_path / "x.arrow"],
        capture_output=True, text=True, check=True, timeout=500,
    )  # fmt: skip
    first, last = map(int, done.stdout.split())
    assert last - first < 60_000  # kilobytes; the rows are 160 MB


def test_without_pyarrow_it_says_how_to_get_it(tmp_path):
    code = """
import sys
from importlib import util
found = util.find_spec
util.find_spec = lambda name, *rest: None if name == "pyarrow" else found(name, *rest)
from nanobook_itch.export import export_itch
try:
    export_itch(b"", sys.argv[1])
except ImportError as error:
    print(error)
"""
    done = subprocess.run(
        [sys.executable, "-c", code, tmp_path], capture_output=True, text=True, check=True
    )
    assert done.stdout == ("Parquet and Arrow files need pyarrow: python3 -m pip install pyarrow\n")
