"""The numbers for orders that a venue gives out, from connection to connection."""

from __future__ import annotations

from attrs import frozen


@frozen
class Counter:
    """What is known of the numbers for orders that one client id was given."""

    where: str = ""
    """Host and port that gave them out: another venue counts for itself."""
    largest: int = 0
    since: int = 1
    """Number of the connection from which on they have only risen: what was sent before proves
    nothing by its number."""

    @classmethod
    def read(cls, text: str) -> Counter:
        """Read what `written` gave; an empty text is the beginning."""
        where, largest, since = text.rsplit(" ", 2) if text else ("", "0", "1")
        return cls(where, int(largest), int(since))

    def written(self) -> str:
        """In one line."""
        return f"{self.where} {self.largest} {self.since}"

    def after(self, where: str, next_valid_id: int, connection: int) -> Counter:
        """Go on with the number that a connection began with."""
        if (self.where and where != self.where) or next_valid_id < self.largest:
            return Counter(where, next_valid_id, connection)
        return Counter(where, next_valid_id, self.since)
