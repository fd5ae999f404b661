"""The verdicts J1 to J7 of reliability 3.3 on a run and its restarts.

They are read from what the venue knows to be true, from the audit log and from the plan in it;
never from what a runner remembers. Format, chain and client order ids are worked out here once
more, from their description, so that a mistake in ours is none of the judge's.
"""

from __future__ import annotations

import base64
import json
from collections import defaultdict
from collections.abc import Iterable, Mapping
from decimal import Decimal
from hashlib import sha256
from typing import Any

from attrs import field, frozen
from tests.rebalancer.sim_venue import ACCOUNT, Execution, Truth, VenueOrder

#: Oldest prices, in seconds, on which an order may be sent.
MAX_QUOTE_AGE = 5.0
#: A run and its restarts have ended by then.
MAX_MINUTES = 120.0
MAX_RESTARTS = 5
MAX_ATTEMPTS = 5

DONE, REVIEW, HALTED, LOCKED = 0, 4, 5, 6


@frozen
class Violation:
    """A law that was broken."""

    rule: str
    text: str


@frozen(kw_only=True)
class Ending:
    """How the processes ended, as whoever started them saw it."""

    codes: tuple[int | None, ...]
    """Exit code of each; None where it died."""
    minutes: float = 0.0
    texts: tuple[str, ...] = ()
    """All that was printed, logged or raised."""
    others: tuple[int | None, ...] = ()
    """Exit codes of those that were started while another one ran."""


@frozen
class LegOrders:
    """A leg of a plan, and its client order ids."""

    data: dict[str, Any]
    ids: tuple[str, ...]

    @property
    def quantity(self) -> Decimal:
        return Decimal(self.data["quantity"])

    @property
    def side(self) -> str:
        return "buy" if self.data["action"] in ("BUY", "BUY COVER") else "sell"

    @property
    def sign(self) -> int:
        return 1 if self.side == "buy" else -1


def client_ids(account: str, window: str, symbol: str, leg: int) -> tuple[str, ...]:
    """Ids of a leg's first attempts."""
    return tuple(
        "nb1-"
        + base64.b32encode(sha256(f"{account}|{window}|{symbol}|{leg}|{attempt}".encode()).digest())
        .decode()
        .lower()[:28]
        for attempt in range(1, MAX_ATTEMPTS + 1)
    )


def _chain(content: bytes) -> tuple[list[dict[str, Any]], list[Violation]]:
    """Records up to the first line that is none of this chain, and what is wrong with that."""
    records: list[dict[str, Any]] = []
    violations: list[Violation] = []
    prev = "0" * 64
    lines = content.split(b"\n")
    if lines.pop():
        violations.append(Violation("J4", "the last line is incomplete"))
    for number, line in enumerate(lines, 1):
        try:
            record = json.loads(line)
            body = {key: value for key, value in record.items() if key != "hash"}
            written = json.dumps(body, sort_keys=True, separators=(",", ":"))
            expected = sha256((prev + written).encode()).hexdigest()
            is_sound = (record["prev"], record["hash"]) == (prev, expected)
        except (ValueError, KeyError, AttributeError) as error:
            violations.append(Violation("J4", f"line {number} is no record: {error}"))
            break
        if not is_sound:
            violations.append(Violation("J4", f"line {number} breaks the chain"))
            break
        if record["seq"] != number:
            violations.append(Violation("J4", f"line {number} is record {record['seq']}"))
            break
        prev = record["hash"]
        records.append(record)
    return records, violations


