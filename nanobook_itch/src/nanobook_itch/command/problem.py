"""What lenient reading found wrong, and symbols that nothing was said of."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import click

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


def warn_incomplete(*, is_complete: bool | None) -> None:
    """Say on standard error that the feed ends too soon, before the end that was asked for."""
    if is_complete is False:
        click.echo("warning: the day is not complete: its end is missing", err=True)


def warn_missing(missing: Iterable[str]) -> None:
    """Say on standard error which symbols that were asked for do not occur."""
    if names := list(missing):
        small = [symbol for symbol in names if symbol != symbol.upper()]
        hint = f"; symbols are in capitals: {', '.join(small).upper()}?" if small else ""
        click.echo(f"warning: nothing is said of {', '.join(names)}{hint}", err=True)
