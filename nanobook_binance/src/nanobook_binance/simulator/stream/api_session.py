"""One connection of the WebSocket API: who is logged on, what is subscribed to, who answers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from nanobook_binance.simulator.server.api_key import ApiKey
from nanobook_binance.simulator.server.security import (
    Security,
    check_permission,
    check_signature,
    find_key,
    rejected_key,
    validity,
)
from nanobook_binance.simulator.stream.api_request import ApiRequest, Json
from nanobook_binance.simulator.stream.connection import Connection
from nanobook_binance.simulator.stream.subscription import Subscription
from nanobook_binance.simulator.stream.user_hub import UserHub
from nanobook_binance.simulator.venue import Refusal

if TYPE_CHECKING:
    from nanobook_binance.simulator.server.server import Server

#: How many streams of accounts a connection has at once, and in all its life.
MOST_SUBSCRIPTIONS = 1000
MOST_EVER = 65_535

_SIGNED = ("apiKey", "signature", "timestamp", "recvWindow")

#: What the methods of the connection itself weigh.
WEIGHTS: Mapping[str, int] = {
    "session.logon": 2,
    "session.status": 2,
    "session.logout": 2,
    "session.subscriptions": 2,
    "userDataStream.subscribe": 2,
    "userDataStream.subscribe.signature": 2,
    "userDataStream.unsubscribe": 2,
}


class ApiSession:
    """Answers what is asked of the connection itself."""

    def __init__(
        self, server: Server, hub: UserHub, connection: Connection, *, returns_limits: bool
    ) -> None:
        self.returns_limits = returns_limits
        self.key: ApiKey | None = None
        """With which it is logged on."""
        self._server = server
        self._hub = hub
        self._connection = connection
        self._connected_ms = server.time_ms()
        self._authorized_ms: int | None = None
        self._own: Subscription | None = None
        """The one that goes by the key with which it is logged on."""
        self._subscriptions: dict[int, Subscription] = {}
        self._next_number = 0

    def answer(self, request: ApiRequest) -> Json:
        """Return what a method of `WEIGHTS` has as its result.

        Raises:
            Refusal: it cannot be done; nothing has changed.

        """
        allowed, answer = {
            "session.logon": (_SIGNED, self._log_on),
            "session.status": ((), self._status),
            "session.logout": ((), self._log_out),
            "session.subscriptions": ((), self._list),
            "userDataStream.subscribe": ((), self._subscribe_own),
            "userDataStream.subscribe.signature": (_SIGNED, self._subscribe_signed),
            "userDataStream.unsubscribe": (("subscriptionId",), self._unsubscribe),
        }[request.method]
        _expect(request.parameters, *allowed)
        return answer(request)

    def is_revoked(self) -> bool:
        """Whether it is logged on with a key that opens nothing any more."""
        return self.key is not None and self._server.keys.find(self.key.name) is None

    def revoke(self) -> None:
        """Forget the key, which opens nothing any more."""
        self._forget_key()

    def end(self) -> None:
        """The connection has gone."""
        for subscription in self._subscriptions.values():
            subscription.end()
            self._hub.remove(subscription)
        self._subscriptions.clear()

    def _signed(self, request: ApiRequest) -> ApiKey:
        sent = request.parameters
        key = find_key(self._server.keys, sent.get("apiKey"))
        check_signature(key, request.payload(), sent.get("signature"))
        validity(sent).check_arrival(self._server.time_ms())
        return key

    def _log_on(self, request: ApiRequest) -> Json:
        key = self._signed(request)
        if key.kind != "ed25519":
            raise Refusal(-1020, "This operation is not supported.")
        self._forget_key()
        self.key = key
        self._authorized_ms = self._server.time_ms()
        return self._status(request)

    def _log_out(self, request: ApiRequest) -> Json:
        self._forget_key()
        return self._status(request)

    def _forget_key(self) -> None:
        if self._own is not None:
            self._terminate(self._own)
        self.key = self._authorized_ms = None

    def _status(self, request: ApiRequest) -> Json:
        del request
        return {
            "apiKey": None if self.key is None else self.key.name,
            "authorizedSince": self._authorized_ms,
            "connectedSince": self._connected_ms,
            "returnRateLimits": self.returns_limits,
            "serverTime": self._server.time_ms(),
            "userDataStream": bool(self._living()),
        }

    def _list(self, request: ApiRequest) -> Json:
        del request
        return [{"subscriptionId": each.number} for each in self._living()]

    def _subscribe_own(self, request: ApiRequest) -> Json:
        del request
        if self.key is None:
            raise rejected_key()
        self._own = self._subscribe(self.key)
        return {"subscriptionId": self._own.number}

    def _subscribe_signed(self, request: ApiRequest) -> Json:
        return {"subscriptionId": self._subscribe(self._signed(request)).number}

    def _subscribe(self, key: ApiKey) -> Subscription:
        check_permission(key, Security.USER_DATA)
        living = self._living()
        if any(each.account == key.account for each in living):
            raise Refusal(-2035, "User Data Stream subscription already active.")
        if len(living) >= MOST_SUBSCRIPTIONS or self._next_number >= MOST_EVER:
            raise Refusal(
                -1191,
                "Too many subscriptions. Connection may create up to "
                f"'{MOST_SUBSCRIPTIONS}' subscriptions at a time.",
            )
        made = Subscription(self._next_number, key.account, self._connection)
        self._next_number += 1
        self._subscriptions[made.number] = made
        self._hub.add(made)
        return made

    def _unsubscribe(self, request: ApiRequest) -> Json:
        number = request.parameters.get("subscriptionId")
        wanted = [each for each in self._living() if number in (None, str(each.number))]
        if not wanted:
            raise Refusal(-2036, "User Data Stream subscription not active.")
        for subscription in wanted:
            self._terminate(subscription)
        return {}

    def _living(self) -> list[Subscription]:
        """Those that the venue has not terminated by itself."""
        for each in list(self._subscriptions.values()):
            if each.is_over:
                self._terminate(each)
        return list(self._subscriptions.values())

    def _terminate(self, subscription: Subscription) -> None:
        subscription.terminate(self._server.time_ms())
        self._hub.remove(subscription)
        self._subscriptions.pop(subscription.number, None)
        if subscription is self._own:
            self._own = None


def _expect(sent: Mapping[str, str], *names: str) -> None:
    read = [name for name in sent if name in names or name == "returnRateLimits"]
    if len(read) < len(sent):
        raise Refusal(
            -1104,
            f"Not all sent parameters were read; read '{len(read)}' parameter(s) "
            f"but was sent '{len(sent)}'.",
        )
