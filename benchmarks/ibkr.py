"""Orders a second through the simulated gateway: bare socket, plain ib_insync, nanobook's broker.

The gateway runs in a process of its own, a new one for each measurement, its pacing off. Wall time:
what is measured waits for another process. Run: uv run python benchmarks/ibkr.py [--quick]
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from threading import Event
from time import perf_counter
from typing import Any

import click
from lob.report import machine, show
from rich.console import Console
from tws.adapter import Adapter
from tws.bare import Bare
from tws.plain import Plain
from tws.way import Way, latency

from nanobook_ibkr.simulator import SimulatedGateway

SERVE = "--serve"
CASH = Decimal(10**12)
SIZE = 10**9


@click.command(help=__doc__)
@click.option("--quick", is_flag=True, help="Small: whether it runs, not how fast.")
@click.option(SERVE, is_flag=True, hidden=True)
def main(*, quick: bool, serve: bool) -> None:
    """Print a table of each measure, with ratios to the bare socket."""
    if serve:
        run_gateway()
        return
    n_orders = 50 if quick else 2000
    console = Console() if sys.stdout.isatty() else Console(width=160)
    bursts: list[dict[str, Any]] = []
    latencies: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory() as folder:
        for open_way in ways(Path(folder)):
            with connected(open_way) as way:
                way.burst(n_orders // 10)
                started = perf_counter()
                way.burst(n_orders)
                rate = n_orders / (perf_counter() - started)
                bursts.append({"way": way.name, "orders a second": round(rate)})
            for what in ("acknowledge", "fill"):
                with connected(open_way) as way:
                    found = latency(getattr(way, what), n_orders, perf_counter)
                latencies.append(
                    {
                        "submit to": {"acknowledge": "acknowledgement", "fill": "fill"}[what],
                        "way": way.name,
                        "p50 us": found.p50,
                        "p90 us": found.p90,
                        "p99 us": found.p99,
                        "worst us": found.worst,
                    }
                )
    for row in bursts:
        row["of the bare socket"] = row["orders a second"] / bursts[0]["orders a second"]
    for row in latencies:
        first = next(other for other in latencies if other["submit to"] == row["submit to"])
        row["times the bare socket"] = row["p50 us"] / first["p50 us"]
    show(console, f"Orders that rest, {n_orders} in a burst", bursts)
    show(console, f"Orders one after another, {n_orders} of each", sorted(latencies, key=_measure))
    print(*(f"{name}: {value}" for name, value in machine().items()), sep=", ")


def ways(folder: Path) -> Iterator[Callable[[int], Way]]:
    """What opens each way on a gateway's port."""
    yield Bare
    yield Plain
    yield lambda port: Adapter(port, None)
    numbers = iter(range(1000))
    yield lambda port: Adapter(port, folder / f"{next(numbers)}.sqlite")


@contextmanager
def connected(open_way: Callable[[int], Way]) -> Iterator[Way]:
    """A way to a gateway that nobody has used before."""
    gateway = subprocess.Popen([sys.executable, __file__, SERVE], stdout=subprocess.PIPE, text=True)
    try:
        way = open_way(int(next(iter(gateway.stdout or ()))))
        try:
            yield way
        finally:
            way.close()
    finally:
        gateway.terminate()
        gateway.communicate()


def run_gateway() -> None:
    """Serve until terminated, with more to buy than anybody asks for."""
    with SimulatedGateway(messages_per_second=None) as gateway:
        gateway.set_quote("AAPL", "184.99", "185.01", bid_size=SIZE, ask_size=SIZE)
        print(gateway.port, flush=True)
        Event().wait()


def _measure(row: dict[str, Any]) -> str:
    return str(row["submit to"])


if __name__ == "__main__":
    main()
