"""One use of `lob`: its exchange, and the commands that work on it by name."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from attrs import frozen

from nanobook_core.cli.lob.arguments import Arguments
from nanobook_core.errors import ValidationError
from nanobook_core.types import StopTrigger

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from nanobook_core.lob import ExchangeBase

#: A longer line is refused.
LINE_LENGTH = 4096

_ERROR = "red"


class Quit(Exception):  # noqa: N818 - no error
    """The user wants to leave."""


class Session:
    """An exchange, and where what is said about it goes: `say(text, colour)` shows a line."""

    def __init__(
        self, engine: type[ExchangeBase], stop_trigger: str, say: Callable[[str, str], None]
    ) -> None:
        self.engine = engine
        self.stop_trigger = StopTrigger(stop_trigger)
        self._say = say
        self.clear()

    def say(self, text: str, colour: str = "") -> None:
        """Show a line."""
        self._say(text, colour)

    def say_all(self, lines: Iterable[tuple[str, str]]) -> None:
        """Show lines, each with its colour."""
        for text, colour in lines:
            self._say(text, colour)

    def clear(self) -> None:
        """Begin anew with an empty exchange."""
        self.exchange = self.engine(stop_trigger=self.stop_trigger)

    def load(self, path: Path) -> None:
        """Go on with the exchange of a file.

        Raises:
            JournalError, OSError: it cannot be loaded; the exchange stays as it is.

        """
        self.exchange = self.engine.load(path, stop_trigger=self.stop_trigger)

    def execute(self, line: str) -> bool:
        """Carry out a line; False, once the reason has been shown, if that was not possible.

        Raises:
            Quit: it was `quit`.

        """
        try:
            self._carry_out(line)
        except (ValidationError, OverflowError) as error:
            self.say(str(error), _ERROR)
            return False
        return True

    def _carry_out(self, line: str) -> None:
        if len(line) > LINE_LENGTH:
            raise ValidationError(f"Line too long: at most {LINE_LENGTH} characters.")
        name, _, rest = line.strip().partition(" ")
        if not name or name.startswith("#"):
            return
        command = COMMANDS.get(name.lower())
        if command is None:
            raise ValidationError(f"Unknown command: '{name:.40}'. Type 'help' for commands.")
        command.run(self, Arguments(command.usage, rest))


Run = Callable[[Session, Arguments], None]


@frozen
class LobCommand:
    """A command; `run` raises a ValidationError where it cannot do what it was told."""

    names: tuple[str, ...]
    usage: str
    summary: str
    run: Run


#: By each of their names.
COMMANDS: dict[str, LobCommand] = {}


def command(usage: str, summary: str, *also: str) -> Callable[[Run], Run]:
    """Make a function a command, named as its usage begins; `also` are other names."""

    def register(run: Run) -> Run:
        names = (usage.split(maxsplit=1)[0], *also)
        COMMANDS.update(dict.fromkeys(names, LobCommand(names, usage, summary, run)))
        return run

    return register
