"""What `nanobook itch` says: of a day, of files that are none, and of itself.

`python -m tests.itch.test_command` writes the transcripts anew.
"""

import gzip
import json
import shlex
import tempfile
from contextlib import chdir
from pathlib import Path

import pytest
from tests.itch.itch_command import run_here

from nanobook_itch.command.group import itch
from nanobook_itch.encode import encode_message
from nanobook_itch.feed import ItchFeed
from nanobook_itch.testing.day import day_bytes

DATA = Path(__file__).parents[1] / "data" / "itch"
DAY = day_bytes(messages=5000, symbols=5, seed=1, end_mark=True)
END = len(DAY) - 2 - 14
"""Where the message is that no more messages come."""
NINE = 9 * 3_600_000_000_000


def add(reference, timestamp=NINE, **others):
    """A bid for 100 shares of X at 10 dollars."""
    fields = {"side": "B", "shares": 100, "symbol": "X", "price": 10_0000, **others}
    return encode_message("A", locate=1, timestamp=timestamp, reference=reference, **fields)


def order(kind, reference, locate=1, **fields):
    """Another message of an order."""
    return encode_message(kind, locate=locate, timestamp=NINE, reference=reference, **fields)


FIRST = add(1)
#: Files that are not what they should be.
BAD = {
    "empty.itch": b"",
    "header.itch": FIRST + b"\0",
    "body.itch": FIRST[:-1],
    "zero.itch": b"\0\0" + FIRST,
    "long.itch": b"\xff\xff" + FIRST[2:],
    "length.itch": b"\0\x23" + FIRST[2:-1] + FIRST,
    "type.itch": FIRST + b"\0\x01z",
    "side.itch": FIRST.replace(b"B", b"b"),
    "back.itch": FIRST + add(2, NINE - 1),
    "unknown.itch": FIRST + order("D", 2),
    "twice.itch": FIRST + FIRST,
    "excess.itch": FIRST + order("E", 1, shares=101, match=1),
    "nothing.itch": add(1, shares=0),
    "locate.itch": FIRST + order("X", 1, locate=2, shares=1),
    "text.itch": b"date,open,close\n2024-01-02,1,2\n",
}

#: What is typed.
TRANSCRIPTS = {
    "help.txt": [
        "--help",
        *(f"{name} --help" for name in itch.commands),
    ],
    "cut.txt": [
        "info cut.itch --top 1",
        "books cut.itch",
        "books cut.itch --to 10:00",
        "trades cut.itch --top 1",
        "depth cut.itch --symbols AAPL --levels 1",
        "books cut.itch --out bbo.csv",
    ],
    "day.txt": [
        "info day.itch",
        "info day.itch.gz --top 2",
        "info day.itch --json",
        "books day.itch",
        "books day.itch --top 2",
        "books day.itch --symbols AAPL,TSLA --from 09:30 --to 10:00",
        "books day.itch --symbols AAPL --json",
        "trades day.itch",
        "trades day.itch --symbols AAPL --from 15:59 --json",
        "trades day.itch --symbols ZZZZ",
        "trades day.itch --symbols aapl,ZZZZ",
        "depth day.itch --symbols AAPL --levels 3",
        "depth day.itch --symbols AAPL,TSLA --levels 2 --to 09:45",
        "depth day.itch --symbols AAPL --levels 2 --json",
        "books day.itch --out bbo.csv",
        "books day.itch --out bbo.csv",
        "books day.itch --out bbo.csv --force",
        "trades day.itch --out trades.parquet",
        "depth day.itch --levels 2 --every 01:00 --out depth.arrow",
        "depth day.itch --levels 2 --every 60m --out depth.arrow --force",
        "export day.itch --out all",
        "export day.itch --out all --tables bbo,system --format arrow --force",
        "export day.itch --out lob --format lobster --symbols AAPL --date 2026-03-02 --levels 2",
    ],
    "refused.txt": [
        *(f"books {name}" for name in BAD),
        *(f"books {name} --lenient" for name in BAD),
        "info empty.itch",
        "info empty.itch --lenient",
        "info back.itch --lenient",
        "info none.itch",
        "books none.itch",
        "books .",
        "books day.itch --from 25:00",
        "books day.itch --from 10:00 --to 09:00",
        "books day.itch --symbols TOOLONGNAME",
        "books day.itch --symbols A,,B",
        "books day.itch --out bbo.txt",
        "books day.itch --out none/bbo.csv",
        "depth day.itch",
        "depth day.itch --levels 0",
        "depth day.itch --every 00:01 --symbols X",
        "depth day.itch --every 60 --out depth.csv",
        "depth day.itch --every 1x --out depth.csv",
        "books day.itch --out - --json",
        "trades day.itch --out trades.csv --json",
        "export day.itch --out .",
        "export day.itch --out day.itch",
        "export day.itch --out new --tables bbo,nothing",
        "export day.itch --out new --date 2026-03-02",
        "export day.itch --out new --tables bbo --every 00:01",
        "export day.itch --out new.parquet --format arrow",
        "export day.itch --out new --format lobster --tables bbo",
        "export day.itch --out new --format lobster --every 00:01",
        "export day.itch --out new --format lobster",
        "export day.itch --out new --format lobster --symbols AAPL",
        "export body.itch --out new",
        "export day.itch",
        "books",
    ],
}


