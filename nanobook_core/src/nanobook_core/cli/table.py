"""Tables on a terminal, and the same lines unwrapped where output is piped."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click
from rich.console import Console
from rich.table import Table

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Sequence

#: Wide enough that a piped row stays on its line.
_PIPED_WIDTH = 1000


def print_table(
    columns: Sequence[str], rows: Iterable[Sequence[str]], *, numbers: Container[int] = ()
) -> None:
    """Print rows under headings; wrapped to the terminal, or one line a row where piped.

    Columns whose places are in `numbers` stand on the right.
    """
    table = Table(box=None, pad_edge=False, header_style="bold")
    for place, column in enumerate(columns):
        table.add_column(column, overflow="fold", justify="right" if place in numbers else "left")
    for row in rows:
        table.add_row(*row)
    console = Console(
        width=None if sys.stdout.isatty() else _PIPED_WIDTH, markup=False, highlight=False
    )
    with console.capture() as captured:
        console.print(table)
    for line in captured.get().splitlines():
        click.echo(line.rstrip())  # rich pads the last column
