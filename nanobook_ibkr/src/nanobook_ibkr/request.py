"""Questions that wait for their answers, each for so long and no longer."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable
from enum import StrEnum
from typing import Any

from attrs import define, field

from nanobook_core.contracts.broker_error import BrokerError


class RequestTimeoutError(BrokerError, TimeoutError):
    """The venue did not answer a question."""

    def __init__(self, message: str, **details: Any) -> None:
        super().__init__(message, **{"retryable": True, **details})


class Untagged(StrEnum):
    """Requests whose answers do not say which one they answer."""

    OPEN_ORDERS = "open orders"
    COMPLETED_ORDERS = "completed orders"
    POSITIONS = "positions"
    PORTFOLIO = "portfolio"
    TIME = "time"
    MARKET_RULE = "market rule"


#: Part of the time-out that a second end may come after the first, where two are due.
_GRACE = 10

Key = int | Untagged | tuple[Untagged, int]
"""What an answer says of the request that it answers."""


@define
class _Pending:
    future: asyncio.Future[list[Any]]
    items: list[Any] = field(factory=list)
    unanswered: int = 1
    """How many requests of this key have had no end."""


class Requests:
    """The requests of one connection that wait.

    Of one key only one waits at a time. If one without a number was given up, its answer may still
    come, and cannot be told from that to the next: so everything since the first of them is
    collected, and the answer is taken as complete at its own end, or a moment after another's.
    """

    def __init__(self, timeout: float) -> None:
        self._timeout = timeout
        self._grace = timeout / _GRACE
        self._pending: dict[Key, _Pending] = {}
        self._abandoned: dict[Key, _Pending] = {}
        self._turns: defaultdict[Key, asyncio.Lock] = defaultdict(asyncio.Lock)

    async def ask(
        self,
        key: Key,
        what: str,
        send: Callable[[], Awaitable[None]],
        after: Callable[[], None] | None = None,
    ) -> list[Any]:
        """Send a request and return all items of its answer; whatever comes of it, call `after`.

        Raises:
            RequestTimeoutError: no end of the answer came in time, counted from the sending.
            BrokerError: what the request was failed with.

        """
        if isinstance(key, int):
            return await self._ask(key, what, send, after)
        async with self._turns[key]:
            return await self._ask(key, what, send, after)

    async def _ask(
        self,
        key: Key,
        what: str,
        send: Callable[[], Awaitable[None]],
        after: Callable[[], None] | None,
    ) -> list[Any]:
        future = asyncio.get_running_loop().create_future()
        given_up = self._abandoned.pop(key, None)
        pending = _Pending(future)
        if given_up is not None:
            pending.items = given_up.items
            pending.unanswered += given_up.unanswered
        self._pending[key] = pending
        try:
            await send()
            async with asyncio.timeout(self._timeout):
                items: list[Any] = await future
                return items
        except TimeoutError:
            raise RequestTimeoutError(
                f"no answer to {what} within {self._timeout:g} s", broker="ibkr"
            ) from None
        finally:
            del self._pending[key]
            if future.done() and not future.cancelled():
                future.exception()  # it may have failed while it was still to be sent
            elif not isinstance(key, int):
                self._abandoned[key] = pending
            if after is not None:
                after()

    def item(self, key: Key, value: object) -> None:
        """Add a part to an answer; of a request that nobody waits for, nothing is kept."""
        pending = self._pending.get(key) or self._abandoned.get(key)
        if pending is not None:
            pending.items.append(value)

    def end(self, key: Key) -> None:
        """Complete an answer."""
        given_up = self._abandoned.get(key)
        if given_up is not None:
            given_up.unanswered -= 1
            if given_up.unanswered <= 0:
                del self._abandoned[key]
        pending = self._pending.get(key)
        if pending is None:
            return
        pending.unanswered -= 1
        if pending.unanswered <= 0:
            self._complete(pending)
        else:
            asyncio.get_running_loop().call_later(self._grace, self._complete, pending)

    def fail(self, key: Key, error: BaseException) -> None:
        """End a request with an error; nothing where none waits."""
        pending = self._pending.get(key)
        if pending is not None and not pending.future.done():
            pending.future.set_exception(error)

    def fail_all(self, error: Callable[[], BaseException]) -> None:
        """End all that wait, each with an error of its own."""
        for key in tuple(self._pending):
            self.fail(key, error())

    def __contains__(self, key: object) -> bool:
        """Whether a request waits."""
        return key in self._pending

    @staticmethod
    def _complete(pending: _Pending) -> None:
        if not pending.future.done():
            pending.future.set_result(pending.items)
