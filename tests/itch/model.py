"""Decoding and books said a third time, from the contract alone: obvious, and slow.

`decode` and `Books` can stand where the kernels stand.
"""

from __future__ import annotations

import struct
import sys
from collections import Counter
from typing import Any

import numpy as np

from nanobook_core.contracts.itch import ItchDecoded, ItchMemory, ItchProblem
from nanobook_core.contracts.itch_message import MESSAGES
from nanobook_core.contracts.itch_table import (
    BBO,
    FAMILIES,
    INDEX,
    LEVEL,
    LIVE,
    ORDERS,
    TRADES,
    depth_columns,
)

EVERYBODYS = "SVW"
"""Types that are of no stock."""


def dtype(columns):
    return np.dtype([tuple(column) for column in columns], align=True)


def table(rows, columns):
    """An array of rows that are dicts; what a row does not have is 0 or empty."""
    made = np.zeros(len(rows), dtype(columns))
    for place, row in enumerate(rows):
        for name, value in row.items():
            made[name][place] = value
    return made


def to_bytes(data):
    view = memoryview(data)
    if not view.c_contiguous:
        raise TypeError("not contiguous")
    return view.tobytes()


def copy(memory):
    other = ItchMemory()
    other.symbols = memory.symbols.copy()
    other.sequence = memory.sequence
    other.offset = memory.offset
    other.timestamp = memory.timestamp
    return other


class Stop(Exception):  # noqa: N818 - not an error
    """The message is of a time after the one to stop at."""


class Reader:
    """Goes through messages as both kernels do."""

    def __init__(self, known, *, strict, symbols):
        self.known = known
        self.strict = strict
        self.wanted_symbols = (
            None if symbols is None else {symbol.rstrip(b" \0") for symbol in symbols}
        )
        self.counts = np.zeros(256, np.int64)
        self.problems = ()
        self.n_problems = Counter()
        self.ended = False

    def wrong(self, kind, reason, **found):
        problem = ItchProblem.of(self.known.offset, kind, reason, **found)
        if self.strict:
            raise problem.error()
        self.n_problems[reason] += 1
        if len(self.problems) < 1000:
            self.problems += (problem,)

    def read(self, data, until=None):
        """How many bytes are whole messages; `apply` gets each that can be read."""
        place = 0
        self.ended = False
        while len(data) - place >= 2:
            (length,) = struct.unpack_from(">H", data, place)
            if length == 0 and place + 2 == len(data):
                self.ended = True
                break
            message = data[place + 2 : place + 2 + length]
            if len(message) < length:
                break
            try:
                self.message(message, until)
            except Stop:
                break
            place += 2 + length
            self.known.offset += 2 + length
            self.known.sequence += 1
        return place

    def message(self, message, until):  # noqa: C901 - one check after another, as the contract
        if not message:
            self.wrong("", "length_zero")
            return
        kind = chr(message[0])
        if kind not in MESSAGES:
            self.wrong(kind, "unknown_type", type=kind, length=len(message))
            return
        layout = MESSAGES[kind]
        if len(message) != layout.length:
            self.wrong(kind, "wrong_length", length=len(message), type=kind, allowed=layout.length)
            return
        row = {"type": kind.encode()}
        for field in layout.fields:
            raw = message[field.offset : field.offset + field.length]
            if field.is_text:
                # An array's text has no zeros at its end.
                row[field.name] = raw.rstrip(b" ").rstrip(b"\0")
            else:
                row[field.name] = int.from_bytes(raw, "big")
        if until is not None and row["timestamp"] > until:
            raise Stop
        if kind in "AFP" and message[19:20] not in (b"B", b"S"):
            self.wrong(kind, "bad_side", side=chr(message[19]))
            return
        columns = dict(FAMILIES[layout.family])
        for field in layout.fields:
            if columns.get(field.name) == "i8" and row[field.name] >= 2**63:
                self.wrong(kind, "too_large", field=field.name, value=row[field.name])
                return
        known = self.known
        if row["timestamp"] < known.timestamp:
            now = row["timestamp"]
            self.wrong(kind, "time_back", timestamp=now, before=known.timestamp)
        self.arrive(row["timestamp"])
        known.timestamp = row["timestamp"]
        if "symbol" in row:
            known.symbols[row["locate"]] = row["symbol"]
        symbol = bytes(known.symbols[row["locate"]])
        row["sequence"] = known.sequence
        row["symbol"] = symbol
        self.apply(kind, layout.family, row, kind in EVERYBODYS or self.is_wanted(symbol))
        self.counts[ord(kind)] += 1

    def is_wanted(self, symbol):
        wanted = self.wanted_symbols
        return wanted is None or symbol == b"" or symbol in wanted

    def arrive(self, time):
        """A message of this time comes, of which nothing is known yet."""

    def apply(self, kind, family, row, is_wanted):
        raise NotImplementedError


