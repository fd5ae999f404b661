"""How findings are worded, and the shape that exposure checks share."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Context, Decimal

from nanobook_core.contracts import RiskRequest, RiskResult, RiskStatus
from nanobook_core.risk import Book, book_of, failure, ratio

#: Ends the text of what would fail if it were not an exit.
ONLY_REDUCES = "; only reduces what is held"
NO_CAP = "no cap"
_SMALLEST = Decimal("1e-8")
#: Rounds, unlike what findings are computed with.
_SHOWN = Context(prec=100)


def percent(share: Decimal) -> str:
    """One decimal, as the seed prints it."""
    return f"{float(share) * 100:.1f}%"


def fine_percent(share: Decimal) -> str:
    """Two decimals."""
    return f"{float(share) * 100:.2f}%"


def times(share: Decimal) -> str:
    """Two decimals, as the seed prints leverage."""
    return f"{float(share):.2f}x"


def money(value: Decimal, currency: str, places: int) -> str:
    """Dollars with so many places, as the seed prints them; another currency with its name."""
    if currency == "USD":
        return f"${float(value):.{places}f}"
    return f"{amount(value, currency)} {currency}"


def amount(value: Decimal, currency: str) -> str:
    """Money without a currency: two places, and of what is no dollars what is in eight of them."""
    if currency == "USD":
        return f"{float(value):.2f}"
    whole, _, parts = f"{value.quantize(_SMALLEST, context=_SHOWN):f}".partition(".")
    return f"{whole}.{parts.rstrip('0'):0<2}"


def sign(*, is_within: bool) -> str:
    """Stands between what was found and what is allowed."""
    return "<=" if is_within else ">"


def status(*, is_within: bool) -> RiskStatus:
    """Verdict on a limit that refuses."""
    return RiskStatus.PASS if is_within else RiskStatus.FAIL


def against_equity(
    name: str,
    request: RiskRequest,
    amount: Callable[[Book], Decimal],
    limit: Decimal,
    show: Callable[[Decimal], str],
) -> RiskResult:
    """Finding on an amount of the whole book as a ratio of equity; orders that only reduce pass."""
    book = book_of(request)
    found: Decimal | None = None
    try:
        value = amount(book)
        is_within = bool(book.equity) and value <= limit * book.equity
        found = ratio(value, book.equity)
        detail = f"{show(found)} {sign(is_within=is_within)} {show(limit)} limit"
    except ArithmeticError as error:
        is_within = False
        detail = failure(name, error).detail
    if not is_within and book.only_reduces:
        is_within = True
        detail += ONLY_REDUCES
    return RiskResult(
        name=name, status=status(is_within=is_within), detail=detail, value=found, limit=limit
    )
