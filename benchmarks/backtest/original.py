"""The original, version 0.9.3, in a process of its own."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from threading import Timer
from typing import Any

from lob.engine import wheels

ANSWERS = Path(__file__).with_name("answers.py")
LIMIT_S = 20


class Original:
    """Its `py_backtest_weights`, one call at a time; a process that is lost is replaced."""

    def __init__(self) -> None:
        self._python = wheels()[0].python
        self._start()

    def __call__(self, arguments: list[Any]) -> dict[str, Any] | None:
        """Its answer; None if it died, or had to be killed because it did not answer in time."""
        process = self._process
        timer = Timer(LIMIT_S, process.kill)
        timer.start()
        try:
            self._input.write(json.dumps(arguments) + "\n")
            self._input.flush()
            line = self._output.readline()
        finally:
            timer.cancel()
        if not line:
            self.close()
            self._start()
            return None
        answer: dict[str, Any] = json.loads(line)
        return answer

    def close(self) -> None:
        """End the process."""
        self._process.kill()
        self._process.communicate()

    def _start(self) -> None:
        self._process = subprocess.Popen(
            [self._python, ANSWERS], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        if self._process.stdin is None or self._process.stdout is None:
            raise RuntimeError("a process without pipes")
        self._input, self._output = self._process.stdin, self._process.stdout
