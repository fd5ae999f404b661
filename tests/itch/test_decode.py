"""What is asked of a decoder is what it gives, by every kernel."""

import pytest

from nanobook_core.contracts.itch import ItchMemory
from nanobook_core.plugin.registry import default_registry, load_target
from nanobook_itch.encode import encode, encode_message

KERNELS = [
    pytest.param(load_target(offer), id=offer.provider)
    for offer in default_registry().capabilities
    if (offer.kind, offer.name) == ("kernel", "itch_decode")
]


@pytest.fixture(params=KERNELS)
def decode(request):
    def decode(data, memory=None, **options):
        wanted = {"symbols": None, "types": None, "start": 0, "end": 2**63 - 1, "strict": True}
        return request.param(data, memory or ItchMemory(), **wanted | options)

    return decode


def add(time, reference, locate, symbol):
    fields = {"reference": reference, "side": "B", "shares": 1, "price": 1}
    return encode_message("A", locate=locate, timestamp=time, symbol=symbol, **fields)


def delete(time, reference, locate):
    return encode_message("D", locate=locate, timestamp=time, reference=reference)


FEED = [
    encode_message("S", locate=1, timestamp=10, event="O"),
    delete(11, 7, 1),
    add(12, 1, 1, "AAPL"),
    add(13, 2, 2, "MSFT"),
    encode_message("W", locate=2, timestamp=14, breached="1"),
    encode_message("V", locate=2, timestamp=15, level_1=3, level_2=2, level_3=1),
    delete(16, 1, 1),
    encode_message("B", locate=2, timestamp=17, match=5),
    encode_message("B", locate=3, timestamp=18, match=6),
    delete(19, 2, 2),
]


def chosen(*places):
    return b"".join(FEED[place] for place in places)


@pytest.mark.parametrize(
    ("options", "places"),
    [
        ({}, range(10)),
        ({"types": frozenset("DA")}, [1, 2, 3, 6, 9]),
        ({"types": frozenset()}, []),
        ({"start": 13, "end": 17}, [3, 4, 5, 6]),
        ({"start": 13, "end": 13}, []),
        # What is of no stock is everybody's, and what is of a stock not known yet.
        ({"symbols": frozenset({b"AAPL"})}, [0, 1, 2, 4, 5, 6, 8]),
        ({"symbols": frozenset({b"MSFT"})}, [0, 1, 3, 4, 5, 7, 8, 9]),
        ({"symbols": frozenset({b"AAPL", b"MSFT"})}, range(10)),
        ({"symbols": frozenset()}, [0, 1, 4, 5, 8]),
        ({"symbols": frozenset({b"AAPLAAPLA", b"MSFTT"})}, [0, 1, 4, 5, 8]),
        ({"symbols": frozenset({b"MSFT"}), "types": frozenset("D"), "start": 12}, [9]),
    ],
)
def test_what_is_wanted_is_given(decode, options, places):
    found = decode(b"".join(FEED), **options)
    assert encode(found) == chosen(*places)
    assert found.index["sequence"].tolist() == list(places)
    # All are read, wanted or not.
    assert (found.n_messages, found.n_bytes) == (10, len(b"".join(FEED)))
    assert found.counts[[ord(kind) for kind in "SDAWVB"]].tolist() == [1, 3, 2, 1, 1, 2]


def test_a_row_has_the_symbol_of_its_locate(decode):
    found = decode(b"".join(FEED))
    assert found.families["order"]["symbol"].tolist() == [b"", b"AAPL", b"MSFT", b"AAPL", b"MSFT"]
    assert found.families["trade"]["symbol"].tolist() == [b"MSFT", b""]


def test_a_family_has_its_rows_in_the_order_of_the_source(decode):
    found = decode(b"".join(FEED))
    assert found.families["order"]["sequence"].tolist() == [1, 2, 3, 6, 9]
    places = list(zip(found.index["family"].tolist(), found.index["row"].tolist(), strict=True))
    names = list(found.families)
    order, trade, breaker, system = map(names.index, ("order", "trade", "breaker", "system"))
    assert places == [
        *((system, 0), (order, 0), (order, 1), (order, 2), (breaker, 0), (breaker, 1)),
        *((order, 3), (trade, 0), (trade, 1), (order, 4)),
    ]


def test_a_message_left_out_counts_in_the_sequence_and_teaches_nothing(decode):
    memory = ItchMemory()
    bad = add(99, 3, 1, "OTHER").replace(b"B\0\0\0\1OTHER", b"b\0\0\0\1OTHER")
    data = [b"\0\1z", add(1, 1, 1, "AAPL"), bad, b"\0\0", delete(2, 1, 1)[:-1]]
    data[-1] = (18).to_bytes(2) + data[-1][2:]
    found = decode(b"".join([*data, delete(3, 1, 1)]), memory, strict=False)
    assert [each.reason for each in found.problems] == [
        *("unknown_type", "bad_side", "length_zero", "wrong_length")
    ]
    assert found.index["sequence"].tolist() == [1, 5]
    assert found.families["order"]["symbol"].tolist() == [b"AAPL", b"AAPL"]
    assert (found.n_messages, memory.sequence, memory.timestamp) == (6, 6, 3)
    again = decode(delete(4, 1, 1), memory, strict=False)
    assert again.index["sequence"].tolist() == [6]
    assert again.problems == ()


@pytest.mark.parametrize("n_bytes", range(38))
def test_what_is_not_whole_is_left(decode, n_bytes):
    found = decode(FEED[1] + FEED[2][:n_bytes])
    assert (found.n_messages, found.n_bytes) == (1, len(FEED[1]))
    assert not found.ended


def test_the_mark_of_the_end_is_left(decode):
    found = decode(FEED[1] + b"\0\0")
    assert (found.n_messages, found.n_bytes, found.ended) == (1, len(FEED[1]), True)
