"""What the codes of TWS mean."""

import csv
from pathlib import Path

import pytest

from nanobook_core.contracts import broker_error
from nanobook_ibkr.error_code import Meaning, ends_request, error_of, meaning

TABLE = Path(__file__).parents[1] / "data" / "ibkr" / "error_codes.csv"
ROWS = list(csv.DictReader(TABLE.read_text().splitlines()))


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row['code']} {row['text'][:30]}")
def test_a_code_means_what_the_table_says(row):
    code, text = int(row["code"]), row["text"]
    assert meaning(code, text) == row["meaning"]
    assert ends_request(code, text) == (row["ends_request"] == "yes")
    error = error_of(code, text)
    assert type(error) is getattr(broker_error, row["error"])
    assert error.outcome == row["outcome"]
    assert (error.code, error.broker) == (row["code"], "ibkr")
    assert f"{text} (code {code})" in str(error)


def test_the_table_has_every_meaning():
    assert {row["meaning"] for row in ROWS} == set(Meaning)


@pytest.mark.parametrize(
    ("code", "text", "hint"),
    [
        (326, "in use", "client_id of its own"),
        (354, "not subscribed", 'market_data="delayed"'),
        (321, "in Read-Only mode", "clear 'Read-Only API'"),
    ],
)
def test_an_error_says_what_to_do(code, text, hint):
    assert hint in str(error_of(code, text))


def test_details_are_those_of_the_error():
    error = error_of(201, "no", client_order_id="mine")
    assert error.client_order_id == "mine"
