"""The command `rebalancer`, which is also `nanobook rebalance`."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import update_wrapper, wraps
from pathlib import Path
from typing import Any, NoReturn, ParamSpec, TypeVar

import click
from attrs import define, field

from nanobook_core.cli.document import print_json
from nanobook_core.cli.table import print_table
from nanobook_core.contracts import Broker, ConnectionState, SystemClock
from nanobook_core.errors import NanobookError, PolicyError, SecretError, ValidationError
from nanobook_rebalancer.anchor import anchor_key
from nanobook_rebalancer.assembly import (
    discover_plugins,
    make_broker,
    make_rebalancer,
    make_redactor,
    read_settings,
)
from nanobook_rebalancer.audit import verify_audit
from nanobook_rebalancer.config import Config
from nanobook_rebalancer.decimal_text import decimal_text, money_text
from nanobook_rebalancer.errors import (
    AuditError,
    AuditWriteError,
    InputError,
    LockedError,
    PlanError,
)
from nanobook_rebalancer.kill import kill as kill_all
from nanobook_rebalancer.kill_switch import KillSwitch
from nanobook_rebalancer.options import Options
from nanobook_rebalancer.reconcile import reconcile as compare
from nanobook_rebalancer.redacted_output import redact_output
from nanobook_rebalancer.redaction import Redactor
from nanobook_rebalancer.result import EXIT_CODES, Result
from nanobook_rebalancer.stop import StopFlag
from nanobook_rebalancer.target import read_target
from nanobook_rebalancer.terminal import Terminal

Parameters = ParamSpec("Parameters")
Returned = TypeVar("Returned")

#: Exit code by what ended the command, the first that fits.
_ERRORS: tuple[tuple[type[BaseException], int], ...] = (
    (AuditWriteError, EXIT_CODES["halted"]),
    (AuditError, EXIT_CODES["review"]),
    (LockedError, EXIT_CODES["locked"]),
    (InputError, EXIT_CODES["refused"]),
    (PlanError, EXIT_CODES["refused"]),
    (SecretError, EXIT_CODES["refused"]),
    (PolicyError, EXIT_CODES["refused"]),
    (ValidationError, EXIT_CODES["refused"]),
    (NanobookError, EXIT_CODES["error"]),
    (OSError, EXIT_CODES["error"]),
)


class _EndedError(click.ClickException):
    """One line, and an exit code."""

    def __init__(self, message: str, exit_code: int) -> None:
        super().__init__(message)
        self.exit_code = exit_code  # type: ignore[misc]  # click declares it for the class

    def show(self, file: Any = None) -> None:
        click.echo(f"Error: {self.message}", file=file, err=True)


def _in_one_line(command: Callable[Parameters, Returned]) -> Callable[Parameters, Returned]:
    """End a command with one line and its exit code, whatever of ours it raises."""

    @wraps(command)
    def run(*args: Parameters.args, **kwargs: Parameters.kwargs) -> Returned:
        try:
            return command(*args, **kwargs)
        except tuple(kind for kind, _ in _ERRORS) as error:
            code = next(code for kind, code in _ERRORS if isinstance(error, kind))
            redactor = click.get_current_context().obj.redactor
            raise _EndedError(redactor.text(" ".join(str(error).split())), code) from None

    return run


@define
class _Setting:
    """What stands before the subcommand, and what subcommands add to it."""

    path: Path | None
    broker: str | None = None
    quotes: Path | None = None
    redactor: Redactor = field(factory=Redactor)
    """Of everything that is shown; knows the config's secrets once that is read."""

    def config(self) -> Config:
        config = read_settings(self.path, self.broker, self.quotes)
        self.redactor = make_redactor(config)
        redact_output(self.redactor)  # also of logs and tracebacks
        for warning in config.warnings:
            click.echo(f"warning: {warning}", err=True)
        return config


@click.group(
    "rebalance",
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
)
@click.option(
    "--config",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Settings; by default config.toml, where there is one.",
)
@click.version_option(None, "-V", "--version", package_name="nanobook-rebalancer")
@click.pass_context
def rebalancer(ctx: click.Context, config: Path | None) -> None:
    """Bring an account to target weights: plan, check risk, ask, execute, reconcile.

    Exit codes: 0 done, 1 error, 2 refused, 3 incomplete, 4 a person has to look, 5 halted,
    6 another one is running, 130 interrupted.

    \b
    Examples:
      rebalancer run target.json --broker paper --quotes quotes.csv --dry-run
      rebalancer --config config.toml run target.json
      rebalancer reconcile target.json
      rebalancer kill
      nanobook rebalance run target.json
    """
    ctx.obj = _Setting(config)


