"""Generated days are valid, of the size that was asked for, and for a seed always the same."""

import hashlib
import io
import subprocess
import sys
from collections import Counter
from itertools import pairwise

import numpy as np
import pytest
from tests.itch import model
from tests.itch.compare import make_books

from nanobook_core.contracts.itch_message import MESSAGES
from nanobook_core.plugin.registry import default_registry
from nanobook_itch.testing.day import TICKERS, TradingDay, day_bytes, write_day


def split(data):
    place = 0
    while place < len(data):
        length = int.from_bytes(data[place : place + 2], "big")
        yield data[place + 2 : place + 2 + length]
        place += 2 + length


@pytest.mark.parametrize(
    ("messages", "symbols"), [(305, 1), (310, 2), (345, 9), (800, 100), (1500, 3), (3000, 20)]
)
@pytest.mark.parametrize("seed", range(3))
def test_a_day_is_valid_to_the_last_message_and_ends_as_it_says(messages, symbols, seed):
    day = TradingDay(messages=messages, symbols=symbols, seed=seed)
    data = b"".join(day.chunks())
    books = make_books(model.Books, strict=True, tables=frozenset())
    assert books.feed(data) == len(data) == day.n_bytes
    assert books.memory.sequence == messages
    live = [(*row,) for row in books.orders()[["reference", "locate", "side", "price", "shares"]]]
    assert live == [(*order[:2], order.side.encode(), *order[3:]) for order in day.live()]
    counts = {kind: int(books.counts[ord(kind)]) for kind in day.counts}
    assert counts == day.counts
    assert set(counts) == set(MESSAGES)


def test_books_cross_in_the_halt_only():
    books = make_books(model.Books, tables=frozenset(), depth=1)
    halted, crossed = set(), Counter()
    for message in split(day_bytes(messages=2500, symbols=1, seed=3)):
        books.feed(len(message).to_bytes(2, "big") + message)
        kind, locate = chr(message[0]), int.from_bytes(message[1:3], "big")
        if kind == "H":
            (halted.discard if message[19:20] == b"T" else halted.add)(locate)
        best = [books.levels(locate, side, 1)["price"] for side in (b"B", b"S")]
        if all(map(len, best)) and best[0] >= best[1]:
            crossed[locate in halted] += 1
    assert crossed[True] > 0
    assert crossed[False] == 0


def test_executions_are_of_the_first_in_the_queue():
    books = make_books(model.Books, tables=frozenset())
    n = 0
    for message in split(day_bytes(messages=1500, symbols=2, seed=8)):
        if message[:1] in (b"E", b"C"):
            reference = int.from_bytes(message[11:19], "big")
            locate = int.from_bytes(message[1:3], "big")
            orders = books.orders(locate)
            side = orders["side"][orders["reference"] == reference][0]
            queue = orders[orders["side"] == side]
            best = queue["price"].max() if side == b"B" else queue["price"].min()
            assert queue[queue["price"] == best]["reference"][0] == reference
            n += 1
        books.feed(len(message).to_bytes(2, "big") + message)
    assert n > 50


def test_the_mix_is_like_a_real_day_and_activity_is_skewed():
    day = TradingDay(messages=40_000, symbols=100, seed=1)
    data = b"".join(day.chunks())
    share = {kind: round(100 * n / 40_000) for kind, n in day.counts.items()}
    assert {kind: n for kind, n in share.items() if kind in "ADUEFPXC"} == {
        "A": 41,
        "D": 35,
        "U": 9,
        "E": 6,
        "F": 2,
        "P": 2,
        "X": 2,
        "C": 1,
    }
    of_stock = Counter(int.from_bytes(message[1:3], "big") for message in split(data))
    names = [day.symbols[locate - 1] for locate, _ in of_stock.most_common(5) if locate]
    assert set(names[:3]) <= set(TICKERS)
    assert of_stock.most_common(1)[0][1] > 10 * np.median(list(of_stock.values()))


def test_a_seed_gives_the_same_bytes_everywhere():
    digest = hashlib.sha256(day_bytes(messages=20_000, symbols=50, seed=7)).hexdigest()
    assert digest == "71a01ef9a599ab2db5474095ad53ef55e6860058a76d213b5341008db853e6e4"
    assert day_bytes(messages=400, symbols=3, seed=1) != day_bytes(messages=400, symbols=3, seed=2)


def test_it_is_written_in_pieces_to_a_path_or_a_file(tmp_path):
    data = day_bytes(messages=30_000, symbols=5, seed=4)
    pieces = list(TradingDay(messages=30_000, symbols=5, seed=4).chunks())
    assert max(map(len, pieces)) < 400_000
    assert b"".join(pieces) == data
    assert write_day(tmp_path / "day", messages=30_000, symbols=5, seed=4).n_bytes == len(data)
    assert (tmp_path / "day").read_bytes() == data
    file = io.BytesIO()
    write_day(file, messages=30_000, symbols=5, seed=4, end_mark=True)
    assert file.getvalue() == data + b"\0\0"


def test_symbols_may_have_names_and_be_alike():
    day = TradingDay(messages=2000, symbols=("MSFT", "A", "BRK.A"), activity=0.0)
    data = b"".join(day.chunks())
    assert day.symbols == ("A", "BRK.A", "MSFT")
    counts = Counter(message[24:32] for message in split(data) if message[:1] in (b"A", b"F"))
    assert set(counts) == {b"A       ", b"BRK.A   ", b"MSFT    "}
    assert max(counts.values()) < 2 * min(counts.values())


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"messages": 304, "symbols": 1}, "304 messages are too few for 1 symbols"),
        ({"symbols": 0}, "0 symbols: there must be 1 to 65535"),
        ({"symbols": 65_536, "messages": 10**6}, "65536 symbols: there must be 1 to 65535"),
        ({"symbols": ["NINECHARS"]}, "symbol 'NINECHARS': it must have 1 to 8 ASCII characters"),
        ({"symbols": ["A", "A"]}, "a symbol is there twice"),
    ],
)
def test_what_cannot_be_a_day_is_refused(asked, said):
    with pytest.raises(ValueError, match=said):
        TradingDay(**asked)


def test_it_needs_neither_hypothesis_nor_pytest():
    code = (
        "import sys, nanobook_itch.testing.day; "
        "print(sorted({'pytest', 'hypothesis', 'numpy'} & set(sys.modules)))"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"


def test_prices_move_and_order_flow_pushes_the_way_they_go():
    """The best prices of a busy stock change some hundred times, mostly by what is executed."""
    books = make_books(
        default_registry().load("kernel", "itch_books"),
        strict=True,
        tables=frozenset({"bbo", "trades"}),
    )
    books.feed(day_bytes(messages=40_000, symbols=20, seed=2))
    rows = books.take()
    bbo = rows["bbo"][rows["bbo"]["symbol"] == b"AAPL"]
    bbo = bbo[(bbo["bid"] > 0) & (bbo["ask"] > 0)]
    middle = (bbo["bid"] + bbo["ask"]) / 2
    assert np.count_nonzero(np.diff(middle)) > 200
    trades = rows["trades"][rows["trades"]["symbol"] == b"AAPL"]
    trades = trades[(trades["side"] != b"") & (trades["printable"] != b"N")]
    signed = np.where(trades["side"] == b"B", 1, -1)
    edges = np.linspace(0, len(trades) - 1, 21).astype(int)
    flow = [signed[a:b].sum() for a, b in pairwise(edges)]
    at = np.interp(trades["sequence"], bbo["sequence"], middle)
    assert np.corrcoef(flow, np.diff(at[edges]))[0, 1] > 0.5
