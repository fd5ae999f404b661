"""The real command in processes that are really killed.

    python tests/rebalancer/kill_nine_child.py

Each line of its input is JSON, `{"argv": […], "folder": …, "die": [label, number, share] | null}`:
a child is forked, with everything imported already, that runs the command there and kills itself
with SIGKILL at that step. Printed are `pid N` and, once it has ended, `ended CODE`.
"""
# ruff: noqa: T201 - it prints

from __future__ import annotations

import json
import os
import signal
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tests.rebalancer.crash import EVENT
from tests.rebalancer.venue_server import ORDERS, SocketBroker

from nanobook_core.lob.file_layer import FileLayer
from nanobook_rebalancer.command import main as command

REQUESTS = {"submit_order": ("send", "ack"), "cancel_order": ("cancel_send", "cancel")}


class Death:
    """Kills this process after the n-th step with a label; in it, where only a part is written."""

    def __init__(self, label: str, number: int, share: float | None) -> None:
        self.label, self.number, self.share = label, number, share
        self.seen = 0
        self.done = 0

    @property
    def place(self) -> str:
        """What labels end in once the last order is done."""
        return " at the end" if self.done >= ORDERS else ""

    def step(self, label: str) -> None:
        """Note a step, and die of it where it is the one."""
        self.done += label == "write:order_done"
        if label.startswith(self.label):
            self.seen += 1
            if self.seen == self.number:
                os.kill(os.getpid(), signal.SIGKILL)

    def install(self) -> None:
        """Have every effect on files be a step."""
        real_write, real_fsync, real_open = FileLayer.write, FileLayer.fsync, FileLayer.open
        events: dict[int, str] = {}
        death = self

        def write(files: FileLayer, descriptor: int, data: Any) -> int:
            found = EVENT.search(bytes(data))
            events[descriptor] = found[1].decode() if found else ""
            label = f"write:{events[descriptor]}"
            is_next = label.startswith(death.label) and death.seen + 1 == death.number
            if is_next and death.share is not None:
                data = data[: int(len(data) * death.share)]
            written = real_write(files, descriptor, data)
            death.step(label)
            return written

        def fsync(files: FileLayer, descriptor: int) -> None:
            real_fsync(files, descriptor)
            death.step(f"fsync:{events.get(descriptor, '')}")

        def opened(files: FileLayer, path: Path, flags: int) -> int:
            death.step(f"before open:{path.suffix}")
            return real_open(files, path, flags)

        FileLayer.write, FileLayer.fsync, FileLayer.open = write, fsync, opened


class SocketDeath(Death):
    """The same with the requests to the venue."""

    def install(self) -> None:
        """Have every effect on files and the venue be a step."""
        super().install()
        real_ask = SocketBroker.ask
        death = self

        def ask(broker: SocketBroker, method: str, *arguments: Any, **keywords: Any) -> Any:
            sent, answered = REQUESTS.get(method, ("", method))
            place = death.place
            death.step(f"before {method}{place}")
            if sent and death.label == sent:
                broker.link.send((method, arguments, keywords))
                death.step(sent)
                is_answer, result = broker.link.recv()
                return result if is_answer else None
            result = real_ask(broker, method, *arguments, **keywords)
            death.step(f"{answered}{place}")
            return result

        SocketBroker.ask = ask


def child(kind: type[Death], argv: list[str], folder: str, die: list[Any] | None) -> None:
    """Become the command."""
    os.chdir(folder)
    answers, says = os.pipe()
    os.write(says, b"y\n")
    os.dup2(answers, 0)
    with Path("output.txt").open("ab") as output:
        os.dup2(output.fileno(), 1)
        os.dup2(output.fileno(), 2)
    if die is not None:
        kind(*die).install()
    sys.argv = ["rebalancer", *argv]
    command()


def serve(kind: type[Death]) -> None:
    """Fork a child for every line, which dies as that kind does."""
    for line in sys.stdin:
        request = json.loads(line)
        sys.stdout.flush()
        pid = os.fork()
        if pid == 0:
            code = 1
            try:
                child(kind, **request)
                code = 0
            except SystemExit as end:
                code = end.code if isinstance(end.code, int) else 1
            finally:
                sys.stdout.flush()
                os._exit(code)
        print(f"pid {pid}", flush=True)
        _, status = os.waitpid(pid, 0)
        print(f"ended {os.waitstatus_to_exitcode(status)}", flush=True)


if __name__ == "__main__":
    serve(SocketDeath)
