"""Requests to the venue: signed, counted, and refused by errors that say what is known."""

from __future__ import annotations

import datetime as dt
import json
import logging
from collections.abc import Callable
from decimal import Decimal
from typing import Any, NoReturn

from nanobook_binance.clock import VenueClock
from nanobook_binance.environment import Environment
from nanobook_binance.error_code import ASK, error_of
from nanobook_binance.exchange import TEST, Answer, Exchange, Failure, Request
from nanobook_binance.signature import Keys, Parameter
from nanobook_binance.weight import WeightBudget, urgency_of, weight_of
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
_OK, _LAST_OK, _TOO_MANY, _BANNED = 200, 299, 429, 418
#: Of a text that is no JSON, so much is told.
_SHOWN = 80
_TOO_MANY_ORDERS = "-1015"
#: The venue has too much to do, with whatever comes from anywhere; no limit was passed here.
_OVERLOADED = "-1008"


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
        self._exchange = Exchange(
            environment, keys, self.time, recv_window=recv_window, timeout=timeout
        )

    def __repr__(self) -> str:
        return f"<Rest {self._environment.rest}>"

    @property
    def recv_window(self) -> int:
        """Milliseconds after which the venue refuses what is signed."""
        return self._recv_window

    def close(self) -> None:
        """Close the connections that are kept; a later request opens new ones."""
        self._exchange.close()

    def public(self, method: str, path: str, /, **parameters: Parameter) -> Any:
        """Ask for what everybody may know; see `signed` for what it raises."""
        return self._ask(Request(method, path, parameters, is_signed=False))

    def signed(
        self,
        method: str,
        path: str,
        before: Callable[[], None] | None = None,
        /,
        **parameters: Parameter,
    ) -> Any:
        """Ask for, or change, what is the account's.

        `before` is called right before it is signed, each time: what it raises keeps it from being
        sent, however long the budget was waited for.

        Raises:
            BrokerError: of the class, outcome and code that `error_code` has for the answer; or
                `OutcomeUnknownError` (`LinkDownError` for a question) where there is none.
            RateLimitedError: the budget or the venue allows no more now.
            ClockSkewError: the venue refuses the time that it has just told.
            AuthenticationError: there are no keys, or wrong ones.

        """
        if self._keys is None:
            raise AuthenticationError("there are no keys", broker="binance")
        request = Request(method, path, parameters, is_signed=True, before=before)
        self._keep_time()
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

    def told_time(self) -> dt.datetime:
        """Ask the venue for its time, and return it as it was told: it is older by now."""
        seconds, milliseconds = divmod(self._server_time(), 1000)
        return dt.datetime.fromtimestamp(seconds, dt.UTC) + dt.timedelta(milliseconds=milliseconds)

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

    def _ask(self, request: Request) -> Any:
        minute = self.weight.turn(
            weight_of(request.method, request.path, request.parameters),
            urgency=urgency_of(request.method, request.path),
            is_order=request.is_order and request.path != TEST,
            seconds=self._timeout,
        )
        answer = self._exchange.send(request)
        if isinstance(answer, Failure) and answer.was_cut_off and request.method == "GET":
            # A connection that was kept may have been closed just now.
            answer = self._exchange.send(request)
        if isinstance(answer, Failure):
            raise self._unanswered(request, answer)
        self.weight.told(minute, answer.headers.get("X-MBX-USED-WEIGHT-1M"))
        return self._read(request, answer)

    def _unanswered(self, request: Request, failure: Failure) -> BrokerError:
        where = f"{request.method} {request.path}"
        details: dict[str, Any] = {"client_order_id": request.client_order_id, "broker": "binance"}
        if not failure.was_sent:
            return ConnectError(
                f"{self._environment.rest} cannot be reached: {failure.reason}; nothing was sent",
                outcome=Outcome.NOT_SENT,
                retryable=True,
                **details,
            )
        if request.is_question:
            return LinkDownError(
                f"{where} was not answered: {failure.reason}",
                outcome=Outcome.NOT_SENT,
                retryable=True,
                **details,
            )
        return OutcomeUnknownError(
            f"{where} was sent and not answered: {failure.reason}; {ASK}",
            **details,
        )

    def _read(self, request: Request, answer: Answer) -> Any:
        is_success = _OK <= answer.status <= _LAST_OK
        told = _parsed(answer.content.decode("utf-8", "replace")) if is_success else None
        if told is not None and _code(told)[0] is None:
            return told
        error = self._refusal(request, answer)
        if error.code == _OVERLOADED and error.retry_after is None:
            error.retry_after = 1.0
        elif answer.status in (_TOO_MANY, _BANNED) and error.code != _OVERLOADED:
            if error.retry_after is None:
                error.retry_after = self.weight.until_next_minute
            self.weight.close(error.retry_after, orders_only=error.code == _TOO_MANY_ORDERS)
        log.info("%s %s: %s", request.method, request.path, error)
        raise error

    def _refusal(self, request: Request, answer: Answer) -> BrokerError:
        content = answer.content.decode("utf-8", "replace")
        if self._keys is not None:  # whoever answers may repeat what was asked
            content = self._keys.hide(content)
        code, text = _code(_parsed(content))
        if code is None:
            words = " ".join("".join(c if c.isprintable() else " " for c in content).split())
            kind = answer.headers.get("Content-Type") or "something"
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
