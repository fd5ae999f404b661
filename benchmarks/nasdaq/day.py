"""The feeds that are read: generated once, kept in benchmarks/.cache."""

from __future__ import annotations

import gzip
import shutil
import sys
from pathlib import Path

import numpy as np
from lob.stream import CACHE

from nanobook_core.contracts.itch_message import MESSAGES
from nanobook_itch.testing.day import write_day

SEED = 1
SYMBOLS = 3_000
ONE = "NVDA"
"""The busiest: about one message in nine."""


def day(messages: int) -> Path:
    """A valid day of all types of message, of so many symbols whatever its length."""
    path = CACHE / f"itch-{messages}.itch"
    if not path.exists():
        print(f"Generating {path}", file=sys.stderr)
        CACHE.mkdir(exist_ok=True)
        part = path.with_suffix(".part")
        write_day(part, messages=messages, symbols=SYMBOLS, seed=SEED)
        part.replace(path)
    return path


def without_listings(messages: int) -> Path:
    """The same day without messages of type `O`, which meatpy takes for four bytes longer."""
    path = CACHE / f"itch-{messages}-without-o.itch"
    if not path.exists():
        data, place, kept = day(messages).read_bytes(), 0, []
        while place < len(data):
            end = place + 2 + int.from_bytes(data[place : place + 2], "big")
            if data[place + 2 : place + 3] != b"O":
                kept.append(data[place:end])
            place = end
        path.write_bytes(b"".join(kept))
    return path


def packed(messages: int) -> Path:
    """The same day, packed."""
    path = CACHE / f"itch-{messages}.itch.gz"
    if not path.exists():
        part = path.with_suffix(".part")
        with day(messages).open("rb") as source, gzip.open(part, "wb", compresslevel=6) as target:
            shutil.copyfileobj(source, target, 1 << 20)
        part.replace(path)
    return path


def live(orders: int) -> Path:
    """Orders that are added and never leave: 1,000 prices a side of 100 symbols."""
    path = CACHE / f"itch-live-{orders}.itch"
    if not path.exists():
        CACHE.mkdir(exist_ok=True)
        draw, message = np.random.default_rng(SEED), MESSAGES["A"]
        row = np.dtype(
            [
                *(("size", ">u2"), ("type", "S1"), ("locate", ">u2"), ("tracking", ">u2")),
                *(("hours", ">u2"), ("timestamp", ">u4"), ("reference", ">u8"), ("side", "S1")),
                *(("shares", ">u4"), ("symbol", "S8"), ("price", ">u4")),
            ]
        )
        if row.itemsize != 2 + message.length:
            raise AssertionError(f"an add is {message.length} bytes, not {row.itemsize - 2}")
        rows = np.zeros(orders, row)
        is_bid = draw.random(orders) < 0.5
        rows["size"], rows["type"] = message.length, b"A"
        rows["locate"] = draw.integers(1, 101, orders)
        rows["symbol"] = [b"S%-7d" % locate for locate in rows["locate"].tolist()]
        rows["timestamp"] = np.arange(orders)
        rows["hours"] = 8_000  # times 2^32 ns: after half past nine
        rows["reference"] = np.cumsum(draw.integers(1, 40, orders))
        rows["side"] = np.where(is_bid, b"B", b"S")
        rows["shares"] = draw.integers(1, 1_000, orders)
        steps = draw.integers(0, 1_000, orders)
        rows["price"] = 100 * np.where(is_bid, 9_999 - steps, 10_001 + steps)
        path.write_bytes(rows.tobytes())
    return path
