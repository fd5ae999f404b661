"""What the account holds beyond the executions that are known, and how that has changed."""

from __future__ import annotations

import json
import logging
from collections import defaultdict
from collections.abc import Iterable, Mapping
from decimal import Decimal

from nanobook_core.contracts import BrokerError, Fill
from nanobook_core.contracts.cents import WIDE
from nanobook_core.types import Side
from nanobook_ibkr.contract import Contracts
from nanobook_ibkr.order_desk import OrderDesk
from nanobook_ibkr.session import Session

log = logging.getLogger("nanobook.broker")

_ENTRY = "beyond fills"


async def reconcile(desk: OrderDesk, session: Session, contracts: Contracts) -> None:
    """Note what has changed of a position, since it was noted last, without an execution.

    Asked twice where something has: an execution and the position that it makes are told one after
    the other. Where positions are not told, nothing is noted.
    """
    try:
        now = await _beyond(desk, session, contracts)
        noted = desk.journal.entry(_ENTRY)
        before = {symbol: Decimal(text) for symbol, text in json.loads(noted or "{}").items()}
        if noted and _change(before, now):
            now = await _beyond(desk, session, contracts)
    except BrokerError as error:
        log.warning("positions could not be compared with executions: %s", error)
        return
    if noted:
        desk.note_unexplained(_change(before, now))
    if not noted or now != before:
        written = {symbol: str(quantity) for symbol, quantity in sorted(now.items())}
        desk.journal.write_entry(_ENTRY, json.dumps(written))


async def _beyond(desk: OrderDesk, session: Session, contracts: Contracts) -> dict[str, Decimal]:
    rows = await session.position_rows()
    beyond: defaultdict[str, Decimal] = defaultdict(Decimal)
    for row in rows:
        beyond[(await contracts.listed(row.contract)).instrument.symbol] = row.quantity
    for symbol, bought in bought_by(desk.fills()).items():
        beyond[symbol] = WIDE.subtract(beyond[symbol], bought)
    return {symbol: quantity for symbol, quantity in beyond.items() if quantity}


def bought_by(fills: Iterable[Fill]) -> dict[str, Decimal]:
    """What executions have bought of each symbol, less what they have sold."""
    bought: defaultdict[str, Decimal] = defaultdict(Decimal)
    for fill in fills:
        change = fill.quantity if fill.side is Side.BUY else fill.quantity.copy_negate()
        bought[fill.symbol] = WIDE.add(bought[fill.symbol], change)
    return dict(bought)


def _change(before: Mapping[str, Decimal], now: Mapping[str, Decimal]) -> dict[str, Decimal]:
    zero = Decimal(0)
    return {
        symbol: change
        for symbol in sorted({*before, *now})
        if (change := WIDE.subtract(now.get(symbol, zero), before.get(symbol, zero)))
    }
