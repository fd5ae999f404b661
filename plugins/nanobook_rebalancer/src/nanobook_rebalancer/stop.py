"""Why a run is to end before its plan is done."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from attrs import define

from nanobook_core.errors import NanobookError


class StoppedError(NanobookError):
    """Nothing more may be sent; what is open is to be cancelled."""

    def __init__(self, status: str, reason: str) -> None:
        super().__init__(reason)
        self.status = status
        """How the run will have ended: `halted`, `interrupted` or `review`."""
        self.reason = reason


@define
class StopFlag:
    """Set by a signal, looked at before every order and while waiting."""

    signal: str = ""
    """Name of the signal that came; empty while none did."""
    is_interruptible: bool = False
    """While nothing is at risk a signal raises KeyboardInterrupt at once."""

    def check(self) -> None:
        """Go on only while no signal came.

        Raises:
            StoppedError: one did.

        """
        if self.signal:
            raise StoppedError("interrupted", f"{self.signal} received")

    @contextmanager
    def interruptible(self) -> Iterator[None]:
        """Let a signal raise KeyboardInterrupt, as while a person is asked or in connecting."""
        self.is_interruptible = True
        try:
            yield
        finally:
            self.is_interruptible = False

    @contextmanager
    def installed(self) -> Iterator[None]:
        """Take SIGINT, SIGTERM and SIGHUP: they set the flag and nothing else, however often.

        SIGHUP, a terminal that is gone, stays ignored where it was, as under `nohup`.
        """
        self.signal = ""
        taken = [signal.SIGINT, signal.SIGTERM]
        hangup = getattr(signal, "SIGHUP", None)  # not on every platform
        if hangup is not None and signal.getsignal(hangup) is not signal.SIG_IGN:
            taken.append(hangup)
        before = [signal.signal(number, self._handle) for number in taken]
        try:
            yield
        finally:
            for number, handler in zip(taken, before, strict=True):
                signal.signal(number, handler)

    def _handle(self, number: int, _: FrameType | None) -> None:
        self.signal = signal.Signals(number).name
        if self.is_interruptible:
            raise KeyboardInterrupt
