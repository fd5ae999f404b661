"""Real `kill -9` of the real command, which trades at a venue in another process; see --help.

python tests/rebalancer/kill_nine.py --kills 1000
python tests/rebalancer/kill_nine.py --starts 200
"""
# ruff: noqa: T201 - it prints

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from multiprocessing.connection import Client
from pathlib import Path
from random import Random
from typing import Self

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from attrs import define, field, frozen
from tests.rebalancer.crash import CRASH_POINTS
from tests.rebalancer.judge import MAX_RESTARTS, Ending, Violation, judge
from tests.rebalancer.sim_venue import ACCOUNT, Truth
from tests.rebalancer.venue_server import ORDERS, WEIGHTS

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
ENDED = (0, 4)
COMMAND = [str(Path(sys.executable).with_name("rebalancer")), "--config", "config.toml"]
RUN = ["run", "target.json"]

CONFIG = """
[account]
id = "{account}"
type = "margin"

[execution]
order_interval_ms = 0
order_timeout_secs = {timeout}

[risk]
max_trade_usd = 1000000.0

[logging]
dir = "."
audit_file = "audit.jsonl"

[broker]
name = "socket"
address = "{address}"
"""

#: Offers the broker to the real command.
PLUGIN = """
from nanobook_core.plugin import Capability, Kind, hookimpl
from tests.rebalancer.venue_server import SocketBroker


@hookimpl
def nanobook_brokers():
    return [
        Capability(
            kind=Kind.BROKER,
            name="socket",
            target="simulated_venue:SocketBroker",
            summary="a simulated venue in another process",
        )
    ]
"""

#: Points of the matrix as steps of a real process: label and whether there is one for each order.
STEPS = {
    "lock": ("before open:.jsonl", False),
    "recover-read": ("fsync:run_started", False),
    "account": ("account", False),
    "positions": ("positions", False),
    "quotes": ("quote", True),
    "settle": ("before positions at the end", False),
    "final positions": ("positions at the end", False),
    "send": ("send", True),
    "ack receive": ("ack", True),
    "cancel send": ("cancel_send", False),
}


def steps_to_die_of() -> Iterator[tuple[str, str, int, float | None]]:
    """Name, label, number and share of the bytes for each of the 26 points."""
    for point in CRASH_POINTS:
        label, per_order = STEPS.get(point.name, (point.label, point.per_order))
        number = 1 + ORDERS // 2 if per_order and "cancel" not in label else 1
        yield point.name, label, number, 0.5 if point.torn else None


@contextmanager
def venue(folder: Path, seed: int) -> Iterator[str]:
    """A venue in a process of its own, and its address."""
    address = str(folder / "venue.sock")
    server = subprocess.Popen([sys.executable, str(HERE / "venue_server.py"), address, str(seed)])
    try:
        while not Path(address).exists():
            if server.poll() is not None:
                raise RuntimeError("the venue did not start")
            time.sleep(0.01)
        yield address
    finally:
        server.kill()
        server.wait()


def truth_of(address: str) -> Truth:
    """What the venue knows."""
    with Client(address, "AF_UNIX") as link:
        link.send(("truth", (), {}))
        return link.recv()[1]


def set_up(folder: Path, address: str, timeout: int = 1) -> None:
    """Write what the command reads."""
    config = CONFIG.format(account=ACCOUNT, address=address, timeout=timeout)
    (folder / "config.toml").write_text(config)
    now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    targets = [{"symbol": symbol, "weight": weight} for symbol, weight in WEIGHTS.items()]
    target = {"timestamp": now, "metadata": {"id": "killed"}, "targets": targets}
    (folder / "target.json").write_text(json.dumps(target))


