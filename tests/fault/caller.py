"""Calls of a broker that may hang, or raise what says nothing."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import TypeVar

from tests.fault.evidence import HANG, OUTCOME, Violation

from nanobook_core.contracts import BrokerError

T = TypeVar("T")
#: No call takes so many seconds: every time-out of the broker is a small part of it.
TOO_LONG = 20.0


class HungError(Exception):
    """A call did not return; nothing more can be asked of that broker."""


class Caller:
    """Calls, each in a thread of its own, and notes what is wrong with how they end."""

    def __init__(self) -> None:
        self.violations: list[Violation] = []

    def call(self, name: str, function: Callable[[], T]) -> T | BrokerError:
        """Return what a call returns or raises; one that never ends is a violation, and the end.

        Raises:
            HungError: it did not return.

        """
        return self.calls(name, [function])[0]

    def calls(self, name: str, functions: Sequence[Callable[[], T]]) -> list[T | BrokerError]:
        """Call several at once, each in a thread of its own; see `call`."""
        answers: dict[int, T | BaseException] = {}

        def run(number: int) -> None:
            try:
                answers[number] = functions[number]()
            except BaseException as error:  # noqa: BLE001 - told to whoever waits
                answers[number] = error

        threads = [
            threading.Thread(target=run, args=(number,), daemon=True)
            for number in range(len(functions))
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(TOO_LONG)
        if len(answers) < len(functions):
            self.violations.append(Violation(HANG, f"{name} did not return in {TOO_LONG} s"))
            raise HungError(name)
        return [self._typed(name, answers[number]) for number in range(len(functions))]

    def _typed(self, name: str, answer: T | BaseException) -> T | BrokerError:
        if isinstance(answer, BaseException) and not isinstance(answer, BrokerError):
            self.violations.append(Violation(OUTCOME, f"{name} raised {answer!r:.200}"))
            return BrokerError(str(answer), outcome="unknown")
        return answer
