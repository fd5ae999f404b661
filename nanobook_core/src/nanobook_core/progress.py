"""Progress of long work, for who watches."""

from __future__ import annotations

import sys
import time
from collections.abc import Generator, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Self, TypeVar

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

Item = TypeVar("Item")

_PATIENCE_S = 1.0


class Bar:
    """A bar on a terminal's stderr, drawn once the work in its `with` has taken a second.

    Nothing is drawn where stderr is piped or there is none, and never unless `is_shown`. `total` is
    None where nobody knows it. The bar goes when the `with` is left, however it is left.
    """

    def __init__(
        self, label: str, total: int | None, *, is_shown: bool = True, is_bytes: bool = False
    ) -> None:
        self._label = label
        self._total = total
        self._is_bytes = is_bytes
        # A program without a console has no stderr.
        self.is_watched = is_shown and sys.stderr is not None and sys.stderr.isatty()
        """Whether a bar would be seen."""
        self._started = time.monotonic()
        self._bar: Progress | None = None
        self._task: TaskID | None = None

    def reach(self, done: int) -> None:
        """Show that so much has been done."""
        if not self.is_watched:
            return
        if self._bar is None:
            if time.monotonic() - self._started > _PATIENCE_S:
                self._draw(done)
        elif self._task is not None:
            self._bar.update(self._task, completed=done)

    def _draw(self, done: int) -> None:
        from rich.console import Console
        from rich.progress import DownloadColumn, Progress, TransferSpeedColumn

        columns = list(Progress.get_default_columns())
        if self._is_bytes:
            columns += [DownloadColumn(), TransferSpeedColumn()]
        self._bar = Progress(*columns, console=Console(stderr=True), transient=True)
        self._bar.start()
        self._task = self._bar.add_task(self._label, total=self._total, completed=done)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._bar is not None:
            self._bar.stop()


def track(
    items: Sequence[Item], label: str, *, is_shown: bool = True
) -> Generator[Item, None, None]:
    """Yield each item; draw a `Bar` of them."""
    with Bar(label, len(items), is_shown=is_shown) as bar:
        if not bar.is_watched:
            yield from items
            return
        for done, item in enumerate(items, 1):
            yield item
            bar.reach(done)
