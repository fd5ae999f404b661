"""What must hold between the venue's truth, what a broker says of it, and what was asked of it.

It is read from the records of all three, and never from how the broker works.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal

from attrs import field, frozen

from nanobook_core.contracts import (
    BrokerEvent,
    BrokerOrder,
    BrokerOrderStatus,
    Fill,
    OrderState,
    OrderType,
    Outcome,
)
from nanobook_ibkr.simulator.record import OrderStatusWord, VenueExecution, VenueOrder

_S = OrderState
_W = OrderStatusWord
#: What a broker may say of an order, by the venue's word for it.
_STATES: Mapping[OrderStatusWord, frozenset[OrderState]] = {
    **dict.fromkeys(
        (_W.API_PENDING, _W.PENDING_SUBMIT),
        frozenset({_S.PENDING_SUBMIT, _S.ACCEPTED, _S.PARTIALLY_FILLED, _S.PENDING_CANCEL}),
    ),
    **dict.fromkeys(
        (_W.PRE_SUBMITTED, _W.SUBMITTED, _W.PENDING_CANCEL),
        frozenset({_S.ACCEPTED, _S.PARTIALLY_FILLED, _S.HELD, _S.PENDING_CANCEL}),
    ),
    **dict.fromkeys(
        (_W.CANCELLED, _W.API_CANCELLED), frozenset({_S.CANCELLED, _S.REJECTED, _S.EXPIRED})
    ),
    _W.INACTIVE: frozenset({_S.HELD, _S.REJECTED}),
    _W.FILLED: frozenset({_S.FILLED}),
}
#: What it may say of an order that the venue does not have.
_ABSENT = frozenset({_S.CREATED, _S.UNKNOWN, _S.NOT_ACCEPTED, _S.REJECTED})

DUPLICATE, LOST, DOUBLED, STATE = "duplicate", "lost", "doubled", "state"
OUTCOME, TERMS, EVENT, POSITION, HANG = "outcome", "terms", "event", "position", "hang"
RULES = (DUPLICATE, LOST, DOUBLED, STATE, OUTCOME, TERMS, EVENT, POSITION, HANG)


@frozen
class Violation:
    """A law that was broken."""

    rule: str
    text: str


@frozen(kw_only=True)
class Submit:
    """An order that was asked for, and how that ended."""

    order: BrokerOrder
    outcome: Outcome | None
    """None: it was acknowledged."""
    error: str = ""

    @property
    def client_order_id(self) -> str:
        assert self.order.client_order_id is not None
        return self.order.client_order_id


@frozen(kw_only=True)
class Replace:
    """A change that was asked for, and how that ended."""

    client_order_id: str
    quantity: Decimal | None
    limit_price: Decimal | None
    outcome: Outcome | None


@frozen(kw_only=True)
class Truth:
    """What the venue knows, and what reached it."""

    client_id: int
    """The broker's."""
    orders: tuple[VenueOrder, ...]
    executions: tuple[VenueExecution, ...]
    """As they stand: one that was corrected has the id of its last correction."""
    positions: Mapping[str, Decimal]
    placed: frozenset[tuple[str, str]]
    """(orderRef, number) of each message that places or changes an order of this client.

    Without numbers that the venue has refused as used (103) and has no order of: nothing can ever
    come of them.
    """

    @property
    def own(self) -> list[VenueOrder]:
        """Orders of this client."""
        return [each for each in self.orders if each.client_id == self.client_id]

    @property
    def standing(self) -> dict[str, VenueExecution]:
        """Executions by id."""
        return {each.exec_id: each for each in self.executions}

    @property
    def own_executions(self) -> list[VenueExecution]:
        """Executions of this client's orders."""
        return [each for each in self.executions if each.client_id == self.client_id]

    def is_superseded(self, exec_id: str) -> bool:
        """Whether a correction has taken the place of that execution."""
        stem, _, revision = exec_id.rpartition(".")
        return any(
            each.rpartition(".")[0] == stem and each.rpartition(".")[2] > revision
            for each in self.standing
        )


