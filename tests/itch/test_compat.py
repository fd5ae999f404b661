"""`parse_itch(path, compat=True)` is the original, byte for byte and word for word.

tests/data/itch/original.json has what the original's wheels 0.9.3 and 0.19.2 make of each file.
"""

import json
from pathlib import Path

import pytest

from nanobook_core.errors import ItchError
from nanobook_core.types import Side, TimeInForce
from nanobook_itch.parse import parse_itch

CASES = json.loads(Path("tests/data/itch/original.json").read_text())


@pytest.mark.parametrize("case", CASES, ids=[case["name"] for case in CASES])
def test_a_file_gives_what_the_original_gives(case, tmp_path):
    path = tmp_path / "feed"
    path.write_bytes(bytes.fromhex(case["bytes"]))
    if "error" in case:
        with pytest.raises(ItchError) as raised:
            parse_itch(str(path), compat=True)
        assert str(raised.value) == case["error"]
        assert isinstance(raised.value, OSError)
    else:
        events = parse_itch(str(path), compat=True)
        assert [[symbol, repr(event)] for symbol, event in events] == case["events"]
        assert type(events) is list
        assert all(type(pair) is tuple for pair in events)


def test_an_event_has_words_and_no_strings(tmp_path):
    case = next(case for case in CASES if case["name"] == "an add to buy")
    path = tmp_path / "feed"
    path.write_bytes(bytes.fromhex(case["bytes"]))
    ((_, event),) = parse_itch(str(path), compat=True)
    assert event.side is Side.BUY
    assert event.time_in_force is TimeInForce.GTC


def test_an_error_says_where_it_is(tmp_path):
    case = next(case for case in CASES if case["name"] == "a type alone")
    path = tmp_path / "feed"
    path.write_bytes(bytes.fromhex(case["bytes"]))
    with pytest.raises(ItchError) as raised:
        parse_itch(str(path), compat=True)
    assert (raised.value.offset, raised.value.type) == (38, "D")


def test_a_path_is_a_string_that_a_file_has(tmp_path):
    with pytest.raises(TypeError, match="'path': a str, got PosixPath"):
        parse_itch(tmp_path / "feed", compat=True)
    with pytest.raises(FileNotFoundError):
        parse_itch(str(tmp_path / "feed"), compat=True)
    with pytest.raises(OSError, match="irectory"):  # of which the original returns nothing
        parse_itch(str(tmp_path), compat=True)


@pytest.mark.parametrize(
    "option", [{"symbols": ["A"]}, {"strict": False}, {"price_unit": 1}, {"crossed": "raise"}]
)
def test_the_original_has_no_options(tmp_path, option):
    (tmp_path / "feed").touch()
    with pytest.raises(TypeError, match=f"as the original, without {next(iter(option))}"):
        parse_itch(str(tmp_path / "feed"), compat=True, **option)