@frozen
class Audit:
    """Records of an audit log, sorted by what they are about."""

    records: list[dict[str, Any]]
    violations: list[Violation]
    legs: dict[tuple[str, int], LegOrders] = field(factory=dict)
    """By window and number."""
    by_event: dict[str, list[dict[str, Any]]] = field(factory=lambda: defaultdict(list))
    by_order: dict[str, list[dict[str, Any]]] = field(factory=lambda: defaultdict(list))

    @classmethod
    def read(cls, content: bytes, account: str = ACCOUNT) -> Audit:
        """Read what is sound of it; the first thing that is not is a violation of J4.

        An execution that a later record corrects is not there any more.
        """
        records, violations = _chain(content)
        corrected = {record["data"].get("corrects") for record in records}
        records = [
            record
            for record in records
            if record["event"] != "order_filled" or record["data"]["exec_id"] not in corrected
        ]
        audit = cls(records, violations)
        for record in records:
            audit.by_event[record["event"]].append(record)
            if "client_order_id" in record["data"]:
                audit.by_order[record["data"]["client_order_id"]].append(record)
        for record in audit.by_event["diff_computed"]:
            plan = record["data"]["plan"]
            for leg in plan["legs"]:
                key = plan["window"], leg["number"]
                if key in audit.legs:
                    violations.append(Violation("J4", f"leg {leg['number']} was planned twice"))
                ids = client_ids(account, plan["window"], leg["symbol"], leg["number"])
                audit.legs[key] = LegOrders(leg, ids)
        return audit

    def events(self, client_order_id: str, event: str) -> list[dict[str, Any]]:
        """Data of an order's records of one kind."""
        return [
            record["data"] for record in self.by_order[client_order_id] if record["event"] == event
        ]

    def leg_of(self, client_order_id: str) -> LegOrders | None:
        """The leg whose order that is."""
        for leg in self.legs.values():
            if client_order_id in leg.ids:
                return leg
        return None

    @property
    def reviews(self) -> str:
        """All that a person is asked to look at."""
        said = [record["data"]["reasons"] for record in self.by_event["review"]]
        said += [record["data"].get("review", []) for record in self.by_event["run_completed"]]
        return json.dumps(said)

    def is_in_review(self, client_order_id: str) -> bool:
        """Whether a person is asked to look at an order."""
        return client_order_id in self.reviews

    @property
    def status(self) -> str:
        """How the last run ended."""
        completed = self.by_event["run_completed"]
        return completed[-1]["data"]["status"] if completed else ""


def judge(truth: Truth, content: bytes, ending: Ending) -> list[Violation]:
    """Every law that was broken, none twice."""
    audit = Audit.read(content, truth.account)
    found = [
        *duplicates(truth, audit),
        *lost(truth, audit),
        *gaps(truth, audit),
        *audit.violations,
        *disorder(audit),
        *forbidden(truth, audit),
        *unfinished(audit, ending),
        *unjustified(truth, audit, ending),
        *secrets(content, ending),
    ]
    return list(dict.fromkeys(found))


def duplicates(truth: Truth, audit: Audit) -> Iterable[Violation]:
    """J1: never more of a leg than planned, and one live order at most."""
    by_leg: dict[str, list[VenueOrder]] = defaultdict(list)
    legs: dict[str, LegOrders] = {}
    for order in truth.orders:
        leg = audit.leg_of(order.client_order_id)
        if leg is None:
            yield Violation("J1", f"no leg has order {order.number} {order.client_order_id}")
            continue
        if (order.symbol, order.side) != (leg.data["symbol"], leg.side):
            yield Violation("J1", f"order {order.number} is not what leg {leg.data['number']} is")
        legs[leg.ids[0]] = leg
        before = by_leg[leg.ids[0]]
        live = [
            each for each in before if each.ended_at is None or each.ended_at > order.accepted_at
        ]
        if live:
            yield Violation("J1", f"leg {leg.data['number']} had two live orders")
        taken = sum(
            (
                each.quantity if each in live else _known(truth, audit, each, order)
                for each in before
            ),
            order.quantity,
        )
        if taken > leg.quantity:
            yield Violation(
                "J1", f"leg {leg.data['number']}: {taken} accepted, {leg.quantity} planned"
            )
        before.append(order)
    for key, orders in by_leg.items():
        leg, filled = legs[key], _filled(truth, orders)
        late = late_executions(truth, leg.data["symbol"])
        is_told = f"leg {leg.data['number']}: {filled} " in audit.reviews
        if filled > leg.quantity and not (len(orders) > 1 and late and is_told):
            yield Violation("J1", f"leg {leg.data['number']}: {filled} filled")


def _filled(truth: Truth, orders: list[VenueOrder]) -> Decimal:
    """What of a leg has filled, without what came when nobody was there any more to see it."""
    ends = {order.number: order.ended_at for order in orders}
    unseen = sum(
        each.quantity
        for each in truth.executions
        if each.number in ends and _is_out_of_sight(truth, ends[each.number], each.at)
    )
    return sum((order.filled for order in orders), -Decimal(unseen))


