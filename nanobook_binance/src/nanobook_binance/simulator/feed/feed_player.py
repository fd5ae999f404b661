"""Plays a recorded market at the venue: the liquidity source does what the market did."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import TypeAlias

from nanobook_binance.recorded_feed import (
    Diff,
    Print,
    Recorded,
    Snapshot,
    Touch,
    read_feed,
)
from nanobook_binance.simulator.feed.whole import whole_steps
from nanobook_binance.simulator.venue import Venue
from nanobook_core.errors import ValidationError

Turn: TypeAlias = Callable[[Callable[[], None]], None]

_logger = logging.getLogger(__name__)

#: How often it looks what is due while it plays by itself.
_STEP_SECONDS = 0.01


class FeedPlayer:
    """Stands at a moment of the recording, at first that of its snapshot, and goes on from there.

    The source's levels of the book are then those of the recording, and update ids too as long as
    clients do not make more of them than the market did. Recorded trades fill the clients' orders
    that they would have reached; what a client takes is not missing in the recording's next word on
    that level. `told` is called with the symbol after each change of its book.
    """

    def __init__(self, path: Path, venue: Venue, told: Callable[[str], None]) -> None:
        self._path = path
        self._venue = venue
        self._told = told
        self._records: Iterator[Recorded] = iter(())
        self._next: Recorded | None = None
        self._began_ns = self._at_ns = 0
        self._passed_ms = 0
        """By how much the venue's clock has been moved."""
        self._task: asyncio.Task[None] | None = None

    @property
    def is_over(self) -> bool:
        """Whether nothing more was recorded; the book stays as it is."""
        return self._next is None

    def open(self) -> None:
        """Offer what the recording's first snapshot has.

        Raises:
            OSError: it cannot be read.
            ValidationError: it is no recording, has no snapshot, or is of a symbol or of prices
                that the venue does not have.

        """
        self._records = (each for each in read_feed(self._path) if not isinstance(each, Touch))
        for record in self._records:
            if isinstance(record, Snapshot):
                self._began_ns = self._at_ns = record.timestamp_ns
                self._do(record)
                self._next = next(self._records, None)
                return
        raise ValidationError(f"{self._path} has no snapshot of a book to begin with")

    def play(self, seconds: float) -> None:
        """Let so much time pass at the venue, and what was recorded in it happen.

        Raises:
            ValidationError: a line cannot be read, or is not of this venue; what was before it has
                happened, and the recording is over.

        """
        for record in self._until(self._at_ns + round(seconds * 1e9)):
            self._pass()
            self._do(record)
        self._pass()

    def _pass(self) -> None:
        """Let the venue's clock be where the recording is, to the millisecond."""
        passed_ms = round((self._at_ns - self._began_ns) / 1e6)
        self._venue.advance((passed_ms - self._passed_ms) / 1000)
        self._passed_ms = passed_ms

    def _play_until(self, end_ns: int) -> None:
        for record in self._until(end_ns):
            self._do(record)

    def _until(self, end_ns: int) -> Iterator[Recorded]:
        while self._next is not None and self._next.timestamp_ns <= end_ns:
            record, self._next = self._next, None
            self._at_ns = record.timestamp_ns
            yield record
            self._next = next(self._records, None)
        self._at_ns = end_ns

    def run(self, speed: float, turn: Turn) -> None:
        """Play it on the running loop, so many times as fast as it was, until it is over.

        What happens at a time is a turn of its own.
        """
        self._task = asyncio.get_running_loop().create_task(self._run(speed, turn))

    def stop(self) -> None:
        """Play it no more."""
        if self._task is not None:
            self._task.cancel()
            self._task = None

    async def _run(self, speed: float, turn: Turn) -> None:
        loop = asyncio.get_running_loop()
        before = loop.time()
        while not self.is_over:
            await asyncio.sleep(_STEP_SECONDS)
            now = loop.time()
            try:
                turn(partial(self._play_until, self._at_ns + round((now - before) * speed * 1e9)))
            except ValidationError as error:
                _logger.warning("the recording is over: %s", error)
            before = now

    def _do(self, record: Recorded) -> None:
        step = self._venue.rules(record.symbol).step
        if isinstance(record, Print):
            quantity = whole_steps(record.quantity, step)
            if quantity:
                self._venue.print(
                    record.symbol, record.price, quantity, buyer_is_maker=record.buyer_is_maker
                )
        elif isinstance(record, Snapshot | Diff):
            self._venue.follow(
                record.symbol,
                [(price, whole_steps(size, step)) for price, size in record.bids],
                [(price, whole_steps(size, step)) for price, size in record.asks],
                update_id=record.update_id,
                replace=isinstance(record, Snapshot),
            )
            self._told(record.symbol)
