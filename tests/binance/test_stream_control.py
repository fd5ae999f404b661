"""What a client asks for on a connection for market streams, and the venue's words for it."""

import json
from pathlib import Path

import pytest

from nanobook_binance.simulator.stream.market_control import MOST_STREAMS, MarketControl
from nanobook_binance.simulator.stream.stream_name import (
    StreamKind,
    StreamName,
    parse_stream_name,
)

ROWS = json.loads(
    (Path(__file__).parents[1] / "data" / "binance" / "stream_control.json").read_text()
)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row["name"])
def test_a_message_is_answered_and_done(row):
    control = MarketControl(["ethusdt@trade"])

    assert control.answer(row["sent"]) == row["answer"]

    assert list(control.names) == row["names"]
    assert control.is_combined is row.get("is_combined", False)


@pytest.mark.parametrize("junk", [b"\xff\xfe", "[" * 100_000, '{"id": ' + "9" * 5000 + "}"])
def test_what_json_chokes_on_is_refused_as_any_other_junk(junk):
    control = MarketControl()

    assert control.answer(junk)["error"]["code"] == 3


def test_a_connection_listens_to_1024_streams_at_most():
    control = MarketControl([f"{number}@trade" for number in range(MOST_STREAMS - 1)])

    def subscribe(*names):
        return control.answer(json.dumps({"method": "SUBSCRIBE", "params": names, "id": 1}))

    assert subscribe("a@trade", "b@trade") == {
        "error": {"code": 4, "msg": "Too many subscriptions"},
        "id": 1,
    }
    assert "a@trade" not in control.names
    assert subscribe("a@trade") == {"result": None, "id": 1}
    assert len(control.names) == 1024


@pytest.mark.parametrize(
    ("text", "kind", "speed_ms", "levels"),
    [
        ("btcusdt@trade", StreamKind.TRADE, 0, 0),
        ("btcusdt@aggTrade", StreamKind.AGGREGATE_TRADE, 0, 0),
        ("btcusdt@bookTicker", StreamKind.BOOK_TICKER, 0, 0),
        ("btcusdt@ticker", StreamKind.DAY_TICKER, 1000, 0),
        ("btcusdt@miniTicker", StreamKind.MINI_TICKER, 1000, 0),
        ("btcusdt@depth", StreamKind.DEPTH_DIFF, 1000, 0),
        ("btcusdt@depth@1000ms", StreamKind.DEPTH_DIFF, 1000, 0),
        ("btcusdt@depth@100ms", StreamKind.DEPTH_DIFF, 100, 0),
        ("btcusdt@depth5", StreamKind.DEPTH_LEVELS, 1000, 5),
        ("btcusdt@depth10@100ms", StreamKind.DEPTH_LEVELS, 100, 10),
        ("btcusdt@depth20@1000ms", StreamKind.DEPTH_LEVELS, 1000, 20),
    ],
)
def test_a_name_says_what_comes_and_how_often(text, kind, speed_ms, levels):
    assert parse_stream_name(text) == StreamName(text, "BTCUSDT", kind, speed_ms, levels)


@pytest.mark.parametrize(
    ("text", "kind"),
    [("!ticker@arr", StreamKind.DAY_TICKER), ("!miniTicker@arr", StreamKind.MINI_TICKER)],
)
def test_some_streams_are_of_all_symbols(text, kind):
    assert parse_stream_name(text) == StreamName(text, None, kind, 1000)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "0",
        "btcusdt",
        "@trade",
        "BTCUSDT@trade",
        "btcusdt@Trade",
        "btcusdt@depth7",
        "btcusdt@depth@250ms",
        "btcusdt@trade@100ms",
        "btcusdt@kline_1m",
        "btcusdt@trade\n",
        "!bookTicker",
    ],
)
def test_nothing_comes_on_other_names(text):
    assert parse_stream_name(text) is None
