"""From what is held to what should be held, as trades."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal, localcontext

from attrs import frozen

from nanobook_core.contracts import Instrument, Quote
from nanobook_rebalancer.decimal_text import EXACT
from nanobook_rebalancer.errors import PlanError
from nanobook_rebalancer.leg import Leg, Phase, Skipped
from nanobook_rebalancer.limit import limit_price
from nanobook_rebalancer.rules import Rules
from nanobook_rebalancer.trade import Part, Trade


@frozen
class Diff:
    """Trades in the order in which they may be sent, and those that are not made."""

    legs: tuple[Leg, ...]
    skipped: tuple[Skipped, ...]


def diff(
    equity: Decimal,
    positions: Mapping[str, Decimal],
    targets: Mapping[str, Decimal],
    *,
    quotes: Mapping[str, Quote],
    instruments: Mapping[str, Instrument],
    rules: Rules,
    first: int = 1,
) -> Diff:
    """Return the trades that lead from positions to target weights.

    A targeted symbol trades `(equity * weight - value) / price` at the mark, cut towards 0 to whole
    lots, so that it ends less than a lot short of its target and never beyond; a held symbol
    without target is closed, as far as whole lots can. All of it is exact. Not made, and listed
    with its reason: a trade worth less than `min_trade`, unless it closes a position (of one that
    goes through 0, the close is made), and what the instrument's rules forbid. A trade that reduces
    comes before each that increases, inside both symbols are in alphabetical order, and numbers
    rise from `first`; where flips are split, the opening half waits for the closing one. Each leg
    has its `limit_price`.

    Raises:
        PlanError: a symbol without usable quote, a short where there can be none, or targets while
            equity is not above 0.

    """
    with localcontext(EXACT):
        if targets and not (equity.is_finite() and equity > 0):
            raise PlanError(
                f"weights are of equity, which is {equity}; only closing everything is possible"
            )
        parts: list[Part] = []
        skipped: list[Skipped] = []
        held = {symbol: quantity for symbol, quantity in positions.items() if quantity}
        for symbol in sorted(held.keys() | targets.keys()):
            trade = Trade(
                symbol=symbol,
                held=held.get(symbol, Decimal(0)),
                quote=quotes[symbol],
                mark=_mark(quotes[symbol]),
                instrument=instruments[symbol],
                rules=rules,
            )
            for part in trade.parts(equity, targets.get(symbol)):
                if isinstance(part, Skipped):
                    skipped.append(part)
                else:
                    parts.append(part)
        parts.sort(key=lambda part: part.phase is Phase.INCREASE)
        return Diff(tuple(_numbered(parts, first)), tuple(skipped))


def _mark(quote: Quote) -> Decimal:
    mark = quote.mark
    if mark is None or not quote.is_usable:
        raise PlanError(f"{quote.symbol}: no usable quote, bid {quote.bid} and ask {quote.ask}")
    return mark


def _numbered(parts: list[Part], first: int) -> Iterator[Leg]:
    closing: dict[str, int] = {}
    for number, part in enumerate(parts, first):
        trade = part.trade
        if part.phase is Phase.REDUCE:
            closing[trade.symbol] = number
        yield Leg(
            number=number,
            symbol=trade.symbol,
            action=part.action,
            description=part.description,
            phase=part.phase,
            quantity=part.quantity,
            limit=limit_price(part.action.side, trade.quote, trade.instrument, trade.rules),
            mark=trade.mark,
            multiplier=trade.instrument.multiplier,
            after=closing.get(trade.symbol) if part.phase is Phase.INCREASE else None,
        )
