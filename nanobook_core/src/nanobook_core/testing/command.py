"""Laws of a subcommand of `nanobook`."""

from __future__ import annotations

import click
import pytest
from click.testing import CliRunner

from nanobook_core.contracts import Command


class CommandSuite:
    """What a command must do before it does anything."""

    @pytest.fixture
    def command(self) -> click.Command:
        """Return the command under test."""
        raise NotImplementedError("override the fixture `command`")

    def test_it_fulfils_the_contract(self, command: click.Command) -> None:
        """It has a name and can be run."""
        assert isinstance(command, Command)
        assert command.name

    def test_help_says_what_it_does_with_an_example(self, command: click.Command) -> None:
        """`--help` succeeds, says what it does, and shows calls, a line each."""
        shown = CliRunner().invoke(command, ["--help"], prog_name=f"nanobook {command.name}")
        assert shown.exit_code == 0, shown.output
        assert command.help
        examples = shown.output.partition("Examples:\n")[2].splitlines()
        assert any(line.split()[:2] == ["nanobook", command.name] for line in examples)

    def test_an_unknown_option_is_refused_before_anything_happens(
        self, command: click.Command
    ) -> None:
        """A typing error is exit code 2 and names the option."""
        shown = CliRunner().invoke(command, ["--no-such-option-exists"])
        assert shown.exit_code == 2, shown.output
        assert "--no-such-option-exists" in shown.output
