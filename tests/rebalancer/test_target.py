"""What a target.json may say: rows of bad ones, and what comes back of good ones."""

import datetime as dt
import json
import re
from decimal import Decimal, localcontext
from pathlib import Path

import pytest
from tests.rebalancer.bad_input import row_bytes, rows_of

from nanobook_rebalancer.errors import InputError
from nanobook_rebalancer.target import read_target, to_target

ROWS = rows_of("bad_target.json")
NOW = dt.datetime(2026, 2, 8, 15, 31, tzinfo=dt.UTC)


@pytest.mark.parametrize("row", ROWS, ids=[row["name"] for row in ROWS])
def test_a_bad_target_is_refused_with_the_path_of_the_value(row, tmp_path):
    path = tmp_path / "target.json"
    path.write_bytes(row_bytes(row))
    with pytest.raises(InputError) as caught:
        read_target(path, now=NOW, max_age=row.get("max_age"))
    assert str(caught.value).startswith(row["message"])
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 300
    assert list(tmp_path.iterdir()) == [path]


GOOD = {"timestamp": "2026-02-08T15:30:00Z", "targets": [{"symbol": "AAPL", "weight": 0.4}]}


def good(**changes):
    return to_target(GOOD | changes, now=NOW)


def test_the_seeds_example_is_read(tmp_path):
    path = tmp_path / "target.json"
    path.write_text(
        """{
  "timestamp": "2026-02-08T15:30:00Z",
  "targets": [
    { "symbol": "AAPL", "weight": 0.40 },
    { "symbol": "MSFT", "weight": 0.30 },
    { "symbol": "SPY",  "weight": -0.10 },
    { "symbol": "QQQ",  "weight": 0.20 }
  ],
  "constraints": {
    "max_position_pct": 0.40,
    "max_leverage": 1.5
  }
}
"""
    )
    target = read_target(path, now=NOW)
    assert target.weights == {
        "AAPL": Decimal("0.4"),
        "MSFT": Decimal("0.3"),
        "SPY": Decimal("-0.1"),
        "QQQ": Decimal("0.2"),
    }
    assert target.constraints.max_position_pct == Decimal("0.4")
    assert target.constraints.max_leverage == Decimal("1.5")
    assert target.constraints.min_trade_usd is None
    assert target.window == "2026-02-08T15:30:00+00:00"
    assert target.warnings == ()


@pytest.mark.parametrize(
    ("metadata", "window"),
    [
        ({"id": "run 7"}, "run 7"),
        ({"id": " "}, "2026-02-08T15:30:00+00:00"),
        ({"id": ""}, "2026-02-08T15:30:00+00:00"),
        ({"id": "x" * 200}, "x" * 200),
    ],
)
def test_the_window_is_the_id_where_it_is_not_blank(metadata, window):
    assert good(metadata=metadata).window == window


@pytest.mark.parametrize(
    ("written", "window"),
    [
        ("2026-02-08t10:30:00.5-05:00", "2026-02-08T15:30:00.500000+00:00"),
        ("2026-02-08 15:30:00z", "2026-02-08T15:30:00+00:00"),
        ("2026-02-08T15:36:00Z", "2026-02-08T15:36:00+00:00"),
        ("2026-02-08T15:30:00.123456789Z", "2026-02-08T15:30:00.123456+00:00"),
    ],
)
def test_one_moment_is_one_window_however_it_is_written(written, window):
    assert good(timestamp=written).window == window


def test_nine_ninths_are_not_more_than_all():
    targets = [{"symbol": f"S{at}", "weight": 1 / 9} for at in range(9)]
    assert len(good(targets=targets).weights) == 9
    assert sum(1 / 9 for _ in range(9)) > 0.99
    targets = [{"symbol": "A", "weight": 0.5}, {"symbol": "B", "weight": 0.500000001}]
    assert good(targets=targets).weights["B"] == Decimal("0.500000001")


def test_a_weight_is_the_decimal_that_is_written_in_a_file_and_from_python():
    assert good(targets=[{"symbol": "A", "weight": 0.3}]).weights == {"A": Decimal("0.3")}
    assert good(targets=[{"symbol": "A", "weight": Decimal("0.3")}]).weights == {
        "A": Decimal("0.3")
    }
    with localcontext(prec=2):
        weight = good(targets=[{"symbol": "A", "weight": 0.123456789}]).weights["A"]
    assert weight == Decimal("0.123456789")


def test_nothing_to_hold_closes_everything_where_that_is_allowed():
    assert good(targets=[], allow_flatten=True).weights == {}


def test_targets_that_are_days_old_are_remarked_upon():
    old = good(timestamp="2026-02-05T15:30:00Z")
    assert old.warnings == ("target: timestamp: 3 days old",)
    assert good(timestamp="2026-02-07T15:32:00Z").warnings == ()


def test_exactly_the_age_that_is_allowed_is_allowed():
    document = GOOD | {"timestamp": "2026-02-08T15:30:00Z"}
    assert to_target(document, now=NOW, max_age=60).warnings == ()


def test_floats_that_are_no_numbers_are_refused_from_python_too():
    for weight in (float("nan"), float("inf"), Decimal("nan"), Decimal("sNaN"), 1j, b"1"):
        with pytest.raises(InputError, match=r"target: targets\[0\]\.weight: a weight"):
            good(targets=[{"symbol": "A", "weight": weight}])


@pytest.mark.parametrize("name", ["missing.json", "", "a\0b"])
def test_a_file_that_cannot_be_read_is_an_input_error(name, tmp_path):
    with pytest.raises(InputError, match="failed to read target file"):
        read_target(tmp_path / name, now=NOW)


def test_of_a_file_without_end_no_more_than_the_limit_is_read():
    with pytest.raises(InputError, match="zero: at most 1,000,000 bytes"):
        read_target("/dev/zero", now=NOW)


def test_the_documentation_s_example_is_read():
    page = (Path(__file__).parents[2] / "docs" / "rebalancer.md").read_text(encoding="utf-8")
    (example,) = re.findall(r"```json\n(.*?)```", page, re.DOTALL)
    assert to_target(json.loads(example), now=NOW).window == "2026-02-08"
