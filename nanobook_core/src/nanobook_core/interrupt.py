"""Ctrl-C, where work must not be left half done."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType


@contextmanager
def interrupts_held() -> Iterator[Callable[[], None]]:
    """Hold Ctrl-C back until the function that is given is called, or until the end."""
    handler = signal.getsignal(signal.SIGINT)
    # Only the main thread is ever interrupted, and only it may say what happens then.
    if threading.current_thread() is not threading.main_thread() or not callable(handler):
        yield lambda: None
        return
    held: list[tuple[int, FrameType | None]] = []

    def answer() -> None:
        while held:
            handler(*held.pop())

    signal.signal(signal.SIGINT, lambda *interrupt: held.append(interrupt))
    try:
        yield answer
    finally:
        signal.signal(signal.SIGINT, handler)
        answer()
