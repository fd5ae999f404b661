"""How the command ends: with one line, and an exit code."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import click

from nanobook_core.cli.printing import printing
from nanobook_core.errors import ItchError, NanobookError, ValidationError

#: Standard input, or standard output.
STDIO = "-"

EXIT_ERROR = 1
EXIT_REFUSED = 2

#: What is wrong with what was given, not with what was done.
_REFUSED = (
    ItchError,
    ValidationError,
    FileExistsError,
    FileNotFoundError,
    IsADirectoryError,
    NotADirectoryError,
    PermissionError,
)


class EndedError(click.ClickException):
    """One line, and an exit code."""

    def __init__(self, message: str, exit_code: int) -> None:
        super().__init__(message)
        self.exit_code = exit_code  # type: ignore[misc]  # click declares it for the class

    def show(self, file: Any = None) -> None:
        """Print the line."""
        with printing():
            click.echo(f"Error: {self.message}", file=file, err=True)


@contextmanager
def in_one_line(file: str, *, lenient: bool = True) -> Iterator[None]:
    """End a command with one line and its exit code, whatever is wrong with files or options."""
    try:
        yield
    except ItchError as error:
        of = f"message {error.type!r} " if error.type and str(error).startswith("at byte") else ""
        hint = "" if lenient else "; --lenient goes on and counts such problems"
        name = "standard input" if file == STDIO else file
        raise EndedError(f"{name}: {of}{error}{hint}", EXIT_REFUSED) from None
    except (NanobookError, OSError, ImportError, MemoryError) as error:
        code = EXIT_REFUSED if isinstance(error, _REFUSED) else EXIT_ERROR
        raise EndedError(_line(error), code) from None


def _line(error: BaseException) -> str:
    if isinstance(error, MemoryError):
        return str(error) or "not enough memory; --symbols, or --from and --to, need less"
    if isinstance(error, OSError) and error.strerror:
        of = "" if error.filename is None else f"{error.filename}: "
        return f"{of}{error.strerror}"
    return " ".join(str(error).split())
