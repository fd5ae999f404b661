"""What JSON from outside may be: rows of bad documents, and what comes back of good ones."""

import json
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nanobook_core.errors import NanobookError
from nanobook_rebalancer.errors import InputError
from nanobook_rebalancer.json_document import parse_json, read_json

DATA = Path(__file__).parents[1] / "data" / "rebalancer"
ROWS = json.loads((DATA / "bad_json.json").read_text(encoding="utf-8"))
LIMIT = 1 << 20


def row_bytes(row):
    """The bytes of a row: in hexadecimal, or pieces of text, some of them many times."""
    if "hex" in row:
        return bytes.fromhex(row["hex"])
    return "".join(p if isinstance(p, str) else p[0] * p[1] for p in row["data"]).encode()


def parsed(text, **options):
    return parse_json(text.encode(), limit=LIMIT, what="doc", **options)


@pytest.mark.parametrize("row", ROWS, ids=[row["name"] for row in ROWS])
def test_a_bad_document_is_refused_with_its_place(row, tmp_path):
    data = row_bytes(row)
    with pytest.raises(InputError) as caught:
        parse_json(data, limit=LIMIT, what="doc")
    assert str(caught.value).startswith(row["message"])
    assert "\n" not in str(caught.value)
    assert isinstance(caught.value, NanobookError)
    assert isinstance(caught.value, ValueError)
    path = tmp_path / "doc.json"
    path.write_bytes(data)
    with pytest.raises(InputError) as again:
        read_json(path, limit=LIMIT, what="doc")
    assert str(again.value) == str(caught.value)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('{"a": [1, 2.5, "x", true, false, null]}', {"a": [1, 2.5, "x", True, False, None]}),
        (" 12345678901234567890123456789012 ", 12345678901234567890123456789012),
        ("1e300", 1e300),
        ('"\\ud83d\\ude00"', "\N{GRINNING FACE}"),
        ('{"a": {"b": 1}, "b": {"b": 1}}', {"a": {"b": 1}, "b": {"b": 1}}),
        ('["' + "[" * 100 + '"]', ["[" * 100]),
        ('["\\"' + "[" * 100 + '"]', ['"' + "[" * 100]),
        ('["\\\\", "' + "{" * 100 + '"]', ["\\", "{" * 100]),
        ("[" + "[]," * 1000 + "[]]", [[]] * 1001),
    ],
)
def test_a_good_document_comes_back(text, expected):
    assert parsed(text) == expected


def test_64_levels_and_exactly_the_limit_are_read():
    assert parsed("[" * 64 + "]" * 64 + " " * (LIMIT - 128)) == json.loads("[" * 64 + "]" * 64)


def test_reals_are_made_from_what_is_written():
    assert str(parsed("[0.10, 1, 1E2]", real=Decimal)) == "[Decimal('0.10'), 1, Decimal('1E+2')]"


def test_of_a_long_file_no_more_than_the_limit_is_read():
    with pytest.raises(InputError, match="at most 100 bytes"):
        read_json(Path("/dev/zero"), limit=100, what="doc")


def test_many_keys_before_one_that_is_there_twice_take_no_longer():
    keys = ",".join(f'"{number}":1' for number in range(80_000))
    with pytest.raises(InputError, match="the key 'last' is there twice"):
        parsed(f'{{{keys},"last":1,"last":1}}')


documents = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**30), 10**30)
    | st.text()
    | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=30,
)


@given(documents, st.booleans())
def test_what_python_writes_comes_back(document, ensure_ascii):
    assert parsed(json.dumps(document, ensure_ascii=ensure_ascii)) == document


@given(st.binary(max_size=60) | st.text('[]{}":,\\u0d8e19-.NaInfity \n').map(str.encode))
def test_any_other_bytes_are_refused_as_input(data):
    try:
        document = parse_json(data, limit=50, what="doc")
    except InputError:
        return
    assert document == json.loads(data)
