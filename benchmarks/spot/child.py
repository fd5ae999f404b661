"""One way, timed in a process of its own: `python child.py WAY JSON`.

Runs in the environment of whoever is measured, so it imports that one alone. Prints JSON.
"""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

# Last, as python-binance is a module `binance` too.
sys.path.append(str(Path(__file__).parents[1]))

from spot.way import PRICES, Venue, Way, measure


def bare(venue: Venue, folder: Path) -> Way:
    """No library."""
    del folder
    from spot.bare import Bare

    return Bare(venue)


def in_memory(venue: Venue, folder: Path) -> Way:
    """Ours, without a file."""
    del folder
    from spot.adapter import Adapter

    return Adapter(venue, None)


def on_disk(venue: Venue, folder: Path) -> Way:
    """Ours, each order on disk before it is sent."""
    from spot.adapter import Adapter

    return Adapter(venue, folder / "state")


def eight_threads(venue: Venue, folder: Path) -> Way:
    """Ours, from eight threads."""
    from spot.adapter import Adapter

    return Adapter(venue, folder / "state", threads=8)


def gated(venue: Venue, folder: Path) -> Way:
    """Ours, each order judged by every check of the risk gate."""
    from spot.adapter import Adapter

    return Adapter(venue, folder / "state", gated=True)


def ccxt(venue: Venue, folder: Path) -> Way:
    """Ccxt, synchronous."""
    del folder
    from spot.peer import Ccxt

    return Ccxt(venue)


def python_binance(venue: Venue, folder: Path) -> Way:
    """python-binance, synchronous."""
    del folder
    from spot.peer import PythonBinance

    return PythonBinance(venue)


WAYS: dict[str, Callable[[Venue, Path], Way]] = {
    way.__name__: way
    for way in (bare, in_memory, on_disk, eight_threads, gated, ccxt, python_binance)
}


def main() -> None:
    """Measure orders that rest, or that trade, on the venue that is given."""
    name, asked = sys.argv[1], json.loads(sys.argv[2])
    with tempfile.TemporaryDirectory() as folder:
        way = WAYS[name](Venue(*asked["venue"]), Path(folder))
        try:
            print(json.dumps(measure(way, PRICES[asked["orders"]], asked["number"])))
        finally:
            way.close()


if __name__ == "__main__":
    main()