def _known(truth: Truth, audit: Audit, before: VenueOrder, order: VenueOrder) -> Decimal:
    """What had filled of an order before another one: all but late fills that nobody knew of."""
    intents = [
        record["seq"]
        for record in audit.by_order[order.client_order_id]
        if record["event"] == "order_intent"
    ]
    recorded = {
        record["data"]["exec_id"]
        for record in audit.by_event["order_filled"]
        if record["seq"] < min(intents, default=0)
    }
    return before.filled - sum(
        (
            each.quantity
            for each in late_executions(truth, before.symbol)
            if each.number == before.number and each.exec_id not in recorded
        ),
        Decimal(0),
    )


def lost(truth: Truth, audit: Audit) -> Iterable[Violation]:
    """J2: every order and execution of the venue is in the audit; every intent has an end."""
    for order in truth.orders:
        name = f"order {order.number} {order.client_order_id}"
        intents = audit.events(order.client_order_id, "order_intent")
        if not intents:
            yield Violation("J2", f"{name} has no intent")
        elif Decimal(intents[0]["shares"]) != order.quantity:
            yield Violation("J2", f"{name} is of {order.quantity}, intended {intents[0]['shares']}")
        known = [*audit.events(order.client_order_id, "order_submitted")]
        known += audit.events(order.client_order_id, "order_done")
        if not known and not audit.is_in_review(order.client_order_id):
            yield Violation("J2", f"{name} is not known to the audit")
        if order.ended_at is None and not audit.is_in_review(order.client_order_id):
            yield Violation("J2", f"{name} was left open")
    yield from _lost_executions(truth, audit)
    for client_order_id, records in audit.by_order.items():
        if {record["event"] for record in records} != {"order_not_sent"} and not audit.events(
            client_order_id, "order_intent"
        ):
            yield Violation("J2", f"{client_order_id} was not intended")
        ends = [
            record["event"]
            for record in records
            if record["event"] in ("order_intent", "order_not_sent", "order_done")
        ]
        if ends[-1:] == ["order_intent"] and not audit.is_in_review(client_order_id):
            yield Violation("J2", f"{client_order_id} has no end")
        if ends[-1:] == ["order_not_sent"] and any(
            order.client_order_id == client_order_id for order in truth.orders
        ):
            yield Violation("J2", f"{client_order_id} was sent")


def _lost_executions(truth: Truth, audit: Audit) -> Iterable[Violation]:
    recorded: dict[str, dict[str, Any]] = {}
    for record in audit.by_event["order_filled"]:
        data = record["data"]
        if data["exec_id"] in recorded:
            yield Violation("J2", f"execution {data['exec_id']} is in the audit twice")
        recorded[data["exec_id"]] = data
    ends = {order.number: order.ended_at for order in truth.orders}
    for each in truth.executions:
        data = recorded.pop(each.exec_id, None)
        if data is None:
            if not _is_out_of_sight(truth, ends[each.number], each.at) and not audit.is_in_review(
                each.client_order_id
            ):
                yield Violation("J2", f"execution {each.exec_id} is not in the audit")
        elif (
            Decimal(data["shares"]),
            Decimal(data["price"]),
            data["client_order_id"],
        ) != (each.quantity, each.price, each.client_order_id):
            yield Violation("J2", f"execution {each.exec_id} is another one in the audit")
    for exec_id in recorded:
        yield Violation("J2", f"execution {exec_id} is in the audit only")


def _is_out_of_sight(truth: Truth, ended_at: float | None, at: float) -> bool:
    """Whether a fill came after the end of its order, and after anybody asked again."""
    return ended_at is not None and at > ended_at and at > truth.asked_at


