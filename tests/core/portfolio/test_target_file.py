"""Target weights as a file for the rebalancer."""

import datetime as dt
import json
import threading

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

import nanobook

NOON = dt.datetime(2026, 2, 8, 15, 30, tzinfo=dt.UTC)


def written(path, weights, **options):
    nanobook.weights_to_target(weights, path, **{"timestamp": NOON, **options})
    return json.loads(path.read_text())


def test_the_seed_s_target_is_written_as_it_stands_there(tmp_path):
    path = tmp_path / "target.json"
    weights = {"AAPL": 0.40, "MSFT": 0.30, "SPY": -0.10, "QQQ": 0.20}
    nanobook.weights_to_target(
        weights,
        str(path),
        timestamp=NOON,
        constraints={"max_position_pct": 0.40, "max_leverage": 1.5},
    )
    assert path.read_text() == (
        "{\n"
        '  "timestamp": "2026-02-08T15:30:00Z",\n'
        '  "targets": [\n'
        '    {\n      "symbol": "AAPL",\n      "weight": 0.4\n    },\n'
        '    {\n      "symbol": "MSFT",\n      "weight": 0.3\n    },\n'
        '    {\n      "symbol": "SPY",\n      "weight": -0.1\n    },\n'
        '    {\n      "symbol": "QQQ",\n      "weight": 0.2\n    }\n'
        "  ],\n"
        '  "constraints": {\n    "max_position_pct": 0.4,\n    "max_leverage": 1.5\n  }\n'
        "}\n"
    )


def test_weights_of_an_optimizer_go_straight_in_and_those_of_0_are_left_out(tmp_path):
    weights = {"A": np.float64(0.0), "B": np.float64(0.25), "C": 0.75}
    assert written(tmp_path / "t", weights, id="2026-02") == {
        "timestamp": "2026-02-08T15:30:00Z",
        "metadata": {"id": "2026-02"},
        "targets": [{"symbol": "B", "weight": 0.25}, {"symbol": "C", "weight": 0.75}],
    }


def test_a_time_of_another_zone_is_written_in_utc_and_none_is_now(tmp_path):
    local = dt.datetime(2026, 2, 8, 16, 30, tzinfo=dt.timezone(dt.timedelta(hours=1)))
    assert written(tmp_path / "t", {"A": 1.0}, timestamp=local)["timestamp"] == (
        "2026-02-08T15:30:00Z"
    )
    before = dt.datetime.now(dt.UTC)
    now = written(tmp_path / "t", {"A": 1.0}, timestamp=None)["timestamp"]
    assert before <= dt.datetime.fromisoformat(now) <= dt.datetime.now(dt.UTC)


def test_a_series_of_pandas_is_written_by_its_labels(tmp_path):
    targets = written(tmp_path / "t", pd.Series({"A": 0.5, "B": 0.25}))["targets"]
    assert targets == [{"symbol": "A", "weight": 0.5}, {"symbol": "B", "weight": 0.25}]


def test_nine_ninths_do_not_pass_1_by_their_rounding(tmp_path):
    targets = written(tmp_path / "t", {f"S{n}": 1 / 9 for n in range(9)})["targets"]
    weights = [target["weight"] for target in targets]
    assert total(weights) <= 1.0
    assert weights[1:] == [1 / 9] * 8
    assert weights[0] == pytest.approx(1 / 9, rel=1e-14)


def total(weights):
    found = 0.0
    for weight in weights:
        found += max(weight, 0.0)
    return found


@given(
    weights=st.lists(st.floats(0.001, 1.0), min_size=1, max_size=40),
    over=st.floats(0.0, 0.9e-9),
)
def test_positive_weights_never_sum_to_more_than_1_in_the_file(tmp_path_factory, weights, over):
    whole = sum(weights) / (1.0 + over)
    given_ = {f"S{n}": min(weight / whole, 1.0) for n, weight in enumerate(weights)}
    path = tmp_path_factory.getbasetemp() / "target.json"
    found = [target["weight"] for target in written(path, given_)["targets"]]
    assert total(found) <= 1.0
    assert found == pytest.approx(list(given_.values()), abs=2e-9)


