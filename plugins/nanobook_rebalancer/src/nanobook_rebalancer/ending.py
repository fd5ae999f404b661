"""How a command ends: with one line, an exit code and, where it is asked for, one document."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, ParamSpec, TypeVar

import click

from nanobook_core.cli.document import print_json
from nanobook_core.cli.printing import printing
from nanobook_core.errors import NanobookError, PolicyError, SecretError, ValidationError
from nanobook_core.plugin.discovery import described
from nanobook_rebalancer.errors import (
    AuditError,
    AuditWriteError,
    InputError,
    LockedError,
    PlanError,
)
from nanobook_rebalancer.redaction import Redactor
from nanobook_rebalancer.result import EXIT_CODES, Result

Parameters = ParamSpec("Parameters")
Returned = TypeVar("Returned")

#: Status by what ended the command, the first that fits.
_STATUS: tuple[tuple[type[BaseException], str], ...] = (
    (AuditWriteError, "halted"),
    (AuditError, "review"),
    (LockedError, "locked"),
    (InputError, "refused"),
    (PlanError, "refused"),
    (SecretError, "refused"),
    (PolicyError, "refused"),
    (ValidationError, "refused"),
    (NanobookError, "error"),
    (OSError, "error"),
)


class EndedError(click.ClickException):
    """One line, and an exit code."""

    def __init__(self, message: str, status: str) -> None:
        super().__init__(message)
        self.exit_code = EXIT_CODES[status]  # type: ignore[misc]  # click declares it for the class

    def show(self, file: Any = None) -> None:
        """Print the line."""
        with printing():
            click.echo(f"Error: {self.message}", file=file, err=True)


class DocumentCommand(click.Command):
    """A command whose wrong usage is a document too, where `--json` is there."""

    def make_context(
        self,
        info_name: str | None,
        args: list[str],
        parent: click.Context | None = None,
        **extra: Any,
    ) -> click.Context:
        """Read what was typed."""
        as_json = "--json" in args
        try:
            return super().make_context(info_name, args, parent, **extra)
        except click.UsageError as error:
            if as_json:
                _print_document("refused", error.format_message())
            raise


def in_one_line(command: Callable[Parameters, Returned]) -> Callable[Parameters, Returned]:
    """End a command with one line and its exit code, whatever of ours it raises.

    With `as_json` standard output gets a document, of anything else that is raised too.
    """

    @wraps(command)
    def run(*args: Parameters.args, **kwargs: Parameters.kwargs) -> Returned:
        redact = click.get_current_context().obj
        try:
            return command(*args, **kwargs)
        except (click.exceptions.Exit, click.ClickException):  # everything is said
            raise
        except (Exception, KeyboardInterrupt, click.Abort) as error:
            status, message = _ended_by(error, redact.redactor)
            if kwargs.get("as_json"):
                _print_document(status, message)
            if isinstance(error, tuple(kind for kind, _ in _STATUS)):
                raise EndedError(message, status) from None
            raise

    return run


def _ended_by(error: BaseException, redactor: Redactor) -> tuple[str, str]:
    """Status and line of what ended a command."""
    if isinstance(error, KeyboardInterrupt | click.Abort):
        return "interrupted", "interrupted"
    for kind, status in _STATUS:
        if isinstance(error, kind):
            return status, redactor.text(" ".join(str(error).split()))
    return "error", redactor.text(described(error))


def _print_document(status: str, message: str) -> None:
    with printing():
        print_json(Result(status=status, message=message).to_dict())
