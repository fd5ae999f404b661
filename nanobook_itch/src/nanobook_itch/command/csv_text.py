"""Tables as CSV."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from nanobook_itch.layout import Table


def csv_text(table: Table, *, heading: bool) -> str:
    """Return the rows of a table, below the names of its columns if `heading`.

    Numbers are those of the table, in its units, 0 where there is none; text is as the exchange
    has it, each byte a character of Latin-1. A column of levels becomes one a level, from 1 on.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    names, columns = [], []
    for name in table.dtype.names or ():
        column = table[name]
        if column.ndim == 1:
            names.append(name)
            columns.append(_values(column))
        for level in range(column.shape[1] if column.ndim > 1 else 0):
            names.append(f"{name}_{level + 1}")
            columns.append(_values(column[:, level]))
    if heading:
        writer.writerow(names)
    writer.writerows(zip(*columns, strict=True))
    return text.getvalue()


def _values(column: NDArray[Any]) -> list[Any]:
    values = column.tolist()
    return [value.decode("latin-1") for value in values] if column.dtype.kind == "S" else values
