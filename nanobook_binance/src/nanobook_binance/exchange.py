"""One request and what came back, with nothing of the keys in whatever goes wrong."""

from __future__ import annotations

import http.client
from collections.abc import Callable, Mapping

import requests
from attrs import field, frozen
from requests.auth import AuthBase

from nanobook_binance.clock import VenueClock
from nanobook_binance.environment import Environment
from nanobook_binance.signature import Keys, Parameter, payload
from nanobook_binance.wire import open_session, sending

ORDER = "/api/v3/order"
TEST = "/api/v3/order/test"
_TIMED_OUT = "timed out"
_REASONS: tuple[tuple[type[BaseException], str], ...] = (
    (TimeoutError, _TIMED_OUT),
    (http.client.RemoteDisconnected, "the connection was closed without an answer"),
    (http.client.BadStatusLine, "what came is no HTTP"),
    (http.client.IncompleteRead, "the connection was closed in the middle of the answer"),
)


@frozen
class Answer:
    """What came back, of any status."""

    status: int
    headers: Mapping[str, str]
    content: bytes = field(repr=False)


@frozen
class Failure:
    """Why there is no answer."""

    reason: str
    was_sent: bool
    """Whether a part of the request may have gone out."""

    @property
    def was_cut_off(self) -> bool:
        """Whether a connection ended early, so that another one may do better at once."""
        return self.was_sent and self.reason != _TIMED_OUT


@frozen
class Request:
    """What is asked; its repr has no more than that.

    Raises:
        TypeError: a parameter has no exact form.

    """

    method: str
    path: str
    parameters: Mapping[str, Parameter]
    is_signed: bool
    before: Callable[[], None] | None = field(default=None, repr=False)
    """Called right before it is signed, each time; what it raises keeps it from being sent."""
    text: str = field(init=False, repr=False)
    """The parameters as they are written."""

    @text.default
    def _written(self) -> str:
        return payload(self.parameters)

    @property
    def is_question(self) -> bool:
        """Whether it changes nothing, so that it may be put again."""
        return self.method == "GET" or self.path == TEST

    @property
    def is_order(self) -> bool:
        """Whether it places an order, or tests whether it could be."""
        return self.method == "POST" and self.path.startswith(ORDER)

    @property
    def client_order_id(self) -> str:
        """The order that it is about; empty where it is about none, or about one by its number."""
        name = "newClientOrderId" if self.is_order else "origClientOrderId"
        return str(self.parameters.get(name) or "")


class _ApiKey(AuthBase):
    """Puts the API key on a request; where there is this, no other credentials are looked for."""

    def __init__(self, keys: Keys | None) -> None:
        self._keys = keys

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        if self._keys is not None:
            request.headers["X-MBX-APIKEY"] = self._keys.api_key.reveal()
        return request


class Exchange:
    """Sends requests, each once, from any thread, over connections that are kept."""

    def __init__(
        self,
        environment: Environment,
        keys: Keys | None,
        time: VenueClock,
        *,
        recv_window: int,
        timeout: float,
    ) -> None:
        """Open nothing yet."""
        self._address = environment.rest
        self._keys = keys
        self._time = time
        self._recv_window = recv_window
        self._timeout = timeout
        self._session = open_session(use_proxies=environment.name != "simulator")

    def close(self) -> None:
        """Close the connections that are kept; a later request opens new ones."""
        self._session.close()

    def send(self, request: Request) -> Answer | Failure:
        """Send it once, signed at this moment, and return what was answered.

        Whatever goes wrong below has the API key in its frames, and so is not handed on, nor is an
        interrupt with where it came from.
        """
        sending.has_begun = False
        if request.before is not None:
            request.before()
        try:
            with self._open(request) as response:
                return Answer(response.status_code, response.headers, response.content)
        except Exception as error:  # noqa: BLE001 - all that libraries raise; said in our own words
            return Failure(_reason(error), sending.has_begun)
        except BaseException as error:  # noqa: BLE001 - an interrupt
            stopped = error
            stopped.__context__ = stopped.__cause__ = stopped.__traceback__ = None
        raise stopped

    def _open(self, request: Request) -> requests.Response:
        """Send it; the signed text is in no variable of ours."""
        in_body = request.method in ("POST", "PUT")
        return self._session.request(
            request.method,
            f"{self._address}{request.path}"
            + ("" if in_body or not (text := self._text(request)) else f"?{text}"),
            data=self._text(request) if in_body else None,
            headers={"Content-Type": "application/x-www-form-urlencoded"} if in_body else None,
            auth=_ApiKey(self._keys if request.is_signed else None),
            timeout=self._timeout,
            allow_redirects=False,
        )

    def _text(self, request: Request) -> str:
        if not request.is_signed or self._keys is None:
            return request.text
        now = {"recvWindow": self._recv_window, "timestamp": self._time.milliseconds()}
        return self._keys.signed("&".join(filter(None, (request.text, payload(now)))))


def _reason(error: BaseException) -> str:
    """What the machine says: the text of an error of HTTP has the address with its signature."""
    seen: set[int] = set()
    name = ""
    cause: BaseException | None = error
    while cause is not None and id(cause) not in seen:
        seen.add(id(cause))
        if isinstance(cause, OSError) and cause.strerror and cause.errno is not None:
            return cause.strerror
        for kind, words in _REASONS:
            if isinstance(cause, kind):
                return words
        name = type(cause).__name__
        inner = getattr(cause, "reason", None)
        if not isinstance(inner, BaseException):
            inner = next((one for one in cause.args if isinstance(one, BaseException)), None)
        cause = inner or cause.__cause__ or cause.__context__
    return name
