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
from tws.way import MARKETABLE, RESTING, Way, latency, rate

from nanobook_ibkr.simulator import SimulatedGateway, Venue

SERVE = "--serve"
CASH = {"DU1234567": Decimal(10**12)}


@click.command(help=__doc__)
@click.option("--quick", is_flag=True, help="Small: whether it runs, not how fast.")
@click.option(SERVE, is_flag=True, hidden=True)
def main(*, quick: bool, serve: bool) -> None:
    """Print a table of each measure, with ratios to the bare socket."""
    if serve:
        run_gateway()
        return
    n_orders = 100 if quick else 2000
    console = Console() if sys.stdout.isatty() else Console(width=160)
    bursts: list[dict[str, Any]] = []
    latencies: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory() as folder:
        for open_way in ways(Path(folder)):
            for what, limit in (("rest", RESTING), ("trade", MARKETABLE)):
                with connected(open_way) as way:
                    found = rate(way, limit, n_orders, perf_counter)
                bursts.append({"orders that": what, "way": way.name, "a second": round(found)})
            for what in ("acknowledge", "fill"):
                with connected(open_way) as way:
                    times = latency(way, getattr(way, what), n_orders, perf_counter)
                latencies.append(
                    {
                        "submit to": {"acknowledge": "acknowledgement", "fill": "fill"}[what],
                        "way": way.name,
                        "p50 us": times.p50,
                        "p90 us": times.p90,
                        "p99 us": times.p99,
                        "worst us": times.worst,
                    }
                )
    show(console, f"{n_orders} orders, 100 at once", compared(bursts, "orders that", "a second"))
    show(console, f"{n_orders} orders, one by one", compared(latencies, "submit to", "p50 us"))
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
    """Serve until terminated; there is as much to buy as anybody asks for."""
    with SimulatedGateway(Venue(cash=CASH), messages_per_second=None) as gateway:
        gateway.set_quote("AAPL", Decimal("184.99"), Decimal("185.01"))
        print(gateway.port, flush=True)
        Event().wait()


def compared(rows: list[dict[str, Any]], kind: str, figure: str) -> list[dict[str, Any]]:
    """Rows by kind, with the ratio of a figure to that of the kind's first row."""
    ordered = sorted(rows, key=lambda row: str(row[kind]))
    for row in ordered:
        first = next(other for other in ordered if other[kind] == row[kind])
        row["of the bare socket"] = row[figure] / first[figure]
    return ordered


if __name__ == "__main__":
    main()
