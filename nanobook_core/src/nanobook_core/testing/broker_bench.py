"""What the laws of a broker stand on: a market that a test moves, and orders to send into it."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any, Protocol, TypeVar

import pytest

from nanobook_core.contracts import (
    Broker,
    BrokerError,
    BrokerOrder,
    BrokerOrderStatus,
    BrokerPosition,
    Fill,
    OrderState,
    OutcomeUnknownError,
)
from nanobook_core.types import Side

Answer = TypeVar("Answer")

_numbers = itertools.count(1)


class Venue(Protocol):
    """The market behind a broker. What is asked of it has happened there when it returns."""

    def set_quote(self, symbol: str, bid: Decimal, ask: Decimal) -> None:
        """Set both sides, each of more than any test trades."""
        ...

    def fill(self, order: BrokerOrderStatus, quantity: Decimal) -> None:
        """Let others trade so much of a resting order at its limit; the quote is then as before."""
        ...

    def advance(self, seconds: float) -> None:
        """Let time pass, the venue's and the broker's."""
        ...


class FaultyVenue(Venue, Protocol):
    """What a venue offers beyond that; the suite's switches say which of it there is."""

    def withdraw_quote(self, symbol: str) -> None:
        """Let a symbol that exists have no price (`withdraws_quotes`)."""
        ...

    def submit_foreign(self, symbol: str, side: Side, quantity: Decimal, limit: Decimal) -> None:
        """Let an order appear in the account that this broker did not send (`shows_foreign`)."""
        ...

    def lose_answer(self, *, received: bool) -> None:
        """Lose the answer to the next submit, which the venue has or has not (`loses_answers`)."""
        ...

    def break_link(self) -> None:
        """End the connection, as a network does (`breaks_links`)."""
        ...

    def repeat_fill(self, exec_id: str) -> None:
        """Tell of an execution again (`repeats_fills`)."""
        ...

    def set_clock_ahead(self, seconds: float) -> None:
        """Set the venue's clock, and not the broker's, ahead (`has_own_clock`)."""
        ...


