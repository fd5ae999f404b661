"""The suite accepts a command that helps and catches those that do not."""

import click
import pytest

from nanobook_core.testing import CommandSuite

SUITE = CommandSuite()


@click.command("greet")
def greet():
    """Say hello.

    \b
    Examples:
      nanobook greet
    """


@click.command("greet")
def without_example():
    """Say hello."""


@click.command("greet")
def with_anothers_example():
    """Say hello. Examples: nanobook wave."""


@click.command("greet", context_settings={"ignore_unknown_options": True})
@click.argument("rest", nargs=-1)
def swallows_typing_errors(rest):
    """Say hello."""


@click.command("greet", add_help_option=False)
def without_help():
    """Say hello."""


def test_a_command_that_helps_is_accepted():
    SUITE.test_it_fulfils_the_contract(greet)
    SUITE.test_help_says_what_it_does_with_an_example(greet)
    SUITE.test_an_unknown_option_is_refused_before_anything_happens(greet)


@pytest.mark.parametrize("command", [without_example, with_anothers_example, without_help])
def test_help_without_an_example_is_caught(command):
    with pytest.raises(AssertionError):
        SUITE.test_help_says_what_it_does_with_an_example(command)


def test_a_swallowed_typing_error_is_caught():
    with pytest.raises(AssertionError):
        SUITE.test_an_unknown_option_is_refused_before_anything_happens(swallows_typing_errors)


@pytest.mark.parametrize("command", [object(), click.Command(None), print])
def test_what_is_no_command_is_caught(command):
    with pytest.raises(AssertionError):
        SUITE.test_it_fulfils_the_contract(command)


@click.command("greet")
def with_examples_run_together():
    """Say hello.

    Examples:
      nanobook greet
      nanobook greet twice
    """


def test_examples_that_run_together_are_caught():
    with pytest.raises(AssertionError):
        SUITE.test_help_says_what_it_does_with_an_example(with_examples_run_together)