class Decoder(Reader):
    def __init__(self, known, *, types, start, end, **options):
        super().__init__(known, **options)
        self.types, self.start, self.end = types, start, end
        self.rows: dict[str, list[Any]] = {family: [] for family in FAMILIES}
        self.index = []

    def apply(self, kind, family, row, is_wanted):
        is_wanted &= self.types is None or kind in self.types
        if is_wanted and self.start <= row["timestamp"] < self.end:
            rows = self.rows[family]
            self.index.append(
                {
                    "sequence": row["sequence"],
                    "row": len(rows),
                    "family": list(FAMILIES).index(family),
                    "type": row["type"],
                }
            )
            rows.append(row)


def decode(data, memory, /, *, symbols, types, start, end, strict):
    """As the kernel `itch_decode`."""
    data = to_bytes(data)
    after = copy(memory)
    decoder = Decoder(after, symbols=symbols, types=types, start=start, end=end, strict=strict)
    n_bytes = decoder.read(data)
    n_messages = after.sequence - memory.sequence
    vars(memory).update(vars(after))
    return ItchDecoded(
        families={family: table(rows, FAMILIES[family]) for family, rows in decoder.rows.items()},
        index=table(decoder.index, INDEX),
        n_bytes=n_bytes,
        n_messages=n_messages,
        counts=decoder.counts,
        problems=decoder.problems,
        n_problems=dict(decoder.n_problems),
        ended=decoder.ended,
    )


