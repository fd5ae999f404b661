"""The seed's view of money: whole cents, in mappings. Everything else is Decimal."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Mapping
from decimal import ROUND_HALF_UP, Context, Decimal
from typing import Any

#: Wider than any money, whatever the thread's own context is.
WIDE = Context(prec=100)


def to_cents(money: Decimal) -> int:
    """Return it in whole cents, half a cent away from 0."""
    return int(WIDE.scaleb(money, 2).to_integral_value(ROUND_HALF_UP))


def whole(quantity: Decimal) -> int | Decimal:
    """Return it as an int where it is one, as the seed's quantities are."""
    return int(quantity) if quantity == quantity.to_integral_value() else quantity


def are_whole_cents(*money: Decimal | None) -> bool:
    """Whether none of them has parts of a cent; None has none."""
    return all(each is None or WIDE.scaleb(each, 2) % 1 == 0 for each in money)


class Seed(Mapping[str, Any]):
    """A record that is also a mapping of the seed's keys, with money in cents."""

    __slots__ = ()

    @abstractmethod
    def _seed(self) -> dict[str, Any]: ...

    def __getitem__(self, key: str) -> Any:
        return self._seed()[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._seed())

    def __len__(self) -> int:
        return len(self._seed())
