"""ib_insync and ib_async: which of them is used, and all that is different about them.

Only their `Client` is used, as transport and codec. It gets a wrapper of ours, so that none of
their own state, and nothing of what they make of errors, is involved.
"""

from __future__ import annotations

import importlib
import importlib.util
import logging
import sys
from collections.abc import Callable, Mapping
from decimal import Decimal
from types import ModuleType
from typing import Any

from nanobook_core.contracts.broker_error import BackendMissingError
from nanobook_core.errors import ValidationError, shown
from nanobook_ibkr.message import VenueContract

log = logging.getLogger("nanobook.ibkr")

BACKENDS = ("ib_insync", "ib_async")
#: Nothing that TWS sends is near it; a longer frame is not TWS's, or the stream is out of step.
MAX_FRAME = 1 << 24
_PYTHON_WITHOUT_IB_INSYNC = (3, 14)


class WireDecimal(Decimal):
    """A number that both libraries write as TWS reads it: they use `str`, which may be `1E-8`."""

    def __str__(self) -> str:
        """In plain notation."""
        return format(self, "f")


def choose(backend: str) -> str:
    """Name of the library to use.

    Raises:
        ValidationError: there is no library of that name.
        BackendMissingError: it is not installed; the message says how to install it.

    """
    if backend not in ("auto", *BACKENDS):
        raise ValidationError(f"backend is 'auto', 'ib_insync' or 'ib_async', got {shown(backend)}")
    order = BACKENDS if sys.version_info < _PYTHON_WITHOUT_IB_INSYNC else BACKENDS[::-1]
    wanted = order if backend == "auto" else (backend,)
    installed = [name for name in wanted if importlib.util.find_spec(name) is not None]
    if not installed:
        raise BackendMissingError(
            f"{' or '.join(wanted)} is not installed; install nanobook-ibkr with its extra "
            "'ib_insync' or 'ib_async', one of them and never both",
            broker="ibkr",
        )
    if len(installed) > 1:
        log.warning(
            "ib_insync and ib_async are both installed, and share a package that only one of them "
            "can have; uninstall both, then install one. %s is used",
            installed[0],
        )
    return installed[0]


class Library:
    """The library, imported; must be made on a thread that has an event loop."""

    def __init__(self, backend: str) -> None:
        self.name = choose(backend)
        self._module: ModuleType = importlib.import_module(self.name)
        self._client: Any = importlib.import_module(f"{self.name}.client").Client

    def client(
        self, wrapper: Any, on_unreadable: Callable[[list[str], BaseException], None]
    ) -> Any:
        """A client that logs nothing itself: it would write whole messages, accounts and all.

        `on_unreadable` is told the fields of a message that could not be decoded, none of what is
        no message, and why.
        """
        client = self._client(wrapper)
        client.MaxRequests = 0
        client._logger = _silent()  # noqa: SLF001 - there is no other way to its logger
        decoder = client.decoder
        reading: list[str] = []
        interpret = decoder.interpret

        def note_and_interpret(fields: list[str]) -> None:
            reading[:] = fields
            interpret(fields)

        decoder.interpret = note_and_interpret
        decoder.logger = _DecoderLog(lambda error: on_unreadable(reading, error))
        client.conn.hasData.error_event.connect(
            lambda _, error: on_unreadable([], error), keep_ref=True
        )
        return client

    def contract(self, contract: VenueContract) -> Any:
        """The library's record of a contract: by its number where it has one."""
        return self._module.Contract(
            conId=contract.con_id,
            symbol=_text(contract.symbol),
            secType=_text(contract.sec_type),
            currency=_text(contract.currency),
            exchange=_text(contract.exchange),
            primaryExchange=_text(contract.primary_exchange),
            localSymbol=_text(contract.local_symbol),
        )

    def order(self, fields: Mapping[str, str | int | bool | Decimal]) -> Any:
        """The library's record of an order."""
        order = self._module.Order()
        for name, value in fields.items():
            if not hasattr(order, name):
                raise ValidationError(f"an order has no field {name!r}")
            if isinstance(value, Decimal):
                setattr(order, name, WireDecimal(value))
            else:
                setattr(order, name, _text(value) if isinstance(value, str) else value)
        return order

    def execution_filter(self, **fields: str) -> Any:
        """The library's record of which executions to tell."""
        return self._module.ExecutionFilter(**fields)


class _DecoderLog:
    """What the decoder takes for its logger: it reports there what it could not decode."""

    def __init__(self, report: Callable[[BaseException], None]) -> None:
        self._report = report

    def exception(self, _: str) -> None:
        error = sys.exc_info()[1]
        if error is not None:
            self._report(error)


def is_too_old(said: str) -> bool:
    """Whether that is what the client says of a TWS that is older than it can speak to."""
    return "version must be" in said


def frame_is_absurd(client: Any) -> bool:
    """Whether what it waits for is longer than any message of TWS."""
    waiting = client._data  # noqa: SLF001 - the client waits for ever, and keeps all that comes
    return len(waiting) >= 4 and int.from_bytes(waiting[:4], "big") > MAX_FRAME  # noqa: PLR2004


def _silent() -> logging.Logger:
    # Of no name, so that nobody who uses the library too finds it among the loggers.
    logger = logging.Logger("")  # noqa: LOG001
    logger.disabled = True
    return logger


def _text(value: str) -> str:
    if "\0" in value:  # it ends a field on the wire, so the rest would be other fields
        raise ValidationError(f"no text may have a NUL in it, got {value!r:.60}")
    return value
