"""What else is served on the same port, and told of what changes at the venue."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from aiohttp import web

if TYPE_CHECKING:
    from nanobook_binance.simulator.server.server import Server


class Attachment(Protocol):
    """Streams, or a source of liquidity, that live as long as the server serves."""

    def attach(self, server: Server, application: web.Application) -> None:
        """Add routes to the application, which is a new one at each start, and begin to listen."""
        ...

    def watch(self) -> None:
        """Look whether something is due; called five times in a second, as a turn of its own."""
        ...

    def end_turn(self) -> None:
        """Begin to send what listeners have been told since; called at the end of each turn."""
        ...

    async def settle(self) -> None:
        """Return when all that was begun has been written."""
        ...

    def drop(self) -> None:
        """Cut the connections."""
        ...

    async def detach(self) -> None:
        """End the connections and listen no more."""
        ...
