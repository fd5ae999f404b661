"""Orders a second through the simulated Binance: bare HTTP, nanobook, ccxt, python-binance.

The venue runs in a process of its own, a new one for each measurement, without limits of requests;
so does each client, the peers in environments of their own, which are made on first use. Wall time:
what is measured waits for another process. Run: uv run python benchmarks/binance.py [--quick]
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from threading import Event
from typing import Any

import click
from backtest.way import made
from lob.report import machine, show
from lob.stream import CACHE
from rich.console import Console
from spot.way import PRICES, Venue

from nanobook_binance.simulator import SimulatedBinance

SERVE = "--serve"
CHILD = Path(__file__).parent / "spot" / "child.py"
LIMIT_S = 180
"""Of a measurement."""
NO_LIMIT = 10**9
MUCH = {"USDT": Decimal(10**9)}

#: Each way of `spot.child`, and what its environment has; nothing where it is ours.
WAYS: Mapping[str, list[str]] = {
    "bare": [],
    "in_memory": [],
    "on_disk": [],
    "eight_threads": [],
    "gated": [],
    "ccxt": ["ccxt==4.5.90"],
    "python_binance": ["python-binance==1.0.37"],
}


@click.command(help=__doc__)
@click.option("--quick", is_flag=True, help="Small: whether it runs, not how fast.")
@click.option(SERVE, is_flag=True, hidden=True)
def main(*, quick: bool, serve: bool) -> None:
    """Print a table of each measure, with ratios to bare HTTP."""
    if serve:
        run_venue()
        return
    n_orders = 100 if quick else 1000
    console = Console() if sys.stdout.isatty() else Console(width=160)
    for orders in PRICES:
        rows: list[dict[str, Any]] = []
        for way, requirements in WAYS.items():
            python = interpreter(way, requirements)
            with venue() as where:
                rows.append({"way": way, **measured(python, way, where, orders, n_orders)})
        for row in rows:
            row["of bare HTTP"] = row["a second"] / rows[0]["a second"]
        show(console, f"{n_orders} orders, each {orders}", rows)
    print(*(f"{name}: {value}" for name, value in machine().items()), sep=", ")


def interpreter(way: str, requirements: list[str]) -> Path:
    """Python of a way's environment."""
    return made(CACHE / f"venv-spot-{way}", requirements) if requirements else Path(sys.executable)


def measured(python: Path, way: str, where: Venue, orders: str, n_orders: int) -> dict[str, float]:
    """What the child finds.

    Raises:
        TimeoutError: it does not return in time.
        RuntimeError: it failed, with what it printed.

    """
    asked = {"venue": list(where), "orders": orders, "number": n_orders}
    command = [str(python), str(CHILD), way, json.dumps(asked)]
    try:
        done = subprocess.run(
            command,
            capture_output=True,
            text=True,
            timeout=LIMIT_S,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise TimeoutError(f"{way}: {LIMIT_S} s") from None
    if done.returncode:
        raise RuntimeError(f"{way}: {done.stderr}")
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


@contextmanager
def venue() -> Iterator[Venue]:
    """A venue that nobody has used before."""
    served = subprocess.Popen([sys.executable, __file__, SERVE], stdout=subprocess.PIPE, text=True)
    try:
        yield Venue(*json.loads(next(iter(served.stdout or ()))))
    finally:
        served.terminate()
        served.communicate()


def run_venue() -> None:
    """Serve until terminated; there is as much to buy as anybody asks for."""
    with SimulatedBinance(weight_limit=NO_LIMIT, order_limits=(NO_LIMIT, NO_LIMIT)) as simulated:
        for asset, amount in MUCH.items():
            simulated.deposit(asset, amount)
        simulated.set_quote(
            "BTCUSDT", Decimal("60000.00"), Decimal("60000.01"), ask_size=Decimal(8000)
        )
        where = (
            *(simulated.url, simulated.ws_api_url),
            *(simulated.api_key, simulated.secret_key),
        )
        print(json.dumps(where), flush=True)
        Event().wait()


if __name__ == "__main__":
    main()
