"""Prices and tables of symbols as people and programs read them."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

import click

from nanobook_core.cli.table import print_table

#: Of a price.
_UNIT = Decimal("0.0001")


def name_text(name: str) -> str:
    """Return a symbol for a terminal: what is no visible ASCII is escaped."""
    if name.isascii() and name.isprintable():
        return name
    return name.encode("unicode_escape").decode()


def dollars(price: int) -> str:
    """Return a price of 1/10000 in dollars, with two digits after the point, or all four."""
    whole, parts = divmod(price, 10_000)
    cents, rest = divmod(parts, 100)
    return f"{whole:,}.{parts:04}" if rest else f"{whole:,}.{cents:02}"


def exact(price: int | None) -> str | None:
    """Return a price of 1/10000 in dollars, for programs."""
    return None if price is None else str(price * _UNIT)


def average(value: int, shares: int) -> int | None:
    """Return a mean price in the prices' unit, half to even; of no shares None."""
    if shares == 0:
        return None
    whole, rest = divmod(value, shares)
    return whole + ((2 * rest, whole % 2) > (shares, 0))


def print_top(columns: Sequence[str], rows: Sequence[Sequence[str]], top: int) -> None:
    """Print the first rows, and how many others there are."""
    print_table(columns, rows[:top], numbers=range(1, len(columns)))
    if len(rows) > top:
        click.echo(f"and {len(rows) - top:,} others; --top {len(rows)} or --json shows them")