@frozen(kw_only=True)
class Told:
    """What the broker says after its last resync."""

    statuses: Mapping[str, BrokerOrderStatus | None]
    """By client order id; None of which it knows nothing."""
    open_orders: tuple[BrokerOrderStatus, ...]
    """Of everybody."""
    fills: tuple[Fill, ...]
    positions: Mapping[str, Decimal]
    events: tuple[BrokerEvent, ...] = ()
    missed: tuple[Fill, ...] = ()
    """Fills that its resyncs reported."""
    is_whole: bool = True
    """Whether one object listened from the beginning to the end, and so must have told of all."""


@frozen(kw_only=True)
class Evidence:
    """All that a run leaves behind."""

    asked: tuple[Submit | Replace, ...]
    truth: Truth
    told: Told
    fees_known: bool = True
    """Whether the venue has told all of them."""
    violations: tuple[Violation, ...] = field(default=(), converter=tuple)
    """What was seen while it ran: calls that hang, errors that say nothing."""


def judge(evidence: Evidence) -> list[Violation]:
    """Every law that was broken, in the order of the rules."""
    found = [
        *evidence.violations,
        *_duplicates(evidence),
        *_orders(evidence),
        *_outcomes(evidence),
        *_terms(evidence),
        *_open_orders(evidence),
        *_fills(evidence),
        *_events(evidence),
        *_positions(evidence),
    ]
    return sorted(found, key=lambda each: RULES.index(each.rule))


def _duplicates(evidence: Evidence) -> Iterator[Violation]:
    asked = {each.client_order_id for each in evidence.asked}
    refs = Counter(each.form.order_ref for each in evidence.truth.orders)  # whoever has sent it
    for ref, count in refs.items():
        if ref in asked and count > 1:
            yield Violation(DUPLICATE, f"{count} orders of {ref} at the venue")
    numbers = defaultdict(set)
    for ref, number in evidence.truth.placed:
        numbers[ref].add(number)
    for ref, sent in numbers.items():
        if ref and len(sent) > 1:
            yield Violation(DUPLICATE, f"{ref} was sent as the orders {sorted(sent)}")


def _orders(evidence: Evidence) -> Iterator[Violation]:
    """Each order of ours at the venue is known, and stands as the venue says."""
    truth, told = evidence.truth, evidence.told
    at_venue = {each.form.order_ref for each in truth.own}
    for order in truth.own:
        ref = order.form.order_ref
        status = told.statuses.get(ref)
        if status is None:
            yield Violation(LOST, f"nothing is known of {ref}, which is {order.status}")
            continue
        yield from _standing(truth, order, status)
    for ref, status in told.statuses.items():
        if status is not None and ref not in at_venue and status.state not in _ABSENT:
            yield Violation(STATE, f"{ref} is {status.state}, and the venue has no such order")


def _standing(truth: Truth, order: VenueOrder, status: BrokerOrderStatus) -> Iterator[Violation]:
    ref = order.form.order_ref
    executions = [each for each in truth.executions if each.perm_id == order.perm_id]
    filled = sum((each.quantity for each in executions), Decimal(0))
    # What the broker says never falls, and a correction may have taken something back.
    is_corrected = any(not each.exec_id.endswith(".01") for each in executions)
    most = status.quantity if is_corrected else filled
    if order.status not in _STATES or status.state not in _STATES[order.status]:
        yield Violation(STATE, f"{ref} is {status.state}, but {order.status} at the venue")
    if not filled <= status.filled_quantity <= most:
        yield Violation(STATE, f"{status.filled_quantity} of {ref} filled, {filled} at the venue")
    if status.order_id != order.perm_id:
        yield Violation(STATE, f"{ref} is order {status.order_id}, {order.perm_id} at the venue")
    if (status.symbol, status.side.value) != (order.contract.symbol, order.form.action.lower()):
        yield Violation(STATE, f"{ref} is {status.side.value} {status.symbol}")
    if not order.is_done and status.quantity != order.form.quantity:
        yield Violation(STATE, f"{ref} is of {status.quantity}, {order.form.quantity} at the venue")


