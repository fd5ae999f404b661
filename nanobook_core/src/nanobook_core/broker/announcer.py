"""How a simulated venue tells its listeners what has happened."""

from __future__ import annotations

from collections import deque
from typing import Any, Generic, TypeVar

Listener = TypeVar("Listener")


class Announcer(Generic[Listener]):
    """Keeps what happened until the request is done."""

    def __init__(self) -> None:
        self.listeners: list[Listener] = []
        self._queue: deque[tuple[str, tuple[Any, ...]]] = deque()
        self._is_delivering = False

    def tell(self, what: str, *about: Any) -> None:
        """Keep something for the listeners' method of that name."""
        self._queue.append((what, about))

    def deliver(self) -> None:
        """Tell it all; a listener's own requests are told after what is told now."""
        if self._is_delivering:
            return
        self._is_delivering = True
        try:
            while self._queue:
                what, about = self._queue.popleft()
                for listener in tuple(self.listeners):
                    getattr(listener, what)(*about)
        finally:
            self._is_delivering = False
