"""Books of ITCH as plain values, for laws to compare."""

from __future__ import annotations

from typing import Any

from nanobook_itch.testing.strategies import SYMBOLS

MOST = 2**63 - 1
TABLES = frozenset({"bbo", "trades", "orders", "depth"})
LOCATES = range(len(SYMBOLS) + 1)
SIDES = (b"B", b"S")


def make(kernel: Any, **options: Any) -> Any:
    """Make strict books that write everything, unless options say otherwise."""
    everything = {"symbols": None, "strict": True, "tables": TABLES, "depth": 3}
    rest = {"grid": None, "start": 0, "end": MOST}
    return kernel(**{**everything, **rest, **options})


def columns(table: Any) -> dict[str, list[Any]]:
    """Return a table as plain values."""
    return {name: table[name].tolist() for name in table.dtype.names}


def written(books: Any) -> dict[str, dict[str, list[Any]]]:
    """What the books have written since they were last asked."""
    return {name: columns(table) for name, table in books.take().items()}


def sides(books: Any, locate: int, n: int | None = None) -> list[Any]:
    """Levels of both sides of a book."""
    return [books.levels(locate, side, n).tolist() for side in SIDES]


def state(books: Any) -> list[Any]:
    """Everything that is in the books."""
    return [books.orders().tolist(), *(sides(books, locate) for locate in LOCATES), len(books)]
