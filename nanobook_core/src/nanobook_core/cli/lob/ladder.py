"""The order book and its trades as lines of text, each with a colour for terminals."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nanobook_core.types import Side

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from nanobook_core.contracts import BookSnapshot, LevelSnapshot, Trade

ASK = "red"
BID = "green"
FAINT = "dim"

#: A level's bar has one block for each so many, up to so many blocks.
_BAR_UNIT = 50
_BAR_LENGTH = 20

#: Trades that are listed unless somebody asks for more.
NEWEST = 20


def amount(price: int) -> str:
    """Return cents as dollars, without the sign of the currency; exact."""
    cents = abs(price)
    return f"{'-' if price < 0 else ''}{cents // 100}.{cents % 100:02d}"


def ladder(book: BookSnapshot) -> Iterator[tuple[str, str]]:
    """Text and colour of each line: asks from the highest, the spread, bids from the highest."""
    yield "", ""
    yield "            ORDER BOOK", "bold"
    yield "  ──────────────────────────────", FAINT
    if not (book.asks or book.bids):
        yield "  (empty)", FAINT
    else:
        for level in reversed(book.asks):
            yield _level("ASK", level), ASK
        spread = book.spread()
        middle = "(no spread)" if spread is None else f"spread: ${amount(spread)}"
        yield f"  ─────── {middle} ───────", FAINT
        for level in book.bids:
            yield _level("BID", level), BID
    yield "", ""


def _level(label: str, level: LevelSnapshot) -> str:
    bar = "█" * min(level.quantity // _BAR_UNIT, _BAR_LENGTH)
    return (
        f"  {label} ${amount(level.price):>8}  {level.quantity:>6}  {bar:<{_BAR_LENGTH}}  "
        f"({level.order_count} orders)"
    )


def history(trades: Sequence[Trade], newest: int = NEWEST) -> Iterator[tuple[str, str]]:
    """Text and colour of each line: the newest trades, the last one first."""
    if not trades:
        yield "No trades yet.", ""
        return
    yield "", ""
    yield f"  TRADE HISTORY ({len(trades)} trades)", "bold"
    yield "  ──────────────────────────────────────────", FAINT
    yield f"  {'ID':>4}  {'Price':>10}  {'Qty':>8}  {'Buyer':>6} → {'Seller':>6}", FAINT
    shown = min(newest, len(trades))
    for trade in reversed(trades[len(trades) - shown :]):
        orders = (trade.aggressor_order_id, trade.passive_order_id)
        bought = trade.aggressor_side is Side.BUY
        buyer, seller = orders if bought else reversed(orders)
        line = (
            f"  {trade.trade_id:>4}  ${amount(trade.price):>9}  {trade.quantity:>8}  "
            f"{buyer:>6} → {seller:>6}"
        )
        yield line, BID if bought else ASK
    if len(trades) > shown:
        yield f"  ... and {len(trades) - shown} more", FAINT
    yield "", ""
