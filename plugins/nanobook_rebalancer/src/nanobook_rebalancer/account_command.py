"""Commands that look at an account and send nothing: `status`, `positions`, `reconcile`."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import click

from nanobook_core.cli.document import print_json
from nanobook_core.cli.printing import printing
from nanobook_core.cli.table import print_table
from nanobook_core.contracts import (
    Account,
    Broker,
    BrokerOrderStatus,
    BrokerPosition,
    PermissionDeniedError,
    SystemClock,
)
from nanobook_rebalancer.chain import Scan
from nanobook_rebalancer.command_setting import (
    CommandSetting,
    connected,
    warn_without_quotes,
    with_broker,
)
from nanobook_rebalancer.decimal_text import account_text, decimal_text, money_text, price_text
from nanobook_rebalancer.ending import DocumentCommand, EndedError, in_one_line
from nanobook_rebalancer.history import History, digest
from nanobook_rebalancer.kill_switch import KillSwitch
from nanobook_rebalancer.naming import by_symbol, leaving
from nanobook_rebalancer.reconcile import reconcile as compare
from nanobook_rebalancer.recovery import left_open
from nanobook_rebalancer.target import read_target


@click.command()
@with_broker
@in_one_line
def status(setting: CommandSetting) -> None:
    """Connect, and show the account and whether trading is stopped.

    \b
    Example:
      rebalancer status
    """
    config = setting.config()
    with connected(config) as broker:
        account = broker.account()
        open_orders, untold = _open_orders(broker)
    reason = KillSwitch(config.audit_path).reason()
    begun = _unfinished(config.audit_path, account.account_id)
    with printing():
        click.echo(f"Account {account.account_id}")
        for name in ("equity", "cash", "buying_power"):
            label = name.replace("_", " ").capitalize()
            click.echo(f"  {label}: {account_text(getattr(account, name), account.currency)}")
        for order in open_orders:
            click.echo(
                f"  open: {order.side.value} {decimal_text(order.remaining_quantity)} "
                f"{order.symbol} {order.client_order_id}"
            )
        if untold:
            click.echo(f"  open orders are not told: {untold}")
        for window in begun:
            click.echo(f"Unfinished: {window}; its `run` goes on with it, `recover` ends it")
        click.echo(f"Kill switch: {reason or 'not set'}")


def _unfinished(path: Path, account_id: str) -> list[str]:
    """Names of what was begun for the account and has not ended."""
    try:
        with path.open("rb") as file:
            history = History.fold(Scan(str(path), file))
    except FileNotFoundError:
        return []
    return [window.name for window in left_open(history, digest(account_id))]


def _open_orders(broker: Broker) -> tuple[list[BrokerOrderStatus], str]:
    """Open orders, or why a connection that is only to be read does not tell them."""
    try:
        return broker.open_orders("all"), ""
    except PermissionDeniedError as error:
        return [], str(error)


@click.command()
@with_broker
@in_one_line
def positions(setting: CommandSetting) -> None:
    """Show what is held, valued at the market.

    \b
    Example:
      rebalancer positions --broker paper --quotes quotes.csv
    """
    with connected(setting.config()) as broker:
        account = broker.account()
        held = broker.positions()
    with printing():
        if not held:
            click.echo("No positions.")
            return
        print_table(
            ("Symbol", "Quantity", "Avg cost", "Value", "Weight", "Unrealised"),
            [
                (
                    each.symbol,
                    decimal_text(each.quantity),
                    "-" if each.avg_cost is None else price_text(each.avg_cost, 4),
                    money_text(each.market_value, each.currency),
                    _weight(each, account),
                    "-"
                    if each.unrealized_pnl is None
                    else money_text(each.unrealized_pnl, each.currency),
                )
                for each in held
            ],
        )


def _weight(held: BrokerPosition, account: Account) -> str:
    is_own = held.currency == account.currency
    rate = Decimal(1) if is_own else account.rates.get(held.currency)
    if rate is None or account.equity <= 0:
        return "-"
    return f"{held.market_value * rate / account.equity:.2%}"


@click.command(cls=DocumentCommand)
@click.argument("target", type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
@with_broker
@in_one_line
def reconcile(setting: CommandSetting, target: Path, *, as_json: bool) -> None:
    """Compare what is held with the weights of TARGET; nothing is sent.

    Exit code 3 where a symbol has no price, so that its weight is not known.

    \b
    Example:
      rebalancer reconcile target.json
    """
    config = setting.config()
    warn_without_quotes(config)
    wanted = read_target(target, now=SystemClock().now())
    with connected(config) as broker:
        leave = leaving(broker, config).account.leave
        weights = by_symbol(broker, wanted, leave, keeps_unknown=True).weights
        held = {
            each.symbol: each.quantity for each in broker.positions() if each.symbol not in leave
        }
        found = compare(broker, held, weights)
    with printing():
        if as_json:
            print_json(found.to_dict())
        else:
            click.echo(str(found))
    if found.unpriced:
        raise EndedError(f"no price of {', '.join(found.unpriced)}", "incomplete")
