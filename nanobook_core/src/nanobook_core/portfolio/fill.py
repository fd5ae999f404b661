"""What fill models fill, held to their contract."""

from __future__ import annotations

from typing import Any

import numpy as np

from nanobook_core import contracts
from nanobook_core.errors import ValidationError, shown


def fills_of(model: contracts.FillModel, request: contracts.FillRequest) -> contracts.Fills:
    """Return what a fill model fills of these orders.

    Raises:
        TypeError: it did not answer with `Fills` of int64 vectors of one length.
        ValidationError: it filled an order that was not sent, more than was asked, to the other
            side, or at a price below 1.

    """
    fills = model.fill(request)
    _check_types(model, request, fills)
    period, n_orders = request.period, len(request.quantity)
    is_sent = (fills.order >= 0) & (fills.order < n_orders)
    if not is_sent.all():
        raise ValidationError(
            f"period {period}: {model!r:.80} filled order {fills.order[~is_sent][0]}, which it was "
            f"not given; orders are from 0 to {n_orders - 1}"
        )
    asked = request.quantity[fills.order].astype(object)
    done = np.zeros(n_orders, object)
    np.add.at(done, fills.order, fills.quantity.astype(object))
    together = done[fills.order]
    for is_wrong, lots, rule in (
        (fills.price < 1, fills.quantity, "a price is at least 1"),
        (
            np.sign(fills.quantity) != np.sign(request.quantity[fills.order]),
            fills.quantity,
            "a fill is not 0, and has the sign of its order",
        ),
        (np.abs(together) > np.abs(asked), together, "no more is filled than was asked"),
    ):
        if is_wrong.any():
            fill = int(np.flatnonzero(is_wrong)[0])
            symbol = request.symbols[request.column[fills.order[fill]]]
            raise ValidationError(
                f"period {period}, symbol {symbol!r}: {model!r:.80} filled {lots[fill]} at "
                f"{fills.price[fill]} of an order of {asked[fill]}; {rule}"
            )
    return fills


def _check_types(
    model: contracts.FillModel, request: contracts.FillRequest, fills: contracts.Fills
) -> None:
    vectors: list[Any] = [getattr(fills, name, None) for name in ("order", "quantity", "price")]
    is_int64 = all(isinstance(v, np.ndarray) and v.dtype == np.int64 for v in vectors)
    if not is_int64 or any(v.shape != (vectors[0].size,) for v in vectors):
        raise TypeError(
            f"period {request.period}: {model!r:.80} gave {shown(fills)} for "
            f"{len(request.quantity)} orders; a fill model gives Fills(order, quantity, price), "
            "int64 arrays with one number a fill"
        )
