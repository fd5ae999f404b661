"""Real prices to try nanobook on, and the strategy that `nanobook demo` runs."""

from __future__ import annotations

import gzip
from importlib.resources import files
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

_FILE = "us_large_caps.csv.gz"


def load_closes() -> tuple[NDArray[np.datetime64], tuple[str, ...], NDArray[np.float64]]:
    """Dates, symbols and daily closes of 20 US large caps, 2000-01-03 to 2022-12-28.

    The closes have shape `(n_days, n_symbols)` and are in US dollars to three decimals, adjusted
    for splits and dividends: they tell returns, not what a share cost on the day. The companies
    were chosen after the fact, so survivors are over-represented. The first lines of the file
    name its source.
    """
    text = gzip.decompress(files(__package__).joinpath(_FILE).read_bytes()).decode("ascii")
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    symbols = tuple(lines[0].split(",")[1:])
    dates = np.array([line.partition(",")[0] for line in lines[1:]], dtype="datetime64[D]")
    closes = np.loadtxt(lines[1:], delimiter=",", usecols=range(1, len(symbols) + 1))
    return dates, symbols, closes
