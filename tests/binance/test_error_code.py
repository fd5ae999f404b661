"""What codes, texts and statuses of the venue mean."""

import csv
from pathlib import Path

import pytest

from nanobook_binance.error_code import CODES, STATUSES, TEXTS, error_of
from nanobook_core.contracts import broker_error

TABLE = Path(__file__).parents[1] / "data" / "binance" / "error_codes.csv"
ROWS = list(csv.DictReader(TABLE.read_text().splitlines()))


def error(row, **details):
    return error_of(
        int(row["status"]),
        int(row["code"]) if row["code"] else None,
        row["text"],
        is_question=row["asked"] == "question",
        is_order=row["asked"] == "order",
        **details,
    )


@pytest.mark.parametrize(
    "row", ROWS, ids=lambda row: f"{row['status']} {row['code']} {row['asked']} {row['text'][:30]}"
)
def test_an_answer_means_what_the_table_says(row):
    found = error(row, retry_after=7.0, client_order_id="nb-1")
    assert type(found) is getattr(broker_error, row["error"])
    assert found.outcome == row["outcome"]
    assert found.retryable == (row["retryable"] == "yes")
    assert (found.broker, found.code) == ("binance", row["code"])
    assert (found.retry_after, found.client_order_id) == (7.0, "nb-1")
    assert row["text"] in str(found)
    assert (f"code {row['code']}" if row["code"] else f"HTTP {row['status']}") in str(found)
    assert row["hint"] in str(found)


def test_nothing_but_a_question_that_is_in_doubt_is_retryable_with_an_order_in_doubt():
    for row in ROWS:
        found = error(row)
        assert not (found.outcome == "unknown" and found.retryable)
        assert (found.outcome == "not_sent") == (type(found) is broker_error.LinkDownError)


def test_every_5xx_leaves_an_order_in_doubt_whatever_its_code():
    for code in (None, *CODES):
        for status in (500, 502, 503, 504):
            assert error_of(status, code, "x", is_order=True).outcome == "unknown"


def test_the_table_has_every_code_text_and_status():
    assert set(CODES) <= {int(row["code"]) for row in ROWS if row["code"]}
    assert set(STATUSES) <= {int(row["status"]) for row in ROWS}
    for words, _ in TEXTS:  # each as the venue writes it
        assert any(words in row["text"].lower() for row in ROWS), words


def test_a_filter_is_named():
    assert error_of(400, -1013, "Filter failure: LOT_SIZE", is_order=True).filter == "LOT_SIZE"
    assert not hasattr(error_of(400, -1013, "Invalid quantity.", is_order=True), "filter")
