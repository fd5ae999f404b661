"""What the subcommands have in common: a file, and which of its messages."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import TYPE_CHECKING, Any

import click
from attrs import frozen

from nanobook_itch.command.ending import in_one_line
from nanobook_itch.time_of_day import clock, duration, nanoseconds

if TYPE_CHECKING:
    from nanobook_itch.feed import ItchFeed


class _Time(click.ParamType[int]):
    """A time of the exchange's day."""

    name = "time"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        try:
            return nanoseconds(value)
        except ValueError as error:
            self.fail(str(error), param, ctx)


class _Duration(click.ParamType[str]):
    """A length of time."""

    name = "duration"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        try:
            duration(value, "every")
        except ValueError as error:
            self.fail(str(error), param, ctx)
        return str(value)


class Names(click.ParamType[tuple[str, ...]]):
    """Names with commas between them."""

    def __init__(self, name: str) -> None:
        self.name = name

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, ...]:
        """Return the names; none may be empty."""
        names = tuple(name.strip() for name in value.split(","))
        if not all(names):
            self.fail(f"{value!r} has a name without letters", param, ctx)
        return names


TIME = _Time()
DURATION = _Duration()


@frozen
class Reading:
    """A source, and which of its messages."""

    file: str
    symbols: tuple[str, ...] | None
    start: int | None
    end: int | None
    lenient: bool

    def feed(self) -> ItchFeed:
        """Return the feed, nothing of which has been read."""
        from nanobook_itch.feed import ItchFeed

        return ItchFeed(self.file, symbols=self.symbols, strict=not self.lenient)


file_argument = click.argument("file", metavar="FILE")
lenient_option = click.option(
    "--lenient", is_flag=True, help="Go on where messages are wrong, and count them."
)
json_option = click.option("--json", "as_json", is_flag=True, help="The numbers as JSON.")
top_option = click.option(
    "--top", type=click.IntRange(1), default=20, show_default=True, help="So many lines."
)
force_option = click.option("--force", is_flag=True, help="Replace what is there.")

_OPTIONS = (
    file_argument,
    click.option("--symbols", type=Names("symbols"), metavar="A,B,…", help="Only these."),
    click.option("--from", "start", type=TIME, help="First time, as 09:30 or 09:30:00.5."),
    click.option("--to", "end", type=TIME, help="Time before which it ends."),
    lenient_option,
)


def reading(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command the options of a `Reading`, which is its first argument."""

    @wraps(command)
    def run(
        file: str,
        symbols: tuple[str, ...] | None,
        start: int | None,
        end: int | None,
        *,
        lenient: bool,
        **others: Any,
    ) -> None:
        if start is not None and end is not None and end < start:
            raise click.UsageError(f"--to {clock(end)} is before --from {clock(start)}.")
        with in_one_line(file, lenient=lenient):
            command(Reading(file, symbols, start, end, lenient), **others)

    for option in reversed(_OPTIONS):
        run = option(run)
    return run


def out_options(what: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Options of what is written to a file."""
    text = f"{what}: .parquet, .arrow or .csv; - is CSV on standard output."
    option = click.option("--out", metavar="FILE", help=text)
    return lambda command: option(force_option(command))
