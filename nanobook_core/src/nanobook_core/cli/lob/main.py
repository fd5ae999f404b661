"""`nanobook lob`, and `lob` by itself: commands from a terminal or from a pipe."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from io import TextIOWrapper
from pathlib import Path
from typing import NoReturn, TextIO

import click

import nanobook_core.cli.lob.orders
import nanobook_core.cli.lob.queries  # noqa: F401 - with the one above, fills the table of commands
from nanobook_core.cli.lob.session import LINE_LENGTH, Quit, Session
from nanobook_core.errors import JournalError
from nanobook_core.plugin.capability import Kind
from nanobook_core.plugin.registry import default_registry
from nanobook_core.types import StopTrigger


@click.command("lob")
@click.argument("file", required=False, type=click.Path(path_type=Path))
@click.option(
    "--stop-trigger",
    type=click.Choice([str(trigger) for trigger in StopTrigger]),
    default=str(StopTrigger.EVERY),
    show_default=True,
    help="Which prints elect stops.",
)
@click.pass_context
def lob(ctx: click.Context, file: Path | None, stop_trigger: str) -> None:
    """Trade with yourself in an order book; FILE is one that `save` has written.

    Type `help` for the commands. Prices are in dollars. From a pipe, each line is carried out
    whatever became of those before it; the exit code is 1 if one of them failed, else 0.

    \b
    Examples:
      nanobook lob
      nanobook lob orders.jsonl
      printf 'sell 101.00 50\\nmarket buy 20\\nbook\\n' | nanobook lob
    """
    for stream in (sys.stdin, sys.stdout):
        if isinstance(stream, TextIOWrapper):  # no byte that comes or goes may end a session
            stream.reconfigure(errors="replace")
    engine = default_registry().load(Kind.ENGINE, "exchange")
    is_terminal = sys.stdin.isatty() and sys.stdout.isatty()
    say: Callable[[str, str], None] = _coloured() if is_terminal else _plain
    session = Session(engine, stop_trigger, say)
    if file is not None:
        try:
            session.load(file)
        except (JournalError, OSError) as error:
            raise click.ClickException(str(error)) from error
    if is_terminal:
        from nanobook_core.cli.lob.prompt import converse

        session.say("Type 'help' for commands, 'quit' to exit.")
        converse(session)
        failures = 0
    else:
        failures = _read_all(session, sys.stdin)
    session.say("Goodbye!")
    ctx.exit(1 if failures else 0)


def _coloured() -> Callable[[str, str], None]:
    from rich.console import Console
    from rich.text import Text

    console = Console(highlight=False, soft_wrap=True)
    return lambda text, colour: console.print(Text(text, style=colour))


def _plain(text: str, colour: str) -> None:
    del colour
    click.echo(text)


def _read_all(session: Session, stream: TextIO) -> int:
    """Carry out every line, and count those that failed."""
    failures = 0
    try:
        for line in _lines(stream):
            failures += not session.execute(line)
    except Quit:
        pass
    return failures


def _lines(stream: TextIO) -> Iterator[str]:
    """Lines without their ends; of one that is too long only the beginning, but too long still."""
    while line := stream.readline(LINE_LENGTH + 2):
        yield line.rstrip("\n")
        while line and not line.endswith("\n"):
            line = stream.readline(LINE_LENGTH + 2)


def main() -> NoReturn:
    """Run `nanobook lob` under its own name."""
    from nanobook_core.cli.main import main as nanobook

    nanobook(["lob", *sys.argv[1:]])