def gaps(truth: Truth, audit: Audit) -> Iterable[Violation]:
    """J3: positions are the plan's, but for what the audit says is missing."""
    plans = audit.by_event["diff_computed"]
    if not plans:
        if truth.orders:
            yield Violation("J3", "orders without a plan")
        return
    plan = plans[-1]["data"]["plan"]
    recorded = {record["data"]["exec_id"] for record in audit.by_event["order_filled"]}
    ends = {order.number: order.ended_at for order in truth.orders}
    seen = [
        each
        for each in truth.executions
        if each.exec_id in recorded or not _is_out_of_sight(truth, ends[each.number], each.at)
    ]
    by_order = defaultdict(Decimal)
    for record in audit.by_event["order_filled"]:
        by_order[record["data"]["client_order_id"]] += Decimal(record["data"]["shares"])
    before = dict(plan["positions"])
    explained, is_needed = _explained(audit, plans[-1])
    for symbol in sorted({*truth.start, *dict(plan["targets"]), *before, *explained}):
        legs = [
            audit.legs[plan["window"], leg["number"]]
            for leg in plan["legs"]
            if leg["symbol"] == symbol
        ]
        held = truth.start.get(symbol, Decimal(0)) + sum(
            (each.change for each in seen if each.symbol == symbol), Decimal(0)
        )
        if any(
            audit.is_in_review(each)
            for leg in audit.legs.values()
            if leg.data["symbol"] == symbol
            for each in leg.ids
        ):
            continue
        difference = held - explained[symbol]
        if difference and not _is_late(truth, audit, symbol, difference):
            yield Violation(
                "J3", f"{symbol}: {held} are held, the audit explains {explained[symbol]}"
            )
        planned = sum((leg.sign * leg.quantity for leg in legs), Decimal(before.get(symbol, 0)))
        ids = {each for leg in legs for each in leg.ids}
        planned -= sum(
            _fee_in_kind(record, symbol)
            for record in audit.records[plans[-1]["seq"] :]
            if record["data"].get("client_order_id") in ids
        )
        if is_needed and held != planned and audit.status == "done":
            yield Violation("J3", f"{symbol}: {held} are held, {planned} are called done")
    yield from _unlisted(truth, audit, seen, by_order)


def _explained(audit: Audit, plan: dict[str, Any]) -> tuple[dict[str, Decimal], bool]:
    """Positions by the audit, and whether the last run that looked had anything to trade.

    They are those that the last plan was made of, or that needed none, and every fill since.
    """
    fetched: dict[str, Any] = {}
    positions, since, is_needed = plan["data"]["plan"]["positions"], plan["seq"], True
    for record in audit.records:
        if record["event"] == "positions_fetched":
            fetched = record
        elif record["event"] == "no_rebalance_needed" and record["seq"] > plan["seq"]:
            positions = [[held["symbol"], held["qty"]] for held in fetched["data"]["positions"]]
            since, is_needed = fetched["seq"], False
    explained = defaultdict(Decimal)
    for symbol, quantity in positions:
        explained[symbol] += Decimal(quantity)
    for record in audit.records[since:]:
        leg = audit.leg_of(record["data"].get("client_order_id", ""))
        if record["event"] == "order_filled" and leg is not None:
            symbol = leg.data["symbol"]
            explained[symbol] += leg.sign * Decimal(record["data"]["shares"])
            explained[symbol] -= _fee_in_kind(record, symbol)
    return explained, is_needed


def _fee_in_kind(record: dict[str, Any], symbol: str) -> Decimal:
    """What was taken out of what is held of a symbol for a fill of it, by the audit."""
    data = record["data"]
    is_in_kind = record["event"] == "order_filled" and data.get("fee_currency") == symbol
    return Decimal(data["fee"]) if is_in_kind else Decimal(0)


def _is_late(truth: Truth, audit: Audit, symbol: str, difference: Decimal) -> bool:
    """Whether a person is told of late fills that the next plan had seen, and the audit had not."""
    late = late_executions(truth, symbol)
    sums = {Decimal(0)}
    for each in late:
        sums |= {known - each.signed_quantity for known in sums}
    return audit.status == "review" and symbol in audit.reviews and difference in sums


def late_executions(truth: Truth, symbol: str) -> list[Execution]:
    """Those that came after their order had ended."""
    ends = {order.number: order.ended_at for order in truth.orders}
    return [
        each
        for each in truth.executions
        if each.symbol == symbol and (end := ends[each.number]) is not None and each.at > end
    ]


