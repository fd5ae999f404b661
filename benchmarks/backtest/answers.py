"""Answers of the original, one line of JSON for each line of JSON: run in its environment."""

import json
import sys
from typing import Any

import nanobook

simulate: Any = nanobook.py_backtest_weights
for line in sys.stdin:
    weights, prices, *options = json.loads(line)
    # It takes pairs as tuples only.
    schedules = ([[tuple(pair) for pair in row] for row in rows] for rows in (weights, prices))
    result = simulate(*schedules, *options)
    metrics = result["metrics"]
    plain = {name: getattr(metrics, name) for name in dir(metrics) if not name.startswith("_")}
    print(json.dumps(result | {"metrics": plain}), flush=True)
