"""How an answer is written over HTTP, whole or as a planned fault has it."""

from __future__ import annotations

import asyncio
import socket
import struct
from http import HTTPStatus

from aiohttp import web
from aiohttp.abc import AbstractStreamWriter
from aiohttp.web_request import BaseRequest

from nanobook_binance.simulator.server.call import HTML, Answer
from nanobook_binance.simulator.server.fault import Fault
from nanobook_binance.simulator.server.fault_request import Met
from nanobook_core.broker.fault_script import How

#: Faults whose request is never answered.
CUTS = frozenset(
    {
        Fault.DROP_BEFORE_ENGINE,
        Fault.DROP_AFTER_ENGINE,
        Fault.CONNECTION_RESET_KEEPALIVE,
        Fault.PORT_REFUSED,
    }
)
_PIECES = 10
_LINGER_NOT = struct.pack("ii", 1, 0)


class _Done(web.StreamResponse):
    """The answer where nothing will be written: the connection ends."""

    async def prepare(self, request: BaseRequest) -> AbstractStreamWriter | None:
        del request
        return None

    async def write_eof(self, data: bytes = b"") -> None:
        del data


class _Written(_Done):
    """The answer where all has been written: the connection stays."""

    @property
    def keep_alive(self) -> bool:
        return True


def cut(request: web.Request) -> web.StreamResponse:
    """Close the connection without another byte."""
    if request.transport is not None:
        request.transport.abort()
    return _Done()


def _reset(request: web.Request) -> web.StreamResponse:
    """Close it so that the other side is told of a reset."""
    if request.transport is not None:
        connection = request.transport.get_extra_info("socket")
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_NOT)
    return cut(request)


def _headers(answer: Answer) -> dict[str, str]:
    return {"Content-Type": answer.content_type, **answer.headers}


async def whole(request: web.Request, answer: Answer) -> web.StreamResponse:
    """Write all of it."""
    response = web.Response(status=answer.status, body=answer.body, headers=_headers(answer))
    await response.prepare(request)
    await response.write_eof()
    return response


async def deliver(
    request: web.Request, answer: Answer | None, met: Met | None
) -> web.StreamResponse:
    """Write the answer, or what is left of it; None is cut off."""
    if answer is None:
        is_reset = met is not None and met.fault is Fault.CONNECTION_RESET_KEEPALIVE
        return _reset(request) if is_reset else cut(request)
    return await (whole(request, answer) if met is None else _badly(request, answer, met))


async def _badly(request: web.Request, answer: Answer, met: Met) -> web.StreamResponse:
    match met.fault:
        case Fault.SLOW_BODY:
            return await _slowly(request, answer, met.how)
        case Fault.TRUNCATED_JSON:
            return await _half(request, answer, met.how)
        case Fault.WRONG_CONTENT_TYPE:
            return await whole(request, answer.as_type(HTML))
        case Fault.DUPLICATE_RESPONSE:
            return _twice(request, answer)
        case _:
            return await whole(request, answer)


async def _slowly(request: web.Request, answer: Answer, how: How) -> web.StreamResponse:
    response = web.StreamResponse(status=answer.status, headers=_headers(answer))
    response.content_length = len(answer.body)
    await response.prepare(request)
    size = -(-len(answer.body) // _PIECES)
    for start in range(0, len(answer.body), size):
        await asyncio.sleep(how.get("seconds", 1) / _PIECES)
        await response.write(answer.body[start : start + size])
    await response.write_eof()
    return response


async def _half(request: web.Request, answer: Answer, how: How) -> web.StreamResponse:
    half = answer.body[: len(answer.body) // 2]
    response = web.StreamResponse(status=answer.status, headers=_headers(answer))
    response.content_length = len(answer.body) if how.get("cut") else len(half)
    await response.prepare(request)
    await response.write(half)
    if how.get("cut"):
        if request.transport is not None:
            request.transport.close()
        return _Done()
    await response.write_eof()
    return response


def _twice(request: web.Request, answer: Answer) -> web.StreamResponse:
    headers = {**_headers(answer), "Content-Length": str(len(answer.body))}
    lines = [
        f"HTTP/1.1 {answer.status} {HTTPStatus(answer.status).phrase}",
        *(f"{name}: {value}" for name, value in headers.items()),
    ]
    message = "\r\n".join([*lines, "", ""]).encode() + answer.body
    if request.transport is not None:
        request.transport.write(message * 2)
    return _Written()