def transcript(name):
    """Everything that is said in this folder, as one would see it."""
    Path("day.itch").write_bytes(DAY)
    Path("day.itch.gz").write_bytes(gzip.compress(DAY, mtime=0))
    Path("cut.itch").write_bytes(DAY[:END])
    for file, data in BAD.items():
        Path(file).write_bytes(data)
    lines = []
    for typed in TRANSCRIPTS[name]:
        code, output, errors = run_here(*shlex.split(typed))
        lines += [f"$ nanobook itch {typed}", *output.rstrip().splitlines()]
        lines += [f"! {line}" for line in errors.splitlines()]
        lines += [f"[{code}]", ""]
    return "\n".join(lines)


@pytest.mark.parametrize("name", TRANSCRIPTS)
def test_it_says_what_it_always_said(tmp_path, monkeypatch, name):
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.chdir(tmp_path)
    assert transcript(name) == (DATA / name).read_text()


@pytest.mark.parametrize(
    ("packed", "reason"),
    [
        (gzip.compress(DAY, mtime=0)[:-100], "its gzip is incomplete"),
        (b"\x1f\x8b\x08\x00" + bytes(100), "its gzip is damaged: "),
        (gzip.compress(DAY[:-10], mtime=0), "bytes are there, "),
        (gzip.compress(b"", mtime=0), "it is empty, there is no message in it"),
    ],
)
def test_what_gzip_packed_badly_is_one_line_too(tmp_path, packed, reason):
    file = tmp_path / "day.itch.gz"
    file.write_bytes(packed)
    for subcommand in ("books", "trades"):
        code, output, errors = run_here(subcommand, file)
        assert (code, output) == (2, "")
        (line,) = errors.splitlines()
        assert line.startswith(f"Error: {file}: ")
        assert reason in line
        assert line.endswith("; --lenient goes on and counts such problems")
        code, _, errors = run_here(subcommand, file, "--lenient")
        assert (code, errors.splitlines()[0]) == (0, "warning: 1 problem: truncated 1")


def test_a_symbol_that_would_move_a_terminals_cursor_is_escaped(tmp_path):
    file = tmp_path / "day.itch"
    file.write_bytes(add(1, symbol=b"\x1b[2J\xe9"))
    for subcommand in ("info", "books"):
        code, output, _ = run_here(subcommand, file)
        assert code == 0
        assert output.isascii()
        assert "\\x1b[2J\\xe9" in output
        assert "\x1b" not in output
    written = "\x1b[2J\xe9"
    assert written in run_here("books", file, "--out", "-")[1]
    assert json.loads(run_here("books", file, "--json")[1])["books"][0]["symbol"] == written


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_a_feed_is_not_replaced_by_its_own_table(tmp_path, suffix):
    file = tmp_path / f"day{suffix}"
    file.write_bytes(DAY)
    code, _, said = run_here("books", file, "--out", tmp_path / "." / file.name, "--force")
    assert (code, said.count("is the feed itself")) == (2, 1)
    assert file.read_bytes() == DAY


def test_best_prices_are_those_of_the_books(tmp_path):
    file = tmp_path / "day.itch"
    file.write_bytes(DAY)
    books = ItchFeed(file).books("bbo", end="12:00").books
    found = json.loads(run_here("books", file, "--to", "12:00", "--json")[1])["books"]
    assert len(found) == 5
    for each in found:
        book = books.depth(each["symbol"], 1)
        for side, levels in (("bid", book.bids), ("ask", book.asks)):
            shares = levels[0].quantity if levels else 0
            price = f"{levels[0].price / 1e4:.4f}" if levels else None
            assert (each[side], each[f"{side}_shares"]) == (price, shares)


if __name__ == "__main__":
    for written in TRANSCRIPTS:
        with tempfile.TemporaryDirectory() as folder, chdir(folder):
            (DATA / written).write_text(transcript(written))
