"""What cannot be written as a message is refused."""

import numpy as np
import pytest

from nanobook_core.contracts.itch import ItchMemory
from nanobook_core.errors import ValidationError
from nanobook_itch.encode import encode, encode_message
from nanobook_itch.fallback.decode import itch_decode

ADD = {
    "locate": 1,
    "timestamp": 2,
    "reference": 3,
    "side": "B",
    "shares": 4,
    "symbol": "AAPL",
    "price": 5,
}

CROSS = {
    "locate": 1,
    "timestamp": 2,
    "shares": 3,
    "symbol": "A",
    "price": 4,
    "match": 5,
    "cross": "O",
}


def add(**fields):
    return encode_message("A", **ADD | fields)


def tables(*feed):
    wanted = {"symbols": None, "types": None, "start": 0, "end": 2**63 - 1, "strict": True}
    return dict(itch_decode(b"".join(feed), ItchMemory(), **wanted).families)


def test_tracking_is_0_where_it_is_not_given():
    assert add() == add(tracking=0)
    assert add(tracking=258)[5:7] == b"\1\2"


@pytest.mark.parametrize("value", [5, np.uint8(5), np.int64(5)])
def test_whole_numbers_of_any_kind_are_taken(value):
    assert add(price=value) == add()


@pytest.mark.parametrize("value", ["AAPL", "AAPL    ", b"AAPL", b"AAPL "])
def test_text_is_padded(value):
    assert add(symbol=value) == add()


@pytest.mark.parametrize(
    ("field", "value", "error", "told"),
    [
        ("price", -1, OverflowError, "price of A is 0 to 4294967295, got -1"),
        ("price", 2**32, OverflowError, "price of A is 0 to 4294967295, got 4294967296"),
        ("locate", 2**16, OverflowError, "locate of A is 0 to 65535, got 65536"),
        ("timestamp", 2**48, OverflowError, "timestamp of A is 0 to 281474976710655"),
        ("reference", 2**64, OverflowError, "reference of A is 0 to 18446744073709551615"),
        ("price", 5.0, TypeError, "price of A is a whole number, got 5.0"),
        ("price", True, TypeError, "price of A is a whole number, got True"),
        ("price", "5", TypeError, "price of A is a whole number, got '5'"),
        ("price", None, TypeError, "price of A is a whole number, got None"),
        (
            "symbol",
            "NINECHARS",
            ValidationError,
            "symbol of A has at most 8 bytes, got 'NINECHARS'",
        ),
        ("symbol", "\N{EURO SIGN}", ValidationError, "symbol of A is ASCII"),
        ("symbol", 5, TypeError, "symbol of A is a string or bytes, got 5"),
        ("side", "b", ValidationError, "side of A is B or S, got 'b'"),
        ("side", "", ValidationError, "side of A is B or S, got ''"),
    ],
)
def test_a_field_is_refused(field, value, error, told):
    with pytest.raises(error, match=told):
        add(**{field: value})


def test_an_amount_is_what_a_table_holds():
    assert encode_message("Q", **CROSS | {"shares": 2**63 - 1})[13:21] == b"\x7f" + b"\xff" * 7
    with pytest.raises(OverflowError, match="shares of Q is 0 to 9223372036854775807"):
        encode_message("Q", **CROSS | {"shares": 2**63})


@pytest.mark.parametrize(
    ("kind", "fields", "told"),
    [
        ("Z", ADD, "a type is one of S R H Y L V W K J h A F E C X D U P Q B I N O, got 'Z'"),
        ("", ADD, "a type is one of"),
        ("F", ADD, "missing: mpid; unknown: none"),
        ("D", ADD, "missing: none; unknown: side, shares, symbol, price"),
        ("A", {}, "missing: locate, timestamp, reference, side, shares, symbol, price; unknown"),
    ],
)
def test_a_message_is_refused(kind, fields, told):
    with pytest.raises(ValidationError, match=told):
        encode_message(kind, **fields)


# Tables.


def test_nothing_is_no_bytes():
    assert encode({}) == b""
    assert encode(tables()) == b""


def test_messages_are_put_in_the_order_of_their_sequence():
    found = tables(add(), encode_message("Q", **CROSS), add(reference=9))
    found["order"] = found["order"][::-1]
    assert encode(found) == add() + encode_message("Q", **CROSS) + add(reference=9)


def test_smaller_numbers_and_shorter_text_fit():
    found = tables(add())
    narrow = [
        (name, "i2") if kind == "<i8" else (name, kind)
        for name, kind in found["order"].dtype.descr
        if name
    ]
    narrow = [(name, "S4") if name == "symbol" else (name, kind) for name, kind in narrow]
    made = np.zeros(1, narrow)
    for name, _ in narrow:
        made[name] = found["order"][name]
    assert encode({"order": made}) == add()


@pytest.mark.parametrize(
    ("column", "value", "error", "told"),
    [
        ("price", -1, OverflowError, "price of A is 0 to 4294967295, got -1 at sequence 1"),
        ("price", 2**32, OverflowError, "price of A is 0 to 4294967295, got 4294967296"),
        ("shares", 2**32, OverflowError, "shares of A is 0 to 4294967295, got 4294967296"),
        ("timestamp", -1, OverflowError, "timestamp of A is 0 to 281474976710655, got -1"),
        ("timestamp", 2**48, OverflowError, "timestamp of A is 0 to 281474976710655, got"),
        ("side", b"", ValidationError, "side of A is B or S, got b'' at sequence 1"),
        ("type", b"P", ValidationError, "a type of order is one of A F E C X D U, got b'P'"),
        ("sequence", 0, ValidationError, "sequence 0 is that of two messages"),
    ],
)
def test_a_row_is_refused(column, value, error, told):
    found = tables(add(), add(reference=9))
    found["order"][column][1] = value
    with pytest.raises(error, match=told):
        encode(found)


def test_an_amount_below_0_is_refused():
    found = tables(encode_message("Q", **CROSS))
    found["trade"]["shares"] = -1
    with pytest.raises(OverflowError, match="shares of Q is 0 to 9223372036854775807, got -1"):
        encode(found)


def test_two_messages_of_a_sequence_in_two_tables_are_refused():
    found = tables(add()) | {"trade": tables(encode_message("Q", **CROSS))["trade"]}
    with pytest.raises(ValidationError, match="sequence 0 is that of two messages"):
        encode(found)


def test_a_family_that_there_is_not_is_refused():
    with pytest.raises(ValidationError, match=r"a family is one of order, trade, .* got 'orders'"):
        encode({"orders": tables()["order"]})


@pytest.mark.parametrize(
    ("kind", "told"),
    [
        ("f8", "column price of order is <i8, got float64"),
        ("u8", "got uint64"),
        ("S8", r"got \|S8"),
    ],
)
def test_a_column_of_another_kind_is_refused(kind, told):
    table = tables(add())["order"]
    other = np.zeros(
        1, [(name, kind if name == "price" else table.dtype[name]) for name in table.dtype.names]
    )
    with pytest.raises(ValidationError, match=told):
        encode({"order": other})


def test_a_column_that_is_missing_is_refused():
    table = tables(add())["order"]
    with pytest.raises(ValidationError, match="column price of order is <i8, got None"):
        encode({"order": table[[name for name in table.dtype.names if name != "price"]]})
