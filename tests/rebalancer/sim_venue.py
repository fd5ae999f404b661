"""A venue that outlives whoever trades there, and the truth of what happened at it."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from random import Random

from attrs import define, evolve, field, frozen
from tests.rebalancer.virtual_clock import VirtualClock

from nanobook_core.contracts.broker import ClientIdScope
from nanobook_core.contracts.broker_error import (
    DuplicateOrderError,
    OrderNotFoundError,
    OrderRejectedError,
)
from nanobook_core.contracts.broker_order import BrokerOrder, OrderState
from nanobook_core.contracts.holding import Quote
from nanobook_core.types import Side

ACCOUNT = "SIM-1"
HALF_SPREAD = Decimal("0.02")


@define(kw_only=True)
class VenueOrder:
    """An order as the venue has it."""

    number: int
    client_order_id: str
    symbol: str
    side: Side = field(converter=Side)
    quantity: Decimal
    limit: Decimal | None
    sent_at: float
    """World time when the request left the client, as all times here."""
    accepted_at: float
    quote_usable: bool | None
    """Of the last answer to a request for a quote of this symbol; None where nobody asked."""
    quote_age: float | None
    """Seconds from when those prices were made until the order was sent; None: never known."""
    state: OrderState = OrderState.ACCEPTED
    filled: Decimal = Decimal(0)
    ended_at: float | None = None
    reason: str = ""

    @property
    def remaining(self) -> Decimal:
        """What may still fill."""
        return Decimal(0) if self.state.is_terminal else self.quantity - self.filled


@frozen(kw_only=True)
class Execution:
    """A fill as the venue has it."""

    exec_id: str
    number: int
    """Of its order."""
    client_order_id: str
    symbol: str
    side: Side = field(converter=Side)
    quantity: Decimal
    price: Decimal
    at: float
    fee_in_kind: Decimal = Decimal(0)
    """What was taken out of the position for it."""

    @property
    def signed_quantity(self) -> Decimal:
        """Change of the position, but for the fee."""
        return self.quantity if self.side is Side.BUY else -self.quantity

    @property
    def change(self) -> Decimal:
        """Change of the position."""
        return self.signed_quantity - self.fee_in_kind


@frozen(kw_only=True)
class Truth:
    """What happened at the venue: all that is asked of it to judge a run."""

    account: str = ACCOUNT
    start: Mapping[str, Decimal]
    """Positions before anything happened."""
    orders: tuple[VenueOrder, ...]
    """Every one that was ever accepted, in that order."""
    executions: tuple[Execution, ...]
    cancels: tuple[tuple[float, str], ...] = ()
    """When a request to cancel came, and for which client order id."""
    refused: tuple[tuple[float, str], ...] = ()
    """When an order was refused, and its client order id."""
    asked_at: float = 0.0
    """When somebody last asked for executions."""
    killed_at: float | None = None
    """When somebody pulled the kill switch."""
    takes_again: bool = True
    """Whether it takes a client order id again, so that sending one again is no way to find out."""
    unanswered: frozenset[str] = frozenset()
    """Client order ids of requests that got no answer, or a wrong one."""

    def position(self, symbol: str) -> Decimal:
        """What is held of a symbol at the end."""
        return self.start.get(symbol, Decimal(0)) + sum(
            (each.signed_quantity for each in self.executions if each.symbol == symbol),
            Decimal(0),
        )


@frozen(kw_only=True)
class FillPlan:
    """How an order will fill: (seconds after it was accepted, share of the quantity)."""

    parts: tuple[tuple[float, Decimal], ...]


SILENCE = FillPlan(parts=())


@define
class SimVenue:
    """Takes orders, fills them when their time has come, and forgets nothing."""

    clock: VirtualClock
    seed: str
    prices: Mapping[str, Decimal]
    start: Mapping[str, Decimal]
    cash: Decimal = Decimal(1_000_000)
    scope: ClientIdScope = ClientIdScope.FOR_EVER
    pace: float = 1.0
    """What the seconds of fills are multiplied by."""
    plans: dict[int, FillPlan] = field(factory=dict)
    """How the n-th accepted order fills, where that is not left to chance."""
    orders: list[VenueOrder] = field(factory=list)
    executions: list[Execution] = field(factory=list)
    cancels: list[tuple[float, str]] = field(factory=list)
    refused: list[tuple[float, str]] = field(factory=list)
    asked_at: float = 0.0
    unanswered: set[str] = field(factory=set)
    shown: dict[str, tuple[Quote, float]] = field(factory=dict)
    """Last quote that somebody was given, and the world time when its prices were made."""

    def truth(self, killed_at: float | None = None) -> Truth:
        """What has happened until now."""
        return Truth(
            start=dict(self.start),
            orders=tuple(evolve(order) for order in self.orders),
            executions=tuple(self.executions),
            cancels=tuple(self.cancels),
            refused=tuple(self.refused),
            asked_at=self.asked_at,
            killed_at=killed_at,
            takes_again=self.scope is not ClientIdScope.FOR_EVER,
            unanswered=frozenset(self.unanswered),
        )

    def positions(self, until: float | None = None) -> dict[str, Decimal]:
        """Holdings at some moment, now by default, in the order of their symbols."""
        held = dict(self.start)
        for each in self.executions:
            if until is None or each.at <= until:
                held[each.symbol] = held.get(each.symbol, Decimal(0)) + each.signed_quantity
        return {symbol: held[symbol] for symbol in sorted(held) if held[symbol]}

    def balance(self) -> Decimal:
        """Money now."""
        return self.cash - sum(
            (each.signed_quantity * each.price for each in self.executions), Decimal(0)
        )

    def accept(self, order: BrokerOrder, sent_at: float) -> VenueOrder:
        """Take an order, unless its client order id is refused."""
        client_order_id = order.client_order_id or ""
        if self.refuses(client_order_id):
            raise self.refuse(
                DuplicateOrderError(f"{client_order_id} is taken", client_order_id=client_order_id)
            )
        quote, made_at = self.shown.get(order.symbol, (None, None))
        taken = VenueOrder(
            number=len(self.orders) + 1,
            client_order_id=client_order_id,
            symbol=order.symbol,
            side=order.side,
            quantity=order.quantity,
            limit=order.limit_price,
            sent_at=sent_at,
            accepted_at=self.clock.elapsed,
            quote_usable=None if quote is None else quote.is_usable,
            quote_age=None if made_at is None else sent_at - made_at,
        )
        self.orders.append(taken)
        filled = Decimal(0)
        for seconds, share in self.plan_of(taken).parts:
            upto = (taken.quantity * share).to_integral_value()
            self.clock.after(seconds * self.pace, lambda upto=upto: self.fill(taken, upto))
            filled = upto
        assert filled <= taken.quantity
        return taken

    def plan_of(self, order: VenueOrder) -> FillPlan:
        """One to three parts within a few seconds, unless it was said otherwise."""
        planned = self.plans.get(order.number - 1)
        if planned is not None:
            return planned
        random = Random(f"{self.seed}/fill/{order.number}")  # noqa: S311 - no secrets
        shares = sorted([Decimal(random.randint(1, 9)) / 10 for _ in range(random.randint(0, 2))])
        times = sorted(random.uniform(0.05, 4) for _ in range(len(shares) + 1))
        return FillPlan(parts=tuple(zip(times, [*shares, Decimal(1)], strict=True)))

    def refuses(self, client_order_id: str) -> bool:
        """Whether the client order id may not be used again."""
        same = [order for order in self.orders if order.client_order_id == client_order_id]
        if self.scope is ClientIdScope.NEVER or not client_order_id:
            return False
        return bool(same) and (
            self.scope is ClientIdScope.FOR_EVER
            or any(not order.state.is_terminal for order in same)
        )

    def refuse(self, error: OrderRejectedError) -> OrderRejectedError:
        """Note that an order was refused."""
        self.refused.append((self.clock.elapsed, error.client_order_id))
        return error

    def fill(self, order: VenueOrder, upto: Decimal, *, late: bool = False) -> None:
        """Execute an order until so much of it has filled; not once it is done, unless late."""
        if (order.state.is_terminal and not late) or upto <= order.filled:
            return
        price = self.prices[order.symbol]
        price += HALF_SPREAD if order.side is Side.BUY else -HALF_SPREAD
        if order.limit is not None:
            price = min(price, order.limit) if order.side is Side.BUY else max(price, order.limit)
        self.executions.append(
            Execution(
                exec_id=f"X{len(self.executions) + 1}",
                number=order.number,
                client_order_id=order.client_order_id,
                symbol=order.symbol,
                side=order.side,
                quantity=upto - order.filled,
                price=price,
                at=self.clock.elapsed,
            )
        )
        order.filled = upto
        if order.filled == order.quantity and order.state.is_terminal:  # a fill wins
            order.state = OrderState.FILLED
        elif order.filled == order.quantity:
            self.end(order, OrderState.FILLED)
        elif not order.state.is_terminal:
            order.state = OrderState.PARTIALLY_FILLED

    def end(self, order: VenueOrder, state: OrderState, reason: str = "") -> None:
        """Take an order off the market."""
        order.state, order.reason, order.ended_at = state, reason, self.clock.elapsed

    def cancel(self, order: VenueOrder) -> bool:
        """Cancel an order; False where it was done before."""
        self.cancels.append((self.clock.elapsed, order.client_order_id))
        if order.state.is_terminal:
            return False
        self.end(order, OrderState.CANCELLED, "cancelled as asked")
        return True

    def find(self, client_order_id: str) -> VenueOrder | None:
        """Latest order of that client order id."""
        for order in reversed(self.orders):
            if order.client_order_id == client_order_id:
                return order
        return None

    def order(self, number: int) -> VenueOrder:
        """Order of that number."""
        if not 1 <= number <= len(self.orders):
            raise OrderNotFoundError(f"there is no order {number}")
        return self.orders[number - 1]

    def quote(self, symbol: str, received: float) -> Quote:
        """Prices now, which came at that moment on the clock of whoever asked."""
        mid = self.prices[symbol]
        return Quote(
            symbol=symbol,
            bid=mid - HALF_SPREAD,
            ask=mid + HALF_SPREAD,
            last=mid,
            bid_size=Decimal(100_000),
            ask_size=Decimal(100_000),
            volume=Decimal(5_000_000),
            venue_time=self.clock.now(),
            received=received,
        )
