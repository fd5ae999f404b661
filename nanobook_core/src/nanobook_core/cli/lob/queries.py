"""The commands of `lob` that show, save and load."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from nanobook_core.cli.lob.ladder import FAINT, NEWEST, amount, history, ladder
from nanobook_core.cli.lob.orders import trailing
from nanobook_core.cli.lob.session import COMMANDS, Quit, Session, command
from nanobook_core.errors import JournalError, ValidationError
from nanobook_core.types import OrderStatus, Price

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nanobook_core.cli.lob.arguments import Arguments
    from nanobook_core.contracts import Order, StopOrder

_LEVELS = 10


@command("status <order_id>", "Show an order or a stop", "s")
def status(session: Session, arguments: Arguments) -> None:
    """Show what became of an order."""
    order_id = arguments.order_id()
    arguments.finish()
    if stop := session.exchange.get_stop_order(order_id):
        session.say(f"Stop order #{order_id}:")
        lines = _stop_lines(stop)
    elif order := session.exchange.get_order(order_id):
        session.say(f"Order #{order_id}:")
        lines = _order_lines(order)
    else:
        raise ValidationError(f"Order #{order_id} not found")
    for name, value in lines:
        session.say(f"  {name + ':':<12} {value}")


def _order_lines(order: Order) -> Iterator[tuple[str, object]]:
    yield "Side", order.side.title()
    is_market = order.price in (Price.MIN, Price.MAX)
    yield "Price", "market" if is_market else f"${amount(order.price)}"
    filled = f"filled: {order.filled_quantity}, remaining: {order.remaining_quantity}"
    yield "Quantity", f"{order.original_quantity} ({filled})"
    yield "Status", OrderStatus(order.status).value
    yield "TIF", order.time_in_force.upper()
    yield from _owner_lines(order)


def _stop_lines(stop: StopOrder) -> Iterator[tuple[str, object]]:
    yield "Side", stop.side.title()
    yield "Stop price", f"${amount(stop.stop_price)}"
    if stop.limit_price is not None:
        yield "Limit price", f"${amount(stop.limit_price)}"
    yield "Quantity", stop.quantity
    yield "Status", stop.status.title()
    yield "TIF", stop.time_in_force.upper()
    if stop.trail_method:
        yield "Trail", trailing(stop.trail_method)
    if stop.watermark is not None:
        yield "Watermark", f"${amount(stop.watermark)}"
    if stop.child_order_id is not None:
        yield "Became", f"order #{stop.child_order_id}"
    yield from _owner_lines(stop)


def _owner_lines(order: Order | StopOrder) -> Iterator[tuple[str, object]]:
    if order.owner is not None:
        yield "Owner", f"{order.owner} ({order.stp_policy})"


@command("book [levels]", f"Show the best levels of each side, {_LEVELS} unless told", "b", "depth")
def book(session: Session, arguments: Arguments) -> None:
    """Draw the order book."""
    levels = arguments.count(_LEVELS)
    arguments.finish()
    session.say_all(ladder(session.exchange.depth(levels)))


@command("trades [number]", f"Show the newest trades, {NEWEST} unless told", "t")
def trades(session: Session, arguments: Arguments) -> None:
    """List the newest trades."""
    newest = arguments.count(NEWEST)
    arguments.finish()
    session.say_all(history(session.exchange.trades(), newest))


@command("stops", "Show the stops that wait")
def stops(session: Session, arguments: Arguments) -> None:
    """List the pending stops."""
    arguments.finish()
    waiting = session.exchange.state().stops
    for stop in waiting:
        limit = "" if stop.limit_price is None else f", limit ${amount(stop.limit_price)}"
        trail = f", {trailing(stop.trail_method)}" if stop.trail_method else ""
        session.say(
            f"  #{stop.id} {stop.side.upper()} {stop.quantity} @ ${amount(stop.stop_price)}"
            f"{limit}{trail}"
        )
    if not waiting:
        session.say("No stops wait.")


@command("hash", "Show the hash of the state")
def state_hash(session: Session, arguments: Arguments) -> None:
    """Show 64 bits of everything that decides what comes next."""
    arguments.finish()
    session.say(f"State hash: {session.exchange.state_hash():016x}")


@command("replay", "Check that the events lead to this state")
def replay(session: Session, arguments: Arguments) -> None:
    """Replay the log and compare the states."""
    arguments.finish()
    exchange = session.exchange
    events = exchange.events()
    again = session.engine.replay(events, stop_trigger=exchange.stop_trigger)
    if again.state_hash() != exchange.state_hash():
        raise ValidationError(f"Replay of {len(events)} events: DIFFERENT")
    session.say(f"Replay of {len(events)} events: identical")


@command("save <path> [!]", "Save the events; with ! over a file that is there")
def save(session: Session, arguments: Arguments) -> None:
    """Write the events to a file."""
    text = f" {arguments.text.strip()}"
    path = text.removesuffix(" !")
    _save(session, arguments, path.strip(), replace=path != text)


@command("save! <path>", "The same as save <path> !")
def save_over(session: Session, arguments: Arguments) -> None:
    """Write the events to a file that may be there."""
    _save(session, arguments, arguments.text.strip(), replace=True)


def _save(session: Session, arguments: Arguments, path: str, *, replace: bool) -> None:
    target = _path(arguments, path)
    if target.exists() and not replace:
        raise ValidationError(f"Save failed: {path} is there; save! {path} replaces it")
    try:
        session.exchange.save(target)
    except OSError as error:
        raise ValidationError(f"Save failed: {path}: {error.strerror}") from error
    session.say(f"Saved to {path}")


@command("load <path>", "Go on with the exchange of a saved file")
def load(session: Session, arguments: Arguments) -> None:
    """Read events from a file and replay them."""
    path = arguments.text.strip()
    try:
        session.load(_path(arguments, path))
    except JournalError as error:
        raise ValidationError(f"Load failed: {error}") from error
    except OSError as error:
        raise ValidationError(f"Load failed: {path}: {error.strerror}") from error
    session.say(f"Loaded from {path}")


def _path(arguments: Arguments, path: str) -> Path:
    """The whole rest of a line, blanks and all."""
    if not path:
        raise ValidationError(f"Usage: {arguments.usage}")
    if "\0" in path:
        raise ValidationError(f"Invalid path: {path!r:.40}: it has a NUL character")
    try:
        return Path(path).expanduser()
    except RuntimeError as error:  # a home that nobody knows
        raise ValidationError(f"Invalid path: '{path:.40}': {error}") from None


@command("clear", "Begin anew with an empty book")
def clear(session: Session, arguments: Arguments) -> None:
    """Forget everything."""
    arguments.finish()
    session.clear()
    session.say("Book cleared.")


@command("help [command]", "Show this, or how to use one command", "h", "?")
def show_help(session: Session, arguments: Arguments) -> None:
    """Show the commands."""
    if not arguments:
        session.say_all(_overview())
        return
    name = arguments.word().lower()
    arguments.finish()
    if name not in COMMANDS:
        raise ValidationError(f"Unknown command: '{name:.40}'. Type 'help' for commands.")
    found = COMMANDS[name]
    session.say(f"Usage: {found.usage}")
    session.say(f"  {found.summary}.")
    if len(found.names) > 1:
        session.say(f"  Also: {', '.join(found.names[1:])}")


def _overview() -> Iterator[tuple[str, str]]:
    yield "", ""
    yield "Commands:", "bold"
    for found in dict.fromkeys(COMMANDS.values()):
        yield f"  {found.usage}", ""
        yield f"      {found.summary}", FAINT
    yield "", ""
    yield "Prices are in dollars and whole cents: 100.50. Lines that begin with # are skipped.", ""
    yield "", ""


@command("quit", "Leave", "exit", "q")
def leave(session: Session, arguments: Arguments) -> None:
    """End the session."""
    del session
    arguments.finish()
    raise Quit
