"""A user data stream: what happens to one account, told on one connection."""

from __future__ import annotations

import asyncio

from nanobook_binance.simulator.stream.connection import Connection
from nanobook_binance.simulator.stream.user_event import Event, stream_terminated


class Subscription:
    """Tells events in their order, at once or after a while."""

    def __init__(self, number: int, account: str, connection: Connection) -> None:
        self.number = number
        self.account = account
        self.connection = connection
        self.is_over = False
        self._held: list[Event] = []
        self._timer: asyncio.TimerHandle | None = None

    def tell(self, event: Event) -> None:
        """Send an event, after those that are held back."""
        if self.is_over:
            return
        if self._timer is not None:
            self._held.append(event)
            return
        self.connection.tell({"subscriptionId": self.number, "event": event})

    def hold(self, seconds: float) -> None:
        """Hold events back for so long from now."""
        if self._timer is not None:
            self._timer.cancel()
        self._timer = asyncio.get_running_loop().call_later(seconds, self._release)

    def terminate(self, now: int) -> None:
        """Send what is held back and that nothing follows."""
        self._release()
        self.tell(stream_terminated(now))
        self.is_over = True

    def end(self) -> None:
        """Tell nothing any more; the connection has gone."""
        self.is_over = True
        if self._timer is not None:
            self._timer.cancel()

    def _release(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        held, self._held = self._held, []
        for event in held:
            self.tell(event)
