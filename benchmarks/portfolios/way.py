"""Ways of finding weights: a function that child.py names, and the environment it runs in."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from attrs import frozen
from backtest.way import made
from lob.engine import ORIGINAL
from lob.stream import CACHE

#: Folder from which children run.
BENCHMARKS = Path(__file__).parents[1]
#: Of the clock, for a problem: a timer of CPU time would make the clock of that a coarse one.
LIMIT_S = 60

#: One environment each, so that no library keeps another from its own versions.
REQUIREMENTS: Mapping[str, list[str]] = {
    ORIGINAL: [f"nanobook=={ORIGINAL}", "numpy"],
    "newest": ["nanobook", "numpy"],
    "clarabel": ["clarabel==0.11.1", "cvxpy==1.9.3", "numpy", "scipy"],
    "pyportfolioopt": ["pyportfolioopt==1.6.0", "packaging"],
    "skfolio": ["skfolio==1.12.2"],
    "riskfolio": ["riskfolio-lib==7.4.0"],
}


@frozen
class Way:
    """One row of a table."""

    name: str
    """Key of `child.WAYS`."""
    environment: str | None = None
    """Key of `REQUIREMENTS`; None is ours."""
    note: str = ""

    def measure(self, problems: Sequence[str], returns: Path, rounds: int) -> dict[str, Any]:
        """What the child finds for each problem; None where the limit of its time passed.

        Raises:
            RuntimeError: it died; or ours failed or took too long, which it must not.

        """
        found: dict[str, Any] = {}
        while left := [problem for problem in problems if problem not in found]:
            done = self._child(left, returns, rounds)
            found |= {line["problem"]: line for line in map(json.loads, done.stdout.splitlines())}
            if done.returncode == -signal.SIGALRM:
                found[next(problem for problem in left if problem not in found)] = None
            elif done.returncode:
                raise RuntimeError(f"{self.name}: {done.stderr}")
        if self.environment is None:
            for problem, each in found.items():
                if not each or "failed" in each:
                    raise RuntimeError(f"{self.name}, {problem}: {each}")
        return found

    def _child(
        self, problems: Sequence[str], returns: Path, rounds: int
    ) -> subprocess.CompletedProcess[str]:
        python = Path(sys.executable)
        if self.environment:
            where = CACHE / f"venv-optimizers-{self.environment}"
            python = made(where, REQUIREMENTS[self.environment])
        asked = {
            "way": self.name,
            "problems": problems,
            "returns": str(returns),
            "rounds": rounds,
            "limit_s": LIMIT_S,
        }
        return subprocess.run(
            [str(python), "-m", "portfolios.child", json.dumps(asked)],
            capture_output=True,
            text=True,
            cwd=BENCHMARKS,
            check=False,
        )


WAYS = (
    Way("ours"),
    Way("wheel", ORIGINAL, ORIGINAL),
    Way("newest_wheel", "newest", "the newest"),
    Way("clarabel", "clarabel", "0.11.1, called directly"),
    Way("cvxpy", "clarabel", "1.9.3, with Clarabel"),
    Way("skfolio", "skfolio", "1.12.2"),
    Way("riskfolio", "riskfolio", "Riskfolio-Lib 7.4.0, with Clarabel"),
    Way("pyportfolioopt", "pyportfolioopt", "PyPortfolioOpt 1.6.0"),
)
