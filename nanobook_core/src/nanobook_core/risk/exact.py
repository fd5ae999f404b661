"""Arithmetic in which a check never rounds, and never mistakes what is no number for one."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from decimal import (
    Context,
    Decimal,
    DivisionByZero,
    Inexact,
    InvalidOperation,
    Overflow,
    localcontext,
)
from functools import wraps
from typing import Any

from nanobook_core.contracts import RiskOrder, RiskRequest, RiskResult, RiskStatus

#: Wide enough for any quantity times any price; what does not fit raises, and so does NaN.
EXACT = Context(prec=200, traps=[Inexact, InvalidOperation, DivisionByZero, Overflow])
#: For what is only shown.
_SHOWN = Context(prec=28, traps=[])


class CannotJudgeError(ArithmeticError):
    """Something that a verdict needs is missing or is no usable number; the text says what."""


def ratio(amount: Decimal, base: Decimal) -> Decimal:
    """Their quotient as it is shown: infinite where the base is 0 or less."""
    return _SHOWN.divide(amount, base) if base > 0 else Decimal("Infinity")


def failure(name: str, error: ArithmeticError, symbol: str = "") -> RiskResult:
    """Finding that says what could not be judged."""
    detail = (
        str(error)
        if isinstance(error, CannotJudgeError)
        else "cannot be judged: an amount is no number, or has too many digits"
    )
    return RiskResult(name=name, status=RiskStatus.FAIL, detail=detail, symbol=symbol)


def exact(
    name: str,
) -> Callable[
    [Callable[[Any, RiskRequest], Iterable[RiskResult]]],
    Callable[[Any, RiskRequest], tuple[RiskResult, ...]],
]:
    """Make `evaluate` of a check judge in exact arithmetic; what cannot be judged fails.

    An empty answer becomes one finding that passes.
    """

    def decorate(
        evaluate: Callable[[Any, RiskRequest], Iterable[RiskResult]],
    ) -> Callable[[Any, RiskRequest], tuple[RiskResult, ...]]:
        @wraps(evaluate)
        def judge(self: Any, request: RiskRequest) -> tuple[RiskResult, ...]:
            try:
                with localcontext(EXACT):
                    return tuple(evaluate(self, request)) or (
                        RiskResult(name=name, status=RiskStatus.PASS, detail="no orders"),
                    )
            except ArithmeticError as error:
                return (failure(name, error),)

        return judge

    return decorate


def each_order(
    name: str, orders: Iterable[RiskOrder], judge: Callable[[RiskOrder], RiskResult | None]
) -> Iterable[RiskResult]:
    """What is found of each order, if anything; an order that cannot be judged fails."""
    for order in orders:
        try:
            found = judge(order)
        except ArithmeticError as error:
            found = failure(name, error, order.symbol)
        if found is not None:
            yield found
