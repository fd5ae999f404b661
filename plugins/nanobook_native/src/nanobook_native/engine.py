"""`nanobook.Exchange` where there was a compiler."""

from __future__ import annotations

from nanobook_core.lob.exchange import ExchangeBase
from nanobook_native import _engine

__all__ = ["Exchange"]


class Exchange(_engine.Engine, ExchangeBase):
    """A limit order book and its matching engine, compiled; docs/order_book.md has the rules."""

    __slots__ = ()

    # Cython gives every class a reduction, which refuses where there are C structs.
    __reduce__ = ExchangeBase.__reduce__