@pytest.mark.parametrize(
    ("weights", "options", "error", "says"),
    [
        ({}, {}, ValueError, "none is other than 0"),
        ({"A": 0.0}, {}, ValueError, "none is other than 0"),
        ({"A": 0.7, "B": 0.4}, {}, ValueError, "sum to 1.1, which is above 1"),
        ({"A": float("nan")}, {}, ValueError, "'A': from -1 to 1, got nan"),
        ({"A": -1.5}, {}, ValueError, "'A': from -1 to 1, got -1.5"),
        ({"A": "half"}, {}, TypeError, "'A': a number, got 'half' (str)"),
        ({"A": True}, {}, TypeError, "'A': a number, got True (bool)"),
        ({"A long name": 1.0}, {}, ValueError, "A long name"),
        ({1: 1.0}, {}, TypeError, "1 (int)"),
        ([0.5, 0.5], {}, TypeError, "by symbol, as an optimizer gives with symbols="),
        ({"A": 1.0}, {"timestamp": "now"}, TypeError, "timestamp: a datetime, got 'now' (str)"),
        (
            {"A": 1.0},
            {"timestamp": dt.datetime(2026, 2, 8)},  # noqa: DTZ001 - what is refused
            ValueError,
            "timestamp: one with a zone",
        ),
        ({"A": 1.0}, {"id": " "}, ValueError, "id: it is blank"),
        ({"A": 1.0}, {"id": 7}, TypeError, "id: a string, got 7 (int)"),
        ({"A": 1.0}, {"constraints": {"leverage": 1}}, ValueError, "there is no 'leverage'"),
        ({"A": 1.0}, {"constraints": {"max_leverage": -1}}, ValueError, "at least 1, got -1"),
        ({"A": 1.0}, {"constraints": {"max_leverage": 0.9}}, ValueError, "at least 1, got 0.9"),
        ({"A": 1.0}, {"constraints": {"min_trade_usd": -1}}, ValueError, "at least 0, got -1"),
        ({"A": 1.0}, {"constraints": {"max_position_pct": 0}}, ValueError, "above 0 and at most 1"),
        ({"A": 1.0}, {"constraints": {"max_position_pct": 5}}, ValueError, "at most 1, got 5"),
        (
            {"A": 1.0},
            {"timestamp": dt.datetime.min.replace(tzinfo=dt.timezone(dt.timedelta(hours=5)))},
            ValueError,
            "timestamp: in years 1 to 9999 of UTC, got 0001-01-01 00:00:00+05:00",
        ),
        ({"A": 1.0}, {"constraints": {"max_leverage": "1"}}, TypeError, "a number, got '1'"),
        ({"A": 1.0}, {"constraints": 1.5}, TypeError, "constraints: by name, got 1.5 (float)"),
    ],
)
def test_what_the_rebalancer_would_refuse_is_not_written(tmp_path, weights, options, error, says):
    path = tmp_path / "target.json"
    path.write_text("what was there")
    with pytest.raises(error) as caught:
        nanobook.weights_to_target(weights, path, **options)
    assert says in str(caught.value)
    assert path.read_text() == "what was there"


def test_a_limit_of_numpy_is_written_as_a_number(tmp_path):
    limits = {"max_position_pct": np.float32(0.25), "min_trade_usd": np.int64(100)}
    target = written(tmp_path / "target.json", {"A": 1.0}, constraints=limits)
    assert target["constraints"] == {"max_position_pct": 0.25, "min_trade_usd": 100}


def test_a_reader_never_sees_half_a_file(tmp_path):
    path = tmp_path / "target.json"
    weights = {f"S{n}": 0.001 for n in range(500)}
    nanobook.weights_to_target(weights, path, timestamp=NOON)
    whole = path.read_bytes()
    writer = threading.Thread(
        target=lambda: [
            nanobook.weights_to_target(weights, path, timestamp=NOON) for _ in range(20)
        ]
    )
    writer.start()
    while writer.is_alive():
        assert path.read_bytes() == whole
    writer.join()
    assert [entry.name for entry in tmp_path.iterdir()] == ["target.json"]
