"""The command `rebalancer`, which is also `nanobook rebalance`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import NoReturn

import click

from nanobook_core.cli.document import print_json
from nanobook_core.cli.printing import printing
from nanobook_core.contracts import ConnectionState, SystemClock
from nanobook_core.errors import NanobookError
from nanobook_rebalancer.account_command import positions, reconcile, status
from nanobook_rebalancer.anchor import anchor_key
from nanobook_rebalancer.assembly import (
    audit_path_anyway,
    discover_plugins,
    make_broker,
    make_rebalancer,
)
from nanobook_rebalancer.audit import verify_audit
from nanobook_rebalancer.command_setting import (
    CommandSetting,
    connected,
    warn_without_quotes,
    with_broker,
)
from nanobook_rebalancer.ending import DocumentCommand, EndedError, in_one_line
from nanobook_rebalancer.errors import InputError
from nanobook_rebalancer.kill import kill as kill_all
from nanobook_rebalancer.kill_switch import KillSwitch
from nanobook_rebalancer.options import Options
from nanobook_rebalancer.result import Result
from nanobook_rebalancer.stop import StopFlag
from nanobook_rebalancer.terminal import Terminal


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
    ctx.obj = CommandSetting(config)


for _command in (status, positions, reconcile):
    rebalancer.add_command(_command)


@rebalancer.command(cls=DocumentCommand)
@click.argument("target", type=click.Path(path_type=Path))
@click.option("--dry-run", is_flag=True, help="Show the plan and send nothing.")
@click.option("--force", is_flag=True, help="Do not ask, and pass warnings of the risk gate.")
@click.option("--live", is_flag=True, help="Let real money move.")
@click.option("--cancel-orphans", is_flag=True, help="Cancel orders of ours without a record.")
@click.option("--flatten", is_flag=True, help="Only close, and that while killed too.")
@click.option("--accept-positions", is_flag=True, help="Even where fills do not explain them.")
@click.option("--json", "as_json", is_flag=True, help="The result as JSON.")
@with_broker
@in_one_line
def run(setting: CommandSetting, target: Path, *, as_json: bool, **options: bool) -> None:
    """Trade until the account holds the weights of TARGET.

    A target is executed once, by its metadata.id or timestamp; after a crash the same command goes
    on where the last one ended. Warnings of the risk gate, as of a trade above max_trade_usd, are
    told with the question; --force passes them.

    \b
    Examples:
      rebalancer run target.json --broker paper --quotes quotes.csv
      rebalancer run target.json --force --json
      rebalancer --config live.toml run target.json --live
    """
    stop = StopFlag()
    with stop.installed():
        config = setting.config()
        warn_without_quotes(config)
        screen = Terminal(redactor=setting.redactor, is_json=as_json)
        made = make_rebalancer(config, setting.redactor, stop, screen)
        try:
            result = made.run_file(target, Options(**options))
        finally:
            made.broker.disconnect()
    _show(setting, result, as_json=as_json)


@rebalancer.command(cls=DocumentCommand)
@click.option("--not-sent", multiple=True, metavar="ID", help="An order that was never sent.")
@click.option("--json", "as_json", is_flag=True, help="The result as JSON.")
@with_broker
@in_one_line
def recover(setting: CommandSetting, not_sent: tuple[str, ...], *, as_json: bool) -> None:
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
@click.argument("audit", type=click.Path(path_type=Path))
@in_one_line
def verify(audit: Path) -> None:
    """Check every record of an audit log; the first that is wrong is named, with exit code 4.

    \b
    Example:
      rebalancer verify logs/audit.jsonl
    """
    try:
        verdict = verify_audit(audit, key=anchor_key())
    except FileNotFoundError as error:
        raise InputError(str(audit), error.strerror or str(error)) from error
    torn = ", and half a record that a crash left" if verdict.torn else ""
    with printing():
        click.echo(f"{audit}: {verdict.records} records, unbroken{torn}")
        click.echo(f"last hash: {verdict.last_hash}")


@rebalancer.command()
@click.option("--clear", is_flag=True, help="Let trading go on again.")
@click.option("--reason", default="killed by hand", show_default=True, help="For the record.")
@with_broker
@in_one_line
def kill(setting: CommandSetting, *, clear: bool, reason: str) -> None:
    """Stop the runner, cancel every order of ours, and look whether they are gone.

    It works while a runner is well, hung, stopped or dead. Nothing is sent any more until --clear.

    \b
    Examples:
      rebalancer kill --reason "wrong prices"
      rebalancer kill --clear
    """
    try:
        config = setting.config()
    except NanobookError as error:
        if clear:
            raise
        # What can be stopped without a config is.
        path = audit_path_anyway(setting.path)
        KillSwitch(path).set(reason)
        text = f"kill switch set beside {path}, and no order cancelled: {error}"
        raise EndedError(setting.redactor.text(text), "error") from None
    switch = KillSwitch(config.audit_path)
    if clear:
        with connected(config) as broker:
            if broker.connection().state is ConnectionState.HALTED:
                broker.resume()
        was = switch.reason()
        switch.clear()
        with printing():
            click.echo(f"Kill switch cleared: {was}" if was else "Kill switch: not set")
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
            account_id=config.account.id,
            timeout=config.timeout,
            redactor=setting.redactor,
        )
    finally:
        broker.disconnect()
    redact = setting.redactor.text
    with printing():
        for note in report.notes:
            click.echo(redact(f"warning: {note}"), err=True)
        count = len(report.cancelled)
        orders = "1 order" if count == 1 else f"{count} orders"
        click.echo(redact(f"Kill switch set: {reason}. {orders} cancelled."))
        for client_order_id in report.remaining:
            click.echo(f"  still open: {client_order_id}")
        for problem in report.problems:
            click.echo(redact(f"  {problem}"))
    if not report.is_done:
        raise EndedError("it is not certain that nothing is open", "error")


def _show(setting: CommandSetting, result: Result, *, as_json: bool) -> None:
    redactor = setting.redactor
    with printing():
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
