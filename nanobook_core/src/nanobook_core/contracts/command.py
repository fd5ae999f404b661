"""What the `nanobook` command asks of a plugin."""

from __future__ import annotations

from typing import Any, Protocol, runtime_checkable


@runtime_checkable
class Command(Protocol):
    """A click command, an instance of `click.Command`.

    Kind `command`; the target is the command object itself, imported when it is invoked.
    """

    name: str | None

    def main(self, args: list[str] | None = None, prog_name: str | None = None) -> Any:
        """Run the command with these arguments, as `click.Command.main` does."""
        ...