class Books(Reader):
    """As the kernel `itch_books`: all orders stand in one list, by rank."""

    def __init__(self, *, symbols, strict, tables, depth, grid, start, end):
        super().__init__(ItchMemory(), strict=strict, symbols=symbols)
        self.columns = {
            "bbo": BBO,
            "trades": TRADES,
            "orders": ORDERS,
            "depth": depth_columns(depth),
        }
        self.tables = tables
        self.rows: dict[str, list[Any]] = {name: [] for name in tables}
        self.depth = depth
        self.grid = None if grid is None else [int(time) for time in grid]
        self.start, self.end = start, end
        self.live: list[dict[str, Any]] = []
        self.next_rank = 0
        self.have_had = set()
        """Locates."""
        self.error = None

    # What the kernels offer besides `Reader`'s

    def feed(self, data, /, until=None):
        if self.error:
            raise self.error
        data = to_bytes(data)
        try:
            return self.read(data, until)
        except Exception as error:
            self.error = error
            raise

    def take(self):
        taken = {name: table(rows, self.columns[name]) for name, rows in self.rows.items()}
        self.rows = {name: [] for name in self.tables}
        return taken

    def finish(self, until):
        self.write_grid(until + 1)

    def levels(self, locate, side, n=None, /):
        found = []
        for price in sorted({order["price"] for order in self.at(locate, side)}):
            there = [order["shares"] for order in self.at(locate, side) if order["price"] == price]
            found.append({"price": price, "shares": sum(there), "count": len(there)})
        if side == b"B":
            found.reverse()
        return table(found[:n], LEVEL)

    def orders(self, locate=None, /):
        return table([order for order in self.live if locate in (None, order["locate"])], LIVE)

    def restore(self, orders, memory, /):
        self.known = copy(memory)
        for row in np.sort(orders, order="rank"):
            order = {name: row[name].item() for name in LIVE_NAMES}
            self.next_rank = order["rank"] + 1
            if self.is_wanted(bytes(memory.symbols[order["locate"]])):
                self.live.append(order)
                self.have_had.add(order["locate"])

    @property
    def memory(self):
        return copy(self.known)

    @property
    def n_bytes(self):
        return 1 + sum(map(sys.getsizeof, self.live))

    def __len__(self):
        return len(self.live)

    # How a message changes them

    def at(self, locate, side):
        return [order for order in self.live if order["locate"] == locate and order["side"] == side]

    def find(self, reference):
        for order in self.live:
            if order["reference"] == reference:
                return order
        return None

    def arrive(self, time):
        self.write_grid(time)

    def apply(self, kind, family, row, is_wanted):
        if not is_wanted:
            return
        self.now = row
        if kind in "PQB":
            self.write_trade(row, row)
        elif family == "order":
            self.change(kind, row)

    def change(self, kind, row):  # noqa: C901, PLR0912 - as above
        reference = row["reference"]
        order = self.find(reference)
        if kind not in "AF" and order is None:
            self.wrong(kind, "unknown_reference", reference=reference)
            return
        if kind in "AFU" and (row["shares"] == 0 or row["price"] == 0):
            said = row["new_reference"] if kind == "U" else reference
            self.wrong(kind, "no_shares", reference=said, shares=row["shares"], price=row["price"])
            return
        new = {"A": reference, "F": reference, "U": row.get("new_reference")}.get(kind)
        older = None if new is None or (kind == "U" and new == reference) else self.find(new)
        if older is not None:
            self.wrong(kind, "duplicate_reference", reference=new)
        shares = row.get("shares")
        if kind in "ECX" and shares > order["shares"]:
            self.wrong(
                kind, "excess", shares=shares, reference=reference, remaining=order["shares"]
            )
            shares = order["shares"]
        locate = row["locate"]
        if kind not in "AF" and locate != order["locate"]:
            self.wrong(
                kind, "wrong_locate", locate=locate, reference=reference, allowed=order["locate"]
            )
            locate = order["locate"]

        before = {place: self.best(place) for place in {locate, (older or order or row)["locate"]}}
        if older is not None:
            self.live.remove(older)
            if older["locate"] != locate:
                self.write_book(older["locate"], before)
        if kind in "AFU":
            if kind == "U":
                self.live.remove(order)
            side = order["side"] if kind == "U" else row["side"]
            fresh = {"reference": new, "rank": self.next_rank, "price": row["price"]}
            fresh |= {"shares": shares, "locate": locate, "side": side}
            self.next_rank += 1
            self.live.append(fresh)
            self.have_had.add(locate)
            self.write_order(row, fresh, shares, shares)
        else:
            if kind == "D":
                shares = order["shares"]
            order["shares"] -= shares
            if order["shares"] == 0:
                self.live.remove(order)
            if kind in "EC":
                self.write_execution(row, order, shares)
            self.write_order(row, order, shares, order["shares"])
        self.write_book(locate, before)

    # What is written

    def write(self, name, row):
        now = self.now
        if name in self.tables and self.start <= now["timestamp"] < self.end:
            place = {"sequence": now["sequence"], "timestamp": now["timestamp"]}
            symbol = bytes(self.known.symbols[row["locate"]])
            self.rows[name].append({**row, **place, "symbol": symbol})

    def write_trade(self, row, source):
        names = [name for name, _ in TRADES]
        told = {name: value for name, value in source.items() if name in names}
        # What a hidden trade says of its side is no aggressor's.
        self.write("trades", {**told, "side": b"", "locate": row["locate"]})

    def write_execution(self, row, order, shares):
        trade = {"price": order["price"], **row, "shares": shares, "locate": order["locate"]}
        trade["side"] = b"S" if order["side"] == b"B" else b"B"
        names = [name for name, _ in TRADES]
        self.write("trades", {name: value for name, value in trade.items() if name in names})

    def write_order(self, row, order, shares, remaining):
        at_price = [
            other["shares"]
            for other in self.at(order["locate"], order["side"])
            if other["price"] == order["price"]
        ]
        self.write(
            "orders",
            {
                "reference": row["reference"],
                "new_reference": row.get("new_reference", 0),
                "price": order["price"],
                "shares": shares,
                "remaining": remaining,
                "level_shares": sum(at_price),
                "locate": order["locate"],
                "type": row["type"],
                "side": order["side"],
            },
        )

    def best(self, locate):
        """The first levels of both sides; not looked for where nobody asks."""
        if self.tables.isdisjoint({"bbo", "depth"}):
            return [[], []]
        return [self.levels(locate, side, max(self.depth, 1)).tolist() for side in (b"B", b"S")]

    def write_book(self, locate, before):
        after = self.best(locate)
        if [side[:1] for side in after] != [side[:1] for side in before[locate]]:
            row = {"locate": locate}
            for name, side in zip(("bid", "ask"), after, strict=True):
                if side:
                    price, shares, count = side[0]
                    row |= {name: price, f"{name}_shares": shares, f"{name}_count": count}
            self.write("bbo", row)
        shown = [side[: self.depth] for side in after]
        if self.grid is None and shown != [side[: self.depth] for side in before[locate]]:
            self.write("depth", self.depth_row(locate))

    def depth_row(self, locate):
        row = {"locate": locate}
        for name, side in zip(("bid", "ask"), self.best(locate), strict=True):
            levels = [*side[: self.depth], *[(0, 0, 0)] * self.depth][: self.depth]
            row[name] = [level[0] for level in levels]
            row[f"{name}_shares"] = [level[1] for level in levels]
            row[f"{name}_count"] = [level[2] for level in levels]
        return row

    def write_grid(self, before):
        """Write the rows of the grid's times before this one."""
        while self.grid and self.grid[0] < before:
            # The state after the message before the one that is being read.
            self.now = {"timestamp": self.grid.pop(0), "sequence": self.known.sequence - 1}
            for locate in sorted(self.have_had):
                self.write("depth", self.depth_row(locate))


LIVE_NAMES = [name for name, _ in LIVE]
