"""What must hold between the venue's truth, what a broker says of it, and what was asked of it.

It is read from the records of all three, and never from how the broker works.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from decimal import Decimal

from tests.binance.evidence import Evidence, VenueOrder
from tests.binance.judge_fill import judge_events, judge_fills, judge_holdings
from tests.fault.evidence import (
    DUPLICATE,
    LOST,
    OUTCOME,
    RULES,
    STATE,
    TERMS,
    Cancel,
    Submit,
    Violation,
)

from nanobook_core.contracts import BrokerOrder, BrokerOrderStatus, OrderState, OrderType, Outcome
from nanobook_core.contracts.broker_order import TERMINAL

_S = OrderState
#: What a broker must say of an order, by the venue's word for it.
_STATES: Mapping[str, OrderState] = {
    "PENDING_NEW": _S.ACCEPTED,
    "NEW": _S.ACCEPTED,
    "PARTIALLY_FILLED": _S.PARTIALLY_FILLED,
    "FILLED": _S.FILLED,
    "CANCELED": _S.CANCELLED,
    "REJECTED": _S.REJECTED,
    "EXPIRED": _S.EXPIRED,
    "EXPIRED_IN_MATCH": _S.EXPIRED,
}
#: What it may say of an order that the venue does not have, once absence can be proved.
_ABSENT = frozenset({_S.CREATED, _S.NOT_ACCEPTED, _S.REJECTED})
#: The venue's type and time in force, by what was asked for; None: as asked for.
_KINDS: Mapping[OrderType, tuple[str, str | None]] = {
    OrderType.MARKET: ("LIMIT", "IOC"),
    OrderType.LIMIT: ("LIMIT", None),
    OrderType.STOP: ("STOP_LOSS", "GTC"),
    OrderType.STOP_LIMIT: ("STOP_LOSS_LIMIT", None),
}
#: Of what a trade moves of the quote asset: the venue rounds it down, an average price may not.
_SATOSHI = Decimal("1E-8")


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
    """No order is at the venue twice, and none is sent again once the venue has it.

    The venue takes a client order id again as soon as the order is done: it saves nobody.
    """
    for ref, count in Counter(each.client_order_id for each in evidence.own).items():
        if count > 1:
            yield Violation(DUPLICATE, f"{count} orders of {ref} at the venue")
    taken = set()
    for each in evidence.truth.placed:
        if each.client_order_id in taken:
            yield Violation(DUPLICATE, f"{each.client_order_id} was sent though the venue had it")
        if each.is_taken:
            taken.add(each.client_order_id)


def _orders(evidence: Evidence) -> Iterator[Violation]:
    """Each order of ours at the venue is known, and stands as the venue says."""
    told = evidence.told
    for order in evidence.own:
        status = told.statuses.get(order.client_order_id)
        if status is None:
            text = f"nothing is known of {order.client_order_id}, which is {order.status}"
            yield Violation(LOST, text)
        else:
            trades = [each for each in evidence.truth.trades if each.order_key == order.key]
            yield from _standing(order, status, len(trades))
    at_venue = {each.client_order_id for each in evidence.own}
    for ref, status in told.statuses.items():
        if status is not None and ref not in at_venue and status.state not in _ABSENT:
            yield Violation(STATE, f"{ref} is {status.state}, and the venue has no such order")


def _standing(order: VenueOrder, status: BrokerOrderStatus, n_trades: int) -> Iterator[Violation]:
    ref = order.client_order_id
    if status.state is not _STATES.get(order.status):
        yield Violation(STATE, f"{ref} is {status.state}, but {order.status} at the venue")
    if status.filled_quantity != order.filled:
        text = f"{status.filled_quantity} of {ref} filled, {order.filled} at the venue"
        yield Violation(STATE, text)
    paid = (status.avg_fill_price or Decimal(0)) * order.filled
    if abs(paid - order.quote_filled) > _SATOSHI * n_trades:
        yield Violation(STATE, f"{ref} was paid {paid}, {order.quote_filled} at the venue")
    if (status.symbol, status.order_id) != order.key:
        yield Violation(STATE, f"{ref} is order {status.order_id}, {order.number} at the venue")
    if (status.side, status.quantity) != (order.side, order.quantity):
        text = f"{ref} is {status.side} {status.quantity}, {order.quantity} at the venue"
        yield Violation(STATE, text)


def _outcomes(evidence: Evidence) -> Iterator[Violation]:
    """An error's outcome is true: of the only attempt that can have been sent."""
    sent = {each.client_order_id for each in evidence.truth.placed}
    attempts: dict[str, list[Submit]] = defaultdict(list)
    for each in evidence.asked:
        if isinstance(each, Submit):
            attempts[each.client_order_id].append(each)
    for ref, tried in attempts.items():
        order = evidence.truth.order(ref)
        is_sure = False
        for each in tried:
            if is_sure and each.outcome is not Outcome.NOT_SENT:
                yield Violation(OUTCOME, f"{ref} was sent again, though the venue had it")
            is_sure = is_sure or each.outcome in (None, Outcome.ACCEPTED)
            if each.outcome in (None, Outcome.ACCEPTED) and order is None:
                text = f"{ref} is said to be there, and the venue has no such order"
                yield Violation(OUTCOME, f"{text} ({each.error})")
            if each.outcome is Outcome.REJECTED and ref not in sent:
                text = f"{ref} is said to be refused there, and never was sent"
                yield Violation(OUTCOME, f"{text} ({each.error})")
        if order is not None and all(
            each.outcome in (Outcome.NOT_SENT, Outcome.REJECTED) for each in tried
        ):
            said = ", ".join(each.error for each in tried)
            yield Violation(OUTCOME, f"{ref} is {order.status}, whatever is said of it ({said})")
    for ref in sent - attempts.keys():
        yield Violation(OUTCOME, f"{ref!r} was sent, and nobody asked for it")


