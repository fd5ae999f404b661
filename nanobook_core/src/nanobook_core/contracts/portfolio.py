"""What the portfolio simulator asks of a plugin."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, runtime_checkable

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@runtime_checkable
class CostModel(Protocol):
    """Prices trades.

    Kind `cost_model`; the capability's target is called as `target(**settings)`.
    """

    def costs(self, quantity: NDArray[np.int64], price: NDArray[np.int64]) -> NDArray[np.int64]:
        """Cost of each trade, in money units, shape `(n_trades,)`.

        `quantity` is signed, in lots; `price` is positive, in money units per lot. A cost is never
        negative, and a trade of quantity 0 costs 0. The arrays are not changed, and the same trades
        always cost the same. Whether a fraction of a unit is rounded down (basis points, as in the
        seed) or up is the model's to document. A cost beyond 2^63-1 is capped there, never wrapped.
        """
        ...
