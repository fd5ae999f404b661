"""`nanobook.Exchange` where there was a compiler."""

from __future__ import annotations

from nanobook_core.lob.exchange import ExchangeBase, documented
from nanobook_native import _engine

__all__ = ["Exchange"]

documented(_engine.Engine)


class Exchange(_engine.Engine, ExchangeBase):
    """A limit order book and its matching engine for one instrument, compiled.

    `Exchange(*, stop_trigger="every", log_events=True)`: which prints elect stops, every one or, as
    in the original, only the `"last"` of a request; and whether requests are recorded, for
    `events()`, `save` and `replay`. Prices and quantities are whole numbers of units of your
    choice. Words may be strings in any case or our enums, numbers any integers that are no bools.

    Wrong arguments raise before anything changes: TypeError, OverflowError (out of range),
    ValidationError (a quantity of 0, or not an allowed word). ConcurrentUseError is raised where
    another thread, or a signal's handler, comes in the middle of a batch or of a long answer.
    docs/order_book.md has all the rules.
    """

    __slots__ = ()

    # Cython gives every class a reduction, which refuses where there are C structs.
    __reduce__ = ExchangeBase.__reduce__
