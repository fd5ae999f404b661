"""Files of a recorded market: every line is read, or the one that cannot be is named."""

import gzip
from collections import Counter
from decimal import Decimal

import pytest
from tests.binance.recorded_market import PATH, needs_recorded_market

from nanobook_binance.recorded_feed import Diff, Print, Snapshot, Touch, read_feed
from nanobook_core.errors import ValidationError

D = Decimal

DIFF = (
    '1700000000000000001 {"stream":"ethusdt@depth@100ms","data":{"e":"depthUpdate","E":1,'
    '"s":"ETHUSDT","U":5,"u":7,"b":[["2683.80","3.0"]],"a":[["2684.10","0.00"]]}}\n'
)
SNAPSHOT = (
    '1700000000000000002 {"lastUpdateId":7,"bids":[["2683.80","3.0"]],"asks":[["2684.20","1.5"]]}\n'
)
TOUCH = (
    '1700000000000000003 {"stream":"ethusdt@bookTicker","data":{"u":7,"s":"ETHUSDT","b":"2683.80",'
    '"B":"3.0","a":"2684.20","A":"1.5"}}\n'
)
PRINT = (
    '1700000000000000004 {"stream":"ethusdt@trade","data":{"e":"trade","E":1,"s":"ETHUSDT","t":9,'
    '"p":"2683.80","q":"0.002","T":1,"m":true,"M":true}}\n'
)
OTHER = '1700000000000000005 {"stream":"ethusdt@kline_1m","data":{}}\n'


@pytest.mark.parametrize("name", ["feed.jsonl", "feed.jsonl.gz"])
def test_each_line_is_a_record(tmp_path, name):
    path = tmp_path / name
    text = (DIFF + SNAPSHOT + TOUCH + PRINT + OTHER).encode()
    path.write_bytes(gzip.compress(text) if name.endswith(".gz") else text)

    assert list(read_feed(path)) == [
        Diff(
            1700000000000000001,
            "ETHUSDT",
            5,
            7,
            bids=((D("2683.80"), D("3.0")),),
            asks=((D("2684.10"), D("0.00")),),
        ),
        Snapshot(
            1700000000000000002,
            "ETHUSDT",
            7,
            bids=((D("2683.80"), D("3.0")),),
            asks=((D("2684.20"), D("1.5")),),
        ),
        Touch(
            1700000000000000003,
            "ETHUSDT",
            7,
            bid=D("2683.80"),
            bid_size=D("3.0"),
            ask=D("2684.20"),
            ask_size=D("1.5"),
        ),
        Print(1700000000000000004, "ETHUSDT", 9, D("2683.80"), D("0.002"), buyer_is_maker=True),
    ]


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        (SNAPSHOT, "a snapshot before any diff has no symbol"),
        ("hello\n", "JSONDecodeError"),
        ("x {}\n", "invalid literal"),
        ("1 []\n", "list indices"),
        ("1 {}\n", "stream"),
        (PRINT.replace('"2683.80"', '"dear"'), "is no number"),
        (DIFF.replace('"a":[["2684.10","0.00"]]', '"a":[["2684.10"]]'), "not enough values"),
    ],
)
def test_a_line_that_is_none_is_named(tmp_path, line, complaint):
    path = tmp_path / "feed.jsonl"
    path.write_text(line)

    with pytest.raises(ValidationError, match="line 1") as caught:
        list(read_feed(path))

    assert complaint in str(caught.value)


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"no gzip", "feed.jsonl.gz is no file of a recorded market"),
        (gzip.compress(OTHER.encode() * 1000)[:60], "feed.jsonl.gz: the packed file was cut"),
    ],
)
def test_a_file_that_is_not_packed_whole_is_refused(tmp_path, content, told):
    path = tmp_path / "feed.jsonl.gz"
    path.write_bytes(content)

    with pytest.raises(ValidationError, match=told):
        list(read_feed(path))


@needs_recorded_market
def test_the_recorded_market_of_346_seconds():
    counts = Counter(type(record).__name__ for record in read_feed(PATH))

    assert counts == {"Touch": 24077, "Print": 6106, "Diff": 3434, "Snapshot": 1}
