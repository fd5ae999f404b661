"""`python -m nanobook_ibkr.simulator`: a TWS to try programs on, with no account and no network."""

from __future__ import annotations

import json
import sys
import time
from decimal import Decimal
from pathlib import Path

import click

from nanobook_core.broker.paper_quotes import to_decimal
from nanobook_core.cli.main import run_command
from nanobook_core.cli.simulator import account_names, reached_at, serve
from nanobook_core.errors import ValidationError
from nanobook_ibkr.simulator.gateway import SimulatedGateway
from nanobook_ibkr.simulator.venue import Venue


def _money(ctx: click.Context, param: click.Parameter, value: str) -> Decimal:
    try:
        money = to_decimal(value, "cash")
    except ValidationError as error:
        raise click.BadParameter(str(error), ctx, param) from None
    if money < 0:
        raise click.BadParameter(f"cash is 0 or more, got {money}", ctx, param)
    return money


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=4002,
    show_default=True,
    help="Port to listen on, 4002 as IB Gateway for paper accounts; 0 is any free one.",
)
@click.option(
    "--quotes",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="What is quoted: symbol,bid,ask[,last,bid_size,ask_size,volume,currency] under such a "
    "header. The market follows when the file changes. Nothing else is listed then; without a file "
    "some US stocks are.",
)
@click.option(
    "--account",
    "accounts",
    multiple=True,
    default=("DU1234567",),
    callback=account_names,
    show_default=True,
    help="Name of the account; give it again for more of them.",
)
@click.option(
    "--cash",
    callback=_money,
    metavar="AMOUNT",
    default="1000000",
    show_default=True,
    help="US dollars in each account.",
)
@click.option("--read-only", is_flag=True, help="Refuse orders, as the setting Read-Only API does.")
@click.option("--delayed", is_flag=True, help="Have delayed quotes only.")
@click.option(
    "--client-log",
    type=click.Path(dir_okay=False, writable=True, path_type=Path),
    help="Append every message to this file, one JSON document a line.",
)
@click.option("--json", "as_json", is_flag=True, help="Print where it listens as JSON.")
def simulator(  # noqa: PLR0917 - click gives them by name
    host: str,
    port: int,
    quotes: Path | None,
    accounts: tuple[str, ...],
    cash: Decimal,
    read_only: bool,  # noqa: FBT001 - click's
    delayed: bool,  # noqa: FBT001
    client_log: Path | None,
    as_json: bool,  # noqa: FBT001
) -> None:
    """Run a simulated TWS that programs connect to and trade on, until Ctrl-C.

    Programs of ib_insync, ib_async and TWS's own API run on it unchanged. Orders of all clients
    meet in one book per contract, and the quotes there. Nothing leaves this machine.

    Exit codes: 0 ended by Ctrl-C or SIGTERM, 1 error, 2 wrong usage.

    \b
    Examples:
      python -m nanobook_ibkr.simulator
      python -m nanobook_ibkr.simulator --port 7497 --quotes quotes.csv
      python -m nanobook_ibkr.simulator --port 0 --json --account DU1 --account DU2
    """
    gateway = SimulatedGateway(
        Venue(
            () if quotes else None,
            cash=dict.fromkeys(accounts, cash),
            first_perm_id=_numbers_of_this_run(),
        ),
        host=host,
        port=port,
        quotes=quotes,
        read_only=read_only,
        delayed=delayed,
        client_log=client_log,
    )
    serve(
        gateway,
        lambda: _where(gateway, accounts, cash, as_json=as_json),
        "TWS or IB Gateway itself",
    )


def _numbers_of_this_run() -> int:
    """Where numbers start, another in each run: who trades keeps records of what they name."""
    return 1_000_000_000 + time.time_ns() // 1_000_000 % 800_000_000


def _where(
    gateway: SimulatedGateway, accounts: tuple[str, ...], cash: Decimal, *, as_json: bool
) -> str:
    if as_json:
        return json.dumps(
            {"host": gateway.host, "port": gateway.port, "accounts": accounts, "cash": f"{cash:f}"}
        )
    host, warning = reached_at(gateway.host)
    return (
        f"Simulated TWS at {gateway.host}:{gateway.port}, account {', '.join(accounts)} with "
        f"{cash:,f} USD. Connect to it as to IB Gateway, such as "
        f"IB().connect({host!r}, {gateway.port}, clientId=1). Ctrl-C ends it.{warning}"
    )


if __name__ == "__main__":
    sys.exit(run_command(simulator, "python -m nanobook_ibkr.simulator"))
