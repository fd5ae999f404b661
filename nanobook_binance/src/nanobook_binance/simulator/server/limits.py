"""How much a client may ask: weight by address, unfilled orders by account, and bans."""

from __future__ import annotations

import math
from collections.abc import Callable

from attrs import define, frozen

from nanobook_binance.simulator.venue import Refusal

_SECONDS = {"SECOND": 1, "MINUTE": 60, "DAY": 86400}
_MORE_THAN_ONCE = 3
"""As many refused requests in a row are answered with a ban."""
_FIRST_BAN_SECONDS = 120
_LONGEST_BAN_SECONDS = 3 * 86400
_REFUSED = (
    "Too much request weight used; current limit is {} request weight per 1 MINUTE. "
    "Please use WebSocket Streams for live updates to avoid polling the API."
)
_BANNED = (
    "Way too much request weight used; IP banned until {}. "
    "Please use WebSocket Streams for live updates to avoid bans."
)


@frozen
class RateLimit:
    """So many in each such interval of the server's clock."""

    kind: str
    interval: str
    interval_num: int
    limit: int

    @property
    def milliseconds(self) -> int:
        """Its length."""
        return _SECONDS[self.interval] * self.interval_num * 1000

    @property
    def header(self) -> str:
        """As it ends the names of HTTP headers."""
        return f"{self.interval_num}{self.interval[0]}"

    def describe(self) -> dict[str, str | int]:
        """As the venue shows it."""
        return {
            "rateLimitType": self.kind,
            "interval": self.interval,
            "intervalNum": self.interval_num,
            "limit": self.limit,
        }


@define
class _Count:
    """What has been used of a limit in the interval that goes on."""

    limit: RateLimit
    window: int = -1
    used: int = 0

    def at(self, now_ms: int) -> int:
        window = now_ms // self.limit.milliseconds
        if window != self.window:
            self.window, self.used = window, 0
        return self.used

    def add(self, number: int, now_ms: int) -> int:
        self.used = max(0, self.at(now_ms) + number)
        return self.used

    def seconds_left(self, now_ms: int) -> int:
        length = self.limit.milliseconds
        return math.ceil((length - now_ms % length) / 1000)


@define
class _Peer:
    counts: tuple[_Count, ...]
    refused: int = 0
    bans: int = 0
    banned_until: int = 0


class Limits:
    """What clients have used, by the time `now_ms`; what is said of it is by the venue's clock."""

    def __init__(
        self,
        now_ms: Callable[[], int],
        time_ms: Callable[[], int],
        *,
        weight_limit: int,
        raw_limit: int,
        order_limits: tuple[int, int],
    ) -> None:
        self._now_ms = now_ms
        self._time_ms = time_ms
        self.weight = RateLimit("REQUEST_WEIGHT", "MINUTE", 1, weight_limit)
        self.raw = RateLimit("RAW_REQUESTS", "MINUTE", 5, raw_limit)
        per_ten_seconds, per_day = order_limits
        self.orders = (
            RateLimit("ORDERS", "SECOND", 10, per_ten_seconds),
            RateLimit("ORDERS", "DAY", 1, per_day),
        )
        self._peers: dict[str, _Peer] = {}
        self._orders: dict[str, tuple[_Count, ...]] = {}

    def describe(self) -> list[dict[str, str | int]]:
        """All of them, as the venue shows them."""
        return [limit.describe() for limit in (self.weight, *self.orders, self.raw)]

    def _peer(self, address: str) -> _Peer:
        if address not in self._peers:
            self._peers[address] = _Peer((_Count(self.weight), _Count(self.raw)))
        return self._peers[address]

    def charge(self, address: str, weight: int) -> None:
        """Count a request of that weight.

        Raises:
            Refusal: that is too much (429), or the address is banned (418).

        """
        peer, now = self._peer(address), self._now_ms()
        if now < peer.banned_until:
            raise self._banned(peer)
        weights, requests = peer.counts
        is_heavy = weights.add(weight, now) > self.weight.limit
        is_often = requests.add(1, now) > self.raw.limit
        if not is_heavy and not is_often:
            peer.refused = 0
            return
        peer.refused += 1
        if peer.refused > _MORE_THAN_ONCE:
            self.ban(address)
            raise self._banned(peer)
        if is_heavy:
            raise self.too_much_weight(weights.seconds_left(now))
        left = requests.seconds_left(now)
        raise Refusal(-1003, "Too many requests queued.", 429, retry_after=left)

    def too_much_weight(self, seconds: int) -> Refusal:
        """What is answered where an address has used too much weight, for so many seconds."""
        return Refusal(-1003, _REFUSED.format(self.weight.limit), 429, retry_after=seconds)

    def refund(self, address: str, weight: int) -> None:
        """Take back what a request that was free has cost."""
        self._peer(address).counts[0].add(-weight, self._now_ms())

    def ban(self, address: str, seconds: float | None = None) -> None:
        """Answer the address with 418, for longer each time unless it is said how long."""
        peer = self._peer(address)
        if seconds is None:
            seconds = min(_FIRST_BAN_SECONDS * 2**peer.bans, _LONGEST_BAN_SECONDS)
        peer.bans += 1
        peer.banned_until = self._now_ms() + round(seconds * 1000)

    def _banned(self, peer: _Peer) -> Refusal:
        left_ms = peer.banned_until - self._now_ms()
        until = self._time_ms() + left_ms
        return Refusal(-1003, _BANNED.format(until), 418, retry_after=math.ceil(left_ms / 1000))

    def used(self, address: str) -> int:
        """Weight that the address has used in this minute."""
        return self._peer(address).counts[0].at(self._now_ms())

    def _of(self, account: str) -> tuple[_Count, ...]:
        if account not in self._orders:
            self._orders[account] = tuple(_Count(limit) for limit in self.orders)
        return self._orders[account]

    def check_order(self, account: str) -> None:
        """Let it pass if the account may have one more unfilled order.

        Raises:
            Refusal: it may not, in one of the intervals (429, -1015).

        """
        now = self._now_ms()
        for count in self._of(account):
            if count.at(now) >= count.limit.limit:
                raise _too_many_orders(count.limit, count.seconds_left(now))

    def too_many_orders(self, seconds: int) -> Refusal:
        """What is answered where an account has too many unfilled orders, for so many seconds."""
        return _too_many_orders(self.orders[0], seconds)

    def count_order(self, account: str, number: int = 1) -> None:
        """Count so many unfilled orders, or give as many back."""
        for count in self._of(account):
            count.add(number, self._now_ms())

    def order_counts(self, account: str) -> list[dict[str, str | int]]:
        """What the account has used of each limit, as the venue shows it."""
        now = self._now_ms()
        return [{**each.limit.describe(), "count": each.at(now)} for each in self._of(account)]

    def headers(self, address: str) -> dict[str, str]:
        """What any answer's headers say of the weight."""
        used = str(self.used(address))
        return {"X-MBX-USED-WEIGHT": used, f"X-MBX-USED-WEIGHT-{self.weight.header}": used}

    def order_headers(self, account: str) -> dict[str, str]:
        """What the headers of an answer to an order say of the account's orders."""
        now = self._now_ms()
        return {
            f"X-MBX-ORDER-COUNT-{count.limit.header}": str(count.at(now))
            for count in self._of(account)
        }


def _too_many_orders(limit: RateLimit, seconds: int) -> Refusal:
    span = f"{limit.interval_num} {limit.interval}"
    return Refusal(
        -1015,
        f"Too many new orders; current limit is {limit.limit} orders per {span}.",
        429,
        retry_after=seconds,
    )
