"""One way of reading a feed, timed in a process of its own.

Run as `python child.py NAME JSON REPEATS SMALL`, in the environment of whoever is measured, so it
imports that one alone. Prints JSON: wall and CPU seconds of each run from the file to the result,
the largest memory of the process, and what the rows come to, by which those who do the same are
compared. A run with the small feed before them is not counted.
"""

from __future__ import annotations

import datetime as dt
import gc
import json
import os
import sys
from importlib import import_module
from pathlib import Path
from resource import RUSAGE_SELF, getrusage
from time import perf_counter, process_time
from typing import Any

RUN = 1 << 20
"""Bytes that are read at once, where it is for us to say."""
ROWS = 1_000_000
DAY = dt.datetime(2019, 12, 30)  # noqa: DTZ001 - the exchange's, as the peers want it
END = 2**63 - 1

Result = dict[str, Any]


def block_compiled() -> None:
    """Leave the kernels to the part that needs no compiler."""
    os.environ["NANOBOOK_BLOCK"] = "nanobook-native"


def kernel(name: str) -> Any:
    """Ours."""
    from nanobook_core.plugin.registry import default_registry

    return default_registry().load("kernel", name)


def decode_whole(path: str) -> Result:
    """Every message of every type in a typed table of its family, all at once."""
    import mmap

    from nanobook_core.contracts import ItchMemory

    with Path(path).open("rb") as file, mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ) as data:
        found = kernel("itch_decode")(
            data, ItchMemory(), symbols=None, types=None, start=0, end=END, strict=True
        )
    orders = found.families["order"]
    return {"messages": found.n_messages, "orders": len(orders), "shares": _sum(orders["shares"])}


def decode_chunked(path: str) -> Result:
    """The same a piece at a time, in memory that is bounded."""
    from nanobook_core.contracts import ItchMemory

    decode, memory = kernel("itch_decode"), ItchMemory()
    counts = {"messages": 0, "orders": 0, "shares": 0}

    def take(data: memoryview) -> int:
        found = decode(data, memory, symbols=None, types=None, start=0, end=END, strict=True)
        orders = found.families["order"]
        counts["messages"] += found.n_messages
        counts["orders"] += len(orders)
        counts["shares"] += _sum(orders["shares"])
        return int(found.n_bytes)

    _in_runs(path, take)
    return counts


def uncompiled_decode(path: str) -> Result:
    """As `decode_whole`."""
    block_compiled()
    return decode_whole(path)


def books(
    path: str, tables: list[str], symbols: list[str] | None = None, depth: int = 10
) -> Result:
    """Every book, message after message, and those tables of rows, a million at a time."""
    made = kernel("itch_books")(
        symbols=None if symbols is None else frozenset(each.encode() for each in symbols),
        strict=True,
        tables=frozenset(tables),
        depth=depth,
        grid=None,
        start=0,
        end=END,
    )
    totals: Result = {}

    def take(data: memoryview) -> int:
        read: int = made.feed(data)
        for name, rows in made.take().items():
            if name in tables:
                _add(totals, name, rows, _OURS.get(name, ()))
        return read

    _in_runs(path, take)
    live = len(made)
    return {**totals, "live": live, "bytes_per_live": round(made.n_bytes / max(1, live), 1)}


def uncompiled_books(path: str, tables: list[str]) -> Result:
    """As `books`."""
    block_compiled()
    return books(path, tables)


def itch_book(
    path: str, tables: list[str], symbols: list[str] | None = None, depth: int = 10
) -> Result:
    """itch-book: the same tables, a million rows or more at a time, prices as whole numbers."""
    import itch_book as peer

    totals: Result = {}
    with peer.open(path, date=DAY.date(), price_type="fixed") as feed:
        batches = feed.batches(tuple(tables), rows=ROWS, depth=depth, symbols=tuple(symbols or ()))
        for batch in batches:
            for name in tables:
                _add(totals, name, getattr(batch, name), _PEER.get(name, ()))
        totals["live"] = feed.stats["live_orders"]
    return totals


def itchfeed(path: str) -> Result:
    """itchfeed: an object a message."""
    from itch.parser import MessageParser

    n = 0
    with Path(path).open("rb") as file:
        for _ in MessageParser().parse_file(file):
            n += 1
    return {"messages": n}


