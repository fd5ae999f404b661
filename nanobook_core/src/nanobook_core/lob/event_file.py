"""An exchange as a file of its requests, one a line, as the original writes it."""

from __future__ import annotations

import json
from itertools import islice
from typing import TYPE_CHECKING, Any, TypeVar

from nanobook_core.contracts import Event
from nanobook_core.errors import JournalError, ValidationError, shown
from nanobook_core.lob.file_layer import FileLayer, lines, real_path, write_whole
from nanobook_core.types import StopTrigger

if TYPE_CHECKING:
    import os
    from collections.abc import Iterator

    from nanobook_core.lob.exchange import ExchangeBase

AnyExchange = TypeVar("AnyExchange", bound="ExchangeBase")

#: Lines that are written at a time.
_CHUNK = 1000


def save(
    exchange: ExchangeBase, path: str | os.PathLike[str], *, files: FileLayer | None = None
) -> None:
    """Write every request since the start, in place of any file that is there; with mode 0600.

    Once this returns, the file survives a loss of power; a crash before that leaves the old one.

    Raises:
        LogTruncatedError: the exchange does not have them all.
        OSError: it cannot be written; what was there still is.

    """
    events = exchange.events()
    write_whole(files or FileLayer(), real_path(path), _chunks(exchange.stop_trigger, events))


def _chunks(stop_trigger: StopTrigger, events: list[Event]) -> Iterator[bytes]:
    if stop_trigger is not StopTrigger.EVERY:
        settings = {"Settings": {"stop_trigger": stop_trigger}}
        yield json.dumps(settings, separators=(",", ":")).encode() + b"\n"
    lines = (f"{event.to_json()}\n" for event in events)
    while chunk := "".join(islice(lines, _CHUNK)):
        yield chunk.encode()


def load(
    engine: type[AnyExchange], path: str | os.PathLike[str], *, stop_trigger: str = "every"
) -> AnyExchange:
    """Make the exchange that the requests of a file lead to.

    Blank lines are skipped. `stop_trigger` is for files that do not say it, such as the original's.

    Raises:
        JournalError: a line is no request; it says which, and why.
        OSError: the file cannot be read.

    """
    default = StopTrigger(stop_trigger)
    exchange: AnyExchange | None = None
    for number, _, line in lines(real_path(path)):
        try:
            text = line.decode().strip()
            if not text:
                continue
            if exchange is None:
                settings = _settings(text)
                exchange = engine(stop_trigger=settings or default)
                if settings:
                    continue
            exchange.submit(Event.from_json(text))
        except (ValidationError, OverflowError, UnicodeDecodeError) as error:
            raise JournalError(f"{path}: line {number}: {error}") from None
    return engine(stop_trigger=default) if exchange is None else exchange


def _settings(text: str) -> StopTrigger | None:
    """The rule that a first line sets; None where it is a request.

    Raises:
        ValidationError: they are settings that this version does not know.

    """
    try:
        document: Any = json.loads(text)
    except (ValueError, RecursionError):
        return None
    if not isinstance(document, dict) or document.keys() != {"Settings"}:
        return None
    settings = document["Settings"]
    if not isinstance(settings, dict) or settings.keys() != {"stop_trigger"}:
        raise ValidationError(f"Settings has the field stop_trigger, got {shown(settings)}")
    try:
        return StopTrigger(settings["stop_trigger"])
    except TypeError as error:
        raise ValidationError(f"Settings: {error}") from None
