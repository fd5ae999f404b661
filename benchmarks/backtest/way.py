"""Ways of simulating: a function of child.py, and the interpreter that has what it needs."""

from __future__ import annotations

import json
import subprocess
import sys
import venv
from collections.abc import Mapping
from pathlib import Path
from shutil import rmtree
from typing import Any

from attrs import frozen
from lob.engine import ORIGINAL
from lob.stream import CACHE

CHILD = Path(__file__).with_name("child.py")
LIMIT_S = 240
INSTALL_LIMIT_S = 600

#: Each environment has one `nanobook` at most.
REQUIREMENTS: Mapping[str, list[str]] = {
    f"backtest-{ORIGINAL}": [f"nanobook=={ORIGINAL}", "numpy"],
    "backtest-newest": ["nanobook", "numpy"],
    "backtest-peers": ["numpy", "pandas", "vectorbt[rust]==1.2.0", "bt==1.4.1"],
}


@frozen
class Way:
    """One row of a table."""

    name: str
    """Function of child.py."""
    environment: str | None = None
    """Key of `REQUIREMENTS`; None is ours."""
    note: str = ""
    is_exact: bool = False
    """Whether it ends with the original's equity, to the last unit."""

    def measure(self, options: Mapping[str, Any]) -> dict[str, Any]:
        """What child.py prints.

        Raises:
            TimeoutError: it does not return in time.
            RuntimeError: it failed, with what it printed.

        """
        python = interpreter(self.environment) if self.environment else Path(sys.executable)
        command = [str(python), str(CHILD), self.name, json.dumps(options)]
        try:
            done = subprocess.run(
                command, capture_output=True, text=True, timeout=LIMIT_S, check=False
            )
        except subprocess.TimeoutExpired as error:
            raise TimeoutError(f"{self.name}: {LIMIT_S} s") from error
        if done.returncode:
            raise RuntimeError(f"{self.name}: {done.stderr}")
        found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
        return found


def interpreter(environment: str) -> Path:
    """Python of an environment, which is made on first use."""
    return made(CACHE / f"venv-{environment}", REQUIREMENTS[environment])


def made(where: Path, requirements: list[str]) -> Path:
    """Python of an environment with this and no more."""
    python = where / "bin" / "python"
    if not python.exists():
        print(f"Installing {', '.join(requirements)} into {where}", file=sys.stderr)
        venv.create(where, with_pip=True)
        pip = [str(python), "-m", "pip", "install", "--quiet", "--only-binary=:all:", *requirements]
        try:
            done = subprocess.run(
                pip, capture_output=True, text=True, timeout=INSTALL_LIMIT_S, check=False
            )
        except subprocess.TimeoutExpired:
            rmtree(where)
            raise TimeoutError(f"pip: {requirements} took {INSTALL_LIMIT_S} s") from None
        if done.returncode:
            rmtree(where)
            raise RuntimeError(f"pip cannot install {requirements}: {done.stderr}")
    return python


OURS = tuple(Way(name, is_exact=True) for name in ("lists", "arrays", "frames"))
SCALED = Way("arrays_scaled", note="cash is not overdrawn: our default")
UNCOMPILED = tuple(
    Way(name, note="nanobook-native is blocked", is_exact=True)
    for name in ("uncompiled_lists", "uncompiled_arrays")
)
WHEELS = (
    Way("wheel", f"backtest-{ORIGINAL}", f"{ORIGINAL}, lists", is_exact=True),
    Way("newest_wheel", "backtest-newest", "lists of its BarPrices"),
)
#: Where weights are held: what these do is more.
WHEELS_WITHOUT_HOLD = (
    Way("wheel", f"backtest-{ORIGINAL}", f"{ORIGINAL}, cannot hold: trades every period"),
    Way("newest_wheel", "backtest-newest", "cannot hold: trades every period"),
)
NUMPY = Way("ten_lines_of_numpy", note="fractional shares")
VECTORBT = (
    Way("vectorbt_numba", "backtest-peers", "1.2.0, fractional shares"),
    Way("vectorbt_rust", "backtest-peers", "1.2.0, fractional shares"),
)
BT = Way("bt", "backtest-peers", "1.4.1, fractional shares")
