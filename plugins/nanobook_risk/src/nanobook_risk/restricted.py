"""Symbols that must not be bought into."""

from __future__ import annotations

from collections.abc import Iterable

from attrs import field, frozen

from nanobook_core.contracts import RiskOrder, RiskRequest, RiskResult
from nanobook_core.errors import ValidationError
from nanobook_core.risk import book_of, exact
from nanobook_risk.symbols import symbols
from nanobook_risk.wording import ONLY_REDUCES, status

_NAME = "Restricted list"


def _restricted(value: object) -> frozenset[str]:
    return symbols("restricted", value)


def _allowed(value: object) -> frozenset[str] | None:
    return None if value is None else symbols("allowed", value)


@frozen(kw_only=True)
class Restricted:
    """Fails an order in a symbol that is `restricted`, or not `allowed` where that is given.

    Symbols, and what venues call them, are compared as they are spelt. Orders that only reduce
    pass.

    Raises:
        TypeError: a list is none of strings.
        ValidationError: neither is given, or an entry is blank.

    """

    restricted: frozenset[str] = field(default=frozenset(), converter=_restricted)
    allowed: frozenset[str] | None = field(default=None, converter=_allowed)

    def __attrs_post_init__(self) -> None:
        if not self.restricted and self.allowed is None:
            raise ValidationError("give a list of restricted or of allowed symbols, got neither")

    @exact(_NAME)
    def evaluate(self, request: RiskRequest) -> Iterable[RiskResult]:
        """One finding an order."""
        book = book_of(request)
        return [
            self._judge(order, _names(order, request), is_exit=book.reduces(order))
            for order in request.orders
        ]

    def _judge(self, order: RiskOrder, names: set[str], *, is_exit: bool) -> RiskResult:
        symbol = order.symbol
        if names & self.restricted:
            is_listed, detail = False, f"{symbol} is restricted"
        elif self.allowed is not None and not names & self.allowed:
            is_listed, detail = False, f"{symbol} is not on the list of allowed symbols"
        else:
            is_listed, detail = True, f"{symbol} may be traded"
        if is_exit and not is_listed:
            detail += ONLY_REDUCES
        return RiskResult(
            name=_NAME,
            status=status(is_within=is_listed or is_exit),
            detail=detail,
            symbol=symbol,
        )


def _names(order: RiskOrder, request: RiskRequest) -> set[str]:
    """What is ordered, by each of its names."""
    instrument = request.instruments.get(order.symbol)
    return {order.symbol} if instrument is None else {order.symbol, instrument.venue_symbol}
