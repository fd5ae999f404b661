"""Requests to the venue: signed, counted, and refused by errors that say what is known."""

from __future__ import annotations

import http.client
import json
import logging
from collections.abc import Mapping
from decimal import Decimal
from typing import Any, NoReturn

import requests
from attrs import field, frozen
from requests.auth import AuthBase

from nanobook_binance.clock import VenueClock
from nanobook_binance.environment import Environment
from nanobook_binance.error_code import error_of
from nanobook_binance.signature import Keys, Parameter, payload
from nanobook_binance.weight import WeightBudget, is_urgent, weight_of
from nanobook_binance.wire import open_session, sending
from nanobook_core.contracts.broker_error import (
    AuthenticationError,
    BrokerError,
    BrokerProtocolError,
    ClockSkewError,
    ConnectError,
    LinkDownError,
    Outcome,
    OutcomeUnknownError,
)
from nanobook_core.contracts.clock import Clock

log = logging.getLogger("nanobook.binance")

TIME = "/api/v3/time"
ORDER = "/api/v3/order"
TEST = "/api/v3/order/test"
_OK, _LAST_OK, _TOO_MANY, _BANNED = 200, 299, 429, 418
#: Of a text that is no JSON, so much is told.
_SHOWN = 80
_TOO_MANY_ORDERS = "-1015"
_REASONS: tuple[tuple[type[BaseException], str], ...] = (
    (TimeoutError, "timed out"),
    (http.client.RemoteDisconnected, "the connection was closed without an answer"),
    (http.client.IncompleteRead, "the connection was closed in the middle of the answer"),
)


@frozen
class _Answer:
    status: int
    headers: Mapping[str, str]
    content: bytes = field(repr=False)


@frozen
class _Request:
    """What is asked; its repr has no more than that."""

    method: str
    path: str
    parameters: Mapping[str, Parameter]
    is_signed: bool

    @property
    def is_question(self) -> bool:
        """Whether it changes nothing, so that it may be put again."""
        return self.method == "GET" or self.path == TEST

    @property
    def is_order(self) -> bool:
        """Whether it places an order."""
        return self.method == "POST" and self.path.startswith(ORDER)

    @property
    def client_order_id(self) -> str:
        for name in ("newClientOrderId", "origClientOrderId"):
            if (value := self.parameters.get(name)) is not None and self.method != "DELETE":
                return str(value)
        return str(self.parameters.get("origClientOrderId") or "")


class _ApiKey(AuthBase):
    """Puts the API key on a request; where there is this, no other credentials are looked for."""

    def __init__(self, keys: Keys | None) -> None:
        self._keys = keys

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        if self._keys is not None:
            request.headers["X-MBX-APIKEY"] = self._keys.api_key.reveal()
        return request


