"""What a client is told again and again: quotes, positions, account values."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from attrs import define

from nanobook_ibkr.simulator import reply
from nanobook_ibkr.simulator.account_value import LEDGER
from nanobook_ibkr.simulator.record import (
    ZERO,
    AccountValue,
    ContractDefinition,
    Top,
    VenuePosition,
)
from nanobook_ibkr.simulator.reply_market import TickType
from nanobook_ibkr.simulator.wire import Field

if TYPE_CHECKING:
    from nanobook_ibkr.simulator.client import Client

_PAIRS = (
    ("bid", "bid_size", TickType.BID, TickType.BID_SIZE),
    ("ask", "ask_size", TickType.ASK, TickType.ASK_SIZE),
    ("last", "last_size", TickType.LAST, TickType.LAST_SIZE),
)
_PRICES = (
    ("high", TickType.HIGH),
    ("low", TickType.LOW),
    ("close", TickType.CLOSE),
    ("open", TickType.OPEN),
)
_DELAYED = {
    TickType.BID: TickType.DELAYED_BID,
    TickType.ASK: TickType.DELAYED_ASK,
    TickType.LAST: TickType.DELAYED_LAST,
    TickType.BID_SIZE: TickType.DELAYED_BID_SIZE,
    TickType.ASK_SIZE: TickType.DELAYED_ASK_SIZE,
    TickType.LAST_SIZE: TickType.DELAYED_LAST_SIZE,
    TickType.HIGH: TickType.DELAYED_HIGH,
    TickType.LOW: TickType.DELAYED_LOW,
    TickType.CLOSE: TickType.DELAYED_CLOSE,
    TickType.OPEN: TickType.DELAYED_OPEN,
    TickType.VOLUME: TickType.DELAYED_VOLUME,
}
_NOTHING = Top()


def ticks(
    version: int, request_id: int, top: Top, told: Top | None, *, is_delayed: bool
) -> Iterator[list[Field]]:
    """Messages by which a client that was told one top (None: nothing) learns of another.

    A bid or ask that has gone is told once, with no price and no size; a last price stays.
    """

    def tick(live: TickType) -> TickType:
        return _DELAYED.get(live, live) if is_delayed else live

    is_first, before = told is None, told or _NOTHING
    for price_name, size_name, price_tick, size_tick in _PAIRS:
        price, size = getattr(top, price_name), getattr(top, size_name)
        is_told = price_name != "last" or price is not None
        if is_told and (is_first or price != getattr(before, price_name)):
            shown = ZERO if price is None else size
            yield reply.tick_price(version, request_id, tick(price_tick), price, shown)
        elif price is not None and size != getattr(before, size_name):
            yield reply.tick_size(version, request_id, tick(size_tick), size)
    for name, price_tick in _PRICES:
        price = getattr(top, name)
        if price is not None and price != getattr(before, name):
            yield reply.tick_price(version, request_id, tick(price_tick), price)
    if is_first or top.volume != before.volume:
        yield reply.tick_size(version, request_id, tick(TickType.VOLUME), top.volume)
    if top.last is not None and top.time is not None and top.time != before.time:
        seconds = str(int(top.time.timestamp()))
        yield reply.tick_string(version, request_id, TickType.LAST_TIMESTAMP, seconds)
    if is_first or top.halted != before.halted:
        yield reply.tick_generic(version, request_id, TickType.HALTED, top.halted)


def is_in_summary(value: AccountValue, tags: frozenset[str]) -> bool:
    """Whether a summary of these tags has that line.

    `$LEDGER` is the lines of all currencies together, `$LEDGER:EUR` those of one, and `$LEDGER:ALL`
    all of them.
    """
    if value.key in LEDGER:
        name = "$LEDGER" if value.currency == "BASE" else f"$LEDGER:{value.currency}"
        if name in tags or "$LEDGER:ALL" in tags:
            return True
    return value.key in tags and value.currency != "BASE"


@define
class QuoteStream:
    """A subscription to the quotes of one contract."""

    request_id: int
    contract: ContractDefinition
    is_delayed: bool
    told: Top | None = None


class Streams:
    """The subscriptions of one client."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self.quotes: dict[int, QuoteStream] = {}
        self.wants_positions = False
        self.account: str | None = None
        self.multi: dict[int, tuple[str, str]] = {}
        """Account and model by the request's number."""
        self.summaries: dict[int, frozenset[str]] = {}
        """Keys by the request's number."""
        self._told: dict[int, dict[tuple[str, str, str], str]] = {}
        """By request (-1 is the plain account update), values by (account, key, currency)."""

    def tell_quote(self, stream: QuoteStream, top: Top) -> None:
        """Send what of a contract's top is new to it."""
        for message in ticks(
            self._client.version,
            stream.request_id,
            top,
            stream.told,
            is_delayed=stream.is_delayed,
        ):
            self._client.send(message)
        stream.told = top

    def tell_position(self, position: VenuePosition) -> None:
        """Send a position that changed, 0 for one that has gone."""
        if self.wants_positions:
            self._client.send(reply.position(self._client.version, position))
        self.tell_portfolio(position)

    def tell_portfolio(self, position: VenuePosition) -> None:
        """Send what a position is worth."""
        if self.account == position.account:
            self._client.send(reply.portfolio_value(self._client.version, position))

    def tell_account(self, account: str, values: Iterable[AccountValue]) -> None:
        """Send what of an account's values is new to whoever of its requests is about it."""
        values = list(values)
        requests = [number for number, (of, _) in self.multi.items() if of == account]
        for number in ([-1] if self.account == account else []) + requests + list(self.summaries):
            self.tell_values(number, values)

    def tell_values(self, request_id: int, values: Iterable[AccountValue]) -> None:
        """Send what of the values is new to a request; -1 is the one for plain account updates."""
        version, send = self._client.version, self._client.send
        for value in values:
            if not self._is_new(request_id, value):
                continue
            if request_id in self.summaries:
                if is_in_summary(value, self.summaries[request_id]):
                    send(reply.account_summary(version, request_id, value))
            elif request_id in self.multi:
                model = self.multi[request_id][1]
                send(reply.account_update_multi(version, request_id, value, model))
            else:
                send(reply.account_value(version, value))

    def _is_new(self, request_id: int, value: AccountValue) -> bool:
        told = self._told.setdefault(request_id, {})
        key = (value.account, value.key, value.currency)
        is_new = told.get(key) != value.value
        told[key] = value.value
        return is_new

    def forget(self, request_id: int) -> None:
        """Forget what a request has been told: it begins anew, or has ended."""
        self._told.pop(request_id, None)

    @property
    def wants_values(self) -> bool:
        """Whether it wants to hear of any account's values."""
        return self.account is not None or bool(self.multi or self.summaries)
