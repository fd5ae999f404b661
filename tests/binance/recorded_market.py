"""Where the recorded market of ETHUSDT is, for the tests that play it."""

from pathlib import Path

import pytest

PATH = Path(__file__).parents[3] / "shared" / "data" / "binance_spot_ethusdt_20240808.jsonl.gz"

needs_recorded_market = pytest.mark.skipif(
    not PATH.exists(), reason="the recorded market is not here"
)
