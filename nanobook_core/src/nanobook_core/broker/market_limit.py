"""The price that a market order goes no further than."""

from __future__ import annotations

from decimal import Decimal

from nanobook_core.contracts.broker_error import NoQuoteError
from nanobook_core.contracts.cents import WIDE
from nanobook_core.contracts.holding import Quote
from nanobook_core.contracts.instrument import Instrument
from nanobook_core.types import Side

_BPS = Decimal(10_000)


def market_limit(
    side: Side, quote: Quote, cap_bps: Decimal, rules: Instrument, *, broker: str
) -> Decimal:
    """Limit of a market order: so many basis points beyond the far touch, to the tick beyond that.

    A sale's is at least one tick.

    Raises:
        NoQuoteError: the prices are not those of a market that trades now.

    """
    if not quote.is_usable or quote.is_delayed:
        what = "halted" if quote.is_halted else "delayed" if quote.is_delayed else "one-sided"
        raise NoQuoteError(
            f"{quote.symbol}: a market order needs prices now, and they are {what}; give a limit, "
            "or market_cap_bps=None to send market orders without one",
            broker=broker,
        )
    assert quote.bid is not None  # noqa: S101 - a usable quote has both, mypy cannot know
    assert quote.ask is not None  # noqa: S101
    buys = side is Side.BUY
    factor = WIDE.divide(WIDE.add(_BPS, cap_bps if buys else cap_bps.copy_negate()), _BPS)
    limit = rules.round_price(WIDE.multiply(quote.ask if buys else quote.bid, factor), up=buys)
    return max(limit, rules.tick)
