"""A list that only grows, and that copies share."""

from __future__ import annotations

from typing import Generic, TypeVar

Item = TypeVar("Item")


class History(Generic[Item]):
    """Values in order. A copy costs nothing, and never sees what is appended to another."""

    def __init__(self, items: list[Item]) -> None:
        self._items, self._length = items, len(items)

    def copy(self) -> History[Item]:
        """Return the same values, to be continued in another way."""
        twin = History(self._items)
        twin._length = self._length
        return twin

    def append(self, item: Item) -> None:
        """Add a value at the end."""
        if len(self._items) != self._length:  # another copy has gone on with them
            self._items = self._items[: self._length]
        self._items.append(item)
        self._length += 1

    def to_list(self) -> list[Item]:
        """Return all values in a list of their own."""
        return self._items[: self._length]

    @property
    def last(self) -> Item:
        """The latest value."""
        return self._items[self._length - 1]

    def __len__(self) -> int:
        return self._length
