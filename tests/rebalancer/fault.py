"""The 32 faults of reliability 3.3: what each does to requests, fills, clock and files, when."""

from __future__ import annotations

import errno
from collections import Counter
from collections.abc import Callable
from decimal import Decimal
from random import Random
from typing import Any

from attrs import define, evolve, field, frozen
from tests.rebalancer.sim_broker import Call
from tests.rebalancer.sim_venue import SILENCE, FillPlan

from nanobook_core.contracts.broker_error import (
    BrokerProtocolError,
    ConnectError,
    InsufficientFundsError,
    LinkDownError,
    MarketClosedError,
    OrderRejectedError,
    OutcomeUnknownError,
    RateLimitedError,
)
from nanobook_core.contracts.broker_order import OrderState

#: A secret of the broker: what it says of an error may contain it, what we write may not.
CANARY = "canary-5f1e7b"
#: Seconds until a request is given up.
TIMEOUT = 10.0

#: Where a rule starts: at the chosen order's request, or at one that the seed chooses.
ORDER, ANY = "order", "any"
#: How long it lasts: as often as the seed says, 1 to 3 times; or until it ends by itself.
FEW, ALWAYS = "few", "always"


@frozen
class Rule:
    """Requests of a kind, `*` for all, from one on and so many times: `do` answers them."""

    kind: str
    do: Callable[[ActiveFault, Call], Any]
    first: int | str = 0
    times: int | str = 1


@frozen
class Fault:
    """A row of the table."""

    name: str
    text: str
    rules: tuple[Rule, ...] = ()
    fills: FillPlan | None = None
    """How the chosen order fills, where that is part of it."""
    file_error: tuple[str, int] | None = None
    """`write` or `fsync`, and the error of the operating system."""
    tears: bool = False
    """Whether a crash leaves the beginning of one more record."""


@define
class ActiveFault:
    """A fault in one world; it goes on over restarts until it stops."""

    fault: Fault
    random: Random
    chosen: int
    """Number of the order that it is about."""
    second: Callable[[], None]
    """Starts a second instance."""
    count: int = field(init=False)
    """The seed's number of times."""
    start: int = field(init=False)
    """The seed's number of a request."""
    file_start: int = field(init=False)
    seen: Counter[int] = field(factory=Counter)
    memory: dict[str, Any] = field(factory=dict)

    def __attrs_post_init__(self) -> None:
        self.count = self.random.randint(1, 3)
        self.start = self.random.randint(0, 30)
        self.file_start = self.random.randint(0, 25)

    def answer(self, call: Call, further: Callable[[Call], Any]) -> Any:
        """Answer a request, or leave it to whatever else there is."""
        here = evolve(call, perform=lambda: further(call))
        for number, rule in enumerate(self.fault.rules):
            if rule.kind not in ("*", call.kind):
                continue
            seen = self.seen[number]
            self.seen[number] += 1
            first = {ORDER: self.chosen, ANY: self.start}.get(rule.first, rule.first)
            times = {FEW: self.count, ALWAYS: 10**9}.get(rule.times, rule.times)
            if first <= seen < first + times:
                return rule.do(self, here)
        return here.perform()

    def file_fails(self, what: str) -> OSError | None:
        """Error of a write or a sync, once it is time; then of every one until the process ends."""
        if self.fault.file_error is None or what != self.fault.file_error[0]:
            return None
        self.seen[-1] += 1
        if self.seen[-1] <= self.file_start or self.memory.get("is_mended"):
            return None
        self.memory["has_failed"] = True
        code = self.fault.file_error[1]
        return OSError(code, errno.errorcode[code])

    def process_ended(self) -> None:
        """Mend the disk, once it has failed."""
        self.memory["is_mended"] = self.memory.get("has_failed", False)


def unanswered(call: Call) -> OutcomeUnknownError:
    call.clock.sleep(TIMEOUT)
    return OutcomeUnknownError(f"no answer in {TIMEOUT} s", client_order_id=call.subject)


def lost(_fault, call):
    raise unanswered(call)


def accepted_unanswered(_fault, call):
    call.perform()
    raise unanswered(call)


def filled_unanswered(_fault, call):
    order = call.perform()
    call.venue.fill(order, order.quantity)
    raise unanswered(call)


def reset_before(fault, call):
    call.session.is_connected = fault.random.random() < 0.5
    raise ConnectError("reset", client_order_id=call.subject, retryable=True)


