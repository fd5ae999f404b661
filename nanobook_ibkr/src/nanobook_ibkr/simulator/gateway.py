"""A simulated TWS or IB Gateway, from outside: a context manager that any thread may use."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any, TypeAlias, TypeVar

from attrs import evolve

from nanobook_core.broker.paper_quotes import to_decimal
from nanobook_core.broker.server_thread import ServerThread
from nanobook_core.contracts.clock import Clock, SystemClock
from nanobook_core.errors import ValidationError
from nanobook_ibkr.simulator import bystander
from nanobook_ibkr.simulator.fault import Fault
from nanobook_ibkr.simulator.message_log import select
from nanobook_ibkr.simulator.quotes_file import QuotesFile
from nanobook_ibkr.simulator.record import (
    ContractKey,
    LoggedMessage,
    VenueExecution,
    VenueOrder,
    VenuePosition,
)
from nanobook_ibkr.simulator.server import Server
from nanobook_ibkr.simulator.venue import Venue
from nanobook_ibkr.simulator.wire import MAX_VERSION, MIN_VERSION

T = TypeVar("T")
Number: TypeAlias = Decimal | int | str
"""A number, exactly: floats are refused."""


def _exact(value: Number | None, name: str) -> Decimal | None:
    return None if value is None else to_decimal(value, name)


class SimulatedGateway(ServerThread[Server]):
    """A gateway that real clients of TWS connect to and trade on, in a thread of its own.

    Every method may be called from any thread, also before `start` and after `stop`; what it does
    has happened at the venue when it returns, and clients are told at once. `with` starts and stops
    it.

    `port` 0 is any free one. A client that sends more than
    `messages_per_second` for longer than a second is told so, and the message dropped; the third
    time it is cut off. None takes any number. `quotes` is a
    file of `symbol,bid,ask` that is read again when it changes. `read_only` refuses orders as that
    setting of TWS does; `delayed` has only delayed quotes. `client_log` is a file to which every
    message is appended, a JSON document a line.
    """

    def __init__(
        self,
        venue: Venue | None = None,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        max_version: int = MAX_VERSION,
        messages_per_second: int | None = 50,
        clock: Clock | None = None,
        quotes: str | Path | None = None,
        read_only: bool = False,
        delayed: bool = False,
        client_log: str | Path | None = None,
    ) -> None:
        if not MIN_VERSION <= max_version <= MAX_VERSION:
            raise ValidationError(
                f"max_version is {MIN_VERSION} to {MAX_VERSION}, got {max_version!r:.20}"
            )
        if messages_per_second is not None and messages_per_second < 1:
            raise ValidationError(
                f"messages_per_second is at least 1, or None, got {messages_per_second!r:.20}"
            )
        self._clock = SystemClock() if clock is None else clock
        self._venue = Venue(clock=self._clock) if venue is None else venue
        super().__init__(
            Server(
                self._venue,
                clock=self._clock,
                max_version=max_version,
                messages_per_second=messages_per_second,
                read_only=read_only,
                delayed=delayed,
                quotes=None if quotes is None else QuotesFile(Path(quotes)),
                client_log=None if client_log is None else Path(client_log),
            ),
            host=host,
            port=port,
            name="simulated-gateway",
        )

    def call(self, function: Callable[[Venue], T]) -> T:
        """Return what the function makes of the venue; nothing else touches the venue meanwhile.

        Raises whatever the function does.
        """
        return self.act(lambda: function(self._venue))

    @property
    def clients(self) -> tuple[int, ...]:
        """Ids of the clients that are connected and have started, lowest first."""
        return self.act(lambda: tuple(sorted(self._server.clients)))

    @property
    def log(self) -> tuple[LoggedMessage, ...]:
        """The latest 100,000 messages, oldest first."""
        return self.messages()

    def messages(
        self,
        message_id: int | None = None,
        *,
        incoming: bool | None = None,
        client_id: int | None = None,
    ) -> tuple[LoggedMessage, ...]:
        """Logged messages of one number, in one direction, of one client; None: of any."""
        entries = self.act(self._server.log.entries)
        return select(entries, incoming=incoming, client_id=client_id, message_id=message_id)

    def orders(self) -> tuple[VenueOrder, ...]:
        """All orders of the day as the venue has them, in the order in which they came."""
        return self.call(lambda venue: tuple(evolve(order) for order in venue.orders))

    def executions(self) -> tuple[VenueExecution, ...]:
        """All executions of the day; a corrected one is there only as it is now."""
        return self.call(lambda venue: tuple(venue.executions))

    def positions(self) -> tuple[VenuePosition, ...]:
        """Holdings of all accounts."""
        return self.call(
            lambda venue: tuple(
                position for account in venue.accounts for position in venue.positions(account)
            )
        )

    def set_quote(
        self,
        symbol: str,
        bid: Number | None,
        ask: Number | None,
        *,
        bid_size: Number | None = None,
        ask_size: Number | None = None,
        last: Number | None = None,
    ) -> None:
        """Let the liquidity source offer that; None is no price, or any size.

        Raises:
            ValidationError: see `Venue.set_quote`.

        """
        prices = {"bid": bid, "ask": ask, "last": last}
        sizes = {"bid_size": bid_size, "ask_size": ask_size}
        given = {name: _exact(value, name) for name, value in {**prices, **sizes}.items()}
        self.call(lambda venue: venue.set_quote(symbol, **given))

    def withdraw_quote(self, symbol: str) -> None:
        """Let the liquidity source offer nothing."""
        self.call(lambda venue: venue.withdraw_quote(symbol))

    def halt(self, symbol: str, kind: int = 1) -> None:
        """Halt trading: 1 generally, 2 for volatility."""
        self.call(lambda venue: venue.halt(symbol, kind))

    def resume(self, symbol: str) -> None:
        """Let it trade again."""
        self.call(lambda venue: venue.resume(symbol))

    def fill(self, order: int | str, quantity: Number | None = None) -> None:
        """Let somebody else trade with a resting order, of that perm id or reference, at its limit.

        None is all that is left of it.

        Raises:
            ValidationError: no such order rests, or no such quantity of it.

        """
        amount = _exact(quantity, "quantity")
        self.call(lambda venue: bystander.fill(venue, order, amount))

    def correct(
        self, exec_id: str, *, quantity: Number | None = None, price: Number | None = None
    ) -> None:
        """Correct an execution: the id's end rises from `.01` to `.02`."""
        given = {"quantity": _exact(quantity, "quantity"), "price": _exact(price, "price")}
        self.call(lambda venue: venue.correct(exec_id, **given))

    def submit_manual(
        self, symbol: str, side: str, quantity: Number, limit: Number | None = None
    ) -> int:
        """Perm id of an order that somebody types into TWS; without a limit, at the market."""
        return self.submit_foreign(symbol, side, quantity, limit, client_id=0)

    def submit_foreign(
        self,
        symbol: str,
        side: str,
        quantity: Number,
        limit: Number | None = None,
        *,
        client_id: int = 77,
    ) -> int:
        """Perm id of an order that a program of another id sends, though none is connected."""
        key = ContractKey(symbol=symbol, exchange="SMART")
        amount, price = to_decimal(quantity, "quantity"), _exact(limit, "limit")
        return self.call(lambda venue: bystander.submit(venue, client_id, key, side, amount, price))

    def advance(self, seconds: float) -> None:
        """Let so much time pass on the gateway's clock, and what is due by then happen.

        Raises:
            ValidationError: its clock is the machine's, which nobody can move.

        """
        if isinstance(self._clock, SystemClock):
            raise ValidationError("give the gateway a clock of yours: the machine's goes by itself")
        self.act(lambda: self._pass(seconds))

    def _pass(self, seconds: float) -> None:
        self._clock.sleep(seconds)
        self._venue.expire()

    def link_down(self) -> None:
        """Lose the link to the venue: 1100; clients stay connected, orders and news wait."""
        self.act(self._server.uplink.lose)

    def link_up(self, *, data_lost: bool = False) -> None:
        """Have it again: 1102, or 1101 where what happened is not told and quotes have ended."""
        self.act(lambda: self._server.uplink.restore(data_lost=data_lost))

    def drop(self, client_id: int | None = None) -> None:
        """Cut the connection of one client, or of all."""
        self.act(lambda: self._server.drop(client_id))

    def refuse(self, seconds: float) -> None:
        """Cut all connections, and refuse new ones for so many seconds."""
        self.act(lambda: self._server.refuse(seconds))

    def inject(
        self,
        fault: Fault | str,
        *,
        client_id: int | None = None,
        times: int | None = None,
        after: int = 0,
        **how: Any,
    ) -> None:
        """Plan a fault: see `Fault` for its occasion and for what can be said of it.

        It passes over `after` occasions and happens on the next `times`; None is one, and for a
        setting of the gateway all until it is cleared. With a client id only what that client does
        is an occasion, before it has started the API too little is known of it. What cannot happen
        when its occasion comes, such as a correction to more than was ordered, is raised by `stop`.

        Raises:
            ValidationError: there is no such fault, or none of which that can be said.

        """
        self.act(
            lambda: self._server.script.plan_for(
                client_id, fault, times=times, after=after, how=how
            )
        )

    def clear_faults(self) -> None:
        """Plan none any more."""
        self.act(self._server.script.clear)