class BrokerBench:
    """Fixtures and switches of `BrokerSuite`, and how its laws trade."""

    #: Two instruments priced in the account's currency, and one that there is not.
    symbol = "AAPL"
    other_symbol = "MSFT"
    unknown_symbol = "NOSUCH"
    #: The market of both when a test begins.
    bid = Decimal("99.90")
    ask = Decimal("100.10")
    #: A usual order; a quarter of it is whole lots, and the account can pay it a hundred times.
    quantity = Decimal(8)
    #: How coarsely the venue tells money; 0 where it is exact.
    money_step = Decimal(0)
    #: Seconds until what happened at the venue is known here at the latest.
    patience = 5.0
    #: What must never be shown: the keys and passwords that the broker was made with.
    secrets: Sequence[str] = ()

    #: Resting orders fill in parts.
    fills_partly = True
    #: Resting orders fill while nobody is connected.
    fills_while_away = True
    #: What the venue takes fees in where it takes them from what is traded itself, by symbol.
    fees_in_kind: Mapping[str, str] = {}
    #: The venue tells its time of day.
    tells_time = True
    #: The venue can prove that it never had an order; else `find_order` says that nobody knows.
    proves_absence = True
    #: The venue tells what every holding has cost and gained.
    tells_costs = True
    #: The fees are in what a holding has cost.
    costs_with_fees = False
    withdraws_quotes = True
    shows_foreign = True
    loses_answers = True
    breaks_links = True
    repeats_fills = True
    has_own_clock = True

    @pytest.fixture
    def venue(self) -> Any:
        """Return the `Venue` behind the broker."""
        raise NotImplementedError("override the fixture `venue`")

    @pytest.fixture
    def broker(self) -> Any:
        """Return the broker under test, connected, with a fresh account that holds only money."""
        raise NotImplementedError("override the fixture `broker`")

    @pytest.fixture
    def another_broker(self) -> Any:
        """Return a broker like `broker`, made anew on the same venue and account, not connected.

        It stands for the program that starts after the first has died: it must share nothing with
        `broker` but the venue, and the files if a broker keeps any. None where there is nothing to
        come back to, as for an account in memory.
        """
        raise NotImplementedError("override the fixture `another_broker`, perhaps with None")

    @pytest.fixture(autouse=True)
    def _market(self, broker: Broker, venue: Venue) -> None:  # noqa: ARG002 - is there first
        self.open_market(venue)

    def open_market(self, venue: Venue) -> None:
        """Quote both symbols."""
        for symbol in (self.symbol, self.other_symbol):
            venue.set_quote(symbol, self.bid, self.ask)

    def new_id(self) -> str:
        """Return a client order id that no order has had."""
        return f"law-{next(_numbers)}"

    def away(self, broker: Broker, side: Side | str, symbol: str = "", part: str = "0.05") -> Any:
        """Return a valid limit so far behind the touch that an order rests."""
        rules = broker.instrument(symbol or self.symbol)
        if Side(side) is Side.BUY:
            return rules.round_price(self.bid * (1 - Decimal(part)), up=False)
        return rules.round_price(self.ask * (1 + Decimal(part)), up=True)

    def through(self, broker: Broker, side: Side | str, symbol: str = "") -> Any:
        """Return a valid limit so far beyond the touch that an order trades at once."""
        rules = broker.instrument(symbol or self.symbol)
        if Side(side) is Side.BUY:
            return rules.round_price(self.ask * Decimal("1.02"), up=True)
        return rules.round_price(self.bid * Decimal("0.98"), up=False)

    def resting(self, broker: Broker, side: str = "buy", **changes: Any) -> BrokerOrder:
        """Return an order that will rest."""
        symbol = changes.get("symbol", self.symbol)
        if "limit_price" not in changes:
            changes["limit_price"] = self.away(broker, side, symbol)
        return BrokerOrder(
            **{
                "symbol": symbol,
                "side": side,
                "quantity": self.quantity,
                "order_type": "limit",
                "tif": broker.capabilities().usual_tif,
                "client_order_id": self.new_id(),
                **changes,
            }
        )

    def nameless(self, broker: Broker) -> BrokerOrder:
        """Return an order that will rest and has no client order id."""
        return self.resting(broker, client_order_id=None)

    def crossing(self, broker: Broker, side: str = "buy", **changes: Any) -> BrokerOrder:
        """Return an order that will trade at once."""
        if "limit_price" not in changes:
            changes["limit_price"] = self.through(broker, side, changes.get("symbol", ""))
        return self.resting(broker, side, **changes)

    def rest(self, broker: Broker, side: str = "buy", **changes: Any) -> BrokerOrderStatus:
        """Send an order that rests, and return where it stands."""
        return broker.order_status(broker.submit_order(self.resting(broker, side, **changes)))

    def trade(self, broker: Broker, side: str = "buy", **changes: Any) -> BrokerOrderStatus:
        """Trade at once, and return the filled order when its executions are known too."""
        ack = broker.submit_order(self.crossing(broker, side, **changes))
        return self.filled(broker, int(ack))

    def filled(self, broker: Broker, order_id: int) -> BrokerOrderStatus:
        """Return the order once it is filled and all its executions are known, with their fees."""
        done = self.eventually(
            lambda: broker.order_status(order_id), lambda status: status.state is OrderState.FILLED
        )
        self.eventually(
            lambda: self.fills_of(broker, order_id),
            lambda fills: (
                self.executed(fills) == done.filled_quantity
                and all(fill.is_fee_known for fill in fills)
            ),
        )
        return done

    def partly_filled(
        self, broker: Broker, venue: Venue, order: BrokerOrderStatus, quantity: Decimal
    ) -> BrokerOrderStatus:
        """Let so much of an order fill, and return where it stands once that is known."""
        venue.fill(order, quantity)
        expected = order.filled_quantity + quantity
        self.eventually(
            lambda: self.executed(self.fills_of(broker, order.order_id)),
            lambda total: total == expected,
        )
        return self.eventually(
            lambda: broker.order_status(order.order_id),
            lambda status: status.filled_quantity == expected,
        )

    def named(self, order: BrokerOrder) -> str:
        """Return the client order id that an order was given."""
        assert order.client_order_id is not None
        return order.client_order_id

    def fills_of(self, broker: Broker, order_id: int) -> list[Fill]:
        """Return the executions of one order."""
        return [fill for fill in broker.fills() if fill.order_id == order_id]

    def executed(self, fills: Sequence[Fill]) -> Decimal:
        """Return how much they filled."""
        return sum((fill.quantity for fill in fills), Decimal(0))

    def kept(self, fills: Sequence[Fill]) -> Decimal:
        """Return what the venue kept of what was traded itself."""
        return sum(
            (fill.fee for fill in fills if fill.fee_currency == self.fees_in_kind.get(fill.symbol)),
            Decimal(0),
        )

    def owned(self, broker: Broker, symbol: str) -> Decimal:
        """Return what the executions make of a position: bought less sold, less fees in kind."""
        fills = broker.fills(symbol=symbol)
        bought = self.executed([fill for fill in fills if fill.side is Side.BUY])
        sold = self.executed([fill for fill in fills if fill.side is Side.SELL])
        return bought - sold - self.kept(fills)

    def holds(self, broker: Broker, symbol: str) -> Decimal:
        """Assert that what the executions make of a position is held, and return it."""
        owned = self.owned(broker, symbol)
        self.eventually(
            lambda: [row.quantity for row in broker.positions() if row.symbol == symbol],
            lambda held: held == ([owned] if owned else []),
        )
        return owned

    def stock(self, broker: Broker) -> None:
        """Own more than any law sells, also after a fee in kind."""
        self.trade(broker, "buy", quantity=4 * self.quantity)

    def asked(self, broker: Broker, order: BrokerOrder) -> BrokerOrderStatus | None:
        """Ask for an order; that nobody can tell counts as no answer."""
        try:
            return broker.find_order(self.named(order), order.symbol)
        except OutcomeUnknownError:
            return None

    def is_absent(self, broker: Broker, client_order_id: str) -> None:
        """Assert that an order the venue never had is not found.

        None is proof. Where the venue can prove nothing, None would be a guess, and the order sent
        again because of it.
        """
        if self.proves_absence:
            assert broker.find_order(client_order_id, self.symbol) is None
        else:
            with pytest.raises(OutcomeUnknownError):
                broker.find_order(client_order_id, self.symbol)

    def refusal(self, broker: Broker, order: BrokerOrder) -> BrokerError | None:
        """Send an order, and return the error that says no; None where it was taken."""
        try:
            broker.submit_order(order)
        except BrokerError as error:
            return error
        return None

    def nothing_happened(self, broker: Broker) -> None:
        """Assert that the account is as fresh as it was: nothing was sent."""
        assert broker.open_orders("all") == []
        assert broker.fills() == []
        assert broker.positions() == []

    def has_cost(self, broker: Broker, position: BrokerPosition, expected: Decimal) -> None:
        """Assert what a holding has cost; only a venue that does not tell costs may leave it open.

        What is told is right, or it is not told. Where fees are in it, it is worse by them, and by
        no more than all of them.
        """
        cost = position.avg_cost
        if cost is None:
            assert not self.tells_costs, position
            return
        fees = Decimal(0)
        if self.costs_with_fees:
            fees = sum((fill.fee for fill in broker.fills(symbol=position.symbol)), Decimal(0))
        worse = cost - expected if position.quantity > 0 else expected - cost
        slack = expected / 10**9
        assert -slack < worse < fees / abs(position.quantity) + slack, (position, expected)
        assert worse > slack or not fees, (position, expected)

    def near(self, money: Decimal, expected: Decimal) -> None:
        """Assert that money is as expected, as exactly as the venue tells money."""
        assert abs(money - expected) <= self.money_step, (money, expected)

    def eventually(
        self, read: Callable[[], Answer], accept: Callable[[Answer], bool] = bool
    ) -> Answer:
        """Read until it is accepted, and return it.

        Raises:
            AssertionError: `patience` has run out.

        """
        end = time.monotonic() + self.patience
        while not accept(seen := read()):
            assert time.monotonic() < end, f"not within {self.patience} seconds; last: {seen!r}"
            time.sleep(0.005)
        return seen
