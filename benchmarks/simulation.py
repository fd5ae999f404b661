"""Weights on prices, against the original, vectorbt, bt and ten lines of numpy, in one run.

CPU time of whole calls, medians, each in a process of its own with a time limit, in turns. Peers
are installed from the package index into an environment in benchmarks/.cache on first use. Ratios
above 1 say how often ours goes into theirs.
Run: uv run python benchmarks/simulation.py [--rounds 3] [--json]
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import venv
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lob.engine import in_turns
from lob.stream import CACHE

from nanobook_native import COMPILED

CHILD = Path(__file__).parent / "backtest" / "child.py"
PEERS = CACHE / "venv-backtest"
REQUIREMENTS = ["nanobook==0.9.3", "numpy", "pandas", "vectorbt[rust]==1.2.0", "bt==1.4.1"]
YEARS = [2520, 500]
MINUTES = [1_000_000, 8]
LIMIT_S = 240

#: Name of a function of child.py, and whether it is a peer's.
DAILY_STOPS = {
    "ours_lists": False,
    "ours_arrays": False,
    "ours_scaled": False,
    "ours_frames": False,
    "core_arrays": False,
    "wheel_lists": True,
}
DAILY = DAILY_STOPS | {
    "ten_lines_of_numpy": False,
    "vectorbt_numba": True,
    "vectorbt_rust": True,
}
MONTHLY = {name: is_peer for name, is_peer in DAILY.items() if name != "wheel_lists"} | {"bt": True}
DENSE = {"ours_arrays": False, "ours_scaled": False, "ten_lines_of_numpy": False}

SECTIONS: dict[str, tuple[Mapping[str, bool], dict[str, Any]]] = {
    "daily, trailing stops": (DAILY_STOPS, {"shape": YEARS, "stops": True, "is_monthly": False}),
    "daily": (DAILY, {"shape": YEARS, "stops": False, "is_monthly": False}),
    "monthly": (MONTHLY, {"shape": YEARS, "stops": False, "is_monthly": True}),
    "8 columns, 1 M periods": (DENSE, {"shape": MINUTES, "stops": False, "is_monthly": False}),
}

#: Section, ours, theirs, the budget.
BUDGETS = (
    ("daily, trailing stops", "ours_lists", "wheel_lists", 40),
    ("daily, trailing stops", "ours_arrays", "wheel_lists", 80),
    ("daily", "ours_arrays", "ten_lines_of_numpy", 2),
    ("daily", "ours_arrays", "vectorbt_rust", 50),
    ("daily, trailing stops", "core_arrays", "wheel_lists", 5),
)


def peers() -> Path:
    """The interpreter that has them."""
    python = PEERS / "bin" / "python"
    if not python.exists():
        print(f"Installing {', '.join(REQUIREMENTS)} into {PEERS}", file=sys.stderr)
        venv.create(PEERS, with_pip=True)
        subprocess.run([python, "-m", "pip", "install", "--quiet", *REQUIREMENTS], check=True)
    return python


def measure(python: Path, name: str, options: dict[str, Any]) -> dict[str, Any]:
    """What the child found.

    Raises:
        TimeoutError: it does not return in time.

    """
    command = [str(python), str(CHILD), name, json.dumps(options)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=LIMIT_S, check=False)
    except subprocess.TimeoutExpired as error:
        raise TimeoutError(f"{name}: {LIMIT_S} s") from error
    if done.returncode:
        raise RuntimeError(f"{name}: {done.stderr}")
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def section(
    names: Mapping[str, bool], options: dict[str, Any], rounds: int
) -> dict[str, dict[str, float] | None]:
    """Median milliseconds and final equity of each; None where it took too long."""
    peer = peers()
    tasks = {
        name: (
            lambda name=name, is_peer=is_peer: measure(
                peer if is_peer else Path(sys.executable), name, options | {"rounds": rounds}
            )
        )
        for name, is_peer in names.items()
    }
    results: dict[str, dict[str, float] | None] = {}
    for name, runs in in_turns(tasks, 2).items():
        found = [run for run in runs if run is not None]
        seconds = [value for run in found for value in run["seconds"]]
        results[name] = (
            {"ms": round(statistics.median(seconds) * 1e3, 2), "final": found[0]["final"]}
            if found
            else None
        )
    return results


def main() -> int:
    """Print the tables and budgets; 1 if nothing is compiled."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    if not COMPILED:
        print(
            "nanobook-native is not compiled. Install a C compiler, then run\n"
            "    NANOBOOK_REQUIRE_COMPILED=1 uv sync --reinstall-package nanobook-native",
            file=sys.stderr,
        )
        return 1
    results = {
        title: section(names, options, arguments.rounds)
        for title, (names, options) in SECTIONS.items()
    }
    budgets: list[dict[str, Any]] = []
    for title, ours, theirs, least in BUDGETS:
        one, other = results[title][ours], results[title][theirs]
        ratio = None if one is None or other is None else round(other["ms"] / one["ms"], 1)
        budgets.append({"what": f"{title}: {ours}", "over": theirs, "x": ratio, "budget": least})
    if arguments.json:
        print(json.dumps({"results": results, "budgets": budgets}, indent=2))
        return 0
    for title, found in results.items():
        print(f"\n{title}")
        for name, row in found.items():
            shown = "too long" if row is None else f"{row['ms']:12.2f} ms  {row['final']:.6g}"
            print(f"  {name:20} {shown}")
    print()
    for budget in budgets:
        print(f"{budget['what']} vs {budget['over']}: {budget['x']} x (budget {budget['budget']})")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