def _outcomes(evidence: Evidence) -> Iterator[Violation]:
    """An error's outcome is true: of the only attempt that can have been sent."""
    truth = evidence.truth
    placed = {ref for ref, _ in truth.placed}
    at_venue = {each.form.order_ref: each for each in truth.own}
    attempts: dict[str, list[Submit]] = defaultdict(list)
    for each in evidence.asked:
        if isinstance(each, Submit):
            attempts[each.client_order_id].append(each)
    for ref, tried in attempts.items():
        is_sure = False
        for each in tried:
            if is_sure and each.outcome is not Outcome.NOT_SENT:
                yield Violation(OUTCOME, f"{ref} was sent again, though the venue had it")
            is_sure = is_sure or each.outcome in (None, Outcome.ACCEPTED, Outcome.REJECTED)
            if text := _lie(each, at_venue.get(ref), is_placed=ref in placed):
                yield Violation(OUTCOME, f"{ref} {text} ({each.error})")
        if ref in at_venue and all(each.outcome is Outcome.NOT_SENT for each in tried):
            yield Violation(
                OUTCOME, f"{ref} is said not to be sent, and is there ({tried[0].error})"
            )
    for ref in placed - attempts.keys():
        yield Violation(OUTCOME, f"{ref!r} was sent, and nobody asked for it")


def _lie(submit: Submit, order: VenueOrder | None, *, is_placed: bool) -> str:
    """What is not true of an answer; nothing if all of it is."""
    if submit.outcome in (None, Outcome.ACCEPTED) and order is None:
        return "is said to be there, and the venue has no such order"
    if submit.outcome is Outcome.REJECTED:
        if not is_placed:
            return "is said to be refused there, and never was sent"
        if order is not None and not _is_refused(order):
            return f"is said to be refused, and is {order.status}"
    return ""


def _is_refused(order: VenueOrder) -> bool:
    return order.is_done and order.status is not OrderStatusWord.FILLED and not order.filled


def _terms(evidence: Evidence) -> Iterator[Violation]:
    """What the venue has is what was asked for: the order, as its changes have left it."""
    at_venue = {each.form.order_ref: each for each in evidence.truth.own}
    wanted: dict[str, BrokerOrder] = {}
    terms: dict[str, set[tuple[Decimal, Decimal | None]]] = {}
    for each in evidence.asked:
        ref = each.client_order_id
        if isinstance(each, Submit):
            if ref not in wanted or each.outcome is not Outcome.NOT_SENT:
                wanted[ref] = each.order
                terms[ref] = {(each.order.quantity, each.order.limit_price)}
        elif each.outcome not in (Outcome.NOT_SENT, Outcome.REJECTED):
            changed = {
                (
                    quantity if each.quantity is None else each.quantity,
                    limit if each.limit_price is None else each.limit_price,
                )
                for quantity, limit in terms[ref]
            }
            terms[ref] = changed if each.outcome is None else terms[ref] | changed
    for ref, order in wanted.items():
        venue = at_venue.get(ref)
        if venue is None:
            continue
        form = venue.form
        has_limit = order.order_type in (OrderType.LIMIT, OrderType.STOP_LIMIT)
        got = (form.quantity, form.limit_price if has_limit else None)
        allowed = {(quantity, limit if has_limit else None) for quantity, limit in terms[ref]}
        if (venue.contract.symbol, form.action.lower()) != (order.symbol, order.side.value):
            yield Violation(TERMS, f"{ref} is {form.action} {venue.contract.symbol} at the venue")
        if got not in allowed:
            yield Violation(TERMS, f"{ref} is {got} at the venue, not one of {sorted(allowed)}")


def _open_orders(evidence: Evidence) -> Iterator[Violation]:
    """What is open there is open here, whoever's it is, and nothing else."""
    truth = evidence.truth
    living = {each.perm_id: each for each in truth.orders if not each.is_done}
    known = {each.perm_id for each in truth.orders}
    seen = Counter(each.order_id for each in evidence.told.open_orders)
    for number, count in seen.items():
        if count > 1:
            yield Violation(STATE, f"order {number} is open {count} times")
    for perm_id, order in living.items():
        if perm_id not in seen:
            yield Violation(
                LOST, f"order {perm_id} {order.form.order_ref!r} is open, and not shown"
            )
    for status in evidence.told.open_orders:
        number = status.order_id
        is_own = number in living and living[number].client_id == truth.client_id
        if number in living and status.is_own is not is_own:
            yield Violation(STATE, f"order {number} is_own={status.is_own}")
        if number in known - living.keys() and status.state is not OrderState.HELD:
            yield Violation(STATE, f"order {number} is shown as open, and is done")
        if number not in known and status.state is not OrderState.UNKNOWN:
            yield Violation(STATE, f"order {number} is shown as {status.state}, and does not exist")