def _unlisted(
    truth: Truth, audit: Audit, seen: list[Execution], by_order: Mapping[str, Decimal]
) -> Iterable[Violation]:
    for order in truth.orders:
        for done in audit.events(order.client_order_id, "order_done")[-1:]:
            at_venue = sum(
                (each.quantity for each in seen if each.number == order.number), Decimal(0)
            )
            if max(Decimal(done["filled"]), by_order[order.client_order_id]) != at_venue:
                yield Violation(
                    "J3", f"order {order.number}: {done['filled']} of {at_venue} are listed"
                )


def disorder(audit: Audit) -> Iterable[Violation]:
    """J4, but for the chain: nothing is done for a window that is done."""
    windows: dict[str, str] = {}
    done: set[str] = set()
    for record in audit.records:
        if record["event"] == "run_started":
            windows[record["run"]] = record["data"].get("window", "")
        window = windows.get(record["run"], "")
        if window in done and record["event"] != "run_completed":
            yield Violation("J4", f"{record['event']} after the end")
        if record["event"] == "run_completed" and record["data"]["status"] == "done":
            done.add(window)


def forbidden(truth: Truth, audit: Audit) -> Iterable[Violation]:
    """J5: no order once it was forbidden, and none on prices that are none."""
    for order in truth.orders:
        if truth.killed_at is not None and order.sent_at > truth.killed_at:
            yield Violation("J5", f"order {order.number} was sent after the kill switch")
        if order.quote_usable is not True:
            yield Violation("J5", f"order {order.number} was sent on no usable quote")
        elif order.quote_age is None or not 0 <= order.quote_age <= MAX_QUOTE_AGE:
            yield Violation("J5", f"order {order.number}: its quote was {order.quote_age} s old")
    stopped: set[str] = set()
    for record in audit.records:
        if record["event"] in ("halted", "killed"):
            stopped.add(record["run"])
        elif record["event"] == "order_intent" and record["run"] in stopped:
            yield Violation("J5", f"record {record['seq']} is an intent after the halt")


def unfinished(audit: Audit, ending: Ending) -> Iterable[Violation]:
    """J6: in time, with few restarts, and at an end: faults stop, so that all can be traded."""
    if ending.minutes > MAX_MINUTES:
        yield Violation("J6", f"it took {ending.minutes:.0f} minutes")
    if len(ending.codes) - 1 > MAX_RESTARTS:
        yield Violation("J6", f"{len(ending.codes) - 1} restarts")
    expected = {DONE: "done", REVIEW: "review", HALTED: "halted"}
    last = ending.codes[-1] if ending.codes else None
    if last not in expected:
        yield Violation("J6", f"the last exit code is {last}")
    elif audit.status != expected[last]:
        yield Violation("J6", f"exit code {last}, and {audit.status!r} in the audit")
    for code in ending.others:
        if code != LOCKED:
            yield Violation("J6", f"a second instance ended with {code}")


def unjustified(truth: Truth, audit: Audit, ending: Ending) -> Iterable[Violation]:
    """J6: a person is asked only about what nobody but a person can find out.

    That is an order that may be anywhere: it is open though it was cancelled, or the venue did not
    answer for it, or it is not there and to send it again would not prove that it never was.
    """
    if ending.codes[-1:] != (REVIEW,):
        return
    at_venue = {order.client_order_id: order for order in truth.orders}
    asked = [each for each in audit.by_order if audit.is_in_review(each)]
    for client_order_id in asked:
        order = at_venue.get(client_order_id)
        is_uncertain = (
            client_order_id in truth.unanswered
            or (order is None and truth.takes_again)
            or (order is not None and order.ended_at is None)
        )
        if not is_uncertain:
            yield Violation("J6", f"a review of {client_order_id} without a reason")
    symbols = {order.symbol for order in truth.orders}
    beyond = [
        symbol for symbol in symbols if f" {symbol} traded, " in audit.reviews
    ]  # of a leg more than was planned
    if not asked and not any(
        (symbol in beyond or f'"{symbol}: ' in audit.reviews) and late_executions(truth, symbol)
        for symbol in symbols
    ):
        yield Violation("J6", f"a review of nothing: {audit.reviews:.300}")


def secrets(content: bytes, ending: Ending) -> Iterable[Violation]:
    """J7: no secret anywhere."""
    if b"canary" in content:
        yield Violation("J7", "a secret is in the audit")
    if any("canary" in text for text in ending.texts):
        yield Violation("J7", "a secret was printed")
