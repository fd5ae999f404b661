"""Progress of long work, for who watches."""

from __future__ import annotations

import sys
import time
from collections.abc import Generator, Sequence
from typing import TypeVar

Item = TypeVar("Item")

_PATIENCE_S = 1.0


def track(
    items: Sequence[Item], label: str, *, is_shown: bool = True
) -> Generator[Item, None, None]:
    """Yield each item; draw a bar on a terminal's stderr once that has taken more than a second.

    Nothing is drawn where stderr is piped or there is none, and never unless `is_shown`. The bar
    goes when the work is done or the generator is closed.
    """
    # A program without a console has no stderr.
    if not is_shown or sys.stderr is None or not sys.stderr.isatty():
        yield from items
        return
    started = time.monotonic()
    done = 0
    for item in items:
        if time.monotonic() - started > _PATIENCE_S:
            break
        yield item
        done += 1
    if done < len(items):
        yield from _drawn(items, done, label)


def _drawn(items: Sequence[Item], done: int, label: str) -> Generator[Item, None, None]:
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(label, total=len(items), completed=done)
        for place in range(done, len(items)):
            yield items[place]
            bar.advance(task)
