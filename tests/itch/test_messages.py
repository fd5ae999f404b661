"""Every type of message, from bytes written by hand to a row and back."""

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nanobook_core.contracts.itch import ItchMemory
from nanobook_core.contracts.itch_message import MESSAGES
from nanobook_core.plugin.registry import default_registry, load_target
from nanobook_core.testing.law import law
from nanobook_itch.encode import encode, encode_message

GOLDEN = json.loads((Path(__file__).parents[1] / "data" / "itch" / "messages.json").read_text())

KERNELS = [
    pytest.param(load_target(offer), id=offer.provider)
    for offer in default_registry().capabilities
    if (offer.kind, offer.name) == ("kernel", "itch_decode")
]

kernels = pytest.mark.parametrize("decode", KERNELS)
messages = pytest.mark.parametrize("message", GOLDEN, ids=[each["name"] for each in GOLDEN])


def decoded(decode, data, memory=None, **options):
    wanted = {"symbols": None, "types": None, "start": 0, "end": 2**63 - 1, "strict": True}
    return decode(data, memory or ItchMemory(), **wanted | options)


def text(value):
    return value.encode() if isinstance(value, str) else value


def test_the_fallback_is_among_the_kernels():
    assert "nanobook-itch" in [kernel.id for kernel in KERNELS]


def test_every_type_has_a_message_by_hand():
    assert {each["fields"]["type"] for each in GOLDEN} == set("SRHYLVWKJhAFECXDUPQBINO")
    assert set(MESSAGES) == set("SRHYLVWKJhAFECXDUPQBINO")


@kernels
@messages
def test_bytes_become_a_row(decode, message):
    found = decoded(decode, bytes.fromhex(message["hex"]))
    row = dict.fromkeys(found.families[message["family"]].dtype.names, 0)
    for name in row:
        if found.families[message["family"]].dtype[name].kind == "S":
            row[name] = b""
    row |= {name: text(value) for name, value in message["fields"].items()}
    names = found.families[message["family"]].dtype.names
    assert found.families[message["family"]].tolist() == [tuple(row[name] for name in names)]
    assert sum(map(len, found.families.values())) == 1
    assert found.index.tolist() == [
        (0, 0, list(found.families).index(message["family"]), text(message["fields"]["type"]))
    ]
    assert np.flatnonzero(found.counts).tolist() == [ord(message["fields"]["type"])]
    assert (found.n_messages, found.n_bytes) == (1, len(bytes.fromhex(message["hex"])))


@messages
def test_fields_become_bytes(message):
    fields = dict(message["fields"])
    assert encode_message(fields.pop("type"), **fields).hex(" ") == as_pairs(message["hex"])


@kernels
@messages
def test_a_row_becomes_bytes(decode, message):
    found = decoded(decode, bytes.fromhex(message["hex"]))
    assert encode(found).hex(" ") == as_pairs(message["hex"])


def as_pairs(digits):
    return bytes.fromhex(digits).hex(" ")


# Laws.


def numbers(length, *, is_amount=False):
    most = 256**length - 1 if not is_amount else 2**63 - 1
    return st.sampled_from([0, 1, most // 2, most // 2 + 1, most]) | st.integers(0, most)


def texts(length):
    """What a table holds: no spaces or zeros on the right; any byte before."""
    return st.binary(max_size=length).map(lambda value: value.rstrip(b" \0"))


AMOUNTS = {
    *("level_1", "level_2", "level_3", "paired", "imbalance", "near_time"),
    "shares",  # of Q
}


def fields_of(kind):
    drawn = {
        field.name: texts(field.length)
        if field.is_text
        else numbers(field.length, is_amount=field.length == 8 and field.name in AMOUNTS)
        for field in MESSAGES[kind].fields
    }
    if kind in "AFP":
        drawn["side"] = st.sampled_from([b"B", b"S"])
    return st.tuples(st.just(kind), st.fixed_dictionaries(drawn))


feeds = st.lists(st.sampled_from(sorted(MESSAGES)).flatmap(fields_of), max_size=12).map(
    lambda given: sorted(given, key=lambda message: message[1]["timestamp"])
)


@kernels
@settings(law, max_examples=30)
@given(feed=feeds)
def test_what_was_encoded_is_decoded(decode, feed):
    found = decoded(decode, b"".join(encode_message(kind, **fields) for kind, fields in feed))
    names = list(found.families)
    rows = [found.families[names[place["family"]]][place["row"]] for place in found.index]
    assert [row["type"] for row in rows] == [kind.encode() for kind, _ in feed]
    for row, (_, fields) in zip(rows, feed, strict=True):
        assert {name: row[name].item() for name in fields} == fields


@kernels
@settings(law, max_examples=30)
@given(feed=feeds)
def test_what_was_decoded_is_encoded(decode, feed):
    data = b"".join(encode_message(kind, **fields) for kind, fields in feed)
    assert encode(decoded(decode, data)) == data
    assert encode(decoded(decode, data).families) == data
