"""The real command in a process of its own, in a folder of its own."""

import datetime as dt
import json
import os
import signal
import subprocess
import sys
import time

QUOTES = "symbol,bid,ask\nAAA,99.95,100.05\nBBB,49.95,50.05\nCCC,199.90,200.10\n"
COMMAND = (sys.executable, "-c", "from nanobook_rebalancer.command import main; main()")
PAPER = ("--broker", "paper", "--quotes", "quotes.csv")


class Folder:
    """Where somebody works with the command."""

    def __init__(self, path):
        self.path = path
        (path / "quotes.csv").write_text(QUOTES)
        self.environment = {**os.environ, "COLUMNS": "100", "NO_COLOR": "1"}

    def target(self, weights, window="monday", name="target.json"):
        document = {
            "timestamp": dt.datetime.now(dt.UTC).isoformat(),
            "metadata": {"id": window},
            "targets": [{"symbol": s, "weight": w} for s, w in weights.items()],
        }
        (self.path / name).write_text(json.dumps(document))

    def config(self, text):
        (self.path / "config.toml").write_text(text)

    def start(self, *arguments, prefix=(), **further):
        return subprocess.Popen(
            [*prefix, *COMMAND, *arguments],
            cwd=self.path,
            env=self.environment,
            text=True,
            **dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE) | further,
        )

    def run(self, *arguments, answer="", **further):
        """Exit code, standard output and standard error."""
        with self.start(*arguments, **further) as process:
            output, errors = process.communicate(answer, timeout=100)
        return process.returncode, output, errors

    @property
    def audit(self):
        path = self.path / "logs" / "audit.jsonl"
        if not path.exists():
            return []
        lines = path.read_text().split("\n")[:-1]  # the last may be on its way
        return [json.loads(line) for line in lines]

    @property
    def events(self):
        return [record["event"] for record in self.audit]

    def wait_for(self, event, number=1):
        """Return once the program has written that down so often."""
        end = time.monotonic() + 60
        while self.events.count(event) < number:
            assert time.monotonic() < end, self.events
            time.sleep(0.01)

    def held(self):
        code, output, _ = self.run("positions", *PAPER)
        assert code == 0
        rows = [line.split() for line in output.splitlines()[1:]]
        return {row[0]: row[1] for row in rows}


def end(process, number=signal.SIGKILL):
    """Send a signal, and return exit code, output and errors."""
    process.send_signal(number)
    output, errors = process.communicate(timeout=100)
    return process.returncode, output, errors
