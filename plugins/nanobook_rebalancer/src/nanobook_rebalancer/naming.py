"""One name for each instrument: its symbol, though it is given as its venue calls it."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import suppress

from attrs import evolve

from nanobook_core.contracts import Broker, BrokerError, UnknownSymbolError
from nanobook_rebalancer.config import Config
from nanobook_rebalancer.errors import PlanError
from nanobook_rebalancer.target import Target


def symbol_of(broker: Broker, name: str) -> str:
    """Return by which symbol positions of it are told.

    Raises:
        UnknownSymbolError: the broker knows nothing of that name.
        BrokerError: it does not answer.

    """
    found = broker.instrument(name)
    return found.symbol if found.venue_symbol == name else name


def unknown_text(symbol: str, error: BrokerError) -> str:
    """Say why nothing can be told of a symbol, with its name once."""
    text = str(error).removeprefix(error.prefix)
    if text == repr(symbol):
        return f"{symbol}: it is not known here"
    return text if text.startswith((symbol, repr(symbol))) else f"{symbol}: {text}"


def by_symbol(
    broker: Broker, target: Target, leave: Collection[str], *, keeps_unknown: bool = False
) -> Target:
    """Return the target with symbols for names, and a line in its `warnings` for each other one.

    Of what is to `leave` nothing is asked; what is not known is kept if that is said.

    Raises:
        PlanError: two entries are one instrument, or there is none of a name; told with its path.
        BrokerError: the broker does not answer.

    """
    places: dict[str, str] = {}
    entries, problems, warnings = [], [], list(target.warnings)
    for number, entry in enumerate(target.targets):
        path, symbol = f"targets[{number}].symbol", entry.symbol
        try:
            symbol = entry.symbol if entry.symbol in leave else symbol_of(broker, entry.symbol)
        except UnknownSymbolError as error:
            if not keeps_unknown:
                problems.append(f"{path}: {unknown_text(entry.symbol, error)}")
        if symbol in places:
            problems.append(f"{path}: {entry.symbol} is {symbol}, and {places[symbol]} is too")
        elif symbol != entry.symbol:
            warnings.append(f"{path}: {entry.symbol} is {symbol}")
        places[symbol] = path
        entries.append(evolve(entry, symbol=symbol))
    if problems:
        raise PlanError("; ".join(problems))
    return evolve(target, targets=tuple(entries), warnings=tuple(warnings))


def leaving(broker: Broker, config: Config) -> Config:
    """Return the config with symbols for names in `[account] leave`.

    Raises:
        BrokerError: the broker does not answer.

    """
    leave = tuple(_known(broker, config.account.leave))
    return evolve(config, account=evolve(config.account, leave=leave))


def _known(broker: Broker, names: Collection[str]) -> Iterator[str]:
    for name in names:
        symbol = name  # what is left may be known no more
        with suppress(UnknownSymbolError):
            symbol = symbol_of(broker, name)
        yield symbol
