"""What must hold of trades, of events, and of what is held."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from decimal import Decimal

from tests.binance.evidence import Evidence
from tests.fault.evidence import DOUBLED, EVENT, LOST, POSITION, Violation
from tests.fault.judge_event import judge_order_events

from nanobook_core.contracts import Fill

_NOTHING = (Decimal(0), Decimal(0))


def _said(fill: Fill) -> tuple[object, ...]:
    fee = (fill.fee, fill.fee_currency)
    terms = (fill.symbol, fill.order_id, fill.side, fill.quantity, fill.price)
    return *terms, *fee, fill.liquidity


def judge_fills(evidence: Evidence) -> Iterator[Violation]:
    """Each trade of our orders counts once, with what it cost."""
    told = evidence.told
    yield from _twice(told.fills, DOUBLED, "is in fills()")
    keys = {each.key for each in evidence.own}
    said = Counter(_said(each) for each in told.fills)
    every = Counter(each.facts for each in evidence.truth.trades)
    own = Counter(each.facts for each in evidence.truth.trades if (each.symbol, each.order) in keys)
    for facts in own - said:
        yield Violation(LOST, f"trade {facts} is not in fills()")
    for facts in said - every:
        yield Violation(DOUBLED, f"a fill is {facts}, and there was no such trade")


def _twice(fills: tuple[Fill, ...], rule: str, what: str) -> Iterator[Violation]:
    for exec_id, count in Counter(each.exec_id for each in fills).items():
        if count > 1:
            yield Violation(rule, f"execution {exec_id} {what} {count} times")


def judge_events(evidence: Evidence) -> Iterator[Violation]:
    """No fill is told twice of an order that is remembered; no order comes back; none is kept back.

    Those of others may be told again after a new connection: no records are kept of them.
    """
    told = evidence.told
    fills = tuple(each.fill for each in told.events if each.fill is not None)
    keys = {each.key for each in evidence.own}
    known = {each.key for each in evidence.own if each.client_order_id in evidence.remembered}
    ours = tuple(fill for fill in fills if (fill.symbol, fill.order_id) in known)
    yield from _twice(ours, EVENT, "was told")
    every = {each.facts for each in evidence.truth.trades}
    for facts in {_said(each): None for each in fills}:
        if facts not in every:
            yield Violation(EVENT, f"a fill was told that never was: {facts}")
    yield from judge_order_events(each.order for each in told.events if each.order is not None)
    if told.is_whole:
        shown = {each.exec_id for each in (*fills, *told.missed)}
        for fill in told.fills:
            if (fill.symbol, fill.order_id) in keys and fill.exec_id not in shown:
                yield Violation(EVENT, f"nobody was told of execution {fill.exec_id}")


def judge_holdings(evidence: Evidence) -> Iterator[Violation]:
    """What is held, free and locked, to the last satoshi, and the money."""
    quote, told = evidence.quote_asset, evidence.told
    theirs = evidence.truth.balances
    for asset in sorted(told.balances.keys() | theirs.keys()):
        ours, truth = told.balances.get(asset, _NOTHING), theirs.get(asset, _NOTHING)
        if ours != truth:
            yield Violation(POSITION, f"{asset} is {ours} free and locked, {truth} at the venue")
    held = {asset: sum(both) for asset, both in theirs.items() if asset != quote and sum(both)}
    for asset in sorted(told.positions.keys() | held.keys()):
        if told.positions.get(asset, 0) != held.get(asset, 0):
            text = f"{told.positions.get(asset, 0)} {asset} held"
            yield Violation(POSITION, f"{text}, {held.get(asset, 0)} at the venue")
    cash = sum(theirs.get(quote, _NOTHING))
    if told.cash != cash:
        yield Violation(POSITION, f"cash is {told.cash}, {cash} at the venue")
