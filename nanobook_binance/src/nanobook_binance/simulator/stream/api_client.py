"""A client of the WebSocket API: what it asks, and what it is answered."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

from attrs import define

from nanobook_binance.simulator.server import unmodelled
from nanobook_binance.simulator.server.call import HTML, Answer, Call, json_answer, refused
from nanobook_binance.simulator.server.deliver import CUTS
from nanobook_binance.simulator.server.endpoints import ENDPOINTS
from nanobook_binance.simulator.server.fault import Fault
from nanobook_binance.simulator.server.fault_request import Met
from nanobook_binance.simulator.server.gate import ask
from nanobook_binance.simulator.server.request_log import LoggedRequest, without_secrets
from nanobook_binance.simulator.server.security import rejected_key
from nanobook_binance.simulator.stream.api_method import METHODS
from nanobook_binance.simulator.stream.api_request import ApiRequest, Json, parse_id, parse_request
from nanobook_binance.simulator.stream.api_session import WEIGHTS, ApiSession
from nanobook_binance.simulator.stream.connection import Connection
from nanobook_binance.simulator.venue import Refusal

if TYPE_CHECKING:
    from nanobook_binance.simulator.server.server import Server

_WAIT = 0.1
_RETRY_AFTER = "Retry-After"


@define
class _Answered:
    """What was made of a request; an answer of None is a connection that is cut."""

    answer: Answer | None
    call: Call | None = None
    met: Met | None = None

    @property
    def fault(self) -> Fault | None:
        return None if self.met is None else self.met.fault

    def seconds(self, default: float) -> float:
        """For how long the fault lasts."""
        return default if self.met is None else float(self.met.how.get("seconds", default))


class ApiClient:
    """Answers one request after the other."""

    def __init__(self, server: Server, session: ApiSession, connection: Connection) -> None:
        self._server = server
        self._session = session
        self._connection = connection
        self._has_served = False

    async def hear(self, text: str | bytes) -> None:
        """Do what a message asks for, and answer it."""
        try:
            request = parse_request(text)
        except Refusal as refusal:
            self._connection.tell(_failed(parse_id(text), refused(refusal), self._now()))
            return
        if self._session.is_revoked():
            self._session.revoke()
            self._connection.tell(_failed(None, refused(rejected_key()), self._now()))
            return
        server = self._server
        server.hold()  # until it is known whether the streams have to wait for the answer
        try:
            answered = self._ask(request)
            self._log(request, answered)
            if answered.fault is Fault.ACK_BEFORE_STREAM_EVENT:
                self._deliver(request, answered)
                await self._connection.written()
                await asyncio.sleep(answered.seconds(_WAIT))
                return
        finally:
            server.release()
        if answered.fault is Fault.ACK_AFTER_STREAM_EVENT:
            await server.settle()
            await asyncio.sleep(answered.seconds(_WAIT))
        elif answered.fault is Fault.SLOW_BODY:
            await asyncio.sleep(answered.seconds(1))
        elif answered.fault is Fault.PORT_REFUSED:
            server.refuse(answered.seconds(1))
        self._deliver(request, answered)

    def _now(self) -> int:
        return self._server.time_ms()

    def _ask(self, request: ApiRequest) -> _Answered:
        if request.method in WEIGHTS:
            return _Answered(self._ask_session(request))
        if request.method not in METHODS:
            named = f"The method {request.method!s:.60}"
            return _Answered(
                refused(Refusal(-1020, f"{named} is not modelled by this simulator.", 404))
            )
        method, path = METHODS[request.method]
        endpoint = ENDPOINTS.get((method, path))
        if endpoint is None:
            return _Answered(unmodelled.answer(method, path))
        sent = dict(request.parameters)
        call = Call(
            endpoint=endpoint,
            sent=sent,
            payload=request.payload(),
            key_name=sent.pop("apiKey", None),
            address=self._connection.address,
            is_reused=self._has_served,
        )
        self._has_served = True
        sent.pop("returnRateLimits", None)
        if call.key_name is None and self._session.key is not None:
            call.key = self._session.key
            sent.setdefault("signature", "of the session")
        met, answer = ask(self._server, call)
        is_cut = met is not None and met.fault in CUTS
        return _Answered(None if is_cut else answer, call, met)

    def _ask_session(self, request: ApiRequest) -> Answer:
        try:
            self._server.limits.charge(self._connection.address, WEIGHTS[request.method])
            return json_answer(self._session.answer(request))
        except Refusal as refusal:
            return refused(refusal)

    def _deliver(self, request: ApiRequest, answered: _Answered) -> None:
        answer = answered.answer
        if answer is None or answer.content_type == HTML:  # nobody sends pages over a websocket
            self._connection.abort()
            return
        text = json.dumps(self._message(request, answered, answer), separators=(",", ":"))
        match answered.fault:
            case Fault.TRUNCATED_JSON:
                self._connection.send(text[: len(text) // 2])
                if answered.met is not None and answered.met.how.get("cut"):
                    self._connection.cut()
            case Fault.WRONG_CONTENT_TYPE:
                self._connection.send(text.encode())
            case Fault.DUPLICATE_RESPONSE:
                self._connection.send(text)
                self._connection.send(text)
            case _:
                self._connection.send(text)

    def _message(self, request: ApiRequest, answered: _Answered, answer: Answer) -> dict[str, Any]:
        if answer.is_success:
            message = {"id": request.request_id, "status": answer.status, "result": answer.said}
        else:
            message = _failed(request.request_id, answer, self._now())
        shows = request.returns_limits
        if self._session.returns_limits if shows is None else shows:
            message["rateLimits"] = self._limits(answered.call, answer)
        return message

    def _limits(self, call: Call | None, answer: Answer) -> list[dict[str, Any]]:
        limits = self._server.limits
        rows: list[dict[str, Any]] = []
        if call is not None and call.account is not None and "ORDER-COUNT" in str(answer.headers):
            rows += limits.order_counts(call.account)
        used = limits.used(self._connection.address)
        return [*rows, {**limits.weight.describe(), "count": used}]

    def _log(self, request: ApiRequest, answered: _Answered) -> None:
        answer, call = answered.answer, answered.call
        self._server.log.append(
            LoggedRequest(
                time=self._now(),
                method="WS",
                path=request.method,
                account=None if call is None else call.account,
                parameters=without_secrets(request.parameters),
                status=None if answer is None else answer.status,
                answer=None if answer is None else _without_key(answer.said),
                fault=None if call is None else call.fault,
            )
        )


def _failed(request_id: int | str | None, answer: Answer, now: int) -> dict[str, Any]:
    error = dict(answer.said)
    if _RETRY_AFTER in answer.headers:
        later = now + 1000 * int(answer.headers[_RETRY_AFTER])
        error["data"] = {"serverTime": now, "retryAfter": later}
    return {"id": request_id, "status": answer.status, "error": error}


def _without_key(said: Json) -> Json:
    return without_secrets(said) if isinstance(said, dict) else said
