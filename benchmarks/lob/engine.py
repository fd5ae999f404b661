"""What is compared: ours, the published wheels of the original, and what Python does by itself.

Each wheel is installed into an environment of its own, because its package is called `nanobook`
too. Everything is measured in child processes, which are killed after a while: the original can
hang.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import venv
from collections.abc import Callable, Mapping
from pathlib import Path
from shutil import rmtree
from typing import Any, TypeVar

from attrs import frozen

from lob.stream import CACHE

Key = TypeVar("Key")

CHILD = Path(__file__).with_name("child.py")
ORIGINAL = "0.9.3"


@frozen
class Engine:
    """An exchange class, and the interpreter that can import it."""

    name: str
    python: Path = Path(sys.executable)
    target: str = "nanobook:Exchange"

    def measure(self, task: str, *, limit_s: float = 60, **arguments: Any) -> Any:
        """What a function of child.py found.

        Raises:
            TimeoutError: it does not return in time.
            RuntimeError: it failed, with what it printed.

        """
        return self._printed([str(CHILD), json.dumps([task, arguments])], limit_s)

    def start(self) -> list[int]:
        """CPU time of import, construction, the first and the second order, in nanoseconds."""
        taken: list[int] = self._printed(["-c", _START], limit_s=30)
        return taken

    def _printed(self, arguments: list[str], limit_s: float) -> Any:
        environment = {**os.environ, "PYTHONHASHSEED": "0"}
        environment.pop("PYTHONPATH", None)
        try:
            done = subprocess.run(
                [self.python, *arguments],
                capture_output=True,
                text=True,
                timeout=limit_s,
                env=environment,
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            raise TimeoutError(f"{self.name}, {arguments[-1]:.80}: {limit_s} s") from error
        if done.returncode:
            raise RuntimeError(f"{self.name}, {arguments[-1]:.80}: {done.stderr}")
        return json.loads(done.stdout)


_START = """
from time import process_time_ns
at = [process_time_ns()]
import nanobook
at.append(process_time_ns())
exchange = nanobook.Exchange()
at.append(process_time_ns())
for _ in range(2):
    exchange.submit_limit("buy", 10000, 100)
    at.append(process_time_ns())
print([later - earlier for earlier, later in zip(at, at[1:])])
"""

OURS = Engine("ours")
FLOOR = Engine("plain Python", target="floor:Exchange")
NOTHING = Engine("nothing", target="floor:Nothing")


def wheels() -> list[Engine]:
    """The original at 0.9.3 and the newest; what is installed already is not looked up again."""
    pinned = _installed(f"nanobook=={ORIGINAL}", CACHE / f"venv-{ORIGINAL}")
    newest = _installed("nanobook", CACHE / "venv-newest")
    return [_engine(python) for python in (pinned, newest)]


def _installed(requirement: str, where: Path) -> Path:
    python = where / "bin" / "python"
    if not python.exists():
        print(f"Installing {requirement} from the package index into {where}", file=sys.stderr)
        venv.create(where, with_pip=True)
        pip = [str(python), "-m", "pip", "install", "--no-deps", "--only-binary=:all:", requirement]
        done = subprocess.run(pip, capture_output=True, text=True, check=False)
        if done.returncode:
            rmtree(where)
            raise RuntimeError(f"pip cannot install {requirement} (--no-wheels?): {done.stderr}")
    return python


def _engine(python: Path) -> Engine:
    code = "import importlib.metadata as m; print(m.version('nanobook'))"
    shown = subprocess.run([python, "-c", code], capture_output=True, text=True, check=True)
    return Engine(f"wheel {shown.stdout.strip()}", python)


def in_turns(tasks: Mapping[Key, Callable[[], Any]], rounds: int) -> dict[Key, list[Any]]:
    """What each task returned, A B B A; None, and then no further round, where it took too long.

    Back and forth, because the memory that one process leaves is cheaper for the next.
    """
    results: dict[Key, list[Any]] = {key: [] for key in tasks}
    for number in range(rounds):
        for key in list(tasks)[:: -1 if number % 2 else 1]:
            if None not in results[key]:
                try:
                    results[key].append(tasks[key]())
                except TimeoutError:
                    results[key].append(None)
    return results
