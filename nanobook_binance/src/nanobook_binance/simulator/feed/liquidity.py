"""Where the venue's prices come from beside its clients: a quotes file, a recorded market."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from aiohttp import web

from nanobook_binance.simulator.feed.feed_player import FeedPlayer
from nanobook_binance.simulator.feed.quotes_file import QuotesFile
from nanobook_binance.simulator.venue import Venue
from nanobook_core.errors import ValidationError, shown

if TYPE_CHECKING:
    from nanobook_binance.simulator.server.server import Server

_logger = logging.getLogger(__name__)


class Liquidity:
    """Follows the file while the server serves; the recording begins where it is made.

    With a `speed` it goes on as time passes, else only as `advance` says. `told` is called with
    the symbol after each change that was recorded.

    Raises:
        OSError: a file cannot be read.
        ValidationError: a file is none, or the speed is not above 0, or there is nothing to play.

    """

    def __init__(
        self,
        venue: Venue,
        *,
        quotes: Path | None,
        feed: Path | None,
        speed: float | None,
        told: Callable[[str], None],
    ) -> None:
        if speed is not None and (feed is None or not 0 < speed < float("inf")):
            raise ValidationError(
                f"speed is above 0 and goes with a feed, got {shown(speed)} with {shown(feed)}"
            )
        self._venue = venue
        self._speed = speed
        self._quotes = None if quotes is None else QuotesFile(quotes)
        self._player = None if feed is None else FeedPlayer(feed, venue, told)
        self._complaint = ""
        """What was wrong with the quotes the last time."""
        if self._quotes is not None:
            self._quotes.poll(venue)
        if self._player is not None:
            self._player.open()

    def advance(self, seconds: float) -> None:
        """Let so much time pass at the venue, with what was recorded of it.

        Raises:
            ValidationError: it is below 0, or not finite; or the feed cannot be read further.

        """
        if self._player is None or self._player.is_over:
            self._venue.advance(seconds)
        else:
            self._player.play(seconds)

    def attach(self, server: Server, application: web.Application) -> None:
        """Begin to play by itself, if it is to."""
        del application
        if self._player is not None and self._speed is not None:
            self._player.run(self._speed, server.turn)

    def watch(self) -> None:
        """Look whether the quotes are others."""
        if self._quotes is None:
            return
        complaint = ""
        try:
            self._quotes.poll(self._venue)
        except (OSError, ValidationError) as error:
            complaint = str(error)
        if complaint and complaint != self._complaint:
            _logger.warning("the quotes stay as they are: %s", complaint)
        self._complaint = complaint

    def end_turn(self) -> None:
        """Nothing waits."""

    async def settle(self) -> None:
        """Nothing waits."""

    def drop(self) -> None:
        """It has no connections."""

    async def detach(self) -> None:
        """Stand still."""
        if self._player is not None:
            self._player.stop()
