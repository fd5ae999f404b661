"""What is measured, in a process of its own: `python child.py JSON`, which prints JSON.

It runs beside the original too, where there is nothing but the standard library. CPU time of the
process, in nanoseconds, unless it says otherwise.
"""

from __future__ import annotations

import gc
import json
import os
import sys
from array import array
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from hashlib import blake2b, sha256
from importlib import import_module
from pathlib import Path
from random import Random
from resource import RUSAGE_SELF, getrusage
from struct import iter_unpack, unpack_from
from time import perf_counter_ns, process_time_ns
from typing import Any

LIMIT, CANCEL = 0, 2
SIDES, TIFS = ("buy", "sell"), ("gtc", "ioc", "fok")
_ROW = "<BBBiii"
_ROW_SIZE = 15

Row = tuple[int, str, int, int, str, int]


def mixed(engine: str, path: str, n: int, *, touch: bool) -> dict[str, Any]:
    """The stream call by call, reading what comes back; with the touch after each, or without."""
    rows = _rows(path, 0, n)
    _mixed(_exchange(engine), rows[: n // 20], touch=touch)  # warms the interpreter up
    exchange = _exchange(engine)
    _settle()
    began, kernel = process_time_ns(), _kernel_ns()
    _mixed(exchange, rows, touch=touch)
    ns, kernel = process_time_ns() - began, _kernel_ns() - kernel
    return {"ns": ns / n, "kernel_ns": kernel / n, "digest": _digest(exchange.trades())}


def _mixed(exchange: Any, rows: Iterable[Row], *, touch: bool) -> Any:
    limit, cancel, modify = exchange.submit_limit, exchange.cancel, exchange.modify
    best_bid_ask, seen = exchange.best_bid_ask, None
    for op, side, price, quantity, tif, order_id in rows:
        if op == LIMIT:
            result = limit(side, price, quantity, tif)
            seen = result.order_id
            seen = result.status
            seen = result.trades
        elif op == CANCEL:
            seen = cancel(order_id).success
        else:
            result = modify(order_id, price, quantity)
            seen = result.new_order_id
            seen = result.trades
        if touch:
            seen = best_bid_ask()
    return seen


def operations(engine: str, n: int) -> dict[str, float]:
    """Single operations, each on a book of its own with n orders at 2 x 500 prices."""
    draw = Random(1)  # noqa: S311 - must be reproducible
    bids = [("buy", draw.randint(9_500, 9_999), 10) for _ in range(n)]
    asks = [("sell", draw.randint(10_001, 10_500), 10) for _ in range(n)]
    takers = [("buy", 10_500, 10)] * n
    ids = draw.sample(range(1, n + 1), n)
    moves = [(order_id, draw.randint(9_500, 9_999), 10) for order_id in ids]

    def book(orders: list[tuple[str, int, int]]) -> Any:
        exchange = _exchange(engine)
        for side, price, quantity in orders:
            exchange.submit_limit(side, price, quantity)
        return exchange

    two_sided = book(bids + asks)
    return {
        "submit": _three(_exchange(engine).submit_limit, bids),
        "match": _three(book(asks).submit_limit, takers),
        "cancel": _one(book(bids).cancel, ids),
        "modify": _three(book(bids).modify, moves),
        "best_bid_ask": _none(two_sided.best_bid_ask, n),
        "depth(10), unread": _one(two_sided.depth, [10] * (n // 5)),
        "depth(10), read": _one(lambda levels: _read(two_sided.depth(levels)), [10] * (n // 5)),
    }


def _none(call: Callable[[], object], n: int) -> float:
    _settle()
    began = process_time_ns()
    for _ in range(n):
        call()
    return (process_time_ns() - began) / n


def _one(call: Callable[[int], object], rows: list[int]) -> float:
    _settle()
    began = process_time_ns()
    for number in rows:
        call(number)
    return (process_time_ns() - began) / len(rows)


def _three(call: Callable[..., object], rows: list[Any]) -> float:
    _settle()
    began = process_time_ns()
    for first, second, third in rows:
        call(first, second, third)
    return (process_time_ns() - began) / len(rows)


def _read(book: Any) -> Any:
    seen = None
    for level in book.bids:
        seen = level.price
        seen = level.quantity
    for level in book.asks:
        seen = level.price
        seen = level.quantity
    return seen


def latencies(engine: str, path: str, n: int, into: str, watched: list[int]) -> dict[str, Any]:
    """Wall time of each call, in order, into a file of int64, with the garbage collector on.

    Beside it what may explain some: the collections, each with the call that came next and its own
    nanoseconds; the page faults of the calls that are watched; how often the process had to wait.
    """
    exchange = _exchange(engine)
    limit, cancel, modify = exchange.submit_limit, exchange.cancel, exchange.modify
    clock, taken, at = perf_counter_ns, array("q", bytes(8 * n)), 0
    began, collections = 0, []

    def note(phase: str, _: dict[str, int]) -> None:
        nonlocal began
        if phase == "start":
            began = clock()
        else:
            collections.append((at, clock() - began))

    wanted, faults = set(watched), {}
    _settle()
    gc.callbacks.append(note)
    for chunk in _chunks(path, n):
        for op, side, price, quantity, tif, order_id in chunk:
            if at in wanted:
                faults[at] = -getrusage(RUSAGE_SELF).ru_minflt
            if op == LIMIT:
                start = clock()
                limit(side, price, quantity, tif)
                taken[at] = clock() - start
            elif op == CANCEL:
                start = clock()
                cancel(order_id)
                taken[at] = clock() - start
            else:
                start = clock()
                modify(order_id, price, quantity)
                taken[at] = clock() - start
            if at in wanted:
                faults[at] += getrusage(RUSAGE_SELF).ru_minflt
            at += 1
    gc.callbacks.remove(note)
    with Path(into).open("wb") as file:
        taken.tofile(file)
    return {
        "clock_ns": _clock_cost(),
        "collections": collections,
        "faults": list(faults.items()),
        "waits": getrusage(RUSAGE_SELF).ru_nivcsw,
    }


def _clock_cost() -> int:
    clock, taken = perf_counter_ns, array("q", bytes(8 * 100_001))
    for at in range(len(taken)):
        start = clock()
        taken[at] = clock() - start
    return sorted(taken)[len(taken) // 2]


def batch(path: str, n: int, *, log_events: bool) -> dict[str, Any]:
    """One `apply` of the whole stream."""
    make = import_module("nanobook").Exchange
    ops = _ops(path, n)
    make(log_events=log_events).apply(ops[: n // 20])  # as for single calls
    exchange = make(log_events=log_events)
    _settle()
    began, kernel = process_time_ns(), _kernel_ns()
    result = exchange.apply(ops)
    ns, kernel = process_time_ns() - began, _kernel_ns() - kernel
    return {"ns": ns / n, "kernel_ns": kernel / n, "digest": _array_digest(result.trades)}


def symbols(path: str, n: int, count: int, threads: int) -> dict[str, Any]:
    """Wall time of one `apply` over books that all get the same stream, row by row in turns."""
    ops = _ops(path, n // count).repeat(count)
    ops["symbol"] = [number for _ in range(n // count) for number in range(count)]

    def exchange() -> Any:
        multi = import_module("nanobook").MultiExchange()
        for number in range(count):
            multi.get_or_create(f"S{number}")
        return multi

    exchange().apply(ops[: n // 20], threads=threads)
    multi = exchange()
    _settle()
    began = perf_counter_ns()
    result = multi.apply(ops, threads=threads)
    return {"ns": (perf_counter_ns() - began) / len(ops), "digest": _array_digest(result.trades)}


def hashing(threads: int) -> dict[str, float]:
    """Wall time of what threads can surely share: whether there are processors for them."""
    data = bytes(2**26)
    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(sha256, [b""] * threads))
        began = perf_counter_ns()
        list(pool.map(sha256, [data] * 4))
        return {"ns": (perf_counter_ns() - began) / (4 * len(data))}


def memory(engine: str, n: int, **settings: bool) -> dict[str, float]:
    """Growth of the resident memory by n resting orders at 2 x 500 prices, in bytes an order."""
    exchange = _exchange(engine, **settings)
    exchange.submit_limit("buy", 9_999, 10)
    _settle()
    before = _resident_bytes()
    for number in range(n):
        if number & 1:
            exchange.submit_limit("buy", 9_999 - number % 500, 10)
        else:
            exchange.submit_limit("sell", 10_001 + number % 500, 10)
    gc.collect()
    return {"bytes": (_resident_bytes() - before) / n}


def _kernel_ns() -> float:
    """CPU time of the process inside the system: most of it hands out memory."""
    return getrusage(RUSAGE_SELF).ru_stime * 1e9


def _resident_bytes() -> int:
    try:
        pages = Path("/proc/self/statm").read_text(encoding="ascii").split()[1]
    except FileNotFoundError:  # macOS, which counts in bytes
        return getrusage(RUSAGE_SELF).ru_maxrss
    return int(pages) * os.sysconf("SC_PAGE_SIZE")


def _exchange(engine: str, **settings: bool) -> Any:
    module, name = engine.split(":")
    return getattr(import_module(module), name)(**settings)


def _settle() -> None:
    """What was made so far shall not be looked through while the clock runs."""
    gc.collect()
    gc.freeze()


def _rows(path: str, start: int, count: int) -> list[Row]:
    """Rows of a stream, its codes as words; read without numpy."""
    with Path(path).open("rb") as file:
        (header,) = unpack_from("<H", file.read(10), 8)
        file.seek(10 + header + start * _ROW_SIZE)
        data = file.read(count * _ROW_SIZE)
    return [
        (op, SIDES[side], price, quantity, TIFS[tif], order_id)
        for op, side, tif, price, quantity, order_id in iter_unpack(_ROW, data)
    ]


def _chunks(path: str, n: int) -> Iterator[list[Row]]:
    for start in range(0, n, 100_000):
        yield _rows(path, start, min(100_000, n - start))


def _ops(path: str, n: int) -> Any:
    import numpy as np

    rows = np.load(path, mmap_mode="r")[:n]
    ops: Any = import_module("nanobook").make_ops(**{name: rows[name] for name in rows.dtype.names})
    return ops


def _digest(trades: Iterable[Any]) -> str:
    numbers = array("q")
    for trade in trades:
        numbers.extend((trade.price, trade.quantity))
        numbers.extend((trade.aggressor_order_id, trade.passive_order_id))
    return blake2b(numbers, digest_size=8).hexdigest()


def _array_digest(trades: Any) -> str:
    import numpy as np

    names = ("price", "quantity", "aggressor_order_id", "passive_order_id")
    numbers = np.column_stack([trades[name] for name in names])
    return blake2b(numbers.astype(np.int64).tobytes(), digest_size=8).hexdigest()


TASKS = (mixed, operations, latencies, batch, symbols, hashing, memory)

if __name__ == "__main__":
    task, arguments = json.loads(sys.argv[1])
    print(json.dumps({known.__name__: known for known in TASKS}[task](**arguments)))
