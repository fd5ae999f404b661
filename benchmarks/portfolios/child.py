"""One way on some problems, timed in a process of its own: `python -m portfolios.child JSON`.

Runs in the environment of whoever is measured. Prints a line of JSON for each problem: the weights,
the CPU time of each run after a first that is not counted, and their median; or why there are none.
A problem that takes longer than its time limit ends the process (SIGALRM).
"""

from __future__ import annotations

import json
import os
import signal
import sys
import warnings
from collections.abc import Callable
from statistics import median
from time import process_time_ns
from typing import Any

# One thread each, before any library reads it.
os.environ |= dict.fromkeys(
    ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "RAYON_NUM_THREADS"), "1"
)

import numpy as np

from portfolios import cones, libraries, model
from portfolios.case import Case, NotOfferedError

#: No further run is begun after so much CPU time; of what takes longer the first run counts.
ENOUGH_NS = 2 * 10**9

WAYS: dict[str, Callable[[Case], Callable[[], Any]]] = {
    "ours": libraries.ours,
    "wheel": libraries.wheel,
    "newest_wheel": libraries.wheel,
    "clarabel": cones.clarabel,
    "cvxpy": model.cvxpy,
    "pyportfolioopt": libraries.pyportfolioopt,
    "skfolio": libraries.skfolio,
    "riskfolio": libraries.riskfolio,
}


def main(way: str, problems: list[str], returns: str, rounds: int, limit_s: float) -> None:
    """Print what was found."""
    values = np.load(returns)
    for problem in problems:
        signal.setitimer(signal.ITIMER_REAL, limit_s)
        found = measured(WAYS[way], Case(problem, values), rounds)
        signal.setitimer(signal.ITIMER_REAL, 0)
        print(json.dumps(found | {"problem": problem}), flush=True)


def measured(way: Callable[[Case], Callable[[], Any]], case: Case, rounds: int) -> dict[str, Any]:
    """Of one problem."""
    try:
        run = way(case)
        weights, first = timed(run)
        taken = list[int]()
        while len(taken) < rounds and first + sum(taken) < ENOUGH_NS:
            taken.append(timed(run)[1])
    except NotOfferedError as reason:
        return {"failed": str(reason)}
    except ImportError:  # of the environment
        raise
    except Exception as error:  # noqa: BLE001 - a peer's failure is a finding
        return {"failed": f"{type(error).__name__}: {error}"}
    taken = taken or [first]
    return {"ms": median(taken) / 1e6, "ns": taken, "weights": np.asarray(weights).tolist()}


def timed(run: Callable[[], Any]) -> tuple[Any, int]:
    """What it returns, and the CPU time in nanoseconds."""
    started = process_time_ns()
    found = run()
    return found, process_time_ns() - started


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    main(**json.loads(sys.argv[1]))
