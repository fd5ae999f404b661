"""What lenient reading found wrong, and symbols that nothing was said of."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

import click

from nanobook_itch.command.option import Reading

if TYPE_CHECKING:
    from nanobook_itch.layout import Table

_SHOWN = 3


def warn(problems: Iterable[Any], n_problems: Mapping[str, int]) -> None:
    """Say on standard error how many problems there were, and the first of them."""
    total = sum(n_problems.values())
    if total == 0:
        return
    counts = ", ".join(f"{reason} {count:,}" for reason, count in sorted(n_problems.items()))
    click.echo(f"warning: {total:,} {'problem' if total == 1 else 'problems'}: {counts}", err=True)
    for problem in list(problems)[:_SHOWN]:
        click.echo(f"warning: {problem.error()}", err=True)


def is_end(system: Table) -> bool:
    """Whether the exchange says in these messages that no more come."""
    return bool((system["event"] == b"C").any())


def ending(source: Reading, *, is_complete: bool) -> dict[str, bool | None]:
    """Return what a document says of the feed's end: null where it was not asked for."""
    return {"complete": is_complete if source.end is None else None}


def warn_incomplete(source: Reading, *, is_complete: bool) -> None:
    """Say on standard error that the feed ends too soon, where its end was asked for."""
    if source.end is None and not is_complete:
        click.echo("warning: the day is not complete: its end is missing", err=True)


def warn_missing(source: Reading, found: Iterable[str]) -> None:
    """Say on standard error which symbols that were asked for do not occur."""
    missing = sorted(set(source.symbols or ()) - set(found))
    if missing:
        small = [symbol for symbol in missing if symbol != symbol.upper()]
        hint = f"; symbols are in capitals: {', '.join(small).upper()}?" if small else ""
        click.echo(f"warning: nothing is said of {', '.join(missing)}{hint}", err=True)
