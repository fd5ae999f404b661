"""The group that plugins fill with commands, and how its errors become exit codes."""

from __future__ import annotations

import sys
import warnings
from typing import TYPE_CHECKING, NoReturn

import click

from nanobook_core.errors import NanobookError, PluginError, PluginWarning, shown
from nanobook_core.plugin.capability import Kind
from nanobook_core.plugin.registry import default_registry, load_target

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from nanobook_core.plugin.capability import Capability

EXIT_ERROR = 1
EXIT_INTERRUPTED = 130


def _own_commands() -> Iterable[Capability]:
    from nanobook_core.builtin import nanobook_commands

    return nanobook_commands()


class PluginGroup(click.Group):
    """Finds commands in the registry; one is imported when it is invoked, never to list it."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Names of all commands, in alphabetical order."""
        del ctx
        return sorted(self._summaries())

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import the command of that name; None if there is none."""
        del ctx
        name = cmd_name.replace("-", "_")
        try:
            found = default_registry().load(Kind.COMMAND, name)
        except LookupError as error:
            if cmd_name in self._summaries():  # several offer it: the message says how to choose
                raise click.UsageError(str(error)) from error
            return None
        except PluginError as error:
            # The core's own commands are there whatever the policy says: `doctor` explains it.
            own = {offer.name: offer for offer in _own_commands()}
            if name not in own:
                raise
            click.echo(f"warning: {error}", err=True)
            found = load_target(own[name])
        if not isinstance(found, click.Command):
            raise PluginError(f"command {name!r} is {shown(found)}, which is not a click.Command")
        return found

    def invoke(self, ctx: click.Context) -> None:
        """Run the command; what it returns is not an exit code, `ctx.exit()` sets that."""
        super().invoke(ctx)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list of commands from their summaries."""
        del ctx
        with formatter.section("Commands"):
            formatter.write_dl(sorted(self._summaries().items()))

    def _summaries(self) -> dict[str, str]:
        try:
            offers = default_registry().capabilities
        except PluginError as error:
            click.echo(f"warning: {error}", err=True)
            offers = tuple(_own_commands())
        return {
            offer.name.replace("_", "-"): offer.summary
            for offer in reversed(offers)  # ours come first, and so win over a namesake
            if offer.kind is Kind.COMMAND
        }


@click.command(
    cls=PluginGroup,
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
)
@click.version_option(None, "-V", "--version", package_name="nanobook-core", prog_name="nanobook")
def nanobook() -> None:
    """Simulate portfolios, check risk and route orders; plugins add commands.

    \b
    Examples:
      nanobook demo
      nanobook capabilities --kind cost_model
      nanobook new-plugin risk_check my_check
    """


def main(args: Sequence[str] | None = None) -> NoReturn:
    """Run the command and exit: 0 done, 1 error, 2 wrong usage, 130 interrupted."""
    sys.exit(run_command(nanobook, "nanobook", args))


def run_command(command: click.Command, name: str, args: Sequence[str] | None = None) -> int:
    """Run a command of that name; its errors are lines on standard error, and its exit code."""
    with warnings.catch_warnings():
        warnings.simplefilter("always", PluginWarning)
        warnings.showwarning = _show_warning
        return _run(command, name, args)


def _run(command: click.Command, name: str, args: Sequence[str] | None) -> int:
    try:
        status = command.main(args, prog_name=name, standalone_mode=False)
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except click.Abort:
        click.echo("Interrupted.", err=True)
        return EXIT_INTERRUPTED
    except NanobookError as error:
        click.echo(f"Error: {error}", err=True)
        return EXIT_ERROR
    return status if isinstance(status, int) else 0


def _show_warning(message: Warning | str, *_: object, **__: object) -> None:
    click.echo(f"warning: {message}", err=True)
