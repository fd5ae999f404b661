"""Every endpoint's JSON, field for field, as the file says it.

`python -m tests.binance.test_server_answers` writes what is answered into the file.
"""

import json
from pathlib import Path

import pytest
from tests.binance.rest_client import RestClient
from tests.binance.venue_bench import StandingClock

from nanobook_binance.simulator import SimulatedBinance, Venue
from nanobook_binance.simulator.server.endpoints import ENDPOINTS

ANSWERS = Path(__file__).parents[1] / "data" / "binance" / "server_answers.json"


def answered(steps):
    """The steps with what is answered to them, one after the other at a venue that is new."""
    venue = Venue(clock=StandingClock())
    with SimulatedBinance(venue) as binance, RestClient(binance) as client:
        for step in steps:
            if "do" in step:
                name, *values = step["do"]
                getattr(binance, name)(*values, **step.get("how", {}))
                yield step
                continue
            method, path, sent = step["request"]
            ask = client.public if step.get("is_public") else client.signed
            response = ask(method, f"/api/v3/{path}", **sent)
            told = {
                name: value for name, value in response.headers.items() if name.startswith("X-MBX")
            }
            yield {
                **{name: step[name] for name in ("request", "is_public") if name in step},
                "status": response.status_code,
                "headers": told,
                "answer": response.json(),
            }


def test_every_answer_is_that_of_the_file():
    steps = json.loads(ANSWERS.read_text())
    for expected, step in zip(steps, answered(steps), strict=True):
        assert step == expected, expected.get("request", expected.get("do"))


def test_the_file_has_every_endpoint():
    steps = json.loads(ANSWERS.read_text())
    asked = {
        (step["request"][0], f"/api/v3/{step['request'][1]}") for step in steps if "request" in step
    }
    assert asked == set(ENDPOINTS)


def test_answers_say_that_they_are_json():
    with SimulatedBinance() as binance, RestClient(binance) as client:
        response = client.public("GET", "/api/v3/ping")
    assert response.headers["Content-Type"] == "application/json;charset=UTF-8"


@pytest.mark.parametrize(
    ("permissions", "number"), [("SPOT", 6), ('["MARGIN","SPOT"]', 6), ("MARGIN", 0), ("[]", 0)]
)
def test_symbols_may_be_asked_for_by_what_they_permit(permissions, number):
    with SimulatedBinance() as binance, RestClient(binance) as client:
        said = client.public("GET", "/api/v3/exchangeInfo", permissions=permissions).json()
    assert len(said["symbols"]) == number


def main():
    """Write what is answered into the file."""
    steps = list(answered(json.loads(ANSWERS.read_text())))
    ANSWERS.write_text(f"{json.dumps(steps, indent=1)}\n")


if __name__ == "__main__":
    main()
