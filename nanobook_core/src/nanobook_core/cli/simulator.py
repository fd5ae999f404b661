"""What the commands of simulated venues have in common."""

from __future__ import annotations

import errno
import signal
import threading
from collections.abc import Callable
from types import FrameType
from typing import Any, NoReturn

import click

from nanobook_core.broker.server_thread import ServerThread

_ANY_ADDRESS = ("", "0.0.0.0", "::")  # noqa: S104 - to warn of them


def account_names(
    ctx: click.Context, param: click.Parameter, names: tuple[str, ...]
) -> tuple[str, ...]:
    """The names, each letters and digits and there once; a callback of click."""
    wrong = [name for name in names if not (name.isascii() and name.isalnum())]
    twice = [name for place, name in enumerate(names) if name in names[:place]]
    if wrong:
        what = f"an account is letters and digits, got {wrong[0]!r:.40}"
        raise click.BadParameter(what, ctx, param)
    if twice:
        raise click.BadParameter(f"{twice[0]} is given twice", ctx, param)
    return names


def reached_at(host: str) -> tuple[str, str]:
    """By which host programs of this machine reach one, and a warning where others do too."""
    if host in _ANY_ADDRESS:
        return "127.0.0.1", " Whoever reaches this machine can trade on it."
    return host, ""


def serve(venue: ServerThread[Any], told: Callable[[], str], neighbours: str) -> None:
    """Run the venue until Ctrl-C or SIGTERM; what is told comes first, when it listens.

    `neighbours` are who else might have its port.

    Raises:
        click.ClickException: it cannot listen there, or not write a file.

    """
    try:
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, _interrupt)
        with _listening(venue, neighbours):
            click.echo(told())
            while not threading.Event().wait(1):  # without an end, Windows hears no Ctrl-C
                pass
    except KeyboardInterrupt:
        pass


def _interrupt(number: int, frame: FrameType | None) -> NoReturn:
    del frame
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # it is ending: once is enough
    raise KeyboardInterrupt(number)


def _listening(venue: ServerThread[Any], neighbours: str) -> ServerThread[Any]:
    where = f"{venue.host}:{venue.port}"
    try:
        venue.start()
    except OSError as error:
        if error.filename is not None:  # of a file that it writes, not of a port
            raise click.ClickException(
                f"cannot write to {error.filename}: {error.strerror}"
            ) from None
        if error.errno == errno.EADDRINUSE:
            raise click.ClickException(
                f"{where} is in use: another simulator runs there, or {neighbours}. "
                "Give another --port, or 0 for any free one."
            ) from None
        raise click.ClickException(f"cannot listen on {where}: {error}") from None
    return venue