class Rest:
    """Requests from any thread. Numbers come as the venue writes them: str, int, or Decimal.

    Every error has an `outcome`: a question is never in doubt, an order or a cancel is `UNKNOWN`
    unless it did not leave this machine or the venue has refused it. Nothing but a question is ever
    sent twice, except what was refused for its time, once.
    """

    def __init__(
        self,
        environment: Environment,
        keys: Keys | None,
        clock: Clock,
        *,
        recv_window: int = 5000,
        timeout: float = 10.0,
    ) -> None:
        """Send nothing yet. `recv_window` in ms, `timeout` in seconds for each answer."""
        self._environment = environment
        self._keys = keys
        self._recv_window = recv_window
        self._timeout = timeout
        self.time = VenueClock(clock)
        self.weight = WeightBudget(clock, self.time.milliseconds)
        self._session = open_session(use_proxies=environment.name != "simulator")

    def __repr__(self) -> str:
        return f"<Rest {self._environment.rest}>"

    @property
    def recv_window(self) -> int:
        """Milliseconds after which the venue refuses what is signed."""
        return self._recv_window

    def close(self) -> None:
        """Close the connections that are kept; a later request opens new ones."""
        self._session.close()

    def public(self, method: str, path: str, /, **parameters: Parameter) -> Any:
        """Ask for what everybody may know; see `signed` for what it raises."""
        return self._ask(_Request(method, path, parameters, is_signed=False))

    def signed(self, method: str, path: str, /, **parameters: Parameter) -> Any:
        """Ask for, or change, what is the account's.

        Raises:
            BrokerError: of the class, outcome and code that `error_code` has for the answer; or
                `OutcomeUnknownError` (`LinkDownError` for a question) where there is none.
            RateLimitedError: the budget or the venue allows no more now.
            ClockSkewError: the venue refuses the time that it has just told.
            AuthenticationError: there are no keys, or wrong ones.

        """
        if self._keys is None:
            raise AuthenticationError("there are no keys", broker="binance")
        self._keep_time()
        request = _Request(method, path, parameters, is_signed=True)
        try:
            return self._ask(request)
        except ClockSkewError as error:
            try:
                self.measure_time()
            except BrokerError:
                self._raise_skew(error)
        try:
            return self._ask(request)
        except ClockSkewError as error:
            self._raise_skew(error)

    def measure_time(self) -> None:
        """Ask the venue for its time now."""
        self.time.measure(self._server_time)

    def _keep_time(self) -> None:
        try:
            self.time.keep(self._server_time)
        except BrokerError:
            if not self.time.is_known:
                raise
            log.warning("the venue's time was not told anew; the last one is used")

    def _server_time(self) -> int:
        told = self.public("GET", TIME)
        milliseconds = told.get("serverTime") if isinstance(told, dict) else None
        if isinstance(milliseconds, bool) or not isinstance(milliseconds, int):
            raise BrokerProtocolError(
                f"the venue tells no time: {told!r:.80}", broker="binance", outcome=Outcome.NOT_SENT
            )
        return milliseconds

    def _raise_skew(self, error: ClockSkewError) -> NoReturn:
        error.offset = self.time.offset
        raise ClockSkewError(
            f"{error}; the venue is {self.time.offset * 1000:.0f} ms ahead of this machine, as far "
            "as it tells; set this machine's clock, or look for what delays requests",
            broker="binance",
            code=error.code,
            outcome=error.outcome,
            retryable=True,
            client_order_id=error.client_order_id,
            offset=self.time.offset,
        ) from None

    def _ask(self, request: _Request) -> Any:
        minute = self.weight.turn(
            weight_of(request.method, request.path, request.parameters),
            urgent=is_urgent(request.method, request.path),
            is_order=request.is_order and request.path != TEST,
            seconds=self._timeout,
        )
        try:
            answer = self._exchange(request)
        except LinkDownError:
            if request.method != "GET":
                raise
            answer = self._exchange(request)  # as a kept connection may have been closed
        self.weight.told(minute, answer.headers.get("X-MBX-USED-WEIGHT-1M"))
        return self._read(request, answer)

    def _exchange(self, request: _Request) -> _Answer:
        """Send it once, and return what was answered.

        Whatever goes wrong below has the API key in its frames, and so is not handed on, nor is an
        interrupt with where it came from.
        """
        stopped: BaseException | None = None
        reason = ""
        sending.has_begun = False
        try:
            with self._open(request) as response:
                return _Answer(response.status_code, response.headers, response.content)
        except Exception as error:  # noqa: BLE001 - all that libraries raise; said in our own words
            reason = _reason(error)
        except BaseException as error:  # noqa: BLE001 - an interrupt
            stopped = error
            stopped.__context__ = stopped.__cause__ = stopped.__traceback__ = None
        if stopped is not None:
            raise stopped
        where = f"{request.method} {request.path}"
        details: dict[str, Any] = {
            "broker": "binance",
            "client_order_id": request.client_order_id,
        }
        if not sending.has_begun:
            raise ConnectError(
                f"{self._environment.rest} cannot be reached: {reason}; nothing was sent",
                outcome=Outcome.NOT_SENT,
                retryable=True,
                **details,
            )
        if request.is_question:
            raise LinkDownError(
                f"{where} was not answered: {reason}",
                outcome=Outcome.NOT_SENT,
                retryable=True,
                **details,
            )
        raise OutcomeUnknownError(
            f"{where} was sent and not answered: {reason}; ask for the order before another one",
            **details,
        )

    def _open(self, request: _Request) -> requests.Response:
        """Send it; the signed text is in no variable of ours."""
        in_body = request.method in ("POST", "PUT")
        return self._session.request(
            request.method,
            f"{self._environment.rest}{request.path}"
            + ("" if in_body or not (text := self._text(request)) else f"?{text}"),
            data=self._text(request) if in_body else None,
            headers={"Content-Type": "application/x-www-form-urlencoded"} if in_body else None,
            auth=_ApiKey(self._keys if request.is_signed else None),
            timeout=self._timeout,
            allow_redirects=False,
        )

    def _text(self, request: _Request) -> str:
        if not request.is_signed or self._keys is None:
            return payload(request.parameters)
        return self._keys.signed_payload(
            {
                **request.parameters,
                "recvWindow": self._recv_window,
                "timestamp": self.time.milliseconds(),
            }
        )

    def _read(self, request: _Request, answer: _Answer) -> Any:
        is_success = _OK <= answer.status <= _LAST_OK
        told = _parsed(answer.content.decode("utf-8", "replace")) if is_success else None
        if told is not None and _code(told)[0] is None:
            return told
        error = self._refusal(request, answer)
        if answer.status in (_TOO_MANY, _BANNED):
            if error.retry_after is None:
                error.retry_after = self.weight.until_next_minute
            self.weight.close(error.retry_after, orders_only=error.code == _TOO_MANY_ORDERS)
        log.info("%s %s: %s", request.method, request.path, error)
        raise error

    def _refusal(self, request: _Request, answer: _Answer) -> BrokerError:
        content = answer.content.decode("utf-8", "replace")
        if self._keys is not None:  # whoever answers may repeat what was asked
            content = self._keys.hide(content)
        code, text = _code(_parsed(content))
        if code is None:
            words = " ".join("".join(c if c.isprintable() else " " for c in content).split())
            kind = answer.headers.get("Content-Type", "no type")
            text = f"the venue answered with {kind:.40} that cannot be read: {words:.{_SHOWN}}"
        return error_of(
            answer.status,
            code,
            text,
            is_question=request.is_question,
            is_order=request.is_order,
            retry_after=_seconds(answer.headers.get("Retry-After")),
            client_order_id=request.client_order_id,
        )


