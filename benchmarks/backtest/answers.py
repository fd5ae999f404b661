"""Answers of the original, one line of JSON for each line of JSON: run in its environment."""

import json
import sys
from typing import Any

import nanobook

METRICS = ("total_return", "cagr", "volatility", "max_drawdown", "win_rate", "num_periods")

simulate: Any = nanobook.py_backtest_weights
for line in sys.stdin:
    weights, prices, *options = json.loads(line)
    # It takes pairs as tuples only.
    schedules = ([[tuple(pair) for pair in row] for row in rows] for rows in (weights, prices))
    result = simulate(*schedules, *options)
    metrics = {name: getattr(result["metrics"], name) for name in METRICS}
    print(json.dumps(result | {"metrics": metrics}), flush=True)