def meatpy(path: str) -> Result:
    """meatpy: an object a message."""
    from meatpy.itch50 import ITCH50MessageReader

    n = 0
    with ITCH50MessageReader(path) as reader:
        for _ in reader:
            n += 1
    return {"messages": n}


def meatpy_book(path: str, symbols: list[str]) -> Result:
    """meatpy: the book of one symbol, without any rows."""
    from meatpy.itch50 import ITCH50MarketProcessor, ITCH50MessageReader

    book = ITCH50MarketProcessor(symbols[0].encode().ljust(8), DAY)
    with ITCH50MessageReader(path) as reader:
        for message in reader:
            book.process_message(message)
    return {}


def parse(path: str) -> Result:
    """Our `parse_itch`: a list of (symbol, Event)."""
    return {"events": len(_nanobook().parse_itch(path))}


def compat(path: str) -> Result:
    """Our `parse_itch`, in the original's form."""
    return {"events": len(_nanobook().parse_itch(path, compat=True))}


def wheel(path: str) -> Result:
    """The original's `parse_itch`: a list of (symbol, Event), without E, C and P."""
    return {"events": len(_nanobook().parse_itch(path))}


#: Columns of ours and of itch-book that are the same.
_OURS = {
    "bbo": ("bid", "bid_shares", "ask", "ask_shares"),
    "trades": ("price", "shares"),
    "orders": ("reference",),
    "depth": ("bid", "bid_shares", "ask", "ask_shares"),
}
_PEER = {
    "bbo": ("bid_px", "bid_sz", "ask_px", "ask_sz"),
    "trades": ("price", "size"),
    "messages": ("order_id",),
    "depth": (),
}


def _add(totals: Result, name: str, rows: Any, columns: tuple[str, ...]) -> None:
    first = rows["locate"]
    totals[name] = totals.get(name, 0) + len(first)
    if name in ("bbo", "trades"):
        # One column is enough to tell another book, and costs each of them the same.
        key = f"{name}_{'bid' if name == 'bbo' else 'price'}"
        totals[key] = totals.get(key, 0) + _sum(rows[columns[0]])


def _nanobook() -> Any:
    """Ours or the original."""
    return import_module("nanobook")


def _sum(column: Any) -> int:
    return int(column.sum(dtype="u8"))


def _in_runs(path: str, take: Any) -> None:
    """Read a file into one buffer, again and again."""
    buffer = memoryview(bytearray(RUN))
    left = 0
    with Path(path).open("rb", buffering=0) as file:
        while n := file.readinto(buffer[left:]):
            read = take(buffer[: left + n])
            rest = buffer[read : left + n]
            buffer[: len(rest)] = rest
            left = len(rest)


def surface(path: str, tables: list[str]) -> Result:
    """The same as `books`, by what the user has: packed or not, in pieces."""
    totals: Result = {}
    for found in _nanobook().ItchFeed(path, progress=False).book_chunks(tables):
        for name in tables:
            _add(totals, name, getattr(found, name), _OURS.get(name, ()))
    return totals


def main() -> None:
    """Run one several times, and say what each took."""
    name, options, repeats, warm_up = (
        sys.argv[1],
        json.loads(sys.argv[2]),
        int(sys.argv[3]),
        sys.argv[4],
    )
    way, runs = globals()[name], []
    way(**{**options, "path": warm_up})  # imports are not what is measured
    before = _peak()
    for _ in range(int(repeats)):
        gc.collect()
        wall, cpu = perf_counter(), process_time()
        result = way(**options)
        runs.append({"wall": perf_counter() - wall, "cpu": process_time() - cpu})
    told = {"runs": runs, "peak": _peak(), "grown": _peak() - before, "result": result}
    print(json.dumps(told))


def _peak() -> int:
    """Largest memory of this process so far, in bytes; not of the one that started it."""
    status = Path("/proc/self/status")
    if status.exists():
        lines = status.read_text(encoding="ascii").splitlines()
        return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM"))
    return getrusage(RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


if __name__ == "__main__":
    main()
