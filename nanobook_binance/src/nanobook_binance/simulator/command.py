"""The command that runs a simulated Binance."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path

import click

from nanobook_binance.simulator.server.handle import ACCOUNT, BALANCES, SimulatedBinance
from nanobook_binance.simulator.venue import Venue
from nanobook_binance.simulator.venue.money import MOST, is_amount
from nanobook_core.broker.paper_quotes import to_decimal
from nanobook_core.cli.simulator import account_names, reached_at, serve
from nanobook_core.errors import ValidationError

Keys = Mapping[str, tuple[str, str]]
"""API key and secret of each account."""


def _balances(
    ctx: click.Context, param: click.Parameter, given: tuple[str, ...]
) -> dict[str, Decimal]:
    balances: dict[str, Decimal] = {}
    for text in given:
        asset, is_said, amount = text.partition("=")
        if not (asset.isascii() and asset.isalnum() and is_said) or asset != asset.upper():
            raise click.BadParameter(f"{text!r:.40} is not such as USDT=100000", ctx, param)
        if asset in balances:
            raise click.BadParameter(f"{asset} is given twice", ctx, param)
        try:
            balances[asset] = to_decimal(amount, asset)
        except ValidationError as error:
            raise click.BadParameter(str(error), ctx, param) from None
        if not (is_amount(balances[asset]) and balances[asset] >= 0):
            what = f"{asset} is 0 to {MOST:,f} with eight decimals, got {amount:.40}"
            raise click.BadParameter(what, ctx, param)
    return balances or dict(BALANCES)


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=8080,
    show_default=True,
    help="Port to listen on, for HTTP and WebSocket; 0 is any free one.",
)
@click.option(
    "--quotes",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="What is quoted: symbol,bid,ask[,last,bid_size,ask_size] under such a header, by pairs "
    "such as BTCUSDT. The market follows when the file changes; pairs that are not in it keep "
    "theirs. A bid off the tick is moved down, an ask up.",
)
@click.option(
    "--feed",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="A recorded market that goes on as it did. A line is the time in nanoseconds and what the "
    "exchange said: a message of its combined depth and trade streams, or once its answer to GET "
    "/api/v3/depth. Gzip where it ends in .gz.",
)
@click.option(
    "--speed",
    type=click.FloatRange(0, min_open=True),
    help="How many times as fast as it was a feed goes on.  [default: 1]",
)
@click.option(
    "--account",
    "accounts",
    multiple=True,
    default=(ACCOUNT,),
    callback=account_names,
    show_default=True,
    help="Name of the account; give it again for more of them, each with keys of its own.",
)
@click.option(
    "--balance",
    "balances",
    multiple=True,
    callback=_balances,
    metavar="ASSET=AMOUNT",
    help="What each account has; give it again for more assets. By default 100000 USDT and some "
    "coins.",
)
@click.option(
    "--keys",
    "keys_file",
    type=click.Path(dir_okay=False, writable=True, path_type=Path),
    help="Write the keys to this file, for the shell: `. FILE`.",
)
@click.option(
    "--log",
    "log_file",
    type=click.Path(dir_okay=False, writable=True, path_type=Path),
    help="Append every request to this file, without keys, one JSON document a line.",
)
@click.option("--json", "as_json", is_flag=True, help="Print where it listens as JSON.")
def simulator(  # noqa: PLR0917 - click gives them by name
    host: str,
    port: int,
    quotes: Path | None,
    feed: Path | None,
    speed: float | None,
    accounts: tuple[str, ...],
    balances: dict[str, Decimal],
    keys_file: Path | None,
    log_file: Path | None,
    as_json: bool,  # noqa: FBT001 - click's
) -> None:
    """Run a simulated Binance that programs trade on, until Ctrl-C.

    Programs of ccxt, python-binance and the vendor's own kits run on it, given its address. Orders
    of all accounts meet in one book per pair, and the quotes there. Nothing leaves this machine,
    and its keys are good for nothing else.

    Exit codes: 0 ended by Ctrl-C or SIGTERM, 1 error, 2 wrong usage.

    \b
    Examples:
      python -m nanobook_binance.simulator
      python -m nanobook_binance.simulator --port 9000 --quotes quotes.csv
      python -m nanobook_binance.simulator --port 0 --json --account alice --account bob
      python -m nanobook_binance.simulator --balance USDT=500 --balance BTC=0.5
    """
    if speed is not None and feed is None:
        raise click.UsageError("--speed goes with --feed, which says what is played")
    venue = Venue()
    for name in accounts:
        venue.open_account(name, balances)
    binance = SimulatedBinance(
        venue,
        host=host,
        port=port,
        log_file=log_file,
        account=accounts[0],
        quotes=quotes,
        feed=feed,
        speed=1 if feed is not None and speed is None else speed,
    )
    keys = {accounts[0]: (binance.api_key, binance.secret_key)}
    keys.update({name: binance.add_key(name) for name in accounts[1:]})
    if keys_file is not None:
        _write(keys_file, keys)
    serve(binance, lambda: _where(binance, keys, balances, as_json=as_json), "another program")


def _exports(keys: Keys) -> str:
    """The keys as a shell reads them; those of other accounts end in its name."""
    lines = []
    for place, (name, (api_key, secret_key)) in enumerate(keys.items()):
        end = f"_{name}" if place else ""
        lines += [f"export BINANCE_API_KEY{end}={api_key}"]
        lines += [f"export BINANCE_SECRET_KEY{end}={secret_key}"]
    return "\n".join(lines)


def _write(path: Path, keys: Keys) -> None:
    try:
        path.unlink(missing_ok=True)  # whoever could read an older one cannot read this one
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(f"{_exports(keys)}\n")
    except OSError as error:
        raise click.ClickException(f"cannot write the keys to {path}: {error}") from None


def _where(
    binance: SimulatedBinance, keys: Keys, balances: Mapping[str, Decimal], *, as_json: bool
) -> str:
    if as_json:
        return json.dumps(
            {
                "host": binance.host,
                "port": binance.port,
                "url": binance.url,
                "ws_api_url": binance.ws_api_url,
                "stream_url": binance.stream_url,
                "api_key": binance.api_key,
                "secret_key": binance.secret_key,
                "accounts": {
                    name: {"api_key": api_key, "secret_key": secret_key}
                    for name, (api_key, secret_key) in keys.items()
                },
                "balances": {asset: f"{amount:f}" for asset, amount in balances.items()},
            }
        )
    host, warning = reached_at(binance.host)
    url = binance.url if host == binance.host else f"http://{host}:{binance.port}"
    has = ", ".join(f"{amount:,f} {asset}" for asset, amount in balances.items())
    return (
        f"Simulated Binance at {url}, account {', '.join(keys)} with {has}. Its keys, good for "
        f"nothing else:\n{_exports(keys)}\nWith them in the environment, trade on it with "
        f"nanobook.BinanceBroker(base_url={url!r}). Ctrl-C ends it.{warning}"
    )
