"""Ways of reading a feed: a function of child.py, and the interpreter that has what it needs."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from attrs import field, frozen
from backtest.way import made
from lob.engine import wheels
from lob.stream import CACHE

CHILD = Path(__file__).with_name("child.py")
LIMIT_S = 200
PEERS = ["itch-book==0.2.1", "itchfeed==1.6.4", "meatpy==0.5.0", "numpy"]


@frozen(kw_only=True)
class Way:
    """One row of a table."""

    name: str
    task: str
    """Function of child.py."""
    does: str
    options: Mapping[str, Any] = field(factory=dict)
    environment: str = "ours"
    """`ours`, `peers`, or `wheel 0` and `wheel 1`, the pinned one and the newest."""
    part: int = 1
    """It reads a day of so many times fewer messages: it is slow."""
    has_listings: bool = True
    """It can read messages of type `O`."""
    is_packed: bool = False
    is_live: bool = False
    """It reads orders that never leave."""
    is_peer: bool = False
    """Ours is measured against the fastest of these."""

    def measure(self, path: Path, repeats: int, warm_up: Path) -> dict[str, Any]:
        """What child.py prints, after a run with a small feed that is not counted.

        Raises:
            TimeoutError: it does not return in time.
            RuntimeError: it failed, with what it printed.

        """
        options = json.dumps({"path": str(path), **self.options})
        python = str(_python(self.environment))
        command = [python, str(CHILD), self.task, options, str(repeats), str(warm_up)]
        own = {} if self.environment == "ours" else {"PYTHONPATH": ""}
        try:
            done = subprocess.run(
                command,
                capture_output=True,
                text=True,
                timeout=LIMIT_S,
                env={**os.environ, **own},
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            raise TimeoutError(f"{self.name}: {LIMIT_S} s") from error
        if done.returncode:
            raise RuntimeError(f"{self.name}: {done.stderr}")
        found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
        return found


def _python(environment: str) -> Path:
    if environment == "ours":
        return Path(sys.executable)
    if environment == "peers":
        return made(CACHE / "venv-itch-peers", PEERS)
    return wheels()[int(environment.removeprefix("wheel "))].python