def _with_broker(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command `--broker` and `--quotes`."""

    @click.option("--broker", help="Name of a broker plugin, instead of the config's.")
    @click.option(
        "--quotes",
        type=click.Path(exists=True, dir_okay=False, path_type=Path),
        help="Prices for the paper broker: CSV with symbol, bid, ask.",
    )
    @click.pass_context
    def run(ctx: click.Context, /, broker: str | None, quotes: Path | None, **options: Any) -> Any:
        ctx.obj.broker, ctx.obj.quotes = broker, quotes
        return command(ctx.obj, **options)

    return update_wrapper(run, command)


@rebalancer.command()
@click.argument("target", type=click.Path(path_type=Path))
@click.option("--dry-run", is_flag=True, help="Show the plan and send nothing.")
@click.option("--force", is_flag=True, help="Do not ask, and pass warnings of the risk gate.")
@click.option("--live", is_flag=True, help="Let real money move.")
@click.option("--cancel-orphans", is_flag=True, help="Cancel orders of ours without a record.")
@click.option("--accept-positions", is_flag=True, help="Even where fills do not explain them.")
@click.option("--json", "as_json", is_flag=True, help="The result as JSON.")
@_with_broker
@_in_one_line
def run(setting: _Setting, target: Path, *, as_json: bool, **options: bool) -> None:
    """Trade until the account holds the weights of TARGET.

    A target is executed once, by its metadata.id or timestamp; after a crash the same command goes
    on where the last one ended.

    \b
    Examples:
      rebalancer run target.json --broker paper --quotes quotes.csv
      rebalancer run target.json --force --json
      rebalancer --config live.toml run target.json --live
    """
    stop = StopFlag()
    with stop.installed():
        config = setting.config()
        screen = Terminal(redactor=setting.redactor, is_json=as_json)
        made = make_rebalancer(config, setting.redactor, stop, screen)
        try:
            result = made.run_file(target, Options(**options))
        finally:
            made.broker.disconnect()
    _show(setting, result, as_json=as_json)


@rebalancer.command()
@click.option("--not-sent", multiple=True, metavar="ID", help="An order that was never sent.")
@click.option("--json", "as_json", is_flag=True, help="The result as JSON.")
@_with_broker
@_in_one_line
def recover(setting: _Setting, not_sent: tuple[str, ...], *, as_json: bool) -> None:
    """End what a run that died left open: ask for its orders, and cancel them. Nothing is sent.

    \b
    Examples:
      rebalancer recover
      rebalancer recover --not-sent nb1-abc
    """
    stop = StopFlag()
    with stop.installed():
        config = setting.config()
        screen = Terminal(redactor=setting.redactor, is_json=as_json)
        made = make_rebalancer(config, setting.redactor, stop, screen)
        try:
            result = made.recover(not_sent=not_sent)
        finally:
            made.broker.disconnect()
    _show(setting, result, as_json=as_json)


@rebalancer.command()
@_with_broker
@_in_one_line
def status(setting: _Setting) -> None:
    """Connect, and show the account and whether trading is stopped.

    \b
    Example:
      rebalancer status
    """
    config = setting.config()
    with _connected(config) as broker:
        account = broker.account()
        click.echo(f"Account {account.account_id}")
        for name in ("equity", "cash", "buying_power"):
            label = name.replace("_", " ").capitalize()
            click.echo(f"  {label}: {money_text(getattr(account, name))} {account.currency}")
        for status in broker.open_orders("all"):
            click.echo(
                f"  open: {status.side.value} {decimal_text(status.remaining_quantity)} "
                f"{status.symbol} {status.client_order_id}"
            )
    reason = KillSwitch(config.audit_path).reason()
    click.echo(f"Kill switch: {reason or 'not set'}")


@rebalancer.command()
@_with_broker
@_in_one_line
def positions(setting: _Setting) -> None:
    """Show what is held, valued at the market.

    \b
    Example:
      rebalancer positions --broker paper --quotes quotes.csv
    """
    with _connected(setting.config()) as broker:
        equity = broker.account().equity
        held = broker.positions()
        if not held:
            click.echo("No positions.")
            return
        print_table(
            ("Symbol", "Quantity", "Avg cost", "Value", "Weight", "Unrealised"),
            [
                (
                    each.symbol,
                    decimal_text(each.quantity),
                    "-" if each.avg_cost is None else decimal_text(round(each.avg_cost, 4)),
                    money_text(each.market_value),
                    f"{each.market_value / equity:.2%}" if equity > 0 else "-",
                    "-" if each.unrealized_pnl is None else money_text(each.unrealized_pnl),
                )
                for each in held
            ],
        )


@rebalancer.command()
@click.argument("target", type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
@_with_broker
@_in_one_line
def reconcile(setting: _Setting, target: Path, *, as_json: bool) -> None:
    """Compare what is held with the weights of TARGET; nothing is sent.

    Exit code 3 where a symbol has no price, so that its weight is not known.

    \b
    Example:
      rebalancer reconcile target.json
    """
    config = setting.config()
    weights = read_target(target, now=SystemClock().now()).weights
    with _connected(config) as broker:
        held = {each.symbol: each.quantity for each in broker.positions()}
        found = compare(broker, held, weights)
    if as_json:
        print_json(found.to_dict())
    else:
        click.echo(str(found))
    if found.unpriced:
        symbols = ", ".join(found.unpriced)
        raise _EndedError(f"no price of {symbols}", EXIT_CODES["incomplete"])


@rebalancer.command()
@click.argument("audit", type=click.Path(path_type=Path))
@_in_one_line
def verify(audit: Path) -> None:
    """Check every record of an audit log; the first that is wrong is named, with exit code 4.

    \b
    Example:
      rebalancer verify logs/audit.jsonl
    """
    verdict = verify_audit(audit, key=anchor_key())
    torn = ", and half a record that a crash left" if verdict.torn else ""
    click.echo(f"{audit}: {verdict.records} records, unbroken{torn}")
    click.echo(f"last hash: {verdict.last_hash}")


@rebalancer.command()
@click.option("--clear", is_flag=True, help="Let trading go on again.")
@click.option("--reason", default="killed by hand", show_default=True, help="For the record.")
@_with_broker
@_in_one_line
def kill(setting: _Setting, *, clear: bool, reason: str) -> None:
    """Stop the runner, cancel every order of ours, and look whether they are gone.

    It works while a runner is well, hung, stopped or dead. Nothing is sent any more until --clear.

    \b
    Examples:
      rebalancer kill --reason "wrong prices"
      rebalancer kill --clear
    """
    config = setting.config()
    switch = KillSwitch(config.audit_path)
    if clear:
        with _connected(config) as broker:
            if broker.connection().state is ConnectionState.HALTED:
                broker.resume()
        switch.clear()
        click.echo("Kill switch cleared.")
        return
    try:
        broker = make_broker(config, discover_plugins(config))
    except NanobookError:
        switch.set(reason)  # what can be stopped without a broker is
        raise
    try:
        report = kill_all(
            config.audit_path,
            broker,
            clock=SystemClock(),
            reason=reason,
            redactor=setting.redactor,
        )
    finally:
        broker.disconnect()
    for note in report.notes:
        click.echo(setting.redactor.text(f"warning: {note}"), err=True)
    click.echo(f"Kill switch set. {len(report.cancelled)} orders cancelled.")
    for client_order_id in report.remaining:
        click.echo(f"  still open: {client_order_id}")
    for problem in report.problems:
        click.echo(setting.redactor.text(f"  {problem}"))
    if not report.is_done:
        raise _EndedError("it is not certain that nothing is open", EXIT_CODES["error"])


@contextmanager
def _connected(config: Config) -> Iterator[Broker]:
    broker = make_broker(config, discover_plugins(config))
    click.echo(f"Connecting to {broker.name}...", err=True)
    broker.connect(config.timeout)
    try:
        yield broker
    finally:
        broker.disconnect()


def _show(setting: _Setting, result: Result, *, as_json: bool) -> None:
    redactor = setting.redactor
    if as_json:
        print_json(redactor.data(result.to_dict()))
    else:
        if result.details:
            click.echo(redactor.text(result.details) + "\n")
        click.echo(redactor.text(result.ending), err=bool(result.exit_code))
    if result.exit_code:
        raise click.exceptions.Exit(result.exit_code)


def main() -> NoReturn:
    """Run the command and exit."""
    from nanobook_core.cli.main import run_command

    sys.exit(run_command(rebalancer, "rebalancer"))