def _parsed(content: str) -> Any:
    """Return what a text of JSON says; None where it is none."""
    try:
        return json.loads(content, parse_float=Decimal, parse_constant=_no_number)
    except (ValueError, RecursionError):
        return None


def _code(told: object) -> tuple[int | None, str]:
    """Code and text of a refusal; None where it is none."""
    if not isinstance(told, dict):
        return None, ""
    code, text = told.get("code"), told.get("msg")
    if isinstance(code, bool) or not isinstance(code, int):
        return None, ""
    return code, text if isinstance(text, str) else ""


def _no_number(text: str) -> NoReturn:
    raise ValueError(f"{text} is no number")


def _seconds(text: str | None) -> float | None:
    """Seconds of a header; None where it has none, or a date."""
    text = (text or "").strip()
    return float(text) if text.isascii() and text.isdigit() else None


def _reason(error: BaseException | None) -> str:
    """What the machine says: the text of an error of HTTP has the address with its signature."""
    seen: set[int] = set()
    names = []
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        if isinstance(error, OSError) and error.strerror and error.errno is not None:
            return error.strerror
        for kind, words in _REASONS:
            if isinstance(error, kind):
                return words
        names.append(type(error).__name__)
        inner = getattr(error, "reason", None)
        if not isinstance(inner, BaseException):
            inner = next((one for one in error.args if isinstance(one, BaseException)), None)
        error = inner or error.__cause__ or error.__context__
    return names[-1]