def _terms(evidence: Evidence) -> Iterator[Violation]:
    """What the venue has is what was asked for."""
    wanted: dict[str, BrokerOrder] = {}
    for each in evidence.asked:
        if isinstance(each, Submit) and (
            each.client_order_id not in wanted or each.outcome is not Outcome.NOT_SENT
        ):
            wanted[each.client_order_id] = each.order
    for venue in evidence.own:
        order = wanted[venue.client_order_id]
        kind, tif = _KINDS[order.order_type]
        limit = venue.limit_price if order.order_type is OrderType.MARKET else order.limit_price
        if order.post_only:
            kind, tif = "LIMIT_MAKER", "GTC"
        asked = (
            *(order.symbol, order.side, order.quantity, limit, order.stop_price),
            *(kind, tif or order.tif.value.upper()),
        )
        got = (
            *(venue.symbol, venue.side, venue.asked, venue.limit_price, venue.stop_price),
            *(venue.kind, venue.tif),
        )
        if got != asked:
            yield Violation(TERMS, f"{venue.client_order_id} is {got} at the venue, not {asked}")


def _cancels(evidence: Evidence) -> Iterator[Violation]:
    """An order that could not be cancelled because it was done is done, unless it came again."""
    for number, each in enumerate(evidence.asked):
        if isinstance(each, Cancel) and each.told in TERMINAL - {_S.NOT_ACCEPTED}:
            ref, order = each.client_order_id, evidence.truth.order(each.client_order_id)
            came_again = each.told is _S.REJECTED and any(
                isinstance(later, Submit) and later.client_order_id == ref
                for later in evidence.asked[number:]
            )
            if order is not None and not came_again and _STATES.get(order.status) is not each.told:
                yield Violation(OUTCOME, f"{ref} is said to be {each.told}, and is {order.status}")


def _open_orders(evidence: Evidence) -> Iterator[Violation]:
    """What is open there is open here, whoever's it is, and nothing else."""
    orders = {each.key: each for each in evidence.truth.orders}
    asked = {each.client_order_id for each in evidence.own}
    shown = Counter((each.symbol, each.order_id) for each in evidence.told.open_orders)
    for key, count in shown.items():
        if count > 1:
            yield Violation(STATE, f"order {key} is open {count} times")
    for key, order in orders.items():
        if not order.is_done and key not in shown:
            yield Violation(LOST, f"order {key} {order.client_order_id!r} is open, and not shown")
    for status in evidence.told.open_orders:
        key = (status.symbol, status.order_id)
        if key not in orders:
            yield Violation(STATE, f"order {key} is shown as {status.state}, and does not exist")
            continue
        order = orders[key]
        if order.is_done:
            yield Violation(STATE, f"order {key} is shown as {status.state}, and is {order.status}")
        is_stranger = order.client_order_id not in asked
        if status.is_own == is_stranger and (
            is_stranger or order.client_order_id in evidence.remembered
        ):
            yield Violation(STATE, f"order {key} is_own={status.is_own}")


def _report(evidence: Evidence) -> Iterator[Violation]:
    """A resync calls no order lost that is there, and shows those of others."""
    report = evidence.told.report
    for ref in sorted({each.client_order_id for each in evidence.own} & set(report.lost)):
        yield Violation(LOST, f"{ref} is said to be lost, and is at the venue")
    shown = {(each.symbol, each.order_id) for each in report.foreign}
    asked = {each.client_order_id for each in evidence.own}
    living = [each for each in evidence.truth.orders if not each.is_done]
    others = {each.key for each in living if each.client_order_id not in asked}
    allowed = {each.key for each in living if each.client_order_id not in evidence.remembered}
    if not others <= shown <= allowed:
        yield Violation(LOST, f"orders of others are {sorted(others)}, not {sorted(shown)}")
