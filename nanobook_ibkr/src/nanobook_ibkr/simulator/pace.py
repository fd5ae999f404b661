"""How many messages a client may send."""

from __future__ import annotations

from nanobook_core.contracts.clock import Clock


class Pace:
    """So many messages a second, and what has been left unused of one second more.

    A client that keeps to the rate can therefore be read as late as a second, and what it sent
    meanwhile at once. Who has sent too much starts again with one second's messages.
    """

    def __init__(self, per_second: int, clock: Clock) -> None:
        self._per_second = per_second
        self._clock = clock
        self._free = 2.0 * per_second
        self._looked_at = clock.monotonic()

    def takes(self) -> bool:
        """Count a message that comes now; False if it is one too many."""
        now = self._clock.monotonic()
        earned = (now - self._looked_at) * self._per_second
        self._free = min(self._free + earned, 2.0 * self._per_second)
        self._looked_at = now
        if self._free < 1:
            self._free = float(self._per_second)
            return False
        self._free -= 1
        return True
