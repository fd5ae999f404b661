"""Frames and the handshake: what is written is what is read, and nonsense is told as such."""

import asyncio
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nanobook_ibkr.simulator.wire import (
    MAX_FRAME,
    StreamEndedError,
    WireError,
    decode,
    encode,
    parse_handshake,
    read_frame,
    read_handshake,
)

TEXTS = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]))


def read(stream, how=read_frame, chunk=None):
    """What `how` reads of a stream that ends behind these bytes, one chunk arriving at a time."""

    async def run():
        reader = asyncio.StreamReader()

        async def feed():
            for start in range(0, len(stream), chunk or len(stream) or 1):
                reader.feed_data(stream[start : start + (chunk or len(stream))])
                await asyncio.sleep(0)
            reader.feed_eof()

        feeding = asyncio.create_task(feed())
        try:
            return await how(reader)
        finally:
            await feeding

    return asyncio.run(run())


def test_a_message_is_its_length_and_its_fields_with_a_nul_behind_each():
    assert encode([3, "Submitted", None, True, False, Decimal("1E-8")]) == (
        b"\x00\x00\x00\x1c3\0Submitted\0\x001\x000\x000.00000001\0"
    )


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (Decimal("100.00"), b"100"),
        (Decimal("1E+3"), b"1000"),
        (Decimal("-0.00"), b"0"),
        (Decimal("0E+5"), b"0"),
        (Decimal("-1.50"), b"-1.5"),
        (Decimal(10), b"10"),
        (Decimal("1E-8"), b"0.00000001"),
        (-1, b"-1"),
        ("Zürich", "Zürich".encode()),
        ("\udcff", b"\\udcff"),
    ],
)
def test_numbers_are_written_plainly_and_text_as_it_is(number, text):
    assert encode([number])[4:] == text + b"\0"


@pytest.mark.parametrize("field", ["a\0b", Decimal("NaN"), Decimal("Infinity"), 1.5, b"x", []])
def test_what_cannot_be_a_field_is_refused(field):
    with pytest.raises(WireError, match="cannot be a field"):
        encode([field])


@given(st.lists(TEXTS))
def test_what_is_written_is_read_back(fields):
    assert read(encode(fields)) == fields


@pytest.mark.parametrize("chunk", [1, 3, 1000])
def test_frames_come_apart_wherever_they_are_cut(chunk):
    async def both(reader):
        return [await read_frame(reader), await read_frame(reader), await read_frame(reader)]

    stream = encode(["61", "1"]) + encode([]) + encode(["Zürich"])
    assert read(stream, both, chunk) == [["61", "1"], [], ["Zürich"]]


@pytest.mark.parametrize("cut", range(12))
def test_a_peer_that_leaves_ends_the_stream(cut):
    stream = encode(["61", "1", "abc"])
    with pytest.raises(StreamEndedError, match="closed"):
        read(stream[:cut])


def test_a_connection_that_breaks_ends_the_stream():
    async def broken(reader):
        reader.set_exception(ConnectionResetError("reset by peer"))
        return await read_frame(reader)

    with pytest.raises(StreamEndedError, match="reset by peer"):
        read(b"", broken)


@pytest.mark.parametrize("length", [MAX_FRAME + 1, 0x47455420, 0xFFFFFFFF])
def test_a_frame_of_impossible_length_is_not_waited_for(length):
    """The stream stays open and more never comes: the length alone decides."""

    async def run():
        reader = asyncio.StreamReader()
        reader.feed_data(length.to_bytes(4, "big") + b"x")
        async with asyncio.timeout(10):
            await read_frame(reader)

    with pytest.raises(StreamEndedError, match=f"{length} bytes"):
        asyncio.run(run())


def test_the_longest_frame_is_read():
    assert read(encode(["x" * (MAX_FRAME - 1)])) == ["x" * (MAX_FRAME - 1)]


def test_a_frame_without_its_last_nul_is_an_error_and_the_next_is_read():
    async def two(reader):
        with pytest.raises(WireError, match="does not end in NUL") as caught:
            await read_frame(reader)
        assert not isinstance(caught.value, StreamEndedError)
        return await read_frame(reader)

    assert read(b"\0\0\0\x03a\0b" + encode(["next"]), two) == ["next"]


def test_bytes_that_are_no_text_stay_visible():
    assert decode(b"\xff\xfe\0ok\0") == ["\\xff\\xfe", "ok"]


@given(st.binary())
def test_any_payload_is_fields_or_a_wire_error(payload):
    try:
        fields = decode(payload)
    except WireError:
        assert not payload.endswith(b"\0")
        assert payload
    else:
        assert len(fields) == payload.count(b"\0")


@given(st.binary(), st.integers(1, 5))
def test_any_stream_ends_in_a_wire_error(stream, chunk):
    async def all_of(reader):
        while True:
            await read_frame(reader)

    with pytest.raises(WireError):
        read(stream, all_of, chunk)


@pytest.mark.parametrize(
    ("payload", "versions"),
    [
        (b"v157..176", (157, 176)),
        (b"v157..178 +PACEAPI", (157, 178)),
        (b"v100..225", (100, 225)),
        (b"v163", (163, 163)),
        (b"v157..178 \xff\0\n", (157, 178)),
    ],
)
def test_a_client_says_which_versions_it_speaks(payload, versions):
    assert parse_handshake(payload) == versions
    stream = b"API\0" + len(payload).to_bytes(4, "big") + payload
    assert read(stream, read_handshake, 1) == versions


@pytest.mark.parametrize(
    "payload",
    [b"", b"v", b"157..176", b"v157..", b"v1..2..3", b"v-1..5", b"v178..157", b"v1_5", b"\xff"],
)
def test_a_first_frame_of_another_kind_is_an_error(payload):
    with pytest.raises(WireError):
        parse_handshake(payload)


@pytest.mark.parametrize(
    "stream", [b"", b"AP", b"GET / HTTP/1.1\r\n", b"API\0\xff\xff\xff\xff", b"API\0\0\0\0\x09v157"]
)
def test_who_is_no_client_of_tws_ends_the_stream(stream):
    with pytest.raises(StreamEndedError):
        read(stream, read_handshake)


@given(st.binary())
def test_any_first_frame_is_versions_or_a_wire_error(payload):
    try:
        lowest, highest = parse_handshake(payload)
    except WireError:
        return
    assert 0 <= lowest <= highest <= 999_999
