"""What the commands of the rebalancer have in common: config, broker, output without secrets."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import update_wrapper
from pathlib import Path
from typing import Any

import click
from attrs import define, field

from nanobook_core.contracts import Broker, SessionConflictError
from nanobook_rebalancer.account import check_account
from nanobook_rebalancer.assembly import (
    discover_plugins,
    make_broker,
    make_redactor,
    read_settings,
)
from nanobook_rebalancer.config import Config
from nanobook_rebalancer.lock import check_unlocked
from nanobook_rebalancer.redacted_output import redact_output
from nanobook_rebalancer.redaction import Redactor


@define
class CommandSetting:
    """What stands before the subcommand, and what subcommands add to it."""

    path: Path | None
    broker: str | None = None
    quotes: Path | None = None
    redactor: Redactor = field(factory=Redactor)
    """Of everything that is shown; knows the config's secrets once that is read."""

    def config(self) -> Config:
        """Read the config.

        Raises:
            InputError: as `read_settings`.

        """
        config = read_settings(self.path, self.broker, self.quotes)
        self.redactor = make_redactor(config)
        redact_output(self.redactor)  # also of logs and tracebacks
        for warning in config.warnings:
            click.echo(f"warning: {warning}", err=True)
        return config


def with_broker(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command `--broker` and `--quotes`."""

    @click.option("--broker", help="Name of a broker plugin, instead of the config's.")
    @click.option(
        "--quotes",
        type=click.Path(path_type=Path),
        metavar="FILE",
        help="Prices for the paper broker: CSV with symbol, bid, ask.",
    )
    @click.pass_context
    def run(ctx: click.Context, /, broker: str | None, quotes: Path | None, **options: Any) -> Any:
        ctx.obj.broker, ctx.obj.quotes = broker, quotes
        return command(ctx.obj, **options)

    return update_wrapper(run, command)


def warn_without_quotes(config: Config) -> None:
    """Say what is missing where the paper broker has no prices at all."""
    if config.broker.name == "paper" and "quotes" not in config.broker.settings:
        hint = "give --quotes FILE, or quotes in [broker]"
        click.echo(f"warning: the paper broker has no quotes; {hint}", err=True)


@contextmanager
def connected(config: Config) -> Iterator[Broker]:
    """Connect to the config's broker, and look whether it has the config's account.

    Raises:
        InputError, PluginError: there is no such broker.
        BrokerError: it does not answer.
        LockedError: it is in use, by a rebalancer that is at work.
        PlanError: it has another account.

    """
    broker = make_broker(config, discover_plugins(config))
    click.echo(f"Connecting to {broker.name}...", err=True)
    try:
        broker.connect(config.timeout)
    except SessionConflictError:
        check_unlocked(config.audit_path)
        raise
    try:
        if config.account.id:
            check_account(broker, config.account.id)
        yield broker
    finally:
        broker.disconnect()