def _facts(execution: VenueExecution) -> tuple[object, ...]:
    return (
        execution.perm_id,
        execution.contract.symbol,
        execution.action.lower(),
        execution.quantity,
        execution.price,
    )


def _said(fill: Fill) -> tuple[object, ...]:
    return fill.order_id, fill.symbol, fill.side.value, fill.quantity, fill.price


def _fills(evidence: Evidence) -> Iterator[Violation]:
    """Each execution of ours counts once, with what it cost, as it was last corrected."""
    truth, told = evidence.truth, evidence.told
    for exec_id, count in Counter(each.exec_id for each in told.fills).items():
        if count > 1:
            yield Violation(DOUBLED, f"execution {exec_id} is in fills() {count} times")
    corrected = {each.corrects for each in told.fills}
    counted = {each.exec_id: each for each in told.fills if each.exec_id not in corrected}
    for execution in truth.own_executions:
        exec_id = execution.exec_id
        fill = counted.get(exec_id)
        if fill is None:
            yield Violation(LOST, f"execution {exec_id} of {execution.order_ref} is not in fills()")
        elif evidence.fees_known and (fill.is_fee_known, fill.fee) != (True, execution.commission):
            yield Violation(
                LOST, f"execution {exec_id} cost {execution.commission}, not {fill.fee}"
            )
    yield from _false(counted, truth)


def _false(counted: Mapping[str, Fill], truth: Truth) -> Iterator[Violation]:
    for exec_id, fill in counted.items():
        if truth.is_superseded(exec_id):
            yield Violation(DOUBLED, f"execution {exec_id} counts, though it was corrected")
        elif exec_id not in truth.standing:
            yield Violation(DOUBLED, f"execution {exec_id} never was")
        elif _said(fill) != _facts(truth.standing[exec_id]):
            yield Violation(DOUBLED, f"execution {exec_id} is {_said(fill)}")


def _events(evidence: Evidence) -> Iterator[Violation]:
    """No fill is told twice, but for its fee; no order comes back; and no fill is kept back."""
    truth, told = evidence.truth, evidence.told
    seen: dict[str, Fill] = {}
    for fill in (each.fill for each in told.events if each.fill is not None):
        before, execution = seen.get(fill.exec_id), truth.standing.get(fill.exec_id)
        if execution is None:
            is_true = truth.is_superseded(fill.exec_id)
        else:
            is_true = _said(fill) == _facts(execution)
        if not is_true:
            yield Violation(EVENT, f"a fill was told that never was: {fill}")
        if before is not None and (before.is_fee_known or not fill.is_fee_known):
            yield Violation(EVENT, f"execution {fill.exec_id} was told twice")
        seen[fill.exec_id] = fill
    yield from _order_events(each.order for each in told.events if each.order is not None)
    if told.is_whole:
        shown = seen.keys() | {each.exec_id for each in told.missed}
        for execution in truth.own_executions:
            if execution.exec_id not in shown:
                yield Violation(EVENT, f"nobody was told of execution {execution.exec_id}")


def _order_events(statuses: Iterable[BrokerOrderStatus]) -> Iterator[Violation]:
    last: dict[str, BrokerOrderStatus] = {}
    for status in statuses:
        key = status.client_order_id or str(status.order_id)
        before = last.get(key)
        if before is not None:
            if status.filled_quantity < before.filled_quantity:
                yield Violation(EVENT, f"less of {key} has filled than before")
            if (
                before.state.is_terminal
                and status.state is not before.state
                and not (status.state is _S.FILLED or before.state is _S.NOT_ACCEPTED)
                and {before.state, status.state} != {_S.CANCELLED, _S.REJECTED}
            ):
                yield Violation(EVENT, f"{key} was {before.state} and then {status.state}")
        last[key] = status


def _positions(evidence: Evidence) -> Iterator[Violation]:
    ours, theirs = evidence.told.positions, evidence.truth.positions
    for symbol in sorted(ours.keys() | theirs.keys()):
        if ours.get(symbol, 0) != theirs.get(symbol, 0):
            yield Violation(
                POSITION,
                f"{ours.get(symbol, 0)} {symbol} held, {theirs.get(symbol, 0)} at the venue",
            )
