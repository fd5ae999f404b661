"""The worst price at which a leg may trade."""

from __future__ import annotations

from decimal import Decimal, localcontext

from nanobook_core.contracts import Instrument, Quote
from nanobook_core.types import Side
from nanobook_rebalancer.decimal_text import EXACT
from nanobook_rebalancer.errors import PlanError
from nanobook_rebalancer.rules import Rules

_BPS = Decimal("0.0001")
#: Ticks that a limit may be away from the mark even where the collar is narrower than that.
_COLLAR_TICKS = 2


def limit_price(side: Side, quote: Quote, instrument: Instrument, rules: Rules) -> Decimal:
    """Return the worst price at which an order is to trade: on the tick, above 0.

    A buy's is the ask, a sell's the bid, moved by `offset_bps` and at least a tick to the far side
    and rounded outward to the tick. It is not further from the mark than the collar, or than two
    ticks where those are more, rounded inward: if even the touch is further away, the order waits.

    Raises:
        PlanError: the quote is not usable.

    """
    with localcontext(EXACT):
        is_buy = side is Side.BUY
        sign = 1 if is_buy else -1
        inner, outer = (min, max) if is_buy else (max, min)
        touch = quote.ask if is_buy else quote.bid
        mark = quote.mark
        if not quote.is_usable or touch is None or mark is None:
            raise PlanError(f"{quote.symbol}: there is no usable quote")
        tick = instrument.tick_at(touch)
        limit = outer(
            instrument.round_price(touch * (1 + sign * rules.offset_bps * _BPS), up=is_buy),
            instrument.round_price(touch + sign * tick, up=is_buy),
        )
        width = max(mark * rules.collar, _COLLAR_TICKS * tick)
        edge = instrument.round_price(mark + sign * width, up=not is_buy)
        return max(inner(limit, edge), instrument.tick)