def environment(folder: Path) -> dict[str, str]:
    """Of a process that has the broker's plugin."""
    site = folder / "site"
    info = site / "simulated_venue-1.0.dist-info"
    info.mkdir(parents=True, exist_ok=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: simulated-venue\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[nanobook]\nmain = simulated_venue\n")
    (site / "simulated_venue.py").write_text(PLUGIN)
    return os.environ | {"PYTHONPATH": os.pathsep.join(
        [str(site), str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
    )}  # fmt: skip


@define
class Children:
    """Real commands, one after the other, each in a process of its own."""

    folder: Path
    path: Path = HERE / "kill_nine_child.py"
    """Of the program that forks them."""
    script: subprocess.Popen[str] = field(init=False)

    def __enter__(self) -> Self:
        self.script = subprocess.Popen(
            [sys.executable, str(self.path)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=environment(self.folder),
        )
        return self

    def __exit__(self, *_: object) -> None:
        self.script.communicate(timeout=60)

    def run(self, folder: Path, die: object = None, after: float | None = None) -> int:
        """Exit code of a command in a folder, negative where a signal ended it."""
        request = {"argv": [*COMMAND[1:], *RUN], "folder": str(folder), "die": die}
        self.script.stdin.write(json.dumps(request) + "\n")
        self.script.stdin.flush()
        pid = int(self.script.stdout.readline().split()[1])
        if after is not None:
            time.sleep(after)
            with suppress(ProcessLookupError):  # it has ended
                os.kill(pid, signal.SIGKILL)
        return int(self.script.stdout.readline().split()[1])


@frozen
class Outcome:
    """What came of one world."""

    name: str
    seed: int
    kills: int
    codes: tuple[int, ...]
    violations: tuple[Violation, ...]


def killed(children: Children, folder: Path, seed: int, step: object, name: str) -> Outcome:
    """Kill a command at a step, or at random times; start it again until it has ended; judge."""
    folder.mkdir()
    random = Random(seed)  # noqa: S311 - no secrets
    started = time.monotonic()
    with venue(folder, seed) as address:
        set_up(folder, address)
        codes = []
        if step is not None:
            codes.append(children.run(folder, die=step))
        else:
            for _ in range(random.randint(3, 8)):
                codes.append(children.run(folder, after=random.uniform(0.01, 0.6)))
                if codes[-1] in ENDED:
                    break
        kills = codes.count(-signal.SIGKILL)
        after = []
        while (after or codes)[-1] not in ENDED and len(after) < MAX_RESTARTS:
            after.append(children.run(folder))
        truth = truth_of(address)
    ending = Ending(
        # However often it was killed: what counts is what it needs after the last time.
        codes=(*codes[-1:], *after),
        minutes=(time.monotonic() - started) / 60,
        texts=((folder / "output.txt").read_text(),),
    )
    audit = folder / "audit.jsonl"
    violations = judge(truth, audit.read_bytes() if audit.exists() else b"", ending)
    return Outcome(name, seed, kills, (*codes, *after), tuple(violations))


def run_kills(folder: Path, kills: int, first: int = 0) -> Iterator[Outcome]:
    """Kill at each point once, then at random times, until there were so many kills."""
    steps = [(name, list(step)) for name, *step in steps_to_die_of()]
    done, seed = 0, first
    with Children(folder) as children:
        while done < kills:
            name, step = steps[seed - first] if seed - first < len(steps) else ("random", None)
            # Every fourth venue has an order that rests, as it must where one is to be cancelled.
            seed_here = 4 * seed if "cancel" in name else seed
            outcome = killed(children, folder / f"{seed}", seed_here, step, name)
            done += outcome.kills
            seed += 1
            yield outcome


def spread(folder: Path, kills: int, first: int, processes: int) -> list[Outcome]:
    """Share kills out among so many commands at a time."""

    def share(number: int) -> list[Outcome]:
        (folder / f"share{number}").mkdir()
        return list(
            run_kills(folder / f"share{number}", -(-kills // processes), first + 10_000 * number)
        )

    with ThreadPoolExecutor(processes) as pool:
        return [outcome for part in pool.map(share, range(processes)) for outcome in part]


def start_together(folder: Path, number: int) -> Counter[int]:
    """Exit codes of so many real commands that are started at once.

    One gets to an order that never fills; when all others have ended it is told to end.
    """
    with venue(folder, 0) as address:
        set_up(folder, address, timeout=3600)
        env = environment(folder)
        processes = [
            subprocess.Popen(
                [*COMMAND, *RUN, "--force"],
                cwd=folder,
                env=env,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
            for _ in range(number)
        ]
        while len(running := [process for process in processes if process.poll() is None]) > 1:
            time.sleep(0.1)
        for process in running:
            process.terminate()
        codes = Counter(process.wait() for process in processes)
        truth = truth_of(address)
    found = judge(truth, (folder / "audit.jsonl").read_bytes(), Ending(codes=tuple(codes)))
    if wrong := [each for each in found if each.rule != "J6"]:  # it was ended on purpose
        raise AssertionError(wrong)
    return codes


def main() -> int:
    """Run what the command line says; 1 where a law was broken."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=0)
    parser.add_argument("--first", type=int, default=0, help="the first seed")
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--starts", type=int, default=0, help="how many at the same time")
    options = parser.parse_args()
    is_wrong = False
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        started = time.monotonic()
        if options.kills:
            outcomes = spread(folder, options.kills, options.first, options.processes)
            for outcome in outcomes:
                if outcome.violations:
                    is_wrong = True
                    print(outcome, flush=True)
            ends = Counter(outcome.codes[-1] for outcome in outcomes)
            print(
                f"{sum(outcome.kills for outcome in outcomes)} kills in {len(outcomes)} worlds, "
                f"{time.monotonic() - started:.0f} s; last exit codes {dict(ends)}; "
                f"{sum(bool(outcome.violations) for outcome in outcomes)} worlds violated a law"
            )
        if options.starts:
            print(f"exit codes {dict(start_together(folder, options.starts))}")
    return is_wrong


if __name__ == "__main__":
    sys.exit(main())
