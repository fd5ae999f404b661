"""What must hold between the venue's truth, what a broker says of it, and what was asked of it.

It is read from the records of all three, and never from how the broker works.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from decimal import Decimal

from tests.fault.evidence import (
    DUPLICATE,
    LOST,
    OUTCOME,
    RULES,
    STATE,
    TERMS,
    Cancel,
    Replace,
    Submit,
    Violation,
)
from tests.ibkr.evidence import Evidence, Truth
from tests.ibkr.judge_fill import judge_events, judge_fills, judge_holdings

from nanobook_core.contracts import (
    BrokerOrder,
    BrokerOrderStatus,
    OrderState,
    OrderType,
    Outcome,
)
from nanobook_core.contracts.broker_order import TERMINAL
from nanobook_ibkr.simulator.record import OrderStatusWord, VenueOrder

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
#: Ends after which it cannot be sent again.
_ENDS = TERMINAL - {_S.NOT_ACCEPTED}
_UNCHANGED = (Outcome.NOT_SENT, Outcome.REJECTED)
#: What it may say of an order that the venue does not have.
_ABSENT = frozenset({_S.CREATED, _S.UNKNOWN, _S.NOT_ACCEPTED, _S.REJECTED})


def judge(evidence: Evidence) -> list[Violation]:
    """Every law that was broken, in the order of the rules."""
    found = [
        *evidence.violations,
        *_duplicates(evidence),
        *_orders(evidence),
        *_outcomes(evidence),
        *_terms(evidence),
        *_cancels(evidence),
        *_open_orders(evidence),
        *_report(evidence),
        *judge_fills(evidence),
        *judge_events(evidence),
        *judge_holdings(evidence),
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
        elif isinstance(each, Replace) and each.outcome not in _UNCHANGED:
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


def _cancels(evidence: Evidence) -> Iterator[Violation]:
    """An order that could not be cancelled because it was done is done."""
    at_venue = {each.form.order_ref: each for each in evidence.truth.own}
    for each in evidence.asked:
        if isinstance(each, Cancel) and each.told in _ENDS:
            order = at_venue.get(each.client_order_id)
            if order is not None and each.told not in _STATES[order.status]:
                text = f"{each.client_order_id} is said to be {each.told}, and is {order.status}"
                yield Violation(OUTCOME, text)


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


def _report(evidence: Evidence) -> Iterator[Violation]:
    """A resync calls no order lost that is there, and shows those of others."""
    truth, report = evidence.truth, evidence.told.report
    for ref in sorted({each.form.order_ref for each in truth.own} & set(report.lost)):
        yield Violation(LOST, f"{ref} is said to be lost, and is at the venue")
    shown = {each.order_id for each in report.foreign}
    others = {e.perm_id for e in truth.orders if e.client_id != truth.client_id and not e.is_done}
    if shown != others:
        yield Violation(LOST, f"orders of others are {sorted(others)}, not {sorted(shown)}")
