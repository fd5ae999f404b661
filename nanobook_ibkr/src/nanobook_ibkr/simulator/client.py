"""One connection to the simulated gateway: its greeting, its turns, its pacing and its end."""

from __future__ import annotations

import asyncio
import contextlib
import functools
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from nanobook_core.broker.fault_script import How, always
from nanobook_core.contracts.clock import SystemClock
from nanobook_ibkr.simulator import fault_message, fault_request, reply
from nanobook_ibkr.simulator.answer import answer
from nanobook_ibkr.simulator.fault import Fault
from nanobook_ibkr.simulator.pace import Pace
from nanobook_ibkr.simulator.request import parse
from nanobook_ibkr.simulator.stream import Streams
from nanobook_ibkr.simulator.wire import (
    MIN_VERSION,
    Field,
    StreamEndedError,
    WireError,
    encode,
    read_frame,
    read_handshake,
)

if TYPE_CHECKING:
    from nanobook_ibkr.simulator.server import Server

#: Bytes that may wait for a client that does not read; more, and it is cut off.
MAX_UNSENT = 4_194_304
GREETING_SECONDS = 10
GOODBYE_SECONDS = 5
MERGE_SECONDS = 0.02
VIOLATIONS = 3
"""Of the pacing; the last one ends the connection."""


class Client:
    """One connection; what it is told waits for the end of the server's turn."""

    def __init__(
        self, server: Server, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self.server = server
        self.client_id: int | None = None
        """None until it has started the API."""
        self.version = 0
        self.market_data_type = 1
        self.binds_manual_orders = False
        self.streams = Streams(self)
        self._reader = reader
        self._writer = writer
        self._waiting: list[Sequence[Field]] = []
        self.is_over = False
        """Whether it is told nothing more."""
        most = server.messages_per_second
        # The machine's clock: where another one stands still, messages come all the same.
        self._pace = None if most is None else Pace(most, SystemClock())
        self._violations = 0
        self._merged = b""
        """What waits for more, where a fault wants frames merged."""

    @property
    def known_id(self) -> int:
        """Its client id; only one that has started the API is asked for it."""
        assert self.client_id is not None  # noqa: S101 - `answer` has looked
        return self.client_id

    def is_read_only(self) -> bool:
        """Whether what it asks now of orders is refused, by a setting or by a planned fault."""
        return self.server.read_only or self.take(Fault.READ_ONLY) is not None

    def take(self, fault: Fault, is_meant: Callable[[How], bool] = always) -> How | None:
        """Details of the fault if it happens to this client now; None if it does not."""
        return self.server.script.take(fault, self.client_id, is_meant)

    def pass_over(self, fault: Fault, is_meant: Callable[[How], bool] = always) -> None:
        """Count an occasion of the fault on which another one happens to this client."""
        self.server.script.pass_over(fault, self.client_id, is_meant)

    async def run(self) -> None:
        """Serve it until it goes, or has to."""
        try:
            async with asyncio.timeout(GREETING_SECONDS):
                await self._greet()
                while self.client_id is None and not self.is_over:
                    await self._serve_one()
            while not self.is_over:
                await self._serve_one()
        except (StreamEndedError, TimeoutError, OSError):  # what it sent is the end of the talk
            pass
        finally:
            self.server.forget(self)
            await self._close()

    async def _close(self) -> None:
        self.is_over = True
        self._writer.close()
        with contextlib.suppress(OSError):
            try:
                async with asyncio.timeout(GOODBYE_SECONDS):
                    await self._writer.wait_closed()
            except TimeoutError:  # it does not read what is left
                self.abort()
                await self._writer.wait_closed()

    def close_after_turn(self) -> None:
        """End the connection once all it has been told is written; tell it nothing more."""
        self.is_over = True
        self.server.has_mail(self)

    def end_before_fill(self) -> None:
        """End the connection once all that was told before the first fill is written."""
        self._waiting = fault_message.until_fill(self._waiting)
        self.close_after_turn()

    def abort(self) -> None:
        """Cut the connection; what is not yet written never is."""
        self.is_over = True
        self._waiting.clear()
        self._writer.transport.abort()

    async def _greet(self) -> None:
        try:
            lowest, highest = await read_handshake(self._reader)
        except WireError as error:
            raise StreamEndedError(str(error)) from error
        if highest < MIN_VERSION or lowest > self.server.max_version:
            raise StreamEndedError(f"a client of versions {lowest}..{highest}")
        self.version = min(highest, self.server.max_version)
        self._writer.write(encode(reply.welcome(self.version, self.server.now())))

    async def _serve_one(self) -> None:
        try:
            fields = await read_frame(self._reader)
        except StreamEndedError:
            raise
        except WireError as error:
            self.server.turn(functools.partial(self.misread, error))
        else:
            if not self.is_over:
                self.server.log.received(self.client_id, fields, self.server.monotonic())
                self.server.turn(lambda: self._handle(fields))
        await self._writer.drain()
        # `read_frame` does not wait while whole frames are there: the others have their turn.
        await asyncio.sleep(0)

    def _handle(self, fields: list[str]) -> None:
        if self._pace is not None and not self._pace.takes():
            self.exceed_pace()
            return
        try:
            request = parse(fields, self.version)
        except WireError as error:
            self.misread(error)
            return
        script = self.server.script
        if not script or not fault_request.meet_request(self, int(fields[0]), request):
            answer(self, request)

    def misread(self, error: WireError) -> None:
        """Tell it that a message of its makes no sense."""
        self.error(error.request_id, 320, f"Error reading request: {error}")

    def exceed_pace(self) -> None:
        """Tell it that this message was one too many and is dropped; the third time is the last."""
        most = self.server.messages_per_second or 50
        self._violations += 1
        self.error(
            -1,
            100,
            "Max rate of messages per second has been exceeded:"
            f"max={most} rec={most + 1} ({self._violations})",
        )
        if self._violations >= VIOLATIONS:
            self.close_after_turn()

    def send(self, fields: Sequence[Field]) -> None:
        """Tell it at the end of the turn."""
        if not self.is_over:
            self._waiting.append(fields)
            self.server.has_mail(self)

    def error(self, request_id: int, code: int, text: str) -> None:
        """Tell it an error, or a warning, of one of its requests or orders; -1: of none."""
        self.send(reply.error(self.version, request_id, code, text))

    def flush(self) -> None:
        """Write what waits."""
        batch, self._waiting = self._waiting, []
        if self.server.script:
            batch = fault_message.meet_messages(self, batch)
        if batch:
            self.write(*(encode(fields) for fields in batch))
        if self.is_over:
            self._release()
            self._writer.close()

    def write(self, *frames: bytes) -> None:
        """Write frames at once; a client that has left too much unread is cut off instead."""
        transport, now = self._writer.transport, self.server.monotonic()
        if transport.is_closing():
            return
        if transport.get_write_buffer_size() > MAX_UNSENT:
            self.abort()
            return
        for frame in frames:
            self.server.log.sent(self.client_id, frame[4:], now)
        data, take = b"".join(frames), self.take
        if self._merged or take(Fault.MERGED_FRAMES) is not None:
            if not self._merged:
                self.server.later(MERGE_SECONDS, self._release)
            self._merged += data
        elif take(Fault.SPLIT_FRAMES) is not None:
            for place in range(len(data)):
                if not transport.is_closing():
                    self._writer.write(data[place : place + 1])
        else:
            self._writer.write(data)

    def _release(self) -> None:
        merged, self._merged = self._merged, b""
        if merged:
            self._writer.write(merged)
