"""Everything is filled, at the price."""

from __future__ import annotations

import numpy as np
from attrs import frozen

from nanobook_core.contracts import FillRequest, Fills


@frozen
class Simple:
    """Fills every order in full at the price that it is sent at.

    Assumes that the market takes any size at that price, without a spread and without impact; what
    trading costs is the cost model's. It is what a simulation does without a fill model.
    """

    def fill(self, request: FillRequest) -> Fills:
        """All of the orders, each in one part."""
        return Fills(
            order=np.arange(len(request.quantity)),
            quantity=request.quantity.copy(),
            price=request.price.copy(),
        )
