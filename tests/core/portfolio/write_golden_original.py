"""Writes golden_original.json anew: what the original gives for the inputs that stand in it.

Run it with an interpreter that has the original's wheel, version 0.9.3, and under a time limit:
the wheel can hang. Nothing of ours is imported.
"""

import json
import math
from pathlib import Path

import nanobook

GOLDEN = Path(__file__).with_name("golden_original.json")


def answer(case, metric_names):
    result = nanobook.backtest_weights(
        **{
            **case,
            **{
                name: [[tuple(pair) for pair in row] for row in case[name]]
                for name in ("weight_schedule", "price_schedule")
            },
        }
    )
    tables = {
        key: [[[s, None if math.isnan(v) else v] for s, v in row] for row in result[key]]
        for key in ("holdings", "symbol_returns")
    }
    events = sorted(result["stop_events"], key=lambda e: (e["period_index"], e["symbol"]))
    metrics = {name: getattr(result["metrics"], name) for name in metric_names}
    plain = {key: result[key] for key in ("returns", "equity_curve", "final_cash")}
    return {**plain, **tables, "stop_events": events, "metrics": metrics}


if __name__ == "__main__":
    cases = json.loads(GOLDEN.read_text())
    for case in cases:
        case["output"] = answer(case["input"], case["output"]["metrics"])
    lines = (json.dumps(case, separators=(",", ":")) for case in cases)
    GOLDEN.write_text("[\n" + ",\n".join(lines) + "\n]\n")