def reset_after(fault, call):
    call.perform()
    call.session.is_connected = fault.random.random() < 0.5
    raise LinkDownError("reset", client_order_id=call.subject)


def as_first_acknowledged(_fault, call):
    return evolve(
        call.perform(), state=OrderState.ACCEPTED, filled_quantity=Decimal(0), avg_fill_price=None
    )


def doubled(_fault, call):
    found = call.perform()
    return [each for each in found for _ in range(2)]


def repeated_later(_fault, call):
    found = call.perform()
    return found + [evolve(each, time=call.clock.now()) for each in found]


def disordered(fault, call):
    found = list(call.perform())
    fault.random.shuffle(found)
    return found


def filled_before_acknowledged(_fault, call):
    order = call.perform()
    acknowledged = evolve(order)
    call.venue.fill(order, order.quantity)
    return acknowledged


def does_not_tell(_fault, call):
    raise OutcomeUnknownError("not known yet", client_order_id=call.subject)


def away(fault, call):
    """The link is down for 12 s from a second after the chosen order was taken."""
    orders = call.venue.orders
    if len(orders) > fault.chosen:
        start = orders[fault.chosen].accepted_at + 1.2
        if start <= call.clock.elapsed < start + 12:
            raise ConnectError("link down", retryable=True)
    return call.perform()


REJECTIONS = (InsufficientFundsError, MarketClosedError, OrderRejectedError)


def rejected(fault, call):
    kind = fault.random.choice(REJECTIONS)
    raise call.venue.refuse(kind("refused by the venue", client_order_id=call.subject))


def rejected_later(_fault, call):
    order = call.perform()

    def reject():
        if not order.state.is_terminal:
            call.venue.end(order, OrderState.REJECTED, "rejected after a part")

    call.clock.after(2, reject)
    return order


def filled_meanwhile(_fault, call):
    for order in call.venue.orders:
        if not order.state.is_terminal:
            call.venue.fill(order, order.quantity)
    return call.perform()


def filled_late(fault, call):
    working = [order for order in call.venue.orders if not order.state.is_terminal]
    result = call.perform()
    for order in working:
        if order.state is OrderState.CANCELLED:
            share = fault.random.choice([Decimal("0.5"), Decimal(1)])
            upto = max(order.filled, (order.quantity * share).to_integral_value())
            call.clock.after(
                fault.random.uniform(0.05, 2),
                lambda order=order, upto=upto: call.venue.fill(order, upto, late=True),
            )
    return result


def swallowed(_fault, _call):
    return None


def renumbered(_fault, call):
    call.session.session += 100
    return call.perform()


def nothing_listed(_fault, _call):
    return []


def nothing_found(_fault, call):
    call.venue.unanswered.add(call.subject)


def stale_positions(fault, call):
    """The holdings before anything had been traded, the first few times that this is wrong."""
    held = call.venue.positions(until=0)
    if held != call.venue.positions() and fault.memory.setdefault("left", fault.count) > 0:
        fault.memory["left"] -= 1
        call.perform()
        return call.session.holdings(held)
    return call.perform()


def lagging_positions(fault, call):
    lag = fault.memory.setdefault("lag", fault.random.uniform(1, 8))
    call.perform()
    return call.session.holdings(call.venue.positions(until=call.clock.elapsed - lag))


def stale_quote(fault, call):
    quote, made_at = call.perform()
    age = fault.random.uniform(60, 600)
    received = fault.random.choice([None, quote.received - age])
    return evolve(quote, received=received), made_at - age


def bad_quote(fault, call):
    quote, made_at = call.perform()
    nan, zero = Decimal("NaN"), Decimal(0)
    bad = fault.random.choice(
        [
            {"bid": quote.ask, "ask": quote.bid},
            {"bid": zero},
            {"ask": zero},
            {"bid": nan},
            {"ask": nan, "last": nan},
            {"bid": None},
            {"bid": None, "ask": None, "last": None},
            {"is_halted": True},
        ]
    )
    return evolve(quote, **bad), made_at


def clock_back(fault, call):
    call.clock.jump(-fault.random.choice([1, 61, 3600, 86_400]))
    return call.perform()


def clock_forward(fault, call):
    call.clock.jump(fault.random.choice([1, 61, 3600]))
    return call.perform()


def rate_limited(fault, call):
    raise RateLimitedError(
        "429", retry_after=fault.random.choice([None, 2.0]), client_order_id=call.subject
    )


