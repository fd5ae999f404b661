"""What comes over HTTP: how it is taken in, and what happens between the engine and the socket."""

from __future__ import annotations

import asyncio
import weakref
from typing import TYPE_CHECKING

from aiohttp import web

from nanobook_binance.simulator.server import deliver, unmodelled
from nanobook_binance.simulator.server.call import Answer, Call, parsed, signed_payload
from nanobook_binance.simulator.server.endpoints import ENDPOINTS
from nanobook_binance.simulator.server.fault import Fault
from nanobook_binance.simulator.server.gate import ask
from nanobook_binance.simulator.server.request_log import LoggedRequest, without_secrets

if TYPE_CHECKING:
    from nanobook_binance.simulator.server.server import Server

_DEFAULT_WAIT = 0.1


class Rest:
    """Answers whatever comes over HTTP and is no WebSocket."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._served: weakref.WeakSet[asyncio.Transport] = weakref.WeakSet()
        """Connections on which something was asked."""

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Answer, or do what a planned fault has it do."""
        body = b"" if request.method == "GET" else await request.read()
        _, _, query = request.raw_path.partition("?")
        sent, has_duplicates = parsed(query, body.decode(errors="replace"))
        endpoint = ENDPOINTS.get((request.method, request.path))
        unserved = (
            unmodelled.answer(request.method, request.path)
            if endpoint is None
            else unmodelled.time_unit(request.headers.get("X-MBX-TIME-UNIT", "MILLISECOND"))
        )
        if endpoint is None or unserved is not None:
            self._log(request, sent, unserved)
            return await deliver.deliver(request, unserved, None)
        connection = request.transport
        is_reused = connection in self._served
        if connection is not None:
            self._served.add(connection)
        call = Call(
            endpoint=endpoint,
            sent=sent,
            has_duplicates=has_duplicates,
            payload=signed_payload(query.encode(errors="surrogateescape"), body),
            key_name=request.headers.get("X-MBX-APIKEY"),
            address=request.remote or "",
            is_reused=is_reused,
        )
        server = self._server
        server.hold()  # until it is known whether the streams have to wait for the answer
        try:
            met, answer = ask(server, call)
            if met is not None and met.fault in deliver.CUTS:
                answer = None
            self._log(request, sent, answer, call)
            if met is not None and met.fault is Fault.ACK_BEFORE_STREAM_EVENT:
                response = await deliver.deliver(request, answer, met)
                await asyncio.sleep(met.how.get("seconds", _DEFAULT_WAIT))
                return response
        finally:
            server.release()
        if met is not None and met.fault is Fault.ACK_AFTER_STREAM_EVENT:
            await server.settle()
            await asyncio.sleep(met.how.get("seconds", _DEFAULT_WAIT))
        if met is not None and met.fault is Fault.PORT_REFUSED:
            server.refuse(met.how.get("seconds", 1))
        return await deliver.deliver(request, answer, met)

    def _log(
        self,
        request: web.Request,
        sent: dict[str, str],
        answer: Answer | None,
        call: Call | None = None,
    ) -> None:
        self._server.log.append(
            LoggedRequest(
                time=self._server.time_ms(),
                method=request.method,
                path=request.path,
                account=None if call is None else call.account,
                parameters=without_secrets(sent),
                status=None if answer is None else answer.status,
                answer=None if answer is None else answer.said,
                fault=None if call is None else call.fault,
            )
        )
