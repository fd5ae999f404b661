"""What `import nanobook` costs over a bare interpreter, each in a fresh process, taken in turns.

Budget: 20 ms at the median of 20. Run: uv run python benchmarks/import_time.py
"""

import json
import statistics
import subprocess
import sys
from time import perf_counter

ROUNDS = 20
BUDGET_MS = 20.0
STATEMENTS = {"bare interpreter": "pass", "import nanobook": "import nanobook"}


def milliseconds(statement: str) -> float:
    """Wall time of a fresh interpreter that runs one statement."""
    started = perf_counter()
    subprocess.run([sys.executable, "-c", statement], check=True)
    return (perf_counter() - started) * 1e3


def main() -> int:
    """Print medians and their difference; 1 if it is over the budget."""
    for statement in STATEMENTS.values():
        milliseconds(statement)  # once for the file cache and the bytecode
    taken: dict[str, list[float]] = {name: [] for name in STATEMENTS}
    for _ in range(ROUNDS):
        for name, statement in STATEMENTS.items():
            taken[name].append(milliseconds(statement))
    median = {name: round(statistics.median(times), 2) for name, times in taken.items()}
    over = round(median["import nanobook"] - median["bare interpreter"], 2)
    print(json.dumps({"median_ms": median, "over_bare_ms": over, "budget_ms": BUDGET_MS}, indent=2))
    return int(over > BUDGET_MS)


if __name__ == "__main__":
    raise SystemExit(main())