def malformed(fault, call):
    if call.kind != "connect" and fault.random.random() < 0.7:
        call.perform()
    raise BrokerProtocolError(f"truncated answer to ?token={CANARY}", client_order_id=call.subject)


def second_instance(fault, call):
    fault.second()
    return call.perform()


PART = FillPlan(parts=((1.0, Decimal("0.4")),))
PART_AND_REST_WHILE_AWAY = FillPlan(parts=((1.0, Decimal("0.4")), (6.0, Decimal(1))))

#: Name, what it does, where it starts and how often it happens. All of them stop.
FAULTS = (
    Fault("F01", "timeout, request not received", (Rule("ack", lost, ORDER),)),
    Fault("F02", "timeout, request accepted", (Rule("ack", accepted_unanswered, ORDER),)),
    Fault("F03", "timeout, accepted and filled", (Rule("ack", filled_unanswered, ORDER),)),
    Fault("F04", "connection reset before send", (Rule("ack", reset_before, ORDER),)),
    Fault("F05", "connection reset after send", (Rule("ack", reset_after, ORDER),)),
    Fault(
        "F06",
        "duplicate ack",
        (
            Rule("status", as_first_acknowledged, 0, FEW),
            Rule("open_orders", doubled, 0, ALWAYS),
        ),
    ),
    Fault("F07", "duplicate fill, same exec id", (Rule("fills", doubled, 0, ALWAYS),)),
    Fault("F08", "duplicate fill, new sequence", (Rule("fills", repeated_later, 0, ALWAYS),)),
    Fault("F09", "fills out of order", (Rule("fills", disordered, 0, ALWAYS),)),
    Fault("F10", "fill before ack", (Rule("ack", filled_before_acknowledged, 0, ALWAYS),)),
    Fault(
        "F11",
        "ack never arrives, fill does",
        (Rule("ack", filled_unanswered, ORDER), Rule("find", does_not_tell, 0, 1)),
    ),
    Fault("F12", "partial fill then silence", fills=PART),
    Fault(
        "F13",
        "partial fill, disconnect, rest fills while away",
        (Rule("*", away, 0, ALWAYS),),
        fills=PART_AND_REST_WHILE_AWAY,
    ),
    Fault("F14", "reject (typed)", (Rule("ack", rejected, ORDER),)),
    Fault("F15", "reject after partial", (Rule("ack", rejected_later, ORDER),), fills=PART),
    Fault(
        "F16",
        "cancel reject because filled",
        (Rule("cancel", filled_meanwhile, 0, ALWAYS),),
        fills=SILENCE,
    ),
    Fault(
        "F17",
        "cancel ack, then late fill",
        (Rule("cancel", filled_late, 0, ALWAYS),),
        fills=PART,
    ),
    Fault("F18", "cancel lost", (Rule("cancel", swallowed, 0, 1),), fills=SILENCE),
    Fault("F19", "broker restart: session ids change", (Rule("*", renumbered, ANY),)),
    Fault(
        "F20",
        "broker restart: open-order list empty for k queries",
        (Rule("open_orders", nothing_listed, ANY, FEW), Rule("find", nothing_found, 0, 2)),
    ),
    Fault("F21", "stale snapshot of positions", (Rule("positions", stale_positions, 0, ALWAYS),)),
    Fault("F22", "positions lag fills by d", (Rule("positions", lagging_positions, 0, ALWAYS),)),
    Fault("F23", "stale quote", (Rule("quote", stale_quote, ANY, FEW),)),
    Fault("F24", "crossed, zero or NaN quote", (Rule("quote", bad_quote, ANY, FEW),)),
    Fault("F25", "clock jump back", (Rule("*", clock_back, ANY),)),
    Fault("F26", "clock jump forward", (Rule("*", clock_forward, ANY),)),
    Fault("F27", "rate-limit error (429)", (Rule("*", rate_limited, ANY, FEW),)),
    Fault("F28", "malformed or truncated response", (Rule("*", malformed, ANY),)),
    Fault("F29", "disk full on audit write", file_error=("write", errno.ENOSPC)),
    Fault("F30", "fsync error", file_error=("fsync", errno.EIO)),
    Fault("F31", "torn tail after crash", tears=True),
    Fault("F32", "second instance or double cron start", (Rule("*", second_instance, ANY, FEW),)),
)
