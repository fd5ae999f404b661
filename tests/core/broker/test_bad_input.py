"""What is wrong is refused with a typed error that says so, and nothing has changed."""

import builtins
import json
from decimal import Decimal
from pathlib import Path

import pytest

import nanobook

from .market import Clock

ROWS = json.loads(Path("tests/data/broker/bad_input.json").read_text())


def read(value):
    return Decimal(value["decimal"]) if isinstance(value, dict) else value


@pytest.mark.parametrize("row", ROWS, ids=[row["why"] for row in ROWS])
def test_bad_input_is_refused_and_nothing_has_changed(row):
    error = getattr(nanobook, row["error"], None) or getattr(builtins, row["error"])
    heard = []
    with nanobook.PaperBroker(quotes={"A": ("99", "101")}, clock=Clock()) as broker:
        broker.subscribe(heard.append)
        before = broker.account()
        with pytest.raises(error) as caught:
            getattr(broker, row["call"])(
                *map(read, row.get("arguments", ())),
                **{name: read(value) for name, value in row.get("keywords", {}).items()},
            )
        assert type(caught.value) is error
        assert str(caught.value) == row["message"]
        assert heard == []
        assert broker.account() == before
        assert broker.open_orders() == []
        assert broker.fills() == []
        assert broker.submit_order("A", "buy", 1) == 1


def test_a_record_says_everything_itself():
    with (
        nanobook.PaperBroker(quotes={"A": ("99", "101")}, clock=Clock()) as broker,
        pytest.raises(TypeError, match="give no other arguments beside it"),
    ):
        broker.submit_order(nanobook.BrokerOrder("A", "buy", 1), "buy")
