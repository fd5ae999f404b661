"""The path that runs a batch of requests on any engine, one by one."""

from __future__ import annotations

from collections.abc import Sequence
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
from nanobook_core.errors import ValidationError
from nanobook_core.interrupt import interrupts_held
from nanobook_core.lob.ops import coerced, make_ops, ops_dtype
from nanobook_core.lob.row import check_row, first_malformed, from_events, to_event
from nanobook_core.lob.trades import trade_dtype
from nanobook_core.types import INT64_MAX, OrderStatus

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from nanobook_core.lob.exchange import ExchangeBase

__all__ = [
    "check_row",
    "coerced",
    "first_malformed",
    "from_events",
    "make_ops",
    "ops_dtype",
    "run",
    "run_books",
    "to_event",
]


def run(exchange: ExchangeBase, ops: object) -> ApplyResult:
    """Make the requests of an array one by one, once all of them have been checked.

    Ctrl-C waits for the request that runs: the exchange is then as after the last whole row.

    Raises:
        TypeError, OverflowError, ValidationError: as `coerced` and `check_row`.

    """
    rows = coerced(ops)
    return _run([exchange], rows, [0] * len(rows))


def run_books(books: Sequence[ExchangeBase], ops: object) -> ApplyResult:
    """Do the same with rows whose field `symbol` says which of the books they are for.

    Raises:
        ValidationError: also where there is no such book, or one is there twice.

    """
    import numpy as np

    if len(set(map(id, books))) < len(books):
        raise ValidationError("an exchange is there twice: a symbol each has one of its own")
    rows = coerced(ops)
    if (outside := np.flatnonzero(rows["symbol"] >= len(books))).size:
        i = int(outside[0])
        raise ValidationError(
            f"row {i}: symbol is an index into {len(books)} symbols(), got {rows['symbol'][i]}"
        )
    return _run(books, rows, rows["symbol"].tolist())


def _run(books: Sequence[ExchangeBase], rows: NDArray[np.void], numbers: list[int]) -> ApplyResult:
    import numpy as np

    if (bad := first_malformed(rows)) is not None:
        check_row(rows, bad)
    first_prints = [book.trade_count() for book in books]
    outcomes = []
    with interrupts_held() as answer_interrupts:
        for row, number in zip(rows, numbers, strict=True):
            outcomes.append(_outcome(books[number], to_event(row)))
            answer_interrupts()
    status, error, order_id, filled, resting, cancelled, printed = (
        np.array(outcomes, np.int64).reshape(-1, 7).T.copy()
    )
    trades = np.empty(printed.sum(), trade_dtype())
    of_book = np.repeat(np.array(numbers, np.int64), printed)
    for number, book in enumerate(books):
        trades[of_book == number] = book.trades_array()[first_prints[number] :]
    return ApplyResult(
        status=status.astype(np.uint8),
        error=error.astype(np.uint8),
        order_id=order_id,
        filled=filled,
        resting=resting,
        cancelled=cancelled,
        trade_offsets=np.concatenate([[0], printed.cumsum()]),
        trades=trades,
    )


def _outcome(exchange: ExchangeBase, event: Event) -> tuple[int, ...]:
    """Make one request; what `ApplyResult` has of it, in its order, and the number of prints."""
    before = exchange.trade_count()
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
        exchange.trade_count() - before,
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
