"""The path that runs a batch of requests on any engine, one by one."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import TYPE_CHECKING, Any

from nanobook_core.contracts import (
    ApplyResult,
    CancelResult,
    Event,
    ModifyResult,
    Order,
    StopSubmitResult,
    SubmitResult,
)
from nanobook_core.contracts.engine import ROW_ERROR, ROW_STATUS
from nanobook_core.lob.ops import coerced, make_ops, ops_dtype
from nanobook_core.lob.row import check_row, first_malformed, from_events, to_event
from nanobook_core.types import INT64_MAX, OrderStatus

if TYPE_CHECKING:
    from nanobook_core.lob.exchange import ExchangeBase

__all__ = [
    "check_row",
    "coerced",
    "first_malformed",
    "from_events",
    "make_ops",
    "ops_dtype",
    "run",
    "to_event",
]


def run(exchange: ExchangeBase, ops: object) -> ApplyResult:
    """Make the requests of an array one by one, once all of them have been checked.

    Ctrl-C waits for the request that runs: the exchange is then as after the last whole row.

    Raises:
        TypeError, OverflowError, ValidationError: as `coerced` and `check_row`.

    """
    import numpy as np

    ops = coerced(ops)
    if (bad := first_malformed(ops)) is not None:
        check_row(ops, bad)
    before = exchange.trade_count()
    outcomes, offsets = [], [0]
    with _interrupts_held() as answer_interrupts:
        for row in ops:
            outcomes.append(_outcome(exchange, to_event(row)))
            offsets.append(exchange.trade_count() - before)
            answer_interrupts()
    status, error, order_id, filled, resting, cancelled = (
        np.array(outcomes, np.int64).reshape(-1, 6).T.copy()
    )
    return ApplyResult(
        status=status.astype(np.uint8),
        error=error.astype(np.uint8),
        order_id=order_id,
        filled=filled,
        resting=resting,
        cancelled=cancelled,
        trade_offsets=np.array(offsets, np.int64),
        trades=exchange.trades_array()[before:],
    )


def _outcome(exchange: ExchangeBase, event: Event) -> tuple[int, ...]:
    """Make one request; what `ApplyResult` has of it, in its order."""
    answer: Any
    try:
        answer = exchange.submit(event)
    except OverflowError:  # the only refusal that a sound row meets
        answer = CancelResult(success=False, error="LevelOverflow")
    order_id = event.order_id or 0
    if isinstance(answer, SubmitResult | StopSubmitResult):
        order_id = answer.order_id
    elif isinstance(answer, ModifyResult):
        order_id = answer.new_order_id or order_id
    order = exchange.get_order(order_id)
    filled = sum(trade.quantity for trade in getattr(answer, "trades", ()))
    cancelled = getattr(answer, "cancelled_quantity", 0)
    return (
        ROW_STATUS.index(_status(event, answer, order, filled)),
        ROW_ERROR.index(getattr(answer, "error", None)),
        order_id,
        filled,
        order.remaining_quantity if order else 0,
        min(cancelled, INT64_MAX),
    )


def _status(event: Event, answer: Any, order: Order | None, filled: int) -> str:
    if isinstance(answer, SubmitResult | StopSubmitResult):
        return answer.status
    if getattr(answer, "error", None):
        return "Rejected"
    if not isinstance(answer, ModifyResult):
        return OrderStatus(order.status) if order else OrderStatus.CANCELLED
    if filled:
        return OrderStatus.FILLED if filled == event.quantity else OrderStatus.PARTIALLY_FILLED
    # It has traded with nothing, so nothing has happened to it since.
    return OrderStatus.NEW if order and order.is_active else OrderStatus.CANCELLED


@contextmanager
def _interrupts_held() -> Iterator[Callable[[], None]]:
    """Hold Ctrl-C back until the function that is given is called, or until the end."""
    handler = signal.getsignal(signal.SIGINT)
    # Only the main thread is ever interrupted, and only it may say what happens then.
    if threading.current_thread() is not threading.main_thread() or not callable(handler):
        yield lambda: None
        return
    held: list[tuple[int, FrameType | None]] = []

    def answer() -> None:
        while held:
            handler(*held.pop())

    signal.signal(signal.SIGINT, lambda *interrupt: held.append(interrupt))
    try:
        yield answer
    finally:
        signal.signal(signal.SIGINT, handler)
        answer()
