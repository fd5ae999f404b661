"""Symbols that may be sold down but not bought into."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import ROUND_UP, Context, Decimal, localcontext

from attrs import field, frozen

from nanobook_core.contracts import RiskOrder, RiskRequest, RiskResult, RiskStatus
from nanobook_core.types import Side


def _symbols(given: Iterable[str]) -> frozenset[str]:
    # A string is an iterable of letters, and a list of letters restricts nothing that is traded.
    listed = frozenset() if isinstance(given, str) else frozenset(given)
    if not listed or not all(isinstance(name, str) and name.strip() for name in listed):
        raise ValueError(f"symbols must be a list of at least one symbol, got {given!r}")
    return listed


@frozen(kw_only=True)
class RestrictedList:
    """Fails every order in a listed symbol, unless it only reduces a held position.

    Symbols are compared as they are spelt. Orders reduce a position if all of them on that side,
    the open ones included, fill without turning it round.

    Raises:
        ValueError: `symbols` is empty, a string, or has an entry that is no symbol.

    """

    symbols: frozenset[str] = field(converter=_symbols)

    def evaluate(self, request: RiskRequest) -> tuple[RiskResult, ...]:
        """One finding an order; one that passes if there is none."""
        return tuple(self._judge(order, request) for order in request.orders) or (
            RiskResult(name="restricted_list", status=RiskStatus.PASS, detail="no orders"),
        )

    def _judge(self, order: RiskOrder, request: RiskRequest) -> RiskResult:
        if order.symbol not in self.symbols:
            status, detail = RiskStatus.PASS, f"{order.symbol!r} is not restricted"
        elif _reduces(order, request):
            status, detail = RiskStatus.PASS, f"{order.symbol!r} is restricted; this is an exit"
        else:
            status, detail = RiskStatus.FAIL, f"{order.symbol!r} is restricted; only exits pass"
        return RiskResult(name="restricted_list", status=status, detail=detail, symbol=order.symbol)


def _reduces(order: RiskOrder, request: RiskRequest) -> bool:
    held = request.positions.get(order.symbol, Decimal(0))
    available = held if order.side is Side.SELL else held.copy_negate()
    leaving = [
        other.quantity
        for other in (*request.orders, *request.open_orders)
        if other.symbol == order.symbol and other.side is order.side
    ]
    # Untrapped, NaN compares as False and a total out of range is Infinity: both end in Fail.
    with localcontext(Context(rounding=ROUND_UP, traps=[])):
        return (
            available.is_finite()
            and all(quantity > 0 for quantity in leaving)
            and sum(leaving, Decimal(0)) <= available
        )
