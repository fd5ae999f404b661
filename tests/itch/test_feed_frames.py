import numpy as np
import pytest
from tests.itch.feeds import day

import nanobook
from nanobook_itch.testing.packing import message

BACKENDS = ("pandas", "polars", "pyarrow")


def columns(frame):
    if hasattr(frame, "to_pydict"):
        return frame.to_pydict()
    if hasattr(frame, "to_dicts"):
        return frame.to_dict(as_series=False)
    return {
        name: [None if value != value else value for value in column]  # noqa: PLR0124 - NaN
        for name, column in frame.to_dict("list").items()
    }


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_side_that_is_not_there_is_null(backend):
    pytest.importorskip(backend)
    data = message("A", 1, 5, 1, b"B", 100, b"AAPL    ", 1_234_567)
    tables = nanobook.ItchFeed(data).books(("bbo", "depth"), depth=2)
    frame = columns(tables.frame("bbo", backend))
    assert (frame["bid"], frame["ask"]) == ([1_234_567], [None])
    assert (frame["ask_shares"], frame["symbol"]) == ([0], ["AAPL"])
    dollars = columns(tables.frame("bbo", backend, dollars=True))
    assert (dollars["bid_dollars"], dollars["ask_dollars"]) == ([123.4567], [None])
    depth = columns(tables.frame("depth", backend, dollars=True))
    assert (depth["bid_dollars_1"], depth["bid_dollars_2"]) == ([123.4567], [None])
    assert (depth["bid_shares_1"], depth["bid_count_2"]) == ([100], [0])


def test_a_backend_is_one_of_those_that_there_are():
    tables = nanobook.ItchFeed(day()).books("bbo")
    for backend in ("panda", "", "narwhals"):
        with pytest.raises(nanobook.ValidationError, match="one of pandas, polars, pyarrow; got"):
            tables.frame("bbo", backend)


@pytest.mark.parametrize("backend", BACKENDS)
def test_all_families_become_frames(backend):
    pytest.importorskip(backend)
    messages = nanobook.ItchFeed(day()).messages()
    for name, table in messages.items():
        frame = columns(messages.frame(name, backend))
        assert list(frame) == list(table.dtype.names)
        assert frame["timestamp"] == table["timestamp"].tolist()
        assert frame["symbol"] == [symbol.decode() for symbol in table["symbol"].tolist()]
    breaker = columns(messages.frame("breaker", backend, dollars=True))
    assert breaker["level_1_dollars"][0] == messages.breaker["level_1"][0] / 10**8


def test_a_table_that_is_not_there():
    with pytest.raises(KeyError, match="no table 'depth'"):
        nanobook.ItchFeed(day()).books().frame("depth")


@pytest.mark.parametrize("backend", BACKENDS)
def test_what_measures_return_becomes_a_frame(backend):
    tables = nanobook.ItchFeed(day()).books("bbo")
    flow = nanobook.order_flow(tables.bbo, "00:05", tables.opening)
    frame = nanobook.table_frame(flow, backend)
    found = columns(frame)
    assert list(found) == ["timestamp", "imbalance", "symbol", "locate"]
    assert found["imbalance"] == flow["imbalance"].tolist()
    assert found["symbol"] == [symbol.decode() for symbol in flow["symbol"].tolist()]
    with pytest.raises(TypeError, match="a table is a structured array, got ItchTables"):
        nanobook.table_frame(tables, backend)
    with pytest.raises(TypeError, match="a table is a structured array, got ndarray"):
        nanobook.table_frame(np.zeros(3), backend)


@pytest.mark.parametrize("backend", BACKENDS)
def test_what_comes_as_one_table_becomes_a_frame_too(backend):
    pytest.importorskip(backend)
    data = (
        message("A", 1, 5, 1, b"B", 100, b"AAPL    ", 1_234_567)
        + message("A", 1, 6, 2, b"S", 200, b"AAPL    ", 1_240_000)
        + message("E", 1, 7, 2, 200, 9)
        + message("S", 0, 8, b"C")
    )
    feed = nanobook.ItchFeed(data)
    lives = columns(nanobook.table_frame(feed.lifecycles(), backend, dollars=True))
    assert lives["outcome"] == ["live", "executed"]
    assert (lives["ended"], lives["replaced_by"]) == ([None, 7], [None, None])
    assert lives["price_dollars"] == [123.4567, 124.0]
    now = columns(nanobook.table_frame(feed.at("09:30").bbo(), backend))
    assert (now["symbol"], now["bid"], now["ask"]) == (["AAPL"], [1_234_567], [None])
    tables = feed.books()
    volumes = columns(nanobook.table_frame(nanobook.trade_volumes(tables.trades), backend))
    assert volumes["symbol"] == ["AAPL"]
    flow = columns(nanobook.table_frame(nanobook.order_flow(tables.bbo, "00:05"), backend))
    assert flow["symbol"] == ["AAPL"]
