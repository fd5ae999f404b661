"""All there is to see of a kernel, as plain values, and kernels to look at."""

from __future__ import annotations

import numpy as np
from tests.itch import model

from nanobook_core.contracts.itch import ItchMemory
from nanobook_core.errors import ItchError
from nanobook_core.plugin.registry import default_registry, load_target

END = 2**63 - 1


def kernels(name):
    """Every implementation that is installed, and the model, by whose it is."""
    found = {
        offer.provider: load_target(offer)
        for offer in default_registry().capabilities
        if (offer.kind, offer.name) == ("kernel", name)
    }
    return {"model": {"itch_decode": model.decode, "itch_books": model.Books}[name], **found}


def plain(table):
    return table.dtype.descr, {name: table[name].tolist() for name in table.dtype.names}


def of_memory(memory):
    known = np.flatnonzero(memory.symbols.view("u8"))
    return {
        "symbols": {int(locate): bytes(memory.symbols[locate]) for locate in known},
        "sequence": memory.sequence,
        "offset": memory.offset,
        "timestamp": memory.timestamp,
    }


def of_error(error):
    return {"error": str(error), "offset": error.offset, "type": error.type}


def of_problems(source):
    return {
        "problems": list(source.problems),
        "n_problems": {reason: n for reason, n in source.n_problems.items() if n},
        "counts": np.flatnonzero(source.counts).tolist(),
        "ns": source.counts[source.counts != 0].tolist(),
        "ended": source.ended,
    }


def runs(data, sizes):
    """Feed `data` in pieces of these sizes and one of the rest, each after what was left.

    A generator: it gives what to read, and is sent how much was read.
    """
    left = b""
    place = 0
    for size in (*sizes, len(data)):
        left += data[place : place + size]
        place += size
        read = yield left
        left = left[read:]


def decoded(kernel, data, sizes=(), *, symbols=None, types=None, start=0, end=END, strict=False):
    """What decoding gives, run after run, up to an error if there is one."""
    memory = ItchMemory()
    told = []
    feeding = runs(data, sizes)
    read = None
    while True:
        try:
            run = feeding.send(read)
        except StopIteration:
            break
        try:
            found = kernel(
                run, memory, symbols=symbols, types=types, start=start, end=end, strict=strict
            )
        except ItchError as error:
            told.append(of_error(error))
            break
        read = found.n_bytes
        told.append(
            {
                **{name: plain(rows) for name, rows in found.families.items()},
                **of_problems(found),
                "index": plain(found.index),
                "n_bytes": found.n_bytes,
                "n_messages": found.n_messages,
            }
        )
    return [*told, of_memory(memory)]


ALL = frozenset({"bbo", "trades", "orders", "depth"})


def make_books(kernel, *, strict=False, symbols=None, tables=ALL, depth=3, **rest):
    rest = {"grid": None, "start": 0, "end": END, **rest}
    if rest["grid"] is not None:
        rest["grid"] = np.array(rest["grid"], np.int64)
    return kernel(strict=strict, symbols=symbols, tables=tables, depth=depth, **rest)


def of_books(books, locates=range(6)):
    """What books are by now, and what they have written since."""
    return {
        **{name: plain(rows) for name, rows in books.take().items()},
        "n": len(books),
        "orders": plain(books.orders()),
        "levels": [
            (plain(books.levels(locate, side)), plain(books.orders(locate)))
            for locate in locates
            for side in (b"B", b"S")
        ],
        **of_problems(books),
    }


def booked(kernel, data, sizes=(), *, finish=None, **options):
    """What books become, run after run, up to an error if there is one."""
    books = make_books(kernel, **options)
    told = []
    feeding = runs(data, sizes)
    read = None
    while True:
        try:
            run = feeding.send(read)
        except StopIteration:
            break
        try:
            read = books.feed(run)
        except ItchError as error:
            told.append(of_error(error))
            break
        told.append({"read": read, **of_books(books), **of_memory(books.memory)})
    if finish is not None:
        books.finish(finish)
    return [*told, of_books(books)]
