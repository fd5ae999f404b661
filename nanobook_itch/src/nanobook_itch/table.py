"""Tables by name, and how they become frames."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from nanobook_core.contracts.frame import to_frame
from nanobook_core.contracts.itch import ItchProblem

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from nanobook_itch.layout import Table

#: Units in a dollar, of every price but those of circuit breakers.
PRICE_SCALE = 10_000
_BREAKER_SCALE = 100_000_000

_BREAKERS = ("level_1", "level_2", "level_3")

#: Columns that are prices; what has none is 0 there.
PRICES = frozenset(
    {"price", "bid", "ask", *_BREAKERS}
    | {f"{which}_price" for which in ("far", "near", "reference", "upper", "lower")}
    | {"minimum_price", "maximum_price"}
)

#: Columns where 0 says that there is none.
_ABSENT = PRICES | {"ended", "replaced_by"}


class Tables(Mapping[str, "Table"]):
    """Structured arrays by name, which are attributes too, and what was wrong with their source.

    Prices are whole numbers of 1/10000 of a dollar (those of `breaker` of 1/100000000), times
    nanoseconds since midnight; text is bytes without the spaces on its right.
    """

    def __init__(
        self,
        tables: Mapping[str, Table],
        problems: tuple[ItchProblem, ...] = (),
        n_problems: Mapping[str, int] | None = None,
        *,
        is_complete: bool | None = None,
        missing: tuple[str, ...] = (),
    ) -> None:
        self._tables = dict(tables)
        self.problems = problems
        """The first 1,000 that lenient reading found; none if it was strict."""
        self.n_problems = dict(n_problems or {})
        """By reason, those that occurred."""
        self.is_complete = is_complete
        """Whether the feed has told its end (`C`), or the source ended without; None where neither
        was reached, because of an `end`, or in a chunk that is not the last."""
        self.missing = missing
        """Symbols that were asked for and that the feed has not named so far."""

    @property
    def is_clean(self) -> bool:
        """Whether nothing was wrong."""
        return not self.n_problems

    def frame(self, name: str, backend: str | None = None, *, dollars: bool = False) -> Any:
        """Return a table as a frame of pandas, polars or pyarrow, the first that is installed.

        Text is str. What is not there, as the price of a side without orders, is 0 in a table and
        null in a frame; pandas has NaN, and floats around it, which hold every price. With
        `dollars` prices are floats in dollars, in columns named so (`bid_dollars`). Levels are
        columns of their own, `bid_1` the best.

        Raises:
            KeyError: there is no such table.
            ImportError: the backend is not installed.

        """
        return table_frame(self[name], backend, dollars=dollars)

    def __getitem__(self, name: str) -> Table:
        try:
            return self._tables[name]
        except KeyError:
            raise KeyError(f"there is no table {name!r}; there are {', '.join(self)}") from None

    def __getattr__(self, name: str) -> Table:
        if not name.startswith("_") and name in self._tables:
            return self._tables[name]
        known = "" if name.startswith("_") else f"; its tables are {', '.join(self._tables)}"
        raise AttributeError(f"{type(self).__name__!r} has no attribute {name!r}{known}", name=name)

    def __iter__(self) -> Iterator[str]:
        return iter(self._tables)

    def __len__(self) -> int:
        return len(self._tables)

    def __repr__(self) -> str:
        rows = ", ".join(f"{name}: {len(table):,}" for name, table in self.items() if len(table))
        wrong = "" if self.is_clean else f"; {sum(self.n_problems.values()):,} problems"
        return f"{type(self).__name__}({rows or 'no rows'}{wrong})"


def table_frame(table: Table, backend: str | None = None, *, dollars: bool = False) -> Any:
    """Return a table as a frame, as `ItchFeed.lifecycles` or a measure gives one.

    Columns are as of `Tables.frame`.

    Raises:
        ImportError: the backend is not installed.
        TypeError: it is no structured array.

    """
    import narwhals as nw

    if not isinstance(table, np.ndarray) or table.dtype.names is None:
        raise TypeError(f"a table is a structured array, got {type(table).__name__}")
    columns: dict[str, Any] = {}
    absent = []
    for name in table.dtype.names:
        label = f"{name}_dollars" if dollars and name in PRICES else name
        column = np.ascontiguousarray(table[name])
        if label != name:
            column = column / (_BREAKER_SCALE if name in _BREAKERS else PRICE_SCALE)
        elif column.dtype.kind == "S":
            column = text_of(column)
        one = {label: column}
        if column.ndim > 1:
            one = {f"{label}_{n}": column[:, n - 1] for n in range(1, column.shape[1] + 1)}
        columns |= one
        absent += list(one) if name in _ABSENT else []
    frame = nw.from_native(to_frame(columns, backend))
    known = [nw.when(nw.col(label) != 0).then(nw.col(label)).alias(label) for label in absent]
    return frame.with_columns(*known).to_native()


def text_of(column: NDArray[np.bytes_]) -> NDArray[np.str_]:
    """Return bytes as text, each byte a character of Latin-1."""
    different, places = np.unique(column, return_inverse=True)
    return np.char.decode(different, "latin-1")[places]


def put_together(parts: Sequence[Table]) -> Table:
    """Return the rows of all parts, of which there is one or more."""
    if len(parts) == 1:
        return parts[0]
    kind = parts[0].dtype
    # As raw bytes, since numpy copies structured rows field by field.
    whole: Table = np.concatenate([part.view(f"V{kind.itemsize}") for part in parts]).view(kind)
    return whole
